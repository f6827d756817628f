/**
 * Sorted set listpack: the form of a small sorted set, byte for byte as Redis keeps and saves it.
 *
 *   member, score, member, score, …   lowest score first; members of one score in byte order
 *
 * A score is stored as an integer if it is one (so -0 becomes 0), else as the text of "%.17g".
 * Finding anything is a walk from the front, hence the limits; `sorted_set_value.ts` keeps them,
 * and knows when to go over to the form of `sorted_set_large.ts`.
 *
 * A position is that of a member in the listpack, -1 = none. Functions that write return the ref of
 * the listpack, which may be a new one. A rank is the number of members before one.
 */
import { compareBytes, latin1Bytes, latin1Text, Slice } from "../base/bytes.ts";
import { formatDouble17 } from "../base/doubles.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Int64 } from "../structures/int64_words.ts";
import * as encoding from "../structures/listpack_encoding.ts";
import * as listpack from "../structures/listpack.ts";
import { examine } from "../structures/listpack_duplicates.ts";
import * as rawListpack from "../structures/raw_listpack.ts";

/** Most bytes that the entry of a score takes: "-2.2250738585072014e-308" and its two lengths. */
const SCORE_ENTRY_BYTES_MAX = 26;
/** Redis: whole numbers up to half of the range of int64 are stored as integers. */
const INTEGER_SCORE_MAX = 2 ** 62;
const WORD_COUNT = 4294967296;

const view = scratch(new Slice());
const otherView = scratch(new Slice());
const integer = new Int64();

/** Number of members. */
export function count(memory: Memory, ref: Ref): number {
  return listpack.count(memory, ref) >>> 1;
}

/** Position of a member, or -1. O(n). */
export function find(
  memory: Memory,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  return listpack.find(memory, ref, bytes, start, length, listpack.first(memory, ref), 1);
}

/** Position of the member with this rank, or -1. */
export function seek(memory: Memory, ref: Ref, rank: number): number {
  return rank < 0 ? -1 : listpack.seek(memory, ref, rank * 2);
}

/** Position of the next member, or -1. */
export function next(memory: Memory, ref: Ref, position: number): number {
  return listpack.next(memory, ref, listpack.next(memory, ref, position));
}

/** Position of the previous member, or -1. */
export function previous(memory: Memory, ref: Ref, position: number): number {
  const score = listpack.previous(memory, ref, position);
  return score === -1 ? -1 : listpack.previous(memory, ref, score);
}

/** The score of the member at `position`. */
export function scoreOf(memory: Memory, ref: Ref, position: number): number {
  const scorePosition = listpack.next(memory, ref, position);
  if (listpack.readInt64(memory, ref, scorePosition, integer)) return toScore(integer);
  listpack.read(memory, ref, scorePosition, view);
  return parseScore(view.bytes, view.start, view.length);
}

/** Number of members before the one at `position`. O(rank). */
export function rankOf(memory: Memory, ref: Ref, position: number): number {
  let rank = 0;
  for (let at = listpack.first(memory, ref); at !== position; at = next(memory, ref, at)) rank++;
  return rank;
}

/** Number of members with a lower score; with `isInclusive`, those of this score included. */
export function countBelowScore(
  memory: Memory,
  ref: Ref,
  score: number,
  isInclusive: boolean,
): number {
  let below = 0;
  for (let at = listpack.first(memory, ref); at !== -1; at = next(memory, ref, at)) {
    const own = scoreOf(memory, ref, at);
    if (isInclusive ? own > score : own >= score) break;
    below++;
  }
  return below;
}

/** Number of members lower than these bytes; with `isInclusive`, an equal one included. */
export function countBelowMember(
  memory: Memory,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  isInclusive: boolean,
): number {
  let below = 0;
  for (let at = listpack.first(memory, ref); at !== -1; at = next(memory, ref, at)) {
    const order = compareMember(memory, ref, at, bytes, start, length);
    if (isInclusive ? order > 0 : order >= 0) break;
    below++;
  }
  return below;
}

/** Whether a further member of `memberBytes` stays within the block, or a score becomes longer. */
export function fits(memory: Memory, ref: Ref, memberBytes: number): boolean {
  // A header of 5 bytes and a backward length of 5 are the most a member needs.
  return listpack.fits(memory, ref, memberBytes + 10 + SCORE_ENTRY_BYTES_MAX);
}

/** Inserts a member that is not there, at the place of its score. There must be room. O(n). */
export function insert(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): Ref {
  const position = placeOf(arena, ref, bytes, start, length, score);
  if (position === -1) {
    return appendScore(arena, listpack.append(arena, ref, bytes, start, length), score);
  }
  const target = listpack.insertBefore(arena, ref, position, bytes, start, length);
  const scorePosition = listpack.next(arena, target, position);
  if (Number.isSafeInteger(score)) {
    return listpack.insertIntegerBefore(arena, target, scorePosition, score);
  }
  const text = scoreText(score);
  return listpack.insertBefore(arena, target, scorePosition, text, 0, text.length);
}

