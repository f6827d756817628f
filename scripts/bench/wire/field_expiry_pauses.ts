/**
 * What it costs when fields of hashes expire by the million: hashes whose fields all have a time of
 * their own within a minute; a client that asks meanwhile, one request after the other, feels every
 * pause. Redeno beside redis-server 8.2 (REDIS_8 names the program; without it, Redeno alone).
 *
 *   deno run -A scripts/bench/wire/field_expiry_pauses.ts [--hashes N] [--fields N] [--seconds N]
 *
 *   --hashes     how many (default 1000000)
 *   --fields     fields of each (default 10)
 *   --seconds    within which they expire (default 60)
 *
 * A pause is told twice: how long a reply took, which on a busy machine is also what others took;
 * and how much processor time the server's main thread used between request and reply, which is
 * what the server itself did before it answered.
 */

import { parseArgs } from "@std/cli";
import * as clock from "../../../src/base/clock.ts";
import { mainThreadMs, residentBytes } from "../../../tests/support/process_stat.ts";
import {
  infoOf,
  missingPeer,
  type PeerKind,
  startPeer,
} from "../../../tests/support/replication_pair.ts";
import { encodeRequests, type RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { delay, printLine } from "../../../tests/support/text.ts";
import { describeMachine } from "../results.ts";
import { markdownTable, percentile } from "../spread.ts";

interface Options {
  hashes: number;
  fields: number;
  seconds: number;
}

const BATCH = 500;
/** The first hashes tell how long all of them take. */
const PACE_SHARE = 0.02;
/** How much longer than that it may take. */
const PACE_MARGIN = 1.5;
const PROBE = encodeRequests([["HGET", "probe", "field"]]);
/** Requests between two pauses of a millisecond. */
const PROBES_PER_PAUSE = 4;
/** Memory is looked at so long after the last field has gone. */
const REST_MS = 10_000;

function nameOf(index: number): string {
  return `hash:${index}`;
}

/** Sends requests of the hashes from `start` to `end` - 1 in pipelines. */
async function sendFor(
  client: RespClient,
  start: number,
  end: number,
  make: (index: number) => (string | number)[][],
): Promise<void> {
  for (let first = start; first < end; first += BATCH) {
    const requests = [];
    for (let index = first; index < Math.min(end, first + BATCH); index++) {
      requests.push(...make(index));
    }
    await client.exchangeBytes(encodeRequests(requests), requests.length);
  }
}

/** Gives every field a time between the one returned and `seconds` later. */
async function setTimes(client: RespClient, options: Options): Promise<number> {
  const { hashes, fields, seconds } = options;
  const random = new SeededRandom(1);
  const timesFrom = (beginMs: number) => (index: number) =>
    Array.from({ length: fields }, (_, field) => {
      const atMs = beginMs + random.below(seconds * 1000);
      return ["HPEXPIREAT", nameOf(index), atMs, "FIELDS", "1", `field:${field}`];
    });
  const part = Math.max(1, Math.ceil(hashes * PACE_SHARE));
  const farMs = clock.systemMs() + 86_400_000;
  // The first time tells how slow a server is that has just begun.
  await sendFor(client, 0, part, timesFrom(farMs));
  const startMs = clock.systemMs();
  await sendFor(client, 0, part, timesFrom(farMs));
  const paceMs = (clock.systemMs() - startMs) / part;
  const beginMs = clock.systemMs() + Math.ceil(paceMs * hashes * PACE_MARGIN) + 1000;
  await sendFor(client, 0, hashes, timesFrom(beginMs));
  return beginMs;
}

interface Probes {
  waitedMs: number[];
  usedMs: number[];
  /** How long after the last time the last field was gone. */
  lateMs: number;
}

/** Asks until all fields are gone. */
async function probe(
  server: ServerProcess,
  clients: { probing: RespClient; counting: RespClient },
  endMs: number,
): Promise<Probes> {
  const waitedMs: number[] = [];
  const usedMs: number[] = [];
  for (;;) {
    for (let i = 0; i < PROBES_PER_PAUSE; i++) {
      const usedBefore = mainThreadMs(server.pid);
      const before = performance.now();
      await clients.probing.exchangeBytes(PROBE, 1);
      waitedMs.push(performance.now() - before);
      usedMs.push(mainThreadMs(server.pid) - usedBefore);
    }
    const overMs = clock.systemMs() - endMs;
    if (overMs > 0 && await clients.counting.expect("DBSIZE") === 1) {
      return { waitedMs, usedMs, lateMs: overMs };
    }
    await delay(1);
  }
}

async function memoryOf(server: ServerProcess, client: RespClient): Promise<string> {
  const used = Number((await infoOf(client, "memory")).get("used_memory"));
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(0);
  return `${mebibytes(used)} / ${mebibytes(residentBytes(server.pid))}`;
}

async function measure(kind: PeerKind, options: Options): Promise<string[]> {
  await using server = await startPeer(kind, { release: "default" });
  using probing = await server.connect();
  using counting = await server.connect();
  await probing.expect("HSET", "probe", "field", "value");
  const memory = [await memoryOf(server, counting)];
  const pairs = Array.from({ length: options.fields }, (_, field) => [`field:${field}`, "value"]);
  await sendFor(counting, 0, options.hashes, (index) => [["HSET", nameOf(index), ...pairs.flat()]]);
  const beginMs = await setTimes(counting, options);
  memory.push(await memoryOf(server, counting));
  if (clock.systemMs() > beginMs) {
    throw new Error("Fields expired before all had a time: try again");
  }
  await delay(beginMs - clock.systemMs());
  const clients = { probing, counting };
  const { waitedMs, usedMs, lateMs } = await probe(
    server,
    clients,
    beginMs + options.seconds * 1000,
  );
  await delay(REST_MS);
  memory.push(await memoryOf(server, counting));
  const cells = [50, 99, 99.9, 100].map((percent) =>
    `${percentile(waitedMs, percent).toFixed(2)} / ${percentile(usedMs, percent).toFixed(2)}`
  );
  return [
    kind === "redeno" ? "Redeno" : "redis-server 8.2",
    String(waitedMs.length),
    ...cells,
    (lateMs / 1000).toFixed(1),
    ...memory,
  ];
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["hashes", "fields", "seconds"] });
  const options = {
    hashes: Number(args.hashes ?? 1_000_000),
    fields: Number(args.fields ?? 10),
    seconds: Number(args.seconds ?? 60),
  };
  const { hashes, fields, seconds } = options;
  printLine(
    `${await describeMachine()}; ${hashes} hashes of ${fields} fields, which all expire within ` +
      `${seconds} s\n`,
  );
  const rows = [await measure("redeno", options)];
  const missing = missingPeer("redis 8.2");
  if (missing === null) rows.push(await measure("redis 8.2", options));
  else printLine(`redis-server 8.2 is left out: ${missing}`);
  const header = ["ms waited / used by the server", "requests", "p50", "p99", "p99.9", "max"];
  header.push("all gone, s late", "MiB used / resident: before", "full", "after");
  printLine(markdownTable(header, rows));
}
