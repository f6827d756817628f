/**
 * Segment pool: where the arena's segments come from and go to.
 *
 * Segments are cut from SharedArrayBuffers of 4 MiB ("blocks of segments", here: slabs of the
 * operating system), because making, posting and collecting one shared buffer per 256 KiB costs more
 * than the memory itself: 1 GiB is 256 buffers in the message to the child, not 4,096.
 *
 * A returned segment is used again before a fresh one is cut: its pages are already there, and
 * touching fresh pages is the costly part of a clone. When all segments of a buffer are back and
 * enough others wait in reserve, the buffer is dropped and the garbage collector gives it back to the
 * system.
 */
import { assert } from "../base/assert.ts";
import { SEGMENT_BYTES, SEGMENT_WORDS } from "./memory.ts";

const SEGMENTS_PER_BUFFER = 16;
/** Idle segments kept for reuse before whole buffers are given back: 8 MiB. */
const RESERVE_SEGMENTS_MIN = 32;

/** One segment's storage: two views of the same bytes, and where they were cut from. */
export interface SegmentStorage {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly source: SegmentSource;
}

/** A shared buffer from which segments are cut. */
export interface SegmentSource {
  readonly buffer: SharedArrayBuffer;
  /** Segments of this buffer that are in the pool. */
  idleCount: number;
}

export class SegmentPool {
  #idle: SegmentStorage[] = [];
  #sourceCount = 0;

  /** Bytes obtained from the system and not given back. */
  get reservedBytes(): number {
    return this.#sourceCount * SEGMENTS_PER_BUFFER * SEGMENT_BYTES;
  }

  /** Bytes in the pool, ready for use. */
  get idleBytes(): number {
    return this.#idle.length * SEGMENT_BYTES;
  }

  /** A segment with unspecified content. */
  take(): SegmentStorage {
    if (this.#idle.length === 0) this.#addSource();
    const storage = this.#idle.pop()!;
    storage.source.idleCount--;
    return storage;
  }

  /** Gives a segment back; nobody may hold views of it. */
  give(storage: SegmentStorage): void {
    this.#idle.push(storage);
    storage.source.idleCount++;
    assert(storage.source.idleCount <= SEGMENTS_PER_BUFFER, "segment given back twice");
  }

  /**
   * Drops buffers whose segments are all idle, keeping `reserveSegments` for reuse. O(idle).
   * Returns the number of bytes given back.
   */
  trim(reserveSegments = RESERVE_SEGMENTS_MIN): number {
    let surplus = this.#idle.length - reserveSegments;
    if (surplus < SEGMENTS_PER_BUFFER) return 0;
    const dropped = new Set<SegmentSource>();
    for (const { source } of this.#idle) {
      if (surplus < SEGMENTS_PER_BUFFER) break;
      if (source.idleCount < SEGMENTS_PER_BUFFER || dropped.has(source)) continue;
      dropped.add(source);
      surplus -= SEGMENTS_PER_BUFFER;
    }
    this.#idle = this.#idle.filter(({ source }) => !dropped.has(source));
    this.#sourceCount -= dropped.size;
    return dropped.size * SEGMENTS_PER_BUFFER * SEGMENT_BYTES;
  }

  #addSource(): void {
    const buffer = new SharedArrayBuffer(SEGMENTS_PER_BUFFER * SEGMENT_BYTES);
    const source: SegmentSource = { buffer, idleCount: SEGMENTS_PER_BUFFER };
    this.#sourceCount++;
    for (let index = SEGMENTS_PER_BUFFER - 1; index >= 0; index--) {
      const offset = index * SEGMENT_BYTES;
      this.#idle.push({
        bytes: new Uint8Array(buffer, offset, SEGMENT_BYTES),
        words: new Int32Array(buffer, offset, SEGMENT_WORDS),
        source,
      });
    }
  }
}
