/**
 * Early output: what a pipeline is answered leaves before the pipeline is through, unless something
 * forbids it. With a carrier that the test plays, and over real sockets.
 */
import { assert, assertEquals } from "@std/assert";
import { commandRows } from "../../src/commands/table.ts";
import { EventLoop } from "../../src/net/event_loop.ts";
import { mayUseLibc } from "../../src/base/native.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { Setup, VALUE_BYTES } from "../support/fake_carrier.ts";
import { type Argument, encodeRequests, RespClient } from "../support/resp_client.ts";
import { equalBytes, fromLatin1, settle, until } from "../support/text.ts";

const GET = ["GET", "large"];

/** The replies to a pipeline that all leave when the turn ends. */
async function expected(requests: readonly (readonly Argument[])[]): Promise<Uint8Array> {
  using setup = new Setup();
  setup.connection.client.reply.earlyBytes = Infinity;
  setup.send(requests);
  assertEquals(setup.carrier.writes.length, 0);
  await settle();
  return setup.carrier.bytes;
}

const many = (count: number) => Array<readonly Argument[]>(count).fill(GET);

Deno.test("the replies to a pipeline leave as they gather, and the last ones with the turn", async () => {
  using setup = new Setup();
  const { carrier, connection: { client } } = setup;
  const requests = [...many(5), ["PING"]];
  setup.send(requests);
  assertEquals(carrier.writes.length, 5);
  await settle();
  assertEquals(carrier.writes.length, 6);
  assert(equalBytes(carrier.bytes, await expected(requests)));
  assertEquals(client.outputPendingBytes, 0);
  assertEquals(client.host.statistics.outputBytes, carrier.bytes.length);
});

Deno.test("a client whose replies have all left holds no room", async () => {
  using setup = new Setup();
  setup.send(many(3));
  assertEquals(setup.carrier.writes.length, 3);
  assertEquals(setup.connection.client.reply.bytes.length, 0);
  await settle();
  assertEquals(setup.carrier.writes.length, 3);
});

Deno.test("a peer that reads no more gets the rest of 100 MB when it reads again", async () => {
  using setup = new Setup();
  const { carrier, connection } = setup;
  const { client } = connection;
  carrier.roomBytes = 10_000_000;
  const requests = many(1000);
  setup.send(requests);
  await settle();
  const bytes = await expected(requests);
  assertEquals(carrier.bytes.length, 10_000_000);
  assertEquals(client.outputPendingBytes, bytes.length - 10_000_000);
  const { clientMemory } = client.host;
  assert(clientMemory.totalBytes > bytes.length - 10_000_000);
  // As it reads: in the middle of pieces, and more than one.
  while (client.outputPendingBytes > 0) {
    carrier.roomBytes = 7_654_321;
    connection.written(0);
    await settle();
  }
  assert(equalBytes(carrier.bytes, bytes));
  assert(clientMemory.totalBytes < 1_000_000);
  carrier.roomBytes = Infinity;
  setup.send([["ECHO", "behind"]]);
  await settle();
  assertEquals(fromLatin1(carrier.writes.at(-1)!), "$6\r\nbehind\r\n");
});

Deno.test("where writes take their time there is one after the other", async () => {
  using setup = new Setup();
  const { carrier, connection } = setup;
  carrier.isLate = true;
  const requests = [...many(7), ["PING"]];
  setup.send(requests);
  await settle();
  assertEquals(carrier.writes.length, 0);
  while (carrier.complete(connection)) await settle();
  assertEquals(carrier.writes.length, 8);
  assert(equalBytes(carrier.bytes, await expected(requests)));
});

Deno.test("who breaks off while output waits is forgotten with it", async () => {
  using setup = new Setup();
  const { carrier, connection } = setup;
  carrier.roomBytes = 1000;
  setup.send(many(20));
  connection.failed();
  await settle();
  assertEquals([carrier.isClosed, carrier.bytes.length], [true, 1000]);
  assertEquals(setup.embedded.server.clients.has(connection.client.id), false);
  assert(connection.client.host.clientMemory.totalBytes < 10 * VALUE_BYTES);
});

Deno.test("QUIT behind a pipeline closes when all is written", async () => {
  using setup = new Setup();
  const { carrier, connection } = setup;
  carrier.roomBytes = 1000;
  const requests = [...many(20), ["QUIT"]];
  setup.send(requests);
  await settle();
  assertEquals(carrier.isClosed, false);
  carrier.roomBytes = Infinity;
  while (connection.client.outputPendingBytes > 0) {
    connection.written(0);
    await settle();
  }
  assertEquals(carrier.isClosed, true);
  assert(equalBytes(carrier.bytes, await expected(requests)));
});

Deno.test("dropped replies do not leave, and pushes keep their places", async () => {
  const requests: (readonly Argument[])[] = [
    ["HELLO", "3"],
    ["CLIENT", "TRACKING", "ON"],
    ...many(2),
    // The client hears of its own changes, behind the reply.
    ["SET", "large", "w".repeat(VALUE_BYTES)],
    ...many(2),
    ["CLIENT", "REPLY", "SKIP"],
    ...many(2),
    ["CLIENT", "REPLY", "OFF"],
    ...many(3),
    ["SET", "large", "x".repeat(VALUE_BYTES)],
    ["CLIENT", "REPLY", "ON"],
    ["MULTI"],
    ...many(4),
    ["EXEC"],
    ["EVAL", "return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[1])}", "1", "large"],
    ["MGET", "large", "none", "large"],
  ];
  using setup = new Setup();
  setup.send(requests);
  assert(setup.carrier.writes.length > 5);
  await settle();
  // HELLO tells the number of the client, which is the same in both.
  assert(equalBytes(setup.carrier.bytes, await expected(requests)));
});

