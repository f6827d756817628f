/**
 * What replicas are sent of keys that are evicted, as redis-server sends it: how they are removed,
 * in which database, and what stands before, around and behind them. Which of them goes first is a
 * matter of samples, so removals in a row have no order.
 */
import { assert, assertEquals } from "@std/assert";
import { until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { StreamComparison } from "./stream_comparison.ts";

const KEY_COUNT = 12;
/** Nothing is evicted until the next command looks. */
const LIMITED = [
  ["maxmemory-policy", "noeviction"],
  ["maxmemory", "1"],
  ["maxmemory-policy", "volatile-ttl"],
] as const;
const REMOVAL = /^\d+ (DEL|UNLINK) key:/;

/** Both with keys in databases 0 and 2 that expire some time, and one that does not. */
async function filled(policy: string): Promise<StreamComparison> {
  // However long it takes, all goes before the command that asks.
  const args = ["--maxmemory-policy", policy, "--maxmemory-eviction-tenacity", "100"];
  const comparison = await StreamComparison.start(args);
  await fill(comparison);
  return comparison;
}

async function fill(comparison: StreamComparison): Promise<void> {
  for (const db of ["0", "2"]) {
    await comparison.call(0, "SELECT", db);
    for (let index = 0; index < KEY_COUNT; index++) {
      await comparison.call(0, "SET", `key:${db}:${index}`, "v", "EX", String(1000 + index));
    }
  }
  await comparison.call(0, "RPUSH", "kept", "v", "w");
  await comparison.call(0, "SELECT", "0");
  await comparison.take();
}

/** Waits until so many keys are left in a database of each. */
async function untilLeft(comparison: StreamComparison, db: string, count: number): Promise<void> {
  await comparison.each(async (side) => {
    const client = await side.client(1);
    await client.expect("SELECT", db);
    await until(`${count} keys are left`, async () => await client.expect("DBSIZE") === count);
  });
}

/** The commands with their databases in the place of SELECTs; removals in a row are sorted. */
function inDatabases(commands: readonly string[]): string[] {
  const lines: string[] = [];
  // The mark in front of them was of database 0.
  let db = "0";
  let removals: string[] = [];
  for (const command of commands) {
    if (command.startsWith("SELECT ")) {
      db = command.slice("SELECT ".length);
      continue;
    }
    const line = `${db} ${command}`;
    if (REMOVAL.test(line)) {
      removals.push(line);
      continue;
    }
    lines.push(...removals.toSorted(), line);
    removals = [];
  }
  return [...lines, ...removals.toSorted()];
}

/** Asserts that both have sent the same; returns it. */
async function sameStream(comparison: StreamComparison, what: string): Promise<string[]> {
  const [expected, actual] = (await comparison.take()).map(inDatabases);
  assertEquals(actual, expected, what);
  return expected;
}

for (const isLazy of ["no", "yes"]) {
  const name = `stream to replicas: keys evicted at once, lazyfree-lazy-eviction ${isLazy}`;
  testWith(["redis-server"], name, async () => {
    await using comparison = await filled("volatile-ttl");
    await comparison.call(0, "CONFIG", "SET", "lazyfree-lazy-eviction", isLazy);
    await comparison.call(0, "CONFIG", "SET", "maxmemory", "1");
    await untilLeft(comparison, "0", 0);
    await untilLeft(comparison, "2", 1);
    const commands = await sameStream(comparison, name);
    const removal = isLazy === "yes" ? "UNLINK" : "DEL";
    assertEquals(commands.length, 2 * KEY_COUNT, commands.join("\n"));
    assert(commands.every((command) => command.split(" ")[1] === removal));
  });
}

/** They may run or not while nothing more can be evicted. */
const REQUESTS = [
  ["SET", "a", "1"],
  ["GET", "a"],
  ["EVAL", "redis.call('set', 'a', '1') return redis.call('del', 'kept')", "0"],
  ["EVAL", "#!lua flags=allow-oom\nredis.call('set', 'a', '1') redis.call('del', 'kept')", "0"],
  ["LPUSH", "kept", "1"],
  ["LPOP", "kept"],
  ["DEL", "kept"],
  ["FLUSHDB"],
];

for (const isQueued of [false, true]) {
  const name = `stream to replicas: evicted for ${isQueued ? "a transaction" : "a command"}`;
  testWith(["redis-server"], name, async () => {
    await using comparison = await filled("volatile-ttl");
    for (const request of REQUESTS) {
      await comparison.call(0, "SELECT", "2");
      if (isQueued) {
        await comparison.call(0, "MULTI");
        await comparison.call(0, ...request);
      }
      for (const [name, value] of LIMITED) await comparison.call(2, "CONFIG", "SET", name, value);
      if (isQueued) await comparison.call(0, "EXEC");
      else await comparison.call(0, ...request);
      await untilLeft(comparison, "0", 0);
      const commands = await sameStream(comparison, request.join(" "));
      const removed = commands.filter((line) => REMOVAL.test(line));
      assertEquals(removed.length, 2 * KEY_COUNT, commands.join("\n"));
      await comparison.call(2, "CONFIG", "SET", "maxmemory", "0");
      await comparison.call(0, "FLUSHALL");
      await fill(comparison);
    }
  });
}

testWith(
  ["redis-server"],
  "stream to replicas: each policy removes in the same words",
  async () => {
    for (const policy of ["allkeys-random", "volatile-random", "allkeys-lru", "allkeys-lfu"]) {
      await using comparison = await filled(policy);
      await comparison.call(0, "CONFIG", "SET", "maxmemory", "1");
      await untilLeft(comparison, "0", 0);
      await untilLeft(comparison, "2", policy.startsWith("volatile") ? 1 : 0);
      const sorted = async () =>
        (await comparison.take()).map((one) => inDatabases(one).toSorted());
      const [expected, actual] = await sorted();
      assertEquals(actual, expected, policy);
    }
  },
);
