/**
 * What the configuration says: one plain field for every parameter that has an effect, with the
 * default as its initial value. Fields are called as the parameter, in camel case
 * (`hash-max-listpack-entries` → `hashMaxListpackEntries`), except `save` → `savePoints`.
 *
 * Reading `config.maxmemory` costs one load, so hot code may read the fields directly. Only
 * `Config` writes them (config.ts) – and the few commands that change a setting by themselves, as
 * REPLICAOF. Numbers too large for a double are rounded here. What a parameter means in detail is
 * said once, in redeno.conf; names, bounds and flags are in config_table.ts.
 *
 * Defaults are those of redis-server 7.0.15 started without a file, but for:
 * - `save` is 900 1, 300 10, 60 10000 (Redis 7: 3600 1, 300 100, 60 10000): the points that most
 *   descriptions of Redis name; they save at least as often.
 */
import type { EvictionPolicy } from "../keyspace/evict.ts";
import type { RdbVersionWord } from "../persistence/rdb_format.ts";
import type { MasterAddress, OutputBufferLimits, SavePoint, ShutdownWord } from "./config_kinds.ts";
import { DEFAULT_RELEASE } from "./version.ts";

export type ProtectedAction = "no" | "yes" | "local";

const MIB = 1024 * 1024;

export class ConfigValues {
  // Network.
  /** A `-` before an address: it may be missing on this machine. `*`: all of IPv4. */
  bind: readonly string[] = ["*", "-::*"];
  /** 0: no TCP. */
  port = 6379;
  tcpBacklog = 511;
  protectedMode = true;
  /** "": no socket file. */
  unixsocket = "";
  /** 0: as the umask leaves it. */
  unixsocketperm = 0;
  /** Seconds of silence before a client is closed; 0: never. */
  timeout = 0;
  /** Seconds between probes; 0: none. */
  tcpKeepalive = 300;
  maxclients = 10000;
  /** What carries the bytes of clients; net/transport.ts. */
  transport: "auto" | "epoll" | "runtime" = "auto";
  protoMaxBulkLen = 512 * MIB;
  clientQueryBufferLimit = 1024 * MIB;
  clientOutputBufferLimit: OutputBufferLimits = {
    normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
    replica: { hardBytes: 256 * MIB, softBytes: 64 * MIB, softSeconds: 60 },
    pubsub: { hardBytes: 32 * MIB, softBytes: 8 * MIB, softSeconds: 60 },
  };
  /** Bytes of all clients' buffers; negative: percent of maxmemory; 0: no limit. */
  maxmemoryClients = 0;
  trackingTableMaxKeys = 1000000;

  // TLS.
  tlsPort = 0;
  tlsCertFile = "";
  tlsKeyFile = "";
  tlsKeyFilePass = "";
  tlsClientCertFile = "";
  tlsClientKeyFile = "";
  tlsClientKeyFilePass = "";
  tlsCaCertFile = "";
  tlsCaCertDir = "";
  tlsAuthClients: "no" | "yes" | "optional" = "yes";
  /** Words like TLSv1.2; "": all that the runtime has. */
  tlsProtocols = "";
  tlsReplication = false;
  tlsCluster = false;

