/**
 * The configuration of a running server: reads, CONFIG GET, CONFIG SET, and who hears of changes.
 *
 *   config.maxmemory                          what hot code reads: a plain field (config_values.ts)
 *   config.matching(["maxmemory*"])           CONFIG GET
 *   config.setMany([["maxmemory", "1gb"]])    CONFIG SET: all of them or none
 *   config.setAtStart("save", ["900", "1"])   one directive of the file or the command line
 *   config.onChange("maxmemory", (config) => …)   told after a CONFIG SET; may refuse it
 *
 * CONFIG SET goes in three steps, as in Redis: every name is looked up and its flags asked; then
 * all values are set; then the hooks of what really changed are called. Whatever goes wrong, all
 * values are set back, and hooks that were called already are called again to see the old ones.
 *
 * Files are the business of config_file.ts and config_rewrite.ts. Names, words and values are
 * Latin-1 text, a character for each byte; only paths are kept as ordinary text (config_kinds.ts).
 */
import { isAbsolute, resolve } from "@std/path";
import { latin1Bytes } from "../base/bytes.ts";
import { matchGlob } from "../base/glob.ts";
import type { SavePoint } from "./config_kinds.ts";
import { ConfigValueError, splitConfigWords } from "./config_lexer.ts";
import { type ConfigFlag, type ConfigParameter, configTable } from "./config_table.ts";
import { ConfigValues } from "./config_values.ts";

/** Called after a change; returns why the new value cannot be had, or null. */
export type ConfigHook = (config: Config) => string | null;

/** What CONFIG SET must know of the client and the server. */
export interface ConfigSetContext {
  /** The client is on this machine (`enable-protected-configs local`). */
  readonly isLocalClient: boolean;
  readonly isLoading: boolean;
}

/** A directive that only the server can carry out, and where it stood, for the error message. */
export interface DeferredDirective {
  /** Without the directive's own name: ["bob", "on", "nopass"] of `user bob on nopass`. */
  readonly words: readonly string[];
  readonly source: DirectiveSource;
}

export interface DirectiveSource {
  /** The file's path as the user gave it; "" for the command line. */
  readonly file: string;
  /** Counted from 1. */
  readonly lineNumber: number;
  readonly line: string;
}

interface Entry {
  readonly parameter: ConfigParameter;
  /** The name under which it was found: the alias has an entry of its own. */
  readonly name: string;
  /** The name as patterns are compared with it. */
  readonly bytes: Uint8Array;
  /** Whether no pattern finds it. */
  readonly isHidden: boolean;
}

const DEFAULTS = new ConfigValues();
const GLOB_CHARACTERS = /[*?[]/;

const entries: readonly Entry[] = configTable.flatMap((parameter) => {
  const { name, alias } = parameter;
  const isHidden = parameter.flags.includes("hidden");
  return (alias === "" ? [name] : [name, alias])
    .map((each) => ({ parameter, name: each, bytes: latin1Bytes(each), isHidden }));
});
const entryByName: ReadonlyMap<string, Entry> = new Map(entries.map((one) => [one.name, one]));

/** The row of a parameter by its name or alias, in any case; or null. */
export function findParameter(name: string): ConfigParameter | null {
  return entryByName.get(name.toLowerCase())?.parameter ?? null;
}

/** Whether the value of this parameter must be kept out of the slow log and MONITOR. */
export function isSensitiveParameter(name: string): boolean {
  return findParameter(name)?.flags.includes("sensitive") ?? false;
}

/** The system's words for a failed file call, as strerror has them where they can be had. */
export function systemErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\).*$/s, "");
}

export class Config extends ConfigValues {
  /** The file this was read from, absolute: what CONFIG REWRITE writes. "" if there is none. */
  configFile = "";
  /** Of `rename-command`: [old name, new name]; a new name of "" removes the command. */
  readonly renamedCommands: DeferredDirective[] = [];
  /** Of `user`: [name, rule…]. */
  readonly users: DeferredDirective[] = [];

  /** Values of parameters without effect; the default of one is found when it is asked for. */
  readonly #idle = new Map<ConfigParameter, unknown>();
  /** Numbers that a field can only hold rounded. */
  readonly #exact = new Map<ConfigParameter, bigint>();
  readonly #hooks = new Map<ConfigParameter, ConfigHook[]>();
  /** The first `save` of a start replaces the default, further ones add to it. */
  #hasReadSave = false;

  constructor() {
    super();
    this.dir = Deno.cwd();
  }

