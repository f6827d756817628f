/**
 * Info data: what INFO tells of the data: the memory they take, what of them is on the disk, how
 * many keys there are. The other sections, and how they are put together, stand in info.ts.
 */
import * as clock from "../base/clock.ts";
import { humanBytes } from "../base/human_bytes.ts";
import { answersSince } from "../config/version.ts";
import { GATE_LOADING_BESIDE } from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import * as dict from "../structures/dict.ts";
import { fragmentationOf, type MemoryRatio, memoryReport } from "../upkeep/memory_report.ts";

/** One line of INFO. */
export type InfoField = readonly [name: string, value: string | number];

/** Two fields that compare amounts of memory. */
function ratioFields(name: string, { ratio, bytes }: MemoryRatio): InfoField[] {
  return [[`${name}_ratio`, ratio.toFixed(2)], [`${name}_bytes`, bytes]];
}

/** The section "Memory". */
export function memoryFields(host: Host): InfoField[] {
  const { config, keyspace } = host;
  const { cache, functions } = host.scripting;
  const report = memoryReport(host);
  const { backlogBytes, replicaBytes } = host.replication.memory();
  const { usedBytes, rssBytes } = report;
  const fragmentation = fragmentationOf(report);
  const isSince7_4 = answersSince(config, "7.4");
  const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
  return [
    ["used_memory", usedBytes],
    ["used_memory_human", humanBytes(usedBytes)],
    ["used_memory_rss", rssBytes],
    ["used_memory_rss_human", humanBytes(rssBytes)],
    ["used_memory_peak", report.peakBytes],
    ["used_memory_peak_human", humanBytes(report.peakBytes)],
    ["used_memory_peak_perc", percent(usedBytes / report.peakBytes)],
    ["used_memory_overhead", report.overheadBytes],
    ["used_memory_startup", report.startupBytes],
    ["used_memory_dataset", report.datasetBytes],
    ["used_memory_dataset_perc", percent(report.datasetShare)],
    ["allocator_allocated", fragmentation.allocatedBytes],
    ["allocator_active", fragmentation.activeBytes],
    ["allocator_resident", fragmentation.residentBytes],
    // All that is free and resident is counted above.
    ...(isSince7_4 ? [["allocator_muzzy", 0] as const] : []),
    ["total_system_memory", report.systemBytes],
    ["total_system_memory_human", humanBytes(report.systemBytes)],
    ["used_memory_lua", 0],
    ["used_memory_vm_eval", 0],
    ["used_memory_lua_human", "0B"],
    ["used_memory_scripts_eval", cache.usedBytes],
    ["number_of_cached_scripts", cache.count],
    ["number_of_functions", functions.functionCount],
    ["number_of_libraries", functions.libraryCount],
    ["used_memory_vm_functions", 0],
    ["used_memory_vm_total", 0],
    ["used_memory_vm_total_human", "0B"],
    ["used_memory_functions", functions.usedBytes],
    ["used_memory_scripts", cache.usedBytes + functions.usedBytes],
    ["used_memory_scripts_human", humanBytes(cache.usedBytes + functions.usedBytes)],
    ["maxmemory", config.maxmemory],
    ["maxmemory_human", humanBytes(config.maxmemory)],
    ["maxmemory_policy", config.maxmemoryPolicy],
    ...ratioFields("allocator_frag", fragmentation.allocatorFragmentation),
    ...ratioFields("allocator_rss", fragmentation.allocatorRss),
    ...ratioFields("rss_overhead", fragmentation.rssOverhead),
    ...ratioFields("mem_fragmentation", fragmentation.total),
    ["mem_not_counted_for_evict", usedBytes - host.memoryLimit.countedBytes()],
    ["mem_replication_backlog", backlogBytes],
    ["mem_total_replication_buffers", backlogBytes + replicaBytes],
    ["mem_clients_slaves", replicaBytes],
    ["mem_clients_normal", report.clientBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", host.persistence.aof.writer.bufferedBytes],
    ["mem_allocator", "segments"],
    // Tables grow bucket by bucket; there is never a second one.
    ...(isSince7_4 ? [["mem_overhead_db_hashtable_rehashing", 0] as const] : []),
    ["active_defrag_running", host.activeDefrag.runningPercent],
    ["lazyfree_pending_objects", keyspace.reclaimer.pendingCount],
    ["lazyfreed_objects", keyspace.reclaimer.freedCount],
  ];
}

/** The section "Persistence". */
export function persistenceFields(host: Host): InfoField[] {
  const { rdb, aof, child, backup } = host.persistence;
  const { keyCount, keyTotal } = child.progress;
  const { clonedBytes } = child;
  const seconds = (ms: number) => ms < 0 ? -1 : Math.floor(ms / 1000);
  return [
    ["loading", host.keyspace.isLoading ? 1 : 0],
    ["async_loading", (host.gates.bits & GATE_LOADING_BESIDE) !== 0 ? 1 : 0],
    ["current_cow_peak", clonedBytes],
    ["current_cow_size", clonedBytes],
    // Redis: seconds since the child reported the size; here it is counted by ourselves.
    ["current_cow_size_age", 0],
    ["current_fork_perc", ((keyCount / Math.max(1, keyTotal)) * 100).toFixed(2)],
    ["current_save_keys_processed", keyCount],
    ["current_save_keys_total", keyTotal],
    ["rdb_changes_since_last_save", rdb.changesSinceLastSave],
    ["rdb_bgsave_in_progress", rdb.isSaving || rdb.isStreaming ? 1 : 0],
    ["rdb_last_save_time", seconds(rdb.lastSaveMs)],
    ["rdb_last_bgsave_status", rdb.lastStatusOk ? "ok" : "err"],
    ["rdb_last_bgsave_time_sec", seconds(rdb.lastDurationMs)],
    ["rdb_current_bgsave_time_sec", rdb.isSaving ? seconds(clock.nowMs() - rdb.saveStartedMs) : -1],
    ["rdb_saves", rdb.saveCount],
    ["rdb_last_cow_size", rdb.lastClonedBytes],
    ["rdb_last_load_keys_expired", rdb.lastLoadExpiredCount],
    ["rdb_last_load_keys_loaded", rdb.lastLoadedKeyCount],
    ...aof.stateFields(),
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
    ...aof.sizeFields(),
    ["backup_in_progress", backup.isInProgress ? 1 : 0],
    ...loadingFields(host),
  ];
}

/** How far loading has come; nothing once it is done. */
function loadingFields({ keyspace, persistence }: Host): InfoField[] {
  if (!keyspace.isLoading) return [];
  const { loadingStartedMs, loadingTotalBytes, loadedBytes } = persistence;
  const share = loadingTotalBytes > 0 ? loadedBytes / loadingTotalBytes : 0;
  const elapsedSeconds = (clock.nowMs() - loadingStartedMs) / 1000;
  const missingSeconds = share > 0 ? Math.ceil(elapsedSeconds / share - elapsedSeconds) : 1;
  return [
    ["loading_start_time", Math.floor(loadingStartedMs / 1000)],
    ["loading_total_bytes", loadingTotalBytes],
    ["loading_rdb_used_mem", persistence.rdb.loadingUsedBytes],
    ["loading_loaded_bytes", loadedBytes],
    ["loading_loaded_perc", (share * 100).toFixed(2)],
    ["loading_eta_seconds", missingSeconds],
  ];
}

/** The section "Keyspace". */
export function keyspaceFields({ arena, config, expireCycle, keyspace }: Host): InfoField[] {
  const fields: InfoField[] = [];
  for (const db of keyspace.databases) {
    if (db.size === 0) continue;
    const expiring = dict.count(arena, db.expires);
    const averageMs = expireCycle.averageTtlMs(db.index);
    // Redis 7.4 prints the last number always, 7.0 has none.
    const isShown = db.expiryOrder.count > 0 || answersSince(config, "7.4");
    const subkeys = isShown ? `,subexpiry=${db.expiryOrder.count}` : "";
    fields.push([
      `db${db.index}`,
      `keys=${db.size},expires=${expiring},avg_ttl=${averageMs}${subkeys}`,
    ]);
  }
  return fields;
}
