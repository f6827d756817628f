/**
 * Score tree: elements in the order of their scores, with ranks: the ordered half of a sorted set.
 *
 * An element is a score and a dict entry whose key is the member. Elements are ordered by score,
 * those of one score by the bytes of their members. 0 and -0 are one score, infinities are scores,
 * NaN is none. The other half, the dict from member to score, owns the entries; the tree only
 * points to them, and every entry in it must stay readable until it has been removed or replaced.
 *
 * The form is a B+tree. Redis has a skiplist here, which takes a node of 40 bytes or so for each
 * element and a cache miss for each step; leaves of 63 elements take 12 bytes for each, and a walk
 * reads memory in order. Inner nodes know how many elements are below each child, hence ranks, and
 * ranges by score or member, are found in O(log n). Leaves are linked in both directions.
 *
 * Layout and search: score_tree_nodes.ts. Splitting and merging: score_tree_balance.ts.
 */
import { assert } from "../base/assert.ts";
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import {
  loadDouble,
  Memory,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
  wordOffsetOf,
} from "../memory/memory.ts";
import * as dictEntry from "./dict_entry.ts";
import {
  addElements,
  AT_END,
  AT_START,
  INSIDE,
  makeRoom,
  rebalance,
  refreshSeparators,
} from "./score_tree_balance.ts";
import {
  allocateNode,
  capacityOf,
  childOf,
  copyRecords,
  insertRecord,
  LEAF_NEXT,
  LEAF_PREVIOUS,
  LEAF_RECORD_WORDS,
  NODE_COUNT,
  pathNodes,
  pathSlots,
  pathToBound,
  pathToEnd,
  pathToFirst,
  pathToRank,
  pathToTarget,
  rankOfPath,
  RECORD_ENTRY,
  recordAt,
  RECORDS_MAX,
  ROOT_BYTES_MIN,
  setWord,
  target,
  TREE_BYTES,
  TREE_COUNT,
  TREE_FIRST_LEAF,
  TREE_HEIGHT,
  TREE_LAST_LEAF,
  TREE_ROOT,
  TREE_UNITS,
  writable,
} from "./score_tree_nodes.ts";

/** Hears of elements in order. It must not change the tree, nor search it. */
export type ElementVisitor = (score: number, entry: Ref) => void;

/** An empty tree. Its ref is good until `free`. */
export function create(arena: Arena): Ref {
  const tree = arena.allocate(TREE_BYTES);
  const base = wordOffsetOf(tree);
  arena.words[tree >>> SEGMENT_SHIFT].fill(0, base, base + TREE_BYTES / 4);
  setWord(arena, tree, TREE_UNITS, arena.blockBytes(tree) >>> 3);
  const leaf = allocateNode(arena, tree, ROOT_BYTES_MIN);
  setWord(arena, tree, TREE_ROOT, leaf);
  setWord(arena, tree, TREE_FIRST_LEAF, leaf);
  setWord(arena, tree, TREE_LAST_LEAF, leaf);
  return tree;
}

/** Frees the tree, but not the entries: they are the dict's. */
export function free(arena: Arena, tree: Ref): void {
  freeBelow(arena, arena.word(tree, TREE_ROOT), arena.word(tree, TREE_HEIGHT));
  arena.free(tree);
}

function freeBelow(arena: Arena, node: Ref, level: number): void {
  if (level > 0) {
    const childCount = arena.word(node, NODE_COUNT);
    for (let slot = 0; slot < childCount; slot++) {
      freeBelow(arena, childOf(arena, node, slot), level - 1);
    }
  }
  arena.free(node);
}

/** Number of elements. */
export function count(memory: Memory, tree: Ref): number {
  return memory.word(tree, TREE_COUNT);
}

/** Bytes of all blocks of the tree, without the entries. O(1). */
export function memoryBytes(memory: Memory, tree: Ref): number {
  return memory.word(tree, TREE_UNITS) * 8;
}

/**
 * Adds an element; its member must not be in the tree. O(log n) comparisons in general, one or two
 * for an element behind all others or before them, so that loading in order needs no other way.
 */
