/** Reset statistics: CONFIG RESETSTAT, and the end of loading. */
import type { Host } from "../session/host.ts";

/** Sets the counters of INFO to zero. */
export function resetStatistics(
  { statistics, commands, durations, expireCycle, activeDefrag, keyspace }: Pick<
    Host,
    "activeDefrag" | "commands" | "durations" | "expireCycle" | "keyspace" | "statistics"
  >,
): void {
  statistics.reset();
  commands.resetStatistics();
  durations.reset();
  expireCycle.resetStatistics();
  activeDefrag.resetStatistics();
  keyspace.hitCount = 0;
  keyspace.missCount = 0;
  keyspace.expiredCount = 0;
  keyspace.expiredFieldCount = 0;
  keyspace.evictedCount = 0;
}
