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
  /** Where the entry behind the present one begins, or the present one if there is none yet. */
  #nextAt = 0;
  #dataAt = 0;
  /** Where the next field and value stand. */
  #fieldAt = 0;
  #valueAt = 0;

  /** Goes away from the node it was in, and its memory. */
  forget(): void {
    this.#bytes = NO_BYTES;
  }

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
