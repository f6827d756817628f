/**
 * 128-bit unsigned integers as four 32-bit words: what an id tree is ordered by. Kept as words, for
 * a BigInt per comparison would put an object on the heap.
 */

/** A 128-bit unsigned integer, its highest word first; each word any 32 bits. Mutable. */
export class Id128 {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;

  set(w0: number, w1: number, w2: number, w3: number): void {
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
  }

  copyFrom(other: Id128): void {
    this.w0 = other.w0;
    this.w1 = other.w1;
    this.w2 = other.w2;
    this.w3 = other.w3;
  }

  clone(): Id128 {
    const copy = new Id128();
    copy.copyFrom(this);
    return copy;
  }

  isZero(): boolean {
    return (this.w0 | this.w1 | this.w2 | this.w3) === 0;
  }

  /** Order of two ids: -1, 0 or 1. */
  compare(other: Id128): number {
    if (this.w0 !== other.w0) return this.w0 >>> 0 < other.w0 >>> 0 ? -1 : 1;
    if (this.w1 !== other.w1) return this.w1 >>> 0 < other.w1 >>> 0 ? -1 : 1;
    if (this.w2 !== other.w2) return this.w2 >>> 0 < other.w2 >>> 0 ? -1 : 1;
    if (this.w3 !== other.w3) return this.w3 >>> 0 < other.w3 >>> 0 ? -1 : 1;
    return 0;
  }

  /** Adds one; returns false, and is 0, if it was the greatest. */
  increment(): boolean {
    this.w3 = (this.w3 + 1) | 0;
    if (this.w3 !== 0) return true;
    this.w2 = (this.w2 + 1) | 0;
    if (this.w2 !== 0) return true;
    this.w1 = (this.w1 + 1) | 0;
    if (this.w1 !== 0) return true;
    this.w0 = (this.w0 + 1) | 0;
    return this.w0 !== 0;
  }

  /** Subtracts one; returns false, and is the greatest, if it was 0. */
  decrement(): boolean {
    if (this.w3-- !== 0) return this.#settle(true);
    if (this.w2-- !== 0) return this.#settle(true);
    if (this.w1-- !== 0) return this.#settle(true);
    return this.#settle(this.w0-- !== 0);
  }

  #settle(outcome: boolean): boolean {
    this.set(this.w0, this.w1, this.w2, this.w3);
    return outcome;
  }

  /** Reads four words of a segment. */
  load(words: Int32Array, at: number): void {
    this.w0 = words[at];
    this.w1 = words[at + 1];
    this.w2 = words[at + 2];
    this.w3 = words[at + 3];
  }

  /** Stores the four words in a segment that may be written. */
  store(words: Int32Array, at: number): void {
    words[at] = this.w0;
    words[at + 1] = this.w1;
    words[at + 2] = this.w2;
    words[at + 3] = this.w3;
  }

  /** Order of the four words at `at` and this id: -1, 0 or 1. */
  compareStored(words: Int32Array, at: number): number {
    if (words[at] !== this.w0) return words[at] >>> 0 < this.w0 >>> 0 ? -1 : 1;
    if (words[at + 1] !== this.w1) return words[at + 1] >>> 0 < this.w1 >>> 0 ? -1 : 1;
    if (words[at + 2] !== this.w2) return words[at + 2] >>> 0 < this.w2 >>> 0 ? -1 : 1;
    if (words[at + 3] !== this.w3) return words[at + 3] >>> 0 < this.w3 >>> 0 ? -1 : 1;
    return 0;
  }
}
