/** Deadline heap: against a sorted list. */
import { assertEquals } from "@std/assert";
import { DeadlineHeap } from "../../src/base/deadline_heap.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

function item(deadlineMs: number, order = 0) {
  return { deadlineMs, order, heapIndex: -1 };
}

Deno.test("the earliest comes first, and among equals the smaller order", () => {
  const heap = new DeadlineHeap();
  const items = [item(5, 2), item(7, 1), item(5, 1), item(1, 9)];
  for (const one of items) heap.add(one);
  const taken: unknown[] = [];
  for (let { first } = heap; first !== undefined; { first } = heap) {
    taken.push([first.deadlineMs, first.order]);
    heap.remove(first);
    assertEquals(first.heapIndex, -1);
  }
  assertEquals(taken, [[1, 9], [5, 1], [5, 2], [7, 1]]);
});

Deno.test("taking out what is not in does nothing", () => {
  const heap = new DeadlineHeap();
  const [one, other] = [item(1), item(2)];
  heap.add(one);
  heap.remove(other);
  assertEquals([heap.size, heap.first], [1, one]);
  heap.remove(one);
  heap.remove(one);
  assertEquals([heap.size, heap.first], [0, undefined]);
});

Deno.test("whatever is added and taken out, the first is that of a sorted list", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const heap = new DeadlineHeap();
  const inside: ReturnType<typeof item>[] = [];
  for (let step = 0; step < 5000; step++) {
    const isAdding = random.below(100) < (step % 1000 < 500 ? 70 : 30);
    if (isAdding || inside.length === 0) {
      const one = item(random.below(50), step);
      inside.push(one);
      heap.add(one);
    } else {
      heap.remove(inside.splice(random.below(inside.length), 1)[0]!);
    }
    const sorted = inside.toSorted((a, b) => a.deadlineMs - b.deadlineMs || a.order - b.order);
    assertEquals([heap.size, heap.first], [sorted.length, sorted[0]], `seed ${seed}`);
  }
});
