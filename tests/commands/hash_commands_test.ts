/** Hash commands in both encodings: replies, errors, events, changes counted, and the AOF. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf, RecordedEffects } from "../support/recorded_effects.ts";

const ENCODINGS: [string, [string, string][]][] = [
  ["listpack", []],
  ["hashtable", [["hash-max-listpack-entries", "0"]]],
];

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

function forEachEncoding(name: string, test: (server: EmbeddedServer) => void): void {
  for (const [encoding, directives] of ENCODINGS) {
    Deno.test(`${name} (${encoding})`, () => {
      using server = new EmbeddedServer(directives);
      server.run("HSET", "probe", "a", "1");
      assertEquals(encodingOf(server, "probe"), encoding);
      server.run("HDEL", "probe", "a");
      test(server);
    });
  }
}

/** Runs commands and compares the raw replies: each row is a command and what it replies. */
function expectReplies(server: EmbeddedServer, rows: [string, string][]): void {
  for (const [command, expected] of rows) {
    assertEquals(server.raw(...command.split(" ")), expected, command);
  }
}

/** A flat reply of pairs as a sorted list of "field=value". */
function pairs(reply: unknown): string[] {
  const flat = reply as string[];
  const texts: string[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    texts.push(`${flat[index]}=${flat[index + 1]}`);
  }
  return texts.sort();
}

forEachEncoding("HSET counts new fields, HMSET says OK, HGET and HMGET read them", (server) => {
  expectReplies(server, [
    ["HSET h a 1 b two", ":2\r\n"],
    ["HSET h a 3 c 4", ":1\r\n"],
    ["HMSET h d 5 a 6", "+OK\r\n"],
    ["HGET h a", "$1\r\n6\r\n"],
    ["HGET h missing", "$-1\r\n"],
    ["HGET missing a", "$-1\r\n"],
    ["HMGET h a x b", "*3\r\n$1\r\n6\r\n$-1\r\n$3\r\ntwo\r\n"],
    ["HMGET missing a b", "*2\r\n$-1\r\n$-1\r\n"],
    ["HLEN h", ":4\r\n"],
    ["HLEN missing", ":0\r\n"],
    ["HEXISTS h a", ":1\r\n"],
    ["HEXISTS h x", ":0\r\n"],
    ["HEXISTS missing a", ":0\r\n"],
    ["HSTRLEN h b", ":3\r\n"],
    ["HSTRLEN h x", ":0\r\n"],
    ["HSTRLEN missing b", ":0\r\n"],
  ]);
});

Deno.test("HSET and HMSET refuse a field without a value", () => {
  using server = new EmbeddedServer();
  expectReplies(server, [
    ["HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command\r\n"],
    ["HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command\r\n"],
    ["HLEN h", ":0\r\n"],
  ]);
});

forEachEncoding("HSETNX leaves an existing field alone", (server) => {
  expectReplies(server, [
    ["HSETNX h a 1", ":1\r\n"],
    ["HSETNX h a 2", ":0\r\n"],
    ["HSETNX h b 3", ":1\r\n"],
    ["HMGET h a b", "*2\r\n$1\r\n1\r\n$1\r\n3\r\n"],
  ]);
});

Deno.test("HSETNX that changes nothing does not convert the hash either", () => {
  using server = new EmbeddedServer();
  server.run("HSET", "h", "a", "1");
  assertEquals(server.run("HSETNX", "h", "a", "x".repeat(100)), 0);
  assertEquals(encodingOf(server, "h"), "listpack");
});

Deno.test("a hash is converted by the 513th field and by a value of 65 bytes", () => {
  using server = new EmbeddedServer();
  for (let index = 0; index < 512; index++) server.run("HSET", "many", `f${index}`, "v");
  assertEquals(encodingOf(server, "many"), "listpack");
  server.run("HSET", "many", "f512", "v");
  assertEquals(encodingOf(server, "many"), "hashtable");
  server.run("HSET", "long", "f", "x".repeat(64));
  assertEquals(encodingOf(server, "long"), "listpack");
  server.run("HSET", "long", "f", "x".repeat(65));
  assertEquals(encodingOf(server, "long"), "hashtable");
  server.run("HSET", "long", "f", "x");
  assertEquals(encodingOf(server, "long"), "hashtable");
});

