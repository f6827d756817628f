/**
 * Runs groups of tests and prints their total:
 *
 *   deno task test                 the groups that take minutes
 *   deno task test:full            these, and stress and mutants
 *   deno task unit                 the unit tests alone
 *   deno run … scripts/run_tests.ts interop fuzz -- --filter "LZF"
 *
 * A group is a directory below tests/; `unit` is every directory that is not one of the named ones.
 * With `:runtime` behind its name the servers that it starts carry their clients by the runtime's
 * sockets and not by epoll; `runtime` are the groups for which that matters most.
 * Types are checked first, for all groups together; then each group is one run of `deno test`,
 * whose output is passed on as it comes, without colours unless it goes to a terminal. Between
 * groups stands how long the rest will take, judged by how long the groups before took.
 *
 * What failed is told again at the end, for behind so much output nobody finds it.
 * The last line is always `N passed, N failed, N skipped`: skipped are the tests that `deno test`
 * calls ignored (a foreign program is missing; the reason was printed), and steps inside a test are
 * not counted.
 *
 * The exit code is 0 only if something was run and nothing failed. Types that are wrong and a group
 * that dies before its summary count as one failed test.
 */
import { existsSync } from "@std/fs";
import { fromFileUrl, join } from "@std/path";

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** Directories of tests/ that are groups of their own, in the order in which `full` runs them. */
const NAMED_GROUPS = ["differential", "interop", "crash", "replication", "stress", "mutants"];
/** Of a group in which everything fails the end of the output need not tell everything again. */
const REPORTED_LINES_MAX = 150;
const NOT_TESTS = ["support", "fixtures"];
/** Sets of groups by the word that asks for them. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  quick: ["unit", "differential", "interop", "crash", "replication"],
  full: ["unit", ...NAMED_GROUPS],
  runtime: ["differential:runtime", "interop:runtime"],
};
/** What each takes on two cores that have nothing else to do, roughly; the sum is a first guess. */
const SECONDS: Readonly<Record<string, number>> = {
  types: 20,
  unit: 100,
  differential: 120,
  interop: 200,
  crash: 60,
  replication: 200,
  stress: 60,
  mutants: 30,
};

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

/** What `deno test` reports of the tests that failed: each error, then their names. */
export class FailureReport {
  readonly lines: string[] = [];
  #isOpen = false;

  /** Takes the next line of the output. */
  add(line: string): void {
    const text = line.replace(COLOURS, "");
    if (text.trim() === "ERRORS") this.#isOpen = true;
    else if (parseSummary(text) !== null) this.#isOpen = false;
    else if (this.#isOpen && this.lines.length < REPORTED_LINES_MAX) this.lines.push(text);
  }
}

/** Reads a stream to its end, passes every byte on if wanted, and keeps the last summary it saw. */
async function passOn(
  stream: ReadableStream<Uint8Array>,
  isShown: boolean,
  report: FailureReport,
): Promise<Totals | null> {
  const decoder = new TextDecoder();
  let summary: Totals | null = null;
  let rest = "";
  for await (const chunk of stream) {
    let written = isShown ? 0 : chunk.length;
    while (written < chunk.length) written += Deno.stdout.writeSync(chunk.subarray(written));
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      summary = parseSummary(line) ?? summary;
      report.add(line);
    }
  }
  return parseSummary(rest) ?? summary;
}

/** Colours are for terminals: in a file or in the log of a CI they are garbage. */
function colourSettings(): Record<string, string> {
  return Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" };
}

/** Whether the types of everything that is tested are right; the errors are shown. */
async function checkTypes(): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    // The worker is reached by no import.
    args: ["check", "--quiet", "main.ts", "mod.ts", "src", "scripts", "tests"],
    cwd: ROOT,
    env: colourSettings(),
    stdin: "null",
  }).spawn();
  return (await child.status).success;
}

/**
 * Runs `deno test` over the paths and returns its counts; shows its output unless told not to.
 * `env` are environment variables besides ours; what failed is added to `report`.
 */
