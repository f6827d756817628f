/**
 * Options of strings: SET with IFEQ, IFNE, IFDEQ, IFDNE: replies, what is recorded, who may; and
 * which options exclude each other. Replies of IFEQ are those of valkey-server 9.1.2.
 */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, type Row } from "./sorted_set_suite.ts";

const DIGEST_OF_A = "e6c632b61e964e1f";
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const BAD_DIGEST = "-ERR digest must be exactly 16 hexadecimal characters";

const REPLIES: readonly Row[] = [
  ["SET k b IFEQ a", "$-1"],
  ["EXISTS k", ":0"],
  ["SET k b IFDEQ e6c632b61e964e1f", "$-1"],
  ["SET k b IFDEQ short", "$-1"],
  ["EXISTS k", ":0"],
  ["SET k a IFNE a", "+OK"],
  ["SET k b IFNE a", "$-1"],
  ["SET k a2 IFNE b", "+OK"],
  ["SET k a ifeq a2", "+OK"],
  ["SET k x IFEQ A", "$-1"],
  ["SET k x IFEQ aa", "$-1"],
  [`SET k x IFDNE ${DIGEST_OF_A}`, "$-1"],
  [`SET k x IFDEQ ${DIGEST_OF_A.toUpperCase()}`, "+OK"],
  [`SET k a IFDNE ${DIGEST_OF_A}`, "+OK"],
  ["SET k x IFDEQ 0123456789abcdeg", "$-1"],
  ["SET k x IFDEQ e6c632b61e964e1", BAD_DIGEST],
  ["SET k x GET IFDNE e6c632b61e964e1f0", BAD_DIGEST],
  ["SET k b IFEQ a GET", "$1 a"],
  ["SET k c GET IFEQ a", "$1 b"],
  ["GET k", "$1 b"],
  ["SET k 12 IFEQ b EX 100", "+OK"],
  ["TTL k", ":100"],
  ["SET k 13 IFEQ 12 KEEPTTL", "+OK"],
  ["TTL k", ":100"],
  ["SET k 14 IFEQ 13", "+OK"],
  ["TTL k", ":-1"],
  ["SET k 15 IFEQ 14 EX 0", "-ERR invalid expire time in 'set' command"],
  ["SET k 15 IFEQ", "-ERR syntax error"],
  ["SET k 15 IFEQ 14 NX", "-ERR syntax error"],
  ["SET k 15 XX IFEQ 14", "-ERR syntax error"],
  ["SET k 15 IFEQ 14 IFEQ 14", "-ERR syntax error"],
  ["SET k 15 IFEQ 14 IFDNE 14", "-ERR syntax error"],
  ["GETEX k IFEQ 14", "-ERR syntax error"],
  // A word that is an operand is no option.
  ["SET k get IFEQ 14", "+OK"],
  ["SET k ex IFEQ get", "+OK"],
  ["SET k nx IFEQ ex PX 100000", "+OK"],
  ["LPUSH l a", ":1"],
  ["SET l x IFEQ a", WRONG_TYPE],
  ["SET l x IFNE a GET", WRONG_TYPE],
  ["SET l x IFDEQ a", WRONG_TYPE],
  ["LLEN l", ":1"],
];

Deno.test("SET compares the value, or its digest, before it stores", () => {
  using server = new EmbeddedServer();
  expectReplies(server, REPLIES);
});

Deno.test("SET IFEQ compares the empty string, and strings of many chunks", () => {
  using server = new EmbeddedServer();
  server.run("SET", "empty", "");
  assertEquals(server.run("SET", "empty", "x", "IFEQ", ""), "OK");
  for (const length of [16_384, 300_000]) {
    const text = "a".repeat(length);
    server.run("SET", "long", text);
    assertEquals(server.run("SET", "long", "x", "IFEQ", `${text.slice(1)}b`), null);
    assertEquals(server.run("SET", "long", "x", "IFNE", text), null);
    const digest = server.run("DIGEST", "long") as string;
    assertEquals(server.run("SET", "long", text, "IFDEQ", digest), "OK");
    assertEquals(server.run("SET", "long", "x", "IFEQ", text), "OK");
  }
});

Deno.test("SET with a condition on the value is recorded without it, and only if it stored", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  server.run("SET", "k", "a", "IFNE", "a");
  assertEquals(effects.takeEvents(), ["new k", "set k"]);
  server.run("SET", "k", "b", "IFEQ", "z");
  server.run("SET", "k", "b", "IFEQ", "a", "GET", "KEEPTTL");
  server.run("SET", "k", "c", "IFDNE", DIGEST_OF_A);
  server.run("SET", "k", "d", "IFEQ", "c", "PXAT", "99999999999999");
  assertEquals(effects.takeLog(), [
    "SET k a",
    "SET k b KEEPTTL",
    "SET k c",
    "SET k d PXAT 99999999999999",
  ]);
  assertEquals(effects.takeEvents(), ["set k", "set k", "set k", "expire k"]);
  assertEquals(effects.takeDirty(), 4);
});

Deno.test("SET IFEQ that stores nothing leaves a WATCH valid", () => {
  using server = new EmbeddedServer();
  server.run("SET", "k", "a");
  const other = server.connect();
  for (const [expected, reply] of [["b", ["OK"]], ["a", null]] as [string, string[] | null][]) {
    server.run("WATCH", "k");
    other.run("SET", "k", "c", "IFEQ", expected);
    server.run("MULTI");
    server.run("SET", "done", "1");
    assertEquals(server.run("EXEC"), reply);
  }
});

Deno.test("SET with a condition on the value needs permission to read the key", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "writer", "on", "nopass", "+@all", "%W~*");
  const writer = server.connect();
  writer.run("AUTH", "writer", "x");
  assertEquals(writer.raw("SET", "k", "a", "EX", "100"), "+OK\r\n");
  for (const condition of ["IFEQ", "IFNE", "IFDEQ", "IFDNE"]) {
    assertEquals(
      writer.raw("SET", "k", "b", condition, "get"),
      "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n",
    );
  }
});
