/**
 * List value: what commands and the RDB do with a quicklist: push and pop at either end, ranges,
 * search by element, and loading node by node.
 *
 * The encoding is always "quicklist", as in Redis 7.0, and the root of a quicklist never moves; so
 * all functions take the list's ref (`value.valueRef` of the entry), and no entry ever has to be
 * told of a change. `fill` is list-max-listpack-size. An empty list may exist only inside a
 * command, which removes its key before it ends.
 *
 * Elements that are stored must not lie in the arena if they come from a list: `takeEnd` copies one
 * out for LMOVE.
 */
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import { Int64, readText } from "../structures/int64_words.ts";
import * as listpack from "../structures/listpack.ts";
import * as encoding from "../structures/listpack_encoding.ts";
import * as quicklist from "../structures/quicklist.ts";
import * as nodes from "../structures/quicklist_nodes.ts";

/** Where elements go one by one; a Reply is one. The bytes are good during the call. */
export interface ElementSink {
  bulk(bytes: Uint8Array, start: number, length: number): void;
}

const cursor = new quicklist.QuicklistCursor();
const view = scratch(new Slice());
const integer = new Int64();

/** An element that others are compared with; whether it is an integer is found out only once. */
class WantedElement {
  readonly #text = new Slice();
  readonly #integer = new Int64();
  #isInteger = false;

  set(bytes: Uint8Array, start: number, byteCount: number): void {
    this.#text.set(bytes, start, byteCount);
    this.#isInteger = encoding.parseWanted(bytes, start, byteCount, this.#integer);
  }

  forget(): void {
    this.#text.forget();
  }

