/**
 * Compares our command table with redis-server 7.0.15's and prints what is missing or differs.
 *
 *   deno run -A scripts/command_coverage.ts
 *
 * Ends with exit code 1 if anything is missing or differs. Families that are to come later have
 * rows, too: what their commands answer is not looked at here.
 */

import { Both } from "../tests/differential/both.ts";
import { readCommandRows, rowDifferences } from "../tests/differential/command_rows.ts";
import { printLine } from "../tests/support/text.ts";

await using both = await Both.start();
const original = await readCommandRows(both.redis);
const ours = await readCommandRows(both.ours);

const missing: string[] = [];
const different: string[] = [];
for (const [name, row] of original) {
  const own = ours.get(name);
  if (own !== undefined) {
    for (const difference of rowDifferences(row, own)) different.push(`${name}  ${difference}`);
  } else missing.push(`${name}  (${row.get("group")}, since ${row.get("since")})`);
}

printLine(
  `redis-server has ${original.size} commands and subcommands, the server under test ${ours.size}`,
);
printLine(`missing: ${missing.length}`);
for (const line of missing.sort()) printLine(`  ${line}`);
printLine(`different (original | ours): ${different.length}`);
for (const line of different.sort()) printLine(`  ${line}`);
if (missing.length + different.length > 0) Deno.exitCode = 1;
