/**
 * Listpack: a short sequence of byte strings and integers in one block of memory, byte for byte as
 * Redis keeps and saves it, so that RDB files and DUMP payloads are copies of the block.
 *
 *   offset  bytes  field
 *   0       4      bytes in use, this header and the end byte included
 *   4       2      number of entries, or 65535 = "count them"
 *   6       …      entries, see listpack_encoding.ts
 *   …       1      255: the end
 *
 * HEAD ROOM. Between header and entries there may be unused bytes, so that an element can be added
 * or removed in front of the others without moving them (listpack_ends.ts). Their number stands in
 * the upper bits of the first word, and is in no count of bytes: what is saved is without them.
 *
 * Small lists, hashes, sets and sorted sets are kept in this form. Every change moves the tail of
 * the block, hence the limits that their owners keep. The hard limit is a block: **an owner asks
 * `fits` before adding and converts to another form if the answer is no.**
 *
 * A position is the offset of an entry from the start of the listpack, -1 = none; it survives a
 * move of the block and every change behind it. Functions that write return the ref of the
 * listpack, which may be a new one. Elements to be stored may not lie in the very listpack they
 * are stored to.
 *
 * Knows nothing of Redis types.
 */
import { copyBytes, equalBytes, grownCapacity, readyForCopies, Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_BYTES,
  SEGMENT_SHIFT,
} from "../memory/memory.ts";
import { Int64, readText } from "./int64_words.ts";
import * as encoding from "./listpack_encoding.ts";

/** No listpack is larger: it is one block. */
export const LISTPACK_BYTES_MAX = SEGMENT_BYTES;
/** Bytes of an empty listpack: header and end. */
export const EMPTY_BYTES = 7;

/** Position of the first entry of a listpack that has any, and no head room. */
export const FIRST = 6;

/** The first word: bytes in use, at most LISTPACK_BYTES_MAX, and above them those of head room. */
const LENGTH_MASK = (1 << 19) - 1;
const ROOM_SHIFT = 19;
/** No listpack has more head room. */
export const HEAD_ROOM_MAX = 2 ** (32 - ROOM_SHIFT) - 1;

const HEADER_BYTES = FIRST;
export const COUNT_OFFSET = 4;
/** Value of the count field from which on entries must be counted. */
export const COUNT_UNKNOWN = 65535;
/** A smaller block is taken when less than this share of the present one is in use. */
const SHRINK_SHARE = 0.75;

const NO_BYTES = readyForCopies(new Uint8Array(0));
/** Where listpacks with head room are put together to be saved; grows. */
let whole = new Uint8Array(0);

const integer = new Int64();
const wantedInteger = new Int64();

/** An empty listpack. */
export function create(arena: Arena): Ref {
  const ref = arena.allocate(EMPTY_BYTES);
  storeHeader(arena, ref, 0, EMPTY_BYTES, 0);
  arena.bytes[ref >>> SEGMENT_SHIFT][startOf(ref) + HEADER_BYTES] = encoding.END;
  return ref;
}

/** A listpack from its bytes, which have been validated and are no more than LISTPACK_BYTES_MAX. */
export function fromRaw(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  roomBytes = length,
): Ref {
  const ref = arena.allocate(Math.max(length, roomBytes));
  copyBytes(bytes, start, arena.bytes[ref >>> SEGMENT_SHIFT], startOf(ref), length);
  return ref;
}

/**
 * Points `out` at the bytes of the whole listpack, as saved. Good until the next write or, if it
 * has head room, the next call.
 */
export function rawSlice(memory: Memory, ref: Ref, out: Slice): void {
  const length = byteLength(memory, ref);
  if (headRoom(memory, ref) === 0) {
    out.set(memory.bytes[ref >>> SEGMENT_SHIFT], startOf(ref), length);
    return;
  }
  if (whole.length < length) whole = new Uint8Array(grownCapacity(whole.length, length));
  storeRawHeader(whole, length, count(memory, ref));
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  copyBytes(bytes, startOf(ref) + begin(memory, ref), whole, FIRST, length - FIRST);
  out.set(whole, 0, length);
}

