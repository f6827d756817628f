/**
 * Writing through: a long string leaves from where it stands in the data, as far as the system
 * takes it at once, and what becomes of the string afterwards changes nothing. With a carrier that
 * the test plays, and over real sockets.
 */
import { assert, assertEquals } from "@std/assert";
import { mayUseLibc } from "../../src/base/native.ts";
import { EventLoop } from "../../src/net/event_loop.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { Setup, VALUE_BYTES } from "../support/fake_carrier.ts";
import { type Argument, encodeRequests, RespClient } from "../support/resp_client.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { equalBytes, fromLatin1, settle, until } from "../support/text.ts";

type Requests = readonly (readonly Argument[])[];

const GET = ["GET", "large"];
const SEGMENT_BYTES = 256 * 1024;

/** Bytes of which no two pieces are alike for long. */
function varied(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) ^ seed;
  return bytes;
}

/** A server whose carrier is through with what it is given when `write` returns. */
function throughSetup(...args: ConstructorParameters<typeof Setup>): Setup {
  const setup = new Setup(...args);
  setup.carrier.writesAtOnce = true;
  return setup;
}

/** What the client gets if nothing leaves before the end of the turn. */
async function expected(requests: Requests): Promise<Uint8Array> {
  using setup = new Setup();
  setup.connection.client.reply.earlyBytes = Infinity;
  setup.send(requests);
  await settle();
  assertEquals(setup.carrier.sharedBytes, 0);
  return setup.carrier.bytes;
}

/** The peer reads on, as much at a time as `next` says, until it has all. */
async function readOn({ carrier, connection }: Setup, next: () => number): Promise<void> {
  await settle();
  while (connection.client.outputPendingBytes > 0) {
    for (let count = 0; count < 100 && connection.client.outputPendingBytes > 0; count++) {
      carrier.roomBytes = next();
      connection.written(0);
    }
    await settle();
  }
}

Deno.test("long strings are written from the data, between what goes around them", async () => {
  using setup = throughSetup();
  const { carrier, connection: { client } } = setup;
  const requests = [["PING"], GET, GET, ["GETRANGE", "large", 10, 50_009], ["ECHO", "end"]];
  setup.send(requests);
  assertEquals(carrier.writes.map(({ length }) => length), [
    "+PONG\r\n$100000\r\n".length,
    VALUE_BYTES,
    "\r\n$100000\r\n".length,
    VALUE_BYTES,
    "\r\n$50000\r\n".length,
    50_000,
  ]);
  assertEquals([carrier.sharedBytes, carrier.isMoreComing], [2 * VALUE_BYTES + 50_000, true]);
  await settle();
  assertEquals(fromLatin1(carrier.writes.at(-1)!), "\r\n$3\r\nend\r\n");
  assertEquals([carrier.writes.length, carrier.isMoreComing], [7, false]);
  assert(equalBytes(carrier.bytes, await expected(requests)));
  const { statistics } = client.host;
  assertEquals(client.outputPendingBytes, 0);
  assertEquals(statistics.outputBytes, carrier.bytes.length);
  assertEquals(statistics.writesProcessed, 7);
  assertEquals(client.reply.bytes.length, 0);
});

Deno.test("short strings, and carriers that take their time, gather in the reply", async () => {
  using setup = throughSetup();
  const requests = [["SET", "short", "s".repeat(16_000)], ["GET", "short"]];
  setup.send(requests);
  assertEquals(setup.carrier.writes.length, 0);
  await settle();
  setup.carrier.writesAtOnce = false;
  setup.send([GET]);
  await settle();
  assertEquals(setup.carrier.sharedBytes, 0);
});

