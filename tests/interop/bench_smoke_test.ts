/**
 * The wire benches run to their ends with tiny numbers, so that they do not rot. What they
 * measure here means nothing.
 */

import { assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { fsyncPoliciesTable } from "../../scripts/bench/wire/fsync_policies.ts";
import { saveUnderLoadTable } from "../../scripts/bench/wire/save_under_load.ts";
import { memoryTable } from "../../scripts/bench/wire/memory_per_key.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

const TOOLS = ["redis-server", "redis-benchmark", "linux"] as const;

testWith(TOOLS, "bench: compare prints a table of ratios and one of memory", async () => {
  const script = fromFileUrl(new URL("../../scripts/bench/compare.ts", import.meta.url));
  const args = ["run", "-A", script, "--smoke", "--tests", "set,lpop,lrange_100"];
  const { stdout } = await runTool(Deno.execPath(), args);
  for (const test of ["SET", "LPOP", "LRANGE_100"]) {
    assertMatch(
      stdout,
      new RegExp(`^\\| ${test} \\| [\\d,]+ \\| [\\d,]+ \\| \\d+\\.\\d\\d \\|`, "m"),
    );
  }
  assertMatch(stdout, /^\| ratio \| [\d.]+ \|/m);
});

testWith(TOOLS, "bench: memory per key is measured for both servers", async () => {
  assertMatch(await memoryTable(20_000), /^\| redis-server \| [\d.]+ MB \| [\d.]+ \| [\d.]+ \|$/m);
});

testWith(TOOLS, "bench: latencies while saving are measured for both servers", async () => {
  const table = await saveUnderLoadTable({ keys: 20_000, bytes: 50, rounds: 1 });
  assertMatch(table, /^\| redis-server, during BGSAVE \| \d+ \| [\d.]+ \|/m);
});

testWith(TOOLS, "bench: fsync policies are measured at both servers", async () => {
  const table = await fsyncPoliciesTable({ rounds: 1, requests: 50, policies: ["everysec"] });
  assertMatch(table, /^\| everysec, 50 clients, -P 16 \| [\d,]+ \| [\d,]+ \| \d+\.\d\d \|$/m);
});
