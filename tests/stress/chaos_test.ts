/**
 * The chaos run as a test: 20 seconds with a new seed, which is printed.
 *
 *   REDENO_STRESS=full         ten minutes
 *   REDENO_CHAOS_SECONDS=n     n seconds
 *   REDENO_CHAOS_SEED=n        with this seed
 *   REDENO_CHAOS_ANSWER_MS=n   the prober must be answered within n ms of the server's CPU time;
 *                              30,000 if not said
 */
import { testSeed } from "../support/seeded_random.ts";
import { printLine } from "../support/text.ts";
import { chaosRun } from "./chaos_run.ts";
import { IS_FULL } from "./stress_support.ts";

const seconds = Number(Deno.env.get("REDENO_CHAOS_SECONDS") ?? (IS_FULL ? 600 : 20));
const seed = Number(Deno.env.get("REDENO_CHAOS_SEED") ?? testSeed());
const answerMsMax = Number(Deno.env.get("REDENO_CHAOS_ANSWER_MS") ?? 30_000);

Deno.test(`${seconds} seconds of chaos leave a server that answers, ends, and loads`, async () => {
  printLine(`chaos: REDENO_CHAOS_SEED=${seed} REDENO_CHAOS_SECONDS=${seconds}`);
  const outcome = await chaosRun({ seed, seconds, answerMsMax });
  printLine(`chaos: ${JSON.stringify(outcome)}`);
});
