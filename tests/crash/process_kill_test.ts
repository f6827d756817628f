/**
 * The real process on the real disk, killed by SIGKILL under load, again and again on the same
 * files: during BGSAVE, during a rewrite, and while it loads. redis-benchmark (if there is one)
 * makes the load; beside it, writers note every answer they get.
 *
 *   always       nothing that was answered may be missing
 *   everysec     nothing that was answered (a kill takes nothing away from the system's buffers);
 *                if the log says that the disk held up writes, nothing of two seconds before
 *   no           the same
 *   RDB alone    nothing that was answered before the last BGSAVE that succeeded began
 *
 * And of every transaction both halves are there, or neither. Three rounds for each policy;
 * REDENO_CRASH=full makes a hundred, REDENO_CRASH_ROUNDS=n another number.
 */
import { assert, assertEquals } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { type ServerProcess, startServer, TemporaryDirectory } from "../support/server_process.ts";
import { delay, printLine } from "../support/text.ts";
import { missingReason } from "../support/tool_availability.ts";

const IS_FULL = Deno.env.get("REDENO_CRASH") === "full";
const ROUNDS = Number(Deno.env.get("REDENO_CRASH_ROUNDS") ?? (IS_FULL ? 100 : 3));
const SEED = Number(Deno.env.get("REDENO_CRASH_SEED") ?? 1);
const WRITERS = 6;
const WINDOW_MS = 2000;
/** Keys that make saving and loading take a while. */
const BALLAST_KEYS = 200_000;
/** A load that is killed in the middle takes about so long. */
const LOAD_MS_MAX = 900;
/** Loading may take long where others keep the machine busy. */
const READY_TIMEOUT_MS = 120_000;
const BENCHMARK_REASON = missingReason("redis-benchmark");
if (BENCHMARK_REASON !== null) printLine(`without redis-benchmark: ${BENCHMARK_REASON}`);

type Policy = "always" | "everysec" | "no" | "rdb";

/** What one writer was answered, and when. */
interface Answers {
  begin: number;
  times: number[];
}

/** Sets two keys and a list to the next number, in a transaction, on and on. */
async function write(server: ServerProcess, writer: number, answers: Answers): Promise<void> {
  try {
    using client = await server.connect();
    for (;;) {
      const value = answers.begin + answers.times.length + 1;
      const replies = await client.callMany([
        ["MULTI"],
        ["SET", `left:${writer}`, value],
        ["RPUSH", `list:${writer}`, value],
        ["LTRIM", `list:${writer}`, -5, -1],
        ["SET", `right:${writer}`, value],
        ["EXEC"],
      ]);
      if (!Array.isArray(replies.at(-1))) return;
      answers.times.push(performance.now());
    }
  } catch {
    // The server was killed.
  }
}

/** Load of every kind whose data do not grow without end; goes on until the server is killed. */
class BenchmarkLoad implements AsyncDisposable {
  readonly #process: Deno.ChildProcess | null = null;

  constructor(port: number) {
    if (BENCHMARK_REASON !== null) return;
    const args = ["-p", String(port), "-c", "20", "-n", "100000000", "-r", "5000", "-d", "32"];
    args.push("-q", "-t", "set,incr,sadd,hset,spop,zadd,zpopmin,mset");
    const streams = { stdin: "null", stdout: "null", stderr: "null" } as const;
    this.#process = new Deno.Command("redis-benchmark", { args, ...streams }).spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process?.kill("SIGKILL");
    } catch {
      // It ended when its server did.
    }
    await this.#process?.status;
  }
}

/** Asks for one background job after the other; notes when the last good BGSAVE began. */
async function keepBusy(
  server: ServerProcess,
  command: "BGSAVE" | "BGREWRITEAOF",
  saved: { beganMs: number },
): Promise<void> {
  try {
    using client = await server.connect();
    let beganMs = performance.now();
    await client.call(command);
    for (;;) {
      await delay(5);
      const info = String(await client.call("INFO", "persistence"));
      if (!/(rdb_bgsave|aof_rewrite)_in_progress:1/.test(info)) {
        if (command === "BGSAVE" && /rdb_last_bgsave_status:ok/.test(info)) saved.beganMs = beganMs;
        beganMs = performance.now();
        await client.call(command);
      }
    }
  } catch {
    // The server was killed.
  }
}

/** Values of all writers; fails if a transaction is there in part. */
async function readWhole(client: RespClient): Promise<number[]> {
  const values: number[] = [];
  for (let writer = 0; writer < WRITERS; writer++) {
    const left = Number(await client.call("GET", `left:${writer}`));
    const right = Number(await client.call("GET", `right:${writer}`));
    const last = Number(await client.call("LINDEX", `list:${writer}`, -1));
    assertEquals([right, last], [left, left], `writer ${writer}`);
    values.push(left);
  }
  return values;
}

