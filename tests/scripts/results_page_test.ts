/**
 * The page of results and the part of README.md: every measurement has its place, rows are in an
 * order that a reader expects, and what was not measured is named.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { BUDGETS } from "../../scripts/bench/budgets.ts";
import type { ContestantName } from "../../scripts/bench/contestants.ts";
import { readmePart, withPart } from "../../scripts/bench/readme_part.ts";
import { Results, type Unit } from "../../scripts/bench/results.ts";
import { resultsPage } from "../../scripts/bench/results_page.ts";

type Values = Partial<Record<ContestantName, number[]>>;

function resultsOf(...rows: readonly (readonly [string, Unit, Values, string?])[]): Results {
  const results = new Results([], null, "2 × a processor");
  for (const [what, unit, servers, load] of rows) {
    for (const [server, values] of Object.entries(servers)) {
      for (const value of values) results.add(what, server as ContestantName, unit, value, load);
    }
  }
  return results;
}

/** Where texts begin in a page; all must be there, in this order. */
function assertInOrder(page: string, texts: readonly string[]): void {
  const places = texts.map((text) => page.indexOf(text));
  assert(places.every((place) => place >= 0), `${texts} at ${places} in\n${page}`);
  assertEquals(places, places.toSorted((left, right) => left - right), page);
}

