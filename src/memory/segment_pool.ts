/**
 * Segment pool: where the arena's segments come from and go to.
 *
 * Segments are cut from SharedArrayBuffers of up to 32 MiB ("sources"), because making, posting and
 * collecting one shared buffer per 256 KiB costs more than the memory itself: 1 GiB is 32 buffers
 * in the message to the child, not 4,096. The system gives a page only when it is touched, so a
 * source that is hardly used takes hardly any memory. The size has another reason: C libraries take
 * blocks from this size on directly from the system and return them there, and smaller ones may
 * stay in their own heap for ever.
 *
 * A returned segment is used again before a fresh one is cut: its pages are already there, and
 * touching fresh pages is the costly part of a clone. When all segments of a source are back and
 * enough others wait in reserve, the source is dropped, and the garbage collector gives it back to
 * the system.
 *
 * Sources of which some segments are in use cannot go. Compaction picks those that are used least,
 * as long as their segments fit into the idle ones of the others; segments that come back from such
 * a "retiring" source are not used again. The owner copies what is in use there into segments that
 * `takeIdle` gives, and then the retiring sources are dropped at once.
 */
import { assert } from "../base/assert.ts";
import { SEGMENT_BYTES, SEGMENT_WORDS } from "./memory.ts";

const SOURCE_SEGMENTS_MAX = 128;
/** The first source is small, each further one twice as large: a small server stays small. */
const SOURCE_SEGMENTS_MIN = 16;
/** Idle segments kept for reuse before whole sources are given back: 8 MiB. */
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
  /** Segments that can be cut from it. */
  readonly capacity: number;
  /** Segments that were cut so far; the rest of the buffer was never touched. */
  cutCount: number;
  /** Segments that are in the pool. */
  idleCount: number;
  /** Its segments are on their way into other sources. */
  isRetiring: boolean;
}

export class SegmentPool {
  #idle: SegmentStorage[] = [];
  /** Segments of retiring sources that are not in use any more. */
  #retired: SegmentStorage[] = [];
  /** The source that fresh segments are cut from. */
  #fresh: SegmentSource | null = null;
  #cutCount = 0;
  /** Bytes of all buffers that were ever dropped: left to the garbage collector. */
  droppedBytes = 0;

  /** Bytes of all segments that were cut and not given back: what is resident. */
  get reservedBytes(): number {
    return this.#cutCount * SEGMENT_BYTES;
  }

  /** Bytes in the pool, ready for use. */
  get idleBytes(): number {
    return (this.#idle.length + this.#retired.length) * SEGMENT_BYTES;
  }

  /** A segment with unspecified content. */
  take(): SegmentStorage {
    const storage = this.#idle.pop() ?? this.#retired.pop();
    if (storage === undefined) return this.#cut();
    storage.source.idleCount--;
    return storage;
  }

  /** A segment that is in the pool already, of a source that is not retiring; null if none is. */
  takeIdle(): SegmentStorage | null {
    const storage = this.#idle.pop();
    if (storage === undefined) return null;
    storage.source.idleCount--;
    return storage;
  }

  /** Gives a segment back; nobody may hold views of it. */
  give(storage: SegmentStorage): void {
    if (storage.source.isRetiring) this.#retired.push(storage);
    else this.#idle.push(storage);
    storage.source.idleCount++;
    assert(storage.source.idleCount <= storage.source.cutCount, "segment given back twice");
  }

  /**
   * Drops sources whose segments are all idle, keeping `reserveSegments` for reuse. O(n log n) of
   * the idle segments.
   * Returns the number of bytes given back.
   */
  trim(reserveSegments = RESERVE_SEGMENTS_MIN): number {
    // What is taken next comes from the sources that are fullest, so that others become empty; of
    // the empty ones the largest go first.
    this.#idle.sort((a, b) =>
      usedCount(a.source) - usedCount(b.source) || b.source.cutCount - a.source.cutCount
    );
    let surplus = this.#idle.length - reserveSegments;
    if (surplus <= 0) return 0;
    const dropped = new Set<SegmentSource>();
    for (const { source } of this.#idle) {
      const isIdle = source.idleCount === source.cutCount && source.cutCount <= surplus;
      if (!isIdle || dropped.has(source)) continue;
      dropped.add(source);
      surplus -= source.cutCount;
    }
    return this.#drop(dropped);
  }

  /**
   * Of all sources in use, those that compaction can empty: the least used ones whose segments fit
   * into the idle segments of the others, of which `reserveSegments` are left free.
   */
  retirable(
    sources: Iterable<SegmentSource>,
    reserveSegments = RESERVE_SEGMENTS_MIN,
  ): SegmentSource[] {
    const byUse = [...sources].sort((a, b) => usedCount(a) - usedCount(b));
    let room = byUse.reduce((total, { idleCount }) => total + idleCount, 0) - reserveSegments;
    const chosen: SegmentSource[] = [];
    for (const source of byUse) {
      // Its own idle segments are no room for others; those in use need some.
      room -= source.cutCount;
      if (room < 0) break;
      chosen.push(source);
    }
    return chosen;
  }

  /** Begins a compaction: no segment of these sources is used again. */
  retire(sources: readonly SegmentSource[]): void {
    for (const source of sources) source.isRetiring = true;
    this.#retired = this.#idle.filter(({ source }) => source.isRetiring);
    this.#idle = this.#idle.filter(({ source }) => !source.isRetiring);
  }

  /** Ends a compaction: drops what has become idle. Returns the number of bytes given back. */
  dropRetired(sources: readonly SegmentSource[]): number {
    const dropped = new Set(sources.filter((source) => source.idleCount === source.cutCount));
    for (const source of sources) source.isRetiring = false;
    this.#idle = [...this.#retired, ...this.#idle];
    this.#retired = [];
    return this.#drop(dropped);
  }

  #drop(dropped: ReadonlySet<SegmentSource>): number {
    if (dropped.size === 0) return 0;
    let droppedCount = 0;
    for (const { cutCount } of dropped) droppedCount += cutCount;
    this.#idle = this.#idle.filter(({ source }) => !dropped.has(source));
    this.#cutCount -= droppedCount;
    if (this.#fresh !== null && dropped.has(this.#fresh)) this.#fresh = null;
    this.droppedBytes += droppedCount * SEGMENT_BYTES;
    return droppedCount * SEGMENT_BYTES;
  }

  #cut(): SegmentStorage {
    let source = this.#fresh;
    if (source === null || source.cutCount === source.capacity || source.isRetiring) {
      const wanted = Math.max(SOURCE_SEGMENTS_MIN, this.#cutCount);
      const capacity = Math.min(wanted, SOURCE_SEGMENTS_MAX);
      const buffer = new SharedArrayBuffer(capacity * SEGMENT_BYTES);
      source = { buffer, capacity, cutCount: 0, idleCount: 0, isRetiring: false };
      this.#fresh = source;
    }
    const offset = source.cutCount++ * SEGMENT_BYTES;
    this.#cutCount++;
    return {
      bytes: new Uint8Array(source.buffer, offset, SEGMENT_BYTES),
      words: new Int32Array(source.buffer, offset, SEGMENT_WORDS),
      source,
    };
  }
}

function usedCount({ cutCount, idleCount }: SegmentSource): number {
  return cutCount - idleCount;
}
