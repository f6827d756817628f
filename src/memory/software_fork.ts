/**
 * Software fork: a point-in-time image of all memory, without fork(2).
 *
 * 1. `freeze()` marks every segment frozen and notes the storage of each: O(segments), no copying.
 * 2. The main thread goes on. Before it first stores into a frozen segment, `Arena.willWrite`
 * copies
 *    the segment, puts the copy in its place and leaves the original to the image. Blocks that are
 *    freed in frozen segments wait.
 * 3. The child (a Worker that got `transferable()` in a message) reads the frozen storage through
 *    `FrozenMemory`. Nobody writes there any more, so it needs neither locks nor second looks.
 * 4. `release()` thaws the segments that were never cloned and returns the originals of the others
 *    to the pool.
 *
 * The debug arena verifies the rule of `willWrite`: it notes a checksum of every segment at freeze;
 * at release all storage of the image must still have it. A difference is a forgotten `willWrite`.
 */
import { assert } from "../base/assert.ts";
import * as clock from "../base/clock.ts";
import type { Arena, SegmentSource, SegmentStorage } from "./arena.ts";
import { Memory, SEGMENT_BYTES, SEGMENT_WORDS } from "./memory.ts";

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
  #checksums: Float64Array | null = null;
  #originals: SegmentStorage[] = [];
  /** Number of freezes since the start, and how long the last one took, in µs. */
  freezeCount = 0;
  lastFreezeUs = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get isFrozen(): boolean {
    return this.#arena.isFrozen;
  }

  /** Bytes copied because of writes since `freeze`. */
  get clonedBytes(): number {
    return this.#originals.length * SEGMENT_BYTES;
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
    this.#image = new Array(end);
    for (let segment = 0; segment < end; segment++) {
      this.#image[segment] = arena.storageOf(segment);
    }
    if (arena.isDebug) this.#checksums = this.#imageChecksums();
    arena.beginFreeze((original) => this.#originals.push(original));
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
    if (this.#checksums !== null) this.#verify(this.#checksums);
    this.#checksums = null;
    this.#arena.endFreeze(this.#originals);
    this.#originals = [];
    this.#image = [];
  }

  #verify(expected: Float64Array): void {
    const found = this.#imageChecksums();
    for (let segment = 0; segment < found.length; segment++) {
      assert(
        found[segment] === expected[segment],
        `frozen segment ${segment} was written to: willWrite is missing somewhere`,
      );
    }
  }

  #imageChecksums(): Float64Array {
    return Float64Array.from(this.#image, (storage) => {
      if (storage === null) return 0;
      let sum = 0;
      for (const word of storage.words) sum = (Math.imul(sum, 31) + word) | 0;
      return sum;
    });
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
        this.bytes.push(new Uint8Array(buffer, byteOffsets[segment], SEGMENT_BYTES));
        this.words.push(new Int32Array(buffer, byteOffsets[segment], SEGMENT_WORDS));
      }
    }
  }
}
