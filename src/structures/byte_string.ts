/**
 * Byte string: a string of bytes of any length up to 1 GiB, changed in place, grown at its end.
 *
 * No block is larger than a segment, so a long string is cut into chunks:
 *
 *   short (up to INLINE_BYTES_MAX)          long
 *   word 0   length in bytes                word 0   length in bytes
 *   word 1…  the bytes                      word 1…  refs of the chunks, all full but the last
 *
 * A full chunk is a segment of its own; the last one is a block of the class that just holds it.
 * So a change touches one chunk, an append moves at most the last one, and no copy exceeds 256
 * KiB, be the string 512 MB long. There are few size classes, each larger than the last by a share,
 * hence appending n bytes one by one copies O(n) bytes in all. The length alone decides the form of
 * a string and the class of each block.
 *
 * Does not count references, and knows nothing of numbers or text.
 */
import { assert } from "../base/assert.ts";
import { compareBytes, copyBytes, type Slice } from "../base/bytes.ts";
import { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_BYTES,
  SEGMENT_SHIFT,
} from "../memory/memory.ts";

const LENGTH_BYTES = 4;
const CHUNK_BYTES = SEGMENT_BYTES;
const CHUNK_SHIFT = 18;
const CHUNK_MASK = CHUNK_BYTES - 1;

/** The longest string that stands in a single block. */
export const INLINE_BYTES_MAX = SEGMENT_BYTES - LENGTH_BYTES;
/** The longest string of all: 1 GiB. */
export const BYTES_MAX = 1024 * 1024 * 1024;

/** Receives one contiguous piece of a string; the piece is good until the next write. */
export type ChunkVisitor = (bytes: Uint8Array, start: number, count: number) => void;

/** A string of `byteCount` zero bytes. */
export function create(arena: Arena, byteCount: number): Ref {
  const ref = allocate(arena, byteCount);
  fillZero(arena, ref, 0, byteCount);
  return ref;
}

/** A string that is a copy of the range. */
export function fromBytes(arena: Arena, bytes: Uint8Array, start: number, length: number): Ref {
  const ref = allocate(arena, length);
  if (length <= INLINE_BYTES_MAX) {
    const at = ((ref & OFFSET_MASK) << 3) + LENGTH_BYTES;
    copyBytes(bytes, start, arena.bytes[ref >>> SEGMENT_SHIFT], at, length);
  } else {
    write(arena, ref, 0, bytes, start, length);
  }
  return ref;
}

/** A copy of the string. */
export function duplicate(arena: Arena, ref: Ref): Ref {
  const length = byteLength(arena, ref);
  const count = chunkCount(length);
  const copy = allocate(arena, length);
  if (count === 0) arena.copyBlock(ref, copy, LENGTH_BYTES + length);
  for (let index = 0; index < count; index++) {
    const chunkBytes = Math.min(CHUNK_BYTES, length - index * CHUNK_BYTES);
    arena.copyBlock(chunkRef(arena, ref, index), chunkRef(arena, copy, index), chunkBytes);
  }
  return copy;
}

/** Gives all blocks of the string back. O(chunks). */
export function free(arena: Arena, ref: Ref): void {
  const count = chunkCount(byteLength(arena, ref));
  for (let index = 0; index < count; index++) arena.free(chunkRef(arena, ref, index));
  arena.free(ref);
}

/**
 * Moves the string out of slabs that are to be emptied (`Arena.relocate`); returns its ref. Of the
 * chunks of a long one only the last can be in such a slab: the others are whole segments.
 */
export function relocate(arena: Arena, ref: Ref): Ref {
  const target = arena.relocate(ref);
  const last = chunkCount(byteLength(arena, target)) - 1;
  if (last < 0) return target;
  const chunk = arena.relocate(chunkRef(arena, target, last));
  arena.willWrite(target);
  setChunkRef(arena, target, last, chunk);
  return target;
}

/** Length in bytes. */
export function byteLength(memory: Memory, ref: Ref): number {
  return memory.words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1];
}

/** The byte at `offset`, which must be below the length. */
export function byteAt(memory: Memory, ref: Ref, offset: number): number {
  if (byteLength(memory, ref) <= INLINE_BYTES_MAX) {
    return memory.bytes[ref >>> SEGMENT_SHIFT][inlineStart(ref) + offset];
  }
  const chunk = chunkRef(memory, ref, offset >>> CHUNK_SHIFT);
  return memory.bytes[chunk >>> SEGMENT_SHIFT][byteStart(chunk) + (offset & CHUNK_MASK)];
}

