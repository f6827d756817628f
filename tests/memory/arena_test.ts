/**
 * Arena: blocks, their sizes and their statistics, and the mistakes that the debug mode finds out.
 * Random work under freezes is in software_fork_test.ts.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import {
  byteOffsetOf,
  type Ref,
  refOf,
  SEGMENT_BYTES,
  segmentOf,
  wordOffsetOf,
} from "../../src/memory/memory.ts";

import { SeededRandom, testSeed } from "../support/seeded_random.ts";

function fillBlock(arena: Arena, ref: Ref, size: number, byte: number): void {
  const at = byteOffsetOf(ref);
  arena.bytes[segmentOf(ref)].fill(byte, at, at + size);
}

Deno.test("a write to a freed block is found out when it is used again", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(64);
  arena.free(ref);
  arena.bytes[segmentOf(ref)][byteOffsetOf(ref) + 20] = 1;
  assertThrows(() => arena.allocate(64), Error, "freed block written to");
});

Deno.test("a cycle of filling and emptying with other sizes does not grow", () => {
  const arena = new Arena();
  const peaks: number[] = [];
  for (const size of [24, 100, 700, 24, 5000, 100, 24]) {
    const refs = Array.from({ length: Math.floor(2 ** 23 / size) }, () => arena.allocate(size));
    peaks.push(arena.statistics().reservedBytes);
    for (const ref of refs) arena.free(ref);
    arena.trim();
  }
  assertEquals(arena.usedBytes, 0);
  assert(Math.max(...peaks) < 1.6 * Math.min(...peaks), `peaks ${peaks}`);
});

Deno.test("resize keeps the content and stays in place within a size class", () => {
  const arena = new Arena({ debug: true });
  const small = arena.allocate(100);
  fillBlock(arena, small, 100, 7);
  assertEquals(arena.resize(small, 100, 103), small);
  const large = arena.resize(small, 100, 100000);
  assertEquals(arena.bytes[segmentOf(large)][byteOffsetOf(large) + 99], 7);
  assertEquals(arena.blockBytes(large) >= 100000, true);
});

Deno.test("a ref is positive, names segment and offset, and blocks do not overlap", () => {
  const arena = new Arena({ debug: true });
  const sizes = [1, 8, 9, 128, 129, 1024, 5000, 16384, 16385, 100_000, SEGMENT_BYTES];
  const refs = sizes.flatMap((size) => [arena.allocate(size), arena.allocate(size)]);
  refs.forEach((ref, index) => {
    assert(ref > 0);
    assertEquals(refOf(segmentOf(ref), byteOffsetOf(ref)), ref);
    const bytes = arena.blockBytes(ref);
    assert(bytes >= sizes[index >> 1]);
    assertEquals(bytes, Arena.bytesFor(sizes[index >> 1]));
    assert(byteOffsetOf(ref) + bytes <= SEGMENT_BYTES);
    fillBlock(arena, ref, bytes, index);
  });
  refs.forEach((ref, index) => {
    const at = byteOffsetOf(ref);
    const block = arena.bytes[segmentOf(ref)].subarray(at, at + arena.blockBytes(ref));
    assert(block.every((byte) => byte === index), `block ${index} was overwritten`);
  });
});

Deno.test("a block freed twice in a row is found out when its slab is empty", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(64);
  arena.free(ref);
  assertThrows(() => arena.free(ref), Error, "freed twice");
});

Deno.test("statistics count blocks by their class, and come back to nothing", () => {
  const arena = new Arena({ debug: true });
  const refs = [arena.allocate(60), arena.allocate(64), arena.allocate(1000)];
  assertEquals(arena.usedBytes, 64 + 64 + Arena.bytesFor(1000));
  assertEquals(arena.classStatistics(), [
    { classBytes: 64, slabCount: 1, blockCount: 2 },
    { classBytes: 1024, slabCount: 1, blockCount: 1 },
  ]);
  assertEquals(arena.statistics().segmentBytes, 2 * SEGMENT_BYTES);
  for (const ref of refs) arena.free(ref);
  assertEquals(arena.usedBytes, 0);
  assertEquals(arena.classStatistics().map(({ blockCount }) => blockCount), [0, 0]);
});

Deno.test("emptied slabs give their segments back, except the last of a class", () => {
  const arena = new Arena({ debug: true });
  const refs = Array.from({ length: 5 }, () => arena.allocate(SEGMENT_BYTES));
  assertEquals(arena.segmentCount, 5);
  for (const ref of refs) arena.free(ref);
  assertEquals(arena.segmentCount, 1);
  const small = arena.allocate(8);
  assert(arena.segmentCount === 2 && refs.some((ref) => segmentOf(ref) === segmentOf(small)));
});

/** Fills slabs of four blocks each; slab number n keeps n + 1 of them. */
function unevenSlabs(arena: Arena, slabCount: number): Ref[][] {
  const slabs = Array.from(
    { length: slabCount },
    () => Array.from({ length: 4 }, () => arena.allocate(SEGMENT_BYTES / 4)),
  );
  return slabs.map((refs, slab) => {
    for (const ref of refs.splice(slab + 1)) arena.free(ref);
    return refs;
  });
}

