/** Sparklines: LATENCY GRAPH's bars. */
import { assertEquals } from "@std/assert";
import { sparkline } from "../../src/statistics/sparkline.ts";

Deno.test("the lowest value is a line on the ground, the highest fills all rows", () => {
  const lines = sparkline([10, 20, 30], ["3s", "2s", "1s"], 2).split("\n");
  assertEquals(lines, [" _#", "_||", "   ", "321", "sss", ""]);
});

Deno.test("labels of different length are written downwards from the same row", () => {
  const lines = sparkline([1, 1], ["10m", "5s"], 1).split("\n");
  assertEquals(lines, ["__", "  ", "15", "0s", "m ", ""]);
});
