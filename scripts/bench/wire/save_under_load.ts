/**
 * What clients feel while the server saves: a paced client writes and measures each reply, first in
 * peace, then during BGSAVE, at both servers.
 *
 *   deno run -A scripts/bench/wire/save_under_load.ts [--keys N] [--bytes N] [--rounds N]
 *
 *   --keys     keys to save (default 1000000)
 *   --bytes    bytes of each value (default 100)
 *   --rounds   saves at each server (default 3); the latencies of all are taken together
 *
 * One request in flight, a pause after each, keys all over the dataset: each write may be the
 * first one to a frozen piece of memory, which is what can hurt.
 */

import { parseArgs } from "@std/cli";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import type { ServerTarget } from "../../../tests/support/server_process.ts";
import { delay, printLine } from "../../../tests/support/text.ts";
import {
  benchKey,
  describeMachine,
  fillKeys,
  markdownTable,
  nameOf,
  percentile,
  startForBench,
  TARGETS,
} from "../side_by_side.ts";

interface Options {
  keys: number;
  bytes: number;
  rounds: number;
}

const PEACE_MS = 2000;
/** Writes between two pauses: enough to touch much of the dataset during one save. */
const WRITES_PER_PAUSE = 20;

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

async function saveInBackground(client: RespClient): Promise<number> {
  const start = performance.now();
  await client.expect("BGSAVE");
  while (true) {
    const info = String(await client.expect("INFO", "persistence"));
    if (/rdb_bgsave_in_progress:0/.test(info)) {
      if (!/rdb_last_bgsave_status:ok/.test(info)) throw new Error("Cannot save");
      return performance.now() - start;
    }
    await delay(20);
  }
}

async function measure(target: ServerTarget, options: Options): Promise<string[][]> {
  await using server = await startForBench(target);
  using writer = await server.connect();
  using saver = await server.connect();
  await fillKeys(writer, options.keys, "x".repeat(options.bytes));
  const peaceEnd = performance.now() + PEACE_MS;
  const peace = await pacedWrites(writer, options, () => performance.now() > peaceEnd);
  const saving: number[] = [];
  let saveMs = 0;
  for (let round = 0; round < options.rounds; round++) {
    let isSaved = false;
    const save = saveInBackground(saver).then((durationMs) => {
      isSaved = true;
      saveMs += durationMs;
    });
    saving.push(...await pacedWrites(writer, options, () => isSaved));
    await save;
  }
  const name = nameOf(target);
  const seconds = (saveMs / options.rounds / 1000).toFixed(2);
  return [
    latencyRow(`${name}, in peace`, peace, "–"),
    latencyRow(`${name}, during BGSAVE`, saving, seconds),
  ];
}

function latencyRow(name: string, latencies: readonly number[], seconds: string): string[] {
  const cells = [50, 99, 99.9, 100].map((percent) => percentile(latencies, percent).toFixed(2));
  return [name, String(latencies.length), ...cells, seconds];
}

/** Measures both servers, one after the other. */
export async function saveUnderLoadTable(options: Options): Promise<string> {
  const rows: string[][] = [];
  for (const target of TARGETS) rows.push(...await measure(target, options));
  const header = ["latency in ms", "requests", "p50", "p99", "p99.9", "max", "BGSAVE s"];
  return markdownTable(header, rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["keys", "bytes", "rounds"] });
  const options = {
    keys: Number(args.keys ?? 1_000_000),
    bytes: Number(args.bytes ?? 100),
    rounds: Number(args.rounds ?? 3),
  };
  printLine(`${await describeMachine()}; ${options.keys} keys of ${options.bytes} bytes\n`);
  printLine(await saveUnderLoadTable(options));
}
