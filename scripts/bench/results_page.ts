/**
 * The page of results, docs/benchmarks/results.md, and the tables of the main README.md, made from
 * what the benches have kept.
 *
 *   deno run -A scripts/bench/results_page.ts [options]
 *
 *   --results FILE    what was measured (default scripts/bench/results/latest.json)
 *   --output FILE     where the page goes (default docs/benchmarks/results.md)
 *   --readme          renews README.md between its two comments, too
 *
 * The page begins with the budgets and has a section for each bench of the suite that was measured:
 * every server that took part, and how ours stands. What no bench of the suite knows stands at the
 * end, so that nothing in the file is left out.
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { printLine } from "../../tests/support/text.ts";
import { budgetsTable } from "./budgets.ts";
import { type ContestantName, SHOWN_NAMES } from "./contestants.ts";
import { writeMarkdown } from "./markdown_file.ts";
import { readmePart, withPart } from "./readme_part.ts";
import { type Measurement, Results, resultsPath, shownOccasion, shownRange } from "./results.ts";
import { markdownTable, shownSpread } from "./spread.ts";
import { standingsTable } from "./standings.ts";
import { commandOf, headingOf, SUITE, type SuiteBench, type SuiteTable } from "./suite.ts";
import { checkUsage } from "./usage.ts";

/** More different loads than that are not listed: rows of such tables name their own. */
const LOADS_MAX = 3;

interface PageRow {
  label: string;
  what: string;
}

/** Numbers in labels are compared by their size: 3, 100, 1,000. */
function byLabel(order: readonly string[]): (left: PageRow, right: PageRow) => number {
  const collator = new Intl.Collator("en", { numeric: true });
  const rank = ({ label }: PageRow) => {
    const index = order.indexOf(label);
    return index < 0 ? order.length : index;
  };
  const words = ({ label }: PageRow) => label.replaceAll(/(?<=\d),(?=\d{3})/g, "");
  return (left, right) => rank(left) - rank(right) || collator.compare(words(left), words(right));
}

/** The rows of a table: what was measured of it. */
function rowsOf({ of, order = [], hasUnits = false }: SuiteTable, results: Results): PageRow[] {
  const rows = results.names().flatMap((what) => {
    const label = of.exec(what)?.[1];
    return label === undefined ? [] : [{ label, what }];
  }).toSorted(byLabel(order));
  if (!hasUnits) return rows;
  return rows.map(({ label, what }) => ({ label: `${label}, ${results.unit(what)}`, what }));
}

/** Who was measured in any of the rows. */
function serversOf(rows: readonly PageRow[], results: Results) {
  return (Object.keys(SHOWN_NAMES) as ContestantName[])
    .filter((name) => rows.some(({ what }) => results.values(what, name).length > 0))
    .map((name) => ({ name, title: SHOWN_NAMES[name] }));
}

/** How, when and by which command it was measured. */
function origin(bench: SuiteBench, measurements: readonly Measurement[]): string {
  const rounds = measurements.map(({ values }) => values.length);
  const [fewest, most] = [Math.min(...rounds), Math.max(...rounds)];
  const loads = [...new Set(measurements.map(({ load }) => load).filter((load) => load !== ""))];
  const parts = [
    `${shownRange(String(fewest), String(most))} ${most === 1 ? "round" : "rounds"}`,
    ...(loads.length > 0 && loads.length <= LOADS_MAX ? [`load: ${loads.join(" or ")}`] : []),
    `measured ${shownOccasion(measurements)}`,
    `repeat it with \`${commandOf(bench)}\``,
  ];
  return `${parts.join("; ")}.`;
}

/** A section of the page; null if nothing of it was measured. */
function section(bench: SuiteBench, results: Results): string | null {
  const groups = bench.tables.map((table) => ({ table, rows: rowsOf(table, results) }))
    .filter(({ rows }) => rows.length > 0);
  if (groups.length === 0) return null;
  const names = new Set(groups.flatMap(({ rows }) => rows.map(({ what }) => what)));
  const measurements = results.all().filter(({ what }) => names.has(what));
  return [
    `## ${headingOf(bench)}`,
    ...groups.map(({ table, rows }) =>
      standingsTable(results, serversOf(rows, results), table.heading, rows)
    ),
    ...(bench.note === undefined ? [] : [bench.note]),
    origin(bench, measurements),
  ].join("\n\n");
}

/** What no table of the suite has a row for. */
function others(results: Results): string | null {
  const tables = SUITE.flatMap((bench) => bench.tables);
  const rows = results.all().filter(({ what }) => !tables.some(({ of }) => of.test(what)));
  if (rows.length === 0) return null;
  const cells = rows.map(({ what, server, values, unit, load }) => [
    what,
    SHOWN_NAMES[server],
    `${shownSpread(values)} ${unit}`,
    load,
  ]);
  return `## Others\n\n${markdownTable(["", "server", "", "load"], cells, 2)}`;
}

/** The page in Markdown. */
export function resultsPage(results: Results): string {
  const sections = SUITE.map((bench) => ({ bench, text: section(bench, results) }));
  const missing = sections.filter(({ text }) => text === null).map(({ bench }) => bench.name);
  return [
    "# Results",
    "Redeno beside redis-server 7.0.15, which is called the original, and the newest rivals, in " +
    "the same run on the same machine. Cells are “median (smallest–largest)” of the rounds; ratios " +
    "are ours to theirs, taken round by round. Of requests per second more than 1 is better, of " +
    "everything else less; “best” is the best of those that took part beside ours.",
    "This page is made by `deno run -A scripts/bench/results_page.ts` from what " +
    "`deno task bench:all` has measured; do not edit it. Why a budget is not met tells " +
    "[budgets.md](budgets.md), how costs grow [growth.md](growth.md), what else was measured " +
    "[more.md](more.md).",
    `Machine of the last run: ${results.machine ?? "unknown"}. Each section names its own.`,
    ...(missing.length === 0 ? [] : [`Not measured: ${missing.join(", ")}.`]),
    `## Budgets\n\n${budgetsTable(results)}`,
    ...sections.flatMap(({ text }) => text ?? []),
    ...[others(results)].filter((text) => text !== null),
  ].join("\n\n") + "\n";
}

const fileOf = (path: string) => fromFileUrl(new URL(`../../${path}`, import.meta.url));

/** Writes the page; returns where it is. */
export async function writeResultsPage(results: Results, output?: string): Promise<string> {
  const path = output ?? fileOf("docs/benchmarks/results.md");
  await writeMarkdown(path, resultsPage(results));
  return path;
}

async function renewReadme(results: Results): Promise<string> {
  const path = fileOf("README.md");
  await writeMarkdown(path, withPart(await Deno.readTextFile(path), readmePart(results)));
  return path;
}

if (import.meta.main) {
  await checkUsage();
  const args = parseArgs(Deno.args, { boolean: ["readme"], string: ["results", "output"] });
  const results = await Results.read(args.results ?? resultsPath());
  if (results.all().length === 0) throw new Error("Cannot find any results: run a bench first");
  printLine(`written: ${await writeResultsPage(results, args.output)}`);
  if (args.readme) printLine(`written: ${await renewReadme(results)}`);
}
