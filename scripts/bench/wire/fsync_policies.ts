/**
 * What the append-only file costs: SET at both servers, one after the other, with each fsync
 * policy, for one client, for fifty, and pipelined, and GET beside clients that write. The data
 * directories are on the same disk.
 *
 *   deno run -A scripts/bench/wire/fsync_policies.ts [--rounds N] [--requests N] [--policies a,b]
 *
 *   --rounds     runs of each test at each server, alternating; the median counts (default 5)
 *   --requests   requests per run of the smallest test (default 20000; pipelined: 20 times as many)
 *   --policies   some of off, no, everysec, always (default: all); "off" is without AOF
 *
 * Prints a Markdown table: requests per second of both, and the ratio (more than 1: we are faster).
 */

import { parseArgs } from "@std/cli";
import { alternate, BOTH, Field } from "../contestants.ts";
import { runBenchmark } from "../loads.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { type Results, runBench } from "../results.ts";
import { standingsTable } from "../standings.ts";

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
  /** What is measured; SET unless given. */
  command?: string;
  /** So many other clients write all the while. */
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
const COMMON = ["-d", "16", "-r", "1000000"];
/** More than writers get done while others are measured. */
const ENDLESS = "1000000000";

function directives(policy: string): string[] {
  if (policy === "off") return [];
  return ["--appendonly", "yes", "--appendfsync", policy];
}

/** Clients that write until they are disposed of. */
function writersAt({ port }: ServerProcess, count: number): AsyncDisposable {
  const process = new Deno.Command("redis-benchmark", {
    args: ["-p", String(port), "-n", ENDLESS, "-t", "set", "-c", String(count), ...COMMON],
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

const rowName = (policy: string, load: Load) => `${policy}, ${load.name}`;

async function measurePolicy(policy: string, options: Options, results: Results): Promise<void> {
  await using field = await Field.start(BOTH, () => directives(policy));
  for (const load of LOADS) {
    await alternate(field.runners, options.rounds, async ({ contestant, server }) => {
      const requests = options.requests * load.factor;
      await using _writers = load.writers === undefined ? null : writersAt(server, load.writers);
      const args = ["-t", load.command ?? "set", ...COMMON, ...load.args];
      const sample = await runBenchmark(server, args, requests);
      const what = `AOF ${rowName(policy, load)}: rate`;
      results.add(what, contestant.name, "/s", sample.requestsPerSecond, `-n ${requests}`);
    });
  }
}

/** Measures both servers beside each other, policy by policy. */
export async function fsyncPoliciesTable(options: Options, results: Results): Promise<string> {
  for (const policy of options.policies) await measurePolicy(policy, options, results);
  const rows = options.policies.flatMap((policy) =>
    LOADS.map((load) => {
      const label = rowName(policy, load);
      return { label, what: `AOF ${label}: rate` };
    })
  );
  return standingsTable(results, BOTH, "SET/s or GET/s", rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["rounds", "requests", "policies"] });
  const options = {
    rounds: Number(args.rounds ?? 5),
    requests: Number(args.requests ?? 20_000),
    policies: args.policies?.split(",") ?? POLICIES,
  };
  await runBench((results) => fsyncPoliciesTable(options, results));
}
