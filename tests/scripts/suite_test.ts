/**
 * The suite of benches: it has everything that the budgets and README.md ask for, and hands its
 * options on.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BUDGETS } from "../../scripts/bench/budgets.ts";
import { argumentsOf, chosenBenches, runSuite } from "../../scripts/bench/everything.ts";
import { commandOf, SUITE, type SuiteBench } from "../../scripts/bench/suite.ts";

const benchOf = (name: string) => SUITE.find((bench) => bench.name === name)!;

Deno.test("suite: who measures a budget is in it", () => {
  for (const { name, by } of BUDGETS) {
    const [word] = by.split(" ");
    const found = SUITE.some((bench) => bench.name === word || bench.command[0] === word);
    assert(found, `${name}: ${by}`);
  }
});

Deno.test("suite: every script is there, and names are unique", async () => {
  assertEquals(new Set(SUITE.map(({ name }) => name)).size, SUITE.length);
  for (const { command: [script] } of SUITE) {
    await Deno.stat(new URL(`../../scripts/bench/${script}`, import.meta.url));
  }
});

Deno.test("suite: tables of a request part tell its rate, its CPU and its 99th of 100", () => {
  const labels = ["rate", "CPU", "p99"].map((metric) =>
    benchOf("cold").tables.map(({ of }) => of.exec(`cold SET: ${metric}`)?.[1])
  );
  assertEquals(labels, [
    ["SET", undefined, undefined],
    [undefined, "SET", undefined],
    [undefined, undefined, "SET"],
  ]);
});

Deno.test("everything: --only chooses, in the order of the suite, and names what there is", () => {
  const names = chosenBenches(["streams", "plain"]).map(({ name }) => name);
  assertEquals(names, ["plain", "streams"]);
  assertEquals(chosenBenches(undefined), SUITE);
  assertThrows(() => chosenBenches(["nothing"]), RangeError, 'the bench "nothing": expected');
});

Deno.test("everything: a bench is given the options that it takes, and its smoke numbers last", () => {
  const given = { rounds: "3", executable: "program" };
  const options = { given, results: "file", isSmoke: true };
  const tail = (name: string) => argumentsOf(benchOf(name), options).slice(3);
  assertEquals(tail("start"), [
    ...["--only", "start", "--results", "file", "--unjudged"],
    ...["--rounds", "3", "--executable", "program", "--smoke"],
  ]);
  assertEquals(tail("fsync_policies"), [
    ...["--results", "file", "--rounds", "3", "--rounds", "1", "--requests", "50"],
  ]);
  const plain = argumentsOf(benchOf("plain"), { ...options, isSmoke: false });
  assertEquals(plain.slice(-2), ["--rounds", "3"]);
});

Deno.test("everything: a bench that fails is told of, and those behind it are run", async () => {
  const broken: SuiteBench = {
    ...benchOf("streams"),
    name: "broken",
    command: ["no_such_bench.ts"],
  };
  const options = { given: {}, results: "unused", isSmoke: true };
  const failures = await runSuite([broken, { ...broken, name: "another" }], options);
  assertEquals(failures, ["broken: exit code 1", "another: exit code 1"]);
});

Deno.test("suite: the command that repeats a bench is that of a shell", () => {
  assertEquals(commandOf(benchOf("start")), "deno run -A scripts/bench/compare.ts --only start");
  assertEquals(commandOf(benchOf("streams")), "deno run -A scripts/bench/wire/streams.ts");
});
