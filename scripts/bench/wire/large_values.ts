/**
 * Large values: a list of 10 million elements, a hash of 5 million fields, a sorted set of 5
 * million members, a string of 512 MB; how long it takes to make them, what changes and questions
 * cost then (the median and the worst of many), and what it costs others when they are deleted.
 *
 *   deno run -A scripts/bench/wire/large_values.ts [--scale N] [--targets redis,redeno] [--types …]
 *
 *   --scale     part of the sizes above, 1 = all of it (default 1)
 *   --targets   whom to measure (default: both, one after the other)
 *   --types     some of list, hash, zset, string (default: all)
 *
 * One request in flight. The worst latency includes what the machine does meanwhile.
 */

import { parseArgs } from "@std/cli";
import {
  type Argument,
  encodeRequests,
  type RespClient,
} from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import { printLine } from "../../../tests/support/text.ts";
import { BOTH, type ContestantName, startContestant } from "../contestants.ts";
import { describeMachine } from "../results.ts";
import { markdownTable, percentile } from "../spread.ts";

interface Options {
  scale: number;
  targets: readonly ContestantName[];
  types: readonly string[];
}

interface LargeValue {
  size: number;
  /** A request that adds elements number `start` to `end` - 1. */
  fill: (start: number, end: number) => Argument[];
  fillStep: number;
  questions: Record<string, (size: number, random: SeededRandom) => Argument[]>;
}

const REQUESTS = 1000;
const PIPELINE = 20;
const MEGABYTE = 1024 * 1024;

function range(start: number, end: number, make: (index: number) => Argument[]): Argument[] {
  return Array.from({ length: end - start }, (_, offset) => make(start + offset)).flat();
}

const VALUES: Record<string, LargeValue> = {
  list: {
    size: 10_000_000,
    fill: (start, end) => ["RPUSH", "k", ...range(start, end, (index) => [`element:${index}`])],
    fillStep: 1000,
    questions: {
      LPUSH: () => ["LPUSH", "k", "x"],
      RPOP: () => ["RPOP", "k"],
      "LINDEX anywhere": (size, random) => ["LINDEX", "k", random.below(size)],
      "LSET anywhere": (size, random) => ["LSET", "k", random.below(size), "x"],
      "LRANGE of 100 in the middle": (size) => ["LRANGE", "k", size >> 1, (size >> 1) + 99],
    },
  },
  hash: {
    size: 5_000_000,
    fill: (start, end) => ["HSET", "k", ...range(start, end, (index) => [`field:${index}`, index])],
    fillStep: 500,
    questions: {
      HGET: (size, random) => ["HGET", "k", `field:${random.below(size)}`],
      HSET: (size, random) => ["HSET", "k", `field:${random.below(size * 2)}`, "x"],
      HDEL: (size, random) => ["HDEL", "k", `field:${random.below(size)}`],
      "HSCAN COUNT 100": (size, random) => ["HSCAN", "k", random.below(size), "COUNT", 100],
      HRANDFIELD: () => ["HRANDFIELD", "k"],
    },
  },
  zset: {
    size: 5_000_000,
    fill: (start, end) => ["ZADD", "k", ...range(start, end, (index) => [index, `m:${index}`])],
    fillStep: 500,
    questions: {
      ZADD: (size, random) => ["ZADD", "k", random.below(size), `m:${random.below(size * 2)}`],
      ZRANK: (size, random) => ["ZRANK", "k", `m:${random.below(size)}`],
      ZRANGE: (size, random) => {
        const first = random.below(size);
        return ["ZRANGE", "k", first, first + 9];
      },
      ZCOUNT: (size, random) => ["ZCOUNT", "k", random.below(size), size],
      ZPOPMIN: () => ["ZPOPMIN", "k"],
    },
  },
  string: {
    size: 512 * MEGABYTE - 100_000,
    fill: (start, end) => ["SETRANGE", "k", start, "x".repeat(end - start)],
    fillStep: MEGABYTE,
    questions: {
      "SETRANGE of 100": (
        size,
        random,
      ) => ["SETRANGE", "k", random.below(size - 100), "y".repeat(100)],
      "APPEND of 10": () => ["APPEND", "k", "0123456789"],
      SETBIT: (size, random) => ["SETBIT", "k", random.below(size) * 8 + 3, 1],
      "GETRANGE of 100": (size, random) => {
        const first = random.below(size - 100);
        return ["GETRANGE", "k", first, first + 99];
      },
      STRLEN: () => ["STRLEN", "k"],
    },
  },
};

async function timed(client: RespClient, request: readonly Argument[]): Promise<number> {
  const begin = performance.now();
  await client.exchangeBytes(encodeRequests([request]), 1);
  return performance.now() - begin;
}

function row(name: string, latencies: readonly number[]): string[] {
  return [name, ...[50, 99, 100].map((percent) => percentile(latencies, percent).toFixed(2))];
}

async function measure(target: ContestantName, type: string, scale: number): Promise<string[][]> {
  const contestant = BOTH.find(({ name }) => name === target)!;
  await using server = await startContestant(contestant);
  using client = await server.connect();
  using bystander = await server.connect();
  const value = VALUES[type];
  const size = Math.max(value.fillStep, Math.floor(value.size * scale));
  const label = `${contestant.title}: ${type}`;
  const begin = performance.now();
  const pipeline = value.fillStep === MEGABYTE ? 1 : PIPELINE;
  for (let start = 0; start < size;) {
    const requests: Argument[][] = [];
    for (; requests.length < pipeline && start < size; start += value.fillStep) {
      requests.push(value.fill(start, Math.min(size, start + value.fillStep)));
    }
    await client.exchangeBytes(encodeRequests(requests), requests.length);
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const rows = [[`${label} of ${size.toLocaleString("en-US")}, made in ${seconds} s`, "", "", ""]];
  const random = new SeededRandom(1);
  for (const [name, question] of Object.entries(value.questions)) {
    const latencies: number[] = [];
    for (let count = 0; count < REQUESTS; count++) {
      latencies.push(await timed(client, question(size, random)));
    }
    rows.push(row(`${label}: ${name}`, latencies));
  }
  // Pipelined: the bystander's PING stands right behind the DEL.
  const deletion = timed(client, ["DEL", "k"]);
  const waits = [await timed(bystander, ["PING"])];
  const deletionMs = await deletion;
  while (waits.length < REQUESTS) waits.push(await timed(bystander, ["PING"]));
  rows.push([`${label}: DEL`, "", "", deletionMs.toFixed(2)]);
  rows.push(row(`${label}: PING of another while memory comes back`, waits));
  return rows;
}

/** Measures one server after the other, type by type. */
export async function largeValuesTable(options: Options): Promise<string> {
  const rows: string[][] = [];
  for (const type of options.types) {
    for (const target of options.targets) rows.push(...await measure(target, type, options.scale));
  }
  return markdownTable(["latency in ms", "p50", "p99", "worst"], rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["scale", "targets", "types"] });
  printLine(describeMachine());
  printLine(
    await largeValuesTable({
      scale: Number(args.scale ?? 1),
      targets: (args.targets?.split(",") as ContestantName[] | undefined) ??
        BOTH.map(({ name }) => name),
      types: args.types?.split(",") ?? Object.keys(VALUES),
    }),
  );
}
