/**
 * SCAN while another connection inserts and deletes: every key that is there throughout is returned
 * by every scan, and none that never was.
 *
 * 200,000 changes by default; REDENO_STRESS=full makes ten million. The other keys come and go in
 * waves, so that the table grows and shrinks to a fraction many times. Prints what it has seen.
 */

import { assertEquals } from "@std/assert";
import { encodeRequests, type RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { printLine } from "../support/text.ts";
import { IS_FULL } from "./stress_support.ts";

const CHANGE_COUNT = IS_FULL ? 10_000_000 : 200_000;
const LASTING_COUNT = IS_FULL ? 20_000 : 2_000;
/** Keys that come before they go again. */
const WAVE = IS_FULL ? 500_000 : 20_000;
const PIPELINE = 500;

interface Change {
  done: number;
  isOver: boolean;
}

async function fill(client: RespClient, name: (index: number) => string, count: number) {
  for (let start = 0; start < count; start += PIPELINE) {
    const size = Math.min(PIPELINE, count - start);
    await client.expectMany(
      Array.from({ length: size }, (_, offset) => ["SET", name(start + offset), "v"]),
    );
  }
}

/** Sets a wave of keys, then deletes it, until there have been enough changes. */
async function change(client: RespClient, progress: Change): Promise<void> {
  while (progress.done < CHANGE_COUNT) {
    const step = progress.done % (2 * WAVE);
    const isInsert = step < WAVE;
    const requests = Array.from({ length: PIPELINE }, (_, offset) => {
      const key = `passing:${step % WAVE + offset}`;
      return isInsert ? ["SET", key, "v"] : ["DEL", key];
    });
    await client.exchangeBytes(encodeRequests(requests), PIPELINE);
    progress.done += PIPELINE;
  }
  progress.isOver = true;
}

/** One scan from cursor 0 to cursor 0: how often each key came. */
async function scan(client: RespClient): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  let cursor = "0";
  do {
    const reply = await client.expect("SCAN", cursor, "COUNT", 1000) as [string, string[]];
    cursor = reply[0];
    for (const key of reply[1]) seen.set(key, (seen.get(key) ?? 0) + 1);
  } while (cursor !== "0");
  return seen;
}

Deno.test(`SCAN during ${CHANGE_COUNT} changes returns all that was there throughout`, async () => {
  await using server = await startServer();
  using writer = await server.connect();
  using reader = await server.connect();
  await fill(writer, (index) => `lasting:${index}`, LASTING_COUNT);
  const progress: Change = { done: 0, isOver: false };
  const begin = performance.now();
  const changing = change(writer, progress);
  let scans = 0;
  let returned = 0;
  let repeated = 0;
  while (!progress.isOver) {
    const seen = await scan(reader);
    scans++;
    let lasting = 0;
    for (const [key, times] of seen) {
      if (key.startsWith("lasting:")) lasting++;
      else assertEquals(/^passing:\d+$/.test(key), true, key);
      returned += times;
      repeated += times - 1;
    }
    assertEquals(lasting, LASTING_COUNT, `scan ${scans}, after ${progress.done} changes`);
  }
  await changing;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  printLine(
    `${progress.done} changes in ${seconds} s; ${scans} scans meanwhile returned ${returned} ` +
      `keys, ${repeated} of them again; all ${LASTING_COUNT} lasting keys in each`,
  );
});
