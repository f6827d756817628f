/**
 * Random programs on an arena, as a busy and then idle server runs them: loads of few sizes that
 * come and go, images that are read meanwhile, evacuation that an image interrupts, empty slabs
 * that are closed, pages that are given back, buffers that are emptied, blocks that waited for the
 * end of an image. Whatever comes of slabs and segments, each block holds what was put there last,
 * and the image what was there when it was taken.
 */
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import {
  byteOffsetOf,
  type Memory,
  type Ref,
  SEGMENT_BYTES,
  segmentOf,
  wordOffsetOf,
} from "../../src/memory/memory.ts";
import type { PageReturn } from "../../src/memory/segment_pool.ts";
import { CLASS_BYTES, CLASS_COUNT } from "../../src/memory/size_classes.ts";
import { FrozenMemory, SoftwareFork } from "../../src/memory/software_fork.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const IS_FULL = Deno.env.get("REDENO_STRESS") === "full";
const PROGRAMS = IS_FULL ? 60 : 2;
const STEPS = IS_FULL ? 20_000 : 6_000;
/** Bytes of all blocks, at most. */
const BYTES_MAX = 6 * 1024 * 1024;
/** Steps between two looks at all blocks. */
const CHECK_STEPS = 400;
/** Blocks of so many different sizes at a time. */
const SIZES = 3;

interface Block {
  readonly ref: Ref;
  readonly tag: number;
  readonly byteCount: number;
}

/** As the system does it, but worse: the content is gone, and is not zero. */
const PAGES: PageReturn = {
  misalignment: () => 16,
  populate: () => {},
  discard: (bytes) => void bytes.fill(0xee),
};

/** Throws unless a block has its tag in its first and its last word, and between. */
function assertHolds(memory: Memory, { ref, tag, byteCount }: Block): void {
  const words = memory.words[segmentOf(ref)];
  const at = wordOffsetOf(ref);
  const last = (byteCount >>> 2) - 1;
  assertEquals([words[at], words[at + (last >>> 1)], words[at + last]], [tag, tag, tag]);
}

class ArenaProgram {
  readonly #random: SeededRandom;
  readonly #arena: Arena;
  readonly #fork: SoftwareFork;
  readonly #hasPages: boolean;
  readonly #blocks: Block[] = [];
  #blockBytes = 0;
  #sizes: number[] = [];
  #tag = 1;
  #image: { memory: FrozenMemory; blocks: Block[] } | null = null;
  #isEvacuating = false;
  #isCompacting = false;
  /** What is done, and how often compared with the others. */
  readonly #actions: readonly (() => void)[];

