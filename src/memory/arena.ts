/**
 * Arena: the live memory of the main thread: reading, allocating, freeing, writing.
 *
 * The rule of writing: **call `willWrite(ref)` before storing into a block, and take views after
 * it.** If the block is part of the frozen image, `willWrite` replaces its segment by a clone; a
 * view taken before, of any block in that segment, would write into the frozen copy. A block fresh
 * from `allocate` may be written at once.
 *
 * Whoever can store another ref for a block calls `writable(ref)` instead: it moves the block out
 * of the image, which costs as many bytes as it has, and not a whole segment.
 *
 * Otherwise blocks move only when somebody calls `relocate` for them and stores the new ref, which
 * keyspace/defragmentation.ts does between commands; segments move under their blocks, whose refs
 * stay the same (`compactStep`). Neither happens while a frozen image exists.
 *
 * Debug mode (`debug: true`, used by tests) fills freed blocks with a poison and checks it when
 * they are handed out again, and lets software_fork.ts verify that no frozen segment was written
 * to.
 */
import { assert } from "../base/assert.ts";
import {
  Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_BYTES,
  SEGMENT_COUNT_MAX,
  SEGMENT_SHIFT,
} from "./memory.ts";
import { DeferredBlocks } from "./deferred_blocks.ts";
import {
  type PageReturn,
  SegmentPool,
  type SegmentSource,
  type SegmentStorage,
} from "./segment_pool.ts";
import { CLASS_BYTES, CLASS_COUNT, classFor } from "./size_classes.ts";
import { SlabTable } from "./slab_allocator.ts";
import { YoungBlocks } from "./young_blocks.ts";

const POISON_BYTE = 0x5a;
/** The share of the address space that is kept for what cannot be refused: 1.25 GiB of 16. */
const RESERVE_SHARE = 5 / 64;
/** The share of that reserve which no work that can still be given up may touch. */
const LAST_RESERVE_SHARE = 1 / 4;
/** Up to here a loop over words copies a block faster than the runtime does. */
const SMALL_COPY_BYTES_MAX = 128;
/** Larger blocks are cloned with their segment, which costs hardly more memory. */
const MOVED_BYTES_MAX = SEGMENT_BYTES / 4;
/** Of the addresses that are left, blocks that were moved out of the image may keep so many. */
const MOVED_SHARE_MAX = 1 / 2;

/** Thrown by `requireRoom` before anything is changed: the data would outgrow the addresses. */
export class AddressSpaceFull extends Error {
  override readonly name = "AddressSpaceFull";

  constructor(addressBytes: number) {
    super(`the data do not fit into the address space of ${addressBytes / 2 ** 30} GiB`);
  }
}

export interface ArenaStatistics {
  /** Bytes of all blocks handed out, by their class. */
  usedBytes: number;
  /** Bytes of all segments in use. */
  segmentBytes: number;
  /** Bytes obtained from the system: segments in use, clones and reserve. */
  reservedBytes: number;
  /** Bytes of blocks that were freed in frozen segments and wait for the release. */
  deferredBytes: number;
}

export interface ArenaOptions {
  /** Poison freed blocks and verify freezes. */
  debug?: boolean;
  /** Where the address space ends; fewer segments than refs can reach only in tests. */
  segmentCountMax?: number;
  /** Takes pages back for the system; without it garbage collections do. */
  pages?: PageReturn | null;
}

export class Arena extends Memory {
  /**
   * 1 where a segment belongs to a frozen image and has not been cloned since. Blocks that were
   * allocated there after the freeze are no part of the image.
   */
  readonly frozen = new Uint8Array(SEGMENT_COUNT_MAX);
  /** Whether a frozen image exists: no access clocks and no moves of blocks then. */
  isFrozen = false;
  /** Bytes of all blocks handed out, by their class. */
  usedBytes = 0;
  /** Calls of `relocate` that moved a block, and those that left it where it is. */
  relocatedCount = 0;
  keptCount = 0;
  /**
   * What quicklist_nodes.ts keeps beside the lists: a bookmark, a limit that tests lower, and the
   * indexes of some (quicklist_index.ts).
   */
  readonly lists = {
    bookmarkList: 0,
    bookmarkNode: 0,
    packedBytesMax: Infinity,
    indexes: new Map<Ref, Int32Array>(),
  };

