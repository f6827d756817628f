/**
 * Client-side caching: who is told of which changes, in which form and when.
 */

import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";

/** A RESP3 connection with tracking on. */
function tracker(server: EmbeddedServer, ...options: string[]): EmbeddedClient {
  const client = server.connect();
  client.run("HELLO", "3");
  assertEquals(client.run("CLIENT", "TRACKING", "ON", ...options), "OK");
  return client;
}

/** What a client has been sent since, the broadcasts of this turn included. */
function takeAll(server: EmbeddedServer, client: EmbeddedClient): string {
  server.server.tracking.broadcast();
  return client.takeRaw();
}

function invalidation(...keys: string[]): string {
  const items = keys.map((key) => `$${key.length}\r\n${key}\r\n`).join("");
  return `>2\r\n$10\r\ninvalidate\r\n*${keys.length}\r\n${items}`;
}

Deno.test("a client is told once of a change of a key it has read", () => {
  using server = new EmbeddedServer();
  const client = tracker(server);
  client.run("GET", "key");
  server.run("SET", "other", "1");
  assertEquals(client.takeRaw(), "");
  server.run("SET", "key", "1");
  assertEquals(client.takeRaw(), invalidation("key"));
  server.run("SET", "key", "2");
  assertEquals(client.takeRaw(), "");
});

Deno.test("all keys of a reading command are tracked, those of a writing one not", () => {
  using server = new EmbeddedServer();
  const client = tracker(server);
  client.run("MGET", "a", "b");
  client.run("SET", "c", "1");
  for (const key of ["a", "b", "c"]) server.run("SET", key, "1");
  assertEquals(client.takeRaw(), invalidation("a") + invalidation("b"));
});

Deno.test("the message about one's own change follows the reply", () => {
  using server = new EmbeddedServer();
  const client = tracker(server);
  client.run("GET", "key");
  assertEquals(client.raw("SET", "key", "1"), `+OK\r\n${invalidation("key")}`);
  client.run("MULTI");
  client.run("GET", "key");
  client.run("SET", "key", "2");
  assertEquals(client.raw("EXEC"), `*2\r\n$1\r\n1\r\n+OK\r\n${invalidation("key")}`);
});

Deno.test("NOLOOP leaves out one's own changes, but not the expiry of a key", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "NOLOOP");
  client.run("GET", "key");
  assertEquals(client.raw("SET", "key", "1"), "+OK\r\n");
  client.run("GET", "key");
  server.run("SET", "key", "2");
  assertEquals(client.takeRaw(), invalidation("key"));
  clock.setTimeForTests(1_700_000_000_000);
  try {
    client.run("SET", "key", "1", "PX", "10");
    client.run("GET", "key");
    clock.advanceForTests(20);
    assertEquals(client.raw("GET", "key"), `_\r\n${invalidation("key")}`);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("OPTIN tracks only the command after CLIENT CACHING YES, or its transaction", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "OPTIN");
  client.run("GET", "a");
  client.run("CLIENT", "CACHING", "YES");
  client.run("GET", "b");
  client.run("GET", "c");
  for (const key of ["a", "b", "c"]) server.run("SET", key, "1");
  assertEquals(client.takeRaw(), invalidation("b"));
  client.run("CLIENT", "CACHING", "YES");
  client.run("MULTI");
  client.run("GET", "a");
  client.run("GET", "b");
  client.run("EXEC");
  for (const key of ["a", "b"]) server.run("SET", key, "1");
  assertEquals(client.takeRaw(), invalidation("a") + invalidation("b"));
});

Deno.test("OPTOUT tracks all but the command after CLIENT CACHING NO", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "OPTOUT");
  client.run("GET", "a");
  client.run("CLIENT", "CACHING", "NO");
  client.run("GET", "b");
  for (const key of ["a", "b"]) server.run("SET", key, "1");
  assertEquals(client.takeRaw(), invalidation("a"));
});

Deno.test("BCAST announces all changes of keys with the prefixes, once per turn", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "BCAST", "PREFIX", "a", "PREFIX", "b");
  server.run("MSET", "a1", "1", "b1", "1", "c1", "1", "a2", "1");
  server.run("SET", "a1", "2");
  assertEquals(takeAll(server, client), invalidation("a1", "a2") + invalidation("b1"));
  assertEquals(takeAll(server, client), "");
});

Deno.test("BCAST without a prefix announces everything; NOLOOP leaves out one's own", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "BCAST", "NOLOOP");
  client.run("SET", "mine", "1");
  server.run("SET", "yours", "1");
  assertEquals(takeAll(server, client), invalidation("yours"));
  client.run("SET", "mine", "1");
  assertEquals(takeAll(server, client), "");
});

