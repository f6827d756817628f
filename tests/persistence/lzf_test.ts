/** LZF: round trips of random text, known bytes of Redis, and hostile input. */
import { assert, assertEquals } from "@std/assert";
import * as lzf from "../../src/persistence/lzf.ts";
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
  const source = compressed(latin1("the same words, the same words, the same words again"));
  const guarded = new Uint8Array(100);
  for (let round = 0; round < 3000; round++) {
    const bytes = source.slice();
    for (let flips = random.between(1, 4); flips > 0; flips--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    const length = random.between(0, 60);
    guarded.fill(0xee);
    lzf.decompress(bytes, 0, bytes.length, guarded, 20, length);
    assert(guarded.subarray(0, 20).every((byte) => byte === 0xee), `round ${round}`);
    assert(guarded.subarray(20 + length).every((byte) => byte === 0xee), `round ${round}`);
  }
});

Deno.test("a wrong length is noticed", () => {
  const packed = compressed(latin1("abc".repeat(20)));
  const target = new Uint8Array(100);
  assertEquals(lzf.decompress(packed, 0, packed.length, target, 0, 60), true);
  assertEquals(lzf.decompress(packed, 0, packed.length, target, 0, 59), false);
  assertEquals(lzf.decompress(packed, 0, packed.length, target, 0, 61), false);
});
