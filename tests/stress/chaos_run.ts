/**
 * The chaos run: clients that send anything, do not read, and are cut off in the middle, while the
 * configuration changes under way and the data are saved all the time. Meanwhile a prober must be
 * answered, and the memory of the process stay within its bound; in the end SIGTERM ends the
 * server, and the next start loads what it had.
 *
 * The seed says what is sent; when it arrives is up to the machine, so no two runs are equal.
 */
import { assert, assertEquals } from "@std/assert";
import { anonymousBytes, cpuSeconds } from "../support/process_stat.ts";
import {
  type Argument,
  ConnectionClosed,
  encodeRequests,
  RespClient,
} from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { type ServerProcess, startServer, TemporaryDirectory } from "../support/server_process.ts";
import { delay, until } from "../support/text.ts";
import { chaosRequests, chaosSetting } from "./chaos_requests.ts";
import { MEGABYTE } from "./stress_support.ts";

const CLIENT_COUNT = 8;
const SESSION_MS_MAX = 1500;
const BURST_MAX = 40;
const BYTES_MAX = 1024 * MEGABYTE;
/** The user of the prober and of the one who steers; nothing that is sent can lock it out. */
const STEERSMAN = ["AUTH", "steersman", "ahoy"] as const;

export interface ChaosOptions {
  seed: number;
  seconds: number;
  /**
   * The prober must be answered before the server has used so much CPU time since the question
   * (or, where that is not known, in this time), and in ten times as much by the clock: so a server
   * that hangs is told from one that other programs leave no CPU.
   */
  answerMsMax: number;
}

export interface ChaosOutcome {
  sessions: number;
  requests: number;
  answers: number;
  /** The prober was closed (killed, evicted) and came back so often. */
  reconnections: number;
  longestAnswerMs: number;
  /** CPU time of the server between a question and its answer, at the most. */
  longestAnswerCpuMs: number;
  peakBytes: number;
  keys: number;
}

/** One of the clients: session after session until it is stopped. */
class ChaosClient {
  sessions = 0;
  requests = 0;
  readonly #random: SeededRandom;

  constructor(seed: number, readonly port: number) {
    this.#random = new SeededRandom(seed);
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        await this.#session(isOver);
      } catch (error) {
        if (!isEndOfConnection(error)) throw error;
      }
      this.sessions++;
    }
  }

  async #session(isOver: () => boolean): Promise<void> {
    const random = this.#random;
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    let isClosed = false;
    const close = () => {
      if (!isClosed) socket.close();
      isClosed = true;
    };
    const timer = setTimeout(close, random.between(20, SESSION_MS_MAX));
    // Who does not read is a trouble to others; who is cut off in the middle, another one.
    const isDeaf = random.oneIn(5);
    const isCutOff = random.oneIn(2);
    const reading = isDeaf ? Promise.resolve() : drain(socket);
    try {
      if (random.oneIn(2)) await writeAll(socket, encodeRequests([STEERSMAN]));
      for (let burst = random.between(1, 15); burst > 0 && !isClosed && !isOver(); burst--) {
        const bytes = this.#burst(isDeaf ? 10 : 1);
        const isLast = isCutOff && burst === 1;
        await writeAll(socket, isLast ? bytes.subarray(0, random.below(bytes.length)) : bytes);
        await delay(random.below(100));
      }
      if (!isCutOff) await delay(random.below(100));
    } finally {
      clearTimeout(timer);
      close();
      await reading;
    }
  }

  #burst(factor: number): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    const requests = Array.from({ length: random.between(1, BURST_MAX) * factor }, () => {
      return chaosRequests(random);
    }).flat();
    this.requests += requests.length;
    return encodeRequests(requests);
  }
}

/** A client of the steersman's, which comes back when it has been closed. */
class Survivor {
  reconnections = 0;
  #client: RespClient | null = null;

  constructor(readonly server: ServerProcess) {}

