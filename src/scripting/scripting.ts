/**
 * Scripting: scripts and functions of a server: two environments as in Redis, one for EVAL, one for
 * functions; the cache of scripts; how either is run (Redis: script.c, eval.c).
 */
import * as clock from "../base/clock.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import { type Client, REDIS_INTERNAL } from "../session/client.ts";
import { commandError, MASTER_DOWN, NO_GOOD_REPLICAS } from "../session/errors.ts";
import {
  GATE_MASTER_DOWN,
  GATE_MEMORY,
  GATE_MISCONF,
  GATE_NO_REPLICAS,
  GATE_READ_ONLY,
} from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import type { LibraryFunction } from "./function_library.ts";
import { FunctionLibraries } from "./function_libraries.ts";
import { LuaEngine, type LuaEngineOptions } from "./lua_engine.ts";
import { LuaError, LuaSyntaxError, ScriptKill } from "./lua_error.ts";
import { ScriptRandom } from "./lua_math_library.ts";
import { LuaTable } from "./lua_table.ts";
import type { LuaFunction } from "./lua_value.ts";
import { type LuaReplyTarget, replyLua } from "./lua_to_reply.ts";
import {
  addScriptFunctions,
  errorHandler,
  forbidMissing,
  makeRedisLibrary,
  replacePcall,
} from "./redis_library.ts";
import { type CachedScript, ScriptCache } from "./script_cache.ts";
import { ScriptCalls, type ScriptRun } from "./script_calls.ts";
import { placeText, reportOf, type ScriptErrorReport } from "./script_errors.ts";
import {
  parseScriptHead,
  SCRIPT_ALLOW_OOM,
  SCRIPT_ALLOW_STALE,
  SCRIPT_NO_WRITES,
  SCRIPT_UNDECLARED,
} from "./script_flags.ts";
import { ScriptWatch } from "./script_watch.ts";

/** The name under which scripts are compiled. */
const CHUNK_NAME = "@user_script";
/** Where the keys begin in EVAL and its kin. */
const FIRST_KEY = 3;

const READ_ONLY_COMMAND = commandError(
  "ERR Can not execute a script with write flag using *_ro command.",
);
const READ_ONLY_SCRIPT = commandError(
  "READONLY You can not run script with write flag on readonly replica.",
);
const STALE_SCRIPT = commandError(
  "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and " +
    "'allow-stale' flag is not set on the script.",
);
const MISCONF_RDB = commandError(
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to " +
    "disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.",
);
const MISCONF_AOF = "MISCONF Redis is configured to persist data to AOF, but it's currently " +
  "unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only " +
  "scripts. AOF error: ";
const OUT_OF_MEMORY_AT_START = commandError(
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
);

declare module "../session/host.ts" {
  interface Host {
    readonly scripting: Scripting;
  }
}

/** What it uses of the host. */
type ScriptingHost = Pick<
  Host,
  | "acl"
  | "arena"
  | "clientLife"
  | "commands"
  | "config"
  | "dispatcher"
  | "gates"
  | "keyspace"
  | "log"
  | "memoryLimit"
  | "monitors"
  | "persistence"
  | "propagation"
  | "statistics"
  | "tracking"
  | "yielding"
>;

/** A script or function to be run by a client's command. */
type Runnable = Pick<LibraryFunction, "fn" | "flags">;

/** Where the value that a script returns goes to; used again for each. */
class ScriptReply implements LuaReplyTarget {
  reply!: Reply;
  scriptResp: 2 | 3 = 2;
  /** There was an error in the reply. */
  hasError = false;
  readonly #statistics: Pick<Host["statistics"], "countError">;

  constructor(statistics: Pick<Host["statistics"], "countError">) {
    this.#statistics = statistics;
  }

  begin(reply: Reply, scriptResp: 2 | 3): void {
    this.reply = reply;
    this.scriptResp = scriptResp;
    this.hasError = false;
  }

  onError({ text, isCounted }: ScriptErrorReport): void {
    if (!isCounted) this.#statistics.countError(text);
    this.hasError = true;
  }
}

export class Scripting {
  readonly cache: ScriptCache;
  readonly functions: FunctionLibraries;
  readonly #host: ScriptingHost;
  readonly #calls: ScriptCalls;
  readonly #watch: ScriptWatch;
  readonly #engine: LuaEngine;
  readonly #target: ScriptReply;