Deno.test("blocks of the emptiest slabs move into the others, with their bytes", () => {
  const arena = new Arena({ debug: true });
  const [[single], pair, triple] = unevenSlabs(arena, 3);
  arena.words[segmentOf(single)][wordOffsetOf(single) + 7] = 4711;
  assertEquals(arena.recoverableBytes(), SEGMENT_BYTES);
  assertEquals(arena.beginEvacuation(), 1);
  for (const ref of [...pair, ...triple]) assertEquals(arena.relocate(ref), ref);
  const moved = arena.relocate(single);
  assert([segmentOf(pair[0]), segmentOf(triple[0])].includes(segmentOf(moved)));
  assertEquals(arena.word(moved, 7), 4711);
  assertEquals([arena.segmentCount, arena.usedBytes], [2, 6 * (SEGMENT_BYTES / 4)]);
  assertEquals([arena.relocatedCount, arena.keptCount], [1, 5]);
  assertEquals([arena.endEvacuation(), arena.recoverableBytes()], [0, 0]);
});

Deno.test("new blocks stay out of marked slabs while others have room, then take them back", () => {
  const arena = new Arena({ debug: true });
  const [[single], pair] = unevenSlabs(arena, 2);
  assertEquals(arena.beginEvacuation(), 1);
  const added = [arena.allocate(SEGMENT_BYTES / 4), arena.allocate(SEGMENT_BYTES / 4)];
  for (const ref of added) assertEquals(segmentOf(ref), segmentOf(pair[0]));
  // There is no room elsewhere now, and no reason to open a third slab.
  assertEquals(arena.relocate(single), single);
  assertEquals(segmentOf(arena.allocate(SEGMENT_BYTES / 4)), segmentOf(single));
  assertEquals([arena.segmentCount, arena.endEvacuation()], [2, 0]);
});

Deno.test("slabs that could not be emptied are used again after the evacuation", () => {
  const arena = new Arena({ debug: true });
  unevenSlabs(arena, 2);
  arena.beginEvacuation();
  assertEquals(arena.endEvacuation(), SEGMENT_BYTES);
  for (let count = 0; count < 5; count++) arena.allocate(SEGMENT_BYTES / 4);
  assertEquals(arena.segmentCount, 2);
});

Deno.test("an evacuation closes the empty slabs that classes keep", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(64);
  for (const byteCount of [8, 100, 5000]) arena.free(arena.allocate(byteCount));
  assertEquals(arena.segmentCount, 4);
  assertEquals([arena.beginEvacuation(), arena.segmentCount], [0, 1]);
  assertEquals(arena.blockBytes(ref), 64);
  arena.endEvacuation();
  arena.allocate(5000);
  assertEquals(arena.segmentCount, 2);
});

Deno.test("the last slab of a class is closed when empty, marked for evacuation or not", () => {
  const arena = new Arena({ debug: true });
  const [[single], pair] = unevenSlabs(arena, 2);
  arena.beginEvacuation();
  // The slab with room goes first, and what is left is marked.
  for (const ref of [...pair, single]) arena.free(ref);
  assertEquals(arena.segmentCount, 1);
  arena.closeEmptySlabs();
  assertEquals(arena.segmentCount, 0);
  assertEquals(arena.endEvacuation(), 0);
  const refs = Array.from({ length: 5 }, () => arena.allocate(SEGMENT_BYTES / 4));
  refs.push(arena.allocate(8));
  assertEquals([arena.segmentCount, new Set(refs).size], [3, 6]);
});

Deno.test("blocks keep their bytes whatever comes of slabs: marked, moved, closed, given back", () => {
  const random = new SeededRandom(testSeed());
  const arena = new Arena({ debug: true });
  const sizes = [8, 100, SEGMENT_BYTES / 16, SEGMENT_BYTES / 4];
  const blocks: { ref: Ref; tag: number }[] = [];
  const take = () => blocks.splice(random.below(blocks.length), 1)[0];
  let isEvacuating = false;
  const evacuate = () => {
    if (isEvacuating) arena.endEvacuation();
    else arena.beginEvacuation();
    isEvacuating = !isEvacuating;
  };
  const move = () => {
    const block = random.pick(blocks);
    block.ref = arena.relocate(block.ref);
    assertEquals(arena.word(block.ref, 1), block.tag);
  };
  const add = (tag: number) => {
    const ref = arena.allocate(random.pick(sizes));
    arena.words[segmentOf(ref)][wordOffsetOf(ref) + 1] = tag;
    blocks.push({ ref, tag });
  };
  for (let step = 0; step < 20_000; step++) {
    const choice = random.below(100);
    if (choice < 6) evacuate();
    else if (choice < 12) arena.closeEmptySlabs();
    else if (choice === 12) arena.trim(0);
    // Now and then nearly all goes, so that classes come down to their last slab.
    else if (choice === 13) { while (blocks.length > 3) arena.free(take().ref); }
    else if (choice < 35 && blocks.length > 0) arena.free(take().ref);
    else if (choice < 45 && blocks.length > 0) move();
    else add(step);
  }
  for (const { ref, tag } of blocks) assertEquals(arena.word(ref, 1), tag);
  for (const { ref } of blocks) arena.free(ref);
  arena.closeEmptySlabs();
  assertEquals([arena.segmentCount, arena.usedBytes], [0, 0]);
});

