/** Streams, which are not there yet: rules and COMMAND know their commands, callers hear so. */
import { assertEquals } from "@std/assert";
import { absentStreamCommands } from "../../src/commands/absent_stream_commands.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";

Deno.test("every stream command answers one clear error, and changes nothing", () => {
  using server = new EmbeddedServer();
  const rows = absentStreamCommands.flatMap((row) => row.subcommands ?? [row]);
  for (const { name, arity } of rows) {
    const words = name.split("|");
    while (words.length < Math.abs(arity)) words.push("a");
    const expected = "-ERR Streams are not available in this version of Redeno\r\n";
    assertEquals(server.raw(...words), expected, name);
  }
  assertEquals(server.run("DBSIZE"), 0);
});

Deno.test("ACL rules may name stream commands, their category and subcommands", () => {
  using server = new EmbeddedServer();
  const rules = ["+xadd", "+xgroup|create", "+@stream", "-xread", "-xinfo|groups"];
  assertEquals(server.run("ACL", "SETUSER", "bob", ...rules), "OK");
  const [commands] = server.run("ACL", "LIST") as string[];
  assertEquals(commands.endsWith("-@all +@stream -xinfo|groups -xread"), true, commands);
  const names = (server.run("ACL", "CAT", "stream") as Plain[]).length;
  assertEquals(names, 23);
});
