/**
 * Help: what a container command answers to HELP, in Redis's frame.
 */
import type { Reply } from "../protocol/reply.ts";

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
