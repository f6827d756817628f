/**
 * AOF record reader: the bytes of an append-only file → one command after the other.
 *
 *   *<count>\r\n  then count times  $<length>\r\n<bytes>\r\n        a command
 *   #<anything>\r\n                                                 an annotation, skipped
 *
 * The file is read in large pieces; arguments are views over the piece and good until the next
 * call. Every byte is checked, for this is the only protection that the format has: it carries no
 * checksums. A record that ends behind the end of the file is told from one that is wrong, because
 * the first is what a crash leaves and the second is damage.
 */
import { latin1Text } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/integers.ts";
import { Argv } from "../protocol/argv.ts";

/** A command is in `argv`. */
export const RECORD_COMMAND = 1;
/** An annotation is in `annotation`; only if `stopsAtAnnotations`. */
export const RECORD_ANNOTATION = 2;
/** The file ends here, behind a complete record. */
export const RECORD_END = 0;
/** The file ends within the record at `offset`. */
export const RECORD_SHORT = -1;
/** What stands at `errorOffset` is wrong; `error` says how. */
export const RECORD_BAD = -2;

const BUFFER_BYTES_MIN = 256 * 1024;
/** A buffer beyond this, grown for one large record, is given back. */
const BUFFER_KEPT_BYTES_MAX = 4 * 1024 * 1024;
/** "*" or "$", a number, "\r\n". */
const HEADER_BYTES_MAX = 24;
const ANNOTATION_BYTES_MAX = 1024;
const ARGUMENTS_MAX = 2 ** 31 - 1;

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const HASH = 0x23;
const CR = 13;
const LF = 10;

/** What is read from: a FileHandle, or bytes in memory. */
export interface ByteSource {
  read(bytes: Uint8Array, start: number, length: number): number;
  seek(offset: number): void;
  size(): number;
}

/** Bytes in memory as a source. */
export class MemorySource implements ByteSource {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(bytes: Uint8Array, start: number, length: number): number {
    const count = Math.min(length, this.#bytes.length - this.#position);
    bytes.set(this.#bytes.subarray(this.#position, this.#position + count), start);
    this.#position += count;
    return count;
  }

  seek(offset: number): void {
    this.#position = offset;
  }

  size(): number {
    return this.#bytes.length;
  }
}

export class AofRecordReader {
  /** The command read last. */
  readonly argv = new Argv();
  /** Where the record read last (or attempted) begins, in bytes from the start of the file. */
  offset = 0;
  errorOffset = 0;
  error = "";
  /** Whether `next` returns annotations too, instead of skipping them. */
  stopsAtAnnotations = false;
  /** The annotation read last, without its line end. */
  annotation = "";
  readonly #source: ByteSource;
  readonly #sourceBytes: number;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_BYTES_MIN);
  /** Offset in the file of the first byte of the buffer. */
  #bufferOffset = 0;
  /** The record being read begins here; all positions within it are relative to this. */
  #start = 0;
  #end = 0;
  /** What #readHeader found, and the position behind it. */
  #number = 0;
  #position = 0;

  constructor(source: ByteSource) {
    this.#source = source;
    this.#sourceBytes = source.size();
  }

  /** Offset of the first byte that no record has taken. */
  get nextOffset(): number {
    return this.#bufferOffset + this.#start;
  }

  /** Goes on at an offset from the start of the file. */
  seek(offset: number): void {
    this.#source.seek(offset);
    this.#bufferOffset = offset;
    this.#start = 0;
    this.#end = 0;
  }

