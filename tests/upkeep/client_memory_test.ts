/** Client memory: what is counted for clients, and who is closed when it is too much. */
import { assert, assertEquals } from "@std/assert";
import { REDIS_NO_EVICT } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { startServer } from "../support/server_process.ts";
import { utf8 } from "../support/text.ts";

const KIB = 1024;

/** Leaves `bytes` of a request that is not complete in the client's query buffer. */
function holdQuery(client: ReturnType<EmbeddedServer["connect"]>, bytes: number): void {
  client.sendBytes(new TextEncoder().encode(`*2\r\n$4\r\nECHO\r\n$${bytes * 2}\r\n`));
  client.sendBytes(new Uint8Array(bytes).fill(120));
}

Deno.test("the total follows what clients hold, and forgets them when they go", () => {
  using server = new EmbeddedServer();
  const { clientMemory } = server.server;
  const before = clientMemory.totalBytes;
  const other = server.connect();
  assert(clientMemory.totalBytes > before);
  holdQuery(other, 300 * KIB);
  assert(clientMemory.totalBytes - before >= 300 * KIB);
  other.close();
  assertEquals(clientMemory.totalBytes, before);
});

Deno.test("queued commands, watched keys and subscriptions count", () => {
  using server = new EmbeddedServer();
  const { clientMemory } = server.server;
  const steps: [string, string[][]][] = [
    ["WATCH", [["WATCH", "a", "b", "c"]]],
    ["MULTI", [["MULTI"], ["SET", "key", "x".repeat(5000)]]],
    ["SUBSCRIBE", [["SUBSCRIBE", "one", "two"]]],
  ];
  for (const [name, commands] of steps) {
    const client = server.connect();
    const before = clientMemory.totalBytes;
    for (const command of commands) client.run(...command);
    client.take();
    clientMemory.update(client.client);
    assert(clientMemory.totalBytes > before + 100, `${name} counts`);
    client.close();
  }
});

Deno.test("prefixes of tracking count, and close who adds more and more of them", () => {
  using server = new EmbeddedServer([["maxmemory-clients", "200000"]]);
  const { clientMemory } = server.server;
  const client = server.connect();
  const before = client.client.heldBytes();
  client.run("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "b".repeat(100));
  const held = client.client.heldBytes() - before;
  assert(held > 101, `${held} bytes`);
  client.run("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a");
  assertEquals(client.client.heldBytes() - before, held, "it has that one");
  for (let index = 0; index < 2000 && !client.isClosed; index++) {
    client.run("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", `c${String(index).padStart(8, "0")}`);
    clientMemory.update(client.client);
    if (clientMemory.isOverLimit) clientMemory.evict();
  }
  assertEquals(client.isClosed, true);
});

Deno.test("maxmemory-clients closes the largest client and no other", () => {
  using server = new EmbeddedServer();
  const clients = [server.connect(), server.connect(), server.connect()];
  clients.forEach((client, index) => holdQuery(client, (index + 1) * 100 * KIB));
  server.run("CONFIG", "SET", "maxmemory-clients", `${700 * KIB}`);
  server.server.turn.end();
  assertEquals(clients.map((client) => client.isClosed), [false, false, true]);
  assert(String(server.run("INFO", "stats")).includes("evicted_clients:1\r\n"));
});

Deno.test("maxmemory-clients may be a share of maxmemory", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  holdQuery(client, 300 * KIB);
  server.run("CONFIG", "SET", "maxmemory", "10mb", "maxmemory-clients", "1%");
  server.server.turn.end();
  assert(client.isClosed);
});

Deno.test("a client with CLIENT NO-EVICT ON is spared, and does not count", () => {
  using server = new EmbeddedServer();
  const spared = server.connect();
  const other = server.connect();
  spared.run("CLIENT", "NO-EVICT", "ON");
  holdQuery(spared, 500 * KIB);
  holdQuery(other, 10 * KIB);
  server.run("CONFIG", "SET", "maxmemory-clients", `${200 * KIB}`);
  server.server.turn.end();
  assertEquals([spared.isClosed, other.isClosed], [false, false]);
  // There is nothing to do, so nobody may ask for it again and again.
  assertEquals(server.server.clientMemory.isOverLimit, false);
  spared.client.flags &= ~REDIS_NO_EVICT;
  server.server.clientMemory.update(spared.client);
  assertEquals(server.server.clientMemory.isOverLimit, true);
  server.server.turn.end();
  assertEquals([spared.isClosed, other.isClosed], [true, false]);
  assertEquals(server.server.clientMemory.isOverLimit, false);
});

Deno.test("process: the limit passed by a NO-EVICT client alone stops nobody", async () => {
  await using server = await startServer({ args: ["--maxmemory-clients", "1mb"] });
  using spared = await server.connect();
  assertEquals(await spared.call("CLIENT", "NO-EVICT", "ON"), "OK");
  await spared.writeBytes(utf8(`*2\r\n$4\r\nECHO\r\n$3000000\r\n${"x".repeat(1_500_000)}`));
  using prober = await server.connect();
  // One that never answers again is killed, so that the test fails and does not hang.
  const timer = setTimeout(() => server.kill(), 30_000);
  assertEquals(await prober.call("ECHO", "still there"), "still there");
  clearTimeout(timer);
  await spared.writeBytes(utf8(`${"x".repeat(1_500_000)}\r\n`));
  assertEquals(String(await spared.receive()).length, 3_000_000);
  assertEquals(await server.stop("SIGTERM"), 0);
});

Deno.test("what clients without the password hold does not count against maxmemory", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  const owner = server.client;
  owner.run("AUTH", "secret");
  owner.run("CONFIG", "SET", "maxmemory", "1500000", "maxmemory-policy", "allkeys-lru");
  for (let key = 0; key < 100; key++) owner.run("SET", `key:${key}`, "x".repeat(1000));
  const strangers = Array.from({ length: 20 }, () => server.connect());
  for (const stranger of strangers) {
    stranger.sendBytes(utf8("*2\r\n$4\r\nAUTH\r\n"));
    stranger.sendBytes(utf8(`$16000\r\n${"x".repeat(15_000)}`));
    stranger.client.query.append(new Uint8Array(200_000));
    server.server.clientMemory.update(stranger.client);
  }
  assert(server.server.clientMemory.totalBytes > 3_000_000);
  assertEquals(owner.run("SET", "one more", "value"), "OK");
  assertEquals(owner.run("DBSIZE"), 101);
  for (const stranger of strangers) stranger.close();
  // Once it has the password, a client counts.
  const friend = server.connect();
  friend.run("AUTH", "secret");
  holdQuery(friend, 2000 * KIB);
  owner.run("SET", "and another", "value");
  assert(Number(owner.run("DBSIZE")) < 100);
});

Deno.test("what clients hold counts against maxmemory", () => {
  using server = new EmbeddedServer();
  server.run("CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "noeviction");
  assertEquals(server.run("SET", "key", "value"), "OK");
  const client = server.connect();
  holdQuery(client, 1024 * KIB);
  const refusal = server.raw("SET", "key", "value");
  assertEquals(refusal, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  client.close();
  assertEquals(server.run("SET", "key", "value"), "OK");
});
