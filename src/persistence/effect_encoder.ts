/**
 * Effect encoder: the effects of commands as bytes that can be repeated, RESP as in the AOF and in
 * the stream that replicas get. Each unit is encoded once; every sink takes the same bytes.
 *
 * UNITS. Effects between two calls of `endUnit` are repeated as a whole or not at all: more than
 * one are wrapped in MULTI and EXEC. MULTI is put in front when the second one comes, for most
 * units have one. SELECT stands before an effect in another database than the one before it; of the
 * first effect before MULTI, as Redis writes it.
 *
 * An effect that only others hear of is left out with `skip`: it counts, for what is a unit to one
 * is a unit to all.
 *
 * No object is made for an effect.
 */
import { copyBytes, latin1Bytes, readyForCopies } from "../base/bytes.ts";
import { writeInteger } from "../base/integers.ts";
import type { Argv } from "../protocol/argv.ts";

/** Where units go to be repeated later: the AOF, a replica. */
export interface EffectSink {
  /** Takes a unit: the first `length` bytes, which are good only during the call. */
  takeUnit(bytes: Uint8Array<ArrayBuffer>, length: number): void;
}

/** A buffer beyond this is not kept for the next unit. */
const BUFFER_KEPT_BYTES_MAX = 1024 * 1024;
const BUFFER_BYTES_MIN = 16 * 1024;
/** Room for "*<count>\r\n", and for "$<length>\r\n" with the "\r\n" behind the argument. */
const HEADER_BYTES_MAX = 16;
const ARGUMENT_FRAME_BYTES_MAX = HEADER_BYTES_MAX + 2;

const NO_DATABASE = -1;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
const CR = 13;
const LF = 10;
const MULTI = latin1Bytes("*1\r\n$5\r\nMULTI\r\n");
const EXEC = latin1Bytes("*1\r\n$4\r\nEXEC\r\n");
const SELECT = latin1Bytes("*2\r\n$6\r\nSELECT\r\n");

export class EffectEncoder {
  /** The unit under way, `length` bytes of it. */
  bytes: Uint8Array<ArrayBuffer> = readyForCopies(new Uint8Array(BUFFER_BYTES_MIN));
  length = 0;
  #effects = 0;
  /** Where MULTI stands if there is a second effect. */
  #multiAt = 0;
  #selectedDb = NO_DATABASE;
  /** The database of the first effect, if that was left out; it is selected if MULTI is needed. */
  #skippedDb = NO_DATABASE;

  /** The database that the next effect need not name; -1 if it must. */
  get selectedDb(): number {
    return this.#selectedDb;
  }

  /** Whether a unit has begun. */
  get isOpen(): boolean {
    return this.#effects > 0;
  }

  /** Adds an effect in a database to the unit; `argv` is copied. */
  append(dbIndex: number, argv: Argv): void {
    if (++this.#effects === 2) this.#insertMulti();
    if (dbIndex !== this.#selectedDb) this.#select(dbIndex);
    // Redis: the database of the first effect is selected before MULTI.
    if (this.#effects === 1) this.#multiAt = this.length;
    const { bytes, starts, lengths, count } = argv;
    let total = HEADER_BYTES_MAX;
    for (let index = 0; index < count; index++) total += lengths[index] + ARGUMENT_FRAME_BYTES_MAX;
    this.#reserve(total);
    const target = this.bytes;
    let at = writeHeader(ASTERISK, count, target, this.length);
    for (let index = 0; index < count; index++) {
      const length = lengths[index];
      at = writeHeader(DOLLAR, length, target, at);
      copyBytes(bytes, starts[index], target, at, length);
      at += length;
      target[at++] = CR;
      target[at++] = LF;
    }
    this.length = at;
  }

  /** Counts an effect in a database that does not belong into this unit, but to it. */
  skip(dbIndex: number): void {
    if (++this.#effects === 1) this.#skippedDb = dbIndex;
    else if (this.#effects === 2) this.#insertMulti();
  }

  /** Ends the unit and hands it to all sinks; without effects it is none. Returns its bytes. */
  endUnit(sinks: readonly EffectSink[]): number {
    if (this.#effects === 0) return 0;
    if (this.#effects > 1) this.#put(EXEC);
    for (let index = 0; index < sinks.length && this.length > 0; index++) {
      sinks[index].takeUnit(this.bytes, this.length);
    }
    const { length } = this;
    this.#effects = 0;
    this.#skippedDb = NO_DATABASE;
    this.length = 0;
    if (this.bytes.length > BUFFER_KEPT_BYTES_MAX) {
      this.bytes = readyForCopies(new Uint8Array(BUFFER_BYTES_MIN));
    }
    return length;
  }

  /** The next effect names its database: a sink is new, or begins a new file. */
  selectAgain(): void {
    this.#selectedDb = NO_DATABASE;
  }

  /** Goes on from where another encoder stands, whose unit has been this one's as well. */
  follow(other: EffectEncoder): void {
    this.length = 0;
    this.#reserve(other.length);
    copyBytes(other.bytes, 0, this.bytes, 0, other.length);
    this.length = other.length;
    this.#effects = other.#effects;
    this.#multiAt = other.#multiAt;
    this.#selectedDb = other.#selectedDb;
    this.#skippedDb = other.#skippedDb;
  }

  #insertMulti(): void {
    if (this.#skippedDb !== NO_DATABASE) {
      if (this.#skippedDb !== this.#selectedDb) this.#select(this.#skippedDb);
      this.#multiAt = this.length;
    }
    this.#reserve(MULTI.length);
    const start = this.#multiAt;
    this.bytes.copyWithin(start + MULTI.length, start, this.length);
    this.bytes.set(MULTI, start);
    this.length += MULTI.length;
  }

  #select(dbIndex: number): void {
    this.#selectedDb = dbIndex;
    this.#put(SELECT);
    const text = String(dbIndex);
    this.#put(latin1Bytes(`$${text.length}\r\n${text}\r\n`));
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  #reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed <= this.bytes.length) return;
    const larger = readyForCopies(new Uint8Array(Math.max(needed, this.bytes.length * 2)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** Writes "<mark><value>\r\n" at an offset, where there is room; returns the offset behind it. */
function writeHeader(mark: number, value: number, buffer: Uint8Array, offset: number): number {
  let at = offset;
  buffer[at++] = mark;
  if (value < 10) buffer[at++] = ZERO + value;
  else at += writeInteger(value, buffer, at);
  buffer[at++] = CR;
  buffer[at++] = LF;
  return at;
}
