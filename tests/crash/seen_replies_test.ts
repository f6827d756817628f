/**
 * What any client has seen with `appendfsync always` is there after a power loss: the real process
 * on the real disk, whose syncs strace(1) holds up for 15 ms, while clients write and read the same
 * few counters in every way: INCR, scripts, transactions, MGET, messages. At some moment the
 * process is killed, and what no sync had brought to the disk by then is cut off its file (a kill
 * alone would leave that to the next process). No counter may then be lower than the highest value
 * that any client was told.
 *
 * One round for each way to sync and to carry clients; REDENO_CRASH=full makes twenty,
 * REDENO_CRASH_ROUNDS=n another number.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { RespClient } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import {
  launchCommand,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { printLine, until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { safeBytesOf, TRACED_CALLS } from "./traced_syncs.ts";

const IS_FULL = Deno.env.get("REDENO_CRASH") === "full";
const ROUNDS = Number(Deno.env.get("REDENO_CRASH_ROUNDS") ?? (IS_FULL ? 20 : 1));
const SEED = Number(Deno.env.get("REDENO_CRASH_SEED") ?? 1);
const COUNTERS = 6;
const READERS = 18;
/** Replies to wait for before the kill, and how many more at most, at random. */
const REPLIES_MIN = 300;
const REPLIES_MORE = 300;
const SYNC_DELAY_US = 15_000;
const READY_TIMEOUT_MS = 120_000;

/** Who syncs: a thread of the runtime, or one of the kernel (which strace cannot hold up). */
type Syncs = "runtime" | "kernel";

const INCREMENT = "local n = redis.call('INCR', KEYS[1]); " +
  "redis.call('PUBLISH', 'seen', KEYS[1] .. ' ' .. n); return n";
const SORTING = ["BY", "nosort", "GET", "counter:*"];
const READ = "return redis.call('GET', KEYS[1])";

const keyOf = (index: number) => `counter:${index}`;

/** The highest value of each counter that anybody was told. */
class Seen {
  readonly values = new Map<string, number>();
  replyCount = 0;

  note(key: string, value: unknown): void {
    this.replyCount++;
    const number = Number(value);
    if (number > (this.values.get(key) ?? 0)) this.values.set(key, number);
  }
}

/** Runs a client until the server is killed. */
async function asClient(server: ServerProcess, run: (client: RespClient) => Promise<void>) {
  try {
    using client = await server.connect();
    for (;;) await run(client);
  } catch {
    // The server was killed.
  }
}

const pick = <T>(random: SeededRandom, ways: readonly T[]): T => ways[random.below(ways.length)]!;

function writer(server: ServerProcess, key: string, random: SeededRandom, seen: Seen) {
  const ways: ((client: RespClient) => Promise<unknown>)[] = [
    (client) => client.call("INCR", key),
    (client) => client.call("EVAL", INCREMENT, 1, key),
    async (client) => (await client.callMany([["MULTI"], ["INCR", key], ["EXEC"]]) as never)[2][0],
  ];
  return asClient(server, async (client) => seen.note(key, await pick(random, ways)(client)));
}

function reader(server: ServerProcess, random: SeededRandom, seen: Seen) {
  const ways: ((client: RespClient, key: string) => Promise<unknown>)[] = [
    (client, key) => client.call("GET", key),
    (client, key) => client.call("GET", key),
    async (client, key) => (await client.call("MGET", "other", key) as never)[1],
    (client, key) => client.call("EVAL_RO", READ, 1, key),
    // Which keys it reads nobody can tell beforehand.
    async (client, key) => (await client.call("SORT_RO", key + ":names", ...SORTING) as never)[0],
    async (client, key) =>
      (await client.callMany([["MULTI"], ["GET", key], ["EXEC"]]) as never)[2][0],
    async (client, key) => (await client.callMany([["PING"], ["GET", "other"], ["GET", key]]))[2],
  ];
  return asClient(server, async (client) => {
    const key = keyOf(random.below(COUNTERS));
    seen.note(key, await pick(random, ways)(client, key));
  });
}

/** Hears what scripts publish; the value of the first message comes with the second request. */
async function subscriber(server: ServerProcess, seen: Seen) {
  try {
    using client = await server.connect();
    await client.call("SUBSCRIBE", "seen");
    for (;;) {
      const [, , text] = await client.receive() as string[];
      const [key, value] = text!.split(" ");
      seen.note(key!, value);
    }
  } catch {
    // The server was killed.
  }
}

