/** Lanes: jobs side by side, each once, with ports of their own; and how long files take. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FileTimes, type Job, runInLanes } from "../../scripts/test_lanes.ts";
import { shareOfPorts, testPorts } from "../support/test_ports.ts";

function jobsNamed(...names: string[]): Job[] {
  return names.map((name) => ({ group: "g", paths: [name] }));
}

Deno.test("each job is run once, in order, as many at a time as there are lanes", async () => {
  const begun: string[] = [];
  const running = new Map<string, () => void>();
  const over = runInLanes(jobsNamed("a", "b", "c", "d"), 2, ({ paths: [name] }) => {
    begun.push(name!);
    return new Promise((resolve) => running.set(name!, resolve));
  });
  const end = async (name: string) => {
    running.get(name)!();
    running.delete(name);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  assertEquals(begun, ["a", "b"]);
  await end("b");
  assertEquals([begun.join(""), [...running.keys()]], ["abc", ["a", "c"]]);
  await end("c");
  assertEquals([begun.join(""), [...running.keys()]], ["abcd", ["a", "d"]]);
  await end("a");
  await end("d");
  await over;
  assertEquals(begun.length, 4);
});

Deno.test("what a job throws ends all of it", async () => {
  const begun: string[] = [];
  await assertRejects(
    () =>
      runInLanes(jobsNamed("a", "b", "c"), 1, ({ paths: [name] }) => {
        begun.push(name!);
        return name === "b" ? Promise.reject(new Error("no deno")) : Promise.resolve();
      }),
    Error,
    "no deno",
  );
  assertEquals(begun, ["a", "b"]);
});

Deno.test("lanes have ports of their own; one lane has all of them", async () => {
  const environments: Record<string, string>[] = [];
  const run = (_: Job, env: Record<string, string>) => {
    environments.push(env);
    return new Promise<void>((resolve) => setTimeout(resolve));
  };
  await runInLanes(jobsNamed("a", "b", "c"), 3, run);
  const ranges = environments.map((env) => testPorts(env.REDENO_TEST_PORTS));
  const all = testPorts();
  assertEquals(ranges[0]!.first, all.first);
  for (const index of [1, 2]) assertEquals(ranges[index]!.first, ranges[index - 1]!.last + 1);
  assertEquals(all.last - ranges[2]!.last < 3, true);
  environments.length = 0;
  await runInLanes(jobsNamed("a"), 1, run);
  assertEquals(environments, [{}]);
});

Deno.test("ports are read from the environment, and what is no range is refused", () => {
  assertEquals(testPorts("2000-2999"), { first: 2000, last: 2999 });
  assertEquals(shareOfPorts(1, 2, { first: 2000, last: 2999 }), {
    REDENO_TEST_PORTS: "2500-2999",
  });
  for (const text of ["", "2000", "2999-2000", "0-10", "1-70000", "a-b"]) {
    assertThrows(() => testPorts(text), TypeError, "REDENO_TEST_PORTS");
  }
});

Deno.test("a file takes from its headline to the next one, or to the end", () => {
  const times = new FileTimes();
  const one = times.reader("");
  const other = times.reader(" (again)");
  one("running 2 tests from ./tests/a_test.ts", 0);
  other("running 1 test from ./tests/a_test.ts", 1000);
  one("a test ... ok (2ms)", 1000);
  one("running 7 tests from ./tests/b_test.ts", 2000);
  other(null, 31_500);
  one(null, 12_000);
  assertEquals(times.slowest(2), [
    "  30.5 s  tests/a_test.ts (again)",
    "  10.0 s  tests/b_test.ts",
  ]);
  assertEquals(times.slowest(9).length, 3);
});
