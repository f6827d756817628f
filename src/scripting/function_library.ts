/**
 * Function libraries: the source of one, its first line, and what it registers while it is loaded
 * (Redis: functionLibInfo, luaEngineCreate).
 */
import type { LuaFunction } from "./lua_value.ts";
import { LuaTable } from "./lua_table.ts";
import { NO_VALUES, toText } from "./lua_value.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import { asciiLower } from "../base/ascii.ts";
import { failWithTable } from "./script_errors.ts";
import { parseShebang, scriptFlagOf } from "./script_flags.ts";

const BAD_NAME = "Library names can only contain letters, numbers, or underscores(_) and must be " +
  "at least one character long";
const REGISTER = "redis.register_function";

/** A function of a library. */
export interface LibraryFunction {
  readonly name: string;
  readonly fn: LuaFunction;
  readonly description: string | null;
  /** SCRIPT_…, script_flags.ts. */
  readonly flags: number;
  /** The flags as they were given. */
  readonly flagNames: readonly string[];
}

export interface Library {
  readonly name: string;
  /** Latin-1, as it was loaded. */
  readonly source: string;
  /** By name in lower case: FCALL does not tell the cases apart. */
  readonly functions: Map<string, LibraryFunction>;
}

/** What the first line of a library says. */
export interface LibraryHead {
  readonly name: string;
  /** The text to compile. */
  readonly body: string;
}

function libraryError(text: string): CommandError {
  return commandError(`ERR ${text}`);
}

/** Reads the first line of a library: "#!lua name=mylib". Throws a CommandError. */
export function parseLibraryHead(source: string): LibraryHead {
  if (!source.startsWith("#!")) throw libraryError("Missing library metadata");
  const shebang = parseShebang(source);
  const words = shebang?.words;
  if (!shebang || !words || words.length === 0) throw libraryError("Invalid library metadata");
  let name: string | null = null;
  for (const word of words.slice(1)) {
    if (!asciiLower(word).startsWith("name=")) {
      throw libraryError(`Invalid metadata value given: ${word}`);
    }
    if (name !== null) {
      throw libraryError("Invalid metadata value, name argument was given multiple times");
    }
    name = word.slice("name=".length);
  }
  if (name === null) throw libraryError("Library name was not given");
  if (!isGoodName(name)) throw libraryError(BAD_NAME);
  const engine = words[0]!.slice("#!".length);
  if (asciiLower(engine) !== "lua") throw libraryError(`Engine '${engine}' not found`);
  return { name, body: shebang.body };
}

function isGoodName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

/**
 * redis.register_function, for a library that is being loaded. Null: none is, but a function of one
 * may have kept it from then.
 */
export function registerFunction(
  library: Library | null,
  args: readonly unknown[],
): typeof NO_VALUES {
  if (args.length < 1 || args.length > 2) {
    failWithTable(`wrong number of arguments to ${REGISTER}`);
  }
  const found = args.length === 1 ? namedArguments(args[0]) : positionalArguments(args);
  if (library === null) failWithTable(`${REGISTER} can only be called on FUNCTION LOAD command`);
  if (!isGoodName(found.name)) failWithTable(BAD_NAME);
  const key = asciiLower(found.name);
  if (library.functions.has(key)) failWithTable("Function already exists in the library");
  library.functions.set(key, found);
  return NO_VALUES;
}

function positionalArguments([name, callback]: readonly unknown[]): LibraryFunction {
  const text = toText(name);
  if (text === undefined) failWithTable(`first argument to ${REGISTER} must be a string`);
  if (typeof callback !== "function") {
    failWithTable(`second argument to ${REGISTER} must be a function`);
  }
  const fn = callback as LuaFunction;
  return { name: text, fn, description: null, flags: 0, flagNames: [] };
}

function namedArguments(table: unknown): LibraryFunction {
  if (!(table instanceof LuaTable)) {
    failWithTable(
      `calling ${REGISTER} with a single argument is only applicable to Lua table ` +
        "(representing named arguments).",
    );
  }
  const found: { -readonly [Key in keyof LibraryFunction]?: LibraryFunction[Key] } = {};
  table.forEach((key, value) => {
    switch (typeof key === "string" ? asciiLower(key) : "") {
      case "function_name":
        found.name = textOf(value, "function_name");
        return;
      case "description":
        found.description = textOf(value, "description");
        return;
      case "callback":
        if (typeof value !== "function") {
          failWithTable(`callback argument given to ${REGISTER} must be a function`);
        }
        found.fn = value as LuaFunction;
        return;
      case "flags":
        Object.assign(found, flagsOf(value));
        return;
    }
    failWithTable(`unknown argument given to ${REGISTER}`);
  });
  if (found.name === undefined) failWithTable(`${REGISTER} must get a function name argument`);
  if (found.fn === undefined) failWithTable(`${REGISTER} must get a callback argument`);
  const { name, fn, description = null, flags = 0, flagNames = [] } = found;
  return { name, fn, description, flags, flagNames };
}

function textOf(value: unknown, argument: string): string {
  const text = toText(value);
  if (text === undefined) {
    failWithTable(`${argument} argument given to ${REGISTER} must be a string`);
  }
  return text;
}

/** The flags of a list of their names. */
function flagsOf(value: unknown): Pick<LibraryFunction, "flags" | "flagNames"> {
  if (!(value instanceof LuaTable)) {
    failWithTable(`flags argument to ${REGISTER} must be a table representing function flags`);
  }
  let flags = 0;
  const flagNames: string[] = [];
  for (let key = 1; value.getNumber(key) !== undefined; key++) {
    const name = toText(value.getNumber(key));
    const flag = name === undefined ? undefined : scriptFlagOf(name);
    if (name === undefined || flag === undefined) failWithTable("unknown flag given");
    if ((flags & flag) === 0) flagNames.push(name);
    flags |= flag;
  }
  return { flags, flagNames };
}
