/**
 * Stream: entries in the order of their ids, and the groups that read them.
 *
 *   word    field of the root block, whose ref changes only in `stream_relocation.ts`
 *   0       index: an id tree from the id of a node's first entry to the node (stream_node.ts)
 *   1       groups: a name tree (stream_group.ts), or 0
 *   2, 3    entries that live, a double
 *   4, 5    entries ever added: 64 bits, the low word first
 *   6…9     the last id that was given out
 *   10…13   id of the first entry; 0-0 if there is none
 *   14…17   the greatest id that was ever deleted by XDEL
 *   18      nodes of a radix tree for the index (stream_radix.ts)
 *   19      nodes at the end that were not looked at for packing yet (stream_packing.ts), or more
 *
 * Nodes are filled up one after the other and never merged: a deleted entry is only marked, and a
 * node goes when its last entry does, as in Redis.
 */
import { scratch } from "../base/scratch.ts";
import type { Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
  wordOffsetOf,
} from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { MAX_ID, MIN_ID, placeBetween } from "./stream_id.ts";
import * as streamNode from "./stream_node.ts";
import type { FieldSource } from "./stream_node.ts";
import { StreamNodeReader } from "./stream_node_reader.ts";
import { EMPTY_RADIX_NODES, radixNodesOf } from "./stream_radix.ts";

const ROOT_INDEX = 0;
const ROOT_GROUPS = 1;
const ROOT_LENGTH = 2;
const ROOT_ADDED = 4;
const ROOT_LAST_ID = 6;
const ROOT_FIRST_ID = 10;
const ROOT_DELETED_ID = 14;
const ROOT_RADIX_NODES = 18;
const ROOT_UNSEEN_NODES = 19;
const ROOT_BYTES = 80;

const NODE_PAYLOAD_WORDS = 1;
/** From here on, of 1, a node is walked from its end; that takes more for each entry. */
const LOOK_BACK_PLACE = 0.6;
/** What of its nodes a stream may have as room for the next one. */
const NEXT_NODE_SHARE = 1 / 8;

/** The limits of a node, from the configuration; 0 = none. */
export interface StreamLimits {
  /** stream-node-max-bytes */
  nodeBytesMax: number;
  /** stream-node-max-entries */
  nodeEntriesMax: number;
}

const NO_LIMITS: StreamLimits = { nodeBytesMax: 0, nodeEntriesMax: 0 };
const nodeCursor = scratch(new IdTreeCursor());
const reader = scratch(new StreamNodeReader());
const master = new Id128();

/** An empty stream. */
export function create(arena: Arena): Ref {
  const index = idTree.create(arena, NODE_PAYLOAD_WORDS);
  const stream = arena.allocate(ROOT_BYTES);
  const at = wordOffsetOf(stream);
  const words = arena.words[stream >>> SEGMENT_SHIFT];
  words.fill(0, at, at + ROOT_BYTES / 4);
  words[at + ROOT_INDEX] = index;
  words[at + ROOT_RADIX_NODES] = EMPTY_RADIX_NODES;
  return stream;
}

/** The id tree of the nodes. */
export function indexOf(memory: Memory, stream: Ref): Ref {
  return memory.word(stream, ROOT_INDEX);
}

/** The name tree of the groups, or 0. */
export function groupsOf(memory: Memory, stream: Ref): Ref {
  return memory.word(stream, ROOT_GROUPS);
}

export function setIndex(arena: Arena, stream: Ref, index: Ref): void {
  writableRoot(arena, stream)[wordOffsetOf(stream) + ROOT_INDEX] = index;
}

export function setGroups(arena: Arena, stream: Ref, groups: Ref): void {
  writableRoot(arena, stream)[wordOffsetOf(stream) + ROOT_GROUPS] = groups;
}

/** Number of entries that live (XLEN). */
export function length(memory: Memory, stream: Ref): number {
  return memory.double(stream, ROOT_LENGTH);
}

/** Nodes that a radix tree for the index would have (XINFO STREAM). */
export function radixNodeCount(memory: Memory, stream: Ref): number {
  return memory.word(stream, ROOT_RADIX_NODES);
}

/** Nodes at the end that were not looked at for packing yet; or more than that. */
export function unseenNodes(memory: Memory, stream: Ref): number {
  return memory.word(stream, ROOT_UNSEEN_NODES);
}

