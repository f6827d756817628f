/**
 * Monitors: the lines that MONITOR shows.
 */

import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("MONITOR shows commands with quoted arguments, and no secrets", () => {
  using server = new EmbeddedServer();
  const monitor = server.connect();
  assertEquals(monitor.run("MONITOR"), "OK");
  server.run("SET", "x", new Uint8Array([97, 0, 10, 34, 92]));
  server.run("AUTH", "default", "secret");
  server.run("CONFIG", "GET", "port");
  server.run("MULTI");
  server.run("PING");
  server.run("EXEC");
  server.run("SELECT", "3");
  const shown = monitor.takeRaw().split("\r\n").slice(0, -1)
    .map((line) => line.replace(/^\+\d{10}\.\d{6} /, ""));
  assertEquals(shown, [
    '[0 127.0.0.1:50000] "SET" "x" "a\\x00\\n\\"\\\\"',
    '[0 127.0.0.1:50000] "AUTH" "(redacted)" "(redacted)"',
    '[0 127.0.0.1:50000] "MULTI"',
    '[0 127.0.0.1:50000] "PING"',
    '[0 127.0.0.1:50000] "EXEC"',
    '[3 127.0.0.1:50000] "SELECT" "3"',
  ]);
});
