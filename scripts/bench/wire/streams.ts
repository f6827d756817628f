/**
 * Streams: how many requests per second both servers do, one at a time and in pipelines, and what
 * CPU time a request takes them. How many bytes an entry takes tells memory_per_key.ts.
 *
 *   deno run -A scripts/bench/wire/streams.ts [--rounds N] [--requests N] [--entries N] [--only X]
 *
 *   --rounds     rounds of each load; the median counts (default 5)
 *   --requests   requests of each round (default 100000; a tenth of it with one in flight)
 *   --entries    entries of the stream that is read (default 100000)
 *   --only       loads whose names begin like that
 *
 * XREADGROUP and XACK go over a connection of our own, for the acknowledged id must be the one that
 * came; all else is sent by redis-benchmark over 50. CPU time is that of the whole server process:
 * on a busy machine it says more than requests per second.
 */

import { parseArgs } from "@std/cli";
import { cpuMicroseconds } from "../../../tests/support/process_stat.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { alternate, BOTH, Field } from "../contestants.ts";
import { fill, runBatch, runBenchmark } from "../loads.ts";
import { type Results, runBench } from "../results.ts";
import { standingsTable } from "../standings.ts";

interface Options {
  only?: string;
  rounds: number;
  requests: number;
  entries: number;
}

interface Load {
  name: string;
  /** The request, or null for pairs of XREADGROUP and XACK. */
  request: ((entries: number) => string[]) | null;
}

const LOADS: readonly Load[] = [
  { name: "XADD, one field", request: () => ["XADD", "new", "*", "field", "__rand_int__"] },
  {
    name: "XADD MAXLEN ~ 1000",
    request: () => ["XADD", "cut", "MAXLEN", "~", "1000", "*", "field", "__rand_int__"],
  },
  {
    name: "XREAD of the last 5",
    request: (entries) => ["XREAD", "STREAMS", "s", `1-${entries - 5}`],
  },
  {
    name: "XRANGE of 100",
    request: (entries) => ["XRANGE", "s", `1-${entries >> 1}`, "+", "COUNT", "100"],
  },
  { name: "XREADGROUP + XACK", request: null },
];
const DEPTHS = [1, 16, 64];
interface Sample {
  requestsPerSecond: number;
  /** Microseconds of CPU time per request. */
  cpuMicroseconds: number;
}

/** Reads new entries one by one as a group, and acknowledges each; pairs per second. */
async function readAndAcknowledge(
  server: ServerProcess,
  depth: number,
  pairs: number,
): Promise<Sample> {
  using client = await server.connect();
  await client.call("XGROUP", "DESTROY", "s", "g");
  await client.expect("XGROUP", "CREATE", "s", "g", "0");
  let elapsedMs = 0;
  const cpuBefore = cpuMicroseconds(server.pid);
  for (let index = 1; index <= pairs; index += depth) {
    const requests: string[][] = [];
    for (let k = index; k < index + depth; k++) {
      requests.push("XREADGROUP GROUP g c COUNT 1 STREAMS s >".split(" "));
      requests.push(["XACK", "s", "g", `1-${k}`]);
    }
    elapsedMs += await runBatch(client, requests);
  }
  return {
    requestsPerSecond: pairs * 1000 / elapsedMs,
    cpuMicroseconds: (cpuMicroseconds(server.pid) - cpuBefore) / pairs,
  };
}

/** Measures both servers beside each other. */
export async function streamsTables(options: Options, results: Results): Promise<string> {
  await using field = await Field.start(BOTH);
  for (const { server } of field.runners) {
    using client = await server.connect();
    const entry = (index: number) => ["XADD", "s", `1-${index + 1}`, "field", `value:${index}`];
    await fill(client, options.entries, entry);
  }
  const labels: string[] = [];
  for (const { name, request } of LOADS) {
    if (!name.startsWith(options.only ?? "")) continue;
    for (const depth of DEPTHS) {
      const label = `${name}, -P ${depth}`;
      labels.push(label);
      const requests = Math.max(1, depth === 1 ? options.requests / 10 : options.requests);
      const args = ["-c", "50", "-P", String(depth), "-r", "1000000"];
      await alternate(field.runners, options.rounds, async ({ contestant, server }) => {
        const sample: Sample = request === null
          ? await readAndAcknowledge(server, depth, Math.min(requests, options.entries - depth))
          : await runBenchmark(server, [...args, ...request(options.entries)], requests);
        const load = `-n ${requests}`;
        const what = `stream ${label}`;
        results.add(`${what}: rate`, contestant.name, "/s", sample.requestsPerSecond, load);
        results.add(`${what}: CPU`, contestant.name, "µs", sample.cpuMicroseconds, load);
      });
    }
  }
  const rows = (metric: string) =>
    labels.map((label) => ({ label, what: `stream ${label}: ${metric}` }));
  return [
    standingsTable(results, BOTH, "per second", rows("rate")),
    standingsTable(results, BOTH, "CPU µs", rows("CPU")),
  ].join("\n\n");
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["rounds", "requests", "entries", "only"] });
  const options = {
    rounds: Number(args.rounds ?? 5),
    requests: Number(args.requests ?? 100_000),
    entries: Number(args.entries ?? 100_000),
    ...(args.only === undefined ? {} : { only: args.only }),
  };
  await runBench((results) => streamsTables(options, results));
}
