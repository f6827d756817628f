/**
 * The benches run to their ends with tiny numbers, so that they do not rot. What they measure here
 * means nothing. (.ci/run has the micro benches.)
 */

import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { complexityTable } from "../../scripts/bench/micro/complexity_bench.ts";
import { hitRatioTable, POLICIES } from "../../scripts/bench/wire/eviction_hit_ratio.ts";
import { fieldExpiryTable } from "../../scripts/bench/wire/field_expiry_pauses.ts";
import { largeValuesTable } from "../../scripts/bench/wire/large_values.ts";
import { streamSizesTable } from "../../scripts/bench/wire/stream_sizes.ts";
import { Results } from "../../scripts/bench/results.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

const TOOLS = ["redis-server", "redis-benchmark", "linux"] as const;

/** Runs a script to its end with tiny numbers; returns what it printed. */
async function smoke(script: string, ...args: string[]): Promise<string> {
  const path = fromFileUrl(new URL(`../../scripts/bench/${script}`, import.meta.url));
  const { stdout } = await runTool(Deno.execPath(), ["run", "-A", path, "--smoke", ...args]);
  return stdout;
}

/** A row of a table with some numbers: those of the servers, and how ours stands. */
function row(label: string): RegExp {
  return new RegExp(`^\\| ${label}( \\| (?:[\\d,.]+|–)){3,} \\|$`, "m");
}

const SUITE_ROWS: readonly string[] = [
  ...["SET", "LPOP", "LRANGE_100", "GET -k 0", "SET -c 500 -P 64", "longest"],
  ...["cjson of 2 KB", "start to first PONG, ms", "value of 3", "small zset of 20", "one hash"],
  ...["stream, ten entries each", "after 7,000 keys, nine in ten deleted"],
  ...["XRANGE of 100, -P 16", "XREADGROUP \\+ XACK, -P 64", "during BGSAVE: peak to data, ×"],
  ...["a zset of 1,000", "zset of 2,500: SAVE, s", "3,000 keys: load, s", "200 hashes: file, MiB"],
  ...["everysec, 50 clients, -P 16", "always, 50 readers beside 8 writers"],
  ...["stream, lag, median, ms", "1 MB, diskless yes: seconds"],
];

testWith(
  TOOLS,
  "bench: the whole suite runs, and its page has all but what is missing",
  async () => {
    const stdout = await smoke("everything.ts");
    const page = stdout.slice(stdout.indexOf("\n# Results\n"));
    for (const label of SUITE_ROWS) assertMatch(page, row(label));
    const missing = page.match(/^\| .* \| \*\*not measured\*\* \|$/gm) ?? [];
    // Here nobody has named an executable; and there may be no Python with the redis module.
    const unexpected = missing.filter((line) =>
      !/^\| (?:start to first PONG|.*redis-py)/.test(line)
    );
    assertEquals(unexpected, []);
    assertEquals(page.includes("## Others"), false, page);
  },
);

testWith(TOOLS, "bench: growth is measured, and told in a page", async () => {
  const args = ["--max", "1000", "--only", "zset,values,clients", "--servers", "redis,redeno"];
  const stdout = await smoke("growth.ts", ...args);
  assertMatch(stdout, /^\| ZPOPMIN, Redeno \| [\d.,]+ \| 1\.00 \| .*\|$/m);
  assertMatch(stdout, /^\| SET, redis 7\.0\.15 \|( [\d.,]+ \|){6}/m);
  assertMatch(stdout, /^\| GET, p99 of one, Redeno \|( [\d.,]+ \|){3}/m);
});

testWith(TOOLS, "bench: fields expire while somebody asks", async () => {
  const options = { hashes: 300, fields: 4, seconds: 0.5, together: false, restMs: 1 };
  assertMatch(
    await fieldExpiryTable(options),
    /^\| Redeno \| [\d,]+ \| ([\d.]+ \/ [\d.]+ \| ){4}/m,
  );
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

testWith(TOOLS, "bench: streams grow at both servers", async () => {
  const table = await streamSizesTable(10_000, 2, new Results());
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
