/**
 * Reads the program's arguments, as redis-server does:
 *
 *   redeno [/path/to/redeno.conf] [--directive value …]… [-]
 *
 * Every `--directive` with the words up to the next one makes a line of configuration, to be read
 * after the file; `-` (first or last) stands for standard input. Our additions are the words that
 * start another program of the family: `check-rdb`, `check-aof` and `cli`. (A configuration file of
 * such a name is still reached as `./cli`.)
 *
 * Pure: looks at nothing but the arguments, and judges no directive – config_file.ts does.
 */
import { trimSpace } from "../base/ascii.ts";
import { utf8AsLatin1 } from "../base/bytes.ts";
import { ConfigValueError, quoteConfigWord, splitConfigWords } from "./config_lexer.ts";
import { DEFAULT_REDIS_VERSION } from "./version.ts";

export type ToolName = "check-rdb" | "check-aof" | "cli";

export type CommandLine =
  | {
    readonly kind: "serve";
    readonly file: string | null;
    readonly readsStandardInput: boolean;
    /** Lines of configuration, as `port "6380"`; Latin-1 text, as all of the configuration. */
    readonly directives: readonly string[];
  }
  | { readonly kind: "version" }
  | { readonly kind: "help" }
  /** `args` are the arguments after the word. */
  | { readonly kind: ToolName; readonly args: readonly string[] }
  | { readonly kind: "error"; readonly message: string };

/** Things redis-server can do and we cannot. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  "--sentinel": "Redeno has no sentinel mode; redis-sentinel can watch it",
  "--test-memory": "Redeno does not test memory",
  "--check-system": "Redeno does not check the system",
};

const TOOLS: readonly ToolName[] = ["check-rdb", "check-aof", "cli"];

/** What `args` (Deno.args) ask for. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const first = args[0] ?? "";
  if (first === "-v" || first === "--version") return { kind: "version" };
  if (first === "-h" || first === "--help") return { kind: "help" };
  const tool = TOOLS.find((name) => name === first);
  if (tool !== undefined) return { kind: tool, args: args.slice(1) };
  const unsupported = args.find((arg, i) =>
    arg === "--sentinel" || (i === 0 && Object.hasOwn(UNSUPPORTED, arg))
  );
  if (unsupported !== undefined) return { kind: "error", message: UNSUPPORTED[unsupported]! };
  const file = first === "" || first.startsWith("-") ? null : first;
  const rest = file === null ? args : args.slice(1);
  const isStandardInput = (arg: string, i: number) =>
    arg === "-" && ((file === null && i === 0) || i === rest.length - 1);
  return {
    kind: "serve",
    file,
    readsStandardInput: rest.some(isStandardInput),
    directives: collectDirectives(
      rest.filter((arg, i) => !isStandardInput(arg, i)).map(utf8AsLatin1),
    ),
  };
}

/**
 * One line for each `--name` and the words after it. Right after a name, a word that starts with
 * `--` is a value (`--requirepass --secret`), since no directive but `save` goes without one.
 */
function collectDirectives(args: readonly string[]): string[] {
  const lines: string[] = [];
  let needsValue = false;
  for (const [i, arg] of args.entries()) {
    if (!needsValue && arg.startsWith("--")) {
      const name = arg.slice(2);
      // Redis: an empty list of save points may be written as nothing at all.
      const isEmptySave = name.toLowerCase() === "save" && (args[i + 1] ?? "--").startsWith("--");
      lines.push(isEmptySave ? 'save ""' : name);
      needsValue = !isEmptySave && wordCount(name) === 1;
    } else {
      lines[Math.max(lines.length - 1, 0)] = trimSpace(
        `${lines.at(-1) ?? ""} ${quoteConfigWord(arg)}`,
      );
      needsValue = false;
    }
  }
  return lines;
}

/** More than one if the value came with the name, as in `"--port 6380"`; 0 if quotes are wrong. */
function wordCount(text: string): number {
  try {
    return splitConfigWords(text).length;
  } catch (error) {
    if (error instanceof ConfigValueError) return 0;
    throw error;
  }
}

/** What `--version` prints; scripts look for `v=` in it. */
export function formatVersion(redenoVersion: string): string {
  return `Redeno server v=${DEFAULT_REDIS_VERSION} redeno=${redenoVersion} malloc=segments bits=64`;
}

export const HELP_TEXT = `Usage: redeno [/path/to/redeno.conf] [--directive value ...] [-]
       redeno -                      (configuration from standard input)
       redeno -v | --version
       redeno -h | --help
       redeno check-rdb <file>       (look through a dump)
       redeno check-aof [--fix] <file or manifest>
       redeno cli [arguments]        (a command-line client)

Every directive of the configuration file can be given as an option; what comes later wins.
A file called like one of the words above is reached as ./check-rdb and so on.

Examples:
       redeno                        (all defaults, port 6379)
       redeno /etc/redeno/6379.conf
       redeno --port 7777 --maxmemory 128mb
       redeno /etc/redeno.conf --loglevel verbose
       redeno --save 60 100 --appendonly yes --bind 127.0.0.1 -::1
       echo 'maxmemory 128mb' | redeno -
`;
