/**
 * DELEX, DELIFEQ, DIGEST, MSETEX. Replies of DELIFEQ and MSETEX are those of valkey-server 9.1.2,
 * but for error texts, which are Redis's.
 */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, repliesIn3, type Row } from "./sorted_set_suite.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";

const DELETIONS: readonly Row[] = [
  ["DELEX none", ":0"],
  ["DELEX none IFEQ a", ":0"],
  ["DELEX none IFNE a", ":0"],
  ["DELEX none IFDNE short", ":0"],
  ["DELIFEQ none a", ":0"],
  ["DIGEST none", "$-1"],
  ["SET k a", "+OK"],
  ["DIGEST k", "$16 e6c632b61e964e1f"],
  ["DELEX k IFEQ b", ":0"],
  ["DELEX k IFNE a", ":0"],
  ["DELEX k IFDEQ 0123456789abcdef", ":0"],
  ["DELEX k IFDNE E6C632B61E964E1F", ":0"],
  ["DELEX k IFDEQ a", "-ERR digest must be exactly 16 hexadecimal characters"],
  ["DELEX k IFEQ", "-ERR wrong number of arguments for 'delex' command"],
  ["DELEX k IFEQ a b", "-ERR wrong number of arguments for 'delex' command"],
  ["DELEX k IFX a", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"],
  ["DELEX k ex 10", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"],
  ["DELIFEQ k b", ":0"],
  ["EXISTS k", ":1"],
  ["DELEX k ifeq a", ":1"],
  ["EXISTS k", ":0"],
  ["MSET a 1 b 2 c 3 d 4 e 5", "+OK"],
  ["DELEX a", ":1"],
  ["DELEX b IFNE 1", ":1"],
  ["DELEX c IFDNE e6c632b61e964e1f", ":1"],
  ["DELIFEQ e 5", ":1"],
  ["EXISTS a b c e", ":0"],
  ["LPUSH l a", ":1"],
  ["DELEX l IFEQ a", "-ERR Key should be of string type if conditions are specified"],
  ["DELIFEQ l a", WRONG_TYPE],
  ["DIGEST l", WRONG_TYPE],
  ["DELEX l", ":1"],
];

Deno.test("DELEX and DELIFEQ delete a key while it holds what is expected", () => {
  using server = new EmbeddedServer();
  // The digest of "4" is asked for, not known.
  server.run("SET", "d", "4");
  const digest = server.run("DIGEST", "d") as string;
  assertEquals(/^[0-9a-f]{16}$/.test(digest), true);
  assertEquals(server.run("DELEX", "d", "IFDEQ", digest), 1);
  expectReplies(server, DELETIONS);
});

Deno.test("DELEX is recorded as DEL, and only if it deleted", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "a", "1", "b", "2");
  const effects = new RecordedEffects(server);
  server.run("DELEX", "a", "IFEQ", "2");
  server.run("DELEX", "a", "IFEQ", "1");
  server.run("DELIFEQ", "b", "1");
  server.run("DELIFEQ", "b", "2");
  server.run("DELEX", "b");
  assertEquals(effects.takeLog(), ["DEL a", "DEL b"]);
  assertEquals(effects.takeEvents(), ["del a", "del b"]);
  assertEquals(effects.takeDirty(), 2);
});

const SETTINGS: readonly Row[] = [
  ["MSETEX 0", "-ERR wrong number of arguments for 'msetex' command"],
  ["MSETEX 0 a b", "-ERR invalid numkeys value"],
  ["MSETEX -1 a b", "-ERR invalid numkeys value"],
  ["MSETEX x a b", "-ERR invalid numkeys value"],
  ["MSETEX 2147483648 a b", "-ERR invalid numkeys value"],
  ["MSETEX 2147483647 a b", "-ERR wrong number of key-value pairs"],
  ["MSETEX 2 a b", "-ERR wrong number of key-value pairs"],
  ["MSETEX 1 a b c", "-ERR syntax error"],
  ["MSETEX 1 a b nx xx", "-ERR syntax error"],
  ["MSETEX 1 a b get", "-ERR syntax error"],
  ["MSETEX 1 a b persist", "-ERR syntax error"],
  ["MSETEX 1 a b ifeq c", "-ERR syntax error"],
  ["MSETEX 1 a b ex 10 px 10", "-ERR syntax error"],
  ["MSETEX 1 a b keepttl ex 10", "-ERR syntax error"],
  ["MSETEX 1 a b ex", "-ERR syntax error"],
  ["MSETEX 1 a b ex 0", "-ERR invalid expire time in 'msetex' command"],
  ["MSETEX 1 a b ex x", "-ERR value is not an integer or out of range"],
  ["EXISTS a b", ":0"],
  ["MSETEX 2 a 1 b 2", ":1"],
  ["MSETEX 2 a x c x NX", ":0"],
  ["MSETEX 2 c x a x XX", ":0"],
  ["MSETEX 2 c 3 d 4 ex 100 nx", ":1"],
  ["MGET a b c d", "*4 $1 1 $1 2 $1 3 $1 4"],
  ["TTL d", ":100"],
  ["MSETEX 3 a 7 c 8 c 9 XX KEEPTTL", ":1"],
  ["TTL c", ":100"],
  ["TTL a", ":-1"],
  ["MSETEX 2 a ex c nx", ":1"],
  ["MGET a c", "*2 $2 ex $2 nx"],
  ["TTL c", ":-1"],
  ["MSETEX 1 a 1 EXAT 1", ":1"],
  ["EXISTS a", ":0"],
  ["LPUSH l 1", ":1"],
  ["MSETEX 1 l 1", ":1"],
  ["TYPE l", "+string"],
  ["COMMAND GETKEYS MSETEX 2 a b c d EX 5", "*2 $1 a $1 c"],
  ["COMMAND GETKEYS MSETEX 3 a b c d", "-ERR Invalid arguments specified for command"],
];

Deno.test("MSETEX sets all keys or none", () => {
  using server = new EmbeddedServer();
  expectReplies(server, SETTINGS);
});

Deno.test("MSETEX announces each key, and is recorded as SETs in one unit", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  server.run("MSETEX", "2", "a", "1", "b", "2", "PXAT", "99999999999999");
  server.run("MSETEX", "2", "b", "3", "c", "4", "NX");
  server.run("MSETEX", "1", "b", "5", "KEEPTTL");
  server.run("MSETEX", "1", "b", "6");
  assertEquals(effects.takeLog(), [
    "SET a 1 PXAT 99999999999999",
    "SET b 2 PXAT 99999999999999",
    "SET b 5 KEEPTTL",
    "SET b 6",
  ]);
  assertEquals(
    effects.takeEvents(),
    ["new a", "set a", "expire a", "new b", "set b", "expire b", "set b", "set b"],
  );
  assertEquals(effects.takeDirty(), 4);
});

Deno.test("MSETEX needs permission for every key", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "limited", "on", "nopass", "+@all", "~a*");
  const limited = server.connect();
  limited.run("AUTH", "limited", "x");
  assertEquals(limited.raw("MSETEX", "2", "a1", "1", "a2", "2", "EX", "9"), ":1\r\n");
  for (const pairs of [["a1", "1", "b", "2"], ["b", "1", "a1", "2"]]) {
    assertEquals(limited.raw("MSETEX", "2", ...pairs).startsWith("-NOPERM"), true);
  }
  assertEquals(server.run("EXISTS", "b"), 0);
});

Deno.test("in RESP3 DIGEST of a missing key is null", () => {
  using server = new EmbeddedServer();
  repliesIn3(server, [["DIGEST none", "_"], ["SET k b IFEQ a", "_"]]);
});