  // General.
  /** CLIENT MAINT_NOTIFICATIONS is known, and answered with OK. Not a parameter of Redis. */
  acceptMaintNotifications = false;
  /** The release of Redis as which the server answers; version.ts. Not a parameter of Redis. */
  redisVersion = DEFAULT_RELEASE;
  /** Absolute; where dump.rdb and the AOF live, and what relative paths start from. */
  dir = "";
  databases = 16;
  /** 1 to 500. */
  hz = 10;
  /** The service manager that hears when the server serves and when it ends; supervision.ts. */
  supervised: "upstart" | "systemd" | "auto" | "no" = "no";
  loglevel: "debug" | "verbose" | "notice" | "warning" | "nothing" = "notice";
  logFormat: "legacy" | "logfmt" | "json" = "legacy";
  logTimestampFormat: "legacy" | "iso8601" | "milliseconds" = "legacy";
  /** "": standard output. */
  logfile = "";
  pidfile = "";
  /** Empty: save if there are save points. */
  shutdownOnSigint: readonly ShutdownWord[] = [];
  shutdownOnSigterm: readonly ShutdownWord[] = [];
  notifyKeyspaceEvents = 0;
  /** Print the picture instead of a line about mode and port. */
  alwaysShowLogo = false;
  /** Whether and how the kernel's oom_score_adj is set: `yes` and `relative` are the same. */
  oomScoreAdj: "no" | "yes" | "relative" | "absolute" = "no";
  /** -2000 to 2000 each, of a master, a replica and a child; the child is no process here. */
  oomScoreAdjValues: readonly number[] = [0, 200, 800];

  // Access.
  requirepass = "";
  aclfile = "";
  acllogMaxLen = 128;
  aclPubsubDefault: "allchannels" | "resetchannels" = "resetchannels";
  enableProtectedConfigs: ProtectedAction = "no";
  enableDebugCommand: ProtectedAction = "no";
  enableModuleCommand: ProtectedAction = "no";

  // Memory.
  /** Bytes; 0: no limit. */
  maxmemory = 0;
  maxmemoryPolicy: EvictionPolicy = "noeviction";
  maxmemorySamples = 5;
  maxmemoryEvictionTenacity = 10;
  lfuLogFactor = 10;
  /** Minutes. */
  lfuDecayTime = 1;
  activeExpireEffort = 1;
  activedefrag = false;
  /** Percent; 0: never. */
  activeDefragThresholdAuto = 30;
  activeDefragIgnoreBytes = 100 * 1024 * 1024;
  /** Percent. */
  activeDefragThresholdLower = 10;
  activeDefragThresholdUpper = 100;
  /** Percent of the time. */
  activeDefragCycleMin = 1;
  activeDefragCycleMax = 25;
  activeDefragMaxScanFields = 1000;
  /** What is recorded of keys that go by themselves is UNLINK instead of DEL. */
  lazyfreeLazyEviction = false;
  lazyfreeLazyExpire = false;

  // Encodings.
  hashMaxListpackEntries = 512;
  hashMaxListpackValue = 64;
  /** Positive: entries; -1 to -5: 4, 8, 16, 32, 64 KiB. */
  listMaxListpackSize = -2;
  setMaxIntsetEntries = 512;
  /** From release 7.2 on. */
  setMaxListpackEntries = 128;
  setMaxListpackValue = 64;
  zsetMaxListpackEntries = 128;
  zsetMaxListpackValue = 64;
  hllSparseMaxBytes = 3000;
  streamNodeMaxBytes = 4096;
  streamNodeMaxEntries = 100;

  // RDB.
  savePoints: readonly SavePoint[] = [
    { seconds: 900, changes: 1 },
    { seconds: 300, changes: 10 },
    { seconds: 60, changes: 10000 },
  ];
  dbfilename = "dump.rdb";
  /** The format written: 9 (Redis 5, 6), 10 (7.0) or 11 (7.2). Not a parameter of Redis. */
  rdbVersion: RdbVersionWord = "auto";
  rdbcompression = true;
  rdbchecksum = true;
  rdbSaveIncrementalFsync = true;
  stopWritesOnBgsaveError = true;
  /** Microseconds after each key while saving; negative: keys per microsecond. For tests. */
  rdbKeySaveDelay = 0;
  /** The same while loading. */
  keyLoadDelay = 0;
  loadingProcessEventsIntervalBytes = 2 * MIB;

