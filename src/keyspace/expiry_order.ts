/**
 * Expiry order: the keys of a database that hold elements which expire, in the order in which the
 * next one does, so that those which are due are found without looking at any other key.
 *
 * It is a score tree over the entries of the dict of keys (expiry_score.ts), about 13 bytes for
 * each key that is in it, and nothing at all for a database that has none. **Its scores are what
 * the values say, always** (`nextExpiryOfKey`): who changes a value asks before, and tells
 * afterwards by `changed`; an entry that leaves the dict of keys, or moves, leaves or moves here
 * first. Values that have no such elements pass through every method at the cost of a look at their
 * encoding.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as scoreTree from "../structures/score_tree.ts";
import { relocateLeaf } from "../structures/score_tree_relocation.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import { expiryScore } from "../values/expiry_score.ts";
import { NO_EXPIRY } from "../values/value.ts";

export class ExpiryOrder {
  readonly #arena: Arena;
  /** 0 until the first key comes. */
  #tree: Ref = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Keys that have at least one element which expires. */
  get count(): number {
    return this.#tree === 0 ? 0 : scoreTree.count(this.#arena, this.#tree);
  }

  /** Bytes of memory that the order takes. */
  get memoryBytes(): number {
    return this.#tree === 0 ? 0 : scoreTree.memoryBytes(this.#arena, this.#tree);
  }

  /** The entry of the key whose next element expires first, or 0. O(1). */
  get first(): Ref {
    return this.#tree === 0 ? 0 : scoreTree.lowestEntry(this.#arena, this.#tree);
  }

  /** Whether an element of any key has expired before `nowMs`. O(1). */
  isDue(nowMs: number): boolean {
    return this.count > 0 && scoreTree.lowestScore(this.#arena, this.#tree) < nowMs;
  }

  /** An entry came into the dict of keys. */
  add(entry: Ref): void {
    const nextMs = nextExpiryOfKey(this.#arena, entry);
    if (nextMs !== NO_EXPIRY) this.#insert(nextMs, entry);
  }

  /** An entry, whose value is as it was, goes from the dict of keys. */
  remove(entry: Ref): void {
    if (this.#tree === 0) return;
    const nextMs = nextExpiryOfKey(this.#arena, entry);
    if (nextMs === NO_EXPIRY) return;
    scoreTree.remove(this.#arena, this.#tree, this.#score(nextMs, entry), entry);
  }

  /**
   * Takes the first keys out whose next element has expired before `nowMs`, up to as many as `out`
   * holds; returns how many. Whoever takes them removes from their values at once what has expired,
   * and brings back, by `add`, those that stay in the dict of keys. That costs less than `changed`
   * for one after the other.
   */
  takeDue(nowMs: number, out: Int32Array): number {
    return this.#tree === 0 ? 0 : scoreTree.takeBelowScore(this.#arena, this.#tree, nowMs, out);
  }

  /** An entry was moved; the old block may be freed already. */
  moved(old: Ref, entry: Ref): void {
    if (this.#tree === 0 || old === entry) return;
    const nextMs = nextExpiryOfKey(this.#arena, entry);
    if (nextMs === NO_EXPIRY) return;
    scoreTree.replaceEntry(this.#arena, this.#tree, this.#score(nextMs, entry), old, entry);
  }

  /** The value of an entry was changed; `nextExpiryOfKey` was `beforeMs` before. */
  changed(entry: Ref, beforeMs: number): void {
    const nextMs = nextExpiryOfKey(this.#arena, entry);
    if (nextMs === beforeMs) return;
    if (beforeMs === NO_EXPIRY) return this.#insert(nextMs, entry);
    const before = this.#score(beforeMs, entry);
    if (nextMs === NO_EXPIRY) scoreTree.remove(this.#arena, this.#tree, before, entry);
    else scoreTree.move(this.#arena, this.#tree, before, this.#score(nextMs, entry), entry);
  }

  /** All keys are gone. O(nodes): a sixtieth of the keys. */
  clear(): void {
    if (this.#tree !== 0) scoreTree.free(this.#arena, this.#tree);
    this.#tree = 0;
  }

  /** Changes places with the order of another database. */
  swap(other: ExpiryOrder): void {
    const tree = this.#tree;
    this.#tree = other.#tree;
    other.#tree = tree;
  }

  /** Moves the root out of slabs that are to be emptied. */
  relocateRoot(): void {
    if (this.#tree !== 0) this.#tree = this.#arena.relocate(this.#tree);
  }

  /** Moves the leaf at `rank`; returns the rank to go on with, or -1 at the end. */
  relocateLeaf(rank: number): number {
    return this.#tree === 0 ? -1 : relocateLeaf(this.#arena, this.#tree, rank);
  }

  #insert(nextMs: number, entry: Ref): void {
    if (this.#tree === 0) this.#tree = scoreTree.create(this.#arena);
    scoreTree.insert(this.#arena, this.#tree, this.#score(nextMs, entry), entry);
  }

  #score(expiryMs: number, entry: Ref): number {
    return expiryScore(expiryMs, dict.hashOf(this.#arena, entry));
  }
}
