/**
 * Chance: xoshiro128** (David Blackman and Sebastiano Vigna), 128 bits of state, seeded through
 * splitmix32. Used by RANDOMKEY, SPOP, eviction sampling and all random tests: whoever passes the
 * same seed gets the same sequence on every machine.
 *
 * Not for secrets: run ids and the like come from `hexId`, which asks the system's generator.
 */
import { assert } from "./assert.ts";

const WORD_COUNT = 2 ** 32;
/** Up to here a word times the count is an exact double. */
const PRODUCT_COUNT_MAX = 2 ** 21;

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** A sequence decided by `seed` (any integer below 2^53) alone. */
  constructor(seed: number) {
    this.seed(seed);
  }

  /** Starts the sequence of `seed` from its beginning. */
  seed(seed: number): void {
    assert(Number.isSafeInteger(seed), "a seed is an integer");
    let state = (seed ^ Math.imul(Math.floor(seed / WORD_COUNT), 0x85ebca6b)) | 0;
    const splitMix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let word = state ^ (state >>> 16);
      word = Math.imul(word, 0x21f0aaad);
      word ^= word >>> 15;
      word = Math.imul(word, 0x735a2d97);
      return (word ^ (word >>> 15)) | 0;
    };
    this.#a = splitMix();
    this.#b = splitMix();
    this.#c = splitMix();
    this.#d = splitMix();
  }

  /** A uniform integer of 32 bits: 0 to 2^32 - 1. */
  next32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** A uniform integer from 0 to `count` - 1, without bias; `count` from 1 to 2^53 - 1. */
  below(count: number): number {
    assert(count >= 1 && count <= Number.MAX_SAFE_INTEGER, "below: count is out of range");
    if (count > PRODUCT_COUNT_MAX) return this.#belowLarge(count);
    // A word's share of the 2^32 is the result (Lemire 2019); words that would favour some results
    // are thrown away. Products below 2^53 are exact.
    let product = this.next32() * count;
    let result = Math.floor(product / WORD_COUNT);
    if (product - result * WORD_COUNT < count) {
      const unfair = WORD_COUNT % count;
      while (product - result * WORD_COUNT < unfair) {
        product = this.next32() * count;
        result = Math.floor(product / WORD_COUNT);
      }
    }
    return result;
  }

  #belowLarge(count: number): number {
    const limit = 2 ** 53 - 2 ** 53 % count;
    let value = this.#next53();
    while (value >= limit) value = this.#next53();
    return value % count;
  }

  #next53(): number {
    return (this.next32() >>> 11) * WORD_COUNT + this.next32();
  }

  /** A uniform number from 0 (included) to 1 (excluded) with 53 random bits. */
  double(): number {
    return this.#next53() / 2 ** 53;
  }

  /** Brings the items into a uniformly random order, in place (Fisher-Yates). */
  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      const item = items[i]!;
      items[i] = items[other]!;
      items[other] = item;
    }
  }
}

/** A seed nobody can foresee: 32 bits from the system's generator. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** `length` lower-case hexadecimal digits from the system's generator. */
export function hexId(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array((length + 1) >> 1));
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text.slice(0, length);
}

/** The process's own generator. */
export const random: Random = new Random(randomSeed());
