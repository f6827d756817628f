/** Reset statistics: CONFIG RESETSTAT, and the end of loading. */
import type { Host } from "../session/host.ts";

/** Sets the counters of INFO to zero. */
export function resetStatistics(
  host: Pick<
    Host,
    | "activeDefrag"
    | "commands"
    | "durations"
    | "expireCycle"
    | "keyspace"
    | "persistence"
    | "statistics"
  >,
): void {
  const { keyspace } = host;
  host.statistics.reset();
  host.commands.resetStatistics();
  host.durations.reset();
  host.expireCycle.resetStatistics();
  host.activeDefrag.resetStatistics();
  host.persistence.resetStatistics();
  keyspace.hitCount = 0;
  keyspace.missCount = 0;
  keyspace.expiredCount = 0;
  keyspace.expiredFieldCount = 0;
  keyspace.evictedCount = 0;
  keyspace.reclaimer.freedCount = 0;
}
