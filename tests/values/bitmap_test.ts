/** Bitmap: bits of embedded and of long strings, against a string of "0" and "1". */
import { assertEquals } from "@std/assert";
import { Random, randomSeed } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import * as bitmap from "../../src/values/bitmap.ts";
import * as stringValue from "../../src/values/string_value.ts";
import { NO_EXPIRY } from "../../src/values/value.ts";

const KEY = new Uint8Array([1, 2, 3]);

for (const length of [1, 63, 64, 100, 20_000, 524_290]) {
  Deno.test(`bits of a string of ${length} bytes are counted, found, read and written`, () => {
    const seed = randomSeed();
    const random = new Random(seed);
    const arena = new Arena({ debug: true });
    const bytes = new Uint8Array(length);
    for (let index = 0; index < Math.min(50, length); index++) {
      bytes[random.below(length)] = random.below(256);
    }
    const entry = stringValue.createEntry(arena, KEY, 0, 3, bytes, 0, length, NO_EXPIRY);
    const total = length * 8;
    for (let step = 0; step < 60; step++) {
      const width = 1 + random.below(Math.min(32, total));
      const at = random.below(total - width + 1);
      const number = random.next32() % 2 ** width;
      bitmap.writeBits(arena, entry, at, width, number);
      assertEquals(bitmap.readBits(arena, entry, at, width), number, `seed ${seed}`);
      writeModel(bytes, at, width, number);
    }
    for (let step = 0; step < 30; step++) {
      const from = random.below(total);
      const to = from + random.below(total - from);
      assertEquals(bitmap.countBits(arena, entry, from, to), countModel(bytes, from, to));
      for (const bit of [0, 1]) {
        const found = bitmap.findBit(arena, entry, bit, from, to);
        assertEquals(found, findModel(bytes, bit, from, to), `seed ${seed}`);
      }
    }
  });
}

function bitOf(bytes: Uint8Array, at: number): number {
  return (bytes[at >>> 3] >> (7 - (at & 7))) & 1;
}

function writeModel(bytes: Uint8Array, at: number, width: number, number: number): void {
  const digits = number.toString(2).padStart(width, "0");
  for (let index = 0; index < width; index++) {
    const mask = 0x80 >> ((at + index) & 7);
    if (digits[index] === "1") bytes[(at + index) >>> 3] |= mask;
    else bytes[(at + index) >>> 3] &= ~mask;
  }
}

function countModel(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at <= to; at++) count += bitOf(bytes, at);
  return count;
}

function findModel(bytes: Uint8Array, bit: number, from: number, to: number): number {
  for (let at = from; at <= to; at++) {
    if (bitOf(bytes, at) === bit) return at;
  }
  return -1;
}

Deno.test("combining is the same for aligned and for odd ranges", () => {
  const random = new Random(5);
  const source = Uint8Array.from({ length: 1100 }, () => random.below(256));
  for (const operation of [bitmap.AND, bitmap.OR, bitmap.XOR] as const) {
    for (const start of [0, 1, 4, 7]) {
      for (const [targetStart, length] of [[0, 290], [4, 1024], [4, 1039], [8, 519], [3, 600]]) {
        const target = Uint8Array.from({ length: 1100 }, (_, index) => index & 255);
        const expected = target.map((byte, index) => {
          const at = index - targetStart;
          if (at < 0 || at >= length) return byte;
          const other = source[start + at];
          if (operation === bitmap.AND) return byte & other;
          return operation === bitmap.OR ? byte | other : byte ^ other;
        });
        bitmap.combine(target, targetStart, source, start, length, operation);
        assertEquals(target, expected);
      }
    }
  }
});

Deno.test("turning over all bits of a range leaves its neighbours alone", () => {
  for (const [start, length] of [[0, 0], [1, 7], [4, 600], [4, 515], [5, 700], [8, 1091]]) {
    const bytes = Uint8Array.from({ length: 1100 }, (_, index) => index & 255);
    const expected = bytes.map((byte, at) => at >= start && at < start + length ? ~byte : byte);
    bitmap.invert(bytes, start, length);
    assertEquals(bytes, expected);
  }
});

Deno.test("set bits are counted in ranges of any length and place", () => {
  const random = new Random(6);
  const bytes = Uint8Array.from({ length: 3000 }, () => random.below(256));
  for (let round = 0; round < 300; round++) {
    const start = random.below(40);
    const length = random.below(round < 150 ? 60 : 2900);
    let expected = 0;
    for (let at = start; at < start + length; at++) {
      for (let byte = bytes[at]; byte !== 0; byte >>= 1) expected += byte & 1;
    }
    assertEquals(bitmap.countSetBits(bytes, start, length), expected, `${start}, ${length}`);
  }
  bytes.fill(255);
  assertEquals(bitmap.countSetBits(bytes, 1, 2999), 2999 * 8);
});
