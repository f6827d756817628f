/**
 * Score tree, part one: how the blocks of a score tree are laid out, and how they are searched.
 * score_tree.ts tells what the tree is; score_tree_balance.ts changes its shape.
 *
 *   tree (24 bytes; its ref never changes)
 *   word  field
 *   0     elements in the tree
 *   1     height: levels of inner nodes above the leaves; 0 = the root is a leaf
 *   2     root
 *   3     first leaf
 *   4     last leaf
 *   5     size of all blocks of the tree, in units of 8 bytes
 *
 *   leaf                               inner node
 *   word  field                        word  field
 *   0     records                      0     records
 *   1     previous leaf or 0           1     records of five words
 *   2     next leaf or 0
 *   3     records of three words
 *
 *   record
 *   word  field
 *   0, 1  score, a double
 *   2     entry: a dict entry whose key is the member
 *   3     inner nodes only: child
 *   4     inner nodes only: elements below the child
 *
 * An inner record begins with a copy of the first record below its child, and the copy is always
 * exact: no separator ever names an entry that has left the tree. Records of both kinds begin
 * alike, so one search and one way of moving records serve all levels. A full node has 63 records:
 * 768 bytes for a leaf, 1,264 for an inner node. Only the root may have a smaller block.
 *
 * The state of one search lives in this module (`target` and the path), not in objects made for it:
 * a search runs to its end before the next begins.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
  wordOffsetOf,
} from "../memory/memory.ts";
import * as dictEntry from "./dict_entry.ts";
import { writable } from "./leaf_chain.ts";

export {
  LEAF_NEXT,
  LEAF_PREVIOUS,
  setWord,
  TREE_FIRST_LEAF,
  TREE_LAST_LEAF,
  writable,
} from "./leaf_chain.ts";

export const TREE_BYTES = 24;
export const TREE_COUNT = 0;
export const TREE_HEIGHT = 1;
export const TREE_ROOT = 2;
export const TREE_UNITS = 5;

export const NODE_COUNT = 0;

export const LEAF_HEAD_WORDS = 3;
export const LEAF_RECORD_WORDS = 3;
export const INNER_HEAD_WORDS = 1;
export const INNER_RECORD_WORDS = 5;

export const RECORD_ENTRY = 2;
export const RECORD_CHILD = 3;
export const RECORD_ELEMENTS = 4;

/** Records of a full node. */
export const RECORDS_MAX = 63;
/** The smallest block of a root. */
export const ROOT_BYTES_MIN = 64;

/** Enough for any tree: nodes on the same level but the two outermost are at least 40 % full. */
const LEVELS_MAX = 16;

/** What a search compares records with. */
const BY_SCORE_AND_MEMBER = 0;
const BY_SCORE = 1;
const BY_MEMBER = 2;

/** The node of the path on each level; 0 is the leaf. */
export const pathNodes = new Int32Array(LEVELS_MAX);
/** The record of the path in its node; on level 0 the place may be behind the last record. */
export const pathSlots = new Int32Array(LEVELS_MAX);

export function headWords(level: number): number {
  return level === 0 ? LEAF_HEAD_WORDS : INNER_HEAD_WORDS;
}

export function recordWords(level: number): number {
  return level === 0 ? LEAF_RECORD_WORDS : INNER_RECORD_WORDS;
}

/** Bytes of a node with `records` records. */
export function nodeBytes(level: number, records: number): number {
  return (headWords(level) + records * recordWords(level)) << 2;
}

/** Records for which the block of a node has room. */
export function capacityOf(arena: Arena, node: Ref, level: number): number {
  const words = arena.blockBytes(node) >>> 2;
  return Math.min(RECORDS_MAX, Math.floor((words - headWords(level)) / recordWords(level)));
}

/** Where record `slot` of a node begins, in words of its segment. */
export function recordAt(node: Ref, level: number, slot: number): number {
  const at = (node & OFFSET_MASK) << 1;
  return level === 0
    ? at + LEAF_HEAD_WORDS + slot * LEAF_RECORD_WORDS
    : at + INNER_HEAD_WORDS + slot * INNER_RECORD_WORDS;
}

