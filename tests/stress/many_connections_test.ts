/**
 * Many connections at once: idle, then all active, then gone. And many clients blocked on one key.
 *
 * 1,000 by default; REDENO_STRESS=full opens 10,000, as far as the open-file limit of this process
 * allows (each connection takes one file here and one in the server).
 */

import { assertEquals } from "@std/assert";
import { RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { IS_FULL } from "./stress_support.ts";

const CONNECTION_COUNT = IS_FULL ? 10_000 : 1_000;
const BLOCKED_COUNT = IS_FULL ? 1_000 : 200;

/** Opens connections some at a time: the listen backlog is finite. */
async function openMany(port: number, count: number): Promise<RespClient[]> {
  const clients: RespClient[] = [];
  const BATCH = 200;
  while (clients.length < count) {
    const batch = Math.min(BATCH, count - clients.length);
    clients.push(
      ...await Promise.all(Array.from({ length: batch }, () => RespClient.connect(port))),
    );
  }
  return clients;
}

async function connectedClients(client: RespClient): Promise<number> {
  const info = String(await client.call("INFO", "clients"));
  return Number(/connected_clients:(\d+)/.exec(info)?.[1]);
}

Deno.test(`${CONNECTION_COUNT} connections are served at once, idle and then active`, async () => {
  await using server = await startServer({
    args: ["--maxclients", String(CONNECTION_COUNT + 100)],
  });
  using observer = await server.connect();
  const clients = await openMany(server.port, CONNECTION_COUNT);
  await until(
    "all connections are counted",
    async () => (await connectedClients(observer)) === CONNECTION_COUNT + 1,
  );
  assertEquals(await observer.call("PING"), "PONG");
  for (let round = 0; round < 3; round++) {
    const replies = await Promise.all(
      clients.map((client, index) => client.call("SET", `key:${index}`, round)),
    );
    assertEquals(replies.every((reply) => reply === "OK"), true);
  }
  assertEquals(await observer.call("DBSIZE"), CONNECTION_COUNT);
  const values = await Promise.all(
    clients.map((client, index) => client.call("GET", `key:${index}`)),
  );
  assertEquals(values.every((value) => value === "2"), true);
  for (const client of clients) client.close();
  await until("all are gone", async () => (await connectedClients(observer)) === 1);
});

Deno.test("connections beyond maxclients are refused, others are served", async () => {
  await using server = await startServer({ args: ["--maxclients", "10"] });
  const clients = await openMany(server.port, 10);
  for (const client of clients) assertEquals(await client.call("PING"), "PONG");
  using late = await server.connect();
  const refusal = new TextDecoder().decode(await late.readToEnd());
  assertEquals(refusal, "-ERR max number of clients reached\r\n");
  clients.pop()!.close();
  await until("a place is free again", async () => {
    using next = await server.connect();
    return await next.call("PING").catch(() => null) === "PONG";
  });
  for (const client of clients) client.close();
});

Deno.test("connections that come and go leave nothing behind", async () => {
  await using server = await startServer();
  using observer = await server.connect();
  for (let i = 0; i < (IS_FULL ? 20_000 : 1_000); i++) {
    using client = await server.connect();
    // Some leave without reading their reply, some in the middle of a request.
    if (i % 3 === 0) await client.send("SET", "k", i);
    else if (i % 3 === 1) await client.writeBytes(new TextEncoder().encode("*2\r\n$3\r\nGE"));
    else await client.call("PING");
  }
  await until("all are gone", async () => (await connectedClients(observer)) === 1);
});

Deno.test(`${BLOCKED_COUNT} clients blocked on one key are served in their order`, async () => {
  await using server = await startServer();
  using pusher = await server.connect();
  const clients: RespClient[] = [];
  for (let i = 0; i < BLOCKED_COUNT; i++) {
    const client = await server.connect();
    clients.push(client);
    await client.send("BLPOP", "queue", 0);
    // One at a time, so that the order of arrival is known.
    if (i % 50 === 49) await untilBlocked(pusher, i + 1);
  }
  await untilBlocked(pusher, BLOCKED_COUNT);
  const jobs = Array.from({ length: BLOCKED_COUNT }, (_, index) => String(index));
  assertEquals(await pusher.call("RPUSH", "queue", ...jobs), BLOCKED_COUNT);
  const replies = await Promise.all(clients.map((client) => client.receive()));
  const served = replies.map((reply) => Number((reply as string[])[1]));
  // Within a batch of 50 the kernel may hand over connections in another order.
  const batches = served.map((job) => Math.floor(job / 50));
  assertEquals(batches, [...batches].sort((left, right) => left - right));
  assertEquals([...served].sort((left, right) => left - right), jobs.map(Number));
  assertEquals(await pusher.call("EXISTS", "queue"), 0);
  for (const client of clients) client.close();
});

function untilBlocked(client: RespClient, count: number): Promise<void> {
  return until(`${count} clients are blocked`, async () => {
    return new RegExp(`blocked_clients:${count}\\r`).test(
      String(await client.call("INFO", "clients")),
    );
  });
}
