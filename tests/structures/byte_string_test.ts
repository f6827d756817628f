/** Byte strings: short and long ones, their conversion into each other, and freezing. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import * as byteString from "../../src/structures/byte_string.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

const INLINE = byteString.INLINE_BYTES_MAX;
const BOUNDARIES = [
  0,
  1,
  4,
  12,
  13,
  4095,
  INLINE - 1,
  INLINE,
  INLINE + 1,
  SEGMENT_BYTES,
  SEGMENT_BYTES + 1,
  2 * SEGMENT_BYTES,
  2 * SEGMENT_BYTES + 5,
];

/** Bytes whose value depends on their place, over borders of chunks too. */
function pattern(length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) ^ salt;
  return bytes;
}

Deno.test("fromBytes, toBytes and duplicate keep a string of every boundary length", () => {
  const arena = new Arena({ debug: true });
  for (const length of BOUNDARIES) {
    const bytes = pattern(length + 3);
    const ref = byteString.fromBytes(arena, bytes, 3, length);
    assertEquals(byteString.byteLength(arena, ref), length);
    assertEquals(byteString.toBytes(arena, ref), bytes.slice(3));
    assertEquals(byteString.memoryBytes(arena, ref), arena.usedBytes);
    const copy = byteString.duplicate(arena, ref);
    byteString.free(arena, ref);
    assertEquals(byteString.compare(arena, copy, bytes, 3, length), 0);
    byteString.free(arena, copy);
    assertEquals(arena.usedBytes, 0);
  }
});

Deno.test("create fills with zeros although blocks are reused", () => {
  const arena = new Arena({ debug: true });
  for (const length of BOUNDARIES) {
    byteString.free(arena, byteString.fromBytes(arena, pattern(length, 9), 0, length));
    const ref = byteString.create(arena, length);
    assertEquals(byteString.toBytes(arena, ref), new Uint8Array(length));
    byteString.free(arena, ref);
  }
});

