/**
 * Slab allocator: which blocks of which segments are in use.
 *
 * Each segment in use is a slab: it holds blocks of one size class only (size_classes.ts), so a
 * block needs no header, and its size follows from its segment. What the allocator knows of a slab
 * stands outside of it, in arrays indexed by segment:
 *
 *   classOf      size class of the slab
 *   usedCount    blocks handed out
 *   freeHead     first free block, as offset in 8-byte units + 1; 0 = none
 *   bumpOffset   bytes from here on were never handed out
 *   next, prev   neighbours in the list of slabs of this class that have room
 *
 * The free blocks of a slab are linked through their first word (again offset + 1). Free lists are
 * per slab, not per class, so that new blocks gather in few slabs and emptied slabs can go back.
 *
 * Evacuation is for defragmentation: of each class as many slabs as its blocks could do without,
 * the emptiest ones, are taken out of the list of those with room, so that no new block comes into
 * them; they stand in a list of their own, linked by the same `next` and `prev`. Their blocks fit
 * into the others, into which the owner moves them one by one. When a class has no room left, it
 * gets its marked slabs back one at a time before a fresh one is opened.
 *
 * Freezing (software_fork.ts) adds one rule: a block of the frozen image cannot be linked into a
 * free list, for that would write into it, so it waits (deferred_blocks.ts) until the freeze is
 * over. Free blocks are in no image, so a frozen slab hands them out, and takes those back, as ever
 * (young_blocks.ts).
 *
 * This class decides; `Arena` owns the segments and does the writing.
 */
import { assert } from "../base/assert.ts";
import { SEGMENT_BYTES, SEGMENT_COUNT_MAX } from "./memory.ts";
import { CLASS_BYTES, CLASS_COUNT } from "./size_classes.ts";

/** Blocks of a class that a slab holds. */
const CAPACITY = CLASS_BYTES.map((bytes) => Math.floor(SEGMENT_BYTES / bytes));
/** Steps in which slabs are sorted by how full they are. */
const LEVELS = 64;

export class SlabTable {
  readonly classOf = new Uint8Array(SEGMENT_COUNT_MAX);
  readonly usedCount = new Int32Array(SEGMENT_COUNT_MAX);
  readonly freeHead = new Int32Array(SEGMENT_COUNT_MAX);
  readonly bumpOffset = new Int32Array(SEGMENT_COUNT_MAX);
  readonly #next = new Int32Array(SEGMENT_COUNT_MAX);
  readonly #prev = new Int32Array(SEGMENT_COUNT_MAX);

  /** First slab with room, by class; 0 = none. */
  readonly roomHead = new Int32Array(CLASS_COUNT);
  /** Slabs, by class. */
  readonly slabCount = new Int32Array(CLASS_COUNT);
  /** Blocks handed out, by class. */
  readonly blockCount = new Float64Array(CLASS_COUNT);

  /** 1 where a slab is marked for evacuation. */
  readonly isEvacuated = new Uint8Array(SEGMENT_COUNT_MAX);
  /** First slab marked for evacuation, by class; 0 = none. */
  readonly #evacuatedHead = new Int32Array(CLASS_COUNT);

  /** Makes an empty slab of `sizeClass` out of a segment and puts it first in line. */
  open(segment: number, sizeClass: number): void {
    this.classOf[segment] = sizeClass;
    this.usedCount[segment] = 0;
    this.freeHead[segment] = 0;
    this.bumpOffset[segment] = 0;
    this.slabCount[sizeClass]++;
    this.linkRoom(segment, sizeClass);
  }

  /** Forgets an empty slab. */
  close(segment: number): void {
    const sizeClass = this.classOf[segment];
    assert(this.usedCount[segment] === 0, "slab closed while blocks are in use");
    if (this.isEvacuated[segment] !== 0) this.#unmark(segment, sizeClass);
    else this.unlinkRoom(segment, sizeClass);
    this.slabCount[sizeClass]--;
  }

  /**
   * The slab of a class that has no other, if none of its blocks is in use; else 0. It may be
   * marked for evacuation: those that were not can have become empty before it.
   */
  lastEmpty(sizeClass: number): number {
    if (this.slabCount[sizeClass] !== 1 || this.blockCount[sizeClass] !== 0) return 0;
    const head = this.roomHead[sizeClass];
    return head !== 0 ? head : this.#evacuatedHead[sizeClass];
  }

  /** Slabs that the blocks of a class could do without; the last slab stays, even empty. */
  surplus(sizeClass: number): number {
    const slabs = this.slabCount[sizeClass];
    const needed = Math.ceil(this.blockCount[sizeClass] / CAPACITY[sizeClass]);
    return slabs - Math.max(needed, Math.min(slabs, 1));
  }

