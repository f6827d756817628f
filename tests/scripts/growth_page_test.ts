/**
 * The page of growth: which lines bend, and what is told of a family.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { bend, growthPage, growthPlots, measurementName } from "../../scripts/bench/growth_page.ts";
import { Results } from "../../scripts/bench/results.ts";

const FAMILY = {
  name: "list",
  title: "A list",
  unit: "elements",
  operations: [{ name: "LPUSH" }, { name: "LPOS", reason: "it looks at all of them" }],
};

function resultsOf(): Results {
  const results = new Results();
  for (const [size, value] of [[1000, 2], [10_000, 3], [100_000, 9]] as const) {
    for (const extra of [0, 1]) {
      const what = measurementName("list", "LPUSH", size);
      results.add(what, "redeno", "µs", value + extra);
      results.add(what, "redis", "µs", 1 + extra);
    }
    results.add(measurementName("list", "LPOS", size), "redeno", "µs", size);
  }
  return results;
}

Deno.test("growth: a line bends if it grows twice as much as the original's", () => {
  assertEquals(bend([1, 2, 4], [1, 1.5, 1.9]), "grows 2.1 × as much as the original");
  assertEquals(bend([1, 2, 4], [1, 2, 4]), "");
  assertEquals(bend([1, 1.2, 1.9], [4, 3, 2]), "");
});

Deno.test("growth: a line bends if one step is far larger than the original's", () => {
  assertEquals(bend([4, 2, 6, 4], [1, 1, 1, 1]), "a step of 3.0 ×");
  assertEquals(bend([4, 2, 6, 4], [4, 2, 6, 4]), "");
});

Deno.test("growth: nothing is said of lines without an original beside them", () => {
  assertEquals(bend([1, 100], []), "");
  assertEquals(bend([1, 100], [NaN, NaN]), "");
  assertEquals(bend([1], [1]), "");
});

Deno.test("growth: the page has a plot and a table with the medians and the reasons", () => {
  const page = growthPage([FAMILY], resultsOf());
  assertMatch(page, /!\[A list: CPU µs per command\]\(growth_list\.svg\)/);
  assertMatch(page, /^\| LPUSH, redis 7\.0\.15 \| 1\.50 \| 1\.50 \| 1\.50 \| 1\.00 \| {2}\|$/m);
  assertMatch(
    page,
    /^\| LPUSH, Redeno \| 2\.50 \| 3\.50 \| 9\.50 \| 3\.80 \| grows 3\.8 × .* \|$/m,
  );
  assertMatch(page, /^\| LPOS, Redeno \| .* \| it looks at all of them \|$/m);
});

Deno.test("growth: a family that was not measured is neither drawn nor told", () => {
  const other = { ...FAMILY, name: "set", title: "A set" };
  assertEquals(growthPlots([FAMILY, other], resultsOf()).map(({ name }) => name), ["list"]);
  assertEquals((growthPage([FAMILY, other], resultsOf())).includes("A set"), false);
});
