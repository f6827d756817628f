/**
 * Measures the ways in which clients are carried, epoll and the runtime's sockets, beside
 * redis-server: many connections and few, plain and pipelined, and a new connection for each
 * request.
 *
 *   deno run -A scripts/bench/wire/carriers.ts [options]
 *
 *   --rounds N      runs of each test at each server, alternating (default 5)
 *   --requests N    requests per run (default 200000; fewer for one connection and new ones)
 *   --test T        a test of redis-benchmark (default get)
 *   --smoke         tiny numbers: shows that everything runs, measures nothing
 *
 * Cells are medians, of ratios with their smallest and largest value. The load of the machine
 * stands at the end: beyond the number of its processors less one, others were running, too.
 */
import { parseArgs } from "@std/cli";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { printLine, printNote } from "../../../tests/support/text.ts";
import {
  describeMachine,
  markdownTable,
  median,
  runBenchmark,
  type Sample,
  startForBench,
} from "../side_by_side.ts";

const SERVERS = ["redis-server", "epoll", "runtime"] as const;
type ServerName = typeof SERVERS[number];

/** Options of redis-benchmark, and by what the number of requests is divided. */
const CASES: readonly (readonly [args: string, divisor: number])[] = [
  ["-c 1 -P 1", 4],
  ["-c 10 -P 1", 1],
  ["-c 50 -P 1", 1],
  ["-c 200 -P 1", 1],
  ["-c 500 -P 1", 1],
  ["-c 50 -P 16", 0.25],
  ["-c 50 -k 0", 4],
];

type Samples = Record<ServerName, Sample[]>;

async function measure(
  servers: Record<ServerName, ServerProcess>,
  args: readonly string[],
  { rounds, requests }: { rounds: number; requests: number },
): Promise<Samples> {
  const samples: Samples = { "redis-server": [], epoll: [], runtime: [] };
  for (let round = 0; round < rounds; round++) {
    // Another goes first in each round.
    for (let index = 0; index < SERVERS.length; index++) {
      const name = SERVERS[(round + index) % SERVERS.length]!;
      const sample = await runBenchmark(servers[name], args, requests);
      samples[name].push(sample);
      printNote(`${args.join(" ")}: ${name} ${Math.round(sample.requestsPerSecond)}/s`);
    }
  }
  return samples;
}

/** The median of what ours has beside what redis-server had in the same round, and its spread. */
function ratio(samples: Samples, name: ServerName, of: (sample: Sample) => number): string {
  const values = samples[name].map((sample, round) =>
    of(sample) / of(samples["redis-server"][round]!)
  );
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

function tableRow(label: string, samples: Samples): string[] {
  const rate = ({ requestsPerSecond }: Sample) => requestsPerSecond;
  const cpu = ({ cpuMicroseconds }: Sample) => cpuMicroseconds;
  const base = median(samples["redis-server"].map(rate));
  const ours = ["epoll", "runtime"] as const;
  return [
    `\`${label}\``,
    Math.round(base).toLocaleString("en"),
    ...ours.map((name) => ratio(samples, name, rate)),
    ...ours.map((name) => ratio(samples, name, cpu)),
    ...SERVERS.map((name) => median(samples[name].map(({ p99Ms }) => p99Ms)).toFixed(2)),
  ];
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    boolean: ["smoke"],
    string: ["rounds", "requests", "test"],
  });
  const isSmoke = options.smoke === true;
  const rounds = isSmoke ? 1 : Number(options.rounds ?? 5);
  const requests = isSmoke ? 2000 : Number(options.requests ?? 200_000);
  const test = ["-t", options.test ?? "get"];
  await using redis = await startForBench("redis");
  await using epoll = await startForBench("redeno", ["--transport", "epoll"]);
  await using runtime = await startForBench("redeno", ["--transport", "runtime"]);
  const servers = { "redis-server": redis, epoll, runtime };
  const rows: string[][] = [];
  for (const [label, divisor] of CASES) {
    const args = [...label.split(" "), ...test];
    const samples = await measure(servers, args, { rounds, requests: requests / divisor });
    rows.push(tableRow(label, samples));
  }
  const header = ["", "redis-server /s", "epoll: rate ×", "runtime: rate ×"];
  header.push("epoll: CPU ×", "runtime: CPU ×");
  header.push("p99 ms: redis-server", "epoll", "runtime");
  printLine(`${await describeMachine()}; ${test[1]}, ${rounds} rounds.`);
  printLine(`\n${markdownTable(header, rows)}\n`);
  printLine(`Load of the machine: ${Deno.loadavg().map((load) => load.toFixed(1)).join(", ")}`);
}
