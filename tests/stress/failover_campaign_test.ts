/**
 * The failover campaign as a test: two failovers with a new seed, which is printed.
 *
 *   REDENO_FAILOVERS=n          n failovers of each mix of servers
 *   REDENO_FAILOVER_SEED=n      with this seed
 *   REDENO_FAILOVER_MIXES=all   of all mixes, not only of the first one
 *   REDENO_DOWN_AFTER_MS=n      Sentinel takes a server for dead after so long
 */
import type { PeerKind } from "../support/replication_pair.ts";
import { testSeed } from "../support/seeded_random.ts";
import { printLine } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { FailoverCampaign } from "./failover_campaign.ts";

const MIXES: readonly (readonly PeerKind[])[] = [
  ["redeno", "redeno", "redeno"],
  ["redeno", "redeno"],
  ["redeno", "redis 7.0", "redeno"],
];
const isAll = Deno.env.get("REDENO_FAILOVER_MIXES") === "all";
const failovers = Number(Deno.env.get("REDENO_FAILOVERS") ?? 2);
const seed = Number(Deno.env.get("REDENO_FAILOVER_SEED") ?? testSeed());
const downAfterMs = Number(Deno.env.get("REDENO_DOWN_AFTER_MS") ?? 2000);

for (const kinds of isAll ? MIXES : MIXES.slice(0, 1)) {
  const name = `${failovers} failovers of ${kinds.join(", ")} lose nothing that WAIT has confirmed`;
  testWith(["linux", "redis-server", "redis-sentinel"], name, async () => {
    printLine(`failovers: REDENO_FAILOVER_SEED=${seed}`);
    const outcome = await FailoverCampaign.run({
      kinds,
      failovers,
      seed,
      sentinels: {
        downAfterMs,
        failoverTimeoutMs: 6 * downAfterMs,
        // Looked at and told of each other more often than usual, or most of the time is waiting.
        periods: ["INFO-PERIOD", 1000, "PUBLISH-PERIOD", 250, "MIN-LINK-RECONNECT-PERIOD", 1000],
      },
      report: printLine,
    });
    printLine(`failovers: ${JSON.stringify(outcome)}`);
  });
}