/** Bytes in use, as saved. The block may be larger. */
export function byteLength(memory: Memory, ref: Ref): number {
  return memory.words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1] & LENGTH_MASK;
}

/** Unused bytes before the first entry. */
export function headRoom(memory: Memory, ref: Ref): number {
  return memory.words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1] >>> ROOM_SHIFT;
}

/** Position of the first entry or, if there is none, of the end. */
export function begin(memory: Memory, ref: Ref): number {
  return HEADER_BYTES + headRoom(memory, ref);
}

/** Position behind the last entry. */
export function end(memory: Memory, ref: Ref): number {
  const word = memory.words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1];
  return (word & LENGTH_MASK) - 1 + (word >>> ROOM_SHIFT);
}

/** Number of entries. O(1), or O(n) if there are 65,535 or more. */
export function count(memory: Memory, ref: Ref): number {
  const stored = storedCount(memory, ref);
  if (stored !== COUNT_UNKNOWN) return stored;
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  let total = 0;
  for (let at = startOf(ref) + begin(memory, ref); bytes[at] !== encoding.END; total++) {
    at += encoding.entryBytesAt(bytes, at);
  }
  return total;
}

/** Bytes which an element takes as an entry. */
export function entryBytes(bytes: Uint8Array, start: number, length: number): number {
  const size = encoding.encode(bytes, start, length);
  return size + encoding.backwardLengthBytes(size);
}

/** Whether `extraBytes` more bytes of entries have room; see the head of this file. */
export function fits(memory: Memory, ref: Ref, extraBytes: number): boolean {
  return end(memory, ref) + 1 + extraBytes <= LISTPACK_BYTES_MAX;
}

/** Position of the first entry, or -1. */
export function first(memory: Memory, ref: Ref): number {
  const position = begin(memory, ref);
  return exists(memory, ref, position) ? position : -1;
}

/** Position of the last entry, or -1. */
export function last(memory: Memory, ref: Ref): number {
  return previous(memory, ref, end(memory, ref));
}

/** Position of the entry behind the one at `position`, or -1. */
export function next(memory: Memory, ref: Ref, position: number): number {
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  const at = startOf(ref) + position;
  const step = encoding.entryBytesAt(bytes, at);
  return bytes[at + step] === encoding.END ? -1 : position + step;
}

/** Position of the entry before `position` (of an entry or of the end), or -1. */
export function previous(memory: Memory, ref: Ref, position: number): number {
  if (position === begin(memory, ref)) return -1;
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  return position - encoding.entryBytesBefore(bytes, startOf(ref) + position);
}

/** Whether an entry stands at `position`, which may be that of the end. */
export function exists(memory: Memory, ref: Ref, position: number): boolean {
  return memory.bytes[ref >>> SEGMENT_SHIFT][startOf(ref) + position] !== encoding.END;
}

/**
 * Position of the entry number `index`, counted from 0, or from the tail with -1 as the last; -1 if
 * there is none. Walks from the nearer end: O(distance).
 */
export function seek(memory: Memory, ref: Ref, index: number): number {
  const total = count(memory, ref);
  const target = index < 0 ? index + total : index;
  if (target < 0 || target >= total) return -1;
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  const start = startOf(ref);
  if (target <= total >>> 1) {
    let at = start + begin(memory, ref);
    for (let i = 0; i < target; i++) at += encoding.entryBytesAt(bytes, at);
    return at - start;
  }
  let at = start + end(memory, ref);
  for (let i = total; i > target; i--) at -= encoding.entryBytesBefore(bytes, at);
  return at - start;
}

/**
 * Points `out` at the element at `position`, an integer as decimal text. Good until the next write
 * or, the text of an integer, until `out` is filled again.
 */
export function read(memory: Memory, ref: Ref, position: number, out: Slice): void {
  readAt(memory.bytes[ref >>> SEGMENT_SHIFT], startOf(ref) + position, out);
}

