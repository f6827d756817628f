/**
 * Start banner: what the log says first: version, process, where the configuration came from, where
 * data goes, and the warnings that an operator should not miss. Redis's wording where tools may
 * look for it.
 *
 * Not here: the limit of open files (open_files.ts), which changes a setting. Memory overcommit and
 * huge pages, of which Redis warns, do not matter: the child that saves is a thread, not a fork.
 */
import type { Log } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { announcedVersion, REDENO_VERSION } from "../config/version.ts";
import type { Host } from "../session/host.ts";

/** Logged before anything is opened. `isConfigured`: by directives of the command line or stdin. */
export function greet(config: Config, isConfigured: boolean, log: Log): void {
  log.warning(
    `Redeno ${REDENO_VERSION}, compatible with Redis ${announcedVersion(config)}, ` +
      `Deno ${Deno.version.deno}, pid=${Deno.pid}, just started`,
  );
  if (config.configFile !== "") {
    log.warning(`Configuration loaded from ${config.configFile}`);
  } else if (isConfigured) {
    log.warning("Configuration loaded");
  } else {
    log.warning("No configuration file is named: all parameters have their defaults.");
  }
  for (const { name, reason } of config.ineffectiveSettings()) {
    log.warning(`The setting '${name}' has no effect here: ${reason}`);
  }
  log.notice(`Data in ${config.dir}: ${persistenceText(config)}`);
}

/**
 * Logged once clients can connect, and not before: tools read the port and the process id here, and
 * connect at once.
 */
export function announceOpen({ config, log }: Pick<Host, "config" | "log">): void {
  const { port, tlsPort } = config;
  const servesTls = port === 0 && tlsPort !== 0;
  const shown = servesTls ? tlsPort : port;
  if (config.alwaysShowLogo) {
    if (log.isOn("notice")) log.raw(picture(shown, announcedVersion(config)));
  } else {
    log.notice(`Running mode=standalone, ${servesTls ? "tls-port" : "port"}=${shown}.`);
  }
  // Redis's own test suite waits for this line.
  log.warning("Server initialized");
}

/** The picture of `always-show-logo`; tools look for the lines with port and process id. */
function picture(port: number, version: string): string {
  return `
     _______
    /  ___  \\        Redeno ${REDENO_VERSION}, compatible with Redis ${version}, 64 bit
   |  |   |  |
   |  |___/  |       Running in standalone mode
   |  |___  /        Port: ${port}
   |  |  \\  \\        PID: ${Deno.pid}
   |__|   \\__\\

`;
}

/** What of the data outlives the process, and by which files. */
function persistenceText(config: Config): string {
  const { savePoints, dbfilename, appendonly, appenddirname, appendfsync } = config;
  if (!appendonly && savePoints.length === 0) {
    return "nothing is saved by itself ('save' is empty and 'appendonly' is no)";
  }
  const points = savePoints.map(({ seconds, changes }) => `${seconds} ${changes}`).join(" ");
  const rdb = points === "" ? "no save points" : `snapshots in ${dbfilename} (save ${points})`;
  const aof = appendonly
    ? `every write in ${appenddirname} (appendfsync ${appendfsync})`
    : "no append only file";
  return `${rdb}, ${aof}`;
}

/** Logged once the users are known: whether strangers could come in. */
export function warnIfExposed({ config, acl, log }: Pick<Host, "acl" | "config" | "log">): void {
  const listens = config.port !== 0 || config.tlsPort !== 0;
  if (!listens || config.protectedMode || !acl.defaultUser.hasNoPassword) return;
  const addresses = config.bind.map((one) => one.replace(/^-/, ""))
    .filter((address) => !isLoopbackName(address));
  if (addresses.length === 0) return;
  log.warning(
    `WARNING: no password is set, protected mode is off, and clients are accepted at ` +
      `${addresses.join(" ")}: whoever can reach this machine can read and change all data. ` +
      `Set 'requirepass' or an ACL user, or restrict 'bind'.`,
  );
}

function isLoopbackName(address: string): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}
