/**
 * The rules around saving and rewriting, said once to both servers: what may run beside what, what
 * is queued, what an end or a FLUSHALL does to a child, how an old AOF is taken in, what is told
 * while data are loading. A scenario returns a transcript; both servers must give the same one.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { startRedis } from "../support/redis_process.ts";
import { ConnectionClosed, RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import {
  freePort,
  type ServerOptions,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { delay, until, WAIT_MS_MAX } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

type Start = (options: ServerOptions) => Promise<ServerProcess>;

/** With 500 keys, a child is at work for ten seconds at least. */
const SLOW = ["--rdb-key-save-delay", "20000", "--enable-debug-command", "yes"];
const KEY_COUNT = 500;
const AOF = ["--appendonly", "yes"];

/** Declares a test that compares what a scenario tells of redis-server and of us. */
function sameAtBoth(name: string, scenario: (start: Start) => Promise<unknown>): void {
  testWith(["redis-server"], name, async () => {
    assertEquals(await scenario(startServer), await scenario(startRedis));
  });
}

async function say(client: RespClient, ...words: string[]): Promise<string> {
  const reply = await client.call(...words);
  return `${words.join(" ")} → ${reply instanceof RespError ? reply.message : String(reply)}`;
}

async function infoField(client: RespClient, name: string): Promise<string> {
  const info = String(await client.call("INFO", "persistence"));
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(info)?.[1] ?? "missing";
}

function untilField(client: RespClient, name: string, value: string): Promise<void> {
  return until(`${name}:${value}`, async () => await infoField(client, name) === value, 30_000);
}