forEachEncoding("HDEL removes fields, and the key with the last one", (server) => {
  const effects = new RecordedEffects(server);
  server.run("HSET", "h", "a", "1", "b", "2", "c", "3");
  effects.takeEvents();
  effects.takeDirty();
  expectReplies(server, [["HDEL h a x a", ":1\r\n"], ["HDEL missing a", ":0\r\n"]]);
  assertEquals(effects.takeEvents(), ["hdel h"]);
  assertEquals(effects.takeDirty(), 1);
  expectReplies(server, [["HDEL h b c d", ":2\r\n"], ["HLEN h", ":0\r\n"]]);
  assertEquals(effects.takeEvents().filter((event) => event !== "keymiss h"), ["hdel h", "del h"]);
  assertEquals(effects.takeDirty(), 2);
  assertEquals(encodingOf(server, "h"), "none");
});

forEachEncoding("HINCRBY adds integers up to the borders of int64", (server) => {
  expectReplies(server, [
    ["HINCRBY h n 5", ":5\r\n"],
    ["HINCRBY h n -7", ":-2\r\n"],
    ["HSET h max 9223372036854775806", ":1\r\n"],
    ["HINCRBY h max 1", ":9223372036854775807\r\n"],
    ["HINCRBY h max 1", "-ERR increment or decrement would overflow\r\n"],
    ["HGET h max", "$19\r\n9223372036854775807\r\n"],
    ["HINCRBY h max -9223372036854775808", ":-1\r\n"],
    ["HINCRBY h min -9223372036854775808", ":-9223372036854775808\r\n"],
    ["HINCRBY h min -1", "-ERR increment or decrement would overflow\r\n"],
    ["HINCRBY h n 9007199254740993", ":9007199254740991\r\n"],
    ["HINCRBY h n 9223372036854775808", "-ERR value is not an integer or out of range\r\n"],
    ["HINCRBY h n 1.5", "-ERR value is not an integer or out of range\r\n"],
    ["HSET h text abc", ":1\r\n"],
    ["HINCRBY h text 1", "-ERR hash value is not an integer\r\n"],
    ["HINCRBY h text 9007199254740993", "-ERR hash value is not an integer\r\n"],
  ]);
});

forEachEncoding("HINCRBYFLOAT adds as long double and prints without trailing zeros", (server) => {
  expectReplies(server, [
    ["HINCRBYFLOAT h f 10.50", "$4\r\n10.5\r\n"],
    ["HINCRBYFLOAT h f 0.1", "$4\r\n10.6\r\n"],
    ["HINCRBYFLOAT h f -10.6", "$1\r\n0\r\n"],
    ["HSET h e 5.0e3", ":1\r\n"],
    ["HINCRBYFLOAT h e 2.0e2", "$4\r\n5200\r\n"],
    ["HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity\r\n"],
    ["HINCRBYFLOAT h f nan", "-ERR value is not a valid float\r\n"],
    ["HINCRBYFLOAT h f abc", "-ERR value is not a valid float\r\n"],
    ["HSET h text abc i inf", ":2\r\n"],
    ["HINCRBYFLOAT h text 1", "-ERR hash value is not a float\r\n"],
    ["HINCRBYFLOAT h i 1", "-ERR increment would produce NaN or Infinity\r\n"],
  ]);
});

forEachEncoding("HGETALL, HKEYS and HVALS show everything; nothing if missing", (server) => {
  server.run("HSET", "h", "a", "1", "b", "two", "3", "3");
  assertEquals(pairs(server.run("HGETALL", "h")), ["3=3", "a=1", "b=two"]);
  assertEquals((server.run("HKEYS", "h") as string[]).sort(), ["3", "a", "b"]);
  assertEquals((server.run("HVALS", "h") as string[]).sort(), ["1", "3", "two"]);
  for (const name of ["HGETALL", "HKEYS", "HVALS"]) {
    assertEquals(server.raw(name, "missing"), "*0\r\n");
  }
  server.run("HELLO", "3");
  assertEquals(server.raw("HGETALL", "missing"), "%0\r\n");
  assertEquals(server.raw("HKEYS", "missing"), "*0\r\n");
  assert(server.raw("HGETALL", "h").startsWith("%3\r\n"));
  assertEquals(server.raw("HGET", "h", "x"), "_\r\n");
});

