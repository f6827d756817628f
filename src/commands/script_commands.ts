/**
 * Scripting, seen from a server that cannot run scripts yet: SCRIPT and FUNCTION answer truly that
 * nothing is loaded, so that the tools that ask work; what would load or run code is refused.
 */
import { parseInt64 } from "../base/integers.ts";
import { Crc64 } from "../persistence/crc64.ts";
import { CHECKSUM_BYTES, RDB_VERSION } from "../persistence/rdb_format.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { commandError, NOT_AN_INTEGER } from "../session/errors.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"] as const;
const ALL_SHARDS = ["request_policy:all_shards", "response_policy:all_succeeded"] as const;
const ONE_SHARD = ["request_policy:all_shards", "response_policy:one_succeeded"] as const;
const SCRIPTING = ["@scripting"] as const;
const RUNS = ["noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys"] as const;
const RUNS_READING = ["readonly", ...RUNS] as const;
const WRITE_NOTE = "`RW` `UPDATE`: a script may do anything with its keys";
const READ_NOTE = "`RO` `ACCESS`: a script may read its keys";
const SCRIPT_COST = "That of the script.";
const FUNCTION_COST = "That of the function.";

/** The keys of EVAL and its kin: their number stands behind the script. */
function scriptKeys(flags: string, notes?: string): readonly KeySpec[] {
  const spec: KeySpec = {
    flags: flags.split(" "),
    begin: { index: 2 },
    find: { keyNumberIndex: 0, firstKey: 1, step: 1 },
  };
  return [notes === undefined ? spec : { ...spec, notes }];
}

