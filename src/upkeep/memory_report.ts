/**
 * Memory report: where the memory is, for INFO memory, MEMORY STATS and MEMORY DOCTOR.
 *
 * "Used" are the blocks that the data take in the arena, and the buffers of the clients and of the
 * AOF: what `maxmemory` limits. Beside them the process has the runtime with its code and heap,
 * some 80 MiB, which only the resident set size shows. It is not in "used": a limit of 64 MiB would
 * leave no room for data, and alerts compare `used_memory` with `maxmemory`. But the ratios of
 * fragmentation, which compare with the resident set size, count it in on both sides, as Redis
 * counts what it has allocated for itself: a server without data is not "fragmented".
 */
import { systemMemoryBytes } from "../base/machine.ts";
import type { Database } from "../keyspace/database.ts";
import type { ArenaStatistics } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import type { Host } from "../session/host.ts";
import * as value from "../values/value.ts";
import { entryBytes } from "../values/value_kinds.ts";

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
  /** The part of it that the runtime took before there were data; 0 if that is not known. */
  runtimeBytes: number;
  /** Memory of the machine. */
  systemBytes: number;
  arena: ArenaStatistics;
}

/** A comparison of two amounts of memory. */
export interface MemoryRatio {
  ratio: number;
  /** The difference. */
  bytes: number;
}

/** What INFO and MEMORY STATS say about fragmentation; the runtime is in all amounts. */
export interface FragmentationReport {
  /** Blocks in use, segments in use, and segments got from the system. */
  allocatedBytes: number;
  activeBytes: number;
  residentBytes: number;
  /** Segments compared with blocks, with those from the system, and these with the process. */
  allocatorFragmentation: MemoryRatio;
  allocatorRss: MemoryRatio;
  rssOverhead: MemoryRatio;
  /** The process compared with what is used. */
  total: MemoryRatio;
}

/** How well packed the memory of a report is. */
export function fragmentationOf(
  { arena, rssBytes, usedBytes, runtimeBytes }: MemoryReport,
): FragmentationReport {
  const allocatedBytes = runtimeBytes + arena.usedBytes;
  const activeBytes = runtimeBytes + arena.segmentBytes;
  const residentBytes = runtimeBytes + arena.reservedBytes;
  return {
    allocatedBytes,
    activeBytes,
    residentBytes,
    allocatorFragmentation: compare(activeBytes, allocatedBytes),
    allocatorRss: compare(residentBytes, activeBytes),
    rssOverhead: compare(rssBytes, residentBytes),
    total: compare(rssBytes, runtimeBytes + usedBytes),
  };
}

function compare(whole: number, part: number): MemoryRatio {
  return { ratio: whole / Math.max(1, part), bytes: whole - part };
}

/** What it uses of the host. */
type ReportHost = Pick<
  Host,
  "arena" | "clientMemory" | "keyspace" | "memoryLimit" | "memoryReturn" | "statistics"
>;

/** The state of the memory now. Costs a system call. */
export function memoryReport(
  { arena: liveArena, clientMemory, keyspace, memoryLimit, memoryReturn, statistics }: ReportHost,
): MemoryReport {
  const { usedBytes, startupBytes } = memoryLimit;
  const arena = liveArena.statistics();
  if (usedBytes > statistics.memoryPeakBytes) statistics.memoryPeakBytes = usedBytes;
  let overheadBytes = startupBytes + usedBytes - arena.usedBytes;
  for (const db of keyspace.databases) {
    if (db.size === 0) continue;
    const { keys, expires } = tableBytesOf(db);
    overheadBytes += keys + expires + db.expiryOrder.memoryBytes;
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
    rssBytes: memoryReturn.residentBytes(),
    runtimeBytes: memoryReturn.runtimeBytes,
    systemBytes: systemMemoryBytes(),
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
