/**
 * Score tree, part two: keeping nodes neither too full nor too empty. score_tree_nodes.ts has the
 * layout; score_tree.ts is the door.
 *
 * Everything works along the path of the last search, on any level alike. Rules:
 *
 *   growth      A full node gives records to a neighbour that has room, so that random inserts fill
 *               nodes to four fifths; only between full neighbours it splits. At either end of the
 *               tree it splits without leaving room in the old node, so that elements which arrive
 *               in order, upwards or downwards, fill their nodes completely.
 *   shrinking   A node below two fifths is merged with a neighbour or takes records from it. The
 *               outermost nodes of a level only merge: in a queue they run empty record by record,
 *               and filling them again and again would be work for nothing.
 *   root        Its block grows and shrinks with its records; one with a single child goes.
 *
 * Neighbours are those under the same parent.
 */
import type { Arena } from "../memory/arena.ts";
import { type Ref, SEGMENT_SHIFT, wordOffsetOf } from "../memory/memory.ts";
import { linkLeaf, unlinkLeaf } from "./leaf_chain.ts";
import {
  addUnits,
  allocateNode,
  capacityOf,
  childOf,
  copyRecords,
  copySeparator,
  elementsOf,
  freeNode,
  NODE_COUNT,
  nodeBytes,
  pathNodes,
  pathSlots,
  RECORD_CHILD,
  RECORD_ELEMENTS,
  recordAt,
  RECORDS_MAX,
  ROOT_BYTES_MIN,
  setWord,
  TREE_COUNT,
  TREE_FIRST_LEAF,
  TREE_HEIGHT,
  TREE_LAST_LEAF,
  TREE_ROOT,
  writable,
} from "./score_tree_nodes.ts";

/** Where an insert takes place: before all elements, among them, or behind all. */
export const AT_START = -1;
export const INSIDE = 0;
export const AT_END = 1;
export type Edge = -1 | 0 | 1;

/** Nodes below this are merged or filled up. */
export const RECORDS_MIN = 26;
/** Merging stops short of a full node, lest the next insert splits it again. */
const MERGED_RECORDS_MAX = 56;
/**
 * A neighbour with less room than this is as good as full. Measured with score_tree_bench.ts: 2 or
 * 20 make no difference to the speed of random inserts, but 14.7 or 16.0 bytes an element.
 */
const SHIFT_ROOM_MIN = 2;

/** Makes room for one more record at the path's place on `level`; the path leads there still. */
export function makeRoom(arena: Arena, tree: Ref, level: number, edge: Edge): void {
  const height = arena.word(tree, TREE_HEIGHT);
  if (level > height) return addRoot(arena, tree);
  const node = pathNodes[level];
  const count = arena.word(node, NODE_COUNT);
  if (count < RECORDS_MAX) {
    if (level === height && count === capacityOf(arena, node, level)) {
      resizeRoot(arena, tree, Math.min(nodeBytes(level, RECORDS_MAX), arena.blockBytes(node) * 2));
    }
    return;
  }
  if (edge === INSIDE && level < height && shiftToNeighbour(arena, level)) return;
  makeRoom(arena, tree, level + 1, edge);
  splitNode(arena, tree, level, edge);
}

/** Adds `delta` to the counts of elements along the path and of the tree. */
export function addElements(arena: Arena, tree: Ref, delta: number): void {
  for (let level = arena.word(tree, TREE_HEIGHT); level > 0; level--) {
    const node = pathNodes[level];
    writable(arena, node)[recordAt(node, level, pathSlots[level]) + RECORD_ELEMENTS] += delta;
  }
  writable(arena, tree)[wordOffsetOf(tree) + TREE_COUNT] += delta;
}

/** Renews the separators of the path's node on `level`, whose first record has changed. */
export function refreshSeparators(arena: Arena, tree: Ref, level: number): void {
  const height = arena.word(tree, TREE_HEIGHT);
  for (let upper = level + 1; upper <= height; upper++) {
    const slot = pathSlots[upper];
    copySeparator(arena, pathNodes[upper - 1], upper - 1, pathNodes[upper], slot);
    if (slot !== 0) return;
  }
}

