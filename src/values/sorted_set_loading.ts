/**
 * Sorted set loading: fills a large sorted set with members in the order of a file, which is nearly
 * always that of their scores, upwards or downwards.
 *
 * Members are taken in batches: the places of a whole batch in the dict are brought into the
 * processor's cache before they are searched one by one, and a batch that is in order goes into the
 * tree as one run. One that is not goes there member by member, so any order is right.
 */
import { Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { DictTouch, TOUCH_KEYS_MAX } from "../structures/dict_touch.ts";
import * as scoreTree from "../structures/score_tree.ts";
import * as large from "./sorted_set_large.ts";

const BATCH_MEMBERS = TOUCH_KEYS_MAX;

const view = scratch(new Slice());

/**
 * Fills the large set at `root` with `count` members, each of which `addNext` adds. Returns whether
 * no member came twice. What `addNext` throws ends the loading; the set has what was added so far.
 */
export function loadMembers(
  arena: Arena,
  root: Ref,
  count: number,
  addNext: (loading: SortedSetLoading) => void,
): boolean {
  const loading = new SortedSetLoading(arena, root);
  try {
    for (let index = 0; index < count; index++) addNext(loading);
  } finally {
    loading.end();
  }
  return !loading.hasDuplicate;
}

export class SortedSetLoading {
  readonly #arena: Arena;
  readonly #members: Ref;
  readonly #tree: Ref;
  readonly #entries = new Int32Array(BATCH_MEMBERS);
  readonly #touch = new DictTouch();
  readonly #scores = new Float64Array(BATCH_MEMBERS);
  #count = 0;
  /** A member came twice; the second is left out. */
  hasDuplicate = false;

  /** `root`: of a large sorted set. */
  constructor(arena: Arena, root: Ref) {
    this.#arena = arena;
    this.#members = large.dictOf(arena, root);
    this.#tree = large.treeOf(arena, root);
    this.#touch.dicts.fill(this.#members);
  }

  /** Adds a member; it is in the set at the end of its batch. The score is a number. */
  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    const index = this.#count++;
    this.#entries[index] = large.createEntry(this.#arena, bytes, start, length, score);
    this.#touch.hashes[index] = hashBytes(bytes, start, length);
    this.#scores[index] = score;
    if (this.#count === BATCH_MEMBERS) this.#insertBatch();
  }

  /** Adds what waits. */
  end(): void {
    this.#insertBatch();
  }

  #insertBatch(): void {
    const arena = this.#arena;
    this.#touch.run(arena, this.#count);
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      const entry = this.#entries[index];
      if (this.#isNew(entry, this.#touch.hashes[index])) {
        this.#entries[kept] = entry;
        this.#scores[kept] = this.#scores[index];
        kept++;
      } else {
        this.hasDuplicate = true;
        large.freeEntry(arena, entry);
      }
    }
    this.#count = 0;
    if (kept > 0) this.#insertIntoTree(kept);
  }

  /** Puts an entry into the dict, unless its member is there. */
  #isNew(entry: Ref, hash: number): boolean {
    const arena = this.#arena;
    dictEntry.readKey(arena, entry, view);
    const { bytes, start, length } = view;
    if (dict.findHashed(arena, this.#members, hash, bytes, start, length) !== 0) return false;
    dict.insertHashed(arena, this.#members, entry, hash);
    return true;
  }

  #insertIntoTree(count: number): void {
    const arena = this.#arena;
    const tree = this.#tree;
    if (this.#isBefore(count - 1, 0)) {
      this.#entries.subarray(0, count).reverse();
      this.#scores.subarray(0, count).reverse();
    }
    let isAscending = true;
    for (let index = 1; index < count && isAscending; index++) {
      isAscending = this.#isBefore(index - 1, index);
    }
    if (isAscending) return scoreTree.insertRun(arena, tree, this.#scores, this.#entries, count);
    for (let index = 0; index < count; index++) {
      scoreTree.insert(arena, tree, this.#scores[index], this.#entries[index]);
    }
  }

  #isBefore(index: number, other: number): boolean {
    const scores = this.#scores;
    const entries = this.#entries;
    return scoreTree.isOrdered(
      this.#arena,
      scores[index],
      entries[index],
      scores[other],
      entries[other],
    );
  }
}
