/**
 * Sorted set builder: collects a sorted set that is not in a database yet: the result of
 * ZUNIONSTORE and its like.
 *
 * Members come in any order, and their scores may change until all are there; so they are kept in a
 * dict alone at first. At the end they are sorted and go into the score tree as one run: finding
 * each its place, and moving it when another source has it too, took three times as long
 * (zunionstore of scripts/bench/micro/command_bench.ts).
 */
import { hashBytes } from "../base/hash.ts";
import { ascendingOrder } from "../base/number_order.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as scoreTree from "../structures/score_tree.ts";
import * as large from "./sorted_set_large.ts";
import { smallFrom, type SortedSetLimits } from "./sorted_set_value.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "./value.ts";

/** Room in the address space is asked for in portions of so many bytes of members. */
const ROOM_BYTES = 16 * 1024;

/** Up to so many members need no arrays of their own. */
const SHORT_COUNT = 128;
/** Used by one builder at a time: each lives within a command. */
const shortEntries = new Int32Array(SHORT_COUNT);
const shortScores = new Float64Array(SHORT_COUNT);
const orderedEntries = new Int32Array(SHORT_COUNT);
const orderedScores = new Float64Array(SHORT_COUNT);

/**
 * The set is built large, and `finish` makes it small if it may be; then `encoding` and `ref` say
 * where it stands. A builder is used once; one that is not finished must be dropped by `abandon`.
 */
export class SortedSetBuilder {
  encoding = ENCODING_SKIPLIST;
  ref: Ref;
  readonly #arena: Arena;
  readonly #members: Ref;
  /** The entries of all members, in the order in which they came; unless one was removed. */
  #entries = shortEntries;
  #entryCount = 0;
  #isComplete = false;
  #roomBytes = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.ref = large.create(arena);
    this.#members = large.dictOf(arena, this.ref);
  }

  /** Members that were added, up to `finish`. */
  get count(): number {
    return dict.count(this.#arena, this.#members);
  }

  /** Makes room for so many members, before the first; what is not needed is given back. */
  reserve(members: number): void {
    dict.reserve(this.#arena, this.#members, members);
  }

  /** The entry of a member, for `scoreOf` and `setScore`, or 0. */
  find(hash: number, bytes: Uint8Array, start: number, length: number): Ref {
    return dict.findHashed(this.#arena, this.#members, hash, bytes, start, length);
  }

  /** The score of a member that `find` has found. */
  scoreOf(entry: Ref): number {
    return large.scoreOf(this.#arena, entry);
  }

  /** Gives a member that `find` has found another score. */
  setScore(entry: Ref, score: number): void {
    large.storeScore(this.#arena, entry, score);
  }

  /** `addNew` for a member that may be there: then only its score is new, and it returns false. */
  add(bytes: Uint8Array, start: number, length: number, score: number): boolean {
    const hash = hashBytes(bytes, start, length);
    const entry = this.find(hash, bytes, start, length);
    if (entry === 0) this.addNew(bytes, start, length, score, hash);
    else this.setScore(entry, score);
    return entry === 0;
  }

  /**
   * Adds a member that is not there yet, and has this hash. The score is a number. The bytes may
   * lie in the arena, in another value. Throws AddressSpaceFull, and abandons all, if there is no
   * room.
   */
  addNew(bytes: Uint8Array, start: number, length: number, score: number, hash: number): void {
    this.#requireRoom(length);
    const entry = large.createEntry(this.#arena, bytes, start, length, score);
    dict.insertHashed(this.#arena, this.#members, entry, hash);
    this.#note(entry);
  }

  #note(entry: Ref): void {
    if (this.#entryCount === this.#entries.length) {
      const grown = new Int32Array(this.#entries.length * 4);
      grown.set(this.#entries);
      this.#entries = grown;
    }
    this.#entries[this.#entryCount++] = entry;
  }

  #requireRoom(length: number): void {
    this.#roomBytes -= length;
    if (this.#roomBytes >= 0) return;
    try {
      this.#arena.requireRoom(ROOM_BYTES + length);
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#roomBytes = ROOM_BYTES;
  }

  /** Removes a member, if it is there. */
  remove(bytes: Uint8Array, start: number, length: number): void {
    const entry = this.find(hashBytes(bytes, start, length), bytes, start, length);
    if (entry === 0) return;
    dict.removeFound(this.#arena, this.#members, entry);
    large.freeEntry(this.#arena, entry);
  }

  /** Puts the members in their order: the set can be read then, and has all its members. */
  complete(): void {
    const arena = this.#arena;
    this.#isComplete = true;
    dict.trim(arena, this.#members);
    if (this.#entryCount !== this.count) {
      // Some were removed.
      this.#entryCount = 0;
      dict.forEach(arena, this.#members, (entry) => this.#note(entry));
    }
    const count = this.#entryCount;
    if (count === 0) return;
    const entries = this.#entries;
    const isShort = count <= SHORT_COUNT;
    const scores = isShort ? shortScores : new Float64Array(count);
    for (let index = 0; index < count; index++) {
      scores[index] = large.scoreOf(arena, entries[index]);
    }
    const order = ascendingOrder(scores, count, (index, other) => {
      const score = scores[index];
      return scoreTree.isOrdered(arena, score, entries[index], score, entries[other]) ? -1 : 1;
    });
    const runScores = isShort ? orderedScores : new Float64Array(count);
    const runEntries = isShort ? orderedEntries : new Int32Array(count);
    for (let index = 0; index < count; index++) {
      runScores[index] = scores[order[index]];
      runEntries[index] = entries[order[index]];
    }
    const tree = large.treeOf(arena, this.ref);
    scoreTree.insertRun(arena, tree, runScores, runEntries, count);
  }

  /** Completes the set. Decides about its encoding as Redis does after ZUNIONSTORE. */
  finish(limits: SortedSetLimits): void {
    this.complete();
    const target = smallFrom(this.#arena, this.ref, limits);
    if (target === 0) return;
    this.abandon();
    this.encoding = ENCODING_LISTPACK;
    this.ref = target;
  }

  /** Frees what was collected and not finished. */
  abandon(): void {
    const arena = this.#arena;
    if (!this.#isComplete) {
      dict.forEach(arena, this.#members, (entry) => large.freeEntry(arena, entry));
    }
    while (!large.releaseStep(arena, this.ref, 1 << 30));
  }
}
