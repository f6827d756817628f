/**
 * Streams: how many requests per second both servers do, one at a time and in pipelines, what CPU
 * time a request takes them, and how many bytes an entry takes in three shapes.
 *
 *   deno run -A scripts/bench/wire/streams.ts [--rounds N] [--requests N] [--entries N] [--only X]
 *
 *   --rounds     rounds of each load; the median counts (default 3)
 *   --requests   requests of each round (default 100000; a tenth of it with one in flight)
 *   --entries    entries of the stream that is read (default 100000), of each shape as many
 *   --only       loads whose names begin like that, and no memory
 *
 * XREADGROUP and XACK go over a connection of our own, for the acknowledged id must be the one that
 * came; all else is sent by redis-benchmark over 50. CPU time is that of the whole server process:
 * on a busy machine it says more than requests per second.
 */

import { parseArgs } from "@std/cli";
import { encodeRequests, type RespClient } from "../../../tests/support/resp_client.ts";
import { cpuSeconds, residentBytes } from "../../../tests/support/process_stat.ts";
import type { ServerProcess, ServerTarget } from "../../../tests/support/server_process.ts";
import { printLine } from "../../../tests/support/text.ts";
import { runTool } from "../../../tests/support/tool_availability.ts";
import {
  describeMachine,
  markdownTable,
  median,
  nameOf,
  runBatch,
  startForBench,
  TARGETS,
} from "../side_by_side.ts";

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
const BATCH = 1000;

/** Fields of an entry, by the name of the shape. */
const SHAPES: Readonly<Record<string, (index: number) => string[]>> = {
  "one short field": (index) => ["v", String(index % 1000)],
  "five fields of 20 bytes": (index) =>
    ["id", "name", "city", "mail", "note"].flatMap((name) => [
      name,
      `${name}${index}`.padEnd(20, "."),
    ]),
  "a document of 300 bytes": (index) => ["document", `{"number":${index}}`.padEnd(300, "x")],
};

async function fill(
  client: RespClient,
  count: number,
  request: (index: number) => string[],
): Promise<void> {
  for (let start = 1; start <= count; start += BATCH) {
    const size = Math.min(BATCH, count - start + 1);
    const requests = Array.from({ length: size }, (_, offset) => request(start + offset));
    await client.exchangeBytes(encodeRequests(requests), size);
  }
}

interface Sample {
  perSecond: number;
  /** Microseconds of CPU time per request. */
  cpuUs: number;
}

/** Runs a load of so many requests, which returns how many per second, and watches the CPU time. */
async function sampleOf(
  server: ServerProcess,
  requests: number,
  load: () => Promise<number>,
): Promise<Sample> {
  const before = cpuSeconds(server.pid);
  const perSecond = await load();
  return { perSecond, cpuUs: (cpuSeconds(server.pid) - before) * 1e6 / requests };
}

async function requestsPerSecond(
  server: ServerProcess,
  request: readonly string[],
  depth: number,
  requests: number,
): Promise<number> {
  const { stdout } = await runTool("redis-benchmark", [
    ...["-p", String(server.port), "-c", "50", "-n", String(requests)],
    ...["-P", String(depth), "-r", "1000000", "--csv", ...request],
  ]);
  const line = stdout.trim().split("\n").at(-1)!;
  return Number(line.split('","')[1]);
}

/** Reads new entries one by one as a group, and acknowledges each; pairs per second. */
async function pairsPerSecond(
  server: ServerProcess,
  depth: number,
  pairs: number,
): Promise<number> {
  using client = await server.connect();
  await client.call("XGROUP", "DESTROY", "s", "g");
  await client.expect("XGROUP", "CREATE", "s", "g", "0");
  let elapsedMs = 0;
  for (let index = 1; index <= pairs; index += depth) {
    const requests: string[][] = [];
    for (let k = index; k < index + depth; k++) {
      requests.push("XREADGROUP GROUP g c COUNT 1 STREAMS s >".split(" "));
      requests.push(["XACK", "s", "g", `1-${k}`]);
    }
    elapsedMs += await runBatch(client, requests);
  }
  return pairs * 1000 / elapsedMs;
}

