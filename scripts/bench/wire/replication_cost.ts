/**
 * What replication costs a master: CPU per SET with and without replicas, and a full
 * synchronization of a large data set, for both servers one after the other. The replicas are
 * redis-server, whose own time is not counted.
 *
 *   deno run -A scripts/bench/wire/replication_cost.ts [options]
 *
 *   --rounds     runs of each load at each server, alternating; the median counts (default 5)
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
import { until } from "../../../tests/support/text.ts";
import { alternate, BOTH, Field, startContestant } from "../contestants.ts";
import { fillKeys, randomText, runBenchmark } from "../loads.ts";
import { type Results, runBench, type Unit } from "../results.ts";
import { standingsTable } from "../standings.ts";

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

/** Measures CPU per SET; returns the names of what was measured. */
async function measureStream({ rounds, requests }: Options, results: Results): Promise<string[]> {
  const names: string[] = [];
  for (const replicaCount of [0, 1, 3]) {
    const args = ["--repl-diskless-sync-delay", "0"];
    await using field = await Field.start(BOTH, () => args);
    const replicas: ServerProcess[] = [];
    for (const { server } of field.runners) {
      replicas.push(...await attachReplicas(server, replicaCount));
    }
    for (const [name, loadArgs] of LOADS) {
      const what = `CPU per SET in µs, ${replicaCount} replicas, ${name}`;
      names.push(what);
      await alternate(field.runners, rounds, async ({ contestant, server }) => {
        const setArgs = ["-t", "set", "-d", "16", "-r", "100000", ...loadArgs];
        const { cpuMicroseconds } = await runBenchmark(server, setArgs, requests);
        results.add(what, contestant.name, "µs", cpuMicroseconds, `-n ${requests}`);
      });
    }
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
  return names;
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

const SYNC_METRICS: readonly (readonly [name: string, unit: Unit])[] = [
  ["seconds", "s"],
  ["CPU seconds of the master", "s"],
  ["MB of memory more", "MiB"],
];

/** Measures full synchronizations; returns the names of what was measured. */
async function measureSync({ megabytes }: Options, results: Results): Promise<string[]> {
  const names: string[] = [];
  for (const isDiskless of ["yes", "no"]) {
    const sync = `full sync of ${megabytes} MB, diskless ${isDiskless}`;
    names.push(...SYNC_METRICS.map(([metric]) => `${sync}: ${metric}`));
    for (const contestant of BOTH) {
      const args = ["--repl-diskless-sync", isDiskless, "--repl-diskless-sync-delay", "0"];
      await using server = await startContestant(contestant, args);
      using client = await server.connect();
      await fillKeys(client, (megabytes * MIB) / VALUE_BYTES, randomText(VALUE_BYTES));
      const values = await syncOnce(server);
      for (const [index, [metric, unit]] of SYNC_METRICS.entries()) {
        results.add(`${sync}: ${metric}`, contestant.name, unit, values[index]!);
      }
    }
  }
  return names;
}

/** Measures both servers: the stream of commands, and full synchronizations. */
export async function replicationCostTable(options: Options, results: Results): Promise<string> {
  const names = [
    ...await measureStream(options, results),
    ...await measureSync(options, results),
  ];
  return standingsTable(results, BOTH, "what", names.map((what) => ({ label: what, what })));
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["rounds", "requests", "megabytes"],
    default: { rounds: "5", requests: "400000", megabytes: "200" },
  });
  const options = {
    rounds: Number(flags.rounds),
    requests: Number(flags.requests),
    megabytes: Number(flags.megabytes),
  };
  await runBench((results) => replicationCostTable(options, results));
}
