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
 * Cells are medians, of ratios with their smallest and largest value.
 */
import { parseArgs } from "@std/cli";
import { printNote } from "../../../tests/support/text.ts";
import { alternate, BOTH, Field } from "../contestants.ts";
import { runBenchmark, type Sample } from "../loads.ts";
import { runBench } from "../results.ts";
import { markdownTable, median, ratios, shownRatio } from "../spread.ts";

const SERVERS = ["redis-server", "epoll", "runtime"] as const;
type ServerName = typeof SERVERS[number];

/** The original, and ours twice. */
const CONTESTANTS = [BOTH[0], BOTH[1], BOTH[1]];

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
  field: Field,
  args: readonly string[],
  { rounds, requests }: { rounds: number; requests: number },
): Promise<Samples> {
  const samples: Samples = { "redis-server": [], epoll: [], runtime: [] };
  await alternate(field.runners, rounds, async (runner) => {
    const name = SERVERS[field.runners.indexOf(runner)]!;
    const sample = await runBenchmark(runner.server, args, requests);
    samples[name].push(sample);
    printNote(`${args.join(" ")}: ${name} ${Math.round(sample.requestsPerSecond)}/s`);
  });
  return samples;
}

/** The median of what ours has beside what redis-server had in the same round, and its spread. */
function ratio(samples: Samples, name: ServerName, of: (sample: Sample) => number): string {
  return shownRatio(ratios(samples[name].map(of), samples["redis-server"].map(of)));
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

async function carriersTable(): Promise<string> {
  const options = parseArgs(Deno.args, {
    boolean: ["smoke"],
    string: ["rounds", "requests", "test"],
  });
  const isSmoke = options.smoke === true;
  const rounds = isSmoke ? 1 : Number(options.rounds ?? 5);
  const requests = isSmoke ? 2000 : Number(options.requests ?? 200_000);
  const test = ["-t", options.test ?? "get"];
  const carriers = [[], ["--transport", "epoll"], ["--transport", "runtime"]].values();
  await using field = await Field.start(CONTESTANTS, () => carriers.next().value!);
  const rows: string[][] = [];
  for (const [label, divisor] of CASES) {
    const args = [...label.split(" "), ...test];
    const samples = await measure(field, args, { rounds, requests: requests / divisor });
    rows.push(tableRow(label, samples));
  }
  const header = ["", "redis-server /s", "epoll: rate ×", "runtime: rate ×"];
  header.push("epoll: CPU ×", "runtime: CPU ×");
  header.push("p99 ms: redis-server", "epoll", "runtime");
  return `${test[1]}, ${rounds} rounds\n\n${markdownTable(header, rows)}`;
}

if (import.meta.main) await runBench(carriersTable);
