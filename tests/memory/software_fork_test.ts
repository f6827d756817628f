/**
 * The software fork, and the arena below it, against a plain model: blocks are allocated, written,
 * freed and frozen at random; a frozen image must read as the model did at the freeze.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random, randomSeed } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import { byteOffsetOf, type Memory, type Ref, segmentOf } from "../../src/memory/memory.ts";
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
      const ref = refs[random.below(refs.length)];
      const block = { size: model.get(ref)!.size, byte: random.below(256) };
      fillBlock(arena, ref, block.size, block.byte);
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

Deno.test("software fork: a write without willWrite is found out at release", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const ref = arena.allocate(64);
  fork.freeze();
  arena.bytes[segmentOf(ref)][byteOffsetOf(ref)] ^= 1;
  assertThrows(() => fork.release(), Error, "willWrite is missing");
});