export function setUnseenNodes(arena: Arena, stream: Ref, nodes: number): void {
  writableRoot(arena, stream)[wordOffsetOf(stream) + ROOT_UNSEEN_NODES] = nodes;
}

/** Number of nodes. */
export function nodeCount(memory: Memory, stream: Ref): number {
  return idTree.count(memory, indexOf(memory, stream));
}

export function readLastId(memory: Memory, stream: Ref, out: Id128): void {
  readId(memory, stream, ROOT_LAST_ID, out);
}

export function readFirstId(memory: Memory, stream: Ref, out: Id128): void {
  readId(memory, stream, ROOT_FIRST_ID, out);
}

/** The greatest id that was deleted by itself; 0-0 if none was. */
export function readMaxDeletedId(memory: Memory, stream: Ref, out: Id128): void {
  readId(memory, stream, ROOT_DELETED_ID, out);
}

export function setLastId(arena: Arena, stream: Ref, id: Id128): void {
  id.store(writableRoot(arena, stream), wordOffsetOf(stream) + ROOT_LAST_ID);
}

export function setFirstId(arena: Arena, stream: Ref, id: Id128): void {
  id.store(writableRoot(arena, stream), wordOffsetOf(stream) + ROOT_FIRST_ID);
}

export function setMaxDeletedId(arena: Arena, stream: Ref, id: Id128): void {
  id.store(writableRoot(arena, stream), wordOffsetOf(stream) + ROOT_DELETED_ID);
}

/** Entries ever added, an unsigned 64-bit integer. */
export function entriesAdded(memory: Memory, stream: Ref): bigint {
  const high = memory.word(stream, ROOT_ADDED + 1) >>> 0;
  return (BigInt(high) << 32n) | BigInt(memory.word(stream, ROOT_ADDED) >>> 0);
}

export function setEntriesAdded(arena: Arena, stream: Ref, added: bigint): void {
  const words = writableRoot(arena, stream);
  const at = wordOffsetOf(stream) + ROOT_ADDED;
  words[at] = Number(BigInt.asIntN(32, added));
  words[at + 1] = Number(BigInt.asIntN(32, added >> 32n));
}

function readId(memory: Memory, stream: Ref, word: number, out: Id128): void {
  out.load(memory.words[stream >>> SEGMENT_SHIFT], wordOffsetOf(stream) + word);
}

function writableRoot(arena: Arena, stream: Ref): Int32Array {
  arena.willWrite(stream);
  return arena.words[stream >>> SEGMENT_SHIFT];
}

function addRadixNodes(arena: Arena, stream: Ref, change: number): void {
  writableRoot(arena, stream)[wordOffsetOf(stream) + ROOT_RADIX_NODES] += change;
}

/** Changes how many entries live. */
export function addLength(arena: Arena, stream: Ref, change: number): void {
  const at = wordOffsetOf(stream) + ROOT_LENGTH;
  storeDouble(writableRoot(arena, stream), at, length(arena, stream) + change);
}

/**
 * Appends an entry of some pairs of field and value, which begin at argument `first` of `source`.
 * `id` must be above the last one; all pairs together fit a byte string. Returns whether there is a
 * new node for it.
 */
export function append(
  arena: Arena,
  stream: Ref,
  id: Id128,
  source: FieldSource,
  first: number,
  pairs: number,
  limits: StreamLimits,
): boolean {
  const index = indexOf(arena, stream);
  const isNew = !appendToLastNode(arena, index, id, source, first, pairs, limits);
  if (isNew) appendNode(arena, stream, index, id, source, first, pairs);
  const words = writableRoot(arena, stream);
  const at = wordOffsetOf(stream);
  const entries = length(arena, stream) + 1;
  storeDouble(words, at + ROOT_LENGTH, entries);
  words[at + ROOT_ADDED] = (words[at + ROOT_ADDED] + 1) | 0;
  if (words[at + ROOT_ADDED] === 0) words[at + ROOT_ADDED + 1]++;
  id.store(words, at + ROOT_LAST_ID);
  if (entries === 1) id.store(words, at + ROOT_FIRST_ID);
  return isNew;
}

/**
 * Appends an entry as a node of its own. There may be one under its id, of an entry that was
 * deleted, if XSETID has set the last id below it; such a node is filled up.
 */
