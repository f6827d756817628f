/**
 * Name tree: dict entries in the order of their keys, each key once: a score tree in which all have
 * one score. For small sets of names that are looked up, and walked in order.
 *
 * The tree only points to the entries; whoever puts them in owns them.
 */
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dictEntry from "./dict_entry.ts";
import * as scoreTree from "./score_tree.ts";
import { ScoreTreeCursor } from "./score_tree.ts";

const SCORE = 0;
const cursor = scratch(new ScoreTreeCursor());

export { count, create, free, memoryBytes } from "./score_tree.ts";

/** The entry whose key is these bytes, or 0. O(log n). */
export function find(
  memory: Memory,
  tree: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  // Many of these trees have a single name.
  const first = scoreTree.lowestEntry(memory, tree);
  if (first === 0 || dictEntry.hasKey(memory, first, bytes, start, length)) return first;
  if (!cursor.seekMember(memory, tree, bytes, start, length)) return 0;
  return dictEntry.hasKey(memory, cursor.entry, bytes, start, length) ? cursor.entry : 0;
}

/** Adds an entry, whose key must not be in the tree. */
export function insert(arena: Arena, tree: Ref, entry: Ref): void {
  scoreTree.insert(arena, tree, SCORE, entry);
}

/** Takes an entry out. */
export function remove(arena: Arena, tree: Ref, entry: Ref): void {
  scoreTree.remove(arena, tree, SCORE, entry);
}

/** Points the tree to the block into which an entry was moved. */
export function replace(arena: Arena, tree: Ref, oldEntry: Ref, newEntry: Ref): void {
  scoreTree.replaceEntry(arena, tree, SCORE, oldEntry, newEntry);
}

/** The entry at a place in the order, 0 for the first; 0 if there is none. O(log n). */
export function entryAt(memory: Memory, tree: Ref, rank: number): Ref {
  return cursor.seek(memory, tree, rank) ? cursor.entry : 0;
}

/** All entries in order, as they are now. */
export function entries(memory: Memory, tree: Ref): Ref[] {
  const found: Ref[] = [];
  scoreTree.forEach(memory, tree, (_score, entry) => void found.push(entry));
  return found;
}
