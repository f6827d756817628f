/**
 * Config effects: hands the configuration to the parts of the server that keep a copy of a value,
 * at the start and after each CONFIG SET. What is read from `server.config` when needed is not
 * here.
 */
import { BYTES_MAX } from "../structures/byte_string.ts";
import { systemErrorText } from "../config/config.ts";
import { ConfigFileError } from "../config/config_file.ts";
import type { ConfigValues } from "../config/config_values.ts";
import { clientsAllowed, openFilesLimit } from "../net/open_files.ts";
import type { Server } from "./server.ts";

/** Gives all parts their values, and sees to it that they hear of changes. */
export function applyConfig(server: Server): void {
  const { config } = server;
  for (const [names, apply] of EFFECTS) {
    const reason = apply(server);
    if (reason !== null) throw new Error(reason);
    config.onChange(names, () => apply(server));
  }
  config.onChange("maxclients", refuseTooManyClients);
  watchListeners(server);
}

const TLS_FAILURE = "Unable to update TLS configuration. Check server logs.";
const PORT_FAILURE = "Unable to listen on this port. Check server logs.";
const BIND_FAILURE = "Failed to bind to specified addresses.";

/** Sockets and certificates are opened and read at the start by Listeners itself. */
function watchListeners({ config, listeners }: Server): void {
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
  const allowed = clientsAllowed(openFilesLimit(), maxclients);
  if (allowed === maxclients) return null;
  return "The operating system is not able to handle the specified number of clients, " +
    `try with ${allowed}`;
}

/** Applies one group of parameters; returns why that is impossible, or null. */
type Effect = (server: Server) => string | null;

const EFFECTS: readonly (readonly [names: readonly string[], apply: Effect])[] = [
  [["proto-max-bulk-len"], applyProtocol],
  [["maxmemory", "maxmemory-policy", "maxmemory-samples"], applyMemory],
  [["maxmemory-clients"], applyMemory],
  [["maxmemory-eviction-tenacity", "lfu-log-factor", "lfu-decay-time"], applyMemory],
  [["hz", "active-expire-effort"], applyCron],
  [["active-defrag-max-scan-fields"], applyDefragmentation],
  [["loglevel", "logfile"], applyLog],
  [["requirepass"], applyPassword],
  [["client-output-buffer-limit"], applyOutputLimits],
  [["slowlog-log-slower-than", "latency-monitor-threshold"], applyTiming],
];

function applyProtocol({ config, dispatcher }: Server): string | null {
  // What no value can be long enough for is not worth waiting for.
  dispatcher.parser.argumentBytesMax = Math.min(config.protoMaxBulkLen, BYTES_MAX);
  return null;
}

function applyMemory(server: Server): string | null {
  const { config, keyspace, evictor } = server;
  keyspace.usesLfu = config.maxmemoryPolicy.endsWith("lfu");
  keyspace.lfuLogFactor = config.lfuLogFactor;
  keyspace.lfuDecayTime = config.lfuDecayTime;
  evictor.policy = config.maxmemoryPolicy;
  evictor.samples = config.maxmemorySamples;
  evictor.tenacity = config.maxmemoryEvictionTenacity;
  server.watchMemory();
  server.clientMemory.applyConfig();
  return null;
}

function applyPassword({ acl, config }: Server): string | null {
  acl.setDefaultPassword(config.requirepass);
  return null;
}

function applyOutputLimits({ outputLimits }: Server): string | null {
  outputLimits.applyToAll();
  return null;
}

function applyCron({ config, expireCycle }: Server): string | null {
  expireCycle.effort = config.activeExpireEffort;
  expireCycle.hz = config.hz;
  return null;
}

function applyDefragmentation({ config, activeDefrag }: Server): string | null {
  activeDefrag.defragmentation.scanFieldsMax = config.activeDefragMaxScanFields;
  return null;
}

/** A limit below a millisecond can be passed by any command, so all of them are timed. */
const TIMED_EACH_US_MAX = 1000;

function applyTiming({ config, dispatcher }: Server): string | null {
  const { slowlogLogSlowerThan, latencyMonitorThreshold } = config;
  dispatcher.timesEachCall = latencyMonitorThreshold > 0 ||
    (slowlogLogSlowerThan >= 0 && slowlogLogSlowerThan < TIMED_EACH_US_MAX);
  return null;
}

function applyLog({ config, log }: Server): string | null {
  log.level = config.loglevel;
  if (config.logfile === "") return null;
  try {
    log.open(config.resolvePath(config.logfile));
    return null;
  } catch (error) {
    return `Can't open the log file: ${systemErrorText(error)}`;
  }
}

/** Carries out the `rename-command` directives. Throws ConfigFileError for one that is wrong. */
export function renameCommands({ config, commands }: Server): void {
  for (const { words: [name, newName], source } of config.renamedCommands) {
    if (commands.byName.has(newName.toLowerCase())) {
      throw new ConfigFileError(source, "Target command name already exists");
    }
    if (!commands.rename(name.toLowerCase(), newName)) {
      throw new ConfigFileError(source, "No such command in rename-command");
    }
  }
}
