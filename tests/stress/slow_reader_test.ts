/**
 * Clients that do not read what they asked for: others are answered meanwhile, the output buffer is
 * bounded by client-output-buffer-limit, and the memory comes back when they go.
 */

import { assertEquals } from "@std/assert";
import { encodeRequest } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { concatBytes, delay, until } from "../support/text.ts";
import {
  assertMemoryComesBack,
  Bystander,
  IS_FULL,
  MEGABYTE,
  memoryNow,
} from "./stress_support.ts";

const PIPELINE_BYTES = (IS_FULL ? 100 : 10) * MEGABYTE;

Deno.test("a pipeline sent without reading is answered in full once it is read", async () => {
  await using server = await startServer();
  using observer = await server.connect();
  using sender = await server.connect();
  const before = await memoryNow(server, observer);
  const bystander = new Bystander(await server.connect());
  const request = encodeRequest(["ECHO", "e".repeat(1000)]);
  const perBatch = 1000;
  const batch = concatBytes(Array.from({ length: perBatch }, () => request));
  const batchCount = Math.ceil(PIPELINE_BYTES / batch.length);
  const sending = (async () => {
    for (let i = 0; i < batchCount; i++) await sender.writeBytes(batch);
  })();
  // The server either takes it all in or stops reading; it must not stop serving.
  await Promise.race([sending, delay(1000)]);
  for (let i = 0; i < batchCount * perBatch; i++) {
    const reply = await sender.receive();
    if (reply !== "e".repeat(1000)) assertEquals(reply, "e".repeat(1000));
  }
  await sending;
  await bystander.assertAnswered();
  bystander.client.close();
  assertEquals(await sender.call("PING"), "PONG");
  sender.close();
  await assertMemoryComesBack(server, observer, before, PIPELINE_BYTES);
});

Deno.test("a client that vanishes with its replies unread gives its memory back", async () => {
  await using server = await startServer();
  using observer = await server.connect();
  await observer.expect("SET", "large", "x".repeat(MEGABYTE));
  const before = await memoryNow(server, observer);
  const count = IS_FULL ? 100 : 20;
  using greedy = await server.connect();
  for (let i = 0; i < count; i++) await greedy.send("GET", "large");
  assertEquals(await observer.call("PING"), "PONG");
  await delay(300);
  greedy.close();
  await assertMemoryComesBack(server, observer, before, 2 * count * MEGABYTE);
});

Deno.test("a reply read a few bytes at a time arrives whole", async () => {
  await using server = await startServer();
  using slow = await server.connect();
  const bystander = new Bystander(await server.connect());
  const value = Array.from({ length: 40_000 }, (_, index) => String(index)).join(",");
  await slow.expect("SET", "value", value);
  await slow.send("GET", "value");
  const header = `$${value.length}\r\n`;
  let received = "";
  const crumb = new Uint8Array(7);
  for (let i = 0; i < 200; i++) {
    const count = await slow.connection.read(crumb);
    received += new TextDecoder().decode(crumb.subarray(0, count!));
    if (i % 20 === 0) await delay(5);
  }
  const buffer = new Uint8Array(65536);
  while (received.length < header.length + value.length + 2) {
    const count = await slow.connection.read(buffer);
    received += new TextDecoder().decode(buffer.subarray(0, count!));
  }
  assertEquals(received === `${header}${value}\r\n`, true);
  await bystander.assertAnswered();
  bystander.client.close();
});

Deno.test("output beyond client-output-buffer-limit closes the client", async () => {
  const limit = ["--client-output-buffer-limit", `normal ${MEGABYTE} 0 0`];
  await using server = await startServer({ args: limit });
  using observer = await server.connect();
  await observer.expect("SET", "large", "x".repeat(MEGABYTE / 2));
  const before = await memoryNow(server, observer);
  using greedy = await server.connect();
  const requests = concatBytes(Array.from({ length: 100 }, () => encodeRequest(["GET", "large"])));
  await greedy.writeBytes(requests);
  await until("the client is gone", async () => {
    return /connected_clients:1\r/.test(String(await observer.call("INFO", "clients")));
  });
  await assertMemoryComesBack(server, observer, before, 20 * MEGABYTE);
});

Deno.test("a subscriber that does not read is closed, the others get everything", async () => {
  const limit = ["--client-output-buffer-limit", `pubsub ${MEGABYTE} 0 0`];
  await using server = await startServer({ args: limit });
  using publisher = await server.connect();
  using deaf = await server.connect();
  using keen = await server.connect();
  await deaf.call("SUBSCRIBE", "news");
  await keen.call("SUBSCRIBE", "news");
  const before = await memoryNow(server, publisher);
  const message = "m".repeat(10_000);
  const count = IS_FULL ? 10_000 : 3_000;
  const reading = (async () => {
    for (let i = 0; i < count; i++) {
      const reply = await keen.receive();
      if (i === 0 || i === count - 1) assertEquals(reply, ["message", "news", message]);
    }
  })();
  for (let i = 0; i < count; i++) await publisher.expect("PUBLISH", "news", message);
  await reading;
  assertEquals(await publisher.call("PUBLISH", "news", "end"), 1);
  await assertMemoryComesBack(server, publisher, before, 20 * MEGABYTE);
});