Deno.test("what happens to a string behind its GET is not seen in the reply", async () => {
  const long = varied(2 * SEGMENT_BYTES + 12_345, 7);
  const requests: Requests = [
    ["SET", "chunks", long],
    GET,
    ["SET", "large", "w".repeat(VALUE_BYTES)],
    ["GET", "chunks"],
    ["SETRANGE", "chunks", SEGMENT_BYTES - 3, "xxxxxx"],
    ["GET", "chunks"],
    ["DEL", "chunks"],
    ["SET", "other", varied(2 * SEGMENT_BYTES, 9)],
    GET,
    ["APPEND", "large", "y".repeat(SEGMENT_BYTES)],
    GET,
    ["GETRANGE", "large", VALUE_BYTES - 1, -2],
    ["RENAME", "large", "elsewhere"],
    ["GET", "other"],
    ["FLUSHALL"],
    ["ECHO", "end"],
  ];
  const wanted = await expected(requests);
  const random = new SeededRandom(testSeed());
  const head = "+OK\r\n$100000\r\n".length;
  // Where the system has no more room: in a header, at its edges, in a string or any of its chunks.
  const rooms = [0, 1, head - 1, head, head + 1, VALUE_BYTES + head];
  for (let count = 0; count < 14; count++) rooms.push(random.below(wanted.length));
  for (const roomBytes of rooms) {
    using setup = throughSetup();
    setup.carrier.roomBytes = roomBytes;
    setup.send(requests);
    await readOn(setup, () => 1 + random.below(400_000));
    assert(equalBytes(setup.carrier.bytes, wanted), `after ${roomBytes} bytes`);
  }
});

Deno.test("a peer that takes one byte at a time gets them all, in their order", async () => {
  using setup = throughSetup();
  const { carrier } = setup;
  const requests = [["SET", "k", varied(20_000, 3)], ["GET", "k"], ["SET", "k", "gone"], ["PING"]];
  carrier.roomBytes = 1;
  setup.send(requests);
  await readOn(setup, () => 1);
  assert(equalBytes(carrier.bytes, await expected(requests)));
});

Deno.test("a string of 100 MB is held only as far as the system did not take it", async () => {
  using setup = throughSetup();
  const { carrier, connection: { client } } = setup;
  const length = 100_000_000;
  setup.embedded.run("SETRANGE", "huge", String(length - 3), "end");
  setup.send([["GET", "huge"]]);
  await settle();
  assertEquals(carrier.sharedBytes, length);
  carrier.writes.length = 0;
  carrier.roomBytes = 60_000_000;
  setup.send([["GET", "huge"], ["DEL", "huge"]]);
  const heldBytes = client.reply.length + client.outputPendingBytes;
  assertEquals(heldBytes, length + "$100000000\r\n\r\n:1\r\n".length - 60_000_000);
  await readOn(setup, () => 7_654_321);
  const bytes = carrier.bytes;
  assertEquals(bytes.length, length + "$100000000\r\n\r\n:1\r\n".length);
  assertEquals(fromLatin1(bytes.subarray(-9)), "end\r\n:1\r\n");
});

Deno.test("what may have to be taken back, dropped or held up is gathered as before", async () => {
  const script = "return redis.call('GET', KEYS[1])";
  const requests: Requests = [
    ["MULTI"],
    GET,
    GET,
    ["EXEC"],
    ["EVAL", script, "1", "large"],
    ["CLIENT", "REPLY", "SKIP"],
    GET,
    ["CLIENT", "REPLY", "OFF"],
    GET,
    ["CLIENT", "REPLY", "ON"],
    ["SET", "large", "x".repeat(VALUE_BYTES), "GET"],
    ["GETSET", "large", "y".repeat(VALUE_BYTES)],
    ["GETEX", "large", "EX", "100"],
    ["MGET", "large", "large"],
    ["CLIENT", "NO-TOUCH", "ON"],
    GET,
    ["CLIENT", "NO-TOUCH", "OFF"],
    ["HELLO", "3"],
    ["CLIENT", "TRACKING", "ON"],
    GET,
    ["CLIENT", "TRACKING", "OFF"],
    ["GETDEL", "large"],
  ];
  using setup = throughSetup();
  setup.send(requests);
  await settle();
  assertEquals(setup.carrier.sharedBytes, 0);
  assert(equalBytes(setup.carrier.bytes, await expected(requests)));
});

Deno.test("with output limits nothing is written through", async () => {
  using setup = throughSetup([["client-output-buffer-limit", "normal 350000 0 0"]]);
  setup.send([GET, GET]);
  assertEquals(setup.carrier.writes.length, 0);
  await settle();
  assertEquals(setup.carrier.sharedBytes, 0);
});

Deno.test("a client for whose output there is no memory gets no string either", async () => {
  using setup = throughSetup();
  const { carrier, connection, embedded } = setup;
  embedded.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  connection.client.reply.isOverflown = true;
  setup.send([GET]);
  await settle();
  assertEquals([carrier.isClosed, carrier.bytes.length], [true, 0]);
});

