/**
 * SHA-1 (FIPS 180-4), in pieces, without an object per message: DEBUG DIGEST hashes several short
 * strings per key, for which calling the runtime's would cost ten times as much. Not for secrets.
 */
import { latin1Bytes } from "./bytes.ts";

export const SHA1_BYTES = 20;

const BLOCK_BYTES = 64;
const LENGTH_OFFSET = 56;
const schedule = new Int32Array(80);

export class Sha1 {
  readonly #state = new Int32Array(5);
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #blockBytes = 0;
  #totalBytes = 0;

  constructor() {
    this.reset();
  }

  /** Begins a new message. */
  reset(): this {
    this.#state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
    this.#blockBytes = 0;
    this.#totalBytes = 0;
    return this;
  }

  /** Appends bytes to the message. */
  update(bytes: Uint8Array, start: number, length: number): this {
    this.#totalBytes += length;
    for (let at = start; at < start + length; at++) {
      this.#block[this.#blockBytes++] = bytes[at];
      if (this.#blockBytes === BLOCK_BYTES) this.#compress();
    }
    return this;
  }

  /** Ends the message and writes its hash to the first 20 bytes of `target`. */
  digest(target: Uint8Array): void {
    const block = this.#block;
    block[this.#blockBytes++] = 0x80;
    block.fill(0, this.#blockBytes);
    if (this.#blockBytes > LENGTH_OFFSET) {
      this.#compress();
      block.fill(0);
    }
    // The length in bits, highest byte first; messages stay far below 2^50 bytes.
    let bits = this.#totalBytes * 8;
    for (let at = BLOCK_BYTES - 1; at >= LENGTH_OFFSET; at--) {
      block[at] = bits % 256;
      bits = Math.floor(bits / 256);
    }
    this.#compress();
    for (let index = 0; index < SHA1_BYTES; index++) {
      target[index] = this.#state[index >>> 2] >>> (24 - ((index & 3) << 3));
    }
  }

  #compress(): void {
    this.#blockBytes = 0;
    fillSchedule(this.#block);
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    for (let round = 0; round < 80; round++) {
      let mixed: number;
      if (round < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
      else if (round < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
      else if (round < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
      else mixed = (b ^ c ^ d) + 0xca62c1d6;
      const next = (((a << 5) | (a >>> 27)) + mixed + e + schedule[round]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
  }
}

function fillSchedule(block: Uint8Array): void {
  for (let index = 0; index < 16; index++) {
    const at = index << 2;
    schedule[index] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) |
      block[at + 3];
  }
  for (let index = 16; index < 80; index++) {
    const word = schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^
      schedule[index - 16];
    schedule[index] = (word << 1) | (word >>> 31);
  }
}

/** The hash of a text of Latin-1 characters: 40 hexadecimal digits. */
export function hexSha1(text: string): string {
  const bytes = latin1Bytes(text);
  const digest = new Uint8Array(SHA1_BYTES);
  new Sha1().update(bytes, 0, bytes.length).digest(digest);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