  /**
   * Marks the surplus slabs of all classes, the emptiest, for evacuation; returns how many. O(n) of
   * the segments below `segmentEnd`.
   */
  markSurplus(segmentEnd: number): number {
    // How many slabs of a class are how full; then, how many of these are to be marked.
    const counts = new Int32Array(CLASS_COUNT * LEVELS);
    for (let segment = 1; segment < segmentEnd; segment++) counts[this.#levelIndex(segment)]++;
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      let left = this.surplus(sizeClass);
      for (let level = 0; level < LEVELS; level++) {
        const index = sizeClass * LEVELS + level;
        counts[index] = level === 0 || level === LEVELS - 1 ? 0 : Math.min(counts[index], left);
        left -= counts[index];
      }
    }
    let marked = 0;
    for (let segment = 1; segment < segmentEnd; segment++) {
      const index = this.#levelIndex(segment);
      if (counts[index] === 0) continue;
      counts[index]--;
      this.#mark(segment);
      marked++;
    }
    return marked;
  }

  /** Takes a marked slab of a class back into service; returns it, or 0 if there is none. */
  readmit(sizeClass: number): number {
    const segment = this.#evacuatedHead[sizeClass];
    if (segment === 0) return 0;
    this.#unmark(segment, sizeClass);
    this.linkRoom(segment, sizeClass);
    return segment;
  }

  /** Ends the evacuation; returns how many slabs were still marked. */
  readmitAll(): number {
    let count = 0;
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      while (this.readmit(sizeClass) !== 0) count++;
    }
    return count;
  }

  /**
   * Index of a slab's class and level: 0 = no block in use, or no slab at all; the last level = no
   * room; those between by the share of blocks in use.
   */
  #levelIndex(segment: number): number {
    const sizeClass = this.classOf[segment];
    const used = this.usedCount[segment];
    const level = used === 0 ? 0 : 1 + Math.floor((used * (LEVELS - 2)) / CAPACITY[sizeClass]);
    return sizeClass * LEVELS + level;
  }

  #mark(segment: number): void {
    const sizeClass = this.classOf[segment];
    this.unlinkRoom(segment, sizeClass);
    const head = this.#evacuatedHead[sizeClass];
    this.#next[segment] = head;
    if (head !== 0) this.#prev[head] = segment;
    this.#evacuatedHead[sizeClass] = segment;
    this.isEvacuated[segment] = 1;
  }

  #unmark(segment: number, sizeClass: number): void {
    const next = this.#next[segment];
    const prev = this.#prev[segment];
    if (prev === 0) this.#evacuatedHead[sizeClass] = next;
    else this.#next[prev] = next;
    if (next !== 0) this.#prev[next] = prev;
    this.#next[segment] = 0;
    this.#prev[segment] = 0;
    this.isEvacuated[segment] = 0;
  }

  /** Word offsets of the blocks of a slab, whose words are given, that were handed out. */
  blocksInUse(segment: number, words: Int32Array): number[] {
    const isFree = new Uint8Array(SEGMENT_BYTES / 8);
    for (let head = this.freeHead[segment]; head !== 0; head = words[(head - 1) << 1]) {
      isFree[head - 1] = 1;
    }
    const offsets: number[] = [];
    const blockUnits = CLASS_BYTES[this.classOf[segment]] / 8;
    for (let units = 0; units < this.bumpOffset[segment] / 8; units += blockUnits) {
      if (isFree[units] === 0) offsets.push(units << 1);
    }
    return offsets;
  }

  /** Whether a slab has neither freed nor fresh blocks left. */
  isFull(segment: number): boolean {
    return this.freeHead[segment] === 0 &&
      this.bumpOffset[segment] + CLASS_BYTES[this.classOf[segment]] > SEGMENT_BYTES;
  }

  linkRoom(segment: number, sizeClass: number): void {
    const head = this.roomHead[sizeClass];
    this.#next[segment] = head;
    this.#prev[segment] = 0;
    if (head !== 0) this.#prev[head] = segment;
    this.roomHead[sizeClass] = segment;
  }

  /** Links a slab behind the head, so that the slab now being filled stays in use. */
  linkRoomSecond(segment: number, sizeClass: number): void {
    const head = this.roomHead[sizeClass];
    if (head === 0) return this.linkRoom(segment, sizeClass);
    const second = this.#next[head];
    this.#next[head] = segment;
    this.#prev[segment] = head;
    this.#next[segment] = second;
    if (second !== 0) this.#prev[second] = segment;
  }

  unlinkRoom(segment: number, sizeClass: number): void {
    const next = this.#next[segment];
    const prev = this.#prev[segment];
    if (prev === 0) this.roomHead[sizeClass] = next;
    else this.#next[prev] = next;
    if (next !== 0) this.#prev[next] = prev;
    this.#next[segment] = 0;
    this.#prev[segment] = 0;
  }
}
