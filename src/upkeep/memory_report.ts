/**
 * Memory report: where the memory is, for INFO memory, MEMORY STATS and MEMORY DOCTOR.
 *
 * "Used" are the blocks that the data take in the arena, and the buffers of the clients and of the
 * AOF: what `maxmemory` limits. Beside them the process has the runtime with its heap, which only
 * the resident set size shows; so the ratio of both is large while there is little data.
 */
import type { Database } from "../keyspace/database.ts";
import type { ArenaStatistics } from "../memory/arena.ts";
import * as dict from "../structures/dict.ts";
import type { Host } from "../session/host.ts";

export interface MemoryReport {
  /** Bytes of all blocks and buffers in use. */
  usedBytes: number;
  /** The most that `usedBytes` has been. */
  peakBytes: number;
  /** Bytes in use before the first key. */
  startupBytes: number;
  /**
   * Bytes of `usedBytes` that are no keys or values: hash tables, buffers, and what was there at
   * the start.
   */
  overheadBytes: number;
  datasetBytes: number;
  /** The data set's share of what was taken since the start, 0 to 1. */
  datasetShare: number;
  /** Buffers of all clients. */
  clientBytes: number;
  /** Resident set size of the process. */
  rssBytes: number;
  /** Memory of the machine. */
  systemBytes: number;
  arena: ArenaStatistics;
}

/** What it uses of the host. */
type ReportHost = Pick<
  Host,
  "arena" | "clientMemory" | "keyspace" | "memoryLimit" | "statistics"
>;

/** The state of the memory now. Costs two system calls, and a walk over the clients. */
export function memoryReport(
  { arena: liveArena, clientMemory, keyspace, memoryLimit, statistics }: ReportHost,
): MemoryReport {
  const { usedBytes, startupBytes } = memoryLimit;
  const arena = liveArena.statistics();
  if (usedBytes > statistics.memoryPeakBytes) statistics.memoryPeakBytes = usedBytes;
  let overheadBytes = startupBytes + usedBytes - arena.usedBytes;
  for (const db of keyspace.databases) {
    if (db.size === 0) continue;
    const { keys, expires } = tableBytesOf(db);
    overheadBytes += keys + expires;
  }
  const datasetBytes = Math.max(0, usedBytes - overheadBytes);
  const sinceStart = usedBytes - startupBytes;
  return {
    usedBytes,
    peakBytes: statistics.memoryPeakBytes,
    startupBytes,
    overheadBytes,
    datasetBytes,
    datasetShare: sinceStart > 0 ? Math.min(1, datasetBytes / sinceStart) : 0,
    clientBytes: clientMemory.totalBytes,
    rssBytes: Deno.memoryUsage().rss,
    systemBytes: Deno.systemMemoryInfo().total,
    arena,
  };
}

/** Bytes of the two hash tables of a database. */
export function tableBytesOf({ arena, keys, expires }: Database): {
  keys: number;
  expires: number;
} {
  return { keys: dict.tableBytes(arena, keys), expires: dict.tableBytes(arena, expires) };
}
