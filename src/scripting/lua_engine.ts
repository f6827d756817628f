/**
 * The Lua 5.1 of scripts: environments, compiling, calling, limits.
 *
 * A `LuaEngine` is one environment: its globals and libraries. EVAL and functions have one each.
 * Source is compiled to JavaScript (lua_parser, lua_emitter) and then called like any function. The
 * engine knows nothing of a server: the host adds its functions to `globals`, converts values, and
 * says by options what happens when a script runs long or takes much memory.
 *
 *   const engine = new LuaEngine({ onSteps: () => { … throw new ScriptKill("…") … } });
 *   engine.globals.set("KEYS", LuaTable.of([…]));
 *   const script = engine.compile("return KEYS[1]", "@user_script");
 *   const [value] = engine.call(script, []);
 *
 * Host functions take Lua values one by one and return as Lua functions do (lua_value); they read
 * arguments by lua_arguments and raise errors by `fail` or by throwing a LuaError. Whatever must
 * not be interrupted half way by an exhausted stack goes through `withHeadroom` (lua_calls).
 *
 * Strings are Latin-1 throughout: one char per byte. Values are described in lua_value, what may be
 * thrown in lua_error. Engines must not run inside each other, except that the host functions of
 * one may call it again.
 */
import { addBaseLibrary, type ChunkLoader } from "./lua_base_library.ts";
import { firstOf, luaErrorOf, resultsOf } from "./lua_calls.ts";
import { makeCoroutineLibrary, resetCoroutines } from "./lua_coroutine.ts";
import { makeBitLibrary } from "./lua_bit_library.ts";
import { makeJsonLibrary } from "./lua_json_library.ts";
import { makeMathLibrary, ScriptRandom } from "./lua_math_library.ts";
import { makeMsgpackLibrary } from "./lua_msgpack_library.ts";
import { makeStringLibrary } from "./lua_string_library.ts";
import { makeStructLibrary } from "./lua_struct_library.ts";
import { makeTableLibrary } from "./lua_table_library.ts";
import { emitChunk } from "./lua_emitter.ts";
import { LuaSyntaxError } from "./lua_error.ts";
import { chunkIdOf } from "./lua_lexer.ts";
import { sourceUrlOf } from "./lua_levels.ts";
import { meter, notEnoughMemory, spendSteps } from "./lua_meter.ts";
import { useStringMetatable } from "./lua_operators.ts";
import { parseChunk } from "./lua_parser.ts";
import { RUNTIME_PARAMETERS, RUNTIME_VALUES } from "./lua_runtime_names.ts";
import { chunkOfSite, ChunkSites, type ErrorPlace } from "./lua_sites.ts";
import { LuaTable } from "./lua_table.ts";
import type { LuaFunction } from "./lua_value.ts";

const STEPS_PER_HOOK = 10_000;
const MEMORY_MAX = 256 * 1024 * 1024;

/** Hooks between two looks at the heap, for memory that nobody counted: closures mostly. */
const HOOKS_PER_MEMORY_CHECK = 16;

/** Compiling a chunk from inside of a script counts as so many steps. */
const COMPILE_STEPS = 5000;
const COMPILE_STEPS_PER_CHAR = 20;

/** What a script may ask for before the heap is looked at for the first time. */
const UNMEASURED_BYTES = 1024 * 1024;

export interface LuaEngineOptions {
  /**
   * Called every `stepsPerHook` loop turns and calls. May throw a ScriptKill, which no script can
   * catch, or return to let the script go on.
   */
  onSteps?: () => void;
  /** About how many turns and calls lie between two calls of `onSteps` (default 10,000). */
  stepsPerHook?: number;
  /** Bytes that a script may hold, about (default 256 MiB); beyond it gets "not enough memory". */
  memoryMax?: number;
  /** Draws the numbers of math.random; Redis has one for all environments. */
  random?: ScriptRandom;
  /** Bytes that the JavaScript heap takes now, garbage included. */
  memoryUsed?: () => number;
}

export class LuaEngine {
  readonly globals = new LuaTable();
  /** The metatable of strings: "__index" is the string library. */
  readonly stringMetatable = new LuaTable();
  memoryMax: number;
  readonly #onSteps: () => void;
  readonly #stepsPerHook: number;
  readonly #memoryUsed: () => number;
  #hookCount = 0;
  /** Heap near the beginning of the script; -1: not looked at yet. */
  #memoryBefore = -1;
  /** A chunk with coroutines was compiled: what is loaded from inside may have to yield. */
  #hasCoroutines = false;
  #depth = 0;

  constructor(options: LuaEngineOptions = {}) {
    this.memoryMax = options.memoryMax ?? MEMORY_MAX;
    this.#onSteps = options.onSteps ?? (() => {});
    this.#stepsPerHook = options.stepsPerHook ?? STEPS_PER_HOOK;
    this.#memoryUsed = options.memoryUsed ?? (() => Deno.memoryUsage().heapUsed);
    const loader: ChunkLoader = {
      load: (source, chunkName) => {
        spendSteps(COMPILE_STEPS + COMPILE_STEPS_PER_CHAR * source.length);
        return this.#compile(source, chunkName, this.#hasCoroutines);
      },
      memoryUsed: () => this.#memoryUsed(),
    };
    addBaseLibrary(this.globals, loader);
    const libraries: Record<string, LuaTable> = {
      bit: makeBitLibrary(),
      cjson: makeJsonLibrary(),
      cmsgpack: makeMsgpackLibrary(),
      coroutine: makeCoroutineLibrary(),
      math: makeMathLibrary(options.random ?? new ScriptRandom()),
      string: makeStringLibrary(),
      struct: makeStructLibrary(),
      table: makeTableLibrary(),
    };
    for (const [name, library] of Object.entries(libraries)) this.globals.set(name, library);
    this.stringMetatable.set("__index", libraries.string);
  }

