/**
 * Dict and tree: the root of a large collection that needs an order beside its dict: a sorted set
 * (by score), or a collection some of whose elements expire (by expiry).
 *
 *   word   field of the root block
 *   0      ref of the dict
 *   1      ref of the score tree; 0 once it has been freed
 *
 * Whose entries these are, and which of them are in the tree, is the owner's business. The root
 * never moves but by `relocateRoot`.
 */
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_SHIFT,
  wordOffsetOf,
} from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as scoreTree from "../structures/score_tree.ts";

export const ROOT_BYTES = 8;
const ROOT_DICT = 0;
const ROOT_TREE = 1;

/** A root for a dict, whose it becomes, with an empty tree. */
export function create(arena: Arena, members: Ref): Ref {
  const tree = scoreTree.create(arena);
  const root = arena.allocate(ROOT_BYTES);
  setRefs(arena, root, members, tree);
  return root;
}

/** The dict of all entries. */
export function dictOf(memory: Memory, root: Ref): Ref {
  return memory.words[root >>> SEGMENT_SHIFT][((root & OFFSET_MASK) << 1) + ROOT_DICT];
}

/** The score tree of the entries that have a place in the order. */
export function treeOf(memory: Memory, root: Ref): Ref {
  return memory.words[root >>> SEGMENT_SHIFT][((root & OFFSET_MASK) << 1) + ROOT_TREE];
}

/** Frees the tree; `treeOf` is 0 from then on. */
export function freeTree(arena: Arena, root: Ref): void {
  scoreTree.free(arena, treeOf(arena, root));
  arena.willWrite(root);
  arena.words[root >>> SEGMENT_SHIFT][wordOffsetOf(root) + ROOT_TREE] = 0;
}

/** Moves the root, and what hangs at it but entries and nodes, out of slabs to be emptied. */
export function relocateRoot(arena: Arena, root: Ref): Ref {
  const moved = arena.relocate(root);
  const members = dict.relocateTable(arena, dictOf(arena, moved));
  const tree = arena.relocate(treeOf(arena, moved));
  arena.willWrite(moved);
  setRefs(arena, moved, members, tree);
  return moved;
}

function setRefs(arena: Arena, root: Ref, members: Ref, tree: Ref): void {
  const words = arena.words[root >>> SEGMENT_SHIFT];
  words[wordOffsetOf(root) + ROOT_DICT] = members;
  words[wordOffsetOf(root) + ROOT_TREE] = tree;
}
