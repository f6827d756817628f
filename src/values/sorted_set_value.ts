/**
 * Sorted set value: members with scores, in order of score, then of bytes. Two forms:
 *
 *   encoding   form
 *   listpack   sorted_set_listpack.ts, while the set is small
 *   skiplist   sorted_set_large.ts: dict and score tree (the name is Redis's)
 *
 * A small set becomes large when it gets too many members or one that is too long, and never small
 * again by itself; results of ZUNIONSTORE and the like are made small if they can be.
 *
 * Ranges of every kind come down to ranks: `countBelowScore` and `countBelowMember` turn a bound
 * into the rank where it lies, `SortedSetCursor` walks from a rank in both directions, and
 * `removeRange` removes between two. Functions that only read take (memory, encoding, ref) and also
 * run over frozen memory; those that write take the key's entry, whose encoding and ref they keep
 * right.
 */
import { Slice } from "../base/bytes.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import { Memory, type Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as listpack from "../structures/listpack.ts";
import { ScoreTreeCursor } from "../structures/score_tree.ts";
import * as scoreTree from "../structures/score_tree.ts";
import { sampleIndexes } from "./random_sample.ts";
import * as large from "./sorted_set_large.ts";
import * as small from "./sorted_set_listpack.ts";
import * as value from "./value.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "./value.ts";

/** Until when a sorted set stays a listpack (zset-max-listpack-entries, -value). */
export interface SortedSetLimits {
  listpackEntriesMax: number;
  listpackValueBytesMax: number;
}

/** Hears of members; the slice is good until the next visit. The set must not change meanwhile. */
export type MemberVisitor = (member: Slice, score: number) => void;

/** What `add` may do: bits of ZADD's options. */
export const ADD_NX = 1;
export const ADD_XX = 2;
export const ADD_GT = 4;
export const ADD_LT = 8;
/** The score is added to that of the member. */
export const ADD_INCREMENT = 16;

/** What `add` did. Skipped: an option forbade it. Not a number: infinities cancelled each other. */
export const ADD_SKIPPED = 0;
export const ADD_SAME = 1;
export const ADD_UPDATED = 2;
export const ADD_INSERTED = 3;
export const ADD_NOT_A_NUMBER = 4;

/** The score that a member has after `add`. */
export interface ScoreOut {
  score: number;
}

const view = scratch(new Slice());

/** The encoding in which a set with this first member begins. */
export function initialEncoding(limits: SortedSetLimits, memberBytes: number): number {
  return limits.listpackEntriesMax === 0 || memberBytes > limits.listpackValueBytesMax
    ? ENCODING_SKIPLIST
    : ENCODING_LISTPACK;
}

/** An empty sorted set in one of the encodings. */
export function create(arena: Arena, encoding: number): Ref {
  return encoding === ENCODING_LISTPACK ? listpack.create(arena) : large.create(arena);
}

/** Number of members (ZCARD). */
export function count(memory: Memory, encoding: number, ref: Ref): number {
  return encoding === ENCODING_LISTPACK ? small.count(memory, ref) : large.count(memory, ref);
}

/** The score of a member, or NaN if it is none. */
export function score(
  memory: Memory,
  encoding: number,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  if (encoding === ENCODING_LISTPACK) {
    const position = small.find(memory, ref, bytes, start, length);
    return position === -1 ? NaN : small.scoreOf(memory, ref, position);
  }
  const member = large.find(memory, ref, bytes, start, length);
  return member === 0 ? NaN : large.scoreOf(memory, member);
}

/** `score` for a caller that has the hash of the bytes. */
export function scoreHashed(
  memory: Memory,
  encoding: number,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  if (encoding === ENCODING_LISTPACK) return score(memory, encoding, ref, bytes, start, length);
  const member = dict.findHashed(memory, large.dictOf(memory, ref), hash, bytes, start, length);
  return member === 0 ? NaN : large.scoreOf(memory, member);
}

/** Whether these bytes, of which the caller has the hash, are a member. */
export function hasHashed(
  memory: Memory,
  encoding: number,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (encoding === ENCODING_LISTPACK) return small.find(memory, ref, bytes, start, length) !== -1;
  return dict.findHashed(memory, large.dictOf(memory, ref), hash, bytes, start, length) !== 0;
}

/** Number of members before this one, or -1 if it is none. */
export function rank(
  memory: Memory,
  encoding: number,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  if (encoding === ENCODING_LISTPACK) {
    const position = small.find(memory, ref, bytes, start, length);
    return position === -1 ? -1 : small.rankOf(memory, ref, position);
  }
  const member = large.find(memory, ref, bytes, start, length);
  if (member === 0) return -1;
  const tree = large.treeOf(memory, ref);
  return scoreTree.rank(memory, tree, large.scoreOf(memory, member), member);
}

