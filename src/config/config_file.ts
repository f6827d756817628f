/**
 * Reads the configuration at start: a file in the syntax of redis.conf, then standard input if
 * asked for, then the directives of the command line; what comes later wins.
 *
 * Everything goes into a new `Config`, which the caller only gets if all of it is right, so that
 * nothing can be half-applied: the first wrong directive throws a ConfigFileError that names file,
 * line and reason, in Redis's form. `include` works at the place where it stands, takes wildcards
 * (no match is no error) and starts, as in Redis, from the current directory or the last `dir`.
 *
 * `user` and `rename-command` need access rules and the command table; they are collected for the
 * server, which can report their faults with `new ConfigFileError(directive.source, reason)`.
 * Modules and Sentinel do not exist here and are refused.
 */
import { dirname, isAbsolute, join, resolve } from "@std/path";
import { trimSpace } from "../base/ascii.ts";
import { latin1AsUtf8, latin1Text, readableText } from "../base/bytes.ts";
import { matchGlob } from "../base/glob.ts";
import { Config, type DirectiveSource, findParameter, systemErrorText } from "./config.ts";
import { ConfigValueError, splitConfigWords } from "./config_lexer.ts";
import { NOT_A_PATH } from "./config_kinds.ts";
import { type ConfigParameter, FORGOTTEN_DIRECTIVES } from "./config_table.ts";
import { DEFAULT_REDIS_VERSION } from "./version.ts";

export interface ConfigSources {
  /** Path of the configuration file; null for none. */
  readonly file: string | null;
  /** What was read from standard input, as Latin-1 text; null if `-` was not given. */
  readonly standardInput: string | null;
  /** Lines made from the command line, as `port "6380"`; Latin-1 text, too. */
  readonly directives: readonly string[];
}

const STANDARD_INPUT = "standard input";
const COMMAND_LINE = "";
const INCLUDE_DEPTH_MAX = 16;

/** A configuration that stops the start. `message` is the reason alone. */
export class ConfigFileError extends Error {
  override name = "ConfigFileError";
  readonly source: DirectiveSource | null;

  constructor(source: DirectiveSource | null, reason: string) {
    super(reason);
    this.source = source;
  }

  /** The whole text for standard error, ending in a line feed. */
  get report(): string {
    const title = `Redeno, compatible with Redis ${DEFAULT_REDIS_VERSION}`;
    const head = `\n*** FATAL CONFIG FILE ERROR (${title}) ***\n`;
    if (this.source === null) return `${head}${this.message}\n`;
    const { file, lineNumber, line } = this.source;
    const place = file === COMMAND_LINE
      ? `Reading the command line, at directive ${lineNumber}`
      : `Reading the configuration file, at line ${lineNumber} of ${file}`;
    return `${head}${place}\n>>> '${readableText(line)}'\n${this.message}\n`;
  }
}

/** The configuration these sources give. Throws ConfigFileError at the first thing wrong. */
export function loadConfig(sources: ConfigSources): Config {
  const loader = new ConfigLoader();
  const { config } = loader;
  if (sources.file !== null) {
    config.configFile = resolve(sources.file);
    loader.readFile(config.configFile, null);
  }
  if (sources.standardInput !== null) loader.readText(sources.standardInput, STANDARD_INPUT);
  // One by one: a line feed within a quoted value is escaped, so each is one line.
  loader.readText(sources.directives.join("\n"), COMMAND_LINE);
  loader.refuseWhatIsMissing();
  assertLogFileOpens(config);
  return config;
}

const UTF8_MARK = "\xef\xbb\xbf";

/** A configuration file as Latin-1 text, without the mark that some editors put at its head. */
export function readConfigText(path: string): string {
  return configText(Deno.readFileSync(path));
}

/** The bytes of a configuration file as Latin-1 text, without a mark of UTF-8. */
export function configText(bytes: Uint8Array): string {
  const text = latin1Text(bytes, 0, bytes.length);
  return text.startsWith(UTF8_MARK) ? text.slice(UTF8_MARK.length) : text;
}

/** All of standard input, as Latin-1 text: what `redeno -` reads its configuration from. */
export function readStandardInput(): string {
  let content = new Uint8Array(4096);
  let length = 0;
  for (;;) {
    const count = Deno.stdin.readSync(content.subarray(length));
    if (count === null) return latin1Text(content, 0, length);
    length += count;
    if (length < content.length) continue;
    const larger = new Uint8Array(2 * content.length);
    larger.set(content);
    content = larger;
  }
}

/** Better no start than a server whose log goes nowhere. */
function assertLogFileOpens(config: Config): void {
  if (config.logfile === "") return;
  try {
    Deno.openSync(config.resolvePath(config.logfile), { append: true, create: true }).close();
  } catch (error) {
    throw new ConfigFileError(null, `Can't open the log file: ${systemErrorText(error)}`);
  }
}

