/**
 * The command table against the original's COMMAND and COMMAND DOCS: arity, flags, keys, key specs,
 * ACL categories, tips, since and group of every command both know. What is missing altogether is
 * printed by scripts/command_coverage.ts.
 */

import { assertEquals } from "@std/assert";
import { testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";
import { readCommandRows, rowDifferences } from "./command_rows.ts";

/** Of Redis 7.2: client libraries send them at connect time. */
const LATER_COMMANDS: readonly string[] = ["client|setinfo", "client|no-touch"];

testWith(["redis-server"], "every row of the command table equals the original's", async () => {
  await using both = await Both.start();
  const original = await readCommandRows(both.redis);
  const ours = await readCommandRows(both.ours);
  const differences: string[] = [];
  for (const [name, row] of ours) {
    const expected = original.get(name);
    if (LATER_COMMANDS.includes(name)) continue;
    if (expected === undefined) differences.push(`${name}: unknown to redis-server`);
    else differences.push(...rowDifferences(expected, row).map((text) => `${name}: ${text}`));
  }
  assertEquals(ours.size > 0, true);
  assertEquals(differences, []);
});

testWith(["redis-server"], "COMMAND COUNT, LIST and INFO agree with the table", async () => {
  await using both = await Both.start();
  using client = await both.ourServer.connect();
  const rows = await readCommandRows(client);
  const names = [...rows.keys()];
  assertEquals(((await client.call("COMMAND", "LIST")) as string[]).sort(), names.sort());
  const topLevel = names.filter((name) => !name.includes("|"));
  assertEquals(await client.call("COMMAND", "COUNT"), topLevel.length);
  for (const name of ["get", "SET", "config|get", "nosuch", "mset", "zunionstore"]) {
    await both.same("COMMAND", "INFO", name);
  }
});