  /** Sends requests until one try comes to its end; returns the replies. */
  async call(...requests: (readonly Argument[])[]): Promise<unknown[]> {
    for (;;) {
      try {
        if (this.#client === null) {
          this.#client = await this.server.connect();
          // In one piece, so that no limit comes between.
          await this.#client.callMany([STEERSMAN, ["CLIENT", "NO-EVICT", "ON"]]);
        }
        return await this.#client.callMany(requests);
      } catch (error) {
        // maxclients answers with an error before it closes; so do limits that are passed.
        if (!isEndOfConnection(error)) throw error;
        if (!this.server.isRunning) throw new Error("the server has ended", { cause: error });
        this.close();
        this.reconnections++;
        await delay(5);
      }
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }
}

/** Runs the whole; throws if something that must hold does not. */
export async function chaosRun(options: ChaosOptions): Promise<ChaosOutcome> {
  await using home = await TemporaryDirectory.create();
  const users = ["--user", "steersman", "on", ">ahoy", "~*", "&*", "+@all"];
  const args = ["--enable-debug-command", "yes", ...users];
  await using server = await startServer({ directory: home.path, args });
  const outcome = await disturb(server, options);
  const random = new SeededRandom(options.seed + 1);
  const appendonly = random.pick(["yes", "no"]);
  const before = await calm(server, appendonly);
  assertEquals(await server.stop("SIGTERM"), 0);
  assert(!/ASSERTION FAILED|BUG REPORT/.test(server.log), server.log);
  const after = await startServer({
    directory: home.path,
    args: [...args, "--appendonly", appendonly],
    save: "3600 1",
    readyTimeoutMs: 60_000,
  });
  await using _ = after;
  const survivor = new Survivor(after);
  const loaded = await contentsOf(survivor);
  survivor.close();
  const lost = before.filter((key) => !loaded.includes(key));
  const found = loaded.filter((key) => !before.includes(key));
  assertEquals({ lost, found }, { lost: [], found: [] }, `after a restart with ${appendonly}`);
  return { ...outcome, keys: before.length };
}

/** All keys, which do not expire any more, each with its database, digest and type. */
async function contentsOf(survivor: Survivor): Promise<string[]> {
  const contents: string[] = [];
  for (let db = 0; db < 16; db++) {
    const [, names] = await survivor.call(["SELECT", String(db)], ["KEYS", "*"]);
    for (const name of names as Argument[]) {
      const replies = await survivor.call(
        ["SELECT", String(db)],
        ["PERSIST", name],
        ["DEBUG", "DIGEST-VALUE", name],
        ["TYPE", name],
      );
      // It may have expired a moment ago.
      if (replies[3] !== "none") contents.push(`${db} ${name} ${replies[2]} ${replies[3]}`);
    }
  }
  return contents;
}

/** The disturbance itself. */
async function disturb(server: ServerProcess, options: ChaosOptions): Promise<ChaosOutcome> {
  const endMs = performance.now() + options.seconds * 1000;
  let isFailed = false;
  const isOver = () => isFailed || !server.isRunning || performance.now() > endMs;
  const clients = Array.from({ length: CLIENT_COUNT }, (_, index) => {
    return new ChaosClient(options.seed * 100 + index, server.port);
  });
  const prober = new Survivor(server);
  const steersman = new Survivor(server);
  const probing = { answers: 0, longestAnswerMs: 0, longestAnswerCpuMs: 0, peakBytes: 0 };
  const errors: unknown[] = [];
  const guarded = (work: Promise<void>) =>
    work.catch((error) => {
      isFailed = true;
      errors.push(error);
    });
  await Promise.all([
    ...clients.map((client) => client.run(isOver)),
    probe(server, prober, options.answerMsMax, probing, isOver),
    steer(steersman, new SeededRandom(options.seed), isOver),
  ].map(guarded));
  prober.close();
  steersman.close();
  if (errors.length > 0 || !server.isRunning) {
    throw new AggregateError(errors, `${errors.join("\n")}\n${server.log.slice(-4000)}`);
  }
  assert(probing.answers > 0, "the prober was never answered");
  const sum = (count: (client: ChaosClient) => number) =>
    clients.reduce((total, client) => total + count(client), 0);
  return {
    ...probing,
    sessions: sum((client) => client.sessions),
    requests: sum((client) => client.requests),
    reconnections: prober.reconnections,
    keys: 0,
  };
}

/** Asks all the time, and looks at the memory. */
async function probe(
  server: ServerProcess,
  prober: Survivor,
  answerMsMax: number,
  outcome: Pick<
    ChaosOutcome,
    "answers" | "longestAnswerMs" | "longestAnswerCpuMs" | "peakBytes"
  >,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const elapsed = stopwatch(server.pid);
    // One that hangs is killed: then the connection ends, and the run with it.
    const timer = setInterval(() => {
      const { ms, cpuMs } = elapsed();
      if (cpuMs > answerMsMax || ms > answerMsMax * 10) server.kill();
    }, 500);
    const [reply] = await Promise.race([
      prober.call(["ECHO", "still there"]),
      server.exited.then(() => [null]),
    ]);
    clearInterval(timer);
    assert(reply !== null, "the prober was not answered in time");
    // LOADING, MISCONF and their like are answers, too.
    assert(reply === "still there" || reply instanceof RespError, `${reply}`);
    const { ms, cpuMs } = elapsed();
    outcome.answers++;
    outcome.longestAnswerMs = Math.max(outcome.longestAnswerMs, ms);
    outcome.longestAnswerCpuMs = Math.max(outcome.longestAnswerCpuMs, cpuMs);
    if (Deno.build.os === "linux" && server.isRunning) {
      const bytes = anonymousBytes(server.pid);
      outcome.peakBytes = Math.max(outcome.peakBytes, bytes);
      assert(bytes < BYTES_MAX, `the process holds ${Math.round(bytes / MEGABYTE)} MB`);
    }
    await delay(10);
  }
}