/** Stores one byte at `offset`, which must be below the length. */
export function setByteAt(arena: Arena, ref: Ref, offset: number, byte: number): void {
  if (byteLength(arena, ref) <= INLINE_BYTES_MAX) {
    arena.willWrite(ref);
    arena.bytes[ref >>> SEGMENT_SHIFT][inlineStart(ref) + offset] = byte;
    return;
  }
  const chunk = chunkRef(arena, ref, offset >>> CHUNK_SHIFT);
  arena.willWrite(chunk);
  arena.bytes[chunk >>> SEGMENT_SHIFT][byteStart(chunk) + (offset & CHUNK_MASK)] = byte;
}

/**
 * Points `out` at the bytes from `offset` to the end of the string or of their chunk, whichever
 * comes first; at nothing if `offset` is not below the length. Good until the next write.
 */
export function piece(memory: Memory, ref: Ref, offset: number, out: Slice): void {
  const length = byteLength(memory, ref);
  if (length <= INLINE_BYTES_MAX) {
    const rest = offset < length ? length - offset : 0;
    out.set(memory.bytes[ref >>> SEGMENT_SHIFT], inlineStart(ref) + offset, rest);
    return;
  }
  if (offset >= length) {
    out.set(memory.bytes[ref >>> SEGMENT_SHIFT], byteStart(ref), 0);
    return;
  }
  const chunk = chunkRef(memory, ref, offset >>> CHUNK_SHIFT);
  const inChunk = offset & CHUNK_MASK;
  const count = Math.min(CHUNK_BYTES - inChunk, length - offset);
  out.set(memory.bytes[chunk >>> SEGMENT_SHIFT], byteStart(chunk) + inChunk, count);
}

/** As `piece`, but the bytes that `out` points at may be stored to. */
export function writablePiece(arena: Arena, ref: Ref, offset: number, out: Slice): void {
  const length = byteLength(arena, ref);
  if (length <= INLINE_BYTES_MAX) arena.willWrite(ref);
  else if (offset < length) arena.willWrite(chunkRef(arena, ref, offset >>> CHUNK_SHIFT));
  piece(arena, ref, offset, out);
}

/** Copies `count` bytes from `offset` on into `target`; all of them must exist. */
export function read(
  memory: Memory,
  ref: Ref,
  offset: number,
  count: number,
  target: Uint8Array,
  targetStart: number,
): void {
  if (byteLength(memory, ref) <= INLINE_BYTES_MAX) {
    const source = memory.bytes[ref >>> SEGMENT_SHIFT];
    copyBytes(source, inlineStart(ref) + offset, target, targetStart, count);
    return;
  }
  const end = offset + count;
  for (let at = offset, to = targetStart; at < end;) {
    const chunk = chunkRef(memory, ref, at >>> CHUNK_SHIFT);
    const inChunk = at & CHUNK_MASK;
    const step = Math.min(CHUNK_BYTES - inChunk, end - at);
    copyBytes(memory.bytes[chunk >>> SEGMENT_SHIFT], byteStart(chunk) + inChunk, target, to, step);
    at += step;
    to += step;
  }
}

/** Stores a range over the bytes from `offset` on; the length does not change. */
export function write(
  arena: Arena,
  ref: Ref,
  offset: number,
  bytes: Uint8Array,
  start: number,
  count: number,
): void {
  if (byteLength(arena, ref) <= INLINE_BYTES_MAX) {
    arena.willWrite(ref);
    copyBytes(bytes, start, arena.bytes[ref >>> SEGMENT_SHIFT], inlineStart(ref) + offset, count);
    return;
  }
  const end = offset + count;
  for (let at = offset, from = start; at < end;) {
    const chunk = chunkRef(arena, ref, at >>> CHUNK_SHIFT);
    const inChunk = at & CHUNK_MASK;
    const step = Math.min(CHUNK_BYTES - inChunk, end - at);
    arena.willWrite(chunk);
    const target = arena.bytes[chunk >>> SEGMENT_SHIFT];
    copyBytes(bytes, from, target, byteStart(chunk) + inChunk, step);
    at += step;
    from += step;
  }
}

