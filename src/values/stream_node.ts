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
 * a file. Such a node is copied out for reading and rewritten for a change.
 */
import { copyBytes, equalBytes, type Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import { Id128 } from "../structures/id128.ts";
import { Int64, readText } from "../structures/int64_words.ts";
import * as listpack from "../structures/listpack.ts";
import * as encoding from "../structures/listpack_encoding.ts";

export const FLAG_DELETED = 1;
export const FLAG_SAME_FIELDS = 2;

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
/** What an element takes beside its own bytes. */
const ELEMENT_HEAD_BYTES_MAX = 10;

const NO_BYTES = new Uint8Array(0);
const integer = new Int64();
const wanted = new Int64();

/** Where entries are put together. */
let scratch = new Uint8Array(4096);
let scratchEnd = 0;
let scratchElements = 0;

export function isLarge(node: number): boolean {
  return node < 0;
}

/** The ref of a node's block: of a listpack, or of a byte string. */
export function refOfNode(node: number): Ref {
  return node & ~LARGE_BIT;
}

/** A node from the bytes of its listpack, which have been validated. */
export function fromBytes(arena: Arena, bytes: Uint8Array, start: number, length: number): number {
  return length <= listpack.LISTPACK_BYTES_MAX
    ? listpack.fromRaw(arena, bytes, start, length)
    : byteString.fromBytes(arena, bytes, start, length) | LARGE_BIT;
}

export function free(arena: Arena, node: number): void {
  if (isLarge(node)) byteString.free(arena, refOfNode(node));
  else arena.free(node);
}

export function duplicate(arena: Arena, node: number): number {
  return isLarge(node)
    ? byteString.duplicate(arena, refOfNode(node)) | LARGE_BIT
    : listpack.duplicate(arena, node);
}

/** Moves the node's blocks out of slabs that are to be emptied; returns its new word. */
export function relocate(arena: Arena, node: number): number {
  return isLarge(node)
    ? byteString.relocate(arena, refOfNode(node)) | LARGE_BIT
    : arena.relocate(node);
}

/** Bytes of the listpack. */
export function byteLength(memory: Memory, node: number): number {
  return isLarge(node)
    ? byteString.byteLength(memory, refOfNode(node))
    : listpack.byteLength(memory, node);
}

/** Bytes of the node's blocks. */
export function memoryBytes(arena: Arena, node: number): number {
  return isLarge(node) ? byteString.memoryBytes(arena, refOfNode(node)) : arena.blockBytes(node);
}

/** Points `out` at the bytes of the whole listpack; those of a large node are copied out first. */
export function rawSlice(memory: Memory, node: number, out: Slice): void {
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
 * `source`.
 */
export function create(arena: Arena, source: FieldSource, first: number, pairs: number): number {
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
  const node = fromBytes(arena, scratch, 0, scratchEnd);
  endScratch();
  return node;
}

/**
 * Appends an entry to a node which stands under `master`; `id` must be behind its last entry.
 * Returns the node's new word, or 0, having done nothing, if there is no room in a block.
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
  const count = listpack.readInteger(arena, node, listpack.FIRST);
  let ref = listpack.appendEncoded(arena, node, scratch, 0, scratchEnd, scratchElements);
  ref = listpack.replaceInteger(arena, ref, listpack.FIRST, count + 1);
  endScratch();
  return ref;
}

/** Adds the difference of two 64-bit numbers to the scratch. */
function difference(high: number, low: number, lessHigh: number, lessLow: number): void {
  const borrow = low >>> 0 < lessLow >>> 0 ? 1 : 0;
  addInt64((high - lessHigh - borrow) | 0, (low - lessLow) | 0);
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
 * must live. Returns the node's new word.
 */
export function markDeleted(arena: Arena, node: number, flagOffsets: readonly number[]): number {
  if (flagOffsets.length === 0) return node;
  if (!isLarge(node)) return markInBlock(arena, node, flagOffsets);
  const copy = byteString.toBytes(arena, refOfNode(node));
  const changed = markInCopy(copy, flagOffsets);
  byteString.free(arena, refOfNode(node));
  return fromBytes(arena, changed, 0, changed.length);
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

// ----------------------------------------------------------------------------------------- reading

/**
 * Reads a node: its head, then its entries in either direction. Made once and used again and again;
 * good until the next write.
 */
export class StreamNodeReader {
  /** Entries that live, and those marked as deleted. */
  count = 0;
  deleted = 0;
  /** The present entry: its id, its flags, and how many pairs of field and value it has. */
  readonly id = new Id128();
  flags = 0;
  pairs = 0;
  /** Offset of the present entry's flags from the start of the listpack. */
  flagsOffset = 0;
  /** Offset behind the two counters of the head. */
  headNumbersEnd = 0;

  readonly #master = new Id128();
  readonly #integer = new Int64();
  #bytes: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;
  #masterPairs = 0;
  #masterFieldsAt = 0;
  #firstEntryAt = 0;
  /** Where the entry behind the present one begins, or the present one if there is none yet. */
  #nextAt = 0;
  #dataAt = 0;
  /** Goes away from the node it was in, and its memory. */
  forget(): void {
    this.#bytes = NO_BYTES;
  }

  /** Where the next field and value stand. */
  #fieldAt = 0;
  #valueAt = 0;

  /** Opens a node that stands under `master`, before its first entry. */
  open(memory: Memory, node: number, master: Id128): void {
    if (isLarge(node)) this.openBytes(byteString.toBytes(memory, refOfNode(node)), 0, master);
    else this.openBytes(memory.bytes[node >>> SEGMENT_SHIFT], (node & OFFSET_MASK) << 3, master);
  }

  /** Opens a listpack at `start` of `bytes`. */
  openBytes(bytes: Uint8Array, start: number, master: Id128): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#master.copyFrom(master);
    const length = bytes[start] | (bytes[start + 1] << 8) | (bytes[start + 2] << 16) |
      (bytes[start + 3] << 24);
    this.#end = start + length - 1;
    let at = start + HEADER_BYTES;
    this.count = this.#number(at);
    at += encoding.entryBytesAt(bytes, at);
    this.deleted = this.#number(at);
    at += encoding.entryBytesAt(bytes, at);
    this.headNumbersEnd = at - start;
    this.#masterPairs = this.#number(at);
    at += encoding.entryBytesAt(bytes, at);
    this.#masterFieldsAt = at;
    for (let pair = 0; pair < this.#masterPairs; pair++) at += encoding.entryBytesAt(bytes, at);
    at += encoding.entryBytesAt(bytes, at);
    this.#firstEntryAt = at;
    this.#nextAt = at;
  }

  /** Goes to the next entry, deleted ones included. Returns whether there is one. */
  next(): boolean {
    if (this.#nextAt >= this.#end) return false;
    this.#readEntry(this.#nextAt);
    const bytes = this.#bytes;
    let at = this.#dataAt;
    const isSame = (this.flags & FLAG_SAME_FIELDS) !== 0;
    const elements = isSame ? this.pairs : this.pairs * 2;
    for (let index = 0; index <= elements; index++) at += encoding.entryBytesAt(bytes, at);
    this.#nextAt = at;
    return true;
  }

  /** Goes before the first entry again. */
  rewind(): void {
    this.#nextAt = this.#firstEntryAt;
  }

  /** Goes behind the last entry, for walking backwards. */
  seekEnd(): void {
    this.#nextAt = this.#end;
    this.flagsOffset = this.#end - this.#start;
  }

  /**
   * Goes to the entry before the present one, after `seekEnd` to the last. Returns whether there is
   * one. `next` goes on behind the entry that was found.
   */
  previous(): boolean {
    const bytes = this.#bytes;
    const end = this.#start + this.flagsOffset;
    if (end <= this.#firstEntryAt) return false;
    let at = end - encoding.entryBytesBefore(bytes, end);
    for (let elements = this.#number(at); elements > 0; elements--) {
      at -= encoding.entryBytesBefore(bytes, at);
    }
    this.#readEntry(at);
    this.#nextAt = end;
    return true;
  }

  /** Whether the present entry is marked as deleted. */
  get isDeleted(): boolean {
    return (this.flags & FLAG_DELETED) !== 0;
  }

  /** Goes before the first pair of the present entry. */
  beginPairs(): void {
    const isSame = (this.flags & FLAG_SAME_FIELDS) !== 0;
    this.#fieldAt = isSame ? this.#masterFieldsAt : this.#dataAt;
    this.#valueAt = isSame ? this.#dataAt : 0;
  }

  /** Points `field` and `value` at the next of the present entry's `pairs`. */
  readPair(field: Slice, value: Slice): void {
    const bytes = this.#bytes;
    this.#readElement(this.#fieldAt, field);
    this.#fieldAt += encoding.entryBytesAt(bytes, this.#fieldAt);
    if ((this.flags & FLAG_SAME_FIELDS) === 0) {
      this.#readElement(this.#fieldAt, value);
      this.#fieldAt += encoding.entryBytesAt(bytes, this.#fieldAt);
    } else {
      this.#readElement(this.#valueAt, value);
      this.#valueAt += encoding.entryBytesAt(bytes, this.#valueAt);
    }
  }

  #readElement(at: number, out: Slice): void {
    const bytes = this.#bytes;
    const headerBytes = encoding.stringHeaderBytes(bytes, at);
    if (headerBytes !== 0) {
      out.set(bytes, at + headerBytes, encoding.bodyBytes(bytes, at) - headerBytes);
      return;
    }
    encoding.loadInteger(bytes, at, this.#integer);
    readText(this.#integer, out);
  }

  #readEntry(start: number): void {
    const bytes = this.#bytes;
    const id = this.id;
    const master = this.#master;
    const delta = this.#integer;
    let at = start;
    this.flagsOffset = start - this.#start;
    this.flags = this.#number(at);
    at += encoding.entryBytesAt(bytes, at);
    encoding.loadInteger(bytes, at, delta);
    id.w1 = (master.w1 + delta.low) | 0;
    id.w0 = (master.w0 + delta.high + (id.w1 >>> 0 < delta.low >>> 0 ? 1 : 0)) | 0;
    at += encoding.entryBytesAt(bytes, at);
    encoding.loadInteger(bytes, at, delta);
    id.w3 = (master.w3 + delta.low) | 0;
    id.w2 = (master.w2 + delta.high + (id.w3 >>> 0 < delta.low >>> 0 ? 1 : 0)) | 0;
    at += encoding.entryBytesAt(bytes, at);
    if ((this.flags & FLAG_SAME_FIELDS) !== 0) {
      this.pairs = this.#masterPairs;
    } else {
      this.pairs = this.#number(at);
      at += encoding.entryBytesAt(bytes, at);
    }
    this.#dataAt = at;
  }

  #number(at: number): number {
    const head = this.#bytes[at];
    if (head < 0x80) return head;
    encoding.loadInteger(this.#bytes, at, this.#integer);
    return this.#integer.toNumber();
  }
}

// -------------------------------------------------------------------------------------- validation

/** What a listpack from a file says, where it is a sound node. */
export class NodeCheck {
  /** Entries that live, and whether their ids ascend. */
  count = 0;
  isOrdered = true;
  /** Ids of the first and the last entry that lives, if any does. */
  readonly firstId = new Id128();
  readonly lastId = new Id128();
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  readonly #integer = new Int64();

  /**
   * Whether untrusted bytes are a node that may stand under `master`: a listpack of the form drawn
   * above, whose counters are right. Takes O(length).
   */
  check(bytes: Uint8Array, start: number, length: number, master: Id128): boolean {
    if (!listpack.validate(bytes, start, length, true)) return false;
    this.#bytes = bytes;
    this.#at = start + HEADER_BYTES;
    this.#end = start + length - 1;
    const count = this.#takeInteger();
    const deleted = this.#takeInteger();
    const fields = this.#takeInteger();
    if (!(count >= 0 && deleted >= 0 && fields >= 0)) return false;
    if (!this.#skip(fields) || this.#takeInteger() !== 0) return false;
    if (!this.#checkEntries(count, deleted, fields)) return false;
    this.count = count;
    this.#readIds(bytes, start, master);
    return true;
  }

  #checkEntries(count: number, deleted: number, masterFields: number): boolean {
    let live = count;
    for (let left = count + deleted; left > 0; left--) {
      // One byte, always: it is changed in place.
      const isByte = this.#bytes[this.#at] <= (FLAG_DELETED | FLAG_SAME_FIELDS);
      const flags = this.#takeInteger();
      if (!isByte || !(flags >= 0)) return false;
      if (!this.#takeAnyInteger() || !this.#takeAnyInteger()) return false;
      let elements = 3;
      if ((flags & FLAG_SAME_FIELDS) !== 0) {
        elements += masterFields;
        if (!this.#skip(masterFields)) return false;
      } else {
        const fields = this.#takeInteger();
        if (!(fields >= 0) || !this.#skip(fields * 2)) return false;
        elements += fields * 2 + 1;
      }
      if (this.#takeInteger() !== elements) return false;
      if ((flags & FLAG_DELETED) === 0) live--;
    }
    return live === 0 && this.#at === this.#end;
  }

  #readIds(bytes: Uint8Array, start: number, master: Id128): void {
    const reader = new StreamNodeReader();
    reader.openBytes(bytes, start, master);
    this.isOrdered = true;
    let isFirst = true;
    while (reader.next()) {
      if (reader.isDeleted) continue;
      if (isFirst) this.firstId.copyFrom(reader.id);
      else if (reader.id.compare(this.lastId) <= 0) this.isOrdered = false;
      this.lastId.copyFrom(reader.id);
      isFirst = false;
    }
  }

  /** Passes over elements; false if there are not so many. */
  #skip(elements: number): boolean {
    for (let left = elements; left > 0; left--) {
      if (this.#at >= this.#end) return false;
      this.#at += encoding.entryBytesAt(this.#bytes, this.#at);
    }
    return true;
  }

  #takeAnyInteger(): boolean {
    if (this.#at >= this.#end) return false;
    const isInteger = encoding.stringHeaderBytes(this.#bytes, this.#at) === 0;
    if (isInteger) encoding.loadInteger(this.#bytes, this.#at, this.#integer);
    this.#at += encoding.entryBytesAt(this.#bytes, this.#at);
    return isInteger;
  }

  /** The element as a safe integer, else NaN. */
  #takeInteger(): number {
    return this.#takeAnyInteger() ? this.#integer.toNumber() : NaN;
  }
}