/** `read` for an entry at `at` of an array. */
export function readAt(bytes: Uint8Array, at: number, out: Slice): void {
  const headerBytes = encoding.stringHeaderBytes(bytes, at);
  if (headerBytes !== 0) {
    out.set(bytes, at + headerBytes, encoding.bodyBytes(bytes, at) - headerBytes);
    return;
  }
  encoding.loadInteger(bytes, at, integer);
  readText(integer, out);
}

/** Whether the element is stored as an integer. */
export function isInteger(memory: Memory, ref: Ref, position: number): boolean {
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  return encoding.stringHeaderBytes(bytes, startOf(ref) + position) === 0;
}

/** The element as a number if it is stored as an integer and a safe one, else NaN. */
export function readInteger(memory: Memory, ref: Ref, position: number): number {
  return readInt64(memory, ref, position, integer) ? integer.toNumber() : NaN;
}

/** Reads an element that is stored as an integer into `out`; false if it is not. */
export function readInt64(memory: Memory, ref: Ref, position: number, out: Int64): boolean {
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  const at = startOf(ref) + position;
  if (encoding.stringHeaderBytes(bytes, at) !== 0) return false;
  encoding.loadInteger(bytes, at, out);
  return true;
}

/** Whether the element at `position` is these bytes. */
export function equalsAt(
  memory: Memory,
  ref: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const wanted = encoding.parseWanted(bytes, start, length, wantedInteger) ? wantedInteger : null;
  const entries = memory.bytes[ref >>> SEGMENT_SHIFT];
  return encoding.matches(entries, startOf(ref) + position, bytes, start, length, wanted);
}

/**
 * Position of the first entry from `fromPosition` on that is these bytes, or -1. After each entry
 * that was compared, `skipEntries` are passed over: 1 finds fields of a hash. `fromPosition` may be
 * -1 (nothing is found) or the end. O(n).
 */
export function find(
  memory: Memory,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  fromPosition: number,
  skipEntries: number,
): number {
  if (fromPosition < 0) return -1;
  const wanted = encoding.parseWanted(bytes, start, length, wantedInteger) ? wantedInteger : null;
  const entries = memory.bytes[ref >>> SEGMENT_SHIFT];
  const base = startOf(ref);
  let skip = 0;
  for (let at = base + fromPosition;;) {
    const head = entries[at];
    let step: number;
    if (head >= 0x80 && head < 0xc0) {
      // Strings below 64 bytes are by far the most; the other kinds take the general way.
      const own = head & 0x3f;
      if (skip === 0 && own === length && equalBytes(entries, at + 1, bytes, start, length)) {
        return at - base;
      }
      step = own + 2;
    } else {
      if (head === encoding.END) return -1;
      if (skip === 0 && encoding.matches(entries, at, bytes, start, length, wanted)) {
        return at - base;
      }
      step = encoding.entryBytesAt(entries, at);
    }
    at += step;
    skip = skip === 0 ? skipEntries : skip - 1;
  }
}

/** Adds an element at the end. */
export function append(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const size = encoding.encode(bytes, start, length);
  return place(arena, ref, end(arena, ref), 0, size, bytes, start, length);
}

/** Adds a safe integer at the end. */
export function appendInteger(arena: Arena, ref: Ref, value: number): Ref {
  return insertIntegerBefore(arena, ref, end(arena, ref), value);
}

/** Inserts an element; afterwards it stands at `position`, which may have been that of the end. */
export function insertBefore(
  arena: Arena,
  ref: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const size = encoding.encode(bytes, start, length);
  return place(arena, ref, position, 0, size, bytes, start, length);
}

/** Inserts a safe integer; afterwards it stands at `position`, which may have been the end's. */
export function insertIntegerBefore(arena: Arena, ref: Ref, position: number, value: number): Ref {
  integer.setNumber(value);
  const size = encoding.encodeInteger(integer.high, integer.low);
  return place(arena, ref, position, 0, size, NO_BYTES, 0, 0);
}

