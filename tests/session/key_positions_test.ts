/** Key positions, through COMMAND GETKEYSANDFLAGS; the expected flags are redis-server's. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const CASES: readonly (readonly [command: string, keys: string])[] = [
  ["GET k", "k:RO access"],
  ["MSET a 1 b 2 c", "a:OW update|b:OW update|c:OW update"],
  ["MSETNX a 1 b 2", "a:OW insert|b:OW insert"],
  ["SET k v", "k:OW update"],
  ["SET k v EX 5 get", "k:RW access update"],
  ["BITFIELD k GET u8 0 GET u8 8", "k:RO access"],
  ["BITFIELD k GET u8 0 SET u8 0 1", "k:RW access update"],
  ["ZUNIONSTORE d 2 a b", "d:OW update|a:RO access|b:RO access"],
  ["ZUNIONSTORE d 1.5 a b", "a:|d:"],
  ["LMPOP 2 a b LEFT", "a:RW access delete|b:RW access delete"],
  ["BLMPOP 0 1 k LEFT", "k:RW access delete"],
  ["SORT k", "k:RO access"],
  ["SORT k BY w_* STORE d", "k:RO access|d:OW update"],
  ["GEORADIUS k 1 1 1 m", "k:RO access"],
  ["GEORADIUS k 1 1 1 m STOREDIST d STORE e", "k:RO access|e:OW update|d:OW update"],
  ["OBJECT ENCODING k", "k:RO"],
  ["MEMORY USAGE k", "k:RO"],
  ["EVAL script 2 a b c", "a:RW access update|b:RW access update"],
  ["EVAL script 0 c", ""],
];

Deno.test("keys and their flags are found in every kind of command", () => {
  using server = new EmbeddedServer();
  for (const [command, expected] of CASES) {
    const reply = server.run("COMMAND", "GETKEYSANDFLAGS", ...command.split(" "));
    const found = (reply as [string, string[]][]).map(([key, flags]) =>
      `${key}:${flags.join(" ")}`
    );
    assertEquals(found.join("|"), expected, command);
  }
});

Deno.test("malformed commands have no keys", () => {
  using server = new EmbeddedServer();
  const cases = [
    ["LMPOP 3 k LEFT", "ERR Invalid arguments specified for command"],
    ["SINTERCARD 0 k", "ERR Invalid arguments specified for command"],
    ["GET a b", "ERR Invalid number of arguments specified for command"],
    ["ECHO a", "ERR The command has no key arguments"],
    ["CONFIG GET a", "ERR The command has no key arguments"],
    ["NOSUCH a", "ERR Invalid command specified"],
  ];
  for (const [command, message] of cases) {
    const reply = server.run("COMMAND", "GETKEYS", ...command.split(" "));
    assertEquals((reply as RespError).message, message, command);
  }
});
