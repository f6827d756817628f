/**
 * Reply: what a client will be sent next, one method for each kind of reply, in RESP2 or RESP3.
 *
 * All output of a turn gathers in one growing array, which `detach()` hands to the connection for a
 * single write. The first array comes from a pool shared by all clients, so an idle client holds
 * none. A reply under construction can be taken back: `mark` with `length`, undo with `rewind`.
 *
 * Methods that begin an aggregate take the number of elements (pairs, for a map) and are followed
 * by exactly so many replies. Where the number is known only afterwards: `deferArray` …
 * `endDeferred`.
 */
import { copyBytes, grownCapacity, readyForCopies, writeLatin1 } from "../base/bytes.ts";
import { formatDoubleShort, formatScore } from "../base/doubles.ts";
import { decimalDigits, writeBigInteger, writeInteger } from "../base/integers.ts";
import { RoomPool } from "../base/room_pool.ts";

const POOLED_BYTES = 16 * 1024;
const POOLED_COUNT_MAX = 512;
/** Output beyond this cannot be held; the client is disconnected. */
export const OUTPUT_BYTES_MAX = 2 ** 31 - 2 ** 16;
/** Room for a header: a type byte, 20 digits and a line end. */
const HEADER_BYTES_MAX = 24;

const EMPTY: Uint8Array<ArrayBuffer> = readyForCopies(new Uint8Array(0));
const pool: Uint8Array<ArrayBuffer>[] = [];
/**
 * The least room for more than that: for the 64 KiB that a pipeline's replies gather to before they
 * leave, and a last one on top, lest they be moved twice and thrice as they grow.
 */
const GATHERED_BYTES = 5 * POOLED_BYTES;
/** Arrays of larger replies, for the next ones. */
const largeRooms = RoomPool.shared({
  bytesMin: 2 * POOLED_BYTES,
  stepBytes: POOLED_BYTES,
  bytesMax: 8 * 1024 * 1024,
  totalBytesMax: 64 * 1024 * 1024,
});

/** A header while what comes behind it makes room. */
const heldHeader = readyForCopies(new Uint8Array(HEADER_BYTES_MAX));

const CR = 13;
const LF = 10;

export class Reply {
  /** Bytes of output; `bytes` up to here is filled. */
  length = 0;
  bytes: Uint8Array<ArrayBuffer> = EMPTY;
  /** RESP version the client asked for by HELLO. */
  resp: 2 | 3 = 2;
  /** Doubles are shown as 7.2 and later do, by the fewest digits that mean them. */
  showsFewestDigits = false;
  /** The output may not grow beyond this many bytes. */
  bytesMax = OUTPUT_BYTES_MAX;
  /** From so many bytes on it may leave before the turn ends. */
  earlyBytes = Infinity;
  /** The output grew beyond what can be held and was dropped. */
  isOverflown = false;

  /** Takes the output away for writing; `recycle` its array afterwards. */
  detach(): Uint8Array<ArrayBuffer> {
    const { bytes } = this;
    this.bytes = EMPTY;
    this.length = 0;
    return bytes;
  }

  /** Goes on in an array that `detach` gave out, once its bytes are written; it has no output. */
  reuse(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
  }

  /** Forgets what was added since `length` was `mark`. */
  rewind(mark: number): void {
    this.length = mark;
  }

  ok(): void {
    this.#reserve(5);
    const { bytes } = this;
    const at = this.length;
    bytes[at] = 0x2b;
    bytes[at + 1] = 0x4f;
    bytes[at + 2] = 0x4b;
    bytes[at + 3] = CR;
    bytes[at + 4] = LF;
    this.length = at + 5;
  }

  /** A simple string: +text. No line ends inside. */
  simple(text: string): void {
    this.#line(0x2b, text);
  }

  /** An error: -text, where text begins with the code ("ERR …"). Line ends become spaces. */
  error(text: string): void {
    this.#line(0x2d, /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, " ") : text);
  }

  /** An integer; exact up to 2^53. */
  integer(value: number): void {
    this.#header(0x3a, value);
  }

  bigInteger(value: bigint): void {
    this.#reserve(HEADER_BYTES_MAX);
    this.bytes[this.length++] = 0x3a;
    this.length += writeBigInteger(value, this.bytes, this.length);
    this.#lineEnd();
  }

  /** A bulk string of bytes. */
  bulk(bytes: Uint8Array, start: number, length: number): void {
    const at = this.bulkRoom(length);
    const target = this.bytes;
    if (length < 16) {
      for (let index = 0; index < length; index++) target[at + index] = bytes[start + index];
    } else if (!this.isOverflown) {
      copyBytes(bytes, start, target, at, length);
    }
  }

