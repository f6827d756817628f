/**
 * How long both servers take to save and to load: SAVE, BGSAVE, the size of the file, and loading
 * it at a start, for many small keys, one large sorted set, and many small hashes.
 *
 *   deno run -A scripts/bench/wire/save_and_load.ts [--keys N] [--members N] [--hashes N]
 *                [--rounds N]
 *
 *   --keys      small keys: 16 bytes, with values of 3 bytes (default 5000000; 0: not measured)
 *   --members   members of the sorted set (default 1500000; 0: not measured)
 *   --hashes    hashes of ten fields (default 1000000; 0: not measured)
 *   --rounds    of each at each server, alternating; the median counts (default 5)
 *
 * Nobody else asks the servers for anything meanwhile; see save_under_load.ts for that. Loading is
 * timed by the servers themselves ("DB loaded from disk"), so it leaves out the start of the
 * process. Prints a Markdown table; a ratio below 1 means that we are faster, or smaller.
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import { TemporaryDirectory } from "../../../tests/support/server_process.ts";
import { delay } from "../../../tests/support/text.ts";
import { alternate, BOTH, type Contestant, startContestant } from "../contestants.ts";
import { benchKey, fill, fillKeys } from "../loads.ts";
import { type Results, runBench } from "../results.ts";
import { standingsTable } from "../standings.ts";

interface Options {
  keys: number;
  members: number;
  hashes: number;
  rounds: number;
}

interface Dataset {
  name: string;
  fill(client: RespClient): Promise<void>;
}

const POLL_MS = 10;
const MIB = 1024 * 1024;

function datasetsOf({ keys, members, hashes }: Options): Dataset[] {
  const count = (value: number) => value.toLocaleString("en-US");
  const datasets: Dataset[] = [];
  if (keys > 0) {
    const fill = (client: RespClient) => fillKeys(client, keys, "xxx");
    datasets.push({ name: `${count(keys)} keys`, fill });
  }
  if (members > 0) {
    const fill = (client: RespClient) => fillSortedSet(client, members);
    datasets.push({ name: `zset of ${count(members)}`, fill });
  }
  if (hashes > 0) {
    const fields = Array.from({ length: 10 }, (_, n) => [`field:${n}`, `value:${n}`]).flat();
    const make = (index: number) => ["HSET", benchKey(index), ...fields];
    datasets.push({
      name: `${count(hashes)} hashes`,
      fill: (client) => fill(client, hashes, make),
    });
  }
  return datasets;
}

/** Adds members of 16 bytes with random scores, 1,000 per command. */
function fillSortedSet(client: RespClient, count: number): Promise<void> {
  const BATCH = 1000;
  const random = new SeededRandom(1);
  return fill(client, Math.ceil(count / BATCH), (batch) => {
    const start = batch * BATCH;
    const size = Math.min(BATCH, count - start);
    const pairs = Array.from({ length: size }, (_, offset) => [
      random.below(1_000_000_000) / 1000,
      `member:${String(start + offset).padStart(9, "0")}`,
    ]);
    return ["ZADD", "zset", ...pairs.flat()];
  });
}

/** One server over all rounds of one dataset. */
class Saver {
  constructor(
    readonly contestant: Contestant,
    readonly directory: string,
    readonly dataset: Dataset,
    readonly results: Results,
  ) {}

  start() {
    return startContestant(this.contestant, [], { directory: this.directory });
  }

  add(metric: string, unit: "s" | "MiB", value: number): void {
    this.results.add(nameOf(this.dataset, metric), this.contestant.name, unit, value);
  }

  async timeSaves(client: RespClient): Promise<void> {
    this.add("SAVE", "s", await seconds(() => client.expect("SAVE")));
    this.add("BGSAVE", "s", await seconds(() => saveInBackground(client)));
    this.add("file", "MiB", (await Deno.stat(join(this.directory, "dump.rdb"))).size / MIB);
  }

  async timeLoad(): Promise<void> {
    await using server = await this.start();
    // The server can be ready before its last lines have arrived here.
    await server.kill();
    const found = /DB loaded from disk: ([\d.]+) seconds/.exec(server.log);
    if (found === null) throw new Error(`Cannot see that the file was loaded:\n${server.log}`);
    this.add("load", "s", Number(found[1]));
  }
}

const METRICS = [["SAVE", "s"], ["BGSAVE", "s"], ["file", "MiB"], ["load", "s"]] as const;
const nameOf = (dataset: Dataset, metric: string) => `save and load, ${dataset.name}: ${metric}`;

async function seconds(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return (performance.now() - begin) / 1000;
}

async function saveInBackground(client: RespClient): Promise<void> {
  await client.expect("BGSAVE");
  for (;;) {
    await delay(POLL_MS);
    const info = String(await client.expect("INFO", "persistence"));
    if (!/rdb_bgsave_in_progress:0/.test(info)) continue;
    if (/rdb_last_bgsave_status:ok/.test(info)) return;
    throw new Error("Cannot save in the background");
  }
}

async function measure(dataset: Dataset, rounds: number, results: Results): Promise<void> {
  await using left = await TemporaryDirectory.create();
  await using right = await TemporaryDirectory.create();
  const savers = [left, right].map(({ path }, index) =>
    new Saver(BOTH[index]!, path, dataset, results)
  );
  {
    await using redis = await savers[0]!.start();
    await using ours = await savers[1]!.start();
    using redisClient = await redis.connect();
    using ourClient = await ours.connect();
    const clients = [redisClient, ourClient];
    for (const client of clients) await dataset.fill(client);
    await alternate(savers, rounds, (saver) => saver.timeSaves(clients[savers.indexOf(saver)]!));
  }
  await alternate(savers, rounds, (saver) => saver.timeLoad());
}

/** Measures both servers beside each other, dataset by dataset. */
export async function saveAndLoadTable(options: Options, results: Results): Promise<string> {
  const datasets = datasetsOf(options);
  for (const dataset of datasets) await measure(dataset, options.rounds, results);
  const rows = datasets.flatMap((dataset) =>
    METRICS.map(([metric, unit]) => ({
      label: `${dataset.name}: ${metric}, ${unit}`,
      what: nameOf(dataset, metric),
    }))
  );
  return standingsTable(results, BOTH, "RDB", rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["keys", "members", "hashes", "rounds"] });
  const options = {
    keys: Number(args.keys ?? 5_000_000),
    members: Number(args.members ?? 1_500_000),
    hashes: Number(args.hashes ?? 1_000_000),
    rounds: Number(args.rounds ?? 5),
  };
  await runBench((results) => saveAndLoadTable(options, results));
}
