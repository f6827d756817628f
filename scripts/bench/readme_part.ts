/**
 * The numbers of the main README.md: two short tables of the most telling measurements, which of
 * them are behind, and the table of budgets. They stand between two comments and are renewed by
 * `results_page.ts --readme`.
 */

import { budgetsTable } from "./budgets.ts";
import { type ContestantName, OURS, RIVALS, SHOWN_NAMES } from "./contestants.ts";
import { isMoreBetter, type Results, shownOccasion, shownRange } from "./results.ts";
import { markdownTable, median, shownNumber, shownRatio } from "./spread.ts";
import { ratiosTo } from "./standings.ts";

const BEGIN = "<!-- results: written by scripts/bench/results_page.ts -->";
const END = "<!-- results: end -->";

/** Tests of redis-benchmark that stand in the table, pipelined. */
const TESTS = [
  ...["SET", "GET", "INCR", "LPUSH", "LPOP", "SADD", "HSET", "ZADD", "ZPOPMIN", "LRANGE_100"],
  "MSET",
];

interface Row {
  label: string;
  /** The measurement; or several, of whose ratios the median and the extremes are told. */
  of: string | RegExp;
  server?: ContestantName;
}

const ROWS: readonly Row[] = [
  { label: "`-c 50 -P 1`, each default test: rate", of: /^plain \w+: rate$/ },
  { label: "`-c 50 -P 1`, each default test: CPU", of: /^plain \w+: CPU$/ },
  { label: "`-c 1`, SET/s", of: "clients SET -c 1 -P 1: rate" },
  { label: "GET of 10,000 bytes `-P 16`, /s", of: "values GET of 10,000 bytes -P 16: rate" },
  { label: "a connection per GET, /s", of: "connections GET -k 0: rate" },
  { label: "SET, first 200,000 after a start, /s", of: "cold SET: rate" },
  { label: "GET at a fixed rate, p99, ms", of: "latency GET: p99" },
  { label: "EVALSHA of a GET, CPU µs", of: "EVALSHA of GET: CPU" },
  { label: "XADD `-P 16`, /s", of: "stream XADD, one field, -P 16: rate" },
  { label: "XREADGROUP + XACK `-P 16`, /s", of: "stream XREADGROUP + XACK, -P 16: rate" },
  { label: "bytes per key, value of 3", of: "memory value of 3: bytes" },
  { label: "bytes per key, value of 100", of: "memory value of 100: bytes" },
  { label: "bytes per hash of 10 fields", of: "memory small hash of 10: bytes" },
  { label: "bytes per member, one zset", of: "memory one zset: bytes" },
  { label: "SAVE of 5 M keys, s", of: "save and load, 5,000,000 keys: SAVE" },
  { label: "load of 5 M keys, s", of: "save and load, 5,000,000 keys: load" },
  { label: "writes during BGSAVE of 1 GB, p99.9, ms", of: "during BGSAVE: p99.9" },
  { label: "AOF everysec, 1 client, SET/s", of: "AOF everysec, 1 client: rate" },
  { label: "AOF always, 50 clients, SET/s", of: "AOF always, 50 clients: rate" },
  {
    label: "AOF always, 50 readers beside 8 writers, GET/s",
    of: /^AOF always, 50 readers .*rate$/,
  },
  { label: "full sync of 1 GB, s", of: "replication pair, full sync, s" },
  {
    label: "lag of a replica, 99th of 100, ms",
    of: "replication pair, stream, lag, 99th of 100, ms",
  },
  { label: "start of the executable, ms", of: "start to first PONG", server: "executable" },
  { label: "idle, MiB resident", of: "idle resident" },
  { label: "idle, CPU %", of: "idle CPU" },
];

function measuredOf({ of, server = OURS }: Row, results: Results): string[] {
  const names = results.names().filter((name) =>
    typeof of === "string" ? name === of : of.test(name)
  );
  return names.filter((name) => results.values(name, server).length > 0);
}

