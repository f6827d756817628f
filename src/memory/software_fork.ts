/**
 * Software fork: a point-in-time image of all memory, without fork(2).
 *
 * 1. `freeze()` marks every segment frozen and notes the storage of each: O(segments), no copying.
 * 2. The main thread goes on. A block of the image that it is about to change is moved out of it
 *    (`Arena.writable`) if whoever changes it can store another ref; blocks that are freed wait.
 *    Otherwise `Arena.willWrite` copies the whole segment before it is first stored into, puts the
 *    copy in its place and leaves the original to the image. Free blocks are in no image and are
 *    handed out as ever.
 * 3. The child (a Worker that got `transferable()` in a message) reads the frozen storage through
 *    `FrozenMemory`. Nobody writes there any more, so it needs neither locks nor second looks.
 * 4. `release()` thaws the segments that were never cloned and returns the originals of the others
 *    to the pool.
 *
 * What is written to is copied in pieces of its own size wherever that can be, for a write to one
 * key of a thousand bytes that copies a quarter of a megabyte soon takes the data a second time.
 *
 * The debug arena verifies the rule of `willWrite`: it notes a checksum of the blocks of every
 * segment at freeze, and one of the whole original at each clone; at release the image must still
 * have them. A difference is a forgotten `willWrite`, or a view that was taken before it.
 */
import { readyForCopies } from "../base/bytes.ts";
import { assert } from "../base/assert.ts";
import * as clock from "../base/clock.ts";
import type { Arena, SegmentSource, SegmentStorage } from "./arena.ts";
import { Memory, refOf, SEGMENT_BYTES, SEGMENT_WORDS } from "./memory.ts";

/** What the child needs to read the image; can be posted to a Worker. */
export interface FrozenTable {
  buffers: SharedArrayBuffer[];
  /** Per segment: index into `buffers`, or -1 if the segment was not in use. */
  bufferIndexes: Int32Array;
  /** Per segment: byte offset inside its buffer. */
  byteOffsets: Int32Array;
}

export class SoftwareFork {
  readonly #arena: Arena;
  #image: (SegmentStorage | null)[] = [];
  #checksums: Checksum[] = [];
  #originals: SegmentStorage[] = [];
  /** Bytes of blocks that waited to be freed when the image was made. */
  #deferredBefore = 0;
  /** Number of freezes since the start, and how long the last one took, in µs. */
  freezeCount = 0;
  lastFreezeUs = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get isFrozen(): boolean {
    return this.#arena.isFrozen;
  }

  /** Bytes that are there a second time because of changes since `freeze`. */
  get clonedBytes(): number {
    const keptBytes = this.isFrozen ? this.#arena.deferredBytes - this.#deferredBefore : 0;
    return this.#originals.length * SEGMENT_BYTES + keptBytes;
  }

  /** Whether no block that was freed during a freeze waits any more. */
  get isSettled(): boolean {
    return this.#arena.deferredCount === 0;
  }

  /** Freezes the present content of the arena. */
  freeze(): void {
    const startUs = clock.monotonicUs();
    const arena = this.#arena;
    const end = arena.segmentIndexEnd;
    this.#originals = [];
    this.#deferredBefore = arena.deferredBytes;
    this.#image = new Array(end);
    for (let segment = 0; segment < end; segment++) {
      this.#image[segment] = arena.storageOf(segment);
    }
    if (arena.isDebug) this.#noteChecksums();
    arena.beginFreeze(this.#onClone);
    this.freezeCount++;
    this.lastFreezeUs = clock.monotonicUs() - startUs;
  }

  /** The frozen image in a form that `postMessage` takes. */
  transferable(): FrozenTable {
    const count = this.#image.length;
    const indexOf = new Map<SegmentSource, number>();
    const buffers: SharedArrayBuffer[] = [];
    const bufferIndexes = new Int32Array(count).fill(-1);
    const byteOffsets = new Int32Array(count);
    for (let segment = 0; segment < count; segment++) {
      const storage = this.#image[segment];
      if (storage === null) continue;
      let index = indexOf.get(storage.source);
      if (index === undefined) {
        index = buffers.push(storage.source.buffer) - 1;
        indexOf.set(storage.source, index);
      }
      bufferIndexes[segment] = index;
      byteOffsets[segment] = storage.bytes.byteOffset;
    }
    return { buffers, bufferIndexes, byteOffsets };
  }

  /** Ends the freeze. The image must not be read after this. */
  release(): void {
    this.#verify();
    this.#arena.endFreeze(this.#originals);
    this.#originals = [];
    this.#image = [];
  }

  readonly #onClone = (original: SegmentStorage, segment: number): void => {
    this.#originals.push(original);
    if (this.#arena.isDebug) this.#checksums.push(new Checksum(segment, original.words));
  };

  #noteChecksums(): void {
    for (let segment = 1; segment < this.#image.length; segment++) {
      const storage = this.#image[segment];
      if (storage === null) continue;
      const offsets = this.#arena.blocksInUse(segment);
      const blockWords = this.#arena.blockBytes(refOf(segment, 0)) / 4;
      this.#checksums.push(new Checksum(segment, storage.words, offsets, blockWords));
    }
  }

  #verify(): void {
    for (const checksum of this.#checksums) checksum.verify();
    this.#checksums = [];
  }
}

/** A checksum of some blocks of a segment, or of all of its words, as they are now. */
class Checksum {
  readonly #sum: number;

  constructor(
    readonly segment: number,
    readonly words: Int32Array,
    readonly offsets: readonly number[] = [0],
    readonly blockWords: number = words.length,
  ) {
    this.#sum = this.#calculate();
  }

  verify(): void {
    assert(
      this.#calculate() === this.#sum,
      `frozen segment ${this.segment} was written to: willWrite is missing somewhere`,
    );
  }

  #calculate(): number {
    let sum = 0;
    for (const offset of this.offsets) {
      for (let index = offset; index < offset + this.blockWords; index++) {
        sum = (Math.imul(sum, 31) + this.words[index]) | 0;
      }
    }
    return sum;
  }
}

/** The same reads as `Arena`, as of the freeze; used in the child only. */
export class FrozenMemory extends Memory {
  constructor({ buffers, bufferIndexes, byteOffsets }: FrozenTable) {
    super();
    for (let segment = 1; segment < bufferIndexes.length; segment++) {
      const buffer = buffers[bufferIndexes[segment]];
      if (buffer === undefined) {
        this.bytes.push(this.bytes[0]);
        this.words.push(this.words[0]);
      } else {
        this.bytes.push(
          readyForCopies(new Uint8Array(buffer, byteOffsets[segment], SEGMENT_BYTES)),
        );
        this.words.push(new Int32Array(buffer, byteOffsets[segment], SEGMENT_WORDS));
      }
    }
  }
}
