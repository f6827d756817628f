/**
 * The wire benches run to their ends with tiny numbers, so that they do not rot. What they
 * measure here means nothing.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { complexityTable } from "../../scripts/bench/micro/complexity_bench.ts";
import { hitRatioTable, POLICIES } from "../../scripts/bench/wire/eviction_hit_ratio.ts";
import { fieldExpiryTable } from "../../scripts/bench/wire/field_expiry_pauses.ts";
import { fsyncPoliciesTable } from "../../scripts/bench/wire/fsync_policies.ts";
import { insertsTable } from "../../scripts/bench/wire/inserts_while_saving.ts";
import { largeValuesTable } from "../../scripts/bench/wire/large_values.ts";
import { saveAndLoadTable } from "../../scripts/bench/wire/save_and_load.ts";
import { saveUnderLoadTable } from "../../scripts/bench/wire/save_under_load.ts";
import { streamSizesTable } from "../../scripts/bench/wire/stream_sizes.ts";
import { streamsTables } from "../../scripts/bench/wire/streams.ts";
import { memoryTable } from "../../scripts/bench/wire/memory_per_key.ts";
import { replicationCostTable } from "../../scripts/bench/wire/replication_cost.ts";
import { replicationPairsTable } from "../../scripts/bench/wire/replication_pairs.ts";
import { BOTH } from "../../scripts/bench/contestants.ts";
import { Results } from "../../scripts/bench/results.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

const TOOLS = ["redis-server", "redis-benchmark", "linux"] as const;

const CELL = "(?:[\\d,.]+|–)";

/** A row of a table of both servers and the ratio between them. */
function row(label: string): RegExp {
  return new RegExp(`^\\| ${label} \\| ${CELL} \\| ${CELL} \\| (?:[\\d.]+|–) \\|$`, "m");
}

/** Runs a script to its end with tiny numbers; returns what it printed. */
async function smoke(script: string, ...args: string[]): Promise<string> {
  const path = fromFileUrl(new URL(`../../scripts/bench/${script}`, import.meta.url));
  const { stdout } = await runTool(Deno.execPath(), ["run", "-A", path, "--smoke", ...args]);
  return stdout;
}

testWith(TOOLS, "bench: compare measures part by part and ends with the budgets", async () => {
  const parts = "plain,pipelined,connections,latency,scripts";
  const args = ["--only", parts, "--tests", "set,lpop,lrange_100", "--servers", "redis,redeno"];
  const stdout = await smoke("compare.ts", ...args);
  for (const label of ["SET", "LPOP", "LRANGE_100", "GET -k 0", "GET p99", "SET longest"]) {
    assertMatch(stdout, row(label));
  }
  assertMatch(stdout, /^\| default tests, `-c 50 -P 1`: rate \| .* of 3; .* \|$/m);
  assertMatch(stdout, /^\| .*BGSAVE.* \| – .* \| \*\*not measured\*\* \|$/m);
});

testWith(TOOLS, "bench: growth is measured, and told in a page", async () => {
  const args = ["--max", "1000", "--only", "zset,values", "--servers", "redis,redeno"];
  const stdout = await smoke("growth.ts", ...args);
  assertMatch(stdout, /^\| ZPOPMIN, Redeno \| [\d.,]+ \| 1\.00 \| .*\|$/m);
  assertMatch(stdout, /^\| SET, redis 7\.0\.15 \|( [\d.,]+ \|){6}/m);
});

testWith(TOOLS, "bench: fields expire while somebody asks", async () => {
  const options = { hashes: 300, fields: 4, seconds: 0.5, together: false, restMs: 1 };
  assertMatch(
    await fieldExpiryTable(options),
    /^\| Redeno \| [\d,]+ \| ([\d.]+ \/ [\d.]+ \| ){4}/m,
  );
});

testWith(TOOLS, "bench: the memory of every shape is measured for both servers", async () => {
  const results = new Results();
  const table = await memoryTable({ contestants: BOTH, results, scale: 0.0005 });
  for (const label of ["value of 3", "small zset of 20", "one hash", "stream, ten entries each"]) {
    assertMatch(table, row(label));
  }
  assertMatch(table, row("after 3,500 keys, nine in ten deleted"));
});

testWith(TOOLS, "bench: the cost of replication is measured at both servers", async () => {
  const results = new Results();
  const table = await replicationCostTable({ rounds: 1, requests: 500, megabytes: 1 }, results);
  assertMatch(table, row("full sync of 1 MB, diskless yes: seconds"));
  const pairs = await replicationPairsTable({ rounds: 1, seconds: 0.2, megabytes: 1 }, results);
  assertMatch(pairs, row("replication pair, stream, lag, median, ms"));
});

testWith(TOOLS, "bench: saving and loading are measured at both servers", async () => {
  const table = await saveAndLoadTable(
    { keys: 3000, members: 2500, hashes: 200, rounds: 1 },
    new Results(),
  );
  for (const name of ["3,000 keys", "zset of 2,500", "200 hashes"]) {
    for (const what of ["SAVE, s", "BGSAVE, s", "file, MiB", "load, s"]) {
      assertMatch(table, row(`${name}: ${what}`));
    }
  }
});

testWith(TOOLS, "bench: latencies while saving are measured for both servers", async () => {
  const table = await saveUnderLoadTable(
    { keys: 20_000, bytes: 50, rounds: 1 },
    new Results(),
  );
  const numbers = /^\| redis-server, during BGSAVE \| \d+( \| [\d.]+){5} \| [1-9]\d* \|$/m;
  assertMatch(table, numbers);
  assertMatch(table, /^\| Redeno, during BGSAVE \| .* \| [1-9]\d* \|$/m);
});

testWith(TOOLS, "bench: fsync policies are measured at both servers", async () => {
  const options = { rounds: 1, requests: 50, policies: ["everysec"] };
  assertMatch(
    await fsyncPoliciesTable(options, new Results()),
    row("everysec, 50 clients, -P 16"),
  );
});

testWith(TOOLS, "bench: inserts are measured in peace and beside a child", async () => {
  const table = await insertsTable({ max: 1000, rounds: 1 }, new Results());
  assertMatch(table, row("inserting into a zset of 1,000"));
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

testWith(TOOLS, "bench: streams are written and read at both servers", async () => {
  const options = { rounds: 1, requests: 4000, entries: 500 };
  const tables = await streamsTables(options, new Results());
  for (const name of ["XADD, one field", "XRANGE of 100", "XREADGROUP \\+ XACK"]) {
    assertMatch(tables, row(`${name}, -P 16`));
  }
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
