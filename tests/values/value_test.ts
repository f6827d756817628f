/**
 * Value header: what an entry says of its value, with embedded strings of all lengths at which the
 * layout changes, short and long keys, with and without an expiry.
 */
import { assert, assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as byteString from "../../src/structures/byte_string.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as value from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const EXPIRIES = [value.NO_EXPIRY, 0, 1_700_000_000_123, 2 ** 53 - 1];
const LENGTHS = [0, 1, 63, 64, 253, 254, 255, 256, 257, 1000, 16_000];

function keyOf(memory: Memory, entry: Ref): string {
  const key = new Slice();
  dictEntry.readKey(memory, entry, key);
  return fromLatin1(key.bytes.subarray(key.start, key.start + key.length));
}

function embeddedOf(memory: Memory, entry: Ref): string {
  const text = new Slice();
  value.readEmbedded(memory, entry, text);
  return fromLatin1(text.bytes.subarray(text.start, text.start + text.length));
}

function createEmbedded(arena: Arena, key: string, text: string, expiryMs: number): Ref {
  const { length } = key;
  const encoding = value.ENCODING_RAW;
  const entry = value.createEmbeddedEntry(
    arena,
    latin1(key),
    0,
    length,
    encoding,
    text.length,
    expiryMs,
  );
  writeEmbedded(arena, entry, text);
  return entry;
}

function writeEmbedded(arena: Arena, entry: Ref, text: string): void {
  const target = new Slice();
  arena.willWrite(entry);
  value.readEmbedded(arena, entry, target);
  assertEquals(target.length, text.length);
  target.bytes.set(latin1(text), target.start);
}

function createWithRef(arena: Arena, key: string, ref: Ref, expiryMs: number): Ref {
  const { TYPE_HASH, ENCODING_LISTPACK } = value;
  const bytes = latin1(key);
  return value.createEntry(
    arena,
    bytes,
    0,
    key.length,
    TYPE_HASH,
    ENCODING_LISTPACK,
    ref,
    expiryMs,
  );
}

function freeEntry(arena: Arena, entry: Ref): void {
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

/** Text in which every place is different from its neighbours. */
function sample(length: number): string {
  return Array.from({ length }, (_, index) => String.fromCharCode(33 + (index % 94))).join("");
}

Deno.test("an embedded string of any length stands beside its key", () => {
  const arena = new Arena({ debug: true });
  for (const expiryMs of EXPIRIES) {
    for (const length of LENGTHS) {
      const text = sample(length);
      const entry = createEmbedded(arena, "the key", text, expiryMs);
      assertEquals(value.isEmbedded(arena, entry), true);
      assertEquals([keyOf(arena, entry), embeddedOf(arena, entry)], ["the key", text]);
      assertEquals(value.expiryOf(arena, entry), expiryMs);
      assertEquals(value.typeOf(arena, entry), value.TYPE_STRING);
      assertEquals(value.encodingOf(arena, entry), value.ENCODING_RAW);
      const bytes = value.embeddedEntryBytes(7, length, expiryMs !== value.NO_EXPIRY);
      assertEquals(arena.blockBytes(entry), Arena.bytesFor(bytes));
      freeEntry(arena, entry);
    }
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("a key of 16 bytes with a value of 3 takes 32 bytes", () => {
  const arena = new Arena({ debug: true });
  createEmbedded(arena, "key:000000000001", "xyz", value.NO_EXPIRY);
  assertEquals(arena.usedBytes, 32);
});

Deno.test("a value elsewhere is found by its ref, under keys of any length", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(100);
  const before = arena.usedBytes;
  for (const expiryMs of EXPIRIES) {
    for (const length of [0, 1, 100, 32 * 1024, 32 * 1024 + 1, 100_000, 300_000]) {
      const key = sample(length);
      const entry = createWithRef(arena, key, ref, expiryMs);
      assertEquals(value.isEmbedded(arena, entry), false);
      assertEquals(value.valueRef(arena, entry), ref);
      assertEquals(keyOf(arena, entry) === key, true, `key of ${length} bytes`);
      assertEquals(value.expiryOf(arena, entry), expiryMs);
      assertEquals(value.typeOf(arena, entry), value.TYPE_HASH);
      assertEquals(value.encodingOf(arena, entry), value.ENCODING_LISTPACK);
      freeEntry(arena, entry);
    }
  }
  assertEquals(arena.usedBytes, before);
});

Deno.test("type, encoding and access clock do not disturb each other", () => {
  const arena = new Arena({ debug: true });
  const entry = createWithRef(arena, "k", 8, value.NO_EXPIRY);
  for (const clock of [0, 1, 0x7fffff, 0xffffff]) {
    for (const encoding of [value.ENCODING_RAW, value.ENCODING_SKIPLIST, 15]) {
      value.setAccessClock(arena, entry, clock);
      value.setEncoding(arena, entry, encoding, 16);
      assertEquals(value.accessClock(arena, entry), clock);
      assertEquals(value.encodingOf(arena, entry), encoding);
      assertEquals(value.typeOf(arena, entry), value.TYPE_HASH);
      assertEquals(value.valueRef(arena, entry), 16);
    }
  }
  value.setAccessClock(arena, entry, 0x1000001);
  assertEquals([value.accessClock(arena, entry), value.typeOf(arena, entry)], [1, 4]);
});

Deno.test("an embedded string changes its length in place across 255", () => {
  const arena = new Arena({ debug: true });
  for (const expiryMs of EXPIRIES) {
    const entry = createEmbedded(arena, "key", sample(300), expiryMs);
    for (const length of [254, 255, 3, 256, 0, 300, 255, 254]) {
      value.setEmbeddedLength(arena, entry, length);
      writeEmbedded(arena, entry, sample(length));
      assertEquals([keyOf(arena, entry), embeddedOf(arena, entry)], ["key", sample(length)]);
      assertEquals(value.expiryOf(arena, entry), expiryMs);
    }
    freeEntry(arena, entry);
  }
});

Deno.test("an entry is remade under another key and expiry with all it holds", () => {
  const arena = new Arena({ debug: true });
  for (const from of EXPIRIES) {
    for (const to of EXPIRIES) {
      for (const length of LENGTHS) {
        const entry = createEmbedded(arena, "source", sample(length), from);
        value.setEncodingOnly(arena, entry, value.ENCODING_EMBSTR);
        value.setAccessClock(arena, entry, 77);
        const target = value.remakeEntry(arena, entry, latin1("<target>"), 1, 6, to);
        assertEquals([keyOf(arena, target), embeddedOf(arena, target)], ["target", sample(length)]);
        assertEquals(value.expiryOf(arena, target), to);
        assertEquals(value.encodingOf(arena, target), value.ENCODING_EMBSTR);
        assertEquals(value.accessClock(arena, target), 77);
        freeEntry(arena, target);
      }
    }
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("remaking an entry hands on the ref of its value and frees its long key", () => {
  const arena = new Arena({ debug: true });
  const entry = createWithRef(arena, sample(40_000), 4711, value.NO_EXPIRY);
  const target = value.remakeEntry(arena, entry, latin1("short"), 0, 5, 1000);
  assertEquals([keyOf(arena, target), value.valueRef(arena, target)], ["short", 4711]);
  assertEquals([value.typeOf(arena, target), value.expiryOf(arena, target)], [4, 1000]);
  freeEntry(arena, target);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("an embedded string moves to a place of its own if the new key is too long for it", () => {
  const arena = new Arena({ debug: true });
  for (const keyBytes of [16_200, 40_000]) {
    const entry = createEmbedded(arena, "key", sample(300), value.NO_EXPIRY);
    const target = value.remakeEntry(arena, entry, latin1(sample(keyBytes)), 0, keyBytes, 1000);
    assertEquals([value.isEmbedded(arena, target), value.typeOf(arena, target)], [false, 0]);
    assertEquals(value.expiryOf(arena, target), 1000);
    assert(keyOf(arena, target) === sample(keyBytes));
    const ref = value.valueRef(arena, target);
    assertEquals(fromLatin1(byteString.toBytes(arena, ref)), sample(300));
    byteString.free(arena, ref);
    freeEntry(arena, target);
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("strings are embedded only while the whole entry stays below the limit", () => {
  const { EMBEDDED_ENTRY_BYTES_MAX } = value;
  for (const keyBytes of [0, 10, 5000, EMBEDDED_ENTRY_BYTES_MAX]) {
    for (const valueBytes of [0, 10, 5000, 11_364, 11_365, EMBEDDED_ENTRY_BYTES_MAX]) {
      if (!value.fitsEmbedded(keyBytes, valueBytes)) continue;
      const bytes = value.embeddedEntryBytes(keyBytes, valueBytes, true);
      assert(bytes <= EMBEDDED_ENTRY_BYTES_MAX, `${keyBytes} + ${valueBytes}`);
    }
  }
  assert(value.fitsEmbedded(16, 16_000));
  assert(!value.fitsEmbedded(16, 16_384));
});

Deno.test("every change of an entry leaves a frozen image alone", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const plain = createEmbedded(arena, "plain", sample(255), 5000);
  const large = createWithRef(arena, "large", 4711, 5000);
  const expectOriginal = (memory: Memory) => {
    assertEquals([keyOf(memory, plain), embeddedOf(memory, plain)], ["plain", sample(255)]);
    assertEquals(value.valueRef(memory, large), 4711);
    assertEquals(value.encodingOf(memory, large), value.ENCODING_LISTPACK);
    for (const entry of [plain, large]) {
      assertEquals([value.expiryOf(memory, entry), value.accessClock(memory, entry)], [5000, 0]);
    }
  };
  const changes: (() => void)[] = [
    () => value.setEmbeddedLength(arena, plain, 3),
    () => value.setExpiryInPlace(arena, plain, 7000),
    () => value.setAccessClock(arena, large, 9),
    () => value.setEncoding(arena, large, value.ENCODING_HASHTABLE, 12),
    () => value.setValueRef(arena, large, 16),
    () => value.remakeEntry(arena, plain, latin1("new"), 0, 3, value.NO_EXPIRY),
  ];
  check.freeze(expectOriginal);
  for (const change of changes) change();
  check.release();
});
