/**
 * Shutdown: what has to be safe before the process ends (SHUTDOWN, SIGTERM, SIGINT).
 *
 * A running BGSAVE is given up, the AOF is written and synced, an RDB is saved if there are save
 * points (or if asked for). If something fails, the server stays, unless it is forced.
 */
import type { Host, ShutdownOptions } from "../session/host.ts";

/** The words of `shutdown-on-sigterm` and of SHUTDOWN itself, as options. */
export function shutdownOptions(words: readonly string[]): ShutdownOptions {
  const has = (word: string) => words.includes(word);
  const save = has("save") ? "always" : has("nosave") ? "never" : "default";
  return { save, isForced: has("force"), isNow: has("now") };
}

/** What it uses of the host. */
type ShutdownHost = Pick<Host, "config" | "keyspace" | "log" | "persistence" | "process">;

/**
 * Makes everything safe. Returns whether the process may end now; if not, the log says why, and the
 * server goes on as before.
 */
export function prepareForShutdown(
  { log, config, persistence, keyspace, process }: ShutdownHost,
  options: ShutdownOptions,
): boolean {
  if (keyspace.isLoading) {
    // There is nothing of ours to save, and what is on disk must not be overwritten by a part of
    // it.
    return true;
  }
  persistence.rdb.abort();
  if (!persistence.aof.shutdown(options.isForced) && !options.isForced) return false;
  const hasSavePoints = config.savePoints.length > 0;
  if (options.save === "always" || (options.save === "default" && hasSavePoints)) {
    log.notice("The data are saved once more before the end.");
    process.status("The data are saved once more before the end");
    const error = process.whileBusy(() => persistence.rdb.saveNow());
    if (error !== null) {
      if (!options.isForced) {
        log.warning("The data cannot be saved, so the server goes on.");
        process.status("The data cannot be saved, so the server goes on.");
        return false;
      }
      log.warning("The data cannot be saved; SHUTDOWN FORCE ends the server all the same.");
    }
  }
  persistence.backup.end();
  // What the child was writing goes with it.
  persistence.child.close();
  return true;
}
