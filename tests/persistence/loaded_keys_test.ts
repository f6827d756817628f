/** Loaded keys: what was gathered is in the tables, or is freed. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { LoadedKeys, NOT_SAVED } from "../../src/persistence/loaded_keys.ts";
import * as stringValue from "../../src/values/string_value.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const EXPIRY_MS = 4_000_000_000_000;

/** Makes a string of this key for `database`, and hands it to `loaded`. */
function add(
  server: EmbeddedServer,
  loaded: LoadedKeys,
  key: string,
  { database = 0, expiryMs = -1, idleSeconds = NOT_SAVED } = {},
): void {
  const { keyspace } = server.server;
  const bytes = latin1Bytes(key);
  const { length } = bytes;
  const entry = stringValue.createEntry(
    keyspace.arena,
    bytes,
    0,
    length,
    bytes,
    0,
    length,
    expiryMs,
  );
  const hash = hashBytes(bytes, 0, length);
  loaded.add(keyspace.databases[database]!, entry, hash, idleSeconds, NOT_SAVED);
}

Deno.test("keys are in their database once they are inserted, with expiry and last use", () => {
  using server = new EmbeddedServer();
  const loaded = new LoadedKeys(server.server.keyspace);
  let count = 0;
  for (; !loaded.isFull; count++) add(server, loaded, `key:${count}`, { database: 1 });
  assertEquals(loaded.insert(), null);
  assertEquals(loaded.isFull, false);
  add(server, loaded, "late", { expiryMs: EXPIRY_MS, idleSeconds: 500 });
  assertEquals(server.run("DBSIZE"), 0);
  assertEquals(loaded.insert(), null);
  assertEquals(loaded.insert(), null);
  assertEquals(server.run("DBSIZE"), 1);
  assertEquals(server.run("PEXPIRETIME", "late"), EXPIRY_MS);
  assertEquals(server.run("OBJECT", "IDLETIME", "late"), 500);
  server.run("SELECT", "1");
  assertEquals(server.run("DBSIZE"), count);
  assertEquals(server.run("GET", "key:3"), "key:3");
});

Deno.test("in a large table, too, each key is found", () => {
  using server = new EmbeddedServer();
  const loaded = new LoadedKeys(server.server.keyspace);
  const count = 60_000;
  for (let index = 0; index < count; index++) {
    if (loaded.isFull) assertEquals(loaded.insert(), null);
    add(server, loaded, `key:${index}`);
  }
  assertEquals(loaded.insert(), null);
  assertEquals(server.run("DBSIZE"), count);
  for (let index = 0; index < count; index += 997) {
    assertEquals(server.run("GET", `key:${index}`), `key:${index}`);
  }
});

Deno.test("a key that comes twice is told of, and leaves no block behind", () => {
  for (const isSameBatch of [true, false]) {
    using server = new EmbeddedServer();
    const loaded = new LoadedKeys(server.server.keyspace);
    add(server, loaded, "a");
    add(server, loaded, "b");
    if (!isSameBatch) assertEquals(loaded.insert(), null);
    const { usedBytes } = server.server.keyspace.arena;
    add(server, loaded, "b");
    add(server, loaded, "c");
    assertEquals(loaded.insert(), 'key "b" comes twice in database 0');
    assertEquals(server.run("EXISTS", "a", "b", "c"), 2);
    loaded.drop();
    server.reclaim();
    assert(server.server.keyspace.arena.usedBytes <= usedBytes);
    assertEquals(loaded.insert(), null);
    assertEquals(server.run("DBSIZE"), 2);
  }
});
