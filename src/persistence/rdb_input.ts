/**
 * RDB input: the primitives of the format (lengths, strings, doubles), read through a buffer from a
 * file of any size, with a running CRC.
 *
 * Made for hostile input: nothing is believed before it is checked against the bytes that are left,
 * so no length can make it allocate more than the file could fill, and every failure is an
 * `RdbFormatError` that names the offset.
 *
 * A slice that was read is good until the next read.
 */
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { BYTES_MAX } from "../structures/byte_string.ts";
import { format as formatInteger, Int64 } from "../structures/int64_words.ts";
import { Crc64 } from "./crc64.ts";
import * as lzf from "../base/lzf.ts";
import * as format from "./rdb_format.ts";

/** Read at a time: little enough to be in the processor's cache still when it is looked at. */
const BUFFER_BYTES = 128 * 1024;
/** A buffer that had to become larger is kept up to this size. */
const BUFFER_BYTES_KEPT = 1024 * 1024;
const KEPT_SCRATCH_BYTES = 1024 * 1024;

/** Where inputs over arrays, one of which is read at a time, unpack short strings. */
const shortUnpacked = readyForCopies(new Uint8Array(4096));
const NO_BYTES = readyForCopies(new Uint8Array(0));
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

/** Where bytes come from; a FileHandle is one. */
export interface ByteSource {
  read(bytes: Uint8Array, start: number, length: number): number;
}