/** Number of members with a lower score; with `isInclusive`, those of this score included. */
export function countBelowScore(
  memory: Memory,
  encoding: number,
  ref: Ref,
  bound: number,
  isInclusive: boolean,
): number {
  if (encoding === ENCODING_LISTPACK) {
    return small.countBelowScore(memory, ref, bound, isInclusive);
  }
  return scoreTree.countBelowScore(memory, large.treeOf(memory, ref), bound, isInclusive);
}

/**
 * Number of members lower than these bytes; with `isInclusive`, an equal one included. Means
 * something only if all members have the same score.
 */
export function countBelowMember(
  memory: Memory,
  encoding: number,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  isInclusive: boolean,
): number {
  if (encoding === ENCODING_LISTPACK) {
    return small.countBelowMember(memory, ref, bytes, start, length, isInclusive);
  }
  const tree = large.treeOf(memory, ref);
  return scoreTree.countBelowMember(memory, tree, bytes, start, length, isInclusive);
}

/**
 * Adds a member or changes its score, as the bits of `mode` (ADD_NX …) allow. Returns what was done
 * (ADD_SKIPPED …), and leaves the score the member then has in `out`, unless that was skipped.
 */
export function add(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  scoreOrIncrement: number,
  mode: number,
  limits: SortedSetLimits,
  out: ScoreOut,
): number {
  out.score = scoreOrIncrement;
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  if (encoding === ENCODING_SKIPLIST) {
    return addToLarge(arena, ref, bytes, start, length, mode, out);
  }
  const position = small.find(arena, ref, bytes, start, length);
  if (position === -1) {
    if ((mode & ADD_XX) !== 0) return ADD_SKIPPED;
    if (!hasRoom(arena, ref, length, limits)) {
      return addToLarge(arena, convertToLarge(arena, entry), bytes, start, length, mode, out);
    }
    value.setValueRef(arena, entry, small.insert(arena, ref, bytes, start, length, out.score));
    return ADD_INSERTED;
  }
  const outcome = decide(small.scoreOf(arena, ref, position), mode, out);
  if (outcome !== ADD_UPDATED) return outcome;
  if (!small.fits(arena, ref, 0)) {
    const root = convertToLarge(arena, entry);
    large.move(arena, root, large.find(arena, root, bytes, start, length), out.score);
    return ADD_UPDATED;
  }
  const shorter = small.remove(arena, ref, position, 1);
  value.setValueRef(arena, entry, small.insert(arena, shorter, bytes, start, length, out.score));
  return ADD_UPDATED;
}

function addToLarge(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  mode: number,
  out: ScoreOut,
): number {
  const member = large.find(arena, ref, bytes, start, length);
  if (member === 0) {
    if ((mode & ADD_XX) !== 0) return ADD_SKIPPED;
    large.insertNotFound(arena, ref, bytes, start, length, out.score);
    return ADD_INSERTED;
  }
  const outcome = decide(large.scoreOf(arena, member), mode, out);
  if (outcome === ADD_UPDATED) large.move(arena, ref, member, out.score);
  return outcome;
}

/** What becomes of a member that exists with `oldScore`; `out` has its score or the increment. */
function decide(oldScore: number, mode: number, out: ScoreOut): number {
  if ((mode & ADD_NX) !== 0) return ADD_SKIPPED;
  if ((mode & ADD_INCREMENT) !== 0) {
    out.score += oldScore;
    if (Number.isNaN(out.score)) return ADD_NOT_A_NUMBER;
  }
  if ((mode & ADD_LT) !== 0 && out.score >= oldScore) return ADD_SKIPPED;
  if ((mode & ADD_GT) !== 0 && out.score <= oldScore) return ADD_SKIPPED;
  return out.score === oldScore ? ADD_SAME : ADD_UPDATED;
}

function hasRoom(memory: Memory, ref: Ref, memberBytes: number, limits: SortedSetLimits): boolean {
  return small.count(memory, ref) < limits.listpackEntriesMax &&
    memberBytes <= limits.listpackValueBytesMax && small.fits(memory, ref, memberBytes);
}

/** Removes a member. Returns whether it was there; the set may be empty afterwards. */
export function remove(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const ref = value.valueRef(arena, entry);
  if (value.encodingOf(arena, entry) === ENCODING_LISTPACK) {
    const position = small.find(arena, ref, bytes, start, length);
    if (position === -1) return false;
    value.setValueRef(arena, entry, small.remove(arena, ref, position, 1));
    return true;
  }
  const member = large.find(arena, ref, bytes, start, length);
  if (member === 0) return false;
  large.removeFound(arena, ref, member);
  return true;
}