function appendNode(
  arena: Arena,
  stream: Ref,
  index: Ref,
  id: Id128,
  source: FieldSource,
  first: number,
  pairs: number,
): void {
  const isTaken = idTree.find(arena, index, id);
  if (isTaken && appendToLastNode(arena, index, id, source, first, pairs, NO_LIMITS)) return;
  const roomBytes = closeLastNode(arena, index);
  const node = streamNode.create(arena, source, first, pairs, roomBytes);
  if (isTaken) {
    idTree.find(arena, index, id);
    const replaced = idTree.payload(arena, 0);
    reader.open(arena, replaced, id);
    addLength(arena, stream, -reader.count);
    streamNode.free(arena, replaced);
    setNode(arena, index, id, node);
  } else {
    insertNode(arena, stream, id, node, radixNodesOf(arena, index, id));
  }
}

/** Puts a node under an id that has none; says what nodes of a radix tree that takes. */
export function insertNode(
  arena: Arena,
  stream: Ref,
  id: Id128,
  node: number,
  radixNodes: number,
): void {
  addRadixNodes(arena, stream, radixNodes);
  setUnseenNodes(arena, stream, unseenNodes(arena, stream) + 1);
  idTree.insert(arena, indexOf(arena, stream), id);
  idTree.setPayload(arena, 0, node);
}

/** Returns false, having appended nothing, if a new node is due. */
function appendToLastNode(
  arena: Arena,
  index: Ref,
  id: Id128,
  source: FieldSource,
  first: number,
  pairs: number,
  limits: StreamLimits,
): boolean {
  if (!idTree.findLast(arena, index, master)) return false;
  let node = idTree.payload(arena, 0);
  // It is one of the old ones if those behind it were emptied.
  if (streamNode.isPacked(arena, node)) {
    node = streamNode.unpack(arena, node, null);
    idTree.setPayload(arena, 0, node);
  }
  const { nodeBytesMax, nodeEntriesMax } = limits;
  let bytes = streamNode.byteLength(arena, node);
  for (let argument = first; argument < first + pairs * 2; argument++) {
    bytes += source.lengths[argument];
  }
  if (nodeBytesMax !== 0 && bytes >= nodeBytesMax) return false;
  if (nodeEntriesMax !== 0 && entriesIn(arena, node) >= nodeEntriesMax) return false;
  const changed = streamNode.append(arena, node, master, id, source, first, pairs);
  if (changed === 0) return false;
  if (changed !== node) idTree.setPayload(arena, 0, changed);
  return true;
}

/** Entries in a node, deleted ones included. */
function entriesIn(memory: Memory, node: number): number {
  if (!streamNode.isLarge(node)) return streamNode.entryCount(memory, node);
  reader.open(memory, node, MIN_ID);
  return reader.count + reader.deleted;
}

/**
 * The last node will not grow any more. Returns the bytes of room that the next one gets at once:
 * as much as the last one takes, but no more than a part of the stream.
 */
function closeLastNode(arena: Arena, index: Ref): number {
  if (!idTree.findLast(arena, index, master)) return 0;
  const node = idTree.payload(arena, 0);
  const shrunk = streamNode.shrink(arena, node);
  if (shrunk !== node) idTree.setPayload(arena, 0, shrunk);
  const bytes = streamNode.byteLength(arena, shrunk);
  return Math.floor(bytes * Math.min(1, idTree.count(arena, index) * NEXT_NODE_SHARE));
}

/** Stores the new word of the node under an id. */
export function setNode(arena: Arena, index: Ref, id: Id128, node: number): void {
  idTree.find(arena, index, id);
  idTree.setPayload(arena, 0, node);
}

/** For a stream from a file, whose nodes were put in: says how many entries live in them. */
export function setLength(arena: Arena, stream: Ref, entries: number): void {
  addLength(arena, stream, entries - length(arena, stream));
}

/** Removes the entry of an id. Returns whether there was one. Does not change the first id. */
export function removeEntry(arena: Arena, stream: Ref, id: Id128): boolean {
  if (!edgeCursor.seek(arena, stream, id, id, false) || !edgeCursor.next()) return false;
  const node = edgeCursor.readNode(master);
  if (edgeCursor.nodeEntries === 1) removeNode(arena, stream, master, node);
  else edgeCursor.markDeleted(arena);
  addLength(arena, stream, -1);
  return true;
}

