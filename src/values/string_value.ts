/**
 * String value: bytes embedded in the key's entry, or, from 16 KiB on, a byte string at its ref.
 *
 * An integer is stored as its decimal digits, like any other string, and only its encoding says
 * that it is one: GET copies digits instead of formatting a number, and small numbers take fewer
 * bytes than an int64.
 *
 * Encodings follow Redis: "int" for a canonical int64 of up to 20 digits, "embstr" up to 44 bytes,
 * else "raw"; a string that was changed in place (APPEND, SETRANGE, SETBIT) is "raw".
 *
 * Functions that change the length may have to move the entry. They return the new entry (its key
 * and expiry are the same, the old one is freed), and the caller tells the database:
 * `replaceMoved`.
 */
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import {
  decimalDigits,
  INTEGER_TEXT_BYTES_MAX,
  isCanonicalInteger,
  writeInteger,
} from "../base/integers.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as value from "./value.ts";

const EMBSTR_BYTES_MAX = 44;
const CLEAR_LOOP_BYTES_MAX = 32;

const view = scratch(new Slice());
const keyView = scratch(new Slice());
const rebuilt = scratch(new Slice());
const digits = readyForCopies(new Uint8Array(INTEGER_TEXT_BYTES_MAX));

/** The encoding Redis would choose for these bytes in SET. */
export function encodingFor(bytes: Uint8Array, start: number, length: number): number {
  if (length <= INTEGER_TEXT_BYTES_MAX && isCanonicalInteger(bytes, start, length)) {
    return value.ENCODING_INT;
  }
  return length <= EMBSTR_BYTES_MAX ? value.ENCODING_EMBSTR : value.ENCODING_RAW;
}

/** A new entry, in no dict yet, for a key with a string value. */
export function createEntry(
  arena: Arena,
  key: Uint8Array,
  keyStart: number,
  keyBytes: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): Ref {
  const encoding = encodingFor(bytes, start, length);
  if (!value.fitsEmbedded(keyBytes, length)) {
    const ref = byteString.fromBytes(arena, bytes, start, length);
    const type = value.TYPE_STRING;
    return value.createEntry(arena, key, keyStart, keyBytes, type, encoding, ref, expiryMs);
  }
  const entry = value.createEmbeddedEntry(
    arena,
    key,
    keyStart,
    keyBytes,
    encoding,
    length,
    expiryMs,
  );
  value.readEmbedded(arena, entry, view);
  copyBytes(bytes, start, view.bytes, view.start, length);
  return entry;
}

/**
 * Overwrites an embedded string of any type in place if the block has room and would not stay much
 * too large. Returns whether it did. The expiry must be the same.
 */
export function overwriteEmbedded(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (!value.isEmbedded(arena, entry)) return false;
  const keyBytes = arena.word(entry, 0) & dictEntry.KEY_BYTES_MASK;
  if (!value.fitsEmbedded(keyBytes, length)) return false;
  const hasExpiry = (value.ownerFlags(arena, entry) & value.FLAG_EXPIRY) !== 0;
  const needed = value.embeddedEntryBytes(keyBytes, length, hasExpiry);
  if (!isRightBlock(arena, entry, needed)) return false;
  value.setEmbeddedLength(arena, entry, length);
  value.setEncodingOnly(arena, entry, encodingFor(bytes, start, length));
  value.readEmbedded(arena, entry, view);
  copyBytes(bytes, start, view.bytes, view.start, length);
  return true;
}

/**
 * `overwriteEmbedded` with the digits of a safe integer. A counter that keeps its number of digits
 * gets them written over the old ones.
 */
export function overwriteInteger(arena: Arena, entry: Ref, number: number): boolean {
  if (!value.isEmbedded(arena, entry)) return false;
  const length = number < 0 ? 1 + decimalDigits(-number) : decimalDigits(number);
  value.readEmbedded(arena, entry, view);
  if (view.length !== length || value.encodingOf(arena, entry) !== value.ENCODING_INT) {
    writeInteger(number, digits, 0);
    return overwriteEmbedded(arena, entry, digits, 0, length);
  }
  arena.willWrite(entry);
  value.readEmbedded(arena, entry, view);
  writeInteger(number, view.bytes, view.start);
  return true;
}