/** Inserts an element; afterwards it stands at `next` of `position`, whose entry stays. */
export function insertAfter(
  arena: Arena,
  ref: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  return insertBefore(arena, ref, endOf(arena, ref, position), bytes, start, length);
}

/** Puts an element in the place of the one at `position`, where it stands afterwards. */
export function replace(
  arena: Arena,
  ref: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const removed = endOf(arena, ref, position) - position;
  const size = encoding.encode(bytes, start, length);
  return place(arena, ref, position, removed, size, bytes, start, length);
}

/** Puts a safe integer in the place of the element at `position`, where it stands afterwards. */
export function replaceInteger(arena: Arena, ref: Ref, position: number, value: number): Ref {
  const removed = endOf(arena, ref, position) - position;
  integer.setNumber(value);
  const size = encoding.encodeInteger(integer.high, integer.low);
  return place(arena, ref, position, removed, size, NO_BYTES, 0, 0);
}

/**
 * Removes `entryCount` entries from `position` on, or as many as there are. Afterwards `position`
 * is that of the entry which followed them, or of the end (ask `exists`).
 */
export function remove(arena: Arena, ref: Ref, position: number, entryCount: number): Ref {
  const bytes = arena.bytes[ref >>> SEGMENT_SHIFT];
  const from = startOf(ref) + position;
  let at = from;
  let removed = 0;
  while (removed < entryCount && bytes[at] !== encoding.END) {
    at += encoding.entryBytesAt(bytes, at);
    removed++;
  }
  return removed === 0 ? ref : splice(arena, ref, position, at - from, 0, -removed);
}

/** Appends all entries of another listpack, which stays as it is; there must be room. */
export function appendAll(arena: Arena, ref: Ref, source: Ref): Ref {
  const total = count(arena, source);
  const copied = byteLength(arena, source) - EMPTY_BYTES;
  const position = end(arena, ref);
  const target = splice(arena, ref, position, 0, copied, total);
  copyBytes(
    arena.bytes[source >>> SEGMENT_SHIFT],
    startOf(source) + begin(arena, source),
    arena.bytes[target >>> SEGMENT_SHIFT],
    startOf(target) + position,
    copied,
  );
  return target;
}

/**
 * Appends `length` bytes of entries that are encoded already to a listpack whose block has room for
 * them and may be written.
 */
export function appendInPlace(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  length: number,
  entryCount: number,
): void {
  const target = arena.bytes[ref >>> SEGMENT_SHIFT];
  const at = startOf(ref) + end(arena, ref);
  copyBytes(bytes, 0, target, at, length);
  target[at + length] = encoding.END;
  changeHeader(arena, ref, 0, length, entryCount);
}

/** Points `out` at a listpack, outside of the arena and of any size, of one element. */
export function wrapElement(bytes: Uint8Array, start: number, length: number, out: Slice): void {
  const size = encoding.encode(bytes, start, length);
  const total = EMPTY_BYTES + size + encoding.backwardLengthBytes(size);
  const wrapped = new Uint8Array(total);
  storeRawHeader(wrapped, total, 1);
  wrapped[total - 1] = encoding.END;
  encoding.store(wrapped, HEADER_BYTES, size, bytes, start, length);
  out.set(wrapped, 0, total);
}

/** Stores the header of a listpack outside of the arena. */
function storeRawHeader(bytes: Uint8Array, byteCount: number, entryCount: number): void {
  const counted = Math.min(entryCount, COUNT_UNKNOWN);
  for (let index = 0; index < 4; index++) bytes[index] = byteCount >>> (8 * index);
  bytes[COUNT_OFFSET] = counted;
  bytes[COUNT_OFFSET + 1] = counted >>> 8;
}

/** A copy of the listpack, without head room, in a block of its own. */
export function duplicate(arena: Arena, ref: Ref): Ref {
  const copy = arena.allocate(byteLength(arena, ref));
  copyWithRoom(arena, ref, copy, 0);
  return copy;
}

