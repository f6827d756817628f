/**
 * RDB bench: keys and bytes per second that the RDB writer and reader do, in memory: no disk.
 *
 *   deno run scripts/bench/micro/rdb_bench.ts [keys, default 1000000]
 *
 * Small strings measure the cost per key, lists and hashes that of LZF and of copying listpacks,
 * one sorted set that of its tree.
 */
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { monotonicUs } from "../../../src/base/clock.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { Argv } from "../../../src/protocol/argv.ts";
import { ArraySource } from "../../../src/persistence/rdb_input.ts";
import { RdbReader } from "../../../src/persistence/rdb_reader.ts";
import { type RdbOptions, RdbWriter } from "../../../src/persistence/rdb_writer.ts";
import * as hashValue from "../../../src/values/hash_value.ts";
import * as sortedSetValue from "../../../src/values/sorted_set_value.ts";
import * as value from "../../../src/values/value.ts";

const limits = {
  hash: { listpackEntriesMax: 128, listpackValueBytesMax: 64 },
  set: { intsetEntriesMax: 512, listpackEntriesMax: 0, listpackValueBytesMax: 0 },
  sortedSet: { listpackEntriesMax: 128, listpackValueBytesMax: 64 },
  listFill: -2,
};

const options: RdbOptions = {
  version: 10,
  redisVersion: "7.0.15",
  compresses: true,
  hasChecksum: true,
  access: "none",
  lfuDecayTime: 1,
  isAofBase: false,
  nowMs: 1_700_000_000_000,
  usedMemoryBytes: 0,
  functionLibraries: [],
  keyDelayUs: 0,
};

function emptyKeyspace(): Keyspace {
  return new Keyspace(new Arena(), 16, {
    keyChanged() {},
    keyEvent() {},
    keyVanishes() {},
    recordsFields: false,
    fieldVanishes() {},
    fieldsEvent() {},
    keyReady() {},
    databaseFlushed() {},
  });
}

/** Keeps all that is written in one array. */
class ArraySink {
  bytes = new Uint8Array(1 << 20);
  length = 0;

  write(bytes: Uint8Array, start: number, length: number): void {
    if (this.length + length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + length));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, start + length), this.length);
    this.length += length;
  }
}

function measure(name: string, itemCount: number, fill: (keyspace: Keyspace) => void): void {
  const keyspace = emptyKeyspace();
  fill(keyspace);
  for (let round = 0; round < 3; round++) {
    const sink = new ArraySink();
    const beginUs = monotonicUs();
    new RdbWriter(keyspace.arena, sink, options).writeFile(keyspace.databases);
    const savedUs = monotonicUs();
    const source = new ArraySource(sink.bytes, 0, sink.length);
    const reader = new RdbReader("bench", source, sink.length, emptyKeyspace(), {
      limits,
      verifiesChecksum: true,
      keepsExpired: false,
      yieldBytes: 2 << 20,
    });
    for (const _ of reader.load());
    const loadedUs = monotonicUs();
    report(name, "save", itemCount, sink.length, savedUs - beginUs);
    report(name, "load", itemCount, sink.length, loadedUs - savedUs);
  }
}

function report(
  name: string,
  what: string,
  itemCount: number,
  byteCount: number,
  durationUs: number,
): void {
  const rate = `${Math.round(itemCount * 1000 / durationUs)} k items/s`;
  const speed = `${(byteCount / durationUs).toFixed(1)} MB/s`;
  const line = `${name.padEnd(16)} ${what}  ${rate.padStart(18)} ${speed.padStart(14)}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const count = Number(Deno.args[0] ?? 1_000_000);
const bytes = latin1Bytes("xxx");

measure("small strings", count, (keyspace) => {
  for (let index = 0; index < count; index++) {
    const key = latin1Bytes(`key:${String(index).padStart(12, "0")}`);
    keyspace.databases[0].setString(new Argv().point(key, 0, 16), 0, bytes, 0, 3, value.NO_EXPIRY);
  }
});

measure("small hashes", count / 20, (keyspace) => {
  const { arena } = keyspace;
  for (let index = 0; index < count / 20; index++) {
    const key = latin1Bytes(`hash:${index}`);
    const ref = hashValue.create(arena);
    const { TYPE_HASH, ENCODING_LISTPACK, NO_EXPIRY } = value;
    const entry = value.createEntry(
      arena,
      key,
      0,
      key.length,
      TYPE_HASH,
      ENCODING_LISTPACK,
      ref,
      NO_EXPIRY,
    );
    for (let field = 0; field < 10; field++) {
      const text = latin1Bytes(`field ${field}`);
      const content = latin1Bytes(`value ${index + field}`);
      hashValue.set(arena, entry, text, 0, text.length, content, 0, content.length, limits.hash);
    }
    keyspace.databases[0].insertEntry(entry);
  }
});

measure("one sorted set", count / 5, (keyspace) => {
  const { arena } = keyspace;
  const { TYPE_SORTED_SET, ENCODING_SKIPLIST, NO_EXPIRY } = value;
  const ref = sortedSetValue.create(arena, ENCODING_SKIPLIST);
  const entry = value.createEntry(
    arena,
    bytes,
    0,
    3,
    TYPE_SORTED_SET,
    ENCODING_SKIPLIST,
    ref,
    NO_EXPIRY,
  );
  for (let index = 0; index < count / 5; index++) {
    const member = latin1Bytes(`member:${index}`);
    const score = (index * 7919) % 100_003;
    sortedSetValue.add(arena, entry, member, 0, member.length, score, 0, limits.sortedSet, {
      score: 0,
    });
  }
  keyspace.databases[0].insertEntry(entry);
});
