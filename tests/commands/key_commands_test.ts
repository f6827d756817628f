/** Key commands: existence, names, walks, OBJECT, whole databases, events and the AOF. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { SoftwareFork } from "../../src/memory/software_fork.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, START_MS, timed } from "../support/timed_test.ts";

const SYNTAX_ERROR = "-ERR syntax error\r\n";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";
const SAME_OBJECT = "-ERR source and destination objects are the same\r\n";
const NO_DATABASE = "-ERR DB index is out of range\r\n";

/** One key of each type and encoding, with the command that shows its value. */
const VALUES: [name: string, make: string, show: string][] = [
  ["embstr", "SET k text", "GET k"],
  ["int", "SET k 12345", "GET k"],
  ["list", "RPUSH k a b c", "LRANGE k 0 -1"],
  ["intset", "SADD k 1 2 3", "SMEMBERS k"],
  ["hashtable", "SADD k a", "SMEMBERS k"],
  ["hash", "HSET k f v g w", "HGETALL k"],
  ["zset", "ZADD k 1 a 2 b", "ZRANGE k 0 -1 WITHSCORES"],
];

Deno.test("DEL, UNLINK, EXISTS and TOUCH count keys", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "a", "1", "b", "2", "c", "3");
  expectReplies(server, [
    ["EXISTS a a nothing b", ":3\r\n"],
    ["TOUCH a nothing c", ":2\r\n"],
    ["DEL a a nothing", ":1\r\n"],
    ["UNLINK b c nothing", ":2\r\n"],
    ["DBSIZE", ":0\r\n"],
    ["TYPE a", "+none\r\n"],
  ]);
});

for (const [name, make, show] of VALUES) {
  timed(`RENAME, MOVE and COPY keep a value and its expiry: ${name}`, (server) => {
    server.run(...make.split(" "));
    server.run("PEXPIRE", "k", "5000");
    const shown = server.raw(...show.split(" "));
    const encoding = server.run("OBJECT", "ENCODING", "k");
    server.run("RENAME", "k", "renamed");
    assertEquals(server.run("EXISTS", "k"), 0);
    assertEquals(server.run("COPY", "renamed", "k"), 1);
    assertEquals(server.raw(...show.split(" ")), shown);
    assertEquals(server.run("OBJECT", "ENCODING", "k"), encoding);
    assertEquals(server.run("PTTL", "k"), 5000);
    assertEquals(server.run("PTTL", "renamed"), 5000);
    assertEquals(server.run("MOVE", "k", "3"), 1);
    assertEquals(server.run("EXISTS", "k"), 0);
    server.run("SELECT", "3");
    assertEquals(server.raw(...show.split(" ")), shown);
    assertEquals(server.run("PTTL", "k"), 5000);
    clock.advanceForTests(5001);
    assertEquals(server.run("EXISTS", "k"), 0);
  });
}

Deno.test("a copy is independent of its source", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "a");
  server.run("COPY", "k", "copy");
  server.run("RPUSH", "k", "b");
  assertEquals(server.run("LRANGE", "copy", "0", "-1"), ["a"]);
  server.run("SET", "raw", "0123456789");
  server.run("APPEND", "raw", "!");
  server.run("COPY", "raw", "raw2");
  assertEquals(server.run("OBJECT", "ENCODING", "raw2"), "raw");
  server.run("SET", "long", "x".repeat(100_000));
  server.run("COPY", "long", "long2");
  server.run("APPEND", "long", "y");
  assertEquals(server.run("STRLEN", "long2"), 100_000);
});

Deno.test("RENAME, MOVE and COPY refuse what they cannot do", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "a", "1", "b", "2");
  expectReplies(server, [
    ["RENAME none x", "-ERR no such key\r\n"],
    ["RENAME none none", "-ERR no such key\r\n"],
    ["RENAME a a", "+OK\r\n"],
    ["RENAMENX a a", ":0\r\n"],
    ["RENAMENX a b", ":0\r\n"],
    ["COPY a b", ":0\r\n"],
    ["COPY none c", ":0\r\n"],
    ["COPY none none", SAME_OBJECT],
    ["COPY a a DB 0 REPLACE", SAME_OBJECT],
    ["COPY a a DB 1", ":1\r\n"],
    ["COPY a c DB", SYNTAX_ERROR],
    ["COPY a c DB x", NOT_AN_INTEGER],
    ["COPY a c DB 99", NO_DATABASE],
    ["COPY a b REPLACE", ":1\r\n"],
    ["MOVE a 1", ":0\r\n"],
    ["MOVE a 0", SAME_OBJECT],
    ["MOVE none 99", NO_DATABASE],
    ["MOVE a x", NOT_AN_INTEGER],
    [
      "MOVE a 99999999999",
      "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n",
    ],
    ["GET b", "$1\r\n1\r\n"],
  ]);
});