/** Length in bytes. */
export function byteLength(memory: Memory, entry: Ref): number {
  if (!value.isEmbedded(memory, entry)) {
    return byteString.byteLength(memory, value.valueRef(memory, entry));
  }
  value.readEmbedded(memory, entry, view);
  return view.length;
}

/** Whether `read` gives a view without copying; longer strings are better taken in chunks. */
export function isContiguous(memory: Memory, entry: Ref): boolean {
  return value.isEmbedded(memory, entry);
}

/** Points `out` at the bytes; a byte string is copied into one array first. */
export function read(memory: Memory, entry: Ref, out: Slice): void {
  if (value.isEmbedded(memory, entry)) {
    value.readEmbedded(memory, entry, out);
    return;
  }
  const bytes = byteString.toBytes(memory, value.valueRef(memory, entry));
  out.set(bytes, 0, bytes.length);
}

/**
 * Points `out` at the bytes from `offset` on that stand together: all the rest, or those up to the
 * end of a chunk; none if `offset` is not below the length. Good until the next write.
 */
export function piece(memory: Memory, entry: Ref, offset: number, out: Slice): void {
  if (!value.isEmbedded(memory, entry)) {
    byteString.piece(memory, value.valueRef(memory, entry), offset, out);
    return;
  }
  value.readEmbedded(memory, entry, out);
  out.start += offset;
  out.length = Math.max(0, out.length - offset);
}

/** As `piece`, but the bytes may be stored to. The encoding becomes "raw". */
export function writablePiece(arena: Arena, entry: Ref, offset: number, out: Slice): void {
  value.setEncodingOnly(arena, entry, value.ENCODING_RAW);
  if (!value.isEmbedded(arena, entry)) {
    byteString.writablePiece(arena, value.valueRef(arena, entry), offset, out);
    return;
  }
  arena.willWrite(entry);
  piece(arena, entry, offset, out);
}

/** Calls `visit` with the bytes from `from` to `to`, in pieces, in order. */
export function forEachChunk(
  memory: Memory,
  entry: Ref,
  from: number,
  to: number,
  visit: (bytes: Uint8Array, start: number, length: number) => void,
): void {
  if (value.isEmbedded(memory, entry)) {
    value.readEmbedded(memory, entry, view);
    if (to > from) visit(view.bytes, view.start + from, to - from);
    return;
  }
  byteString.forEachChunk(memory, value.valueRef(memory, entry), from, to, visit);
}

/** Byte at `offset`, which must be below the length. */
export function byteAt(memory: Memory, entry: Ref, offset: number): number {
  if (!value.isEmbedded(memory, entry)) {
    return byteString.byteAt(memory, value.valueRef(memory, entry), offset);
  }
  value.readEmbedded(memory, entry, view);
  return view.bytes[view.start + offset];
}

/**
 * Makes the string `length` bytes long, adding zero bytes or cutting, and encodes it "raw".
 * Amortised O(bytes added). Returns the entry, which may have moved.
 */
export function resize(arena: Arena, entry: Ref, length: number): Ref {
  if (!value.isEmbedded(arena, entry)) {
    const ref = byteString.resize(arena, value.valueRef(arena, entry), length);
    value.setEncoding(arena, entry, value.ENCODING_RAW, ref);
    return entry;
  }
  value.readEmbedded(arena, entry, view);
  const oldLength = view.length;
  const keyBytes = arena.word(entry, 0) & dictEntry.KEY_BYTES_MASK;
  const hasExpiry = (value.ownerFlags(arena, entry) & value.FLAG_EXPIRY) !== 0;
  const needed = value.embeddedEntryBytes(keyBytes, length, hasExpiry);
  const isSameForm = (oldLength < value.EMBEDDED_LONG) === (length < value.EMBEDDED_LONG);
  if (
    !isSameForm || !value.fitsEmbedded(keyBytes, length) || arena.blockBytes(entry) < needed
  ) {
    return rebuild(arena, entry, oldLength, length);
  }
  value.setEmbeddedLength(arena, entry, length);
  value.setEncodingOnly(arena, entry, value.ENCODING_RAW);
  value.readEmbedded(arena, entry, view);
  clearFrom(view, oldLength);
  return entry;
}

