/** Elements that come twice are found at any distance and in any encoding, and only they. */
import { assertEquals } from "@std/assert";
import { hasDuplicates } from "../../src/structures/listpack_duplicates.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { latin1 } from "../support/text.ts";
import { listpackOf } from "./listpack_bytes.ts";

Deno.test("elements that come twice are found, each or every second one being looked at", () => {
  const cases: [string[], each: boolean, second: boolean][] = [
    [[], false, false],
    [["a"], false, false],
    [["a", "a"], true, false],
    [["a", "1", "b", "1"], true, false],
    [["a", "1", "b", "1", "a", "2"], true, true],
    [["7", "x", "70", "x", "7", "x"], true, true],
    [["", "x", "", "y"], true, true],
    [["9223372036854775807", "1", "9223372036854775806", "2"], false, false],
  ];
  for (const [elements, each, second] of cases) {
    const bytes = listpackOf(elements);
    assertEquals(hasDuplicates(bytes, 0, 1), each, elements.join());
    assertEquals(hasDuplicates(bytes, 0, 2), second, elements.join());
  }
});

Deno.test("an integer that is written as text equals the integer", () => {
  assertEquals(hasDuplicates(latin1("\x0c\0\0\0\x02\0\x811\x02\x01\x01\xff"), 0, 1), true);
});

Deno.test("random listpacks have what a set says they have", () => {
  const random = new SeededRandom(4);
  for (let round = 0; round < 200; round++) {
    const elements = Array.from(
      { length: random.between(1, 400) },
      () => `${random.below(20_000)}`,
    );
    const isTwice = new Set(elements).size !== elements.length;
    assertEquals(hasDuplicates(listpackOf(elements), 0, 1), isTwice, `seed ${random.seed}`);
  }
});
