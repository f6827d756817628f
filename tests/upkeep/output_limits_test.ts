/**
 * Output limits: who is closed for not reading, and when.
 */

import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
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
    return Promise.resolve(server.log.includes("that reached max query buffer length"));
  }, 5000);
});
