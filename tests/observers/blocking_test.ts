/** Blocking: who is served, in which order, and what ends a wait. The commands are tested apart. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** Lets the requests that waited be carried out. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

Deno.test("one client's next request waits until the others have been served", async () => {
  using server = new EmbeddedServer();
  const eager = server.connect();
  const other = server.connect();
  eager.send("BLPOP", "k", "0");
  eager.send("BLPOP", "k", "0");
  other.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "1", "2", "3");
  await settle();
  assertEquals(eager.take(), [["k", "1"], ["k", "3"]]);
  assertEquals(other.take(), [["k", "2"]]);
});

Deno.test("who has waited longest is served first, whatever else it waits for", () => {
  using server = new EmbeddedServer();
  const clients = [server.connect(), server.connect(), server.connect()];
  clients[0].send("BLPOP", "a", "b", "0");
  clients[1].send("BLPOP", "b", "0");
  clients[2].send("BLPOP", "b", "a", "0");
  server.run("RPUSH", "b", "1");
  server.run("RPUSH", "b", "2");
  server.run("RPUSH", "a", "3");
  assertEquals(clients.map((client) => client.take()), [[["b", "1"]], [["b", "2"]], [["a", "3"]]]);
  assertEquals(server.server.blocking.blockedCount, 0);
});

Deno.test("a key named twice is waited for once", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "k", "k", "0");
  server.run("RPUSH", "k", "1", "2");
  assertEquals([client.take(), server.run("LRANGE", "k", "0", "-1")], [[["k", "1"]], ["2"]]);
});

Deno.test("a client of another type waits on, one behind it is served", () => {
  using server = new EmbeddedServer();
  const [sorted, list] = [server.connect(), server.connect()];
  sorted.send("BZPOPMIN", "k", "0");
  list.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "1");
  assertEquals([sorted.takeRaw(), list.take()], ["", [["k", "1"]]]);
  server.run("ZADD", "k", "1", "m");
  assertEquals(sorted.take(), [["k", "m", "1"]]);
});

Deno.test("waits are apart by database", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("SELECT", "1");
  client.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "1");
  assertEquals([client.takeRaw(), server.run("LLEN", "k")], ["", 1]);
  server.run("SWAPDB", "0", "1");
  assertEquals(client.take(), [["k", "1"]]);
});

Deno.test("what is pushed and taken again within a transaction serves nobody", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "k", "0");
  server.run("MULTI");
  server.run("RPUSH", "k", "1");
  server.run("DEL", "k");
  server.run("EXEC");
  assertEquals([client.takeRaw(), server.server.blocking.blockedCount], ["", 1]);
});

Deno.test("the next deadline is the earliest, and only those whose time has run out are answered", async () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const { blocking } = server.server;
    const [late, early, ever] = [server.connect(), server.connect(), server.connect()];
    late.send("BLPOP", "a", "20");
    early.send("BLPOP", "b", "10");
    ever.send("BLPOP", "b", "0");
    assertEquals([blocking.blockedCount, blocking.timedCount], [3, 2]);
    assertEquals(blocking.nextDeadlineMs(), clock.nowMs() + 10_000);
    clock.advanceForTests(9_999);
    blocking.expireWaiting();
    assertEquals(blocking.blockedCount, 3);
    clock.advanceForTests(1);
    blocking.expireWaiting();
    assertEquals([early.takeRaw(), late.takeRaw(), ever.takeRaw()], ["*-1\r\n", "", ""]);
    assertEquals(blocking.nextDeadlineMs(), clock.nowMs() + 10_000);
    late.close();
    assertEquals([blocking.nextDeadlineMs(), blocking.blockedCount], [0, 1]);
  } finally {
    clock.useRealTime();
    // The timer for the deadlines must not outlive the test.
    await server.server.close();
  }
});

Deno.test("a client that leaves is served no more", () => {
  using server = new EmbeddedServer();
  const [gone, stays] = [server.connect(), server.connect()];
  gone.send("BLPOP", "k", "0");
  stays.send("BLPOP", "k", "0");
  gone.close();
  server.run("RPUSH", "k", "1");
  assertEquals([stays.take(), server.run("EXISTS", "k")], [[["k", "1"]], 0]);
});
