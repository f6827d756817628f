/**
 * The budgets of the design as data: what each demands of which measurements, and whether the
 * results at hand meet it.
 *
 * A budget has demands; each names measurements by a pattern and holds for every one of them. A
 * demand is about the median of ratios to the original or to the best rival, or about the number
 * itself. A budget is met if all of its demands are; not met if one fails; and not measured as long
 * as one lacks its measurements and none fails.
 */

import { type ContestantName, OURS } from "./contestants.ts";
import type { Results } from "./results.ts";
import { markdownTable, median, shownNumber } from "./spread.ts";
import { ratiosTo } from "./standings.ts";

export interface Demand {
  /** Names of measurements; each of them must hold. */
  of: RegExp;
  /** What the limit is about: a ratio to one of the rivals, or the measured number itself. */
  to: "original" | "best" | "itself";
  /** The median is to be at least, or at most, so much; the limit itself is met. */
  atLeast?: number;
  atMost?: number;
  /** Whose; ours from the source unless given. */
  server?: ContestantName;
  /** Every round counts, not the median: "no request over 5 ms". */
  isOfEachRound?: boolean;
}

export interface Budget {
  name: string;
  target: string;
  /** What measures it: a part of compare.ts or a script. */
  by: string;
  demands: readonly Demand[];
}

export type Verdict = "met" | "not met" | "not measured";

export interface Judgement {
  verdict: Verdict;
  /** How many measurements hold, and which is farthest from its limit. */
  measured: string;
}

/** Tests other than those of LRANGE, which have a limit of their own. */
const NO_RANGE = "(?!LRANGE)[A-Z_]+";
const LARGE = "memory (?:value of \\d+|one (?:hash|set|zset)): bytes";
const SMALL = "memory small .*: bytes";

