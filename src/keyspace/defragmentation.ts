/**
 * Defragmentation: moves blocks together while commands run, so that memory which deleted data have
 * left behind in pieces goes back to the system.
 *
 * THE PROBLEM. A segment holds blocks of one size class and is free for other use when the last of
 * them is. If nine of ten values of a size are deleted at random, hardly a segment becomes empty.
 *
 * A PASS has two halves, each done in steps of less than a millisecond; upkeep/active_defrag.ts
 * decides when a pass begins and how much of the time its steps may take.
 *
 *   evacuation   The allocator marks as many slabs of each class as its blocks can do without,
 *                the emptiest ones; nothing is allocated there any more (slab_allocator.ts). A walk
 *                over all databases then moves each block that stands in a marked slab, and patches
 *                the one ref to it. (Redis asks of each block whether its slab is emptier than
 *                average. A plan moves fewer blocks, and none twice.) What becomes empty goes.
 *   compaction   Where single pages cannot be given back (memory/segment_pool.ts), a segment goes
 *                back to the system only with the whole buffer of 32 MiB that it was cut from. So
 *                what is left in the least used buffers is copied into the others. That patches
 *                nothing: a ref names a segment, not where its bytes are.
 *
 * THE WALK visits the dict of keys with a SCAN cursor. A value of few elements is moved along with
 * its entry; keys with larger ones (more than `active-defrag-max-scan-fields` in one bucket) wait
 * in a queue, by name, and are walked in pieces before the next bucket (value_relocation.ts).
 * Moving changes the place of no entry in its dict, so cursors of SCAN, HSCAN … stay good.
 *
 * WHAT KEEPS REFS WHILE COMMANDS RUN, and why a moved block harms none of them:
 *
 *   a frozen image (BGSAVE, rewrite)       nothing is moved while there is one: it would clone
 *   a loader with half a value             nothing is moved while loading
 *   reclaimer                              its values are in no dict and are not met
 *   both dicts and the order of a          an entry that moves is replaced in each
 *   database
 *   expiry cycle, SCAN                     keep cursors; eviction pool, WATCH, tracking, blocked
 *                                          clients keep copies of keys
 *   this walk                              keeps a cursor, a key, a rank, or the bookmark of a
 *                                          list, which moves on when its node is freed
 *   views (Slice) of modules               are set anew by each command before they are read
 *
 * WHAT IS NOT MOVED: values that wait for the reclaimer (they go anyway); blocks as large as a
 * segment (their slabs are full or gone); blocks that came under another key behind the cursor
 * (RENAME), whose slabs stay in use until a later pass. Clients' buffers, channels, watched keys
 * and all that is not data are not in the arena.
 */
import * as clock from "../base/clock.ts";
import { Slice } from "../base/bytes.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as value from "../values/value.ts";
import { valueKinds } from "../values/value_kinds.ts";
import { ValueWalk } from "../values/value_relocation.ts";
import type { Keyspace } from "./keyspace.ts";

/** What a node of a list counts for, measured in elements: there are some KiB to copy. */
const ELEMENTS_PER_NODE = 8;

type Phase = "idle" | "tables" | "keys" | "expires" | "order" | "compaction";

/** A key whose value is walked in steps of its own. */
interface LargeKey {
  key: Uint8Array;
  type: number;
  encoding: number;
}

export class Defragmentation {
  /** Config active-defrag-max-scan-fields. */
  scanFieldsMax = 1000;
  /** Keys of which some block was moved, and keys of which none was (INFO stats). */
  keyHits = 0;
  keyMisses = 0;
  /** Bytes of the slabs that the last pass was to empty and could not. */
  leftBytes = 0;

  readonly #keyspace: Keyspace;
  #phase: Phase = "idle";
  #database = 0;
  #cursor = 0;
  /** Elements that were looked at in the present bucket. */
  #elements = 0;
  readonly #largeKeys: LargeKey[] = [];
  /** The walk over the last of `#largeKeys`, and the blocks moved when it began; -1: not begun. */
  readonly #largeWalk = new ValueWalk();
  #largeMovedBefore = -1;
  readonly #smallWalk = new ValueWalk();
  readonly #keyView = new Slice();
  readonly #relocateKey = (entry: Ref): Ref => this.#visitKey(entry);

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get isRunning(): boolean {
    return this.#phase !== "idle";
  }

  /** Whether blocks may be moved now. */
  get mayMove(): boolean {
    return !this.#keyspace.arena.isFrozen && !this.#keyspace.isLoading;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    const { arena } = this.#keyspace;
    this.keyHits = 0;
    this.keyMisses = 0;
    arena.relocatedCount = 0;
    arena.keptCount = 0;
  }