// deno-fmt-ignore
export const scriptCommands: readonly RedisCommand[] = [
  { name: "eval", arity: -3, flags: RUNS, keys: NO_KEYS, keySpecs: scriptKeys("RW access update",
    WRITE_NOTE),
    proc: evalCommand, categories: SCRIPTING, since: "2.6.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a script." },
  { name: "evalsha", arity: -3, flags: RUNS, keys: NO_KEYS,
    keySpecs: scriptKeys("RW access update"),
    proc: evalshaCommand, categories: SCRIPTING, since: "2.6.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a loaded script." },
  { name: "eval_ro", arity: -3, flags: RUNS_READING, keys: NO_KEYS,
    keySpecs: scriptKeys("RO access", READ_NOTE),
    proc: evalRoCommand, categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a script that only reads." },
  { name: "evalsha_ro", arity: -3, flags: RUNS_READING, keys: NO_KEYS,
    keySpecs: scriptKeys("RO access"),
    proc: evalshaRoCommand, categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a loaded script that only reads." },
  { name: "fcall", arity: -3, flags: RUNS, keys: NO_KEYS, keySpecs: scriptKeys("RW access update",
    WRITE_NOTE),
    proc: fcallCommand, categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: FUNCTION_COST,
    summary: "Calls a function." },
  { name: "fcall_ro", arity: -3, flags: RUNS_READING, keys: NO_KEYS,
    keySpecs: scriptKeys("RO access", READ_NOTE),
    proc: fcallRoCommand, categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: FUNCTION_COST,
    summary: "Calls a function that only reads." },
  { name: "script", arity: -2, flags: [], keys: NO_KEYS, proc: scriptHelpCommand, categories: [],
    since: "2.6.0",
    group: "scripting", complexity: "That of the subcommand.", summary: "Manages the loaded scripts.", subcommands: [
      { name: "script|debug", arity: 3, flags: ["noscript"], keys: NO_KEYS,
        proc: scriptDebugCommand,
        categories: SCRIPTING, since: "3.2.0", group: "scripting", complexity: "O(1)",
        summary: "Switches the debugger on or off." },
      { name: "script|exists", arity: -3, flags: ["noscript"], keys: NO_KEYS,
        proc: scriptExistsCommand,
        categories: SCRIPTING,
        tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
        since: "2.6.0", group: "scripting",
        complexity: "O(N), N: scripts that are asked for; O(1) for one.",
        summary: "Tells which scripts are loaded." },
      { name: "script|flush", arity: -2, flags: ["noscript"], keys: NO_KEYS,
        proc: scriptFlushCommand,
        categories: SCRIPTING, tips: ALL_NODES, since: "2.6.0", group: "scripting",
        complexity: "O(N), N: scripts that are loaded.", summary: "Forgets all scripts." },
      { name: "script|kill", arity: 2, flags: ["noscript", "allow_busy"], keys: NO_KEYS,
        proc: killCommand,
        categories: SCRIPTING, tips: ONE_SHARD, since: "2.6.0", group: "scripting",
        complexity: "O(1)",
        summary: "Ends the running script." },
      { name: "script|load", arity: 3, flags: ["noscript", "stale"], keys: NO_KEYS,
        proc: refuseCommand,
        categories: SCRIPTING, tips: ALL_NODES, since: "2.6.0", group: "scripting",
        complexity: "O(N), N: bytes of the script.", summary: "Loads a script." },
      { name: "script|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: scriptHelpCommand,
        categories: SCRIPTING, since: "5.0.0", group: "scripting", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
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
        proc: killCommand,
        categories: SCRIPTING, tips: ONE_SHARD, since: "7.0.0", group: "scripting",
        complexity: "O(1)",
        summary: "Ends the running function." },
      { name: "function|list", arity: -2, flags: ["noscript"], keys: NO_KEYS,
        proc: functionListCommand,
        categories: SCRIPTING, tips: ["nondeterministic_output_order"], since: "7.0.0",
        group: "scripting",
        complexity: "O(N), N: functions of all libraries.", summary: "Describes the libraries." },
      { name: "function|load", arity: -3, flags: ["write", "denyoom", "noscript"], keys: NO_KEYS,
        proc: refuseCommand,
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

const SCRIPT_HELP = [
  "DEBUG (YES|SYNC|NO)",
  "    Has the next EVAL run under the debugger, or no longer.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Tells for each digest whether EVALSHA would find its script.",
  "FLUSH [ASYNC|SYNC]",
  "    Forgets every script, so that clients have to load theirs again.",
  "    Without an argument `lazyfree-lazy-user-flush` decides how;",
  "    the arguments are:",
  "    * ASYNC: memory is given back little by little.",
  "    * SYNC: memory is given back before the reply.",
  "KILL",
  "    Ends the script that runs, if it has not written yet.",
  "LOAD <script>",
  "    Keeps a script and replies with its digest; does not run it.",
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

const NOT_AVAILABLE = commandError("ERR Scripting is not available in this version of Redeno");
const NO_SCRIPT = commandError("NOSCRIPT No matching script. Please use EVAL.");
const NO_FUNCTION = commandError("ERR Function not found");
const NO_LIBRARY = commandError("ERR Library not found");
const NOT_BUSY = commandError("NOTBUSY No scripts in execution right now.");
const NEGATIVE_KEYS = commandError("ERR Number of keys can't be negative");
const TOO_MANY_KEYS = commandError("ERR Number of keys can't be greater than number of args");
const INVALID_SCRIPT_FLUSH = commandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
const INVALID_FUNCTION_FLUSH = commandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
const INVALID_DEBUG_MODE = commandError("ERR Use SCRIPT DEBUG YES/SYNC/NO");
const NO_LIBRARY_NAME = commandError("ERR library name argument was not given");
const INVALID_POLICY = commandError(
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
);
const BAD_PAYLOAD = commandError("ERR DUMP payload version or checksum are wrong");

const SHA1_CHARACTERS = 40;
const VERSION_BYTES = 2;

function refuseCommand(_client: Client): void {
  throw NOT_AVAILABLE;
}

function evalCommand({ argv }: Client): void {
  checkKeyCount(argv);
  throw NOT_AVAILABLE;
}

function evalRoCommand(client: Client): void {
  evalCommand(client);
}

function evalshaCommand({ argv }: Client): void {
  // Redis: what cannot be a SHA-1 is not looked at any further.
  if (argv.lengths[1] === SHA1_CHARACTERS) checkKeyCount(argv);
  throw NO_SCRIPT;
}

function evalshaRoCommand(client: Client): void {
  evalshaCommand(client);
}

function fcallCommand(_client: Client): void {
  throw NO_FUNCTION;
}

function fcallRoCommand(client: Client): void {
  fcallCommand(client);
}

function checkKeyCount(argv: Argv): void {
  const keyCount = parseInt64(argv.bytes, argv.starts[2], argv.lengths[2]);
  if (keyCount === null) throw NOT_AN_INTEGER;
  if (keyCount > argv.count - 3) throw TOO_MANY_KEYS;
  if (keyCount < 0) throw NEGATIVE_KEYS;
}

function killCommand(_client: Client): void {
  throw NOT_BUSY;
}

function scriptDebugCommand({ argv, reply }: Client): void {
  if (argv.is(2, "yes") || argv.is(2, "sync")) throw NOT_AVAILABLE;
  if (!argv.is(2, "no")) throw INVALID_DEBUG_MODE;
  reply.ok();
}

function scriptExistsCommand({ argv, reply }: Client): void {
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) reply.integer(0);
}

/** Whether the arguments say no more than ASYNC or SYNC. */
function isFlushMode(argv: Argv): boolean {
  return argv.count === 2 || (argv.count === 3 && (argv.is(2, "async") || argv.is(2, "sync")));
}

function scriptFlushCommand({ argv, reply }: Client): void {
  if (!isFlushMode(argv)) throw INVALID_SCRIPT_FLUSH;
  reply.ok();
}

function scriptHelpCommand({ reply }: Client): void {
  replyHelp(reply, "SCRIPT", SCRIPT_HELP);
}

function functionDeleteCommand(_client: Client): void {
  throw NO_LIBRARY;
}

/** The payload of no libraries: a version and a checksum of it. */
function functionDumpCommand({ reply }: Client): void {
  const payload = new Uint8Array(VERSION_BYTES + CHECKSUM_BYTES);
  payload[0] = RDB_VERSION;
  const crc = new Crc64();
  crc.update(payload, 0, VERSION_BYTES);
  crc.store(payload, VERSION_BYTES);
  reply.bulk(payload, 0, payload.length);
}

function functionFlushCommand({ argv, reply }: Client): void {
  if (argv.count > 3) throw wrongSubcommandArity(argv, "FUNCTION");
  if (!isFlushMode(argv)) throw INVALID_FUNCTION_FLUSH;
  reply.ok();
}

function functionListCommand({ argv, reply }: Client): void {
  let hasCode = false;
  let hasName = false;
  for (let index = 2; index < argv.count; index++) {
    if (!hasCode && argv.is(index, "withcode")) {
      hasCode = true;
    } else if (!hasName && argv.is(index, "libraryname")) {
      if (++index === argv.count) throw NO_LIBRARY_NAME;
      hasName = true;
    } else {
      throw commandError(`ERR Unknown argument ${argv.quoted(index)}`);
    }
  }
  reply.array(0);
}

/** Restores a payload without libraries; one that has some cannot be taken. */
function functionRestoreCommand({ argv, reply }: Client): void {
  if (argv.count > 4) throw wrongSubcommandArity(argv, "FUNCTION");
  const policies = ["flush", "append", "replace"];
  if (argv.count === 4 && !policies.some((policy) => argv.is(3, policy))) throw INVALID_POLICY;
  const start = argv.starts[2];
  const bodyBytes = argv.lengths[2] - VERSION_BYTES - CHECKSUM_BYTES;
  if (bodyBytes < 0) throw BAD_PAYLOAD;
  const { bytes } = argv;
  const version = bytes[start + bodyBytes] | (bytes[start + bodyBytes + 1] << 8);
  const crc = new Crc64();
  crc.update(bytes, start, bodyBytes + VERSION_BYTES);
  if (version > RDB_VERSION || !crc.matches(bytes, start + bodyBytes + VERSION_BYTES)) {
    throw BAD_PAYLOAD;
  }
  if (bodyBytes > 0) throw NOT_AVAILABLE;
  reply.ok();
}

function functionStatsCommand({ reply }: Client): void {
  reply.map(2);
  reply.bulkText("running_script");
  reply.nil();
  reply.bulkText("engines");
  reply.map(1);
  reply.bulkText("LUA");
  reply.map(2);
  reply.bulkText("libraries_count");
  reply.integer(0);
  reply.bulkText("functions_count");
  reply.integer(0);
}

function functionHelpCommand({ reply }: Client): void {
  replyHelp(reply, "FUNCTION", FUNCTION_HELP);
}
