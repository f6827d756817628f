/**
 * Measures redis-server and Redeno side by side with redis-benchmark and prints one Markdown
 * table per profile, and one of memory.
 *
 *   deno run -A scripts/bench/compare.ts [options]
 *
 *   --rounds N      runs of each test at each server, alternating; the median counts (default 3)
 *   --requests N    requests per run (default 100000; 400000 when pipelined)
 *   --tests a,b     some tests only: ping_inline set get incr lpush … lrange_100 … mset
 *   --profile P     plain (-c 50 -P 1), pipelined (-c 50 -P 16 -r 1000000) or both (default)
 *   --keys N        keys of the memory table (default 1000000; 0 leaves it out)
 *   --smoke         tiny numbers: shows that everything runs, measures nothing
 *
 * REDENO_BINARY names a compiled executable to measure instead of the source. Columns: requests per
 * second and their ratio (more than 1: we are faster), CPU microseconds of the server process per
 * request and their ratio (less than 1: we are leaner).
 */

import { parseArgs } from "@std/cli";
import type { ServerProcess } from "../../tests/support/server_process.ts";
import { printLine, printNote } from "../../tests/support/text.ts";
import {
  describeMachine,
  markdownTable,
  median,
  nameOf,
  runBenchmark,
  type Sample,
  startForBench,
  TARGETS,
} from "./side_by_side.ts";
import { memoryTable } from "./wire/memory_per_key.ts";

interface Profile {
  name: string;
  args: string[];
  requests: number;
}

/** In this order, because the pops live on what the pushes leave. */
const TESTS = [
  ...["ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd"],
  ...["hset", "spop", "zadd", "zpopmin", "lrange_100", "lrange_300", "lrange_500", "lrange_600"],
  "mset",
];

const LIST_LENGTH = 1000;
const NOISE_NOTE = "Medians; both servers ran beside each other, one test at a time.";

/** LRANGE tests are said in full: redis-benchmark's own would be measured with their LPUSH. */
function testArguments(test: string): string[] {
  const range = /^lrange_(\d+)$/.exec(test);
  return range === null ? ["-t", test] : ["LRANGE", "mylist", "0", String(Number(range[1]) - 1)];
}

async function prepare(server: ServerProcess, test: string): Promise<void> {
  if (!test.startsWith("lrange_")) return;
  using client = await server.connect();
  await client.expect("DEL", "mylist");
  await client.expect("RPUSH", "mylist", ...Array<string>(LIST_LENGTH).fill("xxx"));
}

async function runTest(server: ServerProcess, profile: Profile, test: string): Promise<Sample> {
  await prepare(server, test);
  return await runBenchmark(server, [...profile.args, ...testArguments(test)], profile.requests);
}

async function profileTable(
  profile: Profile,
  tests: readonly string[],
  rounds: number,
): Promise<string> {
  await using redis = await startForBench("redis");
  await using ours = await startForBench("redeno");
  const servers = { redis, redeno: ours };
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const server of Object.values(servers)) {
      using client = await server.connect();
      await client.expect("FLUSHALL");
    }
    // Who goes first alternates, so that warm caches and a busy neighbour favour nobody.
    const order = round % 2 === 0 ? TARGETS : [...TARGETS].reverse();
    for (const test of tests) {
      for (const target of order) {
        const sample = await runTest(servers[target], profile, test);
        const key = `${test} ${target}`;
        samples.set(key, [...(samples.get(key) ?? []), sample]);
        printNote(
          `${profile.name}, round ${round + 1}: ${key} ${Math.round(sample.requestsPerSecond)}/s`,
        );
      }
    }
  }
  const rows = tests.map((test) => {
    return tableRow(test, samples.get(`${test} redis`)!, samples.get(`${test} redeno`)!);
  });
  const [theirs, own] = TARGETS.map(nameOf);
  const header = ["test", `${theirs} /s`, `${own} /s`, "ratio"];
  header.push(`${theirs} CPU µs`, `${own} CPU µs`, "ratio");
  return markdownTable(header, rows);
}

function tableRow(test: string, redis: readonly Sample[], ours: readonly Sample[]): string[] {
  const rates = [redis, ours].map((samples) => median(samples.map((one) => one.requestsPerSecond)));
  const cpus = [redis, ours].map((samples) => median(samples.map((one) => one.cpuMicroseconds)));
  return [
    test.toUpperCase(),
    ...rates.map((rate) => Math.round(rate).toLocaleString("en")),
    (rates[1] / rates[0]).toFixed(2),
    ...cpus.map((cpu) => cpu.toFixed(2)),
    // The kernel counts CPU time in steps of 10 ms: a short run may show none.
    cpus[0] > 0 ? (cpus[1] / cpus[0]).toFixed(2) : "–",
  ];
}

function profilesFor(isSmoke: boolean, requested?: string, only = "both"): Profile[] {
  const requests = (usual: number) => isSmoke ? 4000 : Number(requested ?? usual);
  const profiles: Record<string, Profile> = {
    plain: { name: "-c 50 -P 1", args: ["-c", "50", "-P", "1"], requests: requests(100_000) },
    pipelined: {
      name: "-c 50 -P 16 -r 1000000",
      args: ["-c", "50", "-P", "16", "-r", "1000000"],
      requests: requests(400_000),
    },
  };
  if (only === "both") return Object.values(profiles);
  if (profiles[only] === undefined) throw new RangeError(`Cannot find the profile "${only}"`);
  return [profiles[only]];
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    boolean: ["smoke"],
    string: ["rounds", "requests", "tests", "profile", "keys"],
  });
  const isSmoke = args.smoke === true;
  const rounds = isSmoke ? 1 : Number(args.rounds ?? 3);
  const tests = args.tests === undefined ? TESTS : args.tests.split(",");
  printLine(`${await describeMachine()}; ${rounds} rounds. ${NOISE_NOTE}`);
  for (const profile of profilesFor(isSmoke, args.requests, args.profile)) {
    const table = await profileTable(profile, tests, rounds);
    printLine(`\n\`redis-benchmark ${profile.name} -n ${profile.requests}\`\n\n${table}`);
  }
  const keyCount = Number(args.keys ?? (isSmoke ? 10_000 : 1_000_000));
  if (keyCount > 0) printLine(`\n${await memoryTable(keyCount)}`);
}
