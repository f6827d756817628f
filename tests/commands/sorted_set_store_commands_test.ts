/** Union, intersection and difference of sorted sets and sets, shown and stored. */
import { assertEquals } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { expectReplies, forEachEncoding, repliesIn3, type Row } from "./sorted_set_suite.ts";

forEachEncoding("members and scores are combined", (server) => {
  expectReplies(server, [
    ["ZADD a 1 x 2 y 3 z", ":3"],
    ["ZADD b 10 y 20 z 30 w", ":3"],
    ["SADD s x y q", ":3"],
    ["SADD n 1 2 3", ":3"],
    ["ZADD m 1 1 2 2 9 9", ":3"],
    ["ZUNION 2 a b WITHSCORES", "*8 $1 x $1 1 $1 y $2 12 $1 z $2 23 $1 w $2 30"],
    [
      "ZUNION 3 a b s WITHSCORES WEIGHTS 1 2 3",
      "*10 $1 q $1 3 $1 x $1 4 $1 y $2 25 $1 z $2 43 $1 w $2 60",
    ],
    ["ZUNION 2 a b AGGREGATE MIN WITHSCORES", "*8 $1 x $1 1 $1 y $1 2 $1 z $1 3 $1 w $2 30"],
    ["ZUNION 2 a b WITHSCORES AGGREGATE MAX", "*8 $1 x $1 1 $1 y $2 10 $1 z $2 20 $1 w $2 30"],
    ["ZUNION 2 a missing", "*3 $1 x $1 y $1 z"],
    ["ZINTER 2 a b WITHSCORES", "*4 $1 y $2 12 $1 z $2 23"],
    ["ZINTER 3 a b s WITHSCORES", "*2 $1 y $2 13"],
    ["ZINTER 2 m n WITHSCORES", "*4 $1 1 $1 2 $1 2 $1 3"],
    ["ZINTER 2 a missing", "*0"],
    ["ZINTER 2 a a WITHSCORES", "*6 $1 x $1 2 $1 y $1 4 $1 z $1 6"],
    ["ZDIFF 2 a b WITHSCORES", "*2 $1 x $1 1"],
    ["ZDIFF 3 a s missing WITHSCORES", "*2 $1 z $1 3"],
    ["ZDIFF 2 a a", "*0"],
    ["ZDIFF 2 missing a", "*0"],
    ["ZINTERCARD 2 a b", ":2"],
    ["ZINTERCARD 2 a b LIMIT 1", ":1"],
    ["ZINTERCARD 2 a b LIMIT 0", ":2"],
    ["ZUNIONSTORE d 2 a s WEIGHTS 2 0.5", ":4"],
    ["ZRANGE d 0 -1 WITHSCORES", "*8 $1 q $3 0.5 $1 x $3 2.5 $1 y $3 4.5 $1 z $1 6"],
    ["ZINTERSTORE d 2 a b AGGREGATE MAX", ":2"],
    ["ZRANGE d 0 -1 WITHSCORES", "*4 $1 y $2 10 $1 z $2 20"],
    ["ZDIFFSTORE d 2 a b", ":1"],
    ["ZRANGE d 0 -1 WITHSCORES", "*2 $1 x $1 1"],
    ["ZUNIONSTORE a 2 a a", ":3"],
    ["ZRANGE a 0 -1 WITHSCORES", "*6 $1 x $1 2 $1 y $1 4 $1 z $1 6"],
    ["ZINTERSTORE a 2 a missing", ":0"],
    ["EXISTS a", ":0"],
  ]);
});

forEachEncoding("infinities never become NaN", (server) => {
  expectReplies(server, [
    ["ZADD p inf x -inf y 0 z", ":3"],
    ["ZADD q -inf x inf y inf z", ":3"],
    ["ZUNION 2 p q WITHSCORES", "*6 $1 x $1 0 $1 y $1 0 $1 z $3 inf"],
    ["ZUNION 2 p q WITHSCORES WEIGHTS 0 1", "*6 $1 x $4 -inf $1 y $3 inf $1 z $3 inf"],
    ["ZINTER 2 p q WITHSCORES WEIGHTS 1 0 AGGREGATE MIN", "*6 $1 y $4 -inf $1 z $1 0 $1 x $3 inf"],
    ["ZINTER 2 p q WITHSCORES WEIGHTS 0 1 AGGREGATE MAX", "*6 $1 x $1 0 $1 y $3 inf $1 z $3 inf"],
  ]);
});

