/**
 * Intset: a sorted set of integers in one block of memory, byte for byte as Redis keeps and saves
 * it.
 *
 *   offset  bytes  field
 *   0       4      width of an integer: 2, 4 or 8 bytes
 *   4       4      number of integers
 *   8       …      the integers, signed, lowest byte first, in ascending order
 *
 * All integers have the width that the largest of them needed; it grows when a larger one comes,
 * and never shrinks. Finding is a binary search, adding and removing move the tail, hence the
 * limits that owners keep. The hard limit is a block: **an owner asks `fits` before adding and
 * converts to another form if the answer is no.**
 *
 * Integers come and go as `Int64`, so that no bit is lost; text is parsed by int64_words.ts.
 * Functions that write return the ref of the set, which may be a new one.
 */
import { copyBytes, type Slice } from "../base/bytes.ts";
import { random } from "../base/random.ts";
import { giveSlice, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_BYTES,
  SEGMENT_SHIFT,
} from "../memory/memory.ts";
import { compare, Int64, readText } from "./int64_words.ts";

/** No intset is larger: it is one block. */
export const INTSET_BYTES_MAX = SEGMENT_BYTES;

const HEADER_BYTES = 8;
const HEADER_WORDS = 2;
const WIDTH_MIN = 2;
/** A smaller block is taken when less than this share of the present one is in use. */
const SHRINK_SHARE = 0.75;

const loaded = new Int64();
const former = new Int64();

/** An empty set. */
export function create(arena: Arena): Ref {
  const ref = arena.allocate(HEADER_BYTES);
  storeHeader(arena, ref, WIDTH_MIN, 0);
  return ref;
}

/** A set from its bytes, which have been validated and are no more than INTSET_BYTES_MAX. */
export function fromRaw(arena: Arena, bytes: Uint8Array, start: number, length: number): Ref {
  const ref = arena.allocate(length);
  copyBytes(bytes, start, arena.bytes[ref >>> SEGMENT_SHIFT], startOf(ref), length);
  return ref;
}

/** Points `out` at the bytes of the whole set. Good until the next write. */
export function rawSlice(memory: Memory, ref: Ref, out: Slice): void {
  out.set(memory.bytes[ref >>> SEGMENT_SHIFT], startOf(ref), byteLength(memory, ref));
}

/** Bytes in use, as saved. The block may be larger. */
export function byteLength(memory: Memory, ref: Ref): number {
  return HEADER_BYTES + width(memory, ref) * count(memory, ref);
}

/** Number of integers. */
export function count(memory: Memory, ref: Ref): number {
  return memory.words[ref >>> SEGMENT_SHIFT][((ref & OFFSET_MASK) << 1) + 1];
}

/** Bytes per integer: 2, 4 or 8. */
export function width(memory: Memory, ref: Ref): number {
  return memory.words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1];
}

/** Whether the set stays within its block if `value` is added; see the head of this file. */
export function fits(memory: Memory, ref: Ref, value: Int64): boolean {
  const newWidth = Math.max(width(memory, ref), widthFor(value));
  return HEADER_BYTES + (count(memory, ref) + 1) * newWidth <= INTSET_BYTES_MAX;
}

/** Index of `value`, or -1. O(log n). */
export function find(memory: Memory, ref: Ref, value: Int64): number {
  if (widthFor(value) > width(memory, ref)) return -1;
  const index = slotOf(memory, ref, value);
  return index < count(memory, ref) && isAt(memory, ref, index, value) ? index : -1;
}

/** Reads the integer number `index` (below the count) in ascending order into `out`. */
export function at(memory: Memory, ref: Ref, index: number, out: Int64): void {
  const word = ((ref & OFFSET_MASK) << 1) + HEADER_WORDS;
  const words = memory.words[ref >>> SEGMENT_SHIFT];
  const own = words[word - HEADER_WORDS];
  if (own === 8) {
    out.low = words[word + index * 2];
    out.high = words[word + index * 2 + 1];
    return;
  }
  // Two integers of 16 bits share a word: the even one stands in its lower half.
  const low = own === 4
    ? words[word + index]
    : (index & 1) !== 0
    ? words[word + (index >>> 1)] >> 16
    : (words[word + (index >>> 1)] << 16) >> 16;
  out.low = low;
  out.high = low >> 31;
}

