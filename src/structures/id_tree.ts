/**
 * Id tree: records in the order of their 128-bit ids, each with a payload of a few words that only
 * the owner understands: refs, numbers, whatever.
 *
 * The form is a B+tree whose leaves are linked in both directions. Made for ids that mostly come at
 * the end and go at the start: appending looks at the last leaf alone and leaves full nodes behind,
 * and a walk reads memory in order. Finding, inserting and removing anywhere is O(log n).
 *
 * `find`, `findLast` and `insert` leave behind which record is the present one; `payload` and
 * `setPayload` speak of it, and but for `findLast`, `removeFound`. It is good until the next call
 * of any of them for any tree.
 *
 * Layout, splitting and merging: id_tree_nodes.ts.
 */
import type { Arena } from "../memory/arena.ts";
import { Memory, type Ref, SEGMENT_SHIFT, wordOffsetOf } from "../memory/memory.ts";
import { Id128 } from "./id128.ts";
import {
  addFirstLeaf,
  freeRoot,
  heightOf,
  ID_WORDS,
  LEAF_NEXT,
  LEAF_PREVIOUS,
  leafWidth,
  makeRoomInLeaf,
  NODE_COUNT,
  openRecord,
  pathNodes,
  pathSlots,
  pathTo,
  pathToEnd,
  recordAt,
  recordsMax,
  relocatePath,
  removeAtPath,
  shape,
  TREE_BYTES,
  TREE_COUNT,
  TREE_FIRST_LEAF,
  TREE_LAST_LEAF,
  TREE_ROOT,
  TREE_SHAPE,
  TREE_UNITS,
  writable,
} from "./id_tree_nodes.ts";

/** The present record: its leaf, and the index in words of the segment at which it begins. */
let foundLeaf: Ref = 0;
let foundAt = 0;

/** An empty tree whose records have `payloadWords` words beside their ids (0 to 16). */
export function create(arena: Arena, payloadWords: number): Ref {
  const tree = arena.allocate(TREE_BYTES);
  const at = wordOffsetOf(tree);
  const words = arena.words[tree >>> SEGMENT_SHIFT];
  words.fill(0, at, at + TREE_BYTES / 4);
  words[at + TREE_SHAPE] = shape(0, payloadWords);
  words[at + TREE_UNITS] = arena.blockBytes(tree) >>> 3;
  return tree;
}

/** Number of records. */
export function count(memory: Memory, tree: Ref): number {
  return memory.word(tree, TREE_COUNT);
}

/** Bytes of all blocks of the tree; not of what payloads refer to. O(1). */
export function memoryBytes(memory: Memory, tree: Ref): number {
  return memory.word(tree, TREE_UNITS) * 8;
}

/** Makes the record of an id the present one; returns whether there is one. */
export function find(memory: Memory, tree: Ref, id: Id128): boolean {
  if (memory.word(tree, TREE_COUNT) === 0 || !pathTo(memory, tree, id)) return false;
  setFound(memory, tree);
  return true;
}

/** Makes the last record the present one and reads its id; returns whether there is one. O(1). */
export function findLast(memory: Memory, tree: Ref, out: Id128): boolean {
  if (memory.word(tree, TREE_COUNT) === 0) return false;
  foundLeaf = memory.word(tree, TREE_LAST_LEAF);
  const words = memory.words[foundLeaf >>> SEGMENT_SHIFT];
  const slot = words[wordOffsetOf(foundLeaf) + NODE_COUNT] - 1;
  foundAt = recordAt(foundLeaf, leafWidth(memory, tree), slot);
  out.load(words, foundAt);
  return true;
}

/**
 * Adds a record for an id and makes it the present one; the caller sets its whole payload. Returns
 * false, with the record that stands there as the present one, if the tree has the id already.
 */
export function insert(arena: Arena, tree: Ref, id: Id128): boolean {
  if (arena.word(tree, TREE_COUNT) === 0) {
    if (arena.word(tree, TREE_ROOT) === 0) addFirstLeaf(arena, tree);
    else pathToEnd(arena, tree);
  } else if (isBehindLast(arena, tree, id)) {
    if (appendToLastLeaf(arena, tree, id)) return true;
    pathToEnd(arena, tree);
  } else if (pathTo(arena, tree, id)) {
    setFound(arena, tree);
    return false;
  }
  makeRoomInLeaf(arena, tree, id);
  openRecord(arena, pathNodes[0], leafWidth(arena, tree), pathSlots[0], id);
  writable(arena, tree)[wordOffsetOf(tree) + TREE_COUNT]++;
  setFound(arena, tree);
  return true;
}

function setFound(memory: Memory, tree: Ref): void {
  foundLeaf = pathNodes[0];
  foundAt = recordAt(foundLeaf, leafWidth(memory, tree), pathSlots[0]);
}

