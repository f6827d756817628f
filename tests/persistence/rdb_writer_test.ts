/** Whole RDB files, written and read back: everything in them survives, in every version. */
import { assert, assertEquals } from "@std/assert";
import { FrozenMemory } from "../../src/memory/software_fork.ts";
import { latin1Text } from "../../src/base/bytes.ts";
import { datasetRequests } from "../support/dataset.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { contentsOf, loadFromBytes, rootsOf, saveToBytes, writeRdb } from "./keyspace_contents.ts";

function filledServer(directives: [string, string][] = []): EmbeddedServer {
  const server = new EmbeddedServer(directives);
  const { client } = server;
  for (const request of datasetRequests({ plainKeyCount: 300, largeBytes: 700_000 })) {
    client.run(...request);
  }
  return server;
}

Deno.test("a data set of all types and encodings survives a file of version 10", () => {
  using source = filledServer();
  using target = new EmbeddedServer();
  const reader = loadFromBytes(target, saveToBytes(source));
  assertEquals(contentsOf(target), contentsOf(source));
  assertEquals(reader.version, 10);
  assertEquals(reader.hasChecksum, true);
  assertEquals(reader.expiredCount, 0);
});

Deno.test("a data set survives files of versions 9 and 11", () => {
  using source = filledServer();
  for (const version of [9, 11] as const) {
    using target = new EmbeddedServer();
    const reader = loadFromBytes(target, saveToBytes(source, { version }));
    assertEquals(contentsOf(target), contentsOf(source));
    assertEquals(reader.version, version);
  }
});

Deno.test("version 9 holds no type that Redis 6 does not know", () => {
  using source = new EmbeddedServer();
  source.run("RPUSH", "l", "1", "two");
  source.run("HSET", "h", "f", "v");
  source.run("ZADD", "z", "1.5", "m");
  const bytes = saveToBytes(source, { version: 9 });
  const text = latin1Text(bytes, 0, bytes.length);
  assert(text.includes("\x01\x01l\x02\xc0\x01\x03two"));
  assert(text.includes("\x04\x01h\x01\x01f\x01v"));
  assert(text.includes("\x05\x01z\x01\x01m"));
});

Deno.test("a file without compression and checksum ends with zeros and is loaded", () => {
  using source = filledServer();
  using target = new EmbeddedServer();
  const bytes = saveToBytes(source, { compresses: false, hasChecksum: false });
  assertEquals([...bytes.subarray(-8)], [0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(loadFromBytes(target, bytes).hasChecksum, false);
  assertEquals(contentsOf(target), contentsOf(source));
});

Deno.test("the header is that of redis-server 7.0.15", () => {
  using source = new EmbeddedServer();
  const bytes = saveToBytes(source, { nowMs: 1_700_000_000_123, usedMemoryBytes: 1_048_576 });
  const expected = "REDIS0010\xfa\x09redis-ver\x067.0.15\xfa\x0aredis-bits\xc0\x40" +
    "\xfa\x05ctime\xc2\x00\xf1\x53\x65\xfa\x08used-mem\xc2\x00\x00\x10\x00" +
    "\xfa\x08aof-base\xc0\x00\xff";
  assertEquals(latin1Text(bytes, 0, bytes.length - 8), expected);
});

Deno.test("an AOF base says so", () => {
  using source = new EmbeddedServer();
  using target = new EmbeddedServer();
  const reader = loadFromBytes(target, saveToBytes(source, { isAofBase: true }));
  assertEquals(reader.aux.get("aof-base"), "1");
});

Deno.test("idle times are kept under an LRU policy", () => {
  using source = new EmbeddedServer();
  source.run("SET", "k", "v");
  const nowMs = (Math.floor(Date.UTC(2100, 0) / 1000) + 50) * 1000;
  const clock = Math.floor(nowMs / 1000) & 0xffffff;
  const { keyspace } = source.server;
  const entry = keyspace.databases[0].findRaw(new Uint8Array([107]), 0, 1);
  keyspace.arena.words[entry >>> 15][((entry & 0x7fff) << 1) + 1] &= ~0xffffff;
  keyspace.arena.words[entry >>> 15][((entry & 0x7fff) << 1) + 1] |= (clock - 40) & 0xffffff;
  const bytes = saveToBytes(source, { access: "idle", nowMs });
  assert(latin1Text(bytes, 0, bytes.length).includes("\xf8\x28\x00\x01k\x01v"));
  using target = new EmbeddedServer();
  loadFromBytes(target, bytes);
  assertEquals(target.run("OBJECT", "IDLETIME", "k"), 40);
});

Deno.test("frequencies are kept under an LFU policy", () => {
  using source = new EmbeddedServer([["maxmemory-policy", "allkeys-lfu"]]);
  source.run("SET", "k", "v");
  const bytes = saveToBytes(source, { access: "frequency", nowMs: Date.UTC(2026, 0) });
  const at = latin1Text(bytes, 0, bytes.length).indexOf("\xf9");
  assertEquals(latin1Text(bytes, at + 2, 5), "\x00\x01k\x01v");
});

Deno.test("function libraries of a file are kept for the next one", () => {
  using source = new EmbeddedServer();
  const library = new TextEncoder().encode("#!lua name=x\nredis.register_function('f', g)");
  const bytes = saveToBytes(source, { functionLibraries: [library] });
  using target = new EmbeddedServer();
  assertEquals(loadFromBytes(target, bytes).functionLibraries, [library]);
});

Deno.test("a frozen image is written as of the freeze while everything changes", () => {
  using source = filledServer();
  const before = saveToBytes(source);
  const expected = contentsOf(source);
  const { fork, arena } = source.server;
  const roots = rootsOf(source);
  fork.freeze();
  const table = fork.transferable();
  for (const key of ["list:many", "hash:many", "zset:many", "set:many", "string:large"]) {
    source.run("DEL", key);
  }
  for (let index = 0; index < 300; index++) {
    source.run("APPEND", `plain:${index}`, "changed");
    source.run("PEXPIRE", `plain:${index}`, "1000000");
    source.run("HSET", "hash:small", `new:${index}`, index);
    source.run("ZADD", "zset:samescore", index, `m${index % 200}`);
    source.run("LPUSH", "list:mixed", index);
    source.run("SADD", "set:words", index);
    source.run("SET", `another:${index}`, "x".repeat(index * 10));
  }
  source.reclaim();
  const frozen = writeRdb(new FrozenMemory(table), roots);
  fork.release();
  arena.freeDeferred(Infinity);
  assertEquals(frozen, before);
  using target = new EmbeddedServer();
  loadFromBytes(target, frozen);
  assertEquals(contentsOf(target), expected);
});