export async function runPaths(
  paths: readonly string[],
  options: readonly string[] = [],
  isShown = true,
  env: Readonly<Record<string, string>> = {},
  report = new FailureReport(),
): Promise<Totals> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...PERMISSIONS, "--no-prompt", ...options, ...paths],
    cwd: ROOT,
    env: { ...colourSettings(), ...env },
    stdin: "null",
    stdout: "piped",
    stderr: isShown ? "inherit" : "null",
  }).spawn();
  const [summary, status] = await Promise.all([
    passOn(child.stdout, isShown, report),
    child.status,
  ]);
  const totals = summary ?? { passed: 0, failed: 0, skipped: 0 };
  // Killed, not compiled, or failed outside of any test.
  if (!status.success && totals.failed === 0) {
    totals.failed = 1;
    report.lines.push(`${paths.join(" ")}: ended with code ${status.code}`);
  }
  return totals;
}

/** A group's name, and what it asks of the servers that it starts. */
export function splitGroup(name: string): { group: string; env: Record<string, string> } {
  const [group, transport] = name.split(":");
  return {
    group: group!,
    env: transport === undefined ? {} : { REDENO_TEST_TRANSPORT: transport },
  };
}

/** The directories of a group that exist: none if the name is unknown. */
function groupPaths(name: string): string[] {
  const { group } = splitGroup(name);
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

/** "2 min", or "40 s" if that is more to the point. */
function formatSeconds(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** What is still to be done, and how long it takes if this machine goes on as it did. */
export class Progress {
  readonly #steps: readonly string[];
  readonly #seconds: Readonly<Record<string, number>>;
  #doneSeconds = 0;
  #index = 0;

  /** `steps` are the names of groups, in their order; `seconds` what each takes, if known. */
  constructor(steps: readonly string[], seconds = SECONDS) {
    this.#steps = steps;
    this.#seconds = seconds;
  }

  /** The headline of the next group, `elapsedSeconds` after the first began. */
  next(elapsedSeconds: number): string {
    const name = this.#steps[this.#index++]!;
    const rest = this.#steps.slice(this.#index - 1);
    const expected = rest.reduce((sum, step) => sum + this.#secondsOf(step), 0);
    const slowness = this.#doneSeconds === 0 ? 1 : elapsedSeconds / this.#doneSeconds;
    this.#doneSeconds += this.#secondsOf(name);
    const place = `group ${this.#index} of ${this.#steps.length}`;
    const guess = this.#index === 1 ? " on two idle cores" : "";
    return `== ${place}: ${name} (about ${formatSeconds(expected * slowness)} to go${guess}) ==`;
  }

  #secondsOf(group: string): number {
    return this.#seconds[splitGroup(group).group] ?? 60;
  }
}

/** The groups that words of the command line mean, each once. */
export function groupsOf(wanted: readonly string[]): string[] {
  const words = wanted.length === 0 ? ["quick"] : wanted;
  return [...new Set(words.flatMap((word) => SETS[word] ?? [word]))];
}

async function main(args: readonly string[]): Promise<number> {
  const end = args.indexOf("--");
  const options = end === -1 ? [] : args.slice(end + 1);
  const groups: string[] = [];
  for (const group of groupsOf(end === -1 ? args : args.slice(0, end))) {
    if (groupPaths(group).some(holdsTests)) groups.push(group);
    else printLine(`no tests in group "${group}"`);
  }
  const startMs = performance.now();
  const progress = new Progress(["types", ...groups]);
  const announce = () => printLine(progress.next((performance.now() - startMs) / 1000));
  announce();
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  if (!await checkTypes()) totals.failed = 1;
  const failures: string[] = [];
  for (const group of totals.failed === 0 ? groups : []) {
    announce();
    // Else each file that starts a Worker would have its types checked in the middle of a test.
    const checked = ["--no-check", ...options];
    const paths = groupPaths(group).filter(holdsTests);
    const report = new FailureReport();
    totals = addTotals(totals, await runPaths(paths, checked, true, splitGroup(group).env, report));
    if (report.lines.length > 0) failures.push(`-- ${group}`, ...report.lines);
  }
  if (failures.length > 0) printLine(["== what failed ==", ...failures].join("\n"));
  printLine(`all of it took ${formatSeconds((performance.now() - startMs) / 1000)}`);
  printLine(formatTotals(totals));
  return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
