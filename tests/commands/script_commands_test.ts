/** Errors and help of the scripting commands; the texts are redis-server's. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
const SHA1 = "a".repeat(40);

const ERRORS: readonly (readonly [command: string, message: string])[] = [
  ["EVAL return x", "ERR value is not an integer or out of range"],
  ["EVAL return -1", "ERR Number of keys can't be negative"],
  ["EVAL_RO return 2 k", "ERR Number of keys can't be greater than number of args"],
  ["EVALSHA short x", NO_SCRIPT],
  [`EVALSHA ${SHA1} 0`, NO_SCRIPT],
  [`EVALSHA_RO ${SHA1} x`, "ERR value is not an integer or out of range"],
  ["FCALL f x", "ERR Function not found"],
  ["FCALL_RO f 0", "ERR Function not found"],
  ["SCRIPT KILL", "NOTBUSY No scripts in execution right now."],
  ["SCRIPT FLUSH now", "ERR SCRIPT FLUSH only support SYNC|ASYNC option"],
  ["SCRIPT DEBUG YES", "ERR There is no script debugger in Redeno"],
  ["SCRIPT DEBUG x", "ERR Use SCRIPT DEBUG YES/SYNC/NO"],
  ["FUNCTION DELETE lib", "ERR Library not found"],
  ["FUNCTION KILL", "NOTBUSY No scripts in execution right now."],
  ["FUNCTION FLUSH now", "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"],
  ["FUNCTION LIST LIBRARYNAME", "ERR library name argument was not given"],
  ["FUNCTION LIST WITHCODE withcode", "ERR Unknown argument withcode"],
  ["FUNCTION RESTORE x", "ERR DUMP payload version or checksum are wrong"],
  [
    "FUNCTION RESTORE x y",
    "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
  ],
];

Deno.test("what cannot be done is refused with Redis's error", () => {
  using server = new EmbeddedServer();
  for (const [command, message] of ERRORS) {
    const reply = server.run(...command.split(" "));
    assertEquals((reply as RespError).message, message, command);
  }
});

Deno.test("a server without scripts and functions says so", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("SCRIPT", "EXISTS", SHA1, "b"), [0, 0]);
  assertEquals(server.run("SCRIPT", "FLUSH", "async"), "OK");
  assertEquals(server.run("SCRIPT", "DEBUG", "no"), "OK");
  assertEquals(server.run("FUNCTION", "LIST", "LIBRARYNAME", "*", "WITHCODE"), []);
  assertEquals(server.run("FUNCTION", "FLUSH"), "OK");
  const engines = ["LUA", ["libraries_count", 0, "functions_count", 0]];
  assertEquals(server.run("FUNCTION", "STATS"), ["running_script", null, "engines", engines]);
});

Deno.test("the empty dump of functions is Redis's, and can be restored", () => {
  using server = new EmbeddedServer();
  const dump = "\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda";
  assertEquals(server.raw("FUNCTION", "DUMP"), `$10\r\n${dump}\r\n`);
  const bytes = Uint8Array.from(dump, (character) => character.charCodeAt(0));
  assertEquals(server.run("FUNCTION", "RESTORE", bytes, "FLUSH"), "OK");
  bytes[3] ^= 1;
  assertEquals(server.run("FUNCTION", "RESTORE", bytes) instanceof RespError, true);
});
