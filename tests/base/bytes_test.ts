/** Tests of src/base/bytes.ts. Shared memory is used where it might make a difference. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  compareBytes,
  copyBytes,
  copyUnaided,
  equalBytes,
  equalsIgnoreCase,
  indexOfByte,
  indexOfBytes,
  latin1AsUtf8,
  latin1Bytes,
  latin1Text,
  readableText,
  readyForCopies,
  readyView,
  Slice,
  SLICE_ROOM_BYTES,
  utf8AsLatin1,
  utf8Text,
  writeLatin1,
} from "../../src/base/bytes.ts";
import { mayUseLibc } from "../../src/base/native.ts";
import { Random } from "../../src/base/random.ts";

function sharedBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  writeLatin1(text, bytes, 0);
  return bytes;
}

Deno.test("equalBytes compares ranges at their own offsets", () => {
  const a = latin1Bytes("xxabcdef");
  const b = sharedBytes("abcdeg");
  assert(equalBytes(a, 2, b, 0, 5));
  assert(!equalBytes(a, 2, b, 0, 6));
  assert(equalBytes(a, 0, b, 5, 0));
});

Deno.test("compareBytes orders by unsigned bytes, then by length", () => {
  const compare = (a: string, b: string) =>
    Math.sign(compareBytes(latin1Bytes(a), 0, a.length, sharedBytes(b), 0, b.length));
  assertEquals(compare("abc", "abd"), -1);
  assertEquals(compare("abc", "ab"), 1);
  assertEquals(compare("", "a"), -1);
  assertEquals(compare("\x80", "\x7f"), 1);
  assertEquals(compare("same", "same"), 0);
});

Deno.test("equalsIgnoreCase folds letters and nothing else", () => {
  const bytes = latin1Bytes("--GeT{@");
  assert(equalsIgnoreCase(bytes, 2, 3, "get"));
  assert(!equalsIgnoreCase(bytes, 2, 3, "gets"));
  // "[" and "{", "@" and "`" differ in the bit that makes letters small.
  assert(!equalsIgnoreCase(latin1Bytes("["), 0, 1, "{"));
  assert(!equalsIgnoreCase(latin1Bytes("@"), 0, 1, "`"));
});

Deno.test("indexOfByte finds the first byte of the range and none beyond it", () => {
  for (const length of [10, 300]) {
    const bytes = new Uint8Array(length + 20).fill(1);
    bytes[2] = bytes[length + 5] = 13;
    assertEquals(indexOfByte(bytes, 0, length, 13), 2);
    assertEquals(indexOfByte(bytes, 3, length, 13), -1);
    assertEquals(indexOfByte(bytes, 3, length + 10, 13), length + 5);
  }
});

Deno.test("indexOfBytes finds a needle that lies wholly in the range", () => {
  const hay = latin1Bytes("ababac--abac");
  const find = (needle: string, start: number, length: number) =>
    indexOfBytes(hay, start, length, latin1Bytes(needle), 0, needle.length);
  assertEquals(find("abac", 0, 12), 2);
  assertEquals(find("abac", 3, 9), 8);
  assertEquals(find("abac", 3, 8), -1);
  assertEquals(find("", 4, 2), 4);
});

Deno.test("latin1Text and latin1Bytes are inverse for every byte and length", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
  for (const text of ["", "a", "\r\n\0\xff", all, all.repeat(20)]) {
    const bytes = latin1Bytes(text);
    assertEquals(bytes.length, text.length);
    assertEquals(latin1Text(bytes, 0, bytes.length), text);
    assertEquals(latin1Text(sharedBytes("<" + text + ">"), 1, text.length), text);
  }
});

Deno.test("writeLatin1 writes a byte for each character of a long text, and nothing beside them", () => {
  const ascii = "abc\r\n\0\x7f".repeat(40);
  for (
    const text of [ascii, "\x80" + ascii, ascii + "\xff" + ascii, ascii + "\u20ac", "ü".repeat(200)]
  ) {
    const target = new Uint8Array(text.length + 20).fill(0xee);
    assertEquals(writeLatin1(text, target, 7), text.length);
    const expected = new Uint8Array(text.length + 20).fill(0xee);
    for (let i = 0; i < text.length; i++) expected[7 + i] = text.charCodeAt(i);
    assertEquals(target, expected);
  }
  // Room that is missing is not made up for.
  const short = new Uint8Array(100);
  writeLatin1(ascii, short, 90);
  assertEquals(latin1Text(short, 90, 10), ascii.slice(0, 10));
});

Deno.test("utf8Text reads UTF-8 from shared memory and marks what is not", () => {
  const bytes = new TextEncoder().encode("größe €");
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 1));
  shared.set(bytes);
  shared[bytes.length] = 0xff;
  assertEquals(utf8Text(shared, 0, shared.length), "größe €\ufffd");
});

// Where the C library may be called, and where it may not.
for (const copy of [copyBytes, copyUnaided]) {
  Deno.test(`${copy.name} moves overlapping ranges of one array, up and down`, () => {
    for (const length of [1, 7, 48, 49, 127, 128, 500, 2047, 2048, 5000]) {
      for (const shift of [-8, -3, -1, 0, 1, 3, 8]) {
        const start = Uint8Array.from({ length: length + 20 }, (_, i) => (i * 7) & 255);
        const wanted = start.slice();
        wanted.set(start.slice(10, 10 + length), 10 + shift);
        copy(start, 10, start, 10 + shift, length);
        assertEquals(start, wanted);
      }
    }
  });

  Deno.test(`${copy.name} moves more than 64 KiB, overlapping, whatever the alignment`, () => {
    for (const length of [65_536, 65_537, 200_001]) {
      for (const isShared of [false, true]) {
        for (const shift of [-65_541, -9, -1, 1, 9, 65_541]) {
          const size = length + 2 * 70_000;
          const buffer = isShared ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
          const bytes = new Uint8Array(buffer);
          for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8)) & 255;
          const wanted = Uint8Array.from(bytes);
          wanted.set(wanted.slice(70_000, 70_000 + length), 70_000 + shift);
          copy(bytes, 70_000, bytes, 70_000 + shift, length);
          const difference = bytes.findIndex((byte, i) => byte !== wanted[i]);
          assertEquals(difference, -1, `${length} bytes moved by ${shift}`);
        }
      }
    }
  });

  Deno.test(`${copy.name} writes only the range, from any array to any other`, () => {
    const random = new Random(7);
    for (let round = 0; round < 400; round++) {
      const length = random.below(round < 200 ? 200 : 5000);
      const source = Uint8Array.from({ length: length + 9 }, () => random.below(256));
      const target = new Uint8Array(new SharedArrayBuffer(length + 30));
      const at = 11 + random.below(8);
      copy(source, 4, target, at, length);
      assertEquals(target.slice(at, at + length), source.slice(4, 4 + length));
      assert(target.slice(0, at).every((byte) => byte === 0));
      assert(target.slice(at + length).every((byte) => byte === 0));
    }
  });
}

Deno.test("arrays that are ready for copies get the range and nothing beyond it", () => {
  const random = new Random(9);
  const sourceRoom = new SharedArrayBuffer(2000);
  new Uint8Array(sourceRoom).forEach((_, index, bytes) => bytes[index] = random.below(256));
  const source = readyForCopies(new Uint8Array(sourceRoom, 64, 1900));
  const target = readyForCopies(new Uint8Array(new ArrayBuffer(1000), 8, 900));
  const back = readyForCopies(new Uint8Array(new SharedArrayBuffer(900)));
  for (let length = 0; length <= 700; length += length < 80 ? 1 : 1 + random.below(9)) {
    const [from, to, at] = [random.below(1100), random.below(100), random.below(100)];
    target.fill(0);
    back.fill(0);
    copyBytes(source, from, target, to, length);
    copyBytes(target, to, back, at, length);
    assertEquals(target.slice(to, to + length), source.slice(from, from + length));
    assertEquals(back.slice(at, at + length), source.slice(from, from + length));
    for (const [bytes, start] of [[target, to], [back, at]] as const) {
      assert(bytes.slice(0, start).every((byte) => byte === 0));
      assert(bytes.slice(start + length).every((byte) => byte === 0));
    }
  }
  assertEquals(new Uint8Array(target.buffer).subarray(908).every((byte) => byte === 0), true);
  for (const length of [16, 100, 640]) {
    assertThrows(() => copyBytes(source, 0, target, 901 - length, length), RangeError);
    assertThrows(() => copyBytes(source, 1901 - length, target, 0, length), RangeError);
  }
});

Deno.test("copyBytes refuses to copy beyond the end of an array", () => {
  for (const length of [100, 200, 5000]) {
    const long = new Uint8Array(length);
    const short = new Uint8Array(length - 1);
    assertThrows(() => copyBytes(long, 0, short, 0, length), RangeError);
    assertThrows(() => copyBytes(long, 0, long, 1, length), RangeError);
  }
  const [source, target] = [new Uint8Array(4999), new Uint8Array(5000)];
  // Only the C library would read on.
  if (mayUseLibc()) assertThrows(() => copyBytes(source, 0, target, 0, 5000), RangeError);
});

Deno.test("Slice.copy outlives the bytes it was cut from", () => {
  const bytes = latin1Bytes("key:1");
  const slice = new Slice();
  slice.set(bytes, 1, 3);
  const copy = slice.copy();
  bytes.fill(0);
  assertEquals(copy, latin1Bytes("ey:"));
});

Deno.test("a slice has one room of its own, and tells whether it shows what is there", () => {
  const slice = new Slice();
  const other = new Slice();
  assertEquals(slice.isInRoom, false);
  const room = slice.room();
  assertEquals([room.length, slice.isInRoom], [SLICE_ROOM_BYTES, false]);
  slice.set(room, 0, writeLatin1("123", room, 0));
  other.set(slice.bytes, slice.start, slice.length);
  assertEquals([slice.isInRoom, other.isInRoom], [true, false]);
  const otherRoom = other.room();
  writeLatin1("4567", otherRoom, 0);
  assertEquals(slice.copy(), latin1Bytes("123"));
  slice.forget();
  assertEquals([slice.isInRoom, slice.length], [false, 0]);
  assert(slice.room() === room && otherRoom !== room);
  assert(readyView(room) !== undefined, "copied from as quickly as from memory");
});

Deno.test("text in UTF-8 as Latin-1 and back, if it is UTF-8", () => {
  for (const text of ["", "plain", "à Р →", "\ufeffa", "\u{1f600}"]) {
    const latin1 = utf8AsLatin1(text);
    assertEquals(latin1Bytes(latin1), new TextEncoder().encode(text));
    assertEquals(latin1AsUtf8(latin1), text);
    assertEquals(readableText(latin1), text);
  }
  assertEquals([latin1AsUtf8("x\xff"), latin1AsUtf8("\xc3")], [null, null]);
  assertEquals(readableText("x\xff"), "x\xff");
});
