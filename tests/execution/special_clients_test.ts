/** Special clients: replies that are dropped, and what a replica must not say. */
import { assert, assertEquals } from "@std/assert";
import { REDIS_CLOSE_NOW, REDIS_REPLICA } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("CLIENT REPLY SKIP drops one reply, OFF all until ON", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("CLIENT", "REPLY", "SKIP"), "");
  assertEquals(server.raw("PING"), "");
  assertEquals(server.raw("PING"), "+PONG\r\n");
  assertEquals(server.raw("CLIENT", "REPLY", "OFF"), "");
  assertEquals(server.raw("PING"), "");
  assertEquals(server.raw("CLIENT", "REPLY", "ON"), "+OK\r\n");
});

Deno.test("a replica that asks for a reply is let go, and nothing gets into its stream", () => {
  using server = new EmbeddedServer();
  const { client } = server.client;
  client.flags |= REDIS_REPLICA;
  assertEquals(server.raw("PING"), "");
  assert((client.flags & REDIS_CLOSE_NOW) !== 0);
});
