/**
 * Id tree, part one: how the blocks of an id tree are laid out, how they are searched, split and
 * merged. id_tree.ts tells what the tree is.
 *
 *   tree (24 bytes; its ref changes only in `relocate`)
 *   word  field
 *   0     records in the tree
 *   1     bits 7..0 height: levels of inner nodes above the leaves; bits 31..8 words of a payload
 *   2     root; 0 = the tree has no nodes. An empty tree may have a leaf without records
 *   3     first leaf or 0
 *   4     last leaf or 0
 *   5     size of all blocks of the tree, in units of 8 bytes
 *
 *   node
 *   word  field
 *   0     records
 *   1     leaves only: previous leaf or 0
 *   2     leaves only: next leaf or 0
 *   3     records: four words of id, then the payload; in inner nodes that is the child
 *
 * The id of an inner record is a lower bound of all ids below its child, greater than all ids below
 * the child before; that of the first record of a node is not looked at. A node has at most 1,024
 * bytes, and only the root may have a smaller block. Nodes that fill up by appending are left full
 * behind; one that is less than half full is merged with a neighbour if both fit well into one,
 * that is if an eighth of it is left over.
 *
 * The state of one search lives in this module (the path), not in objects made for it: a search
 * runs to its end before the next begins.
 */
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_SHIFT,
  wordOffsetOf,
} from "../memory/memory.ts";
import { Id128 } from "./id128.ts";
import {
  linkLeaf,
  relinkLeaf,
  setWord,
  TREE_FIRST_LEAF,
  TREE_LAST_LEAF,
  unlinkLeaf,
  writable,
} from "./leaf_chain.ts";

export {
  LEAF_NEXT,
  LEAF_PREVIOUS,
  TREE_FIRST_LEAF,
  TREE_LAST_LEAF,
  writable,
} from "./leaf_chain.ts";

export const TREE_BYTES = 24;
export const TREE_COUNT = 0;
export const TREE_SHAPE = 1;
export const TREE_ROOT = 2;
export const TREE_UNITS = 5;

export const NODE_COUNT = 0;
export const HEAD_WORDS = 3;
export const ID_WORDS = 4;
/** Words of a record of an inner node: id and child. */
export const INNER_WIDTH = 5;

/** Bytes of a full node. */
export const NODE_BYTES = 1024;
const NODE_WORDS = NODE_BYTES / 4;
/** A leaf of at most so many bytes stays in an empty tree. */
const EMPTY_ROOT_BYTES_MAX = 128;
const HEIGHT_MASK = 0xff;
const PAYLOAD_SHIFT = 8;

/** Enough for any tree: a level with more than one node has at least two records per node. */
const LEVELS_MAX = 32;
/** Up to here a loop moves words within a node faster than the runtime does. */
const COPY_LOOP_WORDS_MAX = 48;

/** The node of the path on each level; 0 is the leaf. */
export const pathNodes = new Int32Array(LEVELS_MAX);
/** The record of the path in its node; on level 0 the place may be behind the last record. */
export const pathSlots = new Int32Array(LEVELS_MAX);
const separator = new Id128();

/** Levels of inner nodes above the leaves. */
export function heightOf(memory: Memory, tree: Ref): number {
  return memory.word(tree, TREE_SHAPE) & HEIGHT_MASK;
}

/** Words of a record of a leaf: id and payload. */
export function leafWidth(memory: Memory, tree: Ref): number {
  return ID_WORDS + (memory.word(tree, TREE_SHAPE) >>> PAYLOAD_SHIFT);
}

/** Words of a record of a node on `level`. */
export function widthOn(memory: Memory, tree: Ref, level: number): number {
  return level === 0 ? leafWidth(memory, tree) : INNER_WIDTH;
}

/** The word of a tree's header that tells its shape. */
export function shape(height: number, payloadWords: number): number {
  return height | (payloadWords << PAYLOAD_SHIFT);
}

/** Records of a full node. */
export function recordsMax(width: number): number {
  return Math.floor((NODE_WORDS - HEAD_WORDS) / width);
}

