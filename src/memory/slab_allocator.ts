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
 * Freezing (software_fork.ts) adds one rule: a block of a frozen slab cannot be linked into a free
 * list, for that would write into it, so it waits in `deferred` until the freeze is over.
 *
 * This class decides; `Arena` owns the segments and does the writing.
 */
import { assert } from "../base/assert.ts";
import { SEGMENT_BYTES, SEGMENT_COUNT_MAX } from "./memory.ts";
import { CLASS_BYTES, CLASS_COUNT } from "./size_classes.ts";

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
    this.unlinkRoom(segment, sizeClass);
    this.slabCount[sizeClass]--;
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
