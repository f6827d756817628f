/**
 * Sorted set, large form (Redis calls the encoding "skiplist"): a dict from member to score, and a
 * score tree that holds the same entries in order. Their root is drawn in dict_and_tree.ts.
 *
 *   word   field of a member's entry (see dict_entry.ts)
 *   0      header
 *   1, 2   score as double
 *   3      the member
 *
 * Looking up a member is O(1), everything about order O(log n). The root never moves.
 */
import { Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
  wordOffsetOf,
} from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { type DictTouch, TOUCH_BUCKETS_MIN } from "../structures/dict_touch.ts";
import * as scoreTree from "../structures/score_tree.ts";
import * as dictAndTree from "./dict_and_tree.ts";
import { dictOf, treeOf } from "./dict_and_tree.ts";
import { estimateEntryBytes, sampleEntries } from "./random_sample.ts";

export { dictOf, treeOf } from "./dict_and_tree.ts";

const ENTRY_SCORE = 1;
const ENTRY_KEY_OFFSET = 3;
const ENTRY_HEAD_BYTES = ENTRY_KEY_OFFSET * 4;

/** A copy goes into its tree in runs of so many members. */
const RUN_MEMBERS = 256;
const runScores = new Float64Array(RUN_MEMBERS);
const runEntries = new Int32Array(RUN_MEMBERS);

const view = scratch(new Slice());

/** An empty sorted set. */
export function create(arena: Arena): Ref {
  return dictAndTree.create(arena, dict.create(arena));
}

/** Number of members. */
export function count(memory: Memory, root: Ref): number {
  return dict.count(memory, dictOf(memory, root));
}

/** The entry of a member, or 0. */
export function find(
  memory: Memory,
  root: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  return dict.find(memory, dictOf(memory, root), bytes, start, length);
}

/** Prepares an empty set for so many members. */
export function reserve(arena: Arena, root: Ref, members: number): void {
  dict.reserve(arena, dictOf(arena, root), members);
}

/** Moves a member's entry out of a slab that is to be emptied, and tells the tree; not the dict. */
export function relocateEntry(arena: Arena, root: Ref, entry: Ref): Ref {
  dictEntry.relocateKey(arena, entry);
  const moved = arena.relocate(entry);
  if (moved !== entry) {
    scoreTree.replaceEntry(arena, treeOf(arena, root), scoreOf(arena, moved), entry, moved);
  }
  return moved;
}

/** The score in a member's entry. */
export function scoreOf(memory: Memory, entry: Ref): number {
  return memory.double(entry, ENTRY_SCORE);
}

/** Adds a member that `find` just did not find. */
export function insertNotFound(
  arena: Arena,
  root: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): void {
  const hash = dict.lastHash();
  const entry = createEntry(arena, bytes, start, length, score);
  dict.insertHashed(arena, dictOf(arena, root), entry, hash);
  scoreTree.insert(arena, treeOf(arena, root), score, entry);
}

/** Gives a member another score. */
export function move(arena: Arena, root: Ref, entry: Ref, score: number): void {
  scoreTree.move(arena, treeOf(arena, root), scoreOf(arena, entry), score, entry);
  storeScore(arena, entry, score);
}

/** Stores the score in a member's entry; the tree, if it is in one, must know already. */
export function storeScore(arena: Arena, entry: Ref, score: number): void {
  arena.willWrite(entry);
  storeDouble(arena.words[entry >>> SEGMENT_SHIFT], wordOffsetOf(entry) + ENTRY_SCORE, score);
}

/** Removes the member whose entry `find` just found. */
export function removeFound(arena: Arena, root: Ref, entry: Ref): void {
  dict.removeFound(arena, dictOf(arena, root), entry);
  scoreTree.remove(arena, treeOf(arena, root), scoreOf(arena, entry), entry);
  freeEntry(arena, entry);
}

/** Removes `memberCount` members from rank `first` on; they must exist. */
export function removeRange(arena: Arena, root: Ref, first: number, memberCount: number): void {
  const members = dictOf(arena, root);
  scoreTree.removeRange(arena, treeOf(arena, root), first, memberCount, (entry) => {
    dict.removeEntry(arena, members, entry);
    freeEntry(arena, entry);
  });
}

/**
 * Touches what taking out the first members one by one will need: their entries, and the places of
 * these in the dict (ZPOPMINs of a pipeline; structures/dict_touch.ts says why).
 */
export function touchFirst(memory: Memory, root: Ref, wanted: number, touch: DictTouch): void {
  const members = dictOf(memory, root);
  if (dict.bucketCount(memory, members) < TOUCH_BUCKETS_MIN) return;
  const { dicts, entries, hashes } = touch;
  const found = scoreTree.firstEntries(memory, treeOf(memory, root), wanted, entries);
  touch.touchBlocks(memory, entries, found);
  dicts.fill(members, 0, found);
  for (let index = 0; index < found; index++) hashes[index] = dict.hashOf(memory, entries[index]);
  touch.run(memory, found);
}