Deno.test("BCAST NOLOOP: of several changes in a turn the last one counts", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "BCAST", "NOLOOP");
  client.run("SET", "key", "1");
  server.run("SET", "key", "2");
  assertEquals(takeAll(server, client), invalidation("key"), "the other's value is newer");
  server.run("SET", "key", "2");
  client.run("SET", "key", "1");
  assertEquals(takeAll(server, client), "");
});

Deno.test("BCAST NOLOOP: what expires while one asks is told, too", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const client = tracker(server, "BCAST", "NOLOOP");
    client.run("SET", "key", "1", "PX", "10");
    client.run("HSET", "hash", "a", "1", "b", "2");
    client.run("HPEXPIRE", "hash", "10", "FIELDS", "1", "a");
    assertEquals(takeAll(server, client), "");
    clock.advanceForTests(20);
    client.run("GET", "key");
    client.run("HGET", "hash", "a");
    assertEquals(takeAll(server, client), invalidation("hash", "key"));
  } finally {
    clock.useRealTime();
  }
});

Deno.test("FLUSHALL and FLUSHDB tell everybody, once, that all keys are gone", () => {
  using server = new EmbeddedServer();
  const client = tracker(server);
  const everything = tracker(server, "BCAST");
  client.run("GET", "key");
  server.run("FLUSHALL");
  assertEquals(client.takeRaw(), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
  assertEquals(everything.takeRaw(), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
  assertEquals(server.server.tracking.keyCount, 0);
});

Deno.test("FLUSHALL empties the table, too, while nobody tracks", () => {
  using server = new EmbeddedServer();
  const client = tracker(server);
  client.run("GET", "key");
  client.run("CLIENT", "TRACKING", "OFF");
  assertEquals(server.server.tracking.keyCount, 1);
  server.run("FLUSHALL");
  assertEquals(server.server.tracking.keyCount, 0);
  client.run("CLIENT", "TRACKING", "ON");
  server.run("SET", "key", "1");
  assertEquals(takeAll(server, client), "");
});

Deno.test("REDIRECT sends messages to a RESP2 subscriber of __redis__:invalidate", () => {
  using server = new EmbeddedServer();
  const target = server.connect();
  target.raw("SUBSCRIBE", "__redis__:invalidate");
  const client = server.connect();
  client.run("CLIENT", "TRACKING", "ON", "REDIRECT", String(target.client.id));
  assertEquals(client.run("CLIENT", "GETREDIR"), target.client.id);
  client.run("GET", "key");
  server.run("SET", "key", "1");
  assertEquals(client.takeRaw(), "");
  assertEquals(target.take(), [["message", "__redis__:invalidate", ["key"]]]);
  server.run("FLUSHDB");
  assertEquals(target.take(), [["message", "__redis__:invalidate", null]]);
});

Deno.test("a redirection whose target is gone is reported", () => {
  using server = new EmbeddedServer();
  const target = server.connect();
  const { id } = target.client;
  const client = tracker(server, "REDIRECT", String(id));
  client.run("GET", "key");
  target.close();
  server.run("SET", "key", "1");
  assertEquals(client.takeRaw(), `>2\r\n$21\r\ntracking-redir-broken\r\n:${id}\r\n`);
  const info = client.raw("CLIENT", "TRACKINGINFO");
  assert(info.includes("broken_redirect"), info);
});

Deno.test("the table obeys tracking-table-max-keys; readers of what is dropped hear", () => {
  using server = new EmbeddedServer([["tracking-table-max-keys", "2"]]);
  const client = tracker(server);
  client.run("GET", "a");
  client.run("GET", "b");
  assertEquals(client.raw("GET", "c"), `_\r\n${invalidation("a")}`);
  assertEquals(server.server.tracking.keyCount, 2);
});

Deno.test("a lower tracking-table-max-keys holds at once, but nobody waits for a large table", () => {
  using server = new EmbeddedServer();
  const client = tracker(server);
  for (let index = 0; index < 2500; index++) client.run("GET", `key:${index}`);
  server.run("CONFIG", "SET", "tracking-table-max-keys", "2499");
  assertEquals(takeAll(server, client), invalidation("key:0"));
  server.run("CONFIG", "SET", "tracking-table-max-keys", "1");
  const { tracking } = server.server;
  for (const left of [1499, 499, 1]) {
    tracking.broadcast();
    assertEquals(tracking.keyCount, left);
  }
});

Deno.test("clients that leave are forgotten", () => {
  using server = new EmbeddedServer();
  const client = tracker(server, "BCAST", "PREFIX", "a");
  const other = tracker(server);
  other.run("GET", "key");
  client.close();
  other.close();
  assertEquals(server.server.tracking.clientCount, 0);
  assertEquals(server.server.tracking.prefixCount, 0);
  server.run("SET", "key", "1");
});