/** The begin of the line with which a server says that answered writes now wait in memory. */
const BUSY_LINE = "The disk is busy";

/** Until when what was answered is promised. */
function limitOf(policy: Policy, log: string, killMs: number, savedMs: number): number {
  if (policy === "rdb") return savedMs;
  return policy !== "always" && log.includes(BUSY_LINE) ? killMs - WINDOW_MS : Infinity;
}

function promisedAt(answers: Answers, limitMs: number): number {
  const answered = answers.times.filter((atMs) => atMs < limitMs).length;
  return answered === 0 ? 0 : answers.begin + answered;
}

function argumentsFor(policy: Policy): string[] {
  if (policy === "rdb") return [];
  return ["--appendonly", "yes", "--appendfsync", policy];
}

/** Starts a server and kills it if it does not serve in time. Returns whether it was loading. */
async function killWhileLoading(
  directory: string,
  args: string[],
  afterMs: number,
): Promise<boolean> {
  try {
    await using server = await startServer({ directory, args, readyTimeoutMs: afterMs });
    await server.kill();
    return false;
  } catch {
    return true;
  }
}

interface Outcome {
  promised: number[];
  answered: number;
  isRewriting: boolean;
  /** The server has said that the disk held up writes. */
  isDiskBusy: boolean;
}

async function round(
  directory: string,
  policy: Policy,
  random: SeededRandom,
  promised: number[],
): Promise<Outcome> {
  const args = argumentsFor(policy);
  const readyTimeoutMs = READY_TIMEOUT_MS;
  await using server = await startServer({ directory, args, readyTimeoutMs });
  using client = await server.connect();
  const found = await readWhole(client);
  const missing = promised.filter((value, writer) => found[writer] < value);
  assertEquals(missing, [], `found ${found}, promised ${promised}`);
  const all = found.map((begin): Answers => ({ begin, times: [] }));
  const writing = all.map((answers, writer) => write(server, writer, answers));
  const saved = { beganMs: -Infinity };
  const command = policy === "rdb" || random.oneIn(4) ? "BGSAVE" : "BGREWRITEAOF";
  const isBusy = policy === "rdb" || !random.oneIn(4);
  await using _load = new BenchmarkLoad(server.port);
  const busy = isBusy ? keepBusy(server, command, saved) : Promise.resolve();
  await delay(random.between(150, 900));
  await server.kill();
  const killMs = performance.now();
  await Promise.all([...writing, busy]);
  const limitMs = limitOf(policy, server.log, killMs, saved.beganMs);
  const next = all.map((answers, writer) => Math.max(promisedAt(answers, limitMs), found[writer]));
  const answered = all.reduce((sum, { times }) => sum + times.length, 0);
  const isRewriting = isBusy && command === "BGREWRITEAOF";
  return { promised: next, answered, isRewriting, isDiskBusy: server.log.includes(BUSY_LINE) };
}

for (const policy of ["always", "everysec", "no", "rdb"] as const) {
  Deno.test(`SIGKILL under load, ${policy}: what was promised is found`, async () => {
    const random = new SeededRandom(SEED);
    await using directory = await TemporaryDirectory.create();
    {
      // Without AOF: the first round makes the dump the base of its own.
      const args = ["--enable-debug-command", "yes"];
      await using server = await startServer({ directory: directory.path, args });
      using client = await server.connect();
      await client.expect("DEBUG", "POPULATE", BALLAST_KEYS, "ballast", 100);
      await client.expect("SAVE");
    }
    let promised: number[] = new Array(WRITERS).fill(0);
    let answered = 0;
    let killsInLoad = 0;
    let killsInRewrites = 0;
    let killsOnBusyDisk = 0;
    for (let count = 0; count < ROUNDS; count++) {
      const outcome = await round(directory.path, policy, random, promised);
      promised = outcome.promised;
      answered += outcome.answered;
      if (outcome.isRewriting) killsInRewrites++;
      if (outcome.isDiskBusy) killsOnBusyDisk++;
      if (count % 3 === 1) {
        const args = argumentsFor(policy);
        const isCaught = await killWhileLoading(directory.path, args, random.below(LOAD_MS_MAX));
        if (isCaught) killsInLoad++;
      }
    }
    await using server = await startServer({
      directory: directory.path,
      args: argumentsFor(policy),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
    using client = await server.connect();
    const found = await readWhole(client);
    assert(found.every((value, writer) => value >= promised[writer]), `${found} < ${promised}`);
    printLine(
      `${policy}: ${ROUNDS} kills under load, ${killsInRewrites} of them while rewriting, and ` +
        `${killsInLoad} while loading; seed ${SEED}; the disk held up writes in ` +
        `${killsOnBusyDisk}; ` +
        `${answered} transactions answered`,
    );
  });
}