/**
 * Makes the string `byteCount` bytes long and returns its ref, which may be a new one. What is
 * added is zero; what is cut off is freed. Copies at most one chunk and the list of chunks.
 */
export function resize(arena: Arena, ref: Ref, byteCount: number): Ref {
  assertLength(byteCount);
  const length = byteLength(arena, ref);
  let target: Ref;
  if (length <= INLINE_BYTES_MAX) {
    target = byteCount <= INLINE_BYTES_MAX
      ? arena.resize(ref, LENGTH_BYTES + Math.min(length, byteCount), LENGTH_BYTES + byteCount)
      : convertToLong(arena, ref, byteCount);
  } else {
    target = byteCount <= INLINE_BYTES_MAX
      ? convertToShort(arena, ref, byteCount)
      : resizeLong(arena, ref, byteCount);
  }
  arena.words[target >>> SEGMENT_SHIFT][(target & OFFSET_MASK) << 1] = byteCount;
  if (byteCount > length) fillZero(arena, target, length, byteCount);
  return target;
}

/** Calls `visit` with each contiguous piece of the bytes `from` to `to` (exclusive), in order. */
export function forEachChunk(
  memory: Memory,
  ref: Ref,
  from: number,
  to: number,
  visit: ChunkVisitor,
): void {
  const length = byteLength(memory, ref);
  const end = Math.min(to, length);
  if (from >= end) return;
  if (length <= INLINE_BYTES_MAX) {
    visit(memory.bytes[ref >>> SEGMENT_SHIFT], inlineStart(ref) + from, end - from);
    return;
  }
  for (let at = from; at < end;) {
    const chunk = chunkRef(memory, ref, at >>> CHUNK_SHIFT);
    const inChunk = at & CHUNK_MASK;
    const step = Math.min(CHUNK_BYTES - inChunk, end - at);
    visit(memory.bytes[chunk >>> SEGMENT_SHIFT], byteStart(chunk) + inChunk, step);
    at += step;
  }
}

/** Order of the string and a range as unsigned bytes: negative, 0 or positive. */
export function compare(
  memory: Memory,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  const ownLength = byteLength(memory, ref);
  if (ownLength <= INLINE_BYTES_MAX) {
    const own = memory.bytes[ref >>> SEGMENT_SHIFT];
    return compareBytes(own, inlineStart(ref), ownLength, bytes, start, length);
  }
  const common = Math.min(ownLength, length);
  for (let at = 0; at < common; at += CHUNK_BYTES) {
    const chunk = chunkRef(memory, ref, at >>> CHUNK_SHIFT);
    const step = Math.min(CHUNK_BYTES, common - at);
    const own = memory.bytes[chunk >>> SEGMENT_SHIFT];
    const order = compareBytes(own, byteStart(chunk), step, bytes, start + at, step);
    if (order !== 0) return order;
  }
  return ownLength - length;
}

/**
 * Points `out` at all bytes of the string: where they stand if it has a single block, else at a
 * copy. Good until the next write.
 */
export function readAll(memory: Memory, ref: Ref, out: Slice): void {
  const length = byteLength(memory, ref);
  if (length <= INLINE_BYTES_MAX) piece(memory, ref, 0, out);
  else out.set(toBytes(memory, ref), 0, length);
}

/** A copy of the whole string. */
export function toBytes(memory: Memory, ref: Ref): Uint8Array<ArrayBuffer> {
  const length = byteLength(memory, ref);
  const copy = new Uint8Array(length);
  read(memory, ref, 0, length, copy, 0);
  return copy;
}

/** Bytes of all blocks of the string, the list of chunks included. O(1). */
export function memoryBytes(memory: Memory, ref: Ref): number {
  const length = byteLength(memory, ref);
  const count = chunkCount(length);
  if (count === 0) return Arena.bytesFor(LENGTH_BYTES + length);
  const tailBytes = length - (count - 1) * CHUNK_BYTES;
  return Arena.bytesFor(directoryBytes(count)) + (count - 1) * CHUNK_BYTES +
    Arena.bytesFor(tailBytes);
}

function byteStart(ref: Ref): number {
  return (ref & OFFSET_MASK) << 3;
}

function inlineStart(ref: Ref): number {
  return ((ref & OFFSET_MASK) << 3) + LENGTH_BYTES;
}

