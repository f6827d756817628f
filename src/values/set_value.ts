/**
 * Set value: members without repetition, as an intset while all are integers and few, as a listpack
 * while they are few and short, else as a dict whose entries are the members and nothing else.
 *
 * The encoding is Redis's: "intset" until a member comes that is no integer or there are more than
 * `set-max-intset-entries`; then "listpack", if there are no more than `set-max-listpack-entries`
 * and none is longer than `set-max-listpack-value`; then "hashtable", never back. Listpacks for
 * sets came with Redis 7.2: for an earlier release the limit of entries is -1.
 *
 * Functions that take an `entry` work on the key's entry, in a database or detached; those that
 * take `encoding, ref` know no key. Bytes to be added may be views of another value in the arena.
 */
import { assert } from "../base/assert.ts";
import { Slice } from "../base/bytes.ts";
import { isCanonicalInteger } from "../base/integers.ts";
import { random } from "../base/random.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Int64, parse } from "../structures/int64_words.ts";
import * as intset from "../structures/intset.ts";
import * as listpack from "../structures/listpack.ts";
import { estimateEntryBytes, sampleEntries, sampleIndexes } from "./random_sample.ts";
import * as value from "./value.ts";

/** Beyond this a set is no intset any more. */
export interface SetLimits {
  /** Members (config set-max-intset-entries). */
  intsetEntriesMax: number;
  /** Members of a listpack (set-max-listpack-entries); -1: the release knows no listpacks. */
  listpackEntriesMax: number;
  /** Bytes of a member of a listpack (set-max-listpack-value). */
  listpackValueBytesMax: number;
}

/**
 * Receives a member, which is good until the next write or the next visit, and the entry of the
 * dict in which it stands, or 0.
 */
export type MemberVisitor = (member: Slice, found: Ref) => void;

/** A `MemberVisitor` that says whether to stop. */
export type StoppingVisitor = (member: Slice, found: Ref) => boolean;

/** Where the member begins in its entry, in words. */
const KEY_OFFSET = 1;
/** More than header and backward length of a listpack entry can take. */
const LISTPACK_ENTRY_OVERHEAD = 10;

const memberView = scratch(new Slice());
const integer = new Int64();

/**
 * The encoding of a new set whose first member will be these bytes, and to which so many are added
 * at once. Redis: setTypeCreate; before 7.2, that is without listpacks, the first member decides.
 */
export function encodingFor(
  bytes: Uint8Array,
  start: number,
  length: number,
  expected: number,
  limits: SetLimits,
): number {
  const { intsetEntriesMax, listpackEntriesMax } = limits;
  const mayBeIntset = listpackEntriesMax === -1 || expected <= intsetEntriesMax;
  if (mayBeIntset && isCanonicalInteger(bytes, start, length)) return value.ENCODING_INTSET;
  return expected <= listpackEntriesMax ? value.ENCODING_LISTPACK : value.ENCODING_HASHTABLE;
}

/** An empty set. */
export function create(arena: Arena, encoding: number): Ref {
  if (encoding === value.ENCODING_LISTPACK) return listpack.create(arena);
  return encoding === value.ENCODING_INTSET ? intset.create(arena) : dict.create(arena);
}

/**
 * An empty set on an entry that is in no database: results of SUNION and the like are gathered in
 * it. Its value is then taken over, or the entry given to the reclaimer.
 */
export function createDetached(arena: Arena, encoding: number = value.ENCODING_INTSET): Ref {
  const ref = create(arena, encoding);
  const bytes = memberView.bytes;
  return value.createEntry(arena, bytes, 0, 0, value.TYPE_SET, encoding, ref, value.NO_EXPIRY);
}

/** Number of members of the value of a key. */
export function countOfKey(memory: Memory, entry: Ref): number {
  return count(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry));
}

/** Number of members. */
export function count(memory: Memory, encoding: number, ref: Ref): number {
  if (encoding === value.ENCODING_LISTPACK) return listpack.count(memory, ref);
  return encoding === value.ENCODING_INTSET ? intset.count(memory, ref) : dict.count(memory, ref);
}

