/** LZF: round trips of random text, known bytes of Redis, and hostile input. */
import { assert, assertEquals } from "@std/assert";
import * as lzf from "../../src/base/lzf.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

function compressed(bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(lzf.targetBytes(bytes.length));
  return target.subarray(0, lzf.compress(bytes, 0, bytes.length, target, 0));
}

Deno.test("compressed text is that of Redis", () => {
  // From DUMP payloads of redis-server 7.0.15.
  const known: [string, string][] = [
    ["a".repeat(30), "\x01aa\xe0\x11\x00\x01aa"],
    ["abc".repeat(8), "\x03abca\xe0\x0a\x02\x00c"],
    [
      "the same words, the same words, the same words again",
      "\x10the same words, t\xe0\x14\x0f\x05 again",
    ],
  ];
  for (const [text, packed] of known) {
    assertEquals(fromLatin1(compressed(latin1(text))), packed);
  }
});

Deno.test("random text of any entropy comes back unchanged", () => {
  const random = new SeededRandom(11);
  let shorter = 0;
  for (let round = 0; round < 400; round++) {
    const letters = random.between(1, 30);
    const bytes = random.bytes(random.between(1, 700)).map((byte) => byte % letters);
    const packed = compressed(bytes);
    if (packed.length === 0) continue;
    shorter++;
    assert(packed.length <= bytes.length - 4);
    assert(lzf.isPossibleLength(packed.length, bytes.length));
    const unpacked = new Uint8Array(bytes.length);
    assert(lzf.decompress(packed, 0, packed.length, unpacked, 0, bytes.length), `round ${round}`);
    assertEquals(unpacked, bytes, `round ${round}`);
  }
  assert(shorter > 100);
});

Deno.test("long repetitions stay within the promised expansion", () => {
  const bytes = new Uint8Array(1_000_000);
  const packed = compressed(bytes);
  assert(lzf.isPossibleLength(packed.length, bytes.length));
});

Deno.test("damaged input never writes outside of the target", () => {
  const random = new SeededRandom(5);
  const words = "the same words, the same words, the same words again";
  // Long ranges are copied in larger pieces, which must not reach beyond the end either.
  for (const text of [words, words + random.bytes(300).toHex() + "ab".repeat(90) + words]) {
    const source = compressed(latin1(text));
    const guarded = new Uint8Array(text.length + 50);
    for (let round = 0; round < 3000; round++) {
      const bytes = source.slice();
      for (let flips = random.between(0, 4); flips > 0; flips--) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      const length = random.between(0, text.length + 8);
      guarded.fill(0xee);
      lzf.decompress(bytes, 0, bytes.length, guarded, 20, length);
      assert(guarded.subarray(0, 20).every((byte) => byte === 0xee), `round ${round}`);
      assert(guarded.subarray(20 + length).every((byte) => byte === 0xee), `round ${round}`);
    }
  }
});

Deno.test("a repetition of any distance and length is copied forwards", () => {
  const before = latin1("0123456789abcdef".repeat(20));
  for (let distance = 1; distance <= 20; distance++) {
    for (let count = 3; count <= 40; count++) {
      const packed: number[] = [];
      for (let at = 0; at < before.length; at += 32) packed.push(31, ...before.slice(at, at + 32));
      if (count < 9) packed.push((count - 2) << 5, distance - 1);
      else packed.push(7 << 5, count - 9, distance - 1);
      const wanted = [...before];
      for (let index = 0; index < count; index++) wanted.push(wanted.at(-distance)!);
      packed.push(7, ...latin1("the end."));
      wanted.push(...latin1("the end."));
      const target = new Uint8Array(wanted.length);
      const source = new Uint8Array(packed);
      assert(lzf.decompress(source, 0, source.length, target, 0, target.length));
      assertEquals(target, new Uint8Array(wanted), `${count} from ${distance} back`);
    }
  }
});

Deno.test("a wrong length is noticed", () => {
  const packed = compressed(latin1("abc".repeat(20)));
  const target = new Uint8Array(100);
  assertEquals(lzf.decompress(packed, 0, packed.length, target, 0, 60), true);
  assertEquals(lzf.decompress(packed, 0, packed.length, target, 0, 59), false);
  assertEquals(lzf.decompress(packed, 0, packed.length, target, 0, 61), false);
});