function isBehindLast(memory: Memory, tree: Ref, id: Id128): boolean {
  const leaf = memory.word(tree, TREE_LAST_LEAF);
  const slot = memory.word(leaf, NODE_COUNT) - 1;
  const words = memory.words[leaf >>> SEGMENT_SHIFT];
  return id.compareStored(words, recordAt(leaf, leafWidth(memory, tree), slot)) < 0;
}

/** Appends without a search if the last leaf has room and is not a root that may have to grow. */
function appendToLastLeaf(arena: Arena, tree: Ref, id: Id128): boolean {
  const leaf = arena.word(tree, TREE_LAST_LEAF);
  const width = leafWidth(arena, tree);
  const slot = arena.word(leaf, NODE_COUNT);
  if (heightOf(arena, tree) === 0 || slot === recordsMax(width)) return false;
  openRecord(arena, leaf, width, slot, id);
  writable(arena, tree)[wordOffsetOf(tree) + TREE_COUNT]++;
  foundLeaf = leaf;
  foundAt = recordAt(leaf, width, slot);
  return true;
}

/** Word `index` of the present record's payload. */
export function payload(memory: Memory, index: number): number {
  return memory.words[foundLeaf >>> SEGMENT_SHIFT][foundAt + ID_WORDS + index];
}

/** Stores word `index` of the present record's payload. */
export function setPayload(arena: Arena, index: number, word: number): void {
  writable(arena, foundLeaf)[foundAt + ID_WORDS + index] = word;
}

/** Takes the record that `find` just found out of the tree. */
export function removeFound(arena: Arena, tree: Ref): void {
  removeAtPath(arena, tree, 1);
}

/** Hears of the payloads of records that go: of the first word of each, which must have one. */
export type PayloadVisitor = (word: number) => void;

/**
 * Takes the last records out, about `limit` of them but whole leaves, and tells `visit` of each.
 * Returns how many; less than `limit` if all are gone.
 */
export function removeLast(
  arena: Arena,
  tree: Ref,
  limit: number,
  visit: PayloadVisitor | null,
): number {
  let removed = 0;
  while (removed < limit && arena.word(tree, TREE_COUNT) !== 0) {
    pathToEnd(arena, tree);
    const leaf = pathNodes[0];
    const leafCount = pathSlots[0];
    if (visit !== null) {
      const width = leafWidth(arena, tree);
      // Read anew each time: what `visit` frees may replace the view of the leaf.
      const first = recordAt(leaf, width, 0) + ID_WORDS;
      for (let slot = 0; slot < leafCount; slot++) {
        visit(arena.words[leaf >>> SEGMENT_SHIFT][first + slot * width]);
      }
    }
    pathSlots[0] = 0;
    removeAtPath(arena, tree, leafCount);
    removed += leafCount;
  }
  return removed;
}

/** Frees a tree without records. */
export function freeEmpty(arena: Arena, tree: Ref): void {
  freeRoot(arena, tree);
  arena.free(tree);
}

/** Maps word `index` of a payload to what it is in a copy. */
export type PayloadMapper = (index: number, word: number) => number;

/** A copy of a tree. O(n). `map` may allocate. */
export function duplicate(arena: Arena, tree: Ref, map: PayloadMapper): Ref {
  const payloadWords = leafWidth(arena, tree) - ID_WORDS;
  const copy = create(arena, payloadWords);
  const cursor = new IdTreeCursor();
  const id = new Id128();
  for (let found = cursor.seekFirst(arena, tree); found; found = cursor.next()) {
    cursor.readId(id);
    insert(arena, copy, id);
    const leaf = foundLeaf;
    const at = foundAt + ID_WORDS;
    for (let index = 0; index < payloadWords; index++) {
      const word = map(index, cursor.payload(index));
      writable(arena, leaf)[at + index] = word;
    }
  }
  return copy;
}

/** Moves the tree itself, not its nodes, out of a slab that is to be emptied; returns its ref. */
export function relocate(arena: Arena, tree: Ref): Ref {
  return arena.relocate(tree);
}

/**
 * Moves the leaf at the place of `id`, and the inner nodes above it, out of slabs that are to be
 * emptied; `id` becomes the first one behind that leaf. Returns false if there is none. O(log n).
 */
export function relocateLeaf(arena: Arena, tree: Ref, id: Id128): boolean {
  if (arena.word(tree, TREE_ROOT) === 0) return false;
  pathTo(arena, tree, id);
  relocatePath(arena, tree);
  const next = arena.word(pathNodes[0], LEAF_NEXT);
  if (next === 0) return false;
  id.load(arena.words[next >>> SEGMENT_SHIFT], recordAt(next, leafWidth(arena, tree), 0));
  return true;
}

/** Calls `map` with the payload's first word of each record in the leaf at the place of `id`. */
export function mapLeaf(
  arena: Arena,
  tree: Ref,
  id: Id128,
  map: (word: number) => number,
): void {
  forEachRecord(arena, tree, id, (leaf, at) => {
    const word = arena.words[leaf >>> SEGMENT_SHIFT][at + ID_WORDS];
    const mapped = map(word);
    if (mapped !== word) writable(arena, leaf)[at + ID_WORDS] = mapped;
  });
}