/** Points `out` at integer number `index` as decimal text. Good until `out` is filled again. */
export function read(memory: Memory, ref: Ref, index: number, out: Slice): void {
  at(memory, ref, index, loaded);
  readText(loaded, out);
}

/** The index of an integer chosen at random, each as likely; the set may not be empty. */
export function randomIndex(memory: Memory, ref: Ref): number {
  return random.below(count(memory, ref));
}

/** Adds an integer; the count grows unless it was there. There must be room. O(n). */
export function add(arena: Arena, ref: Ref, value: Int64): Ref {
  const total = count(arena, ref);
  const own = width(arena, ref);
  if (widthFor(value) > own) return widenAndAdd(arena, ref, value);
  const index = slotOf(arena, ref, value);
  if (index < total && isAt(arena, ref, index, value)) return ref;
  const oldBytes = HEADER_BYTES + total * own;
  const target = enlarge(arena, ref, oldBytes, oldBytes + own);
  const from = startOf(target) + HEADER_BYTES + index * own;
  const bytes = arena.bytes[target >>> SEGMENT_SHIFT];
  bytes.copyWithin(from + own, from, startOf(target) + oldBytes);
  store(bytes, from, own, value);
  storeHeader(arena, target, own, total + 1);
  return target;
}

/** Removes the integer number `index` (below the count). O(n). */
export function removeAt(arena: Arena, ref: Ref, index: number): Ref {
  const total = count(arena, ref);
  const own = width(arena, ref);
  const newBytes = HEADER_BYTES + (total - 1) * own;
  const target = arena.writable(ref);
  const from = startOf(target) + HEADER_BYTES + index * own;
  const end = startOf(target) + newBytes + own;
  arena.bytes[target >>> SEGMENT_SHIFT].copyWithin(from, from + own, end);
  storeHeader(arena, target, own, total - 1);
  if (newBytes > arena.blockBytes(target) * SHRINK_SHARE) return target;
  return arena.resize(target, newBytes, newBytes);
}

/** Removes an integer if it is there; the count tells whether it was. O(n). */
export function remove(arena: Arena, ref: Ref, value: Int64): Ref {
  const index = find(arena, ref, value);
  return index === -1 ? ref : removeAt(arena, ref, index);
}

/** A copy of the set in a block of its own. */
export function duplicate(arena: Arena, ref: Ref): Ref {
  const length = byteLength(arena, ref);
  const copy = arena.allocate(length);
  arena.copyBlock(ref, copy, length);
  return copy;
}

/**
 * Whether the range is an intset: sizes agree, it is not empty and, if `deep`, its integers ascend.
 * Made for untrusted bytes: never reads outside of the range.
 */
export function validate(
  bytes: Uint8Array,
  start: number,
  length: number,
  deep: boolean,
): boolean {
  if (length < HEADER_BYTES) return false;
  const own = loadWord(bytes, start);
  const total = loadWord(bytes, start + 4) >>> 0;
  if (own !== 2 && own !== 4 && own !== 8) return false;
  if (total === 0 || length !== HEADER_BYTES + total * own) return false;
  if (!deep) return true;
  const end = start + length;
  if (own !== 8) return isAscending(bytes, start + HEADER_BYTES, end, own);
  load(bytes, start + HEADER_BYTES, own, former);
  for (let from = start + HEADER_BYTES + own; from < end; from += own) {
    load(bytes, from, own, loaded);
    if (compare(former.high, former.low, loaded.high, loaded.low) >= 0) return false;
    former.set(loaded.high, loaded.low);
  }
  return true;
}

/** Whether integers of 2 or 4 bytes, of which there is at least one, stand in ascending order. */
function isAscending(bytes: Uint8Array, start: number, end: number, own: number): boolean {
  let before = shortAt(bytes, start, own);
  for (let from = start + own; from < end; from += own) {
    const next = shortAt(bytes, from, own);
    if (before >= next) return false;
    before = next;
  }
  return true;
}

/** Number of integers of an intset outside of the arena, which must have been validated. */
export function rawCount(bytes: Uint8Array, start: number): number {
  return loadWord(bytes, start + 4) >>> 0;
}

/** Receives one integer as decimal text. The range is good during the call only. */
export type IntegerVisitor = (bytes: Uint8Array, start: number, length: number) => void;

