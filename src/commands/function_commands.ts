/**
 * Functions: FCALL, FCALL_RO, and FUNCTION, which manages the libraries that hold them. What runs
 * them is in scripting/, what keeps them in scripting/function_libraries.ts.
 */
import { latin1Bytes, Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { matchGlob } from "../base/glob.ts";
import {
  isReadableWhere,
  OPCODE_FUNCTION2,
  RDB_VERSION,
  RdbFormatError,
} from "../persistence/rdb_format.ts";
import { ArraySource, RdbInput } from "../persistence/rdb_input.ts";
import { RdbOutput } from "../persistence/rdb_output.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Library, LibraryFunction } from "../scripting/function_library.ts";
import { type RestorePolicy } from "../scripting/function_libraries.ts";
import type { ScriptRun } from "../scripting/script_calls.ts";
import { commandBitsOf } from "../scripting/script_flags.ts";
import { busyErrorOf } from "../scripting/script_watch.ts";
import type { Client } from "../session/client.ts";
import type { Host } from "../session/host.ts";
import { COMMAND_MAY_REPLICATE, COMMAND_READONLY, type RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import { FOOTER_BYTES, isSoundPayload, PayloadSink, payloadVersion } from "./dump_commands.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";
import {
  ALL_SHARDS,
  isFlushMode,
  keyCountArgument,
  NO_KEYS,
  ONE_SHARD,
  READ_NOTE,
  RUNS,
  RUNS_READING,
  RUNS_SCRIPT,
  SCRIPTING,
  scriptKeys,
  WRITE_NOTE,
} from "./script_arguments.ts";

const FUNCTION_COST = "That of the function.";

// deno-fmt-ignore
export const functionCommands: readonly RedisCommand[] = [
  { name: "fcall", arity: -3, flags: RUNS, keys: NO_KEYS, keySpecs: scriptKeys("RW access update",
    WRITE_NOTE),
    proc: fcallCommand, traits: RUNS_SCRIPT, findBits: fcallBits,
    categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: FUNCTION_COST,
    summary: "Calls a function." },
  { name: "fcall_ro", arity: -3, flags: RUNS_READING, keys: NO_KEYS,
    keySpecs: scriptKeys("RO access", READ_NOTE),
    proc: fcallRoCommand, traits: RUNS_SCRIPT, findBits: fcallBits,
    categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: FUNCTION_COST,
    summary: "Calls a function that only reads." },
  { name: "function", arity: -2, flags: [], keys: NO_KEYS, proc: functionHelpCommand,
    categories: [], since: "7.0.0",
    group: "scripting", complexity: "That of the subcommand.", summary: "Manages libraries of functions.", subcommands: [
      { name: "function|delete", arity: 3, flags: ["write", "noscript"], keys: NO_KEYS,
        proc: functionDeleteCommand,
        categories: SCRIPTING, tips: ALL_SHARDS, since: "7.0.0", group: "scripting",
        complexity: "O(1)",
        summary: "Removes a library." },
      { name: "function|dump", arity: 2, flags: ["noscript"], keys: NO_KEYS,
        proc: functionDumpCommand,
        categories: SCRIPTING, since: "7.0.0", group: "scripting",
        complexity: "O(N), N: functions of all libraries.", summary: "Returns all libraries as a payload." },
      { name: "function|flush", arity: -2, flags: ["write", "noscript"], keys: NO_KEYS,
        proc: functionFlushCommand,
        categories: SCRIPTING, tips: ALL_SHARDS, since: "7.0.0", group: "scripting",
        complexity: "O(N), N: functions that are removed.", summary: "Removes all libraries." },
      { name: "function|kill", arity: 2, flags: ["noscript", "allow_busy"], keys: NO_KEYS,
        proc: functionKillCommand,
        categories: SCRIPTING, tips: ONE_SHARD, since: "7.0.0", group: "scripting",
        complexity: "O(1)",
        summary: "Ends the running function." },
      { name: "function|list", arity: -2, flags: ["noscript"], keys: NO_KEYS,
        proc: functionListCommand,
        categories: SCRIPTING, tips: ["nondeterministic_output_order"], since: "7.0.0",
        group: "scripting",
        complexity: "O(N), N: functions of all libraries.", summary: "Describes the libraries." },
      { name: "function|load", arity: -3, flags: ["write", "denyoom", "noscript"], keys: NO_KEYS,
        proc: functionLoadCommand,
        categories: SCRIPTING, tips: ALL_SHARDS, since: "7.0.0", group: "scripting",
        complexity: "O(1), not counting the time to compile the library.", summary: "Loads a library." },
      { name: "function|restore", arity: -3, flags: ["write", "denyoom", "noscript"], keys: NO_KEYS,
        proc: functionRestoreCommand, categories: SCRIPTING, tips: ALL_SHARDS, since: "7.0.0",
        group: "scripting",
        complexity: "O(N), N: functions in the payload.",
        summary: "Loads the libraries of a payload." },
      { name: "function|stats", arity: 2, flags: ["noscript", "allow_busy"], keys: NO_KEYS,
        proc: functionStatsCommand,
        categories: SCRIPTING,
        tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        since: "7.0.0", group: "scripting", complexity: "O(1)",
        summary: "Tells which function runs." },
      { name: "function|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: functionHelpCommand,
        categories: SCRIPTING, since: "7.0.0", group: "scripting", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
];

const FUNCTION_HELP = [
  "LOAD [REPLACE] <FUNCTION CODE>",
  "    Makes a library from its source, whose first line tells name and engine.",
  "DELETE <LIBRARY NAME>",
  "    Removes a library with all its functions.",
  "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
  "    Shows the libraries, or those with a name that matches:",
  "    * name",
  "    * engine",
  "    * description",
  "    * functions, with flags",
  "    * source, if WITHCODE asks for it",
  "    Patterns are those of KEYS.",
  "STATS",
  "    Shows the engines, and what runs at this moment:",
  "    * name of the function",
  "    * the call, with its arguments",
  "    * milliseconds since it began",
  "    That part is nil",
  "    when nothing runs.",
  "KILL",
  "    Ends the function that runs, if it has not written yet.",
  "FLUSH [ASYNC|SYNC]",
  "    Removes every library.",
  "    Without an argument `lazyfree-lazy-user-flush` decides how;",
  "    the arguments are:",
  "    * ASYNC: memory is given back little by little.",
  "    * SYNC: memory is given back before the reply.",
  "DUMP",
  "    Packs the libraries into bytes that FUNCTION RESTORE takes.",
  "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
  "    Brings back what DUMP has packed. What becomes of libraries that are there",
  "    already is up to you (default: APPEND):",
  "    * FLUSH: they are removed first.",
  "    * APPEND: they stay; if a name is taken, nothing is restored.",
  "    * REPLACE: those with the same name give way. It can still be refused:",
  "      when two libraries would hold functions",
  "      of one name.",
];

const NO_FUNCTION = commandError("ERR Function not found");
const BAD_KEY_COUNT = commandError("ERR Bad number of keys provided");
const NO_LIBRARY = commandError("ERR Library not found");
const INVALID_FLUSH = commandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
const NO_LIBRARY_NAME = commandError("ERR library name argument was not given");
const INVALID_POLICY = commandError(
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
);
const BAD_PAYLOAD = commandError("ERR DUMP payload version or checksum are wrong");
const NOT_A_FUNCTION = commandError("ERR given type is not a function");
const BAD_DATA = commandError("ERR failed loading the given functions payload");

const POLICIES: readonly RestorePolicy[] = ["flush", "append", "replace"];

function fcallCommand(client: Client): void {
  callFunction(client, false);
}

function fcallRoCommand(client: Client): void {
  callFunction(client, true);
}

function callFunction(client: Client, isReadOnly: boolean): void {
  const { argv, host } = client;
  host.monitors.show(client, client.command!);
  const found = functionOf(client);
  if (found === undefined) throw NO_FUNCTION;
  const keyCount = keyCountArgument(argv, BAD_KEY_COUNT);
  host.scripting.runFunction(client, found, keyCount, isReadOnly);
}

function functionOf({ argv, host }: Client): LibraryFunction | undefined {
  return host.scripting.functions.find(argv, 1);
}

/** The flags of FCALL, as the function declares them. */
function fcallBits(client: Client, bits: number): number {
  const isReading = (bits & COMMAND_READONLY) !== 0;
  const all = isReading ? bits : bits | COMMAND_MAY_REPLICATE;
  const found = client.argv.count < 2 ? undefined : functionOf(client);
  return found === undefined ? all : commandBitsOf(all, found.flags);
}

/** The libraries have changed: that is recorded, and counts for the save points. */
function changed({ host }: Client): void {
  host.keyspace.dirty++;
}

function functionLoadCommand(client: Client): void {
  const { argv, host, reply } = client;
  const last = argv.count - 1;
  let replaces = false;
  for (let index = 2; index < last; index++) {
    if (!argv.is(index, "replace")) {
      throw commandError(`ERR Unknown option given: ${argv.quoted(index)}`);
    }
    replaces = true;
  }
  const name = host.scripting.functions.load(argv.text(last), replaces);
  changed(client);
  reply.bulkText(name);
}

function functionDeleteCommand(client: Client): void {
  const { argv, host, reply } = client;
  if (!host.scripting.functions.delete(argv.text(2))) throw NO_LIBRARY;
  changed(client);
  reply.ok();
}

function functionFlushCommand(client: Client): void {
  const { argv, host, reply } = client;
  if (argv.count > 3) throw wrongSubcommandArity(argv);
  if (!isFlushMode(argv)) throw INVALID_FLUSH;
  host.scripting.functions.clear();
  changed(client);
  reply.ok();
}

function functionKillCommand({ host, reply }: Client): void {
  host.scripting.kill(true);
  reply.ok();
}

function functionHelpCommand(client: Client): void {
  replyHelp(client, FUNCTION_HELP);
}

function functionListCommand({ argv, host, reply }: Client): void {
  let hasCode = false;
  let pattern: Uint8Array | null = null;
  for (let index = 2; index < argv.count; index++) {
    if (!hasCode && argv.is(index, "withcode")) {
      hasCode = true;
    } else if (pattern === null && argv.is(index, "libraryname")) {
      if (++index === argv.count) throw NO_LIBRARY_NAME;
      pattern = argv.copy(index);
    } else {
      throw commandError(`ERR Unknown argument ${argv.quoted(index)}`);
    }
  }
  const all = [...host.scripting.functions.libraries()];
  const shown = pattern === null ? all : all.filter(({ name }) => matches(pattern, name));
  reply.array(shown.length);
  for (const library of shown) replyLibrary(reply, library, hasCode);
}

function matches(pattern: Uint8Array, name: string): boolean {
  const bytes = latin1Bytes(name);
  return matchGlob(pattern, 0, pattern.length, bytes, 0, bytes.length, true);
}

function replyLibrary(reply: Client["reply"], library: Library, hasCode: boolean): void {
  const { name, functions, source } = library;
  reply.map(hasCode ? 4 : 3);
  reply.bulkText("library_name");
  reply.bulkText(name);
  reply.bulkText("engine");
  reply.bulkText("LUA");
  reply.bulkText("functions");
  reply.array(functions.size);
  for (const each of functions.values()) replyFunction(reply, each);
  if (!hasCode) return;
  reply.bulkText("library_code");
  reply.bulkText(source);
}

function replyFunction(reply: Client["reply"], each: LibraryFunction): void {
  reply.map(3);
  reply.bulkText("name");
  reply.bulkText(each.name);
  reply.bulkText("description");
  if (each.description === null) reply.nil();
  else reply.bulkText(each.description);
  reply.bulkText("flags");
  reply.set(each.flagNames.length);
  for (const flag of each.flagNames) reply.simple(flag);
}

function functionStatsCommand({ host, reply }: Client): void {
  const { functions, running } = host.scripting;
  if (running !== null && !running.isFunction) throw busyErrorOf(running);
  reply.map(2);
  reply.bulkText("running_script");
  if (running === null) reply.nil();
  else replyRunning(reply, running);
  reply.bulkText("engines");
  reply.map(1);
  reply.bulkText("LUA");
  reply.map(2);
  reply.bulkText("libraries_count");
  reply.integer(functions.libraryCount);
  reply.bulkText("functions_count");
  reply.integer(functions.functionCount);
}

function replyRunning(reply: Client["reply"], { name, caller, startedUs }: ScriptRun): void {
  const { argv } = caller.call!;
  reply.map(3);
  reply.bulkText("name");
  reply.bulkText(name);
  reply.bulkText("command");
  reply.array(argv.count);
  for (let index = 0; index < argv.count; index++) reply.bulkText(argv.text(index));
  reply.bulkText("duration_ms");
  reply.integer(Math.floor((clock.monotonicUs() - startedUs) / 1000));
}

/** All libraries as in an RDB file, then version and checksum. */
function functionDumpCommand({ host, reply }: Client): void {
  const sink = packed(host.config, host.scripting.functions.sources());
  reply.bulkHeader(sink.byteCount);
  for (const piece of sink.pieces) reply.raw(piece, 0, piece.length);
  reply.bulkEnd();
}

function packed(
  { rdbcompression }: Pick<Host["config"], "rdbcompression">,
  sources: readonly Uint8Array[],
): PayloadSink {
  const sink = new PayloadSink();
  const output = new RdbOutput(sink, rdbcompression, true);
  for (const source of sources) {
    output.writeByte(OPCODE_FUNCTION2);
    output.writeString(source, 0, source.length);
  }
  output.finishPayload(RDB_VERSION);
  return sink;
}

function functionRestoreCommand(client: Client): void {
  const { argv, host, reply } = client;
  if (argv.count > 4) throw wrongSubcommandArity(argv);
  const policy = policyOf(argv);
  if (!isSoundPayload(argv, 2, host.persistence.rdb.skipsChecksums)) throw BAD_PAYLOAD;
  const sources = sourcesOf(argv);
  host.scripting.functions.restore(sources, policy);
  // Others may know no later version than ours, as with RESTORE.
  if (!isReadableWhere(RDB_VERSION, payloadVersion(argv, 2))) {
    const payload = packed(host.config, sources).joined();
    client.propagateAs("FUNCTION", "RESTORE", payload, ...(argv.count > 3 ? [argv.copy(3)] : []));
  }
  changed(client);
  reply.ok();
}

function policyOf(argv: Argv): RestorePolicy {
  if (argv.count === 3) return "append";
  const policy = POLICIES.find((word) => argv.is(3, word));
  if (policy === undefined) throw INVALID_POLICY;
  return policy;
}

/** The sources in a sound payload; throws a CommandError if it holds anything else. */
function sourcesOf(argv: Argv): Uint8Array[] {
  const bodyBytes = argv.lengths[2] - FOOTER_BYTES;
  const source = new ArraySource(argv.bytes, argv.starts[2], bodyBytes);
  const input = new RdbInput("payload", source, bodyBytes, false);
  const sources: Uint8Array[] = [];
  const view = new Slice();
  try {
    while (input.restBytes > 0) {
      if (input.readByte() !== OPCODE_FUNCTION2) throw NOT_A_FUNCTION;
      input.readString(view);
      sources.push(view.copy());
    }
  } catch (error) {
    if (!(error instanceof RdbFormatError)) throw error;
    throw BAD_DATA;
  }
  return sources;
}
