/** How clients come, start anew, and go. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("a client that goes leaves nothing behind", () => {
  using server = new EmbeddedServer();
  const { clients, watch, pubsub, monitors, tracking, clientMemory, blocking } = server.server;
  const client = server.connect();
  const heldBefore = clientMemory.totalBytes - client.client.countedBytes;
  client.run("HELLO", "3");
  client.run("WATCH", "key");
  client.run("CLIENT", "TRACKING", "ON");
  client.send("SUBSCRIBE", "channel");
  client.send("MONITOR");
  client.send("BLPOP", "list", "0");
  assertEquals(clients.size, 2);
  client.close();
  assertEquals(clients.size, 1);
  assertEquals([watch.watchCount, pubsub.channels.size, monitors.count], [0, 0, 0]);
  assertEquals([tracking.clientCount, blocking.blockedCount], [0, 0]);
  assertEquals(clientMemory.totalBytes, heldBefore);
});

Deno.test("ids are never given twice", () => {
  using server = new EmbeddedServer();
  const first = server.connect();
  const { id } = first.client;
  first.close();
  assertEquals(server.connect().client.id, id + 1);
});

Deno.test("RESET makes a client what it was when it came", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("HELLO", "3", "SETNAME", "me");
  client.run("SELECT", "5");
  client.run("CLIENT", "NO-EVICT", "ON");
  client.run("MULTI");
  assertEquals(client.run("RESET"), "RESET");
  const { db, name, reply, flags } = client.client;
  assertEquals([db.index, name, reply.resp, flags], [0, "", 2, 0]);
});
