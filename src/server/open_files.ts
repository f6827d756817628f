/**
 * Open files: compares `maxclients` with the number of files that the process may open, since each
 * client is one. A program made by `deno compile` cannot raise its limit, so `maxclients` is
 * lowered and the log says what to do. (Redis: adjustOpenFilesLimit.)
 */
import type { Log } from "../base/log.ts";

/** Files that are no clients: data files, listeners, what the runtime needs. */
const RESERVED_FILES = 32;

/** The soft limit in the text of /proc/self/limits; null if it is unlimited or not there. */
export function parseOpenFilesLimit(text: string): number | null {
  const match = /^Max open files\s+(\d+)/m.exec(text);
  return match === null ? null : Number(match[1]);
}

/** The limit of this process; null where the system does not tell. */
export function openFilesLimit(): number | null {
  try {
    return parseOpenFilesLimit(Deno.readTextFileSync("/proc/self/limits"));
  } catch {
    return null;
  }
}

/** How many clients can be served: `maxclients`, or fewer, with a warning in the log. */
export function clientsWithin(limit: number | null, maxclients: number, log: Log): number {
  const needed = maxclients + RESERVED_FILES;
  if (limit === null || limit >= needed) return maxclients;
  const allowed = Math.max(1, limit - RESERVED_FILES);
  log.warning(
    `You requested maxclients of ${maxclients} requiring at least ${needed} max file descriptors.`,
  );
  log.warning(
    `Current maximum open files is ${limit}. maxclients has been reduced to ${allowed} to ` +
      `compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.`,
  );
  return allowed;
}