  /**
   * A bulk string of `length` bytes, which the caller stores in `bytes` from the returned offset on
   * before anything else is added.
   */
  bulkRoom(length: number): number {
    this.#reserve(length + HEADER_BYTES_MAX + 2);
    const target = this.bytes;
    let at = this.length;
    target[at++] = 0x24;
    if (length < 10) target[at++] = 48 + length;
    else at += writeInteger(length, target, at);
    target[at++] = CR;
    target[at++] = LF;
    target[at + length] = CR;
    target[at + length + 1] = LF;
    this.length = at + length + 2;
    return at;
  }

  /** A bulk string of text, one byte per character (Latin-1). */
  bulkText(text: string): void {
    this.bulkHeader(text.length);
    this.#reserve(text.length + 2);
    this.length += writeLatin1(text, this.bytes, this.length);
    this.#lineEnd();
  }

  /** Begins a bulk string of `length` bytes, which `raw` and at last `bulkEnd` complete. */
  bulkHeader(length: number): void {
    // Room for all of it at once, lest it be moved as it grows.
    this.#reserve(length + HEADER_BYTES_MAX + 2);
    this.#header(0x24, length);
  }

  /** As `bulkHeader`, for one that may never stand here: `reserve` makes room if it does. */
  bulkHeaderOnly(length: number): void {
    this.#header(0x24, length);
  }

  /** Makes room for so many bytes of a bulk string, and for its end. */
  reserve(byteCount: number): void {
    this.#reserve(byteCount + 2);
  }

  bulkEnd(): void {
    this.#reserve(2);
    this.#lineEnd();
  }

  /** Appends bytes as they are: pieces of a long bulk string, or replies encoded before. */
  raw(bytes: Uint8Array, start: number, length: number): void {
    this.#reserve(length);
    if (this.isOverflown) return;
    copyBytes(bytes, start, this.bytes, this.length, length);
    this.length += length;
  }

  /** A bulk string that RESP3 marks as text of a format ("txt", "mkd"). */
  verbatim(text: string, format = "txt"): void {
    if (this.resp === 2) return this.bulkText(text);
    this.#header(0x3d, text.length + 4);
    this.#reserve(text.length + 6);
    this.length += writeLatin1(`${format}:`, this.bytes, this.length);
    this.length += writeLatin1(text, this.bytes, this.length);
    this.#lineEnd();
  }

  /** `verbatim` of text that `rawText` has gathered in another reply, which is empty then. */
  verbatimFrom(gathered: Reply, format = "txt"): void {
    const { bytes, length } = gathered;
    if (this.resp === 2) this.bulk(bytes, 0, length);
    else {
      this.#header(0x3d, length + 4);
      this.#reserve(length + 6);
      this.rawText(`${format}:`);
      this.raw(bytes, 0, length);
      this.#lineEnd();
    }
    recycle(gathered.detach());
  }

  /** Text as it is, with nothing around it. */
  rawText(text: string): void {
    this.#fixed(text);
  }

  /** No value. */
  nil(): void {
    this.#fixed(this.resp === 2 ? "$-1\r\n" : "_\r\n");
  }

  /** No array; a RESP2 client sees a difference to `nil`. */
  nilArray(): void {
    this.#fixed(this.resp === 2 ? "*-1\r\n" : "_\r\n");
  }

  /** A double: as a bulk string in RESP2. */
  double(value: number): void {
    if (this.resp === 2) this.bulkDouble(value);
    else this.#line(0x2c, this.#textOf(value));
  }

  /** A double as a bulk string, in RESP3, too. */
  bulkDouble(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#bulkInteger(value);
    else this.bulkText(this.#textOf(value));
  }

  /**
   * Most scores are integers, which need not become texts first: ZPOPMIN takes 1,540 ns instead of
   * 1,750 (zpopmin of scripts/bench/micro/command_bench.ts, many keys beside the set).
   */
  #bulkInteger(value: number): void {
    const length = value < 0 ? 1 + decimalDigits(-value) : decimalDigits(value);
    const at = this.bulkRoom(length);
    writeInteger(value, this.bytes, at);
  }

