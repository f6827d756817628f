/**
 * Random commands on hashes whose fields expire, against a model, with a clock that is moved by
 * hand. REDENO_FIELD_FUZZ is the number of commands, REDENO_FUZZ_SEED where to begin.
 */
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FieldExpiryFuzz } from "./field_expiry_model.ts";

const COMMANDS = Number(Deno.env.get("REDENO_FIELD_FUZZ") ?? 3000);
const ROUND = 3000;

Deno.test("hashes whose fields expire are what a model says, and so is what is recorded", () => {
  let seed = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? testSeed());
  for (let done = 0; done < COMMANDS; done += ROUND, seed++) {
    try {
      new FieldExpiryFuzz(new SeededRandom(seed)).run(Math.min(ROUND, COMMANDS - done));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