/**
 * Calls `visit` with the id of each record in the leaf at the place of `id`, which is good during
 * the call only. `visit` may search and change other trees.
 */
export function forEachInLeaf(
  memory: Memory,
  tree: Ref,
  id: Id128,
  visit: (id: Id128) => void,
): void {
  const present = new Id128();
  forEachRecord(memory, tree, id, (leaf, at) => {
    present.load(memory.words[leaf >>> SEGMENT_SHIFT], at);
    visit(present);
  });
}

/** Calls `visit` for each record in the leaf at the place of `id`, with its index in words. */
function forEachRecord(
  memory: Memory,
  tree: Ref,
  id: Id128,
  visit: (leaf: Ref, at: number) => void,
): void {
  if (memory.word(tree, TREE_ROOT) === 0) return;
  pathTo(memory, tree, id);
  const leaf = pathNodes[0];
  const width = leafWidth(memory, tree);
  const leafCount = memory.word(leaf, NODE_COUNT);
  for (let slot = 0; slot < leafCount; slot++) visit(leaf, recordAt(leaf, width, slot));
}

const NO_MEMORY = new Memory();

/**
 * Walks over the records in both directions. Made once and used again and again; good until records
 * come or go, or a node is moved.
 */
export class IdTreeCursor {
  #memory: Memory = NO_MEMORY;
  #leaf: Ref = 0;
  #slot = 0;
  #leafCount = 0;
  #width = 0;

  /** Goes away from the tree it was in, and its memory. */
  forget(): void {
    this.#memory = NO_MEMORY;
    this.#leaf = 0;
  }

  /** Goes to the first record. Returns whether there is one. */
  seekFirst(memory: Memory, tree: Ref): boolean {
    this.#begin(memory, tree, memory.word(tree, TREE_FIRST_LEAF));
    this.#slot = 0;
    return this.#leafCount !== 0;
  }

  /** Goes to the last record. Returns whether there is one. */
  seekLast(memory: Memory, tree: Ref): boolean {
    this.#begin(memory, tree, memory.word(tree, TREE_LAST_LEAF));
    this.#slot = this.#leafCount - 1;
    return this.#leafCount !== 0;
  }

  /** Goes to the first record whose id is not below `id`. Returns whether there is one. */
  seekNotBelow(memory: Memory, tree: Ref, id: Id128): boolean {
    if (memory.word(tree, TREE_COUNT) === 0) return this.seekFirst(memory, tree);
    pathTo(memory, tree, id);
    this.#begin(memory, tree, pathNodes[0]);
    this.#slot = pathSlots[0];
    if (this.#slot < this.#leafCount) return true;
    this.#slot--;
    return this.next();
  }

  /** Goes to the last record whose id is not above `id`. Returns whether there is one. */
  seekNotAbove(memory: Memory, tree: Ref, id: Id128): boolean {
    if (memory.word(tree, TREE_COUNT) === 0) return this.seekFirst(memory, tree);
    const isFound = pathTo(memory, tree, id);
    this.#begin(memory, tree, pathNodes[0]);
    this.#slot = pathSlots[0];
    return isFound || this.previous();
  }

  /** Goes one record up. Returns whether there was one; if not, the walk is over. */
  next(): boolean {
    if (this.#leaf === 0) return false;
    if (++this.#slot < this.#leafCount) return true;
    this.#enter(this.#memory.word(this.#leaf, LEAF_NEXT));
    this.#slot = 0;
    return this.#leaf !== 0;
  }

  /** Goes one record down. Returns whether there was one; if not, the walk is over. */
  previous(): boolean {
    if (this.#leaf === 0) return false;
    if (--this.#slot >= 0) return true;
    this.#enter(this.#memory.word(this.#leaf, LEAF_PREVIOUS));
    this.#slot = this.#leafCount - 1;
    return this.#leaf !== 0;
  }

  /** Reads the id of the present record; only while there is one. */
  readId(out: Id128): void {
    out.load(this.#memory.words[this.#leaf >>> SEGMENT_SHIFT], this.#at());
  }

  /** Word `index` of the present record's payload; only while there is one. */
  payload(index: number): number {
    return this.#memory.words[this.#leaf >>> SEGMENT_SHIFT][this.#at() + ID_WORDS + index];
  }

  /** Stores word `index` of the present record's payload; only while there is one. */
  setPayload(arena: Arena, index: number, word: number): void {
    writable(arena, this.#leaf)[this.#at() + ID_WORDS + index] = word;
  }

  #at(): number {
    return recordAt(this.#leaf, this.#width, this.#slot);
  }

  #begin(memory: Memory, tree: Ref, leaf: Ref): void {
    this.#memory = memory;
    this.#width = leafWidth(memory, tree);
    this.#enter(leaf);
  }

  #enter(leaf: Ref): void {
    this.#leaf = leaf;
    this.#leafCount = leaf === 0 ? 0 : this.#memory.word(leaf, NODE_COUNT);
  }
}
