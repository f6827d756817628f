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