/** The child of an inner node's record. */
export function childOf(memory: Memory, node: Ref, slot: number): Ref {
  return memory.words[node >>> SEGMENT_SHIFT][recordAt(node, 1, slot) + RECORD_CHILD];
}

/** Elements below `count` records of a node, from record `first` on. */
export function elementsOf(
  memory: Memory,
  node: Ref,
  level: number,
  first: number,
  count: number,
): number {
  if (level === 0) return count;
  const words = memory.words[node >>> SEGMENT_SHIFT];
  let at = recordAt(node, level, first) + RECORD_ELEMENTS;
  let elements = 0;
  for (let i = 0; i < count; i++, at += INNER_RECORD_WORDS) elements += words[at];
  return elements;
}

/** A node without records; `byteCount` is a hint of its size. It may be written at once. */
export function allocateNode(arena: Arena, tree: Ref, byteCount: number): Ref {
  const node = arena.allocate(byteCount);
  arena.words[node >>> SEGMENT_SHIFT].fill(
    0,
    wordOffsetOf(node),
    wordOffsetOf(node) + LEAF_HEAD_WORDS,
  );
  addUnits(arena, tree, arena.blockBytes(node) >>> 3);
  return node;
}

export function freeNode(arena: Arena, tree: Ref, node: Ref): void {
  addUnits(arena, tree, -(arena.blockBytes(node) >>> 3));
  arena.free(node);
}

/** Notes that the blocks of the tree have grown by so many units of 8 bytes. */
export function addUnits(arena: Arena, tree: Ref, units: number): void {
  writable(arena, tree)[wordOffsetOf(tree) + TREE_UNITS] += units;
}

/**
 * Copies records within a node or between two of one level; both may be written already. Within a
 * node a loop is faster at every length than `copyWithin`, which is slow in shared memory.
 */
export function copyRecords(
  arena: Arena,
  level: number,
  source: Ref,
  sourceSlot: number,
  target: Ref,
  targetSlot: number,
  count: number,
): void {
  const wordCount = count * recordWords(level);
  const from = recordAt(source, level, sourceSlot);
  const to = recordAt(target, level, targetSlot);
  const words = arena.words[source >>> SEGMENT_SHIFT];
  if (source !== target) {
    arena.words[target >>> SEGMENT_SHIFT].set(words.subarray(from, from + wordCount), to);
  } else if (to < from) {
    for (let i = 0; i < wordCount; i++) words[to + i] = words[from + i];
  } else {
    for (let i = wordCount - 1; i >= 0; i--) words[to + i] = words[from + i];
  }
}

/** Inserts a record into a leaf that has room. */
export function insertRecord(
  arena: Arena,
  leaf: Ref,
  slot: number,
  score: number,
  entry: Ref,
): void {
  const words = writable(arena, leaf);
  const count = words[wordOffsetOf(leaf) + NODE_COUNT];
  const first = recordAt(leaf, 0, slot);
  const end = recordAt(leaf, 0, count);
  // Each record is held while its place takes the one before: fewer steps than moving them all.
  let low = 0;
  let high = 0;
  let held = 0;
  for (let at = first; at <= end; at += LEAF_RECORD_WORDS) {
    const nextLow = words[at];
    const nextHigh = words[at + 1];
    const nextHeld = words[at + RECORD_ENTRY];
    words[at] = low;
    words[at + 1] = high;
    words[at + RECORD_ENTRY] = held;
    low = nextLow;
    high = nextHigh;
    held = nextHeld;
  }
  storeDouble(words, first, score);
  words[first + RECORD_ENTRY] = entry;
  words[wordOffsetOf(leaf) + NODE_COUNT] = count + 1;
}

/** Copies score and entry of a node's first record into a record of its parent. */
export function copySeparator(
  arena: Arena,
  child: Ref,
  level: number,
  parent: Ref,
  slot: number,
): void {
  const target = writable(arena, parent);
  const to = recordAt(parent, level + 1, slot);
  const source = arena.words[child >>> SEGMENT_SHIFT];
  const from = recordAt(child, level, 0);
  target[to] = source[from];
  target[to + 1] = source[from + 1];
  target[to + RECORD_ENTRY] = source[from + RECORD_ENTRY];
}