  #textOf(value: number): string {
    return this.showsFewestDigits ? formatDoubleShort(value) : formatScore(value);
  }

  /** A double that is formatted already, with digits of its own (GEOPOS). */
  doubleText(text: string): void {
    if (this.resp === 2) return this.bulkText(text);
    this.#line(0x2c, text);
  }

  /** A whole number of any size, given as text; a bulk string in RESP2. No line ends inside. */
  bigNumber(text: string): void {
    if (this.resp === 2) return this.bulkText(text);
    this.#line(0x28, text);
  }

  /** 1 or 0 in RESP2, true or false in RESP3. */
  boolean(value: boolean): void {
    if (this.resp === 2) return this.integer(value ? 1 : 0);
    this.#fixed(value ? "#t\r\n" : "#f\r\n");
  }

  array(count: number): void {
    this.#header(0x2a, count);
  }

  /** A map of `count` pairs; a flat array in RESP2. */
  map(count: number): void {
    if (this.resp === 2) this.#header(0x2a, count * 2);
    else this.#header(0x25, count);
  }

  /** A set; an array in RESP2. */
  set(count: number): void {
    this.#header(this.resp === 2 ? 0x2a : 0x7e, count);
  }

  /** An out-of-band message; an array in RESP2. */
  push(count: number): void {
    this.#header(this.resp === 2 ? 0x2a : 0x3e, count);
  }

  /** Begins an aggregate whose size is not known yet; pass the result to `endDeferred…`. */
  deferArray(): number {
    return this.length;
  }

  endDeferredArray(mark: number, count: number): void {
    this.#insertHeader(mark, 0x2a, count);
  }

  endDeferredMap(mark: number, count: number): void {
    if (this.resp === 2) this.#insertHeader(mark, 0x2a, count * 2);
    else this.#insertHeader(mark, 0x25, count);
  }

  endDeferredSet(mark: number, count: number): void {
    this.#insertHeader(mark, this.resp === 2 ? 0x2a : 0x7e, count);
  }

  #insertHeader(mark: number, type: number, count: number): void {
    const end = this.length;
    this.#header(type, count);
    const { bytes } = this;
    const size = this.length - end;
    if (end === mark || this.isOverflown) return;
    for (let index = 0; index < size; index++) heldHeader[index] = bytes[end + index];
    bytes.copyWithin(mark + size, mark, end);
    for (let index = 0; index < size; index++) bytes[mark + index] = heldHeader[index];
  }

  #header(type: number, value: number): void {
    this.#reserve(HEADER_BYTES_MAX);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = type;
    if (value >= 0 && value < 10) bytes[at++] = 48 + value;
    else at += writeInteger(value, bytes, at);
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.length = at + 2;
  }

  #line(type: number, text: string): void {
    this.#reserve(text.length + 3);
    this.bytes[this.length++] = type;
    this.length += writeLatin1(text, this.bytes, this.length);
    this.#lineEnd();
  }

  #fixed(text: string): void {
    this.#reserve(text.length);
    this.length += writeLatin1(text, this.bytes, this.length);
  }

  #lineEnd(): void {
    this.bytes[this.length] = CR;
    this.bytes[this.length + 1] = LF;
    this.length += 2;
  }

  #reserve(size: number): void {
    if (this.length + size > this.bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    if (this.bytes === EMPTY && size <= POOLED_BYTES) {
      this.bytes = pool.pop() ?? readyForCopies(new Uint8Array(POOLED_BYTES));
      return;
    }
    const needed = this.length + size;
    // With a limit below it would be found out too late.
    const least = this.bytesMax < GATHERED_BYTES ? 0 : GATHERED_BYTES;
    const grown = Math.max(grownCapacity(this.bytes.length, needed), least);
    const capacity = Math.min(grown, OUTPUT_BYTES_MAX);
    const bytes = needed > this.bytesMax ? null : largeRoom(capacity);
    if (bytes === null) {
      this.isOverflown = true;
      this.length = 0;
      // A reply larger than all that can be held is written nowhere: stores beyond the end of a
      // typed array are ignored.
      return;
    }
    bytes.set(this.bytes.subarray(0, this.length));
    recycle(this.bytes);
    this.bytes = bytes;
  }
}

/** An array of at least so many bytes; null if the system has no memory for it. */
function largeRoom(capacity: number): Uint8Array<ArrayBuffer> | null {
  try {
    const room = largeRooms.find(capacity);
    if (room !== null) return room;
    const byteCount = Math.min(largeRooms.sizeFor(capacity), OUTPUT_BYTES_MAX);
    return readyForCopies(new Uint8Array(byteCount));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Takes back an array that `detach` gave out, once its bytes are written. */
export function recycle(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.length !== POOLED_BYTES) largeRooms.give(bytes);
  else if (pool.length < POOLED_COUNT_MAX) pool.push(bytes);
}