  /** Begins a pass, unless one is under way or blocks may not be moved now. O(segments). */
  begin(): void {
    if (this.isRunning || !this.mayMove) return;
    this.#database = 0;
    this.#cursor = 0;
    this.#largeKeys.length = 0;
    this.#largeMovedBefore = -1;
    if (this.#keyspace.arena.beginEvacuation() > 0) this.#phase = "tables";
    else this.#endEvacuation();
  }

  /** Ends the pass under way where it is; what has been moved stays there. */
  stop(): void {
    const { arena } = this.#keyspace;
    if (this.#phase === "compaction") arena.endCompaction();
    else arena.endEvacuation();
    this.#phase = "idle";
  }

  /**
   * Goes on with the pass until `deadlineUs` (on the monotonic clock) has passed; does at least one
   * small piece. Does nothing while blocks may not be moved.
   */
  step(deadlineUs: number): void {
    if (!this.mayMove) return;
    do this.#stepOnce(); while (this.isRunning && clock.monotonicUs() < deadlineUs);
  }

  /**
   * Begins only the second half of a pass, which leaves nothing idle (MEMORY PURGE), unless a pass
   * is under way or blocks may not be moved now. Returns whether it did. O(segments).
   */
  beginCompaction(): boolean {
    const { arena } = this.#keyspace;
    if (this.isRunning || !this.mayMove || !arena.beginCompaction(0)) return false;
    this.#phase = "compaction";
    return true;
  }

  #stepOnce(): void {
    if (this.#largeKeys.length > 0) return this.#stepLarge();
    const { arena, databases } = this.#keyspace;
    const db = databases[this.#database];
    switch (this.#phase) {
      case "tables":
        db.keys = dict.relocateTable(arena, db.keys);
        db.expires = dict.relocateTable(arena, db.expires);
        db.expiryOrder.relocateRoot();
        this.#phase = "keys";
        return;
      case "keys":
        this.#elements = 0;
        this.#cursor = dict.relocateBuckets(arena, db.keys, this.#cursor, this.#relocateKey);
        if (this.#cursor === 0) this.#phase = "expires";
        return;
      case "expires":
        // The entries are those of the keys; only overflow buckets are this dict's own.
        this.#cursor = dict.relocateBuckets(arena, db.expires, this.#cursor, sameEntry);
        if (this.#cursor === 0) this.#phase = "order";
        return;
      case "order":
        // Here the cursor is a rank.
        this.#cursor = db.expiryOrder.relocateLeaf(this.#cursor);
        if (this.#cursor !== -1) return;
        this.#cursor = 0;
        if (++this.#database < databases.length) this.#phase = "tables";
        else this.#endEvacuation();
        return;
      case "compaction":
        if (arena.compactStep()) return;
        arena.endCompaction();
        this.#phase = "idle";
    }
  }

  /** Goes over to the second half. */
  #endEvacuation(): void {
    const { arena } = this.#keyspace;
    this.leftBytes = arena.endEvacuation();
    arena.trim();
    this.#phase = arena.beginCompaction() ? "compaction" : "idle";
  }

  /** Moves an entry, and its value if that is small; returns the ref of the entry. */
  #visitKey(entry: Ref): Ref {
    const { arena } = this.#keyspace;
    const movedBefore = arena.relocatedCount;
    const isQueued = !value.isEmbedded(arena, entry) && this.#queueIfLarge(entry);
    if (!isQueued) {
      this.#smallWalk.begin();
      while (this.#smallWalk.step(arena, entry));
    }
    dictEntry.relocateKey(arena, entry);
    const moved = arena.relocate(entry);
    const db = this.#keyspace.databases[this.#database];
    db.expiryOrder.moved(entry, moved);
    if (moved !== entry && value.expiryOf(arena, moved) !== value.NO_EXPIRY) {
      dict.replaceRef(arena, db.expires, entry, moved);
    }
    if (!isQueued) this.#countKey(movedBefore);
    return moved;
  }

  #countKey(movedBefore: number): void {
    if (this.#keyspace.arena.relocatedCount > movedBefore) this.keyHits++;
    else this.keyMisses++;
  }

  /** Lets a key wait for a walk of its own if its bucket has too many elements to visit at once. */
  #queueIfLarge(entry: Ref): boolean {
    const { arena } = this.#keyspace;
    const type = value.typeOf(arena, entry);
    const encoding = value.encodingOf(arena, entry);
    const count = valueKinds[type].blockCount(arena, encoding, value.valueRef(arena, entry));
    const elements = type === value.TYPE_LIST ? count * ELEMENTS_PER_NODE : count;
    if (this.#elements + elements <= this.scanFieldsMax) {
      this.#elements += elements;
      return false;
    }
    if (elements <= 1) return false;
    dictEntry.readKey(arena, entry, this.#keyView);
    this.#largeKeys.push({ key: this.#keyView.copy(), type, encoding });
    return true;
  }

  /** Does a piece of the walk over the last of the large values. */
  #stepLarge(): void {
    const { arena, databases } = this.#keyspace;
    const { key, type, encoding } = this.#largeKeys[this.#largeKeys.length - 1];
    const entry = databases[this.#database].findRaw(key, 0, key.length);
    const isSame = entry !== 0 && value.typeOf(arena, entry) === type &&
      value.encodingOf(arena, entry) === encoding;
    if (this.#largeMovedBefore === -1) {
      this.#largeMovedBefore = arena.relocatedCount;
      this.#largeWalk.begin();
    }
    if (isSame && this.#largeWalk.step(arena, entry)) return;
    this.#countKey(this.#largeMovedBefore);
    this.#largeKeys.pop();
    this.#largeMovedBefore = -1;
  }
}

function sameEntry(entry: Ref): Ref {
  return entry;
}