/**
 * Calls `visit` with each integer of an intset that stands outside of the arena, at `start` of
 * `bytes`: for loading one that is too large for a block. It must have been validated.
 */
export function forEachRaw(bytes: Uint8Array, start: number, visit: IntegerVisitor): void {
  const out = takeSlice();
  const own = loadWord(bytes, start);
  const total = rawCount(bytes, start);
  for (let index = 0; index < total; index++) {
    load(bytes, start + HEADER_BYTES + index * own, own, loaded);
    readText(loaded, out);
    visit(out.bytes, out.start, out.length);
  }
  giveSlice(out);
}

function startOf(ref: Ref): number {
  return (ref & OFFSET_MASK) << 3;
}

/** Bytes that an integer needs. */
function widthFor(value: Int64): number {
  if (value.high !== value.low >> 31) return 8;
  return value.low === (value.low << 16) >> 16 ? 2 : 4;
}

/** Index of the first integer that is not below `value`; the count if there is none. */
function slotOf(memory: Memory, ref: Ref, value: Int64): number {
  let low = 0;
  let high = count(memory, ref);
  while (low < high) {
    const middle = (low + high) >>> 1;
    at(memory, ref, middle, loaded);
    if (compare(loaded.high, loaded.low, value.high, value.low) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isAt(memory: Memory, ref: Ref, index: number, value: Int64): boolean {
  at(memory, ref, index, loaded);
  return loaded.low === value.low && loaded.high === value.high;
}

function storeHeader(arena: Arena, ref: Ref, newWidth: number, total: number): void {
  const words = arena.words[ref >>> SEGMENT_SHIFT];
  const word = (ref & OFFSET_MASK) << 1;
  words[word] = newWidth;
  words[word + 1] = total;
}

/** The block or a larger one, for `newBytes`; may be written. */
function enlarge(arena: Arena, ref: Ref, oldBytes: number, newBytes: number): Ref {
  if (newBytes > arena.blockBytes(ref)) return arena.resize(ref, oldBytes, newBytes);
  return arena.writable(ref);
}

/** Adds an integer that is wider than all others: so it is the least or the greatest of them. */
function widenAndAdd(arena: Arena, ref: Ref, value: Int64): Ref {
  const total = count(arena, ref);
  const oldWidth = width(arena, ref);
  const newWidth = widthFor(value);
  const newBytes = HEADER_BYTES + (total + 1) * newWidth;
  const target = enlarge(arena, ref, HEADER_BYTES + total * oldWidth, newBytes);
  const bytes = arena.bytes[target >>> SEGMENT_SHIFT];
  const base = startOf(target) + HEADER_BYTES;
  const shift = value.high < 0 ? 1 : 0;
  // From the last to the first, because each lands behind the place it comes from.
  for (let index = total - 1; index >= 0; index--) {
    load(bytes, base + index * oldWidth, oldWidth, loaded);
    store(bytes, base + (index + shift) * newWidth, newWidth, loaded);
  }
  store(bytes, base + (shift === 1 ? 0 : total) * newWidth, newWidth, value);
  storeHeader(arena, target, newWidth, total + 1);
  return target;
}

function load(bytes: Uint8Array, from: number, own: number, out: Int64): void {
  if (own === 8) {
    out.set(loadWord(bytes, from + 4), loadWord(bytes, from));
    return;
  }
  const low = shortAt(bytes, from, own);
  out.set(low >> 31, low);
}

/** An integer of 2 or 4 bytes. */
function shortAt(bytes: Uint8Array, from: number, own: number): number {
  return own === 4 ? loadWord(bytes, from) : ((bytes[from] << 16) | (bytes[from + 1] << 24)) >> 16;
}

function store(bytes: Uint8Array, to: number, own: number, value: Int64): void {
  const low = value.low;
  bytes[to] = low;
  bytes[to + 1] = low >> 8;
  if (own === 2) return;
  bytes[to + 2] = low >> 16;
  bytes[to + 3] = low >> 24;
  if (own === 8) {
    const high = value.high;
    bytes[to + 4] = high;
    bytes[to + 5] = high >> 8;
    bytes[to + 6] = high >> 16;
    bytes[to + 7] = high >> 24;
  }
}

function loadWord(bytes: Uint8Array, from: number): number {
  return bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16) | (bytes[from + 3] << 24);
}