Deno.test("a hash encoded as listpack keeps the order of its fields", () => {
  using server = new EmbeddedServer();
  server.run("HSET", "h", "z", "1", "a", "2", "m", "3");
  server.run("HSET", "h", "z", "changed");
  assertEquals(server.run("HKEYS", "h"), ["z", "a", "m"]);
});

forEachEncoding("fields and values of any length and content come back", (server) => {
  for (const length of [0, 1, 64, 255, 256, 20000, 300000]) {
    const field = "f\0\r\n".repeat(length).slice(0, length);
    const text = "v\0\xff".repeat(length).slice(0, length);
    server.run("HSET", `h${length}`, field, text, "other", "1");
    assertEquals(server.run("HGET", `h${length}`, field), text);
    assertEquals(server.run("HLEN", `h${length}`), 2);
    assertEquals(server.run("HDEL", `h${length}`, field), 1);
    assertEquals(server.run("HGETALL", `h${length}`), ["other", "1"]);
  }
});

forEachEncoding("HRANDFIELD draws without repetition for a positive count", (server) => {
  for (let index = 0; index < 30; index++) server.run("HSET", "h", `f${index}`, `v${index}`);
  for (const [count, expected] of [[0, 0], [1, 1], [5, 5], [20, 20], [30, 30], [99, 30]]) {
    const fields = server.run("HRANDFIELD", "h", String(count)) as string[];
    assertEquals(fields.length, expected);
    assertEquals(new Set(fields).size, expected);
  }
  for (const text of pairs(server.run("HRANDFIELD", "h", "10", "WITHVALUES"))) {
    assert(/^f(\d+)=v\1$/.test(text), text);
  }
  assert((server.run("HRANDFIELD", "h") as string).startsWith("f"));
});

forEachEncoding("HRANDFIELD draws with repetition for a negative count", (server) => {
  server.run("HSET", "h", "a", "1", "b", "2");
  const fields = server.run("HRANDFIELD", "h", "-100") as string[];
  assertEquals(fields.length, 100);
  assertEquals([...new Set(fields)].sort(), ["a", "b"]);
  const flat = server.run("HRANDFIELD", "h", "-50", "withvalues") as string[];
  assertEquals(flat.length, 100);
  assertEquals([...new Set(pairs(flat))], ["a=1", "b=2"]);
  server.run("HELLO", "3");
  server.run("HDEL", "h", "b");
  assertEquals(server.raw("HRANDFIELD", "h", "-2", "withvalues").split("\r\n")[1], "*2");
  assertEquals(server.run("HRANDFIELD", "h", "3", "withvalues"), [["a", "1"]]);
});

Deno.test("HRANDFIELD refuses counts and options as Redis does", () => {
  using server = new EmbeddedServer();
  server.run("HSET", "h", "a", "1");
  const range = "-ERR value is out of range, value must between " +
    "-9223372036854775807 and 9223372036854775807\r\n";
  expectReplies(server, [
    ["HRANDFIELD missing", "$-1\r\n"],
    ["HRANDFIELD missing 3", "*0\r\n"],
    ["HRANDFIELD missing abc", "-ERR value is not an integer or out of range\r\n"],
    ["HRANDFIELD h -9223372036854775808", range],
    ["HRANDFIELD h 9223372036854775807", "*1\r\n$1\r\na\r\n"],
    ["HRANDFIELD h -9007199254740992", "-ERR value is out of range\r\n"],
    ["HRANDFIELD h -9007199254740992 withvalues", "-ERR value is out of range\r\n"],
    ["HRANDFIELD h 4611686018427387903 withvalues", "*2\r\n$1\r\na\r\n$1\r\n1\r\n"],
    ["HRANDFIELD h 4611686018427387904 withvalues", "-ERR value is out of range\r\n"],
    ["HRANDFIELD missing -4611686018427387904 withvalues", "-ERR value is out of range\r\n"],
    ["HRANDFIELD h 9223372036854775807 withvalues", "-ERR value is out of range\r\n"],
    ["HRANDFIELD h -9223372036854775807 withvalues", "-ERR value is out of range\r\n"],
    ["HRANDFIELD h 1 values", "-ERR syntax error\r\n"],
    ["HRANDFIELD h 1 withvalues x", "-ERR syntax error\r\n"],
    ["HRANDFIELD h 0 withvalues", "*0\r\n"],
  ]);
});