/** A program that starts the server as ever, watched by strace. */
async function writeTracer(
  directory: string,
  syncs: Syncs,
): Promise<{ program: string; log: string }> {
  const log = join(directory, "strace.log");
  const program = join(directory, "traced-server");
  const options = ["-f", "-y", "-qq", "-s", "8", "-o", log, "-e", `trace=${TRACED_CALLS.join()}`];
  options.push("-e", `inject=fdatasync,fsync:delay_enter=${SYNC_DELAY_US}`);
  if (syncs === "runtime") {
    options[options.indexOf("-e") + 1] += ",io_uring_setup";
    options.push("-e", "inject=io_uring_setup:error=ENOSYS");
  }
  const words = [...options, ...launchCommand("redeno")].map((word) => `'${word}'`);
  await Deno.writeTextFile(program, `#!/bin/sh\nexec strace ${words.join(" ")} "$@"\n`, {
    mode: 0o700,
  });
  return { program, log };
}

async function processId(server: ServerProcess): Promise<number> {
  using client = await server.connect();
  const info = String(await client.call("INFO", "server"));
  return Number(/process_id:(\d+)/.exec(info)![1]);
}

/** Cuts off what no sync has made safe. Returns how many bytes that was. */
async function losePower(directory: string, log: string): Promise<number> {
  const isIncrement = (path: string) => path.endsWith(".incr.aof");
  const { safe, syncCount } = safeBytesOf(await Deno.readTextFile(log), isIncrement);
  assert(syncCount > 0, "no sync was seen");
  const folder = join(directory, "appendonlydir");
  const [name] = Array.from(Deno.readDirSync(folder), (entry) => entry.name).filter(isIncrement);
  const path = join(folder, name!);
  const { size } = await Deno.stat(path);
  assert(safe <= size);
  await Deno.truncate(path, safe);
  return size - safe;
}

const ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"];

/** Clients write and read until the power is lost. Returns what was told, and what was lost. */
async function runOnce(
  directory: string,
  syncs: Syncs,
  transport: string,
  random: SeededRandom,
): Promise<{ seen: Seen; lostBytes: number }> {
  const { program, log } = await writeTracer(directory, syncs);
  const args = [...ALWAYS, "--transport", transport];
  await using server = await startServer({
    target: "redeno",
    ...{ program, args, directory, readyTimeoutMs: READY_TIMEOUT_MS },
  });
  const seen = new Seen();
  const pid = await processId(server);
  using first = await server.connect();
  for (let index = 0; index < COUNTERS; index++) {
    await first.call("RPUSH", `${keyOf(index)}:names`, index);
  }
  const clients = Array.from(
    { length: COUNTERS },
    (_, index) => writer(server, keyOf(index), random, seen),
  );
  for (let count = 0; count < READERS; count++) clients.push(reader(server, random, seen));
  clients.push(subscriber(server, seen));
  const wanted = REPLIES_MIN + random.below(REPLIES_MORE);
  await until("replies", () => seen.replyCount >= wanted);
  Deno.kill(pid, "SIGKILL");
  await Promise.all([server.exited, ...clients]);
  return { seen, lostBytes: await losePower(directory, log) };
}

async function assertThere(directory: string, seen: Seen): Promise<void> {
  await using server = await startServer({
    target: "redeno",
    ...{ directory, args: ALWAYS, readyTimeoutMs: READY_TIMEOUT_MS },
  });
  using client = await server.connect();
  const missing: string[] = [];
  for (const [key, value] of seen.values) {
    const found = Number(await client.call("GET", key));
    if (found < value) missing.push(`${key}: ${value} was told, ${found} is there`);
  }
  assertEquals(missing, []);
}

function testSeen(syncs: Syncs, transport: string): void {
  const name = `what was told is there after a power loss: ${transport}, syncs by the ${syncs}`;
  testWith(["strace", "epoll"], name, async () => {
    let lostBytes = 0;
    let replyCount = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await using directory = await TemporaryDirectory.create();
      const random = new SeededRandom(SEED + round);
      const told = await runOnce(directory.path, syncs, transport, random);
      await assertThere(directory.path, told.seen);
      lostBytes += told.lostBytes;
      replyCount += told.seen.replyCount;
    }
    printLine(`${name}: ${ROUNDS} times, ${replyCount} replies, ${lostBytes} bytes were not safe`);
  });
}

testSeen("runtime", "epoll");
testSeen("runtime", "runtime");
testSeen("kernel", "epoll");
