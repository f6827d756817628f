/**
 * Parts of `compare.ts` that redis-benchmark drives: its default tests plain and pipelined, numbers
 * of clients and depths of pipelines, sizes of values, the first requests after a start, and a new
 * connection for each request. Of each run: requests per second, CPU microseconds of the server's
 * process per request, the 99th of 100 delays.
 */

import type { ServerProcess } from "../../tests/support/server_process.ts";
import { printNote } from "../../tests/support/text.ts";
import { alternate, type Contestant, Field, inTurn, type Runner } from "./contestants.ts";
import { runBenchmark } from "./loads.ts";
import type { Results, Unit } from "./results.ts";
import { shownNumber } from "./spread.ts";
import { standingsTable } from "./standings.ts";

/** What every part is given. */
export interface PartContext {
  contestants: readonly Contestant[];
  results: Results;
  rounds: number;
  /** Times as many requests as usual. */
  scale: number;
  /** Names of the tests of redis-benchmark that are wanted. */
  tests: readonly string[];
  isSmoke: boolean;
}

/** In this order, because the pops live on what the pushes leave. */
export const DEFAULT_TESTS: readonly string[] = [
  ...["ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd"],
  ...["hset", "spop", "zadd", "zpopmin", "lrange_100", "lrange_300", "lrange_500", "lrange_600"],
  "mset",
];

const LIST_LENGTH = 1000;
/** A smoke run has so many requests of everything. */
const SMOKE_REQUESTS = 1000;

/** One line of a table: a test of redis-benchmark with its options. */
interface Case {
  label: string;
  test: string;
  args: readonly string[];
  requests: number;
}

/** What is measured of each run. */
export const REQUEST_METRICS: readonly (readonly [name: string, unit: Unit, heading: string])[] = [
  ["rate", "/s", "requests per second"],
  ["CPU", "µs", "CPU µs per request"],
  ["p99", "ms", "p99 in ms"],
];

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

/** Ten keys in one request, or a long reply, take their time: less of them will do. */
function requestsOf(test: string, usual: number): number {
  if (test === "mset") return Math.ceil(usual / 5);
  const range = /^lrange_(\d+)$/.exec(test);
  return Math.ceil(range === null ? usual : usual / (Number(range[1]) / 20));
}

async function measureCase(
  part: string,
  { contestant, server }: Runner,
  one: Case,
  { results, isSmoke }: PartContext,
): Promise<void> {
  const requests = isSmoke ? SMOKE_REQUESTS : Math.max(100, Math.ceil(one.requests));
  await prepare(server, one.test);
  const args = [...one.args, ...testArguments(one.test)];
  const sample = await runBenchmark(server, args, requests);
  const values = [sample.requestsPerSecond, sample.cpuMicroseconds, sample.p99Ms];
  const load = `${one.args.join(" ")} -n ${requests}`;
  for (const [index, [metric, unit]] of REQUEST_METRICS.entries()) {
    const value = values[index]!;
    results.add(`${part} ${one.label}: ${metric}`, contestant.name, unit, value, load);
  }
  const rate = shownNumber(sample.requestsPerSecond);
  printNote(`${part} ${one.label}: ${contestant.title} ${rate}/s`);
}

/** One table for each metric. */
function tables(
  part: string,
  cases: readonly Case[],
  { contestants, results }: PartContext,
  metrics: readonly string[] = ["rate", "CPU"],
): string {
  return REQUEST_METRICS.filter(([metric]) => metrics.includes(metric)).map(
    ([metric, , heading]) => {
      const rows = cases.map(({ label }) => ({ label, what: `${part} ${label}: ${metric}` }));
      return standingsTable(results, contestants, heading, rows);
    },
  ).join("\n\n");
}

/** All servers beside each other, round by round through all cases. */
async function runCases(
  part: string,
  cases: readonly Case[],
  context: PartContext,
  options: { metrics?: readonly string[]; isWarmedUp?: boolean } = {},
): Promise<string> {
  await using field = await Field.start(context.contestants);
  if (options.isWarmedUp === true) await warmUp(field, cases, context);
  for (let round = 0; round < context.rounds; round++) {
    await field.flush();
    for (const one of cases) {
      for (const runner of inTurn(field.runners, round)) {
        await measureCase(part, runner, one, context);
      }
    }
  }
  return tables(part, cases, context, options.metrics);
}