Deno.test("with output limits a pipeline's output counts as a whole", async () => {
  using setup = new Setup([["client-output-buffer-limit", "normal 350000 0 0"]]);
  const { log, statistics } = setup.embedded.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  setup.send(many(3));
  assertEquals(setup.carrier.writes.length, 0);
  await settle();
  assertEquals(setup.carrier.bytes.length > 3 * VALUE_BYTES, true);
  const before = setup.carrier.bytes.length;
  setup.send(many(5));
  await settle();
  assertEquals([setup.carrier.isClosed, setup.carrier.bytes.length], [true, before]);
  assertEquals(statistics.outputBufferLimitDisconnections, 1);
});

Deno.test("a limit that is set while output waits closes a client that does not read", async () => {
  using setup = new Setup();
  const { carrier, connection, embedded } = setup;
  embedded.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  carrier.roomBytes = 1000;
  setup.send(many(20));
  await settle();
  assertEquals(carrier.isClosed, false);
  embedded.run("CONFIG", "SET", "client-output-buffer-limit", "normal 300000 0 0");
  setup.send([["PING"]]);
  await settle();
  assertEquals([carrier.isClosed, carrier.bytes.length], [true, 1000]);
  assertEquals(connection.client.host.statistics.outputBufferLimitDisconnections, 1);
});

Deno.test("what was changed is in the AOF before anything leaves", async () => {
  using setup = await Setup.withAof("everysec");
  const { server } = setup.embedded;
  setup.send(many(2));
  assertEquals(setup.carrier.writes.length, 2, "nothing was changed");
  await settle();
  setup.send([["SET", "a", "1"], ...many(3)]);
  assertEquals(server.persistence.aof.writer.bufferedBytes > 0, true);
  assertEquals(setup.carrier.writes.length, 2);
  await settle();
  assertEquals(server.persistence.aof.writer.bufferedBytes, 0);
  assertEquals(setup.carrier.writes.length, 3);
  await server.close();
});

Deno.test("with `always` nothing leaves that waits for the disk, and others are not held up", async () => {
  using setup = await Setup.withAof("always");
  const { files } = setup;
  const { server } = setup.embedded;
  server.barrier.choose = () => "aside";
  files.syncsAtOnce = false;
  // Another's change is being synced.
  setup.embedded.run("SET", "seen", "s".repeat(VALUE_BYTES));
  await settle();
  assertEquals(files.pendingSyncCount, 1);
  setup.send([...many(2), ["GET", "seen"], ...many(2)]);
  const early = setup.carrier.writes.length;
  assertEquals(early, 2, "up to what was seen of the change");
  await settle();
  assertEquals(setup.carrier.writes.length, 2);
  files.syncsAtOnce = true;
  files.completeSyncs();
  await until("the rest leaves", () => setup.carrier.writes.length > 2);
  assertEquals(setup.carrier.bytes.length, 5 * (VALUE_BYTES + "$100000\r\n\r\n".length));
  await server.close();
});

Deno.test("who is served from inside of a command waits for the end of that round", async () => {
  let inside = () => {};
  const row = { ...commandRows.find(({ name }) => name === "ping")!, name: "inside" };
  const rows = [...commandRows, { ...row, proc: () => inside() }];
  using setup = new Setup([], { rows });
  const { server } = setup.embedded;
  let count = -1;
  inside = () => {
    server.dispatcher.interleave(() => setup.send(many(3)));
    count = setup.carrier.writes.length;
  };
  setup.embedded.client.send("INSIDE");
  assertEquals(count, 0);
  await settle();
  assert(equalBytes(setup.carrier.bytes, await expected(many(3))));
});

for (const transport of mayUseLibc() ? ["epoll", "runtime"] : ["runtime"]) {
  Deno.test(`${transport}: who stops reading in the middle of 100 MB hears all`, async () => {
    const eventLoop = transport === "epoll" ? await EventLoop.open() : null;
    const { server } = new EmbeddedServer([], { eventLoop });
    server.listeners.openAnyPort();
    server.listeners.accept();
    using slow = await RespClient.connect(server.listeners.port);
    using other = await RespClient.connect(server.listeners.port);
    const value = "0123456789".repeat(100_000);
    await other.expect("SET", "k", value);
    const before = server.statistics.commandsProcessed;
    await slow.writeBytes(encodeRequests(Array(100).fill(["GET", "k"])));
    assertEquals(await slow.receive(), value);
    // The server is through with it, and serves others meanwhile.
    await until("all is carried out", () => server.statistics.commandsProcessed >= before + 100);
    assertEquals(await other.call("PING"), "PONG");
    for (let count = 1; count < 100; count++) assert(await slow.receive() === value);
    assertEquals(await slow.call("PING"), "PONG");
    await server.close();
  });
}