  constructor(seed: number, hasPages: boolean) {
    this.#random = new SeededRandom(seed);
    this.#hasPages = hasPages;
    this.#arena = new Arena({ debug: true, pages: hasPages ? PAGES : null });
    this.#fork = new SoftwareFork(this.#arena);
    const often = (count: number, action: () => void) => Array<() => void>(count).fill(action);
    this.#actions = [
      ...often(40, () => this.#add()),
      ...often(22, () => this.#freeOne()),
      ...often(14, () => this.#write()),
      ...often(6, () => this.#resize()),
      ...often(8, () => this.#move()),
      ...often(3, () => this.#toggleImage()),
      ...often(3, () => this.#toggleEvacuation()),
      ...often(2, () => this.#freeDeferred()),
      ...often(3, () => this.#beIdle()),
      ...often(2, () => this.#compact()),
      () => this.#empty(),
      () => this.#changeSizes(),
    ];
    this.#changeSizes();
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#random.pick(this.#actions)();
      if (step % CHECK_STEPS === 0) this.#check();
    }
    this.#check();
    this.#end();
  }

  #changeSizes(): void {
    this.#sizes = Array.from({ length: SIZES }, () => {
      return CLASS_BYTES[this.#random.below(CLASS_COUNT)];
    });
  }

  #add(): void {
    const byteCount = this.#random.pick(this.#sizes);
    if (this.#blockBytes + byteCount > BYTES_MAX) return this.#empty();
    this.#keep(this.#arena.allocate(byteCount));
  }

  /** Gives a block that may be written a new content. */
  #keep(ref: Ref): void {
    const arena = this.#arena;
    const byteCount = arena.blockBytes(ref);
    const tag = this.#tag++;
    const at = wordOffsetOf(ref);
    arena.words[segmentOf(ref)].fill(tag, at, at + (byteCount >>> 2));
    this.#blocks.push({ ref, tag, byteCount });
    this.#blockBytes += byteCount;
  }

  #take(): Block | null {
    if (this.#blocks.length === 0) return null;
    const index = this.#random.below(this.#blocks.length);
    const block = this.#blocks[index];
    this.#blocks[index] = this.#blocks[this.#blocks.length - 1];
    this.#blocks.pop();
    this.#blockBytes -= block.byteCount;
    return block;
  }

  #freeOne(): void {
    const block = this.#take();
    if (block === null) return;
    assertHolds(this.#arena, block);
    this.#arena.free(block.ref);
  }

  /** Nearly all goes, or all. */
  #empty(): void {
    const kept = this.#random.pick([0, 0, 1, 2, 5, Math.floor(this.#blocks.length / 10)]);
    while (this.#blocks.length > kept) this.#freeOne();
  }

  #write(): void {
    const block = this.#take();
    if (block === null) return;
    const arena = this.#arena;
    if (this.#random.oneIn(2)) return this.#keep(arena.writable(block.ref));
    arena.willWrite(block.ref);
    this.#keep(block.ref);
  }

  #resize(): void {
    const block = this.#take();
    if (block === null) return;
    const byteCount = this.#random.pick([...this.#sizes, block.byteCount]);
    const usedBytes = Math.min(block.byteCount, byteCount);
    const ref = this.#arena.resize(block.ref, block.byteCount, byteCount);
    assertHolds(this.#arena, { ref, tag: block.tag, byteCount: usedBytes });
    this.#keep(ref);
  }

  /** Moves some blocks out of marked slabs, as a walk over the data does. */
  #move(): void {
    const arena = this.#arena;
    if (!this.#isEvacuating || arena.isFrozen) return;
    for (let count = this.#random.below(200); count > 0 && this.#blocks.length > 0; count--) {
      const index = this.#random.below(this.#blocks.length);
      const block = this.#blocks[index];
      this.#blocks[index] = { ...block, ref: arena.relocate(block.ref) };
      assertHolds(arena, this.#blocks[index]);
    }
  }

  #toggleImage(): void {
    if (this.#image !== null) return this.#release();
    this.#fork.freeze();
    const memory = new FrozenMemory(this.#fork.transferable());
    this.#image = { memory, blocks: [...this.#blocks] };
  }

  #release(): void {
    if (this.#image === null) return;
    this.#checkImage();
    this.#fork.release();
    this.#image = null;
  }

  #toggleEvacuation(): void {
    const arena = this.#arena;
    if (this.#isEvacuating) arena.endEvacuation();
    else if (arena.isFrozen || this.#isCompacting) return;
    else arena.beginEvacuation();
    this.#isEvacuating = !this.#isEvacuating;
  }

  #freeDeferred(): void {
    if (this.#image === null) this.#arena.freeDeferred(this.#random.pick([1, 30, Infinity]));
  }

  /** A tick of an idle server: what MemoryReturn does. */
  #beIdle(): void {
    const arena = this.#arena;
    const random = this.#random;
    if (!arena.isFrozen) arena.closeEmptySlabs();
    arena.trim(random.pick([undefined, 0]));
    const least = arena.takeLeastIdle();
    assert(least <= arena.idleSegmentCount);
    const isMore = arena.discardIdle(random.pick([0, 2, least]), random.between(1, 40));
    assert(!isMore || this.#hasPages);
  }

  /** A piece of a compaction: it ends where it likes, and an image may come between. */
  #compact(): void {
    const arena = this.#arena;
    if (!this.#isCompacting) {
      if (arena.isFrozen || this.#isEvacuating) return;
      this.#isCompacting = arena.beginCompaction(this.#random.pick([undefined, 0]));
      return;
    }
    let isMore = true;
    for (let count = this.#random.below(20); count > 0 && isMore && !arena.isFrozen; count--) {
      isMore = arena.compactStep();
    }
    if (isMore && !this.#random.oneIn(6)) return;
    arena.endCompaction();
    this.#isCompacting = false;
  }

  #checkImage(): void {
    if (this.#image === null) return;
    for (const block of this.#image.blocks) assertHolds(this.#image.memory, block);
  }

  #check(): void {
    const arena = this.#arena;
    for (const block of this.#blocks) assertHolds(arena, block);
    this.#checkImage();
    assertEquals(new Set(this.#blocks.map(({ ref }) => ref)).size, this.#blocks.length);
    for (const { ref, byteCount } of this.#blocks) {
      assert(byteOffsetOf(ref) + byteCount <= SEGMENT_BYTES);
    }
    const { usedBytes, deferredBytes, segmentBytes, reservedBytes } = arena.statistics();
    assertEquals(usedBytes, this.#blockBytes + deferredBytes);
    assert(reservedBytes >= segmentBytes);
    let slabs = 0;
    for (const { slabCount } of arena.classStatistics()) slabs += slabCount;
    assertEquals(slabs, arena.segmentCount);
  }

  /** All goes, in any order, and nothing is left. */
  #end(): void {
    const arena = this.#arena;
    if (this.#random.oneIn(2)) this.#release();
    while (this.#blocks.length > 0) this.#freeOne();
    this.#release();
    if (this.#isCompacting) arena.endCompaction();
    arena.freeDeferred(Infinity);
    if (this.#isEvacuating) arena.endEvacuation();
    arena.closeEmptySlabs();
    while (arena.discardIdle(0, 1000));
    arena.trim(0);
    const { reservedBytes } = arena.statistics();
    assertEquals([arena.usedBytes, arena.segmentCount, reservedBytes], [0, 0, 0]);
  }
}

for (const hasPages of [true, false]) {
  const how = hasPages ? "pages go back" : "only whole buffers go back";
  Deno.test(`blocks and images keep their bytes through loads and upkeep where ${how}`, () => {
    for (let program = 0; program < PROGRAMS; program++) {
      const seed = testSeed();
      try {
        new ArenaProgram(seed, hasPages).run();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
}
