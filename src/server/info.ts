/**
 * Info: the text that INFO answers: sections of `name:value` lines, with the names and the order of
 * redis-server 7.0.15, so that monitoring finds all it looks for. What Redeno does not have
 * (modules, a cluster, a memory allocator of its own kind) is reported as Redis reports it
 * when unused.
 *
 * Every section is a function from the server to its lines; the counters live with those who count.
 */
import { utf8AsLatin1 } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { programPath, systemName } from "../base/machine.ts";
import { announcedVersion, answersSince, REDENO_VERSION } from "../config/version.ts";
import { replicationFields } from "../replication/replication_info.ts";
import type { Host } from "../session/host.ts";
import { type InfoField, keyspaceFields, memoryFields, persistenceFields } from "./info_data.ts";
import { processTimes } from "./process_times.ts";
import type { Supervision } from "./supervision.ts";

/** What INFO looks at: the host, and what concerns the process. */
export type InfoHost = Host & { readonly supervision: Supervision };

type Section = readonly [name: string, title: string, fields: (host: InfoHost) => InfoField[]];

const SECTIONS: readonly Section[] = [
  ["server", "Server", serverFields],
  ["clients", "Clients", clientFields],
  ["memory", "Memory", memoryFields],
  ["persistence", "Persistence", persistenceFields],
  ["stats", "Stats", statisticsFields],
  ["replication", "Replication", (host) => replicationFields(host.replication, host.config)],
  ["cpu", "CPU", cpuFields],
  ["modules", "Modules", () => []],
  ["commandstats", "Commandstats", commandFields],
  ["errorstats", "Errorstats", errorFields],
  ["latencystats", "Latencystats", latencyFields],
  ["cluster", "Cluster", () => [["cluster_enabled", 0]]],
  ["keyspace", "Keyspace", keyspaceFields],
];

/** Sections that are shown only if named, or by "all" and "everything". */
const NOT_DEFAULT = ["commandstats", "latencystats"];

/** The names of the sections that words of INFO ask for; none for words that name none. */
export function sectionsFor(words: readonly string[]): Set<string> {
  const wanted = new Set<string>();
  if (words.length === 0) addAll(wanted, NOT_DEFAULT);
  for (const word of words) {
    if (word === "default") addAll(wanted, NOT_DEFAULT);
    // "all" is all but what modules say of themselves, and there are none.
    else if (word === "all" || word === "everything") addAll(wanted, []);
    else if (word === "module_list") wanted.add("modules");
    else wanted.add(word);
  }
  return wanted;
}

function addAll(wanted: Set<string>, except: readonly string[]): void {
  for (const [name] of SECTIONS) if (!except.includes(name)) wanted.add(name);
}

/** The text of the wanted sections, one character per byte. */
export function infoText(host: InfoHost, wanted: ReadonlySet<string>): string {
  let text = "";
  for (const [name, title, fields] of SECTIONS) {
    if (!wanted.has(name)) continue;
    text += text === "" ? `# ${title}\r\n` : `\r\n# ${title}\r\n`;
    // Not by destructuring: what is asked for once in some seconds is never compiled.
    for (const field of fields(host)) text += `${field[0]}:${field[1]}\r\n`;
  }
  return text;
}

function serverFields(host: InfoHost): InfoField[] {
  const { config, keyspace, listeners } = host;
  const upSeconds = Math.max(0, Math.floor((clock.nowMs() - host.process.startedMs) / 1000));
  return [
    ["redis_version", announcedVersion(config)],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", "0"],
    ["redis_mode", "standalone"],
    ["os", systemName()],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", listeners.usesEpoll ? "epoll" : "deno"],
    ["atomicvar_api", "c11-builtin"],
    ["gcc_version", "0.0.0"],
    ["process_id", Deno.pid],
    ["process_supervised", host.supervision.mode],
    ["run_id", host.process.runId],
    ["tcp_port", listeners.port || config.port || config.tlsPort],
    ["server_time_usec", clock.systemUs()],
    ["uptime_in_seconds", upSeconds],
    ["uptime_in_days", Math.floor(upSeconds / 86400)],
    ["hz", config.hz],
    ["configured_hz", config.hz],
    ["lru_clock", keyspace.lruClock()],
    ["executable", utf8AsLatin1(programPath())],
    ["config_file", utf8AsLatin1(config.configFile)],
    ["io_threads_active", 0],
    ...shutdownFields(host),
    ...(answersSince(config, "7.2") ? listenerFields(host) : []),
    ["redeno_version", REDENO_VERSION],
  ];
}