async function loadRows(options: Options): Promise<string[][]> {
  await using redis = await startForBench("redis");
  await using ours = await startForBench("redeno");
  const servers = { redis, redeno: ours };
  for (const target of TARGETS) {
    using client = await servers[target].connect();
    const entry = (index: number) => ["XADD", "s", `1-${index}`, "field", `value:${index}`];
    await fill(client, options.entries, entry);
  }
  const rows: string[][] = [];
  for (const { name, request } of LOADS) {
    if (!name.startsWith(options.only ?? "")) continue;
    for (const depth of DEPTHS) {
      const requests = Math.max(1, depth === 1 ? options.requests / 10 : options.requests);
      const samples: Record<string, Sample[]> = { redis: [], redeno: [] };
      for (let round = 0; round < options.rounds; round++) {
        const order = round % 2 === 0 ? TARGETS : [...TARGETS].reverse();
        for (const target of order) {
          const server = servers[target];
          const pairs = Math.min(requests, options.entries - depth);
          samples[target].push(
            request === null
              ? await sampleOf(server, pairs, () => pairsPerSecond(server, depth, pairs))
              : await sampleOf(
                server,
                requests,
                () => requestsPerSecond(server, request(options.entries), depth, requests),
              ),
          );
        }
      }
      rows.push([`${name}, -P ${depth}`, ...cellsOf(samples)]);
    }
  }
  return rows;
}

/** Both rates and their ratio, both CPU times and theirs. */
function cellsOf(samples: Record<string, Sample[]>): string[] {
  const rates = TARGETS.map((target) => median(samples[target].map((one) => one.perSecond)));
  const cpus = TARGETS.map((target) => median(samples[target].map((one) => one.cpuUs)));
  return [
    ...rates.map((rate) => Math.round(rate).toLocaleString("en-US")),
    (rates[1] / rates[0]).toFixed(2),
    ...cpus.map((us) => us.toFixed(2)),
    cpus[0] > 0 ? (cpus[1] / cpus[0]).toFixed(2) : "–",
  ];
}

/** Growth in bytes per entry: resident, and used as the server says. */
async function bytesPerEntry(
  target: ServerTarget,
  count: number,
  request: (index: number) => string[],
): Promise<[resident: number, used: number]> {
  await using server = await startForBench(target);
  using client = await server.connect();
  const used = async () => {
    const info = String(await client.expect("INFO", "memory"));
    return Number(/^used_memory:(\d+)/m.exec(info)![1]);
  };
  const [residentBefore, usedBefore] = [residentBytes(server.pid), await used()];
  await fill(client, count, request);
  const resident = (residentBytes(server.pid) - residentBefore) / count;
  return [resident, (await used() - usedBefore) / count];
}

async function memoryRows(options: Options): Promise<string[][]> {
  const rows: string[][] = [];
  const requests: Record<string, (index: number) => string[]> = {};
  for (const [name, fields] of Object.entries(SHAPES)) {
    requests[name] = (index) => ["XADD", "s", `${1e12 + index}-0`, ...fields(index)];
  }
  requests["ten entries per stream"] = (
    index,
  ) => ["XADD", `s:${Math.floor(index / 10)}`, `${1e12 + index}-0`, "v", String(index % 1000)];
  for (const [name, request] of Object.entries(requests)) {
    const [redis, ours] = [
      await bytesPerEntry("redis", options.entries, request),
      await bytesPerEntry("redeno", options.entries, request),
    ];
    rows.push([
      name,
      ...[redis[0], ours[0], redis[1], ours[1]].map((bytes) => bytes.toFixed(1)),
      (ours[1] / redis[1]).toFixed(2),
    ]);
  }
  return rows;
}

/** Measures both servers beside each other: requests per second, and bytes per entry. */
export async function streamsTables(options: Options): Promise<string> {
  const [redis, ours] = TARGETS.map(nameOf);
  const loadHeader = ["per second, and µs of CPU", redis, ours, "ratio", redis, ours, "ratio"];
  const loads = markdownTable(loadHeader, await loadRows(options));
  if (options.only !== undefined) return loads;
  const header = ["bytes per entry", `${redis} RSS`, `${ours} RSS`];
  header.push(`${redis} used`, `${ours} used`, "ratio of used");
  return `${loads}\n\n${markdownTable(header, await memoryRows(options))}`;
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, { string: ["rounds", "requests", "entries", "only"] });
  printLine(await describeMachine());
  printLine(
    await streamsTables({
      only: args.only,
      rounds: Number(args.rounds ?? 3),
      requests: Number(args.requests ?? 100_000),
      entries: Number(args.entries ?? 100_000),
    }),
  );
}

if (import.meta.main) await main();
