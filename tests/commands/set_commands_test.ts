/** Set commands on one or two sets, in both encodings: replies, errors, events, and the AOF. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf, RecordedEffects } from "../support/recorded_effects.ts";

const ENCODINGS: [string, [string, string][]][] = [
  ["intset", []],
  ["hashtable", [["set-max-intset-entries", "0"]]],
];

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

function forEachEncoding(name: string, test: (server: EmbeddedServer) => void): void {
  for (const [encoding, directives] of ENCODINGS) {
    Deno.test(`${name} (${encoding})`, () => {
      using server = new EmbeddedServer(directives);
      server.run("SADD", "probe", "1");
      assertEquals(encodingOf(server, "probe"), encoding);
      server.run("SREM", "probe", "1");
      test(server);
    });
  }
}

function expectReplies(server: EmbeddedServer, rows: [string, string][]): void {
  for (const [command, expected] of rows) {
    assertEquals(server.raw(...command.split(" ")), expected, command);
  }
}

function members(server: EmbeddedServer, key: string): string[] {
  return (server.run("SMEMBERS", key) as string[]).sort();
}

function addNumbers(server: EmbeddedServer, key: string, count: number): string[] {
  const numbers = Array.from({ length: count }, (_, index) => String(index));
  server.run("SADD", key, ...numbers);
  return numbers;
}

forEachEncoding("SADD and SREM count what they changed", (server) => {
  expectReplies(server, [
    ["SADD s 1 2 3", ":3\r\n"],
    ["SADD s 2 4 4", ":1\r\n"],
    ["SCARD s", ":4\r\n"],
    ["SISMEMBER s 2", ":1\r\n"],
    ["SISMEMBER s 9", ":0\r\n"],
    ["SISMEMBER missing 1", ":0\r\n"],
    ["SMISMEMBER s 1 9 4", "*3\r\n:1\r\n:0\r\n:1\r\n"],
    ["SMISMEMBER missing 1 2", "*2\r\n:0\r\n:0\r\n"],
    ["SREM s 1 9", ":1\r\n"],
    ["SREM missing 1", ":0\r\n"],
    ["SCARD missing", ":0\r\n"],
    ["SMEMBERS missing", "*0\r\n"],
  ]);
  assertEquals(members(server, "s"), ["2", "3", "4"]);
  assertEquals(server.run("SREM", "s", "2", "3", "4", "5"), 3);
  assertEquals(encodingOf(server, "s"), "none");
});

Deno.test("a set is an intset until the 513th member or the first that is no integer", () => {
  using server = new EmbeddedServer();
  addNumbers(server, "many", 512);
  assertEquals(encodingOf(server, "many"), "intset");
  server.run("SADD", "many", "512");
  assertEquals(encodingOf(server, "many"), "hashtable");
  for (const member of ["a", "01", "9223372036854775808"]) {
    server.run("SADD", `mixed${member}`, "1", member);
    assertEquals(encodingOf(server, `mixed${member}`), "hashtable");
    server.run("SADD", `only${member}`, member);
    assertEquals(encodingOf(server, `only${member}`), "hashtable");
    server.run("SREM", `mixed${member}`, member);
    assertEquals(encodingOf(server, `mixed${member}`), "hashtable");
  }
  server.run("SADD", "border", "9223372036854775807", "-9223372036854775808");
  assertEquals(encodingOf(server, "border"), "intset");
  assertEquals(server.run("SMEMBERS", "border"), ["-9223372036854775808", "9223372036854775807"]);
});

Deno.test("members of any length and content come back", () => {
  using server = new EmbeddedServer();
  for (const length of [0, 1, 44, 255, 32768, 32769, 300000]) {
    const member = "m\0\r\n\xff".repeat(length).slice(0, length);
    server.run("SADD", `s${length}`, member, "other");
    assertEquals(server.run("SISMEMBER", `s${length}`, member), 1);
    assertEquals(members(server, `s${length}`), [member, "other"].sort());
    assertEquals(server.run("SREM", `s${length}`, member), 1);
    assertEquals(members(server, `s${length}`), ["other"]);
  }
});

forEachEncoding(
  "SMOVE moves a member, creating the target and removing an empty source",
  (server) => {
    server.run("SET", "string", "x");
    server.run("SADD", "s", "1", "2");
    expectReplies(server, [
      ["SMOVE s t 1", ":1\r\n"],
      ["SMOVE s t 9", ":0\r\n"],
      ["SMOVE s s 2", ":1\r\n"],
      ["SMOVE s s 9", ":0\r\n"],
      ["SMOVE missing string 1", ":0\r\n"],
      ["SMOVE s string 2", WRONG_TYPE],
      ["SMOVE string s 2", WRONG_TYPE],
    ]);
    server.run("SADD", "t", "2");
    assertEquals(server.run("SMOVE", "s", "t", "2"), 1);
    assertEquals(encodingOf(server, "s"), "none");
    assertEquals(members(server, "t"), ["1", "2"]);
  },
);

Deno.test("SMOVE of the first text into an intset converts it", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "a", "b");
  server.run("SADD", "t", "1");
  server.run("SMOVE", "s", "t", "a");
  assertEquals(members(server, "t"), ["1", "a"]);
  assertEquals(encodingOf(server, "t"), "hashtable");
});

forEachEncoding("SPOP removes what it returns", (server) => {
  const numbers = addNumbers(server, "s", 20);
  const popped: string[] = [];
  for (let left = 19; left >= 0; left--) {
    popped.push(server.run("SPOP", "s") as string);
    assertEquals(server.run("SCARD", "s"), left);
  }
  assertEquals(popped.sort(), numbers.sort());
  assertEquals(server.raw("SPOP", "s"), "$-1\r\n");
});

for (const count of [1, 7, 50, 90, 99, 100, 1000]) {
  forEachEncoding(
    `SPOP ${count} of 100 takes different members and leaves the others`,
    (server) => {
      const numbers = addNumbers(server, "s", 100);
      const popped = server.run("SPOP", "s", String(count)) as string[];
      assertEquals(popped.length, Math.min(count, 100));
      const left = members(server, "s");
      assertEquals([...popped, ...left].sort(), numbers.sort());
      assertEquals(encodingOf(server, "s") === "none", count >= 100);
    },
  );
}

Deno.test("SPOP that leaves few members of a large set keeps exactly these", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const all = Array.from({ length: 3000 }, (_, index) => `member:${index}`);
  server.run("SADD", "s", ...all);
  effects.takeLog();
  effects.takeDirty();
  const popped = server.run("SPOP", "s", "2990") as string[];
  assertEquals([...popped, ...members(server, "s")].sort(), all.sort());
  assertEquals(effects.takeDirty(), 2990);
  const log = effects.takeLog();
  assertEquals(log.length, 3);
  const removed = log.flatMap((command) => {
    assert(command.startsWith("SREM s "));
    return command.split(" ").slice(2);
  });
  assertEquals(removed.sort(), popped.sort());
});

Deno.test("SPOP with a count refuses what is no count, and pops nothing for 0", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "1", "2");
  server.run("SET", "string", "x");
  const notPositive = "-ERR value is out of range, must be positive\r\n";
  expectReplies(server, [
    ["SPOP s -1", notPositive],
    ["SPOP s abc", notPositive],
    ["SPOP string -1", notPositive],
    ["SPOP string 0", WRONG_TYPE],
    ["SPOP s 1 2", "-ERR syntax error\r\n"],
    ["SPOP s 0", "*0\r\n"],
    ["SPOP missing 5", "*0\r\n"],
    ["SCARD s", ":2\r\n"],
  ]);
  server.run("HELLO", "3");
  expectReplies(server, [
    ["SPOP s 0", "~0\r\n"],
    ["SPOP missing", "_\r\n"],
    ["SPOP missing 5", "~0\r\n"],
    ["SREM s 2", ":1\r\n"],
    ["SPOP s 9", "~1\r\n$1\r\n1\r\n"],
  ]);
});

forEachEncoding("SRANDMEMBER draws without repetition for a positive count", (server) => {
  const numbers = new Set(addNumbers(server, "s", 50));
  for (const [count, expected] of [[0, 0], [1, 1], [10, 10], [40, 40], [50, 50], [99, 50]]) {
    const drawn = server.run("SRANDMEMBER", "s", String(count)) as string[];
    assertEquals(drawn.length, expected);
    assertEquals(new Set(drawn).size, expected);
    assert(drawn.every((member) => numbers.has(member)));
  }
  assert(numbers.has(server.run("SRANDMEMBER", "s") as string));
  assertEquals(server.run("SCARD", "s"), 50);
});

forEachEncoding("SRANDMEMBER draws with repetition for a negative count", (server) => {
  server.run("SADD", "s", "1", "2");
  const drawn = server.run("SRANDMEMBER", "s", "-100") as string[];
  assertEquals(drawn.length, 100);
  assertEquals([...new Set(drawn)].sort(), ["1", "2"]);
});

Deno.test("SRANDMEMBER replies with arrays and refuses counts as Redis does", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "1");
  const range = "-ERR value is out of range, value must between " +
    "-9223372036854775807 and 9223372036854775807\r\n";
  expectReplies(server, [
    ["SRANDMEMBER missing", "$-1\r\n"],
    ["SRANDMEMBER missing 2", "*0\r\n"],
    ["SRANDMEMBER s 1 2", "-ERR syntax error\r\n"],
    ["SRANDMEMBER s abc", "-ERR value is not an integer or out of range\r\n"],
    ["SRANDMEMBER s -9223372036854775808", range],
    ["SRANDMEMBER s 9223372036854775807", "*1\r\n$1\r\n1\r\n"],
    // More members than a reply can hold.
    ["SRANDMEMBER s -9007199254740992", "-ERR value is out of range\r\n"],
    ["SRANDMEMBER s -357913941", "-ERR value is out of range\r\n"],
    ["SRANDMEMBER missing -9007199254740992", "*0\r\n"],
  ]);
  server.run("HELLO", "3");
  expectReplies(server, [
    ["SRANDMEMBER s 5", "*1\r\n$1\r\n1\r\n"],
    ["SRANDMEMBER missing", "_\r\n"],
    ["SMEMBERS s", "~1\r\n$1\r\n1\r\n"],
    ["SMEMBERS missing", "~0\r\n"],
  ]);
});

forEachEncoding("SSCAN visits every member once and passes MATCH", (server) => {
  const numbers = addNumbers(server, "s", 300);
  const seen: string[] = [];
  let cursor = "0";
  do {
    const [next, found] = server.run("SSCAN", "s", cursor) as [string, string[]];
    seen.push(...found);
    cursor = next;
  } while (cursor !== "0");
  assertEquals(seen.sort(), numbers.sort());
  const step = server.run("SSCAN", "s", "0", "match", "1?", "count", "1000") as [string, string[]];
  assertEquals(step[0], "0");
  assertEquals(step[1].length, 10);
});

forEachEncoding("changes announce events and count for the save points as in Redis", (server) => {
  const effects = new RecordedEffects(server);
  const rows: [string, string[], number, string[]][] = [
    ["SADD s 1 2 3", ["new s", "sadd s"], 3, ["SADD s 1 2 3"]],
    ["SADD s 1", [], 0, []],
    ["SMOVE s t 1", ["srem s", "new t", "sadd t"], 2, ["SMOVE s t 1"]],
    ["SADD s 1", ["sadd s"], 1, ["SADD s 1"]],
    ["SMOVE s t 1", ["srem s"], 1, ["SMOVE s t 1"]],
    ["SREM s 9", [], 0, []],
    ["SREM s 2", ["srem s"], 1, ["SREM s 2"]],
    ["SPOP s", ["spop s", "del s"], 1, ["SREM s 3"]],
    ["SADD s 1 2 3", ["new s", "sadd s"], 3, ["SADD s 1 2 3"]],
    ["SPOP s 0", [], 0, []],
    ["SPOP s 9", ["spop s", "del s"], 3, ["DEL s"]],
    ["SMOVE t u 1", ["srem t", "del t", "new u", "sadd u"], 2, ["SMOVE t u 1"]],
    ["SREM u 1", ["srem u", "del u"], 1, ["SREM u 1"]],
  ];
  for (const [command, events, dirty, log] of rows) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), dirty, command);
    assertEquals(effects.takeLog(), log, command);
  }
});

Deno.test("all set commands refuse a key of another type", () => {
  using server = new EmbeddedServer();
  server.run("SET", "x", "v");
  const commands = ["SADD x 1", "SREM x 1", "SISMEMBER x 1", "SMISMEMBER x 1", "SCARD x"];
  commands.push("SMEMBERS x", "SPOP x", "SPOP x 1", "SRANDMEMBER x", "SRANDMEMBER x 1");
  commands.push("SSCAN x 0", "SMOVE x y 1");
  for (const command of commands) {
    assertEquals(server.raw(...command.split(" ")), WRONG_TYPE, command);
  }
  assertEquals(server.run("GET", "x"), "v");
});

forEachEncoding("a removed set gives all its memory back", (server) => {
  const { arena } = server.server.keyspace;
  server.run("SADD", "warm", "1");
  server.run("SREM", "warm", "1");
  const before = arena.usedBytes;
  addNumbers(server, "s", 500);
  server.run("SPOP", "s", "490");
  server.run("SPOP", "s", "5");
  server.run("SPOP", "s", "5");
  server.reclaim();
  assertEquals(arena.usedBytes, before);
});