/** Requests that are not counted, so that code which compiles itself has done so. */
async function warmUp(
  field: Field,
  cases: readonly Case[],
  { isSmoke }: PartContext,
): Promise<void> {
  const WARM_UP_REQUESTS = 200_000;
  for (const { server } of field.runners) {
    for (const one of cases) {
      await prepare(server, one.test);
      const requests = isSmoke ? SMOKE_REQUESTS : requestsOf(one.test, WARM_UP_REQUESTS);
      await runBenchmark(server, [...one.args, ...testArguments(one.test)], requests);
    }
  }
}

/** The default tests, 50 clients, one request at a time. */
export function plainPart(context: PartContext): Promise<string> {
  const cases = context.tests.map((test) => ({
    label: test.toUpperCase(),
    test,
    args: ["-c", "50", "-P", "1"],
    requests: (test.startsWith("lrange_") ? 15_000 : 30_000) * context.scale,
  }));
  return runCases("plain", cases, context);
}

/**
 * The default tests, pipelined and warm: five rounds of the usual scale are 5 M requests of each.
 */
export function pipelinedPart(context: PartContext): Promise<string> {
  const cases = context.tests.map((test) => ({
    label: test.toUpperCase(),
    test,
    args: ["-c", "50", "-P", "16", "-r", "1000000"],
    requests: requestsOf(test, 1_000_000 * context.scale),
  }));
  return runCases("pipelined", cases, context, { isWarmedUp: true });
}

/** Numbers of clients and depths of pipelines. */
export function clientsPart(context: PartContext): Promise<string> {
  const cases: Case[] = [];
  for (const test of ["set", "get"]) {
    for (const [clients, plainRequests] of [[1, 6000], [50, 30_000], [500, 30_000]] as const) {
      for (const depth of [1, 16, 64]) {
        const label = `${test.toUpperCase()} -c ${clients} -P ${depth}`;
        const args = ["-c", String(clients), "-P", String(depth), "-r", "1000000"];
        const requests = plainRequests * Math.min(depth, 8) * context.scale;
        cases.push({ label, test, args, requests });
      }
    }
  }
  return runCases("clients", cases, context, { metrics: ["rate", "CPU", "p99"] });
}

/** Sizes of values, one request at a time and pipelined. */
export function valuesPart(context: PartContext): Promise<string> {
  const SIZES = [[3, 30_000], [100, 30_000], [1000, 30_000], [10_000, 20_000], [100_000, 4000]];
  const cases: Case[] = [];
  for (const [bytes, requests] of SIZES as [number, number][]) {
    for (const test of ["set", "get"]) {
      for (const depth of [1, 16]) {
        cases.push({
          label: `${test.toUpperCase()} of ${bytes.toLocaleString("en-US")} bytes -P ${depth}`,
          test,
          args: ["-c", "50", "-P", String(depth), "-d", String(bytes), "-r", "100000"],
          requests: requests * (bytes <= 1000 ? Math.min(depth, 10) : 1) * context.scale,
        });
      }
    }
  }
  return runCases("values", cases, context);
}

/** A new connection for each request. Thirty thousand of them leave ports for the next ones. */
export function connectionsPart(context: PartContext): Promise<string> {
  const cases = [{ label: "GET -k 0", test: "get", args: ["-c", "50", "-k", "0"] }];
  const load = context.isSmoke ? SMOKE_REQUESTS : 30_000;
  return runCases("connections", cases.map((one) => ({ ...one, requests: load })), context);
}

/** The first 200,000 requests after a start, of each test anew. */
export async function coldPart(context: PartContext): Promise<string> {
  const COLD_TESTS = ["set", "get", "incr", "lpush", "hset", "sadd", "zadd"];
  const cases = COLD_TESTS.filter((test) => context.tests.includes(test)).map((test) => ({
    label: test.toUpperCase(),
    test,
    args: ["-c", "50", "-P", "16", "-r", "1000000"],
    requests: 200_000,
  }));
  for (const one of cases) {
    await alternate(context.contestants, context.rounds, async (contestant) => {
      await using field = await Field.start([contestant]);
      await measureCase("cold", field.runners[0]!, one, context);
    });
  }
  return tables("cold", cases, context);
}
