/**
 * Function libraries of a server: loading, deleting, replacing, and their environment (Redis:
 * functions.c, function_lua.c).
 *
 * What is loaded is checked whole before anything changes: a library that cannot be taken leaves
 * all others as they were.
 */
import { asciiLower } from "../base/ascii.ts";
import type { Log } from "../base/log.ts";
import type { Argv } from "../protocol/argv.ts";
import type { ReleaseChoice } from "../config/version.ts";
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import { LuaEngine, type LuaEngineOptions } from "./lua_engine.ts";
import { LuaError, LuaSyntaxError } from "./lua_error.ts";
import { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary } from "./lua_value.ts";
import {
  type Library,
  type LibraryFunction,
  parseLibraryHead,
  registerFunction,
} from "./function_library.ts";
import { forbidMissing, makeLoadLibrary, replacePcall } from "./redis_library.ts";
import { reportOf } from "./script_errors.ts";

/** The name under which the code of libraries is compiled. */
const CHUNK_NAME = "@user_function";
/** What a library and a function take beside the text. Roughly. */
const LIBRARY_BYTES = 256;
const FUNCTION_BYTES = 256;

/** What happens to libraries that are there already: they are an error, or are replaced. */
export type RestorePolicy = "append" | "replace" | "flush";

export interface FunctionLibrariesOptions {
  readonly engine: LuaEngineOptions;
  readonly log: Log;
  readonly release: ReleaseChoice;
  /** `redis` as functions see it when they run. */
  readonly redis: LuaTable;
  /** Runs the code of a library, and ends it if it takes long. */
  whileLoading<Result>(load: () => Result): Result;
}

export class FunctionLibraries {
  readonly engine: LuaEngine;
  readonly #options: FunctionLibrariesOptions;
  /** What the globals look up what they do not have in: one table at run time, one at loading. */
  readonly #lookup: LuaTable;
  readonly #runGlobals = new LuaTable();
  readonly #loadGlobals = new LuaTable();
  #libraries = new Map<string, Library>();
  /** By name in lower case. */
  #functions = new Map<string, LibraryFunction>();
  /** What was asked for last, in lower case, and what it was. */
  #lastKey = "";
  #lastFound: LibraryFunction | undefined = undefined;
  #loading: Library | null = null;

  constructor(options: FunctionLibrariesOptions) {
    this.#options = options;
    const engine = this.engine = new LuaEngine(options.engine);
    replacePcall(engine);
    this.#lookup = makeLibrary({});
    this.#buildGlobals(options);
  }

