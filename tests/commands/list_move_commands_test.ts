/** LMOVEM: order, counts, effects; the rules are those of Redis 8.10. */
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
      one.run("EXPIREAT", "l", "4102444800");
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
    assertEquals(server.run("EXPIRETIME", "l"), 4102444800, what);
    assertEquals(effects.takeLog().length, ends[0] === ends[1] ? 0 : Math.min(count, 4), what);
  }
});

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
  [
    "LMOVEM s text LEFT RIGHT",
    "-WRONGTYPE Operation against a key holding the wrong kind of value",
  ],
  [
    "LMOVEM text s LEFT RIGHT",
    "-WRONGTYPE Operation against a key holding the wrong kind of value",
  ],
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