  /** Whether the file begins with these bytes; to be asked before the first record. */
  startsWith(text: string): boolean {
    if (!this.#has(text.length)) return false;
    for (let index = 0; index < text.length; index++) {
      if (this.#bytes[this.#start + index] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Reads the next command; see the RECORD_… constants. */
  next(): number {
    for (;;) {
      this.offset = this.nextOffset;
      if (!this.#has(1)) return RECORD_END;
      if (this.#bytes[this.#start] !== HASH) return this.#readCommand();
      const outcome = this.#skipAnnotation();
      if (outcome !== RECORD_COMMAND) return outcome;
      if (this.stopsAtAnnotations) return RECORD_ANNOTATION;
    }
  }

  #skipAnnotation(): number {
    for (let at = 1; at < ANNOTATION_BYTES_MAX; at++) {
      if (!this.#has(at + 1)) return RECORD_SHORT;
      if (this.#bytes[this.#start + at] === LF) {
        if (this.stopsAtAnnotations) {
          this.annotation = latin1Text(this.#bytes, this.#start, at).trimEnd();
        }
        this.#start += at + 1;
        return RECORD_COMMAND;
      }
    }
    return this.#fail(0, "annotation without an end");
  }

  #readCommand(): number {
    const { argv } = this;
    let outcome = this.#readHeader(ASTERISK, 0);
    if (outcome !== RECORD_COMMAND) return outcome;
    const count = this.#number;
    if (count < 1 || count > ARGUMENTS_MAX) return this.#fail(1, "invalid number of arguments");
    let at = this.#position;
    argv.clear();
    for (let index = 0; index < count; index++) {
      outcome = this.#readHeader(DOLLAR, at);
      if (outcome !== RECORD_COMMAND) return outcome;
      const length = this.#number;
      if (length < 0) return this.#fail(at + 1, "invalid length of an argument");
      at = this.#position;
      // Asked before memory is taken: a damaged length must not cost any.
      if (this.offset + at + length + 2 > this.#sourceBytes) return RECORD_SHORT;
      if (!this.#has(at + length + 2)) return RECORD_SHORT;
      const end = this.#start + at + length;
      if (this.#bytes[end] !== CR || this.#bytes[end + 1] !== LF) {
        return this.#fail(at + length, "expected a line end behind an argument");
      }
      argv.add(at, length);
      at += length + 2;
    }
    const { starts } = argv;
    for (let index = 0; index < count; index++) starts[index] += this.#start;
    argv.bytes = this.#bytes;
    this.#start += at;
    return RECORD_COMMAND;
  }

  /** Reads "<mark><number>\r\n" at a position of the record. */
  #readHeader(mark: number, position: number): number {
    for (let at = position; at < position + HEADER_BYTES_MAX; at++) {
      if (!this.#has(at + 1)) return RECORD_SHORT;
      const byte = this.#bytes[this.#start + at];
      if (at === position) {
        if (byte !== mark) {
          return this.#fail(at, `expected '${String.fromCharCode(mark)}', found byte ${byte}`);
        }
      } else if (byte === CR) {
        if (!this.#has(at + 2)) return RECORD_SHORT;
        if (this.#bytes[this.#start + at + 1] !== LF) return this.#fail(at + 1, "bad line end");
        const digits = this.#start + position + 1;
        this.#number = parseSafeInteger(this.#bytes, digits, at - position - 1);
        this.#position = at + 2;
        if (Number.isNaN(this.#number)) return this.#fail(position + 1, "invalid number");
        return RECORD_COMMAND;
      } else if (byte !== 0x2d && (byte < 0x30 || byte > 0x39)) {
        return this.#fail(at, `expected a digit, found byte ${byte}`);
      }
    }
    return this.#fail(position + 1, "invalid number");
  }

  #fail(position: number, error: string): number {
    this.errorOffset = this.offset + position;
    this.error = error;
    return RECORD_BAD;
  }

  /** Whether the file has `count` bytes from the record's start on; then they are in the buffer. */
  #has(count: number): boolean {
    while (this.#end - this.#start < count) {
      if (this.#start + count > this.#bytes.length) this.#makeRoom(count);
      const length = this.#source.read(this.#bytes, this.#end, this.#bytes.length - this.#end);
      if (length === 0) return false;
      this.#end += length;
    }
    return true;
  }

  /** Moves the record to the front of a buffer that holds at least `count` bytes. */
  #makeRoom(count: number): void {
    const used = this.#end - this.#start;
    const source = this.#bytes;
    let capacity = Math.max(source.length, count);
    if (capacity > BUFFER_KEPT_BYTES_MAX && count <= BUFFER_BYTES_MIN && used <= BUFFER_BYTES_MIN) {
      capacity = BUFFER_BYTES_MIN;
    }
    if (capacity === source.length) source.copyWithin(0, this.#start, this.#end);
    else {
      this.#bytes = new Uint8Array(capacity);
      this.#bytes.set(source.subarray(this.#start, this.#end));
    }
    this.#bufferOffset += this.#start;
    this.#start = 0;
    this.#end = used;
  }
}