/** Whether these bytes are a member. */
export function has(
  memory: Memory,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const ref = value.valueRef(memory, entry);
  const encoding = value.encodingOf(memory, entry);
  return encoding === value.ENCODING_HASHTABLE
    ? dict.find(memory, ref, bytes, start, length) !== 0
    : hasSmall(memory, encoding, ref, bytes, start, length);
}

/** `has` for an intset or a listpack. */
function hasSmall(
  memory: Memory,
  encoding: number,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (encoding === value.ENCODING_LISTPACK) {
    return positionOf(memory, ref, bytes, start, length) !== -1;
  }
  return parse(bytes, start, length, integer) && intset.find(memory, ref, integer) !== -1;
}

/** Where a member stands in a listpack, or -1. */
function positionOf(
  memory: Memory,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  return listpack.find(memory, ref, bytes, start, length, listpack.first(memory, ref), 0);
}

/**
 * Adds a member, converting the set if limits are exceeded. Returns whether it is new. A table that
 * is made by this is as large as `expected` members will need.
 */
export function add(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: SetLimits,
  expected = 0,
): boolean {
  const ref = value.valueRef(arena, entry);
  const encoding = value.encodingOf(arena, entry);
  if (encoding === value.ENCODING_HASHTABLE) return addToDict(arena, ref, bytes, start, length);
  if (encoding === value.ENCODING_LISTPACK) {
    return addToListpack(arena, entry, bytes, start, length, limits, expected);
  }
  if (!parse(bytes, start, length, integer)) {
    if (intset.count(arena, ref) < limits.listpackEntriesMax) {
      convert(arena, entry, value.ENCODING_LISTPACK);
      return addToListpack(arena, entry, bytes, start, length, limits, expected);
    }
    convert(arena, entry, value.ENCODING_HASHTABLE, expected);
    return addToDict(arena, value.valueRef(arena, entry), bytes, start, length);
  }
  if (intset.find(arena, ref, integer) !== -1) return false;
  if (intset.count(arena, ref) < limits.intsetEntriesMax && intset.fits(arena, ref, integer)) {
    value.setValueRef(arena, entry, intset.add(arena, ref, integer));
    return true;
  }
  convert(arena, entry, value.ENCODING_HASHTABLE, expected);
  return addToDict(arena, value.valueRef(arena, entry), bytes, start, length);
}

/** `add` for a member that is not in the set, of which the caller has the hash. */
export function addNew(
  arena: Arena,
  entry: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: SetLimits,
  expected: number,
): void {
  const encoding = value.encodingOf(arena, entry);
  if (encoding === value.ENCODING_HASHTABLE) {
    insertIntoDict(arena, value.valueRef(arena, entry), hash, bytes, start, length);
  } else if (encoding === value.ENCODING_LISTPACK) {
    addNewToListpack(arena, entry, bytes, start, length, limits, expected);
  } else add(arena, entry, bytes, start, length, limits, expected);
}

/** Adds to a set that is a dict what stands in the dict of another set, and not yet in this one. */
export function addNewEntry(arena: Arena, ref: Ref, hash: number, source: Ref): void {
  if (dictEntry.longKeyBytes(arena, source) !== 0) {
    dictEntry.readKey(arena, source, memberView);
    const { bytes, start, length } = memberView;
    return insertIntoDict(arena, ref, hash, bytes, start, length);
  }
  const byteCount = (KEY_OFFSET << 2) + dictEntry.keyBytes(arena, source);
  const entry = arena.allocate(byteCount);
  arena.copyBlock(source, entry, byteCount);
  dict.insertHashed(arena, ref, entry, hash);
}

/** Whether a member, as it stands in a dict, is the text of an integer. */
export function isIntegerEntry(memory: Memory, found: Ref): boolean {
  dictEntry.readKey(memory, found, memberView);
  return isCanonicalInteger(memberView.bytes, memberView.start, memberView.length);
}

