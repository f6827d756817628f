/**
 * Parts of `compare.ts` about single requests: delays at a fixed rate, what one redis-py client
 * reaches beside redis-benchmark, scripts, and what a server costs that has just begun.
 */

import { latin1Bytes } from "../../src/base/bytes.ts";
import {
  anonymousBytes,
  cpuMicroseconds,
  residentBytes,
} from "../../tests/support/process_stat.ts";
import { encodeRequests, RespClient } from "../../tests/support/resp_client.ts";
import { freePort } from "../../tests/support/server_process.ts";
import { delay, printNote } from "../../tests/support/text.ts";
import { pythonWithRedis, runTool } from "../../tests/support/tool_availability.ts";
import { alternate, Field, type Runner, startContestant } from "./contestants.ts";
import { runBatch, runBenchmark } from "./loads.ts";
import { runPaced } from "./paced_client.ts";
import type { PartContext } from "./request_parts.ts";
import { percentile, shownNumber } from "./spread.ts";
import { standingsTable } from "./standings.ts";

const MIB = 1024 * 1024;
const CONNECTIONS = 50;
/** Part of what the original takes at most. */
const LOAD_SHARE = 0.8;

const PACED_REQUESTS = [
  { name: "GET", request: ["GET", "key:paced"], reply: "$3\r\nxxx\r\n" },
  { name: "SET", request: ["SET", "key:paced", "xxx"], reply: "+OK\r\n" },
];
const PERCENTILES = [["p50", 50], ["p99", 99], ["p99.9", 99.9], ["longest", 100]] as const;

/**
 * Delays at 80 % of the rate at which redis-benchmark drives the original in the same run: the same
 * rate for all, whoever could take more.
 */
export async function latencyPart(context: PartContext): Promise<string> {
  const { contestants, results, rounds, isSmoke } = context;
  await using field = await Field.start(contestants);
  const saturation = isSmoke ? 1000 : await saturationOf(field.runners[0]!);
  const rate = Math.round(saturation * LOAD_SHARE);
  const seconds = isSmoke ? 0.2 : 2 * context.scale;
  for (const { name, request, reply } of PACED_REQUESTS) {
    await alternate(field.runners, rounds, async ({ contestant, server }) => {
      using client = await server.connect();
      await client.expect("SET", "key:paced", "xxx");
      const { delaysMs, lateMs } = runPaced({
        port: server.port,
        connections: CONNECTIONS,
        rate,
        requests: Math.round(rate * seconds),
        request: encodeRequests([request]),
        replyBytes: latin1Bytes(reply).length,
      });
      const load = `${rate}/s for ${seconds} s`;
      for (const [label, percent] of PERCENTILES) {
        const value = percentile(delaysMs, percent);
        results.add(`latency ${name}: ${label}`, contestant.name, "ms", value, load);
      }
      const late = percentile(lateMs, 99);
      results.add(`latency ${name}: sent late, p99`, contestant.name, "ms", late, load);
      const p99 = shownNumber(percentile(delaysMs, 99));
      printNote(`latency ${name}: ${contestant.title} p99 ${p99} ms, sent late ${late.toFixed(2)}`);
    });
  }
  const labels = [...PERCENTILES.map(([label]) => label), "sent late, p99"];
  const rows = PACED_REQUESTS.flatMap(({ name }) =>
    labels.map((label) => ({ label: `${name} ${label}`, what: `latency ${name}: ${label}` }))
  );
  return standingsTable(results, contestants, `ms at ${shownNumber(rate)} requests/s`, rows);
}

/** How many GETs per second redis-benchmark gets out of a server. */
async function saturationOf({ server }: Runner): Promise<number> {
  const sample = await runBenchmark(server, ["-t", "get", "-c", String(CONNECTIONS)], 100_000);
  return sample.requestsPerSecond;
}

/** Prints how many SETs per second one client makes, and how many that connect for each. */
const CLIENT_PROGRAM = `
import redis, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
one = redis.Redis(port=port)
one.ping()
begin = time.perf_counter()
for _ in range(count): one.set("key", "value")
print(count / (time.perf_counter() - begin))
begin = time.perf_counter()
for _ in range(count // 4):
    each = redis.Redis(port=port)
    each.set("key", "value")
    each.close()
print(count // 4 / (time.perf_counter() - begin))
`;

/**
 * The two figures of a client library: one redis-py client without a pipeline, and a connection for
 * each command, both in percent of what redis-benchmark reaches with one connection at that server.
 */
export async function clientFiguresPart(context: PartContext): Promise<string> {
  const { contestants, results, rounds, isSmoke } = context;
  const python = pythonWithRedis();
  if (python === null) return "Left out: no Python with the redis module";
  await using field = await Field.start(contestants);
  const count = isSmoke ? 40 : Math.ceil(10_000 * context.scale);
  const names = ["one client", "a connection per command"];
  const load = `${count} SETs`;
  await alternate(field.runners, rounds, async ({ contestant, server }) => {
    const { requestsPerSecond } = await runBenchmark(server, ["-t", "set", "-c", "1"], count);
    const args = ["-c", CLIENT_PROGRAM, String(server.port), String(count)];
    const { stdout } = await runTool(python, args);
    const rates = stdout.trim().split("\n").map(Number);
    for (const [index, name] of names.entries()) {
      const share = rates[index]! / requestsPerSecond * 100;
      results.add(`redis-py, ${name}`, contestant.name, "% of redis-benchmark", share, load);
      results.add(`redis-py, ${name}: rate`, contestant.name, "/s", rates[index]!, load);
      printNote(`redis-py, ${name}: ${contestant.title} ${shownNumber(share)} %`);
    }
  });
  const rows = names.flatMap((name) => [
    { label: `${name}, % of redis-benchmark -c 1`, what: `redis-py, ${name}` },
    { label: `${name}, SET/s`, what: `redis-py, ${name}: rate` },
  ]);
  return standingsTable(results, contestants, "redis-py", rows);
}

