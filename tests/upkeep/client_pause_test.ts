/**
 * CLIENT PAUSE: who waits, for how long, and what happens to the data meanwhile.
 */

import { assertEquals, assertMatch } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { settle } from "../support/text.ts";

Deno.test("PAUSE WRITE holds writers until UNPAUSE, and lets readers pass", async () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  assertEquals(server.run("CLIENT", "PAUSE", "100000", "WRITE"), "OK");
  assertEquals(client.run("GET", "key"), null);
  client.send("SET", "key", "1");
  client.send("GET", "key");
  assertEquals(client.takeRaw(), "");
  assertEquals(server.run("GET", "key"), null);
  assertEquals(server.run("CLIENT", "UNPAUSE"), "OK");
  await settle();
  assertEquals(client.takeRaw(), "+OK\r\n$1\r\n1\r\n");
});

Deno.test("PAUSE WRITE holds PUBLISH, and EXEC with a write in it", async () => {
  using server = new EmbeddedServer();
  const queuing = server.connect();
  queuing.run("MULTI");
  queuing.run("SET", "key", "1");
  server.run("CLIENT", "PAUSE", "100000", "WRITE");
  queuing.send("EXEC");
  const publishing = server.connect();
  publishing.send("PUBLISH", "c", "m");
  assertEquals(queuing.takeRaw() + publishing.takeRaw(), "");
  server.run("CLIENT", "UNPAUSE");
  await settle();
  assertEquals(queuing.take(), [["OK"]]);
  assertEquals(publishing.take(), [0]);
});

Deno.test("PAUSE ALL holds everybody and ends by itself", async () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const client = server.connect();
    server.run("CLIENT", "PAUSE", "50");
    client.send("PING");
    assertEquals(client.takeRaw(), "");
    clock.advanceForTests(60);
    server.server.pause.endIfDue();
    await settle();
    assertEquals(client.takeRaw(), "+PONG\r\n");
  } finally {
    clock.useRealTime();
  }
});

Deno.test("of two pauses the longer time and the stricter kind hold", async () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const client = server.connect();
    server.run("CLIENT", "PAUSE", "300", "WRITE");
    server.run("CLIENT", "PAUSE", "60", "ALL");
    clock.advanceForTests(100);
    client.send("GET", "key");
    assertEquals(client.takeRaw(), "");
    clock.advanceForTests(250);
    server.server.pause.endIfDue();
    await settle();
    assertEquals(client.takeRaw(), "$-1\r\n");
  } finally {
    clock.useRealTime();
  }
});

Deno.test("no key expires while clients are paused", async () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    server.run("SET", "key", "1", "PX", "10");
    server.run("CLIENT", "PAUSE", "1000", "WRITE");
    clock.advanceForTests(100);
    assertEquals(server.run("GET", "key"), null);
    assertEquals(server.run("DBSIZE"), 1);
    server.run("CLIENT", "UNPAUSE");
    await settle();
    assertEquals(server.run("GET", "key"), null);
    assertEquals(server.run("DBSIZE"), 0);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a client that leaves while it is paused is forgotten", async () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  server.run("CLIENT", "PAUSE", "100000", "WRITE");
  client.send("SET", "key", "1");
  client.close();
  server.run("CLIENT", "UNPAUSE");
  await settle();
  assertEquals(server.run("GET", "key"), null);
});

Deno.test("PAUSE WRITE holds PFCOUNT, which may change the data, alone and within EXEC", async () => {
  using server = new EmbeddedServer();
  server.run("PFADD", "visitors", "a", "b");
  const counting = server.connect();
  const queuing = server.connect();
  queuing.run("MULTI");
  queuing.run("PFCOUNT", "visitors");
  const changes = () => server.server.keyspace.dirty;
  server.run("CLIENT", "PAUSE", "100000", "WRITE");
  const before = changes();
  counting.send("PFCOUNT", "visitors");
  queuing.send("EXEC");
  assertEquals([counting.takeRaw(), queuing.takeRaw(), changes()], ["", "", before]);
  assertMatch(String(server.run("INFO", "clients")), /blocked_clients:2\r/);
  server.run("CLIENT", "UNPAUSE");
  await settle();
  assertEquals([counting.takeRaw(), queuing.takeRaw()], [":2\r\n", "*1\r\n:2\r\n"]);
  assertMatch(String(server.run("INFO", "clients")), /blocked_clients:0\r/);
});

Deno.test("a client that is woken in a pause of writers waits for its end from 7.2 on", async () => {
  for (const release of ["7.0", "7.2", "7.4"]) {
    using server = new EmbeddedServer([["redis-version", release]]);
    const waiting = server.connect();
    const reader = server.connect();
    waiting.send("BLPOP", "l", "0");
    reader.send("XREAD", "BLOCK", "0", "STREAMS", "s", "$");
    server.run("MULTI");
    server.run("CLIENT", "PAUSE", "100000", "WRITE");
    server.run("RPUSH", "l", "a");
    server.run("XADD", "s", "1-1", "f", "v");
    server.run("EXEC");
    assertEquals(reader.take(), [[["s", [["1-1", ["f", "v"]]]]]]);
    const isHeld = release !== "7.0";
    assertEquals(waiting.take(), isHeld ? [] : [["l", "a"]]);
    assertEquals(server.run("LLEN", "l"), isHeld ? 1 : 0);
    const id = String(waiting.client.id);
    assertEquals(server.run("CLIENT", "UNBLOCK", id), 0);
    const clients = server.run("INFO", "clients") as string;
    assertMatch(clients, new RegExp(`blocked_clients:${isHeld ? 1 : 0}\r`));
    assertMatch(clients, /clients_in_timeout_table:0\r/);
    server.run("CLIENT", "UNPAUSE");
    await settle();
    assertEquals(waiting.take(), isHeld ? [["l", "a"]] : []);
    assertMatch(server.run("INFO", "commandstats") as string, /cmdstat_blpop:calls=1,/);
  }
});