Deno.test("results page: a part has a table with all servers, and how to repeat it", () => {
  const values = { redis: [100, 200], valkey9: [110, 230], redeno: [120, 240] };
  const page = resultsPage(resultsOf(["plain SET: rate", "/s", values, "-c 50 -n 7"]));
  assertMatch(page, /^## plain: `redis-benchmark -c 50 -P 1`$/m);
  const servers = "redis 7.0.15 | valkey 9.1.2 | Redeno";
  assert(page.includes(`\n| requests per second | ${servers} | × original | × best |\n`), page);
  assertMatch(
    page,
    /^\| SET \| 150 \(100–200\) \| 170 \(110–230\) \| 180 \(120–240\) \| 1\.20 .* \| 1\.07 .* \|$/m,
  );
  const date = new Date().toISOString().slice(0, 10);
  assert(page.includes(`2 rounds; load: -c 50 -n 7; measured ${date} on `), page);
  assert(page.includes("`deno run -A scripts/bench/compare.ts --only plain`"), page);
});

Deno.test("results page: tests stand in their order, other rows by the size of numbers", () => {
  const one = { redis: [1], redeno: [1] };
  const page = resultsPage(resultsOf(
    ["plain GET: CPU", "µs", one],
    ["plain PING_INLINE: CPU", "µs", one],
    ["plain SET: CPU", "µs", one],
    ["stream XADD, -P 16: rate", "/s", one],
    ["stream XADD, -P 1: rate", "/s", one],
    ["inserting into a set of 10,000: longest", "ms", one],
    ["inserting into a set of 1,000: longest", "ms", one],
    ["latency GET: longest", "ms", one],
    ["latency GET: p99", "ms", one],
  ));
  assertInOrder(page, ["| PING_INLINE |", "| SET |", "| GET |"]);
  assertInOrder(page, ["| XADD, -P 1 |", "| XADD, -P 16 |"]);
  assertInOrder(page, ["| a set of 1,000 |", "| a set of 10,000 |"]);
  assertInOrder(page, ["| p99 |", "| longest |"]);
});

Deno.test("results page: rows of different units name them", () => {
  const page = resultsPage(resultsOf(
    ["idle CPU", "%", { redeno: [0.2] }],
    ["idle resident", "MiB", { redeno: [50] }],
    ["start to first PONG", "ms", { redeno: [9] }],
  ));
  assertInOrder(page, ["| start to first PONG, ms |", "| idle CPU, % |"]);
  assertMatch(page, /^\| idle CPU, % \| 0\.20 \|/m);
  assertMatch(page, /^\| idle resident, MiB \| 50\.0 \|/m);
});

Deno.test("results page: what no bench of the suite knows stands at the end", () => {
  const page = resultsPage(resultsOf(["something else", "s", { redeno: [1, 2] }, "-n 3"]));
  assertMatch(page, /^\| something else \| Redeno \| 1\.50 \(1\.00–2\.00\) s \| -n 3 \|$/m);
  const known = resultsPage(resultsOf(["cold SET: rate", "/s", { redeno: [1] }]));
  assertEquals(known.includes("## Others"), false);
});

Deno.test("results page: it begins with the budgets and names what was not measured", () => {
  const page = resultsPage(resultsOf(["cold SET: rate", "/s", { redis: [1], redeno: [1] }]));
  assertInOrder(page, ["Machine of the last run: 2 × a processor.", "## Budgets", "## cold:"]);
  assertMatch(page, /^Not measured: plain, pipelined, clients, .*streams, .*\.$/m);
  assertEquals(page.match(/^\|.*\*\*not measured\*\* \|$/gm)?.length, BUDGETS.length - 1);
});

Deno.test("README's part: medians, ratios to the original and to the best, CPU", () => {
  const part = readmePart(resultsOf(
    ["pipelined SET: rate", "/s", { redis: [10, 20], redis8: [30, 30], redeno: [20, 40] }],
    ["pipelined SET: CPU", "µs", { redis: [2, 2], redeno: [1, 1] }],
    ["idle CPU", "%", { redis: [0.1], redeno: [0.2] }],
  ));
  assertMatch(
    part,
    /^\| SET \| 15\.0 \| 30\.0 \| – \| 30\.0 \| 2\.00 \(2\.00–2\.00\) \| 1\.00 .* \| 0\.50 .* \|$/m,
  );
  assertMatch(part, /^\| idle, CPU % \| 0\.10 \| – \| – \| 0\.20 \| 2\.00 \| – \|$/m);
  for (const { target } of BUDGETS) assertStringIncludes(part, target);
});

Deno.test("README's part: a row of several tests tells the median and extremes of their ratios", () => {
  const part = readmePart(resultsOf(
    ["plain SET: rate", "/s", { redis: [10], redeno: [9] }],
    ["plain GET: rate", "/s", { redis: [10], redeno: [11] }],
    ["plain INCR: rate", "/s", { redis: [10], redeno: [15] }],
  ));
  assertMatch(part, /: rate \| – \| – \| – \| – \| 1\.10 \(0\.90–1\.50\) \| – \|$/m);
});

Deno.test("README's part: what is behind is named, worst first, of rates and of times", () => {
  const part = readmePart(resultsOf(
    ["pipelined SET: rate", "/s", { redis: [10], redeno: [9] }],
    ["pipelined GET: rate", "/s", { redis: [10], redis8: [20], redeno: [12] }],
    ["pipelined INCR: rate", "/s", { redis: [100], redeno: [97] }],
    ["idle CPU", "%", { redis: [0.1], redeno: [0.2] }],
  ));
  assertMatch(
    part,
    /^\*\*Behind redis-server 7\.0\.15\*\* .*: idle, CPU % \(2\.00 ×\); SET \(0\.90 ×\)\.$/m,
  );
  assertMatch(part, /^\*\*Behind the best of the three\*\*, .*: GET \(0\.60 ×\)\.$/m);
});

Deno.test("README's part stands where the one before stood, again and again", () => {
  const results = resultsOf(["idle CPU", "%", { redeno: [0.2] }]);
  const part = readmePart(results);
  const [begin] = part.split("\n");
  const text = `before\n\n${part}\n\nbehind\n`;
  assertEquals(withPart(text, part), text);
  const other = readmePart(resultsOf(["idle CPU", "%", { redeno: [7] }]));
  assertEquals(withPart(withPart(text, other), part), text);
  assertThrows(() => withPart("no place", part), Error, begin!);
});