interface ScriptLoad {
  name: string;
  source: string;
  /** Its argument, if it takes one. */
  argument?: string;
  /** Calls per round, and how many are sent in one piece. */
  calls: number;
  batch: number;
}

const DOCUMENT = JSON.stringify({
  items: Array.from({ length: 40 }, (_, index) => ({ id: index, name: `item number ${index}` })),
  text: "x".repeat(687),
});

const SCRIPTS: readonly ScriptLoad[] = [
  { name: "GET", source: "return redis.call('GET', KEYS[1])", calls: 50_000, batch: 500 },
  {
    name: "100 redis.call in a loop",
    source: "for i = 1, 100 do redis.call('INCR', KEYS[1]) end return 1",
    calls: 2000,
    batch: 50,
  },
  {
    name: "a loop of 10^6 additions",
    source: "local s = 0 for i = 1, 1000000 do s = s + i end return s",
    calls: 30,
    batch: 5,
  },
  {
    name: "cjson of 2 KB",
    source: "return #cjson.encode(cjson.decode(ARGV[1]))",
    argument: DOCUMENT,
    calls: 2000,
    batch: 100,
  },
];

/** CPU of the server's process per EVALSHA, over one connection. */
export async function scriptsPart(context: PartContext): Promise<string> {
  const { contestants, results, rounds, isSmoke } = context;
  await using field = await Field.start(contestants);
  const runScript = async ({ contestant, server }: Runner, script: ScriptLoad, isKept: boolean) => {
    using client = await server.connect();
    const sha = String(await client.expect("SCRIPT", "LOAD", script.source));
    await client.expect("SET", "key:script", "1");
    const request = ["EVALSHA", sha, "1", "key:script", script.argument ?? "x"];
    const batch = Array<string[]>(isSmoke ? 1 : script.batch).fill(request);
    const calls = isSmoke ? 1 : script.calls;
    const before = cpuMicroseconds(server.pid);
    for (let done = 0; done < calls; done += batch.length) await runBatch(client, batch);
    const cpuUs = (cpuMicroseconds(server.pid) - before) / calls;
    if (!isKept) return;
    results.add(`EVALSHA of ${script.name}: CPU`, contestant.name, "µs", cpuUs, `${calls} calls`);
    printNote(`EVALSHA of ${script.name}: ${contestant.title} ${shownNumber(cpuUs)} µs of CPU`);
  };
  for (const script of SCRIPTS) {
    await alternate(field.runners, 1, (runner) => runScript(runner, script, false));
    await alternate(field.runners, rounds, (runner) => runScript(runner, script, true));
  }
  const rows = SCRIPTS.map(({ name }) => ({ label: name, what: `EVALSHA of ${name}: CPU` }));
  return standingsTable(results, contestants, "EVALSHA, CPU µs per call", rows);
}

/** Milliseconds from now to the first PONG from a port, looked for without a pause. */
async function firstPongMs(port: number): Promise<number> {
  const beginMs = performance.now();
  for (;;) {
    try {
      using client = await RespClient.connect(port);
      if (await client.call("PING") === "PONG") return performance.now() - beginMs;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
    await delay(1);
  }
}

/** From the start of the process to the first PONG, and what it takes while nobody asks. */
export async function startPart(context: PartContext): Promise<string> {
  const { contestants, results, rounds, isSmoke } = context;
  await alternate(contestants, rounds, async (contestant) => {
    const port = freePort();
    const starting = startContestant(contestant, [], { port });
    const startMs = await firstPongMs(port);
    await using _ = await starting;
    results.add("start to first PONG", contestant.name, "ms", startMs);
    printNote(`start: ${contestant.title} ${shownNumber(startMs)} ms`);
  });
  const idleMs = isSmoke ? 100 : 10_000;
  await using field = await Field.start(contestants);
  for (let round = 0; round < rounds; round++) {
    // What a start leaves to be done is no idleness.
    if (round === 0) await delay(idleMs);
    const before = field.runners.map(({ server }) => cpuMicroseconds(server.pid));
    await delay(idleMs);
    for (const [index, { contestant, server }] of field.runners.entries()) {
      const share = (cpuMicroseconds(server.pid) - before[index]!) / (idleMs * 1000) * 100;
      results.add("idle CPU", contestant.name, "%", share, `${idleMs} ms`);
      results.add("idle resident", contestant.name, "MiB", residentBytes(server.pid) / MIB);
      const anonymous = anonymousBytes(server.pid) / MIB;
      results.add("idle resident, own", contestant.name, "MiB", anonymous);
    }
  }
  const rows = [
    { label: "first PONG, ms", what: "start to first PONG" },
    { label: "idle resident, MiB", what: "idle resident" },
    { label: "of it not of files, MiB", what: "idle resident, own" },
    { label: "idle CPU, %", what: "idle CPU" },
  ];
  return standingsTable(results, contestants, "start", rows);
}
