/**
 * Quicklist nodes: the chain under a quicklist, and the rules by which its nodes fill, split and
 * merge.
 *
 *   root                                 node
 *   word 0   first node                  word 0   previous node
 *   word 1   last node                   word 1   next node
 *   word 2   number of elements          word 2   content: ref of a listpack or of a byte string
 *   word 3   number of nodes             word 3   number of entries, or PLAIN = a single plain
 *                                                 element
 *
 * A packed node holds a listpack. An element that is too long for one stands alone in a plain node.
 *
 * The listpacks of the first and the last node grow and shrink at the list's ends and may have room
 * there (listpack_ends.ts). A node that is full and not the first any more gives its head room up.
 *
 * The fill factor is Redis's list-max-listpack-size: -1 to -5 limit a node to 4, 8, 16, 32 or 64
 * KiB; 0 and more are a number of entries, in nodes of up to 8 KiB. Decisions are those of Redis
 * 7.0's quicklist.c, so that lists have the same nodes here and there, but for elements beyond
 * PACKED_ELEMENT_BYTES_MAX in the middle of a list: there a node is split where Redis packs them.
 *
 * Functions that link, split and merge keep both numbers of the root right.
 *
 * A walk over a long list that pauses while commands run (defragmentation) leaves a bookmark on the
 * node with which it goes on. There is one in an arena; who frees the node moves it on.
 */
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "./byte_string.ts";
import * as listpack from "./listpack.ts";
import * as ends from "./listpack_ends.ts";

export const ROOT_FIRST = 0;
export const ROOT_LAST = 1;
export const ROOT_ELEMENTS = 2;
export const ROOT_NODES = 3;
export const ROOT_BYTES = 16;

const NODE_PREVIOUS = 0;
const NODE_NEXT = 1;
const NODE_CONTENT = 2;
const NODE_ENTRIES = 3;
const NODE_BYTES = 16;
const PLAIN = -1;

/** Longer elements get a plain node. Redis packs up to 1 GiB; here a listpack is a block. */
export const PACKED_ELEMENT_BYTES_MAX = 64 * 1024;

/** Leaves the bookmark at a node; 0 takes it away. */
export function setBookmark(arena: Arena, list: Ref, node: Ref): void {
  arena.lists.bookmarkList = list;
  arena.lists.bookmarkNode = node;
}

/** The node at which the bookmark is, if it is in this list; else, or behind the last node, 0. */
export function bookmarkIn(arena: Arena, list: Ref): Ref {
  return list === arena.lists.bookmarkList ? arena.lists.bookmarkNode : 0;
}

/** Words of an index, and how many stand before its places: quicklist_index.ts. */
export const INDEX_FIRST = 0;
export const INDEX_END = 1;
export const INDEX_HEAD_WORDS = 3;

/** Drops the index of a list, if it has one: something changed elsewhere than at its ends. */
export function dropIndex(arena: Arena, list: Ref): void {
  const { indexes } = arena.lists;
  if (indexes.size !== 0) indexes.delete(list);
}

/** A node is about to go: the index of its list, if there is one, has to do without. */
function leaveIndex(arena: Arena, list: Ref, previous: Ref, node: Ref, next: Ref): void {
  const { indexes } = arena.lists;
  if (indexes.size === 0) return;
  const index = indexes.get(list);
  if (index === undefined) return;
  if (previous !== 0 && next !== 0) {
    indexes.delete(list);
    return;
  }
  const first = index[INDEX_FIRST];
  const end = index[INDEX_END];
  if (first === end) return;
  // The next one will be the first node, which is in no index.
  if (previous === 0 && index[INDEX_HEAD_WORDS + first * 2] === next) index[INDEX_FIRST]++;
  else if (next === 0 && index[INDEX_HEAD_WORDS + (end - 1) * 2] === node) index[INDEX_END]--;
}

/** Whether an element of so many bytes gets a plain node. */
export function isLong(arena: Arena, length: number): boolean {
  return length > PACKED_ELEMENT_BYTES_MAX || length > arena.lists.packedBytesMax;
}

/** Lowers the limit of packed elements in all lists of an arena (tests); 0 restores it. */
export function setPackedLimit(arena: Arena, bytes: number): void {
  arena.lists.packedBytesMax = bytes === 0 ? PACKED_ELEMENT_BYTES_MAX : bytes;
}