/** Restores the rules after records were removed from the leaf of the path, perhaps all. */
export function rebalance(arena: Arena, tree: Ref): void {
  if (arena.word(tree, TREE_COUNT) === 0) return clear(arena, tree);
  const height = arena.word(tree, TREE_HEIGHT);
  for (let level = 0; level < height; level++) {
    const count = arena.word(pathNodes[level], NODE_COUNT);
    if (count >= RECORDS_MIN) break;
    if (count === 0) dropEmpty(arena, tree, level);
    else if (!mergeOrFill(arena, tree, level, height)) break;
  }
  shrinkRoot(arena, tree);
}

/** Puts a root with the present one as its only child above it. */
function addRoot(arena: Arena, tree: Ref): void {
  const height = arena.word(tree, TREE_HEIGHT);
  const child = arena.word(tree, TREE_ROOT);
  const root = allocateNode(arena, tree, 2 * ROOT_BYTES_MIN);
  insertChild(arena, root, height + 1, 0, child);
  const words = writable(arena, tree);
  words[wordOffsetOf(tree) + TREE_ROOT] = root;
  words[wordOffsetOf(tree) + TREE_HEIGHT] = height + 1;
  pathNodes[height + 1] = root;
  pathSlots[height + 1] = 0;
}

/** Inserts a record for `child` into a node that has room. */
function insertChild(arena: Arena, node: Ref, level: number, slot: number, child: Ref): void {
  const words = writable(arena, node);
  const count = words[wordOffsetOf(node) + NODE_COUNT];
  copyRecords(arena, level, node, slot, node, slot + 1, count - slot);
  const childCount = arena.word(child, NODE_COUNT);
  const at = recordAt(node, level, slot);
  words[at + RECORD_CHILD] = child;
  words[at + RECORD_ELEMENTS] = elementsOf(arena, child, level - 1, 0, childCount);
  words[wordOffsetOf(node) + NODE_COUNT] = count + 1;
  // The separator of an empty leaf follows with its first element.
  if (childCount > 0) copySeparator(arena, child, level - 1, node, slot);
}

/** Splits the path's full node on `level`; its parent has room. */
function splitNode(arena: Arena, tree: Ref, level: number, edge: Edge): void {
  const node = pathNodes[level];
  const slot = pathSlots[level];
  const parent = pathNodes[level + 1];
  const position = positionOf(level);
  const cut = edge === AT_START ? position : edge === AT_END ? slot : RECORDS_MAX >>> 1;
  const fresh = allocateNode(arena, tree, nodeBytes(level, RECORDS_MAX));
  copyRecords(arena, level, node, cut, fresh, 0, RECORDS_MAX - cut);
  setWord(arena, fresh, NODE_COUNT, RECORDS_MAX - cut);
  setWord(arena, node, NODE_COUNT, cut);
  if (level === 0) linkLeaf(arena, tree, node, fresh);
  insertChild(arena, parent, level + 1, pathSlots[level + 1] + 1, fresh);
  const at = recordAt(parent, level + 1, pathSlots[level + 1]) + RECORD_ELEMENTS;
  writable(arena, parent)[at] = elementsOf(arena, node, level, 0, cut);
  if (position > cut || (level === 0 && edge === AT_END)) {
    pathNodes[level] = fresh;
    pathSlots[level] = slot - cut;
    pathSlots[level + 1]++;
  }
}

/** Where the new record will stand: in a leaf at the path's place, above it behind the child. */
function positionOf(level: number): number {
  return level === 0 ? pathSlots[0] : pathSlots[level] + 1;
}