export const BUDGETS: readonly Budget[] = [
  {
    name: "default tests, `-c 50 -P 1`: rate",
    target: "≥ 1.1 × the original",
    by: "plain",
    demands: [{ of: /^plain \w+: rate$/, to: "original", atLeast: 1.1 }],
  },
  {
    name: "default tests, `-c 50 -P 1`: rate",
    target: "≥ 1.0 × the best",
    by: "plain",
    demands: [{ of: /^plain \w+: rate$/, to: "best", atLeast: 1 }],
  },
  {
    name: "default tests, `-c 50 -P 1`: CPU",
    target: "≤ 0.85 × the original",
    by: "plain",
    demands: [{ of: /^plain \w+: CPU$/, to: "original", atMost: 0.85 }],
  },
  {
    name: "`-c 1`: rate",
    target: "≥ 1.0 × the original",
    by: "clients",
    demands: [{ of: /^clients \w+ -c 1 -P 1: rate$/, to: "original", atLeast: 1 }],
  },
  {
    name: "`-c 500`: p99",
    target: "≤ 1.0 × the original",
    by: "clients",
    demands: [{ of: /^clients \w+ -c 500 -P 1: p99$/, to: "original", atMost: 1 }],
  },
  {
    name: "default tests, `-P 16`, warm: rate",
    target: "≥ 1.2 × the original, LRANGE ≥ 1.5 ×",
    by: "pipelined",
    demands: [
      { of: new RegExp(`^pipelined ${NO_RANGE}: rate$`), to: "original", atLeast: 1.2 },
      { of: /^pipelined LRANGE\w+: rate$/, to: "original", atLeast: 1.5 },
    ],
  },
  {
    name: "default tests, `-P 16`, warm: rate",
    target: "≥ 1.05 × the best",
    by: "pipelined",
    demands: [{ of: /^pipelined \w+: rate$/, to: "best", atLeast: 1.05 }],
  },
  {
    name: "default tests, `-P 16`, warm: CPU",
    target: "≤ 0.85 × the original",
    by: "pipelined",
    demands: [{ of: /^pipelined \w+: CPU$/, to: "original", atMost: 0.85 }],
  },
  {
    name: "cold: first 200,000 requests, `-P 16`",
    target: "≥ 0.8 × the original",
    by: "cold",
    demands: [{ of: /^cold \w+: rate$/, to: "original", atLeast: 0.8 }],
  },
  {
    name: "a new connection per request (`-k 0`)",
    target: "≥ 1.0 × the original",
    by: "connections",
    demands: [{ of: /^connections .*: rate$/, to: "original", atLeast: 1 }],
  },
  {
    name: "one redis-py client without a pipeline",
    target: "≥ 1.0 × the original's share of redis-benchmark",
    by: "clientfigures",
    demands: [{ of: /^redis-py, one client$/, to: "original", atLeast: 1 }],
  },
  {
    name: "redis-py, a connection per command",
    target: "≥ 1.0 × the original's share of redis-benchmark",
    by: "clientfigures",
    demands: [{ of: /^redis-py, a connection per command$/, to: "original", atLeast: 1 }],
  },
  {
    name: "memory per key or element: strings and large tables",
    target: "≤ 0.7 × the best",
    by: "wire/memory_per_key.ts",
    demands: [{ of: new RegExp(`^${LARGE}$`), to: "best", atMost: 0.7 }],
  },
  {
    name: "memory per key: small collections",
    target: "≤ 0.9 × the best",
    by: "wire/memory_per_key.ts",
    demands: [{ of: new RegExp(`^${SMALL}$`), to: "best", atMost: 0.9 }],
  },
  {
    name: "resident, after loads and after deletions",
    target: "≤ 1.1 × used",
    by: "wire/memory_per_key.ts",
    demands: [{ of: /^memory .*: resident to used$/, to: "itself", atMost: 1.1 }],
  },
  {
    name: "BGSAVE of 1 GB under random writes: p99.9, longest pause",
    target: "≤ 1.0 × the original",
    by: "wire/save_under_load.ts",
    demands: [
      { of: /^during BGSAVE: p99\.9$/, to: "original", atMost: 1 },
      { of: /^during BGSAVE: longest$/, to: "original", atMost: 1 },
    ],
  },
  {
    name: "BGSAVE of 1 GB under random writes: peak resident",
    target: "≤ 1.3 × the data",
    by: "wire/save_under_load.ts",
    demands: [{ of: /^during BGSAVE: peak to data$/, to: "itself", atMost: 1.3 }],
  },
  {
    name: "inserting into any table while a child reads",
    target: "≤ 4 × as in peace; no request over 5 ms",
    by: "wire/inserts_while_saving.ts",
    demands: [
      { of: /^inserting into .*: child to peace$/, to: "itself", atMost: 4 },
      { of: /^inserting into .*: longest$/, to: "itself", atMost: 5, isOfEachRound: true },
    ],
  },
  {
    name: "SAVE and load: 5 M strings, a zset of 1.5 M, 1 M small hashes",
    target: "≤ 0.8 × the time of the original",
    by: "wire/save_and_load.ts",
    demands: [
      { of: /^save and load, .*keys: (?:SAVE|load)$/, to: "original", atMost: 0.8 },
      { of: /^save and load, zset .*: (?:SAVE|load)$/, to: "original", atMost: 0.8 },
      { of: /^save and load, .*hashes: (?:SAVE|load)$/, to: "original", atMost: 0.8 },
    ],
  },
  {
    name: "`appendfsync always`, 50 clients",
    target: "≥ 1.2 × the original",
    by: "wire/fsync_policies.ts",
    demands: [{ of: /^AOF always, 50 clients: rate$/, to: "original", atLeast: 1.2 }],
  },
  {
    name: "`appendfsync always`, 50 readers beside 8 writers",
    target: "readers ≥ 3 × the original",
    by: "wire/fsync_policies.ts",
    demands: [{ of: /^AOF always, 50 readers beside .*: rate$/, to: "original", atLeast: 3 }],
  },
  {
    name: "`appendfsync everysec`, 1 client",
    target: "≥ 1.0 × the original",
    by: "wire/fsync_policies.ts",
    demands: [{ of: /^AOF everysec, 1 client: rate$/, to: "original", atLeast: 1 }],
  },
  {
    name: "EVALSHA: a GET; 100 redis.call; 10^6 additions; cjson of 2 KB",
    target: "CPU ≤ 1.2, 1.0, 1.0, 1.5 × the original",
    by: "scripts",
    demands: [
      { of: /^EVALSHA of GET: CPU$/, to: "original", atMost: 1.2 },
      { of: /^EVALSHA of 100 redis\.call.*: CPU$/, to: "original", atMost: 1 },
      { of: /^EVALSHA of a loop.*: CPU$/, to: "original", atMost: 1 },
      { of: /^EVALSHA of cjson.*: CPU$/, to: "original", atMost: 1.5 },
    ],
  },
  {
    name: "XADD, XREADGROUP + XACK, XRANGE of 100, `-P 16`",
    target: "≥ 1.2 × the original",
    by: "wire/streams.ts",
    demands: [
      { of: /^stream XADD, one field, -P 16: rate$/, to: "original", atLeast: 1.2 },
      { of: /^stream XREADGROUP \+ XACK, -P 16: rate$/, to: "original", atLeast: 1.2 },
      { of: /^stream XRANGE of 100, -P 16: rate$/, to: "original", atLeast: 1.2 },
    ],
  },
  {
    name: "full sync of 1 GB",
    target: "≤ 1.0 × the time of redis → redis",
    by: "wire/replication_pairs.ts",
    demands: [{ of: /^replication pair, full sync, s$/, to: "original", atMost: 1 }],
  },
  {
    name: "100,000 writes/s to one replica",
    target: "no write refused, lag < 100 ms",
    by: "wire/replication_pairs.ts",
    demands: [
      // In thousands. A refused write ends the bench.
      { of: /^replication pair, stream, thousand writes a second$/, to: "itself", atLeast: 99 },
      { of: /^replication pair, stream, longest lag, ms$/, to: "itself", atMost: 100 },
    ],
  },
  {
    name: "start to first PONG, compiled",
    target: "≤ 120 ms",
    by: "start --executable FILE",
    demands: [{
      of: /^start to first PONG$/,
      to: "itself",
      atMost: 120,
      server: "executable",
    }],
  },
  {
    name: "idle resident; idle CPU",
    target: "≤ 60 MB; ≤ 0.2 %",
    by: "start",
    demands: [
      { of: /^idle resident$/, to: "itself", atMost: 60 },
      { of: /^idle CPU$/, to: "itself", atMost: 0.2 },
    ],
  },
];