/** Writes bytes at `offset`; the string must be long enough. The encoding becomes "raw". */
export function write(
  arena: Arena,
  entry: Ref,
  offset: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  value.setEncodingOnly(arena, entry, value.ENCODING_RAW);
  if (!value.isEmbedded(arena, entry)) {
    byteString.write(arena, value.valueRef(arena, entry), offset, bytes, start, length);
    return;
  }
  arena.willWrite(entry);
  value.readEmbedded(arena, entry, view);
  copyBytes(bytes, start, view.bytes, view.start + offset, length);
}

/** Changes the byte at `offset`; the string must be long enough. The encoding becomes "raw". */
export function setByteAt(arena: Arena, entry: Ref, offset: number, byte: number): void {
  value.setEncodingOnly(arena, entry, value.ENCODING_RAW);
  if (!value.isEmbedded(arena, entry)) {
    byteString.setByteAt(arena, value.valueRef(arena, entry), offset, byte);
    return;
  }
  arena.willWrite(entry);
  value.readEmbedded(arena, entry, view);
  view.bytes[view.start + offset] = byte;
}

/** Bytes of memory beside the entry (MEMORY USAGE). */
export function memoryBytes(arena: Arena, entry: Ref): number {
  return value.isEmbedded(arena, entry)
    ? 0
    : byteString.memoryBytes(arena, value.valueRef(arena, entry));
}

/** The same key and expiry in another block or as a byte string, `length` bytes long. */
function rebuild(arena: Arena, entry: Ref, oldLength: number, length: number): Ref {
  // Allocating may clone the segment of the entry; but what is viewed here is not written to, and
  // stays as it is until the image is released.
  dictEntry.readKey(arena, entry, keyView);
  value.readEmbedded(arena, entry, view);
  const { bytes: key, start: keyStart, length: keyBytes } = keyView;
  const expiryMs = value.expiryOf(arena, entry);
  const clock = value.accessClock(arena, entry);
  const kept = Math.min(oldLength, length);
  const raw = value.ENCODING_RAW;
  let target: Ref;
  if (value.fitsEmbedded(keyBytes, length)) {
    target = value.createEmbeddedEntry(arena, key, keyStart, keyBytes, raw, length, expiryMs);
    value.readEmbedded(arena, target, rebuilt);
    copyBytes(view.bytes, view.start, rebuilt.bytes, rebuilt.start, kept);
    clearFrom(rebuilt, kept);
  } else {
    const ref = byteString.create(arena, length);
    byteString.write(arena, ref, 0, view.bytes, view.start, kept);
    const type = value.TYPE_STRING;
    target = value.createEntry(arena, key, keyStart, keyBytes, type, raw, ref, expiryMs);
  }
  value.setAccessClock(arena, target, clock);
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
  return target;
}

/** Zeroes the bytes from `offset` on; a few of them without a call. */
function clearFrom({ bytes, start, length }: Slice, offset: number): void {
  const end = start + length;
  if (length - offset > CLEAR_LOOP_BYTES_MAX) bytes.fill(0, start + offset, end);
  else for (let at = start + offset; at < end; at++) bytes[at] = 0;
}

/** Whether a block holds `needed` bytes and is the class for it, or at most 32 bytes larger. */
function isRightBlock(arena: Arena, entry: Ref, needed: number): boolean {
  const spare = arena.blockBytes(entry) - needed;
  return spare >= 0 && (spare < 32 || spare * 4 < needed);
}
