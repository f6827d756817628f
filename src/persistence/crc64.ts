/**
 * CRC-64 of RDB files and DUMP payloads: the "Jones" polynomial ad93d23594c935a9, reflected,
 * starting from 0, no final inversion. The CRC of "123456789" is e9c6d914c4b8d9ca.
 *
 * Eight bytes are taken at a time (slicing-by-8, Kounavis and Berry 2005): table k tells what a
 * byte contributes that is followed by k further ones. A 64-bit value is kept as two 32-bit halves,
 * for a BigInt per step would cost a hundred times as much.
 */

const POLYNOMIAL_HIGH = 0x95ac9329 | 0;
const POLYNOMIAL_LOW = 0xac4bc9b5 | 0;

/** Per table and byte: low half, high half. Table k begins at k × TABLE_WORDS. */
const TABLE_WORDS = 512;
const tables = makeTables();

function makeTables(): Int32Array {
  const words = new Int32Array(8 * TABLE_WORDS);
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) !== 0;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    words[byte << 1] = low;
    words[(byte << 1) + 1] = high;
  }
  for (let at = TABLE_WORDS; at < words.length; at += 2) {
    const low = words[at - TABLE_WORDS];
    const high = words[at - TABLE_WORDS + 1];
    const index = (low & 255) << 1;
    words[at] = ((low >>> 8) | (high << 24)) ^ words[index];
    words[at + 1] = (high >>> 8) ^ words[index + 1];
  }
  return words;
}

/** A running CRC. */
export class Crc64 {
  low = 0;
  high = 0;

  reset(): void {
    this.low = 0;
    this.high = 0;
  }

  /** Takes in a range of bytes. */
  update(bytes: Uint8Array, start: number, length: number): void {
    let low = this.low;
    let high = this.high;
    let at = start;
    const end = start + length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const fast = end - 7; at < fast; at += 8) {
      low ^= view.getInt32(at, true);
      high ^= view.getInt32(at + 4, true);
      const a = ((low & 255) << 1) + 7 * TABLE_WORDS;
      const b = ((low >>> 7) & 510) + 6 * TABLE_WORDS;
      const c = ((low >>> 15) & 510) + 5 * TABLE_WORDS;
      const d = ((low >>> 23) & 510) + 4 * TABLE_WORDS;
      const e = ((high & 255) << 1) + 3 * TABLE_WORDS;
      const f = ((high >>> 7) & 510) + 2 * TABLE_WORDS;
      const g = ((high >>> 15) & 510) + TABLE_WORDS;
      const h = (high >>> 23) & 510;
      low = tables[a] ^ tables[b] ^ tables[c] ^ tables[d] ^
        tables[e] ^ tables[f] ^ tables[g] ^ tables[h];
      high = tables[a + 1] ^ tables[b + 1] ^ tables[c + 1] ^ tables[d + 1] ^
        tables[e + 1] ^ tables[f + 1] ^ tables[g + 1] ^ tables[h + 1];
    }
    for (; at < end; at++) {
      const index = ((low ^ bytes[at]) & 255) << 1;
      low = ((low >>> 8) | (high << 24)) ^ tables[index];
      high = (high >>> 8) ^ tables[index + 1];
    }
    this.low = low;
    this.high = high;
  }

  /** Writes the eight bytes of the CRC as files hold it, lowest first. */
  store(target: Uint8Array, at: number): void {
    for (let index = 0; index < 4; index++) {
      target[at + index] = this.low >>> (index << 3);
      target[at + 4 + index] = this.high >>> (index << 3);
    }
  }

  /** Whether the eight bytes at `at` are those that `store` would write. */
  matches(bytes: Uint8Array, at: number): boolean {
    for (let index = 0; index < 4; index++) {
      if (bytes[at + index] !== ((this.low >>> (index << 3)) & 255)) return false;
      if (bytes[at + 4 + index] !== ((this.high >>> (index << 3)) & 255)) return false;
    }
    return true;
  }
}
