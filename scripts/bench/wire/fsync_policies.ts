/**
 * What the append-only file costs: SET at both servers, one after the other, with each fsync
 * policy, for one client, for fifty, and pipelined; and with each policy GET for fifty readers
 * beside eight writers. The data directories are on the same disk.
 *
 *   deno run -A scripts/bench/wire/fsync_policies.ts [--rounds N] [--requests N] [--policies a,b]
 *
 *   --rounds     runs of each test at each server, alternating; the median counts (default 3)
 *   --requests   requests per run of the smallest test (default 20000; pipelined: 20 times as many)
 *   --policies   some of off, no, everysec, always (default: all); "off" is without AOF
 *
 * Prints a Markdown table: requests per second of both, and the ratio (more than 1: we are faster).
 */

import { parseArgs } from "@std/cli";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { printLine } from "../../../tests/support/text.ts";
import { runTool } from "../../../tests/support/tool_availability.ts";
import { describeMachine, markdownTable, median, startForBench, TARGETS } from "../side_by_side.ts";

interface Options {
  rounds: number;
  requests: number;
  policies: readonly string[];
}

interface Load {
  name: string;
  args: readonly string[];
  /** Times as many requests as the smallest load. */
  factor: number;
  /** What is measured; SET if not given. */
  command?: string;
  /** Clients that SET meanwhile, and are not measured. */
  writers?: number;
}

const POLICIES = ["off", "no", "everysec", "always"];
const LOADS: readonly Load[] = [
  { name: "1 client", args: ["-c", "1"], factor: 1 },
  { name: "50 clients", args: ["-c", "50"], factor: 4 },
  { name: "50 clients, -P 16", args: ["-c", "50", "-P", "16"], factor: 20 },
  {
    name: "50 readers beside 8 writers",
    args: ["-c", "50"],
    factor: 4,
    command: "get",
    writers: 8,
  },
];
const COMMON = ["-d", "16", "-r", "1000000", "--csv"];
/** More than writers get done while others are measured. */
const ENDLESS = "1000000000";

function directives(policy: string): string[] {
  if (policy === "off") return [];
  return ["--appendonly", "yes", "--appendfsync", policy];
}

async function requestsPerSecond(
  server: ServerProcess,
  load: Load,
  requests: number,
): Promise<number> {
  await using _writers = load.writers === undefined ? null : writersAt(server, load.writers);
  const { stdout } = await runTool("redis-benchmark", [
    ...["-p", String(server.port), "-n", String(requests * load.factor)],
    ...["-t", load.command ?? "set"],
    ...COMMON,
    ...load.args,
  ], { timeoutMs: 300_000 });
  const row = stdout.trim().split("\n").at(-1)!;
  const rate = Number(/^"[^"]*","([\d.]+)"/.exec(row)?.[1]);
  if (!(rate > 0)) throw new Error(`Cannot read the result of ${load.name}:\n${stdout}`);
  return rate;
}

/** Clients that write until they are disposed of. */
function writersAt(server: ServerProcess, count: number): AsyncDisposable {
  const process = new Deno.Command("redis-benchmark", {
    args: [
      ...["-p", String(server.port), "-n", ENDLESS, "-t", "set", "-c", String(count)],
      ...COMMON,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

async function policyRows(policy: string, options: Options): Promise<string[][]> {
  await using redis = await startForBench("redis", directives(policy));
  await using ours = await startForBench("redeno", directives(policy));
  const servers = { redis, redeno: ours };
  const rows: string[][] = [];
  for (const load of LOADS) {
    const rates: Record<string, number[]> = { redis: [], redeno: [] };
    for (let round = 0; round < options.rounds; round++) {
      // Who goes first alternates, so that a busy neighbour favours nobody.
      const order = round % 2 === 0 ? TARGETS : [...TARGETS].reverse();
      for (const target of order) {
        rates[target].push(await requestsPerSecond(servers[target], load, options.requests));
      }
    }
    const [theirs, our] = [median(rates.redis), median(rates.redeno)];
    const cells = [theirs, our].map((rate) => Math.round(rate).toLocaleString("en-US"));
    rows.push([`${policy}, ${load.name}`, ...cells, (our / theirs).toFixed(2)]);
  }
  return rows;
}

/** Measures both servers beside each other, policy by policy. */
export async function fsyncPoliciesTable(options: Options): Promise<string> {
  const rows: string[][] = [];
  for (const policy of options.policies) rows.push(...await policyRows(policy, options));
  return markdownTable(["SET/s or GET/s", "redis-server", "Redeno", "ratio"], rows);
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, { string: ["rounds", "requests", "policies"] });
  printLine(await describeMachine());
  printLine(
    await fsyncPoliciesTable({
      rounds: Number(args.rounds ?? 3),
      requests: Number(args.requests ?? 20_000),
      policies: args.policies?.split(",") ?? POLICIES,
    }),
  );
}

if (import.meta.main) await main();
