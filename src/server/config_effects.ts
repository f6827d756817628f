/**
 * Config effects: hands the configuration to the parts of the server that keep a copy of a value,
 * at the start and after each CONFIG SET. What is read from `host.config` when needed is not
 * here.
 */
import { asciiLower } from "../base/ascii.ts";
import { systemErrorText } from "../config/config.ts";
import { ConfigFileError } from "../config/config_file.ts";
import type { ConfigValues } from "../config/config_values.ts";
import {
  EVENT_ANY_SUBKEY,
  EVENT_OVERWRITTEN,
  EVENT_TYPE_CHANGED,
} from "../keyspace/keyspace_listener.ts";
import { BYTES_MAX } from "../structures/byte_string.ts";
import { clientsAllowed, openFilesLimit } from "../net/open_files.ts";
import type { Host } from "../session/host.ts";

/** Gives all parts their values, and sees to it that they hear of changes. */
export function applyConfig(host: Host): void {
  const { config } = host;
  for (const [names, apply] of EFFECTS) {
    const reason = apply(host);
    if (reason !== null) throw new Error(reason);
    config.onChange(names, () => apply(host));
  }
  config.onChange("maxclients", refuseTooManyClients);
  config.onChange("tcp-keepalive", () => {
    host.listeners.applyKeepalive();
    return null;
  });
  config.onChange("maxmemory", () => evictSoon(host));
  watchListeners(host);
}

const TLS_FAILURE = "Unable to update TLS configuration. Check server logs.";
const PORT_FAILURE = "Unable to listen on this port. Check server logs.";
const BIND_FAILURE = "Failed to bind to specified addresses.";

/** Sockets and certificates are opened and read at the start by Listeners itself. */
function watchListeners({ config, listeners }: Host): void {
  config.onChange("port", () => listeners.update() ? null : PORT_FAILURE);
  config.onChange("bind", () => listeners.update() ? null : BIND_FAILURE);
  config.onChange("tls-port", ({ tlsPort }) => {
    if (tlsPort !== 0 && !listeners.isTlsConfigured && !listeners.configureTls()) {
      return TLS_FAILURE;
    }
    return listeners.update() ? null : PORT_FAILURE;
  });
  config.onChange(TLS_PARAMETERS, ({ tlsPort }) => {
    return tlsPort === 0 || listeners.configureTls() ? null : TLS_FAILURE;
  });
}

const TLS_PARAMETERS = [
  "tls-cert-file",
  "tls-key-file",
  "tls-key-file-pass",
  "tls-ca-cert-file",
  "tls-ca-cert-dir",
  "tls-auth-clients",
  "tls-protocols",
];

/** At the start `maxclients` is lowered instead (open_files.ts). */
function refuseTooManyClients({ maxclients }: ConfigValues): string | null {
  const allowed = clientsAllowed(openFilesLimit(maxclients), maxclients);
  if (allowed === maxclients) return null;
  return "The operating system is not able to handle the specified number of clients, " +
    `try with ${allowed}`;
}

/** Applies one group of parameters; returns why that is impossible, or null. */
type Effect = (host: Host) => string | null;

const EFFECTS: readonly (readonly [names: readonly string[], apply: Effect])[] = [
  [["proto-max-bulk-len"], applyProtocol],
  [["maxmemory", "maxmemory-policy", "maxmemory-samples"], applyMemory],
  [["maxmemory-clients"], applyMemory],
  [["maxmemory-eviction-tenacity", "lfu-log-factor", "lfu-decay-time"], applyMemory],
  [["hz", "active-expire-effort"], applyCron],
  [["active-defrag-max-scan-fields"], applyDefragmentation],
  // A relative log file is one in the present directory.
  [["loglevel", "logfile", "log-format", "log-timestamp-format", "dir"], applyLog],
  [["requirepass"], applyPassword],
  [["notify-keyspace-events"], applyEvents],
  [["client-output-buffer-limit"], applyOutputLimits],
  [["slowlog-log-slower-than", "latency-monitor-threshold"], applyTiming],
  [["commandlog-request-larger-than", "commandlog-reply-larger-than"], applyLargeLimits],
];

