/**
 * Carriers: what clients do to a server that carries bytes, over each of the ways it has: readers
 * that are slow, ends that are half closed, requests in single bytes, resets, many at once; and
 * whatever closes or holds up clients.
 *
 * Arguments of 48 MB and 300 connections; REDENO_STRESS=full makes them 512 MB and 10,000.
 */
import { assert, assertEquals } from "@std/assert";
import { NativeSocket } from "../support/native_socket.ts";
import { type Argument, encodeRequest, RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { concatBytes, equalBytes, fromUtf8, until, utf8 } from "../support/text.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";

const IS_FULL = Deno.env.get("REDENO_STRESS") === "full";
const LARGE_BYTES = IS_FULL ? 512 * 1024 * 1024 : 48 * 1024 * 1024;
const CONNECTION_COUNT = IS_FULL ? 10_000 : 300;

/** Declares a test for each carrier that can be had here. */
function testCarriers(
  name: string,
  args: readonly string[],
  body: (server: ServerProcess) => Promise<void>,
): void {
  for (const transport of ["epoll", "runtime"]) {
    testUnless(transport === "epoll" ? missingReason("epoll") : null, {
      name: `${transport}: ${name}`,
      fn: async () => {
        await using server = await startServer({ args: ["--transport", transport, ...args] });
        await body(server);
      },
    });
  }
}

async function infoNumber(client: RespClient, field: string): Promise<number> {
  const info = String(await client.call("INFO", "everything"));
  return Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)![1]);
}

async function nothingIsLeft(server: ServerProcess): Promise<void> {
  using observer = await server.connect();
  await until("all clients are gone", async () => {
    return await infoNumber(observer, "connected_clients") === 1;
  });
}

testCarriers("a reader that waits long gets all of it, in order", [], async (server) => {
  using writer = await server.connect();
  const value = new Uint8Array(3_000_000).map((_, index) => index * 31);
  await writer.expect("SET", "a", value);
  using slow = await server.connect();
  const COUNT = 6;
  for (let index = 0; index < COUNT; index++) await slow.send("GET", "a");
  await slow.send("ECHO", "end");
  // Far more than the system's buffers hold stays with the server.
  await until("output waits", async () => {
    return await infoNumber(writer, "client_recent_max_output_buffer") > value.length;
  });
  assertEquals(await writer.call("PING"), "PONG");
  for (let index = 0; index < COUNT; index++) {
    const reply = (await slow.receiveRaw()).subarray("$3000000\r\n".length, -2);
    assert(equalBytes(reply, value));
  }
  assertEquals(await slow.receive(), "end");
});

testCarriers("a client that has closed its side gets what it is owed", [], async (server) => {
  using client = await server.connect();
  await client.writeBytes(utf8("SET a 1\r\nGET a\r\n*1\r\n$4\r\nPI"));
  await client.connection.closeWrite();
  assertEquals(fromUtf8(await client.readToEnd()), "+OK\r\n$1\r\n1\r\n");
  using owed = await server.connect();
  await owed.expect("SET", "large", "x".repeat(4_000_000));
  for (let index = 0; index < 4; index++) await owed.send("GET", "large");
  await owed.connection.closeWrite();
  assertEquals((await owed.readToEnd()).length, 4 * (4_000_000 + 12));
  await nothingIsLeft(server);
});

testCarriers("requests may come byte by byte", [], async (server) => {
  using client = await server.connect();
  const requests = concatBytes([
    encodeRequest(["SET", "key", "a\r\nb"]),
    utf8("GET key\r\n"),
    encodeRequest(["ECHO", "x"]),
  ]);
  for (const byte of requests) await client.writeBytes(new Uint8Array([byte]));
  assertEquals([await client.receive(), await client.receive(), await client.receive()], [
    "OK",
    "a\r\nb",
    "x",
  ]);
});

testCarriers("many clients come, are served, and go in every manner", [], async (server) => {
  const clients: RespClient[] = [];
  while (clients.length < CONNECTION_COUNT) {
    const batch = Array.from({ length: 100 }, () => RespClient.connect(server.port));
    clients.push(...await Promise.all(batch));
  }
  for (let round = 0; round < 2; round++) {
    const replies = await Promise.all(clients.map((client, i) => client.call("INCR", `k${i}`)));
    assertEquals(replies.every((reply) => reply === round + 1), true);
  }
  for (const [index, client] of clients.entries()) {
    if (index % 3 === 0) await client.writeBytes(utf8("*2\r\n$3\r\nGE"));
    else if (index % 3 === 1) await client.send("GET", "k1");
    client.close();
  }
  await nothingIsLeft(server);
});

if (missingReason("epoll") === null) {
  testCarriers("resets are borne at any moment", [], async (server) => {
    for (let index = 0; index < 100; index++) {
      const socket = new NativeSocket(server.port);
      if (index % 4 === 1) socket.send("SET a 1\r\n");
      if (index % 4 === 2) socket.send("*3\r\n$3\r\nSET");
      if (index % 4 === 3) socket.send("BLPOP nothing 0\r\n");
      socket.reset();
    }
    await nothingIsLeft(server);
  });
}

testCarriers("an argument of many megabytes comes in and goes out", [], async (server) => {
  using client = await server.connect();
  const value = new Uint8Array(LARGE_BYTES).fill(7);
  value[LARGE_BYTES - 1] = 9;
  assertEquals(await client.call("SET", "a", value), "OK");
  assertEquals(await client.call("STRLEN", "a"), LARGE_BYTES);
  const back = await client.callBytes("GET", "a") as Uint8Array;
  assertEquals([back.length, back[0], back.at(-1)], [LARGE_BYTES, 7, 9]);
});

