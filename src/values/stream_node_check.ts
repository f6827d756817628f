/**
 * Stream node check: whether untrusted bytes are a stream node (stream_node.ts draws the form), and
 * what it holds. One walk looks at the listpack, the entries and their ids together; files have
 * millions of them. Most elements are one byte, or a string below 64 bytes, and their length; those
 * are looked at in place, all others by listpack_encoding.ts.
 */
import { Id128 } from "../structures/id128.ts";
import { Int64 } from "../structures/int64_words.ts";
import * as listpack from "../structures/listpack.ts";
import * as encoding from "../structures/listpack_encoding.ts";
import { FLAG_DELETED, FLAG_SAME_FIELDS } from "./stream_node_reader.ts";

const HEADER_BYTES = listpack.FIRST;
const FLAGS_MAX = FLAG_DELETED | FLAG_SAME_FIELDS;
/** A number below this is an element of one byte. */
const ONE_BYTE_NUMBERS = 0x80;
/** A string whose head byte is below this, and no number, has its length in there. */
const SHORT_STRINGS = 0xc0;
const SHORT_LENGTH_MASK = 0x3f;
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
  #live = 0;
  readonly #id = new Id128();
  readonly #integer = new Int64();

  /**
   * Whether untrusted bytes are a node that may stand under `master`: a sound listpack whose
   * counters are right. Takes O(length).
   */
  check(bytes: Uint8Array, start: number, length: number, master: Id128): boolean {
    if (!listpack.validate(bytes, start, length, false)) return false;
    this.#bytes = bytes;
    this.#at = start + HEADER_BYTES;
    this.#end = start + length - 1;
    const count = this.#takeNumber();
    const deleted = this.#takeNumber();
    const fields = this.#takeNumber();
    if (!(count >= 0 && deleted >= 0 && fields >= 0)) return false;
    this.#skip(fields);
    if (this.#takeNumber() !== 0) return false;
    this.#elements = fields + 4;
    if (!this.#checkEntries(count + deleted, fields, master) || this.#live !== count) return false;
    this.count = count;
    return this.#at === this.#end && listpack.hasCount(bytes, start, this.#elements);
  }

  #checkEntries(entries: number, masterFields: number, master: Id128): boolean {
    const bytes = this.#bytes;
    this.#live = 0;
    this.isOrdered = true;
    for (let left = entries; left > 0; left--) {
      // One byte, always: it is changed in place.
      const flags = bytes[this.#at];
      if (!this.#takeInteger() || flags > FLAGS_MAX) return false;
      if (!this.#takeId(master)) return false;
      let elements = 3;
      if ((flags & FLAG_SAME_FIELDS) !== 0) {
        elements += masterFields;
        this.#skip(masterFields);
      } else {
        const fields = this.#takeNumber();
        if (!(fields >= 0)) return false;
        elements += fields * 2 + 1;
        this.#skip(fields * 2);
      }
      if (!this.#takeTotal(elements)) return false;
      this.#elements += elements + 1;
      if ((flags & FLAG_DELETED) === 0) this.#noteId();
    }
    return true;
  }

  /** Passes over the two differences of an id to `master`; false if they are none. */
  #takeId(master: Id128): boolean {
    const id = this.#id;
    const bytes = this.#bytes;
    const at = this.#at;
    const ms = bytes[at];
    const seq = bytes[at + 2];
    if ((ms | seq) < ONE_BYTE_NUMBERS && bytes[at + 1] === 1 && bytes[at + 3] === 1) {
      id.w1 = (master.w1 + ms) | 0;
      id.w0 = (master.w0 + (id.w1 >>> 0 < ms ? 1 : 0)) | 0;
      id.w3 = (master.w3 + seq) | 0;
      id.w2 = (master.w2 + (id.w3 >>> 0 < seq ? 1 : 0)) | 0;
      this.#at = at + 4;
      return at + 4 <= this.#end;
    }
    return this.#takeLongId(master);
  }

  /** The same if one of the differences is not a byte. */
  #takeLongId(master: Id128): boolean {
    const id = this.#id;
    const delta = this.#integer;
    if (!this.#takeInteger()) return false;
    id.w1 = (master.w1 + delta.low) | 0;
    id.w0 = (master.w0 + delta.high + (id.w1 >>> 0 < delta.low >>> 0 ? 1 : 0)) | 0;
    if (!this.#takeInteger()) return false;
    id.w3 = (master.w3 + delta.low) | 0;
    id.w2 = (master.w2 + delta.high + (id.w3 >>> 0 < delta.low >>> 0 ? 1 : 0)) | 0;
    return true;
  }

  /** The present id is that of an entry that lives. */
  #noteId(): void {
    if (this.#live === 0) this.firstId.copyFrom(this.#id);
    else if (this.#id.compare(this.lastId) <= 0) this.isOrdered = false;
    this.lastId.copyFrom(this.#id);
    this.#live++;
  }

  /** Passes over elements; the place is behind the end if there are not so many sound ones. */
  #skip(elements: number): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    for (let left = elements; left > 0; left--) {
      const head = at < end ? bytes[at] : SHORT_STRINGS;
      // What a byte or a short string takes, but for its length behind it.
      const size = head < ONE_BYTE_NUMBERS ? 1 : 1 + (head & SHORT_LENGTH_MASK);
      if (head < SHORT_STRINGS && at + size < end && bytes[at + size] === size) {
        at += size + 1;
        continue;
      }
      const next = at < end ? encoding.checkEntry(bytes, at, end) : -1;
      if (next === -1) {
        this.#at = end + 1;
        return;
      }
      at = next;
    }
    this.#at = at;
  }

  /** Reads an integer; false if there is no sound one. */
  #takeInteger(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 1 >= this.#end) return false;
    const head = bytes[at];
    if (head < ONE_BYTE_NUMBERS && bytes[at + 1] === 1) {
      this.#integer.high = 0;
      this.#integer.low = head;
      this.#at = at + 2;
      return true;
    }
    const next = encoding.checkEntry(bytes, at, this.#end);
    if (next === -1 || encoding.stringHeaderBytes(bytes, at) !== 0) return false;
    encoding.loadInteger(bytes, at, this.#integer);
    this.#at = next;
    return true;
  }

  /** Whether the next element is this number; passes over it then. */
  #takeTotal(elements: number): boolean {
    const at = this.#at;
    const isByte = elements < ONE_BYTE_NUMBERS && this.#bytes[at] === elements &&
      this.#bytes[at + 1] === 1 && at + 2 <= this.#end;
    if (!isByte) return this.#takeNumber() === elements;
    this.#at = at + 2;
    return true;
  }

  /** The next element as a safe integer, else NaN. */
  #takeNumber(): number {
    if (!this.#takeInteger()) return NaN;
    const { high, low } = this.#integer;
    return high === 0 && low >= 0 ? low : this.#integer.toNumber();
  }
}