  constructor(host: ScriptingHost) {
    this.#host = host;
    this.#target = new ScriptReply(host.statistics);
    this.cache = new ScriptCache(host.statistics);
    const calls = this.#calls = new ScriptCalls(host);
    const watch = this.#watch = new ScriptWatch(host, calls);
    const options: LuaEngineOptions = {
      onSteps: () => watch.onSteps(),
      random: new ScriptRandom(),
      memoryMax: host.config.scriptMemoryLimit,
    };
    const { log } = host;
    this.#engine = this.#makeScriptEngine(options);
    this.functions = new FunctionLibraries({
      engine: options,
      log,
      release: host.config,
      redis: makeRedisLibrary({ calls, log, host }),
      whileLoading: (load) => watch.whileLoading(load),
    });
    host.config.onChange("script-memory-limit", () => {
      this.#engine.memoryMax = host.config.scriptMemoryLimit;
      this.functions.engine.memoryMax = host.config.scriptMemoryLimit;
      return null;
    });
  }

  #makeScriptEngine(options: LuaEngineOptions): LuaEngine {
    const { log } = this.#host;
    const engine = new LuaEngine(options);
    replacePcall(engine);
    const redis = makeRedisLibrary({ calls: this.#calls, log, host: this.#host });
    addScriptFunctions(redis);
    engine.globals.set("redis", redis);
    engine.globals.set("__redis__err__handler", errorHandler);
    forbidMissing(engine.globals);
    engine.protect(engine.globals);
    return engine;
  }

  /** The script or function that runs; null between them. */
  get running(): ScriptRun | null {
    return this.#calls.run;
  }

  /** SCRIPT KILL, or FUNCTION KILL: ends what runs. Throws a CommandError if it may not. */
  kill(isFunction: boolean): void {
    this.#watch.kill(isFunction);
  }

  /** SCRIPT FLUSH. */
  flushScripts(): void {
    this.cache.clear();
  }

  /**
   * The script of a text: compiled unless it is in the cache. Throws a CommandError if it is none.
   * `keeps`: it came by SCRIPT LOAD.
   */
  compile(source: string, keeps: boolean): CachedScript {
    const known = this.cache.findSource(source);
    if (known !== undefined) {
      if (keeps) this.cache.keep(known);
      return known;
    }
    const head = parseScriptHead(source);
    if ("error" in head) throw commandError(`ERR ${head.error}`);
    let fn: LuaFunction;
    try {
      fn = this.#engine.compile(head.body, CHUNK_NAME);
    } catch (thrown) {
      if (!(thrown instanceof LuaSyntaxError)) throw thrown;
      throw commandError(`ERR Error compiling script (new function): ${thrown.message}`);
    }
    return this.cache.add(source, fn, head.flags, keeps);
  }

  /** Runs a script with the keys and arguments of the client's command, and replies. */
  runScript(client: Client, script: CachedScript, keyCount: number, isReadOnly: boolean): void {
    this.cache.touch(script);
    this.#begin(client, script, script.sha, false, isReadOnly);
    const { argv } = client;
    const { globals } = this.#engine;
    try {
      globals.set("KEYS", keysOf(argv, keyCount));
      globals.set("ARGV", argumentsOf(argv, keyCount));
      this.#reply(client, this.#engine.callForOne(script.fn));
    } catch (thrown) {
      this.#replyFailure(client, script.sha, this.#engine, thrown);
    } finally {
      this.#calls.end();
    }
  }

  /** Runs a function with the keys and arguments of the client's command, and replies. */
  runFunction(client: Client, found: LibraryFunction, keyCount: number, isReadOnly: boolean): void {
    this.#begin(client, found, found.name, true, isReadOnly);
    const { argv } = client;
    const { engine } = this.functions;
    try {
      const keys = keysOf(argv, keyCount);
      this.#reply(client, engine.callForOne(found.fn, keys, argumentsOf(argv, keyCount)));
    } catch (thrown) {
      this.#replyFailure(client, found.name, engine, thrown);
    } finally {
      this.#calls.end();
    }
  }

  /** Throws a CommandError if a script must not run now; else it has begun. */
  #begin(
    client: Client,
    { flags }: Runnable,
    name: string,
    isFunction: boolean,
    isReadOnly: boolean,
  ): void {
    this.#requireRunnable(client, flags, isReadOnly);
    const isDeclared = (flags & SCRIPT_UNDECLARED) === 0;
    // The effects are recorded command by command.
    client.propagateNothing();
    this.#calls.begin({
      caller: client,
      name,
      isFunction,
      isReadOnly: isReadOnly || (isDeclared && (flags & SCRIPT_NO_WRITES) !== 0),
      allowsOom: isDeclared && (flags & SCRIPT_ALLOW_OOM) !== 0,
      // Dispatch reads no clock for what is repeated from a record.
      startedUs: isObeyed(client) ? clock.monotonicUs() : this.#host.dispatcher.startUs,
    });
  }

  #reply(client: Client, value: unknown): void {
    const target = this.#target;
    const { reply } = this.#calls.client;
    target.begin(client.reply, reply.resp);
    replyLua(target, value);
    target.reply = reply;
    if (target.hasError) client.command!.failedCalls++;
  }

  /** A script ended with an error. What was counted by a command of it is not counted again. */
  #replyFailure(client: Client, name: string, engine: LuaEngine, thrown: unknown): void {
    if (thrown instanceof ScriptKill) {
      throw commandError(thrown.message + placeText(name, thrown.place));
    }
    if (!(thrown instanceof LuaError)) throw thrown;
    const report = reportOf(thrown);
    const text = report.text + placeText(name, engine.placeOf(thrown.site));
    if (!report.isCounted) throw commandError(text);
    client.reply.error(text);
    client.command!.failedCalls++;
  }

  /** What the state of the server and the flags of the script allow; throws a CommandError. */
  #requireRunnable(client: Client, flags: number, isReadOnlyCommand: boolean): void {
    const { gates, memoryLimit } = this.#host;
    const isForced = isObeyed(client);
    const isStale = (gates.bits & GATE_MASTER_DOWN) !== 0 && !isForced;
    if ((flags & SCRIPT_UNDECLARED) !== 0) {
      if (isStale) throw MASTER_DOWN;
      return;
    }
    if (isStale && (flags & SCRIPT_ALLOW_STALE) === 0) throw STALE_SCRIPT;
    if ((flags & SCRIPT_NO_WRITES) === 0 && !isForced) {
      if ((gates.bits & GATE_READ_ONLY) !== 0) throw READ_ONLY_SCRIPT;
      if ((gates.bits & GATE_MISCONF) !== 0) this.#requireDisk();
      if (isReadOnlyCommand) throw READ_ONLY_COMMAND;
      if ((gates.bits & GATE_NO_REPLICAS) !== 0) throw NO_GOOD_REPLICAS;
    }
    const isOutOfMemory = (gates.bits & GATE_MEMORY) !== 0 && memoryLimit.isOutOfMemory;
    if (isForced || !isOutOfMemory) return;
    if ((flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)) === 0) throw OUT_OF_MEMORY_AT_START;
  }

  #requireDisk(): void {
    const { persistence } = this.#host;
    if (persistence.rdb.refusesWrites) throw MISCONF_RDB;
    const { diskError } = persistence.aof;
    if (diskError !== null) throw commandError(MISCONF_AOF + diskError);
  }
}

/** Whether the client repeats what was done elsewhere or before: a master, a file. */
function isObeyed(client: Client): boolean {
  return (client.flags & REDIS_INTERNAL) !== 0;
}

function keysOf(argv: Argv, keyCount: number): LuaTable {
  return tableOf(argv, FIRST_KEY, FIRST_KEY + keyCount);
}

function argumentsOf(argv: Argv, keyCount: number): LuaTable {
  return tableOf(argv, FIRST_KEY + keyCount, argv.count);
}

function tableOf(argv: Argv, from: number, to: number): LuaTable {
  // An array of its own size: one that grows has room for seventeen at once.
  switch (to - from) {
    case 0:
      return new LuaTable([]);
    case 1:
      return new LuaTable([argv.text(from)]);
    case 2:
      return new LuaTable([argv.text(from), argv.text(from + 1)]);
    case 3:
      return new LuaTable([argv.text(from), argv.text(from + 1), argv.text(from + 2)]);
  }
  const list: unknown[] = [];
  for (let index = from; index < to; index++) list.push(argv.text(index));
  return new LuaTable(list);
}