async function fill(client: RespClient): Promise<void> {
  await client.expectMany(
    Array.from({ length: KEY_COUNT }, (_, index) => ["SET", `key:${index}`, index]),
  );
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

sameAtBoth("while BGSAVE runs: what is refused, and what is scheduled", async (start) => {
  await using server = await start({ args: SLOW });
  using client = await server.connect();
  await fill(client);
  const told = [
    await say(client, "BGSAVE", "NONSENSE"),
    await say(client, "BGSAVE"),
    await say(client, "BGSAVE"),
    await say(client, "BGSAVE", "SCHEDULE"),
    await say(client, "SAVE"),
    await say(client, "BGREWRITEAOF"),
    await infoField(client, "aof_rewrite_scheduled"),
    await infoField(client, "rdb_bgsave_in_progress"),
    await infoField(client, "current_save_keys_total"),
    await say(client, "CONFIG", "SET", "rdb-key-save-delay", "0"),
    await say(client, "FLUSHALL"),
  ];
  await untilField(client, "rdb_bgsave_in_progress", "0");
  await untilField(client, "aof_rewrites", "1");
  await untilField(client, "aof_rewrite_in_progress", "0");
  told.push(await infoField(client, "rdb_last_bgsave_status"));
  told.push(await infoField(client, "aof_last_bgrewrite_status"));
  told.push(namesIn(server.directory).join());
  return told;
});

sameAtBoth("while the AOF is rewritten: what is refused, and what is scheduled", async (start) => {
  await using server = await start({ args: [...SLOW, ...AOF] });
  using client = await server.connect();
  await fill(client);
  const told = [
    await say(client, "BGREWRITEAOF"),
    await say(client, "BGREWRITEAOF"),
    await say(client, "BGSAVE"),
    await say(client, "BGSAVE", "SCHEDULE"),
    await infoField(client, "aof_rewrite_in_progress"),
    await say(client, "CONFIG", "SET", "rdb-key-save-delay", "0"),
    await say(client, "CONFIG", "SET", "appendonly", "no"),
  ];
  // Without AOF its rewrite is given up, and the BGSAVE that waited begins.
  await untilField(client, "aof_rewrite_in_progress", "0");
  await untilField(client, "rdb_saves", "1");
  await untilField(client, "rdb_bgsave_in_progress", "0");
  told.push(await infoField(client, "rdb_last_bgsave_status"));
  told.push(namesIn(server.directory).join());
  return told;
});

sameAtBoth("within EXEC, BGSAVE and BGREWRITEAOF are scheduled", async (start) => {
  await using server = await start({});
  using client = await server.connect();
  const replies = await client.callMany([["MULTI"], ["BGSAVE"], ["BGREWRITEAOF"], ["EXEC"]]);
  await untilField(client, "aof_rewrites", "1");
  await untilField(client, "rdb_saves", "1");
  return String(replies.at(-1));
});

for (const words of [["SHUTDOWN", "NOSAVE", "NOW"], ["SHUTDOWN", "NOW"]]) {
  sameAtBoth(`${words.join(" ")} ends a BGSAVE and leaves nothing of it`, async (start) => {
    await using directory = await TemporaryDirectory.create();
    const options = { directory: directory.path, args: SLOW, save: "3600 100000" };
    await using server = await start(options);
    using client = await server.connect();
    await client.expect("SET", "key", "v");
    await client.expect("CONFIG", "SET", "rdb-key-save-delay", "3000000");
    await client.expect("BGSAVE");
    await until("the temporary file", () => namesIn(directory.path).length > 0);
    await client.expect("CONFIG", "SET", "rdb-key-save-delay", "0");
    await client.send(...words);
    const reply = await client.receive().catch((error) => error);
    const code = await server.ended();
    return [reply instanceof ConnectionClosed, code, namesIn(directory.path)];
  });
}

sameAtBoth("a single AOF file of an older server becomes the base", async (start) => {
  await using directory = await TemporaryDirectory.create();
  const commands = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\nold\r\n$1\r\n1\r\n";
  await Deno.writeTextFile(join(directory.path, "appendonly.aof"), commands);
  const told: unknown[] = [];
  for (let round = 0; round < 2; round++) {
    await using server = await start({ directory: directory.path, args: AOF });
    using client = await server.connect();
    told.push(await client.call("GET", "old"));
    await client.expect("SET", "old", "2");
    await server.stop();
    const path = join(directory.path, "appendonlydir");
    told.push(namesIn(directory.path), namesIn(path));
    told.push(await Deno.readTextFile(join(path, "appendonly.aof.manifest")));
  }
  return told;
});

sameAtBoth("while loading, INFO tells how far it is and others hear -LOADING", async (start) => {
  await using directory = await TemporaryDirectory.create();
  {
    await using server = await start({ directory: directory.path, args: SLOW });
    using client = await server.connect();
    await client.expect("CONFIG", "SET", "rdb-key-save-delay", "0");
    await client.expect("DEBUG", "POPULATE", KEY_COUNT, "key", 200);
    await client.expect("SAVE");
  }
  const port = freePort();
  const args = ["--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024"];
  const starting = start({ directory: directory.path, args, port, readyTimeoutMs: 60_000 });
  const seen = await watchLoading(port);
  assertMatch(seen, /^loading:1\r$/m);
  assertMatch(seen, /^loading_start_time:\d{10}\r$/m);
  assertMatch(seen, /^loading_loaded_bytes:[1-9]\d*\r$/m);
  assertMatch(seen, /^loading_loaded_perc:[1-9]?\d\.\d\d\r$/m);
  assertMatch(seen, /^loading_eta_seconds:\d+\r$/m);
  await using server = await starting;
  using client = await server.connect();
  return [
    server.isRunning,
    seen.match(/^(async_)?loading_?\w*:/gm),
    seen.slice(seen.indexOf("GET →")),
    await infoField(client, "rdb_last_load_keys_loaded"),
    await infoField(client, "rdb_last_load_keys_expired"),
    await infoField(client, "loading"),
  ];
});

/** INFO of a server that is loading, as soon as some is loaded, and what GET is answered. */
async function watchLoading(port: number): Promise<string> {
  for (let tries = 0; tries < WAIT_MS_MAX / 20; tries++) {
    await delay(20);
    try {
      using client = await RespClient.connect(port);
      const info = String(await client.call("INFO", "persistence"));
      if (!/^loading_loaded_bytes:[1-9]/m.test(info)) continue;
      const reply = await client.call("GET", "key:1");
      return `${info}\nGET → ${reply instanceof RespError ? reply.message : reply}`;
    } catch {
      // It does not listen yet.
    }
  }
  throw new Error("Cannot see a server that is loading");
}

testWith([], "switched on and off under load, the AOF has every answered write", async () => {
  await using directory = await TemporaryDirectory.create();
  let answered = 0;
  {
    const args = [...AOF, "--appendfsync", "always"];
    await using server = await startServer({ directory: directory.path, args });
    using client = await server.connect();
    using writer = await server.connect();
    let isOver = false;
    const writing = (async () => {
      while (!isOver) await writer.expect("RPUSH", "list", answered++);
    })();
    for (let round = 0; round < 5; round++) {
      await client.expect("CONFIG", "SET", "appendonly", "no");
      await delay(20);
      await client.expect("CONFIG", "SET", "appendonly", "yes");
      if (round % 2 === 0) await untilField(client, "aof_rewrite_in_progress", "0");
    }
    await untilField(client, "aof_rewrite_in_progress", "0");
    await untilField(client, "aof_rewrite_scheduled", "0");
    await delay(50);
    isOver = true;
    await writing;
    await server.kill();
  }
  await using server = await startServer({ directory: directory.path, args: AOF });
  using client = await server.connect();
  const elements = await client.call("LRANGE", "list", "0", "-1");
  assertEquals(elements, Array.from({ length: answered }, (_, index) => String(index)));
});
