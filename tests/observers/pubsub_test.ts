/**
 * Pub/sub tables: who is subscribed, and that nothing is left of those who went.
 */

import { assertEquals } from "@std/assert";
import { latin1Bytes, Slice } from "../../src/base/bytes.ts";
import { REDIS_PUBSUB } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("subscribing twice is one subscription, ending it twice one end", () => {
  using server = new EmbeddedServer();
  const { pubsub } = server.server;
  const { client } = server.client;
  assertEquals(pubsub.subscribe(client, "message", "a"), true);
  assertEquals(pubsub.subscribe(client, "message", "a"), false);
  assertEquals(client.has(REDIS_PUBSUB), true);
  assertEquals(pubsub.unsubscribe(client, "message", "a"), true);
  assertEquals(pubsub.unsubscribe(client, "message", "a"), false);
  assertEquals(client.has(REDIS_PUBSUB), false);
  assertEquals(pubsub.channels.size, 0);
});

Deno.test("a client that goes leaves no channel, pattern or shard channel behind", () => {
  using server = new EmbeddedServer();
  const { pubsub } = server.server;
  const other = server.connect();
  for (const kind of ["message", "pmessage", "smessage"] as const) {
    pubsub.subscribe(server.client.client, kind, "x");
    pubsub.subscribe(other.client, kind, "x");
  }
  other.close();
  const channel = new Slice();
  channel.set(latin1Bytes("x"), 0, 1);
  assertEquals(pubsub.publish(channel, channel), 2);
  assertEquals(pubsub.publishShard(channel, channel), 1);
  server.client.close();
  assertEquals(pubsub.channels.size + pubsub.patterns.size + pubsub.shardChannels.size, 0);
  assertEquals(pubsub.publish(channel, channel), 0);
});
