/**
 * How long both servers take to save and to load: SAVE, BGSAVE, the size of the file, and loading
 * it at a start, for many small keys and for one large sorted set.
 *
 *   deno run -A scripts/bench/wire/save_and_load.ts [--keys N] [--members N] [--rounds N]
 *
 *   --keys      small keys: 16 bytes, with values of 3 bytes (default 7000000; 0: not measured)
 *   --members   members of the sorted set (default 5000000; 0: not measured)
 *   --rounds    of each at each server, alternating; the median counts (default 3)
 *
 * Nobody else asks the servers for anything meanwhile; see save_under_load.ts for that. Loading is
 * timed by the servers themselves ("DB loaded from disk"), so it leaves out the start of the
 * process. Prints a Markdown table; a ratio below 1 means that we are faster, or smaller.
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import {
  type ServerTarget,
  startServer,
  TemporaryDirectory,
} from "../../../tests/support/server_process.ts";
import { delay, printLine, utf8 } from "../../../tests/support/text.ts";
import {
  benchTarget,
  describeMachine,
  fillKeys,
  markdownTable,
  median,
  nameOf,
  TARGETS,
} from "../side_by_side.ts";

interface Options {
  keys: number;
  members: number;
  rounds: number;
}

interface Dataset {
  name: string;
  fill(client: RespClient): Promise<void>;
}

/** Seconds of each round, and the size of the file. */
interface Timings {
  save: number[];
  backgroundSave: number[];
  load: number[];
  fileBytes: number;
}

const READY_TIMEOUT_MS = 300_000;
const POLL_MS = 10;
const MIB = 1024 * 1024;

function datasetsOf({ keys, members }: Options): Dataset[] {
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
  return datasets;
}

/** Adds members of 16 bytes with random scores, 1,000 per command. */
async function fillSortedSet(client: RespClient, count: number): Promise<void> {
  const BATCH = 1000;
  const random = new SeededRandom(1);
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    let request = `*${2 + 2 * size}\r\n$4\r\nZADD\r\n$4\r\nzset\r\n`;
    for (let index = start; index < start + size; index++) {
      const score = String(random.below(1_000_000_000) / 1000);
      const member = `member:${String(index).padStart(9, "0")}`;
      request += `$${score.length}\r\n${score}\r\n$16\r\n${member}\r\n`;
    }
    await client.writeBytes(utf8(request));
    await client.receiveRaw();
  }
}

/** One server over all rounds of one dataset. */
class Contestant {
  readonly timings: Timings = { save: [], backgroundSave: [], load: [], fileBytes: 0 };

  constructor(readonly target: ServerTarget, readonly directory: string) {}

  start() {
    const { directory } = this;
    const target = benchTarget(this.target);
    return startServer({ target, directory, readyTimeoutMs: READY_TIMEOUT_MS });
  }

  async timeSaves(client: RespClient): Promise<void> {
    const { save, backgroundSave } = this.timings;
    save.push(await seconds(() => client.expect("SAVE")));
    backgroundSave.push(await seconds(() => saveInBackground(client)));
    this.timings.fileBytes = (await Deno.stat(join(this.directory, "dump.rdb"))).size;
  }

  async timeLoad(): Promise<void> {
    await using server = await this.start();
    // The server can be ready before its last lines have arrived here.
    await server.kill();
    const found = /DB loaded from disk: ([\d.]+) seconds/.exec(server.log);
    if (found === null) throw new Error(`Cannot see that the file was loaded:\n${server.log}`);
    this.timings.load.push(Number(found[1]));
  }
}

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

/** Who goes first alternates, so that a busy neighbour favours nobody. */
async function alternate(
  contestants: readonly Contestant[],
  rounds: number,
  action: (contestant: Contestant, index: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (turn + round) % contestants.length;
      await action(contestants[index], index);
    }
  }
}

async function measure(dataset: Dataset, rounds: number): Promise<string[][]> {
  await using left = await TemporaryDirectory.create();
  await using right = await TemporaryDirectory.create();
  const contestants = [left, right].map(({ path }, index) => new Contestant(TARGETS[index], path));
  {
    await using redis = await contestants[0].start();
    await using ours = await contestants[1].start();
    using redisClient = await redis.connect();
    using ourClient = await ours.connect();
    const clients = [redisClient, ourClient];
    for (const client of clients) await dataset.fill(client);
    await alternate(contestants, rounds, (each, index) => each.timeSaves(clients[index]));
  }
  await alternate(contestants, rounds, (each) => each.timeLoad());
  const [redis, ours] = contestants.map(({ timings }) => timings);
  const row = (what: string, digits: number, value: (timings: Timings) => number) => {
    const [theirs, our] = [value(redis), value(ours)];
    const cells = [theirs, our].map((cell) => cell.toFixed(digits));
    return [`${dataset.name}: ${what}`, ...cells, (our / theirs).toFixed(2)];
  };
  return [
    row("SAVE, s", 2, ({ save }) => median(save)),
    row("BGSAVE, s", 2, ({ backgroundSave }) => median(backgroundSave)),
    row("file, MiB", 1, ({ fileBytes }) => fileBytes / MIB),
    row("load, s", 2, ({ load }) => median(load)),
  ];
}

/** Measures both servers beside each other, dataset by dataset. */
export async function saveAndLoadTable(options: Options): Promise<string> {
  const rows: string[][] = [];
  for (const dataset of datasetsOf(options)) rows.push(...await measure(dataset, options.rounds));
  return markdownTable(["RDB", ...TARGETS.map(nameOf), "ratio"], rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["keys", "members", "rounds"] });
  printLine(`${await describeMachine()}\n`);
  printLine(
    await saveAndLoadTable({
      keys: Number(args.keys ?? 7_000_000),
      members: Number(args.members ?? 5_000_000),
      rounds: Number(args.rounds ?? 3),
    }),
  );
}
