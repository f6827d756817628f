/**
 * What a bench is told at its command line, by the comment at the head of the program: `--help`
 * prints it, and an option that it does not name is a mistake, not a run of an hour without it.
 */

import { fromFileUrl } from "@std/path";
import { printLine } from "../../tests/support/text.ts";

/** The text of the comment that a program begins with, without its stars. */
export function headComment(source: string): string {
  const comment = /^\/\*\*\n([\s\S]*?)\n \*\//.exec(source)?.[1] ?? "";
  return comment.replaceAll(/^ \* ?/gm, "");
}

/** The first option among `args` that `help` does not name; undefined if it names all. */
export function unknownOption(help: string, args: readonly string[]): string | undefined {
  const options = args.flatMap((arg) => /^--[^=]+/.exec(arg) ?? []);
  return options.find((option) => !new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(help));
}

/**
 * Prints the help and ends the process, if that was asked for. Throws RangeError if the program
 * that runs does not know one of its options.
 *
 * @param common options that all programs of a kind have
 */
export async function checkUsage(common: readonly string[] = []): Promise<void> {
  const help = headComment(await Deno.readTextFile(fromFileUrl(Deno.mainModule)));
  if (Deno.args.includes("--help")) {
    printLine(help);
    Deno.exit();
  }
  const unknown = unknownOption(`${help} ${common.join(" ")}`, Deno.args);
  if (unknown !== undefined) throw new RangeError(`Unknown option ${unknown}; --help tells all`);
}
