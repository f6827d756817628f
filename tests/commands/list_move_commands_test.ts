/** LMOVEM and BLMOVEM: order, counts, effects; the rules are those of Redis 8.10. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { Random, randomSeed } from "../../src/base/random.ts";

function list(server: EmbeddedServer, key: string): string {
  return (server.run("LRANGE", key, "0", "-1") as string[]).join("");
}

/** From "abcd" to "xy": what is asked for, the reply, source and target afterwards. */
const MOVES: readonly [words: string, reply: string | null, source: string, target: string][] = [
  ["LEFT RIGHT", "a", "bcd", "xya"],
  ["RIGHT LEFT", "d", "abc", "dxy"],
  ["LEFT LEFT COUNT 3 OBO", "cba", "d", "cbaxy"],
  ["LEFT LEFT COUNT 3 BULK", "abc", "d", "abcxy"],
  ["LEFT RIGHT COUNT 3 OBO", "abc", "d", "xyabc"],
  ["LEFT RIGHT COUNT 3 BULK", "abc", "d", "xyabc"],
  ["RIGHT LEFT count 2 obo", "cd", "ab", "cdxy"],
  ["RIGHT LEFT COUNT 2 BULK", "cd", "ab", "cdxy"],
  ["RIGHT RIGHT COUNT 2 OBO", "dc", "ab", "xydc"],
  ["RIGHT RIGHT COUNT 2 BULK", "cd", "ab", "xycd"],
  ["LEFT RIGHT COUNT 9 OBO", "abcd", "", "xyabcd"],
  ["LEFT RIGHT EXACTLY 4 BULK", "abcd", "", "xyabcd"],
  ["LEFT RIGHT EXACTLY 5 BULK", null, "abcd", "xy"],
];

Deno.test("LMOVEM moves elements one by one or as they stand, and records it in known words", () => {
  for (const [words, expected, source, target] of MOVES) {
    using server = new EmbeddedServer();
    using replica = new EmbeddedServer();
    for (const one of [server, replica]) {
      one.run("RPUSH", "s", ..."abcd");
      one.run("RPUSH", "t", ..."xy");
    }
    const effects = new RecordedEffects(server);
    const reply = server.run("LMOVEM", "s", "t", ...words.split(" ")) as string[] | null;
    assertEquals(reply?.join("") ?? null, expected, words);
    for (const effect of effects.takeLog()) replica.run(...effect.split(" "));
    for (const one of [server, replica]) {
      assertEquals([list(one, "s"), list(one, "t")], [source, target], words);
    }
    assertEquals(server.run("EXISTS", "s"), source === "" ? 0 : 1, words);
  }
});

Deno.test("LMOVEM within a list is as many LMOVEs, and keeps its expiry", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    using server = new EmbeddedServer();
    using other = new EmbeddedServer();
    const ends = [0, 1].map(() => random.below(2) === 0 ? "LEFT" : "RIGHT");
    const count = 1 + random.below(5);
    for (const one of [server, other]) {
      one.run("RPUSH", "l", ..."abcd");
      one.run("EXPIRE", "l", "1000");
    }
    const effects = new RecordedEffects(server);
    const reply = server.run(
      "LMOVEM",
      "l",
      "l",
      ...ends,
      "COUNT",
      String(count),
      "OBO",
    ) as string[];
    const moved: string[] = [];
    for (let left = Math.min(count, 4); left > 0; left--) {
      const element = other.run("LMOVE", "l", "l", ...ends) as string;
      if (ends[1] === "LEFT") moved.unshift(element);
      else moved.push(element);
    }
    const what = `seed ${seed}: ${ends} ${count}`;
    assertEquals(reply, moved, what);
    assertEquals(list(server, "l"), list(other, "l"), what);
    assertEquals(server.run("TTL", "l"), 1000, what);
    assertEquals(effects.takeLog().length, ends[0] === ends[1] ? 0 : Math.min(count, 4), what);
  }
});

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";

