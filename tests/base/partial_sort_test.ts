/** The first elements are those of the sorted array, whatever the input. */
import { assertEquals } from "@std/assert";
import { sortFirst } from "../../src/base/partial_sort.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const ascending = (left: number, right: number) => left - right;

Deno.test("sortFirst puts the wanted elements in front, in order, and loses none", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 2000; round++) {
    const size = random.below(round % 10 === 0 ? 500 : 60);
    const values = 1 + random.below(random.oneIn(2) ? 5 : 1000);
    const items = Array.from({ length: size }, () => random.below(values));
    const sorted = [...items].sort(ascending);
    const count = random.below(size + 1);
    sortFirst(items, count, ascending);
    assertEquals(items.slice(0, count), sorted.slice(0, count), `seed ${seed}, round ${round}`);
    assertEquals([...items].sort(ascending), sorted, `seed ${seed}, round ${round}`);
  }
});

Deno.test("sortFirst does not compare much more than it must", () => {
  const random = new SeededRandom(1);
  const items = Array.from({ length: 100_000 }, () => random.next());
  let comparisons = 0;
  sortFirst(items, 10, (left, right) => {
    comparisons++;
    return left - right;
  });
  assertEquals(comparisons < 500_000, true, `${comparisons} comparisons for 10 of 100,000`);
});
