/**
 * Persistence commands: SAVE, BGSAVE, LASTSAVE. What they set in motion is in
 * durability/rdb_control.ts.
 */
import { type Client, REDIS_EXECUTING } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";

// deno-fmt-ignore
export const persistenceCommands: readonly RedisCommand[] = [
  { name: "save", proc: saveCommand, arity: 1, keys: [0, 0, 0],
    flags: ["admin", "noscript", "no_async_loading", "no_multi"], categories: [], since: "1.0.0",
    group: "server", complexity: "O(N), N: keys of all databases.",
    summary: "Writes the data to the RDB file; clients wait until it is done." },
  { name: "bgsave", proc: bgsaveCommand, arity: -1, keys: [0, 0, 0],
    flags: ["admin", "noscript", "no_async_loading"], categories: [], since: "1.0.0",
    group: "server", complexity: "O(1)",
    summary: "Writes the data as of now to the RDB file while clients are served." },
  { name: "lastsave", proc: lastsaveCommand, arity: 1, keys: [0, 0, 0],
    flags: ["loading", "stale", "fast"], categories: ["@admin", "@dangerous"], since: "1.0.0",
    group: "server", complexity: "O(1)", tips: ["nondeterministic_output"],
    summary: "Tells when the data were last saved, in seconds of Unix time." },
  { name: "bgrewriteaof", proc: bgrewriteaofCommand, arity: 1, keys: [0, 0, 0],
    flags: ["admin", "noscript", "no_async_loading"], categories: [], since: "1.0.0",
    group: "server", complexity: "O(1)",
    summary: "Writes the append-only file anew, from the data, while clients are served." },
];

/** Redis: a failed SAVE or BGSAVE answers no more than this; the log says why. */
const FAILED = commandError("ERR");
const SAVE_IN_PROGRESS = commandError("ERR Background save already in progress");
const CHILD_IN_PROGRESS = commandError(
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in " +
    "order to schedule a BGSAVE whenever possible.",
);
const REWRITE_IN_PROGRESS = commandError(
  "ERR Background append only file rewriting already in progress",
);
const REWRITE_FAILED = commandError(
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more " +
    "information.",
);

function saveCommand({ host, reply }: Client): void {
  const { rdb } = host.persistence;
  if (rdb.isSaving) throw SAVE_IN_PROGRESS;
  if (host.process.whileBusy(() => rdb.saveNow()) !== null) throw FAILED;
  reply.ok();
}

function bgsaveCommand(client: Client): void {
  const { argv, host, reply } = client;
  const isScheduling = argv.count === 2 && argv.is(1, "schedule");
  if (argv.count > 1 && !isScheduling) throw SYNTAX_ERROR;
  const isInTransaction = client.has(REDIS_EXECUTING);
  switch (host.persistence.rdb.requestBackgroundSave(isScheduling, isInTransaction)) {
    case "started":
      return reply.simple("Background saving started");
    case "scheduled":
      return reply.simple("Background saving scheduled");
    case "saving":
      throw SAVE_IN_PROGRESS;
    case "busy":
      throw CHILD_IN_PROGRESS;
    case "failed":
      throw FAILED;
  }
}

function lastsaveCommand({ host, reply }: Client): void {
  reply.integer(Math.floor(host.persistence.rdb.lastSaveMs / 1000));
}

function bgrewriteaofCommand({ host, reply }: Client): void {
  switch (host.persistence.aof.requestRewrite()) {
    case "started":
      return reply.simple("Background append only file rewriting started");
    case "scheduled":
      return reply.simple("Background append only file rewriting scheduled");
    case "in progress":
      throw REWRITE_IN_PROGRESS;
    case "failed":
      throw REWRITE_FAILED;
  }
}
