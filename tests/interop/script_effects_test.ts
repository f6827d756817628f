/**
 * What scripts and functions leave behind, beside redis-server: the AOF byte for byte, libraries in
 * RDB and AOF, written by one and loaded by the other.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { startRedis } from "../support/redis_process.ts";
import type { Argument, RespClient } from "../support/resp_client.ts";
import {
  type ServerOptions,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { testWith } from "../support/tool_availability.ts";
import { fromLatin1, until } from "../support/text.ts";

type Start = (options: ServerOptions) => Promise<ServerProcess>;

const AOF = ["--appendonly", "yes", "--appendfsync", "always"];
const LIBRARY = "#!lua name=lib\nredis.register_function('f',function(k,a) " +
  "redis.call('set',k[1],a[1]) return redis.call('incr','cnt') end)";

const SCRIPTS = [
  "return redis.call('set','a','b')",
  "redis.call('set','a','b') redis.call('incr','n') redis.call('rpush','l',1,2,3)",
  "redis.call('select',3) redis.call('set','x','y') redis.call('select',4) redis.call('set','x','y')",
  "redis.set_repl(redis.REPL_NONE) redis.call('set','hidden',1) redis.set_repl(redis.REPL_ALL) " +
  "redis.call('set','shown',1)",
  "redis.set_repl(redis.REPL_REPLICA) redis.call('set','r',1)",
  "redis.set_repl(redis.REPL_AOF) redis.call('set','ao',1)",
  "redis.call('set','e','v','ex',100)",
  "return redis.call('get','a')",
  "redis.call('set','a','c') error('x')",
  "redis.call('set','a','d') redis.call('incr','a')",
  "redis.pcall('incr','a') redis.call('set','q',1)",
  "redis.call('sadd','s',1) redis.call('spop','s')",
  "redis.call('publish','ch','x')",
  "redis.call('zadd','z',1.5,'m') redis.call('zincrby','z',0.1,'m')",
  "redis.call('set','f',0.1) redis.call('incrbyfloat','f',0.2)",
  "redis.call('del','nokey')",
  "redis.call('expire','q',10) redis.call('getex','q','persist')",
  "redis.call('xadd','st','1-1','a','b') redis.call('xgroup','create','st','g','0')",
];

const REQUESTS: readonly (readonly Argument[])[] = [
  ...SCRIPTS.map((script) => ["EVAL", script, 0]),
  ["MULTI"],
  ["EVAL", "redis.call('set','m1',1)", 0],
  ["SET", "m2", 2],
  ["EVAL", "redis.call('set','m3',1) redis.call('set','m4',1)", 0],
  ["EXEC"],
  ["FUNCTION", "LOAD", LIBRARY],
  ["FCALL", "f", 1, "kk", "vv"],
  ["FUNCTION", "LOAD", "#!lua name=lib2\nredis.register_function('g',function() end)"],
  ["FUNCTION", "DELETE", "lib2"],
  ["FUNCTION", "FLUSH"],
  ["SCRIPT", "LOAD", "return 7"],
  ["SCRIPT", "FLUSH"],
  ["FUNCTION", "LOAD", "REPLACE", LIBRARY],
];

/** The log of what a server has done, times made equal. */
async function logOf(start: Start): Promise<string> {
  await using directory = await TemporaryDirectory.create();
  await using server = await start({ directory: directory.path, args: AOF });
  using client = await server.connect();
  for (const request of REQUESTS) await client.call(...request);
  const path = join(directory.path, "appendonlydir", "appendonly.aof.1.incr.aof");
  return fromLatin1(await Deno.readFile(path)).replace(/\$13\r\n1\d{12}\r\n/g, "$13\r\nTIME\r\n");
}

testWith(
  ["redis-server"],
  "the effects of scripts are logged as redis-server logs them",
  async () => {
    const log = await logOf(startServer);
    assertEquals(log.includes("hidden"), false);
    assertEquals(log, await logOf(startRedis));
  },
);

/** One server writes the library, the other loads it and runs its function. */
async function assertCarriedOver(
  startWriter: Start,
  startLoader: Start,
  args: readonly string[],
  save: (client: RespClient) => Promise<void>,
): Promise<void> {
  await using directory = await TemporaryDirectory.create();
  {
    await using writer = await startWriter({ directory: directory.path, args });
    using client = await writer.connect();
    await client.call("FUNCTION", "LOAD", LIBRARY);
    await client.call("FLUSHALL");
    await client.call("FCALL", "f", 1, "kk", "vv");
    await save(client);
  }
  await using loader = await startLoader({ directory: directory.path, args });
  using client = await loader.connect();
  assertEquals(await client.call("FCALL", "f", 1, "kk", "vv"), 2);
  const listed = await client.call("FUNCTION", "LIST", "WITHCODE") as unknown[][];
  assertEquals(listed[0]!.at(-1), LIBRARY);
}

async function rewrite(client: RespClient): Promise<void> {
  await client.call("BGREWRITEAOF");
  await until("the rewrite is done", async () => {
    const info = String(await client.call("INFO", "persistence"));
    return info.includes("aof_rewrite_in_progress:0") &&
      !info.includes("aof_last_rewrite_time_sec:-1");
  });
}

async function save(client: RespClient): Promise<void> {
  assertEquals(await client.call("SAVE"), "OK");
}

const WAYS: readonly (readonly [name: string, writer: Start, loader: Start])[] = [
  ["ours to redis-server", startServer, startRedis],
  ["redis-server to ours", startRedis, startServer],
  ["ours to ours", startServer, startServer],
];

for (const [name, writer, loader] of WAYS) {
  testWith(["redis-server"], `libraries in an RDB file: ${name}`, async () => {
    await assertCarriedOver(writer, loader, [], save);
  });

  for (const preamble of ["yes", "no"]) {
    testWith(
      ["redis-server"],
      `libraries in a rewritten AOF, preamble ${preamble}: ${name}`,
      async () => {
        await assertCarriedOver(
          writer,
          loader,
          [...AOF, "--aof-use-rdb-preamble", preamble],
          rewrite,
        );
      },
    );
  }
}
