/**
 * Quicklist: a list of elements as a doubly linked chain of listpacks.
 *
 * Both ends take and give elements in constant time, an element is found by skipping whole nodes
 * (quicklist_index.ts), and only one small block moves when something changes in the middle. An
 * element that is too long for a listpack stands alone in a plain node, as a byte string. The
 * layout, and the rules by which nodes fill up, split and merge, stand in quicklist_nodes.ts.
 *
 * The root never moves, so the ref of a list is good until it is freed. `fill` is the configured
 * list-max-listpack-size; a list does not remember it. Elements to be stored may not lie in the
 * list itself. Does not compress nodes.
 */
import { Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as byteString from "./byte_string.ts";
import * as listpack from "./listpack.ts";
import * as ends from "./listpack_ends.ts";
import { indexInNode, nodeOf } from "./quicklist_index.ts";
import * as nodes from "./quicklist_nodes.ts";

/** An empty list. */
export function create(arena: Arena): Ref {
  const list = arena.allocate(nodes.ROOT_BYTES);
  nodes.dropIndex(arena, list);
  for (let index = 0; index < nodes.ROOT_BYTES / 4; index++) nodes.setWord(arena, list, index, 0);
  return list;
}

/** Frees the list with all its nodes. O(nodes). */
export function free(arena: Arena, list: Ref): void {
  nodes.dropIndex(arena, list);
  for (let node = nodes.firstNode(arena, list); node !== 0;) {
    const next = nodes.nextNode(arena, node);
    nodes.freeNode(arena, node);
    node = next;
  }
  arena.free(list);
}

/** A copy of the list, with the same nodes. O(bytes). */
export function duplicate(arena: Arena, list: Ref): Ref {
  const copy = create(arena);
  for (let node = nodes.firstNode(arena, list); node !== 0; node = nodes.nextNode(arena, node)) {
    const ref = nodes.content(arena, node);
    if (nodes.isPlain(arena, node)) {
      appendPlain(arena, copy, byteString.duplicate(arena, ref));
    } else {
      const entries = nodes.entryCount(arena, node);
      const twin = nodes.createPacked(arena, listpack.duplicate(arena, ref), entries);
      nodes.link(arena, copy, twin, nodes.lastNode(arena, copy), true);
    }
  }
  return copy;
}

/** Number of elements. */
export function count(memory: Memory, list: Ref): number {
  return memory.word(list, nodes.ROOT_ELEMENTS);
}

/** Number of nodes (DEBUG OBJECT: ql_nodes). */
export function nodeCount(memory: Memory, list: Ref): number {
  return memory.word(list, nodes.ROOT_NODES);
}

/** Bytes of the content of all nodes (DEBUG OBJECT: ql_uncompressed_size). O(nodes). */
export function contentBytes(memory: Memory, list: Ref): number {
  let total = 0;
  forEachNode(memory, list, (node) => total += nodes.contentBytes(memory, node));
  return total;
}

/** Bytes of all blocks of the list. O(nodes). */
export function memoryBytes(arena: Arena, list: Ref): number {
  let total = arena.blockBytes(list);
  forEachNode(arena, list, (node) => total += nodes.memoryBytes(arena, node));
  return total;
}

/**
 * Calls `visit` with each node, in order. Ask quicklist_nodes.ts whether a node is plain and for
 * its content, a byte string then and a listpack otherwise.
 */
export function forEachNode(memory: Memory, list: Ref, visit: (node: Ref) => void): void {
  for (let node = nodes.firstNode(memory, list); node !== 0;) {
    const next = nodes.nextNode(memory, node);
    visit(node);
    node = next;
  }
}

/** Adds an element before all others. O(1) amortized. */
export function pushHead(
  arena: Arena,
  list: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  fill: number,
): void {
  const node = nodes.firstNode(arena, list);
  if (nodes.allowsInsert(arena, node, fill, length)) {
    const ref = nodes.content(arena, node);
    putBack(arena, list, node, ends.pushHead(arena, ref, bytes, start, length), 1);
  } else {
    if (node !== 0) nodes.trim(arena, node);
    nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, false);
  }
}

/** Adds an element behind all others. O(1). */
export function pushTail(
  arena: Arena,
  list: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  fill: number,
): void {
  const node = nodes.lastNode(arena, list);
  if (nodes.allowsInsert(arena, node, fill, length)) {
    const ref = nodes.content(arena, node);
    putBack(arena, list, node, ends.pushTail(arena, ref, bytes, start, length), 1);
  } else {
    nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, true);
  }
}

