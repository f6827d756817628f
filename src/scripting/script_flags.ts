/**
 * Script flags: what a script or function says of itself in its first line ("#!lua flags=no-writes")
 * or when it is registered, and what follows for the command that runs it.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import {
  COMMAND_DENYOOM,
  COMMAND_MAY_REPLICATE,
  COMMAND_STALE,
  COMMAND_WRITE,
} from "../session/command.ts";

export const SCRIPT_NO_WRITES = 1 << 0;
export const SCRIPT_ALLOW_OOM = 1 << 1;
export const SCRIPT_ALLOW_STALE = 1 << 2;
export const SCRIPT_NO_CLUSTER = 1 << 3;
/** A script without a first line of its own: what it may do is looked at call by call. */
export const SCRIPT_UNDECLARED = 1 << 4;
export const SCRIPT_ALLOW_CROSS_SLOT = 1 << 5;

/** The names of flags, in Redis's order. */
export const SCRIPT_FLAG_NAMES: Readonly<Record<string, number>> = {
  "no-writes": SCRIPT_NO_WRITES,
  "allow-oom": SCRIPT_ALLOW_OOM,
  "allow-stale": SCRIPT_ALLOW_STALE,
  "no-cluster": SCRIPT_NO_CLUSTER,
  "allow-cross-slot-keys": SCRIPT_ALLOW_CROSS_SLOT,
};

/** The bit of a flag, or undefined if there is no such flag. */
export function scriptFlagOf(name: string): number | undefined {
  return Object.hasOwn(SCRIPT_FLAG_NAMES, name) ? SCRIPT_FLAG_NAMES[name] : undefined;
}

/** The flags (COMMAND_…) of a command that runs a script with these flags (SCRIPT_…). */
export function commandBitsOf(bits: number, flags: number): number {
  if ((flags & SCRIPT_UNDECLARED) !== 0) return bits;
  let result = bits & ~(COMMAND_STALE | COMMAND_DENYOOM | COMMAND_WRITE | COMMAND_MAY_REPLICATE);
  if ((flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)) === 0) result |= COMMAND_DENYOOM;
  if ((flags & SCRIPT_NO_WRITES) === 0) result |= COMMAND_WRITE;
  if ((flags & SCRIPT_ALLOW_STALE) !== 0) result |= COMMAND_STALE;
  return result;
}

/** A first line ("#!lua name=x") cut into words, and what is behind it. */
export interface Shebang {
  /** The words: "#!lua", "name=x"; null if their quotes are not balanced. */
  words: string[] | null;
  /** The text from the line end on, so that lines keep their numbers. */
  body: string;
}

/**
 * The first line of a source that begins with "#!"; null if the line does not end. As C reads it:
 * not beyond a zero byte.
 */
export function parseShebang(source: string): Shebang | null {
  const lineEnd = source.indexOf("\n");
  const zero = source.indexOf("\0");
  if (lineEnd < 0 || (zero >= 0 && zero < lineEnd)) return null;
  const line = latin1Bytes(source.slice(0, lineEnd));
  const words = splitArguments(line, 0, line.length);
  return {
    words: words === null ? null : words.map((word) => latin1Text(word, 0, word.length)),
    body: source.slice(lineEnd),
  };
}

/** What the first line of an EVAL script says: its flags and the text to compile, or an error. */
export type ScriptHead = { flags: number; body: string } | { error: string };

/** Reads the first line of a script for EVAL or SCRIPT LOAD. */
export function parseScriptHead(source: string): ScriptHead {
  if (!source.startsWith("#!")) return { flags: SCRIPT_UNDECLARED, body: source };
  const shebang = parseShebang(source);
  if (shebang === null) return { error: "Invalid script shebang" };
  const { words, body } = shebang;
  if (words === null || words.length === 0) return { error: "Invalid engine in script shebang" };
  if (words[0] !== "#!lua") return { error: `Unexpected engine in script shebang: ${words[0]}` };
  let flags = 0;
  for (const word of words.slice(1)) {
    if (!word.startsWith("flags=")) return { error: `Unknown lua shebang option: ${word}` };
    const names = word.slice("flags=".length);
    // Redis: no text at all is no flag, but an empty one between commas is unknown.
    for (const name of names === "" ? [] : names.split(",")) {
      const flag = scriptFlagOf(name);
      if (flag === undefined) return { error: `Unexpected flag in script shebang: ${name}` };
      flags |= flag;
    }
  }
  return { flags, body };
}
