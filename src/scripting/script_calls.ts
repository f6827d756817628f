/**
 * Script calls: how a script runs commands (redis.call, redis.pcall), and what is known of the
 * script that runs (Redis: scriptCall, scriptRunCtx).
 *
 * The commands run as those of a client of their own, which has no connection; its user is that of
 * the caller. Each has a frame inside of the caller's, so that its effects are recorded one by one
 * in the caller's unit. What is refused is refused in Redis's order of checks.
 */
import { readyForCopies, writeLatin1 } from "../base/bytes.ts";
import { writeInteger } from "../base/integers.ts";
import { Argv } from "../protocol/argv.ts";
import { recycle } from "../protocol/reply.ts";
import {
  type Client,
  type ClientTransport,
  REDIS_DENY_BLOCKING,
  REDIS_INTERNAL,
  REDIS_LIMITED_USER,
  REDIS_SCRIPT,
  REDIS_TRACKING,
} from "../session/client.ts";
import {
  COMMAND_CHEAP,
  COMMAND_DENYOOM,
  COMMAND_MAY_REPLICATE,
  COMMAND_NOSCRIPT,
  COMMAND_STALE,
  COMMAND_WRITE,
  type CompiledCommand,
  PROPAGATE_ALL,
} from "../session/command.ts";
import { NO_GOOD_REPLICAS, OUT_OF_MEMORY, READ_ONLY_REPLICA } from "../session/errors.ts";
import {
  GATE_MASTER_DOWN,
  GATE_MEMORY,
  GATE_MISCONF,
  GATE_NO_REPLICAS,
  GATE_READ_ONLY,
} from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import { lacksRoom } from "../upkeep/address_space.ts";
import { failPlainly } from "./lua_calls.ts";
import { LuaError } from "./lua_error.ts";
import { meter, spendSteps } from "./lua_meter.ts";
import { formatGeneral } from "./lua_number.ts";
import type { LuaTable } from "./lua_table.ts";
import { ReplyToLua } from "./reply_to_lua.ts";
import { errorTable, failWithTable } from "./script_errors.ts";

/** A call counts as so many steps of Lua code: that of a cheap command, and of any other. */
const CHEAP_CALL_STEPS = 30;
const CALL_STEPS = 2000;
const ARGUMENT_BYTES_MIN = 1024;
/** Room for a whole number: sixteen digits and a sign. */
const INTEGER_BYTES_MAX = 17;
/** Names of commands that are remembered (a power of two). */
const NAME_SLOTS = 64;
/** A longer string may be a part of another one, which V8 would then keep alive. */
const KEPT_NAME_MAX = 12;
/** Arrays above this are given back after a script. */
const KEPT_BYTES_MAX = 64 * 1024;

/** What it uses of the host. */
type CallsHost = Pick<
  Host,
  | "acl"
  | "arena"
  | "clientLife"
  | "commands"
  | "dispatcher"
  | "gates"
  | "keyspace"
  | "memoryLimit"
  | "persistence"
  | "propagation"
  | "statistics"
  | "tracking"
>;

/** A script or function that runs. */
export interface ScriptRun {
  readonly caller: Client;
  /** The SHA-1 of a script, the name of a function. */
  readonly name: string;
  readonly isFunction: boolean;
  readonly isReadOnly: boolean;
  /** Memory is not asked for (flag allow-oom). */
  readonly allowsOom: boolean;
  /** When it began, by the monotonic clock. */
  readonly startedUs: number;
  /** A write command has been called: from now on nothing may stop the script half way. */
  hasWritten: boolean;
  /** It has run past `busy-reply-threshold`, and the log has been told. */
  isOverdue: boolean;
  /** SCRIPT KILL or FUNCTION KILL: it is to end. */
  isKilled: boolean;
}

/** What is said of a script as it begins. */
type RunStart = Omit<ScriptRun, "hasWritten" | "isOverdue" | "isKilled">;

/** The "connection" of the script's client. */
const NO_TRANSPORT: ClientTransport = {
  // What Redis shows of a client that has no socket.
  peerAddress: "?:0",
  localAddress: "?:0",
  close() {},
  requestFlush() {},
  flushEarly() {},
  resume() {},
  setNoDelay() {},
};

export class ScriptCalls {
  /** The script that runs; null between scripts. */
  run: ScriptRun | null = null;
  readonly #host: CallsHost;
  readonly #argv = new Argv();
  readonly #replies = new ReplyToLua();
  /** Names of commands, as scripts write them, and what they name; see `#commandOf`. */
  readonly #names: string[] = new Array(NAME_SLOTS).fill("");
  readonly #namedCommands: (CompiledCommand | null)[] = new Array(NAME_SLOTS).fill(null);
  #client: Client | null = null;
  /** Taken for each script. */
  #lastRun: { -readonly [Field in keyof ScriptRun]: ScriptRun[Field] } | null = null;
  #argumentBytes = readyForCopies(new Uint8Array(ARGUMENT_BYTES_MIN));

