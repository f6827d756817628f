/**
 * Local stand-in for `jsr:@std/cli`: `parseArgs` with the options that this project uses (string,
 * boolean, collect, alias, default, stopEarly, "--"). See src/std/assert/mod.ts for why it exists.
 *
 * Does not know dotted keys, `negatable`, or `unknown` callbacks, nor infer types from options.
 */

export interface ParseOptions {
  /** Options that never take a value. */
  boolean?: readonly string[];
  /** Options whose value stays text; all others become numbers where they look like one. */
  string?: readonly string[];
  /** Options that may be repeated; their value is always an array. */
  collect?: readonly string[];
  alias?: Record<string, string | readonly string[]>;
  default?: Record<string, unknown>;
  /** The first positional argument ends the options. */
  stopEarly?: boolean;
  /** Arguments after "--" go to the key "--" and not to "_". */
  "--"?: boolean;
}

export type Args = {
  _: Array<string | number>;
  // deno-lint-ignore no-explicit-any
  [key: string]: any;
};

const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i;
const HEXADECIMAL = /^0x[0-9a-f]+$/i;

function looksLikeNumber(text: string): boolean {
  return NUMBER.test(text) || HEXADECIMAL.test(text);
}

/** All names of one option, by each of them. */
function aliasesOf(options: ParseOptions): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, others] of Object.entries(options.alias ?? {})) {
    const group = [name, ...(typeof others === "string" ? [others] : others)];
    for (const member of group) groups.set(member, group);
  }
  return groups;
}

class ArgumentParser {
  readonly result: Args = { _: [] };
  readonly #options: ParseOptions;
  readonly #aliases: Map<string, string[]>;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#aliases = aliasesOf(options);
    for (const name of options.boolean ?? []) this.#store(name, false);
    for (const name of options.collect ?? []) this.#store(name, []);
    for (const [name, value] of Object.entries(options.default ?? {})) this.#store(name, value);
  }

  #names(name: string): string[] {
    return this.#aliases.get(name) ?? [name];
  }

  #store(name: string, value: unknown): void {
    for (const each of this.#names(name)) this.result[each] = value;
  }

  #isListed(name: string, list: readonly string[] | undefined): boolean {
    return list !== undefined && this.#names(name).some((each) => list.includes(each));
  }

  isBoolean(name: string): boolean {
    return this.#isListed(name, this.#options.boolean);
  }

  set(name: string, text: string | boolean): void {
    let value: string | number | boolean = text;
    if (this.isBoolean(name)) value = text !== "false" && text !== false;
    else if (text === true && this.#isListed(name, this.#options.string)) value = "";
    else if (typeof text === "string" && !this.#isListed(name, this.#options.string)) {
      if (looksLikeNumber(text)) value = Number(text);
    }
    if (this.#isListed(name, this.#options.collect)) {
      this.#store(name, [...(this.result[name] as unknown[]), value]);
    } else this.#store(name, value);
  }

  positional(text: string): void {
    const keepsText = this.#options.string?.includes("_") ?? false;
    this.result._.push(!keepsText && looksLikeNumber(text) ? Number(text) : text);
  }

  /** Short options: "-p", "-p 1", "-p=1", "-p1", "-abc". Returns whether `next` was used up. */
  short(letters: string, next: string | undefined): boolean {
    for (let i = 0; i < letters.length; i++) {
      const name = letters.charAt(i);
      const rest = letters.slice(i + 1);
      if (rest.startsWith("=")) {
        this.set(name, rest.slice(1));
        return false;
      }
      if (rest !== "" && !this.isBoolean(name) && looksLikeNumber(rest)) {
        this.set(name, rest);
        return false;
      }
      if (rest === "") return this.withNext(name, next);
      this.set(name, true);
    }
    return false;
  }

  /** An option whose value, if it takes one, is the next argument. */
  withNext(name: string, next: string | undefined): boolean {
    const isValue = next !== undefined && (!next.startsWith("-") || looksLikeNumber(next));
    if (isValue && (!this.isBoolean(name) || next === "true" || next === "false")) {
      this.set(name, next);
      return true;
    }
    this.set(name, true);
    return false;
  }
}

export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const parser = new ArgumentParser(options);
  const end = args.indexOf("--");
  const list = end === -1 ? args : args.slice(0, end);
  const after = end === -1 ? [] : args.slice(end + 1);
  for (let i = 0; i < list.length; i++) {
    const argument = list[i]!;
    const equals = argument.indexOf("=");
    if (argument.startsWith("--") && equals > 2) {
      parser.set(argument.slice(2, equals), argument.slice(equals + 1));
    } else if (argument.startsWith("--no-") && argument.length > 5) {
      parser.set(argument.slice(5), false);
    } else if (argument.startsWith("--") && argument.length > 2) {
      if (parser.withNext(argument.slice(2), list[i + 1])) i++;
    } else if (/^-[^-]/.test(argument) && !looksLikeNumber(argument)) {
      if (parser.short(argument.slice(1), list[i + 1])) i++;
    } else if (options.stopEarly) {
      for (const rest of list.slice(i)) parser.positional(rest);
      break;
    } else parser.positional(argument);
  }
  if (options["--"]) parser.result["--"] = after;
  else for (const rest of after) parser.positional(rest);
  return parser.result;
}