/** Adds a node with this listpack, which may not be empty, at the end: for loading. */
export function appendListpack(arena: Arena, list: Ref, ref: Ref): void {
  const node = nodes.createPacked(arena, ref, listpack.count(arena, ref));
  nodes.link(arena, list, node, nodes.lastNode(arena, list), true);
}

/** Adds a plain node with this byte string at the end: for loading. */
export function appendPlain(arena: Arena, list: Ref, ref: Ref): void {
  const node = nodes.createPlain(arena, ref);
  nodes.link(arena, list, node, nodes.lastNode(arena, list), true);
}

/** Reads the first element as `QuicklistCursor.read` does; the list may not be empty. */
export function readHead(memory: Memory, list: Ref, out: Slice): void {
  const node = nodes.firstNode(memory, list);
  readElement(memory, node, firstPosition(memory, node), out);
}

/** Reads the last element as `QuicklistCursor.read` does; the list may not be empty. */
export function readTail(memory: Memory, list: Ref, out: Slice): void {
  const node = nodes.lastNode(memory, list);
  readElement(memory, node, lastPosition(memory, node), out);
}

/** Removes the first element; the list may not be empty. O(1) amortized. */
export function removeHead(arena: Arena, list: Ref): void {
  const node = nodes.firstNode(arena, list);
  if (nodes.entryCount(arena, node) === 1) return nodes.remove(arena, list, node);
  putBack(arena, list, node, ends.removeHead(arena, nodes.content(arena, node), 1), -1);
}

/** Removes the last element; the list may not be empty. O(1) amortized. */
export function removeTail(arena: Arena, list: Ref): void {
  const node = nodes.lastNode(arena, list);
  if (nodes.entryCount(arena, node) === 1) return nodes.remove(arena, list, node);
  putBack(arena, list, node, ends.removeTail(arena, nodes.content(arena, node)), -1);
}

/**
 * Removes up to `elementCount` elements from number `start` on (negative: counted from the tail)
 * and returns how many. Whole nodes are freed unread: O(nodes passed).
 */
export function removeRange(
  arena: Arena,
  list: Ref,
  start: number,
  elementCount: number,
): number {
  const total = count(arena, list);
  const first = start < 0 ? start + total : start;
  if (first < 0 || first >= total) return 0;
  const removed = Math.max(0, Math.min(elementCount, total - first));
  if (first + removed === total) removeLast(arena, list, removed);
  else removeFrom(arena, list, first, removed);
  return removed;
}

/** Removes so many elements from number `first` on. */
function removeFrom(arena: Arena, list: Ref, first: number, elementCount: number): void {
  rangeCursor.seek(arena, list, first);
  let node = rangeCursor.node;
  let index = rangeCursor.index;
  let rest = elementCount;
  while (rest > 0) {
    const next = nodes.nextNode(arena, node);
    rest -= nodes.removeEntries(arena, list, node, index, rest);
    node = next;
    index = 0;
  }
}

/** Removes the last elements, so many: from the last node on, for none is then in the middle. */
function removeLast(arena: Arena, list: Ref, elementCount: number): void {
  let node = nodes.lastNode(arena, list);
  let rest = elementCount;
  while (rest > 0) {
    const previous = nodes.previousNode(arena, node);
    const entries = nodes.entryCount(arena, node);
    const index = Math.max(0, entries - rest);
    rest -= nodes.removeEntries(arena, list, node, index, rest);
    node = previous;
  }
}

/**
 * A place in a list: the element it stands on. Made once and used for many lists. A change of the
 * list by anything but the cursor itself makes the place invalid, until the next `seek`.
 */
export class QuicklistCursor {
  /** Node of the element; 0 = the cursor stands on none. */
  node: Ref = 0;
  /** Number of the element in its node. */
  index = 0;
  /** Position of the element in the node's listpack. */
  position = 0;

  /**
   * Goes to element number `index`, or from the tail with -1 as the last; false if there is none.
   * Skips nodes from the nearer end or, in a long list, from a place of its index.
   */
  seek(memory: Memory, list: Ref, index: number): boolean {
    const total = count(memory, list);
    const target = index < 0 ? index + total : index;
    this.node = 0;
    if (target < 0 || target >= total) return false;
    const node = nodeOf(memory, list, target, total);
    const rest = indexInNode();
    this.node = node;
    this.index = rest;
    this.position = nodes.isPlain(memory, node)
      ? listpack.FIRST
      : listpack.seek(memory, nodes.content(memory, node), rest);
    return true;
  }