/** Removes `memberCount` members from rank `first` on; they must exist. O(log n + removed). */
export function removeRange(arena: Arena, entry: Ref, first: number, memberCount: number): void {
  if (memberCount === 0) return;
  const ref = value.valueRef(arena, entry);
  if (value.encodingOf(arena, entry) === ENCODING_LISTPACK) {
    const position = small.seek(arena, ref, first);
    value.setValueRef(arena, entry, small.remove(arena, ref, position, memberCount));
  } else {
    large.removeRange(arena, ref, first, memberCount);
  }
}

/** Visits all members, lowest first. */
export function forEach(memory: Memory, encoding: number, ref: Ref, visit: MemberVisitor): void {
  if (encoding === ENCODING_SKIPLIST) return large.forEach(memory, ref, visit);
  const member = takeSlice();
  for (let at = listpack.first(memory, ref); at !== -1; at = small.next(memory, ref, at)) {
    const own = small.scoreOf(memory, ref, at);
    listpack.read(memory, ref, at, member);
    visit(member, own);
  }
  giveSlice(member);
}

/** Visits all members of a large set, highest first: the order in which Redis saves them. */
export function forEachBackward(memory: Memory, ref: Ref, visit: MemberVisitor): void {
  large.forEachBackward(memory, ref, visit);
}

/** Visits `wanted` different members chosen at random; all, if there are not more. */
export function visitSample(
  memory: Memory,
  encoding: number,
  ref: Ref,
  wanted: number,
  visit: MemberVisitor,
): void {
  if (encoding === ENCODING_SKIPLIST) return large.visitSample(memory, ref, wanted, visit);
  const member = takeSlice();
  let index = 0;
  let at = listpack.first(memory, ref);
  sampleIndexes(small.count(memory, ref), wanted, (chosen) => {
    for (; index < chosen; index++) at = small.next(memory, ref, at);
    const own = small.scoreOf(memory, ref, at);
    listpack.read(memory, ref, at, member);
    visit(member, own);
  });
  giveSlice(member);
}

/** A copy of the set in the same encoding (COPY). */
export function duplicate(arena: Arena, encoding: number, ref: Ref): Ref {
  return encoding === ENCODING_LISTPACK
    ? listpack.duplicate(arena, ref)
    : large.duplicate(arena, ref);
}

/** Roughly how many blocks it takes to free the set. */
export function blockCount(memory: Memory, encoding: number, ref: Ref): number {
  return encoding === ENCODING_LISTPACK ? 1 : large.count(memory, ref);
}

/** Frees about `limit` members. Returns whether all is freed. */
export function releaseStep(arena: Arena, encoding: number, ref: Ref, limit: number): boolean {
  if (encoding === ENCODING_SKIPLIST) return large.releaseStep(arena, ref, limit);
  arena.free(ref);
  return true;
}

/** Bytes of memory, estimated from about `samples` members; 0 looks at all (MEMORY USAGE). */
export function memoryBytes(
  arena: Arena,
  encoding: number,
  ref: Ref,
  samples: number,
): number {
  return encoding === ENCODING_LISTPACK
    ? arena.blockBytes(ref)
    : large.memoryBytes(arena, ref, samples);
}

/** Makes a small set large. Returns the ref of its new root. */
export function convertToLarge(arena: Arena, entry: Ref): Ref {
  const ref = value.valueRef(arena, entry);
  const root = largeFrom(arena, ref);
  arena.free(ref);
  value.setEncoding(arena, entry, ENCODING_SKIPLIST, root);
  return root;
}

function largeFrom(arena: Arena, ref: Ref): Ref {
  const root = large.create(arena);
  for (let at = listpack.first(arena, ref); at !== -1; at = small.next(arena, ref, at)) {
    const own = small.scoreOf(arena, ref, at);
    listpack.read(arena, ref, at, view);
    const { bytes, start, length } = view;
    large.find(arena, root, bytes, start, length);
    large.insertNotFound(arena, root, bytes, start, length, own);
  }
  return root;
}