export function insert(arena: Arena, tree: Ref, score: number, entry: Ref): void {
  target.setElement(arena, score, entry);
  if (isBehindLast(arena, tree)) {
    pathToEnd(arena, tree);
    makeRoom(arena, tree, 0, AT_END);
  } else if (isBeforeFirst(arena, tree)) {
    pathToFirst(arena, tree);
    makeRoom(arena, tree, 0, AT_START);
  } else {
    pathToTarget(arena, tree);
    makeRoom(arena, tree, 0, INSIDE);
  }
  const slot = pathSlots[0];
  insertRecord(arena, pathNodes[0], slot, score, entry);
  addElements(arena, tree, 1);
  if (slot === 0) refreshSeparators(arena, tree, 0);
}

/**
 * Adds `count` elements that ascend strictly. If they stand together behind all others or before
 * them, as those of a file do, a leaf takes as many as it has room for at once.
 */
export function insertRun(
  arena: Arena,
  tree: Ref,
  scores: Float64Array,
  entries: Int32Array,
  count: number,
): void {
  target.setElement(arena, scores[0], entries[0]);
  if (isBehindLast(arena, tree)) {
    for (let index = 0; index < count;) {
      insert(arena, tree, scores[index], entries[index]);
      index++;
      const added = Math.min(count - index, roomAtPath(arena, tree));
      placeAtPath(arena, tree, pathSlots[0] + 1, scores, entries, index, added);
      index += added;
    }
    return;
  }
  target.setElement(arena, scores[count - 1], entries[count - 1]);
  const isBefore = isBeforeFirst(arena, tree);
  for (let left = count; left > 0;) {
    left--;
    insert(arena, tree, scores[left], entries[left]);
    if (!isBefore) continue;
    const added = Math.min(left, roomAtPath(arena, tree));
    left -= added;
    placeAtPath(arena, tree, pathSlots[0], scores, entries, left, added);
  }
}

/** Records for which the leaf of the path has room. */
function roomAtPath(arena: Arena, tree: Ref): number {
  const leaf = pathNodes[0];
  const isRoot = arena.word(tree, TREE_HEIGHT) === 0;
  const capacity = isRoot ? capacityOf(arena, leaf, 0) : RECORDS_MAX;
  return capacity - arena.word(leaf, NODE_COUNT);
}

/** Puts elements `first`, `first + 1` … at `slot` of the path's leaf, which has room for them. */
function placeAtPath(
  arena: Arena,
  tree: Ref,
  slot: number,
  scores: Float64Array,
  entries: Int32Array,
  first: number,
  added: number,
): void {
  if (added === 0) return;
  const leaf = pathNodes[0];
  const words = writable(arena, leaf);
  const count = words[wordOffsetOf(leaf) + NODE_COUNT];
  copyRecords(arena, 0, leaf, slot, leaf, slot + added, count - slot);
  let at = recordAt(leaf, 0, slot);
  for (let index = first; index < first + added; index++, at += LEAF_RECORD_WORDS) {
    storeDouble(words, at, scores[index]);
    words[at + RECORD_ENTRY] = entries[index];
  }
  words[wordOffsetOf(leaf) + NODE_COUNT] = count + added;
  addElements(arena, tree, added);
  if (slot === 0) refreshSeparators(arena, tree, 0);
}

/** Whether one element, with a score and an entry, comes before another. */
export function isOrdered(
  memory: Memory,
  score: number,
  entry: Ref,
  otherScore: number,
  otherEntry: Ref,
): boolean {
  if (score !== otherScore) return score < otherScore;
  dictEntry.readKey(memory, otherEntry, otherMember);
  const { bytes, start, length } = otherMember;
  return dictEntry.compareKey(memory, entry, bytes, start, length) < 0;
}

const otherMember = scratch(new Slice());

/** Whether the target comes behind all elements; so it does in an empty tree. */
function isBehindLast(memory: Memory, tree: Ref): boolean {
  const leaf = memory.word(tree, TREE_LAST_LEAF);
  const leafCount = memory.word(leaf, NODE_COUNT);
  if (leafCount === 0) return true;
  const words = memory.words[leaf >>> SEGMENT_SHIFT];
  return target.compare(memory, words, recordAt(leaf, 0, leafCount - 1)) < 0;
}

/** Whether the target comes before all elements of a tree that has some. */
function isBeforeFirst(memory: Memory, tree: Ref): boolean {
  const leaf = memory.word(tree, TREE_FIRST_LEAF);
  return target.compare(memory, memory.words[leaf >>> SEGMENT_SHIFT], recordAt(leaf, 0, 0)) > 0;
}