  /** Goes to the next element; false, and on none, if there is none. O(1). */
  next(memory: Memory): boolean {
    const node = this.node;
    if (!nodes.isPlain(memory, node)) {
      const position = listpack.next(memory, nodes.content(memory, node), this.position);
      if (position !== -1) {
        this.position = position;
        this.index++;
        return true;
      }
    }
    return this.#enterFirst(memory, nodes.nextNode(memory, node));
  }

  /** Goes to the element before; false, and on none, if there is none. O(1). */
  previous(memory: Memory): boolean {
    const node = this.node;
    if (this.index > 0) {
      this.position = listpack.previous(memory, nodes.content(memory, node), this.position);
      this.index--;
      return true;
    }
    return this.#enterLast(memory, nodes.previousNode(memory, node));
  }

  /**
   * Points `out` at the element, an integer as decimal text (see `listpack.read`). Good until the
   * next write. Of a plain element it is a copy; `plainRef` does without.
   */
  read(memory: Memory, out: Slice): void {
    readElement(memory, this.node, this.position, out);
  }

  /** Whether the element is so long that it stands alone, as the byte string `plainRef`. */
  isPlain(memory: Memory): boolean {
    return nodes.isPlain(memory, this.node);
  }

  /** The byte string of a plain element: read it with byte_string.ts, piece by piece. */
  plainRef(memory: Memory): Ref {
    return nodes.content(memory, this.node);
  }

  /** Whether the element is these bytes. */
  equals(memory: Memory, bytes: Uint8Array, start: number, length: number): boolean {
    const ref = nodes.content(memory, this.node);
    if (!nodes.isPlain(memory, this.node)) {
      return listpack.equalsAt(memory, ref, this.position, bytes, start, length);
    }
    return byteString.byteLength(memory, ref) === length &&
      byteString.compare(memory, ref, bytes, start, length) === 0;
  }

  /** Inserts an element before the cursor's. Afterwards the cursor stands on none. */
  insertBefore(
    arena: Arena,
    list: Ref,
    bytes: Uint8Array,
    start: number,
    length: number,
    fill: number,
  ): void {
    const { node, index } = this;
    const neighbour = index === 0 ? nodes.previousNode(arena, node) : 0;
    this.node = 0;
    if (nodes.allowsInsert(arena, node, fill, length)) {
      insertInNode(arena, list, node, this.position, bytes, start, length);
    } else if (nodes.allowsInsert(arena, neighbour, fill, length)) {
      const end = listpack.end(arena, nodes.content(arena, neighbour));
      insertInNode(arena, list, neighbour, end, bytes, start, length);
    } else if (index === 0) {
      nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, false);
    } else {
      insertBySplit(arena, list, node, index - 1, false, bytes, start, length, fill);
    }
  }

  /** Inserts an element behind the cursor's. Afterwards the cursor stands on none. */
  insertAfter(
    arena: Arena,
    list: Ref,
    bytes: Uint8Array,
    start: number,
    length: number,
    fill: number,
  ): void {
    const { node, index } = this;
    const isLast = index === nodes.entryCount(arena, node) - 1;
    const neighbour = isLast ? nodes.nextNode(arena, node) : 0;
    this.node = 0;
    if (nodes.allowsInsert(arena, node, fill, length)) {
      const ref = nodes.content(arena, node);
      const after = isLast ? listpack.end(arena, ref) : listpack.next(arena, ref, this.position);
      insertInNode(arena, list, node, after, bytes, start, length);
    } else if (nodes.allowsInsert(arena, neighbour, fill, length)) {
      const first = firstPosition(arena, neighbour);
      insertInNode(arena, list, neighbour, first, bytes, start, length);
    } else if (isLast) {
      nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, true);
    } else {
      insertBySplit(arena, list, node, index, true, bytes, start, length, fill);
    }
  }

  /** Puts another element in the place of the cursor's. Afterwards the cursor stands on none. */
  replace(arena: Arena, list: Ref, bytes: Uint8Array, start: number, length: number): void {
    const node = this.node;
    const isLong = nodes.isLong(arena, length);
    if (nodes.isPlain(arena, node)) {
      nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, true);
      nodes.remove(arena, list, node);
    } else {
      const ref = nodes.content(arena, node);
      // Redis: a replacement may make a node larger than its fill factor allows.
      if (!isLong && listpack.fits(arena, ref, listpack.entryBytes(bytes, start, length))) {
        const changed = listpack.replace(arena, ref, this.position, bytes, start, length);
        nodes.setContent(arena, node, changed, nodes.entryCount(arena, node));
      } else {
        this.#replaceByNode(arena, list, nodes.createFor(arena, bytes, start, length));
      }
    }
    this.node = 0;
  }

  /**
   * Removes the cursor's element. Afterwards the cursor stands on the one behind it, or, if
   * `isForward` is false, on the one before it; false, and on none, if there is none.
   */
  remove(arena: Arena, list: Ref, isForward: boolean): boolean {
    const { node, index } = this;
    const entries = nodes.entryCount(arena, node);
    if (entries === 1) {
      const next = nodes.nextNode(arena, node);
      const previous = nodes.previousNode(arena, node);
      nodes.remove(arena, list, node);
      return isForward ? this.#enterFirst(arena, next) : this.#enterLast(arena, previous);
    }
    nodes.dropIndex(arena, list);
    const ref = listpack.remove(arena, nodes.content(arena, node), this.position, 1);
    putBack(arena, list, node, ref, -1);
    if (isForward) {
      // The position is now that of the entry behind, if there is one.
      if (index < entries - 1) return true;
      return this.#enterFirst(arena, nodes.nextNode(arena, node));
    }
    return this.previous(arena);
  }

  /** Puts a node of its own in the place of the element of a packed node. */
  #replaceByNode(arena: Arena, list: Ref, replacement: Ref): void {
    const { node, index } = this;
    if (index < nodes.entryCount(arena, node) - 1) nodes.splitBehind(arena, list, node, index);
    nodes.link(arena, list, replacement, node, true);
    nodes.removeEntries(arena, list, node, index, 1);
  }

  #enterFirst(memory: Memory, node: Ref): boolean {
    this.node = node;
    if (node === 0) return false;
    this.index = 0;
    this.position = firstPosition(memory, node);
    return true;
  }

  #enterLast(memory: Memory, node: Ref): boolean {
    this.node = node;
    if (node === 0) return false;
    this.index = nodes.entryCount(memory, node) - 1;
    this.position = lastPosition(memory, node);
    return true;
  }
}

