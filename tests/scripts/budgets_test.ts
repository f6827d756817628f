/**
 * How budgets are judged: at their limits, over many measurements, with some missing.
 */
import { assertEquals, assertMatch } from "@std/assert";
import {
  type Budget,
  BUDGETS,
  budgetsTable,
  type Demand,
  judge,
} from "../../scripts/bench/budgets.ts";
import type { ContestantName } from "../../scripts/bench/contestants.ts";
import { Results, type Unit } from "../../scripts/bench/results.ts";

type Row = readonly [what: string, unit: Unit, values: Partial<Record<ContestantName, number[]>>];

function resultsOf(...rows: readonly Row[]): Results {
  const results = new Results();
  for (const [what, unit, servers] of rows) {
    for (const [server, values] of Object.entries(servers)) {
      for (const value of values) results.add(what, server as ContestantName, unit, value);
    }
  }
  return results;
}

function budgetOf(...demands: Demand[]): Budget {
  return { name: "a budget", target: "a target", by: "a bench", demands };
}

const RATE = budgetOf({ of: /^SET: rate$/, to: "original", atLeast: 1.2 });
const CPU = budgetOf({ of: /^SET: CPU$/, to: "original", atMost: 0.75 });

Deno.test("a floor is met at its limit and not below it", () => {
  const at = (ours: number) => resultsOf(["SET: rate", "/s", { redis: [100], redeno: [ours] }]);
  assertEquals(judge(RATE, at(120)).verdict, "met");
  assertEquals(judge(RATE, at(119)).verdict, "not met");
});

Deno.test("a ceiling is met at its limit and not above it", () => {
  const at = (ours: number) => resultsOf(["SET: CPU", "µs", { redis: [4], redeno: [ours] }]);
  assertEquals(judge(CPU, at(3)).verdict, "met");
  assertEquals(judge(CPU, at(3.01)).verdict, "not met");
});

Deno.test("the median of the ratios of all rounds counts, each to the round beside it", () => {
  // The machine was half as quick in the last round, for both.
  const values = { redis: [100, 100, 50], redeno: [130, 110, 65] };
  const judgement = judge(RATE, resultsOf(["SET: rate", "/s", values]));
  assertEquals(judgement, { verdict: "met", measured: "1 of 1; at worst SET: rate 1.30 ×" });
});

Deno.test("the best rival is the one with the most of a rate and the least of the others", () => {
  const toBest = (of: RegExp): Budget => budgetOf({ of, to: "best", atLeast: 1 });
  const rates = { redis: [100], redis8: [150], valkey9: [120], redeno: [140] };
  assertEquals(judge(toBest(/./), resultsOf(["SET: rate", "/s", rates])).verdict, "not met");
  const bytes = { redis: [100], redis8: [80], valkey9: [60], redeno: [70] };
  const memory = budgetOf({ of: /./, to: "best", atMost: 1 });
  assertEquals(judge(memory, resultsOf(["bytes", "bytes", bytes])).verdict, "not met");
});

Deno.test("one measurement of many that misses makes a budget missed, and is named", () => {
  const budget = budgetOf({ of: /: rate$/, to: "original", atLeast: 1 });
  const results = resultsOf(
    ["GET: rate", "/s", { redis: [100], redeno: [110] }],
    ["LPUSH: rate", "/s", { redis: [100], redeno: [70] }],
    ["SET: rate", "/s", { redis: [100], redeno: [90] }],
  );
  assertEquals(judge(budget, results), {
    verdict: "not met",
    measured: "1 of 3; at worst LPUSH: rate 0.70 ×",
  });
});

Deno.test("nothing measured, or nothing beside it, is not measured", () => {
  const by = { verdict: "not measured", measured: "– (a bench)" } as const;
  assertEquals(judge(RATE, new Results()), by);
  assertEquals(judge(RATE, resultsOf(["SET: rate", "/s", { redeno: [100] }])), by);
  assertEquals(judge(RATE, resultsOf(["SET: rate", "/s", { redis: [100] }])), by);
});

Deno.test("a budget of which a part is missing is not met by the rest, but may be missed by it", () => {
  const budget = budgetOf(RATE.demands[0]!, CPU.demands[0]!);
  const at = (ours: number) => resultsOf(["SET: rate", "/s", { redis: [100], redeno: [ours] }]);
  assertEquals(judge(budget, at(150)).verdict, "not measured");
  assertEquals(judge(budget, at(100)).verdict, "not met");
});

Deno.test("a number itself is judged without a rival, and of each round if that is asked for", () => {
  const pause = { of: /^pause$/, to: "itself", atMost: 5 } as const;
  const results = resultsOf(["pause", "ms", { redeno: [1, 2, 9] }]);
  assertEquals(judge(budgetOf(pause), results).verdict, "met");
  assertEquals(judge(budgetOf({ ...pause, isOfEachRound: true }), results).verdict, "not met");
});

Deno.test("a demand of the executable is not met by the source", () => {
  const start: Demand = { of: /^start$/, to: "itself", atMost: 120, server: "executable" };
  const results = resultsOf(["start", "ms", { redeno: [1] }]);
  assertEquals(judge(budgetOf(start), results).verdict, "not measured");
  results.add("start", "executable", "ms", 100);
  assertEquals(judge(budgetOf(start), results).verdict, "met");
});

Deno.test("the table has a row for each budget and counts the verdicts", () => {
  const results = resultsOf(["SET: rate", "/s", { redis: [100], redeno: [150] }]);
  const table = budgetsTable(results, [RATE, CPU]);
  assertMatch(table, /^\| a budget \| a target \| 1 of 1; at worst SET: rate 1.50 × \| met \|$/m);
  assertMatch(table, /^\| a budget \| a target \| – \(a bench\) \| \*\*not measured\*\* \|$/m);
  assertMatch(table, /^1 met, 0 not met, 1 not measured;/m);
});

Deno.test("each demand of each budget has one limit", () => {
  for (const { name, demands } of BUDGETS) {
    for (const { atLeast, atMost } of demands) {
      assertEquals((atLeast === undefined) !== (atMost === undefined), true, name);
    }
  }
});