/** Makes a small set a dict with room for so many members. False if a member came twice. */
export function makeDict(arena: Arena, entry: Ref, expected: number): boolean {
  return convert(arena, entry, value.ENCODING_HASHTABLE, expected);
}

/** Makes an intset of more members than it may have a listpack. */
export function settleIntset(arena: Arena, entry: Ref, limits: SetLimits): void {
  if (value.encodingOf(arena, entry) !== value.ENCODING_INTSET) return;
  if (countOfKey(arena, entry) <= limits.intsetEntriesMax) return;
  convert(arena, entry, value.ENCODING_LISTPACK);
}

/** Gives back the room that fewer members than expected do not need. */
export function trim(arena: Arena, entry: Ref): void {
  if (value.encodingOf(arena, entry) !== value.ENCODING_HASHTABLE) return;
  dict.trim(arena, value.valueRef(arena, entry));
}

/** `add` for a set that is a listpack. */
function addToListpack(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: SetLimits,
  expected: number,
): boolean {
  const ref = value.valueRef(arena, entry);
  if (positionOf(arena, ref, bytes, start, length) !== -1) return false;
  addNewToListpack(arena, entry, bytes, start, length, limits, expected);
  return true;
}

/** `addNew` for a set that is a listpack. */
function addNewToListpack(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: SetLimits,
  expected: number,
): void {
  const ref = value.valueRef(arena, entry);
  const hasRoom = length <= limits.listpackValueBytesMax &&
    listpack.count(arena, ref) < limits.listpackEntriesMax &&
    listpack.fits(arena, ref, length + LISTPACK_ENTRY_OVERHEAD);
  if (hasRoom) {
    value.setValueRef(arena, entry, listpack.append(arena, ref, bytes, start, length));
    return;
  }
  convert(arena, entry, value.ENCODING_HASHTABLE, expected);
  addToDict(arena, value.valueRef(arena, entry), bytes, start, length);
}

/**
 * Removes a member. Returns whether it was there. An empty set is left for the caller to remove.
 */
export function remove(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const ref = value.valueRef(arena, entry);
  const encoding = value.encodingOf(arena, entry);
  if (encoding === value.ENCODING_LISTPACK) {
    const position = positionOf(arena, ref, bytes, start, length);
    if (position === -1) return false;
    value.setValueRef(arena, entry, listpack.remove(arena, ref, position, 1));
    return true;
  }
  if (encoding === value.ENCODING_INTSET) {
    if (!parse(bytes, start, length, integer)) return false;
    const index = intset.find(arena, ref, integer);
    if (index === -1) return false;
    value.setValueRef(arena, entry, intset.removeAt(arena, ref, index));
    return true;
  }
  const found = dict.find(arena, ref, bytes, start, length);
  if (found === 0) return false;
  dict.removeFound(arena, ref, found);
  freeMember(arena, found);
  return true;
}

/**
 * Calls `visit` for every member: of an intset in ascending order, else in no particular one. The
 * set must not change meanwhile.
 */
export function forEach(
  memory: Memory,
  encoding: number,
  ref: Ref,
  visit: MemberVisitor,
): void {
  if (encoding === value.ENCODING_HASHTABLE) {
    const view = takeSlice();
    dict.forEach(memory, ref, (found) => {
      dictEntry.readKey(memory, found, view);
      visit(view, found);
    });
    giveSlice(view);
    return;
  }
  someSmall(memory, encoding, ref, (member) => {
    visit(member, 0);
    return false;
  });
}

/** Visits the members of an intset or a listpack, in order, until one visit says to stop. */
function someSmall(
  memory: Memory,
  encoding: number,
  ref: Ref,
  test: StoppingVisitor,
): boolean {
  const view = takeSlice();
  let isFound = false;
  if (encoding === value.ENCODING_INTSET) {
    const total = intset.count(memory, ref);
    for (let index = 0; index < total; index++) {
      intset.read(memory, ref, index, view);
      isFound = test(view, 0);
      if (isFound) break;
    }
  } else {
    for (let at = listpack.first(memory, ref); at !== -1; at = listpack.next(memory, ref, at)) {
      listpack.read(memory, ref, at, view);
      isFound = test(view, 0);
      if (isFound) break;
    }
  }
  giveSlice(view);
  return isFound;
}

