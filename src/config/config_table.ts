/**
 * The table of configuration parameters: every one of the 192 names that redis-server 7.0.15 knows
 * (aliases and its few hidden ones included), seven of 7.2 and 7.4, six of Valkey, our own eight.
 *
 * A row gives the name, the older name if there is one, the kind with its bounds, and flags. A row
 * of `parameter` belongs to a field of ConfigValues, which also holds the default; a row of
 * `withoutEffect` belongs to none: such a parameter is accepted, remembered, shown and rewritten,
 * so that no existing file breaks a start, but nothing reads it, and the row says why.
 *
 * Flags:
 *   immutable   CONFIG SET is refused
 *   protected   CONFIG SET is refused unless enable-protected-configs allows it
 *   hidden      CONFIG GET shows it only by its exact name
 *   sensitive   the value must not appear in the slow log or in MONITOR
 *   notLoading  CONFIG SET is refused while data is being loaded
 *   volatile    names a file: CONFIG SET applies it even if the name is the one it has
 *
 * The order of rows is the order of CONFIG GET and of lines appended by CONFIG REWRITE (in Redis it
 * changes with every start).
 */
import { trimSpace } from "../base/ascii.ts";
import { RDB_VERSION_WORDS } from "../persistence/rdb_format.ts";
import {
  addresses,
  bytes,
  bytesAtLeast,
  bytesOrPercent,
  choice,
  choiceWithLater,
  clampedInteger,
  type ConfigKind,
  type ConfigNumber,
  filePath,
  integer,
  masterAddress,
  notifyEvents,
  octal,
  oomScores,
  optionalFilePath,
  optionalText,
  outputBufferLimits,
  percentiles,
  savePoints,
  shutdownWords,
  synonymChoice,
  text,
  unboundedBytes,
  yesNo,
} from "./config_kinds.ts";
import type { ConfigValues } from "./config_values.ts";
import { preloadObjection } from "./preload_target.ts";

export type ConfigFlag =
  | "immutable"
  | "protected"
  | "hidden"
  | "sensitive"
  | "notLoading"
  | "volatile";

export interface ConfigParameter {
  readonly name: string;
  /** An older name that means the same; "" if there is none. */
  readonly alias: string;
  readonly kind: ConfigKind<unknown>;
  readonly flags: readonly ConfigFlag[];
  /** The field that holds the value; null for a parameter without effect. */
  readonly field: keyof ConfigValues | null;
  /** Of a parameter without effect, in the form CONFIG GET prints; else "". */
  readonly defaultText: string;
  /** Why the parameter has no effect; "" if it has one. */
  readonly noEffectReason: string;
  /** Why the server must not start with another value than the default; "" if it may. */
  readonly startRefusal: string;
}

/** "a-b-c" to "aBC": the field of a parameter. */
type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;
type FieldOf<Name extends string> = CamelCase<Name> & keyof ConfigValues;
type NameOfField<Name extends string> = CamelCase<Name> extends keyof ConfigValues ? Name : never;
type KindOf<T> = [T] extends [number] ? ConfigKind<number> | ConfigKind<ConfigNumber>
  : ConfigKind<T>;

interface RowOptions {
  alias?: string;
  flags?: readonly ConfigFlag[];
}

/** "hash-max-listpack-value" to "hashMaxListpackValue". */
function fieldOf(name: string): keyof ConfigValues {
  if (name === "save") return "savePoints";
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()) as keyof ConfigValues;
}

/** A row whose value is in the field of the same name, which must have the kind's type. */
function parameter<Name extends string>(
  name: Name & NameOfField<Name>,
  kind: KindOf<ConfigValues[FieldOf<Name>]>,
  options: RowOptions = {},
): ConfigParameter {
  return row(name, kind as ConfigKind<unknown>, options);
}

function row(name: string, kind: ConfigKind<unknown>, options: RowOptions): ConfigParameter {
  const { alias = "", flags = [] } = options;
  const withEffect = { defaultText: "", noEffectReason: "", startRefusal: "" };
  return { name, alias, kind, flags, field: fieldOf(name), ...withEffect };
}

/** A row of a parameter that nothing reads; `defaultText` as CONFIG GET prints it. */
function withoutEffect<T>(
  noEffectReason: string,
  name: string,
  kind: ConfigKind<T>,
  defaultText: string,
  { alias = "", flags = [], startRefusal = "" }: RowOptions & { startRefusal?: string } = {},
): ConfigParameter {
  const anyKind = kind as ConfigKind<unknown>;
  const withoutField = { field: null, defaultText, noEffectReason, startRefusal };
  return { name, alias, kind: anyKind, flags, ...withoutField };
}

