/** Value memory: the size of a key of each type against the arena's own count. */
import { assert, assertEquals } from "@std/assert";
import { entryBytes } from "../../src/values/value_kinds.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** The bytes of key "k", from so many samples. */
function usageOf({ server }: EmbeddedServer, samples: number): number {
  const db = server.keyspace.databases[0];
  const entry = db.findRaw(new TextEncoder().encode("k"), 0, 1);
  return entryBytes(db.arena, entry, samples);
}

function fillers(): [type: string, fill: (server: EmbeddedServer, key: string) => void][] {
  const numbers = Array.from({ length: 600 }, (_, index) => index);
  const words = numbers.map((index) => `member number ${index}`);
  return [
    ["short string", (server, key) => server.run("SET", key, "v")],
    ["string", (server, key) => server.run("SET", key, "v".repeat(5000))],
    ["long string", (server, key) => server.run("SETRANGE", key, 500_000, "v")],
    ["list", (server, key) => server.run("RPUSH", key, ...words)],
    ["intset", (server, key) => server.run("SADD", key, ...numbers.slice(0, 500))],
    ["set", (server, key) => server.run("SADD", key, ...words)],
    ["small hash", (server, key) => server.run("HSET", key, "f", "v")],
    ["hash", (server, key) => server.run("HSET", key, ...words.flatMap((word) => [word, "v"]))],
    ["zset", (server, key) => server.run("ZADD", key, ...words.flatMap((word) => ["1", word]))],
  ];
}

for (const [type, fill] of fillers()) {
  Deno.test(`the memory of a ${type} is what the arena gave for it`, () => {
    using server = new EmbeddedServer();
    const { arena } = server.server;
    // The table of keys has grown before.
    server.run("SET", "other", "v");
    const before = arena.usedBytes;
    fill(server, "k");
    const usage = usageOf(server, 0);
    assertEquals(usage, arena.usedBytes - before);
    const estimate = usageOf(server, 5);
    assert(Math.abs(estimate - usage) <= usage * 0.1, `${estimate} for ${usage}`);
  });
}

Deno.test("the memory of a long key counts", () => {
  using server = new EmbeddedServer();
  const key = "k".repeat(100_000);
  server.run("SET", "other", "v");
  const before = server.server.arena.usedBytes;
  server.run("SET", key, "v");
  const usage = server.run("MEMORY", "USAGE", key) as number;
  // Its place in the table counts as well, the half of which is the other key's.
  const place = usage - (server.server.arena.usedBytes - before);
  assert(place > 0 && place <= 64, `${place}`);
});
