/**
 * Stream node check: whether untrusted bytes are a stream node (stream_node.ts draws the form), and
 * what it holds. One walk looks at the listpack, the entries and their ids together; files have
 * millions of them. Most elements are one byte, or a string below 64 bytes, and their length; those
 * are looked at in place, all others by listpack_encoding.ts.
 */
import { Id128 } from "../structures/id128.ts";
import { Int64 } from "../structures/int64_words.ts";
import * as listpack from "../structures/listpack.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as encoding from "../structures/listpack_encoding.ts";
import { FLAG_DELETED, FLAG_SAME_FIELDS } from "./stream_node_reader.ts";

const HEADER_BYTES = listpack.FIRST;
const FLAGS_MAX = FLAG_DELETED | FLAG_SAME_FIELDS;
/** A number below this is an element of one byte. */
const ONE_BYTE_NUMBERS = 0x80;
/** A string whose head byte is below this, and no number, has its length in there. */
const SHORT_STRINGS = 0xc0;
const SHORT_LENGTH_MASK = 0x3f;
/** An integer of 13 bits has a head byte from here on, up to the next. */
const SHORT_INTEGERS = 0xc0;
const SHORT_INTEGERS_MAX = 0xdf;
const NO_BYTES = new Uint8Array(0);

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
  #elements = 0;
  /** The integer that was read last. */
  #low = 0;
  #high = 0;
  readonly #id = new Id128();
  readonly #integer = new Int64();

  /**
   * Whether untrusted bytes are a node that may stand under `master`: a sound listpack whose
   * counters are right. Takes O(length).
   */
  check(bytes: Uint8Array, start: number, length: number, master: Id128): boolean {
    if (!rawListpack.validate(bytes, start, length, false)) return false;
    this.#bytes = bytes;
    this.#at = start + HEADER_BYTES;
    this.#end = start + length - 1;
    const count = this.#takeNumber();
    const deleted = this.#takeNumber();
    const fields = this.#takeNumber();
    if (!(count >= 0 && deleted >= 0 && fields >= 0)) return false;
    this.#at = this.#skip(this.#at, fields);
    if (this.#at === -1 || this.#takeNumber() !== 0) return false;
    this.#elements = fields + 4;
    if (!this.#checkEntries(count + deleted, fields, master) || this.count !== count) return false;
    return this.#at === this.#end && rawListpack.hasCount(bytes, start, this.#elements);
  }

  /**
   * The end byte begins no element and is no length: where bytes are compared with what they must
   * be, nothing is read beyond it.
   */
  #checkEntries(entries: number, masterFields: number, master: Id128): boolean {
    const bytes = this.#bytes;
    const { w0, w1, w2, w3 } = master;
    this.count = 0;
    this.isOrdered = true;
    let at = this.#at;
    for (let left = entries; left > 0; left--) {
      // One byte, always: it is changed in place.
      const flags = bytes[at];
      at = bytes[at + 1] === 1 ? at + 2 : this.#longIntegerAt(at);
      if (!(flags <= FLAGS_MAX) || at === -1) return false;
      at = this.#integerAt(at);
      if (at === -1) return false;
      const ms = (w1 + this.#low) | 0;
      const msHigh = (w0 + this.#high + (ms >>> 0 < this.#low >>> 0 ? 1 : 0)) | 0;
      at = this.#integerAt(at);
      if (at === -1) return false;
      const seq = (w3 + this.#low) | 0;
      const seqHigh = (w2 + this.#high + (seq >>> 0 < this.#low >>> 0 ? 1 : 0)) | 0;
      let data = masterFields;
      let elements = 3 + masterFields;
      if ((flags & FLAG_SAME_FIELDS) === 0) {
        this.#at = at;
        const fields = this.#takeNumber();
        if (!(fields >= 0)) return false;
        at = this.#at;
        data = fields * 2;
        elements = 4 + data;
      }
      at = this.#skip(at, data);
      if (at === -1 || !this.#takeTotal(at, elements)) return false;
      at = this.#at;
      this.#elements += elements + 1;
      if ((flags & FLAG_DELETED) === 0) this.#note(msHigh, ms, seqHigh, seq);
    }
    return true;
  }

  /** These are the words of the id of an entry that lives. */
  #note(w0: number, w1: number, w2: number, w3: number): void {
    const last = this.lastId;
    if (this.count++ === 0) {
      this.firstId.set(w0, w1, w2, w3);
    } else if (w0 === last.w0 && w1 === last.w1 && w2 === last.w2) {
      if (w3 >>> 0 <= last.w3 >>> 0) this.isOrdered = false;
    } else if (!this.#isAboveLast(w0, w1, w2, w3)) this.isOrdered = false;
    last.set(w0, w1, w2, w3);
  }

  #isAboveLast(w0: number, w1: number, w2: number, w3: number): boolean {
    this.#id.set(w0, w1, w2, w3);
    return this.#id.compare(this.lastId) > 0;
  }

  /** Passes over elements from `at` on; returns the place behind, -1 if not all are sound. */
  #skip(from: number, elements: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = from;
    for (let left = elements; left > 0; left--) {
      const head = bytes[at];
      // What a byte or a short string takes, but for its length behind it.
      const size = head < ONE_BYTE_NUMBERS ? 1 : 1 + (head & SHORT_LENGTH_MASK);
      if (head < SHORT_STRINGS && at + size < end && bytes[at + size] === size) {
        at += size + 1;
        continue;
      }
      if (at >= end) return -1;
      at = encoding.checkEntry(bytes, at, end);
      if (at === -1) return -1;
    }
    return at;
  }

  /** Reads the integer at `at`; returns the place behind it, -1 if there is no sound one. */
  #integerAt(at: number): number {
    const bytes = this.#bytes;
    const head = bytes[at];
    if (head < ONE_BYTE_NUMBERS && bytes[at + 1] === 1) {
      this.#high = 0;
      this.#low = head;
      return at + 2;
    }
    if (
      head >= SHORT_INTEGERS && head <= SHORT_INTEGERS_MAX && at + 2 < this.#end &&
      bytes[at + 2] === 2
    ) {
      this.#low = ((((head & 0x1f) << 8) | bytes[at + 1]) << 19) >> 19;
      this.#high = this.#low >> 31;
      return at + 3;
    }
    return this.#longIntegerAt(at);
  }

  #longIntegerAt(at: number): number {
    const bytes = this.#bytes;
    const next = at < this.#end ? encoding.checkEntry(bytes, at, this.#end) : -1;
    if (next === -1 || encoding.stringHeaderBytes(bytes, at) !== 0) return -1;
    encoding.loadInteger(bytes, at, this.#integer);
    this.#low = this.#integer.low;
    this.#high = this.#integer.high;
    return next;
  }

  /** Whether the element at `at` is this number; goes behind it then. */
  #takeTotal(at: number, elements: number): boolean {
    this.#at = at;
    const bytes = this.#bytes;
    const isByte = elements < ONE_BYTE_NUMBERS && bytes[at] === elements && bytes[at + 1] === 1;
    if (!isByte) return this.#takeNumber() === elements;
    this.#at = at + 2;
    return true;
  }

  /** The next element as a safe integer, else NaN. */
  #takeNumber(): number {
    const next = this.#integerAt(this.#at);
    if (next === -1) return NaN;
    this.#at = next;
    this.#integer.set(this.#high, this.#low);
    return this.#integer.toNumber();
  }
}