/** Visits all members, lowest first; the slice is good until the next visit. */
export function forEach(
  memory: Memory,
  root: Ref,
  visit: (member: Slice, score: number) => void,
): void {
  const member = takeSlice();
  scoreTree.forEach(memory, treeOf(memory, root), (score, entry) => {
    dictEntry.readKey(memory, entry, member);
    visit(member, score);
  });
  giveSlice(member);
}

/** Visits all members, highest first. */
export function forEachBackward(
  memory: Memory,
  root: Ref,
  visit: (member: Slice, score: number) => void,
): void {
  const member = takeSlice();
  scoreTree.forEachBackward(memory, treeOf(memory, root), (score, entry) => {
    dictEntry.readKey(memory, entry, member);
    visit(member, score);
  });
  giveSlice(member);
}

/** Visits `wanted` different members, chosen at random, in no order; all, if there are not more. */
export function visitSample(
  memory: Memory,
  root: Ref,
  wanted: number,
  visit: (member: Slice, score: number) => void,
): void {
  const member = takeSlice();
  for (const entry of sampleEntries(memory, dictOf(memory, root), wanted)) {
    dictEntry.readKey(memory, entry, member);
    visit(member, scoreOf(memory, entry));
  }
  giveSlice(member);
}

/** A copy of the sorted set. O(n), without a search for any member's place. */
export function duplicate(arena: Arena, root: Ref): Ref {
  const target = create(arena);
  const members = dictOf(arena, target);
  const tree = treeOf(arena, target);
  dict.reserve(arena, members, count(arena, root));
  let run = 0;
  const endRun = () => {
    if (run > 0) scoreTree.insertRun(arena, tree, runScores, runEntries, run);
    run = 0;
  };
  scoreTree.forEach(arena, treeOf(arena, root), (score, entry) => {
    dictEntry.readKey(arena, entry, view);
    const { bytes, start, length } = view;
    const hash = hashBytes(bytes, start, length);
    const copied = createEntry(arena, bytes, start, length, score);
    dict.insertHashed(arena, members, copied, hash);
    runScores[run] = score;
    runEntries[run++] = copied;
    if (run === RUN_MEMBERS) endRun();
  });
  endRun();
  return target;
}

/**
 * Frees about `limit` members; true when all is freed. First the entries go, from the end of the
 * tree, which gives back its leaves; then the dict, whose refs nobody follows any more.
 */
export function releaseStep(arena: Arena, root: Ref, limit: number): boolean {
  const tree = treeOf(arena, root);
  if (tree !== 0) {
    const total = scoreTree.count(arena, tree);
    const freed = Math.min(total, limit);
    scoreTree.removeRange(arena, tree, total - freed, freed, (entry) => freeEntry(arena, entry));
    if (freed < total) return false;
    dictAndTree.freeTree(arena, root);
  }
  if (!dict.freeStep(arena, dictOf(arena, root), limit, ignoreEntry)) return false;
  arena.free(root);
  return true;
}

/**
 * Bytes of all blocks (MEMORY USAGE); those of entries are estimated from about `samples` of them,
 * or added up if `samples` is 0.
 */
export function memoryBytes(arena: Arena, root: Ref, samples: number): number {
  const members = dictOf(arena, root);
  return dictAndTree.ROOT_BYTES + dict.tableBytes(arena, members) +
    scoreTree.memoryBytes(arena, treeOf(arena, root)) +
    estimateEntryBytes(arena, members, samples, (entry) => entryBytes(arena, entry));
}

function entryBytes(arena: Arena, entry: Ref): number {
  if ((arena.word(entry, 0) & dictEntry.LONG_KEY_FLAG) === 0) return arena.blockBytes(entry);
  const text = arena.word(entry, ENTRY_KEY_OFFSET);
  return arena.blockBytes(entry) + byteString.memoryBytes(arena, text);
}

/** The entry of a member, in no dict and no tree yet. */
export function createEntry(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): Ref {
  const entry = arena.allocate(ENTRY_HEAD_BYTES + dictEntry.inlineBytes(length));
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  words[wordOffsetOf(entry)] = dictEntry.header(length, ENTRY_KEY_OFFSET, 0);
  storeDouble(words, wordOffsetOf(entry) + ENTRY_SCORE, score);
  dictEntry.storeKey(arena, entry, bytes, start, length);
  return entry;
}

/** Frees an entry that is in no dict and no tree any more. */
export function freeEntry(arena: Arena, entry: Ref): void {
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

function ignoreEntry(_entry: Ref): void {}
