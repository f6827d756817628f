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
} from "../../src/memory/memory.ts";

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

Deno.test("the utilization of a slab is its share of blocks in use", () => {
  const arena = new Arena({ debug: true });
  const refs = Array.from({ length: 4 }, () => arena.allocate(SEGMENT_BYTES / 4));
  assertEquals(arena.slabUtilization(refs[0]), 1);
  arena.free(refs[3]);
  assertEquals(arena.slabUtilization(refs[0]), 0.75);
});

Deno.test("a block freed while frozen counts as deferred, and as used, until the release", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(64);
  const clones: number[] = [];
  arena.beginFreeze((_, segment) => clones.push(segment));
  arena.free(ref);
  assertEquals([arena.deferredBytes, arena.usedBytes, clones.length], [64, 64, 0]);
  assertThrows(() => arena.freeDeferred(1), Error, "while frozen");
  // A new block needs the segment, which is cloned; the freed one must not be handed out.
  const other = arena.allocate(64);
  assert(other !== ref);
  assertEquals(clones, [segmentOf(ref)]);
  arena.endFreeze([]);
  arena.freeDeferred(1);
  assertEquals([arena.deferredBytes, arena.usedBytes], [0, 64]);
});

Deno.test("a second freeze, or one before all deferred blocks are freed, is a mistake", () => {
  const arena = new Arena({ debug: true });
  const ref = arena.allocate(64);
  arena.beginFreeze(() => {});
  assertThrows(() => arena.beginFreeze(() => {}), Error, "frozen twice");
  arena.free(ref);
  arena.endFreeze([]);
  assertThrows(() => arena.beginFreeze(() => {}), Error, "deferred blocks wait");
});
