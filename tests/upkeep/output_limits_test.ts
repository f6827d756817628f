/**
 * Output limits: who is closed for not reading, and when.
 */

import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodeRequests } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { until } from "../support/text.ts";

const MESSAGE = "x".repeat(1000);

/** A server whose subscribers have these limits: "<hard> <soft> <seconds>". */
function serverWithLimits(limits: string): EmbeddedServer {
  return new EmbeddedServer([["client-output-buffer-limit", `pubsub ${limits}`]]);
}

Deno.test("a subscriber above the hard limit is closed, one below is not", () => {
  using server = serverWithLimits("30000 0 0");
  const { outputLimits, statistics } = server.server;
  const client = server.connect();
  client.raw("SUBSCRIBE", "c");
  // The first 16 KiB do not count.
  for (let i = 0; i < 40; i++) server.run("PUBLISH", "c", MESSAGE);
  assertEquals(outputLimits.closeIfReached(client.client), false);
  for (let i = 0; i < 10; i++) server.run("PUBLISH", "c", MESSAGE);
  assertEquals(outputLimits.closeIfReached(client.client), true);
  assert(client.isClosed);
  assertEquals(statistics.outputBufferLimitDisconnections, 1);
});

Deno.test("output stops growing soon after the hard limit", () => {
  using server = serverWithLimits("30000 0 0");
  const client = server.connect();
  client.raw("SUBSCRIBE", "c");
  for (let i = 0; i < 1000; i++) server.run("PUBLISH", "c", MESSAGE);
  assert(client.client.reply.isOverflown);
  assert(client.client.reply.bytes.length < 100_000);
  assert(server.server.outputLimits.closeIfReached(client.client));
});

Deno.test("whoever has not authenticated may leave one kilobyte unread, and no more", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  const { outputLimits, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  const stranger = server.connect();
  const refusals = (count: number) => {
    for (let index = 0; index < count; index++) stranger.send("PING");
  };
  refusals(480);
  assertEquals(outputLimits.closeIfReached(stranger.client), false);
  refusals(40);
  assertEquals(outputLimits.closeIfReached(stranger.client), true);
  const friend = server.connect();
  friend.run("AUTH", "secret");
  for (let index = 0; index < 1000; index++) friend.send("ECHO", MESSAGE);
  assertEquals(outputLimits.closeIfReached(friend.client), false);
  friend.takeRaw();
  // RESET makes it a stranger again.
  friend.run("RESET");
  for (let index = 0; index < 1000; index++) friend.send("PING");
  assertEquals(outputLimits.closeIfReached(friend.client), true);
  assert(friend.client.reply.bytes.length <= 64 * 1024);
});

Deno.test("what follows a reply beyond the limit is not carried out; KEYS goes no further", () => {
  using server = new EmbeddedServer([["client-output-buffer-limit", "normal 10000 0 0"]]);
  for (let key = 0; key < 5000; key++) server.run("SET", `key:${key}`, "value");
  const client = server.connect();
  let looks = 0;
  const { keyspace } = server.server;
  const [db] = keyspace.databases;
  const isExpired = db.isExpired.bind(db);
  db.isExpired = (entry) => {
    looks++;
    return isExpired(entry);
  };
  client.sendBytes(encodeRequests([["KEYS", "*"], ["SET", "behind", "1"]]));
  assert(client.client.reply.isOverflown);
  assert(looks < 3000, `${looks} keys were looked at`);
  assertEquals(server.run("EXISTS", "behind"), 0);
});

Deno.test("the soft limit closes after its seconds, and starts again when output was read", () => {
  using server = serverWithLimits("0 10000 5");
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const { outputLimits } = server.server;
    const client = server.connect();
    client.raw("SUBSCRIBE", "c");
    const fill = () => {
      for (let i = 0; i < 40; i++) server.run("PUBLISH", "c", MESSAGE);
    };
    fill();
    assertEquals(outputLimits.closeIfReached(client.client), false);
    clock.advanceForTests(4000);
    assertEquals(outputLimits.closeIfReached(client.client), false);
    client.takeRaw();
    assertEquals(outputLimits.closeIfReached(client.client), false);
    fill();
    assertEquals(outputLimits.closeIfReached(client.client), false);
    clock.advanceForTests(5001);
    assertEquals(outputLimits.closeIfReached(client.client), true);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("limits are those of the client's class, and follow CONFIG SET", () => {
  using server = serverWithLimits("1000 0 0");
  const client = server.connect();
  const { reply } = client.client;
  const unlimited = reply.bytesMax;
  client.raw("SUBSCRIBE", "c");
  assert(reply.bytesMax < unlimited);
  client.raw("UNSUBSCRIBE");
  assertEquals(reply.bytesMax, unlimited);
  server.run("CONFIG", "SET", "client-output-buffer-limit", "normal 5000 0 0");
  assert(reply.bytesMax < unlimited);
});

Deno.test("process: a subscriber that does not read is closed, and the log says so", async () => {
  const limit = "pubsub 1mb 0 0";
  await using server = await startServer({ args: ["--client-output-buffer-limit", limit] });
  using subscriber = await server.connect();
  await subscriber.call("SUBSCRIBE", "c");
  using publisher = await server.connect();
  const message = "x".repeat(100_000);
  await until("subscriber is closed", async () => {
    for (let i = 0; i < 20; i++) await publisher.call("PUBLISH", "c", message);
    return await publisher.call("PUBLISH", "c", "x") === 0;
  }, 10_000);
  await until("log line", () => {
    return Promise.resolve(/closed for overcoming of output buffer limits\./.test(server.log));
  }, 5000);
});

Deno.test("process: a request beyond client-query-buffer-limit closes its client", async () => {
  await using server = await startServer({ args: ["--client-query-buffer-limit", "1mb"] });
  using client = await server.connect();
  const header = "*2\r\n$4\r\nECHO\r\n$10000000\r\n";
  await client.writeBytes(new TextEncoder().encode(header));
  const part = new Uint8Array(100_000);
  let isRefused = false;
  for (let i = 0; i < 50 && !isRefused; i++) {
    try {
      await client.writeBytes(part);
    } catch {
      isRefused = true;
    }
  }
  await client.readToEnd().catch(() => {});
  await until("log line", () => {
    return Promise.resolve(server.log.includes("A request exceeds client-query-buffer-limit"));
  }, 5000);
});
