/** CONFIG: what the command adds to config/config.ts: replies, UTF-8, statistics. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { latin1 } from "../support/text.ts";

Deno.test("CONFIG GET answers pairs, a map in RESP3", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("CONFIG", "GET", "maxmemory", "hz"), ["maxmemory", "0", "hz", "10"]);
  assertEquals(server.run("CONFIG", "GET", "nope*"), []);
  server.run("HELLO", "3");
  assertEquals(server.run("CONFIG", "GET", "maxmem?ry"), new Map([["maxmemory", "0"]]));
});

Deno.test("CONFIG SET changes all of its parameters or none", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("CONFIG", "SET", "timeout", "5", "maxmemory", "1mb"), "OK");
  assertEquals([server.server.config.timeout, server.server.config.maxmemory], [5, 1 << 20]);
  const refused = server.raw("CONFIG", "SET", "timeout", "9", "nope", "1");
  assert(refused.startsWith("-ERR "), refused);
  assertEquals(server.server.config.timeout, 5);
  assertEquals(server.raw("CONFIG", "SET", "timeout", "5", "hz"), "-ERR syntax error\r\n");
});

Deno.test("text in UTF-8 comes back as it was given", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("CONFIG", "SET", "proc-title-template", "{title} größe"), "OK");
  assertEquals(server.run("CONFIG", "GET", "proc-title-template"), [
    "proc-title-template",
    "{title} größe",
  ]);
});

Deno.test("CONFIG RESETSTAT sets calls, hits and errors to zero", () => {
  using server = new EmbeddedServer();
  server.run("GET", "a");
  server.run("NOPE");
  assertEquals(server.run("CONFIG", "RESETSTAT"), "OK");
  const { keyspace, statistics, commands } = server.server;
  assertEquals([keyspace.missCount, statistics.errorReplies], [0, 0]);
  assertEquals(commands.byName.get("get")!.calls, 0);
});

Deno.test("CONFIG REWRITE needs a file", () => {
  using server = new EmbeddedServer();
  const expected = "-ERR The server is running without a config file\r\n";
  assertEquals(server.raw("CONFIG", "REWRITE"), expected);
});

Deno.test("CONFIG HELP lists the subcommands", () => {
  using server = new EmbeddedServer();
  const lines = server.run("CONFIG", "HELP") as string[];
  for (const word of ["GET", "SET", "RESETSTAT", "REWRITE", "HELP"]) {
    assert(lines.some((line) => line.split(" ")[0] === word), word);
  }
});

Deno.test("an argument longer than any value can be is refused, whatever proto-max-bulk-len says", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("CONFIG", "SET", "proto-max-bulk-len", "4gb"), "OK");
  const head = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n";
  server.client.sendBytes(latin1(`${head}$1073741825\r\n`));
  assertEquals(server.client.takeRaw(), "-ERR Protocol error: invalid bulk length\r\n");
  const second = server.connect();
  second.sendBytes(latin1(`${head}$1073741824\r\n`));
  assertEquals(second.takeRaw(), "");
});
