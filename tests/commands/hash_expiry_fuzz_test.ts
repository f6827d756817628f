/**
 * Random commands on hashes whose fields expire, against a model, with a clock that is moved by
 * hand. REDENO_FIELD_FUZZ is the number of commands, REDENO_FUZZ_SEED where to begin.
 */
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FieldExpiryFuzz } from "./field_expiry_model.ts";

const COMMANDS = Number(Deno.env.get("REDENO_FIELD_FUZZ") ?? 3000);
const ROUND = 3000;

function fuzz(isRecorded: boolean): void {
  let seed = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? testSeed());
  for (let done = 0; done < COMMANDS; done += ROUND, seed++) {
    const requests = Math.min(ROUND, COMMANDS - done);
    try {
      new FieldExpiryFuzz(new SeededRandom(seed), isRecorded).run(requests);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}

Deno.test("hashes whose fields expire are what a model says, and so is what is recorded", () => {
  fuzz(true);
});

Deno.test("they are so where nothing is recorded", () => {
  fuzz(false);
});
