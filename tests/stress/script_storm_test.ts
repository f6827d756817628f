/**
 * Scripts that run long, at random, while clients of all kinds come, go, and ask for everything:
 * nobody may ever see half of a script, and what is answered must be in the AOF afterwards.
 *
 *   REDENO_STRESS=full        five minutes instead of ten seconds
 *   REDENO_BUSY_SECONDS=n     n seconds
 *   REDENO_BUSY_SEED=n        with this seed
 *   REDENO_BUSY_TRANSPORT=t   what carries the clients: epoll (the rule) or runtime
 */
import { assert, assertEquals } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { type ServerProcess, startServer, TemporaryDirectory } from "../support/server_process.ts";
import { delay, printLine, until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { IS_FULL } from "./stress_support.ts";

const seconds = Number(Deno.env.get("REDENO_BUSY_SECONDS") ?? (IS_FULL ? 300 : 10));
const seed = Number(Deno.env.get("REDENO_BUSY_SEED") ?? testSeed());
const transport = Deno.env.get("REDENO_BUSY_TRANSPORT") ?? "epoll";
const CLIENTS = 12;

/** Both counters, or neither; between them others are served, for the threshold is small. */
const WRITES = "redis.call('incr','left') for i=1,ARGV[1]*1e5 do end " +
  "redis.call('rpush','list',1,2) redis.call('publish','ch','m') " +
  "for i=1,ARGV[1]*1e5 do end redis.call('incr','right') return redis.call('llen','list')";
const READS = "local n=0 for i=1,ARGV[1]*2e5 do n=n+1 end " +
  "return {redis.call('get','left'),redis.call('get','right')}";
const LIBRARY = `#!lua name=lib\nredis.register_function('w', function(keys, ARGV) ${WRITES} end)`;

type Request = (string | number)[];

/** What a client may send; several are a pipeline. */
function randomRequests(random: SeededRandom): Request[] {
  const size = String(random.between(1, 60));
  return random.pick<() => Request[]>([
    () => [["EVAL", WRITES, 0, size]],
    () => [["FCALL", "w", 0, size]],
    () => [["EVAL", READS, 0, size]],
    () => [["MULTI"], ["EVAL", WRITES, 0, size], ["GET", "left"], ["EXEC"]],
    () => [["WATCH", "left"], ["MULTI"], ["INCR", "left"], ["INCR", "right"], ["EXEC"]],
    () => [["SCRIPT", "KILL"], ["FUNCTION", "KILL"]],
    () => [["FUNCTION", "STATS"], ["SCRIPT", "EXISTS", "x"]],
    () => [["MGET", "left", "right"], ["PING"], ["MULTI"], ["DISCARD"]],
    () => [["BLPOP", "list", "0.05"], ["SET", "x", "y", "PX", "1"], ["GET", "x"]],
    () => [["CLIENT", "NO-TOUCH", "ON"], ["CLIENT", "TRACKING", "ON", "BCAST"], ["GET", "left"]],
    () => [["HELLO", "3"], ["GET", "right"], ["HELLO", "2"]],
    () => [["SUBSCRIBE", "ch"], ["UNSUBSCRIBE", "ch"]],
    () => [["AUTH", "nobody", "x"], ["UNWATCH"], ["nosuch"]],
    () => [["CLIENT", "REPLY", "SKIP"], ["PING"]],
  ])();
}

interface Counts {
  replies: number;
  busy: number;
  killed: number;
  seen: number;
}

/** One client: requests at random until time is up, now and then hanging up in their middle. */
async function useServer(
  server: ServerProcess,
  random: SeededRandom,
  endMs: number,
  counts: Counts,
): Promise<void> {
  while (performance.now() < endMs) {
    using client = await server.connect();
    for (let round = 0; round < 20 && performance.now() < endMs; round++) {
      const requests = randomRequests(random);
      for (const request of requests) await client.send(...request);
      if (random.below(12) === 0) {
        await delay(random.below(5));
        break;
      }
      await readRound(client, requests[0]!, counts);
    }
  }
}

/** The replies of a round. Their number is uncertain, but RESET is answered in any state. */
async function readRound(client: RespClient, first: Request, counts: Counts): Promise<void> {
  await client.send("RESET");
  for (;;) {
    const reply = await client.receive();
    counts.replies++;
    if (reply === "RESET") return;
    if (reply instanceof RespError) {
      counts.busy += Number(reply.code === "BUSY");
      counts.killed += Number(reply.message.includes("Script killed"));
    }
    const isPair = first[0] === "MGET" || first[1] === READS;
    if (!isPair || !Array.isArray(reply)) continue;
    counts.seen++;
    assertEquals(reply[0], reply[1], `half of a script was seen (seed ${seed})`);
  }
}

testWith(["linux"], `${seconds} seconds of long scripts leave nothing half done`, async () => {
  printLine(`busy scripts: REDENO_BUSY_SEED=${seed} REDENO_BUSY_SECONDS=${seconds}`);
  await using directory = await TemporaryDirectory.create();
  const args = ["--busy-reply-threshold", "1", "--script-time-limit", "0", "--appendonly", "yes"];
  args.push("--appendfsync", "always", "--transport", transport);
  const options = { args, directory: directory.path };
  const counts: Counts = { replies: 0, busy: 0, killed: 0, seen: 0 };
  let expected: unknown;
  {
    await using server = await startServer(options);
    using observer = await server.connect();
    await observer.expect("FUNCTION", "LOAD", LIBRARY);
    const endMs = performance.now() + seconds * 1000;
    await Promise.all(Array.from(
      { length: CLIENTS },
      (_, index) => useServer(server, new SeededRandom(seed + index), endMs, counts),
    ));
    printLine(`busy scripts: ${JSON.stringify(counts)}`);
    assert(server.isRunning);
    expected = await stateOf(observer);
    server.child.kill("SIGKILL");
    await server.exited;
  }
  assert(counts.seen > 0 && (transport !== "epoll" || (counts.busy > 0 && counts.killed > 0)));
  await using server = await startServer(options);
  using observer = await server.connect();
  assertEquals(await stateOf(observer), expected);
});

/** The counters, which must be equal, and the list; when nothing runs any more. */
async function stateOf(observer: RespClient): Promise<unknown> {
  let state: unknown;
  await until("the last script is over", async () => {
    state = await observer.call("MGET", "left", "right");
    return !(state instanceof RespError);
  });
  const [left, right] = state as unknown[];
  assertEquals(left, right, `seed ${seed}`);
  return [left, await observer.expect("LLEN", "list")];
}