const INT_MAX = 2147483647;
const INT_MIN = -2147483648;
const UINT_MAX = 4294967295;
const LONG_MAX = (1n << 63n) - 1n;

const anyInt = integer(0, INT_MAX);
const anyLong = integer(0, LONG_MAX);
const anyPort = integer(0, 65535);
const anyBytes = bytes(0);
const protectedAction = choice("no", "yes", "local");

const IMMUTABLE: RowOptions = { flags: ["immutable"] };
const HIDDEN: RowOptions = { flags: ["hidden"] };
const SENSITIVE: RowOptions = { flags: ["sensitive"] };
const VOLATILE: RowOptions = { flags: ["volatile"] };

const NO_CLUSTER = "there is no cluster mode";
const NO_SYSLOG = "the log goes to standard output or to a file";
const NO_CRASH_HANDLER = "the runtime reports its own crashes";
const NO_JEMALLOC = "the allocator is our own, and gives emptied memory back by itself";
const NO_PINNING = "the runtime cannot bind threads to processors";
const NO_THREADS = "one thread serves all clients, and the child that saves is always a second one";
const NO_DAEMON = "the runtime cannot detach itself; leave it to systemd, launchd or the shell";
const NO_TITLE = "the runtime cannot change the title of its process";
const NO_KERNEL_TUNING = "the runtime does not reach this setting of the kernel";
const NO_TLS_TUNING = "the runtime chooses ciphers and sessions of TLS itself";
const NO_LOCALE = "text is compared byte by byte";
const NO_ACCEPT_LIMIT = "those who come are let in at once, between commands of the others";
const NO_COMPRESSION = "lists are compressed in files (rdbcompression), never in memory";
const NO_REHASHING = "hash tables grow and shrink one bucket at a time, with each change";
const NO_NEED_OF_HZ = "with many clients each round looks after more of them instead";
const ALWAYS_LAZY = "large values are always given back in steps, whoever deletes them";

/** The check of a name that must not lead out of its directory. */
function fileName(parameterName: string, what: string, mayBeEmpty: boolean) {
  return (value: string): string | null => {
    if (value === "" && !mayBeEmpty) return `${parameterName} can't be empty`;
    if (!/[/\\]/.test(value)) return null;
    return `${parameterName} can't be a path, just a ${what}`;
  };
}

