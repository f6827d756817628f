/**
 * Expiring fields: a large hash some of whose fields expire: the dict of its fields
 * (field_entry.ts), and a score tree of those that have an expiry, by it (dict_and_tree.ts,
 * expiry_score.ts).
 *
 * A field that does not expire takes no more than in a plain hash; one that does, 8 bytes in its
 * entry and about 13 in the tree. What expires first is found in O(1).
 *
 * Functions whose name ends in "Found" take the entry that was just found in the dict.
 */
import { Slice } from "../base/bytes.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as scoreTree from "../structures/score_tree.ts";
import * as dictAndTree from "./dict_and_tree.ts";
import { dictOf, treeOf } from "./dict_and_tree.ts";
import { expiryOfScore, expiryScore } from "./expiry_score.ts";
import * as fieldEntry from "./field_entry.ts";
import { estimateEntryBytes } from "./random_sample.ts";
import { NO_EXPIRY } from "./value.ts";

const fieldView = scratch(new Slice());
const valueView = scratch(new Slice());

/** The expiry of the field that expires first, or NO_EXPIRY. O(1). */
export function nextExpiry(memory: Memory, root: Ref): number {
  const tree = treeOf(memory, root);
  if (scoreTree.count(memory, tree) === 0) return NO_EXPIRY;
  return expiryOfScore(scoreTree.lowestScore(memory, tree));
}

/** How many fields have an expiry before `nowMs`. */
export function countExpired(memory: Memory, root: Ref, nowMs: number): number {
  return scoreTree.countBelowScore(memory, treeOf(memory, root), nowMs, false);
}

/** Whether all fields have an expiry before `nowMs`. O(log n). */
export function haveAllExpired(memory: Memory, root: Ref, nowMs: number): boolean {
  return countExpired(memory, root, nowMs) === dict.count(memory, dictOf(memory, root));
}

/** Adds a field that was just looked for in vain, with an expiry or NO_EXPIRY. */
export function addNotFound(
  arena: Arena,
  root: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): void {
  const hash = dict.lastHash();
  const entry = fieldEntry.create(
    arena,
    field,
    fieldStart,
    fieldLength,
    bytes,
    start,
    length,
    expiryMs,
  );
  dict.insertHashed(arena, dictOf(arena, root), entry, hash);
  if (expiryMs === NO_EXPIRY) return;
  scoreTree.insert(arena, treeOf(arena, root), expiryScore(expiryMs, hash), entry);
}

/** Gives a field another value; its expiry stays or, unless `keepsExpiry`, goes. */
export function setFound(
  arena: Arena,
  root: Ref,
  found: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  keepsExpiry: boolean,
): void {
  const tree = treeOf(arena, root);
  const expiryMs = fieldEntry.expiryOf(arena, found);
  const score = expiryScore(expiryMs, dict.lastHash());
  let entry = found;
  if (expiryMs !== NO_EXPIRY && !keepsExpiry) {
    scoreTree.remove(arena, tree, score, found);
    entry = fieldEntry.setExpiry(arena, found, NO_EXPIRY);
  }
  const target = fieldEntry.setValue(arena, entry, bytes, start, length);
  if (target === found) return;
  dict.replaceFound(arena, found, target);
  if (expiryMs !== NO_EXPIRY && keepsExpiry) {
    scoreTree.replaceEntry(arena, tree, score, found, target);
  }
}

/** Gives a field an expiry (Unix time in ms), another one, or none (NO_EXPIRY). */
export function setExpiryFound(arena: Arena, root: Ref, found: Ref, expiryMs: number): void {
  const tree = treeOf(arena, root);
  const presentMs = fieldEntry.expiryOf(arena, found);
  if (presentMs === expiryMs) return;
  const hash = dict.lastHash();
  const presentScore = expiryScore(presentMs, hash);
  const score = expiryScore(expiryMs, hash);
  if (presentMs !== NO_EXPIRY && expiryMs !== NO_EXPIRY) {
    scoreTree.move(arena, tree, presentScore, score, found);
    fieldEntry.setExpiry(arena, found, expiryMs);
    return;
  }
  if (presentMs !== NO_EXPIRY) scoreTree.remove(arena, tree, presentScore, found);
  const target = fieldEntry.setExpiry(arena, found, expiryMs);
  dict.replaceFound(arena, found, target);
  if (expiryMs !== NO_EXPIRY) scoreTree.insert(arena, tree, score, target);
}