/** Appends a member that belongs behind all others. There must be room. */
export function append(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): Ref {
  return appendScore(arena, listpack.append(arena, ref, bytes, start, length), score);
}

/** Removes `memberCount` members from `position` on. */
export function remove(arena: Arena, ref: Ref, position: number, memberCount: number): Ref {
  return listpack.remove(arena, ref, position, memberCount * 2);
}

/**
 * Whether the range is a sound sorted set: a listpack of pairs in strictly ascending order, whose
 * first halves are different and whose second halves are scores. For untrusted bytes; O(length).
 */
export function validate(bytes: Uint8Array, start: number, length: number): boolean {
  return examine(bytes, start, length, 2) >= 0 && isAscending(bytes, start);
}

/**
 * Whether the bytes of a sound listpack, in which no member comes twice, are a sorted set: pairs in
 * strictly ascending order, whose second halves are scores. For untrusted bytes; O(length).
 */
export function isAscending(bytes: Uint8Array, start: number): boolean {
  let formerAt = -1;
  let formerScore = -Infinity;
  for (let at = start + listpack.FIRST; bytes[at] !== encoding.END;) {
    const scoreAt = at + encoding.entryBytesAt(bytes, at);
    if (bytes[scoreAt] === encoding.END) return false;
    const score = rawScore(bytes, scoreAt);
    // Also false for a score that is not a number.
    if (!(score >= formerScore)) return false;
    if (score === formerScore && formerAt !== -1 && compareRaw(bytes, formerAt, at) >= 0) {
      return false;
    }
    formerAt = at;
    formerScore = score;
    at = scoreAt + encoding.entryBytesAt(bytes, scoreAt);
  }
  return true;
}

/** The score at `at` of a listpack outside of the arena; NaN for anything that is no number. */
function rawScore(bytes: Uint8Array, at: number): number {
  if (encoding.stringHeaderBytes(bytes, at) === 0) {
    encoding.loadInteger(bytes, at, integer);
    return toScore(integer);
  }
  rawListpack.readEntry(bytes, at, view);
  return parseScore(view.bytes, view.start, view.length);
}

/** Order of two members of a listpack outside of the arena. */
function compareRaw(bytes: Uint8Array, at: number, otherAt: number): number {
  rawListpack.readEntry(bytes, at, view);
  rawListpack.readEntry(bytes, otherAt, otherView);
  return compareBytes(
    view.bytes,
    view.start,
    view.length,
    otherView.bytes,
    otherView.start,
    otherView.length,
  );
}

/**
 * Visits the members in the bytes of a sound listpack, which may be larger than a block; the slice
 * is good during the visit. Returns false if the last member has no score.
 */
export function forEachRaw(
  bytes: Uint8Array,
  start: number,
  visit: (member: Slice, score: number) => void,
): boolean {
  return rawListpack.forEachPair(bytes, start, (member, score) => {
    visit(member, parseScore(score.bytes, score.start, score.length));
  });
}

/** Position of the first member that comes behind this one, or -1: it is the last. */
function placeOf(
  memory: Memory,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): number {
  for (let at = listpack.first(memory, ref); at !== -1; at = next(memory, ref, at)) {
    const own = scoreOf(memory, ref, at);
    if (own > score) return at;
    if (own === score && compareMember(memory, ref, at, bytes, start, length) > 0) return at;
  }
  return -1;
}

function compareMember(
  memory: Memory,
  ref: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  listpack.read(memory, ref, position, view);
  return compareBytes(view.bytes, view.start, view.length, bytes, start, length);
}

function appendScore(arena: Arena, ref: Ref, score: number): Ref {
  if (Number.isSafeInteger(score)) return listpack.appendInteger(arena, ref, score);
  const text = scoreText(score);
  return listpack.append(arena, ref, text, 0, text.length);
}

function isIntegerScore(score: number): boolean {
  return Number.isInteger(score) && Math.abs(score) <= INTEGER_SCORE_MAX;
}

/** Text of a score that is no safe integer; if it is a larger one, listpack stores it as such. */
function scoreText(score: number): Uint8Array {
  return latin1Bytes(isIntegerScore(score) ? BigInt(score).toString() : formatDouble17(score));
}

function toScore(value: Int64): number {
  return value.high * WORD_COUNT + (value.low >>> 0);
}

/** Reads what `formatDouble17` wrote; NaN for anything that is no number. */
function parseScore(bytes: Uint8Array, start: number, length: number): number {
  const text = latin1Text(bytes, start, length);
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : text === "" ? NaN : Number(text);
}