/** Bytes of a node for the fill factors -1 to -5. */
const FILL_BYTES = [4096, 8192, 16384, 32768, 65536];
/** Redis: SIZE_SAFETY_LIMIT, for fill factors that count entries. */
const COUNTED_NODE_BYTES_MAX = 8192;
/** Redis: SIZE_ESTIMATE_OVERHEAD, what an entry is supposed to take beside its bytes. */
const ENTRY_OVERHEAD_BYTES = 8;
/**
 * Redis: 11 in 7.0, though header and end of a listpack are only 7; so merged nodes may exceed
 * by 4.
 */
const MERGE_SAVING_BYTES = 11;

/** First node, or 0. */
export function firstNode(memory: Memory, list: Ref): Ref {
  return memory.word(list, ROOT_FIRST);
}

/** Last node, or 0. */
export function lastNode(memory: Memory, list: Ref): Ref {
  return memory.word(list, ROOT_LAST);
}

/** The node behind `node`, or 0. */
export function nextNode(memory: Memory, node: Ref): Ref {
  return memory.word(node, NODE_NEXT);
}

/** The node before `node`, or 0. */
export function previousNode(memory: Memory, node: Ref): Ref {
  return memory.word(node, NODE_PREVIOUS);
}

/** The listpack of a packed node, the byte string of a plain one. */
export function content(memory: Memory, node: Ref): Ref {
  return memory.word(node, NODE_CONTENT);
}

/** Whether the node holds a single element as a byte string. */
export function isPlain(memory: Memory, node: Ref): boolean {
  return memory.word(node, NODE_ENTRIES) === PLAIN;
}

/** Number of elements in the node. */
export function entryCount(memory: Memory, node: Ref): number {
  const entries = memory.word(node, NODE_ENTRIES);
  return entries === PLAIN ? 1 : entries;
}

let restInNode = 0;

/**
 * Passes over `count` elements from the start of a node on, or, backwards, from its end on, and
 * returns the node of the next one, which there must be; `passedInNode` tells how many of its
 * elements were passed over.
 * Nodes are small and stand close together, so the view of their segment is kept: long lists are
 * walked twice as fast (scripts/bench/micro/complexity_bench.ts, LINDEX in the middle).
 */
export function passOver(memory: Memory, start: Ref, count: number, isBackward: boolean): Ref {
  const link = isBackward ? NODE_PREVIOUS : NODE_NEXT;
  let node = start;
  let segment = node >>> SEGMENT_SHIFT;
  let words = memory.words[segment];
  for (let rest = count;;) {
    if (node >>> SEGMENT_SHIFT !== segment) {
      segment = node >>> SEGMENT_SHIFT;
      words = memory.words[segment];
    }
    const at = (node & OFFSET_MASK) << 1;
    const stored = words[at + NODE_ENTRIES];
    const entries = stored === PLAIN ? 1 : stored;
    if (rest < entries) {
      restInNode = rest;
      return node;
    }
    rest -= entries;
    node = words[at + link];
  }
}

/** How many elements `passOver` has passed over in the node that it returned. */
export function passedInNode(): number {
  return restInNode;
}

/** Bytes of the node's listpack or of its plain element. */
export function contentBytes(memory: Memory, node: Ref): number {
  return isPlain(memory, node)
    ? byteString.byteLength(memory, content(memory, node))
    : listpack.byteLength(memory, content(memory, node));
}

/** Bytes of all blocks of the node. */
export function memoryBytes(arena: Arena, node: Ref): number {
  const ref = content(arena, node);
  return arena.blockBytes(node) +
    (isPlain(arena, node) ? byteString.memoryBytes(arena, ref) : arena.blockBytes(ref));
}

/** Stores one word of a root or a node. */
export function setWord(arena: Arena, ref: Ref, index: number, value: number): void {
  arena.willWrite(ref);
  arena.words[ref >>> SEGMENT_SHIFT][((ref & OFFSET_MASK) << 1) + index] = value;
}

/** Adds to the number of elements. */
export function addElements(arena: Arena, list: Ref, change: number): void {
  setWord(arena, list, ROOT_ELEMENTS, arena.word(list, ROOT_ELEMENTS) + change);
}

/** Puts changed content in a packed node; `entries` is the new number of them. */
export function setContent(arena: Arena, node: Ref, ref: Ref, entries: number): void {
  arena.willWrite(node);
  const words = arena.words[node >>> SEGMENT_SHIFT];
  const at = (node & OFFSET_MASK) << 1;
  words[at + NODE_CONTENT] = ref;
  words[at + NODE_ENTRIES] = entries;
}

/** Gives up head room of a node, which is full and not the first any more. O(bytes). */
export function trim(arena: Arena, node: Ref): void {
  if (isPlain(arena, node)) return;
  const ref = content(arena, node);
  const trimmed = ends.trim(arena, ref);
  if (trimmed !== ref) setWord(arena, node, NODE_CONTENT, trimmed);
}

