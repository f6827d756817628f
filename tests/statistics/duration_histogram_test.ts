/** Duration histograms: buckets of HdrHistogram with two significant digits. */
import { assertEquals } from "@std/assert";
import { CommandDurations, DurationHistogram } from "../../src/statistics/duration_histogram.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

function histogramOf(durationsUs: readonly number[]): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const us of durationsUs) histogram.record(us, 1);
  return histogram;
}

Deno.test("a value is reported as the upper end of its bucket, as HdrHistogram does", () => {
  // redis-server shows 8.031, 5.023 and 34.047 for such calls; a bucket's width is below 1 %.
  const expected = [[8, 8031], [5, 5023], [34, 34047], [35_000, 35127295], [0.2, 200]];
  for (const [us, ns] of expected) assertEquals(histogramOf([us]).valueAt(50), ns);
});

Deno.test("percentiles count from the smallest duration", () => {
  const histogram = histogramOf(Array.from({ length: 100 }, (_, index) => index + 1));
  assertEquals(Math.round(histogram.valueAt(50) / 1000), 50);
  assertEquals(Math.round(histogram.valueAt(99) / 1000), 99);
  assertEquals(Math.round(histogram.valueAt(100) / 1000), 100);
  assertEquals(Math.floor(histogram.valueAt(0) / 1000), 1);
});

Deno.test("the number of durations that a percentile means is rounded, not cut off", () => {
  // HdrHistogram: 50 % of three are 1.5, so two; 10 % of four are 0.4, but never none.
  const three = histogramOf([1, 2, 4]);
  assertEquals(Math.round(three.valueAt(50) / 1000), 2);
  assertEquals(Math.round(three.valueAt(49) / 1000), 1);
  assertEquals(Math.round(three.valueAt(83.4) / 1000), 4);
  assertEquals(Math.round(histogramOf([1, 2, 4, 8]).valueAt(10) / 1000), 1);
});

Deno.test("durations above a second count as one second", () => {
  const histogram = histogramOf([5_000_000, 1e12]);
  assertEquals(Math.round(histogram.valueAt(100) / 1e9), 1);
  assertEquals(histogram.total, 2);
});

Deno.test("steps double from 1 µs on and leave out those that add nothing", () => {
  const histogram = histogramOf([0.5, 3, 3, 20, 40_000]);
  assertEquals(histogram.steps(), [[1, 1], [4, 3], [33, 4], [67633, 5]]);
});

Deno.test("calls that were timed together count each with their mean", () => {
  using server = new EmbeddedServer();
  const get = server.server.commands.byName.get("get")!;
  const durations = new CommandDurations();
  assertEquals(durations.of(get), null);
  durations.record(get, 50, 10);
  assertEquals(durations.of(get)!.total, 10);
  assertEquals(durations.of(get)!.valueAt(99), 5023);
  durations.reset();
  assertEquals(durations.of(get), null);
});
