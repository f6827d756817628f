/**
 * What clients feel while the server saves: a paced client writes and measures each reply, first in
 * peace, then during BGSAVE, at both servers.
 *
 *   deno run -A scripts/bench/wire/save_under_load.ts [--keys N] [--bytes N] [--rounds N]
 *
 *   --keys     keys to save (default 1000000)
 *   --bytes    bytes of each value (default 1000: with the default keys, 1 GB)
 *   --rounds   saves at each server (default 3); the latencies of all are taken together
 *
 * One request in flight, a pause after each, keys all over the dataset: each write may be the
 * first one to a frozen piece of memory, which is what can hurt.
 *
 * Memory: resident before the first save, and the most it ever was; for redis-server with what its
 * child did not share (rdb_last_cow_size), for Redeno as it is, having no second process.
 */

import { parseArgs } from "@std/cli";
import { peakResidentBytes, residentBytes } from "../../../tests/support/process_stat.ts";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import { delay } from "../../../tests/support/text.ts";
import { BOTH, type Contestant, startContestant } from "../contestants.ts";
import { benchKey, fillKeys } from "../loads.ts";
import { type Results, runBench } from "../results.ts";
import { markdownTable, median, percentile } from "../spread.ts";

interface Options {
  keys: number;
  bytes: number;
  rounds: number;
}

const PEACE_MS = 2000;
/** Writes between two pauses: enough to touch much of the dataset during one save. */
const WRITES_PER_PAUSE = 20;

const MIB = 1024 * 1024;
const PERCENTILES = [["p50", 50], ["p99", 99], ["p99.9", 99.9], ["longest", 100]] as const;

/** Writes until `isOver` and returns the latency of each request in milliseconds. */
async function pacedWrites(
  client: RespClient,
  options: Options,
  isOver: () => boolean,
): Promise<number[]> {
  const random = new SeededRandom(1);
  const value = "y".repeat(options.bytes);
  const latencies: number[] = [];
  while (!isOver()) {
    for (let i = 0; i < WRITES_PER_PAUSE; i++) {
      const key = benchKey(random.below(options.keys));
      const start = performance.now();
      await client.expect("SET", key, value);
      latencies.push(performance.now() - start);
    }
    await delay(1);
  }
  return latencies;
}

/** Saves; returns how long it took in ms, and the bytes that were copied for it. */
async function saveInBackground(
  client: RespClient,
): Promise<{ durationMs: number; copiedBytes: number }> {
  const start = performance.now();
  await client.expect("BGSAVE");
  while (true) {
    const info = String(await client.expect("INFO", "persistence"));
    if (/rdb_bgsave_in_progress:0/.test(info)) {
      if (!/rdb_last_bgsave_status:ok/.test(info)) throw new Error("Cannot save");
      const copiedBytes = Number(/^rdb_last_cow_size:(\d+)/m.exec(info)![1]);
      return { durationMs: performance.now() - start, copiedBytes };
    }
    await delay(20);
  }
}

async function measure(
  contestant: Contestant,
  options: Options,
  results: Results,
): Promise<string[][]> {
  await using server = await startContestant(contestant);
  using writer = await server.connect();
  using saver = await server.connect();
  await fillKeys(writer, options.keys, "x".repeat(options.bytes));
  const peaceEnd = performance.now() + PEACE_MS;
  const peace = await pacedWrites(writer, options, () => performance.now() > peaceEnd);
  const saving: number[] = [];
  const load = `${options.keys} keys of ${options.bytes} bytes`;
  const restBytes = residentBytes(server.pid);
  let copiedBytesMax = 0;
  for (let round = 0; round < options.rounds; round++) {
    let isSaved = false;
    const save = saveInBackground(saver).then(({ durationMs, copiedBytes }) => {
      isSaved = true;
      results.add("during BGSAVE: time", contestant.name, "s", durationMs / 1000, load);
      copiedBytesMax = Math.max(copiedBytesMax, copiedBytes);
    });
    saving.push(...await pacedWrites(writer, options, () => isSaved));
    await save;
  }
  const hasChildProcess = contestant.target === "redis";
  const peakBytes = peakResidentBytes(server.pid) + (hasChildProcess ? copiedBytesMax : 0);
  for (const [moment, delaysMs] of [["before", peace], ["during", saving]] as const) {
    for (const [label, percent] of PERCENTILES) {
      const value = percentile(delaysMs, percent);
      results.add(`${moment} BGSAVE: ${label}`, contestant.name, "ms", value, load);
    }
  }
  results.add("before BGSAVE: resident", contestant.name, "MiB", restBytes / MIB, load);
  results.add("during BGSAVE: peak resident", contestant.name, "MiB", peakBytes / MIB, load);
  results.add("during BGSAVE: peak to data", contestant.name, "×", peakBytes / restBytes, load);
  const seconds = median(results.values("during BGSAVE: time", contestant.name)).toFixed(2);
  const name = contestant.title;
  return [
    [...latencyCells(`${name}, in peace`, peace), "–", mebibytes(restBytes)],
    [...latencyCells(`${name}, during BGSAVE`, saving), seconds, mebibytes(peakBytes)],
  ];
}

function latencyCells(name: string, latencies: readonly number[]): string[] {
  const cells = PERCENTILES.map(([, percent]) => percentile(latencies, percent).toFixed(2));
  return [name, String(latencies.length), ...cells];
}

function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

/** Measures both servers, one after the other. */
export async function saveUnderLoadTable(options: Options, results: Results): Promise<string> {
  const rows: string[][] = [];
  for (const contestant of BOTH) rows.push(...await measure(contestant, options, results));
  const header = ["latency in ms", "requests", "p50", "p99", "p99.9", "max", "BGSAVE s"];
  header.push("peak RSS, MiB");
  return markdownTable(header, rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["keys", "bytes", "rounds"] });
  const options = {
    keys: Number(args.keys ?? 1_000_000),
    bytes: Number(args.bytes ?? 1000),
    rounds: Number(args.rounds ?? 3),
  };
  await runBench((results) => saveUnderLoadTable(options, results));
}