  readonly #pool: SegmentPool;
  readonly #deferred: DeferredBlocks;
  readonly #storage: (SegmentStorage | null)[] = [null];
  readonly #vacant: number[] = [];
  readonly #slabs = new SlabTable();
  readonly #young = new YoungBlocks();
  readonly #debug: boolean;
  #segmentCount = 0;
  #deferredBytes = 0;
  /** Sources that the compaction under way empties, and how far it has come. */
  #retiring: SegmentSource[] = [];
  #compactedEnd = 0;
  #onClone: (storage: SegmentStorage, segment: number) => void = () => {};
  readonly #segmentCountMax: number;

  constructor(options: ArenaOptions = {}) {
    super();
    const { debug = false, segmentCountMax = SEGMENT_COUNT_MAX, pages = null } = options;
    this.#debug = debug;
    this.#pool = new SegmentPool(pages);
    this.#deferred = new DeferredBlocks(this.#pool, debug);
    this.#segmentCountMax = segmentCountMax;
  }

  /** Called whenever the data have taken one segment more. */
  onGrowth: () => void = () => {};

  /** Bytes of the segments that can still be opened. */
  get roomBytes(): number {
    return (this.#segmentCountMax - 1 - this.#segmentCount) * SEGMENT_BYTES;
  }

  /** Bytes of the address space that should be left for what cannot be refused. */
  get reserveBytes(): number {
    return this.#segmentCountMax * SEGMENT_BYTES * RESERVE_SHARE;
  }

  /** Whether blocks of so many bytes in all can be had without touching the last reserve. */
  hasRoomFor(byteCount: number): boolean {
    return this.roomBytes >= byteCount + this.reserveBytes * LAST_RESERVE_SHARE;
  }

  /**
   * For work that makes much out of little, and can still be given up: throws AddressSpaceFull
   * unless blocks of so many bytes can be had.
   */
  requireRoom(byteCount: number): void {
    if (this.hasRoomFor(byteCount)) return;
    throw new AddressSpaceFull(this.#segmentCountMax * SEGMENT_BYTES);
  }

  get isDebug(): boolean {
    return this.#debug;
  }

  /** Bytes of blocks that were freed in frozen segments and wait for the release. */
  get deferredBytes(): number {
    return this.#deferredBytes;
  }

  /** How many blocks wait for `freeDeferred`. */
  get deferredCount(): number {
    return this.#deferred.count;
  }

  /** Bytes given up since the start; they go back to the system with a garbage collection. */
  get droppedBytes(): number {
    return this.#pool.droppedBytes;
  }

  /** Segments in use. */
  get segmentCount(): number {
    return this.#segmentCount;
  }

  statistics(): ArenaStatistics {
    return {
      usedBytes: this.usedBytes,
      segmentBytes: this.#segmentCount * SEGMENT_BYTES,
      reservedBytes: this.#pool.reservedBytes,
      deferredBytes: this.#deferredBytes,
    };
  }

  /**
   * A block of at least `byteCount` bytes (1 to 256 KiB), content unspecified. The server refuses
   * commands that may grow the data long before the address space is used up (`roomBytes`).
   */
  allocate(byteCount: number): Ref {
    const slabs = this.#slabs;
    const sizeClass = classFor(byteCount);
    const classBytes = CLASS_BYTES[sizeClass];
    let segment = slabs.roomHead[sizeClass];
    if (segment === 0) segment = this.#openSlab(sizeClass);
    let units = slabs.freeHead[segment];
    if (units !== 0) {
      slabs.freeHead[segment] = this.words[segment][(units - 1) << 1];
      if (this.#debug) this.#checkPoison(segment, (units - 1) << 3, classBytes);
      units--;
    } else {
      const offset = slabs.bumpOffset[segment];
      slabs.bumpOffset[segment] = offset + classBytes;
      units = offset >>> 3;
    }
    slabs.usedCount[segment]++;
    slabs.blockCount[sizeClass]++;
    this.usedBytes += classBytes;
    if (slabs.freeHead[segment] === 0 && slabs.bumpOffset[segment] + classBytes > SEGMENT_BYTES) {
      slabs.unlinkRoom(segment, sizeClass);
    }
    // A free block is no part of the image, so this one may be written where it is.
    if (this.frozen[segment] !== 0) this.#young.add(segment, sizeClass, units);
    return (segment << SEGMENT_SHIFT) | units;
  }

  /** Gives a block back. Its content may not be read any more, except by a frozen image. */
  free(ref: Ref): void {
    const segment = ref >>> SEGMENT_SHIFT;
    if (this.isShared(ref)) {
      this.#deferred.push(ref);
      this.#deferredBytes += this.blockBytes(ref);
      return;
    }
    const slabs = this.#slabs;
    const sizeClass = slabs.classOf[segment];
    const classBytes = CLASS_BYTES[sizeClass];
    const units = ref & OFFSET_MASK;
    assert(slabs.usedCount[segment] > 0, "block freed twice");
    if (this.#debug) this.bytes[segment].fill(POISON_BYTE, units << 3, (units << 3) + classBytes);
    const wasFull = slabs.isFull(segment);
    this.words[segment][units << 1] = slabs.freeHead[segment];
    slabs.freeHead[segment] = units + 1;
    slabs.blockCount[sizeClass]--;
    this.usedBytes -= classBytes;
    if (wasFull) slabs.linkRoomSecond(segment, sizeClass);
    // The last slab of a class stays, lest a value that comes and goes opens a slab each time.
    if (--slabs.usedCount[segment] === 0 && slabs.slabCount[sizeClass] > 1) {
      this.#closeSlab(segment);
    }
  }

  /** Bytes that fit into a block: the size of its class. */
  blockBytes(ref: Ref): number {
    return CLASS_BYTES[this.#slabs.classOf[ref >>> SEGMENT_SHIFT]];
  }

  /** Bytes that a block for `byteCount` would really take. */
  static bytesFor(byteCount: number): number {
    return CLASS_BYTES[classFor(byteCount)];
  }

  /** Whether the block at (or around) `ref` is part of the frozen image and not cloned yet. */
  isShared(ref: Ref): boolean {
    const segment = ref >>> SEGMENT_SHIFT;
    if (this.frozen[segment] === 0) return false;
    return !this.#young.has(segment, this.#slabs.classOf[segment], ref & OFFSET_MASK);
  }

  /** Stands before every store into an existing block; see the head of this file. */
  willWrite(ref: Ref): void {
    if (this.frozen[ref >>> SEGMENT_SHIFT] !== 0 && this.isShared(ref)) this.#cloneAround(ref);
  }

  /**
   * Whether a block that is to be changed should make way for a new one, for it is part of the
   * frozen image. Large blocks should not, nor should any when few addresses are left, for the old
   * ones keep theirs as long as the image is there.
   */
  shouldMove(ref: Ref): boolean {
    if (this.frozen[ref >>> SEGMENT_SHIFT] === 0 || !this.isShared(ref)) return false;
    return this.blockBytes(ref) <= MOVED_BYTES_MAX &&
      this.#deferredBytes <= this.roomBytes * MOVED_SHARE_MAX;
  }

  /**
   * A block with the same content that may be written: the same block, or, if that should move, a
   * new one; then the old one is freed. The caller stores the ref wherever the block is known.
   */
  writable(ref: Ref): Ref {
    if (!this.shouldMove(ref)) {
      this.willWrite(ref);
      return ref;
    }
    const byteCount = this.blockBytes(ref);
    const target = this.allocate(byteCount);
    this.copyBlock(ref, target, byteCount);
    this.free(ref);
    return target;
  }

  /**
   * A block with room for `newBytes` that begins with the first `usedBytes` of `ref`: the same
   * block if its class fits, else a new one, and the old one is freed. May be written at once.
   */
  resize(ref: Ref, usedBytes: number, newBytes: number): Ref {
    if (CLASS_BYTES[classFor(newBytes)] === this.blockBytes(ref)) {
      this.willWrite(ref);
      return ref;
    }
    const target = this.allocate(newBytes);
    this.copyBlock(ref, target, Math.min(usedBytes, newBytes));
    this.free(ref);
    return target;
  }

  /** Copies the first `byteCount` bytes of a block into another one, which may be written. */
  copyBlock(source: Ref, target: Ref, byteCount: number): void {
    if (byteCount <= SMALL_COPY_BYTES_MAX) return this.#copyWords(source, target, byteCount);
    const from = (source & OFFSET_MASK) << 3;
    this.bytes[target >>> SEGMENT_SHIFT].set(
      this.bytes[source >>> SEGMENT_SHIFT].subarray(from, from + byteCount),
      (target & OFFSET_MASK) << 3,
    );
  }

  /** `copyBlock` without an object for the range; blocks are whole words. */
  #copyWords(source: Ref, target: Ref, byteCount: number): void {
    const from = this.words[source >>> SEGMENT_SHIFT];
    const to = this.words[target >>> SEGMENT_SHIFT];
    const fromAt = (source & OFFSET_MASK) << 1;
    const toAt = (target & OFFSET_MASK) << 1;
    for (let index = 0; index < byteCount >>> 2; index++) to[toAt + index] = from[fromAt + index];
    // What is left of the last word.
    if ((byteCount & 3) !== 0) to[toAt + (byteCount >>> 2)] = from[fromAt + (byteCount >>> 2)];
  }

  /**
   * Frees up to `count` blocks that waited for a release, and returns whether more are waiting.
   * Call while nothing is frozen. A freeze may come before all are freed.
   */
  freeDeferred(count: number): boolean {
    assert(!this.isFrozen, "deferred blocks freed while frozen");
    for (let freed = 0; freed < count; freed++) {
      const ref = this.#deferred.pop();
      if (ref === 0) return false;
      this.#deferredBytes -= this.blockBytes(ref);
      this.free(ref);
    }
    return this.#deferred.count > 0;
  }

  /**
   * Gives idle memory back to the system; returns the number of bytes. Where pages can go back by
   * themselves, that is left to `discardIdle`.
   */
  trim(reserveSegments?: number): number {
    return this.#pool.trim(reserveSegments);
  }

  /** Segments that are resident and not in use. */
  get idleSegmentCount(): number {
    return this.#pool.idleCount;
  }

  /** How many resident segments have been idle ever since the last call. */
  takeLeastIdle(): number {
    return this.#pool.takeLeastIdle();
  }

  /**
   * Gives the pages of at most `count` idle segments back, but leaves `reserveSegments`. Returns
   * whether there may be more; never, where pages cannot go back without their buffer.
   */
  discardIdle(reserveSegments: number, count: number): boolean {
    for (let done = 0; done < count; done++) {
      if (!this.hasIdle(reserveSegments)) return false;
      this.#pool.discardOne();
    }
    return this.hasIdle(reserveSegments);
  }

  /** Whether `discardIdle` would find something. */
  hasIdle(reserveSegments: number): boolean {
    return this.#pool.canDiscard && this.#pool.idleCount > reserveSegments;
  }

  /** Closes empty slabs that were kept for the next block of their class. O(classes). */
  closeEmptySlabs(): void {
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      const segment = this.#slabs.lastEmpty(sizeClass);
      if (segment !== 0) this.#closeSlab(segment);
    }
  }

  /** Slabs, blocks and bytes of each size class in use, for MEMORY STATS and tests. */
  classStatistics(): { classBytes: number; slabCount: number; blockCount: number }[] {
    const rows = [];
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      const slabCount = this.#slabs.slabCount[sizeClass];
      if (slabCount === 0) continue;
      const blockCount = this.#slabs.blockCount[sizeClass];
      rows.push({ classBytes: CLASS_BYTES[sizeClass], slabCount, blockCount });
    }
    return rows;
  }

  /** Bytes of segments that could go back if all blocks stood close together. O(classes). */
  recoverableBytes(): number {
    let surplus = 0;
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      surplus += this.#slabs.surplus(sizeClass);
    }
    return surplus * SEGMENT_BYTES;
  }

  /**
   * Marks slabs that can be done without, so that no block is put there any more and `relocate`
   * moves those that are there. Returns how many. Closes empty slabs that were kept for the next
   * block of their class. O(segments).
   */
  beginEvacuation(): number {
    this.closeEmptySlabs();
    return this.#slabs.markSurplus(this.#storage.length);
  }

  /** Makes marked slabs that have not become empty slabs like all others; returns their bytes. */
  endEvacuation(): number {
    return this.#slabs.readmitAll() * SEGMENT_BYTES;
  }

  /**
   * Moves a block out of a slab that is marked for evacuation; returns its ref, the same if it is
   * not there or there is no room elsewhere. The caller stores the ref wherever the block is known.
   * Call only while nothing is frozen.
   */
  relocate(ref: Ref): Ref {
    const target = this.copyAway(ref);
    if (target !== ref) this.free(ref);
    return target;
  }

  /** `relocate` that leaves the block where it is, too; the caller frees it when it can. */
  copyAway(ref: Ref): Ref {
    const slabs = this.#slabs;
    const segment = ref >>> SEGMENT_SHIFT;
    const sizeClass = slabs.classOf[segment];
    if (slabs.isEvacuated[segment] === 0 || slabs.roomHead[sizeClass] === 0) {
      this.keptCount++;
      return ref;
    }
    assert(!this.isFrozen, "block moved while frozen");
    const byteCount = CLASS_BYTES[sizeClass];
    const target = this.allocate(byteCount);
    this.copyBlock(ref, target, byteCount);
    this.relocatedCount++;
    return target;
  }

  /** Bytes that a compaction would give back to the system. O(segments). */
  compactableBytes(): number {
    let segments = 0;
    for (const { cutCount } of this.#pool.retirable(this.#sources())) segments += cutCount;
    return segments * SEGMENT_BYTES;
  }

  /**
   * Begins to empty shared buffers that are hardly used, so that they can go back to the system;
   * leaves `reserveSegments` idle in the others. Returns whether there are any. O(segments).
   */
  beginCompaction(reserveSegments?: number): boolean {
    assert(this.#retiring.length === 0, "compaction begun twice");
    this.#retiring = this.#pool.retirable(this.#sources(), reserveSegments);
    this.#pool.retire(this.#retiring);
    this.#compactedEnd = 1;
    return this.#retiring.length > 0;
  }

  /**
   * Moves at most one segment out of the buffers that are to be emptied, under its blocks, whose
   * refs stay the same. Returns whether there may be more. Call only while nothing is frozen.
   */
  compactStep(): boolean {
    assert(!this.isFrozen, "segment moved while frozen");
    for (let segment = this.#compactedEnd; segment < this.#storage.length; segment++) {
      const storage = this.#storage[segment];
      if (storage === null || !storage.source.isRetiring) continue;
      const copy = this.#pool.takeIdle();
      if (copy === null) return false;
      copy.words.set(storage.words);
      this.#place(segment, copy);
      this.#pool.give(storage);
      this.#compactedEnd = segment + 1;
      return true;
    }
    return false;
  }

  /** Ends a compaction and gives the emptied buffers back; returns their bytes. */
  endCompaction(): number {
    const bytes = this.#pool.dropRetired(this.#retiring);
    this.#retiring = [];
    return bytes;
  }

  #sources(): Set<SegmentSource> {
    const sources = new Set<SegmentSource>();
    for (const storage of this.#storage) if (storage !== null) sources.add(storage.source);
    return sources;
  }

  /** For the software fork: marks all segments frozen and hears of each clone. */
  beginFreeze(onClone: (original: SegmentStorage, segment: number) => void): void {
    assert(!this.isFrozen, "frozen twice");
    this.isFrozen = true;
    this.#onClone = onClone;
    for (let segment = 1; segment < this.#storage.length; segment++) {
      if (this.#storage[segment] !== null) this.frozen[segment] = 1;
    }
  }

  /** For the software fork: thaws what was not cloned and takes the originals back. */
  endFreeze(originals: Iterable<SegmentStorage>): void {
    assert(this.isFrozen, "released while not frozen");
    this.isFrozen = false;
    this.#onClone = () => {};
    this.frozen.fill(0);
    this.#young.clear();
    for (const storage of originals) this.#pool.give(storage);
  }

  /** For the software fork: where the bytes of a segment come from; null if it is not in use. */
  storageOf(segment: number): SegmentStorage | null {
    return this.#storage[segment] ?? null;
  }

  /** Word offsets in a segment of the blocks that are in use, or wait to be freed. O(blocks). */
  blocksInUse(segment: number): number[] {
    return this.#slabs.blocksInUse(segment, this.words[segment]);
  }

  /** One more than the largest segment index ever used. */
  get segmentIndexEnd(): number {
    return this.#storage.length;
  }

  #openSlab(sizeClass: number): number {
    const readmitted = this.#slabs.readmit(sizeClass);
    if (readmitted !== 0) return readmitted;
    const segment = this.#vacant.pop() ?? this.#storage.length;
    assert(segment < this.#segmentCountMax, "the address space is used up");
    this.#place(segment, this.#pool.take());
    this.frozen[segment] = 0;
    this.#segmentCount++;
    this.#slabs.open(segment, sizeClass);
    this.onGrowth();
    return segment;
  }

  #closeSlab(segment: number): void {
    this.#slabs.close(segment);
    this.#pool.give(this.#storage[segment]!);
    this.#storage[segment] = null;
    // If the image has the segment, then none of its blocks.
    this.frozen[segment] = 0;
    this.#young.forget(segment);
    // No view may keep a buffer alive that the pool gives back.
    this.bytes[segment] = this.bytes[0];
    this.words[segment] = this.words[0];
    this.#vacant.push(segment);
    this.#segmentCount--;
  }

  #place(segment: number, storage: SegmentStorage): void {
    this.#storage[segment] = storage;
    this.bytes[segment] = storage.bytes;
    this.words[segment] = storage.words;
  }

  /** Puts a copy of the block's segment into its place. */
  #cloneAround(ref: Ref): void {
    this.#deferred.assertInUse(ref);
    const segment = ref >>> SEGMENT_SHIFT;
    const original = this.#storage[segment]!;
    const copy = this.#pool.take();
    copy.words.set(original.words);
    this.#place(segment, copy);
    this.frozen[segment] = 0;
    this.#young.forget(segment);
    this.#onClone(original, segment);
  }

  #checkPoison(segment: number, offset: number, byteCount: number): void {
    const bytes = this.bytes[segment];
    for (let index = offset + 4; index < offset + byteCount; index++) {
      assert(bytes[index] === POISON_BYTE, `freed block written to at ${segment}:${index}`);
    }
  }
}

export type { PageReturn, SegmentSource, SegmentStorage };