/** While the end waits for replicas: how long it will at most. */
function shutdownFields({ process }: InfoHost): InfoField[] {
  const leftMs = process.shutdownLeftMs;
  return leftMs === null ? [] : [["shutdown_in_milliseconds", leftMs]];
}

/** One line for each kind of socket that is open: "name=tcp,bind=127.0.0.1,port=6379". */
function listenerFields({ listeners }: InfoHost): InfoField[] {
  return listeners.descriptions().map((text, index) => [`listener${index}`, text]);
}

function clientFields(host: InfoHost): InfoField[] {
  const { blocking, config, pubsub, statistics, watch } = host;
  const nowMs = clock.nowMs();
  const ofRelease7_4: InfoField[] = [
    ["pubsub_clients", pubsub.clientCount],
    ["watching_clients", watch.clientCount],
  ];
  const ofRelease7_2: InfoField[] = [
    ["total_blocking_keys", blocking.keyCount],
    ["total_blocking_keys_on_nokey", blocking.keyCountWhenGone],
  ];
  return [
    ["connected_clients", host.clients.size - host.replication.replicas.size],
    ["cluster_connections", 0],
    ["maxclients", host.config.maxclients],
    ["client_recent_max_input_buffer", statistics.inputBufferBytes.at(nowMs)],
    ["client_recent_max_output_buffer", statistics.outputBufferBytes.at(nowMs)],
    ["blocked_clients", host.blocking.blockedCount + host.pause.waitingCount],
    ["tracking_clients", host.tracking.clientCount],
    ...(answersSince(config, "7.4") ? ofRelease7_4 : []),
    ["clients_in_timeout_table", host.blocking.timedCount],
    ...(answersSince(config, "7.4") ? [["total_watched_keys", watch.keyCount] as const] : []),
    ...(answersSince(config, "7.2") ? ofRelease7_2 : []),
  ];
}

function statisticsFields(host: InfoHost): InfoField[] {
  const { statistics, arena, keyspace, expireCycle, activeDefrag, pubsub, tracking } = host;
  const kibPerSecond = (bytes: number) => (bytes / 1024).toFixed(2);
  const isSince7_4 = answersSince(host.config, "7.4");
  const disconnections: InfoField[] = [
    ["client_query_buffer_limit_disconnections", statistics.queryBufferLimitDisconnections],
    ["client_output_buffer_limit_disconnections", statistics.outputBufferLimitDisconnections],
  ];
  return [
    ["total_connections_received", statistics.connectionsReceived],
    ["total_commands_processed", statistics.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(statistics.commandRate.perSecond)],
    ["total_net_input_bytes", statistics.inputBytes + statistics.replicationInputBytes],
    ["total_net_output_bytes", statistics.outputBytes + statistics.replicationOutputBytes],
    ["total_net_repl_input_bytes", statistics.replicationInputBytes],
    ["total_net_repl_output_bytes", statistics.replicationOutputBytes],
    ["instantaneous_input_kbps", kibPerSecond(statistics.inputRate.perSecond)],
    ["instantaneous_output_kbps", kibPerSecond(statistics.outputRate.perSecond)],
    ["instantaneous_input_repl_kbps", kibPerSecond(statistics.replicationInputRate.perSecond)],
    ["instantaneous_output_repl_kbps", kibPerSecond(statistics.replicationOutputRate.perSecond)],
    ["rejected_connections", statistics.connectionsRejected],
    ["sync_full", statistics.fullSyncs],
    ["sync_partial_ok", statistics.partialSyncs],
    ["sync_partial_err", statistics.partialSyncFailures],
    ...(isSince7_4 ? [["expired_subkeys", keyspace.expiredFieldCount] as const] : []),
    ["expired_keys", keyspace.expiredCount],
    ["expired_stale_perc", expireCycle.stalePercentage.toFixed(2)],
    ["expired_time_cap_reached_count", expireCycle.timeCapReachedCount],
    ["expire_cycle_cpu_milliseconds", Math.floor(expireCycle.usedUs / 1000)],
    ["evicted_keys", keyspace.evictedCount],
    ["evicted_clients", statistics.evictedClients],
    ...(isSince7_4 ? [["evicted_scripts", statistics.evictedScripts] as const] : []),
    ["total_eviction_exceeded_time", 0],
    ["current_eviction_exceeded_time", 0],
    ["keyspace_hits", keyspace.hitCount],
    ["keyspace_misses", keyspace.missCount],
    ["pubsub_channels", pubsub.channels.size],
    ["pubsub_patterns", pubsub.patterns.size],
    ["pubsubshard_channels", pubsub.shardChannels.size],
    ["latest_fork_usec", host.persistence.child.lastFreezeUs],
    ["total_forks", host.persistence.child.freezeCount],
    ["migrate_cached_sockets", host.migrationSockets.count],
    ["slave_expires_tracked_keys", 0],
    ["active_defrag_hits", arena.relocatedCount],
    ["active_defrag_misses", arena.keptCount],
    ["active_defrag_key_hits", activeDefrag.defragmentation.keyHits],
    ["active_defrag_key_misses", activeDefrag.defragmentation.keyMisses],
    ["total_active_defrag_time", activeDefrag.totalMs],
    ["current_active_defrag_time", activeDefrag.currentMs],
    ["tracking_total_keys", tracking.keyCount],
    ["tracking_total_items", tracking.itemCount],
    ["tracking_total_prefixes", tracking.prefixCount],
    ["unexpected_error_replies", statistics.unexpectedErrorReplies],
    ["total_error_replies", statistics.errorReplies],
    ["dump_payload_sanitizations", 0],
    ["total_reads_processed", statistics.readsProcessed],
    ["total_writes_processed", statistics.writesProcessed],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ...(isSince7_4 ? disconnections : []),
    ["reply_buffer_shrinks", 0],
    ["reply_buffer_expands", 0],
    ...laterStatistics(host),
  ];
}