/** Moves records of the path's full node to a neighbour; false if neither has room. */
function shiftToNeighbour(arena: Arena, level: number): boolean {
  const parent = pathNodes[level + 1];
  const slot = pathSlots[level + 1];
  const position = positionOf(level);
  if (slot > 0) {
    const left = childOf(arena, parent, slot - 1);
    const leftCount = arena.word(left, NODE_COUNT);
    if (leftCount + SHIFT_ROOM_MIN <= RECORDS_MAX) {
      const moved = (RECORDS_MAX - leftCount) >>> 1;
      shiftRecords(arena, level, parent, slot - 1, moved);
      if (position <= moved) {
        pathNodes[level] = left;
        pathSlots[level] += leftCount;
        pathSlots[level + 1] = slot - 1;
      } else {
        pathSlots[level] -= moved;
      }
      return true;
    }
  }
  if (slot + 1 < arena.word(parent, NODE_COUNT)) {
    const right = childOf(arena, parent, slot + 1);
    const rightCount = arena.word(right, NODE_COUNT);
    if (rightCount + SHIFT_ROOM_MIN <= RECORDS_MAX) {
      const moved = (RECORDS_MAX - rightCount) >>> 1;
      shiftRecords(arena, level, parent, slot, -moved);
      if (position > RECORDS_MAX - moved) {
        pathNodes[level] = right;
        pathSlots[level] -= RECORDS_MAX - moved;
        pathSlots[level + 1] = slot + 1;
      }
      return true;
    }
  }
  return false;
}

/**
 * Moves records between the children `slot` and `slot + 1` of a parent: the first `moved` of the
 * right one to the left or, if negative, the last `-moved` of the left one to the right.
 */
function shiftRecords(
  arena: Arena,
  level: number,
  parent: Ref,
  slot: number,
  moved: number,
): void {
  const left = childOf(arena, parent, slot);
  const right = childOf(arena, parent, slot + 1);
  const leftCount = arena.word(left, NODE_COUNT);
  const rightCount = arena.word(right, NODE_COUNT);
  arena.willWrite(left);
  arena.willWrite(right);
  let elements: number;
  if (moved > 0) {
    elements = elementsOf(arena, right, level, 0, moved);
    copyRecords(arena, level, right, 0, left, leftCount, moved);
    copyRecords(arena, level, right, moved, right, 0, rightCount - moved);
  } else {
    elements = -elementsOf(arena, left, level, leftCount + moved, -moved);
    copyRecords(arena, level, right, 0, right, -moved, rightCount);
    copyRecords(arena, level, left, leftCount + moved, right, 0, -moved);
  }
  setWord(arena, left, NODE_COUNT, leftCount + moved);
  setWord(arena, right, NODE_COUNT, rightCount - moved);
  const words = writable(arena, parent);
  words[recordAt(parent, level + 1, slot) + RECORD_ELEMENTS] += elements;
  words[recordAt(parent, level + 1, slot + 1) + RECORD_ELEMENTS] -= elements;
  if (rightCount > moved) copySeparator(arena, right, level, parent, slot + 1);
}

/**
 * Helps the path's node on `level`, which has too few records. Returns whether its parent may have
 * too few now.
 */
function mergeOrFill(arena: Arena, tree: Ref, level: number, height: number): boolean {
  const parent = pathNodes[level + 1];
  // An only child has no neighbour, but its parent may get one for it.
  if (arena.word(parent, NODE_COUNT) === 1) return true;
  const leftSlot = Math.max(0, pathSlots[level + 1] - 1);
  const left = childOf(arena, parent, leftSlot);
  const right = childOf(arena, parent, leftSlot + 1);
  const leftCount = arena.word(left, NODE_COUNT);
  const rightCount = arena.word(right, NODE_COUNT);
  if (leftCount + rightCount <= MERGED_RECORDS_MAX) {
    shiftRecords(arena, level, parent, leftSlot, rightCount);
    removeChild(arena, tree, level, leftSlot + 1);
    return true;
  }
  if (!isOutermost(arena, level, height)) {
    shiftRecords(arena, level, parent, leftSlot, (rightCount - leftCount) >> 1);
  }
  return false;
}