  /**
   * The globals of functions are empty; what they lack is looked up in another table, so that the
   * code of a library sees less while it is loaded.
   */
  #buildGlobals({ log, redis, release }: FunctionLibrariesOptions): void {
    const { globals } = this.engine;
    globals.forEach((name, value) => this.#runGlobals.set(name, value));
    globals.hash = null;
    this.#runGlobals.set("_G", this.#runGlobals);
    this.#runGlobals.set("redis", redis);
    forbidMissing(this.#runGlobals);
    const register: LuaFunction = (...args) => registerFunction(this.#loading, args);
    const load = makeLoadLibrary(log, release, register);
    forbidMissing(load);
    this.#loadGlobals.set("redis", load);
    forbidMissing(this.#loadGlobals);
    this.engine.protect(this.#runGlobals);
    this.engine.protect(this.#loadGlobals);
    globals.metatable = this.#lookup;
    this.#lookup.set("__index", this.#runGlobals);
    this.engine.protect(globals);
  }

  get libraryCount(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Memory that the libraries take, roughly, in bytes. */
  get usedBytes(): number {
    let bytes = this.functionCount * FUNCTION_BYTES;
    for (const { source } of this.#libraries.values()) bytes += LIBRARY_BYTES + source.length;
    return bytes;
  }

  /** The function that an argument names, in letters of either case. */
  find(argv: Argv, index: number): LibraryFunction | undefined {
    // Most often the same one again: no string is made then.
    if (this.#lastFound !== undefined && argv.is(index, this.#lastKey)) return this.#lastFound;
    const key = asciiLower(argv.text(index));
    const found = this.#functions.get(key);
    this.#lastKey = key;
    this.#lastFound = found;
    return found;
  }

  libraries(): Iterable<Library> {
    return this.#libraries.values();
  }

  /** The sources of all libraries, as they are saved. */
  sources(): Uint8Array[] {
    return [...this.#libraries.values()].map(({ source }) => latin1Bytes(source));
  }

  /** Loads a library and returns its name. Throws a CommandError, having changed nothing. */
  load(source: string, replaces: boolean): string {
    const { name, body } = parseLibraryHead(source);
    if (!replaces && this.#libraries.has(name)) {
      throw commandError(`ERR Library '${name}' already exists`);
    }
    const library = this.#create(name, source, body);
    const libraries = new Map(this.#libraries);
    // One that is replaced goes to the end, too.
    libraries.delete(name);
    this.#adopt(libraries, [library]);
    return name;
  }

  /** Loads libraries that were saved. Throws a CommandError, having changed nothing. */
  restore(sources: readonly Uint8Array[], policy: RestorePolicy): void {
    const added = new Map<string, Library>();
    for (const bytes of sources) {
      const source = latin1Text(bytes, 0, bytes.length);
      const { name, body } = parseLibraryHead(source);
      if (added.has(name)) throw commandError(`ERR Library '${name}' already exists`);
      added.set(name, this.#create(name, source, body));
    }
    const libraries = policy === "flush" ? new Map<string, Library>() : new Map(this.#libraries);
    for (const name of added.keys()) {
      if (libraries.delete(name) && policy === "append") {
        throw commandError(`ERR Library ${name} already exists`);
      }
    }
    this.#adopt(libraries, [...added.values()]);
  }

  /** Removes a library; false if there is none of that name. */
  delete(name: string): boolean {
    const library = this.#libraries.get(name);
    if (library === undefined) return false;
    this.#libraries.delete(name);
    for (const key of library.functions.keys()) this.#functions.delete(key);
    this.#lastFound = undefined;
    return true;
  }

  clear(): void {
    this.#libraries.clear();
    this.#functions.clear();
    this.#lastFound = undefined;
  }

  /** Adds libraries to others, if no two functions have one name, and makes them those in force. */
  #adopt(libraries: Map<string, Library>, added: readonly Library[]): void {
    const functions = new Map<string, LibraryFunction>();
    for (const library of libraries.values()) {
      for (const [key, found] of library.functions) functions.set(key, found);
    }
    for (const library of added) {
      for (const [key, found] of library.functions) {
        if (functions.has(key)) throw commandError(`ERR Function ${found.name} already exists`);
        functions.set(key, found);
      }
      libraries.set(library.name, library);
    }
    this.#libraries = libraries;
    this.#functions = functions;
    this.#lastFound = undefined;
  }

  /** Runs the code of a library, which registers its functions. */
  #create(name: string, source: string, body: string): Library {
    const library: Library = { name, source, functions: new Map() };
    const main = this.#compile(body);
    this.#loading = library;
    this.#lookup.set("__index", this.#loadGlobals);
    try {
      this.#options.whileLoading(() => this.engine.call(main, []));
    } catch (thrown) {
      throw loadError(thrown);
    } finally {
      this.#lookup.set("__index", this.#runGlobals);
      this.#loading = null;
    }
    if (library.functions.size === 0) throw commandError("ERR No functions registered");
    return library;
  }

  #compile(body: string): LuaFunction {
    try {
      return this.engine.compile(body, CHUNK_NAME);
    } catch (thrown) {
      if (!(thrown instanceof LuaSyntaxError)) throw thrown;
      throw commandError(`ERR Error compiling function: ${thrown.message}`);
    }
  }
}

function loadError(thrown: unknown): CommandError {
  if (!(thrown instanceof LuaError)) throw thrown;
  return commandError(`ERR Error registering functions: ${reportOf(thrown).text}`);
}
