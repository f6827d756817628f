/** What is read of what redis-benchmark prints. */
import { assertEquals, assertThrows } from "@std/assert";
import { readBenchmark } from "../../scripts/bench/loads.ts";

const HEADER = '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms",' +
  '"p95_latency_ms","p99_latency_ms","max_latency_ms"\n';

Deno.test("readBenchmark: the last row counts", () => {
  const rows = '"SET","1000.50","0.1","0.1","0.1","0.1","0.1","0.1"\n' +
    '"GET","71428.57","0.038","0.024","0.031","0.143","0.145","0.150"\n';
  assertEquals(readBenchmark(HEADER + rows, 1000), {
    requestsPerSecond: 71428.57,
    p50Ms: 0.031,
    p99Ms: 0.145,
    longestMs: 0.15,
  });
});

Deno.test("readBenchmark: requests that took less than a ms count as done in one", () => {
  const row = '"GET","inf","0.038","0.024","0.031","0.143","0.143","0.143"\n';
  assertEquals(readBenchmark(HEADER + row, 1000).requestsPerSecond, 1_000_000);
});

Deno.test("readBenchmark: refuses what is no row", () => {
  for (const stdout of ["", HEADER, "Could not connect", '"GET","nan","0","0","0","0","0","0"']) {
    assertThrows(() => readBenchmark(stdout, 1000), Error, "Cannot read what redis-benchmark says");
  }
});