/** A packed node with this listpack, not yet linked. */
export function createPacked(arena: Arena, ref: Ref, entries: number): Ref {
  const node = arena.allocate(NODE_BYTES);
  const words = arena.words[node >>> SEGMENT_SHIFT];
  const at = (node & OFFSET_MASK) << 1;
  words[at + NODE_PREVIOUS] = 0;
  words[at + NODE_NEXT] = 0;
  words[at + NODE_CONTENT] = ref;
  words[at + NODE_ENTRIES] = entries;
  return node;
}

/** A plain node with this byte string, not yet linked. */
export function createPlain(arena: Arena, ref: Ref): Ref {
  return createPacked(arena, ref, PLAIN);
}

/** A node for one element, plain if it is long; not yet linked. */
export function createFor(arena: Arena, bytes: Uint8Array, start: number, length: number): Ref {
  if (isLong(arena, length)) {
    return createPlain(arena, byteString.fromBytes(arena, bytes, start, length));
  }
  const empty = listpack.create(arena);
  return createPacked(arena, listpack.append(arena, empty, bytes, start, length), 1);
}

/** Links a node behind or before `anchor`, which is 0 if and only if the list is empty. */
export function link(arena: Arena, list: Ref, node: Ref, anchor: Ref, isBehind: boolean): void {
  let previous = 0;
  let next = 0;
  if (anchor !== 0) {
    previous = isBehind ? anchor : previousNode(arena, anchor);
    next = isBehind ? nextNode(arena, anchor) : anchor;
    if (previous !== 0 && next !== 0) dropIndex(arena, list);
  }
  setWord(arena, node, NODE_PREVIOUS, previous);
  setWord(arena, node, NODE_NEXT, next);
  join(arena, list, previous, node);
  join(arena, list, node, next);
  setWord(arena, list, ROOT_NODES, arena.word(list, ROOT_NODES) + 1);
  addElements(arena, list, entryCount(arena, node));
}

/** Unlinks a node and frees it with its content. */
export function remove(arena: Arena, list: Ref, node: Ref): void {
  const previous = previousNode(arena, node);
  const next = nextNode(arena, node);
  leaveIndex(arena, list, previous, node, next);
  setWord(arena, list, ROOT_NODES, arena.word(list, ROOT_NODES) - 1);
  join(arena, list, previous, next);
  addElements(arena, list, -entryCount(arena, node));
  freeNode(arena, node);
}

/** Frees a node that is linked no more, with its content. */
export function freeNode(arena: Arena, node: Ref): void {
  const { lists } = arena;
  if (node === lists.bookmarkNode) lists.bookmarkNode = nextNode(arena, node);
  const ref = content(arena, node);
  if (isPlain(arena, node)) byteString.free(arena, ref);
  else arena.free(ref);
  arena.free(node);
}

/** Moves the root of a list out of slabs that are to be emptied; returns its ref. */
export function relocateRoot(arena: Arena, list: Ref): Ref {
  const moved = arena.relocate(list);
  if (moved !== list) {
    dropIndex(arena, list);
    dropIndex(arena, moved);
  }
  return moved;
}

/**
 * Moves a node with its content out of slabs that are to be emptied (`Arena.relocate`); returns its
 * ref.
 */
export function relocateNode(arena: Arena, list: Ref, node: Ref): Ref {
  const ref = content(arena, node);
  const movedContent = isPlain(arena, node) ? byteString.relocate(arena, ref) : arena.relocate(ref);
  if (movedContent !== ref) setWord(arena, node, NODE_CONTENT, movedContent);
  const moved = arena.relocate(node);
  if (moved === node) return node;
  dropIndex(arena, list);
  join(arena, list, previousNode(arena, moved), moved);
  join(arena, list, moved, nextNode(arena, moved));
  return moved;
}

/** Makes two nodes neighbours; 0 stands for the end of the list on that side. */
function join(arena: Arena, list: Ref, previous: Ref, next: Ref): void {
  if (previous === 0) setWord(arena, list, ROOT_FIRST, next);
  else setWord(arena, previous, NODE_NEXT, next);
  if (next === 0) setWord(arena, list, ROOT_LAST, previous);
  else setWord(arena, next, NODE_PREVIOUS, previous);
}

/**
 * Removes up to `count` entries of a packed node from entry number `index` on, and the node itself
 * if none is left. Returns how many were removed.
 */
