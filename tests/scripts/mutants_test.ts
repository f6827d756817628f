/** Tests of scripts/mutants.ts: a fault that a test sees is killed, another survives. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type Mutant, MutantNursery, MUTANTS } from "../../scripts/mutants.ts";

const SUM: Mutant = {
  file: "sum.ts",
  oldText: "a + b",
  newText: "a - b",
  test: "sum_test.ts",
  fault: "sums are differences",
};

Deno.test("a mutant is killed by its test, survives it, or is in nobody's way", async () => {
  const root = await Deno.makeTempDir({ prefix: "redeno_test_" });
  try {
    for (const folder of ["src", "tests"]) {
      await Deno.mkdir(join(root, folder, "deep"), { recursive: true });
    }
    const write = (path: string, text: string) => Deno.writeTextFile(join(root, path), text);
    await write("src/deep/sum.ts", "export const sum = (a: number, b: number) => a + b;\n");
    const test = (name: string, check: string) =>
      write(
        `tests/deep/${name}`,
        'import { sum } from "../../src/deep/sum.ts";\n' +
          `Deno.test("t", () => { if (${check}) throw new Error(); });\n`,
      );
    await test("sum_test.ts", "sum(2, 3) !== 5");
    await test("blind_test.ts", "sum(2, 0) !== 2");
    await test("broken_test.ts", "sum(2, 3) !== 6");
    using nursery = new MutantNursery(root, ["src", "tests"]);
    const outcome = (changes: Partial<Mutant>) => nursery.outcome({ ...SUM, ...changes });
    assertEquals(await outcome({}), "killed");
    assertEquals(await outcome({ test: "blind_test.ts" }), "survived");
    // A test that fails anyway tells nothing, nor does a fault that is no program.
    assertEquals(await outcome({ test: "broken_test.ts" }), "not run");
    assertEquals(await outcome({ newText: "a +" }), "not run");
    assertEquals(await outcome({ oldText: "a * b" }), "not found");
    assertEquals(await outcome({ oldText: "a" }), "not found");
    assertEquals(await outcome({ test: "no_test.ts" }), "not found");
    assertEquals(await outcome({}), "killed");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("no entry changes nothing, or is there twice", () => {
  const keys = MUTANTS.map(({ file, oldText, newText }) => `${file} ${oldText} ${newText}`);
  assertEquals(new Set(keys).size, MUTANTS.length);
  for (const { oldText, newText, fault } of MUTANTS) {
    assertEquals(oldText === newText, false, fault);
  }
});