Deno.test("resize between any two boundary lengths keeps the common bytes and adds zeros", () => {
  const arena = new Arena({ debug: true });
  for (const from of BOUNDARIES) {
    for (const to of BOUNDARIES) {
      const bytes = pattern(from);
      const ref = byteString.resize(arena, byteString.fromBytes(arena, bytes, 0, from), to);
      const expected = new Uint8Array(to);
      expected.set(bytes.subarray(0, Math.min(from, to)));
      assertEquals(byteString.compare(arena, ref, expected, 0, to), 0, `${from} to ${to}`);
      assertEquals(byteString.memoryBytes(arena, ref), arena.usedBytes, `${from} to ${to}`);
      byteString.free(arena, ref);
    }
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("a string longer than 1 GiB is refused before anything is allocated", () => {
  const arena = new Arena({ debug: true });
  assertThrows(() => byteString.create(arena, byteString.BYTES_MAX + 1), Error, "1 GiB");
  const ref = byteString.create(arena, 10);
  assertThrows(() => byteString.resize(arena, ref, byteString.BYTES_MAX + 1), Error, "1 GiB");
  assertEquals(byteString.byteLength(arena, ref), 10);
});

Deno.test("byteAt and setByteAt reach both sides of a chunk border", () => {
  const arena = new Arena({ debug: true });
  for (const length of [10, INLINE, 3 * SEGMENT_BYTES]) {
    const ref = byteString.create(arena, length);
    const places = [0, length - 1, SEGMENT_BYTES - 1, SEGMENT_BYTES].filter((at) => at < length);
    for (const at of places) byteString.setByteAt(arena, ref, at, (at & 0xff) | 1);
    for (const at of places) assertEquals(byteString.byteAt(arena, ref, at), (at & 0xff) | 1);
    byteString.free(arena, ref);
  }
});

Deno.test("piece and forEachChunk cover a range once and in order", () => {
  const arena = new Arena({ debug: true });
  const out = new Slice();
  for (const length of BOUNDARIES) {
    const bytes = pattern(length);
    const ref = byteString.fromBytes(arena, bytes, 0, length);
    const joined = new Uint8Array(length);
    for (let at = 0; at < length; at += out.length) {
      byteString.piece(arena, ref, at, out);
      joined.set(out.copy(), at);
    }
    assertEquals(joined, bytes);
    byteString.piece(arena, ref, length, out);
    assertEquals(out.length, 0);
    const from = Math.floor(length / 3);
    let at = from;
    byteString.forEachChunk(arena, ref, from, length + 100, (chunk, start, count) => {
      assertEquals(chunk.slice(start, start + count), bytes.slice(at, at + count));
      at += count;
    });
    assertEquals(at, length);
    byteString.free(arena, ref);
  }
});

Deno.test("readAll shows a string of one block where it stands, and any other as a copy", () => {
  const arena = new Arena({ debug: true });
  const out = new Slice();
  for (const length of BOUNDARIES) {
    const ref = byteString.fromBytes(arena, pattern(length), 0, length);
    byteString.readAll(arena, ref, out);
    assertEquals(out.copy(), pattern(length));
    assertEquals(arena.bytes.includes(out.bytes), length <= INLINE);
    byteString.free(arena, ref);
  }
});

Deno.test("compare orders as memcmp, the shorter first", () => {
  const arena = new Arena({ debug: true });
  for (const length of [3, SEGMENT_BYTES, SEGMENT_BYTES * 2 + 7]) {
    const bytes = pattern(length);
    bytes[length - 1] = 0x80;
    const ref = byteString.fromBytes(arena, bytes, 0, length);
    const order = (other: Uint8Array) =>
      Math.sign(byteString.compare(arena, ref, other, 0, other.length));
    assertEquals(order(bytes.slice()), 0);
    assertEquals(order(bytes.slice(0, -1)), 1);
    assertEquals(order(new Uint8Array([...bytes.subarray(0, 2)])), 1);
    const longer = new Uint8Array(length + 1);
    longer.set(bytes);
    assertEquals(order(longer), -1);
    const larger = bytes.slice();
    larger[length - 1] = 0x81;
    assertEquals(order(larger), -1);
    byteString.free(arena, ref);
  }
});

Deno.test("appending byte by byte copies a small multiple of the bytes", () => {
  const arena = new Arena();
  const original = arena.copyBlock.bind(arena);
  let copiedBytes = 0;
  arena.copyBlock = (source, target, byteCount) => {
    copiedBytes += byteCount;
    original(source, target, byteCount);
  };
  let ref = byteString.create(arena, 0);
  const length = SEGMENT_BYTES + 50_000;
  for (let size = 1; size <= length; size++) {
    ref = byteString.resize(arena, ref, size);
    byteString.setByteAt(arena, ref, size - 1, size);
  }
  assert(copiedBytes < 8 * length, `${copiedBytes} bytes copied`);
  assertEquals(byteString.byteAt(arena, ref, 70_000), 70_001 & 0xff);
});

Deno.test("random changes match a plain array, before and after a freeze", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const check = new FreezeCheck();
  const { arena } = check;
  const out = new Slice();
  let model: Uint8Array = new Uint8Array(0);
  let ref = byteString.create(arena, 0);
  const note = `seed ${seed}`;
  for (let round = 0; round < 400; round++) {
    const choice = random.below(10);
    if (choice < 3) {
      const scale = random.pick([30, 5000, 3 * SEGMENT_BYTES]);
      const length = random.oneIn(4) ? random.pick(BOUNDARIES) : random.below(scale);
      const grown = new Uint8Array(length);
      grown.set(model.subarray(0, Math.min(length, model.length)));
      model = grown;
      ref = byteString.resize(arena, ref, length);
    } else if (choice < 7 && model.length > 0) {
      const offset = random.below(model.length);
      const count = random.below(Math.min(model.length - offset, 300_000) + 1);
      const bytes = pattern(count + 1, round);
      model.set(bytes.subarray(1), offset);
      byteString.write(arena, ref, offset, bytes, 1, count);
    } else if (choice < 8 && model.length > 0) {
      const offset = random.below(model.length);
      byteString.writablePiece(arena, ref, offset, out);
      out.bytes[out.start] = model[offset] = round;
    } else if (choice < 9 && !check.isFrozen) {
      const frozenModel = model.slice();
      const frozenRef = ref;
      check.freeze((memory) => {
        assertEquals(byteString.toBytes(memory, frozenRef), frozenModel, note);
      });
    } else {
      check.release();
    }
    if (round % 10 === 0) assertEquals(byteString.toBytes(arena, ref), model, note);
  }
  assertEquals(byteString.compare(arena, ref, model, 0, model.length), 0, note);
  byteString.free(arena, ref);
  check.assertEmpty();
});
