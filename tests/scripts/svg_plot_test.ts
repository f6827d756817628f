/**
 * Plots: where points stand on logarithmic axes, what the axes say, and that what is drawn is
 * sound.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { drawPlot, type Plot, tickLabel } from "../../scripts/bench/svg_plot.ts";

function plotOf(points: readonly (readonly [number, number])[], name = "Redeno"): Plot {
  return {
    title: "A <list>",
    xLabel: "elements",
    yLabel: "µs per command",
    panels: [{ title: "LPUSH & LPOP", series: [{ name, points }] }],
  };
}

/** The corners of the first line. */
function cornersOf(svg: string): number[][] {
  const corners = /<polyline points="([^"]*)"/.exec(svg)![1]!;
  return corners.split(" ").map((corner) => corner.split(",").map(Number));
}

Deno.test("plot: equal factors are equal distances, and more stands higher", () => {
  const [first, second, third] = cornersOf(drawPlot(plotOf([[1000, 1], [10_000, 10], [1e5, 100]])));
  assertEquals(second![0]! - first![0]!, third![0]! - second![0]!);
  assertEquals(first![1]! - second![1]!, second![1]! - third![1]!);
  assert(first![1]! > third![1]!);
});

Deno.test("plot: axes go from one power of ten to another and say so with their units", () => {
  const svg = drawPlot(plotOf([[1000, 0.2], [10_000_000, 30]]));
  for (const label of ["1k", "10k", "100k", "10⁶", "10⁷", "0.1", "1", "10", "100"]) {
    assertMatch(svg, new RegExp(`>${label}</text>`));
  }
  assertMatch(svg, />elements<\/text>/);
  assertMatch(svg, />µs per command<\/text>/);
});

Deno.test("plot: names of powers of ten", () => {
  const exponents = [-3, -2, -1, 0, 1, 2, 3, 5, 6, 12];
  const labels = ["10⁻³", "0.01", "0.1", "1", "10", "100", "1k", "100k", "10⁶", "10¹²"];
  assertEquals(exponents.map(tickLabel), labels);
});

Deno.test("plot: titles and the legend are escaped, each server is named once", () => {
  const one = plotOf([[1, 1], [10, 2]]);
  const svg = drawPlot({ ...one, panels: [...one.panels, ...one.panels] });
  assertMatch(svg, /A &lt;list&gt;/);
  assertMatch(svg, /LPUSH &amp; LPOP/);
  assertEquals(svg.match(/>Redeno</g)?.length, 1);
  assertEquals(svg.match(/<polyline/g)?.length, 2);
});

Deno.test("plot: a line keeps its colour where another one is missing", () => {
  const order = ["redis", "Redeno"];
  const points = [[1, 1], [10, 2]] as const;
  const series = order.map((name) => ({ name, points }));
  const colours = (names: readonly string[]) => {
    const panels = [{ title: "GET", series: series.filter(({ name }) => names.includes(name)) }];
    const svg = drawPlot({ ...plotOf(points), order, panels });
    return [...svg.matchAll(/<polyline .* stroke="(#\w+)"/g)].map(([, colour]) => colour);
  };
  assertEquals(colours(["Redeno"]), colours(order).slice(1));
  assertEquals(new Set(colours(order)).size, 2);
});

Deno.test("plot: points without a number are left out, all within the picture", () => {
  const svg = drawPlot(plotOf([[10, NaN], [100, 5], [1000, 0], [10_000, 5]]));
  const corners = cornersOf(svg);
  assertEquals(corners.length, 2);
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
  for (const [x, y] of corners) assert(x! > 0 && x! < width! && y! > 0 && y! < height!);
  assert(!svg.includes("NaN"));
});

Deno.test("plot: a panel without points takes no room, a plot without any is refused", () => {
  const one = plotOf([[1, 1], [10, 2]]);
  const empty = { title: "nothing", series: [{ name: "Redeno", points: [[1, NaN]] as const }] };
  assertEquals(drawPlot({ ...one, panels: [...one.panels, empty] }), drawPlot(one));
  assertThrows(() => drawPlot(plotOf([])), RangeError, "no points");
});
