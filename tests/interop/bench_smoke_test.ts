/**
 * The wire benches run to their ends with tiny numbers, so that they do not rot. What they
 * measure here means nothing.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { complexityTable } from "../../scripts/bench/micro/complexity_bench.ts";
import { hitRatioTable, POLICIES } from "../../scripts/bench/wire/eviction_hit_ratio.ts";
import { fsyncPoliciesTable } from "../../scripts/bench/wire/fsync_policies.ts";
import { largeValuesTable } from "../../scripts/bench/wire/large_values.ts";
import { saveAndLoadTable } from "../../scripts/bench/wire/save_and_load.ts";
import { saveUnderLoadTable } from "../../scripts/bench/wire/save_under_load.ts";
import { streamSizesTable } from "../../scripts/bench/wire/stream_sizes.ts";
import { streamsTables } from "../../scripts/bench/wire/streams.ts";
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

testWith(TOOLS, "bench: saving and loading are measured at both servers", async () => {
  const table = await saveAndLoadTable({ keys: 3000, members: 2500, rounds: 1 });
  for (const name of ["3,000 keys", "zset of 2,500"]) {
    for (const what of ["SAVE, s", "BGSAVE, s", "file, MiB", "load, s"]) {
      const row = new RegExp(`^\\| ${name}: ${what} \\| [\\d.]+ \\| [\\d.]+ \\| \\S+ \\|$`, "m");
      assertMatch(table, row);
    }
  }
});

testWith(TOOLS, "bench: latencies while saving are measured for both servers", async () => {
  const table = await saveUnderLoadTable({ keys: 20_000, bytes: 50, rounds: 1 });
  const numbers = /^\| redis-server, during BGSAVE \| \d+( \| [\d.]+){5} \| [1-9]\d* \|$/m;
  assertMatch(table, numbers);
  assertMatch(table, /^\| Redeno, during BGSAVE \| .* \| [1-9]\d* \|$/m);
});

testWith(TOOLS, "bench: fsync policies are measured at both servers", async () => {
  const table = await fsyncPoliciesTable({ rounds: 1, requests: 50, policies: ["everysec"] });
  assertMatch(table, /^\| everysec, 50 clients, -P 16 \| [\d,]+ \| [\d,]+ \| \d+\.\d\d \|$/m);
});

testWith(TOOLS, "bench: hit ratios of all policies are measured at both servers", async () => {
  const options = { keys: 2000, sharePercent: 25, requests: 500, policies: POLICIES, seed: 1 };
  const table = await hitRatioTable({ ...options, traces: ["shift"] });
  const row = /^\| \S+, shift \| [\d.]+ % \| [\d.]+ % \| -?[\d.]+ \| \d+ \| \d+ \|$/gm;
  assertEquals(table.match(row)?.length, POLICIES.length, table);
});

testWith(TOOLS, "bench: large values are made, asked and deleted at both servers", async () => {
  const types = ["list", "hash", "zset", "string"];
  const table = await largeValuesTable({ scale: 0.0001, targets: ["redis", "redeno"], types });
  assertMatch(table, /^\| redis-server: zset: ZRANK \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$/m);
  assertMatch(table, /^\| \S+( again)?: string: DEL \|/m);
});

testWith(TOOLS, "bench: streams are written, read and weighed at both servers", async () => {
  const tables = await streamsTables({ rounds: 1, requests: 4000, entries: 500 });
  for (const name of ["XADD, one field", "XRANGE of 100", "XREADGROUP \\+ XACK"]) {
    assertMatch(
      tables,
      new RegExp(
        `^\\| ${name}, -P 16 \\| ([\\d,]+ \\| ){2}\\d+\\.\\d\\d \\| ([\\d.]+ \\| ){2}.+ \\|$`,
        "m",
      ),
    );
  }
  assertMatch(tables, /^\| ten entries per stream \| .* \| [\d.]+ \|$/m);
});

testWith(TOOLS, "bench: streams grow at both servers", async () => {
  const table = await streamSizesTable(10_000, 2);
  for (const name of ["XADD", "XREADGROUP and XACK", "XINFO STREAM FULL"]) {
    assertMatch(table, new RegExp(`^\\| ${name}, \\S+( again)? \\| ([\\d.]+ \\| ?){3}$`, "m"));
  }
});

Deno.test("bench: the complexity of every group of commands is shown", () => {
  const table = complexityTable([100, 200], ["list", "hash", "set", "zset", "string", "keys"]);
  assertMatch(
    table,
    /^\| zset: ZRANK \| \d+ ns \| \d+ ns \| × [\d.]+ \| O\(log N\) \| as stated \|$/m,
  );
  assertMatch(table, /^\| string: DEL of it \|/m);
});
