/** Entry batches: every key once, in the order of the dict, whatever its value is. */
import { assertEquals, assertThrows } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as dict from "../../src/structures/dict.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import { EntryBatch } from "../../src/values/entry_batch.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** Keys with values of all forms, some with an expiry. */
function fill(server: EmbeddedServer, count: number): void {
  for (let index = 0; index < count; index++) {
    const key = `key:${index}`;
    if (index % 5 === 0) server.run("SET", key, String(index));
    if (index % 5 === 1) server.run("SET", key, "x".repeat(20_000));
    if (index % 5 === 2) server.run("HSET", key, "field", "value");
    if (index % 5 === 3) server.run("RPUSH", key, "element");
    if (index % 5 === 4) server.run("XADD", key, "1-1", "field", "value");
    if (index % 3 === 0) server.run("EXPIRE", key, "1000");
  }
}

Deno.test("entries are visited once, in the order of the dict", () => {
  for (const count of [0, 1, 63, 64, 65, 700]) {
    using server = new EmbeddedServer();
    fill(server, count);
    const { arena, keys } = server.server.keyspace.databases[0]!;
    const expected: Ref[] = [];
    dict.forEach(arena, keys, (entry) => expected.push(entry));
    const visited: Ref[] = [];
    const names = new Set<string>();
    const key = new Slice();
    new EntryBatch(arena, (entry) => {
      visited.push(entry);
      dictEntry.readKey(arena, entry, key);
      names.add(key.copy().join());
    }).forEach(keys);
    assertEquals(visited, expected);
    assertEquals(names.size, count);
  }
});

Deno.test("what a visitor throws ends the walk", () => {
  using server = new EmbeddedServer();
  fill(server, 200);
  const { arena, keys } = server.server.keyspace.databases[0]!;
  let visits = 0;
  const batch = new EntryBatch(arena, () => {
    if (++visits === 70) throw new Error("the disk is full");
  });
  assertThrows(() => batch.forEach(keys), Error, "the disk is full");
  assertEquals(visits, 70);
});
