/**
 * RDB output: the primitives of the format (lengths, strings, doubles), written to one buffer that
 * is used again and again, and handed on with a running CRC when it is full.
 *
 * The formats are drawn in rdb_format.ts. No function here makes an object for what it writes.
 */
import { copyBytes, readyForCopies } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/integers.ts";
import { Crc64 } from "./crc64.ts";
import * as lzf from "../base/lzf.ts";
import * as format from "./rdb_format.ts";

const BUFFER_BYTES = 256 * 1024;
/** Enough for most payloads of DUMP; a file has filled it soon. */
const FIRST_BUFFER_BYTES = 2048;
/** More than any primitive writes without asking for room: a length takes 9 bytes. */
const PRIMITIVE_BYTES_MAX = 32;
/**
 * Longer strings are written as they are: compressing takes memory of twice their size. (Redis has
 * no such limit. Readers do not mind.)
 */
const COMPRESSION_BYTES_MAX = 32 * 1024 * 1024;
const KEPT_SCRATCH_BYTES = 1024 * 1024;

const NO_BYTES = readyForCopies(new Uint8Array(0));
/** Where short strings are compressed to; what stands there is written at once. */
const shortCompressed = readyForCopies(new Uint8Array(4096));
const double = new Float64Array(1);
const doubleBytes = readyForCopies(new Uint8Array(double.buffer));

/** The first buffer of a payload that is finished: a new one costs more than a short payload. */
let spareBuffer: Uint8Array<ArrayBuffer> | null = null;

function takeSpare(): Uint8Array<ArrayBuffer> {
  const buffer = spareBuffer ?? readyForCopies(new Uint8Array(FIRST_BUFFER_BYTES));
  spareBuffer = null;
  return buffer;
}

/** Where bytes go; a FileHandle is one. */
export interface ByteSink {
  write(bytes: Uint8Array, start: number, length: number): void;
}

/** Receives pieces of a string that stands in several. */
export type PieceWriter = (bytes: Uint8Array, start: number, length: number) => void;

export class RdbOutput {
  readonly #sink: ByteSink;
  #buffer = takeSpare();
  #bufferBytes = FIRST_BUFFER_BYTES;
  readonly #compresses: boolean;
  readonly #crc: Crc64 | null;
  #at = 0;
  #flushedBytes = 0;
  #compressed: Uint8Array = shortCompressed;

  /** `compresses`: rdbcompression; `hasChecksum`: whether a CRC is kept. */
  constructor(sink: ByteSink, compresses: boolean, hasChecksum: boolean) {
    this.#sink = sink;
    this.#compresses = compresses;
    this.#crc = hasChecksum ? new Crc64() : null;
  }

  /** Bytes written so far. */
  get offset(): number {
    return this.#flushedBytes + this.#at;
  }

