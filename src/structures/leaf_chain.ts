/**
 * Leaf chain: what the B+trees here (score tree, id tree) have in common: the head of a tree knows
 * its first and its last leaf, and each leaf its neighbours, in these words of their blocks.
 */
import type { Arena } from "../memory/arena.ts";
import { type Ref, SEGMENT_SHIFT, wordOffsetOf } from "../memory/memory.ts";

export const TREE_FIRST_LEAF = 3;
export const TREE_LAST_LEAF = 4;
export const LEAF_PREVIOUS = 1;
export const LEAF_NEXT = 2;

/** The words of a block's segment, which may be written in this block. */
export function writable(arena: Arena, ref: Ref): Int32Array {
  arena.willWrite(ref);
  return arena.words[ref >>> SEGMENT_SHIFT];
}

/** Stores one word of a block. */
export function setWord(arena: Arena, ref: Ref, index: number, value: number): void {
  writable(arena, ref)[wordOffsetOf(ref) + index] = value;
}

/** Links the leaf `fresh` behind `leaf`. */
export function linkLeaf(arena: Arena, tree: Ref, leaf: Ref, fresh: Ref): void {
  setWord(arena, fresh, LEAF_PREVIOUS, leaf);
  setWord(arena, fresh, LEAF_NEXT, arena.word(leaf, LEAF_NEXT));
  relinkLeaf(arena, tree, fresh);
}

/** Points the neighbours of a leaf, or the tree where it has none, to the leaf. */
export function relinkLeaf(arena: Arena, tree: Ref, leaf: Ref): void {
  joinLeaves(arena, tree, arena.word(leaf, LEAF_PREVIOUS), leaf);
  joinLeaves(arena, tree, leaf, arena.word(leaf, LEAF_NEXT));
}

/** Takes a leaf out of the chain. */
export function unlinkLeaf(arena: Arena, tree: Ref, leaf: Ref): void {
  joinLeaves(arena, tree, arena.word(leaf, LEAF_PREVIOUS), arena.word(leaf, LEAF_NEXT));
}

/** Makes two leaves neighbours; 0 stands for what is before the first and behind the last. */
function joinLeaves(arena: Arena, tree: Ref, previous: Ref, next: Ref): void {
  if (previous === 0) setWord(arena, tree, TREE_FIRST_LEAF, next);
  else setWord(arena, previous, LEAF_NEXT, next);
  if (next === 0) setWord(arena, tree, TREE_LAST_LEAF, previous);
  else setWord(arena, next, LEAF_PREVIOUS, previous);
}
