/**
 * Measures how long single requests and events take where nobody pipelines: what a server that is
 * mostly idle costs, and who waits how long beside the load of others.
 *
 *   deno run -A scripts/bench/wire/delays.ts [--rounds N] [--smoke]
 *
 *   --rounds N   samples of each kind are N times a hundred (default 2)
 *   --smoke      tiny numbers: shows that everything runs, measures nothing
 *
 * Cells are "median / 99th of 100 / longest" in ms. The client is one process with us, and its own
 * delays are in every number; redis-server stands beside for that.
 */
import { parseArgs } from "@std/cli";
import { Certificates } from "../../../tests/support/certificates.ts";
import { cpuSeconds } from "../../../tests/support/process_stat.ts";
import { encodeRequests, RespClient } from "../../../tests/support/resp_client.ts";
import { freePort, type ServerProcess } from "../../../tests/support/server_process.ts";
import { concatBytes, delay, printLine, printNote } from "../../../tests/support/text.ts";
import { runTool } from "../../../tests/support/tool_availability.ts";
import { BOTH, startContestant } from "../contestants.ts";
import { readBenchmark } from "../loads.ts";
import { describeMachine } from "../results.ts";
import { markdownTable, percentile } from "../spread.ts";

const PING = encodeRequests([["PING"]]);

/** How much of everything is done. */
interface Scale {
  samples: number;
  idleMs: number;
  pipelinedBytes: number;
  benchmarkRequests: number;
  clients: number;
}

const FULL: Scale = {
  samples: 100,
  idleMs: 20_000,
  pipelinedBytes: 100_000_000,
  benchmarkRequests: 3_000_000,
  clients: 5000,
};
const SMOKE: Scale = {
  samples: 3,
  idleMs: 200,
  pipelinedBytes: 100_000,
  benchmarkRequests: 20_000,
  clients: 20,
};

type Measure = (server: ServerProcess, scale: Scale) => Promise<string>;

/** Milliseconds, as they are shown. */
function shown(delaysMs: readonly number[]): string {
  const parts = [50, 99, 100].map((percent) => percentile(delaysMs, percent));
  return parts.map((ms) => ms.toFixed(ms < 10 ? 2 : 0)).join(" / ");
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beginMs = performance.now();
  await work();
  return performance.now() - beginMs;
}

/** Does something many times and keeps how long each took, less `expectedMs`. */
async function repeat(
  count: number,
  work: () => Promise<unknown>,
  expectedMs = 0,
): Promise<number[]> {
  const delaysMs: number[] = [];
  for (let index = 0; index < count; index++) delaysMs.push(await timed(work) - expectedMs);
  return delaysMs;
}

/** PINGs one after the other until `isOver`. */
async function pingUntil(client: Pinger, isOver: () => boolean): Promise<number[]> {
  const delaysMs: number[] = [];
  do {
    delaysMs.push(await timed(() => client.ping()));
    await delay(1);
  } while (!isOver());
  return delaysMs;
}

interface Pinger {
  ping(): Promise<void>;
}

/** The least that sends PING and takes the answer, over any socket. */
function pinger(connection: Deno.Conn): Pinger {
  const room = new Uint8Array(64);
  return {
    async ping() {
      await connection.write(PING);
      await connection.read(room);
    },
  };
}

const idleCpu: Measure = async (server, { idleMs }) => {
  using client = await server.connect();
  await client.expect("PING");
  await delay(1000);
  const before = cpuSeconds(server.pid);
  await delay(idleMs);
  return `${((cpuSeconds(server.pid) - before) / idleMs * 100_000).toFixed(2)} %`;
};

function pingAfter(pauseMs: number): Measure {
  return async (server, { samples }) => {
    using client = await server.connect();
    const one = pinger(client.connection);
    const delaysMs: number[] = [];
    for (let index = 0; index < Math.min(samples, 20_000 / pauseMs); index++) {
      await delay(pauseMs);
      delaysMs.push(await timed(() => one.ping()));
    }
    return shown(delaysMs);
  };
}

const blockedTooLong: Measure = async (server, { samples }) => {
  using client = await server.connect();
  return shown(await repeat(samples, () => client.expect("BLPOP", "nothing", "0.05"), 50));
};

const backgroundSave: Measure = async (server, { samples }) => {
  using client = await server.connect();
  const saved = async () => {
    await client.expect("BGSAVE");
    for (;;) {
      const info = String(await client.expect("INFO", "persistence"));
      if (info.includes("rdb_bgsave_in_progress:0")) return;
    }
  };
  return shown(await repeat(Math.min(20, samples), saved));
};

const termination: Measure = async (server) => {
  const delaysMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    await using one = await startContestant(contestantOf(server), transportOf(server));
    using client = await one.connect();
    await client.expect("SET", "key", "value");
    await delay(300);
    delaysMs.push(await timed(() => one.stop()));
  }
  return shown(delaysMs);
};

/** As many pipelined requests of others as the server can take. */
function benchmark(server: ServerProcess, requests: number): Promise<unknown> {
  const args = ["-p", String(server.port), "-t", "get", "-P", "16", "-c", "50", "-r", "100000"];
  return runTool("redis-benchmark", [...args, "-q", "-n", String(requests)], {
    timeoutMs: 600_000,
  });
}