/** What releases after 7.0 have added at the end. */
function laterStatistics({ config, statistics }: InfoHost): InfoField[] {
  if (!answersSince(config, "7.2")) return [];
  const { auth, command, key, channel } = statistics.accessDenied;
  const turnsPerSecond = statistics.turnRate.perSecond;
  const usPerTurn = turnsPerSecond === 0 ? 0 : statistics.turnTimeRate.perSecond / turnsPerSecond;
  return [
    ["eventloop_cycles", statistics.turns],
    ["eventloop_duration_sum", Math.floor(statistics.turnsUs)],
    ["eventloop_duration_cmd_sum", Math.floor(statistics.commandsUs)],
    ["instantaneous_eventloop_cycles_per_sec", Math.round(turnsPerSecond)],
    ["instantaneous_eventloop_duration_usec", Math.round(usPerTurn)],
    ["acl_access_denied_auth", auth],
    ["acl_access_denied_cmd", command],
    ["acl_access_denied_key", key],
    ["acl_access_denied_channel", channel],
  ];
}

function cpuFields(): InfoField[] {
  const { own, children, mainThread } = processTimes();
  return [
    ["used_cpu_sys", own.system.toFixed(6)],
    ["used_cpu_user", own.user.toFixed(6)],
    ["used_cpu_sys_children", children.system.toFixed(6)],
    ["used_cpu_user_children", children.user.toFixed(6)],
    ["used_cpu_sys_main_thread", mainThread.system.toFixed(6)],
    ["used_cpu_user_main_thread", mainThread.user.toFixed(6)],
  ];
}

function commandFields({ commands }: InfoHost): InfoField[] {
  const fields: InfoField[] = [];
  for (const command of commands.all) {
    const { calls, microseconds, rejectedCalls, failedCalls } = command;
    if (calls === 0 && rejectedCalls === 0 && failedCalls === 0) continue;
    const perCall = calls === 0 ? 0 : microseconds / calls;
    fields.push([
      `cmdstat_${command.name}`,
      `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${perCall.toFixed(2)},` +
      `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ]);
  }
  return fields;
}

function errorFields({ statistics }: InfoHost): InfoField[] {
  const codes = [...statistics.errorsByCode].sort(([a], [b]) => a < b ? -1 : 1);
  return codes.map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

function latencyFields({ commands, config, durations }: InfoHost): InfoField[] {
  if (!config.latencyTracking) return [];
  const fields: InfoField[] = [];
  for (const command of commands.all) {
    const histogram = durations.of(command);
    if (histogram === null) continue;
    const shown = config.latencyTrackingInfoPercentiles.map((percentile) => {
      const us = histogram.valueAt(percentile) / 1000;
      return `p${percentile}=${us.toFixed(3)}`;
    });
    fields.push([`latency_percentiles_usec_${command.name}`, shown.join(",")]);
  }
  return fields;
}
