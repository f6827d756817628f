/**
 * SLOWLOG: shows and empties the log of slow commands, which statistics/slowlog.ts keeps.
 */
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
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

function slowlogGetCommand({ argv, reply, host }: Client): void {
  if (argv.count > 3) throw wrongSubcommandArity(argv);
  let count = DEFAULT_COUNT;
  if (argv.count === 3) count = boundedIntegerArgument(argv, 2, -1, Infinity, COUNT_TOO_LOW);
  const entries = host.slowlog.newest(count === -1 ? Infinity : count);
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.timeSeconds);
    reply.integer(entry.microseconds);
    reply.array(entry.shownArguments.length);
    for (const shown of entry.shownArguments) reply.bulkText(shown);
    reply.bulkText(entry.address);
    reply.bulkText(entry.clientName);
  }
}

function slowlogLenCommand({ reply, host }: Client): void {
  reply.integer(host.slowlog.length);
}

function slowlogResetCommand({ reply, host }: Client): void {
  host.slowlog.reset();
  reply.ok();
}

function slowlogHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