/** Removes a field. */
export function removeFound(arena: Arena, root: Ref, found: Ref): void {
  const expiryMs = fieldEntry.expiryOf(arena, found);
  const score = expiryScore(expiryMs, dict.lastHash());
  dict.removeFound(arena, dictOf(arena, root), found);
  if (expiryMs !== NO_EXPIRY) scoreTree.remove(arena, treeOf(arena, root), score, found);
  fieldEntry.free(arena, found);
}

/** Removes the `fields` fields that expire first, each after `visit`, if any, has seen its name. */
export function removeFirst(
  arena: Arena,
  root: Ref,
  fields: number,
  visit: ((field: Slice) => void) | null,
): void {
  const members = dictOf(arena, root);
  const field = takeSlice();
  scoreTree.removeRange(arena, treeOf(arena, root), 0, fields, (entry) => {
    if (visit !== null) {
      dictEntry.readKey(arena, entry, field);
      visit(field);
    }
    dict.removeEntry(arena, members, entry);
    fieldEntry.free(arena, entry);
  });
  giveSlice(field);
}

/** Moves a field's entry out of a slab that is to be emptied, and tells the tree; not the dict. */
export function relocateEntry(arena: Arena, root: Ref, entry: Ref): Ref {
  const moved = fieldEntry.relocate(arena, entry);
  const expiryMs = fieldEntry.expiryOf(arena, moved);
  if (moved !== entry && expiryMs !== NO_EXPIRY) {
    const score = expiryScore(expiryMs, dict.hashOf(arena, moved));
    scoreTree.replaceEntry(arena, treeOf(arena, root), score, entry, moved);
  }
  return moved;
}

/** A copy that shares nothing with the hash. */
export function duplicate(arena: Arena, root: Ref): Ref {
  const members = dict.create(arena);
  const target = dictAndTree.create(arena, members);
  const tree = treeOf(arena, target);
  dict.forEach(arena, dictOf(arena, root), (entry) => {
    dictEntry.readKey(arena, entry, fieldView);
    fieldEntry.read(arena, entry, valueView);
    const expiryMs = fieldEntry.expiryOf(arena, entry);
    const copied = fieldEntry.create(
      arena,
      fieldView.bytes,
      fieldView.start,
      fieldView.length,
      valueView.bytes,
      valueView.start,
      valueView.length,
      expiryMs,
    );
    const hash = dict.hashOf(arena, copied);
    dict.insertHashed(arena, members, copied, hash);
    if (expiryMs !== NO_EXPIRY) scoreTree.insert(arena, tree, expiryScore(expiryMs, hash), copied);
  });
  return target;
}

/** Frees about `limit` fields; true when all is freed. The tree goes first, from its end. */
export function releaseStep(arena: Arena, root: Ref, limit: number): boolean {
  const tree = treeOf(arena, root);
  if (tree !== 0) {
    const total = scoreTree.count(arena, tree);
    const freed = Math.min(total, limit);
    scoreTree.removeRange(arena, tree, total - freed, freed, ignoreEntry);
    if (freed < total) return false;
    dictAndTree.freeTree(arena, root);
  }
  const members = dictOf(arena, root);
  if (!dict.freeStep(arena, members, limit, (entry) => fieldEntry.free(arena, entry))) return false;
  arena.free(root);
  return true;
}

/** Bytes of all blocks, those of entries estimated from about `samples` of them (0: all). */
export function memoryBytes(arena: Arena, root: Ref, samples: number): number {
  const members = dictOf(arena, root);
  return dictAndTree.ROOT_BYTES + dict.tableBytes(arena, members) +
    scoreTree.memoryBytes(arena, treeOf(arena, root)) +
    estimateEntryBytes(arena, members, samples, (entry) => fieldEntry.memoryBytes(arena, entry));
}

function ignoreEntry(_entry: Ref): void {}