const rangeCursor = new QuicklistCursor();

/** Position of the first element of a node. */
function firstPosition(memory: Memory, node: Ref): number {
  if (nodes.isPlain(memory, node)) return listpack.FIRST;
  return listpack.begin(memory, nodes.content(memory, node));
}

/** Position of the last element of a node. */
function lastPosition(memory: Memory, node: Ref): number {
  if (nodes.isPlain(memory, node)) return listpack.FIRST;
  return listpack.last(memory, nodes.content(memory, node));
}

function readElement(memory: Memory, node: Ref, position: number, out: Slice): void {
  const ref = nodes.content(memory, node);
  if (nodes.isPlain(memory, node)) {
    const bytes = byteString.toBytes(memory, ref);
    out.set(bytes, 0, bytes.length);
  } else {
    listpack.read(memory, ref, position, out);
  }
}

/** Inserts an element before `position` of a packed node that has room. */
function insertInNode(
  arena: Arena,
  list: Ref,
  node: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  nodes.dropIndex(arena, list);
  const ref = nodes.content(arena, node);
  const changed = listpack.insertBefore(arena, ref, position, bytes, start, length);
  putBack(arena, list, node, changed, 1);
}

/** Puts the changed listpack of a packed node back, which has so many entries more (or fewer). */
function putBack(arena: Arena, list: Ref, node: Ref, ref: Ref, change: number): void {
  nodes.setContent(arena, node, ref, nodes.entryCount(arena, node) + change);
  nodes.addElements(arena, list, change);
}

/**
 * Inserts an element between entries number `index` and `index + 1` of a full packed node. Redis:
 * the element goes to the half that did not hold the cursor's, and merging starts from the other.
 */
function insertBySplit(
  arena: Arena,
  list: Ref,
  node: Ref,
  index: number,
  isAfter: boolean,
  bytes: Uint8Array,
  start: number,
  length: number,
  fill: number,
): void {
  const second = nodes.splitBehind(arena, list, node, index);
  if (nodes.isLong(arena, length)) {
    nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, true);
    return;
  }
  const receiver = isAfter ? second : node;
  const ref = nodes.content(arena, receiver);
  if (!listpack.fits(arena, ref, listpack.entryBytes(bytes, start, length))) {
    nodes.link(arena, list, nodes.createFor(arena, bytes, start, length), node, true);
    return;
  }
  const position = isAfter ? listpack.begin(arena, ref) : listpack.end(arena, ref);
  insertInNode(arena, list, receiver, position, bytes, start, length);
  nodes.mergeAround(arena, list, isAfter ? node : second, fill);
}