class ConfigLoader {
  readonly config = new Config();
  /** Where parameters were set last. */
  readonly #sources = new Map<ConfigParameter, DirectiveSource>();
  #depth = 0;

  /** Reads a file into the configuration; `source` is the line that included it. */
  readFile(path: string, source: DirectiveSource | null): void {
    let content;
    try {
      content = readConfigText(path);
    } catch (error) {
      const reason = `can't open config file '${path}': ${systemErrorText(error)}`;
      throw new ConfigFileError(source, `Fatal error, ${reason}`);
    }
    this.readText(content, path);
  }

  readText(content: string, file: string): void {
    for (const [i, line] of content.split("\n").entries()) {
      const trimmed = trimSpace(line);
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      this.#readLine({ file, lineNumber: i + 1, line: trimmed });
    }
  }

  /** Refuses settings without which the server would be something else than was asked for. */
  refuseWhatIsMissing(): void {
    for (const [parameter, source] of this.#sources) {
      const { startRefusal, kind, defaultText } = parameter;
      const isRefused = startRefusal !== "" &&
        kind.format(this.config.read(parameter)) !== defaultText;
      if (isRefused) throw new ConfigFileError(source, startRefusal);
    }
  }

  #readLine(source: DirectiveSource): void {
    const words = wordsOf(source);
    if (words.length === 0) return;
    const name = words[0]!.toLowerCase();
    const rest = words.slice(1);
    const parameter = findParameter(name);
    if (parameter !== null) this.#sources.set(parameter, source);
    const reason = parameter !== null
      ? this.config.setAtStart(name, rest)
      : this.#readOther(name, rest, source);
    if (reason !== null) throw new ConfigFileError(source, reason);
  }

  /** A directive that is no parameter. Returns what is wrong with it, or null. */
  #readOther(name: string, words: readonly string[], source: DirectiveSource): string | null {
    if (FORGOTTEN_DIRECTIVES.includes(name) && words.length === 1) return null;
    if (name === "include" && words.length === 1) {
      this.#include(words[0]!, source);
      return null;
    }
    if (name === "rename-command" && words.length === 2) {
      this.config.renamedCommands.push({ words, source });
      return null;
    }
    if (name === "user" && words.length >= 1) {
      this.config.users.push({ words, source });
      return null;
    }
    if (name === "loadmodule" && words.length >= 1) return "modules cannot be loaded by Redeno";
    if (name === "sentinel") {
      return words.length === 0
        ? "Redeno has no sentinel mode"
        : "sentinel directive while not in sentinel mode";
    }
    if (name.includes(".")) {
      return words.length === 1
        ? "Module config specified, but modules cannot be loaded by Redeno"
        : "Module config specified without value";
    }
    return "Bad directive or wrong number of arguments";
  }

  #include(pattern: string, source: DirectiveSource): void {
    if (this.#depth === INCLUDE_DEPTH_MAX) {
      throw new ConfigFileError(source, "Files include each other too deeply");
    }
    this.#depth++;
    const pathText = latin1AsUtf8(pattern);
    if (pathText === null) throw new ConfigFileError(source, NOT_A_PATH);
    const path = this.config.resolvePath(pathText);
    const files = hasWildcard(pathText) ? filesMatching(path) : [path];
    for (const file of files) this.readFile(file, source);
    this.#depth--;
  }
}

function wordsOf(source: DirectiveSource): string[] {
  try {
    return splitConfigWords(source.line);
  } catch (error) {
    if (error instanceof ConfigValueError) throw new ConfigFileError(source, error.message);
    throw error;
  }
}

// ---------------------------------------------------------------------------- wildcards of include

const encoder = new TextEncoder();

function hasWildcard(text: string): boolean {
  return /[*?[]/.test(text);
}

/** Existing files that match, in alphabetical order; directories may hold wildcards, too. */
function filesMatching(pattern: string): string[] {
  if (!hasWildcard(pattern)) return fileExists(pattern) ? [pattern] : [];
  const directory = dirname(pattern);
  const namePattern = pattern.slice(directory.length).replace(/^[/\\]+/, "");
  const directories = hasWildcard(directory) ? filesMatching(directory) : [directory];
  return directories.flatMap((one) =>
    namesIn(one).filter((name) => nameMatches(name, namePattern)).map((name) => join(one, name))
  );
}

/** As glob(3): wildcards do not match the dot at the start of a hidden file's name. */
function nameMatches(name: string, pattern: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const glob = encoder.encode(pattern);
  const bytes = encoder.encode(name);
  return matchGlob(glob, 0, glob.length, bytes, 0, bytes.length, false);
}

function namesIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
  } catch {
    return [];
  }
}

function fileExists(path: string): boolean {
  try {
    Deno.statSync(path);
    return isAbsolute(path);
  } catch {
    return false;
  }
}
