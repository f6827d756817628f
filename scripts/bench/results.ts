/**
 * Results of benches as data: what was measured at whom, once for each round. Kept in a JSON file
 * that grows from run to run: what is measured again replaces what was there, all else stays, so
 * that a long measurement can be made in pieces. The budgets are judged by it, and an earlier file
 * tells what has become slower.
 *
 * A measurement is known by its name, such as "plain SET: rate". Of rates more is better; of all
 * else (times, bytes, percent of CPU) less.
 */

import { dirname, fromFileUrl } from "@std/path";
import { parseArgs } from "@std/cli";
import { printLine, printNote } from "../../tests/support/text.ts";
import type { ContestantName } from "./contestants.ts";
import { markdownTable, shownNumber, shownSpread, spreadOf } from "./spread.ts";
import { checkUsage } from "./usage.ts";

/** "/s" and "% of redis-benchmark" are the better the more; the others the less. */
export type Unit =
  | "/s"
  | "% of redis-benchmark"
  | "µs"
  | "ms"
  | "s"
  | "bytes"
  | "MiB"
  | "%"
  | "×";

const MORE_IS_BETTER: readonly Unit[] = ["/s", "% of redis-benchmark"];

/** Whether more of something is better. */
export function isMoreBetter(unit: Unit): boolean {
  return MORE_IS_BETTER.includes(unit);
}

export interface Measurement {
  what: string;
  server: ContestantName;
  unit: Unit;
  /** One of each round. */
  values: number[];
  /** How much of it was done, in words; numbers of different loads cannot be compared. */
  load: string;
  /** When the last round ended, and how busy the machine was then (its load average). */
  measuredAt: string;
  loadAverage: number;
  /** Processors and their kind. Ratios of one measurement are of one machine. */
  machine: string;
}

interface ResultsFile {
  /** As `describeMachine` told when the file was written. */
  machine: string;
  /** Those of older files name no machine. */
  measurements: (Omit<Measurement, "machine"> & Partial<Measurement>)[];
}

function measurementsOf({ machine, measurements }: ResultsFile): Measurement[] {
  const [name] = machine.split(",");
  return measurements.map((one) => ({ machine: name!, ...one }));
}

const FOLDER = new URL("results/", import.meta.url);

/** "2 × AMD EPYC". */
function machineName(): string {
  const cpu = Deno.build.os === "linux"
    ? /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown CPU"
    : Deno.build.arch;
  return `${navigator.hardwareConcurrency} × ${cpu}`;
}

/** What to say about the machine above a table. */
export function describeMachine(): string {
  const loads = Deno.loadavg().map((load) => load.toFixed(1)).join(", ");
  const { version: { deno }, build: { os } } = Deno;
  return `${machineName()}, ${os}, Deno ${deno}, load average ${loads}`;
}

const keyOf = (what: string, server: string) => `${what}\n${server}`;

export class Results {
  readonly #measurements = new Map<string, Measurement>();
  /** Those of this run. */
  readonly #fresh = new Set<string>();
  readonly #ownMachine = machineName();

  /** Where `save` writes to; null: nowhere. */
  readonly #path: string | null;

  /**
   * The machine of the last run that was kept, and how busy it was at the end; null if there was
   * none yet.
   */
  readonly machine: string | null;

  constructor(
    measurements: readonly Measurement[] = [],
    path: string | null = null,
    machine: string | null = null,
  ) {
    this.#path = path;
    this.machine = machine;
    for (const one of measurements) this.#measurements.set(keyOf(one.what, one.server), one);
  }

  /** Reads a file; none at all if there is none yet. */
  static async read(path: string): Promise<Results> {
    try {
      const file: ResultsFile = JSON.parse(await Deno.readTextFile(path));
      return new Results(measurementsOf(file), path, file.machine);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Results([], path);
      throw error;
    }
  }

