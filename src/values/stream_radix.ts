/**
 * Stream radix: how many nodes the radix tree would have in which Redis keeps the index of a
 * stream, for XINFO STREAM tells that number. Nothing is kept in such a tree here; the number is
 * kept with the stream and changed as nodes of the stream come and go.
 *
 * Keys are ids as 16 bytes. A run of bytes without a branch is one node, a branch is one, and so is
 * the end of a key. So the ids that are neighbours, and how many bytes they have in common, tell
 * what one more key changes.
 */
import { scratch } from "../base/scratch.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { ID_RAW_BYTES } from "./stream_id.ts";

/** Nodes of a tree without keys: its root. */
export const EMPTY_RADIX_NODES = 1;
/** Above every branch: the depth of what is no branch. */
const NO_BRANCH = -1;

const cursor = scratch(new IdTreeCursor());
const below = new Id128();
const above = new Id128();
const edge = new Id128();
const outer = new Id128();

/** How many nodes more there are with an id, which the index does not have. O(log n). */
export function radixNodesOf(memory: Memory, index: Ref, id: Id128): number {
  if (idTree.count(memory, index) === 0) return 1;
  const hasBelow = cursor.seekNotAbove(memory, index, id);
  if (hasBelow) cursor.readId(below);
  const hasAbove = hasBelow ? cursor.next() : cursor.seekFirst(memory, index);
  if (hasAbove) cursor.readId(above);
  const depthBelow = hasBelow ? commonBytes(below, id) : NO_BRANCH;
  const depthAbove = hasAbove ? commonBytes(id, above) : NO_BRANCH;
  // Where both neighbours leave the way of the id at once, they part there already.
  if (depthBelow === depthAbove) return nodesBelow(depthBelow, ID_RAW_BYTES);
  return depthBelow > depthAbove
    ? nodesBesides(memory, index, below, depthBelow, depthAbove, false)
    : nodesBesides(memory, index, above, depthAbove, depthBelow, true);
}

/**
 * How many nodes more there are with an id that leaves the way of its neighbour at `depth`; it has
 * `otherDepth` bytes in common with the neighbour on the other side. All ids that go the same way
 * up to there lie on this side.
 */
function nodesBesides(
  memory: Memory,
  index: Ref,
  neighbour: Id128,
  depth: number,
  otherDepth: number,
  isAbove: boolean,
): number {
  // The last of those ids as seen from the new one, and the one behind it.
  setEnd(edge, neighbour, depth, isAbove);
  if (isAbove) cursor.seekNotAbove(memory, index, edge);
  else cursor.seekNotBelow(memory, index, edge);
  cursor.readId(edge);
  const isAlone = edge.compare(neighbour) === 0;
  const inner = isAlone ? ID_RAW_BYTES : commonBytes(edge, neighbour);
  const leaf = nodesBelow(depth, ID_RAW_BYTES);
  if (inner === depth) return leaf;
  const hasOuter = isAbove ? cursor.next() : cursor.previous();
  if (hasOuter) cursor.readId(outer);
  const parent = Math.max(hasOuter ? commonBytes(outer, neighbour) : NO_BRANCH, otherDepth);
  return nodesBelow(parent, depth) + nodesBelow(depth, inner) + leaf - nodesBelow(parent, inner);
}

/**
 * The same for ids that only ascend, from the first one on: what a file brings. Kept of the tree is
 * where the way to the last id has branches, a bit for each depth. O(1).
 */
export class AscendingIds {
  readonly #last = new Id128();
  #isEmpty = true;
  #branches = 0;

  /** Whether an id is above all that came. */
  isAbove(id: Id128): boolean {
    return this.#isEmpty || id.compare(this.#last) > 0;
  }

  /** How many nodes more there are with an id above all that came. */
  add(id: Id128): number {
    const nodes = this.#isEmpty ? 1 : this.#branchAt(commonBytes(id, this.#last));
    this.#isEmpty = false;
    this.#last.copyFrom(id);
    return nodes;
  }

  #branchAt(depth: number): number {
    const leaf = nodesBelow(depth, ID_RAW_BYTES);
    const bit = 1 << depth;
    const outside = this.#branches & (bit - 1);
    const inside = this.#branches & ~(bit - 1);
    this.#branches = outside | bit;
    if ((inside & bit) !== 0) return leaf;
    const parent = outside === 0 ? NO_BRANCH : 31 - Math.clz32(outside);
    const inner = inside === 0 ? ID_RAW_BYTES : 31 - Math.clz32(inside & -inside);
    return nodesBelow(parent, depth) + nodesBelow(depth, inner) + leaf - nodesBelow(parent, inner);
  }
}

/** Sets `out` to the least or the greatest id that begins with so many bytes of another. */
function setEnd(out: Id128, id: Id128, byteCount: number, isGreatest: boolean): void {
  const word = (value: number, index: number): number => {
    const kept = Math.min(4, Math.max(0, byteCount - index * 4));
    const free = kept === 0 ? -1 : kept === 4 ? 0 : -1 >>> (kept * 8);
    return isGreatest ? value | free : value & ~free;
  };
  out.set(word(id.w0, 0), word(id.w1, 1), word(id.w2, 2), word(id.w3, 3));
}

/** A branch or end at `depth` below the branch at `parent`: itself, and a run of bytes between. */
function nodesBelow(parent: number, depth: number): number {
  return depth > parent + 1 ? 2 : 1;
}

/** How many bytes two different ids begin with in common. */
function commonBytes(a: Id128, b: Id128): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0) >>> 3;
  if (a.w1 !== b.w1) return 4 + (Math.clz32(a.w1 ^ b.w1) >>> 3);
  if (a.w2 !== b.w2) return 8 + (Math.clz32(a.w2 ^ b.w2) >>> 3);
  return 12 + (Math.clz32(a.w3 ^ b.w3) >>> 3);
}