/** `forEach` over the set of a key. */
export function forEachMember(memory: Memory, entry: Ref, visit: MemberVisitor): void {
  forEach(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry), visit);
}

/** Whether `test` says yes to any member of the set of a key; stops at the first. O(members). */
export function someMember(
  memory: Memory,
  entry: Ref,
  test: StoppingVisitor,
): boolean {
  const ref = value.valueRef(memory, entry);
  const encoding = value.encodingOf(memory, entry);
  if (encoding !== value.ENCODING_HASHTABLE) return someSmall(memory, encoding, ref, test);
  const view = takeSlice();
  let isFound = false;
  const visit = (found: Ref) => {
    if (isFound) return;
    dictEntry.readKey(memory, found, view);
    isFound = test(view, found);
  };
  dict.forEach(memory, ref, visit, () => isFound);
  giveSlice(view);
  return isFound;
}

/** The dict's entry, or the place in intset or listpack, drawn last, and from which set. */
let drawn = 0;
let drawnFrom: Ref = 0;

/** Points `out` at a member of a set that is not empty, each as likely. O(1) expected. */
export function readRandom(memory: Memory, entry: Ref, out: Slice): void {
  const ref = value.valueRef(memory, entry);
  drawnFrom = ref;
  if (value.encodingOf(memory, entry) === value.ENCODING_INTSET) {
    drawn = intset.randomIndex(memory, ref);
    intset.read(memory, ref, drawn, out);
  } else if (value.encodingOf(memory, entry) === value.ENCODING_LISTPACK) {
    drawn = listpack.seek(memory, ref, random.below(listpack.count(memory, ref)));
    listpack.read(memory, ref, drawn, out);
  } else {
    drawn = dict.randomEntry(memory, ref, random);
    dictEntry.readKey(memory, drawn, out);
  }
}

/** Removes the member that `readRandom` has just drawn from this set, without another search. */
export function removeDrawn(arena: Arena, entry: Ref): void {
  const ref = value.valueRef(arena, entry);
  assert(ref === drawnFrom, "the member was drawn from this set");
  drawnFrom = 0;
  if (value.encodingOf(arena, entry) === value.ENCODING_INTSET) {
    value.setValueRef(arena, entry, intset.removeAt(arena, ref, drawn));
    return;
  }
  if (value.encodingOf(arena, entry) === value.ENCODING_LISTPACK) {
    value.setValueRef(arena, entry, listpack.remove(arena, ref, drawn, 1));
    return;
  }
  dict.removeFound(arena, ref, drawn);
  freeMember(arena, drawn);
}

/**
 * Calls `visit` with `wanted` different members drawn at random, or with all if there are fewer.
 */
export function visitSample(
  memory: Memory,
  entry: Ref,
  wanted: number,
  visit: MemberVisitor,
): void {
  const ref = value.valueRef(memory, entry);
  const encoding = value.encodingOf(memory, entry);
  if (encoding === value.ENCODING_HASHTABLE) {
    return visitEntries(memory, sampleEntries(memory, ref, wanted), visit);
  }
  const chosen = new Set<number>();
  sampleIndexes(count(memory, encoding, ref), wanted, (index) => chosen.add(index));
  let index = 0;
  forEach(memory, encoding, ref, (member) => {
    if (chosen.has(index++)) visit(member, 0);
  });
}

/** Calls `visit` with the members of a dict's entries, for scans that have collected them. */
export function visitEntries(
  memory: Memory,
  entries: readonly Ref[],
  visit: MemberVisitor,
): void {
  const view = takeSlice();
  for (const found of entries) {
    dictEntry.readKey(memory, found, view);
    visit(view, found);
  }
  giveSlice(view);
}

/**
 * Makes a set ready for so many members, so that a large one is not converted on the way (Redis
 * does this when it loads one). Members are then added by `add`.
 */
