/**
 * The seeded hash against the published test vectors of HalfSipHash-1-3 (those of the Linux
 * kernel's siphash test), and against the algorithm written down once more, in bigints.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hashBytes, seedHash } from "../../src/base/hash.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

/** The key 00 01 … 07, as the vectors use it. */
const VECTOR_KEY = Int32Array.of(0x03020100, 0x07060504);
/** Hashes of the inputs "", 00, 00 01, … */
const VECTORS = [
  0x5814c896,
  0xe7e864ca,
  0xbc4b0e30,
  0x01539939,
  0x7e059ea6,
  0x88e3d89b,
  0xa0080b65,
  0x9d38d9d6,
];

const MASK = 0xffffffffn;

function rotated(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (32n - bits))) & MASK;
}

function sipRound(v: bigint[]): void {
  v[0] = (v[0] + v[1]) & MASK;
  v[1] = rotated(v[1], 5n) ^ v[0];
  v[0] = rotated(v[0], 16n);
  v[2] = (v[2] + v[3]) & MASK;
  v[3] = rotated(v[3], 8n) ^ v[2];
  v[0] = (v[0] + v[3]) & MASK;
  v[3] = rotated(v[3], 7n) ^ v[0];
  v[2] = (v[2] + v[1]) & MASK;
  v[1] = rotated(v[1], 13n) ^ v[2];
  v[2] = rotated(v[2], 16n);
}

function slowHash(bytes: Uint8Array, key: Int32Array): number {
  const key0 = BigInt(key[0] >>> 0);
  const key1 = BigInt(key[1] >>> 0);
  const v = [key0, key1, 0x6c796765n ^ key0, 0x74656462n ^ key1];
  const padded = new Uint8Array((bytes.length & ~3) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const word = BigInt(words.getUint32(at, true));
    v[3] ^= word;
    sipRound(v);
    v[0] ^= word;
  }
  v[2] ^= 0xffn;
  for (let round = 0; round < 3; round++) sipRound(v);
  return Number(v[1] ^ v[3]) | 0;
}

Deno.test("the hash has the published values", () => {
  seedHash(VECTOR_KEY);
  const input = Uint8Array.from({ length: VECTORS.length }, (_, index) => index);
  const found = VECTORS.map((_, length) => hashBytes(input, 0, length) >>> 0);
  assertEquals(found, VECTORS);
});

Deno.test("the hash agrees with the plain algorithm at every length, place and key", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 300; round++) {
    const key = Int32Array.of(random.next() | 0, random.next() | 0);
    seedHash(key);
    const bytes = random.bytes(80);
    const start = random.below(8);
    const length = random.below(72);
    const expected = slowHash(bytes.subarray(start, start + length), key);
    assertEquals(hashBytes(bytes, start, length), expected, `seed ${seed}, length ${length}`);
  }
});

Deno.test("another seed gives other hashes", () => {
  const text = new TextEncoder().encode("key:000000000001");
  seedHash(Int32Array.of(1, 2));
  const first = hashBytes(text, 0, text.length);
  seedHash(Int32Array.of(1, 3));
  assertNotEquals(hashBytes(text, 0, text.length), first);
});

Deno.test("keys that differ by a number spread evenly over the low bits", () => {
  seedHash(VECTOR_KEY);
  const counts = new Int32Array(256);
  for (let index = 0; index < 25600; index++) {
    const text = new TextEncoder().encode(`key:${index}`);
    counts[hashBytes(text, 0, text.length) & 255]++;
  }
  // 100 are expected in each; six standard deviations are 60.
  assert(Math.min(...counts) > 40 && Math.max(...counts) < 160, `${counts}`);
});
