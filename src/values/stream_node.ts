/**
 * Stream node: a listpack with some entries of a stream, element for element as Redis keeps and
 * saves it, so that RDB files and DUMP payloads are copies of it.
 *
 *   head      count, deleted, number of fields, the fields …, 0
 *   entry     flags, ms, seq, values …, number of elements              if flag 2 is set
 *             flags, ms, seq, number of fields, field, value, field, value …, number of elements
 *
 * The head has the entries that live, those marked as deleted, and the fields of the first entry:
 * an entry with the same fields holds but its values (flag 2). Flag 1 marks an entry as deleted. An
 * id is kept as its difference to the first one, under which the node stands in the index. The
 * number of elements (itself not counted) is for walking backwards.
 *
 * A node is known by a *node word*: the ref of the listpack or, negative, that of a byte string
 * which holds a listpack too large for a block: that of a single long entry, or one that came from
 * a file. Such a node is copied out for reading and rewritten for a change. Old nodes are packed
 * (stream_node_packing.ts); where a node is to be appended to, it is not.
 */
import { copyBytes, equalBytes, type Slice } from "../base/bytes.ts";
import { scratch as kept } from "../base/scratch.ts";
import { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import { Id128 } from "../structures/id128.ts";
import { Int64 } from "../structures/int64_words.ts";
import * as listpack from "../structures/listpack.ts";
import * as encoding from "../structures/listpack_encoding.ts";
import * as packing from "./stream_node_packing.ts";
import { InflatedNode, isPacked } from "./stream_node_packing.ts";
import {
  FLAG_DELETED,
  FLAG_SAME_FIELDS,
  isLarge,
  refOfNode,
  StreamNodeReader,
} from "./stream_node_reader.ts";

export { isPacked, unpack } from "./stream_node_packing.ts";
export { isLarge, refOfNode } from "./stream_node_reader.ts";

/** The elements to be stored, and where they stand: arguments of a command. */
export interface FieldSource {
  bytes: Uint8Array;
  starts: Int32Array;
  lengths: Int32Array;
}

const LARGE_BIT = -0x80000000;
const HEADER_BYTES = listpack.FIRST;
const COUNT_FIELD_MAX = 65535;
const KEPT_SCRATCH_BYTES = 64 * 1024;
/** More than the numbers beside the elements of an entry and of a head take. */
const NUMBERS_BYTES_MAX = 96;
/** A block smaller than this grows by what is needed, a larger one by half of what it has. */
const GROWN_BYTES_MIN = 384;
const GROWTH = 1.5;
/** Up to here a block gets more room than it needs: where Redis's nodes end if nothing is set. */
const GROWN_BYTES_MAX = 4096;
/** The greatest number that is an element of one byte. */
const ONE_BYTE_NUMBER_MAX = 127;
/** What an element takes beside its own bytes. */
const ELEMENT_HEAD_BYTES_MAX = 10;

const NO_BYTES = new Uint8Array(0);
const integer = new Int64();
const wanted = new Int64();

/** The packed node that `rawSlice` was asked for last. */
const inflated = kept(new InflatedNode());
/** Where entries are put together. */
let scratch = new Uint8Array(4096);
let scratchEnd = 0;
let scratchElements = 0;

/** A node from the bytes of its listpack, which have been validated; a block has `roomBytes`. */
export function fromBytes(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  roomBytes = length,
): number {
  return length <= listpack.LISTPACK_BYTES_MAX
    ? listpack.fromRaw(arena, bytes, start, length, roomBytes)
    : byteString.fromBytes(arena, bytes, start, length) | LARGE_BIT;
}

export function free(arena: Arena, node: number): void {
  if (isLarge(node)) byteString.free(arena, refOfNode(node));
  else arena.free(node);
}

export function duplicate(arena: Arena, node: number): number {
  if (isPacked(arena, node)) return packing.duplicate(arena, node);
  return isLarge(node)
    ? byteString.duplicate(arena, refOfNode(node)) | LARGE_BIT
    : listpack.duplicate(arena, node);
}

/** Moves the node's blocks out of slabs that are to be emptied; returns its new word. */
export function relocate(arena: Arena, node: number): number {
  if (isPacked(arena, node)) return packing.relocate(arena, node);
  return isLarge(node)
    ? byteString.relocate(arena, refOfNode(node)) | LARGE_BIT
    : arena.relocate(node);
}

/** Bytes of the listpack. */
export function byteLength(memory: Memory, node: number): number {
  if (isPacked(memory, node)) return packing.listpackBytes(memory, node);
  return isLarge(node)
    ? byteString.byteLength(memory, refOfNode(node))
    : listpack.byteLength(memory, node);
}

/** Bytes of the node's blocks. */
export function memoryBytes(arena: Arena, node: number): number {
  return isLarge(node) ? byteString.memoryBytes(arena, refOfNode(node)) : arena.blockBytes(node);
}

/**
 * Points `out` at the bytes of the whole listpack; those of a large node are copied out first, and
 * those of a packed one inflated. Good until the next write or the next call.
 */
export function rawSlice(memory: Memory, node: number, out: Slice): void {
  if (isPacked(memory, node)) {
    return out.set(inflated.read(memory, node), 0, packing.listpackBytes(memory, node));
  }
  if (!isLarge(node)) return listpack.rawSlice(memory, node, out);
  const bytes = byteString.toBytes(memory, refOfNode(node));
  out.set(bytes, 0, bytes.length);
}

// -------------------------------------------------------------------------------- putting together

function beginScratch(byteCount: number): void {
  if (scratch.length < byteCount) scratch = new Uint8Array(byteCount);
  scratchEnd = 0;
  scratchElements = 0;
}

function endScratch(): void {
  if (scratch.length > KEPT_SCRATCH_BYTES) scratch = new Uint8Array(4096);
}

function addNumber(value: number): void {
  if (value >= 0 && value <= 127) {
    // By far the most: one byte, and its length.
    scratch[scratchEnd++] = value;
    scratch[scratchEnd++] = 1;
    scratchElements++;
    return;
  }
  integer.setNumber(value);
  addInt64(integer.high, integer.low);
}

function addInt64(high: number, low: number): void {
  const size = encoding.encodeInteger(high, low);
  scratchEnd = encoding.store(scratch, scratchEnd, size, NO_BYTES, 0, 0);
  scratchElements++;
}

function addElement(source: FieldSource, index: number): void {
  const start = source.starts[index];
  const length = source.lengths[index];
  const size = encoding.encode(source.bytes, start, length);
  scratchEnd = encoding.store(scratch, scratchEnd, size, source.bytes, start, length);
  scratchElements++;
}

/** Bytes that fields and values take at most. */
function elementBytesMax(source: FieldSource, first: number, pairs: number): number {
  let bytes = NUMBERS_BYTES_MAX;
  for (let index = first; index < first + pairs * 2; index++) {
    bytes += source.lengths[index] + ELEMENT_HEAD_BYTES_MAX;
  }
  return bytes;
}

/** Puts an entry whose id differs by these words from the node's own into the scratch. */
function addEntry(
  source: FieldSource,
  first: number,
  pairs: number,
  hasSameFields: boolean,
): void {
  for (let pair = 0; pair < pairs; pair++) {
    if (!hasSameFields) addElement(source, first + pair * 2);
    addElement(source, first + pair * 2 + 1);
  }
  addNumber(3 + (hasSameFields ? pairs : pairs * 2 + 1));
}

/**
 * A node whose first entry has these pairs of field and value, which begin at argument `first` of
 * `source`. Its block has `roomBytes` or what it needs, but never more than a block that grew.
 */
export function create(
  arena: Arena,
  source: FieldSource,
  first: number,
  pairs: number,
  roomBytes = 0,
): number {
  let bytesMax = HEADER_BYTES + 1 + elementBytesMax(source, first, pairs);
  for (let pair = 0; pair < pairs; pair++) {
    bytesMax += source.lengths[first + pair * 2] + ELEMENT_HEAD_BYTES_MAX;
  }
  beginScratch(bytesMax);
  scratchEnd = HEADER_BYTES;
  addNumber(1);
  addNumber(0);
  addNumber(pairs);
  for (let pair = 0; pair < pairs; pair++) addElement(source, first + pair * 2);
  addNumber(0);
  addNumber(FLAG_SAME_FIELDS);
  addNumber(0);
  addNumber(0);
  addEntry(source, first, pairs, true);
  scratch[scratchEnd++] = encoding.END;
  const count = Math.min(scratchElements, COUNT_FIELD_MAX);
  for (let index = 0; index < 4; index++) scratch[index] = scratchEnd >>> (index * 8);
  scratch[4] = count;
  scratch[5] = count >>> 8;
  const node = fromBytes(arena, scratch, 0, scratchEnd, Math.min(roomBytes, GROWN_BYTES_MAX));
  endScratch();
  return node;
}

/**
 * Appends an entry to a node which stands under `master`, and is not packed; `id` must be behind
 * its last entry.
 * Returns the node's new word, or 0, having done nothing, if there is no room in a block. The block
 * gets more room than the entry needs if it must grow; `shrink` takes that away again.
 */
export function append(
  arena: Arena,
  node: number,
  master: Id128,
  id: Id128,
  source: FieldSource,
  first: number,
  pairs: number,
): number {
  if (isLarge(node)) return 0;
  beginScratch(elementBytesMax(source, first, pairs));
  const hasSameFields = hasMasterFields(arena, node, source, first, pairs);
  addNumber(hasSameFields ? FLAG_SAME_FIELDS : 0);
  difference(id.w0, id.w1, master.w0, master.w1);
  difference(id.w2, id.w3, master.w2, master.w3);
  if (!hasSameFields) addNumber(pairs);
  addEntry(source, first, pairs, hasSameFields);
  // The count may take two bytes more than it does.
  if (!listpack.fits(arena, node, scratchEnd + 2)) {
    endScratch();
    return 0;
  }
  const ref = withRoom(arena, node, scratchEnd);
  listpack.appendInPlace(arena, ref, scratch, scratchEnd, scratchElements);
  endScratch();
  return countEntry(arena, ref);
}

/** The node in a block with room for so many bytes more, which may be written. */
function withRoom(arena: Arena, node: Ref, byteCount: number): Ref {
  const length = listpack.byteLength(arena, node);
  const needed = length + byteCount;
  const capacity = arena.blockBytes(node);
  if (needed <= capacity) return arena.writable(node);
  const wanted = needed < GROWN_BYTES_MIN || needed > GROWN_BYTES_MAX
    ? needed
    : Math.min(Math.max(needed, capacity * GROWTH), GROWN_BYTES_MAX);
  return arena.resize(node, length, wanted);
}

/** One entry more lives in the node, whose block may be written. */
function countEntry(arena: Arena, node: Ref): Ref {
  const bytes = arena.bytes[node >>> SEGMENT_SHIFT];
  const at = ((node & OFFSET_MASK) << 3) + HEADER_BYTES;
  if (bytes[at] >= ONE_BYTE_NUMBER_MAX) {
    const count = listpack.readInteger(arena, node, listpack.FIRST);
    return listpack.replaceInteger(arena, node, listpack.FIRST, count + 1);
  }
  bytes[at]++;
  return node;
}

/** Takes the room away that a node, not packed, has to grow; returns its new word. */
export function shrink(arena: Arena, node: number): number {
  if (isLarge(node)) return node;
  const length = listpack.byteLength(arena, node);
  return Arena.bytesFor(length) < arena.blockBytes(node)
    ? arena.resize(node, length, length)
    : node;
}

/** Entries in a node that is a listpack and not packed, deleted ones included. */
export function entryCount(memory: Memory, node: Ref): number {
  const bytes = memory.bytes[node >>> SEGMENT_SHIFT];
  let at = ((node & OFFSET_MASK) << 3) + HEADER_BYTES;
  encoding.loadInteger(bytes, at, integer);
  const count = integer.low;
  at += encoding.entryBytesAt(bytes, at);
  encoding.loadInteger(bytes, at, integer);
  return count + integer.low;
}

/** Adds the difference of two 64-bit numbers to the scratch. */
function difference(high: number, low: number, lessHigh: number, lessLow: number): void {
  const less = (low - lessLow) | 0;
  // Mostly the difference is one byte or two.
  if (high === lessHigh && less >= 0 && low >>> 0 >= lessLow >>> 0) return addNumber(less);
  const borrow = low >>> 0 < lessLow >>> 0 ? 1 : 0;
  addInt64((high - lessHigh - borrow) | 0, less);
}

/** Whether the fields of an entry to come are those in the head of the node. */
function hasMasterFields(
  memory: Memory,
  node: Ref,
  source: FieldSource,
  first: number,
  pairs: number,
): boolean {
  const bytes = memory.bytes[node >>> SEGMENT_SHIFT];
  let at = ((node & OFFSET_MASK) << 3) + HEADER_BYTES;
  at += encoding.entryBytesAt(bytes, at);
  at += encoding.entryBytesAt(bytes, at);
  encoding.loadInteger(bytes, at, integer);
  if (integer.toNumber() !== pairs) return false;
  for (let pair = 0; pair < pairs; pair++) {
    at += encoding.entryBytesAt(bytes, at);
    if (!isElement(bytes, at, source, first + pair * 2)) return false;
  }
  return true;
}

/** Whether the element at `at` is the argument `index`; integers compare as their text. */
function isElement(bytes: Uint8Array, at: number, source: FieldSource, index: number): boolean {
  const start = source.starts[index];
  const length = source.lengths[index];
  const headerBytes = encoding.stringHeaderBytes(bytes, at);
  if (headerBytes !== 0) {
    return encoding.bodyBytes(bytes, at) - headerBytes === length &&
      equalBytes(bytes, at + headerBytes, source.bytes, start, length);
  }
  const isInteger = encoding.parseWanted(source.bytes, start, length, wanted);
  return isInteger && encoding.matches(bytes, at, source.bytes, start, length, wanted);
}

/**
 * Marks entries as deleted, whose flags stand at these offsets from the start of the listpack; they
 * must live. Returns the node's new word. It is not packed any more, unless addresses are short.
 * `inflated` is that of the reader that has found the offsets.
 */
export function markDeleted(
  arena: Arena,
  node: number,
  flagOffsets: readonly number[],
  inflated: InflatedNode,
): number {
  if (flagOffsets.length === 0) return node;
  if (isPacked(arena, node)) return markInPacked(arena, node, flagOffsets, inflated);
  if (!isLarge(node)) return markInBlock(arena, node, flagOffsets);
  const copy = byteString.toBytes(arena, refOfNode(node));
  const changed = markInCopy(copy, flagOffsets);
  byteString.free(arena, refOfNode(node));
  return fromBytes(arena, changed, 0, changed.length);
}

/**
 * Where addresses are short, a node is packed again at once: deleting must be possible, and is not
 * to take more of them.
 */
function markInPacked(
  arena: Arena,
  node: Ref,
  flagOffsets: readonly number[],
  inflated: InflatedNode,
): number {
  const marked = markInBlock(arena, packing.unpack(arena, node, inflated), flagOffsets);
  const packed = arena.hasRoomFor(0) ? 0 : packing.pack(arena, marked);
  return packed !== 0 ? packed : marked;
}

function markInBlock(arena: Arena, node: Ref, flagOffsets: readonly number[]): number {
  arena.willWrite(node);
  const bytes = arena.bytes[node >>> SEGMENT_SHIFT];
  const start = (node & OFFSET_MASK) << 3;
  for (const offset of flagOffsets) bytes[start + offset] |= FLAG_DELETED;
  const count = listpack.readInteger(arena, node, listpack.FIRST);
  let ref = listpack.replaceInteger(arena, node, listpack.FIRST, count - flagOffsets.length);
  const position = listpack.next(arena, ref, listpack.FIRST);
  const deleted = listpack.readInteger(arena, ref, position);
  ref = listpack.replaceInteger(arena, ref, position, deleted + flagOffsets.length);
  return ref;
}

/** A listpack with entries marked as deleted; changes `bytes`. */
function markInCopy(bytes: Uint8Array, flagOffsets: readonly number[]): Uint8Array {
  for (const offset of flagOffsets) bytes[offset] |= FLAG_DELETED;
  const reader = new StreamNodeReader();
  reader.openBytes(bytes, 0, new Id128());
  beginScratch(NUMBERS_BYTES_MAX);
  addNumber(reader.count - flagOffsets.length);
  addNumber(reader.deleted + flagOffsets.length);
  const tailStart = reader.headNumbersEnd;
  const changed = new Uint8Array(HEADER_BYTES + scratchEnd + bytes.length - tailStart);
  copyBytes(bytes, 0, changed, 0, HEADER_BYTES);
  copyBytes(scratch, 0, changed, HEADER_BYTES, scratchEnd);
  changed.set(bytes.subarray(tailStart), HEADER_BYTES + scratchEnd);
  for (let index = 0; index < 4; index++) changed[index] = changed.length >>> (index * 8);
  return changed;
}
