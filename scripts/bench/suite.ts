/**
 * The suite: every bench that the budgets and the page of results need, as data. How each is run,
 * what a smoke run of it is, and which tables its measurements make.
 *
 * Benches that are not here keep no results or are looked at for another reason: growth.ts has a
 * page of its own, and the others are named in README.md beside this file.
 */

import { PARTS } from "./compare.ts";
import { DEFAULT_TESTS, REQUEST_METRICS } from "./request_parts.ts";

/** An option of everything.ts that a bench may be given, too. */
export type SuiteOption = "rounds" | "servers" | "executable";

export interface SuiteTable {
  /** What the numbers are. */
  heading: string;
  /** Names of measurements; the first group is the label of the row. */
  of: RegExp;
  /** Labels that come first; all others follow by name, numbers in them by size. */
  order?: readonly string[];
  /** The unit of a row is told in its label: they differ, or no name tells them. */
  hasUnits?: boolean;
}

export interface SuiteBench {
  /** By which `--only` chooses it. */
  name: string;
  title: string;
  /** A script of this folder and its arguments. */
  command: readonly [script: string, ...args: string[]];
  /** Further arguments with which it only shows that it runs. */
  smoke: readonly string[];
  takes: readonly SuiteOption[];
  tables: readonly SuiteTable[];
  /** What a reader of its tables should know. */
  note?: string;
}

const TEST_ORDER = DEFAULT_TESTS.map((test) => test.toUpperCase());
const DELAYS = ["p50", "p99", "p99.9", "longest"];

/** Three tables for what redis-benchmark drives: requests per second, CPU, 99th of 100. */
function requestTables(part: string): SuiteTable[] {
  return REQUEST_METRICS.map(([metric, , heading]) => ({
    heading,
    of: new RegExp(`^${part} (.*): ${metric.replace(".", "\\.")}$`),
    order: TEST_ORDER,
  }));
}

const PART_TABLES: Readonly<Record<string, readonly SuiteTable[]>> = {
  latency: ["GET", "SET"].map((command) => ({
    heading: `${command}, ms`,
    of: new RegExp(`^latency ${command}: (.*)$`),
    order: DELAYS,
  })),
  clientfigures: [{ heading: "redis-py", of: /^redis-py, (.*)$/, hasUnits: true }],
  scripts: [{
    heading: "EVALSHA, CPU µs per call",
    of: /^EVALSHA of (.*): CPU$/,
    order: ["GET"],
  }],
  start: [{
    heading: "a server that has begun",
    of: /^(start to first PONG|idle .*)$/,
    order: ["start to first PONG"],
    hasUnits: true,
  }],
  memory: [
    { heading: "resident bytes per key, element or entry", of: /^memory (.*): bytes$/ },
    { heading: "used bytes", of: /^memory (.*): used bytes$/ },
    { heading: "resident ÷ used", of: /^memory (.*): resident to used$/ },
  ],
};

const PART_NOTES: Readonly<Record<string, string>> = {
  latency: "All servers are asked at the same rate, four fifths of what redis-benchmark gets out " +
    "of the original; a delay counts from when the request was due. “Sent late” is the client's " +
    "own part of it.",
  memory: "A tenth of what `deno run -A scripts/bench/wire/memory_per_key.ts` measures in full.",
};

/** Parts of compare.ts, each run by itself. */
const PART_BENCHES: readonly SuiteBench[] = PARTS.map(({ name, title }) => ({
  name,
  title,
  command: ["compare.ts", "--only", name],
  smoke: ["--smoke"],
  // The budgets ask only how soon the executable is there.
  takes: name === "start" ? ["rounds", "servers", "executable"] : ["rounds", "servers"],
  tables: PART_TABLES[name] ?? requestTables(name),
  ...(PART_NOTES[name] === undefined ? {} : { note: PART_NOTES[name] }),
}));

/** Those below wire/: the original and ours, one beside the other. */
const WIRE_BENCHES: readonly SuiteBench[] = [
  {
    name: "streams",
    title: "requests of 50 clients",
    command: ["wire/streams.ts"],
    smoke: ["--rounds", "1", "--requests", "4000", "--entries", "500"],
    takes: ["rounds"],
    tables: [
      { heading: "requests per second", of: /^stream (.*): rate$/ },
      { heading: "CPU µs per request", of: /^stream (.*): CPU$/ },
    ],
  },
  {
    name: "save_under_load",
    title: "writing while the server saves",
    command: ["wire/save_under_load.ts"],
    smoke: ["--rounds", "1", "--keys", "20000", "--bytes", "50"],
    takes: ["rounds"],
    tables: [
      { heading: "ms, before BGSAVE", of: /^before BGSAVE: (p\d.*|longest)$/, order: DELAYS },
      { heading: "ms, during BGSAVE", of: /^during BGSAVE: (p\d.*|longest)$/, order: DELAYS },
      {
        heading: "the save",
        of: /^((?:before|during) BGSAVE: (?:resident|peak.*|time))$/,
        hasUnits: true,
      },
    ],
    note: "Three saves unless `--rounds` says otherwise; the delays of all are taken together.",
  },
  {
    name: "inserts_while_saving",
    title: "inserting while a child reads",
    command: ["wire/inserts_while_saving.ts"],
    smoke: ["--rounds", "1", "--max", "1000"],
    takes: ["rounds"],
    tables: [
      {
        heading: "during BGSAVE ÷ in peace",
        of: /^inserting into (.*): child to peace$/,
      },
      { heading: "longest batch during BGSAVE, ms", of: /^inserting into (.*): longest$/ },
    ],
  },
  {
    name: "save_and_load",
    title: "saving and loading, nobody else asking",
    command: ["wire/save_and_load.ts"],
    smoke: ["--rounds", "1", "--keys", "3000", "--members", "2500", "--hashes", "200"],
    takes: ["rounds"],
    tables: [{ heading: "RDB", of: /^save and load, (.*)$/, hasUnits: true }],
  },
  {
    name: "fsync_policies",
    title: "the append-only file",
    command: ["wire/fsync_policies.ts"],
    smoke: ["--rounds", "1", "--requests", "50"],
    takes: ["rounds"],
    tables: [{ heading: "SET/s, or GET/s of the readers", of: /^AOF (.*): rate$/ }],
  },
  {
    name: "replication_pairs",
    title: "a master and a replica of the same kind",
    command: ["wire/replication_pairs.ts"],
    smoke: ["--smoke"],
    takes: ["rounds"],
    tables: [{ heading: "pair", of: /^replication pair, (.*)$/ }],
  },
  {
    name: "replication_cost",
    title: "what replicas cost a master",
    command: ["wire/replication_cost.ts"],
    smoke: ["--rounds", "1", "--requests", "500", "--megabytes", "1"],
    takes: ["rounds"],
    tables: [
      { heading: "CPU µs of the master per SET", of: /^CPU per SET in µs, (.*)$/ },
      { heading: "one full synchronization", of: /^full sync of (.*)$/ },
    ],
  },
];

export const SUITE: readonly SuiteBench[] = [...PART_BENCHES, ...WIRE_BENCHES];

/** What stands above the tables of a bench. */
export function headingOf({ name, title }: SuiteBench): string {
  return name === title ? title : `${name}: ${title}`;
}

/** The command that repeats a bench. */
export function commandOf({ command: [script, ...args] }: SuiteBench): string {
  return ["deno run -A", `scripts/bench/${script}`, ...args].join(" ");
}
