/** Plain search: against the runtime's own, and where that would take minutes. */
import { assertEquals } from "@std/assert";
import { searchText, searchWithoutBacktracking } from "../../src/scripting/lua_text_search.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

Deno.test("the search that never looks back finds what indexOf finds", () => {
  const random = new SeededRandom(testSeed());
  const word = (length: number) =>
    Array.from({ length }, () => random.pick(["a", "b"] as const)).join("");
  for (let round = 0; round < 5000; round++) {
    const text = word(random.below(40));
    const pattern = word(1 + random.below(6));
    const start = random.below(text.length + 1);
    const what = `${text} ${pattern} ${start}, seed ${random.seed}`;
    assertEquals(
      searchWithoutBacktracking(text, pattern, start),
      text.indexOf(pattern, start),
      what,
    );
  }
});

Deno.test("a long pattern that nearly matches everywhere is searched in no time", () => {
  const text = "a".repeat(1_000_000) + "b";
  const pattern = "a".repeat(500_000) + "c";
  assertEquals(searchText(text, pattern, 0), -1);
  const found = "a".repeat(500_000) + "b";
  assertEquals([searchText(text, found, 0), searchText(text, found, 500_000)], [500_000, 500_000]);
  assertEquals(searchText(text, found, 500_001), -1);
});

Deno.test("an empty pattern is found where the search begins", () => {
  assertEquals([searchText("abc", "", 0), searchText("abc", "", 3)], [0, 3]);
});
