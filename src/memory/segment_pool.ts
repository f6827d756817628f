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
 * Where the system can be told (`PageReturn`), no collector is waited for: the pages of idle
 * segments go back at once, one segment after the other, from whatever source. Such a discarded
 * segment stays in the pool, costs nothing, and is used again when no other is left. The source is
 * dropped when all of its segments are discarded. Segments then begin where pages begin.
 *
 * Without that, sources of which some segments are in use cannot go. Compaction picks those that
 * are used least, as long as their segments fit into the idle ones of the others; segments that
 * come back from such a "retiring" source are not used again. The owner copies what is in use there
 * into segments that `takeIdle` gives, and then the retiring sources are dropped at once.
 */
import { assert } from "../base/assert.ts";
import { readyForCopies } from "../base/bytes.ts";
import { SEGMENT_BYTES, SEGMENT_WORDS } from "./memory.ts";

const SOURCE_SEGMENTS_MAX = 128;
/** The first source is small, each further one twice as large: a small server stays small. */
const SOURCE_SEGMENTS_MIN = 16;
/** Idle segments kept for reuse before whole sources are given back: 8 MiB. */
const RESERVE_SEGMENTS_MIN = 32;

/** Pages begin at multiples of this, whatever their size: 4, 16 or 64 KiB. */
const PAGE_ALIGNMENT = 64 * 1024;

/**
 * From so many resident segments on (16 MiB), the system is asked for all pages of a further one at
 * once: each that is touched first is a fault of its own, which was a tenth of the time of loading
 * small hashes (`save_and_load.ts`). A smaller server may never need the pages.
 */
const POPULATE_SEGMENTS_MIN = 64;

/** How pages come from the system, and go back to it while their buffer stays. */
export interface PageReturn {
  /** Where a buffer begins in the memory of the process, modulo `alignment`. */
  misalignment(buffer: SharedArrayBuffer, alignment: number): number;
  /** Gives up the content of whole pages; they are zero when they are next touched. */
  discard(bytes: Uint8Array): void;
  /** Gets the whole pages in which the bytes are, as far as the system can; changes no content. */
  populate(bytes: Uint8Array): void;
}

/** One segment's storage: two views of the same bytes, and where they were cut from. */
export interface SegmentStorage {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly source: SegmentSource;
  /** It is in the pool, and the system has its pages. */
  isDiscarded: boolean;
}

/** A shared buffer from which segments are cut. */
export interface SegmentSource {
  readonly buffer: SharedArrayBuffer;
  /** Where its first segment begins. */
  readonly start: number;
  /** Segments that can be cut from it. */
  readonly capacity: number;
  /** Segments that were cut so far; the rest of the buffer was never touched. */
  cutCount: number;
  /** Segments that are in the pool, and those of them that are discarded. */
  idleCount: number;
  discardedCount: number;
  /** Its segments are on their way into other sources. */
  isRetiring: boolean;
}

export class SegmentPool {
  readonly #pages: PageReturn | null;
  /** Discarded ones stand in front, so that they are the last to be used. */
  #idle: SegmentStorage[] = [];
  /** Segments of retiring sources that are not in use any more. */
  #retired: SegmentStorage[] = [];
  /** The source that fresh segments are cut from. */
  #fresh: SegmentSource | null = null;
  #cutCount = 0;
  #discardedCount = 0;
  /** The least that `idleCount` has been since `takeLeastIdle`. */
  #leastIdleCount = 0;
  /** Bytes of all buffers that were ever dropped and are left to the garbage collector. */
  droppedBytes = 0;

  constructor(pages: PageReturn | null = null) {
    this.#pages = pages;
  }

