/** String values: encodings, overwriting in place, resizing across all forms, under freezes. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, Slice } from "../../src/base/bytes.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as byteString from "../../src/structures/byte_string.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as stringValue from "../../src/values/string_value.ts";
import * as value from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

const KEY = latin1Bytes("counter:17");
const out = new Slice();

function create(arena: Arena, text: string, expiryMs = value.NO_EXPIRY): Ref {
  const bytes = latin1Bytes(text);
  return stringValue.createEntry(arena, KEY, 0, KEY.length, bytes, 0, bytes.length, expiryMs);
}

function textOf(memory: Memory, entry: Ref): string {
  stringValue.read(memory, entry, out);
  return String.fromCharCode(...out.copy());
}

function destroy(arena: Arena, entry: Ref): void {
  if (!value.isEmbedded(arena, entry)) byteString.free(arena, value.valueRef(arena, entry));
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

Deno.test("an integer is overwritten by others while its block has room", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const entry = create(arena, "9", 1234);
  const used = arena.usedBytes;
  for (const number of [10, 99, -100, 0, 99_999, -1]) {
    assert(stringValue.overwriteInteger(arena, entry, number), String(number));
    assertEquals(textOf(arena, entry), String(number));
    assertEquals(value.encodingOf(arena, entry), value.ENCODING_INT);
    assertEquals(value.expiryOf(arena, entry), 1234);
  }
  assertEquals(arena.usedBytes, used);
  const large = create(arena, "x".repeat(20_000));
  assert(!stringValue.overwriteInteger(arena, large, 1));
  destroy(arena, large);
  destroy(arena, entry);
  check.assertEmpty();
});

Deno.test("overwriting a digit of a frozen counter leaves the frozen one alone", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const entry = create(arena, "41");
  check.freeze((memory) => assertEquals(textOf(memory, entry), "41"));
  assert(stringValue.overwriteInteger(arena, entry, 42));
  assertEquals(textOf(arena, entry), "42");
  check.release();
  destroy(arena, entry);
  check.assertEmpty();
});

Deno.test("random resizes and writes agree with a model, frozen or not", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const check = new FreezeCheck();
  const { arena } = check;
  let model = new Uint8Array([65]);
  let entry = create(arena, "A", 77);
  for (let step = 0; step < 400; step++) {
    const limit = [10, 300, 5000, 17_000, 300_000][random.below(random.below(10) === 0 ? 5 : 3)];
    const length = random.below(limit);
    entry = stringValue.resize(arena, entry, length);
    const resized = new Uint8Array(length);
    resized.set(model.subarray(0, length));
    model = resized;
    if (length > 0) {
      const offset = random.below(length);
      const bytes = new Uint8Array(random.below(length - offset + 1)).fill(random.below(256));
      stringValue.write(arena, entry, offset, bytes, 0, bytes.length);
      model.set(bytes, offset);
    }
    assertEquals(stringValue.byteLength(arena, entry), length);
    for (let at = 0; at < length; at += out.length) {
      stringValue.piece(arena, entry, at, out);
      assertEquals(out.copy(), model.slice(at, at + out.length), `seed ${seed}, step ${step}`);
    }
    assertEquals(value.expiryOf(arena, entry), 77);
    if (random.below(10) === 0) {
      if (check.isFrozen) check.release();
      else freezeWith(check, entry, model.slice());
    }
  }
  check.release();
  destroy(arena, entry);
  check.assertEmpty();
});

function freezeWith(check: FreezeCheck, entry: Ref, expected: Uint8Array): void {
  check.freeze((memory) => {
    stringValue.read(memory, entry, out);
    assertEquals(out.copy(), expected);
  });
}