async function besideLoad(connection: Deno.Conn, load: Promise<unknown>): Promise<string> {
  let isOver = false;
  const ending = load.finally(() => isOver = true);
  const delaysMs = await pingUntil(pinger(connection), () => isOver);
  await ending;
  return shown(delaysMs);
}

const plainBesideLoad: Measure = async (server, { benchmarkRequests }) => {
  using client = await server.connect();
  return await besideLoad(client.connection, benchmark(server, benchmarkRequests));
};

const tlsBesideLoad: Measure = async (server, { benchmarkRequests }) => {
  await using certificates = await Certificates.create();
  const port = freePort();
  await using one = await startContestant(contestantOf(server), [
    ...transportOf(server),
    ...["--tls-port", String(port), "--tls-auth-clients", "no"],
    ...["--tls-ca-cert-file", certificates.path("ca.crt")],
    ...["--tls-cert-file", certificates.path("server.crt")],
    ...["--tls-key-file", certificates.path("server.key")],
  ]);
  using connection = await Deno.connectTls({
    hostname: "localhost",
    port,
    caCerts: [certificates.text("ca.crt")],
  });
  return await besideLoad(connection, benchmark(one, benchmarkRequests));
};

/** One client sends all it has in one go; fifty others PING. */
const fairness: Measure = async (server, { pipelinedBytes }) => {
  const request = encodeRequests([["SET", "key", "v".repeat(1000)]]);
  const batch = concatBytes(new Array(100).fill(request));
  const others = await Promise.all(Array.from({ length: 50 }, () => server.connect()));
  using greedy = await server.connect();
  const room = new Uint8Array(65_536);
  const reading = (async () => {
    const replies = Math.ceil(pipelinedBytes / batch.length) * 100;
    for (let bytes = 0; bytes < replies * 5;) bytes += (await greedy.connection.read(room))!;
  })();
  const writing = (async () => {
    for (let sent = 0; sent < pipelinedBytes; sent += batch.length) await greedy.writeBytes(batch);
  })();
  let isOver = false;
  const ending = Promise.all([reading, writing]).finally(() => isOver = true);
  const delaysMs = (await Promise.all(
    others.map(({ connection }) => pingUntil(pinger(connection), () => isOver)),
  )).flat();
  await ending;
  for (const other of others) other.close();
  return shown(delaysMs);
};

const manyClients: Measure = async (server, { clients, benchmarkRequests }) => {
  const requests = Math.ceil(benchmarkRequests / 15);
  const { stdout } = await runTool("redis-benchmark", [
    ...["-p", String(server.port), "-t", "get", "-c", String(clients), "--csv"],
    ...["-n", String(requests)],
  ], { timeoutMs: 600_000 });
  const { requestsPerSecond, p50Ms, p99Ms, longestMs } = readBenchmark(stdout, requests);
  return `${p50Ms} / ${p99Ms} / ${longestMs} (${Math.round(requestsPerSecond)}/s)`;
};

/** Connections one after the other, each for one PING. */
const inARow: Measure = async (server, { samples }) => {
  const count = samples * 100;
  const beginMs = performance.now();
  for (let index = 0; index < count; index++) {
    using client = await RespClient.connect(server.port);
    await pinger(client.connection).ping();
  }
  return `${Math.round(count / (performance.now() - beginMs) * 1000)}/s`;
};

const MEASURES: readonly (readonly [name: string, measure: Measure])[] = [
  ["CPU of an idle server", idleCpu],
  ["first PING after 100 ms", pingAfter(100)],
  ["first PING after 2 s", pingAfter(2000)],
  ["BLPOP's timeout, too late by", blockedTooLong],
  ["BGSAVE of nothing, to its end", backgroundSave],
  ["SIGTERM to the end", termination],
  ["PING beside `-c 50 -P 16`", plainBesideLoad],
  ["PING over TLS beside it", tlsBesideLoad],
  ["PING of 50 beside 100 MB pipelined", fairness],
  ["GET of 5,000 clients", manyClients],
  ["connections in a row", inARow],
];

function transportOf(server: ServerProcess): string[] {
  return transports.get(server) ?? [];
}

const contestantOf = ({ target }: ServerProcess) => target === "redis" ? BOTH[0] : BOTH[1];

const transports = new Map<ServerProcess, string[]>();

if (import.meta.main) {
  const options = parseArgs(Deno.args, { boolean: ["smoke"], string: ["rounds"] });
  const rounds = Number(options.rounds ?? 2);
  const scale = options.smoke ? SMOKE : { ...FULL, samples: FULL.samples * rounds };
  await using redis = await startContestant(BOTH[0], ["--maxclients", "10000"]);
  const epollArgs = ["--transport", "epoll"];
  const runtimeArgs = ["--transport", "runtime"];
  await using epoll = await startContestant(BOTH[1], epollArgs);
  await using runtime = await startContestant(BOTH[1], runtimeArgs);
  transports.set(epoll, epollArgs).set(runtime, runtimeArgs);
  const rows: string[][] = [];
  for (const [name, measure] of MEASURES) {
    const row = [name];
    for (const server of [redis, epoll, runtime]) {
      row.push(await measure(server, scale));
      printNote(`${name}: ${row.at(-1)}`);
    }
    rows.push(row);
  }
  printLine(`${describeMachine()}; ms: median / 99th of 100 / longest.`);
  printLine(`\n${markdownTable(["", "redis-server", "epoll", "runtime"], rows)}\n`);
}