/** Our ratios in a row: of all rounds of one measurement, or one for each of several. */
function rowRatios(row: Row, kind: "original" | "best", results: Results): number[] {
  const names = measuredOf(row, results);
  // The best of one is no news.
  const others = (name: string) => RIVALS.filter((one) => results.values(name, one).length > 0);
  const groups = names.filter((name) => kind === "original" || others(name).length > 1)
    .map((name) => ratiosTo(results, name, kind, row.server))
    .filter((ratios) => ratios.length > 0);
  return groups.length === 1 ? groups[0]! : groups.map(median);
}

const KINDS = ["original", "best"] as const;

/** The cells of a row: all servers, how ours stands. */
function cells(row: Row, results: Results): string[] {
  const names = measuredOf(row, results);
  const shown = (server: ContestantName) =>
    names.length === 1 ? shownNumber(median(results.values(names[0]!, server))) : "–";
  return [
    row.label,
    ...RIVALS.map(shown),
    shown(row.server ?? OURS),
    ...KINDS.map((kind) => shownRatio(rowRatios(row, kind, results))),
  ];
}

const HEADER = [...RIVALS, OURS].map((name) => SHOWN_NAMES[name]);

function pipelinedRow(test: string): Row {
  return { label: test, of: `pipelined ${test}: rate` };
}

function requestsTable(results: Results): string {
  const rows = TESTS.map(pipelinedRow).filter((row) => measuredOf(row, results).length > 0);
  const header = ["requests per second", ...HEADER, "× original", "× best", "CPU × original"];
  return markdownTable(
    header,
    rows.map((row) => {
      const cpu = ratiosTo(results, `pipelined ${row.label}: CPU`, "original");
      return [...cells(row, results), shownRatio(cpu)];
    }),
  );
}

/** What is worse than theirs by more than this is called behind. */
const BEHIND_MIN = 0.05;

/** Labels of what is behind, worst first, with the ratio. */
function behind(rows: readonly Row[], kind: "original" | "best", results: Results): string {
  const found = rows.flatMap((row) => {
    const ratio = median(rowRatios(row, kind, results));
    const unit = results.unit(measuredOf(row, results)[0] ?? "");
    if (unit === undefined || !Number.isFinite(ratio)) return [];
    const loss = isMoreBetter(unit) ? 1 / ratio : ratio;
    return loss > 1 + BEHIND_MIN ? [{ label: row.label, ratio, loss }] : [];
  });
  const words = found.toSorted((left, right) => right.loss - left.loss)
    .map(({ label, ratio }) => `${label} (${ratio.toFixed(2)} ×)`);
  return words.length === 0 ? "nothing in these tables" : words.join("; ");
}

/** All of the part, with its two comments. */
export function readmePart(results: Results): string {
  const rows = ROWS.filter((row) => measuredOf(row, results).length > 0);
  const missing = ROWS.filter((row) => measuredOf(row, results).length === 0);
  const all = [...TESTS.map(pipelinedRow), ...rows];
  const names = new Set(all.flatMap((row) => measuredOf(row, results)));
  const measurements = results.all().filter(({ what }) => names.has(what));
  const rounds = measurements.map(({ values }) => values.length);
  return [
    BEGIN,
    `Measured ${shownOccasion(measurements)}; medians of ` +
    `${shownRange(String(Math.min(...rounds)), String(Math.max(...rounds)))} rounds.`,
    requestsTable(results),
    markdownTable(["", ...HEADER, "× original", "× best"], rows.map((row) => cells(row, results))),
    `**Behind redis-server 7.0.15** by more than 5 %: ${behind(all, "original", results)}.`,
    `**Behind the best of the three**, where all were measured: ${behind(all, "best", results)}.`,
    ...(missing.length === 0
      ? []
      : [`Not measured this time: ${missing.map(({ label }) => label).join("; ")}.`]),
    "What the project has set itself beside all three, and whether it is reached; " +
    "[budgets.md](docs/benchmarks/budgets.md) tells why some are not:",
    budgetsTable(results),
    END,
  ].join("\n\n");
}

/** A text in which what stands between the two comments, and they, are replaced by a new part. */
export function withPart(text: string, part: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot find the place for the results: expected "${BEGIN}" … "${END}"`);
  }
  return text.slice(0, begin) + part + text.slice(end + END.length);
}