  // ------------------------------------------------------------------------------------ reading

  /** The value as CONFIG GET prints it; null if there is no such parameter. */
  get(name: string): string | null {
    const parameter = findParameter(name);
    return parameter === null ? null : this.#format(parameter);
  }

  /**
   * Names and values for CONFIG GET. A pattern without `*?[` is a name, and is given back as it was
   * written; others match in any case, in the order of the table, but not the hidden parameters.
   */
  matching(patterns: readonly string[]): Array<[name: string, value: string]> {
    const found = new Map<string, [string, string]>();
    for (const pattern of patterns) {
      const matches = GLOB_CHARACTERS.test(pattern)
        ? entriesMatching(pattern).map((entry) => entry.name)
        : entryByName.has(pattern.toLowerCase())
        ? [pattern]
        : [];
      for (const name of matches) {
        const key = name.toLowerCase();
        if (!found.has(key)) found.set(key, [name, this.get(name)!]);
      }
    }
    return [...found.values()];
  }

  /** The parameters that differ from their default and have no effect: worth a warning at start. */
  ineffectiveSettings(): Array<{ name: string; reason: string }> {
    const isSet = (one: ConfigParameter) =>
      one.field === null && this.#format(one) !== one.defaultText;
    return configTable.filter(isSet)
      .map(({ name, noEffectReason }) => ({ name, reason: noEffectReason }));
  }

  /** A path of the configuration made absolute: relative ones start from `dir`. */
  resolvePath(path: string): string {
    return isAbsolute(path) ? path : resolve(this.dir, path);
  }

  /** The value in the form its kind works with. */
  read(parameter: ConfigParameter): unknown {
    const { field } = parameter;
    if (field === null) {
      if (!this.#idle.has(parameter)) this.#idle.set(parameter, this.defaultOf(parameter));
      return this.#idle.get(parameter);
    }
    // A field that has been written directly since is newer than the exact number.
    const exact = this.#exact.get(parameter);
    return exact !== undefined && Number(exact) === this[field] ? exact : this[field];
  }

  defaultOf(parameter: ConfigParameter): unknown {
    const { field, defaultText, kind } = parameter;
    // The one list that may be absent, the address of a master, is null then.
    if (field === null && kind.takesManyWords && defaultText === "") return null;
    return field === null ? parseWords(parameter, defaultText, undefined) : DEFAULTS[field];
  }

  // ------------------------------------------------------------------------------------ changing

  /**
   * Sets one directive of a file or the command line, its words already unquoted. Returns the
   * reason if that fails, else null. Asks no flags and calls no hooks.
   */
  setAtStart(name: string, words: readonly string[]): string | null {
    const parameter = findParameter(name);
    if (parameter === null) return "Bad directive or wrong number of arguments";
    const { takesManyWords } = parameter.kind;
    if (!takesManyWords && words.length !== 1) return "wrong number of arguments";
    try {
      // One quoted word may hold them all: save "900 1".
      const isOneOfMany = takesManyWords && words.length === 1 && words[0] !== "";
      const allWords = isOneOfMany ? splitConfigWords(words[0]!) : words;
      const earlierPoints = this.savePoints;
      this.#set(parameter, this.#parse(parameter, allWords));
      if (parameter.name === "save") this.#addSavePoints(earlierPoints);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }

  /**
   * CONFIG SET. Returns the error reply (without the leading `-`) and leaves everything as it was,
   * or null if all is set and applied.
   */
  setMany(
    pairs: ReadonlyArray<readonly [name: string, value: string]>,
    context: ConfigSetContext = { isLocalClient: true, isLoading: false },
  ): string | null {
    const chosen: Entry[] = [];
    for (const [name] of pairs) {
      const entry = entryByName.get(name.toLowerCase());
      if (entry === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      }
      const objection = this.#objectionTo(entry.parameter, context);
      if (objection === LOADING) return LOADING;
      if (objection !== null) return setError(name, objection);
      // Redis: a name and its alias may stand together, the later wins.
      if (chosen.includes(entry)) return setError(name, "duplicate parameter");
      chosen.push(entry);
    }
    return this.#setAll(chosen, pairs.map(([, value]) => value));
  }

  /** Registers a hook for one or several parameters; one CONFIG SET calls it once at most. */
  onChange(names: string | readonly string[], hook: ConfigHook): void {
    for (const name of typeof names === "string" ? [names] : names) {
      const parameter = findParameter(name);
      if (parameter === null) throw new TypeError(`Cannot watch unknown parameter "${name}"`);
      this.#hooks.set(parameter, [...this.#hooks.get(parameter) ?? [], hook]);
    }
  }

  /** Lines of `save` add up, but for the first one and for `save ""`, which forget what was. */
  #addSavePoints(earlierPoints: readonly SavePoint[]): void {
    const addsUp = this.#hasReadSave && this.savePoints.length > 0;
    if (addsUp) this.savePoints = [...earlierPoints, ...this.savePoints];
    this.#hasReadSave = true;
  }

  /** Why CONFIG SET must not touch the parameter, or null. */
  #objectionTo({ flags }: ConfigParameter, context: ConfigSetContext): string | null {
    const has = (flag: ConfigFlag) => flags.includes(flag);
    if (has("immutable")) return "can't set immutable config";
    const isUnprotected = this.enableProtectedConfigs === "yes" ||
      (this.enableProtectedConfigs === "local" && context.isLocalClient);
    if (has("protected") && !isUnprotected) return "can't set protected config";
    return has("notLoading") && context.isLoading ? LOADING : null;
  }

  #setAll(chosen: readonly Entry[], texts: readonly string[]): string | null {
    const before = chosen.map(({ parameter }) => this.read(parameter));
    const restore = () => chosen.forEach(({ parameter }, i) => this.#set(parameter, before[i]));
    const hooks = new Map<ConfigHook, string>();
    for (const [i, { parameter, name }] of chosen.entries()) {
      const textBefore = this.#format(parameter);
      try {
        const words = parameter.kind.takesManyWords ? splitAtSpaces(texts[i]!) : [texts[i]!];
        this.#set(parameter, this.#parse(parameter, words));
      } catch (error) {
        restore();
        return setError(name, reasonOf(error));
      }
      const isVolatile = parameter.flags.includes("volatile");
      if (!isVolatile && this.#format(parameter) === textBefore) continue;
      for (const hook of this.#hooks.get(parameter) ?? []) {
        if (!hooks.has(hook)) hooks.set(hook, name);
      }
    }
    return this.#callHooks(hooks, restore);
  }

  #callHooks(hooks: ReadonlyMap<ConfigHook, string>, restore: () => void): string | null {
    const called: ConfigHook[] = [];
    for (const [hook, name] of hooks) {
      called.push(hook);
      const refusal = hook(this);
      if (refusal === null) continue;
      restore();
      for (const earlier of called) earlier(this);
      return setError(name, refusal);
    }
    return null;
  }

  #parse(parameter: ConfigParameter, words: readonly string[]): unknown {
    const value = parameter.kind.parse(words, this.read(parameter));
    return parameter.name === "dir" ? this.#existingDirectory(value as string) : value;
  }