const REPLIES: readonly [command: string, reply: string][] = [
  ["LMOVEM none t LEFT RIGHT", "*0"],
  ["LMOVEM none t LEFT RIGHT COUNT 2 OBO", "*0"],
  ["LMOVEM none t LEFT RIGHT EXACTLY 2 OBO", "*-1"],
  ["LMOVEM s t LEFT UP", "-ERR syntax error"],
  ["LMOVEM s t LEFT RIGHT COUNT 2", "-ERR syntax error"],
  ["LMOVEM s t LEFT RIGHT COUNT 2 ALL", "-ERR syntax error"],
  ["LMOVEM s t LEFT RIGHT MANY 2 OBO", "-ERR syntax error"],
  ["LMOVEM s t LEFT RIGHT COUNT 0 OBO", "-ERR count should be greater than 0"],
  ["LMOVEM s t LEFT RIGHT COUNT x OBO", "-ERR count should be greater than 0"],
  ["LMOVEM s text LEFT RIGHT", WRONG_TYPE],
  ["LMOVEM text s LEFT RIGHT", WRONG_TYPE],
  ["LLEN s", ":1"],
];

Deno.test("LMOVEM of nothing, and what is wrong with it", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "s", "a");
  server.run("SET", "text", "x");
  for (const [command, reply] of REPLIES) {
    assertEquals(server.raw(...command.split(" ")), `${reply}\r\n`, command);
  }
});

Deno.test("LMOVEM announces both lists", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "s", "a", "b");
  const effects = new RecordedEffects(server);
  server.run("LMOVEM", "s", "t", "LEFT", "RIGHT", "COUNT", "2", "BULK");
  assertEquals(effects.takeEvents(), ["new t", "rpush t", "lpop s", "del s"]);
  assertEquals(effects.takeDirty(), 2);
});

/** What BLMOVEM answers at once, from "abcd" to "xy". */
Deno.test("BLMOVEM moves at once what LMOVEM moves", () => {
  for (const [words, expected, source, target] of MOVES) {
    if (expected === null) continue;
    using server = new EmbeddedServer();
    server.run("RPUSH", "s", ..."abcd");
    server.run("RPUSH", "t", ..."xy");
    const [from, to, ...block] = words.split(" ");
    const reply = server.run("BLMOVEM", "s", "t", from, to, "0", ...block) as string[];
    assertEquals(reply.join(""), expected, words);
    assertEquals([list(server, "s"), list(server, "t")], [source, target], words);
  }
});

function waitForAnyOrExactly(release: string): void {
  using server = new EmbeddedServer([["redis-version", release]]);
  using replica = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const [any, exact, popper] = [server.connect(), server.connect(), server.connect()];
  any.send("BLMOVEM", "s", "t", "LEFT", "RIGHT", "0", "COUNT", "3", "OBO");
  exact.send("BLMOVEM", "s", "u", "LEFT", "LEFT", "0", "EXACTLY", "3", "OBO");
  server.run("RPUSH", "s", "a", "b");
  assertEquals(any.take(), [["a", "b"]]);
  server.run("RPUSH", "s", "c", "d");
  assertEquals(exact.take(), []);
  // Grown in any way, not only from nothing.
  server.run("LINSERT", "s", "AFTER", "c", "x");
  assertEquals(exact.take(), [["d", "x", "c"]]);
  assertEquals([list(server, "t"), list(server, "u")], ["ab", "dxc"]);
  // Others are not held up by one who waits for more.
  exact.send("BLMOVEM", "s", "u", "RIGHT", "LEFT", "0", "EXACTLY", "2", "BULK");
  popper.send("BLPOP", "s", "0");
  server.run("RPUSH", "s", "e");
  assertEquals(popper.take(), [["s", "e"]]);
  server.run("RPUSH", "s", "f");
  server.run("RPUSH", "s", "g");
  assertEquals(exact.take(), [["f", "g"]]);
  assertEquals(server.run("EXISTS", "s"), 0);
  const replicaEffects = effects.takeLog().filter((effect) =>
    /^(MULTI|EXEC)$/.test(effect) === false
  );
  for (const effect of replicaEffects) replica.run(...effect.split(" "));
  for (const key of ["s", "t", "u"]) assertEquals(list(replica, key), list(server, key), key);
  assertEquals(replicaEffects.some((effect) => /movem/i.test(effect)), false);
}

function waitInChains(release: string): void {
  using server = new EmbeddedServer([["redis-version", release]]);
  const [turning, chained, last] = [server.connect(), server.connect(), server.connect()];
  turning.send("BLMOVEM", "l", "l", "LEFT", "RIGHT", "0", "EXACTLY", "2", "BULK");
  server.run("RPUSH", "l", "a");
  server.run("RPUSH", "l", "b");
  assertEquals(turning.take(), [["a", "b"]]);
  last.send("BLMOVEM", "n", "o", "LEFT", "RIGHT", "0", "EXACTLY", "3", "BULK");
  chained.send("BLMOVEM", "m", "n", "LEFT", "RIGHT", "0", "EXACTLY", "2", "BULK");
  server.run("RPUSH", "n", "1");
  server.run("RPUSH", "m", "2", "3");
  assertEquals(chained.take(), [["2", "3"]]);
  assertEquals(last.take(), [["1", "2", "3"]]);
  assertEquals(list(server, "o"), "123");
}

