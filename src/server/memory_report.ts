/**
 * Memory report: where the memory is, for INFO memory, MEMORY STATS and MEMORY DOCTOR.
 *
 * "Used" are the blocks that the data take in the arena, and the buffers of the clients and of the
 * AOF: what `maxmemory` limits. Beside them the process has the runtime with its heap, which only
 * the resident set size shows; so the ratio of both is large while there is little data.
 */
import type { Database } from "../keyspace/database.ts";
import type { ArenaStatistics } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as value from "../values/value.ts";
import { entryBytes } from "../values/value_memory.ts";
import type { Server } from "./server.ts";

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

/** The state of the memory now. Costs two system calls, and a walk over the clients. */
export function memoryReport(server: Server): MemoryReport {
  const { statistics, keyspace, startupBytes } = server;
  const arena = server.arena.statistics();
  const { usedBytes } = server;
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
    clientBytes: server.clientMemory.totalBytes,
    rssBytes: Deno.memoryUsage().rss,
    systemBytes: Deno.systemMemoryInfo().total,
    arena,
  };
}

/** The most that a key's place in a table counts for: while there are few keys, most is empty. */
const PLACE_BYTES_MAX = 64;

/**
 * Bytes that a key takes: its entry and its value, of which about `samples` elements are looked at
 * (0: all), and its share of the hash tables that it is in.
 */
export function keyBytes(db: Database, entry: Ref, samples: number): number {
  const { arena, keys, expires } = db;
  const shareOf = (table: Ref) => {
    const share = Math.ceil(dict.tableBytes(arena, table) / dict.count(arena, table));
    return Math.min(PLACE_BYTES_MAX, share);
  };
  const isExpiring = value.expiryOf(arena, entry) !== value.NO_EXPIRY;
  return entryBytes(arena, entry, samples) + shareOf(keys) + (isExpiring ? shareOf(expires) : 0);
}

/** Bytes of the two hash tables of a database. */
export function tableBytesOf({ arena, keys, expires }: Database): {
  keys: number;
  expires: number;
} {
  return { keys: dict.tableBytes(arena, keys), expires: dict.tableBytes(arena, expires) };
}