forEachEncoding("ZUNION and its kin refuse what makes no sense", (server) => {
  expectReplies(server, [
    ["ZADD a 1 x", ":1"],
    ["ZUNION 0 a", "-ERR at least 1 input key is needed for 'zunion' command"],
    ["ZUNIONSTORE d 0 a", "-ERR at least 1 input key is needed for 'zunionstore' command"],
    ["ZUNION x a", "-ERR value is not an integer or out of range"],
    ["ZUNION 2 a", "-ERR syntax error"],
    ["ZUNION 1 a WEIGHTS", "-ERR syntax error"],
    ["ZUNION 1 a WEIGHTS x", "-ERR weight value is not a float"],
    ["ZUNION 1 a AGGREGATE FOO", "-ERR syntax error"],
    ["ZUNION 1 a LIMIT 1", "-ERR syntax error"],
    ["ZUNIONSTORE d 1 a WITHSCORES", "-ERR syntax error"],
    ["ZDIFF 1 a WEIGHTS 1", "-ERR syntax error"],
    ["ZDIFF 1 a AGGREGATE SUM", "-ERR syntax error"],
    ["ZINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"],
    ["ZINTERCARD 1 a WITHSCORES", "-ERR syntax error"],
    ["SET str v", "+OK"],
    ["ZUNION 2 a str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ]);
});

forEachEncoding("RESP3 shows each member with its score as an array", (server) => {
  repliesIn3(server, [
    ["ZADD z 1 a 2 b", ":2"],
    ["ZUNION 2 z z WITHSCORES", "*2 *2 $1 a ,2 *2 $1 b ,4"],
    ["ZDIFF 1 z", "*2 $1 a $1 b"],
  ]);
});

forEachEncoding("a large first set is reduced by small ones", (server) => {
  for (let index = 0; index < 200; index++) server.run("ZADD", "z", String(index), `m${index}`);
  server.run("ZADD", "few", "0", "m0", "0", "m7", "0", "other");
  server.run("SADD", "set", "m199", "m7");
  const left = server.run("ZDIFF", "3", "z", "few", "set") as string[];
  assertEquals(left.length, 197);
  assertEquals([left[0], left.at(-1)], ["m1", "m198"]);
});

forEachEncoding("stored results are announced once; their memory comes back", (server) => {
  server.run("ZADD", "z", "1", "a", "2", "b");
  server.run("SET", "d", "v");
  const effects = new RecordedEffects(server);
  server.run("ZUNIONSTORE", "d", "1", "z");
  server.run("ZINTERSTORE", "d", "1", "z");
  server.run("ZDIFFSTORE", "d", "2", "z", "z");
  server.run("ZDIFFSTORE", "d", "2", "z", "z");
  assertEquals(effects.takeEvents(), ["zunionstore d", "zinterstore d", "del d"]);
  assertEquals(effects.takeDirty(), 3);
  server.reclaim();
  const { arena } = server.server.keyspace;
  const { usedBytes } = arena;
  server.run("ZUNION", "2", "z", "z", "WITHSCORES");
  server.run("ZINTER", "1", "missing");
  assertEquals(arena.usedBytes, usedBytes);
});

const COUNTS: readonly Row[] = [
  ["ZADD a 5 x 7 y", ":2"],
  ["ZADD b 9 y inf z", ":2"],
  ["SADD s x y", ":2"],
  ["ZUNION 3 a b s AGGREGATE COUNT WITHSCORES", "*6 $1 z $1 1 $1 x $1 2 $1 y $1 3"],
  ["ZINTER 2 a b WITHSCORES AGGREGATE count", "*2 $1 y $1 2"],
  ["ZINTER 2 a a AGGREGATE COUNT WITHSCORES", "*4 $1 x $1 2 $1 y $1 2"],
  ["ZUNION 2 a b WEIGHTS 2 0.5 AGGREGATE COUNT WITHSCORES", "*6 $1 z $3 0.5 $1 x $1 2 $1 y $3 2.5"],
  ["ZUNIONSTORE t 2 a b AGGREGATE COUNT", ":3"],
  ["ZSCORE t y", "$1 2"],
  ["ZINTERSTORE t 2 a b AGGREGATE COUNT WEIGHTS 1 -3", ":1"],
  ["ZSCORE t y", "$2 -2"],
  ["ZDIFF 2 a b AGGREGATE COUNT", "-ERR syntax error"],
];

Deno.test("AGGREGATE COUNT counts the sources that have a member, by their weights", () => {
  using server = new EmbeddedServer();
  expectReplies(server, COUNTS);
});

Deno.test("AGGREGATE COUNT is recorded by its outcome, which every server can repeat", () => {
  using server = new EmbeddedServer();
  server.run("ZADD", "a", "5", "x", "7", "y");
  server.run("SADD", "s", "y");
  const effects = new RecordedEffects(server);
  server.run("ZUNIONSTORE", "t", "2", "a", "s", "WEIGHTS", "0.1", "1", "AGGREGATE", "COUNT");
  server.run("ZINTERSTORE", "t", "2", "a", "none", "AGGREGATE", "COUNT");
  server.run("ZINTERSTORE", "t", "2", "a", "none", "AGGREGATE", "COUNT");
  server.run("ZUNIONSTORE", "u", "1", "a");
  assertEquals(effects.takeLog(), [
    "DEL t",
    "ZADD t 0.10000000000000001 x 1.1000000000000001 y",
    "DEL t",
    "ZUNIONSTORE u 1 a",
  ]);
});

Deno.test("ZINTERCARD counts what large sorted sets and sets have in common, up to a limit", () => {
  using server = new EmbeddedServer();
  for (const [key, step, count] of [["a", 2, 600], ["b", 3, 500], ["c", 1, 5000]] as const) {
    const members = Array.from({ length: count }, (_, index) => `m${index * step}`);
    server.run("ZADD", key, ...members.flatMap((member, index) => [String(index), member]));
    server.run("SADD", `set ${key}`, ...members);
  }
  const cases: [string[], number][] = [
    [["a", "b"], 200],
    [["b", "a"], 200],
    [["a", "set b"], 200],
    [["set a", "b"], 200],
    [["a", "c"], 600],
    [["c", "b"], 500],
    [["a", "a"], 600],
    [["a", "missing"], 0],
    [["a", "b", "c"], 200],
  ];
  for (const [keys, expected] of cases) {
    const count = String(keys.length);
    assertEquals(server.run("ZINTERCARD", count, ...keys), expected, keys.join());
    const limited = server.run("ZINTERCARD", count, ...keys, "LIMIT", "150");
    assertEquals(limited, Math.min(150, expected), keys.join());
  }
});