/** Bytes of a node with so many records. */
function nodeBytes(width: number, records: number): number {
  return (HEAD_WORDS + records * width) << 2;
}

/** Where record `slot` of a node begins, in words of its segment. */
export function recordAt(node: Ref, width: number, slot: number): number {
  return ((node & OFFSET_MASK) << 1) + HEAD_WORDS + slot * width;
}

/** The child of an inner node's record. */
export function childOf(memory: Memory, node: Ref, slot: number): Ref {
  return memory.words[node >>> SEGMENT_SHIFT][recordAt(node, INNER_WIDTH, slot) + ID_WORDS];
}

function addUnits(arena: Arena, tree: Ref, units: number): void {
  writable(arena, tree)[wordOffsetOf(tree) + TREE_UNITS] += units;
}

function allocateNode(arena: Arena, tree: Ref, byteCount: number): Ref {
  const node = arena.allocate(byteCount);
  const at = wordOffsetOf(node);
  arena.words[node >>> SEGMENT_SHIFT].fill(0, at, at + HEAD_WORDS);
  addUnits(arena, tree, arena.blockBytes(node) >>> 3);
  return node;
}

function freeNode(arena: Arena, tree: Ref, node: Ref): void {
  addUnits(arena, tree, -(arena.blockBytes(node) >>> 3));
  arena.free(node);
}

// ------------------------------------------------------------------------------------------ search

