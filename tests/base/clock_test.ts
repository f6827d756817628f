/** Tests of src/base/clock.ts. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";

Deno.test("a stopped clock moves only when it is told to", () => {
  try {
    clock.setTimeForTests(1_700_000_000_000);
    assertEquals(clock.refresh(), 1_700_000_000_000);
    const before = clock.monotonicUs();
    clock.advanceForTests(1500);
    assertEquals(clock.nowMs(), 1_700_000_001_500);
    assertEquals(clock.systemMs(), 1_700_000_001_500);
    assertEquals(clock.systemUs(), 1_700_000_001_500_000);
    assertEquals(clock.monotonicUs() - before, 1_500_000);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("nowMs stands still between two calls of refresh", () => {
  const cached = clock.refresh();
  const start = clock.monotonicUs();
  while (clock.monotonicUs() - start < 3000);
  assertEquals(clock.nowMs(), cached);
  assert(clock.refresh() > cached);
});

Deno.test("the microseconds of systemUs agree with the milliseconds of systemMs", () => {
  const before = clock.systemMs();
  const between = clock.systemUs() / 1000;
  // The two readings come from different system clocks; a second apart would be a wrong unit.
  assert(Math.abs(between - before) < 1000);
});
