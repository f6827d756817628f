/**
 * SLOWLOG, and COMMANDLOG of Valkey: show and empty the logs of commands that were slow, or whose
 * request or reply was large, which statistics/slowlog.ts keeps.
 */
import type { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import type { CommandLog } from "../statistics/slowlog.ts";
import { boundedIntegerArgument } from "./arguments.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const OPERATOR = ["admin", "loading", "stale"] as const;

// deno-fmt-ignore
export const slowlogCommands: readonly RedisCommand[] = [
  { name: "slowlog", arity: -2, flags: [], keys: NO_KEYS, proc: slowlogHelpCommand, categories: [],
    since: "2.2.12", group: "server", complexity: "That of the subcommand.",
    summary: "Shows the commands that took long.", subcommands: [
      { name: "slowlog|get", arity: -2, flags: OPERATOR, keys: NO_KEYS, proc: slowlogGetCommand,
        categories: [],
        tips: ["request_policy:all_nodes", "nondeterministic_output"], since: "2.2.12",
        group: "server",
        complexity: "O(N), N: entries returned.",
        summary: "Returns the newest entries." },
      { name: "slowlog|len", arity: 2, flags: OPERATOR, keys: NO_KEYS, proc: slowlogLenCommand,
        categories: [],
        tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        since: "2.2.12", group: "server", complexity: "O(1)", summary: "Counts the entries." },
      { name: "slowlog|reset", arity: 2, flags: OPERATOR, keys: NO_KEYS, proc: slowlogResetCommand,
        categories: [],
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"], since: "2.2.12",
        group: "server",
        complexity: "O(N), N: entries in the log.", summary: "Removes all entries." },
      { name: "slowlog|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: slowlogHelpCommand,
        categories: [], since: "6.2.0", group: "server", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
  { name: "commandlog", arity: -2, flags: [], keys: NO_KEYS, proc: commandlogHelpCommand,
    categories: [], since: "8.1.0", group: "server", complexity: "That of the subcommand.",
    summary: "Shows the commands that took long, asked for much or answered much.", subcommands: [
      { name: "commandlog|get", arity: 4, flags: OPERATOR, keys: NO_KEYS,
        proc: commandlogGetCommand, categories: [],
        tips: ["request_policy:all_nodes", "nondeterministic_output"], since: "8.1.0",
        group: "server", complexity: "O(N), N: entries returned.",
        summary: "Returns the newest entries of one of the logs." },
      { name: "commandlog|len", arity: 3, flags: OPERATOR, keys: NO_KEYS,
        proc: commandlogLenCommand, categories: [],
        tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        since: "8.1.0", group: "server", complexity: "O(1)",
        summary: "Counts the entries of one of the logs." },
      { name: "commandlog|reset", arity: 3, flags: OPERATOR, keys: NO_KEYS,
        proc: commandlogResetCommand, categories: [],
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"], since: "8.1.0",
        group: "server", complexity: "O(N), N: entries in the log.",
        summary: "Removes all entries of one of the logs." },
      { name: "commandlog|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: commandlogHelpCommand, categories: [], since: "8.1.0", group: "server",
        complexity: "O(1)", summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "GET [<count>]",
  "    Shows the newest entries (default: 10, -1 for every one). Each has",
  "    a number, the time in seconds, its duration in microseconds,",
  "    the arguments, address and name of the client.",
  "LEN",
  "    Counts the entries.",
  "RESET",
  "    Forgets them.",
];

const DEFAULT_COUNT = 10;
const COUNT_TOO_LOW = commandError("ERR count should be greater than or equal to -1");

const COMMANDLOG_HELP = [
  "GET <count> <type>",
  "    Shows so many of the newest entries (-1 for every one) of a log:",
  "    slow, large-request or large-reply. Each has a number, the time in",
  "    seconds, its duration in microseconds or its size in bytes, the",
  "    arguments, address and name of the client.",
  "LEN <type>",
  "    Counts the entries of a log.",
  "RESET <type>",
  "    Forgets them.",
];
const UNKNOWN_TYPE = commandError(
  "ERR type should be one of the following: slow, large-request, large-reply",
);

function slowlogGetCommand({ argv, reply, host }: Client): void {
  if (argv.count > 3) throw wrongSubcommandArity(argv);
  const count = argv.count === 3 ? countArgument(argv) : DEFAULT_COUNT;
  replyEntries(reply, host.commandLogs.slow, count);
}

function slowlogLenCommand({ reply, host }: Client): void {
  reply.integer(host.commandLogs.slow.length);
}

function slowlogResetCommand({ reply, host }: Client): void {
  host.commandLogs.slow.reset();
  reply.ok();
}

function commandlogGetCommand(client: Client): void {
  const { argv, reply } = client;
  const count = countArgument(argv);
  replyEntries(reply, logArgument(client, 3), count);
}

function commandlogLenCommand(client: Client): void {
  client.reply.integer(logArgument(client, 2).length);
}

function commandlogResetCommand(client: Client): void {
  logArgument(client, 2).reset();
  client.reply.ok();
}

function commandlogHelpCommand(client: Client): void {
  replyHelp(client, COMMANDLOG_HELP);
}

/** The number of entries that is asked for. */
function countArgument(argv: Argv): number {
  const count = boundedIntegerArgument(argv, 2, -1, Infinity, COUNT_TOO_LOW);
  return count === -1 ? Infinity : count;
}

function logArgument({ argv, host }: Client, index: number): CommandLog {
  const { slow, largeRequest, largeReply } = host.commandLogs;
  if (argv.is(index, "slow")) return slow;
  if (argv.is(index, "large-request")) return largeRequest;
  if (argv.is(index, "large-reply")) return largeReply;
  throw UNKNOWN_TYPE;
}

function replyEntries(reply: Reply, log: CommandLog, count: number): void {
  const entries = log.newest(count);
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.timeSeconds);
    reply.integer(entry.amount);
    reply.array(entry.shownArguments.length);
    for (const shown of entry.shownArguments) reply.bulkText(shown);
    reply.bulkText(entry.address);
    reply.bulkText(entry.clientName);
  }
}

function slowlogHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