Deno.test("what was changed is in the AOF before a string is written through", async () => {
  using setup = await Setup.withAof("everysec");
  const { server } = setup.embedded;
  setup.carrier.writesAtOnce = true;
  await settle();
  setup.send([["SET", "a", "1"], GET]);
  assertEquals(setup.carrier.writes.length, 0);
  await settle();
  setup.send([GET]);
  assertEquals(setup.carrier.sharedBytes, VALUE_BYTES);
  await server.close();
});

Deno.test("with `always` nobody knows before a GET ends whether it must wait", async () => {
  using setup = await Setup.withAof("always");
  setup.carrier.writesAtOnce = true;
  await settle();
  setup.send([GET]);
  await settle();
  assertEquals(setup.carrier.sharedBytes, 0);
  await setup.embedded.server.close();
});

Deno.test("a reply that was written through is as large as it is for COMMANDLOG", async () => {
  const log = ["COMMANDLOG", "GET", "-1", "large-reply"];
  const sizes: string[] = [];
  for (const writesAtOnce of [false, true]) {
    using setup = new Setup([["commandlog-reply-larger-than", "1000"]]);
    setup.carrier.writesAtOnce = writesAtOnce;
    setup.send([["PING"], ["ECHO", "x".repeat(500)], GET]);
    await settle();
    assertEquals(setup.carrier.sharedBytes, writesAtOnce ? VALUE_BYTES : 0);
    const entries = setup.embedded.run(...log) as unknown[][];
    sizes.push(entries.map((entry) => String(entry[2])).join());
  }
  assertEquals(sizes, ["100011", "100011"]);
});

Deno.test("who breaks off in the middle of a string is forgotten with it", async () => {
  using setup = throughSetup();
  const { carrier, connection, embedded } = setup;
  carrier.roomBytes = 40_000;
  setup.send([GET, GET]);
  connection.failed();
  await settle();
  assertEquals([carrier.isClosed, carrier.bytes.length], [true, 40_000]);
  assertEquals(embedded.server.clients.has(connection.client.id), false);
  assertEquals(fromLatin1(Uint8Array.from(carrier.bytes.subarray(0, 10))), "$100000\r\nv");
});

Deno.test("QUIT behind a string closes when all is written", async () => {
  using setup = throughSetup();
  const { carrier } = setup;
  carrier.roomBytes = 40_000;
  setup.send([GET, ["QUIT"]]);
  await readOn(setup, () => 30_000);
  assertEquals(carrier.isClosed, true);
  assert(equalBytes(carrier.bytes, await expected([GET, ["QUIT"]])));
});

for (const transport of mayUseLibc() ? ["epoll", "runtime"] : ["runtime"]) {
  Deno.test(`${transport}: slow readers of strings that change behind their GETs`, async () => {
    const eventLoop = transport === "epoll" ? await EventLoop.open() : null;
    const { server } = new EmbeddedServer([], { eventLoop });
    server.listeners.openAnyPort();
    server.listeners.accept();
    using other = await RespClient.connect(server.listeners.port);
    const VERSIONS = 15;
    const versions = Array.from({ length: VERSIONS }, (_, index) => varied(300_000 + index, index));
    const readers: RespClient[] = [];
    const before = server.statistics.commandsProcessed;
    for (let count = 0; count < 3; count++) {
      const reader = await RespClient.connect(server.listeners.port);
      readers.push(reader);
      const requests = versions.flatMap((bytes) => [["SET", count, bytes], ["GET", count]]);
      // Nobody reads yet, so the write ends when the server has read all, or when somebody does.
      void reader.writeBytes(encodeRequests([...requests, ["SET", count, "gone"]]));
    }
    await until(
      "all is carried out",
      () => server.statistics.commandsProcessed >= before + 3 * (2 * VERSIONS + 1),
    );
    assertEquals(await other.call("PING"), "PONG");
    for (const bytes of versions) {
      for (const reader of readers) {
        assertEquals(await reader.receive(), "OK");
        const raw = await reader.receiveRaw();
        const start = raw.length - bytes.length - 2;
        assert(equalBytes(raw.subarray(start, start + bytes.length), bytes));
      }
    }
    for (const reader of readers) {
      assertEquals(await reader.receive(), "OK");
      assertEquals(await reader.call("PING"), "PONG");
      reader[Symbol.dispose]();
    }
    await server.close();
  });
}