export function removeEntries(
  arena: Arena,
  list: Ref,
  node: Ref,
  index: number,
  count: number,
): number {
  const entries = entryCount(arena, node);
  const removed = Math.min(count, entries - index);
  if (removed === entries) {
    remove(arena, list, node);
    return removed;
  }
  if (previousNode(arena, node) !== 0 && nextNode(arena, node) !== 0) dropIndex(arena, list);
  const ref = content(arena, node);
  const changed = index === 0
    ? ends.removeHead(arena, ref, removed)
    : listpack.remove(arena, ref, listpack.seek(arena, ref, index), removed);
  setContent(arena, node, changed, entries - removed);
  addElements(arena, list, -removed);
  return removed;
}

/** Redis: whether a packed node of so many bytes and entries is within the limits. */
function isWithin(nodeBytes: number, entriesBelowLimit: boolean, fill: number): boolean {
  if (fill < 0) return nodeBytes <= FILL_BYTES[Math.min(-fill, FILL_BYTES.length) - 1];
  return nodeBytes <= COUNTED_NODE_BYTES_MAX && entriesBelowLimit;
}

/** Whether a list is one packed node that is within the limits. */
export function isOneSmallNode(memory: Memory, list: Ref, fill: number): boolean {
  const node = firstNode(memory, list);
  if (node === 0 || node !== lastNode(memory, list) || isPlain(memory, node)) return false;
  return isWithin(contentBytes(memory, node), entryCount(memory, node) <= fill, fill);
}

/** Whether an element of `length` bytes may be added to `node`; never to none (0). */
export function allowsInsert(arena: Arena, node: Ref, fill: number, length: number): boolean {
  if (node === 0) return false;
  const entries = arena.word(node, NODE_ENTRIES);
  if (entries === PLAIN || isLong(arena, length)) return false;
  const nodeBytes = listpack.byteLength(arena, content(arena, node));
  return isWithin(nodeBytes + length + ENTRY_OVERHEAD_BYTES, entries < fill, fill);
}

function allowsMerge(memory: Memory, a: Ref, b: Ref, fill: number): boolean {
  if (a === 0 || b === 0 || isPlain(memory, a) || isPlain(memory, b)) return false;
  const merged = contentBytes(memory, a) + contentBytes(memory, b) - MERGE_SAVING_BYTES;
  return isWithin(merged, entryCount(memory, a) + entryCount(memory, b) <= fill, fill);
}

/** Moves all entries of `node` to the end of its predecessor and removes it. Returns the latter. */
function mergeIntoPrevious(arena: Arena, list: Ref, node: Ref): Ref {
  dropIndex(arena, list);
  const target = previousNode(arena, node);
  const moved = entryCount(arena, node);
  const ref = listpack.appendAll(arena, content(arena, target), content(arena, node));
  setContent(arena, target, ref, entryCount(arena, target) + moved);
  addElements(arena, list, moved);
  remove(arena, list, node);
  return target;
}

/**
 * Redis: after a split, tries to merge the two nodes before `center`, the two behind it, and then
 * `center` with each of its neighbours.
 */
export function mergeAround(arena: Arena, list: Ref, center: Ref, fill: number): void {
  const previous = previousNode(arena, center);
  if (previous !== 0 && allowsMerge(arena, previous, previousNode(arena, previous), fill)) {
    mergeIntoPrevious(arena, list, previous);
  }
  const next = nextNode(arena, center);
  if (next !== 0 && allowsMerge(arena, next, nextNode(arena, next), fill)) {
    mergeIntoPrevious(arena, list, nextNode(arena, next));
  }
  let target = center;
  if (allowsMerge(arena, center, previousNode(arena, center), fill)) {
    target = mergeIntoPrevious(arena, list, center);
  }
  if (allowsMerge(arena, target, nextNode(arena, target), fill)) {
    mergeIntoPrevious(arena, list, nextNode(arena, target));
  }
}

/**
 * Splits a packed node: it keeps the entries up to number `index` inclusive, and a
 * new node right behind it gets the rest; there must be a rest, and `index` may not be -1.
 */
export function splitBehind(arena: Arena, list: Ref, node: Ref, index: number): Ref {
  dropIndex(arena, list);
  const ref = content(arena, node);
  const entries = entryCount(arena, node);
  const kept = index + 1;
  const position = listpack.seek(arena, ref, kept);
  const rest = listpack.remove(arena, listpack.duplicate(arena, ref), listpack.FIRST, kept);
  setContent(arena, node, listpack.remove(arena, ref, position, entries - kept), kept);
  addElements(arena, list, kept - entries);
  const second = createPacked(arena, rest, entries - kept);
  link(arena, list, second, node, true);
  return second;
}
