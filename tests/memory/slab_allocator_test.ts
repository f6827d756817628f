/** Slab table: the lists of slabs with room, against plain arrays. */
import { assertEquals, assertThrows } from "@std/assert";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { CLASS_BYTES, classFor } from "../../src/memory/size_classes.ts";
import { SlabTable } from "../../src/memory/slab_allocator.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const SMALL = classFor(64);
const LARGE = classFor(SEGMENT_BYTES);

/** The slabs of a class with room, in order, found by taking them out and putting them back. */
function roomList(slabs: SlabTable, sizeClass: number): number[] {
  const list: number[] = [];
  for (let head = slabs.roomHead[sizeClass]; head !== 0; head = slabs.roomHead[sizeClass]) {
    list.push(head);
    slabs.unlinkRoom(head, sizeClass);
  }
  for (const segment of list.toReversed()) slabs.linkRoom(segment, sizeClass);
  return list;
}

Deno.test("a new slab comes first, one that has room again comes second", () => {
  const slabs = new SlabTable();
  for (const segment of [1, 2, 3]) slabs.open(segment, SMALL);
  assertEquals(roomList(slabs, SMALL), [3, 2, 1]);
  slabs.unlinkRoom(2, SMALL);
  slabs.linkRoomSecond(2, SMALL);
  assertEquals(roomList(slabs, SMALL), [3, 2, 1]);
  slabs.unlinkRoom(1, SMALL);
  slabs.linkRoomSecond(1, SMALL);
  assertEquals(roomList(slabs, SMALL), [3, 1, 2]);
  assertEquals(roomList(slabs, LARGE), []);
});

Deno.test("the first slab with room in an empty list comes first", () => {
  const slabs = new SlabTable();
  slabs.open(7, SMALL);
  slabs.unlinkRoom(7, SMALL);
  assertEquals(slabs.roomHead[SMALL], 0);
  slabs.linkRoomSecond(7, SMALL);
  assertEquals(roomList(slabs, SMALL), [7]);
});

Deno.test("a slab is full when nothing is freed and no further block fits", () => {
  const slabs = new SlabTable();
  slabs.open(1, SMALL);
  assertEquals(slabs.isFull(1), false);
  const blocks = Math.floor(SEGMENT_BYTES / CLASS_BYTES[SMALL]);
  slabs.bumpOffset[1] = (blocks - 1) * CLASS_BYTES[SMALL];
  assertEquals(slabs.isFull(1), false);
  slabs.bumpOffset[1] = blocks * CLASS_BYTES[SMALL];
  assertEquals(slabs.isFull(1), true);
  slabs.freeHead[1] = 1;
  assertEquals(slabs.isFull(1), false);
});

Deno.test("a slab in use cannot be closed, and a segment may change its class", () => {
  const slabs = new SlabTable();
  slabs.open(1, SMALL);
  slabs.usedCount[1] = 1;
  assertThrows(() => slabs.close(1), Error, "in use");
  slabs.usedCount[1] = 0;
  slabs.close(1);
  assertEquals([slabs.slabCount[SMALL], slabs.roomHead[SMALL]], [0, 0]);
  slabs.open(1, LARGE);
  assertEquals([slabs.classOf[1], slabs.roomHead[LARGE], slabs.slabCount[LARGE]], [LARGE, 1, 1]);
});

Deno.test("the lists hold what a model holds", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const slabs = new SlabTable();
  const model: number[] = [];
  const unlinked: number[] = [];
  let next = 1;
  for (let step = 0; step < 2000; step++) {
    const choice = random.below(4);
    if (choice === 0 && next < 200) {
      model.unshift(next);
      slabs.open(next++, SMALL);
    } else if (choice === 1 && model.length > 0) {
      const [segment] = model.splice(random.below(model.length), 1);
      slabs.unlinkRoom(segment, SMALL);
      unlinked.push(segment);
    } else if (choice === 2 && unlinked.length > 0) {
      const segment = unlinked.pop()!;
      slabs.linkRoomSecond(segment, SMALL);
      model.splice(Math.min(1, model.length), 0, segment);
    } else if (choice === 3 && model.length > 0) {
      const [segment] = model.splice(random.below(model.length), 1);
      slabs.close(segment);
    }
    if (step % 50 === 0) assertEquals(roomList(slabs, SMALL), model, `seed ${seed}`);
  }
  assertEquals(slabs.slabCount[SMALL], model.length + unlinked.length);
});

Deno.test("the emptiest slabs that a class can do without are marked, and no full one", () => {
  const slabs = new SlabTable();
  const capacity = Math.floor(SEGMENT_BYTES / CLASS_BYTES[SMALL]);
  const used = [capacity, 1, capacity / 2, capacity / 4, capacity - 1];
  used.forEach((count, index) => {
    const segment = index + 1;
    slabs.open(segment, SMALL);
    slabs.usedCount[segment] = count;
    slabs.blockCount[SMALL] += count;
    slabs.bumpOffset[segment] = count * CLASS_BYTES[SMALL];
    if (count === capacity) slabs.unlinkRoom(segment, SMALL);
  });
  slabs.open(6, LARGE);
  // 2.75 slabs of blocks stand in five.
  assertEquals([slabs.surplus(SMALL), slabs.surplus(LARGE)], [2, 0]);
  assertEquals(slabs.markSurplus(7), 2);
  assertEquals([...slabs.isEvacuated.subarray(1, 7)], [0, 1, 0, 1, 0, 0]);
  assertEquals(roomList(slabs, SMALL), [5, 3]);
  // One becomes empty and goes; the other comes back.
  slabs.usedCount[2] = 0;
  slabs.blockCount[SMALL]--;
  slabs.close(2);
  assertEquals([slabs.slabCount[SMALL], slabs.readmit(SMALL), slabs.readmit(SMALL)], [4, 4, 0]);
  assertEquals(roomList(slabs, SMALL), [4, 5, 3]);
});