Deno.test("no block and no segment moves while frozen", () => {
  const arena = new Arena({ debug: true });
  const [[single]] = unevenSlabs(arena, 2);
  arena.beginEvacuation();
  arena.beginFreeze(() => {});
  assertThrows(() => arena.relocate(single), Error, "while frozen");
  assertThrows(() => arena.compactStep(), Error, "while frozen");
  arena.endFreeze([]);
});

Deno.test("compaction empties hardly used buffers, and every block keeps ref and bytes", () => {
  const arena = new Arena({ debug: true });
  const refs = Array.from({ length: 600 }, () => arena.allocate(SEGMENT_BYTES));
  const kept = refs.filter((ref, index) => {
    arena.words[segmentOf(ref)].fill(index);
    if (index % 4 !== 0) arena.free(ref);
    return index % 4 === 0;
  });
  arena.trim();
  assertEquals(arena.statistics().reservedBytes, 600 * SEGMENT_BYTES);
  const promised = arena.compactableBytes();
  assert(arena.beginCompaction());
  while (arena.compactStep());
  assertEquals(arena.endCompaction(), promised);
  assert(promised > 300 * SEGMENT_BYTES);
  assertEquals(arena.statistics().reservedBytes, 600 * SEGMENT_BYTES - promised);
  kept.forEach((ref, index) => {
    const words = arena.words[segmentOf(ref)];
    assertEquals([words[0], words[words.length - 1]], [index * 4, index * 4]);
  });
  assert(!arena.beginCompaction());
  arena.endCompaction();
});

Deno.test("a block freed while frozen counts as deferred, and as used, until the release", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(64);
  const clones: number[] = [];
  arena.beginFreeze((_, segment) => clones.push(segment));
  arena.free(ref);
  assertEquals([arena.deferredBytes, arena.usedBytes, clones.length], [64, 64, 0]);
  assertThrows(() => arena.freeDeferred(1), Error, "while frozen");
  // A new block comes from the same segment, which is not cloned for it; the freed one must not be
  // handed out.
  const other = arena.allocate(64);
  assert(other !== ref);
  assertEquals([segmentOf(other), clones.length], [segmentOf(ref), 0]);
  arena.endFreeze([]);
  arena.freeDeferred(1);
  assertEquals([arena.deferredBytes, arena.usedBytes], [0, 64]);
});

Deno.test("a second freeze is a mistake", () => {
  const arena = new Arena({ debug: true });
  arena.beginFreeze(() => {});
  assertThrows(() => arena.beginFreeze(() => {}), Error, "frozen twice");
});

Deno.test("empty slabs are closed when asked to, others are not", () => {
  const arena = new Arena({ debug: true });
  const kept = arena.allocate(24);
  for (const byteCount of [8, 64, 500]) arena.free(arena.allocate(byteCount));
  assertEquals(arena.segmentCount, 4);
  arena.closeEmptySlabs();
  assertEquals([arena.segmentCount, arena.idleSegmentCount], [1, 3]);
  assertEquals(arena.blockBytes(kept), 24);
  assertEquals(arena.blockBytes(arena.allocate(64)), 64);
});

Deno.test("idle segments are discarded down to a reserve, and blocks in use keep their bytes", () => {
  // As the system does it: the content is gone.
  const pages = {
    misalignment: () => 0,
    discard: (bytes: Uint8Array) => void bytes.fill(0),
    populate: () => {},
  };
  const arena = new Arena({ debug: true, pages });
  const refs = Array.from({ length: 40 }, () => arena.allocate(SEGMENT_BYTES));
  refs.forEach((ref, index) => arena.bytes[segmentOf(ref)].fill(index + 1));
  refs.forEach((ref, index) => index % 2 === 1 && arena.free(ref));
  assert(arena.discardIdle(5, 10));
  assertEquals(arena.discardIdle(5, 10), false);
  assertEquals(arena.idleSegmentCount, 5);
  assertEquals(arena.statistics().reservedBytes, 25 * SEGMENT_BYTES);
  const fresh = Array.from({ length: 30 }, () => arena.allocate(SEGMENT_BYTES));
  for (const ref of fresh) arena.bytes[segmentOf(ref)].fill(99);
  refs.forEach((ref, index) => {
    if (index % 2 === 0) assertEquals(new Set(arena.bytes[segmentOf(ref)]), new Set([index + 1]));
  });
  assertEquals(arena.statistics().reservedBytes, 50 * SEGMENT_BYTES);
});

Deno.test("without a way to the pages nothing is discarded", () => {
  const arena = new Arena();
  const refs = Array.from({ length: 40 }, () => arena.allocate(SEGMENT_BYTES));
  for (const ref of refs) arena.free(ref);
  assertEquals([arena.hasIdle(0), arena.discardIdle(0, 10)], [false, false]);
  assertEquals(arena.statistics().reservedBytes, 40 * SEGMENT_BYTES);
});
