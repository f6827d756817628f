/**
 * What replication costs a master: CPU per SET with and without replicas, and a full
 * synchronization of a large data set, for both servers one after the other. The replicas are
 * redis-server, whose own time is not counted.
 *
 *   deno run -A scripts/bench/wire/replication_cost.ts [--rounds N] [--requests N] [--megabytes N]
 *
 *   --rounds     runs of each load at each server, alternating; the median counts (default 3)
 *   --requests   requests per run (default 400000)
 *   --megabytes  size of the data set that is synchronized (default 200)
 *
 * Prints a Markdown table; the ratio is ours to theirs, less than 1 means less time.
 */
import { parseArgs } from "@std/cli";
import { cpuSeconds, residentBytes } from "../../../tests/support/process_stat.ts";
import { startRedis } from "../../../tests/support/redis_process.ts";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { printLine, until } from "../../../tests/support/text.ts";
import { runTool } from "../../../tests/support/tool_availability.ts";
import {
  benchTarget,
  describeMachine,
  fillKeys,
  markdownTable,
  median,
  startForBench,
  TARGETS,
} from "../side_by_side.ts";

interface Options {
  rounds: number;
  requests: number;
  megabytes: number;
}

const LOADS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["50 clients", ["-c", "50"]],
  ["50 clients, -P 16", ["-c", "50", "-P", "16"]],
];
const VALUE_BYTES = 1000;
const MIB = 1024 * 1024;

/** CPU seconds that a server spends per SET, in microseconds. */
async function cpuPerSet(server: ServerProcess, args: readonly string[], requests: number) {
  const before = cpuSeconds(server.pid);
  await runTool("redis-benchmark", [
    ...["-p", String(server.port), "-n", String(requests), "-t", "set", "-d", "16"],
    ...["-r", "100000", "--csv", ...args],
  ], { timeoutMs: 300_000 });
  return ((cpuSeconds(server.pid) - before) / requests) * 1e6;
}

function isSynced(client: RespClient, count: number): () => Promise<boolean> {
  return async () => {
    const text = String(await client.expect("INFO", "replication"));
    return text.split("state=online").length === count + 1;
  };
}

/** Replicas of a server, which follow it. */
async function attachReplicas(master: ServerProcess, count: number): Promise<ServerProcess[]> {
  const replicas: ServerProcess[] = [];
  const follow = ["--replicaof", "127.0.0.1", String(master.port)];
  for (let index = 0; index < count; index++) replicas.push(await startRedis({ args: follow }));
  using client = await master.connect();
  await until("the replicas follow", isSynced(client, count), 60_000);
  return replicas;
}

async function streamRows({ rounds, requests }: Options): Promise<string[][]> {
  const rows: string[][] = [];
  for (const replicaCount of [0, 1, 3]) {
    const args = ["--repl-diskless-sync-delay", "0"];
    await using redis = await startForBench(benchTarget("redis"), args);
    await using ours = await startForBench(benchTarget("redeno"), args);
    const servers = { redis, redeno: ours };
    const replicas = [
      ...await attachReplicas(redis, replicaCount),
      ...await attachReplicas(ours, replicaCount),
    ];
    for (const [name, loadArgs] of LOADS) {
      const times: Record<string, number[]> = { redis: [], redeno: [] };
      for (let round = 0; round < rounds; round++) {
        const order = round % 2 === 0 ? TARGETS : [...TARGETS].reverse();
        for (const target of order) {
          times[target].push(await cpuPerSet(servers[target], loadArgs, requests));
        }
      }
      const cells = [median(times.redis), median(times.redeno)];
      const what = `CPU per SET in µs, ${replicaCount} replicas, ${name}`;
      rows.push([what, ...cells.map((cell) => cell.toFixed(2)), (cells[1] / cells[0]).toFixed(2)]);
    }
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
  return rows;
}

/** A full synchronization: seconds until the replica follows, CPU of the master, memory more. */
async function syncOnce(server: ServerProcess): Promise<number[]> {
  using client = await server.connect();
  const cpuBefore = cpuSeconds(server.pid);
  const bytesBefore = residentBytes(server.pid);
  const begin = performance.now();
  const args = ["--replicaof", "127.0.0.1", String(server.port)];
  await using _ = await startRedis({ args, readyTimeoutMs: 60_000 });
  await until("the replica follows", isSynced(client, 1), 120_000);
  const seconds = (performance.now() - begin) / 1000;
  const megabytes = (residentBytes(server.pid) - bytesBefore) / MIB;
  return [seconds, cpuSeconds(server.pid) - cpuBefore, megabytes];
}

/** Letters that cannot be compressed much: it is not the compression that is measured. */
function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return String.fromCharCode(...bytes.map((byte) => 33 + byte % 94));
}

async function syncRows({ megabytes }: Options): Promise<string[][]> {
  const rows: string[][] = [];
  for (const isDiskless of ["yes", "no"]) {
    const results: Record<string, number[]> = {};
    for (const target of TARGETS) {
      const args = ["--repl-diskless-sync", isDiskless, "--repl-diskless-sync-delay", "0"];
      await using server = await startForBench(benchTarget(target), args);
      using client = await server.connect();
      await fillKeys(client, (megabytes * MIB) / VALUE_BYTES, randomText(VALUE_BYTES));
      results[target] = await syncOnce(server);
    }
    ["seconds", "CPU seconds of the master", "MB of memory more"].forEach((what, index) => {
      const cells = [results.redis[index], results.redeno[index]];
      const name = `full sync of ${megabytes} MB, diskless ${isDiskless}: ${what}`;
      rows.push([name, ...cells.map((cell) => cell.toFixed(2)), (cells[1] / cells[0]).toFixed(2)]);
    });
  }
  return rows;
}

async function main(): Promise<void> {
  const flags = parseArgs(Deno.args, {
    string: ["rounds", "requests", "megabytes"],
    default: { rounds: "3", requests: "400000", megabytes: "200" },
  });
  const options = {
    rounds: Number(flags.rounds),
    requests: Number(flags.requests),
    megabytes: Number(flags.megabytes),
  };
  printLine(await describeMachine());
  const rows = [...await streamRows(options), ...await syncRows(options)];
  printLine(markdownTable(["what", "redis-server", "Redeno", "ratio"], rows));
}

if (import.meta.main) await main();
