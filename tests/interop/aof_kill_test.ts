/**
 * The append-only file of a server that was killed: under load, with rewrites going on all the
 * time, and cut off at places of every kind. redis-server must find in it what we find.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { startRedis } from "../support/redis_process.ts";
import type { RespClient } from "../support/resp_client.ts";
import { type ServerProcess, startServer, TemporaryDirectory } from "../support/server_process.ts";
import { runTool, testWith } from "../support/tool_availability.ts";
import { delay } from "../support/text.ts";

const AOF = ["--appendonly", "yes"];
const WRITERS = 8;
const ROUNDS = 3;

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(join(from, name), join(to, name));
    else await copyTree(join(from, name), join(to, name));
  }
}

/** Writes pairs of counters in transactions; tells how far the answers came. */
async function writePairs(server: ServerProcess, number: number, begin: number): Promise<number> {
  let answered = begin;
  try {
    using client = await server.connect();
    for (;;) {
      const value = answered + 1;
      const replies = await client.callMany([
        ["MULTI"],
        ["SET", `left:${number}`, value],
        ["RPUSH", `list:${number}`, value],
        ["SET", `right:${number}`, value],
        ["EXEC"],
      ]);
      if (replies.at(-1) === null || !Array.isArray(replies.at(-1))) return answered;
      answered = value;
    }
  } catch {
    return answered;
  }
}

/** Asks for one rewrite after the other until the server is gone. */
async function rewriteOnAndOn(server: ServerProcess): Promise<void> {
  try {
    using client = await server.connect();
    for (;;) {
      await client.call("BGREWRITEAOF");
      await delay(7);
    }
  } catch {
    // The server was killed, as it should be.
  }
}

/** Both halves of every transaction are there, and nothing that was answered is missing. */
async function assertWhole(client: RespClient, answered: readonly number[]): Promise<void> {
  for (let number = 0; number < WRITERS; number++) {
    const left = Number(await client.call("GET", `left:${number}`));
    const right = Number(await client.call("GET", `right:${number}`));
    const length = Number(await client.call("LLEN", `list:${number}`));
    assertEquals([right, length], [left, left], `halves of writer ${number}`);
    assertEquals(left >= answered[number], true, `writer ${number}: ${left} < ${answered[number]}`);
  }
}

for (const preamble of ["yes", "no"]) {
  testWith(
    ["redis-server", "redis-check-aof"],
    `always: killed during rewrites (preamble ${preamble}), every answered transaction is there`,
    async () => {
      await using directory = await TemporaryDirectory.create();
      const args = [...AOF, "--appendfsync", "always", "--aof-use-rdb-preamble", preamble];
      let answered: number[] = new Array(WRITERS).fill(0);
      for (let round = 0; round < ROUNDS; round++) {
        await using server = await startServer({ directory: directory.path, args });
        using client = await server.connect();
        await assertWhole(client, answered);
        const lefts = answered.map((_, number) => ["GET", `left:${number}`]);
        const found = (await client.callMany(lefts)).map(Number);
        const writers = found.map((begin, number) => writePairs(server, number, begin));
        const rewriter = rewriteOnAndOn(server);
        await delay(400 + 37 * round);
        await server.kill();
        answered = await Promise.all(writers);
        await rewriter;
        await using copy = await TemporaryDirectory.create();
        await copyTree(directory.path, copy.path);
        const manifest = join(copy.path, "appendonlydir", "appendonly.aof.manifest");
        const { stdout } = await runTool("redis-check-aof", [manifest]);
        assertEquals(stdout.includes("All AOF files and manifest are valid"), true, stdout);
        await using redis = await startRedis({ directory: copy.path, args });
        using other = await redis.connect();
        await assertWhole(other, answered);
      }
      assertEquals(answered.every((count) => count > 0), true, `answered: ${answered}`);
    },
  );
}

testWith(["redis-server"], "an AOF that was cut is loaded by redis-server as by us", async () => {
  await using directory = await TemporaryDirectory.create();
  {
    await using server = await startServer({ directory: directory.path, args: AOF });
    using client = await server.connect();
    await client.expect("SET", "first", "1");
    await client.callMany([["MULTI"], ["SET", "a", "1"], ["RPUSH", "l", "x", "y"], ["EXEC"]]);
    await client.expect("HSET", "hash", "field", "a\r\n*1\r\n$4\r\nQUIT\r\n");
    await client.callMany([["MULTI"], ["INCR", "a"], ["DEL", "first"], ["EXEC"]]);
    await server.stop();
  }
  const increment = join(directory.path, "appendonlydir", "appendonly.aof.1.incr.aof");
  const content = await Deno.readFile(increment);
  // Every 13th byte: within lengths, values, line ends, and both transactions.
  for (let length = 0; length <= content.length; length += 13) {
    const states: string[] = [];
    for (const start of [startServer, startRedis, startServer]) {
      await using copy = await TemporaryDirectory.create();
      await copyTree(directory.path, copy.path);
      await Deno.truncate(join(copy.path, "appendonlydir", "appendonly.aof.1.incr.aof"), length);
      await using server = await start({ directory: copy.path, args: AOF });
      using client = await server.connect();
      states.push(JSON.stringify(
        await client.callMany([
          ["MGET", "first", "a"],
          ["LRANGE", "l", "0", "-1"],
          ["HGETALL", "hash"],
        ]),
      ));
    }
    assertEquals([states[1], states[2]], [states[0], states[0]], `cut at ${length}`);
  }
});
