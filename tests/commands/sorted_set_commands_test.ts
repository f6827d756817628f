/** Sorted set commands: adding, removing, looking up; in both encodings, with events and AOF. */
import { assertEquals } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, forEachEncoding, repliesIn3 } from "./sorted_set_suite.ts";

forEachEncoding("ZADD and ZINCRBY obey their options", (server) => {
  expectReplies(server, [
    ["ZADD z 1 a 2 b", ":2"],
    ["ZADD z 1 a 3 c", ":1"],
    ["ZADD z CH 5 a 2 b 7 d", ":2"],
    ["ZADD z NX 9 a 9 e", ":1"],
    ["ZADD z XX 1 a 1 f", ":0"],
    ["ZADD z GT CH 0 a 10 b", ":1"],
    ["ZADD z LT CH 0 a 100 b", ":1"],
    ["ZADD z INCR 1.5 a", "$3 1.5"],
    ["ZADD z NX INCR 1 a", "$-1"],
    ["ZADD z XX INCR 1 missing", "$-1"],
    ["ZADD missing XX 1 a", ":0"],
    ["ZADD z inf i", ":1"],
    ["ZADD z INCR -inf i", "-ERR resulting score is not a number (NaN)"],
    ["ZINCRBY z -inf i", "-ERR resulting score is not a number (NaN)"],
    ["ZINCRBY z 0.1 b", "$4 10.1"],
    ["ZINCRBY new -2 m", "$2 -2"],
    [
      "ZRANGE z 0 -1 WITHSCORES",
      "*12 $1 a $3 1.5 $1 c $1 3 $1 d $1 7 $1 e $1 9 $1 b $4 10.1 $1 i $3 inf",
    ],
  ]);
});

