/** List commands: replies, errors, events, memory, and the AOF. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";
const SYNTAX_ERROR = "-ERR syntax error\r\n";

function forEachFill(name: string, test: (server: EmbeddedServer) => void): void {
  for (const fill of ["-2", "2"]) {
    Deno.test(`${name} (fill ${fill})`, () => {
      using server = new EmbeddedServer([["list-max-listpack-size", fill]]);
      test(server);
    });
  }
}

function expectReplies(server: EmbeddedServer, rows: [string, string][]): void {
  for (const [command, expected] of rows) {
    assertEquals(server.raw(...command.split(" ")), expected, command);
  }
}

function elements(server: EmbeddedServer, key: string) {
  return server.run("LRANGE", key, "0", "-1");
}

forEachFill("pushing and popping at both ends", (server) => {
  expectReplies(server, [
    ["RPUSH k a b c", ":3\r\n"],
    ["LPUSH k 1 2", ":5\r\n"],
    ["LLEN k", ":5\r\n"],
    ["OBJECT ENCODING k", "$9\r\nquicklist\r\n"],
    ["LPOP k", "$1\r\n2\r\n"],
    ["RPOP k 2", "*2\r\n$1\r\nc\r\n$1\r\nb\r\n"],
    ["LPOP k 0", "*0\r\n"],
    ["LPOP k 9", "*2\r\n$1\r\n1\r\n$1\r\na\r\n"],
    ["EXISTS k", ":0\r\n"],
    ["LPOP k", "$-1\r\n"],
    ["LPOP k 1", "*-1\r\n"],
    ["LPUSHX k a", ":0\r\n"],
    ["RPUSHX k a", ":0\r\n"],
    ["LLEN k", ":0\r\n"],
  ]);
});

forEachFill("LRANGE, LINDEX and LTRIM count from both ends", (server) => {
  server.run("RPUSH", "k", "a", "10", "c", "-4", "e");
  assertEquals(server.run("LRANGE", "k", "1", "-2"), ["10", "c", "-4"]);
  assertEquals(server.run("LRANGE", "k", "-100", "0"), ["a"]);
  assertEquals(server.run("LRANGE", "k", "4", "100"), ["e"]);
  assertEquals(server.run("LRANGE", "k", "3", "2"), []);
  assertEquals(server.run("LRANGE", "k", "5", "9"), []);
  assertEquals(server.run("LINDEX", "k", "-2"), "-4");
  assertEquals(server.run("LINDEX", "k", "5"), null);
  assertEquals(server.run("LTRIM", "k", "1", "-2"), "OK");
  assertEquals(elements(server, "k"), ["10", "c", "-4"]);
  assertEquals(server.run("LTRIM", "k", "5", "9"), "OK");
  assertEquals(server.run("EXISTS", "k"), 0);
});

forEachFill("LSET, LINSERT and LREM edit in the middle", (server) => {
  server.run("RPUSH", "k", "a", "b", "a", "c", "a");
  expectReplies(server, [
    ["LSET k 1 B", "+OK\r\n"],
    ["LSET k 9 x", "-ERR index out of range\r\n"],
    ["LSET none 0 x", "-ERR no such key\r\n"],
    ["LINSERT k BEFORE c 7", ":6\r\n"],
    ["LINSERT k after c 8", ":7\r\n"],
    ["LINSERT k AFTER nothing 8", ":-1\r\n"],
    ["LINSERT none AFTER a 8", ":0\r\n"],
    ["LINSERT k BESIDE c 7", SYNTAX_ERROR],
    ["LREM k -1 a", ":1\r\n"],
  ]);
  assertEquals(elements(server, "k"), ["a", "B", "a", "7", "c", "8"]);
  assertEquals(server.run("LREM", "k", "0", "a"), 2);
  assertEquals(elements(server, "k"), ["B", "7", "c", "8"]);
  server.run("RPUSH", "same", "x", "x");
  assertEquals(server.run("LREM", "same", "5", "x"), 2);
  assertEquals(server.run("EXISTS", "same"), 0);
});

forEachFill("LPOS knows RANK, COUNT and MAXLEN", (server) => {
  server.run("RPUSH", "k", "a", "b", "c", "1", "2", "3", "c", "c");
  expectReplies(server, [
    ["LPOS k c", ":2\r\n"],
    ["LPOS k c RANK 2", ":6\r\n"],
    ["LPOS k c RANK -1", ":7\r\n"],
    ["LPOS k c COUNT 2", "*2\r\n:2\r\n:6\r\n"],
    ["LPOS k c RANK -1 COUNT 0", "*3\r\n:7\r\n:6\r\n:2\r\n"],
    ["LPOS k c COUNT 0 MAXLEN 7", "*2\r\n:2\r\n:6\r\n"],
    ["LPOS k c RANK -1 MAXLEN 2 COUNT 0", "*2\r\n:7\r\n:6\r\n"],
    ["LPOS k nothing", "$-1\r\n"],
    ["LPOS k nothing COUNT 0", "*0\r\n"],
    ["LPOS none c COUNT 1", "*0\r\n"],
    ["LPOS k c COUNT -1", "-ERR COUNT can't be negative\r\n"],
    ["LPOS k c MAXLEN x", "-ERR MAXLEN can't be negative\r\n"],
    ["LPOS k c RANK", SYNTAX_ERROR],
    [
      "LPOS k c RANK 0",
      "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or " +
      "use negative to start from the end of the list\r\n",
    ],
  ]);
});

Deno.test("LPOS refuses the lowest rank from 7.2 on", () => {
  const refusal = "-ERR value is out of range, value must between -9223372036854775807 and " +
    "9223372036854775807\r\n";
  for (const [release, reply] of [["7.0", ":1\r\n"], ["7.4", refusal]] as const) {
    using server = new EmbeddedServer([["redis-version", release]]);
    server.run("RPUSH", "k", "c", "c");
    expectReplies(server, [
      ["LPOS k c RANK -9223372036854775808", reply],
      ["LPOS k c RANK -9223372036854775807", "$-1\r\n"],
      ["LPOS k c RANK x", "-ERR value is not an integer or out of range\r\n"],
    ]);
  }
});

forEachFill("LMOVE and RPOPLPUSH move between ends, of one list too", (server) => {
  server.run("RPUSH", "k", "1", "2", "3");
  assertEquals(server.run("LMOVE", "k", "k", "LEFT", "RIGHT"), "1");
  assertEquals(elements(server, "k"), ["2", "3", "1"]);
  assertEquals(server.run("RPOPLPUSH", "k", "other"), "1");
  assertEquals(server.run("LMOVE", "k", "other", "RIGHT", "RIGHT"), "3");
  assertEquals(elements(server, "other"), ["1", "3"]);
  server.run("DEL", "other");
  server.run("SET", "string", "x");
  assertEquals(server.raw("LMOVE", "k", "string", "LEFT", "LEFT"), WRONG_TYPE);
  assertEquals(elements(server, "k"), ["2"]);
  assertEquals(server.run("RPOPLPUSH", "k", "k"), "2");
  assertEquals(server.run("LMOVE", "k", "other", "LEFT", "LEFT"), "2");
  assertEquals(server.run("EXISTS", "k"), 0);
  assertEquals(server.raw("LMOVE", "none", "k", "LEFT", "UP"), SYNTAX_ERROR);
});

Deno.test("LMPOP takes from the first list that has any", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "a", "b", "c");
  expectReplies(server, [
    ["LMPOP 2 none k RIGHT COUNT 2", "*2\r\n$1\r\nk\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n"],
    ["LMPOP 1 none LEFT", "*-1\r\n"],
    ["LMPOP 0 k LEFT", "-ERR numkeys should be greater than 0\r\n"],
    ["LMPOP 1 k LEFT COUNT 0", "-ERR count should be greater than 0\r\n"],
    ["LMPOP 1 k UP", SYNTAX_ERROR],
    ["LMPOP 2 k LEFT", SYNTAX_ERROR],
    ["LMPOP 1 k LEFT COUNT 1 COUNT 2", SYNTAX_ERROR],
  ]);
});

Deno.test("list commands say what is wrong in Redis's order", () => {
  using server = new EmbeddedServer();
  server.run("SET", "s", "x");
  expectReplies(server, [
    ["LPUSH s a", WRONG_TYPE],
    ["LPUSHX s a", WRONG_TYPE],
    ["LLEN s", WRONG_TYPE],
    ["LRANGE s x y", NOT_AN_INTEGER],
    ["LRANGE s 0 1", WRONG_TYPE],
    ["LINDEX none x", "$-1\r\n"],
    ["LINDEX s x", WRONG_TYPE],
    ["LTRIM none x 1", NOT_AN_INTEGER],
    ["LTRIM none 0 1", "+OK\r\n"],
    ["LREM s 0 a", WRONG_TYPE],
    ["LPOP s -1", "-ERR value is out of range, must be positive\r\n"],
    ["LPOP s x", "-ERR value is out of range, must be positive\r\n"],
    ["LPOP s 1 2", "-ERR wrong number of arguments for 'lpop' command\r\n"],
    ["BLPOP s 0", WRONG_TYPE],
    ["BLPOP s x", "-ERR timeout is not a float or out of range\r\n"],
    ["BLPOP s -1", "-ERR timeout is negative\r\n"],
    ["BLPOP s inf", "-ERR timeout is negative\r\n"],
    ["BLMPOP x 0 s LEFT", "-ERR numkeys should be greater than 0\r\n"],
    ["BLMPOP x 1 s LEFT", "-ERR timeout is not a float or out of range\r\n"],
    ["BLMOVE s s UP LEFT x", SYNTAX_ERROR],
  ]);
});

Deno.test("an element too long for a listpack comes back whole", () => {
  using server = new EmbeddedServer();
  const long = "long ".repeat(100_000);
  server.run("RPUSH", "k", "a", long, "b");
  assertEquals(elements(server, "k"), ["a", long, "b"]);
  assertEquals(server.run("LMOVE", "k", "k", "RIGHT", "LEFT"), "b");
  assertEquals(server.run("RPOP", "k"), long);
  server.run("DEL", "k");
});

Deno.test("all memory of lists comes back", () => {
  using server = new EmbeddedServer();
  const before = server.server.arena.usedBytes;
  for (let round = 0; round < 300; round++) {
    server.run("RPUSH", "k", ...Array.from({ length: 50 }, (_, index) => `${round}:${index}`));
  }
  server.run("COPY", "k", "copy");
  server.run("LTRIM", "k", "100", "-100");
  server.run("DEL", "k", "copy");
  server.reclaim();
  assertEquals(server.server.arena.usedBytes, before);
});

Deno.test("list commands announce and record what they did", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const rows: [command: string, events: string[], log: string[], dirty: number][] = [
    ["RPUSH k a b c d e f g h", ["new k", "rpush k"], ["RPUSH k a b c d e f g h"], 8],
    ["LPOP k 2", ["lpop k"], ["LPOP k 2"], 2],
    ["LTRIM k 1 -2", ["ltrim k"], ["LTRIM k 1 -2"], 2],
    ["LTRIM k 0 -1", ["ltrim k"], [], 0],
    ["LSET k 0 x", ["lset k"], ["LSET k 0 x"], 1],
    ["LINSERT k BEFORE x y", ["linsert k"], ["LINSERT k BEFORE x y"], 1],
    ["LREM k 0 nothing", [], [], 0],
    ["LREM k 0 x", ["lrem k"], ["LREM k 0 x"], 1],
    ["LMOVE k to LEFT RIGHT", ["new to", "rpush to", "lpop k"], ["LMOVE k to LEFT RIGHT"], 1],
    ["LMPOP 2 none k RIGHT COUNT 2", ["rpop k"], ["RPOP k 2"], 2],
    ["BLPOP k 0", ["lpop k", "del k"], ["LPOP k"], 1],
    ["BLMOVE to k LEFT LEFT 0", ["new k", "lpush k", "lpop to", "del to"], [
      "LMOVE to k LEFT LEFT",
    ], 1],
    ["BRPOPLPUSH k to 0", ["new to", "lpush to", "rpop k", "del k"], ["RPOPLPUSH k to"], 1],
    ["BLMPOP 0 1 to LEFT COUNT 9", ["lpop to", "del to"], ["LPOP to 1"], 1],
  ];
  for (const [command, events, log, dirty] of rows) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents().filter((event) => !event.startsWith("keymiss")), events);
    assertEquals(effects.takeLog(), log, command);
    assertEquals(effects.takeDirty(), dirty, command);
  }
});
