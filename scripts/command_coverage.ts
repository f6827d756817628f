/**
 * Compares our command table with redis-server 7.0.15's and prints what is missing or differs.
 *
 *   deno run -A scripts/command_coverage.ts [--all]
 *
 * Families that are to come later (scripting, streams, replication, cluster, modules) are counted
 * but listed only with --all. Ends with exit code 1 if anything else is missing or differs.
 */

import { parseArgs } from "@std/cli";
import { Both } from "../tests/differential/both.ts";
import {
  isPostponed,
  readCommandRows,
  rowDifferences,
} from "../tests/differential/command_rows.ts";
import { printLine } from "../tests/support/text.ts";

const args = parseArgs(Deno.args, { boolean: ["all"] });
await using both = await Both.start();
const original = await readCommandRows(both.redis);
const ours = await readCommandRows(both.ours);

const missing: string[] = [];
const postponed: string[] = [];
const different: string[] = [];
for (const [name, row] of original) {
  const own = ours.get(name);
  if (own !== undefined) {
    for (const difference of rowDifferences(row, own)) different.push(`${name}  ${difference}`);
  } else if (isPostponed(name, row)) postponed.push(name);
  else missing.push(`${name}  (${row.get("group")}, since ${row.get("since")})`);
}

printLine(
  `redis-server has ${original.size} commands and subcommands, the server under test ${ours.size}`,
);
printLine(`missing: ${missing.length}`);
for (const line of missing.sort()) printLine(`  ${line}`);
printLine(`different (original | ours): ${different.length}`);
for (const line of different.sort()) printLine(`  ${line}`);
printLine(`to come with later families: ${postponed.length}`);
if (args.all) { for (const name of postponed.sort()) printLine(`  ${name}`); }
if (missing.length + different.length > 0) Deno.exitCode = 1;