  // AOF.
  appendonly = false;
  appendfilename = "appendonly.aof";
  appenddirname = "appendonlydir";
  appendfsync: "everysec" | "always" | "no" = "everysec";
  noAppendfsyncOnRewrite = false;
  autoAofRewritePercentage = 100;
  autoAofRewriteMinSize = 64 * MIB;
  aofLoadTruncated = true;
  /** Bytes of zeros or garbage that may be cut off at the end. Not a parameter of Redis. */
  aofLoadCorruptTailMaxSize = 4096;
  aofUseRdbPreamble = true;
  aofTimestampEnabled = false;
  aofRewriteIncrementalFsync = true;
  aofDisableAutoGc = false;
  /** The directory of BACKUP, below `dir`; and seconds for which a sealed backup is kept, or 0. */
  backupdirname = "backupdir";
  backupSealedTtl = 0;
  /** What is loaded at the start instead of the server's own files (preload_target.ts), or "". */
  preloadFile = "";

  // Replication.
  replBacklogSize = MIB;
  /** Seconds without replicas after which a master lets its backlog go; 0: never. */
  replBacklogTtl = 3600;
  /** Send the data without writing a file first. */
  replDisklessSync = true;
  /** Seconds that a transfer waits for further replicas, and how many are enough; 0: no number. */
  replDisklessSyncDelay = 5;
  replDisklessSyncMaxReplicas = 0;
  /** The stream goes to replicas in fewer, larger packets, up to 40 ms later. */
  replDisableTcpNodelay = false;
  /** Seconds between PINGs in the stream. */
  replPingReplicaPeriod = 10;
  /** Replicas that must have answered in the last seconds, or writers are refused; 0: off. */
  minReplicasToWrite = 0;
  minReplicasMaxLag = 10;
  /** Seconds that SHUTDOWN waits for replicas; 0: not at all. */
  shutdownTimeout = 10;
  /** Whether a replica takes this server's place at SHUTDOWN. Not a parameter of Redis. */
  shutdownHandsOver = false;
  /** Seconds of silence after which master and replica take each other for gone. */
  replTimeout = 60;

  // As a replica.
  /** The master; null: this server is one. */
  replicaof: MasterAddress | null = null;
  /** "": the master's default user. */
  masteruser = "";
  masterauth = "";
  replicaServeStaleData = true;
  replicaReadOnly = true;
  replicaIgnoreMaxmemory = true;
  replicaIgnoreDiskWriteErrors = false;
  /** For Sentinel: the lowest is promoted first; 0: never. */
  replicaPriority = 100;
  /** Whether Sentinel tells its clients of this replica. */
  replicaAnnounced = true;
  /** "": the address that the master sees. */
  replicaAnnounceIp = "";
  /** 0: the port on which this server listens. */
  replicaAnnouncePort = 0;
  /** Where the data of a master are received: in a file, or in memory. */
  replDisklessLoad: "disabled" | "on-empty-db" | "swapdb" = "disabled";
  /** An RDB file that only replication needed goes if nothing else is saved. */
  rdbDelSyncFiles = false;
  propagationErrorBehavior: "ignore" | "panic" | "panic-on-replicas" = "ignore";

  // Watching the server.
  /** Microseconds; negative: no slow log. */
  slowlogLogSlowerThan = 10000;
  slowlogMaxLen = 128;
  /** Bytes; negative: not logged. */
  commandlogRequestLargerThan = 1048576;
  commandlogLargeRequestMaxLen = 128;
  commandlogReplyLargerThan = 1048576;
  commandlogLargeReplyMaxLen = 128;
  /** Milliseconds; 0: off. */
  latencyMonitorThreshold = 0;
  latencyTracking = true;
  latencyTrackingInfoPercentiles: readonly number[] = [50, 99, 99.9];
  /** Milliseconds a script may run before others are answered BUSY. */
  busyReplyThreshold = 5000;
  /** Milliseconds after which a script is ended even if it has written; 0: never. */
  scriptTimeLimit = 60_000;
  /** Bytes that a script may hold. */
  scriptMemoryLimit = 256 * MIB;
}
