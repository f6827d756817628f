/**
 * BACKUP: files of the data that are a whole, while clients are served. What it does is in
 * durability/backup.ts.
 */
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { replyHelp } from "./help.ts";

const COMMON = {
  arity: 2,
  keys: [0, 0, 0],
  categories: [],
  since: "8.10.0",
  group: "server",
  complexity: "O(1)",
} as const;
const ACTS = { ...COMMON, flags: ["admin", "noscript"] } as const;
const ASKS = { ...COMMON, flags: ["admin", "stale"] } as const;

// deno-fmt-ignore
export const backupCommands: readonly RedisCommand[] = [
  { ...COMMON, name: "backup", arity: -2, flags: [], proc: backupHelpCommand,
    complexity: "That of the subcommand.", summary: "Makes a backup while clients are served.",
    subcommands: [
      { ...ACTS, name: "backup|start", proc: backupStartCommand,
        summary: "Begins a backup: the data as of now, and what is changed from then on." },
      { ...ACTS, name: "backup|seal", proc: backupSealCommand,
        summary: "Ends the backup, whose files are a whole from then on." },
      { ...ASKS, name: "backup|status", proc: backupStatusCommand,
        summary: "Tells how far the backup is." },
      { ...ASKS, name: "backup|list", proc: backupListCommand,
        summary: "Lists the files that can be copied." },
      { ...ACTS, name: "backup|abort", proc: backupAbortCommand,
        summary: "Gives up a backup that is not sealed." },
      { ...ACTS, name: "backup|cleanup", proc: backupCleanupCommand,
        summary: "Removes the files of a backup that was sealed." },
      { ...COMMON, name: "backup|help", flags: ["loading", "stale"], proc: backupHelpCommand,
        summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "START",
  "    Begins a backup in backupdirname: a snapshot, and what changes from then on.",
  "SEAL",
  "    Ends it: the files are a whole, as of now.",
  "STATUS",
  "    Shows the state, an error if there was one, and the times of begin and end.",
  "LIST",
  "    Lists the paths of the files that change no more.",
  "ABORT",
  "    Gives up a backup that is not sealed, and removes its files.",
  "CLEANUP",
  "    Removes the files of the sealed backup.",
];

function backupStartCommand({ host, reply }: Client): void {
  host.persistence.backup.start();
  reply.ok();
}

function backupSealCommand({ host, reply }: Client): void {
  host.persistence.backup.seal();
  reply.ok();
}

function backupStatusCommand({ host, reply }: Client): void {
  const { state, error, startSeconds, endSeconds } = host.persistence.backup;
  reply.map(4);
  for (
    const [name, value] of [
      ["state", state],
      ["error", error],
      ["start_time", String(startSeconds)],
      ["end_time", String(endSeconds)],
    ]
  ) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
}

function backupListCommand({ host, reply }: Client): void {
  const paths = host.persistence.backup.list();
  reply.array(paths.length);
  for (const path of paths) reply.bulkText(path);
}

function backupAbortCommand({ host, reply }: Client): void {
  host.persistence.backup.abort();
  reply.ok();
}

function backupCleanupCommand({ host, reply }: Client): void {
  host.persistence.backup.cleanUp();
  reply.ok();
}

function backupHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
