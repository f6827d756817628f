/**
 * INFO beside the original: for every combination of sections the same headings and the same fields
 * in the same order, but for `redeno_version`, the last field of the first section. Statistics of
 * commands and errors are compared by their form and by what a known series of commands leaves.
 */
import { assertEquals } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import { missingPeer, startPeer } from "../support/replication_pair.ts";
import { until } from "../support/text.ts";
import { testUnless, testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";

const SECTIONS = [
  ...["server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules"],
  ...["commandstats", "errorstats", "latencystats", "cluster", "keyspace"],
];

const REQUESTS = [
  [],
  ...SECTIONS.map((section) => [section]),
  ...[["default"], ["all"], ["everything"], ["nosuch"], ["sentinel"], ["EVERYTHING"]],
  ...[["keyspace", "server"], ["cpu", "cpu"], ["all", "nosuch"], ["default", "commandstats"]],
  ["commandstats", "all"],
];

/** What a command leaves in its line of statistics: calls, rejected and failed ones. */
const OUTCOMES = ["cmdstat_get", "cmdstat_lpush", "cmdstat_config|set", "cmdstat_config"];

/** Fields of ours, and of later releases of Redis. */
const OWN_FIELDS = ["redeno_version", "backup_in_progress"];
/** What 8.0 and 8.2 have added to 7.4. */
const FIELDS_OF_8 = [
  "used_memory_peak_time",
  "mem_replica_full_sync_buffer",
  "io_threaded_total_prefetch_batches",
  "io_threaded_total_prefetch_entries",
];

async function linesOf(client: RespClient, sections: readonly string[]): Promise<string[]> {
  return String(await client.expect("INFO", ...sections)).split("\r\n");
}

/** Headings and names; a field for each command, or each error, counts as one of its kind. */
function namesOf(lines: readonly string[]): string[] {
  const names = lines.map((line) =>
    line.split(":", 1)[0].replace(/^(cmdstat|latency_percentiles_usec|errorstat)_.*/, "$1_…")
  );
  return names.filter((name, i) => name !== names[i - 1] && !OWN_FIELDS.includes(name));
}

testWith(["redis-server"], "INFO has the fields of the original, whatever is asked", async () => {
  await using both = await Both.start();
  await both.same("SET", "key", "value", "EX", 1000);
  await both.same("LPUSH", "key", "x");
  for (const sections of REQUESTS) {
    const expected = namesOf(await linesOf(both.redis, sections));
    assertEquals(
      namesOf(await linesOf(both.ours, sections)),
      expected,
      `INFO ${sections.join(" ")}`,
    );
  }
});

/** Does a little of everything that is counted. */
async function doMuch(client: RespClient): Promise<void> {
  const settled = (name: string) =>
    until(`${name}:0`, async () => (await linesOf(client, ["all"])).includes(`${name}:0`));
  await client.expect("BGSAVE");
  await settled("rdb_bgsave_in_progress");
  await client.expect("CONFIG", "SET", "appendonly", "yes");
  await settled("aof_rewrite_in_progress");
  await settled("aof_rewrite_scheduled");
  for (let start = 0; start < 50_000; start += 5_000) {
    const members = Array.from({ length: 5_000 }, (_, index) => `member ${start + index}`);
    await client.expect("SADD", "large", ...members);
  }
  await client.expect("UNLINK", "large");
  await settled("lazyfree_pending_objects");
  await client.expect("SET", "short", "1", "PX", "1");
  await until("it has expired", async () => await client.expect("GET", "short") === null);
  await client.expect("SET", "key", "1");
  await client.expect("GET", "key");
  await client.call("NOSUCH");
}

/** Of the counters that a server has, those that RESETSTAT sets to zero. */
async function resetFields(client: RespClient): Promise<Map<string, boolean>> {
  const before = await linesOf(client, ["memory", "persistence", "stats"]);
  await client.expect("CONFIG", "RESETSTAT");
  const after = await linesOf(client, ["memory", "persistence", "stats"]);
  const counted = before.filter((line) => /:[1-9][0-9.]*$/.test(line));
  return new Map(counted.map((line) => {
    const name = line.split(":", 1)[0];
    return [name, after.includes(`${name}:0`)];
  }));
}

testWith(["redis-server"], "CONFIG RESETSTAT sets to zero what the original does", async () => {
  await using both = await Both.start();
  const [original, ours] = await Promise.all([both.redis, both.ours].map(async (client) => {
    await doMuch(client);
    return await resetFields(client);
  }));
  const common = [...original.keys()].filter((name) => ours.has(name));
  for (const name of ["rdb_saves", "aof_rewrites", "total_forks", "lazyfreed_objects"]) {
    assertEquals(common.includes(name), true, name);
  }
  assertEquals(
    common.filter((name) => ours.get(name)),
    common.filter((name) => original.get(name)),
  );
});

testWith(["redis-server"], "INFO counts calls, errors and keys as the original does", async () => {
  await using both = await Both.start();
  await both.same("CONFIG", "RESETSTAT");
  await both.same("SET", "key", "value", "EX", 100_000);
  await both.same("SET", "other", "value");
  await both.same("GET", "key");
  await both.same("GET", "nosuch");
  await both.same("GET");
  await both.same("LPUSH", "key", "x");
  await both.same("CONFIG", "SET", "timeout", "x");
  await both.same("CONFIG", "NOSUCH");
  await both.same("NOSUCH");
  const found = await Promise.all([both.redis, both.ours].map(async (client) => {
    const lines = await linesOf(client, ["everything"]);
    const fields = new Map(lines.map((line) => line.split(":", 2) as [string, string]));
    const counts = (name: string) => {
      const text = fields.get(name) ?? "";
      return text.replaceAll(/usec(_per_call)?=[0-9.]+/g, "usec$1=…");
    };
    return {
      commands: OUTCOMES.map(counts),
      errors: lines.filter((line) => line.startsWith("errorstat_")).sort(),
      keys: fields.get("db0")?.replace(/avg_ttl=\d+/, "avg_ttl=…"),
      plain: [
        "keyspace_hits",
        "keyspace_misses",
        "total_error_replies",
        "expired_keys",
        "unexpected_error_replies",
        "maxmemory_policy",
        "redis_version",
        "redis_mode",
        "role",
        "connected_clients",
        "blocked_clients",
        "loading",
        "aof_enabled",
        "rdb_changes_since_last_save",
      ].map((name) => [name, fields.get(name)]),
    };
  }));
  assertEquals(found[1], found[0]);
});

testUnless(missingPeer("redis 8.2"), {
  name: "as 7.4, INFO has the fields of redis 8.2 but for those that came after",
  fn: async () => {
    await using ourServer = await startPeer("redeno", { release: "7.4" });
    await using theirServer = await startPeer("redis 8.2");
    using ours = await ourServer.connect();
    using theirs = await theirServer.connect();
    for (const client of [ours, theirs]) {
      await client.expect("HSET", "h", "f", "v", "g", "w");
      await client.expect("HPEXPIRE", "h", "1", "FIELDS", "1", "f");
      await until("a field has expired", async () => await client.call("HLEN", "h") === 1);
      for (let i = 0; i < 502; i++) await client.expect("EVAL", `return ${i}`, "0");
    }
    for (const section of ["server", "clients", "memory", "stats", "keyspace"]) {
      const expected = namesOf(await linesOf(theirs, [section]));
      assertEquals(
        namesOf(await linesOf(ours, [section])),
        expected.filter((name) => !FIELDS_OF_8.includes(name)),
      );
    }
    const counts = await Promise.all(
      [ours, theirs].map(async (client) =>
        (await linesOf(client, ["stats", "keyspace"])).filter((line) =>
          /^(evicted_scripts|expired_subkeys|db0)/.test(line)
        )
      ),
    );
    assertEquals(counts[0], counts[1]);
    assertEquals(counts[0], [
      "expired_subkeys:1",
      "evicted_scripts:2",
      "db0:keys=1,expires=0,avg_ttl=0,subexpiry=0",
    ]);
  },
});