/** Frees a node and takes it out of the index; says nothing of the entries that lived in it. */
export function removeNode(arena: Arena, stream: Ref, id: Id128, node: number): void {
  const index = indexOf(arena, stream);
  streamNode.free(arena, node);
  idTree.find(arena, index, id);
  idTree.removeFound(arena, index);
  const nodes = radixNodesOf(arena, index, id);
  addRadixNodes(arena, stream, -nodes);
}

/** Finds out the id of the first entry after entries were removed. */
export function refreshFirstId(arena: Arena, stream: Ref): void {
  const isFound = edgeCursor.seek(arena, stream, MIN_ID, MAX_ID, false) && edgeCursor.next();
  setFirstId(arena, stream, isFound ? edgeCursor.id : MIN_ID);
}

/** Reads the id of the first entry, be it marked as deleted; the greatest id if there is none. */
export function readEdgeId(memory: Memory, stream: Ref, out: Id128): void {
  out.copyFrom(MAX_ID);
  if (!nodeCursor.seekFirst(memory, indexOf(memory, stream))) return;
  nodeCursor.readId(master);
  reader.open(memory, nodeCursor.payload(0), master);
  if (reader.next()) out.copyFrom(reader.id);
}

/** Whether there is an entry with this id. */
export function hasEntry(memory: Memory, stream: Ref, id: Id128): boolean {
  return edgeCursor.seek(memory, stream, id, id, false) && edgeCursor.next();
}

/** Walks over the entries of a range of ids. Made once and used again; good until a change. */
export class StreamCursor {
  readonly #nodes = new IdTreeCursor();
  readonly #reader = new StreamNodeReader();
  readonly #start = new Id128();
  readonly #end = new Id128();
  readonly #master = new Id128();
  #memory: Memory | null = null;
  #isBackward = false;
  #hasNode = false;

  /** Goes away from the stream it was in, and its memory. */
  forget(): void {
    this.#memory = null;
    this.#hasNode = false;
    this.#nodes.forget();
    this.#reader.forget();
  }

