/** Tests of scripts/run_tests.ts: it must count what `deno test` really prints. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  addTotals,
  CARRIER_FREE,
  FailureReport,
  formatTotals,
  groupsOf,
  jobsOf,
  parseSummary,
  Progress,
  runPaths,
  splitGroup,
} from "../../scripts/run_tests.ts";

Deno.test("the summary is read in all its forms", () => {
  const cases: [string, number, number, number][] = [
    ["ok | 12 passed | 0 failed (1s)", 12, 0, 0],
    ["ok | 3 passed (9 steps) | 0 failed | 2 ignored (31ms)", 3, 0, 2],
    [
      "FAILED | 3 passed | 1 failed (2 steps) | 4 ignored (1 step) | 5 filtered out (1m2s)",
      3,
      1,
      4,
    ],
    ["\x1b[0m\x1b[32mok\x1b[0m | 1 passed | 0 failed \x1b[0m\x1b[38;5;245m(5ms)\x1b[0m", 1, 0, 0],
  ];
  for (const [line, passed, failed, skipped] of cases) {
    assertEquals(parseSummary(line), { passed, failed, skipped }, line);
  }
  assertEquals(parseSummary("a test named ok | 1 passed | 0 failed"), null);
  assertEquals(parseSummary("x ... ok (2ms)"), null);
});

Deno.test("of the output only what is said of failed tests is kept, without colours", () => {
  const report = new FailureReport();
  const output = [
    "a test ... FAILED (2ms)",
    "\x1b[0m\x1b[1m\x1b[37m\x1b[41m ERRORS \x1b[0m",
    "a test => ./tests/a_test.ts:3:6",
    "\x1b[31merror\x1b[0m: AssertionError",
    "FAILED | 3 passed | 1 failed (2s)",
    "error: Test failed",
  ];
  for (const line of output) report.add(line);
  assertEquals(report.lines, ["a test => ./tests/a_test.ts:3:6", "error: AssertionError"]);
});

Deno.test("totals are added and printed in the promised form", () => {
  const totals = addTotals({ passed: 1, failed: 2, skipped: 3 }, {
    passed: 10,
    failed: 20,
    skipped: 30,
  });
  assertEquals(formatTotals(totals), "11 passed, 22 failed, 33 skipped");
});

Deno.test("words mean groups: quick is the default, full has all, none is run twice", () => {
  assertEquals(groupsOf([]), groupsOf(["quick"]));
  assertEquals(groupsOf(["full"]).slice(0, 5), groupsOf([]));
  assertEquals(groupsOf(["full"]).slice(5), ["stress", "mutants"]);
  assertEquals(groupsOf(["crash", "quick", "crash"])[0], "crash");
  assertEquals(groupsOf(["crash", "quick", "crash"]).length, 5);
});

Deno.test("a group may be run over the runtime's sockets", () => {
  assertEquals(splitGroup("crash"), { group: "crash", env: {} });
  const env = { REDENO_TEST_TRANSPORT: "runtime" };
  assertEquals(splitGroup("interop:runtime"), { group: "interop", env });
  assertEquals(groupsOf(["runtime"]).map((name) => splitGroup(name).group), [
    "differential",
    "interop",
  ]);
});

Deno.test("a group is run file by file, the unit tests room by room", () => {
  const differential = jobsOf("differential").map(({ paths }) => paths);
  assert(differential.length > 10);
  assert(differential.every(([path, ...others]) => {
    return /^tests\/differential\/\w+_test\.ts$/.test(path!) && others.length === 0;
  }));
  assertEquals(new Set(differential.flat()).size, differential.length);
  const rooms = jobsOf("unit").flatMap(({ paths }) => paths);
  assert(rooms.includes("tests/scripts") && rooms.includes("tests/net"));
  assert(!rooms.includes("tests/support") && !rooms.includes("tests/interop"));
  assertEquals(jobsOf("nosuch"), []);
});

Deno.test("what does not depend on the carrier is not repeated over the runtime's sockets", () => {
  const left = groupsOf(["runtime"]).flatMap((runtime) => {
    const { group } = splitGroup(runtime);
    const repeated = jobsOf(runtime);
    assert(repeated.length > 0 && repeated.every((job) => job.group === runtime));
    const again = new Set(repeated.flatMap(({ paths }) => paths));
    return jobsOf(group).flatMap(({ paths }) => paths).filter((path) => !again.has(path));
  });
  // Also: each of these files is there.
  assertEquals(left.toSorted(), CARRIER_FREE.map((file) => `tests/${file}`).toSorted());
});

Deno.test("progress tells the group, how many there are, and how long the rest takes", () => {
  const seconds = { types: 20, unit: 100 };
  const progress = new Progress(["types", "unit", "other"], seconds);
  assertEquals(
    progress.next(0),
    "== group 1 of 3: types (about 3 min to go on two idle cores) ==",
  );
  // Ten times as long as thought: so will be the rest.
  assertEquals(progress.next(200), "== group 2 of 3: unit (about 27 min to go) ==");
  assertEquals(progress.next(320), "== group 3 of 3: other (about 3 min to go) ==");
});

Deno.test("what is not written to a terminal has no colours", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "sample_test.ts");
    await Deno.writeTextFile(path, 'Deno.test("a", () => {});');
    const script = new URL("../../scripts/run_tests.ts", import.meta.url).href;
    const code = `import { runPaths } from ${JSON.stringify(script)};
      await runPaths([${JSON.stringify(path)}], {
        options: ["--no-config", "--no-check"],
        show: (chunk) => Deno.stdout.writeSync(chunk),
      });`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", code],
      env: { NO_COLOR: "" },
    }).output();
    const shown = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(parseSummary(shown.trim().split("\n").at(-1)!)?.passed, 1, shown);
    assertEquals(shown.includes("\x1b"), false, shown);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

async function countsOf(text: string) {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "sample_test.ts");
    await Deno.writeTextFile(path, text);
    return await runPaths([path], { options: ["--quiet", "--no-config", "--no-check"] });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a real run is counted: passed, failed, ignored, and no steps", async () => {
  const totals = await countsOf(`
    Deno.test("a", async (t) => { await t.step("s", () => {}); });
    Deno.test("b", () => { throw new Error("meant to fail"); });
    Deno.test({ name: "c", ignore: true, fn() {} });
  `);
  assertEquals(totals, { passed: 1, failed: 1, skipped: 1 });
});

Deno.test("a file that does not compile counts as one failure", async () => {
  assertEquals(await countsOf("const a: number = 'x"), { passed: 0, failed: 1, skipped: 0 });
});