/** Takes an element out. Returns whether it was there, with this score and this very entry. */
export function remove(arena: Arena, tree: Ref, score: number, entry: Ref): boolean {
  if (!find(arena, tree, score, entry)) return false;
  removeAtPath(arena, tree, 1);
  return true;
}

/** Leads the path to an element; returns whether it is there. */
function find(memory: Memory, tree: Ref, score: number, entry: Ref): boolean {
  target.setElement(memory, score, entry);
  pathToTarget(memory, tree);
  return isEntryAtPath(memory, entry);
}

/** Whether the path leads to `entry`, with the score of the target. */
function isEntryAtPath(memory: Memory, entry: Ref): boolean {
  const leaf = pathNodes[0];
  const slot = pathSlots[0];
  if (slot >= memory.word(leaf, NODE_COUNT)) return false;
  const words = memory.words[leaf >>> SEGMENT_SHIFT];
  const at = recordAt(leaf, 0, slot);
  return words[at + RECORD_ENTRY] === entry && target.compare(memory, words, at) === 0;
}

/** Removes elements from the place of the path on; they all stand in its leaf. */
function removeAtPath(arena: Arena, tree: Ref, removedCount: number): void {
  const leaf = pathNodes[0];
  const slot = pathSlots[0];
  const words = writable(arena, leaf);
  const remaining = words[wordOffsetOf(leaf) + NODE_COUNT] - removedCount;
  copyRecords(arena, 0, leaf, slot + removedCount, leaf, slot, remaining - slot);
  words[wordOffsetOf(leaf) + NODE_COUNT] = remaining;
  addElements(arena, tree, -removedCount);
  if (slot === 0 && remaining > 0) refreshSeparators(arena, tree, 0);
  rebalance(arena, tree);
}

/**
 * Gives an element of the tree another score. If it keeps its place among its neighbours, only the
 * score is rewritten.
 */
export function move(
  arena: Arena,
  tree: Ref,
  oldScore: number,
  newScore: number,
  entry: Ref,
): void {
  assert(find(arena, tree, oldScore, entry), "moved element is not in the score tree");
  target.setScore(newScore);
  if (!isPlaceOfTarget(arena)) {
    removeAtPath(arena, tree, 1);
    insert(arena, tree, newScore, entry);
    return;
  }
  const leaf = pathNodes[0];
  const slot = pathSlots[0];
  storeDouble(writable(arena, leaf), recordAt(leaf, 0, slot), newScore);
  if (slot === 0) refreshSeparators(arena, tree, 0);
}

/** Whether the target belongs between the neighbours of the element to which the path leads. */
function isPlaceOfTarget(memory: Memory): boolean {
  const leaf = pathNodes[0];
  const slot = pathSlots[0];
  const previous = slot > 0 ? leaf : memory.word(leaf, LEAF_PREVIOUS);
  if (previous !== 0) {
    const previousSlot = (slot > 0 ? slot : memory.word(previous, NODE_COUNT)) - 1;
    const words = memory.words[previous >>> SEGMENT_SHIFT];
    if (target.compare(memory, words, recordAt(previous, 0, previousSlot)) > 0) return false;
  }
  const isLastOfLeaf = slot + 1 === memory.word(leaf, NODE_COUNT);
  const next = isLastOfLeaf ? memory.word(leaf, LEAF_NEXT) : leaf;
  if (next === 0) return true;
  const words = memory.words[next >>> SEGMENT_SHIFT];
  return target.compare(memory, words, recordAt(next, 0, isLastOfLeaf ? 0 : slot + 1)) > 0;
}

/**
 * Points the tree to the block into which an entry was moved. The old block may be freed already,
 * but no other entry may be out of order at this time.
 */
export function replaceEntry(
  arena: Arena,
  tree: Ref,
  score: number,
  oldEntry: Ref,
  newEntry: Ref,
): void {
  target.setElement(arena, score, newEntry);
  target.setEntry(arena, newEntry, oldEntry);
  pathToTarget(arena, tree);
  assert(isEntryAtPath(arena, oldEntry), "replaced entry is not in the score tree");
  const leaf = pathNodes[0];
  const slot = pathSlots[0];
  writable(arena, leaf)[recordAt(leaf, 0, slot) + RECORD_ENTRY] = newEntry;
  if (slot === 0) refreshSeparators(arena, tree, 0);
}

/** Number of elements before this one; -1 if it is not in the tree. */
export function rank(memory: Memory, tree: Ref, score: number, entry: Ref): number {
  return find(memory, tree, score, entry) ? rankOfPath(memory, tree) : -1;
}

