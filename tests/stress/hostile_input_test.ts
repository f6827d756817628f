/**
 * Input that no honest client sends: garbage, absurd counts, huge arguments, half a request and
 * then silence. The offender gets Redis's error and is closed, others are served, memory comes
 * back.
 */

import { assertEquals } from "@std/assert";
import { SeededRandom } from "../support/seeded_random.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { delay, fromUtf8, latin1, utf8, WAIT_MS_MAX } from "../support/text.ts";
import {
  assertMemoryComesBack,
  Bystander,
  IS_FULL,
  MEGABYTE,
  memoryNow,
} from "./stress_support.ts";

const ARGUMENT_BYTES = (IS_FULL ? 512 : 64) * MEGABYTE;

/** Sends bytes on a connection of their own and returns all that comes until the server closes. */
async function answerTo(server: ServerProcess, bytes: Uint8Array): Promise<string> {
  using client = await server.connect();
  await client.writeBytes(bytes);
  const timer = setTimeout(() => client.close(), WAIT_MS_MAX);
  const answer = fromUtf8(await client.readToEnd());
  clearTimeout(timer);
  return answer;
}

const refusals: [name: string, input: string, answer: string][] = [
  ["*2147483648", "*2147483648\r\n", "invalid multibulk length"],
  ["*x", "*x\r\n", "invalid multibulk length"],
  ["a missing $", "*1\r\nPING\r\n", "expected '$', got 'P'"],
  ["$-1", "*1\r\n$-1\r\n", "invalid bulk length"],
  ["$ beyond proto-max-bulk-len", "*1\r\n$536870913\r\n", "invalid bulk length"],
  ["$abc", "*1\r\n$abc\r\n", "invalid bulk length"],
  ["unbalanced quotes", 'SET "a\r\n', "unbalanced quotes in request"],
  ["text after a quote", 'SET "a"b c\r\n', "unbalanced quotes in request"],
  ["an endless inline request", "a".repeat(70_000), "too big inline request"],
  ["an endless multibulk header", "*" + "1".repeat(70_000), "too big mbulk count string"],
  ["an endless bulk header", "*1\r\n$" + "1".repeat(70_000), "too big bulk count string"],
];

for (const [name, input, answer] of refusals) {
  Deno.test(`protocol error: ${name} is refused and the connection closed`, async () => {
    await using server = await startServer();
    using observer = await server.connect();
    assertEquals(await answerTo(server, utf8(input)), `-ERR Protocol error: ${answer}\r\n`);
    assertEquals(await observer.call("PING"), "PONG");
  });
}

Deno.test("*1000000000 without its arguments waits and costs hardly any memory", async () => {
  await using server = await startServer();
  using observer = await server.connect();
  const before = await memoryNow(server, observer);
  const waiting = await Promise.all(Array.from({ length: 50 }, () => server.connect()));
  for (const client of waiting) await client.writeBytes(utf8("*1000000000\r\n$3\r\nSET\r\n"));
  await delay(200);
  const during = await memoryNow(server, observer);
  assertEquals(during.used - before.used < 50 * MEGABYTE, true, `${during.used - before.used}`);
  for (const client of waiting) client.close();
  await assertMemoryComesBack(server, observer, before, 50 * MEGABYTE);
});

Deno.test("empty and null multibulk requests are passed over", async () => {
  await using server = await startServer();
  using client = await server.connect();
  await client.writeBytes(utf8("*0\r\n*-1\r\n\r\n  \r\n*-10\r\nPING\r\n"));
  assertEquals(await client.receive(), "PONG");
});

Deno.test("garbage bytes from many clients harm nobody else", async () => {
  const random = new SeededRandom(20260715);
  await using server = await startServer();
  using observer = await server.connect();
  const bystander = new Bystander(await server.connect());
  for (let i = 0; i < (IS_FULL ? 3_000 : 300); i++) {
    using client = await server.connect();
    const bytes = random.bytes(random.between(20, 3000));
    if (random.oneIn(3)) bytes.set(latin1("*3\r\n$3\r\n"));
    // The server may close at the first wrong byte, while we still write.
    await client.writeBytes(bytes).catch(() => {});
  }
  await bystander.assertAnswered();
  bystander.client.close();
  assertEquals(await observer.call("PING"), "PONG");
  assertEquals(await observer.call("DBSIZE"), 0);
});

