/**
 * The soak campaign as a test: all phases once, with little data.
 *
 *   REDENO_SOAK_SEED=n      with this seed; several are done one after the other: 5,6,7
 *   REDENO_SOAK_PHASES=n    n phases; two decks of them if REDENO_STRESS=full
 *   REDENO_SOAK_MB=n        phases write up to n MiB
 */
import { testSeed } from "../support/seeded_random.ts";
import { printLine } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { SoakCampaign } from "./soak_campaign.ts";
import { IS_FULL, MEGABYTE } from "./stress_support.ts";

const seeds = (Deno.env.get("REDENO_SOAK_SEED") ?? String(testSeed())).split(",").map(Number);
const phases = Number(Deno.env.get("REDENO_SOAK_PHASES") ?? (IS_FULL ? 200 : 22));
const megabytes = Number(Deno.env.get("REDENO_SOAK_MB") ?? (IS_FULL ? 16 : 0.5));
const isLong = phases > 22;

for (const seed of seeds) {
  testWith(
    ["redis-server"],
    `${phases} phases of soak leave the data of redis-server`,
    async () => {
      printLine(`soak: REDENO_SOAK_SEED=${seed} REDENO_SOAK_PHASES=${phases}`);
      const outcome = await SoakCampaign.run({
        seed,
        phases,
        fillBytes: megabytes * MEGABYTE,
        ...(isLong ? { report: printLine } : {}),
      });
      printLine(`soak: ${JSON.stringify(outcome)}`);
    },
  );
}