/** Tells the time since now, by the clock and by what the process has used of the CPU. */
function stopwatch(pid: number): () => { ms: number; cpuMs: number } {
  const startMs = performance.now();
  const isKnown = Deno.build.os === "linux";
  const startCpu = isKnown ? cpuSeconds(pid) : 0;
  return () => {
    const ms = Math.round(performance.now() - startMs);
    try {
      return { ms, cpuMs: isKnown ? Math.round((cpuSeconds(pid) - startCpu) * 1000) : ms };
    } catch {
      // The process is gone.
      return { ms, cpuMs: ms };
    }
  };
}

/** Changes the configuration, saves and rewrites, kills and pauses. */
async function steer(
  steersman: Survivor,
  random: SeededRandom,
  isOver: () => boolean,
): Promise<void> {
  const orders = [
    ["SAVE"],
    ["BGSAVE", "SCHEDULE"],
    ["BGREWRITEAOF"],
    ["BGREWRITEAOF"],
    ["CLIENT", "NO-EVICT", "ON"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["CLIENT", "PAUSE", "50", "WRITE"],
    ["CONFIG", "SET", "requirepass", ""],
    ["CONFIG", "SET", "maxmemory", "0"],
    ["CONFIG", "SET", "maxmemory-clients", "0"],
    ["MEMORY", "PURGE"],
  ];
  while (!isOver()) {
    const setting = chaosSetting(random).map(String);
    await steersman.call(random.oneIn(2) ? setting : random.pick(orders));
    await delay(random.below(60));
  }
}

/** Ends the disturbance: no limits, nobody else, nothing under way. Returns what is there. */
async function calm(
  server: ServerProcess,
  appendonly: string,
): Promise<string[]> {
  const survivor = new Survivor(server);
  const settings = {
    "maxmemory": "0",
    "maxmemory-clients": "0",
    "client-output-buffer-limit": "normal 0 0 0",
    "timeout": "0",
    "hz": "10",
    "save": "3600 1",
    "proto-max-bulk-len": "512mb",
    "client-query-buffer-limit": "1gb",
  };
  for (const [name, value] of Object.entries(settings)) {
    assertEquals(await survivor.call(["CONFIG", "SET", name, value]), ["OK"], name);
  }
  await survivor.call(["CLIENT", "UNPAUSE"], ["CLIENT", "KILL", "TYPE", "normal"]);
  await survivor.call(["CONFIG", "SET", "appendonly", appendonly], ["DEBUG", "PAUSE-CRON", "0"]);
  await until("nobody else is there", async () => {
    const [info] = await survivor.call(["INFO", "clients"]);
    return /connected_clients:1\r\n/.test(String(info)) &&
      /blocked_clients:0\r\n/.test(String(info));
  }, 60_000);
  await until("nothing is being written", async () => {
    const [info] = await survivor.call(["INFO", "persistence"]);
    return !/(?:_in_progress|_scheduled):1/.test(String(info));
  }, 60_000);
  const contents = await contentsOf(survivor);
  survivor.close();
  return contents;
}

async function drain(socket: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(64 * 1024);
  try {
    while (await socket.read(bytes) !== null);
  } catch (error) {
    if (!isEndOfConnection(error)) throw error;
  }
}

async function writeAll(socket: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

/** Either side may end a connection at any time: that is what the run is about. */
function isEndOfConnection(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionRefused ||
    error instanceof ConnectionClosed;
}
