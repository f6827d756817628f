/** Client memory: what is counted for clients, and who is closed when it is too much. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

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
