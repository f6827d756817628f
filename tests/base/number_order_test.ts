/** Number order: against the engine's stable sort, for every shape of input. */
import { assertEquals } from "@std/assert";
import { ascendingOrder } from "../../src/base/number_order.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

/** What the engine makes of it. */
function expected(numbers: Float64Array, count: number, compareEqual: Compare): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  return order.sort((a, b) =>
    numbers[a] === numbers[b] ? compareEqual(a, b) : numbers[a] < numbers[b] ? -1 : 1
  );
}

type Compare = (index: number, other: number) => number;

const asTheyCame = () => 0;
const lastFirst = (index: number, other: number) => other - index;

function check(numbers: number[], count: number, compareEqual: Compare, note: string): void {
  const given = Float64Array.from(numbers);
  const order = ascendingOrder(given, count, compareEqual);
  assertEquals([...order], expected(given, count, compareEqual), note);
  assertEquals(given, Float64Array.from(numbers), `${note}: the numbers stay where they are`);
}

Deno.test("numbers in any order, with few or many equal ones, come out as the engine sorts them", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 400; round++) {
    const length = random.pick([0, 1, 2, 7, 8, 9, 16, 17, 63, 64, 65, 200, 1000]);
    const different = random.pick([1, 2, 10, 1_000_000]);
    const numbers = Array.from({ length }, () => random.below(different) - (different >> 1));
    const note = `seed ${seed}, round ${round}`;
    for (const compareEqual of [asTheyCame, lastFirst]) {
      check(numbers, length, compareEqual, note);
      check(numbers.toSorted((a, b) => a - b), length, compareEqual, `${note}, ascending`);
      check(numbers.toSorted((a, b) => b - a), length, compareEqual, `${note}, descending`);
    }
  }
});

Deno.test("only the first so many numbers are looked at", () => {
  check([5, 4, 9, 1, 0, -3], 4, asTheyCame, "four of six");
  check([3, 2, 1, 7, 9], 3, asTheyCame, "three that descend");
  check([1, 2, 3, 0], 3, lastFirst, "three that ascend");
  check([1, 2], 0, asTheyCame, "none");
});

Deno.test("infinities, both zeros and numbers beyond 2^53 have their places", () => {
  const numbers = [
    0,
    Infinity,
    -0,
    2 ** 53 + 2,
    2 ** 53,
    -Infinity,
    5e-324,
    -5e-324,
    1.5,
    -0,
    Infinity,
    0,
    -1,
    1e308,
    -1e308,
    2 ** 63,
    -(2 ** 63),
  ];
  check(numbers, numbers.length, asTheyCame, "as they came");
  check(numbers, numbers.length, lastFirst, "last first");
});
