/**
 * CONFIG: reads and changes the configuration, writes it to its file, resets the statistics. What a
 * parameter is, and which values it may have, is in server/config*.ts.
 */
import { userLines } from "../access/acl_file.ts";
import { resetStatistics } from "../execution/reset_statistics.ts";
import type { Argv } from "../protocol/argv.ts";
import { type Client, isLocal } from "../session/client.ts";
import { ON_ALL_NODES, type RedisCommand } from "../session/command.ts";
import { isSensitiveParameter } from "../config/config.ts";
import { rewriteConfigFile } from "../config/config_rewrite.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { replyHelp } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;

// deno-fmt-ignore
export const configCommands: readonly RedisCommand[] = [
  { name: "config", arity: -2, flags: [], keys: NO_KEYS, proc: configHelpCommand, categories: [],
    since: "2.0.0", group: "server", complexity: "That of the subcommand.",
    summary: "Reads and changes the configuration.", subcommands: [
      { name: "config|get", arity: -3, flags: ["admin", "noscript", "loading", "stale"], keys: NO_KEYS,
        proc: configGetCommand, categories: [], since: "2.0.0", group: "server",
        complexity: "O(N), N: parameters that are named.",
        summary: "Returns the parameters whose names match." },
      { name: "config|set", arity: -4, flags: ["admin", "noscript", "loading", "stale"], keys: NO_KEYS,
        proc: configSetCommand, isSecret: isSecretParameter, categories: [], since: "2.0.0", group: "server",
        complexity: "O(N), N: parameters that are named.",
        tips: ON_ALL_NODES,
        summary: "Changes parameters: all of those named, or none." },
      { name: "config|rewrite", arity: 2, flags: ["admin", "noscript", "loading", "stale"], keys: NO_KEYS,
        proc: configRewriteCommand, categories: [], since: "2.8.0", group: "server", complexity: "O(1)",
        changedIn: ["7.2", { tips: ON_ALL_NODES }],
        summary: "Writes the configuration in force to its file." },
      { name: "config|resetstat", arity: 2, flags: ["admin", "noscript", "loading", "stale"], keys: NO_KEYS,
        proc: configResetstatCommand, categories: [], since: "2.0.0", group: "server", complexity: "O(1)",
        changedIn: ["7.2", { tips: ON_ALL_NODES }],
        summary: "Sets the counters of INFO to zero." },
      { name: "config|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: configHelpCommand, categories: [], since: "5.0.0", group: "server", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "GET <pattern>",
  "    Shows each parameter whose name matches, with its value.",
  "SET <directive> <value>",
  "    Changes a parameter; it takes several pairs, and all or none become valid.",
  "RESETSTAT",
  "    Starts the counters of INFO anew.",
  "REWRITE",
  "    Brings the file that was read at the start up to date, comments kept.",
];

function configGetCommand(client: Client): void {
  const { reply, argv, host } = client;
  const patterns: string[] = [];
  for (let index = 2; index < argv.count; index++) patterns.push(argv.text(index));
  const found = host.config.matching(patterns);
  reply.map(found.length);
  for (const [name, text] of found) {
    reply.bulkText(name);
    reply.bulkText(text);
  }
}

function configSetCommand(client: Client): void {
  const { reply, argv, host } = client;
  if (argv.count % 2 !== 0) throw SYNTAX_ERROR;
  const pairs: [string, string][] = [];
  for (let index = 2; index < argv.count; index += 2) {
    pairs.push([argv.text(index), argv.text(index + 1)]);
  }
  const error = host.config.setMany(pairs, {
    isLocalClient: isLocal(client),
    isLoading: host.keyspace.isLoading,
  });
  if (error !== null) throw commandError(error);
  reply.ok();
}

/** The value of a parameter that is a password or the like. */
function isSecretParameter(argv: Argv, index: number): boolean {
  return index >= 3 && index % 2 === 1 && isSensitiveParameter(argv.text(index - 1));
}

function configRewriteCommand({ host, reply }: Client): void {
  const error = rewriteConfigFile(host.config, userLines(host.acl), host.files);
  if (error !== null) throw commandError(error);
  host.log.notice("CONFIG REWRITE has written the configuration file.");
  host.persistence.aof.followConfig();
  reply.ok();
}

function configResetstatCommand({ host, reply }: Client): void {
  resetStatistics(host);
  reply.ok();
}

function configHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
