/**
 * Results of benches: kept from run to run, replaced when measured again, compared with earlier
 * ones; and what is said of the numbers of several rounds.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { alternate, type ContestantName } from "../../scripts/bench/contestants.ts";
import { comparison, Results, shownOccasion, type Unit } from "../../scripts/bench/results.ts";
import {
  median,
  percentile,
  ratios,
  shownNumber,
  shownSpread,
} from "../../scripts/bench/spread.ts";
import { standingsTable } from "../../scripts/bench/standings.ts";
import { TemporaryDirectory } from "../support/server_process.ts";

function resultsOf(what: string, unit: Unit, values: readonly number[]): Results {
  const results = new Results();
  for (const value of values) results.add(what, "redeno", unit, value);
  return results;
}

Deno.test("results: what is measured again replaces what the file had, all else stays", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = join(directory.path, "below", "results.json");
  const first = await Results.read(path);
  first.add("GET", "redeno", "/s", 1);
  first.add("GET", "redeno", "/s", 2);
  first.add("SET", "redeno", "/s", 3);
  await first.save();
  const second = await Results.read(path);
  assertEquals(second.values("GET", "redeno"), [1, 2]);
  second.add("GET", "redeno", "/s", 4);
  assertEquals(second.fresh().map(({ what }) => what), ["GET"]);
  await second.save();
  const third = await Results.read(path);
  assertEquals(third.values("GET", "redeno"), [4]);
  assertEquals(third.values("SET", "redeno"), [3]);
  assertEquals(third.names().toSorted(), ["GET", "SET"]);
});

Deno.test("results: slower is what lies beyond all rounds of both and a tenth", () => {
  const cases: readonly (readonly [Unit, number[], number[], RegExp])[] = [
    // Rounds overlap.
    ["/s", [100, 110, 120], [80, 90, 101], /^1 compared, 0 slower, 0 faster/],
    ["/s", [100, 110, 120], [80, 90, 99], /^1 compared, 1 slower, 0 faster/],
    // Less than a tenth.
    ["/s", [100, 100, 100], [95, 95, 95], /^1 compared, 0 slower, 0 faster/],
    ["/s", [100, 100, 100], [120, 120, 120], /^1 compared, 0 slower, 1 faster/],
    // Of times less is better.
    ["µs", [100, 100, 100], [120, 120, 120], /^1 compared, 1 slower, 0 faster/],
    ["bytes", [100], [50], /^1 compared, 0 slower, 1 faster/],
  ];
  for (const [unit, before, now, expected] of cases) {
    const fresh = resultsOf("GET", unit, now).fresh();
    assertMatch(comparison(fresh, resultsOf("GET", unit, before)), expected);
  }
});

Deno.test("results: a comparison tells by how much, and that the load was another one", () => {
  const now = new Results();
  now.add("GET", "redeno", "/s", 50, "-n 10");
  const earlier = new Results();
  earlier.add("GET", "redeno", "/s", 100, "-n 20");
  assertMatch(
    comparison(now.fresh(), earlier),
    /^\| GET \| redeno \| 100 \/s \| 50.0 \/s \| slower, 2.00 × \| another load: -n 20 \|$/m,
  );
});

Deno.test("results: what was measured only once is not compared", () => {
  const now = resultsOf("GET", "/s", [1]).fresh();
  assertMatch(comparison(now, resultsOf("SET", "/s", [9])), /^0 compared/);
});

Deno.test("standings: the original and the best stand beside ours, round by round", () => {
  const results = new Results();
  const rates = { redis: [100, 200], redis8: [110, 240], redeno: [120, 240] };
  for (const [server, values] of Object.entries(rates)) {
    for (const value of values) results.add("GET", server as ContestantName, "/s", value);
  }
  const contestants = Object.keys(rates).map((name) => ({
    name: name as ContestantName,
    title: name,
    target: "redis" as const,
  }));
  assertMatch(
    standingsTable(results, contestants, "rate", [{ label: "GET", what: "GET" }]),
    /\| GET \| 150 .* \| 180 \(120–240\) \| 1.20 \(1.20–1.20\) \| 1.05 \(1.00–1.09\) \|$/m,
  );
});

Deno.test("spread: medians, percentiles, ratios and how they are shown", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assertEquals([50, 99, 100].map((percent) => percentile(hundred, percent)), [50, 99, 100]);
  assertEquals(ratios([2, 9], [1, 3]), [2, 3]);
  // Rounds that do not match: the medians.
  assertEquals(ratios([2, 4, 6], [2]), [2]);
  assertEquals(ratios([1], [0]), []);
  assertEquals([1234567, 87.25, 0.5].map(shownNumber), ["1,234,567", "87.3", "0.50"]);
  assertEquals(shownSpread([]), "–");
  assertEquals(shownSpread([3]), "3.00");
  assertEquals(shownSpread([3, 1, 2]), "2.00 (1.00–3.00)");
});

Deno.test("alternate: another one goes first in each round", async () => {
  const order: string[] = [];
  await alternate(["a", "b", "c"], 2, (one, round) => {
    order.push(`${one}${round}`);
    return Promise.resolve();
  });
  assertEquals(order, ["a0", "b0", "c0", "b1", "c1", "a1"]);
});

Deno.test("results: measurements of older files are of the machine that the file names", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = join(directory.path, "results.json");
  const measuredAt = "2026-11-28T16:48:19.631Z";
  const former = {
    what: "GET",
    server: "redis",
    unit: "/s",
    values: [1],
    load: "",
    loadAverage: 1,
  };
  const measurements = [{ ...former, measuredAt }];
  const machine = "2 × a processor, linux, Deno 2.9.6, load average 1.0, 1.0, 1.0";
  await Deno.writeTextFile(path, JSON.stringify({ machine, measurements }));
  const results = await Results.read(path);
  results.add("SET", "redis", "/s", 2);
  await results.save();
  const [get, set] = (await Results.read(path)).all();
  assertEquals(get!.machine, "2 × a processor");
  assertMatch(set!.machine, /^\d+ × ./);
  assertEquals(
    shownOccasion([get!]),
    "2026-11-28 on 2 × a processor, load average 1.00",
  );
});