interface Finding {
  what: string;
  value: number;
  isMet: boolean;
  /** How far beyond its limit: more than 1 is too far. */
  excess: number;
  isRatio: boolean;
}

function findingsOf(demand: Demand, results: Results): Finding[] {
  const server = demand.server ?? OURS;
  return results.names().filter((name) => demand.of.test(name)).flatMap((what) => {
    const values = demand.to === "itself"
      ? results.values(what, server)
      : ratiosTo(results, what, demand.to, server);
    if (values.length === 0) return [];
    const isFloor = demand.atLeast !== undefined;
    const limit = demand.atLeast ?? demand.atMost!;
    const worst = isFloor ? Math.min(...values) : Math.max(...values);
    const value = demand.isOfEachRound === true ? worst : median(values);
    return [{
      what,
      value,
      isMet: isFloor ? value >= limit : value <= limit,
      excess: isFloor ? limit / value : value / limit,
      isRatio: demand.to !== "itself",
    }];
  });
}

/** Whether results meet a budget, and by how much at worst. */
export function judge(budget: Budget, results: Results): Judgement {
  const groups = budget.demands.map((demand) => findingsOf(demand, results));
  const findings = groups.flat();
  if (findings.length === 0) return { verdict: "not measured", measured: `– (${budget.by})` };
  const isComplete = groups.every((group) => group.length > 0);
  const met = findings.filter(({ isMet }) => isMet).length;
  const verdict = met < findings.length ? "not met" : isComplete ? "met" : "not measured";
  const worst = findings.reduce((one, other) => other.excess > one.excess ? other : one);
  const value = worst.isRatio ? `${worst.value.toFixed(2)} ×` : shownNumber(worst.value);
  const parts = [`${met} of ${findings.length}`, `at worst ${worst.what} ${value}`];
  if (!isComplete) parts.push("a part is not measured");
  return { verdict, measured: parts.join("; ") };
}

/** How many budgets are met: "3 met, 1 not met, 0 not measured". */
function shownVerdicts(
  results: Results,
  budgets: readonly Budget[] = BUDGETS,
): string {
  const verdicts = budgets.map((budget) => judge(budget, results).verdict);
  const words = ["met", "not met", "not measured"] as const;
  return words.map((word) => `${verdicts.filter((one) => one === word).length} ${word}`).join(", ");
}

/** The table of all budgets. */
export function budgetsTable(results: Results, budgets: readonly Budget[] = BUDGETS): string {
  const rows = budgets.map((budget) => {
    const { verdict, measured } = judge(budget, results);
    return [budget.name, budget.target, measured, verdict === "met" ? verdict : `**${verdict}**`];
  });
  const dates = results.all().map(({ measuredAt }) => measuredAt).toSorted();
  // In UTC.
  const shown = (date: string) => date.slice(0, 16).replace("T", " ");
  const when = dates.length === 0 ? "nothing" : `${shown(dates[0]!)} to ${shown(dates.at(-1)!)}`;
  return `${markdownTable(["budget", "target", "measured", ""], rows, 4)}\n\n` +
    `${shownVerdicts(results, budgets)}; measured from ${when}.`;
}