timed("KEYS, SCAN and RANDOMKEY pass over expired keys", (server) => {
  server.run("SET", "dead", "x", "PX", "10");
  server.run("SET", "alive", "x");
  clock.advanceForTests(11);
  assertEquals(server.run("KEYS", "*"), ["alive"]);
  assertEquals(server.run("SCAN", "0"), ["0", ["alive"]]);
  assertEquals(server.run("RANDOMKEY"), "alive");
  server.run("SET", "alive", "x", "PX", "10");
  clock.advanceForTests(11);
  assertEquals(server.run("RANDOMKEY"), null);
  assertEquals(server.run("DBSIZE"), 0);
});

Deno.test("KEYS matches patterns, SCAN also types, and a scan finds all", () => {
  using server = new EmbeddedServer();
  const names = Array.from({ length: 500 }, (_, index) => `key:${index}`);
  for (const name of names) server.run("SET", name, "x");
  server.run("RPUSH", "list", "x");
  assertEquals((server.run("KEYS", "key:49?") as string[]).length, 10);
  assertEquals(server.run("KEYS", "[l]ist"), ["list"]);
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, keys] = server.run("SCAN", cursor, "COUNT", "20", "TYPE", "STRING") as [
      string,
      string[],
    ];
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== "0");
  assertEquals([...found].sort(), names.sort());
  expectReplies(server, [
    ["SCAN 0 MATCH list COUNT 10000", "*2\r\n$1\r\n0\r\n*1\r\n$4\r\nlist\r\n"],
    ["SCAN 0 TYPE stream COUNT 10000", "*2\r\n$1\r\n0\r\n*0\r\n"],
    ["SCAN x", "-ERR invalid cursor\r\n"],
    ["SCAN 0 COUNT 0", SYNTAX_ERROR],
    ["SCAN 0 TYPE", SYNTAX_ERROR],
  ]);
});

Deno.test("OBJECT shows how a value is kept", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "k", "text", "small", "9999", "large", "10000");
  expectReplies(server, [
    ["OBJECT ENCODING k", "$6\r\nembstr\r\n"],
    ["OBJECT ENCODING small", "$3\r\nint\r\n"],
    ["OBJECT ENCODING none", "$-1\r\n"],
    ["OBJECT REFCOUNT k", ":1\r\n"],
    ["OBJECT REFCOUNT small", ":2147483647\r\n"],
    ["OBJECT REFCOUNT large", ":1\r\n"],
    ["OBJECT IDLETIME k", ":0\r\n"],
    ["OBJECT FREQ none", "$-1\r\n"],
    [
      "OBJECT FREQ k",
      "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note " +
      "that when switching between policies at runtime LRU and LFU data will take some time to " +
      "adjust.\r\n",
    ],
    ["OBJECT FOO k", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP.\r\n"],
    ["OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command\r\n"],
  ]);
  assertEquals((server.run("OBJECT", "HELP") as string[]).length, 15);
});

Deno.test("OBJECT REFCOUNT of small integers is 1 where each value needs its own access clock", () => {
  const shared = 2147483647;
  for (const [policy, count] of [["allkeys-lru", 1], ["volatile-lfu", 1], ["noeviction", shared]]) {
    using server = new EmbeddedServer([["maxmemory-policy", String(policy)]]);
    server.run("SET", "n", "5");
    assertEquals(server.run("OBJECT", "REFCOUNT", "n"), shared);
    server.run("CONFIG", "SET", "maxmemory", "1gb");
    assertEquals(server.run("OBJECT", "REFCOUNT", "n"), count, String(policy));
  }
});

Deno.test("OBJECT FREQ answers with an LFU policy, and IDLETIME does not", () => {
  using server = new EmbeddedServer([["maxmemory-policy", "allkeys-lfu"]]);
  server.run("SET", "k", "x");
  assert((server.run("OBJECT", "FREQ", "k") as number) >= 5);
  assert(server.raw("OBJECT", "IDLETIME", "k").startsWith("-ERR An LFU maxmemory policy is sel"));
});

Deno.test("SWAPDB changes places, voids transactions and counts from 0", () => {
  using server = new EmbeddedServer();
  server.run("SET", "k", "zero");
  const watcher = server.connect();
  watcher.run("WATCH", "k");
  watcher.run("MULTI");
  watcher.run("PING");
  expectReplies(server, [
    ["SWAPDB 0 1", "+OK\r\n"],
    ["GET k", "$-1\r\n"],
    ["SELECT 1", "+OK\r\n"],
    ["GET k", "$4\r\nzero\r\n"],
    ["SWAPDB 0 0", "+OK\r\n"],
    ["SWAPDB x 1", "-ERR invalid first DB index\r\n"],
    ["SWAPDB 1 99999999999", "-ERR invalid second DB index\r\n"],
    ["SWAPDB 0 99", NO_DATABASE],
  ]);
  assertEquals(watcher.run("EXEC"), null);
});