function applyProtocol({ config, dispatcher }: Host): string | null {
  // What no value can be long enough for is not worth waiting for.
  dispatcher.parser.argumentBytesMax = Math.min(config.protoMaxBulkLen, BYTES_MAX);
  return null;
}

function applyEvents({ config, keyspace }: Host): null {
  const wanted = EVENT_OVERWRITTEN | EVENT_TYPE_CHANGED;
  keyspace.announcesFields = (config.notifyKeyspaceEvents & EVENT_ANY_SUBKEY) !== 0;
  keyspace.announcesOverwrites = (config.notifyKeyspaceEvents & wanted) !== 0;
  return null;
}

function applyMemory(host: Host): string | null {
  const { config, keyspace, evictor } = host;
  keyspace.notesReads = !config.maxmemoryPolicy.endsWith("lrm");
  keyspace.usesLfu = config.maxmemoryPolicy.endsWith("lfu");
  keyspace.lfuLogFactor = config.lfuLogFactor;
  keyspace.lfuDecayTime = config.lfuDecayTime;
  evictor.policy = config.maxmemoryPolicy;
  evictor.samples = config.maxmemorySamples;
  evictor.tenacity = config.maxmemoryEvictionTenacity;
  host.memoryLimit.watch();
  host.clientMemory.applyConfig();
  return null;
}

/** CONFIG SET maxmemory: what is too much goes now, not when a command asks for memory. */
function evictSoon({ config, log, memoryLimit, turn }: Host): null {
  const { maxmemory } = config;
  const usedBytes = memoryLimit.countedBytes();
  if (maxmemory === 0 || usedBytes <= maxmemory) return null;
  log.warning(
    `WARNING: maxmemory is now ${maxmemory} bytes, but ${usedBytes} are in use: as the ` +
      "maxmemory-policy says, keys are evicted or writers refused.",
  );
  memoryLimit.isEvictionDue = true;
  turn.schedule();
  return null;
}

function applyPassword({ acl, config }: Host): string | null {
  acl.setDefaultPassword(config.requirepass);
  return null;
}

function applyOutputLimits({ outputLimits }: Host): string | null {
  outputLimits.applyToAll();
  return null;
}

function applyCron({ config, expireCycle }: Host): string | null {
  expireCycle.effort = config.activeExpireEffort;
  expireCycle.hz = config.hz;
  return null;
}

function applyDefragmentation({ config, activeDefrag }: Host): string | null {
  activeDefrag.defragmentation.scanFieldsMax = config.activeDefragMaxScanFields;
  return null;
}

/** A limit below a millisecond can be passed by any command, so all of them are timed. */
const TIMED_EACH_US_MAX = 1000;

function applyTiming({ config, dispatcher }: Host): string | null {
  const { slowlogLogSlowerThan, latencyMonitorThreshold } = config;
  dispatcher.timesEachCall = latencyMonitorThreshold > 0 ||
    (slowlogLogSlowerThan >= 0 && slowlogLogSlowerThan < TIMED_EACH_US_MAX);
  return null;
}

function applyLargeLimits({ config, dispatcher }: Host): null {
  const limit = (bytes: number) => bytes < 0 ? Infinity : bytes;
  dispatcher.largeRequestBytes = limit(config.commandlogRequestLargerThan);
  dispatcher.largeReplyBytes = limit(config.commandlogReplyLargerThan);
  return null;
}

function applyLog({ config, log }: Host): string | null {
  log.level = config.loglevel;
  log.format = config.logFormat;
  log.timeFormat = config.logTimestampFormat;
  if (config.logfile === "") return null;
  try {
    log.open(config.resolvePath(config.logfile));
    return null;
  } catch (error) {
    return `Can't open the log file: ${systemErrorText(error)}`;
  }
}

/** Carries out the `rename-command` directives. Throws ConfigFileError for one that is wrong. */
export function renameCommands({ config, commands }: Pick<Host, "commands" | "config">): void {
  for (const { words: [name, newName], source } of config.renamedCommands) {
    const command = commands.byName.get(asciiLower(name));
    if (command === undefined) {
      throw new ConfigFileError(source, "No such command in rename-command");
    }
    const other = commands.byName.get(asciiLower(newName)) ?? command;
    if (other !== command) throw new ConfigFileError(source, "Target command name already exists");
    commands.rename(name, newName);
  }
}
