/**
 * Quicklist index: finds the node of an element in a long list without a walk over half of it.
 *
 * Of a list of many nodes that is searched again and again, every 32nd node is noted, with the
 * number of elements before it. A search then begins at the last such place before the element.
 * The index stands outside of the arena and is nothing but a memory of walks: it may be dropped at
 * any time, and is made anew when searches have walked over about as many nodes as that takes.
 *
 *   word    of an index
 *   0, 1    places that hold: the first, and the one behind the last
 *   2       nodes that searches walked over for lack of a place, since it was made
 *   3…      for each place the node, and the elements from the first place's node up to it
 *
 * Pushing and popping costs nothing: what is before the first place and behind the last is counted
 * when it is searched. For that the first node, whose number of elements changes, is never a place;
 * when pops make one the first node, it holds no more (quicklist_nodes.ts: `leaveIndex`). A change
 * elsewhere than at the ends drops the index, but not one that leaves all nodes their numbers of
 * elements, as LSET does.
 */
import { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as nodes from "./quicklist_nodes.ts";
import { INDEX_END, INDEX_FIRST, INDEX_HEAD_WORDS } from "./quicklist_nodes.ts";

/** Lists of fewer nodes have no index: these are walked over in less than a microsecond. */
export const INDEXED_NODES_MIN = 128;
/** Each such node is a place: a ten-thousandth of what the list takes, with nodes of 8 KiB. */
export const NODES_PER_PLACE = 32;
/** More new nodes than this before the first place make the index useless. */
const NEW_NODES_MAX = 2 * NODES_PER_PLACE;
/** So many lists have an index at a time. */
export const INDEXES_MAX = 16;
const INDEX_WALKED = 2;

let foundIndex = 0;

/**
 * The node of element number `target`, which there must be, of a list of `total` elements;
 * `indexInNode` tells its number there.
 */
export function nodeOf(memory: Memory, list: Ref, target: number, total: number): Ref {
  const nodeCount = memory.word(list, nodes.ROOT_NODES);
  if (nodeCount >= INDEXED_NODES_MIN && memory instanceof Arena) {
    const node = nodeByIndex(memory, list, nodeCount, target, total);
    if (node !== 0) return node;
  }
  const isFromTail = target >= total / 2;
  const end = isFromTail ? nodes.lastNode(memory, list) : nodes.firstNode(memory, list);
  const node = nodes.passOver(memory, end, isFromTail ? total - 1 - target : target, isFromTail);
  const passed = nodes.passedInNode();
  foundIndex = isFromTail ? nodes.entryCount(memory, node) - 1 - passed : passed;
  return node;
}

/** The number of the element in the node that `nodeOf` returned. */
export function indexInNode(): number {
  return foundIndex;
}

/** As `nodeOf`; or 0 if a walk from the nearer end is shorter, or there is no index. */
function nodeByIndex(
  arena: Arena,
  list: Ref,
  nodeCount: number,
  target: number,
  total: number,
): Ref {
  const fromEnd = Math.min(target, total - 1 - target);
  if (fromEnd / total * nodeCount < NODES_PER_PLACE) return 0;
  const known = arena.lists.indexes.get(list);
  let index = known;
  let before = known === undefined ? -1 : elementsBefore(arena, list, known);
  if (before === -1) {
    index = noteWalk(arena, list, nodeCount, known, fromEnd / total);
    if (index !== undefined) before = elementsBefore(arena, list, index);
  }
  if (index === undefined || before === -1) return 0;
  const wanted = target - before + index[INDEX_HEAD_WORDS + index[INDEX_FIRST] * 2 + 1];
  const place = lastNotBehind(index, wanted);
  if (place === -1) return 0;
  const at = INDEX_HEAD_WORDS + place * 2;
  const distance = wanted - index[at + 1];
  // Behind the last place there may be much that is new.
  if (distance > fromEnd) {
    noteWalk(arena, list, nodeCount, index, fromEnd / total);
    return 0;
  }
  const node = nodes.passOver(arena, index[at], distance, false);
  foundIndex = nodes.passedInNode();
  return node;
}

/** The elements before the first place that holds; -1 if none does, or it is too far. */
function elementsBefore(memory: Memory, list: Ref, index: Int32Array): number {
  const first = index[INDEX_FIRST];
  if (first === index[INDEX_END]) return -1;
  const wanted = index[INDEX_HEAD_WORDS + first * 2];
  let before = 0;
  let node = nodes.firstNode(memory, list);
  for (let passed = 0; node !== wanted; passed++) {
    if (passed === NEW_NODES_MAX) return -1;
    before += nodes.entryCount(memory, node);
    node = nodes.nextNode(memory, node);
  }
  return before;
}

/** The last place that holds and does not stand behind an element; -1 if there is none. */
function lastNotBehind(index: Int32Array, target: number): number {
  let low = index[INDEX_FIRST];
  let high = index[INDEX_END];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (index[INDEX_HEAD_WORDS + middle * 2 + 1] <= target) low = middle + 1;
    else high = middle;
  }
  return low - 1 < index[INDEX_FIRST] ? -1 : low - 1;
}

/**
 * Notes that a search walks over this share of all nodes. Returns a new index if such searches have
 * walked over as many nodes as the list has.
 */
function noteWalk(
  arena: Arena,
  list: Ref,
  nodeCount: number,
  known: Int32Array | undefined,
  share: number,
): Int32Array | undefined {
  const { indexes } = arena.lists;
  const index = known ?? new Int32Array(INDEX_HEAD_WORDS);
  index[INDEX_WALKED] += Math.ceil(share * nodeCount);
  if (index[INDEX_WALKED] >= nodeCount) {
    const made = makeIndex(arena, list, nodeCount);
    indexes.set(list, made);
    return made;
  }
  if (known === undefined) {
    // The oldest makes room.
    if (indexes.size >= INDEXES_MAX) indexes.delete(indexes.keys().next().value!);
    indexes.set(list, index);
  }
  return undefined;
}

/** An index of all of a list. O(nodes). */
function makeIndex(memory: Memory, list: Ref, nodeCount: number): Int32Array {
  const placesMax = Math.ceil(nodeCount / NODES_PER_PLACE);
  const index = new Int32Array(INDEX_HEAD_WORDS + placesMax * 2);
  let at = INDEX_HEAD_WORDS;
  let before = 0;
  let node = nodes.nextNode(memory, nodes.firstNode(memory, list));
  for (let passed = 0; node !== 0; passed++) {
    if (passed % NODES_PER_PLACE === 0) {
      index[at++] = node;
      index[at++] = before;
    }
    before += nodes.entryCount(memory, node);
    node = nodes.nextNode(memory, node);
  }
  index[INDEX_END] = (at - INDEX_HEAD_WORDS) / 2;
  return index;
}
