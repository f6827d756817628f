/**
 * Help: what a container command answers to HELP, in Redis's frame.
 */
import { asciiUpper } from "../base/ascii.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { type CommandError, commandError } from "../session/errors.ts";

/**
 * Replies the lines of a HELP subcommand. Redis: the container is shown as it was called, which
 * after `rename-command` is not its own name.
 */
export function replyHelp({ argv, reply }: Client, lines: readonly string[]): void {
  const framed = [
    `${calledName(argv)} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    "HELP",
    "    Prints this help.",
  ];
  reply.array(framed.length);
  for (const line of framed) reply.simple(line);
}

const SHOWN_BYTES_MAX = 128;

/** The error for a subcommand that exists but takes no such arguments. */
export function wrongSubcommandArity(argv: Argv): CommandError {
  const shown = argv.quoted(1, SHOWN_BYTES_MAX);
  return commandError(
    `ERR unknown subcommand or wrong number of arguments for '${shown}'. Try ${
      calledName(argv)
    } HELP.`,
  );
}

/** What the container was called by, in capitals. */
function calledName(argv: Argv): string {
  return asciiUpper(argv.text(0));
}
