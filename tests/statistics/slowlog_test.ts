/** The slow log: what is kept of a command, and for how long. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { CommandLogEntry } from "../../src/statistics/slowlog.ts";

function logged(server: EmbeddedServer): CommandLogEntry[] {
  return server.server.commandLogs.slow.newest(Infinity);
}

Deno.test("with a limit of 0 every command is logged, the newest first", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  server.run("SET", "k", "v");
  server.run("GET", "k");
  const entries = logged(server);
  assertEquals(entries.map(({ shownArguments }) => shownArguments), [["GET", "k"], [
    "SET",
    "k",
    "v",
  ]]);
  assertEquals(entries.map(({ id }) => id), [1, 0]);
  assertEquals(entries[0].address, "127.0.0.1:50000");
});

Deno.test("a negative limit switches the slow log off", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "-1"]]);
  server.run("SET", "k", "v");
  assertEquals(logged(server), []);
});

Deno.test("the commands of a transaction are logged, EXEC is not", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  server.run("MULTI");
  server.run("SET", "k", "v");
  server.run("EXEC");
  const names = logged(server).map(({ shownArguments }) => shownArguments[0]);
  assertEquals(names, ["SET", "MULTI"]);
});

Deno.test("many arguments and long ones are shortened as Redis does", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  server.run("DEL", ...Array.from({ length: 40 }, (_, index) => `k${index}`));
  const shown = logged(server)[0].shownArguments;
  assertEquals(shown.length, 32);
  assertEquals(shown[31], "... (10 more arguments)");
  server.run("DEL", ...Array.from({ length: 31 }, (_, index) => `k${index}`));
  assertEquals(logged(server)[0].shownArguments[31], "k30");
  server.run("ECHO", "x".repeat(130));
  assertEquals(logged(server)[0].shownArguments[1], `${"x".repeat(128)}... (2 more bytes)`);
});

Deno.test("passwords do not get into the slow log", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  server.run("AUTH", "default", "secret");
  server.run("CONFIG", "SET", "masterauth", "secret", "maxmemory", "0");
  server.run("HELLO", "2", "AUTH", "default", "secret");
  assertEquals(logged(server).flatMap(({ shownArguments }) => shownArguments), [
    ...["HELLO", "2", "AUTH", "(redacted)", "(redacted)"],
    ...["CONFIG", "SET", "masterauth", "(redacted)", "maxmemory", "0"],
    ...["AUTH", "(redacted)", "(redacted)"],
  ]);
});

Deno.test("slowlog-max-len bounds the log", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"], ["slowlog-max-len", "3"]]);
  for (let index = 0; index < 10; index++) server.run("GET", index);
  assertEquals(logged(server).map(({ id }) => id), [9, 8, 7]);
});
