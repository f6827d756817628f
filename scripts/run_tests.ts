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
 * sockets and not by epoll; `runtime` are the groups for which that matters most, without the files
 * to which it is all the same.
 * Types are checked first, for all groups together. Then tests run in two lanes, file by file, on
 * machines that have two processors; `--lanes=1` has one after the other, with one run of
 * `deno test` per group. The output of a run is passed on when it ends (with one lane: as it
 * comes), without colours unless it goes to a terminal. Where a group begins stands how long the
 * rest will take, judged by how long the groups before took.
 *
 * What failed is told again at the end, for behind so much output nobody finds it; so are the
 * slowest files.
 * The last line is always `N passed, N failed, N skipped`: skipped are the tests that `deno test`
 * calls ignored (a foreign program is missing; the reason was printed), and steps inside a test are
 * not counted.
 *
 * The exit code is 0 only if something was run and nothing failed. Types that are wrong and a group
 * that dies before its summary count as one failed test.
 */
import { existsSync } from "@std/fs";
import { fromFileUrl, join } from "@std/path";
import { FileTimes, type Job, runInLanes } from "./test_lanes.ts";

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** Directories of tests/ that are groups of their own, in the order in which `full` runs them. */
const NAMED_GROUPS = ["differential", "interop", "crash", "replication", "stress", "mutants"];
/** Of a group in which everything fails the end of the output need not tell everything again. */
const REPORTED_LINES_MAX = 150;
const SLOWEST_COUNT = 12;
const NOT_TESTS = ["support", "fixtures"];
/** Tests that load the machine themselves, and so much that others beside them would starve. */
const ALONE = ["stress"];
/**
 * Files of differential and interop to which it is all the same what carries the clients: they are
 * about files, other programs, the command line or the replies to small requests; or they choose
 * the carrier themselves. They are not repeated over the runtime's sockets.
 */
export const CARRIER_FREE: readonly string[] = [
  "differential/access_frequency_test.ts",
  "differential/acl_rule_order_test.ts",
  "differential/command_table_rows_test.ts",
  "differential/config_rewrite_files_test.ts",
  "differential/encoding_limits_test.ts",
  "differential/expired_keys_test.ts",
  "differential/geo_ties_test.ts",
  "differential/list_nodes_test.ts",
  "differential/lua_programs_test.ts",
  "differential/number_fuzz_test.ts",
  "interop/aof_kill_test.ts",
  "interop/bench_smoke_test.ts",
  "interop/carriers_test.ts",
  "interop/check_tools_test.ts",
  "interop/compiled_executable_test.ts",
  "interop/container_scripts_test.ts",
  "interop/npm_package_test.ts",
  "interop/peer_files_test.ts",
  "interop/persistence_exchange_test.ts",
  "interop/rdb_tools_test.ts",
  "interop/redeno_cli_test.ts",
];
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

/** What becomes of the output of a run of `deno test`. */
export interface RunOptions {
  /** Arguments for `deno test`. */
  readonly options?: readonly string[];
  /** Environment variables besides ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Is given the output as it comes; without, nobody sees it. */
  readonly show?: (chunk: Uint8Array) => void;
  /** What failed is added to it. */
  readonly report?: FailureReport;
  /** Is told each line when it comes, and null at the end, with the time. */
  readonly timed?: (line: string | null, nowMs: number) => void;
}

/** Reads the standard output to its end and returns the last summary that it saw. */
async function readOutput(
  stream: ReadableStream<Uint8Array>,
  { show, timed }: RunOptions,
  report: FailureReport,
): Promise<Totals | null> {
  const decoder = new TextDecoder();
  let summary: Totals | null = null;
  let rest = "";
  for await (const chunk of stream) {
    show?.(chunk);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      summary = parseSummary(line) ?? summary;
      report.add(line);
      timed?.(line.replace(COLOURS, ""), performance.now());
    }
  }
  timed?.(null, performance.now());
  return parseSummary(rest) ?? summary;
}

async function passOn(
  stream: ReadableStream<Uint8Array>,
  show: RunOptions["show"],
): Promise<void> {
  for await (const chunk of stream) show?.(chunk);
}

function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
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