/** A source that is an array in memory. */
export class ArraySource implements ByteSource {
  readonly #content: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(content: Uint8Array, start: number, length: number) {
    this.#content = content;
    this.#at = start;
    this.#end = start + length;
  }

  read(bytes: Uint8Array, start: number, length: number): number {
    const count = Math.min(length, this.#end - this.#at);
    copyBytes(this.#content, this.#at, bytes, start, count);
    this.#at += count;
    return count;
  }
}

export class RdbInput {
  readonly path: string;
  /** Whether the last `readLength` met the head of an encoded string instead. */
  isEncoded = false;
  readonly #source: ByteSource;
  readonly #totalBytes: number;
  readonly #crc: Crc64 | null;
  readonly #integerText = new Uint8Array(24);
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  /** Index in the buffer up to which the CRC has been taken. */
  #crcAt = 0;
  /** Offset in the file of the buffer's first byte. */
  #base = 0;
  #unpacked: Uint8Array = NO_BYTES;
  /** The LZF of the compressed string that was read last. */
  readonly #compressed = new Slice();

  /** `totalBytes`: how many the source has; `hasChecksum`: whether a CRC is kept. */
  constructor(path: string, source: ByteSource, totalBytes: number, hasChecksum: boolean) {
    this.path = path;
    this.#source = source;
    this.#totalBytes = totalBytes;
    this.#crc = hasChecksum ? new Crc64() : null;
  }

  /**
   * The input that is `length` bytes of an array, which is read where it stands: it must stay as it
   * is. Without a checksum. What RESTORE reads is short, and a buffer is dear for it.
   */
  static over(path: string, bytes: Uint8Array, start: number, length: number): RdbInput {
    const input = new RdbInput(path, new ArraySource(bytes, start + length, 0), length, false);
    input.#bytes = bytes;
    input.#unpacked = shortUnpacked;
    input.#at = start;
    input.#end = start + length;
    input.#base = -start;
    return input;
  }

  /** Offset in the file of the next byte. */
  get offset(): number {
    return this.#base + this.#at;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Bytes between the present place and the end of the file. */
  get restBytes(): number {
    return this.#totalBytes - this.#base - this.#at;
  }

  /** Ends reading with an error at the present place. */
  fail(reason: string): never {
    throw new format.RdbFormatError(this.path, this.offset, reason);
  }

  /** Ends reading at something that only other versions can read. */
  refuse(reason: string): never {
    throw new format.RdbUnreadableError(this.path, this.offset, reason);
  }

  readByte(): number {
    if (this.#at === this.#end) this.#refill(1);
    return this.#bytes[this.#at++];
  }

  /** Reads bytes as they are. */
  readRaw(length: number, out: Slice): void {
    if (this.#end - this.#at < length) this.#refill(length);
    out.bytes = this.#bytes;
    out.start = this.#at;
    out.length = length;
    this.#at += length;
  }

  /** Reads a length; if the head of an encoded string stands there, its encoding byte. */
  readLength(): number {
    const initial = this.readByte();
    this.isEncoded = false;
    switch (initial >>> 6) {
      case format.LENGTH_6_BIT:
        return initial;
      case format.LENGTH_14_BIT:
        return ((initial & 63) << 8) | this.readByte();
      case format.LENGTH_ENCODED:
        this.isEncoded = true;
        return initial;
    }
    if (initial === format.LENGTH_32_BIT_BYTE) return this.#readWord();
    if (initial !== format.LENGTH_64_BIT_BYTE) this.fail(`unknown length encoding ${initial}`);
    const high = this.#readWord();
    const length = high * 0x100000000 + this.#readWord();
    if (!Number.isSafeInteger(length)) this.fail("length beyond all bounds");
    return length;
  }

  /** Reads a length that may not be the head of an encoded string. */
  readPlainLength(): number {
    const length = this.readLength();
    if (this.isEncoded) this.fail("expected a length, found an encoded string");
    return length;
  }

  /** Reads a length of any 64 bits, which counts no bytes: half of an id, a counter. */
  readLength64(out: Int64): void {
    const initial = this.readByte();
    if (initial === format.LENGTH_64_BIT_BYTE) {
      const high = this.#readWord();
      return out.set(high, this.#readWord());
    }
    if (initial === format.LENGTH_32_BIT_BYTE) return out.set(0, this.#readWord());
    switch (initial >>> 6) {
      case format.LENGTH_6_BIT:
        return out.set(0, initial);
      case format.LENGTH_14_BIT:
        return out.set(0, ((initial & 63) << 8) | this.readByte());
    }
    this.fail(`unknown length encoding ${initial}`);
  }

  /** Reads the id of a module's type; returns the name in it. */
  readModuleName(): string {
    const id = new Int64();
    this.readLength64(id);
    return format.moduleTypeName(BigInt.asUintN(64, id.toBigInt()));
  }

  /** Reads an int64, lowest byte first, without loss. */
  readFullInt64(out: Int64): void {
    const low = this.readInt32();
    out.set(this.readInt32(), low);
  }

  /** Reads how many things follow, each of which takes at least `bytesMin`. */
  readCount(bytesMin: number): number {
    const count = this.readPlainLength();
    if (count * bytesMin > this.restBytes) this.fail(`${count} elements, more than the file holds`);
    return count;
  }

  /** Reads a string in any of its forms. */
  readString(out: Slice): void {
    const length = this.readLength();
    if (this.isEncoded) this.#readEncoded(length, out);
    else this.#readPlain(length, out);
  }

  /**
   * Reads a string, and points `compressed` at the LZF that it stood in the file as; at nothing if
   * it did not. Both are good until the next read.
   */
  readStringAndLzf(out: Slice, compressed: Slice): void {
    this.#compressed.forget();
    this.readString(out);
    const { bytes, start, length } = this.#compressed;
    compressed.set(bytes, start, length);
  }

  /**
   * Reads a string, but if it is a plain one of more than `bytesMax`, only its length, which is
   * returned: its bytes are then taken by `readPiece`. Otherwise returns -1.
   */
  readStringOrLength(bytesMax: number, out: Slice): number {
    const length = this.readLength();
    if (this.isEncoded) {
      this.#readEncoded(length, out);
      return -1;
    }
    if (length <= bytesMax) {
      this.#readPlain(length, out);
      return -1;
    }
    this.#checkStringLength(length);
    return length;
  }

  /** Reads some of the next `length` bytes: what is in the buffer, at least one. */
  readPiece(length: number, out: Slice): void {
    if (this.#at === this.#end) this.#refill(1);
    this.readRaw(Math.min(length, this.#end - this.#at), out);
  }

  /** Reads an int32 (EXPIRETIME), lowest byte first. */
  readInt32(): number {
    const low = this.readByte() | (this.readByte() << 8);
    return low | (this.readByte() << 16) | (this.readByte() << 24);
  }

  /** Reads an int64, lowest byte first, as a number. */
  readInt64(): number {
    const low = this.readInt32() >>> 0;
    return this.readInt32() * 0x100000000 + low;
  }

  /** Reads a double, lowest byte first. */
  readDouble(): number {
    for (let index = 0; index < 8; index++) doubleBytes[index] = this.readByte();
    return double[0];
  }

  /**
   * Reads the checksum that ends a file and compares it with that of all bytes before. Returns
   * whether there was one; the writer may have been told not to compute it.
   */
  readChecksum(): boolean {
    const crc = this.#crc;
    crc?.update(this.#bytes, this.#crcAt, this.#at - this.#crcAt);
    this.#crcAt = this.#at;
    // What follows may not enter the checksum, even if it takes a refill to read it.
    const expected = new Crc64();
    if (crc !== null) {
      expected.low = crc.low;
      expected.high = crc.high;
    }
    const out = new Slice();
    this.readRaw(format.CHECKSUM_BYTES, out);
    const isAbsent = out.copy().every((byte) => byte === 0);
    if (crc !== null && !isAbsent && !expected.matches(out.bytes, out.start)) {
      this.#at -= format.CHECKSUM_BYTES;
      this.fail("RDB CRC error: the checksum is wrong");
    }
    return !isAbsent;
  }

  #readPlain(length: number, out: Slice): void {
    if (this.#end - this.#at < length) {
      this.#checkStringLength(length);
      this.#refill(length);
    }
    out.bytes = this.#bytes;
    out.start = this.#at;
    out.length = length;
    this.#at += length;
  }

  #checkStringLength(length: number): void {
    if (length > BYTES_MAX || length > this.restBytes) {
      this.fail(`string of ${length} bytes, more than the file holds`);
    }
  }

  #readEncoded(encoding: number, out: Slice): void {
    let integer: number;
    switch (encoding) {
      case format.STRING_INT8:
        integer = (this.readByte() << 24) >> 24;
        break;
      case format.STRING_INT16:
        integer = ((this.readByte() | (this.readByte() << 8)) << 16) >> 16;
        break;
      case format.STRING_INT32:
        integer = this.readInt32();
        break;
      case format.STRING_LZF:
        return this.unpackString(this.#readPacked(), out);
      default:
        return this.fail(`unknown string encoding ${encoding}`);
    }
    out.bytes = this.#integerText;
    out.start = 0;
    out.length = formatInteger(integer >> 31, integer, this.#integerText, 0);
  }

  /**
   * If a compressed string stands here, reads it as far as to `unpack` it, and returns its length
   * unpacked, at least 1. Otherwise reads nothing and returns 0.
   */
  readPacked(): number {
    if (this.#at === this.#end) this.#refill(1);
    if (this.#bytes[this.#at] !== format.STRING_LZF) return 0;
    this.#at++;
    return this.#readPacked();
  }

  /** `readPacked` for a string whose first byte has been read. */
  #readPacked(): number {
    const compressedBytes = this.readPlainLength();
    const length = this.readPlainLength();
    this.#checkStringLength(compressedBytes);
    if (length === 0 || length > BYTES_MAX || !lzf.isPossibleLength(compressedBytes, length)) {
      this.fail(`compressed string of impossible length ${length}`);
    }
    this.readRaw(compressedBytes, this.#compressed);
    return length;
  }

  /**
   * Unpacks the string that `readPacked` has just read, of `length` bytes, to `start` of an array,
   * which has room. Returns whether it was sound; if not, the caller tells of it: `failPacked`.
   */
  unpack(target: Uint8Array, start: number, length: number): boolean {
    const packed = this.#compressed;
    return lzf.decompress(packed.bytes, packed.start, packed.length, target, start, length);
  }

  /** Ends reading, for `unpack` has failed. */
  failPacked(): never {
    return this.fail("damaged compressed string");
  }

  /** Unpacks the string that `readPacked` has just read, of `length` bytes, to an own array. */
  unpackString(length: number, out: Slice): void {
    let target = this.#unpacked;
    if (target.length < length) {
      target = readyForCopies(new Uint8Array(Math.max(length, shortUnpacked.length)));
      if (length <= KEPT_SCRATCH_BYTES) this.#unpacked = target;
    }
    if (!this.unpack(target, 0, length)) this.failPacked();
    out.bytes = target;
    out.start = 0;
    out.length = length;
  }

  #readWord(): number {
    const high = (this.readByte() << 24) | (this.readByte() << 16);
    return (high | (this.readByte() << 8) | this.readByte()) >>> 0;
  }

  /** Makes at least `count` bytes available behind the present place. */
  #refill(count: number): void {
    if (count > this.restBytes) this.fail("Unexpected EOF reading RDB file");
    this.#crc?.update(this.#bytes, this.#crcAt, this.#at - this.#crcAt);
    const kept = this.#end - this.#at;
    const capacity = Math.max(count, Math.min(BUFFER_BYTES, this.restBytes));
    let target = this.#bytes;
    if (target.length < capacity || target.length > Math.max(count, BUFFER_BYTES_KEPT)) {
      target = readyForCopies(new Uint8Array(Math.max(capacity, 64)));
    }
    target.set(this.#bytes.subarray(this.#at, this.#end), 0);
    this.#base += this.#at;
    this.#bytes = target;
    this.#at = 0;
    this.#crcAt = 0;
    this.#end = kept;
    while (this.#end < count) {
      const read = this.#source.read(target, this.#end, target.length - this.#end);
      if (read === 0) this.fail("Unexpected EOF reading RDB file");
      this.#end += read;
    }
  }
}