for (const release of ["7.0", "7.4"]) {
  Deno.test(`as ${release}, BLMOVEM waits for any element, with EXACTLY for as many`, () => {
    waitForAnyOrExactly(release);
  });
  Deno.test(`as ${release}, BLMOVEM moves within a list and in a chain`, () => {
    waitInChains(release);
  });
}

Deno.test("BLMOVEM answers null in a transaction and when its time is up", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "s", "a");
  server.run("MULTI");
  server.run("BLMOVEM", "none", "t", "LEFT", "RIGHT", "0", "COUNT", "2", "OBO");
  server.run("BLMOVEM", "s", "t", "LEFT", "RIGHT", "0", "EXACTLY", "2", "OBO");
  server.run("BLMOVEM", "s", "t", "LEFT", "RIGHT", "0", "COUNT", "2", "OBO");
  assertEquals(server.run("EXEC"), [null, null, ["a"]]);
  const waiting = server.connect();
  waiting.send("BLMOVEM", "s", "t", "LEFT", "RIGHT", "0", "EXACTLY", "2", "OBO");
  server.server.blocking.expire(waiting.client);
  assertEquals(waiting.takeRaw(), "*-1\r\n");
  assertEquals(server.server.blocking.changesWantedCount, 0);
});

const WAITING_REPLIES: readonly [command: string, reply: string][] = [
  ["BLMOVEM s t LEFT RIGHT", "-ERR wrong number of arguments for 'blmovem' command"],
  ["BLMOVEM s t LEFT UP 0", "-ERR syntax error"],
  ["BLMOVEM s t LEFT RIGHT x", "-ERR timeout is not a float or out of range"],
  ["BLMOVEM s t LEFT RIGHT -1", "-ERR timeout is negative"],
  ["BLMOVEM s t LEFT RIGHT 0 COUNT 2", "-ERR syntax error"],
  ["BLMOVEM s t LEFT RIGHT 0 MANY 2 OBO", "-ERR syntax error"],
  ["BLMOVEM s t LEFT RIGHT 0 EXACTLY 0 OBO", "-ERR count should be greater than 0"],
  ["BLMOVEM s text LEFT RIGHT 0", WRONG_TYPE],
  ["BLMOVEM text s LEFT RIGHT 0", WRONG_TYPE],
  ["LLEN s", ":1"],
];

Deno.test("BLMOVEM: what is wrong with it, at once and when it is served", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "s", "a");
  server.run("SET", "text", "x");
  for (const [command, reply] of WAITING_REPLIES) {
    assertEquals(server.raw(...command.split(" ")), `${reply}\r\n`, command);
  }
  const waiting = server.connect();
  waiting.send("BLMOVEM", "k", "text", "LEFT", "RIGHT", "0", "EXACTLY", "2", "OBO");
  server.run("RPUSH", "k", "a");
  assertEquals(waiting.takeRaw(), "");
  server.run("RPUSH", "k", "b");
  assertEquals(waiting.takeRaw(), `${WRONG_TYPE}\r\n`);
  assertEquals(list(server, "k"), "ab");
});

Deno.test("BLMOVEM stands in the table with its keys, flags and categories", () => {
  using server = new EmbeddedServer();
  const [row] = server.run("COMMAND", "INFO", "blmovem") as unknown[][];
  assertEquals(row.slice(0, 6), [
    "blmovem",
    -6,
    ["write", "denyoom", "noscript", "blocking"],
    1,
    2,
    1,
  ]);
  assertEquals(row[6], ["@write", "@list", "@slow", "@blocking"]);
  assertEquals(
    server.run("COMMAND", "GETKEYS", ..."BLMOVEM a b LEFT RIGHT 0 COUNT 2 OBO".split(" ")),
    ["a", "b"],
  );
  server.run("ACL", "SETUSER", "reader", "+@all", "~b", "%R~a");
  const command = "BLMOVEM a b LEFT RIGHT 0".split(" ");
  assertEquals(
    server.run("ACL", "DRYRUN", "reader", ...command),
    "This user has no permissions to access the 'a' key",
  );
});