  /**
   * Compiles a chunk; calling it runs it. Throws a LuaSyntaxError whose message Lua would give.
   * `chunkName` begins with "@" or "=" as in Lua.
   */
  compile(source: string, chunkName: string): LuaFunction {
    this.#hasCoroutines = false;
    return this.#compile(source, chunkName, false);
  }

  #compile(source: string, chunkName: string, inCoroutines: boolean): LuaFunction {
    const sites = new ChunkSites(chunkName, chunkIdOf(chunkName));
    if (source.startsWith("\x1bLua")) {
      throw new LuaSyntaxError(`${sites.chunkId}: bad header in precompiled chunk`);
    }
    const isResumable = inCoroutines || source.includes("coroutine");
    if (isResumable) this.#hasCoroutines = true;
    try {
      const body = emitChunk(parseChunk(source, chunkName), sites, isResumable);
      const factory = new Function(
        RUNTIME_PARAMETERS,
        `${body}\n//# sourceURL=${sourceUrlOf(sites.base)}`,
      );
      sites.emitted = factory as () => unknown;
      sites.register();
      return factory(this.globals, sites, sites.hints, ...RUNTIME_VALUES);
    } catch (thrown) {
      // Our own stack, or V8's parser's: source nested deeper than either takes.
      if (!(thrown instanceof RangeError)) throw thrown;
      throw new LuaSyntaxError(`${sites.chunkId}:1: chunk has too many syntax levels`);
    }
  }

  /**
   * Calls a function with Lua values and returns its results. Throws a LuaError if the script
   * raised one (see `placeOf`), or the ScriptKill that a hook threw.
   */
  call(fn: LuaFunction, args: readonly unknown[]): readonly unknown[] {
    return this.#call(fn, args, resultsOf);
  }

  /** As `call`, and returns the first result only, so that no list of them is made. */
  callForOne(fn: LuaFunction, ...args: readonly unknown[]): unknown {
    return this.#call(fn, args, firstOf);
  }

  #call<Result>(
    fn: LuaFunction,
    args: readonly unknown[],
    take: (result: unknown) => Result,
  ): Result {
    const metatable = useStringMetatable(this.stringMetatable);
    const { d, k, s } = meter;
    const isInner = this.#depth++ > 0;
    if (!isInner) this.#begin();
    try {
      // A tail call that is left is made while the result is taken.
      return take(fn(...args));
    } catch (thrown) {
      throw luaErrorOf(thrown);
    } finally {
      this.#depth--;
      meter.d = d;
      meter.k = k;
      meter.s = s;
      useStringMetatable(metatable);
    }
  }

  /**
   * Makes a table, and all tables that it holds, unchangeable for scripts, as Redis does with its
   * globals and libraries: "Attempt to modify a readonly table".
   */
  protect(table: LuaTable): void {
    if (table.isReadonly) return;
    table.isReadonly = true;
    if (table.metatable !== null) this.protect(table.metatable);
    table.forEach((_, value) => {
      if (value instanceof LuaTable) this.protect(value);
    });
  }

  /** Where a LuaError's `site` is, or null if no Lua code raised it. */
  placeOf(site: number): ErrorPlace | null {
    const chunk = chunkOfSite(site);
    return chunk === null ? null : { source: chunk.chunkName, line: chunk.lineOf(Math.abs(site)) };
  }

  #begin(): void {
    resetCoroutines();
    // The call from the host is one itself.
    meter.k = 1;
    this.#hookCount = 0;
    this.#memoryBefore = -1;
    meter.c = this.#stepsPerHook;
    meter.m = Math.min(this.memoryMax, UNMEASURED_BYTES);
    meter.stringMax = this.memoryMax;
    meter.isFlattening = false;
    meter.onSteps = this.#onHook;
    meter.onMemory = this.#onMemory;
  }

  readonly #onHook = (): void => {
    meter.c = this.#stepsPerHook;
    if (++this.#hookCount % HOOKS_PER_MEMORY_CHECK === 0) this.#checkHeap();
    this.#onSteps();
  };

  /** As many bytes as were allowed were asked for since the last look. */
  readonly #onMemory = (): void => {
    if (this.#memoryBefore < 0) {
      meter.m = this.memoryMax;
      this.#memoryBefore = this.#memoryUsed();
      return;
    }
    meter.m = this.memoryMax / 4;
    meter.isFlattening = true;
    this.#checkHeap();
  };

  #checkHeap(): void {
    const used = this.#memoryUsed();
    if (this.#memoryBefore < 0) this.#memoryBefore = used;
    if (used - this.#memoryBefore > this.memoryMax) throw notEnoughMemory();
  }
}