  /** The directory's real, absolute path. */
  #existingDirectory(path: string): string {
    try {
      const real = Deno.realPathSync(path === "" ? path : this.resolvePath(path));
      if (Deno.statSync(real).isDirectory) return real;
    } catch (error) {
      throw new ConfigValueError(systemErrorText(error));
    }
    throw new ConfigValueError("Not a directory");
  }

  /** Stores a value that its kind has parsed. */
  #set(parameter: ConfigParameter, value: unknown): void {
    const { field } = parameter;
    this.#exact.delete(parameter);
    if (field === null) {
      this.#idle.set(parameter, value);
      return;
    }
    if (typeof value === "bigint") this.#exact.set(parameter, value);
    const stored = typeof value === "bigint" ? Number(value) : value;
    (this as Record<string, unknown>)[field] = stored;
  }

  #format(parameter: ConfigParameter): string {
    return parameter.kind.format(this.read(parameter));
  }
}

const LOADING = "LOADING Redis is loading the dataset in memory";

function setError(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigValueError) return error.message;
  throw error;
}

/** Redis: CONFIG SET splits at every single space, so that two in a row make an empty word. */
function splitAtSpaces(value: string): string[] {
  return value === "" ? [] : value.split(" ");
}

function parseWords(parameter: ConfigParameter, value: string, current: unknown): unknown {
  const words = parameter.kind.takesManyWords ? splitAtSpaces(value) : [value];
  return parameter.kind.parse(words, current);
}

function entriesMatching(pattern: string): Entry[] {
  const glob = latin1Bytes(pattern);
  return entries.filter(({ bytes, isHidden }) =>
    !isHidden && matchGlob(glob, 0, glob.length, bytes, 0, bytes.length, true)
  );
}
