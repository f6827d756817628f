/** The memory report: its sums fit each other and the arena. */
import { assert, assertEquals } from "@std/assert";
import { memoryReport } from "../../src/upkeep/memory_report.ts";
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