function checkHostname(value: string): string | null {
  if (value.length >= 256) return "Hostnames must be less than 256 characters";
  if (/^[A-Za-z0-9.-]*$/.test(value)) return null;
  return "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

function checkTitleTemplate(template: string): string | null {
  const known = /\{(title|listen-addr|server-mode|port|tls-port|unixsocket|config-file)\}/g;
  const isGood = trimSpace(template) !== "" && !template.replace(known, "").includes("{");
  return isGood ? null : "template format is invalid or contains unknown variables";
}

// deno-fmt-ignore
const networkParameters: readonly ConfigParameter[] = [
  parameter("bind", addresses),
  parameter("port", anyPort),
  parameter("tcp-backlog", anyInt, IMMUTABLE),
  parameter("protected-mode", yesNo),
  parameter("unixsocket", optionalFilePath(), IMMUTABLE),
  parameter("unixsocketperm", octal(0, 0o777), IMMUTABLE),
  parameter("timeout", anyInt),
  parameter("tcp-keepalive", anyInt),
  parameter("maxclients", integer(1, UINT_MAX)),
  parameter("transport", choice("auto", "epoll", "runtime"), IMMUTABLE),
  parameter("proto-max-bulk-len", bytes(1024 * 1024, LONG_MAX, true)),
  parameter("client-query-buffer-limit", bytes(1024 * 1024)),
  parameter("client-output-buffer-limit", outputBufferLimits),
  parameter("maxmemory-clients", bytesOrPercent()),
  parameter("tracking-table-max-keys", anyLong),
  parameter("tls-port", anyPort),
  parameter("tls-cert-file", optionalFilePath(), VOLATILE),
  parameter("tls-key-file", optionalFilePath(), VOLATILE),
  parameter("tls-key-file-pass", optionalText(), SENSITIVE),
  parameter("tls-client-cert-file", optionalFilePath(), VOLATILE),
  parameter("tls-client-key-file", optionalFilePath(), VOLATILE),
  parameter("tls-client-key-file-pass", optionalText(), SENSITIVE),
  parameter("tls-ca-cert-file", optionalFilePath(), VOLATILE),
  parameter("tls-ca-cert-dir", optionalFilePath(), VOLATILE),
  parameter("tls-auth-clients", choice("no", "yes", "optional")),
  parameter("tls-protocols", optionalText()),
  parameter("tls-replication", yesNo),
  parameter("tls-cluster", yesNo),
];

// deno-fmt-ignore
const generalParameters: readonly ConfigParameter[] = [
  parameter("dir", filePath(), { flags: ["protected", "notLoading"] }),
  parameter("databases", integer(1, INT_MAX), IMMUTABLE),
  parameter("hz", clampedInteger(1, 500)),
  withoutEffect(NO_NEED_OF_HZ, "dynamic-hz", yesNo, "yes"),
  withoutEffect(NO_REHASHING, "activerehashing", yesNo, "yes"),
  parameter("always-show-logo", yesNo, IMMUTABLE),
  parameter("accept-maint-notifications", yesNo, IMMUTABLE),
  parameter("redis-version", choice("7.0", "7.2", "7.4"), IMMUTABLE),
  parameter("loglevel",
    choiceWithLater(["debug", "verbose", "notice", "warning"], ["nothing"])),
  parameter("log-format", choice("legacy", "logfmt", "json")),
  parameter("log-timestamp-format", choice("legacy", "iso8601", "milliseconds")),
  parameter("logfile", filePath(), IMMUTABLE),
  parameter("pidfile", optionalFilePath(), IMMUTABLE),
  parameter("shutdown-timeout", anyInt),
  parameter("shutdown-hands-over", yesNo),
  parameter("shutdown-on-sigint", shutdownWords),
  parameter("shutdown-on-sigterm", shutdownWords),
  parameter("notify-keyspace-events", notifyEvents),
  parameter("requirepass", optionalText(), SENSITIVE),
  parameter("aclfile", filePath(), IMMUTABLE),
  parameter("acllog-max-len", anyLong),
  parameter("acl-pubsub-default", choice("allchannels", "resetchannels")),
  parameter("enable-protected-configs", protectedAction, IMMUTABLE),
  parameter("enable-debug-command", protectedAction, IMMUTABLE),
  parameter("enable-module-command", protectedAction, IMMUTABLE),
  parameter("slowlog-log-slower-than", integer(-1, LONG_MAX),
    { alias: "commandlog-execution-slower-than" }),
  parameter("slowlog-max-len", anyLong, { alias: "commandlog-slow-execution-max-len" }),
  parameter("commandlog-request-larger-than", integer(-1, LONG_MAX)),
  parameter("commandlog-large-request-max-len", anyLong),
  parameter("commandlog-reply-larger-than", integer(-1, LONG_MAX)),
  parameter("commandlog-large-reply-max-len", anyLong),
  parameter("latency-monitor-threshold", anyLong),
  parameter("latency-tracking", yesNo),
  parameter("latency-tracking-info-percentiles", percentiles),
  parameter("busy-reply-threshold", anyLong, { alias: "lua-time-limit" }),
  parameter("script-time-limit", integer(0, LONG_MAX)),
  parameter("script-memory-limit", bytes(1024 * 1024)),
];

// deno-fmt-ignore
const memoryParameters: readonly ConfigParameter[] = [
  parameter("maxmemory", unboundedBytes()),
  parameter("maxmemory-policy", choiceWithLater(["volatile-lru", "volatile-lfu", "volatile-random",
    "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"],
    ["allkeys-lrm", "volatile-lrm"])),
  parameter("maxmemory-samples", integer(1, INT_MAX)),
  parameter("maxmemory-eviction-tenacity", integer(0, 100)),
  parameter("lfu-log-factor", anyInt),
  parameter("lfu-decay-time", anyInt),
  parameter("active-expire-effort", integer(1, 10)),
  parameter("activedefrag", yesNo),
  parameter("active-defrag-threshold-auto", integer(0, 1000)),
  parameter("active-defrag-ignore-bytes", bytes(1)),
  parameter("active-defrag-threshold-lower", integer(0, 1000)),
  parameter("active-defrag-threshold-upper", integer(0, 1000)),
  parameter("active-defrag-cycle-min", integer(1, 99)),
  parameter("active-defrag-cycle-max", integer(1, 99)),
  parameter("active-defrag-max-scan-fields", integer(1, LONG_MAX)),
  parameter("lazyfree-lazy-eviction", yesNo),
  parameter("lazyfree-lazy-expire", yesNo),
  withoutEffect(ALWAYS_LAZY, "lazyfree-lazy-server-del", yesNo, "no"),
  withoutEffect(ALWAYS_LAZY, "lazyfree-lazy-user-del", yesNo, "no"),
  withoutEffect(ALWAYS_LAZY, "lazyfree-lazy-user-flush", yesNo, "no"),
  parameter("hash-max-listpack-entries", anyLong, { alias: "hash-max-ziplist-entries" }),
  parameter("hash-max-listpack-value", anyBytes, { alias: "hash-max-ziplist-value" }),
  parameter("list-max-listpack-size", integer(INT_MIN, INT_MAX),
    { alias: "list-max-ziplist-size" }),
  withoutEffect(NO_COMPRESSION, "list-compress-depth", anyInt, "0"),
  parameter("set-max-intset-entries", anyLong),
  parameter("set-max-listpack-entries", anyLong),
  parameter("set-max-listpack-value", anyLong),
  parameter("zset-max-listpack-entries", anyLong, { alias: "zset-max-ziplist-entries" }),
  parameter("zset-max-listpack-value", anyBytes, { alias: "zset-max-ziplist-value" }),
  parameter("hll-sparse-max-bytes", anyBytes),
  parameter("stream-node-max-bytes", anyBytes),
  parameter("stream-node-max-entries", anyLong),
];

// deno-fmt-ignore
const persistenceParameters: readonly ConfigParameter[] = [
  row("save", savePoints as ConfigKind<unknown>, {}),
  parameter("dbfilename", filePath(fileName("dbfilename", "filename", true)),
    { flags: ["protected"] }),
  parameter("rdb-version", choice(...RDB_VERSION_WORDS)),
  parameter("rdbcompression", yesNo),
  parameter("rdbchecksum", yesNo, IMMUTABLE),
  parameter("rdb-del-sync-files", yesNo),
  parameter("rdb-save-incremental-fsync", yesNo),
  parameter("stop-writes-on-bgsave-error", yesNo),
  withoutEffect(
    "every payload and file is checked in full, whatever it says",
    "sanitize-dump-payload",
    choice("no", "yes", "clients"),
    "no",
  ),
  parameter("rdb-key-save-delay", integer(INT_MIN, INT_MAX), HIDDEN),
  parameter("key-load-delay", integer(INT_MIN, INT_MAX), HIDDEN),
  parameter("loading-process-events-interval-bytes", integer(1024, INT_MAX), HIDDEN),
  parameter("appendonly", yesNo, { flags: ["notLoading"] }),
  parameter("appendfilename", filePath(fileName("appendfilename", "filename", false)), IMMUTABLE),
  parameter("appenddirname", filePath(fileName("appenddirname", "dirname", false)), IMMUTABLE),
  parameter("appendfsync", choice("everysec", "always", "no")),
  parameter("no-appendfsync-on-rewrite", yesNo),
  parameter("auto-aof-rewrite-percentage", anyInt),
  parameter("auto-aof-rewrite-min-size", bytes(0, LONG_MAX, true)),
  parameter("aof-load-truncated", yesNo),
  parameter("aof-load-corrupt-tail-max-size", anyBytes),
  parameter("aof-use-rdb-preamble", yesNo),
  parameter("aof-timestamp-enabled", yesNo),
  parameter("aof-rewrite-incremental-fsync", yesNo),
  parameter("aof-disable-auto-gc", yesNo),
  parameter("backupdirname", filePath(fileName("backupdirname", "dirname", false)), IMMUTABLE),
  parameter("backup-sealed-ttl", integer(0, INT_MAX)),
  parameter("preload-file", optionalFilePath(preloadObjection), IMMUTABLE),
];

// deno-fmt-ignore
const replicaParameters: readonly ConfigParameter[] = [
  parameter("replicaof", masterAddress, { alias: "slaveof", flags: ["immutable"] }),
  parameter("masteruser", optionalText(), SENSITIVE),
  parameter("masterauth", optionalText(), SENSITIVE),
  parameter("replica-serve-stale-data", yesNo, { alias: "slave-serve-stale-data" }),
  parameter("replica-read-only", yesNo, { alias: "slave-read-only" }),
  parameter("replica-ignore-maxmemory", yesNo, { alias: "slave-ignore-maxmemory" }),
  parameter("replica-ignore-disk-write-errors", yesNo),
  withoutEffect(ALWAYS_LAZY, "replica-lazy-flush", yesNo, "no", { alias: "slave-lazy-flush" }),
  parameter("replica-priority", anyInt, { alias: "slave-priority" }),
  parameter("replica-announced", yesNo),
  parameter("replica-announce-ip", optionalText(), { alias: "slave-announce-ip" }),
  parameter("replica-announce-port", anyPort, { alias: "slave-announce-port" }),
  parameter("repl-diskless-load", choice("disabled", "on-empty-db", "swapdb"),
    { flags: ["notLoading"] }),
  parameter("repl-timeout", integer(1, INT_MAX)),
  parameter("propagation-error-behavior", choice("ignore", "panic", "panic-on-replicas")),
];

// deno-fmt-ignore
const replicationParameters: readonly ConfigParameter[] = [
  parameter("repl-diskless-sync", yesNo),
  parameter("repl-diskless-sync-delay", anyInt),
  parameter("repl-diskless-sync-max-replicas", anyInt),
  parameter("repl-disable-tcp-nodelay", yesNo),
  parameter("repl-ping-replica-period", integer(1, INT_MAX), { alias: "repl-ping-slave-period" }),
  parameter("repl-backlog-size", bytesAtLeast(16 * 1024, 1)),
  parameter("repl-backlog-ttl", anyLong),
  parameter("min-replicas-to-write", anyInt, { alias: "min-slaves-to-write" }),
  parameter("min-replicas-max-lag", anyInt, { alias: "min-slaves-max-lag" }),
];

// deno-fmt-ignore
const clusterParameters: readonly ConfigParameter[] = [
  withoutEffect(NO_CLUSTER, "cluster-enabled", yesNo, "no", { ...IMMUTABLE,
    startRefusal: "Redeno has no cluster mode yet, and would serve on its own instead" }),
  withoutEffect(NO_CLUSTER, "cluster-config-file", text(), "nodes.conf", IMMUTABLE),
  withoutEffect(NO_CLUSTER, "cluster-port", anyPort, "0", IMMUTABLE),
  withoutEffect(NO_CLUSTER, "cluster-node-timeout", anyLong, "15000"),
  withoutEffect(NO_CLUSTER, "cluster-announce-ip", optionalText(), ""),
  withoutEffect(NO_CLUSTER, "cluster-announce-hostname", optionalText(checkHostname), ""),
  withoutEffect(NO_CLUSTER, "cluster-announce-human-nodename", optionalText(), ""),
  withoutEffect(NO_CLUSTER, "cluster-announce-port", anyPort, "0"),
  withoutEffect(NO_CLUSTER, "cluster-announce-tls-port", anyPort, "0"),
  withoutEffect(NO_CLUSTER, "cluster-announce-bus-port", anyPort, "0"),
  withoutEffect(NO_CLUSTER, "cluster-preferred-endpoint-type",
    choice("ip", "hostname", "unknown-endpoint"), "ip"),
  withoutEffect(NO_CLUSTER, "cluster-replica-validity-factor", anyInt, "10",
    { alias: "cluster-slave-validity-factor" }),
  withoutEffect(NO_CLUSTER, "cluster-replica-no-failover", yesNo, "no",
    { alias: "cluster-slave-no-failover" }),
  withoutEffect(NO_CLUSTER, "cluster-migration-barrier", anyInt, "1"),
  withoutEffect(NO_CLUSTER, "cluster-allow-replica-migration", yesNo, "yes"),
  withoutEffect(NO_CLUSTER, "cluster-require-full-coverage", yesNo, "yes"),
  withoutEffect(NO_CLUSTER, "cluster-allow-reads-when-down", yesNo, "no"),
  withoutEffect(NO_CLUSTER, "cluster-allow-pubsubshard-when-down", yesNo, "yes"),
  withoutEffect(NO_CLUSTER, "cluster-link-sendbuf-limit", unboundedBytes(), "0"),
];

// deno-fmt-ignore
const platformParameters: readonly ConfigParameter[] = [
  withoutEffect(NO_DAEMON, "daemonize", yesNo, "no", IMMUTABLE),
  parameter("supervised", choice("upstart", "systemd", "auto", "no"), IMMUTABLE),
  withoutEffect(NO_TITLE, "set-proc-title", yesNo, "yes", IMMUTABLE),
  withoutEffect(NO_TITLE, "proc-title-template", text(checkTitleTemplate),
    "{title} {listen-addr} {server-mode}"),
  withoutEffect(NO_SYSLOG, "syslog-enabled", yesNo, "no", IMMUTABLE),
  withoutEffect(NO_SYSLOG, "syslog-ident", text(), "redis", IMMUTABLE),
  withoutEffect(NO_SYSLOG, "syslog-facility", choice("user", "local0", "local1", "local2",
    "local3", "local4", "local5", "local6", "local7"), "local0", IMMUTABLE),
  withoutEffect(NO_CRASH_HANDLER, "crash-log-enabled", yesNo, "yes"),
  withoutEffect(NO_CRASH_HANDLER, "crash-memcheck-enabled", yesNo, "yes"),
  withoutEffect(NO_CRASH_HANDLER, "use-exit-on-panic", yesNo, "no", HIDDEN),
  withoutEffect(NO_CRASH_HANDLER, "watchdog-period", anyInt, "0", HIDDEN),
  withoutEffect("there are no such warnings to ignore", "ignore-warnings", text(), ""),
  withoutEffect(NO_THREADS, "io-threads", integer(1, 128), "1", IMMUTABLE),
  withoutEffect(NO_THREADS, "io-threads-do-reads", yesNo, "no", IMMUTABLE),
  withoutEffect(NO_JEMALLOC, "jemalloc-bg-thread", yesNo, "yes"),
  withoutEffect(NO_PINNING, "server_cpulist", optionalText(), "",
    { ...IMMUTABLE, alias: "server-cpulist" }),
  withoutEffect(NO_PINNING, "bio_cpulist", optionalText(), "",
    { ...IMMUTABLE, alias: "bio-cpulist" }),
  withoutEffect(NO_PINNING, "aof_rewrite_cpulist", optionalText(), "",
    { ...IMMUTABLE, alias: "aof-rewrite-cpulist" }),
  withoutEffect(NO_PINNING, "bgsave_cpulist", optionalText(), "",
    { ...IMMUTABLE, alias: "bgsave-cpulist" }),
  withoutEffect(NO_LOCALE, "locale-collate", text(), ""),
  withoutEffect(NO_CRASH_HANDLER, "hide-user-data-from-log", yesNo, "no"),
  withoutEffect(NO_ACCEPT_LIMIT, "max-new-connections-per-cycle", integer(1, 1000), "10"),
  withoutEffect(NO_ACCEPT_LIMIT, "max-new-tls-connections-per-cycle", integer(1, 1000), "1"),
  withoutEffect(NO_KERNEL_TUNING, "disable-thp", yesNo, "yes", IMMUTABLE),
  parameter("oom-score-adj",
    synonymChoice({ relative: "yes" }, "no", "yes", "relative", "absolute")),
  parameter("oom-score-adj-values", oomScores),
  withoutEffect(NO_KERNEL_TUNING, "socket-mark-id", integer(0, UINT_MAX), "0", IMMUTABLE),
  withoutEffect(NO_KERNEL_TUNING, "bind-source-addr", optionalText(), ""),
  withoutEffect(NO_TLS_TUNING, "tls-dh-params-file", optionalText(), ""),
  withoutEffect(NO_TLS_TUNING, "tls-ciphers", optionalText(), ""),
  withoutEffect(NO_TLS_TUNING, "tls-ciphersuites", optionalText(), ""),
  withoutEffect(NO_TLS_TUNING, "tls-prefer-server-ciphers", yesNo, "no"),
  withoutEffect(NO_TLS_TUNING, "tls-session-caching", yesNo, "yes"),
  withoutEffect(NO_TLS_TUNING, "tls-session-cache-size", anyInt, "20480"),
  withoutEffect(NO_TLS_TUNING, "tls-session-cache-timeout", anyInt, "300"),
];

/** All rows, each once, in the order in which they are listed. */
export const configTable: readonly ConfigParameter[] = [
  ...networkParameters,
  ...generalParameters,
  ...memoryParameters,
  ...persistenceParameters,
  ...replicaParameters,
  ...replicationParameters,
  ...clusterParameters,
  ...platformParameters,
];

/** Directives that Redis once had and still reads past; CONFIG knows nothing of them. */
export const FORGOTTEN_DIRECTIVES: readonly string[] = [
  "list-max-ziplist-entries",
  "list-max-ziplist-value",
  "lua-replicate-commands",
];

/** Directives that only a file or the command line can hold: they set no parameter. */
export const FILE_DIRECTIVES: readonly string[] = [
  "include",
  "loadmodule",
  "rename-command",
  "sentinel",
  "user",
];
