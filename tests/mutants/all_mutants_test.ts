/** Every mutant of scripts/mutants.ts is killed by the test that its entry names. */
import { assertEquals } from "@std/assert";
import { MutantNursery, MUTANTS } from "../../scripts/mutants.ts";

const nursery = new MutantNursery();
globalThis.addEventListener("unload", () => nursery[Symbol.dispose]());

for (const mutant of MUTANTS) {
  Deno.test(`${mutant.file}: noticed is: ${mutant.fault}`, async () => {
    const { oldText, newText, test } = mutant;
    assertEquals(await nursery.outcome(mutant), "killed", `${oldText} -> ${newText} (${test})`);
  });
}