/**
 * Maps the high word of a double to an integer of the same order. Not injective around 0: the high
 * words of 0 and -0, and of all doubles nearer to them than 2^-1042, become 0.
 */
function orderOfHighWord(high: number): number {
  return high < 0 ? (-0x80000000 - high) | 0 : high;
}

/** What the next search looks for. One instance; its fields are written before each search. */
class SearchTarget {
  readonly #double = new Float64Array(1);
  readonly #words = new Int32Array(this.#double.buffer);
  readonly #other = new Float64Array(1);
  readonly #otherWords = new Int32Array(this.#other.buffer);
  readonly #key = new Slice();
  #mode = BY_SCORE_AND_MEMBER;
  #order = 0;
  #low = 0;
  #entry: Ref = 0;

  /** The place of an element; its entry need not be in the tree. */
  setElement(memory: Memory, score: number, entry: Ref): void {
    this.#mode = BY_SCORE_AND_MEMBER;
    this.setScore(score);
    this.setEntry(memory, entry, entry);
  }

  /**
   * The member is read from `keyEntry`; a record with `knownEntry` is equal without being read (it
   * may have been freed).
   */
  setEntry(memory: Memory, keyEntry: Ref, knownEntry: Ref): void {
    dictEntry.readKey(memory, keyEntry, this.#key);
    this.#entry = knownEntry;
  }

  forget(): void {
    this.#key.forget();
  }

  setScore(score: number): void {
    this.#double[0] = score;
    this.#low = this.#words[0];
    this.#order = orderOfHighWord(this.#words[1]);
  }

  /** All elements of a score. */
  setScoreAlone(score: number): void {
    this.#mode = BY_SCORE;
    this.setScore(score);
  }

  /** A member, in a tree whose elements all have one score. */
  setMemberAlone(bytes: Uint8Array, start: number, length: number): void {
    this.#mode = BY_MEMBER;
    this.#entry = 0;
    this.#key.set(bytes, start, length);
  }

  /** Order of the record at `at` and the target: negative, 0 or positive. */
  compare(memory: Memory, words: Int32Array, at: number): number {
    if (this.#mode !== BY_MEMBER) {
      const order = this.#compareScore(words, at);
      if (order !== 0 || this.#mode === BY_SCORE) return order;
    }
    const entry = words[at + RECORD_ENTRY];
    if (entry === this.#entry) return 0;
    const key = this.#key;
    return dictEntry.compareKey(memory, entry, key.bytes, key.start, key.length);
  }

  /**
   * Index of the first record in `low` to `high` - 1 that is not before the target, else `high`;
   * records begin at `first` and take `stride` words each.
   */
  search(
    memory: Memory,
    words: Int32Array,
    first: number,
    stride: number,
    low: number,
    high: number,
    isInclusive: boolean,
  ): number {
    const orderMax = isInclusive ? 0 : -1;
    const wanted = this.#order;
    const hasScore = this.#mode !== BY_MEMBER;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = first + middle * stride;
      // Most steps are decided here, by the high word of the score alone.
      let order = hasScore ? orderOfHighWord(words[at + 1]) - wanted : 0;
      if (order === 0) order = this.compare(memory, words, at);
      if (order <= orderMax) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Compares as integers: joining the two words to a double stalls the processor. */
  #compareScore(words: Int32Array, at: number): number {
    const order = orderOfHighWord(words[at + 1]);
    const wanted = this.#order;
    if (order !== wanted) return order < wanted ? -1 : 1;
    const low = words[at];
    if (order === 0) return (low | this.#low) === 0 ? 0 : this.#compareTinyScore(words, at);
    if (low === this.#low) return 0;
    return (low >>> 0 < this.#low >>> 0) === (order > 0) ? -1 : 1;
  }

  #compareTinyScore(words: Int32Array, at: number): number {
    this.#otherWords[0] = words[at];
    this.#otherWords[1] = words[at + 1];
    const difference = this.#other[0] - this.#double[0];
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
  }
}

export const target = scratch(new SearchTarget());

/** The first record of a node, from `low` on, that is not before the target. */
function firstNotBefore(
  memory: Memory,
  node: Ref,
  level: number,
  low: number,
  isInclusive: boolean,
): number {
  const words = memory.words[node >>> SEGMENT_SHIFT];
  const first = recordAt(node, level, 0);
  const count = words[wordOffsetOf(node) + NODE_COUNT];
  return target.search(memory, words, first, recordWords(level), low, count, isInclusive);
}

/**
 * Leads the path to the first element that is not before the target; with `isInclusive`, elements
 * equal to the target are before it. The place may be behind the last record of a leaf.
 */
export function pathToBound(memory: Memory, tree: Ref, isInclusive: boolean): void {
  descend(memory, tree, isInclusive, isInclusive);
}

/**
 * Leads the path to the place of the target: where it stands or, if it is not there, belongs. Only
 * for a target with score and member.
 */
export function pathToTarget(memory: Memory, tree: Ref): void {
  descend(memory, tree, true, false);
}

function descend(memory: Memory, tree: Ref, innerInclusive: boolean, leafInclusive: boolean): void {
  let node = memory.word(tree, TREE_ROOT);
  for (let level = memory.word(tree, TREE_HEIGHT); level > 0; level--) {
    // Before the first separator there is only the first child, so it is not looked at.
    const slot = firstNotBefore(memory, node, level, 1, innerInclusive) - 1;
    pathNodes[level] = node;
    pathSlots[level] = slot;
    node = childOf(memory, node, slot);
  }
  pathNodes[0] = node;
  pathSlots[0] = firstNotBefore(memory, node, 0, 0, leafInclusive);
}

/** Leads the path to the first element. */
export function pathToFirst(memory: Memory, tree: Ref): void {
  let node = memory.word(tree, TREE_ROOT);
  for (let level = memory.word(tree, TREE_HEIGHT); level > 0; level--) {
    pathNodes[level] = node;
    pathSlots[level] = 0;
    node = childOf(memory, node, 0);
  }
  pathNodes[0] = node;
  pathSlots[0] = 0;
}

/** Leads the path to the place behind the last element. */
export function pathToEnd(memory: Memory, tree: Ref): void {
  let node = memory.word(tree, TREE_ROOT);
  for (let level = memory.word(tree, TREE_HEIGHT); level > 0; level--) {
    const slot = memory.word(node, NODE_COUNT) - 1;
    pathNodes[level] = node;
    pathSlots[level] = slot;
    node = childOf(memory, node, slot);
  }
  pathNodes[0] = node;
  pathSlots[0] = memory.word(node, NODE_COUNT);
}

/** Leads the path to the element at `rank`, 0 to count - 1. */
export function pathToRank(memory: Memory, tree: Ref, rank: number): void {
  let node = memory.word(tree, TREE_ROOT);
  for (let level = memory.word(tree, TREE_HEIGHT); level > 0; level--) {
    const words = memory.words[node >>> SEGMENT_SHIFT];
    let at = recordAt(node, level, 0) + RECORD_ELEMENTS;
    let slot = 0;
    while (rank >= words[at]) {
      rank -= words[at];
      at += INNER_RECORD_WORDS;
      slot++;
    }
    pathNodes[level] = node;
    pathSlots[level] = slot;
    node = words[at - RECORD_ELEMENTS + RECORD_CHILD];
  }
  pathNodes[0] = node;
  pathSlots[0] = rank;
}

/** Elements before the place to which the path leads. */
export function rankOfPath(memory: Memory, tree: Ref): number {
  let rank = pathSlots[0];
  for (let level = memory.word(tree, TREE_HEIGHT); level > 0; level--) {
    rank += elementsOf(memory, pathNodes[level], level, 0, pathSlots[level]);
  }
  return rank;
}
