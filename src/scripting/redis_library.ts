/**
 * The library `redis`, as scripts and functions see it, and what Redis changes of Lua's own.
 */
import type { Log } from "../base/log.ts";
import { hexSha1 } from "../base/sha1.ts";
import { announcedVersion, type ReleaseChoice } from "../config/version.ts";
import { PROPAGATE_ALL, PROPAGATE_AOF, PROPAGATE_REPL } from "../session/command.ts";
import type { Host } from "../session/host.ts";
import { fail, textArgument, truncate } from "./lua_arguments.ts";
import type { LuaEngine } from "./lua_engine.ts";
import { spendSteps } from "./lua_meter.ts";
import { LuaTable } from "./lua_table.ts";
import {
  type LuaFunction,
  makeLibrary,
  NO_VALUES,
  rawToString,
  toNumber,
  toText,
} from "./lua_value.ts";
import type { ScriptCalls } from "./script_calls.ts";
import { errorTable, failWithTable } from "./script_errors.ts";

const LOG_LEVELS = ["debug", "verbose", "notice", "warning"] as const;

/** What the functions use. */
export interface RedisLibraryOptions {
  readonly calls: ScriptCalls;
  readonly log: Log;
  readonly host: Pick<Host, "acl" | "commands" | "config">;
}

/** `redis` as functions and scripts see it. */
export function makeRedisLibrary(options: RedisLibraryOptions): LuaTable {
  const { calls } = options;
  const library = makeLibrary({
    acl_check_cmd: makeAclCheck(options),
    call: (...args) => calls.call(args, true),
    error_reply: errorReply,
    log: makeLog(options.log),
    pcall: (...args) => calls.call(args, false),
    set_repl: makeSetRepl(calls),
    setresp: makeSetResp(calls),
    sha1hex: (...args) => {
      if (args.length !== 1) failWithTable("wrong number of arguments");
      const text = toText(args[0]) ?? "";
      spendSteps(text.length);
      return hexSha1(text);
    },
    status_reply: statusReply,
  });
  addConstants(library, options.host.config);
  const replication = {
    REPL_ALL: PROPAGATE_ALL,
    REPL_AOF: PROPAGATE_AOF,
    REPL_NONE: 0,
    REPL_REPLICA: PROPAGATE_REPL,
    REPL_SLAVE: PROPAGATE_REPL,
  };
  for (const [name, flags] of Object.entries(replication)) library.set(name, flags);
  return library;
}

/** What EVAL has beside: old functions that do nothing any more, and the debugger's. */
export function addScriptFunctions(library: LuaTable): void {
  const more = makeLibrary({
    breakpoint: () => false,
    debug: () => NO_VALUES,
    replicate_commands: () => true,
  });
  more.forEach((name, value) => library.set(name, value));
}

/** `redis` as it is while a library of functions is loaded. */
export function makeLoadLibrary(
  log: Log,
  release: ReleaseChoice,
  registerFunction: LuaFunction,
): LuaTable {
  const library = makeLibrary({ log: makeLog(log), register_function: registerFunction });
  addConstants(library, release);
  return library;
}

function addConstants(library: LuaTable, release: ReleaseChoice): void {
  LOG_LEVELS.forEach((level, number) => library.set(`LOG_${level.toUpperCase()}`, number));
  const version = announcedVersion(release);
  const [major, minor, patch] = version.split(".").map(Number);
  library.set("REDIS_VERSION", version);
  library.set("REDIS_VERSION_NUM", (major! << 16) | (minor! << 8) | patch!);
}

/** Makes reading a global that is not there an error. */
export function forbidMissing(table: LuaTable): void {
  table.metatable = makeLibrary({
    __index: (...args) =>
      fail(`Script attempted to access nonexistent global variable '${textArgument(args, 1)}'`),
  });
}

/**
 * Redis's pcall: of an error table, only its text is returned. It stands around the engine's, which
 * counts calls and catches.
 */
export function replacePcall(engine: LuaEngine): void {
  const original = engine.globals.get("pcall") as LuaFunction;
  const pcall: LuaFunction = (...args) => {
    const result = original(...args) as unknown[];
    if (result[0] !== false || !(result[1] instanceof LuaTable)) return result;
    const text = result[1].get("err");
    if (typeof text === "string" || typeof text === "number") return [false, text];
    // Redis leaves the field on the stack that it has looked at.
    return [false, result[1], text];
  };
  pcall.isNative = true;
  engine.globals.set("pcall", pcall);
}

/** The handler that Redis keeps among EVAL's globals: makes any error a table. */
export const errorHandler: LuaFunction = (...args) => {
  const [error] = args;
  return error instanceof LuaTable ? error : LuaTable.withField("err", `ERR ${rawToString(error)}`);
};
errorHandler.isNative = true;

const errorReply: LuaFunction = (...args) => {
  const [text] = args;
  if (args.length !== 1 || typeof text !== "string") {
    return errorTable("wrong number or type of arguments");
  }
  // C: the text ends at the first zero byte.
  const shown = text.split("\0", 1)[0]!;
  return errorTable(shown.startsWith("-") ? shown : `-${shown}`);
};

const statusReply: LuaFunction = (...args) => {
  if (args.length !== 1 || typeof args[0] !== "string") {
    return errorTable("wrong number or type of arguments");
  }
  return LuaTable.withField("ok", args[0]);
};

/** C's cast to int of an argument that may be anything. */
function integerOf(value: unknown): number {
  return truncate(toNumber(value) ?? 0);
}

function makeLog(log: Log): LuaFunction {
  return (...args) => {
    if (args.length < 2) failWithTable("redis.log() requires two arguments or more.");
    if (toNumber(args[0]) === undefined) {
      failWithTable("First argument must be a number (log level).");
    }
    const level = LOG_LEVELS[integerOf(args[0])];
    if (level === undefined) failWithTable("Invalid debug level.");
    const texts = args.slice(1).map(toText);
    // Redis: a space before each but the first argument, if it can be shown at all.
    let line = texts[0] ?? "";
    for (const text of texts.slice(1)) if (text !== undefined) line += ` ${text}`;
    log[level](line);
    return NO_VALUES;
  };
}

function makeSetResp(calls: ScriptCalls): LuaFunction {
  return (...args) => {
    if (args.length !== 1) failWithTable("redis.setresp() requires one argument.");
    const resp = integerOf(args[0]);
    if (resp !== 2 && resp !== 3) failWithTable("RESP version must be 2 or 3.");
    if (calls.run === null) {
      failWithTable("redis.setresp can only be called inside a script invocation");
    }
    calls.client.reply.resp = resp;
    return NO_VALUES;
  };
}

function makeSetRepl(calls: ScriptCalls): LuaFunction {
  return (...args) => {
    if (calls.run === null) {
      failWithTable("redis.set_repl can only be called inside a script invocation");
    }
    if (args.length !== 1) failWithTable("redis.set_repl() requires two arguments.");
    if (!calls.setReplication(integerOf(args[0]))) {
      failWithTable(
        "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
      );
    }
    return NO_VALUES;
  };
}

function makeAclCheck({ calls, host }: RedisLibraryOptions): LuaFunction {
  return (...args) => {
    const { run } = calls;
    if (run === null) {
      failWithTable("redis.acl_check_cmd can only be called inside a script invocation");
    }
    const problem = calls.setArguments(args);
    if (problem !== null) failWithTable(problem);
    const command = host.commands.resolve(calls.argv);
    if (command === null) failWithTable("Invalid command passed to redis.acl_check_cmd()");
    return host.acl.dryRun(run.caller.user, command, calls.argv) === null;
  };
}