  /** Hands on what is in the buffer. */
  flush(): void {
    if (this.#at === 0) return;
    this.#crc?.update(this.#buffer, 0, this.#at);
    this.#sink.write(this.#buffer, 0, this.#at);
    this.#flushedBytes += this.#at;
    const wasFull = this.#at > this.#bufferBytes - PRIMITIVE_BYTES_MAX;
    this.#at = 0;
    if (!wasFull || this.#bufferBytes === BUFFER_BYTES) return;
    this.#bufferBytes = BUFFER_BYTES;
    this.#buffer = readyForCopies(new Uint8Array(BUFFER_BYTES));
  }

  writeByte(byte: number): void {
    if (this.#at === this.#bufferBytes) this.flush();
    this.#buffer[this.#at++] = byte;
  }

  /** Writes bytes as they are. */
  writeRaw(bytes: Uint8Array, start: number, length: number): void {
    let from = start;
    let rest = length;
    while (rest > this.#bufferBytes - this.#at) {
      const count = this.#bufferBytes - this.#at;
      copyBytes(bytes, from, this.#buffer, this.#at, count);
      this.#at = this.#bufferBytes;
      this.flush();
      from += count;
      rest -= count;
    }
    copyBytes(bytes, from, this.#buffer, this.#at, rest);
    this.#at += rest;
  }

  /** Writes a length; see the table in rdb_format.ts. */
  writeLength(length: number): void {
    if (this.#at > this.#bufferBytes - PRIMITIVE_BYTES_MAX) this.flush();
    const buffer = this.#buffer;
    if (length < 64) {
      buffer[this.#at++] = length;
    } else if (length < 16384) {
      buffer[this.#at++] = 0x40 | (length >>> 8);
      buffer[this.#at++] = length;
    } else {
      const isLong = length > 0xffffffff;
      buffer[this.#at++] = isLong ? format.LENGTH_64_BIT_BYTE : format.LENGTH_32_BIT_BYTE;
      if (isLong) this.#writeBigEndian(Math.floor(length / 0x100000000));
      this.#writeBigEndian(length >>> 0);
    }
  }

  /** Writes a length of any 64 bits, given as two words. */
  writeLength64(high: number, low: number): void {
    if (high === 0) return this.writeLength(low >>> 0);
    if (this.#at > this.#bufferBytes - PRIMITIVE_BYTES_MAX) this.flush();
    this.#buffer[this.#at++] = format.LENGTH_64_BIT_BYTE;
    this.#writeBigEndian(high >>> 0);
    this.#writeBigEndian(low >>> 0);
  }

  /** Writes an int64 given as two words, lowest byte first. */
  writeInt64(high: number, low: number): void {
    if (this.#at > this.#bufferBytes - PRIMITIVE_BYTES_MAX) this.flush();
    const buffer = this.#buffer;
    for (let shift = 0; shift < 32; shift += 8) {
      buffer[this.#at + (shift >>> 3)] = low >>> shift;
      buffer[this.#at + 4 + (shift >>> 3)] = high >>> shift;
    }
    this.#at += 8;
  }

  #writeBigEndian(word: number): void {
    const buffer = this.#buffer;
    buffer[this.#at++] = word >>> 24;
    buffer[this.#at++] = word >>> 16;
    buffer[this.#at++] = word >>> 8;
    buffer[this.#at++] = word;
  }

  /**
   * Writes a Unix time in milliseconds as int64, lowest byte first; 2^63, which is what the
   * greatest int64 becomes as a double, as the greatest int64.
   */
  writeMilliseconds(timeMs: number): void {
    const isBeyond = timeMs >= 2 ** 63;
    const low = isBeyond ? -1 : timeMs | 0;
    const high = isBeyond ? 0x7fffffff : Math.floor(timeMs / 0x100000000);
    this.writeInt64(high, low);
  }

  /** Writes a double, lowest byte first. */
  writeDouble(value: number): void {
    double[0] = value;
    this.writeRaw(doubleBytes, 0, 8);
  }

  /** Writes a string in its shortest form: integer, LZF or plain. */
  writeString(bytes: Uint8Array, start: number, length: number): void {
    if (length <= format.INTEGER_TEXT_BYTES_MAX) {
      if (this.#tryInteger(bytes, start, length)) return;
    } else if (this.#compresses && length > format.COMPRESSION_BYTES_MIN) {
      if (this.#tryCompressed(bytes, start, length)) return;
    }
    this.writeLength(length);
    this.writeRaw(bytes, start, length);
  }

  /** Whether long strings are written compressed. */
  get compresses(): boolean {
    return this.#compresses;
  }

  /**
   * Writes a string of `length` bytes that stands compressed: `count` bytes of LZF, as `compress`
   * makes them of it.
   */
  writeCompressed(bytes: Uint8Array, start: number, count: number, length: number): void {
    this.writeByte(format.STRING_LZF);
    this.writeLength(count);
    this.writeLength(length);
    this.writeRaw(bytes, start, count);
  }

  /** Writes a string of ASCII characters. */
  writeText(text: string): void {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    this.writeString(bytes, 0, bytes.length);
  }

  /**
   * Whether a string of this length, which stands in pieces, had better be put together for
   * `writeString`; if not, it is written by `writeLength` and `writeRaw` piece by piece.
   */
  wantsWhole(length: number): boolean {
    return length <= format.INTEGER_TEXT_BYTES_MAX ||
      (this.#compresses && length <= COMPRESSION_BYTES_MAX);
  }

  /** Ends a file: the checksum (0 if there is none), and all handed on. */
  finishFile(): void {
    this.flush();
    this.#writeChecksum();
  }

  /**
   * Ends a DUMP payload: the version and the checksum. A short one is handed on in one piece. The
   * output is of no use afterwards: the next one has its buffer.
   */
  finishPayload(version: number): void {
    if (this.#at > this.#bufferBytes - PRIMITIVE_BYTES_MAX) this.flush();
    this.writeByte(version);
    this.writeByte(version >>> 8);
    const crc = this.#crc;
    crc?.update(this.#buffer, 0, this.#at);
    this.#buffer.fill(0, this.#at, this.#at + format.CHECKSUM_BYTES);
    crc?.store(this.#buffer, this.#at);
    this.#at += format.CHECKSUM_BYTES;
    this.#sink.write(this.#buffer, 0, this.#at);
    this.#flushedBytes += this.#at;
    this.#at = 0;
    if (this.#bufferBytes === FIRST_BUFFER_BYTES) spareBuffer = this.#buffer;
    this.#buffer = NO_BYTES;
    this.#bufferBytes = 0;
  }

  #writeChecksum(): void {
    const bytes = new Uint8Array(format.CHECKSUM_BYTES);
    this.#crc?.store(bytes, 0);
    this.#sink.write(bytes, 0, bytes.length);
    this.#flushedBytes += bytes.length;
  }

  #tryInteger(bytes: Uint8Array, start: number, length: number): boolean {
    const initial = bytes[start];
    if (length === 0 || initial > 0x39 || initial < 0x2d) return false;
    const value = parseSafeInteger(bytes, start, length);
    if (value !== (value | 0)) return false;
    if (this.#at > this.#bufferBytes - PRIMITIVE_BYTES_MAX) this.flush();
    const buffer = this.#buffer;
    if (value >= -0x80 && value <= 0x7f) {
      buffer[this.#at++] = format.STRING_INT8;
      buffer[this.#at++] = value;
      return true;
    }
    const isShort = value >= -0x8000 && value <= 0x7fff;
    buffer[this.#at++] = isShort ? format.STRING_INT16 : format.STRING_INT32;
    buffer[this.#at++] = value;
    buffer[this.#at++] = value >>> 8;
    if (isShort) return true;
    buffer[this.#at++] = value >>> 16;
    buffer[this.#at++] = value >>> 24;
    return true;
  }

  #tryCompressed(bytes: Uint8Array, start: number, length: number): boolean {
    if (length > COMPRESSION_BYTES_MAX) return false;
    const room = lzf.targetBytes(length);
    if (this.#compressed.length < room) this.#compressed = readyForCopies(new Uint8Array(room));
    const compressed = this.#compressed;
    const count = lzf.compress(bytes, start, length, compressed, 0);
    if (count !== 0) this.writeCompressed(compressed, 0, count, length);
    if (room > KEPT_SCRATCH_BYTES) this.#compressed = shortCompressed;
    return count !== 0;
  }
}
