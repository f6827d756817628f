/**
 * Open files: compares `maxclients` with the number of files that the process may open, since each
 * client is one. The limit is raised if the C library may be called and the system allows it; where
 * it does not suffice, `maxclients` is lowered and the log says what to do. (Redis:
 * adjustOpenFilesLimit.)
 */
import type { Log } from "../base/log.ts";
import { type Libc, openLibc } from "./libc.ts";

/** Files that are no clients: data files, listeners, what the runtime needs. */
const RESERVED_FILES = 32;
const RLIMIT_NOFILE = 7;
const UNLIMITED = 2n ** 64n - 1n;

/** The soft limit in the text of /proc/self/limits; null if it is not there. */
export function parseOpenFilesLimit(text: string): number | null {
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(text);
  if (match === null) return null;
  return match[1] === "unlimited" ? Infinity : Number(match[1]);
}

/**
 * The limit of this process, raised as far as possible if it is too low for so many clients; null
 * where the system does not tell.
 */
export function openFilesLimit(maxclients: number): number | null {
  const libc = openLibc();
  if (libc !== null) return raiseLimit(libc, maxclients + RESERVED_FILES);
  try {
    return parseOpenFilesLimit(Deno.readTextFileSync("/proc/self/limits"));
  } catch {
    return null;
  }
}

/** Raises the limit to `wanted` files, or as far as the system allows; returns what it is then. */
function raiseLimit(libc: Libc, wanted: number): number | null {
  // Now, and the most that a process without privileges may set.
  const limits = new BigUint64Array(2);
  if (libc.getrlimit(RLIMIT_NOFILE, limits) !== 0) return null;
  const [soft, hard] = limits;
  if (soft! >= wanted) return filesOf(soft!);
  const attempts = [BigInt(wanted), hard!];
  for (const files of attempts) {
    const raised = new BigUint64Array([files, files > hard! ? files : hard!]);
    if (files > soft! && libc.setrlimit(RLIMIT_NOFILE, raised) === 0) return filesOf(files);
  }
  return filesOf(soft!);
}

function filesOf(limit: bigint): number {
  return limit === UNLIMITED ? Infinity : Number(limit);
}

/** How many of `maxclients` clients a limit on open files leaves room for. */
export function clientsAllowed(limit: number | null, maxclients: number): number {
  return limit === null ? maxclients : Math.min(maxclients, Math.max(1, limit - RESERVED_FILES));
}

/** How many clients can be served: `maxclients`, or fewer, with a warning in the log. */
export function clientsWithin(limit: number | null, maxclients: number, log: Log): number {
  if (limit === null) {
    log.verbose(
      "The limit of open files cannot be read (the runtime shows it only to a process with all " +
        `permissions), so it is not known whether it allows maxclients of ${maxclients}.`,
    );
  }
  const allowed = clientsAllowed(limit, maxclients);
  if (allowed === maxclients) return maxclients;
  const needed = maxclients + RESERVED_FILES;
  log.warning(
    `maxclients ${maxclients} needs ${needed} open files, and this process may have ${limit}.`,
  );
  log.warning(
    `So maxclients is ${allowed} for now. Raise the limit ('ulimit -n', or LimitNOFILE of the ` +
      "service unit) to serve more clients.",
  );
  return allowed;
}