Deno.test(`an argument of ${ARGUMENT_BYTES / MEGABYTE} MB is stored and read back`, async () => {
  await using server = await startServer();
  using observer = await server.connect();
  using client = await server.connect();
  const before = await memoryNow(server, observer);
  const bystander = new Bystander(await server.connect());
  await client.writeBytes(utf8(`*3\r\n$3\r\nSET\r\n$4\r\nhuge\r\n$${ARGUMENT_BYTES}\r\n`));
  const chunk = new Uint8Array(MEGABYTE).fill(120);
  for (let i = 0; i < ARGUMENT_BYTES / MEGABYTE; i++) await client.writeBytes(chunk);
  await client.writeBytes(utf8("\r\n"));
  assertEquals(await client.receive(), "OK");
  assertEquals(await client.call("STRLEN", "huge"), ARGUMENT_BYTES);
  assertEquals(await client.call("GETRANGE", "huge", ARGUMENT_BYTES - 3, -1), "xxx");
  assertEquals(await client.call("DEL", "huge"), 1);
  await bystander.assertAnswered();
  bystander.client.close();
  await assertMemoryComesBack(server, observer, before, ARGUMENT_BYTES / 2);
});

Deno.test("half a huge argument and a vanished client give the memory back", async () => {
  await using server = await startServer();
  using observer = await server.connect();
  const before = await memoryNow(server, observer);
  {
    using client = await server.connect();
    await client.writeBytes(utf8(`*3\r\n$3\r\nSET\r\n$4\r\nhuge\r\n$${ARGUMENT_BYTES}\r\n`));
    const chunk = new Uint8Array(MEGABYTE);
    for (let i = 0; i < ARGUMENT_BYTES / MEGABYTE / 2; i++) await client.writeBytes(chunk);
  }
  await assertMemoryComesBack(server, observer, before, ARGUMENT_BYTES / 2);
  assertEquals(await observer.call("EXISTS", "huge"), 0);
});

Deno.test("half a request and silence leave others served; the rest may come later", async () => {
  await using server = await startServer();
  using observer = await server.connect();
  const halves = await Promise.all(Array.from({ length: 100 }, () => server.connect()));
  const request = utf8("*3\r\n$3\r\nSET\r\n$5\r\nhalf!\r\n$5\r\nvalue\r\n");
  for (const [index, client] of halves.entries()) {
    await client.writeBytes(request.subarray(0, index % request.length));
  }
  assertEquals(await observer.call("PING"), "PONG");
  assertEquals(await observer.call("EXISTS", "half!"), 0);
  for (const [index, client] of halves.entries()) {
    await client.writeBytes(request.subarray(index % request.length));
    assertEquals(await client.receive(), "OK");
    client.close();
  }
});

Deno.test("an idle client is closed after timeout seconds", async () => {
  await using server = await startServer({ args: ["--timeout", "1"] });
  using idle = await server.connect();
  await idle.call("PING");
  assertEquals((await idle.readToEnd()).length, 0);
});

Deno.test("a request beyond client-query-buffer-limit closes the client", async () => {
  const args = ["--client-query-buffer-limit", String(MEGABYTE)];
  await using server = await startServer({ args });
  using observer = await server.connect();
  using client = await server.connect();
  const flood = utf8("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + `$${8 * MEGABYTE}\r\n`);
  await client.writeBytes(flood);
  const sending = client.writeBytes(new Uint8Array(8 * MEGABYTE)).catch(() => {});
  assertEquals((await client.readToEnd()).length, 0);
  await sending;
  assertEquals(await observer.call("PING"), "PONG");
});
