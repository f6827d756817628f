/**
 * Runs the whole suite, bench by bench, into one file of results; then writes the page of results
 * and prints the budgets' table.
 *
 *   deno run -A scripts/bench/everything.ts [options]        (deno task bench:all)
 *
 *   --only a,b        some benches only: parts of compare.ts (plain, pipelined …) and scripts of
 *                     wire/ (streams, save_and_load …); an unknown name lists all
 *   --rounds N        of each bench that counts rounds (default: what it does by itself)
 *   --servers a,b     some of redis redis8 valkey9 redeno, where a bench lets one choose
 *   --executable F    a compiled Redeno whose start is measured, too (not with --servers); without
 *                     it the budget of its start is not measured
 *   --results FILE    where results are kept (default scripts/bench/results/latest.json)
 *   --smoke           tiny numbers: shows that everything runs; keeps nothing, writes no page, and
 *                     prints it
 *
 * Each bench is a process of its own. One that fails, or has not ended after an hour, is told of at
 * the end (and by exit code 1); the others are run all the same, and the page has what was kept.
 * What was interrupted goes on with `--only`.
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { TemporaryDirectory } from "../../tests/support/server_process.ts";
import { printLine, printNote } from "../../tests/support/text.ts";
import { budgetsTable } from "./budgets.ts";
import { Results, resultsPath, shownSeconds } from "./results.ts";
import { resultsPage, writeResultsPage } from "./results_page.ts";
import { headingOf, SUITE, type SuiteBench, type SuiteOption } from "./suite.ts";
import { checkUsage } from "./usage.ts";

export interface SuiteOptions {
  only?: readonly string[] | undefined;
  /** What is handed on to the benches that take it. */
  given: Partial<Record<SuiteOption, string>>;
  results: string;
  isSmoke: boolean;
}

const BENCH_MS_MAX = 3_600_000;
/** From the request to end until it is made to. */
const ENDING_MS_MAX = 30_000;

/** Those wanted, in the order of the suite. Throws a RangeError if there is none of a name. */
export function chosenBenches(only: readonly string[] | undefined): readonly SuiteBench[] {
  if (only === undefined) return SUITE;
  const names = SUITE.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot find the bench "${unknown}": expected some of ${names.join(" ")}`);
  }
  return SUITE.filter(({ name }) => only.includes(name));
}

/** The arguments of `deno` for a bench. */
export function argumentsOf(bench: SuiteBench, options: SuiteOptions): string[] {
  const [script, ...args] = bench.command;
  const isPart = script === "compare.ts";
  // What a smoke run is comes last: it counts, whatever was given.
  return [
    ...["run", "-A", fromFileUrl(new URL(script, import.meta.url)), ...args],
    ...["--results", options.results],
    ...(isPart ? ["--unjudged"] : []),
    ...bench.takes.flatMap((option) => {
      const value = options.given[option];
      return value === undefined ? [] : [`--${option}`, value];
    }),
    ...(options.isSmoke ? bench.smoke : []),
  ];
}

/** One bench as a process. */
class BenchProcess {
  readonly #child: Deno.ChildProcess;

  constructor(args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...args],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  }

  /** Asks it to keep what it has and to end. */
  interrupt(): void {
    try {
      this.#child.kill("SIGINT");
    } catch {
      // It has just ended by itself.
    }
  }

  /** Waits for its end; returns why it failed, or null. */
  async ended(): Promise<string | null> {
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.interrupt();
    }, BENCH_MS_MAX);
    const tooLate = setTimeout(() => this.#child.kill("SIGKILL"), BENCH_MS_MAX + ENDING_MS_MAX);
    const { success, code, signal } = await this.#child.status;
    clearTimeout(late);
    clearTimeout(tooLate);
    if (isLate) return `not at its end after ${shownSeconds(BENCH_MS_MAX)}`;
    return success ? null : signal ?? `exit code ${code}`;
  }
}

/** Runs benches one after the other; returns a line for each that failed. */
export async function runSuite(
  benches: readonly SuiteBench[],
  options: SuiteOptions,
): Promise<string[]> {
  const failures: string[] = [];
  let isInterrupted = false;
  let running: BenchProcess | null = null;
  const interrupted = () => {
    isInterrupted = true;
    running?.interrupt();
  };
  Deno.addSignalListener("SIGINT", interrupted);
  try {
    for (const [index, bench] of benches.entries()) {
      printLine(`\n# ${headingOf(bench)} (${index + 1} of ${benches.length})\n`);
      running = new BenchProcess(argumentsOf(bench, options));
      const failure = await running.ended();
      if (failure !== null) failures.push(`${bench.name}: ${failure}`);
      if (!isInterrupted) continue;
      const left = benches.slice(index + 1).map(({ name }) => name);
      return [...failures, ...left.map((name) => `${name}: not run, for it was interrupted`)];
    }
  } finally {
    Deno.removeSignalListener("SIGINT", interrupted);
  }
  return failures;
}

async function everything(options: SuiteOptions): Promise<number> {
  const beginMs = performance.now();
  const benches = chosenBenches(options.only);
  const failures = await runSuite(benches, options);
  const results = await Results.read(options.results);
  if (options.isSmoke) printLine(`\n${resultsPage(results)}`);
  else {
    printLine(`\n## budgets\n\n${budgetsTable(results)}`);
    if (results.all().length > 0) printNote(`written: ${await writeResultsPage(results)}`);
  }
  printNote(`${benches.length} benches took ${shownSeconds(performance.now() - beginMs)}`);
  for (const failure of failures) printNote(`FAILED: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  await checkUsage();
  const args = parseArgs(Deno.args, {
    boolean: ["smoke"],
    string: ["only", "rounds", "servers", "executable", "results"],
  });
  const { rounds, servers, executable } = args;
  await using directory = await TemporaryDirectory.create();
  const usual = args.smoke ? join(directory.path, "results.json") : resultsPath();
  Deno.exitCode = await everything({
    only: args.only?.split(","),
    given: { rounds, servers, executable },
    results: args.results ?? usual,
    isSmoke: args.smoke,
  });
}