forEachEncoding("HSCAN visits every field once and passes MATCH", (server) => {
  const expected: string[] = [];
  for (let index = 0; index < 300; index++) {
    server.run("HSET", "h", `f${index}`, `v${index}`);
    expected.push(`f${index}=v${index}`);
  }
  const seen: string[] = [];
  let cursor = "0";
  do {
    const [next, flat] = server.run("HSCAN", "h", cursor, "COUNT", "20") as [string, string[]];
    seen.push(...pairs(flat));
    cursor = next;
  } while (cursor !== "0");
  assertEquals(seen.sort(), expected.sort());
  const [, matched] = server.run("HSCAN", "h", "0", "MATCH", "f1?", "COUNT", "1000") as [
    string,
    string[],
  ];
  assertEquals(matched.length, 20);
});

Deno.test("HSCAN of a missing key is empty whatever its options", () => {
  using server = new EmbeddedServer();
  server.run("SET", "string", "x");
  expectReplies(server, [
    ["HSCAN missing 0", "*2\r\n$1\r\n0\r\n*0\r\n"],
    ["HSCAN missing 0 nonsense", "*2\r\n$1\r\n0\r\n*0\r\n"],
    ["HSCAN missing x", "-ERR invalid cursor\r\n"],
    ["HSCAN string x", "-ERR invalid cursor\r\n"],
    ["HSCAN string 0 nonsense", WRONG_TYPE],
  ]);
});

forEachEncoding("changes announce events and count for the save points as in Redis", (server) => {
  const effects = new RecordedEffects(server);
  const rows: [string, string[], number, string[]][] = [
    ["HSET h a 1 b 2", ["new h", "hset h"], 2, ["HSET h a 1 b 2"]],
    ["HSET h a 1", ["hset h"], 1, ["HSET h a 1"]],
    ["HMSET h a 1", ["hset h"], 1, ["HMSET h a 1"]],
    ["HSETNX h a 1", [], 0, []],
    ["HSETNX h c 1", ["hset h"], 1, ["HSETNX h c 1"]],
    ["HINCRBY h a 1", ["hincrby h"], 1, ["HINCRBY h a 1"]],
    ["HINCRBYFLOAT h a 1.5", ["hincrbyfloat h"], 1, ["HSET h a 3.5"]],
    ["HINCRBYFLOAT h a x", [], 0, []],
    ["HINCRBYFLOAT new f 1.5", ["new new", "hincrbyfloat new"], 1, ["HSET new f 1.5"]],
    ["HDEL h x", [], 0, []],
    ["HDEL new f", ["hdel new", "del new"], 1, ["HDEL new f"]],
  ];
  for (const [command, events, dirty, log] of rows) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), dirty, command);
    assertEquals(effects.takeLog(), log, command);
  }
});

Deno.test("all hash commands refuse a key of another type", () => {
  using server = new EmbeddedServer();
  server.run("SET", "s", "x");
  const commands = ["HSET s a 1", "HSETNX s a 1", "HGET s a", "HMSET s a 1", "HMGET s a"];
  commands.push("HDEL s a", "HLEN s", "HSTRLEN s a", "HINCRBY s a 1", "HINCRBYFLOAT s a 1");
  commands.push("HKEYS s", "HVALS s", "HGETALL s", "HEXISTS s a", "HRANDFIELD s", "HSCAN s 0");
  commands.push("HRANDFIELD s 1");
  for (const command of commands) {
    assertEquals(server.raw(...command.split(" ")), WRONG_TYPE, command);
  }
  assertEquals(server.run("GET", "s"), "x");
});

forEachEncoding("a removed hash gives all its memory back", (server) => {
  const { arena } = server.server.keyspace;
  server.run("HSET", "warm", "up", "1");
  server.run("HDEL", "warm", "up");
  const before = arena.usedBytes;
  for (let index = 0; index < 200; index++) {
    server.run("HSET", "h", `f${index}`, "v".repeat(index % 50));
  }
  for (let index = 0; index < 200; index++) server.run("HDEL", "h", `f${index}`);
  server.reclaim();
  assertEquals(arena.usedBytes, before);
});
