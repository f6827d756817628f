/** Tests of scripts/run_tests.ts: it must count what `deno test` really prints. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { addTotals, formatTotals, parseSummary, runPaths } from "../../scripts/run_tests.ts";

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

Deno.test("totals are added and printed in the promised form", () => {
  const totals = addTotals({ passed: 1, failed: 2, skipped: 3 }, {
    passed: 10,
    failed: 20,
    skipped: 30,
  });
  assertEquals(formatTotals(totals), "11 passed, 22 failed, 33 skipped");
});

async function countsOf(text: string) {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "sample_test.ts");
    await Deno.writeTextFile(path, text);
    return await runPaths([path], ["--quiet", "--no-config"], false);
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