  /** Bytes of all segments that were cut and not given back: what is resident. */
  get reservedBytes(): number {
    return (this.#cutCount - this.#discardedCount) * SEGMENT_BYTES;
  }

  /** Segments ready for use whose pages are there. */
  get idleCount(): number {
    return this.#idle.length + this.#retired.length - this.#discardedCount;
  }

  /** Bytes in the pool, ready for use. */
  get idleBytes(): number {
    return this.idleCount * SEGMENT_BYTES;
  }

  /** A segment with unspecified content. */
  take(): SegmentStorage {
    const storage = this.#idle.pop() ?? this.#retired.pop();
    if (storage === undefined) return this.#populated(this.#cut());
    storage.source.idleCount--;
    if (storage.isDiscarded) {
      this.#populated(storage);
      storage.isDiscarded = false;
      storage.source.discardedCount--;
      this.#discardedCount--;
    }
    this.#leastIdleCount = Math.min(this.#leastIdleCount, this.idleCount);
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

  /** How many segments have been idle ever since the last call. */
  takeLeastIdle(): number {
    const count = Math.min(this.#leastIdleCount, this.idleCount);
    this.#leastIdleCount = this.idleCount;
    return count;
  }

  /** Whether pages of idle segments can be given back without their source. */
  get canDiscard(): boolean {
    return this.#pages !== null;
  }

  /**
   * Discards an idle segment, of the source that `trim` found least used. Call only if `canDiscard`
   * and one is idle.
   */
  discardOne(): void {
    const storage = this.#idle[this.#discardedCount];
    this.#pages!.discard(storage.bytes);
    storage.isDiscarded = true;
    storage.source.discardedCount++;
    this.#discardedCount++;
  }

  /**
   * Drops sources whose segments are all idle, keeping `reserveSegments` for reuse; or, where pages
   * can go back, those whose segments are all discarded. O(n log n) of the idle segments. Returns
   * the number of bytes given back.
   */
  trim(reserveSegments = RESERVE_SEGMENTS_MIN): number {
    // What is taken next comes from the sources that are fullest, so that others become empty; of
    // the empty ones the largest go first.
    this.#idle.sort((a, b) =>
      Number(b.isDiscarded) - Number(a.isDiscarded) || usedCount(a.source) - usedCount(b.source) ||
      b.source.cutCount - a.source.cutCount
    );
    const dropped = new Set<SegmentSource>();
    if (this.#pages !== null) {
      for (const { source } of this.#idle) {
        if (source.discardedCount === source.cutCount) dropped.add(source);
      }
      return this.#drop(dropped);
    }
    let surplus = this.#idle.length - reserveSegments;
    if (surplus <= 0) return 0;
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
   * into the idle segments of the others, of which `reserveSegments` are left free. None, if what
   * is idle can be discarded.
   */
  retirable(
    sources: Iterable<SegmentSource>,
    reserveSegments = RESERVE_SEGMENTS_MIN,
  ): SegmentSource[] {
    if (this.#pages !== null) return [];
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
    let residentCount = 0;
    for (const { cutCount, discardedCount } of dropped) {
      residentCount += cutCount - discardedCount;
      this.#cutCount -= cutCount;
      this.#discardedCount -= discardedCount;
    }
    this.#idle = this.#idle.filter(({ source }) => !dropped.has(source));
    if (this.#fresh !== null && dropped.has(this.#fresh)) this.#fresh = null;
    this.droppedBytes += residentCount * SEGMENT_BYTES;
    return residentCount * SEGMENT_BYTES;
  }

  /** Gets the pages of a segment that is about to be used, and has none. */
  #populated(storage: SegmentStorage): SegmentStorage {
    if (this.#cutCount - this.#discardedCount > POPULATE_SEGMENTS_MIN) {
      this.#pages?.populate(storage.bytes);
    }
    return storage;
  }

  #cut(): SegmentStorage {
    let source = this.#fresh;
    if (source === null || source.cutCount === source.capacity || source.isRetiring) {
      const wanted = Math.max(SOURCE_SEGMENTS_MIN, this.#cutCount);
      source = this.#openSource(Math.min(wanted, SOURCE_SEGMENTS_MAX));
      this.#fresh = source;
    }
    const offset = source.start + source.cutCount++ * SEGMENT_BYTES;
    this.#cutCount++;
    return {
      bytes: readyForCopies(new Uint8Array(source.buffer, offset, SEGMENT_BYTES)),
      words: new Int32Array(source.buffer, offset, SEGMENT_WORDS),
      source,
      isDiscarded: false,
    };
  }

  #openSource(capacity: number): SegmentSource {
    const byteCount = capacity * SEGMENT_BYTES;
    const pages = this.#pages;
    // What is not touched is not there, so the room for the alignment costs nothing.
    const buffer = new SharedArrayBuffer(pages === null ? byteCount : byteCount + PAGE_ALIGNMENT);
    const misalignment = pages?.misalignment(buffer, PAGE_ALIGNMENT) ?? 0;
    const start = (PAGE_ALIGNMENT - misalignment) % PAGE_ALIGNMENT;
    const counts = { cutCount: 0, idleCount: 0, discardedCount: 0 };
    return { buffer, start, capacity, ...counts, isRetiring: false };
  }
}

function usedCount({ cutCount, idleCount }: SegmentSource): number {
  return cutCount - idleCount;
}
