/**
 * Repeatable random numbers for tests: the same seed gives the same run on every machine.
 *
 * The generator is mulberry32 (Tommy Ettinger, public domain): 32 bits of state, plenty for
 * choosing test data. It is not the generator of the server and not fit for anything secret.
 */

export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.next() / 4294967296 * bound);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `count` calls on average. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }

  /** Random bytes, every value from 0 to 255 possible. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.next() & 255;
    return bytes;
  }

  /** Lower-case letters. */
  word(length: number): string {
    let word = "";
    for (let i = 0; i < length; i++) word += String.fromCharCode(97 + this.below(26));
    return word;
  }
}

/** A seed from the system's generator, for campaigns that name none. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

const FIRST_TEST_SEED = 20261128;
let seedCount = 0;

/**
 * A seed for a test. They are the same in each run, so that whether a change passes is no matter of
 * luck; REDENO_SEED=fresh draws others, REDENO_SEED=<number> repeats one that has failed.
 */
export function testSeed(): number {
  const wanted = Deno.env.get("REDENO_SEED");
  if (wanted === "fresh") return freshSeed();
  return wanted === undefined ? FIRST_TEST_SEED + seedCount++ : Number(wanted);
}