  constructor(host: CallsHost) {
    this.#host = host;
  }

  /** The client that the commands of scripts run as. */
  get client(): Client {
    return this.#client ??= this.#createClient();
  }

  #createClient(): Client {
    const client = this.#host.clientLife.create(NO_TRANSPORT, 0);
    client.flags |= REDIS_SCRIPT | REDIS_DENY_BLOCKING;
    client.isAuthenticated = true;
    return client;
  }

  /** A script begins, for its caller, in the caller's database, with RESP2 until it says else. */
  begin(start: RunStart): void {
    const { caller } = start;
    const { client } = this;
    client.db = caller.db;
    client.user = caller.user;
    client.reply.resp = 2;
    const inherited = REDIS_LIMITED_USER | REDIS_INTERNAL;
    client.flags = (client.flags & ~inherited) | (caller.flags & inherited);
    // One object for all scripts; written field by field, since V8 has no quick way for a spread.
    const run = this.#lastRun ??= {
      ...start,
      hasWritten: false,
      isOverdue: false,
      isKilled: false,
    };
    run.caller = caller;
    run.name = start.name;
    run.isFunction = start.isFunction;
    run.isReadOnly = start.isReadOnly;
    run.allowsOom = start.allowsOom;
    run.startedUs = start.startedUs;
    run.hasWritten = false;
    run.isOverdue = false;
    run.isKilled = false;
    this.run = run;
  }

  end(): void {
    this.run = null;
    // Nobody keeps the caller, who may go.
    this.#lastRun!.caller = this.client;
    this.#host.propagation.resetTargets();
    const { reply } = this.client;
    reply.rewind(0);
    if (reply.bytes.length > KEPT_BYTES_MAX) recycle(reply.detach());
    if (this.#argumentBytes.length > KEPT_BYTES_MAX) {
      this.#argumentBytes = readyForCopies(new Uint8Array(ARGUMENT_BYTES_MIN));
      this.#argv.bytes = this.#argumentBytes;
    }
  }

  /** redis.set_repl: who hears of the effects from now on, as Redis's bits. False: no such bits. */
  setReplication(flags: number): boolean {
    if ((flags & ~PROPAGATE_ALL) !== 0) return false;
    this.#host.propagation.targets = flags;
    return true;
  }

  /**
   * Runs a command and returns its reply as a Lua value; an error is raised if it `raises`, else
   * returned.
   */
  call(args: readonly unknown[], raises: boolean): unknown {
    const { run } = this;
    if (run === null) {
      failWithTable("redis.call/pcall can only be called inside a script invocation");
    }
    const problem = this.setArguments(args);
    if (problem !== null) return fail(errorTable(problem), raises);
    const command = this.#commandOf(args[0]);
    const refusal = this.#refusal(run, command);
    if (refusal !== null) {
      this.#countRefusal(command, refusal);
      return fail(errorTable(refusal, true), raises);
    }
    if ((command!.bits & COMMAND_WRITE) !== 0) run.hasWritten = true;
    return this.#run(run, command!, raises);
  }

  /**
   * The command whose arguments `setArguments` has made; `name` is the first of them, as it was
   * given. That is most often a constant of a script: the same string comes again and again.
   */
  #commandOf(name: unknown): CompiledCommand | null {
    const { commands } = this.#host;
    const argv = this.#argv;
    if (typeof name !== "string" || name.length > KEPT_NAME_MAX || name === "") {
      return commands.resolve(argv);
    }
    const last = name.length - 1;
    const slot = (name.charCodeAt(0) * 5 + name.charCodeAt(last) + last) & (NAME_SLOTS - 1);
    if (this.#names[slot] === name) return this.#namedCommands[slot]!;
    const command = commands.find(argv, 0);
    if (command === null || command.subcommandTable !== null) return commands.resolve(argv);
    this.#names[slot] = name;
    this.#namedCommands[slot] = command;
    return command;
  }

  /**
   * Makes Lua values the arguments of a command: numbers with all their digits. Returns what is
   * wrong with them, or null.
   */
  setArguments(args: readonly unknown[]): string | null {
    const count = args.length;
    if (count === 0) return "Please specify at least one argument for this redis lib call";
    const argv = this.#argv;
    argv.clear();
    let at = 0;
    for (let index = 0; index < count; index++) {
      const arg = args[index];
      const start = at;
      if (typeof arg === "string") at = this.#writeText(arg, at);
      else if (typeof arg === "number") at = this.#writeNumber(arg, at);
      else return "Lua redis lib command arguments must be strings or integers";
      argv.add(start, at - start);
    }
    // It may have been replaced by a larger one on the way.
    argv.bytes = this.#argumentBytes;
    spendSteps(at >>> 4);
    return null;
  }

  /** The arguments that `setArguments` has made. */
  get argv(): Argv {
    return this.#argv;
  }

  /** Writes an argument behind the ones before; returns where it ends. */
  #writeText(text: string, at: number): number {
    const end = at + text.length;
    if (end > this.#argumentBytes.length) this.#growArguments(at, end);
    writeLatin1(text, this.#argumentBytes, at);
    return end;
  }

  #writeNumber(value: number, at: number): number {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      return this.#writeText(formatGeneral(value, 17, false), at);
    }
    const end = at + INTEGER_BYTES_MAX;
    if (end > this.#argumentBytes.length) this.#growArguments(at, end);
    return at + writeInteger(value, this.#argumentBytes, at);
  }

  /** Room for arguments up to `end`; those up to `used` are there already. */
  #growArguments(used: number, end: number): void {
    const bytes = readyForCopies(new Uint8Array(end * 2));
    bytes.set(this.#argumentBytes.subarray(0, used));
    this.#argumentBytes = bytes;
  }

  #run(run: ScriptRun, command: CompiledCommand, raises: boolean): unknown {
    const { dispatcher, tracking } = this.#host;
    const { client } = this;
    const { reply } = client;
    client.argv = this.#argv;
    reply.rewind(0);
    spendSteps((command.bits & COMMAND_CHEAP) !== 0 ? CHEAP_CALL_STEPS : CALL_STEPS);
    dispatcher.call(client, command);
    const { caller } = run;
    if ((caller.flags & REDIS_TRACKING) !== 0) tracking.remember(caller, command, this.#argv);
    if (reply.isOverflown) {
      reply.isOverflown = false;
      reply.rewind(0);
      failPlainly("not enough memory");
    }
    const isError = reply.bytes[0] === 0x2d;
    const value = this.#replies.read(reply.bytes, 0);
    return isError ? fail(value as LuaTable, raises) : value;
  }

  /** Why the command in `#argv` may not run, or null; in Redis's order. */
  #refusal(run: ScriptRun, command: CompiledCommand | null): string | null {
    if (command === null) return "Unknown Redis command called from script";
    const { arity } = command;
    const { count } = this.#argv;
    if (arity > 0 ? count !== arity : count < -arity) {
      return "Wrong number of args calling Redis command from script";
    }
    const { bits } = command;
    if ((bits & COMMAND_NOSCRIPT) !== 0) return "This Redis command is not allowed from script";
    const { caller } = run;
    if ((caller.flags & REDIS_LIMITED_USER) !== 0) {
      const reason = this.#host.acl.refusalInScript(caller, command, this.#argv);
      if (reason !== null) return reason;
    }
    if (run.isReadOnly && (bits & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) !== 0) {
      return "Write commands are not allowed from read-only scripts.";
    }
    return this.#host.gates.bits === 0 ? null : this.#refusalByState(run, command);
  }

  /** What disk and memory allow: once a script has written, it may go on. */
  #refusalByState(run: ScriptRun, command: CompiledCommand): string | null {
    const { arena, gates, memoryLimit, persistence } = this.#host;
    // What was recorded must be repeated, whatever the state is now.
    if ((run.caller.flags & REDIS_INTERNAL) !== 0) return null;
    const { bits } = command;
    if ((gates.bits & GATE_MASTER_DOWN) !== 0 && (bits & COMMAND_STALE) === 0) {
      return "Can not execute the command on a stale replica";
    }
    const isRefusedWrite = (bits & COMMAND_WRITE) !== 0 && !run.hasWritten &&
      (gates.bits & GATE_READ_ONLY) !== 0;
    if (isRefusedWrite) return `-${READ_ONLY_REPLICA.text}`;
    const isWrite = (bits & COMMAND_WRITE) !== 0;
    if ((gates.bits & GATE_MISCONF) !== 0 && isWrite && !run.hasWritten) {
      const error = persistence.writeError();
      if (error !== null) return `-${error.text}`;
    }
    // Redis: this is asked again, even behind writes.
    if ((gates.bits & GATE_NO_REPLICAS) !== 0 && isWrite) return `-${NO_GOOD_REPLICAS.text}`;
    if ((gates.bits & GATE_MEMORY) === 0) return null;
    // Beyond the address space there is nothing, whoever asks.
    if (lacksRoom(arena, command, this.#argv)) return `-${OUT_OF_MEMORY.text}`;
    const isRefused = memoryLimit.isOutOfMemory && (bits & COMMAND_DENYOOM) !== 0 &&
      !run.allowsOom && !run.hasWritten;
    return isRefused ? `-${OUT_OF_MEMORY.text}` : null;
  }

  #countRefusal(command: CompiledCommand | null, refusal: string): void {
    const text = refusal.startsWith("-") ? refusal.slice(1) : `ERR ${refusal}`;
    this.#host.statistics.countError(text);
    if (command !== null) command.rejectedCalls++;
  }
}

function fail(table: LuaTable, raises: boolean): LuaTable {
  if (raises) throw new LuaError(table, Math.abs(meter.s));
  return table;
}