/** The first record of a node, from `low` on, whose id is not below `id`. */
function firstNotBelow(memory: Memory, node: Ref, width: number, low: number, id: Id128): number {
  const words = memory.words[node >>> SEGMENT_SHIFT];
  const first = recordAt(node, width, 0);
  let high = words[wordOffsetOf(node) + NODE_COUNT];
  // What came first mostly goes first.
  if (low < high && id.compareStored(words, first + low * width) >= 0) return low;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (id.compareStored(words, first + middle * width) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Leads the path to the place of an id in a tree that has nodes: where it stands or belongs,
 * perhaps behind the last record of a leaf. Returns whether it is there.
 */
export function pathTo(memory: Memory, tree: Ref, id: Id128): boolean {
  let node = memory.word(tree, TREE_ROOT);
  for (let level = heightOf(memory, tree); level > 0; level--) {
    // The record found is the first not below the id; only an equal one leads to the id itself.
    let slot = firstNotBelow(memory, node, INNER_WIDTH, 1, id);
    const words = memory.words[node >>> SEGMENT_SHIFT];
    const isEqual = slot < words[wordOffsetOf(node) + NODE_COUNT] &&
      id.compareStored(words, recordAt(node, INNER_WIDTH, slot)) === 0;
    if (!isEqual) slot--;
    pathNodes[level] = node;
    pathSlots[level] = slot;
    node = childOf(memory, node, slot);
  }
  const width = leafWidth(memory, tree);
  const slot = firstNotBelow(memory, node, width, 0, id);
  pathNodes[0] = node;
  pathSlots[0] = slot;
  const words = memory.words[node >>> SEGMENT_SHIFT];
  return slot < words[wordOffsetOf(node) + NODE_COUNT] &&
    id.compareStored(words, recordAt(node, width, slot)) === 0;
}

/** Leads the path to the place behind the last record of a tree that has nodes. */
export function pathToEnd(memory: Memory, tree: Ref): void {
  let node = memory.word(tree, TREE_ROOT);
  for (let level = heightOf(memory, tree); level > 0; level--) {
    pathNodes[level] = node;
    pathSlots[level] = memory.word(node, NODE_COUNT) - 1;
    node = childOf(memory, node, pathSlots[level]);
  }
  pathNodes[0] = node;
  pathSlots[0] = memory.word(node, NODE_COUNT);
}

// ----------------------------------------------------------------------------------------- records

/** Copies records within a node or between two; both may be written already. */
function copyRecords(
  arena: Arena,
  width: number,
  source: Ref,
  sourceSlot: number,
  target: Ref,
  targetSlot: number,
  count: number,
): void {
  const from = recordAt(source, width, sourceSlot);
  const to = recordAt(target, width, targetSlot);
  const sourceWords = arena.words[source >>> SEGMENT_SHIFT];
  const targetWords = arena.words[target >>> SEGMENT_SHIFT];
  const wordCount = count * width;
  if (source === target && wordCount > COPY_LOOP_WORDS_MAX) {
    targetWords.copyWithin(to, from, from + wordCount);
  } else if (source === target && to > from) {
    for (let i = wordCount - 1; i >= 0; i--) targetWords[to + i] = sourceWords[from + i];
  } else {
    for (let i = 0; i < wordCount; i++) targetWords[to + i] = sourceWords[from + i];
  }
}

/** Opens a record in a node that has room, and gives it this id; its payload is unspecified. */
export function openRecord(arena: Arena, node: Ref, width: number, slot: number, id: Id128): void {
  const words = writable(arena, node);
  const count = words[wordOffsetOf(node) + NODE_COUNT];
  copyRecords(arena, width, node, slot, node, slot + 1, count - slot);
  id.store(words, recordAt(node, width, slot));
  words[wordOffsetOf(node) + NODE_COUNT] = count + 1;
}

/** Takes records out of a node. */
function closeRecords(arena: Arena, node: Ref, width: number, slot: number, removed: number): void {
  const words = writable(arena, node);
  const count = words[wordOffsetOf(node) + NODE_COUNT] - removed;
  copyRecords(arena, width, node, slot + removed, node, slot, count - slot);
  words[wordOffsetOf(node) + NODE_COUNT] = count;
}

// ------------------------------------------------------------------------------------ growing

/** Gives an empty tree a root without records, and leads the path there. */
export function addFirstLeaf(arena: Arena, tree: Ref): void {
  const leaf = allocateNode(arena, tree, nodeBytes(leafWidth(arena, tree), 1));
  const words = writable(arena, tree);
  words[wordOffsetOf(tree) + TREE_ROOT] = leaf;
  words[wordOffsetOf(tree) + TREE_FIRST_LEAF] = leaf;
  words[wordOffsetOf(tree) + TREE_LAST_LEAF] = leaf;
  pathNodes[0] = leaf;
  pathSlots[0] = 0;
}

/** Makes room for one more record at the path's place in the leaf; `id` is the one to come. */
export function makeRoomInLeaf(arena: Arena, tree: Ref, id: Id128): void {
  makeRoom(arena, tree, 0, id);
}

function makeRoom(arena: Arena, tree: Ref, level: number, id: Id128): void {
  const node = pathNodes[level];
  const width = widthOn(arena, tree, level);
  const count = arena.word(node, NODE_COUNT);
  const isRoot = level === heightOf(arena, tree);
  if (count < recordsMax(width)) {
    const neededBytes = nodeBytes(width, count + 1);
    if (isRoot && neededBytes > arena.blockBytes(node)) {
      resizeRoot(arena, tree, Math.min(NODE_BYTES, 2 * nodeBytes(width, count)));
    }
    return;
  }
  if (isRoot) addRoot(arena, tree, id);
  makeRoom(arena, tree, level + 1, id);
  splitNode(arena, tree, level, width, id);
}

/** Puts a root with the present one as its only child above it. */
function addRoot(arena: Arena, tree: Ref, id: Id128): void {
  const height = heightOf(arena, tree);
  const child = arena.word(tree, TREE_ROOT);
  const root = allocateNode(arena, tree, nodeBytes(INNER_WIDTH, 2));
  // The id of a first record is not looked at.
  openRecord(arena, root, INNER_WIDTH, 0, id);
  setChild(arena, root, 0, child);
  const words = writable(arena, tree);
  words[wordOffsetOf(tree) + TREE_ROOT] = root;
  words[wordOffsetOf(tree) + TREE_SHAPE]++;
  pathNodes[height + 1] = root;
  pathSlots[height + 1] = 0;
}

/**
 * Splits the path's full node on `level`; its parent has room. A leaf to which `id` is appended
 * stays full, and an inner node nearly so.
 */
function splitNode(arena: Arena, tree: Ref, level: number, width: number, id: Id128): void {
  const node = pathNodes[level];
  const slot = pathSlots[level];
  const parent = pathNodes[level + 1];
  const count = arena.word(node, NODE_COUNT);
  let cut = count >>> 1;
  if (level === 0 && slot === count) cut = count;
  else if (level > 0 && slot === count - 1) cut = count - 1;
  const fresh = allocateNode(arena, tree, NODE_BYTES);
  copyRecords(arena, width, node, cut, fresh, 0, count - cut);
  setWord(arena, fresh, NODE_COUNT, count - cut);
  setWord(arena, node, NODE_COUNT, cut);
  if (level === 0) linkLeaf(arena, tree, node, fresh);
  if (cut === count) separator.copyFrom(id);
  else separator.load(arena.words[fresh >>> SEGMENT_SHIFT], recordAt(fresh, width, 0));
  const parentSlot = pathSlots[level + 1] + 1;
  openRecord(arena, parent, INNER_WIDTH, parentSlot, separator);
  setChild(arena, parent, parentSlot, fresh);
  const isInFresh = level === 0 ? slot > cut || cut === count : slot >= cut;
  if (!isInFresh) return;
  pathNodes[level] = fresh;
  pathSlots[level] = slot - cut;
  pathSlots[level + 1] = parentSlot;
}

function resizeRoot(arena: Arena, tree: Ref, byteCount: number): void {
  const root = arena.word(tree, TREE_ROOT);
  const height = heightOf(arena, tree);
  const unitsBefore = arena.blockBytes(root) >>> 3;
  const usedBytes = nodeBytes(widthOn(arena, tree, height), arena.word(root, NODE_COUNT));
  const moved = arena.resize(root, usedBytes, byteCount);
  addUnits(arena, tree, (arena.blockBytes(moved) >>> 3) - unitsBefore);
  pathNodes[height] = moved;
  replaceRoot(arena, tree, moved, height);
}

function replaceRoot(arena: Arena, tree: Ref, root: Ref, height: number): void {
  const words = writable(arena, tree);
  words[wordOffsetOf(tree) + TREE_ROOT] = root;
  if (height > 0) return;
  words[wordOffsetOf(tree) + TREE_FIRST_LEAF] = root;
  words[wordOffsetOf(tree) + TREE_LAST_LEAF] = root;
}

// --------------------------------------------------------------------------------------- shrinking

/** Removes records from the place of the path on; they all stand in its leaf. */
export function removeAtPath(arena: Arena, tree: Ref, removed: number): void {
  closeRecords(arena, pathNodes[0], leafWidth(arena, tree), pathSlots[0], removed);
  writable(arena, tree)[wordOffsetOf(tree) + TREE_COUNT] -= removed;
  const height = heightOf(arena, tree);
  for (let level = 0; level < height; level++) {
    const count = arena.word(pathNodes[level], NODE_COUNT);
    if (count === 0) dropChild(arena, tree, level, pathSlots[level + 1]);
    else if (!mergeIfSparse(arena, tree, level, count)) break;
  }
  shrinkRoot(arena, tree);
}

/**
 * Merges the path's node on `level` with a neighbour below the same parent if it is sparse. Returns
 * whether the parent may be sparse now.
 */
function mergeIfSparse(arena: Arena, tree: Ref, level: number, count: number): boolean {
  if (count * 2 >= recordsMax(widthOn(arena, tree, level))) return false;
  const slot = pathSlots[level + 1];
  const siblings = arena.word(pathNodes[level + 1], NODE_COUNT);
  // An only child has no neighbour, but its parent may get one for it.
  if (siblings === 1) return true;
  return (slot > 0 && mergePair(arena, tree, level, slot - 1)) ||
    (slot + 1 < siblings && mergePair(arena, tree, level, slot));
}

/** Merges the children `slot` and `slot + 1` of the path's node above `level` if both fit well. */
function mergePair(arena: Arena, tree: Ref, level: number, slot: number): boolean {
  const width = widthOn(arena, tree, level);
  const parent = pathNodes[level + 1];
  const left = childOf(arena, parent, slot);
  const right = childOf(arena, parent, slot + 1);
  const leftCount = arena.word(left, NODE_COUNT);
  const rightCount = arena.word(right, NODE_COUNT);
  if ((leftCount + rightCount) * 8 > recordsMax(width) * 7) return false;
  arena.willWrite(left);
  copyRecords(arena, width, right, 0, left, leftCount, rightCount);
  setWord(arena, left, NODE_COUNT, leftCount + rightCount);
  if (level > 0) {
    // A first record becomes an inner one, and needs a bound that is one.
    const words = arena.words[parent >>> SEGMENT_SHIFT];
    separator.load(words, recordAt(parent, INNER_WIDTH, slot + 1));
    separator.store(writable(arena, left), recordAt(left, INNER_WIDTH, leftCount));
  }
  dropChild(arena, tree, level, slot + 1);
  return true;
}

/** Frees the child `slot` of the path's node above `level`, and its record there. */
function dropChild(arena: Arena, tree: Ref, level: number, slot: number): void {
  const parent = pathNodes[level + 1];
  const child = childOf(arena, parent, slot);
  if (level === 0) unlinkLeaf(arena, tree, child);
  freeNode(arena, tree, child);
  closeRecords(arena, parent, INNER_WIDTH, slot, 1);
}

/**
 * Removes an empty root and roots with a single child; shrinks one that is far too large. A small
 * leaf stays as the root of an empty tree, lest one whose records come and go makes one each time.
 */
function shrinkRoot(arena: Arena, tree: Ref): void {
  let height = heightOf(arena, tree);
  let root = arena.word(tree, TREE_ROOT);
  const payloadWords = leafWidth(arena, tree) - ID_WORDS;
  if (arena.word(root, NODE_COUNT) === 0) {
    if (height > 0 || arena.blockBytes(root) > EMPTY_ROOT_BYTES_MAX) freeRoot(arena, tree);
    return;
  }
  while (height > 0 && arena.word(root, NODE_COUNT) === 1) {
    const child = childOf(arena, root, 0);
    freeNode(arena, tree, root);
    root = child;
    height--;
    setWord(arena, tree, TREE_ROOT, root);
    setWord(arena, tree, TREE_SHAPE, shape(height, payloadWords));
  }
  const width = widthOn(arena, tree, height);
  const neededBytes = nodeBytes(width, arena.word(root, NODE_COUNT));
  if (neededBytes * 4 <= arena.blockBytes(root)) resizeRoot(arena, tree, neededBytes * 2);
}

/** Frees the root of a tree without records, which may have none. */
export function freeRoot(arena: Arena, tree: Ref): void {
  const root = arena.word(tree, TREE_ROOT);
  if (root === 0) return;
  freeNode(arena, tree, root);
  setWord(arena, tree, TREE_SHAPE, shape(0, leafWidth(arena, tree) - ID_WORDS));
  replaceRoot(arena, tree, 0, 0);
}

// -------------------------------------------------------------------------------------- relocation

/** Moves the nodes of the path out of slabs that are to be emptied (`Arena.relocate`). */
export function relocatePath(arena: Arena, tree: Ref): void {
  const height = heightOf(arena, tree);
  for (let level = height; level >= 0; level--) {
    const node = pathNodes[level];
    const moved = arena.relocate(node);
    if (moved === node) continue;
    pathNodes[level] = moved;
    if (level === height) setWord(arena, tree, TREE_ROOT, moved);
    else setChild(arena, pathNodes[level + 1], pathSlots[level + 1], moved);
  }
  relinkLeaf(arena, tree, pathNodes[0]);
}

function setChild(arena: Arena, node: Ref, slot: number, child: Ref): void {
  writable(arena, node)[recordAt(node, INNER_WIDTH, slot) + ID_WORDS] = child;
}
