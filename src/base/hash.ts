/**
 * Seeded hash of a byte range: HalfSipHash-1-3 (Aumasson and Bernstein; the 32-bit sibling of the
 * SipHash that Redis uses, in the variant that Linux uses for its hash tables).
 *
 * It needs only 32-bit additions, rotations and exclusive-ors, which JavaScript compiles to single
 * instructions. The key is drawn at start, so clients cannot choose keys that collide.
 */

let key0 = 0;
let key1 = 0;

/**
 * Sets the 64-bit key. Must be called before the first hash; hashes of before mean nothing after.
 */
export function seedHash(seed: Int32Array): void {
  key0 = seed[0];
  key1 = seed[1];
}

seedHash(crypto.getRandomValues(new Int32Array(2)));

/** The hash, a signed 32-bit integer, of `length` bytes from `start`. */
export function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  const end = start + length;
  const wordsEnd = start + (length & ~3);
  let at = start;
  let rest = 0;
  // One word per turn; the last turn takes the 0 to 3 bytes that are left, and the length.
  for (;;) {
    let word: number;
    if (at < wordsEnd) {
      word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      at += 4;
    } else {
      word = length << 24;
      for (let shift = 0; at < end; at++, shift += 8) word |= bytes[at] << shift;
      rest = 1;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (rest !== 0) break;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}