/** Runs `deno test` over the paths and returns its counts. */
export async function runPaths(
  paths: readonly string[],
  options: RunOptions = {},
): Promise<Totals> {
  const { report = new FailureReport(), show } = options;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...PERMISSIONS, "--no-prompt", ...(options.options ?? []), ...paths],
    cwd: ROOT,
    env: { ...colourSettings(), ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [summary, , status] = await Promise.all([
    readOutput(child.stdout, options, report),
    passOn(child.stderr, show),
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

/** The test files below a path of the project. */
function testFiles(path: string): string[] {
  const entries = [...Deno.readDirSync(join(ROOT, path))].toSorted((a, b) =>
    a.name < b.name ? -1 : 1
  );
  return entries.flatMap(({ name, isDirectory }) => {
    if (isDirectory) return testFiles(join(path, name));
    return /_test\.ts$/.test(name) ? [join(path, name)] : [];
  });
}

/**
 * What there is to run of a group, in pieces that may run side by side: the directories of `unit`,
 * the files of the others. Empty if there are no tests.
 */
export function jobsOf(name: string): Job[] {
  const { group, env } = splitGroup(name);
  const paths = groupPaths(name).filter((path) => testFiles(path).length > 0);
  if (group === "unit") return paths.map((path) => ({ group: name, paths: [path] }));
  const free = new Set(CARRIER_FREE.map((file) => join("tests", file)));
  const isRepeated = "REDENO_TEST_TRANSPORT" in env;
  return paths.flatMap(testFiles).filter((file) => !isRepeated || !free.has(file))
    .map((file) => ({ group: name, paths: [file] }));
}

/** All jobs of each group made one. */
function joined(jobs: readonly Job[]): Job[] {
  const groups = Map.groupBy(jobs, ({ group }) => group);
  return [...groups].map(([group, parts]) => ({
    group,
    paths: parts.flatMap(({ paths }) => paths),
  }));
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

/** Runs jobs and gathers what is told of them at the end. */
class Session {
  totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  readonly #startMs = performance.now();
  readonly #progress: Progress;
  readonly #times = new FileTimes();
  readonly #failures: string[] = [];
  readonly #begun = new Set<string>();

  constructor(groups: readonly string[], private readonly options: readonly string[]) {
    this.#progress = new Progress(["types", ...groups]);
  }

  async checkTypes(): Promise<void> {
    this.#announce("types");
    if (!await checkTypes()) this.totals.failed = 1;
  }

  async run(jobs: readonly Job[], laneCount: number): Promise<void> {
    const isLive = laneCount === 1;
    await runInLanes(isLive ? joined(jobs) : jobs, laneCount, (job, ports) => {
      return this.#runJob(job, ports, isLive);
    });
  }

  async #runJob({ group, paths }: Job, ports: Record<string, string>, isLive: boolean) {
    this.#announce(group);
    const { env } = splitGroup(group);
    const report = new FailureReport();
    const output: Uint8Array[] = [];
    const totals = await runPaths(paths, {
      // Else each file that starts a Worker would have its types checked in the middle of a test.
      options: ["--no-check", ...this.options],
      env: { ...env, ...ports },
      show: isLive ? writeAll : (chunk) => output.push(chunk),
      report,
      timed: this.#times.reader("REDENO_TEST_TRANSPORT" in env ? ` (${group})` : ""),
    });
    for (const chunk of output) writeAll(chunk);
    this.totals = addTotals(this.totals, totals);
    if (report.lines.length > 0) this.#failures.push(`-- ${group}`, ...report.lines);
  }

  /** The last lines. */
  conclude(): void {
    printLine(["== the slowest files ==", ...this.#times.slowest(SLOWEST_COUNT)].join("\n"));
    if (this.#failures.length > 0) printLine(["== what failed ==", ...this.#failures].join("\n"));
    printLine(`all of it took ${formatSeconds((performance.now() - this.#startMs) / 1000)}`);
    printLine(formatTotals(this.totals));
  }

  #announce(group: string): void {
    if (this.#begun.has(group)) return;
    this.#begun.add(group);
    printLine(this.#progress.next((performance.now() - this.#startMs) / 1000));
  }
}

/** How many lanes: what `--lanes=` says; else two, if there are two processors. */
function laneCountOf(words: readonly string[]): number {
  const text = words.find((word) => word.startsWith("--lanes="))?.slice("--lanes=".length);
  if (text === undefined) return Math.min(2, navigator.hardwareConcurrency);
  if (!/^[1-9]\d?$/.test(text)) throw new TypeError(`Cannot run "${text}" lanes`);
  return Number(text);
}

async function main(args: readonly string[]): Promise<number> {
  const end = args.indexOf("--");
  const words = end === -1 ? args : args.slice(0, end);
  const laneCount = laneCountOf(words);
  const groups = groupsOf(words.filter((word) => !word.startsWith("--lanes="))).filter((group) => {
    if (jobsOf(group).length > 0) return true;
    printLine(`no tests in group "${group}"`);
    return false;
  });
  const isAlone = (group: string) => ALONE.includes(splitGroup(group).group);
  const together = groups.filter((group) => !isAlone(group));
  const alone = groups.filter(isAlone);
  const session = new Session([...together, ...alone], end === -1 ? [] : args.slice(end + 1));
  await session.checkTypes();
  if (session.totals.failed === 0) {
    await session.run(together.flatMap(jobsOf), laneCount);
    await session.run(alone.flatMap(jobsOf), 1);
  }
  session.conclude();
  const { totals } = session;
  return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
