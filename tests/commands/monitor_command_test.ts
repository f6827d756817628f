/**
 * MONITOR: what a client that sees all commands may do itself.
 */

import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("a client in MONITOR may not use keys", () => {
  using server = new EmbeddedServer();
  server.run("MONITOR");
  assertEquals(server.raw("GET", "x"), "-ERR Replica can't interact with the keyspace\r\n");
});

Deno.test("MONITOR is refused within a transaction, and ends with the connection", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("MULTI");
  client.run("MONITOR");
  assertEquals(
    client.raw("EXEC"),
    "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n",
  );
  client.run("MONITOR");
  assertEquals(server.server.monitors.count, 1);
  client.close();
  assertEquals(server.server.monitors.count, 0);
});

Deno.test("a client in MONITOR may not touch data: to read, to write, or to publish", () => {
  using server = new EmbeddedServer();
  const refused = "-ERR Replica can't interact with the keyspace\r\n";
  const watcher = server.connect();
  watcher.raw("MONITOR");
  for (
    const command of [["GET", "k"], ["SET", "k", "1"], ["PUBLISH", "c", "m"], ["PFCOUNT", "h"]]
  ) {
    assertEquals(watcher.raw(...command), refused);
    watcher.raw("MULTI");
    assertEquals(watcher.raw(...command).startsWith(refused), true);
    assertEquals(watcher.raw("EXEC").startsWith("-EXECABORT "), true);
  }
  assertEquals(watcher.raw("CLIENT", "ID").startsWith(":"), true);
});
