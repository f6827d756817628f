/** The latency monitor: samples by the second, and what they say together. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { ConfigValues } from "../../src/config/config_values.ts";
import { LATENCY_SAMPLES_MAX, LatencyMonitor } from "../../src/statistics/latency.ts";

function monitor(thresholdMs: number): LatencyMonitor {
  const config = new ConfigValues();
  config.latencyMonitorThreshold = thresholdMs;
  return new LatencyMonitor(config);
}

Deno.test("of each second the worst moment is kept", () => {
  const latency = monitor(10);
  try {
    clock.setTimeForTests(1_000_000);
    for (const ms of [20, 50, 30]) latency.add("command", ms);
    clock.advanceForTests(1000);
    latency.add("command", 40.9);
    assertEquals(latency.events.get("command"), {
      name: "command",
      samples: [{ timeSeconds: 1000, latencyMs: 50 }, { timeSeconds: 1001, latencyMs: 40 }],
      maxMs: 50,
    });
    clock.advanceForTests(9000);
    assertEquals(LatencyMonitor.summary(latency.events.get("command")!), {
      allTimeHigh: 50,
      average: 45,
      deviation: 5,
      min: 40,
      max: 50,
      samples: 2,
      period: 5,
    });
  } finally {
    clock.useRealTime();
  }
});

Deno.test("what stays below the threshold is not noted, and nothing if it is 0", () => {
  const latency = monitor(10);
  latency.addIfNeeded("fork", 9_999);
  assertEquals(latency.events.size, 0);
  latency.addIfNeeded("fork", 10_000);
  assertEquals(latency.events.size, 1);
  const idle = monitor(0);
  idle.addIfNeeded("fork", 10_000_000);
  assertEquals(idle.events.size, 0);
});

Deno.test("the samples of an event are bounded, and its worst moment outlives them", () => {
  const latency = monitor(10);
  try {
    clock.setTimeForTests(0);
    latency.add("command", 999);
    for (let second = 0; second < 2 * LATENCY_SAMPLES_MAX; second++) {
      clock.advanceForTests(1000);
      latency.add("command", 20);
    }
    const { samples, maxMs } = latency.events.get("command")!;
    assertEquals(samples.length, LATENCY_SAMPLES_MAX);
    assertEquals(maxMs, 999);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("reset forgets one event or all", () => {
  const latency = monitor(10);
  for (const name of ["a", "b", "c"]) latency.add(name, 20);
  assertEquals(latency.reset("b"), 1);
  assertEquals(latency.reset("b"), 0);
  assertEquals(latency.reset(), 2);
});
