/**
 * Streams of growing length: microseconds per command at 10^3, 10^4 … entries, both servers beside
 * each other. No line should bend upward: what a command does is to cost the same at every length,
 * but for the logarithm of a search.
 *
 *   deno run -A scripts/bench/wire/stream_sizes.ts [--largest N] [--rounds N]
 *
 *   --largest   the last length, a power of ten (default 1000000; 10000000 takes five minutes)
 *   --rounds    batches of each command, of which the quickest counts (default 15)
 *
 * Requests go in batches of 50 over one connection, so that the way there and back is shared; what
 * the neighbours on the machine take is in the slower batches. The stream has a group with a tenth
 * of its entries pending.
 */

import { parseArgs } from "@std/cli";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { Random } from "../../../src/base/random.ts";
import { BOTH, type Contestant, type ContestantName, startContestant } from "../contestants.ts";
import { fill, runBatch } from "../loads.ts";
import { type Results, runBench } from "../results.ts";
import { markdownTable } from "../spread.ts";

const SMALLEST = 1000;
const BATCH = 50;
/** Entries are 1-1, 1-2 …; new ones come behind all of them. */
const entryId = (index: number) => `1-${index}`;

interface Measured {
  name: string;
  /** A request at a length; NEXT, TAIL, NEW and LESS stand for what only the moment tells. */
  request: (length: number, random: Random, index: number) => string[];
}

const TAIL = "behind all but the last five entries";
const NEXT = "the entry that the group gets next";
const NEW = "an id that is new";
const LESS = "one entry less than there are";

/** An entry that is not pending, and is not trimmed away either unless the stream is short. */
const anyEntry = (length: number, random: Random) =>
  entryId(Math.floor(length * (0.5 + 0.4 * random.below(1000) / 1000)) + 1);

const READ_AS_GROUP = "XREADGROUP GROUP g c COUNT 1 STREAMS s >".split(" ");

/** In this order: those that only read come first. */
const MEASURED: readonly Measured[] = [
  { name: "XLEN", request: () => ["XLEN", "s"] },
  { name: "XREAD of the last 5", request: () => ["XREAD", "STREAMS", "s", TAIL] },
  {
    name: "XRANGE of 10, anywhere",
    request: (length, random) => ["XRANGE", "s", anyEntry(length, random), "+", "COUNT", "10"],
  },
  {
    name: "XREVRANGE of 10, end",
    request: () => ["XREVRANGE", "s", "+", "-", "COUNT", "10"],
  },
  { name: "XPENDING of 10", request: () => ["XPENDING", "s", "g", "-", "+", "10"] },
  { name: "XINFO STREAM", request: () => ["XINFO", "STREAM", "s"] },
  { name: "XINFO STREAM FULL", request: () => ["XINFO", "STREAM", "s", "FULL"] },
  {
    name: "XREADGROUP and XACK",
    request: (_length, _random, index) =>
      index % 2 === 0 ? READ_AS_GROUP : ["XACK", "s", "g", NEXT],
  },
  {
    name: "XDEL, anywhere",
    request: (length, random) => ["XDEL", "s", anyEntry(length, random)],
  },
  { name: "XTRIM of 1, first", request: () => ["XTRIM", "s", "MAXLEN", LESS] },
  { name: "XADD", request: () => ["XADD", "s", NEW, "field", "value"] },
  {
    name: "XADD MAXLEN ~",
    request: (length) => ["XADD", "s", "MAXLEN", "~", String(length), NEW, "field", "value"],
  },
];

/** One server with a stream that grows. */
class Stream {
  readonly #client: RespClient;
  readonly #random = new Random(1);
  #length = 0;
  /** The last entry, and the one that the group gets next. */
  #last = 0;
  #next = 0;
  /** What is left after trimming. */
  #left = 0;

  constructor(client: RespClient) {
    this.#client = client;
  }

  /** Makes a stream of this length anew. */
  async fill(length: number): Promise<void> {
    await this.#client.expect("DEL", "s");
    const entry = (index: number) => ["XADD", "s", entryId(index + 1), "field", "value"];
    await fill(this.#client, length, entry);
    await this.#client.expect("XGROUP", "CREATE", "s", "g", "0");
    const read = ["XREADGROUP", "GROUP", "g", "c", "COUNT", String(length / 10)];
    await runBatch(this.#client, [[...read, "STREAMS", "s", ">"]]);
    this.#length = length;
    this.#last = length;
    this.#next = length / 10 + 1;
  }

  /** Microseconds per request, of the quickest batch. */
  async measure({ request }: Measured, rounds: number): Promise<number> {
    let quickest = Infinity;
    this.#left = Number(await this.#client.expect("XLEN", "s"));
    for (let round = 0; round < rounds; round++) {
      const requests = Array.from(
        { length: BATCH },
        (_, index) => request(this.#length, this.#random, index).map((one) => this.#resolve(one)),
      );
      quickest = Math.min(quickest, await runBatch(this.#client, requests) * 1000 / BATCH);
    }
    return quickest;
  }

  #resolve(argument: string): string {
    switch (argument) {
      case TAIL:
        return entryId(this.#last - 5);
      case NEXT:
        return entryId(this.#next++);
      case NEW:
        return entryId(++this.#last);
      case LESS:
        return String(--this.#left);
    }
    return argument;
  }
}

async function timesOf(
  contestant: Contestant,
  lengths: readonly number[],
  rounds: number,
  results: Results,
): Promise<number[][]> {
  await using server = await startContestant(contestant);
  using client = await server.connect();
  const stream = new Stream(client);
  // The smallest length once more before all others, for the compiler.
  await stream.fill(SMALLEST);
  for (const measured of MEASURED) await stream.measure(measured, rounds);
  const times: number[][] = MEASURED.map(() => []);
  for (const length of lengths) {
    await stream.fill(length);
    for (const [index, measured] of MEASURED.entries()) {
      const us = await stream.measure(measured, rounds);
      times[index].push(us);
      const what = `stream of ${length} ${measured.name}: time`;
      results.add(what, contestant.name, "µs", us, `${rounds} batches`);
    }
  }
  return times;
}

/** A table of microseconds per command and length, ours below redis-server's. */
export async function streamSizesTable(
  largest: number,
  rounds: number,
  results: Results,
): Promise<string> {
  const lengths: number[] = [];
  for (let length = SMALLEST; length <= largest; length *= 10) lengths.push(length);
  const times = new Map<ContestantName, number[][]>();
  for (const contestant of BOTH) {
    times.set(contestant.name, await timesOf(contestant, lengths, rounds, results));
  }
  const rows = MEASURED.flatMap(({ name }, index) =>
    BOTH.map((contestant) => {
      const row = times.get(contestant.name)![index];
      const growth = (row.at(-1)! / row[0]).toFixed(1);
      return [`${name}, ${contestant.title}`, ...row.map((time) => time.toFixed(1)), growth];
    })
  );
  const header = ["µs per command", ...lengths.map((length) => length.toLocaleString("en-US"))];
  return markdownTable([...header, "growth"], rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["largest", "rounds"] });
  const [largest, rounds] = [Number(args.largest ?? 1e6), Number(args.rounds ?? 15)];
  await runBench((results) => streamSizesTable(largest, rounds, results));
}