/** Whether the path's node is the first or the last of its level. */
function isOutermost(arena: Arena, level: number, height: number): boolean {
  let isFirst = true;
  let isLast = true;
  for (let upper = level + 1; upper <= height; upper++) {
    const slot = pathSlots[upper];
    if (slot !== 0) isFirst = false;
    if (slot + 1 !== arena.word(pathNodes[upper], NODE_COUNT)) isLast = false;
  }
  return isFirst || isLast;
}

/** Takes the path's node on `level`, which has no records, out of the tree. */
function dropEmpty(arena: Arena, tree: Ref, level: number): void {
  const slot = pathSlots[level + 1];
  removeChild(arena, tree, level, slot);
  if (slot === 0 && arena.word(pathNodes[level + 1], NODE_COUNT) > 0) {
    refreshSeparators(arena, tree, level + 1);
  }
}

/** Frees the child `slot` of the path's node above `level`, and its record there. */
function removeChild(arena: Arena, tree: Ref, level: number, slot: number): void {
  const parent = pathNodes[level + 1];
  const child = childOf(arena, parent, slot);
  if (level === 0) unlinkLeaf(arena, tree, child);
  freeNode(arena, tree, child);
  const words = writable(arena, parent);
  const count = words[wordOffsetOf(parent) + NODE_COUNT] - 1;
  copyRecords(arena, level + 1, parent, slot + 1, parent, slot, count - slot);
  words[wordOffsetOf(parent) + NODE_COUNT] = count;
}

/** Makes the empty leaf of the path the root; no other leaf is left, for none but it is empty. */
function clear(arena: Arena, tree: Ref): void {
  for (let level = arena.word(tree, TREE_HEIGHT); level > 0; level--) {
    freeNode(arena, tree, pathNodes[level]);
  }
  setWord(arena, tree, TREE_HEIGHT, 0);
  setWord(arena, tree, TREE_ROOT, pathNodes[0]);
  shrinkRoot(arena, tree);
}

/** Removes roots with a single child, and shrinks one that needs but a quarter of its block. */
function shrinkRoot(arena: Arena, tree: Ref): void {
  let height = arena.word(tree, TREE_HEIGHT);
  let root = arena.word(tree, TREE_ROOT);
  while (height > 0 && arena.word(root, NODE_COUNT) === 1) {
    const child = childOf(arena, root, 0);
    freeNode(arena, tree, root);
    root = child;
    height--;
    setWord(arena, tree, TREE_ROOT, root);
    setWord(arena, tree, TREE_HEIGHT, height);
  }
  const neededBytes = nodeBytes(height, arena.word(root, NODE_COUNT));
  let byteCount = arena.blockBytes(root);
  if (neededBytes * 4 > byteCount || byteCount <= ROOT_BYTES_MIN) return;
  while (byteCount > ROOT_BYTES_MIN && neededBytes * 4 <= byteCount) byteCount >>>= 1;
  resizeRoot(arena, tree, Math.max(byteCount, ROOT_BYTES_MIN));
}

/** Gives the root a larger or smaller block; the path follows. */
function resizeRoot(arena: Arena, tree: Ref, byteCount: number): void {
  const height = arena.word(tree, TREE_HEIGHT);
  const root = arena.word(tree, TREE_ROOT);
  const unitsBefore = arena.blockBytes(root) >>> 3;
  const usedBytes = nodeBytes(height, arena.word(root, NODE_COUNT));
  const moved = arena.resize(root, usedBytes, byteCount);
  addUnits(arena, tree, (arena.blockBytes(moved) >>> 3) - unitsBefore);
  const words = arena.words[tree >>> SEGMENT_SHIFT];
  words[wordOffsetOf(tree) + TREE_ROOT] = moved;
  if (height === 0) {
    words[wordOffsetOf(tree) + TREE_FIRST_LEAF] = moved;
    words[wordOffsetOf(tree) + TREE_LAST_LEAF] = moved;
  }
  pathNodes[height] = moved;
}
