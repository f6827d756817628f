/**
 * Scripts: EVAL and its kin, and SCRIPT, which manages what is loaded. What runs them is in
 * scripting/scripting.ts.
 */
import { commandBitsOf, parseScriptHead, SCRIPT_UNDECLARED } from "../scripting/script_flags.ts";
import { type CachedScript, SHA1_CHARACTERS } from "../scripting/script_cache.ts";
import type { Client } from "../session/client.ts";
import {
  COMMAND_MAY_REPLICATE,
  COMMAND_READONLY,
  ON_ALL_NODES,
  type RedisCommand,
} from "../session/command.ts";
import { commandError, NOT_AN_INTEGER } from "../session/errors.ts";
import { replyHelp } from "./help.ts";
import {
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

const SCRIPT_COST = "That of the script.";

// deno-fmt-ignore
export const scriptCommands: readonly RedisCommand[] = [
  { name: "eval", arity: -3, flags: RUNS, keys: NO_KEYS, keySpecs: scriptKeys("RW access update",
    WRITE_NOTE),
    proc: evalCommand, traits: RUNS_SCRIPT, findBits: evalBits,
    categories: SCRIPTING, since: "2.6.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a script." },
  { name: "evalsha", arity: -3, flags: RUNS, keys: NO_KEYS,
    keySpecs: scriptKeys("RW access update"),
    proc: evalshaCommand, traits: RUNS_SCRIPT, findBits: evalshaBits,
    categories: SCRIPTING, since: "2.6.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a loaded script." },
  { name: "eval_ro", arity: -3, flags: RUNS_READING, keys: NO_KEYS,
    keySpecs: scriptKeys("RO access", READ_NOTE),
    proc: evalRoCommand, traits: RUNS_SCRIPT, findBits: evalBits,
    categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a script that only reads." },
  { name: "evalsha_ro", arity: -3, flags: RUNS_READING, keys: NO_KEYS,
    keySpecs: scriptKeys("RO access"),
    proc: evalshaRoCommand, traits: RUNS_SCRIPT, findBits: evalshaBits,
    categories: SCRIPTING, since: "7.0.0", group: "scripting",
    complexity: SCRIPT_COST,
    summary: "Runs a loaded script that only reads." },
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
        categories: SCRIPTING, tips: ON_ALL_NODES, since: "2.6.0", group: "scripting",
        complexity: "O(N), N: scripts that are loaded.", summary: "Forgets all scripts." },
      { name: "script|kill", arity: 2, flags: ["noscript", "allow_busy"], keys: NO_KEYS,
        proc: scriptKillCommand,
        categories: SCRIPTING, tips: ONE_SHARD, since: "2.6.0", group: "scripting",
        complexity: "O(1)",
        summary: "Ends the running script." },
      { name: "script|load", arity: 3, flags: ["noscript", "stale"], keys: NO_KEYS,
        proc: scriptLoadCommand,
        categories: SCRIPTING, tips: ON_ALL_NODES, since: "2.6.0", group: "scripting",
        complexity: "O(N), N: bytes of the script.", summary: "Loads a script." },
      { name: "script|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: scriptHelpCommand,
        categories: SCRIPTING, since: "5.0.0", group: "scripting", complexity: "O(1)",
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

const NO_DEBUGGER = commandError("ERR There is no script debugger in Redeno");
const NO_SCRIPT = commandError("NOSCRIPT No matching script. Please use EVAL.");
const INVALID_FLUSH = commandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
const INVALID_DEBUG_MODE = commandError("ERR Use SCRIPT DEBUG YES/SYNC/NO");

function evalCommand(client: Client): void {
  runText(client, false);
}

function evalRoCommand(client: Client): void {
  runText(client, true);
}

function runText(client: Client, isReadOnly: boolean): void {
  const { argv, host } = client;
  host.monitors.show(client, client.command!);
  const keyCount = keyCountArgument(argv, NOT_AN_INTEGER);
  const script = host.scripting.compile(argv.text(1), false);
  host.scripting.runScript(client, script, keyCount, isReadOnly);
}

function evalshaCommand(client: Client): void {
  runLoaded(client, false);
}

function evalshaRoCommand(client: Client): void {
  runLoaded(client, true);
}

function runLoaded(client: Client, isReadOnly: boolean): void {
  const { argv, host } = client;
  host.monitors.show(client, client.command!);
  // Redis: what cannot be a SHA-1 is not looked at any further.
  if (argv.lengths[1] !== SHA1_CHARACTERS) throw NO_SCRIPT;
  const keyCount = keyCountArgument(argv, NOT_AN_INTEGER);
  const script = scriptOfSha(client, 1);
  if (script === undefined) throw NO_SCRIPT;
  host.scripting.runScript(client, script, keyCount, isReadOnly);
}

function scriptOfSha({ argv, host }: Client, index: number): CachedScript | undefined {
  return host.scripting.cache.findSha(argv, index);
}

function evalBits({ argv, host }: Client, bits: number): number {
  if (argv.count < 2) return bits;
  const source = argv.text(1);
  const script = host.scripting.cache.findSource(source) ?? parseScriptHead(source);
  return scriptBits(bits, "error" in script ? SCRIPT_UNDECLARED : script.flags);
}

function evalshaBits(client: Client, bits: number): number {
  const script = client.argv.count < 2 ? undefined : scriptOfSha(client, 1);
  return scriptBits(bits, script === undefined ? SCRIPT_UNDECLARED : script.flags);
}

/** A script that says nothing of itself may have effects, unless its command forbids it. */
function scriptBits(bits: number, flags: number): number {
  const isReading = (bits & COMMAND_READONLY) !== 0;
  return commandBitsOf(isReading ? bits : bits | COMMAND_MAY_REPLICATE, flags);
}

function scriptLoadCommand({ argv, host, reply }: Client): void {
  reply.bulkText(host.scripting.compile(argv.text(2), true).sha);
}

function scriptKillCommand({ host, reply }: Client): void {
  host.scripting.kill(false);
  reply.ok();
}

function scriptDebugCommand({ argv, reply }: Client): void {
  if (argv.is(2, "yes") || argv.is(2, "sync")) throw NO_DEBUGGER;
  if (!argv.is(2, "no")) throw INVALID_DEBUG_MODE;
  reply.ok();
}

function scriptExistsCommand(client: Client): void {
  const { argv, reply } = client;
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    reply.integer(scriptOfSha(client, index) === undefined ? 0 : 1);
  }
}

function scriptFlushCommand({ argv, host, reply }: Client): void {
  if (!isFlushMode(argv)) throw INVALID_FLUSH;
  host.scripting.flushScripts();
  reply.ok();
}

function scriptHelpCommand(client: Client): void {
  replyHelp(client, SCRIPT_HELP);
}