  /** Goes before the first entry of a range, or behind its last. False if there are no entries. */
  seek(memory: Memory, stream: Ref, start: Id128, end: Id128, isBackward: boolean): boolean {
    this.#memory = memory;
    this.#start.copyFrom(start);
    this.#end.copyFrom(end);
    this.#isBackward = isBackward;
    this.#hasNode = this.#seekNode(memory, indexOf(memory, stream), isBackward ? end : start);
    if (!this.#hasNode) return false;
    this.#openNode();
    if (!isBackward && start.compare(this.#master) > 0) this.#lookBack();
    return true;
  }

  /** Goes to the node at whose entries a walk from `from` on begins. False if there is none. */
  #seekNode(memory: Memory, index: Ref, from: Id128): boolean {
    const nodes = this.#nodes;
    if (!nodes.seekLast(memory, index)) return false;
    // Most readers want what came last, and need not search for it.
    nodes.readId(this.#master);
    if (from.compare(this.#master) >= 0) return true;
    return nodes.seekNotAbove(memory, index, from) ||
      (!this.#isBackward && nodes.seekFirst(memory, index));
  }

  /** Goes to the next entry of the range in the direction of the walk; false if there is none. */
  next(): boolean {
    return this.#isBackward ? this.#nextBackward() : this.#nextForward();
  }

  /** Id of the present entry. Not to be changed. */
  get id(): Id128 {
    return this.#reader.id;
  }

  /** Pairs of field and value of the present entry. */
  get pairs(): number {
    return this.#reader.pairs;
  }

  /** Reads the id under which the node of the present entry stands; returns the node. */
  readNode(id: Id128): number {
    id.copyFrom(this.#master);
    return this.#nodes.payload(0);
  }

  /** Entries that live in the node of the present entry. */
  get nodeEntries(): number {
    return this.#reader.count;
  }

  /** Marks the present entry as deleted, one that lives. Afterwards the cursor is good no more. */
  markDeleted(arena: Arena): void {
    const { flagsOffset, inflated } = this.#reader;
    const node = this.#nodes.payload(0);
    const changed = streamNode.markDeleted(arena, node, [flagsOffset], inflated);
    if (changed !== node) this.#nodes.setPayload(arena, 0, changed);
  }

  /** Goes before the first pair of the present entry. */
  beginPairs(): void {
    this.#reader.beginPairs();
  }

  /** Points `field` and `value` at the next pair of the present entry. */
  readPair(field: Slice, value: Slice): void {
    this.#reader.readPair(field, value);
  }

  #openNode(): void {
    this.#nodes.readId(this.#master);
    this.#reader.open(this.#memory!, this.#nodes.payload(0), this.#master);
    if (this.#isBackward) this.#reader.seekEnd();
  }

  /** Goes to the start from the end of the node if that seems nearer than its first entry. */
  #lookBack(): void {
    const reader = this.#reader;
    reader.seekEnd();
    if (!reader.previous() || reader.id.compare(this.#start) < 0) return;
    if (placeBetween(this.#start, this.#master, reader.id) < LOOK_BACK_PLACE) {
      reader.rewind();
      return;
    }
    while (reader.previous()) {
      if (reader.id.compare(this.#start) < 0) return;
    }
    reader.rewind();
  }

  #nextForward(): boolean {
    const reader = this.#reader;
    while (this.#hasNode) {
      while (reader.next()) {
        // What was deleted may have any id: XSETID can set the last id below it.
        if (reader.isDeleted || reader.id.compare(this.#start) < 0) continue;
        return reader.id.compare(this.#end) <= 0 || this.#finish();
      }
      this.#hasNode = this.#nodes.next();
      if (this.#hasNode) this.#openNode();
    }
    return false;
  }

  #nextBackward(): boolean {
    const reader = this.#reader;
    while (this.#hasNode) {
      while (reader.previous()) {
        if (reader.isDeleted || reader.id.compare(this.#end) > 0) continue;
        return reader.id.compare(this.#start) >= 0 || this.#finish();
      }
      this.#hasNode = this.#nodes.previous();
      if (this.#hasNode) this.#openNode();
    }
    return false;
  }

  #finish(): false {
    this.#hasNode = false;
    return false;
  }
}

const edgeCursor = scratch(new StreamCursor());

/** Visits all nodes in order; the id is good during the call only. */
export function forEachNode(
  memory: Memory,
  stream: Ref,
  visit: (id: Id128, node: number) => void,
): void {
  const cursor = new IdTreeCursor();
  const id = new Id128();
  const index = indexOf(memory, stream);
  for (let found = cursor.seekFirst(memory, index); found; found = cursor.next()) {
    cursor.readId(id);
    visit(id, cursor.payload(0));
  }
}

/** A copy of root and nodes, without groups. */
export function duplicateEntries(arena: Arena, stream: Ref): Ref {
  const index = idTree.duplicate(
    arena,
    indexOf(arena, stream),
    (_word, node) => streamNode.duplicate(arena, node),
  );
  const copy = arena.allocate(ROOT_BYTES);
  arena.copyBlock(stream, copy, ROOT_BYTES);
  setIndex(arena, copy, index);
  setGroups(arena, copy, 0);
  return copy;
}

/** Frees about `limit` nodes. Returns whether all are freed. */
export function releaseNodes(arena: Arena, stream: Ref, limit: number): boolean {
  const index = indexOf(arena, stream);
  return idTree.removeLast(arena, index, limit, (node) => streamNode.free(arena, node)) < limit;
}

/** Frees root and index of a stream that has neither nodes nor groups any more. */
export function freeRoot(arena: Arena, stream: Ref): void {
  idTree.freeEmpty(arena, indexOf(arena, stream));
  arena.free(stream);
}

/** Bytes of root, index and nodes; those of nodes estimated from `samples` of them, 0 = all. */
export function entriesMemoryBytes(arena: Arena, stream: Ref, samples: number): number {
  const index = indexOf(arena, stream);
  const total = idTree.count(arena, index);
  const looked = samples === 0 ? total : Math.min(samples, total);
  let bytes = 0;
  let found = nodeCursor.seekFirst(arena, index);
  for (let seen = 0; found && seen < looked; seen++, found = nodeCursor.next()) {
    bytes += streamNode.memoryBytes(arena, nodeCursor.payload(0));
  }
  if (looked > 0) bytes = Math.round(bytes / looked * total);
  return arena.blockBytes(stream) + idTree.memoryBytes(arena, index) + bytes;
}