Deno.test("FLUSHDB empties one database, FLUSHALL all, and both void transactions", () => {
  using server = new EmbeddedServer();
  const before = server.server.arena.usedBytes;
  server.run("SET", "k", "x");
  server.run("MOVE", "k", "1");
  server.run("SET", "k", "x", "EX", "100");
  const watcher = server.connect();
  watcher.run("WATCH", "k");
  watcher.run("MULTI");
  watcher.run("PING");
  expectReplies(server, [
    ["FLUSHDB FOO", SYNTAX_ERROR],
    ["FLUSHALL ASYNC SYNC", SYNTAX_ERROR],
    ["FLUSHDB async", "+OK\r\n"],
    ["DBSIZE", ":0\r\n"],
    ["SELECT 1", "+OK\r\n"],
    ["DBSIZE", ":1\r\n"],
    ["FLUSHALL", "+OK\r\n"],
    ["DBSIZE", ":0\r\n"],
  ]);
  assertEquals(watcher.run("EXEC"), null);
  server.reclaim();
  assertEquals(server.server.arena.usedBytes, before);
});

timed("key commands announce and record what they did", (server) => {
  const effects = new RecordedEffects(server);
  server.run("MSET", "a", "1", "b", "2");
  effects.takeEvents();
  effects.takeLog();
  effects.takeDirty();
  const rows: [command: string, events: string[], log: string[], dirty: number][] = [
    ["EXPIRE a 10", ["expire a"], [`PEXPIREAT a ${START_MS + 10_000}`], 1],
    ["RENAME a c", ["new c", "rename_from a", "rename_to c"], ["RENAME a c"], 1],
    ["RENAMENX c b", [], [], 0],
    ["PERSIST c", ["persist c"], ["PERSIST c"], 1],
    ["COPY c d", ["new d", "copy_to d"], ["COPY c d"], 1],
    ["MOVE d 1", ["new d", "move_from d", "move_to d"], ["MOVE d 1"], 1],
    ["EXPIREAT c 1 LT", ["del c"], ["DEL c"], 1],
    ["DEL b b none", ["del b"], ["DEL b b none"], 1],
    ["SWAPDB 0 1", [], ["SWAPDB 0 1"], 1],
    ["FLUSHALL", [], ["FLUSHALL"], 1],
  ];
  for (const [command, events, log, dirty] of rows) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeLog(), log, command);
    assertEquals(effects.takeDirty(), dirty, command);
  }
});

Deno.test("copies of large values have all, share nothing, and leave an image alone", () => {
  using server = new EmbeddedServer();
  const { arena } = server.server.keyspace;
  const fork = new SoftwareFork(arena);
  const long = "x".repeat(40_000);
  const names = [...Array.from({ length: 1000 }, (_, index) => `m${index}`), long];
  const makes = ["hash", "set", "zset"] as const;
  server.run("HSET", "hash", ...names.flatMap((name, index) => [name, `v${index}`]), "wide", long);
  server.run("SADD", "set", ...names);
  server.run("ZADD", "zset", ...names.flatMap((name, index) => [String(index % 7), name]));
  const sorted = (reply: unknown) => (reply as string[]).toSorted();
  const show = (key: string, type: string) =>
    type === "hash"
      ? sorted(server.run("HGETALL", key))
      : type === "set"
      ? sorted(server.run("SMEMBERS", key))
      : server.run("ZRANGE", key, "0", "-1", "WITHSCORES");
  const before = makes.map((type) => show(type, type));
  for (const isFrozen of [false, true]) {
    if (isFrozen) fork.freeze();
    for (const [index, type] of makes.entries()) {
      assertEquals(server.run("COPY", type, "copy", "REPLACE"), 1);
      assertEquals(show("copy", type), before[index]);
      assertEquals(
        server.run("OBJECT", "ENCODING", "copy"),
        server.run("OBJECT", "ENCODING", type),
      );
      const remove = type === "hash" ? "HDEL" : type === "set" ? "SREM" : "ZREM";
      assertEquals(server.run(remove, "copy", ...names.slice(0, 900), long), 901);
      assertEquals(show(type, type), before[index]);
    }
    if (!isFrozen) continue;
    // In debug mode this finds any write to what was frozen.
    fork.release();
    arena.freeDeferred(Infinity);
  }
});