export function prepare(arena: Arena, entry: Ref, expected: number, limits: SetLimits): void {
  const encoding = value.encodingOf(arena, entry);
  if (encoding === value.ENCODING_HASHTABLE) return;
  const isIntset = encoding === value.ENCODING_INTSET;
  if (expected <= (isIntset ? limits.intsetEntriesMax : limits.listpackEntriesMax)) return;
  convert(arena, entry, value.ENCODING_HASHTABLE, expected);
}

/** A copy of the value that shares nothing with it. */
export function duplicate(arena: Arena, encoding: number, ref: Ref): Ref {
  if (encoding === value.ENCODING_INTSET) return intset.duplicate(arena, ref);
  if (encoding === value.ENCODING_LISTPACK) return listpack.duplicate(arena, ref);
  const copy = dict.create(arena);
  dict.reserve(arena, copy, dict.count(arena, ref));
  dict.forEach(arena, ref, (found) => addNewEntry(arena, copy, dict.hashOf(arena, found), found));
  return copy;
}

/** How many blocks freeing takes, roughly. */
export function blockCount(memory: Memory, encoding: number, ref: Ref): number {
  return encoding === value.ENCODING_HASHTABLE ? dict.count(memory, ref) : 1;
}

/** Frees about `limit` blocks. Returns whether all are freed. */
export function releaseStep(arena: Arena, encoding: number, ref: Ref, limit: number): boolean {
  if (encoding === value.ENCODING_HASHTABLE) {
    return dict.freeStep(arena, ref, limit, (found) => freeMember(arena, found));
  }
  arena.free(ref);
  return true;
}

/**
 * Bytes of memory, estimated from about `samples` members; 0 looks at all of them (MEMORY USAGE).
 */
export function memoryBytes(arena: Arena, encoding: number, ref: Ref, samples: number): number {
  if (encoding !== value.ENCODING_HASHTABLE) return arena.blockBytes(ref);
  const memberBytes = (found: Ref) =>
    arena.blockBytes(found) + dictEntry.longKeyBytes(arena, found);
  return dict.tableBytes(arena, ref) + estimateEntryBytes(arena, ref, samples, memberBytes);
}

/** Adds a member to the dict of a large set. Returns whether it is new. */
function addToDict(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (dict.find(arena, ref, bytes, start, length) !== 0) return false;
  insertIntoDict(arena, ref, dict.lastHash(), bytes, start, length);
  return true;
}

/** Adds a member that is not in the dict. */
function insertIntoDict(
  arena: Arena,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  const entry = arena.allocate((KEY_OFFSET << 2) + dictEntry.inlineBytes(length));
  const head = dictEntry.header(length, KEY_OFFSET, 0);
  arena.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1] = head;
  dictEntry.storeKey(arena, entry, bytes, start, length);
  dict.insertHashed(arena, ref, entry, hash);
}

function freeMember(arena: Arena, found: Ref): void {
  dictEntry.freeKey(arena, found);
  arena.free(found);
}

/**
 * Makes a small set a dict, with room for `expected` members, or an intset a listpack. Returns
 * false if a member came twice, which a dict keeps once.
 */
function convert(
  arena: Arena,
  entry: Ref,
  encoding = value.ENCODING_HASHTABLE,
  expected = 0,
): boolean {
  const ref = value.valueRef(arena, entry);
  let target = create(arena, encoding);
  if (encoding === value.ENCODING_HASHTABLE) {
    dict.reserve(arena, target, Math.max(expected, countOfKey(arena, entry)));
  }
  let isSound = true;
  forEach(arena, value.encodingOf(arena, entry), ref, ({ bytes, start, length }) => {
    if (encoding === value.ENCODING_LISTPACK) {
      target = listpack.append(arena, target, bytes, start, length);
    } else if (!addToDict(arena, target, bytes, start, length)) isSound = false;
  });
  arena.free(ref);
  value.setEncoding(arena, entry, encoding, target);
  return isSound;
}