/** The score of the first element of a tree that has any. O(1). */
export function lowestScore(memory: Memory, tree: Ref): number {
  const leaf = memory.word(tree, TREE_FIRST_LEAF);
  return loadDouble(memory.words[leaf >>> SEGMENT_SHIFT], recordAt(leaf, 0, 0));
}

/** The entry of the first element; 0 if there is none. O(1). */
export function lowestEntry(memory: Memory, tree: Ref): Ref {
  if (count(memory, tree) === 0) return 0;
  const leaf = memory.word(tree, TREE_FIRST_LEAF);
  return memory.words[leaf >>> SEGMENT_SHIFT][recordAt(leaf, 0, 0) + RECORD_ENTRY];
}

/** Puts the entries of the first elements into `out`, at most `wanted`; returns how many. */
export function firstEntries(
  memory: Memory,
  tree: Ref,
  wanted: number,
  out: Int32Array,
): number {
  let found = 0;
  let leaf = memory.word(tree, TREE_FIRST_LEAF);
  while (leaf !== 0 && found < wanted) {
    const words = memory.words[leaf >>> SEGMENT_SHIFT];
    const records = Math.min(wanted - found, words[wordOffsetOf(leaf) + NODE_COUNT]);
    let at = recordAt(leaf, 0, 0) + RECORD_ENTRY;
    for (let slot = 0; slot < records; slot++, at += LEAF_RECORD_WORDS) out[found++] = words[at];
    leaf = words[wordOffsetOf(leaf) + LEAF_NEXT];
  }
  return found;
}

/** Number of elements with a lower score; with `isInclusive`, those of this score included. */
export function countBelowScore(
  memory: Memory,
  tree: Ref,
  score: number,
  isInclusive: boolean,
): number {
  target.setScoreAlone(score);
  pathToBound(memory, tree, isInclusive);
  return rankOfPath(memory, tree);
}

/**
 * Number of elements whose member is lower than these bytes; with `isInclusive`, an equal one
 * included. Means something only if all elements have the same score.
 */
export function countBelowMember(
  memory: Memory,
  tree: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  isInclusive: boolean,
): number {
  target.setMemberAlone(bytes, start, length);
  pathToBound(memory, tree, isInclusive);
  return rankOfPath(memory, tree);
}

/**
 * Removes `rangeCount` elements from `firstRank` on (the range must exist) and tells `visit` of
 * each entry, in order, just before it leaves; `visit` may free the entry. O(log n + removed).
 */
export function removeRange(
  arena: Arena,
  tree: Ref,
  firstRank: number,
  rangeCount: number,
  visit: (entry: Ref) => void,
): void {
  assert(
    firstRank >= 0 && rangeCount >= 0 && firstRank + rangeCount <= count(arena, tree),
    "range outside the score tree",
  );
  let remaining = rangeCount;
  while (remaining > 0) {
    pathToRank(arena, tree, firstRank);
    const leaf = pathNodes[0];
    const slot = pathSlots[0];
    const removedCount = Math.min(remaining, arena.word(leaf, NODE_COUNT) - slot);
    // Read word by word: freeing an entry may put another view in the place of the leaf's.
    const entryWord = recordAt(leaf, 0, slot) - wordOffsetOf(leaf) + RECORD_ENTRY;
    for (let i = 0; i < removedCount; i++) {
      visit(arena.word(leaf, entryWord + i * LEAF_RECORD_WORDS));
    }
    removeAtPath(arena, tree, removedCount);
    remaining -= removedCount;
  }
}

/**
 * Takes the first elements out whose score is lower than `score`, if there are any: as many as
 * stand in one leaf and as `out` holds. Puts their entries there and returns how many. O(log n).
 */
export function takeBelowScore(arena: Arena, tree: Ref, score: number, out: Int32Array): number {
  if (count(arena, tree) === 0) return 0;
  pathToFirst(arena, tree);
  const leaf = pathNodes[0];
  const words = arena.words[leaf >>> SEGMENT_SHIFT];
  const takenMax = Math.min(out.length, arena.word(leaf, NODE_COUNT));
  let taken = 0;
  for (let at = recordAt(leaf, 0, 0); taken < takenMax; taken++, at += LEAF_RECORD_WORDS) {
    if (loadDouble(words, at) >= score) break;
    out[taken] = words[at + RECORD_ENTRY];
  }
  if (taken > 0) removeAtPath(arena, tree, taken);
  return taken;
}