function chunkRef(memory: Memory, ref: Ref, index: number): Ref {
  return memory.words[ref >>> SEGMENT_SHIFT][((ref & OFFSET_MASK) << 1) + 1 + index];
}

/** Stores a ref into the list of chunks, which must have been made writable. */
function setChunkRef(arena: Arena, ref: Ref, index: number, chunk: Ref): void {
  arena.words[ref >>> SEGMENT_SHIFT][((ref & OFFSET_MASK) << 1) + 1 + index] = chunk;
}

/** Chunks of a string of this length; 0 if it stands in a single block. */
function chunkCount(length: number): number {
  return length <= INLINE_BYTES_MAX ? 0 : Math.ceil(length / CHUNK_BYTES);
}

function directoryBytes(count: number): number {
  return LENGTH_BYTES + count * 4;
}

function assertLength(byteCount: number): void {
  assert(byteCount >= 0 && byteCount <= BYTES_MAX, "byte string longer than 1 GiB");
}

/** All blocks of a string of this length, with unspecified content: for who fills it at once. */
export function allocate(arena: Arena, byteCount: number): Ref {
  assertLength(byteCount);
  const count = chunkCount(byteCount);
  const ref = arena.allocate(count === 0 ? LENGTH_BYTES + byteCount : directoryBytes(count));
  arena.words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1] = byteCount;
  if (count > 0) allocateChunks(arena, ref, 0, byteCount);
  return ref;
}

/** Allocates the chunks from number `first` on of a string that will have `byteCount` bytes. */
function allocateChunks(arena: Arena, ref: Ref, first: number, byteCount: number): void {
  const count = chunkCount(byteCount);
  for (let index = first; index < count; index++) {
    const chunk = arena.allocate(Math.min(CHUNK_BYTES, byteCount - index * CHUNK_BYTES));
    arena.willWrite(ref);
    setChunkRef(arena, ref, index, chunk);
  }
}

function convertToLong(arena: Arena, ref: Ref, byteCount: number): Ref {
  const length = byteLength(arena, ref);
  const target = allocate(arena, byteCount);
  const source = arena.bytes[ref >>> SEGMENT_SHIFT];
  write(arena, target, 0, source, inlineStart(ref), length);
  arena.free(ref);
  return target;
}

function convertToShort(arena: Arena, ref: Ref, byteCount: number): Ref {
  const target = arena.allocate(LENGTH_BYTES + byteCount);
  read(
    arena,
    ref,
    0,
    byteCount,
    arena.bytes[target >>> SEGMENT_SHIFT],
    inlineStart(target),
  );
  free(arena, ref);
  return target;
}

function resizeLong(arena: Arena, ref: Ref, byteCount: number): Ref {
  const length = byteLength(arena, ref);
  const oldCount = chunkCount(length);
  const newCount = chunkCount(byteCount);
  for (let index = newCount; index < oldCount; index++) arena.free(chunkRef(arena, ref, index));
  const kept = Math.min(oldCount, newCount);
  const target = arena.resize(ref, directoryBytes(kept), directoryBytes(newCount));
  const chunkStart = (kept - 1) * CHUNK_BYTES;
  const chunk = arena.resize(
    chunkRef(arena, target, kept - 1),
    Math.min(CHUNK_BYTES, Math.min(length, byteCount) - chunkStart),
    Math.min(CHUNK_BYTES, byteCount - chunkStart),
  );
  arena.willWrite(target);
  setChunkRef(arena, target, kept - 1, chunk);
  allocateChunks(arena, target, kept, byteCount);
  return target;
}

/** Zeroes the bytes `from` to `to` (exclusive). */
function fillZero(arena: Arena, ref: Ref, from: number, to: number): void {
  if (byteLength(arena, ref) <= INLINE_BYTES_MAX) {
    arena.willWrite(ref);
    const start = inlineStart(ref);
    arena.bytes[ref >>> SEGMENT_SHIFT].fill(0, start + from, start + to);
    return;
  }
  for (let at = from; at < to;) {
    const chunk = chunkRef(arena, ref, at >>> CHUNK_SHIFT);
    const inChunk = at & CHUNK_MASK;
    const step = Math.min(CHUNK_BYTES - inChunk, to - at);
    arena.willWrite(chunk);
    const start = byteStart(chunk) + inChunk;
    arena.bytes[chunk >>> SEGMENT_SHIFT].fill(0, start, start + step);
    at += step;
  }
}
