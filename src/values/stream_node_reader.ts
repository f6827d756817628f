/**
 * Stream node reader: walks over the entries of a stream node (stream_node.ts), and decodes them.
 */
import type { Slice } from "../base/bytes.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import { Id128 } from "../structures/id128.ts";
import { Int64, readText } from "../structures/int64_words.ts";
import * as listpack from "../structures/listpack.ts";
import * as encoding from "../structures/listpack_encoding.ts";
import { InflatedNode, isPacked } from "./stream_node_packing.ts";

export const FLAG_DELETED = 1;
export const FLAG_SAME_FIELDS = 2;

const LARGE_BIT = -0x80000000;
const HEADER_BYTES = listpack.FIRST;
const NO_BYTES = new Uint8Array(0);

export function isLarge(node: number): boolean {
  return node < 0;
}

/** The ref of a node's block: of a listpack, or of a byte string. */
export function refOfNode(node: number): Ref {
  return node & ~LARGE_BIT;
}

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
  #dataAt = 0;
  /** What was not read of the present entry: where it begins, and how many elements are left. */
  #restAt = 0;
  #restElements = 0;
  /** Where the next field of the head stands, for an entry that has the same. */
  #fieldAt = 0;
  /** The listpack of the node, if that was packed. */
  readonly inflated = new InflatedNode();

  /** Goes away from the node it was in, and its memory. */
  forget(): void {
    this.#bytes = NO_BYTES;
    this.inflated.forget();
  }

  /** Opens a node that stands under `master`, before its first entry. */
  open(memory: Memory, node: number, master: Id128): void {
    if (isPacked(memory, node)) this.openBytes(this.inflated.read(memory, node), 0, master);
    else if (isLarge(node)) this.openBytes(byteString.toBytes(memory, refOfNode(node)), 0, master);
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
    this.rewind();
  }

  /** Goes to the next entry, deleted ones included. Returns whether there is one. */
  next(): boolean {
    const bytes = this.#bytes;
    let at = this.#restAt;
    for (let left = this.#restElements; left > 0; left--) at += encoding.entryBytesAt(bytes, at);
    if (at >= this.#end) {
      this.#restAt = at;
      this.#restElements = 0;
      return false;
    }
    this.#readEntry(at);
    return true;
  }

  /** Goes before the first entry again. */
  rewind(): void {
    this.#restAt = this.#firstEntryAt;
    this.#restElements = 0;
  }

  /** Whether all entries, deleted ones included, are below an id. Goes before the first one. */
  isBelow(id: Id128): boolean {
    this.seekEnd();
    const isBelow = !this.previous() || this.id.compare(id) < 0;
    this.rewind();
    return isBelow;
  }

  /** Goes behind the last entry, for walking backwards. */
  seekEnd(): void {
    this.#restAt = this.#end;
    this.#restElements = 0;
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
    return true;
  }

  /** Whether the present entry is marked as deleted. */
  get isDeleted(): boolean {
    return (this.flags & FLAG_DELETED) !== 0;
  }

  /** Goes before the first pair of the present entry. */
  beginPairs(): void {
    this.#fieldAt = this.#masterFieldsAt;
    this.#restAt = this.#dataAt;
    this.#restElements = this.#elements();
  }

  /** Points `field` and `value` at the next of the present entry's `pairs`. */
  readPair(field: Slice, value: Slice): void {
    if ((this.flags & FLAG_SAME_FIELDS) !== 0) {
      this.#fieldAt = this.#readElement(this.#fieldAt, field);
      this.#restElements--;
    } else {
      this.#restAt = this.#readElement(this.#restAt, field);
      this.#restElements -= 2;
    }
    this.#restAt = this.#readElement(this.#restAt, value);
  }

  /** Elements of the present entry from its first value or field on, with their number itself. */
  #elements(): number {
    return ((this.flags & FLAG_SAME_FIELDS) !== 0 ? this.pairs : this.pairs * 2) + 1;
  }

  /** Points `out` at an element; returns where the next one begins. */
  #readElement(at: number, out: Slice): number {
    const bytes = this.#bytes;
    const head = bytes[at];
    if (head >= 0x80 && head < 0xc0) {
      // A string below 64 bytes: most fields and many values.
      out.set(bytes, at + 1, head & 0x3f);
      return at + (head & 0x3f) + 2;
    }
    const headerBytes = encoding.stringHeaderBytes(bytes, at);
    if (headerBytes !== 0) {
      out.set(bytes, at + headerBytes, encoding.bodyBytes(bytes, at) - headerBytes);
    } else {
      encoding.loadInteger(bytes, at, this.#integer);
      readText(this.#integer, out);
    }
    return at + encoding.entryBytesAt(bytes, at);
  }

  #readEntry(start: number): void {
    const bytes = this.#bytes;
    const id = this.id;
    const master = this.#master;
    const delta = this.#integer;
    this.flagsOffset = start - this.#start;
    // Flags are a byte always, and another tells their length.
    const flags = bytes[start];
    this.flags = flags;
    let at = this.#readDelta(start + 2);
    id.w1 = (master.w1 + delta.low) | 0;
    id.w0 = (master.w0 + delta.high + (id.w1 >>> 0 < delta.low >>> 0 ? 1 : 0)) | 0;
    at = this.#readDelta(at);
    id.w3 = (master.w3 + delta.low) | 0;
    id.w2 = (master.w2 + delta.high + (id.w3 >>> 0 < delta.low >>> 0 ? 1 : 0)) | 0;
    if ((flags & FLAG_SAME_FIELDS) !== 0) {
      this.pairs = this.#masterPairs;
    } else {
      this.pairs = this.#number(at);
      at += encoding.entryBytesAt(bytes, at);
    }
    this.#dataAt = at;
    this.#restAt = at;
    this.#restElements = this.#elements();
  }

  /** Reads an integer into `#integer`; returns where the next element begins. */
  #readDelta(at: number): number {
    const head = this.#bytes[at];
    if (head < 0x80) {
      this.#integer.low = head;
      this.#integer.high = 0;
      return at + 2;
    }
    encoding.loadInteger(this.#bytes, at, this.#integer);
    return at + encoding.entryBytesAt(this.#bytes, at);
  }

  #number(at: number): number {
    const head = this.#bytes[at];
    if (head < 0x80) return head;
    encoding.loadInteger(this.#bytes, at, this.#integer);
    return this.#integer.toNumber();
  }
}