testCarriers("a pipeline longer than all buffers is answered whole", [], async (server) => {
  using client = await server.connect();
  const requests: Argument[][] = Array.from({ length: 50_000 }, (_, index) => ["ECHO", index]);
  const replies = await client.callMany(requests);
  assertEquals(replies.map(Number), requests.map(([, index]) => Number(index)));
});

testCarriers("CLIENT PAUSE, KILL and REPLY", [], async (server) => {
  using client = await server.connect();
  using other = await server.connect();
  await client.expect("CLIENT", "PAUSE", "60000", "WRITE");
  await other.send("SET", "a", "1");
  assertEquals(await client.call("GET", "a"), null);
  await client.expect("CLIENT", "UNPAUSE");
  assertEquals(await other.receive(), "OK");
  const id = await other.call("CLIENT", "ID") as number;
  await other.send("BLPOP", "list", "0");
  await until("it is blocked", async () => await infoNumber(client, "blocked_clients") === 1);
  assertEquals(await client.call("CLIENT", "KILL", "ID", id), 1);
  assertEquals(await other.readBytes(), null);
  await client.send("CLIENT", "REPLY", "OFF");
  await client.send("PING");
  await client.send("CLIENT", "REPLY", "ON");
  assertEquals(await client.receive(), "OK");
  await client.send("CLIENT", "REPLY", "SKIP");
  await client.send("PING");
  assertEquals(await client.call("ECHO", "x"), "x");
  await client.send("CLIENT", "KILL", "SKIPME", "no", "TYPE", "normal");
  assertEquals(await client.receive(), 1);
  assertEquals(await client.readBytes(), null);
});

testCarriers("QUIT and protocol errors are answered before the end", [], async (server) => {
  using client = await server.connect();
  await client.writeBytes(utf8("QUIT\r\nPING\r\n"));
  assertEquals(fromUtf8(await client.readToEnd()), "+OK\r\n");
  using other = await server.connect();
  await other.writeBytes(utf8("*1\r\n$x\r\n"));
  const text = fromUtf8(await other.readToEnd());
  assertEquals(text, "-ERR Protocol error: invalid bulk length\r\n");
  await nothingIsLeft(server);
});

const LIMITS = ["--client-output-buffer-limit", "pubsub 1mb 0 0"];
testCarriers("who does not read is closed at its limit", LIMITS, async (server) => {
  using subscriber = await server.connect();
  await subscriber.call("SUBSCRIBE", "channel");
  using publisher = await server.connect();
  const message = "x".repeat(100_000);
  await until("it is closed", async () => {
    return await publisher.call("PUBLISH", "channel", message) === 0;
  });
  assert(server.log.includes("closed for overcoming of output buffer limits"), server.log);
});

testCarriers("messages, invalidations and MONITOR reach those who wait", [], async (server) => {
  using client = await server.connect();
  using subscriber = await server.connect();
  await subscriber.call("SUBSCRIBE", "channel");
  using tracker = await server.connect();
  await tracker.expect("HELLO", "3");
  await tracker.expect("CLIENT", "TRACKING", "ON");
  await tracker.expect("GET", "key");
  using monitor = await server.connect();
  await monitor.expect("MONITOR");
  await client.expect("SET", "key", "1");
  await client.expect("PUBLISH", "channel", "hello");
  assertEquals(await subscriber.receive(), ["message", "channel", "hello"]);
  assertEquals(await tracker.nextPush(), ["invalidate", ["key"]]);
  assert(String(await monitor.receive()).endsWith('] "SET" "key" "1"'));
});

testCarriers("blocked clients are served, in order, and time out", [], async (server) => {
  using client = await server.connect();
  const waiting: RespClient[] = [];
  for (let index = 0; index < 5; index++) {
    waiting.push(await server.connect());
    await waiting[index]!.send("BLPOP", "list", "0");
    await until("it is blocked", async () => {
      return await infoNumber(client, "blocked_clients") === index + 1;
    });
  }
  await client.expect("RPUSH", "list", "0", "1", "2", "3", "4");
  for (const [index, one] of waiting.entries()) {
    assertEquals(await one.receive(), ["list", String(index)]);
    one.close();
  }
  assertEquals(await client.call("BLPOP", "list", "0.02"), null);
});

const MAXCLIENTS = ["--maxclients", "2"];
testCarriers("one client too many is told so", MAXCLIENTS, async (server) => {
  using client = await server.connect();
  await client.expect("PING");
  using second = await server.connect();
  await second.expect("PING");
  using late = await server.connect();
  const text = fromUtf8(await late.readToEnd());
  assertEquals(text, "-ERR max number of clients reached\r\n");
  assertEquals(await infoNumber(client, "rejected_connections"), 1);
});

const AOF = ["--appendonly", "yes", "--appendfsync", "always"];
testCarriers("saves, syncs and rewrites end while clients are served", AOF, async (server) => {
  using client = await server.connect();
  const load = await server.connect();
  let isOver = false;
  const loading = (async () => {
    while (!isOver) await load.expect("INCR", "count");
  })();
  await client.expect("SET", "a", "1");
  for (const [command, field] of [["BGSAVE", "rdb_bgsave"], ["BGREWRITEAOF", "aof_rewrite"]]) {
    await client.expect(command!);
    await until(`${command} is over`, async () => {
      return await infoNumber(client, `${field}_in_progress`) === 0;
    });
    const info = String(await client.call("INFO", "persistence"));
    const status = field === "rdb_bgsave" ? "rdb_last_bgsave_status" : "aof_last_bgrewrite_status";
    assert(info.includes(`${status}:ok`), info);
  }
  isOver = true;
  await loading;
  load.close();
  assert(!(await client.call("GET", "count") instanceof RespError));
});