/** Visits all elements, lowest first. */
export function forEach(memory: Memory, tree: Ref, visit: ElementVisitor): void {
  let leaf = memory.word(tree, TREE_FIRST_LEAF);
  while (leaf !== 0) {
    const leafCount = memory.word(leaf, NODE_COUNT);
    for (let slot = 0; slot < leafCount; slot++) visitRecord(memory, leaf, slot, visit);
    leaf = memory.word(leaf, LEAF_NEXT);
  }
}

/** Visits all elements, highest first: the order in which Redis saves a skiplist. */
export function forEachBackward(memory: Memory, tree: Ref, visit: ElementVisitor): void {
  let leaf = memory.word(tree, TREE_LAST_LEAF);
  while (leaf !== 0) {
    const leafCount = memory.word(leaf, NODE_COUNT);
    for (let slot = leafCount - 1; slot >= 0; slot--) visitRecord(memory, leaf, slot, visit);
    leaf = memory.word(leaf, LEAF_PREVIOUS);
  }
}

function visitRecord(memory: Memory, leaf: Ref, slot: number, visit: ElementVisitor): void {
  const words = memory.words[leaf >>> SEGMENT_SHIFT];
  const at = recordAt(leaf, 0, slot);
  visit(loadDouble(words, at), words[at + RECORD_ENTRY]);
}

const NO_MEMORY = new Memory();

/**
 * Walks over the elements in both directions. Made once and used again and again; good until the
 * tree changes its elements.
 */
export class ScoreTreeCursor {
  #memory: Memory = NO_MEMORY;
  #leaf: Ref = 0;
  #slot = 0;
  #leafCount = 0;

  /** Goes away from the tree it was in, and its memory. */
  forget(): void {
    this.#memory = NO_MEMORY;
    this.#leaf = 0;
  }

  /** Goes to the element at `rank`. Returns whether there is one. */
  seek(memory: Memory, tree: Ref, rank: number): boolean {
    this.#memory = memory;
    this.#leaf = 0;
    if (rank < 0 || rank >= count(memory, tree)) return false;
    pathToRank(memory, tree, rank);
    this.#leaf = pathNodes[0];
    this.#slot = pathSlots[0];
    this.#leafCount = memory.word(this.#leaf, NODE_COUNT);
    return true;
  }

  /** Goes to the first element whose member is not below these bytes; for trees of one score. */
  seekMember(
    memory: Memory,
    tree: Ref,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    target.setMemberAlone(bytes, start, length);
    pathToBound(memory, tree, false);
    this.#memory = memory;
    this.#leaf = pathNodes[0];
    this.#slot = pathSlots[0] - 1;
    this.#leafCount = memory.word(this.#leaf, NODE_COUNT);
    return this.next();
  }

  /** Goes one element up. Returns whether there was one; if not, the walk is over. */
  next(): boolean {
    if (this.#leaf === 0) return false;
    if (++this.#slot < this.#leafCount) return true;
    this.#leaf = this.#memory.word(this.#leaf, LEAF_NEXT);
    this.#leafCount = this.#leaf === 0 ? 0 : this.#memory.word(this.#leaf, NODE_COUNT);
    this.#slot = 0;
    return this.#leaf !== 0;
  }

  /** Goes one element down. Returns whether there was one; if not, the walk is over. */
  previous(): boolean {
    if (this.#leaf === 0) return false;
    if (--this.#slot >= 0) return true;
    this.#leaf = this.#memory.word(this.#leaf, LEAF_PREVIOUS);
    this.#leafCount = this.#leaf === 0 ? 0 : this.#memory.word(this.#leaf, NODE_COUNT);
    this.#slot = this.#leafCount - 1;
    return this.#leaf !== 0;
  }

  /** The entry of the present element; 0 when the walk is over. */
  get entry(): Ref {
    if (this.#leaf === 0) return 0;
    const words = this.#memory.words[this.#leaf >>> SEGMENT_SHIFT];
    return words[recordAt(this.#leaf, 0, this.#slot) + RECORD_ENTRY];
  }

  /** The score of the present element; asked only while there is one. */
  get score(): number {
    const words = this.#memory.words[this.#leaf >>> SEGMENT_SHIFT];
    return loadDouble(words, recordAt(this.#leaf, 0, this.#slot));
  }
}