forEachEncoding("ZADD, ZINCRBY and all others refuse what makes no sense", (server) => {
  expectReplies(server, [
    ["ZADD z 1 a 2", "-ERR syntax error"],
    ["ZADD z NX", "-ERR wrong number of arguments for 'zadd' command"],
    ["ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"],
    ["ZADD z NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"],
    ["ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"],
    ["ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"],
    ["ZADD z x a", "-ERR value is not a valid float"],
    ["ZADD z nan a", "-ERR value is not a valid float"],
    ["ZADD z 1 a x b", "-ERR value is not a valid float"],
    ["ZADD z 1e400 a", "-ERR value is not a valid float"],
    ["ZINCRBY z x a", "-ERR value is not a valid float"],
    ["SET str v", "+OK"],
    ["ZADD str 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZINCRBY str 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZSCORE str a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZCARD str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZREM str a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZRANGE str 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZSCAN str 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZRANDMEMBER str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZPOPMIN str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["ZUNION 1 str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ]);
});

forEachEncoding("members are looked up and removed", (server) => {
  expectReplies(server, [
    ["ZADD z 1 a 2.5 b -inf c 3e20 d 0.1 e", ":5"],
    ["ZCARD z", ":5"],
    ["ZCARD missing", ":0"],
    ["ZSCORE z e", "$19 0.10000000000000001"],
    ["ZSCORE z d", "$5 3e+20"],
    ["ZSCORE z c", "$4 -inf"],
    ["ZSCORE z x", "$-1"],
    ["ZSCORE missing x", "$-1"],
    ["ZMSCORE z a x b", "*3 $1 1 $-1 $3 2.5"],
    ["ZMSCORE missing a", "*1 $-1"],
    ["ZRANK z a", ":2"],
    ["ZREVRANK z a", ":2"],
    ["ZRANK z x", "$-1"],
    ["ZRANK missing x", "$-1"],
    ["ZREM z x", ":0"],
    ["ZREM z a x e", ":2"],
    ["ZREM missing a", ":0"],
    ["ZRANGE z 0 -1", "*3 $1 c $1 b $1 d"],
    ["ZREM z b c d", ":3"],
    ["EXISTS z", ":0"],
  ]);
});

forEachEncoding("changes are announced, counted and recorded", (server) => {
  const effects = new RecordedEffects(server);
  server.run("ZADD", "z", "1", "a", "2", "b", "3", "c");
  server.run("ZADD", "z", "1", "a");
  server.run("ZADD", "z", "XX", "INCR", "1", "a");
  server.run("ZINCRBY", "z", "1", "a");
  assertEquals(effects.takeEvents(), ["new z", "zadd z", "zincr z", "zincr z"]);
  assertEquals(effects.takeDirty(), 5);
  server.run("ZREM", "z", "a", "b", "x");
  server.run("ZREM", "z", "c");
  assertEquals(effects.takeEvents(), ["zrem z", "zrem z", "del z"]);
  assertEquals(effects.takeDirty(), 3);
  assertEquals(effects.takeLog(), [
    "ZADD z 1 a 2 b 3 c",
    "ZADD z XX INCR 1 a",
    "ZINCRBY z 1 a",
    "ZREM z a b x",
    "ZREM z c",
  ]);
});

forEachEncoding("RESP3 has doubles for scores and arrays for pairs", (server) => {
  repliesIn3(server, [
    ["ZADD z 1.5 a inf b", ":2"],
    ["ZSCORE z a", ",1.5"],
    ["ZSCORE z x", "_"],
    ["ZINCRBY z 1 b", ",inf"],
    ["ZMSCORE z a x", "*2 ,1.5 _"],
    ["ZRANDMEMBER z 2 WITHSCORES", "*2 *2 $1 b ,inf *2 $1 a ,1.5"],
    ["ZSCAN z 0 MATCH a", "*2 $1 0 *2 $1 a $3 1.5"],
  ]);
});

forEachEncoding("ZRANDMEMBER draws members without or with repetition", (server) => {
  for (let index = 0; index < 30; index++) server.run("ZADD", "z", String(index), `m${index}`);
  for (const wanted of [1, 5, 20, 29, 30, 50]) {
    const drawn = server.run("ZRANDMEMBER", "z", String(wanted)) as string[];
    assertEquals(drawn.length, Math.min(wanted, 30));
    assertEquals(new Set(drawn).size, drawn.length);
    const repeated = server.run("ZRANDMEMBER", "z", String(-wanted), "WITHSCORES") as string[];
    assertEquals(repeated.length, wanted * 2);
    for (let at = 0; at < repeated.length; at += 2) {
      assertEquals(repeated[at], `m${repeated[at + 1]}`);
    }
  }
  expectReplies(server, [
    ["ZRANDMEMBER missing", "$-1"],
    ["ZRANDMEMBER missing 3", "*0"],
    ["ZRANDMEMBER z 0", "*0"],
    ["ZRANDMEMBER z x", "-ERR value is not an integer or out of range"],
    ["ZRANDMEMBER z 1 FOO", "-ERR syntax error"],
    ["ZRANDMEMBER z -9007199254740992", "-ERR value is out of range"],
    ["ZRANDMEMBER z -9007199254740992 WITHSCORES", "-ERR value is out of range"],
    ["ZRANDMEMBER z 4611686018427387904 WITHSCORES", "-ERR value is out of range"],
    ["ZRANDMEMBER missing 4611686018427387903 WITHSCORES", "*0"],
    ["ZRANDMEMBER z 9223372036854775807 WITHSCORES", "-ERR value is out of range"],
  ]);
});

forEachEncoding("ZSCAN meets every member once a table stands still", (server) => {
  const wanted = new Map<string, string>();
  for (let index = 0; index < 100; index++) {
    wanted.set(`m${index}`, String(index));
    server.run("ZADD", "z", String(index), `m${index}`);
  }
  const met = new Map<string, string>();
  let cursor = "0";
  do {
    const [next, items] = server.run("ZSCAN", "z", cursor, "COUNT", "7") as [string, string[]];
    for (let at = 0; at < items.length; at += 2) met.set(items[at], items[at + 1]);
    cursor = next;
  } while (cursor !== "0");
  assertEquals([...met].sort(), [...wanted].sort());
  expectReplies(server, [["ZSCAN missing 0", "*2 $1 0 *0"], ["ZSCAN z x", "-ERR invalid cursor"]]);
});
