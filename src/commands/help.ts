/**
 * Help: what a container command answers to HELP, in Redis's frame.
 */
import type { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import { type CommandError, commandError } from "../session/errors.ts";

/** Replies the lines of a HELP subcommand; `name` is the container's, in capitals. */
export function replyHelp(reply: Reply, name: string, lines: readonly string[]): void {
  const framed = [
    `${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    "HELP",
    "    Prints this help.",
  ];
  reply.array(framed.length);
  for (const line of framed) reply.simple(line);
}

const SHOWN_BYTES_MAX = 128;

/**
 * The error for a subcommand that exists but takes no such arguments; `name` is the container's, in
 * capitals.
 */
export function wrongSubcommandArity(argv: Argv, name: string): CommandError {
  const shown = argv.quoted(1, SHOWN_BYTES_MAX);
  return commandError(
    `ERR unknown subcommand or wrong number of arguments for '${shown}'. Try ${name} HELP.`,
  );
}
