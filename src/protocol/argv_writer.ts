/**
 * Argv writer: puts the arguments of a command together, in memory that is used again and again:
 * for effects, of which busy commands have one each time.
 */
import { copyBytes, readyForCopies, writeLatin1 } from "../base/bytes.ts";
import { decimalDigits, writeInteger } from "../base/integers.ts";
import { Argv } from "./argv.ts";

const BYTES_MIN = 256;
/** A longer buffer is not kept for the next command. */
const KEPT_BYTES_MAX = 64 * 1024;

export class ArgvWriter {
  /** What was put together; good until the next `begin`. */
  readonly argv = new Argv();
  #end = 0;

  constructor() {
    this.argv.bytes = readyForCopies(new Uint8Array(BYTES_MIN));
  }

  /** Begins anew, without arguments. */
  begin(): void {
    this.argv.clear();
    this.#end = 0;
    if (this.argv.bytes.length <= KEPT_BYTES_MAX) return;
    this.argv.bytes = readyForCopies(new Uint8Array(BYTES_MIN));
  }

  /** Adds a text, one byte per character (Latin-1). */
  text(text: string): void {
    const start = this.room(text.length);
    writeLatin1(text, this.argv.bytes, start);
  }

  /** Adds a range of bytes. */
  bytes(bytes: Uint8Array, start: number, length: number): void {
    const target = this.room(length);
    copyBytes(bytes, start, this.argv.bytes, target, length);
  }

  /** Adds a safe integer from 0 as decimal text. */
  integer(value: number): void {
    const start = this.room(decimalDigits(value));
    writeInteger(value, this.argv.bytes, start);
  }

  /** Adds an argument of `length` bytes, which the caller stores in `argv.bytes` from there on. */
  room(length: number): number {
    const { argv } = this;
    const start = this.#end;
    this.#end += length;
    if (this.#end > argv.bytes.length) {
      const larger = readyForCopies(new Uint8Array(Math.max(this.#end, argv.bytes.length * 2)));
      larger.set(argv.bytes.subarray(0, start));
      argv.bytes = larger;
    }
    argv.add(start, length);
    return start;
  }
}
