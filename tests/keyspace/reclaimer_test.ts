/** Reclaimer: small values go at once, large ones and databases in steps that the caller sizes. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

const COUNT = 5000;

function fill(server: EmbeddedServer): void {
  const members = Array.from({ length: COUNT }, (_, index) => `member:${index}`);
  server.run("SADD", "set", ...members);
}

/** Steps until nothing is left, and the largest number of bytes that one of them freed. */
function drain(server: EmbeddedServer, count: number): { steps: number; bytesMax: number } {
  const { arena, keyspace } = server.server;
  let steps = 0;
  let bytesMax = 0;
  for (let isLeft = keyspace.reclaimer.pendingCount > 0; isLeft; steps++) {
    const before = arena.usedBytes;
    isLeft = keyspace.reclaimer.step(count);
    bytesMax = Math.max(bytesMax, before - arena.usedBytes);
  }
  return { steps, bytesMax };
}

Deno.test("a small value is freed with its key, nothing waits", () => {
  using server = new EmbeddedServer();
  const { arena, keyspace } = server.server;
  server.run("SET", "warm", "x");
  const before = arena.usedBytes;
  server.run("RPUSH", "list", "a", "b", "c");
  server.run("HSET", "hash", "f", "v");
  server.run("SET", "string", "x".repeat(300_000));
  server.run("DEL", "list", "hash", "string");
  assertEquals([keyspace.reclaimer.pendingCount, arena.usedBytes], [0, before]);
});

for (const words of [["DEL", "set"], ["SET", "set", "x"], ["UNLINK", "set"]]) {
  Deno.test(`${words[0]} of a large value leaves its memory to steps`, () => {
    using server = new EmbeddedServer();
    const { arena, keyspace } = server.server;
    server.run("SET", "set", "x");
    const before = arena.usedBytes;
    server.run("DEL", "set");
    fill(server);
    const full = arena.usedBytes;
    server.run(...words);
    assertEquals(keyspace.reclaimer.pendingCount, 1);
    assert(full - arena.usedBytes < 1000, "freed within the command");
    const { steps, bytesMax } = drain(server, 100);
    assert(steps >= COUNT / 100, `${steps} steps`);
    assert(bytesMax < (full - before) / 4, `${bytesMax} bytes in one step`);
    assertEquals(keyspace.reclaimer.freedCount, 1);
    if (words[0] === "SET") assertEquals(arena.usedBytes, before);
  });
}

Deno.test("a flushed database is freed in steps: its expiries, its keys and their values", () => {
  using server = new EmbeddedServer();
  const { arena, keyspace } = server.server;
  const before = arena.usedBytes;
  for (let index = 0; index < 1000; index++) server.run("SET", `key:${index}`, "x", "EX", "100");
  fill(server);
  const full = arena.usedBytes;
  server.run("FLUSHALL");
  assertEquals(server.run("DBSIZE"), 0);
  assert(full - arena.usedBytes < 1000, "freed within the command");
  const { steps } = drain(server, 50);
  assert(steps > (COUNT + 1000) / 50 / 2, `${steps} steps`);
  assertEquals([keyspace.reclaimer.pendingCount, arena.usedBytes], [0, before]);
  // 1001 keys, and the set once more because it had to wait.
  assertEquals(keyspace.reclaimer.freedCount, 1002);
});

Deno.test("what is freed while frozen is given back after the release", () => {
  using server = new EmbeddedServer();
  const { arena, fork } = server.server;
  const before = arena.usedBytes;
  fill(server);
  fork.freeze();
  server.run("FLUSHALL");
  drain(server, 1000);
  assert(arena.deferredBytes > 50_000, `${arena.deferredBytes} bytes wait`);
  fork.release();
  arena.freeDeferred(Infinity);
  assertEquals([arena.deferredBytes, arena.usedBytes], [0, before]);
});
