/**
 * Memory per small key: resident memory of both servers before and after N keys of 16 bytes with
 * values of 3 bytes, and what they themselves count as used.
 *
 *   deno run -A scripts/bench/wire/memory_per_key.ts [--keys N]        default 1000000
 */

import { parseArgs } from "@std/cli";
import { residentBytes } from "../../../tests/support/process_stat.ts";
import type { ServerTarget } from "../../../tests/support/server_process.ts";
import { printLine } from "../../../tests/support/text.ts";
import { fillKeys, markdownTable, nameOf, startForBench, TARGETS } from "../side_by_side.ts";

interface MemoryResult {
  idleBytes: number;
  residentPerKey: number;
  usedPerKey: number;
}

async function measure(target: ServerTarget, keyCount: number): Promise<MemoryResult> {
  await using server = await startForBench(target);
  using client = await server.connect();
  const used = async () => {
    const info = String(await client.expect("INFO", "memory"));
    return Number(/^used_memory:(\d+)/m.exec(info)![1]);
  };
  const idleBytes = residentBytes(server.pid);
  const idleUsed = await used();
  await fillKeys(client, keyCount, "xxx");
  if (await client.call("DBSIZE") !== keyCount) throw new Error(`Cannot fill ${keyCount} keys`);
  return {
    idleBytes,
    residentPerKey: (residentBytes(server.pid) - idleBytes) / keyCount,
    usedPerKey: (await used() - idleUsed) / keyCount,
  };
}

/** Measures both servers, one after the other. */
export async function memoryTable(keyCount: number): Promise<string> {
  const rows: string[][] = [];
  const results: MemoryResult[] = [];
  for (const target of TARGETS) {
    const result = await measure(target, keyCount);
    results.push(result);
    rows.push([
      nameOf(target),
      `${(result.idleBytes / 1048576).toFixed(1)} MB`,
      result.residentPerKey.toFixed(1),
      result.usedPerKey.toFixed(1),
    ]);
  }
  const [redis, ours] = results;
  rows.push([
    "ratio",
    (ours.idleBytes / redis.idleBytes).toFixed(2),
    (ours.residentPerKey / redis.residentPerKey).toFixed(2),
    (ours.usedPerKey / redis.usedPerKey).toFixed(2),
  ]);
  const header = [`${keyCount.toLocaleString("en")} small keys`, "idle RSS"];
  header.push("RSS bytes per key", "used_memory bytes per key");
  return markdownTable(header, rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["keys"] });
  printLine(await memoryTable(Number(args.keys ?? 1_000_000)));
}
