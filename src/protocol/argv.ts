/**
 * Argv: the arguments of the current command, as views over the bytes they arrived in.
 *
 * Argument `i` is the range (`bytes`, `starts[i]`, `lengths[i]`); number 0 is the command's name.
 *
 * **Views die with the command.** The buffer is used again for what comes next on the connection,
 * so whatever outlives the procedure must be copied: `copy(i)` for one argument, `clone()` for all.
 */
import {
  copyBytes,
  equalsIgnoreCase,
  latin1Text,
  readyForCopies,
  type Slice,
} from "../base/bytes.ts";

const EMPTY = readyForCopies(new Uint8Array(0));
const INITIAL_COUNT = 16;

export class Argv {
  /** The bytes in which all arguments stand. */
  bytes: Uint8Array = EMPTY;
  starts = new Int32Array(INITIAL_COUNT);
  lengths = new Int32Array(INITIAL_COUNT);
  /** Number of arguments, the command's name included (Redis: argc). */
  count = 0;
  /** The argument whose hash is known, and its hash (base/hash.ts); -1 if there is none. */
  hashedIndex = -1;
  hash = 0;

  /** An Argv that owns its bytes. Strings are taken as Latin-1: one byte per character. */
  static of(...parts: (string | Uint8Array)[]): Argv {
    const argv = new Argv();
    let total = 0;
    for (const part of parts) total += part.length;
    argv.bytes = readyForCopies(new Uint8Array(total));
    let at = 0;
    for (const part of parts) {
      if (typeof part === "string") {
        for (let index = 0; index < part.length; index++) {
          argv.bytes[at + index] = part.charCodeAt(index);
        }
      } else {
        argv.bytes.set(part, at);
      }
      argv.add(at, part.length);
      at += part.length;
    }
    return argv;
  }

  /** Views one argument only: for a key that does not stand in a request. Returns itself. */
  point(bytes: Uint8Array, start: number, length: number): this {
    this.bytes = bytes;
    this.starts[0] = start;
    this.lengths[0] = length;
    this.count = 1;
    this.hashedIndex = -1;
    return this;
  }

  /** Views nothing any more. */
  forget(): void {
    this.bytes = EMPTY;
    this.clear();
  }

  /** Has no arguments any more; others are about to be added. */
  clear(): void {
    this.count = 0;
    this.hashedIndex = -1;
  }

  /** Appends an argument. */
  add(start: number, length: number): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.lengths[this.count++] = length;
  }

  /** Argument `index` as text, one character (U+0000 to U+00FF) per byte. */
  text(index: number): string {
    return latin1Text(this.bytes, this.starts[index], this.lengths[index]);
  }

  /**
   * Argument `index` as an error message quotes it, cut after `bytesMax` bytes. Redis: C prints it,
   * so that it ends at the first zero byte.
   */
  quoted(index: number, bytesMax = Infinity): string {
    const start = this.starts[index];
    const shownBytes = Math.min(this.lengths[index], bytesMax);
    const zero = this.bytes.subarray(start, start + shownBytes).indexOf(0);
    return latin1Text(this.bytes, start, zero < 0 ? shownBytes : zero);
  }

  /** Whether argument `index` spells `lowerCaseWord`, letters of either case. */
  is(index: number, lowerCaseWord: string): boolean {
    return equalsIgnoreCase(this.bytes, this.starts[index], this.lengths[index], lowerCaseWord);
  }

  /** Points `out` at argument `index`. */
  slice(index: number, out: Slice): void {
    out.bytes = this.bytes;
    out.start = this.starts[index];
    out.length = this.lengths[index];
  }

  /** Argument `index` in memory of its own. */
  copy(index: number): Uint8Array {
    const start = this.starts[index];
    return this.bytes.slice(start, start + this.lengths[index]);
  }

  /** The arguments from `first` on, each in memory of its own. */
  copiesFrom(first: number): Uint8Array[] {
    const copies: Uint8Array[] = [];
    for (let index = first; index < this.count; index++) copies.push(this.copy(index));
    return copies;
  }

  /** All arguments in memory of their own. */
  clone(): Argv {
    return new Argv().copyFrom(this);
  }

  /** Becomes a copy of others' arguments, in the memory that it has if there is enough. */
  copyFrom(source: Argv): this {
    const { count } = source;
    const total = source.totalBytes();
    if (total > this.bytes.length) this.bytes = readyForCopies(new Uint8Array(total));
    if (count > this.starts.length) {
      this.starts = new Int32Array(count);
      this.lengths = new Int32Array(count);
    }
    this.count = count;
    this.hashedIndex = -1;
    for (let index = 0, at = 0; index < count; index++) {
      const length = source.lengths[index];
      copyBytes(source.bytes, source.starts[index], this.bytes, at, length);
      this.starts[index] = at;
      this.lengths[index] = length;
      at += length;
    }
    return this;
  }

  /** Bytes of all arguments together. */
  totalBytes(): number {
    let total = 0;
    for (let index = 0; index < this.count; index++) total += this.lengths[index];
    return total;
  }

  #grow(): void {
    const starts = new Int32Array(this.starts.length * 2);
    starts.set(this.starts);
    this.starts = starts;
    const lengths = new Int32Array(starts.length);
    lengths.set(this.lengths);
    this.lengths = lengths;
  }
}
