/**
 * What inserting costs while a child reads: new keys, fields and members, into tables of growing
 * size, first in peace and then during BGSAVE, both servers one after the other.
 *
 *   deno run -A scripts/bench/wire/inserts_while_saving.ts [--max N] [--rounds N]
 *
 *   --max      the largest table, a power of ten (default 1000000)
 *   --rounds   of each table and size (default 5)
 *
 * The save is made to last (rdb-key-save-delay) until all is measured. Requests go in batches of 50
 * over one connection, half as many as the table holds but 10,000 at most, so that tables grow on
 * the way. "Longest" is that of a whole batch: no request in it took longer.
 */

import { parseArgs } from "@std/cli";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { printNote } from "../../../tests/support/text.ts";
import { BOTH, type Contestant, startContestant } from "../contestants.ts";
import { benchKey, fill, infoNumber, runBatch } from "../loads.ts";
import { type Results, runBench } from "../results.ts";
import { median, shownNumber } from "../spread.ts";
import { standingsTable } from "../standings.ts";

interface Options {
  max: number;
  rounds: number;
}

const TABLES: Readonly<Record<string, (index: number) => string[]>> = {
  keys: (index) => ["SET", `k${benchKey(index)}`, "xxx"],
  "a hash": (index) => ["HSET", "table", benchKey(index), "xxx"],
  "a set": (index) => ["SADD", "table", benchKey(index)],
  "a zset": (index) => ["ZADD", "table", String((index * 7919) % 1_000_003), benchKey(index)],
};
const SMALLEST = 1000;
const BATCH = 50;
const INSERTS_MAX = 10_000;
/** Keys beside the table, and a pause for each: so long the save lasts. */
const OTHER_KEYS = 2000;
const PAUSE_US = 10_000;
const WARM_UP_INSERTS = 5000;

/** Milliseconds of each batch of inserts into a table that holds so many already. */
async function insert(
  client: RespClient,
  request: (index: number) => string[],
  size: number,
): Promise<number[]> {
  const batchMs: number[] = [];
  const end = size + Math.min(INSERTS_MAX, size / 2);
  for (let index = size; index < end; index += BATCH) {
    const requests = Array.from({ length: BATCH }, (_, offset) => request(index + offset));
    batchMs.push(await runBatch(client, requests));
  }
  return batchMs;
}

async function measure(
  contestant: Contestant,
  table: string,
  size: number,
  results: Results,
): Promise<void> {
  await using server = await startContestant(contestant);
  using client = await server.connect();
  const request = TABLES[table]!;
  // Code that compiles itself has done so before anything counts.
  await fill(client, WARM_UP_INSERTS, request);
  const medians: number[] = [];
  let longestMs = 0;
  for (const isSaving of [false, true]) {
    await client.expect("FLUSHALL");
    await fill(client, OTHER_KEYS, (index) => ["SET", `other:${index}`, "x"]);
    await fill(client, size, request);
    if (isSaving) {
      await client.expect("CONFIG", "SET", "rdb-key-save-delay", PAUSE_US);
      await client.expect("BGSAVE");
    }
    const batchMs = await insert(client, request, size);
    const isStillSaving = await infoNumber(client, "persistence", "rdb_bgsave_in_progress") === 1;
    if (isStillSaving !== isSaving) throw new Error("The save was over too soon");
    medians.push(median(batchMs));
    longestMs = Math.max(...batchMs);
  }
  // Which also ends the child: that of redis-server would outlive it.
  await client.expect("FLUSHALL");
  const what = nameOf(table, size);
  const ratio = medians[1]! / medians[0]!;
  results.add(`${what}: child to peace`, contestant.name, "×", ratio);
  results.add(`${what}: longest`, contestant.name, "ms", longestMs, `batches of ${BATCH}`);
  printNote(`${what}: ${contestant.title} ${ratio.toFixed(2)} ×, ${longestMs.toFixed(2)} ms`);
}

const nameOf = (table: string, size: number) => `inserting into ${table} of ${shownNumber(size)}`;

/** Measures both servers, table by table. */
export async function insertsTable({ max, rounds }: Options, results: Results): Promise<string> {
  const names: string[] = [];
  for (const table of Object.keys(TABLES)) {
    for (let size = SMALLEST; size <= max; size *= 10) {
      names.push(nameOf(table, size));
      for (let round = 0; round < rounds; round++) {
        for (const contestant of BOTH) await measure(contestant, table, size, results);
      }
    }
  }
  const rows = (metric: string) =>
    names.map((name) => ({ label: name, what: `${name}: ${metric}` }));
  return [
    standingsTable(results, BOTH, "during BGSAVE ÷ in peace", rows("child to peace")),
    standingsTable(results, BOTH, "longest batch during BGSAVE, ms", rows("longest")),
  ].join("\n\n");
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["max", "rounds"] });
  const options = { max: Number(args.max ?? 1_000_000), rounds: Number(args.rounds ?? 5) };
  await runBench((results) => insertsTable(options, results));
}
