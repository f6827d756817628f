/**
 * Runs groups of tests and prints their total:
 *
 *   deno task test                 all groups
 *   deno task unit                 the unit tests alone
 *   deno run … scripts/run_tests.ts interop fuzz -- --filter "LZF"
 *
 * A group is a directory below tests/; `unit` is every directory that is not one of the named ones.
 * Each group is one run of `deno test`, whose output is passed on as it comes. The last line is
 * always `N passed, N failed, N skipped`: skipped are the tests that `deno test` calls ignored (a
 * foreign program is missing; the reason was printed), and steps inside a test are not counted.
 *
 * The exit code is 0 only if something was run and nothing failed. A group that does not compile or
 * dies before its summary counts as one failed test.
 */
import { existsSync } from "@std/fs";
import { fromFileUrl, join } from "@std/path";

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** Directories of tests/ that are groups of their own, in the order in which `all` runs them. */
const NAMED_GROUPS = ["differential", "interop", "fuzz", "crash", "stress"];
const NOT_TESTS = ["support", "fixtures"];

/** All: the tests start programs, which is no less, and read /proc, which nothing else allows. */
const PERMISSIONS = ["--allow-all"];
const ROOT = fromFileUrl(new URL("..", import.meta.url));

// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[0-9;]*m/g;
const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(.*)$/;

/** What a line of `deno test` says about the whole run, or null if it is not the summary. */
export function parseSummary(line: string): Totals | null {
  const match = SUMMARY.exec(line.replace(COLOURS, "").trim());
  if (match === null) return null;
  const ignored = /\| (\d+) ignored/.exec(match[3]!);
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(ignored?.[1] ?? 0) };
}

export function formatTotals(totals: Totals): string {
  return `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`;
}

export function addTotals(a: Totals, b: Totals): Totals {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Reads a stream to its end, passes every byte on if wanted, and keeps the last summary it saw. */
async function passOn(
  stream: ReadableStream<Uint8Array>,
  isShown: boolean,
): Promise<Totals | null> {
  const decoder = new TextDecoder();
  let summary: Totals | null = null;
  let rest = "";
  for await (const chunk of stream) {
    let written = isShown ? 0 : chunk.length;
    while (written < chunk.length) written += Deno.stdout.writeSync(chunk.subarray(written));
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) summary = parseSummary(line) ?? summary;
  }
  return parseSummary(rest) ?? summary;
}

/** Runs `deno test` over the paths and returns its counts; shows its output unless told not to. */
export async function runPaths(
  paths: readonly string[],
  options: readonly string[] = [],
  isShown = true,
): Promise<Totals> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...PERMISSIONS, "--no-prompt", ...options, ...paths],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: isShown ? "inherit" : "null",
  }).spawn();
  const [summary, status] = await Promise.all([passOn(child.stdout, isShown), child.status]);
  const totals = summary ?? { passed: 0, failed: 0, skipped: 0 };
  // Killed, not compiled, or failed outside of any test.
  if (!status.success && totals.failed === 0) totals.failed = 1;
  return totals;
}

/** The directories of a group that exist: none if the name is unknown. */
function groupPaths(group: string): string[] {
  if (NAMED_GROUPS.includes(group)) {
    return existsSync(join(ROOT, "tests", group)) ? [join("tests", group)] : [];
  }
  if (group !== "unit") return [];
  const names = [...Deno.readDirSync(join(ROOT, "tests"))]
    .filter((entry) => entry.isDirectory && ![...NAMED_GROUPS, ...NOT_TESTS].includes(entry.name))
    .map((entry) => entry.name);
  return names.toSorted().map((name) => join("tests", name));
}

function holdsTests(path: string): boolean {
  for (const entry of Deno.readDirSync(join(ROOT, path))) {
    if (entry.isDirectory ? holdsTests(join(path, entry.name)) : /_test\.ts$/.test(entry.name)) {
      return true;
    }
  }
  return false;
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

async function main(args: readonly string[]): Promise<number> {
  const end = args.indexOf("--");
  const wanted = end === -1 ? args : args.slice(0, end);
  const options = end === -1 ? [] : args.slice(end + 1);
  const isAll = wanted.length === 0 || wanted.includes("all");
  const groups = isAll ? ["unit", ...NAMED_GROUPS] : wanted;
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  for (const group of groups) {
    const paths = groupPaths(group).filter(holdsTests);
    if (paths.length === 0) {
      if (!isAll) printLine(`no tests in group "${group}"`);
      continue;
    }
    printLine(`== ${group} ==`);
    totals = addTotals(totals, await runPaths(paths, options));
  }
  printLine(formatTotals(totals));
  return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
