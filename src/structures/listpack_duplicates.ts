/**
 * Listpack duplicates: whether the bytes of a listpack from outside hold an element twice. A hash
 * or sorted set with a field or member twice works for as long as it is small; when it grows into
 * a table, the table and what is saved of it are wrong. So it is found before it comes in.
 *
 * Each small hash and sorted set of a file is looked at (`save_and_load.ts`), so `examine` checks
 * the entries and marks the elements on one way through the bytes. A mark is a quick hash, for
 * which anybody can make elements that collide. So it is only believed where all marks differ; else
 * `hasDuplicates` goes through the bytes again, with a hash that nobody can foresee, and compares
 * elements where two of those are equal.
 */
import { latin1Text, readyView, Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { scratch } from "../base/scratch.ts";
import { Int64 } from "./int64_words.ts";
import { FIRST } from "./listpack.ts";
import * as encoding from "./listpack_encoding.ts";
import * as rawListpack from "./raw_listpack.ts";

/** What `examine` returns for bytes that are no sound listpack. */
export const DAMAGED = -1;
/** What `examine` returns for a sound listpack that has an element twice. */
export const DUPLICATE = -2;

const TABLE_SLOTS_MIN = 32;
/** A table up to this size is kept for the next call. */
const TABLE_SLOTS_KEPT = 64 * 1024;

let table = new Int32Array(TABLE_SLOTS_MIN);
const element = scratch(new Slice());

/** Up to so many elements are marked; the table is never more than half full. */
const MARKED_MAX = 256;
const MARK_SLOT_BITS = 9;
const MARK_SLOTS = 1 << MARK_SLOT_BITS;
/**
 * The marks of one call: the slots whose round is the present one. Thus the table need not be
 * cleared before each call.
 */
const marks = new Int32Array(MARK_SLOTS);
const rounds = new Int32Array(MARK_SLOTS);
let round = 0;

const MULTIPLIER = 0x9e3779b1 | 0;
const DIGIT_MAX = 57;
const MINUS = 45;
const integer = new Int64();

/**
 * Validates untrusted bytes as `rawListpack.validate` does in depth, and looks for an element that
 * comes twice among the first and every `stride`-th one behind it. Returns the number of elements
 * of a sound listpack in which there is none, else DAMAGED or DUPLICATE. O(length).
 */
export function examine(
  bytes: Uint8Array,
  start: number,
  length: number,
  stride: number,
): number {
  if (!rawListpack.validate(bytes, start, length, false)) return DAMAGED;
  const view = readyView(bytes) ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (++round === 0x7fffffff) restartRounds();
  const end = start + length - 1;
  let at = start + FIRST;
  let found = 0;
  let rest = 0;
  let free = MARKED_MAX;
  let hasInteger = false;
  // Of strings only, those that may spell an integer.
  let hasDigits = false;
  let isSuspect = false;
  for (; at < end; found++) {
    const next = encoding.checkEntry(bytes, at, end);
    if (next === -1) return DAMAGED;
    if (rest !== 0) {
      rest--;
    } else {
      rest = stride - 1;
      const headerBytes = encoding.stringHeaderBytes(bytes, at);
      const initial = bytes[at + headerBytes];
      if (headerBytes === 0) hasInteger = true;
      else if (initial <= DIGIT_MAX && initial >= MINUS) hasDigits = true;
      const mark = headerBytes === 1
        ? stringMark(view, at + 1, encoding.shortLength(bytes[at]))
        : otherMark(bytes, view, at, headerBytes);
      if (--free < 0 || !addMark(mark, round)) isSuspect = true;
    }
    at = next;
  }
  if (!rawListpack.hasCount(bytes, start, found)) return DAMAGED;
  // An integer equals its text.
  if ((isSuspect || hasInteger && hasDigits) && hasDuplicates(bytes, start, stride)) {
    return DUPLICATE;
  }
  return found;
}

function restartRounds(): void {
  rounds.fill(0);
  round = 1;
}

function mixed(mark: number, word: number): number {
  const product = Math.imul(mark ^ word, MULTIPLIER);
  return product ^ (product >>> 15);
}

/** A mark of the string at `at` of a listpack, behind whose entry stands at least one byte. */
function stringMark(view: DataView, at: number, length: number): number {
  if (length < 4) {
    // Header, string and backward length, or at least two bytes and then those.
    if (length === 0) return 0;
    const word = view.getInt32(at - 1, true);
    return mixed(length, length === 3 ? word >>> 8 : word & (length === 2 ? 0xffff00 : 0xff00));
  }
  const last = at + length - 4;
  let mark = length;
  for (let from = at; from < last; from += 4) mark = mixed(mark, view.getInt32(from, true));
  return mixed(mark, view.getInt32(last, true));
}

/** A mark of an integer or of a string with a longer header. */
function otherMark(bytes: Uint8Array, view: DataView, at: number, headerBytes: number): number {
  if (headerBytes !== 0) {
    return stringMark(view, at + headerBytes, encoding.bodyBytes(bytes, at) - headerBytes);
  }
  encoding.loadInteger(bytes, at, integer);
  return mixed(integer.low, integer.high);
}

/** Notes a mark of the present round; false if it was there. */
function addMark(mark: number, present: number): boolean {
  // Elements often differ in their last byte only, which has no part in the lower bits.
  let slot = mark >>> (32 - MARK_SLOT_BITS);
  for (; rounds[slot] === present; slot = (slot + 1) & (MARK_SLOTS - 1)) {
    if (marks[slot] === mark) return false;
  }
  marks[slot] = mark;
  rounds[slot] = present;
  return true;
}

/**
 * Whether an element comes twice among the first, and every `stride`-th one behind it, of the
 * listpack at `start`, which must have been validated. An integer equals its text. O(n).
 */
export function hasDuplicates(bytes: Uint8Array, start: number, stride: number): boolean {
  const count = rawListpack.count(bytes, start);
  const wanted = Math.ceil(count / stride) * 2;
  let slots = TABLE_SLOTS_MIN;
  while (slots < wanted) slots *= 2;
  const seen = table.length >= slots ? table : new Int32Array(slots);
  if (slots <= TABLE_SLOTS_KEPT) table = seen;
  for (let slot = 0; slot < slots; slot++) seen[slot] = 0;
  let at = start + FIRST;
  for (let index = 0; index < count; index++) {
    at = rawListpack.readEntry(bytes, at, element);
    if (index % stride !== 0) continue;
    // 0 marks a free slot.
    const hash = hashBytes(element.bytes, element.start, element.length) || 1;
    if (!note(seen, slots, hash)) return hasEqualTexts(bytes, start, stride);
  }
  return false;
}

/** Puts a hash into the table; false if it was there. */
function note(seen: Int32Array, slots: number, hash: number): boolean {
  let slot = hash & (slots - 1);
  for (; seen[slot] !== 0; slot = (slot + 1) & (slots - 1)) if (seen[slot] === hash) return false;
  seen[slot] = hash;
  return true;
}

function hasEqualTexts(bytes: Uint8Array, start: number, stride: number): boolean {
  const texts = new Set<string>();
  let index = 0;
  rawListpack.forEach(bytes, start, (text, from, length) => {
    if (index++ % stride === 0) texts.add(latin1Text(text, from, length));
  });
  return texts.size !== Math.ceil(index / stride);
}
