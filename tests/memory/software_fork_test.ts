/**
 * The software fork, and the arena below it, against a plain model: blocks are allocated, written,
 * freed and frozen at random; a frozen image must read as the model did at the freeze.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random, randomSeed } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import {
  byteOffsetOf,
  type Memory,
  type Ref,
  SEGMENT_BYTES,
  segmentOf,
} from "../../src/memory/memory.ts";
import { FrozenMemory, SoftwareFork } from "../../src/memory/software_fork.ts";

function fillBlock(arena: Arena, ref: Ref, size: number, byte: number): void {
  arena.willWrite(ref);
  const at = byteOffsetOf(ref);
  arena.bytes[segmentOf(ref)].fill(byte, at, at + size);
}

function assertBlocks(memory: Memory, model: Map<Ref, { size: number; byte: number }>): void {
  for (const [ref, { size, byte }] of model) {
    const bytes = memory.bytes[segmentOf(ref)];
    const at = byteOffsetOf(ref);
    assert(bytes[at] === byte && bytes[at + size - 1] === byte, `block ${ref} differs`);
  }
}

Deno.test("software fork: a frozen image reads as memory did at the freeze", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const model = new Map<Ref, { size: number; byte: number }>();
  let frozenModel: typeof model | null = null;
  let image: FrozenMemory | null = null;
  for (let step = 0; step < 6000; step++) {
    const choice = random.below(100);
    const refs = choice < 60 ? [] : [...model.keys()].slice(0, 50);
    if (choice < 60 && model.size < 3000) {
      const size = 1 + random.below(random.below(10) === 0 ? 70000 : 200);
      const ref = arena.allocate(size);
      assert(!model.has(ref), `seed ${seed}: block handed out twice`);
      assert(arena.blockBytes(ref) >= size);
      const byte = random.below(256);
      fillBlock(arena, ref, size, byte);
      model.set(ref, { size, byte });
    } else if (choice < 75 && refs.length > 0) {
      // Half of the owners can store another ref.
      const old = refs[random.below(refs.length)];
      const ref = random.below(2) === 0 ? arena.writable(old) : old;
      const { size, byte: oldByte } = model.get(old)!;
      assertBlocks(arena, new Map([[ref, { size, byte: oldByte }]]));
      const block = { size, byte: random.below(256) };
      fillBlock(arena, ref, block.size, block.byte);
      model.delete(old);
      model.set(ref, block);
    } else if (choice < 98 && refs.length > 0) {
      const ref = refs[random.below(refs.length)];
      arena.free(ref);
      model.delete(ref);
    } else if (image === null && random.below(10) === 0) {
      // All that waits, some of it, or nothing.
      arena.freeDeferred([Infinity, 10, 0][random.below(3)]);
      fork.freeze();
      image = new FrozenMemory(fork.transferable());
      frozenModel = new Map(model);
    } else if (image !== null && random.below(10) === 0) {
      assertBlocks(image, frozenModel!);
      fork.release();
      image = null;
    }
  }
  assertBlocks(arena, model);
  if (image !== null) fork.release();
  for (const ref of model.keys()) arena.free(ref);
  arena.freeDeferred(Infinity);
  assertEquals(arena.usedBytes, 0, `seed ${seed}`);
});

Deno.test("software fork: blocks that wait while the next image is read go back after it", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const refs = Array.from({ length: 3000 }, () => arena.allocate(64));
  const rest = refs.splice(1000);
  fork.freeze();
  for (const ref of refs) arena.free(ref);
  fork.release();
  assertEquals([arena.freeDeferred(400), arena.deferredCount], [true, 600]);
  fork.freeze();
  // What waits may be in a frozen segment again, and more comes to it.
  for (const ref of rest) arena.free(ref);
  assertEquals([arena.deferredCount, fork.isSettled], [2600, false]);
  fork.release();
  assertEquals([arena.freeDeferred(2599), arena.freeDeferred(1)], [true, false]);
  assertEquals([arena.usedBytes, arena.deferredBytes, fork.isSettled], [0, 0, true]);
});

Deno.test("software fork: a block that can move leaves the image alone, and costs its own size", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const refs = Array.from({ length: 100 }, () => arena.allocate(1000));
  refs.forEach((ref, index) => fillBlock(arena, ref, 1000, index));
  fork.freeze();
  const image = new FrozenMemory(fork.transferable());
  const moved = refs.map((ref) => arena.writable(ref));
  assert(moved.every((ref, index) => ref !== refs[index]));
  moved.forEach((ref, index) => fillBlock(arena, ref, 1000, index + 100));
  // What is no part of the image stays where it is.
  assertEquals(moved.map((ref) => arena.writable(ref)), moved);
  assertEquals(fork.clonedBytes, 100 * arena.blockBytes(moved[0]));
  assertBlocks(image, new Map(refs.map((ref, index) => [ref, { size: 1000, byte: index }])));
  fork.release();
  arena.freeDeferred(Infinity);
  assertEquals(arena.usedBytes, 100 * arena.blockBytes(moved[0]));
  // Without an image nothing moves.
  assertEquals(moved.map((ref) => arena.writable(ref)), moved);
});

Deno.test("software fork: image after image, blocks that move use the room of those before", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  let refs = Array.from({ length: 5000 }, () => arena.allocate(1000));
  const segmentCounts: number[] = [];
  for (let round = 0; round < 8; round++) {
    fork.freeze();
    refs = refs.map((ref, index) => index % 8 === round ? arena.writable(ref) : ref);
    assertEquals(fork.clonedBytes, 625 * arena.blockBytes(refs[0]));
    fork.release();
    arena.freeDeferred(Infinity);
    segmentCounts.push(arena.segmentCount);
  }
  assertEquals(segmentCounts, Array(8).fill(segmentCounts[0]));
});

Deno.test("software fork: a free block is handed out and taken back while its segment is frozen", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const [kept, gone] = [arena.allocate(64), arena.allocate(64)];
  fillBlock(arena, kept, 64, 1);
  arena.free(gone);
  fork.freeze();
  const young = arena.allocate(64);
  assertEquals([young, arena.isShared(young), arena.isShared(kept)], [gone, false, true]);
  fillBlock(arena, young, 64, 2);
  arena.free(young);
  assertEquals([arena.deferredBytes, arena.allocate(64), fork.clonedBytes], [0, gone, 0]);
  fillBlock(arena, gone, 64, 3);
  // A block that cannot move takes its young neighbours along.
  fillBlock(arena, kept, 64, 4);
  assertEquals(fork.clonedBytes, SEGMENT_BYTES);
  assertBlocks(arena, new Map([[kept, { size: 64, byte: 4 }], [gone, { size: 64, byte: 3 }]]));
  fork.release();
});

Deno.test("software fork: blocks stay where they are when few addresses are left", () => {
  const arena = new Arena({ debug: true, segmentCountMax: 12 });
  const fork = new SoftwareFork(arena);
  const refs = Array.from({ length: 8 * 25 }, () => arena.allocate(10_000));
  fork.freeze();
  const moved = refs.map((ref) => arena.writable(ref));
  const movedCount = moved.filter((ref, index) => ref !== refs[index]).length;
  assert(movedCount > 0 && movedCount < refs.length, `${movedCount} moved`);
  assert(moved.every((ref) => !arena.isShared(ref)));
  assert(arena.roomBytes > 0);
  fork.release();
});

Deno.test("software fork: a block that waits to be freed cannot be used or freed again", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const ref = arena.allocate(64);
  fork.freeze();
  arena.free(ref);
  for (
    const misuse of [() => arena.free(ref), () => arena.willWrite(ref), () => arena.writable(ref)]
  ) {
    assertThrows(misuse, Error, "was freed");
  }
  fork.release();
});

Deno.test("software fork: a view taken before a clone is found out at release", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const old = arena.allocate(64);
  fork.freeze();
  const young = arena.allocate(64);
  const view = arena.words[segmentOf(young)];
  arena.willWrite(old);
  view[byteOffsetOf(young) / 4] ^= 1;
  assertThrows(() => fork.release(), Error, "willWrite is missing");
});

Deno.test("software fork: a write without willWrite is found out at release", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const ref = arena.allocate(64);
  fork.freeze();
  arena.bytes[segmentOf(ref)][byteOffsetOf(ref)] ^= 1;
  assertThrows(() => fork.release(), Error, "willWrite is missing");
});