  /** Keeps what one round has measured. What earlier runs had of it is forgotten. */
  add(what: string, server: ContestantName, unit: Unit, value: number, load = ""): void {
    const key = keyOf(what, server);
    const isFirst = !this.#fresh.has(key);
    this.#fresh.add(key);
    const values = isFirst ? [] : this.#measurements.get(key)!.values;
    // More digits than that are noise, and make files long.
    values.push(Number(value.toPrecision(6)));
    this.#measurements.set(key, {
      what,
      server,
      unit,
      values,
      load,
      measuredAt: new Date().toISOString(),
      loadAverage: Deno.loadavg()[0]!,
      machine: this.#ownMachine,
    });
  }

  /** The unit of a measurement; undefined if nobody was measured. */
  unit(what: string): Unit | undefined {
    return this.all().find((one) => one.what === what)?.unit;
  }

  /** The values of all rounds; none if it was not measured. */
  values(what: string, server: ContestantName): readonly number[] {
    return this.#measurements.get(keyOf(what, server))?.values ?? [];
  }

  all(): Measurement[] {
    return [...this.#measurements.values()];
  }

  /** Names of everything that was measured at whomever. */
  names(): string[] {
    return [...new Set(this.all().map(({ what }) => what))];
  }

  fresh(): Measurement[] {
    return [...this.#fresh].map((key) => this.#measurements.get(key)!);
  }

  /** One measurement per line, in the order of their names, so that two files can be compared. */
  async save(): Promise<void> {
    const path = this.#path;
    if (path === null) return;
    await Deno.mkdir(dirname(path), { recursive: true });
    const order = (left: Measurement, right: Measurement) =>
      left.what < right.what ? -1 : left.what > right.what ? 1 : 0;
    const lines = this.all().toSorted(order).map((one) => `    ${JSON.stringify(one)}`);
    const machine = JSON.stringify(describeMachine());
    const text = `{\n  "machine": ${machine},\n  "measurements": [\n${lines.join(",\n")}\n  ]\n}\n`;
    await Deno.writeTextFile(path, text);
  }
}

/** What differs by less than a tenth is never called slower. */
const CHANGE_MIN = 0.1;

interface Change {
  earlier: Measurement;
  now: Measurement;
  /** More than 1: that many times better than before. */
  gain: number;
}

/** How many times better it is now: beyond both spreads and a tenth, or null. */
function changeOf(earlier: Measurement, now: Measurement): Change | null {
  const [before, after] = [spreadOf(earlier.values), spreadOf(now.values)];
  // Rounds that overlap may differ by chance.
  if (before.max >= after.min && after.max >= before.min) return null;
  const growth = after.median / before.median;
  const gain = isMoreBetter(now.unit) ? growth : 1 / growth;
  return Math.abs(Math.log(gain)) < Math.log(1 + CHANGE_MIN) ? null : { earlier, now, gain };
}

/** What has changed since earlier results, worst first: a table, and how much was compared. */
export function comparison(now: readonly Measurement[], earlier: Results): string {
  const before = new Map(earlier.all().map((one) => [keyOf(one.what, one.server), one]));
  const pairs = now.flatMap((one) => {
    const match = before.get(keyOf(one.what, one.server));
    return match === undefined ? [] : [{ match, one }];
  });
  const changes = pairs.map(({ match, one }) => changeOf(match, one)).filter((one) => one !== null);
  const verdict = `${pairs.length} compared, ${changes.filter(({ gain }) => gain < 1).length} ` +
    `slower, ${changes.filter(({ gain }) => gain > 1).length} faster (beyond all rounds of both)`;
  if (changes.length === 0) return verdict;
  const rows = changes.toSorted((left, right) => left.gain - right.gain).map((change) => [
    change.now.what,
    change.now.server,
    `${shownSpread(change.earlier.values)} ${change.earlier.unit}`,
    `${shownSpread(change.now.values)} ${change.now.unit}`,
    change.gain < 1 ? `slower, ${shownNumber(1 / change.gain)} ×` : `${shownNumber(change.gain)} ×`,
    change.earlier.load === change.now.load ? "" : `another load: ${change.earlier.load}`,
  ]);
  return `${verdict}\n\n${markdownTable(["", "server", "before", "now", "gain", ""], rows)}`;
}

const COMMON_OPTIONS = ["--results", "--against", "--smoke"];

/**
 * Runs one bench and does what all have in common: prints help if that is asked for, says what
 * machine this is and how busy it is, keeps the results in a file (`--results`; below
 * scripts/bench/results unless given), compares them with another one (`--against`), and tells how
 * long it took.
 */
export async function runBench(
  measure: (results: Results) => Promise<string>,
  file = "latest.json",
): Promise<void> {
  await checkUsage(COMMON_OPTIONS);
  const args = parseArgs(Deno.args, { string: ["results", "against"], boolean: ["smoke"] });
  const beginMs = performance.now();
  printLine(`${describeMachine()}\n`);
  // What a smoke run measures means nothing: it must not stand where others are looked up.
  const path = args.results ?? (args.smoke ? null : resultsPath(file));
  const results = path === null ? new Results() : await Results.read(path);
  // The exit takes the servers along, which the signal alone would leave running.
  const interrupted = () => void results.save().finally(() => Deno.exit(130));
  Deno.addSignalListener("SIGINT", interrupted);
  try {
    printLine(await measure(results));
  } finally {
    Deno.removeSignalListener("SIGINT", interrupted);
    await results.save();
  }
  if (args.against !== undefined) {
    printLine(`\nAgainst ${args.against}: ${comparisonWith(results, args.against)}`);
  }
  printNote(`took ${shownSeconds(performance.now() - beginMs)}`);
}

/** When and where measurements were made: "2026-11-29 on 2 × AMD EPYC, load average 1.20". */
export function shownOccasion(measurements: readonly Measurement[]): string {
  const dates = measurements.map(({ measuredAt }) => measuredAt.slice(0, 10)).toSorted();
  const loads = measurements.map(({ loadAverage }) => loadAverage);
  const loadAverage = shownRange(shownNumber(Math.min(...loads)), shownNumber(Math.max(...loads)));
  const machines = [...new Set(measurements.map(({ machine }) => machine))].toSorted();
  const time = shownRange(dates[0]!, dates.at(-1)!);
  return `${time} on ${machines.join(" and ")}, load average ${loadAverage}`;
}

/** "first to last", or one of them if they are the same. */
export function shownRange(first: string, last: string): string {
  return first === last ? first : `${first} to ${last}`;
}

/** Where a bench keeps its results unless told otherwise. */
export function resultsPath(file = "latest.json"): string {
  return fromFileUrl(new URL(file, FOLDER));
}

/** Milliseconds as minutes and seconds. */
export function shownSeconds(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function comparisonWith(results: Results, path: string): string {
  const file: ResultsFile = JSON.parse(Deno.readTextFileSync(path));
  return comparison(results.fresh(), new Results(measurementsOf(file)));
}