/** A listpack of the members of a large set, or 0 if it is beyond the limits. */
export function smallFrom(arena: Arena, root: Ref, limits: SortedSetLimits): Ref {
  const total = large.count(arena, root);
  if (total > limits.listpackEntriesMax) return 0;
  let memberBytes = 0;
  let memberBytesMax = 0;
  large.forEach(arena, root, ({ length }) => {
    memberBytes += length;
    memberBytesMax = Math.max(memberBytesMax, length);
  });
  // Beside the member itself: its lengths, and the score.
  const bytesMax = memberBytes + total * 36 + listpack.EMPTY_BYTES;
  if (memberBytesMax > limits.listpackValueBytesMax || bytesMax > listpack.LISTPACK_BYTES_MAX) {
    return 0;
  }
  let target = listpack.create(arena);
  large.forEach(arena, root, (member, own) => {
    target = small.append(arena, target, member.bytes, member.start, member.length, own);
  });
  return target;
}

/** Makes a sorted set large if it is small. */
export function makeLarge(arena: Arena, entry: Ref): void {
  if (value.encodingOf(arena, entry) === ENCODING_LISTPACK) convertToLarge(arena, entry);
}

/**
 * Makes an empty sorted set ready for so many members, which are then added by `add`; `settle` is
 * called when all are there.
 */
export function prepare(arena: Arena, entry: Ref, expected: number): void {
  makeLarge(arena, entry);
  large.reserve(arena, value.valueRef(arena, entry), expected);
}

/** Makes a large set small if the limits allow it, as Redis does with one that it has loaded. */
export function settle(arena: Arena, entry: Ref, limits: SortedSetLimits): void {
  const root = value.valueRef(arena, entry);
  const target = smallFrom(arena, root, limits);
  if (target === 0) return;
  while (!large.releaseStep(arena, root, 1 << 30));
  value.setEncoding(arena, entry, ENCODING_LISTPACK, target);
}

/**
 * Fills an empty listpack-encoded set from the bytes of a listpack that a file or a DUMP payload
 * held; it becomes large where limits or block are exceeded. Returns false, with the set still
 * empty, if the bytes are no sorted set: malformed, out of order, or with a member twice.
 */
export function loadListpack(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: SortedSetLimits,
): boolean {
  if (!small.validate(bytes, start, length)) return false;
  if (length <= listpack.LISTPACK_BYTES_MAX) {
    const ref = listpack.fromRaw(arena, bytes, start, length);
    arena.free(value.valueRef(arena, entry));
    value.setValueRef(arena, entry, ref);
    if (small.count(arena, ref) > limits.listpackEntriesMax) convertToLarge(arena, entry);
    return true;
  }
  const root = convertToLarge(arena, entry);
  small.forEachRaw(bytes, start, (member, own) => {
    large.find(arena, root, member.bytes, member.start, member.length);
    large.insertNotFound(arena, root, member.bytes, member.start, member.length, own);
  });
  return true;
}

const NO_MEMORY = new Memory();

/**
 * Walks over the members of a set of either encoding, in both directions. Made once and used again
 * and again; good until the set changes.
 */
export class SortedSetCursor {
  readonly #treeCursor = new ScoreTreeCursor();
  #memory: Memory = NO_MEMORY;
  #isLarge = false;
  #ref: Ref = 0;
  #position = -1;

  /** Goes away from the set it was in, and its memory. */
  forget(): void {
    this.#treeCursor.forget();
    this.#memory = NO_MEMORY;
    this.#position = -1;
  }

  /** Goes to the member with this rank. Returns whether there is one. */
  seek(memory: Memory, encoding: number, ref: Ref, rank: number): boolean {
    this.#memory = memory;
    this.#ref = ref;
    this.#isLarge = encoding === ENCODING_SKIPLIST;
    if (this.#isLarge) return this.#treeCursor.seek(memory, large.treeOf(memory, ref), rank);
    this.#position = small.seek(memory, ref, rank);
    return this.#position !== -1;
  }

  /** Goes to the next member, or with `isBackward` to the previous one; false: there is none. */
  advance(isBackward: boolean): boolean {
    if (this.#isLarge) {
      return isBackward ? this.#treeCursor.previous() : this.#treeCursor.next();
    }
    this.#position = isBackward
      ? small.previous(this.#memory, this.#ref, this.#position)
      : small.next(this.#memory, this.#ref, this.#position);
    return this.#position !== -1;
  }

  /** Points `out` at the present member. Good until the next write. */
  readMember(out: Slice): void {
    if (this.#isLarge) dictEntry.readKey(this.#memory, this.#treeCursor.entry, out);
    else listpack.read(this.#memory, this.#ref, this.#position, out);
  }

  /** The score of the present member. */
  get score(): number {
    return this.#isLarge
      ? this.#treeCursor.score
      : small.scoreOf(this.#memory, this.#ref, this.#position);
  }
}
