/**
 * INFO beside the original: for every combination of sections the same headings and the same fields
 * in the same order, but for `redeno_version`, the last field of the first section. Statistics of
 * commands and errors are compared by their form and by what a known series of commands leaves.
 */
import { assertEquals } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import { testWith } from "../support/tool_availability.ts";
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
const OWN_FIELDS = ["redeno_version", "expired_subkeys", "backup_in_progress"];

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