  /** Whether the element at which a cursor stands is the wanted one. */
  isAt(memory: Memory, cursor: quicklist.QuicklistCursor): boolean {
    const { bytes, start, length } = this.#text;
    if (cursor.isPlain(memory)) return cursor.equals(memory, bytes, start, length);
    const ref = nodes.content(memory, cursor.node);
    const at = ((ref & OFFSET_MASK) << 3) + cursor.position;
    const node = memory.bytes[ref >>> SEGMENT_SHIFT];
    return encoding.matches(node, at, bytes, start, length, this.#isInteger ? this.#integer : null);
  }
}

const wanted = scratch(new WantedElement());

/** Elements up to this size are copied out into one array that is used again and again. */
const SCRATCH_BYTES = nodes.PACKED_ELEMENT_BYTES_MAX;
const elementBytes = readyForCopies(new Uint8Array(SCRATCH_BYTES));

/** An empty list, in no database yet. */
export function create(arena: Arena): Ref {
  return quicklist.create(arena);
}

/** A copy of the list with all its elements. O(bytes). */
export function duplicate(arena: Arena, list: Ref): Ref {
  return quicklist.duplicate(arena, list);
}

/** Number of elements. */
export function length(memory: Memory, list: Ref): number {
  return quicklist.count(memory, list);
}

/** Number of nodes: roughly half the blocks that it takes to free the list. */
export function nodeCount(memory: Memory, list: Ref): number {
  return quicklist.nodeCount(memory, list);
}

/**
 * Whether Redis from 7.2 on would keep the list as a listpack alone; `fill` is list-max-listpack-
 * size. (A list that shrinks becomes one in Redis only when it is half as large.)
 */
export function isListpack(memory: Memory, list: Ref, fill: number): boolean {
  return nodes.isOneSmallNode(memory, list, fill);
}

/** Bytes of all blocks of the list (MEMORY USAGE). O(nodes). */
export function memoryBytes(arena: Arena, list: Ref): number {
  return quicklist.memoryBytes(arena, list);
}

/**
 * Frees up to `limit` nodes of a list that is out of the keyspace. Returns whether it is freed as a
 * whole. Once begun, the list is of no other use.
 */
export function releaseStep(arena: Arena, list: Ref, limit: number): boolean {
  nodes.dropIndex(arena, list);
  let node = nodes.firstNode(arena, list);
  for (let freed = 0; node !== 0 && freed < limit; freed++) {
    const next = nodes.nextNode(arena, node);
    nodes.freeNode(arena, node);
    node = next;
  }
  if (node === 0) {
    arena.free(list);
    return true;
  }
  nodes.setWord(arena, list, nodes.ROOT_FIRST, node);
  return false;
}

/** Adds an element at one end. O(1). */
export function push(
  arena: Arena,
  list: Ref,
  atHead: boolean,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
  fill: number,
): void {
  if (atHead) quicklist.pushHead(arena, list, bytes, start, byteCount, fill);
  else quicklist.pushTail(arena, list, bytes, start, byteCount, fill);
}

/** Points `out` at the element at one end, good until the next write. The list has elements. */
export function readEnd(memory: Memory, list: Ref, atHead: boolean, out: Slice): void {
  if (atHead) quicklist.readHead(memory, list, out);
  else quicklist.readTail(memory, list, out);
}

/** Removes the element at one end; the list has elements. O(1). */
export function removeEnd(arena: Arena, list: Ref, atHead: boolean): void {
  if (atHead) quicklist.removeHead(arena, list);
  else quicklist.removeTail(arena, list);
}

/** Removes the element at one end and points `out` at a copy of it, good until the next call. */
export function takeEnd(arena: Arena, list: Ref, atHead: boolean, out: Slice): void {
  readEnd(arena, list, atHead, out);
  const byteCount = out.length;
  const target = byteCount <= SCRATCH_BYTES ? elementBytes : new Uint8Array(byteCount);
  copyBytes(out.bytes, out.start, target, 0, byteCount);
  out.set(target, 0, byteCount);
  removeEnd(arena, list, atHead);
}

/**
 * Points `out` at element number `index` (negative: from the tail, -1 the last), good until the
 * next write; false if there is none. O(nodes).
 */
export function readAt(memory: Memory, list: Ref, index: number, out: Slice): boolean {
  if (!cursor.seek(memory, list, index)) return false;
  cursor.read(memory, out);
  return true;
}

/** Replaces element number `index` (negative: from the tail); false if there is none. O(nodes). */
export function setAt(
  arena: Arena,
  list: Ref,
  index: number,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
): boolean {
  if (!cursor.seek(arena, list, index)) return false;
  cursor.replace(arena, list, bytes, start, byteCount);
  return true;
}

/**
 * Inserts an element before or behind the first one that equals `pivot`; false if none does. Both
 * lie outside of the arena. O(n).
 */
export function insertBeside(
  arena: Arena,
  list: Ref,
  pivot: Slice,
  isBehind: boolean,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
  fill: number,
): boolean {
  wanted.set(pivot.bytes, pivot.start, pivot.length);
  let isOn = cursor.seek(arena, list, 0);
  while (isOn && !wanted.isAt(arena, cursor)) isOn = cursor.next(arena);
  if (!isOn) return false;
  if (isBehind) cursor.insertAfter(arena, list, bytes, start, byteCount, fill);
  else cursor.insertBefore(arena, list, bytes, start, byteCount, fill);
  return true;
}

/** Removes `count` elements from number `first` (from 0) on. O(nodes passed). */
export function removeRange(arena: Arena, list: Ref, first: number, count: number): void {
  if (count > 0) quicklist.removeRange(arena, list, first, count);
}

/**
 * Removes elements that equal the bytes: at most `limit`, found from the head or, backwards, from
 * the tail. Returns how many. O(n).
 */
export function removeEqual(
  arena: Arena,
  list: Ref,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
  limit: number,
  isBackward: boolean,
): number {
  wanted.set(bytes, start, byteCount);
  let removed = 0;
  let isOn = cursor.seek(arena, list, isBackward ? -1 : 0);
  while (isOn && removed < limit) {
    if (wanted.isAt(arena, cursor)) {
      isOn = cursor.remove(arena, list, !isBackward);
      removed++;
    } else {
      isOn = isBackward ? cursor.previous(arena) : cursor.next(arena);
    }
  }
  return removed;
}

/**
 * Looks for elements that equal the bytes, among the first `compareMax` from the head or,
 * backwards, from the tail. Calls `visit` with the number (from 0 at the head) of each; false
 * ends the search.
 */
export function forEachEqual(
  memory: Memory,
  list: Ref,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
  isBackward: boolean,
  compareMax: number,
  visit: (index: number) => boolean,
): void {
  wanted.set(bytes, start, byteCount);
  const total = quicklist.count(memory, list);
  const end = Math.min(total, compareMax);
  let isOn = cursor.seek(memory, list, isBackward ? -1 : 0);
  for (let compared = 0; isOn && compared < end; compared++) {
    if (wanted.isAt(memory, cursor) && !visit(isBackward ? total - 1 - compared : compared)) return;
    isOn = isBackward ? cursor.previous(memory) : cursor.next(memory);
  }
}

/**
 * Hands `count` elements from number `first` (from 0) on to `sink`, or, backwards, those from
 * `first` down. All must exist. O(nodes + count).
 */
export function emitRange(
  memory: Memory,
  list: Ref,
  first: number,
  count: number,
  isBackward: boolean,
  sink: ElementSink,
): void {
  if (count <= 0) return;
  cursor.seek(memory, list, first);
  if (isBackward) {
    for (let rest = count; rest > 0; rest--) {
      cursor.read(memory, view);
      sink.bulk(view.bytes, view.start, view.length);
      if (rest > 1) cursor.previous(memory);
    }
    return;
  }
  let { node, index } = cursor;
  for (let rest = count; rest > 0;) {
    const ref = nodes.content(memory, node);
    if (nodes.isPlain(memory, node)) {
      byteString.readAll(memory, ref, view);
      sink.bulk(view.bytes, view.start, view.length);
      rest--;
    } else {
      const taken = Math.min(rest, nodes.entryCount(memory, node) - index);
      const position = index === 0 ? listpack.begin(memory, ref) : cursor.position;
      emitEntries(memory, ref, position, taken, sink);
      rest -= taken;
    }
    node = nodes.nextNode(memory, node);
    index = 0;
  }
}

/** Hands all elements to `sink`, in order. */
export function emitAll(memory: Memory, list: Ref, sink: ElementSink): void {
  emitRange(memory, list, 0, quicklist.count(memory, list), false, sink);
}

/**
 * Calls `visit` with the content of each node, in order: a listpack, or the byte string of a plain
 * node.
 */
export function forEachNode(
  memory: Memory,
  list: Ref,
  visit: (isPlain: boolean, content: Ref) => void,
): void {
  quicklist.forEachNode(memory, list, (node) => {
    visit(nodes.isPlain(memory, node), nodes.content(memory, node));
  });
}

/**
 * Appends the elements of a listpack given as its bytes, which have been validated: as a node of
 * its own, or one by one if it is larger than a block. An empty one adds nothing.
 */
export function appendRawListpack(
  arena: Arena,
  list: Ref,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
  fill: number,
): void {
  if (byteCount <= listpack.EMPTY_BYTES) return;
  if (byteCount <= listpack.LISTPACK_BYTES_MAX) {
    quicklist.appendListpack(arena, list, listpack.fromRaw(arena, bytes, start, byteCount));
    return;
  }
  for (let at = start + listpack.FIRST; bytes[at] !== encoding.END;) {
    readEntry(bytes, at, view);
    quicklist.pushTail(arena, list, view.bytes, view.start, view.length, fill);
    at += encoding.entryBytesAt(bytes, at);
  }
}

/** Appends one element as Redis saves a plain node: alone if it is long, else like any other. */
export function appendElement(
  arena: Arena,
  list: Ref,
  bytes: Uint8Array,
  start: number,
  byteCount: number,
  fill: number,
): void {
  quicklist.pushTail(arena, list, bytes, start, byteCount, fill);
}

/** Hands `count` entries from `position` on to `sink`. The hot loop of LRANGE. */
function emitEntries(
  memory: Memory,
  ref: Ref,
  position: number,
  count: number,
  sink: ElementSink,
): void {
  const bytes = memory.bytes[ref >>> SEGMENT_SHIFT];
  let at = ((ref & OFFSET_MASK) << 3) + position;
  for (let rest = count; rest > 0; rest--) {
    const head = bytes[at];
    if (head >= 0x80 && head < 0xc0) {
      // Strings below 64 bytes are by far the most, then those below 4,096; the other kinds take
      // the general way.
      const own = head & 0x3f;
      sink.bulk(bytes, at + 1, own);
      at += own + 2;
    } else if (head >= 0xe0 && head < 0xf0) {
      const own = ((head & 0x0f) << 8) | bytes[at + 1];
      sink.bulk(bytes, at + 2, own);
      at += own + 2 + encoding.backwardLengthBytes(own + 2);
    } else {
      readEntry(bytes, at, view);
      sink.bulk(view.bytes, view.start, view.length);
      at += encoding.entryBytesAt(bytes, at);
    }
  }
}

/** Points `out` at the element of the listpack entry at `at`, an integer as decimal text. */
function readEntry(bytes: Uint8Array, at: number, out: Slice): void {
  const headerBytes = encoding.stringHeaderBytes(bytes, at);
  if (headerBytes !== 0) {
    out.set(bytes, at + headerBytes, encoding.bodyBytes(bytes, at) - headerBytes);
    return;
  }
  encoding.loadInteger(bytes, at, integer);
  readText(integer, out);
}