/** Copies a listpack to a block that may be written and is large enough, with so much head room. */
export function copyWithRoom(arena: Arena, ref: Ref, target: Ref, room: number): void {
  const length = byteLength(arena, ref);
  const source = arena.bytes[ref >>> SEGMENT_SHIFT];
  const from = startOf(ref) + begin(arena, ref);
  const entryCount = storedCount(arena, ref);
  const at = startOf(target) + HEADER_BYTES + room;
  copyBytes(source, from, arena.bytes[target >>> SEGMENT_SHIFT], at, length - HEADER_BYTES);
  storeHeader(arena, target, room, length, entryCount);
}

function startOf(ref: Ref): number {
  return (ref & OFFSET_MASK) << 3;
}

/** Offset behind the entry at `position`: the position of the next one or of the end. */
function endOf(memory: Memory, ref: Ref, position: number): number {
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  return position + encoding.entryBytesAt(bytes, startOf(ref) + position);
}

/** The field of the number of entries. */
function storedCount(memory: Memory, ref: Ref): number {
  return memory.words[ref >>> SEGMENT_SHIFT][((ref & OFFSET_MASK) << 1) + 1] & 0xffff;
}

/** Stores the header of a block that may be written. */
function storeHeader(
  arena: Arena,
  ref: Ref,
  room: number,
  length: number,
  entryCount: number,
): void {
  const words = arena.words[ref >>> SEGMENT_SHIFT];
  const at = (ref & OFFSET_MASK) << 1;
  words[at] = length | (room << ROOM_SHIFT);
  // The upper half of the second word already holds entries.
  words[at + 1] = (words[at + 1] & ~0xffff) | entryCount;
}

/** Puts the prepared entry at `position`, in the place of `removedBytes` (one entry or none). */
function place(
  arena: Arena,
  ref: Ref,
  position: number,
  removedBytes: number,
  size: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const added = size + encoding.backwardLengthBytes(size);
  const target = splice(arena, ref, position, removedBytes, added, removedBytes === 0 ? 1 : 0);
  const at = startOf(target) + position;
  encoding.store(arena.bytes[target >>> SEGMENT_SHIFT], at, size, bytes, start, length);
  return target;
}

/**
 * Makes `addedBytes` of room (content unspecified) at `position` in the place of `removedBytes`,
 * and changes the count by `countChange`. The block may be written afterwards.
 */
function splice(
  arena: Arena,
  ref: Ref,
  position: number,
  removedBytes: number,
  addedBytes: number,
  countChange: number,
): Ref {
  const room = headRoom(arena, ref);
  // Up to the end of the entries, head room included.
  const oldBytes = byteLength(arena, ref) + room;
  const newBytes = oldBytes + addedBytes - removedBytes;
  const tailStart = position + removedBytes;
  let target = ref;
  if (newBytes > arena.blockBytes(ref)) target = arena.resize(ref, oldBytes, newBytes);
  else target = arena.writable(ref);
  const bytes = arena.bytes[target >>> SEGMENT_SHIFT];
  if (addedBytes !== removedBytes) {
    const base = startOf(target);
    copyBytes(bytes, base + tailStart, bytes, base + position + addedBytes, oldBytes - tailStart);
  }
  changeHeader(arena, target, 0, addedBytes - removedBytes, countChange);
  if (newBytes < oldBytes && newBytes <= arena.blockBytes(target) * SHRINK_SHARE) {
    target = arena.resize(target, newBytes, newBytes);
  }
  return target;
}

/** Adds to the fields of the header of a block that may be written: bytes, and entries. */
export function changeHeader(
  arena: Arena,
  ref: Ref,
  roomChange: number,
  lengthChange: number,
  countChange: number,
): void {
  const words = arena.words[ref >>> SEGMENT_SHIFT];
  const at = (ref & OFFSET_MASK) << 1;
  words[at] += lengthChange + (roomChange << ROOM_SHIFT);
  const word = words[at + 1];
  const entryCount = word & 0xffff;
  if (entryCount === COUNT_UNKNOWN) return;
  // The upper half of the second word already holds entries.
  words[at + 1] = (word & ~0xffff) | Math.min(entryCount + countChange, COUNT_UNKNOWN);
}
