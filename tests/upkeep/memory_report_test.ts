/** The memory report: its sums fit each other and the arena. */
import { assert, assertEquals } from "@std/assert";
import { fragmentationOf, memoryReport } from "../../src/upkeep/memory_report.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("an empty server has no data set", () => {
  using server = new EmbeddedServer();
  const report = memoryReport(server.server);
  assertEquals(report.datasetBytes, 0);
  assertEquals(report.usedBytes, report.startupBytes + report.clientBytes);
  assertEquals(report.peakBytes, report.usedBytes);
});

Deno.test("used memory is the data set and its overhead, and the peak stays", () => {
  using server = new EmbeddedServer();
  for (let index = 0; index < 5000; index++) server.run("SET", `key:${index}`, "x".repeat(100));
  const report = memoryReport(server.server);
  assertEquals(report.datasetBytes + report.overheadBytes, report.usedBytes);
  assert(report.datasetBytes > 5000 * 100 && report.datasetShare > 0.8);
  server.run("FLUSHALL");
  server.reclaim();
  const after = memoryReport(server.server);
  assert(after.peakBytes >= report.usedBytes);
  assert(after.usedBytes < report.usedBytes / 10);
});

Deno.test("the buffers of clients are counted", () => {
  using server = new EmbeddedServer();
  const before = memoryReport(server.server).clientBytes;
  const other = server.connect();
  other.send("ECHO", "x".repeat(100_000));
  assert(memoryReport(server.server).clientBytes - before >= 100_000);
});

/** What INFO says in a field of the section memory. */
function infoNumber(server: EmbeddedServer, name: string): number {
  return Number(
    new RegExp(`^${name}:(.*)\\r$`, "m").exec(String(server.run("INFO", "memory")))![1],
  );
}

Deno.test("a server without data is not fragmented, for the runtime is counted on both sides", () => {
  using server = new EmbeddedServer();
  server.server.memoryReturn.measureRuntime();
  for (const name of ["allocator_frag", "allocator_rss", "rss_overhead", "mem_fragmentation"]) {
    const ratio = infoNumber(server, `${name}_ratio`);
    assert(ratio >= 0.5 && ratio < 2, `${name}_ratio is ${ratio}`);
  }
  // What maxmemory limits does not count it.
  assert(infoNumber(server, "used_memory") < 1024 * 1024);
});

Deno.test("ratios of fragmentation compare the amounts that are reported", () => {
  const MIB = 1024 * 1024;
  using server = new EmbeddedServer();
  const fragmentation = fragmentationOf({
    ...memoryReport(server.server),
    usedBytes: 900 * MIB,
    rssBytes: 2180 * MIB,
    runtimeBytes: 100 * MIB,
    arena: {
      usedBytes: 800 * MIB,
      segmentBytes: 1700 * MIB,
      reservedBytes: 1880 * MIB,
      deferredBytes: 0,
    },
  });
  assertEquals(fragmentation, {
    allocatedBytes: 900 * MIB,
    activeBytes: 1800 * MIB,
    residentBytes: 1980 * MIB,
    allocatorFragmentation: { ratio: 2, bytes: 900 * MIB },
    allocatorRss: { ratio: 1.1, bytes: 180 * MIB },
    rssOverhead: { ratio: 2180 / 1980, bytes: 200 * MIB },
    total: { ratio: 2.18, bytes: 1180 * MIB },
  });
});
