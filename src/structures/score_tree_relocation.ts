/**
 * Score tree, part four: moves the nodes of a tree out of slabs that are to be emptied
 * (`Arena.relocate`), a leaf at a time, so that a large tree can be walked between commands. The
 * place in such a walk is a rank, for refs of nodes do not outlive a command. If elements before it
 * come or go meanwhile, the walk meets a leaf twice or misses one, which does no harm.
 *
 * Entries are not moved here: they are the dict's, and `replaceEntry` tells the tree.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { relinkLeaf } from "./leaf_chain.ts";
import {
  NODE_COUNT,
  pathNodes,
  pathSlots,
  pathToRank,
  RECORD_CHILD,
  recordAt,
  setWord,
  TREE_COUNT,
  TREE_HEIGHT,
  TREE_ROOT,
  writable,
} from "./score_tree_nodes.ts";

/**
 * Moves the leaf that holds the element at `rank`, and the inner nodes above it. Returns the rank
 * of the first element behind the leaf; -1 if there is none. O(log n).
 */
export function relocateLeaf(arena: Arena, tree: Ref, rank: number): number {
  const elements = arena.word(tree, TREE_COUNT);
  if (elements > 0 && rank >= elements) return -1;
  pathToRank(arena, tree, rank);
  const height = arena.word(tree, TREE_HEIGHT);
  for (let level = height; level >= 0; level--) {
    const node = pathNodes[level];
    const moved = arena.relocate(node);
    if (moved === node) continue;
    pathNodes[level] = moved;
    if (level === height) {
      setWord(arena, tree, TREE_ROOT, moved);
    } else {
      const parent = pathNodes[level + 1];
      const at = recordAt(parent, level + 1, pathSlots[level + 1]);
      writable(arena, parent)[at + RECORD_CHILD] = moved;
    }
  }
  const leaf = pathNodes[0];
  relinkLeaf(arena, tree, leaf);
  const end = rank - pathSlots[0] + arena.word(leaf, NODE_COUNT);
  return end < elements ? end : -1;
}
