/** LCS: the examples of the documentation, options, and strings without anything in common. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

Deno.test("LCS returns the subsequence, its length, or the matches", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "a", "ohmytext", "b", "mynewtext");
  assertEquals(server.run("LCS", "a", "b"), "mytext");
  assertEquals(server.run("LCS", "a", "b", "LEN"), 6);
  const matches = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]];
  assertEquals(server.run("LCS", "a", "b", "IDX"), ["matches", matches, "len", 6]);
  const long = ["IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"];
  const expected = ["matches", [[[4, 7], [5, 8], 4]], "len", 6];
  assertEquals(server.run("LCS", "a", "b", ...long), expected);
});

Deno.test("LCS of a missing key is empty", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "abc");
  assertEquals(server.run("LCS", "a", "missing"), "");
  assertEquals(server.run("LCS", "a", "missing", "IDX"), ["matches", [], "len", 0]);
});

Deno.test("LCS refuses other types, LEN with IDX, and tables that are too large", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "set", "a");
  const types = "ERR The specified keys must contain string values";
  assertEquals(errorOf(server.run("LCS", "set", "b")), types);
  const both = "ERR If you want both the length and indexes, please just use IDX.";
  assertEquals(errorOf(server.run("LCS", "a", "b", "IDX", "LEN")), both);
  assertEquals(errorOf(server.run("LCS", "a", "b", "MINMATCHLEN")), "ERR syntax error");
  server.run("SETRANGE", "long", 11_585, "x");
  const memory = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
  assertEquals(errorOf(server.run("LCS", "long", "long")), memory);
});
