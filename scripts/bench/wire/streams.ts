/**
 * Streams: how many requests per second both servers do, one at a time and in pipelines, and how
 * many bytes an entry takes in three shapes.
 *
 *   deno run -A scripts/bench/wire/streams.ts [--rounds N] [--requests N] [--entries N]
 *
 *   --rounds     rounds of each load; the median counts (default 3)
 *   --requests   requests of each round (default 100000; a tenth of it with one in flight)
 *   --entries    entries of the stream that is read (default 100000), of each shape as many
 *
 * XREADGROUP and XACK go over a connection of our own, for the acknowledged id must be the one that
 * came; all else is sent by redis-benchmark over 50.
 */

import { parseArgs } from "@std/cli";
import { encodeRequests, type RespClient } from "../../../tests/support/resp_client.ts";
import { residentBytes } from "../../../tests/support/process_stat.ts";
import type { ServerProcess, ServerTarget } from "../../../tests/support/server_process.ts";
import { printLine } from "../../../tests/support/text.ts";
import { runTool } from "../../../tests/support/tool_availability.ts";
import {
  describeMachine,
  markdownTable,
  median,
  nameOf,
  startForBench,
  TARGETS,
} from "../side_by_side.ts";

interface Options {
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
const DEPTHS = [1, 16];
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
  const begin = performance.now();
  for (let index = 1; index <= pairs; index += depth) {
    const requests: string[][] = [];
    for (let k = index; k < index + depth; k++) {
      requests.push("XREADGROUP GROUP g c COUNT 1 STREAMS s >".split(" "));
      requests.push(["XACK", "s", "g", `1-${k}`]);
    }
    await client.exchangeBytes(encodeRequests(requests), requests.length);
  }
  return pairs * 1000 / (performance.now() - begin);
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
    for (const depth of DEPTHS) {
      const requests = Math.max(1, depth === 1 ? options.requests / 10 : options.requests);
      const rates: Record<string, number[]> = { redis: [], redeno: [] };
      for (let round = 0; round < options.rounds; round++) {
        const order = round % 2 === 0 ? TARGETS : [...TARGETS].reverse();
        for (const target of order) {
          const server = servers[target];
          const pairs = Math.min(requests, options.entries - depth);
          rates[target].push(
            request === null
              ? await pairsPerSecond(server, depth, pairs)
              : await requestsPerSecond(server, request(options.entries), depth, requests),
          );
        }
      }
      const [theirs, our] = [median(rates.redis), median(rates.redeno)];
      const cells = [theirs, our].map((rate) => Math.round(rate).toLocaleString("en-US"));
      rows.push([`${name}, -P ${depth}`, ...cells, (our / theirs).toFixed(2)]);
    }
  }
  return rows;
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
  const loads = markdownTable(["per second", redis, ours, "ratio"], await loadRows(options));
  const header = ["bytes per entry", `${redis} RSS`, `${ours} RSS`];
  header.push(`${redis} used`, `${ours} used`, "ratio of used");
  return `${loads}\n\n${markdownTable(header, await memoryRows(options))}`;
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, { string: ["rounds", "requests", "entries"] });
  printLine(await describeMachine());
  printLine(
    await streamsTables({
      rounds: Number(args.rounds ?? 3),
      requests: Number(args.requests ?? 100_000),
      entries: Number(args.entries ?? 100_000),
    }),
  );
}

if (import.meta.main) await main();
