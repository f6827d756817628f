/**
 * When evictions happen and are announced, as seen by clients that track keys or listen for events:
 * with CONFIG SET maxmemory itself, and before the reply of the command that made room for itself.
 */
import { assert, assertEquals } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";

const VALUE = "v".repeat(20_000);

/** A server that holds 30 keys and is to evict some, and a RESP3 client that has read all. */
function scene(...tracking: string[]): { server: EmbeddedServer; reader: EmbeddedClient } {
  const server = new EmbeddedServer([
    ["maxmemory-policy", "allkeys-random"],
    ["maxmemory-eviction-tenacity", "100"],
    ["notify-keyspace-events", "Ee"],
  ], { log: new Log(() => {}) });
  const reader = server.connect();
  reader.run("HELLO", "3");
  reader.run("CLIENT", "TRACKING", "ON", ...tracking);
  for (let index = 0; index < 30; index++) server.run("SET", `k${index}`, VALUE);
  for (let index = 0; index < 30; index++) reader.run("GET", `k${index}`);
  server.server.turn.end();
  reader.takeRaw();
  return { server, reader };
}

/** What came, in its order: I for an invalidation, and lines of replies. */
function shapeOf(output: string): string {
  return output
    .replaceAll(/>2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$\d+\r\nk\d+\r\n/g, "I")
    .replaceAll("\r\n", " ");
}

Deno.test("CONFIG SET maxmemory evicts at the end of its turn, and everybody hears", () => {
  const { server, reader } = scene();
  using _ = server;
  const listener = server.connect();
  listener.run("SUBSCRIBE", "__keyevent@0__:evicted");
  const used = server.server.memoryLimit.countedBytes();
  reader.send("CONFIG", "SET", "maxmemory", used - 200_000);
  server.server.turn.end();
  assert(server.server.memoryLimit.countedBytes() <= used - 200_000);
  const evicted = 30 - Number(server.run("DBSIZE"));
  assert(evicted > 5, `${evicted} were evicted`);
  assertEquals(shapeOf(reader.takeRaw()), `+OK ${"I".repeat(evicted)}`);
  assertEquals(listener.take().length, evicted);
});

Deno.test("a maxmemory that is not reached, or none, evicts nothing", () => {
  const { server, reader } = scene();
  using _ = server;
  for (const limit of [server.server.memoryLimit.countedBytes() * 2, 0]) {
    assertEquals(reader.run("CONFIG", "SET", "maxmemory", limit), "OK");
    server.server.turn.end();
  }
  assertEquals([server.run("DBSIZE"), reader.takeRaw()], [30, ""]);
});

Deno.test("an eviction that runs out of time goes on by itself, to its end", async () => {
  const { server } = scene();
  using _ = server;
  for (let index = 0; index < 500; index++) server.run("SET", `small:${index}`, "v");
  server.run("CONFIG", "SET", "maxmemory-eviction-tenacity", "0");
  const { evictor, turn, keyspace } = server.server;
  // Half of the large keys have to go, and with them about half of the small ones.
  const limit = Math.floor(server.server.memoryLimit.countedBytes() / 2);
  server.run("CONFIG", "SET", "maxmemory", limit);
  turn.end();
  assertEquals([keyspace.evictedCount, evictor.isRunning], [16, true]);
  server.server.runCron();
  // No further tick: timers do the rest, a few slices at a time.
  for (let round = 0; round < 5000 && evictor.isRunning; round++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(server.server.memoryLimit.countedBytes() <= limit);
  assert(keyspace.evictedCount > 64, `${keyspace.evictedCount} were evicted`);
});

Deno.test("CONFIG SET of a maxmemory below what is used is logged", () => {
  const lines: string[] = [];
  const log = new Log((text) => lines.push(text));
  using server = new EmbeddedServer([], { log });
  server.run("SET", "k", VALUE);
  const used = server.server.memoryLimit.countedBytes();
  server.run("CONFIG", "SET", "maxmemory", "9000");
  assertEquals(lines.length, 1);
  assert(
    lines[0].includes(
      `# WARNING: maxmemory is now 9000 bytes, but ${used} are in use: as the maxmemory-policy`,
    ),
    lines[0],
  );
});

for (const command of [["SET", "k0", "v"], ["GET", "none"], ["MULTI"], ["SUBSCRIBE", "c"]]) {
  Deno.test(`invalidations come before the reply of the ${command[0]} that evicted`, () => {
    const { server, reader } = scene();
    using _ = server;
    server.run("CONFIG", "SET", "maxmemory", server.server.memoryLimit.countedBytes() + 50_000);
    // Output that nobody reads takes what is left, and more.
    server.connect().send("ECHO", "x".repeat(200_000));
    const shape = shapeOf(reader.raw(...command));
    const evicted = Number(/evicted_keys:(\d+)/.exec(String(server.run("INFO", "stats")))![1]);
    assert(evicted > 0);
    const own = command[0] === "SET" && shape.endsWith("I") ? 1 : 0;
    const invalidations = "I".repeat(evicted);
    assert(shape.startsWith(invalidations), shape);
    assert(!shape.slice(evicted, shape.length - own).includes("I"), shape);
  });
}

Deno.test("broadcast invalidations come in the order of the keys, after the replies", () => {
  const { server, reader } = scene("BCAST");
  using _ = server;
  for (const key of ["k9", "k10", "k1"]) server.run("SET", key, "v");
  reader.send("PING");
  server.server.turn.end();
  const keys = ["k1", "k10", "k9"].map((key) => `$${key.length}\r\n${key}\r\n`).join("");
  assertEquals(reader.takeRaw(), `+PONG\r\n>2\r\n$10\r\ninvalidate\r\n*3\r\n${keys}`);
});
