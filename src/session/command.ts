/**
 * Command: the row of the command table, modelled on Redis's redisCommand. A family file declares
 * its rows at its head; `command_table.ts` compiles them.
 */
import type { RedisRelease } from "../config/version.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "./client.ts";

/**
 * Flags, the words that COMMAND INFO prints:
 *
 *   write             may change the data set; goes to the AOF
 *   readonly          reads keys and never changes them
 *   denyoom           may take more memory; refused when `maxmemory` is reached
 *   admin             administration: not shown to MONITOR, ACL categories @admin and @dangerous
 *   pubsub            publish and subscribe
 *   noscript          not allowed in scripts
 *   random            (kept for ACL; 7.0 prints it no more)
 *   blocking          may block the client
 *   loading           allowed while the data set is loading
 *   stale             allowed on a replica with stale data
 *   skip_monitor      not shown to MONITOR
 *   skip_slowlog      not recorded in the slow log
 *   asking            cluster
 *   fast              O(1) or O(log n): never delays others
 *   no_auth           allowed before authentication
 *   may_replicate     may be propagated although it is no write
 *   no_mandatory_keys keys are optional
 *   no_async_loading, no_multi, allow_busy, movablekeys, sentinel, only_sentinel
 */
export type CommandFlag =
  | "write"
  | "readonly"
  | "denyoom"
  | "admin"
  | "pubsub"
  | "noscript"
  | "blocking"
  | "loading"
  | "stale"
  | "skip_monitor"
  | "skip_slowlog"
  | "asking"
  | "fast"
  | "no_auth"
  | "may_replicate"
  | "no_mandatory_keys"
  | "no_async_loading"
  | "no_multi"
  | "allow_busy"
  | "movablekeys";

/**
 * Where the keys are: [first, last, step] as in COMMAND INFO (last -1 = up to the last argument;
 * all 0 = no keys); with a function where the positions depend on the arguments.
 */
export type KeyRange = readonly [first: number, last: number, step: number];

/**
 * What the server does with a command beside running it; it goes with the row, whatever the command
 * is called. Those of a container hold for its subcommands.
 *
 *   acts_in_multi          acts at once although the client is in MULTI
 *   allowed_in_subscribe   allowed to a RESP2 client that is subscribed
 *   refused_without_disk   refused after a failed save although it does not write
 *   runs_queue             EXEC: it does what the queued commands do
 *   cheap                  so cheap that calls in a row are timed together, as all "fast" ones are
 *   keeps_caching          leaves standing what CLIENT CACHING has said of the next command
 *   meets_any_key          may meet expired keys that it does not name: each is a unit of its own
 *   runs_script            EVAL and its kin: `findBits` says what the script may do
 */
export type CommandTrait =
  | "acts_in_multi"
  | "allowed_in_subscribe"
  | "refused_without_disk"
  | "runs_queue"
  | "cheap"
  | "keeps_caching"
  | "meets_any_key"
  | "runs_script";

/** A setting, `enable-…-command`, that allows commands which can do harm. */
export type Protection = "debug" | "module";

/** Which arguments, from the first on, are channels: one or all, names or patterns. */
export interface ChannelArguments {
  isOne: boolean;
  isPattern: boolean;
}

/** Finds the positions of all keys in a command's arguments; throws CommandError if malformed. */
export type KeyFinder = (argv: Argv) => number[];

/** What a command does to its keys, per key spec: the words of COMMAND INFO. */
export interface KeySpec {
  /** "RW" | "RO" | "OW" | "RM", then "access", "update", "insert", "delete", "incomplete" … */
  flags: readonly string[];
  /** Where the search begins: an argument index, or a keyword searched from an index on. */
  begin: { index: number } | { keyword: string; from: number } | "unknown";
  /** How to go on: a range, or a number of keys that stands at an index; see COMMAND INFO. */
  find:
    | { lastKey: number; step: number; limit: number }
    | { keyNumberIndex: number; firstKey: number; step: number }
    | "unknown";
  notes?: string;
}

/**
 * The key spec of the arguments from `first` on; `last` counts from `first`, or is -1 for "all the
 * rest". For rows with several specs, or one with notes.
 */
export function rangeSpec(flags: string, first: number, last: number, notes?: string): KeySpec {
  const spec: KeySpec = {
    flags: flags.split(" "),
    begin: { index: first },
    find: { lastKey: last, step: 1, limit: 0 },
  };
  return notes === undefined ? spec : { ...spec, notes };
}

/** Tips of a command that a client of a cluster sends to all nodes, all of which must succeed. */
export const ON_ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"] as const;

/** Columns that later releases have changed. */
export type RowChange = Partial<
  Pick<RedisCommand, "arity" | "flags" | "tips" | "keySpecs" | "categories">
>;

export interface RedisCommand {
  /**
   * Lower case; a subcommand is "config|get". It says what the command is; `rename-command` changes
   * how it is called, which only the command table knows.
   */
  name: string;
  /** Carries the command out and replies; synchronous, always. A container has none. */
  proc: (client: Client) => void;
  /** Arguments including the name; -3 means at least 3. */
  arity: number;
  /** What is otherwise from a release on. */
  changedIn?: readonly [release: RedisRelease, change: RowChange];
  flags: readonly CommandFlag[];
  /** First, last, step, as in COMMAND INFO. */
  keys: KeyRange;
  /** Flags of the one key spec that follows from `keys`: "RO access", "RW access update" … */
  access?: string;
  /** Key specs of commands for which one range does not tell all; replaces `access`. */
  keySpecs?: readonly KeySpec[];
  /** For commands flagged movablekeys. */
  findKeys?: KeyFinder;
  /** What the command does to its keys this time, where the spec says variable_flags. */
  findAccess?: (argv: Argv) => string;
  /** What else the server must know of the command; none if not given. */
  traits?: readonly CommandTrait[];
  /** With trait runs_script: its flags (COMMAND_…) for the script in `argv`, from its own. */
  findBits?: (client: Client, bits: number) => number;
  /** The setting that must allow the command, if there is one. */
  protectedBy?: Protection;
  /** For commands that name channels, which ACL asks permission for. */
  channels?: ChannelArguments;
  /** Whether an argument is a password or the like, which neither SLOWLOG nor MONITOR shows. */
  isSecret?: (argv: Argv, index: number) => boolean;
  /** ACL categories beside those that follow from the flags: "@string", "@dangerous" … */
  categories: readonly string[];
  since: string;
  /** Group of COMMAND DOCS: "string", "generic", "hash" … */
  group: string;
  /** "O(1)" …, as COMMAND DOCS prints it. */
  complexity: string;
  /** One sentence, also what COMMAND DOCS prints. */
  summary: string;
  /** Hints for clients that COMMAND INFO prints: "nondeterministic_output" … */
  tips?: readonly string[];
  /** An own directive without which the command is unknown. */
  enabledBy?: "acceptMaintNotifications";
  /** Rows of subcommands; the container's own `proc` is never called. */
  subcommands?: readonly RedisCommand[];
}

/** Flags as bits, for dispatch. */
export const COMMAND_WRITE = 1 << 0;
export const COMMAND_READONLY = 1 << 1;
export const COMMAND_DENYOOM = 1 << 2;
export const COMMAND_ADMIN = 1 << 3;
export const COMMAND_PUBSUB = 1 << 4;
export const COMMAND_NOSCRIPT = 1 << 5;
export const COMMAND_BLOCKING = 1 << 6;
export const COMMAND_LOADING = 1 << 7;
export const COMMAND_STALE = 1 << 8;
export const COMMAND_SKIP_MONITOR = 1 << 9;
export const COMMAND_SKIP_SLOWLOG = 1 << 10;
export const COMMAND_FAST = 1 << 11;
export const COMMAND_NO_AUTH = 1 << 12;
export const COMMAND_MAY_REPLICATE = 1 << 13;
export const COMMAND_NO_MULTI = 1 << 14;
export const COMMAND_ALLOW_BUSY = 1 << 15;
export const COMMAND_PROTECTED = 1 << 16;
/** Trait acts_in_multi: EXEC, DISCARD, MULTI, WATCH, QUIT, RESET. */
export const COMMAND_NEVER_QUEUED = 1 << 17;
/** Flag "fast" or trait cheap. */
export const COMMAND_CHEAP = 1 << 18;
export const COMMAND_ALLOWED_IN_SUBSCRIBE = 1 << 19;
export const COMMAND_REFUSED_WITHOUT_DISK = 1 << 20;
export const COMMAND_RUNS_QUEUE = 1 << 21;
export const COMMAND_KEEPS_CACHING = 1 << 22;
export const COMMAND_RUNS_SCRIPT = 1 << 23;
export const COMMAND_NO_ASYNC_LOADING = 1 << 24;
export const COMMAND_MEETS_ANY_KEY = 1 << 25;

const FLAG_BITS: Partial<Record<CommandFlag, number>> = {
  write: COMMAND_WRITE,
  readonly: COMMAND_READONLY,
  denyoom: COMMAND_DENYOOM,
  admin: COMMAND_ADMIN,
  pubsub: COMMAND_PUBSUB,
  noscript: COMMAND_NOSCRIPT,
  blocking: COMMAND_BLOCKING,
  loading: COMMAND_LOADING,
  stale: COMMAND_STALE,
  skip_monitor: COMMAND_SKIP_MONITOR,
  skip_slowlog: COMMAND_SKIP_SLOWLOG,
  fast: COMMAND_FAST | COMMAND_CHEAP,
  no_auth: COMMAND_NO_AUTH,
  may_replicate: COMMAND_MAY_REPLICATE,
  no_multi: COMMAND_NO_MULTI,
  allow_busy: COMMAND_ALLOW_BUSY,
  no_async_loading: COMMAND_NO_ASYNC_LOADING,
};

const TRAIT_BITS: Readonly<Record<CommandTrait, number>> = {
  acts_in_multi: COMMAND_NEVER_QUEUED,
  allowed_in_subscribe: COMMAND_ALLOWED_IN_SUBSCRIBE,
  refused_without_disk: COMMAND_REFUSED_WITHOUT_DISK,
  runs_queue: COMMAND_RUNS_QUEUE,
  cheap: COMMAND_CHEAP,
  keeps_caching: COMMAND_KEEPS_CACHING,
  meets_any_key: COMMAND_MEETS_ANY_KEY,
  runs_script: COMMAND_RUNS_SCRIPT,
};

/** Commands by their names, in lower case. */
export interface NamedCommands extends ReadonlyMap<string, CompiledCommand> {
  /** The command that an argument names, letters of either case; or null. */
  find(argv: Argv, index: number): CompiledCommand | null;
}

/** A row made ready for dispatch: flags as bits, statistics beside it. */
export interface CompiledCommand extends RedisCommand {
  bits: number;
  /** Rows of subcommands by their own (second) name. */
  subcommandTable: NamedCommands | null;
  /** Place of the command in ACL bitmaps; a subcommand has its own. */
  id: number;
  calls: number;
  /** Time spent in the procedure, in µs. */
  microseconds: number;
  rejectedCalls: number;
  failedCalls: number;
}

/** The bits of a row that has (by itself, or from its container) these traits. */
export function commandBits(
  { flags, protectedBy }: RedisCommand,
  traits: readonly CommandTrait[],
): number {
  let bits = protectedBy === undefined ? 0 : COMMAND_PROTECTED;
  for (const flag of flags) bits |= FLAG_BITS[flag] ?? 0;
  for (const trait of traits) bits |= TRAIT_BITS[trait];
  return bits;
}

/** Kinds of those who repeat effects, as redis.set_repl names them: the AOF, replicas. */
export const PROPAGATE_AOF = 1 << 0;
export const PROPAGATE_REPL = 1 << 1;
export const PROPAGATE_ALL = PROPAGATE_AOF | PROPAGATE_REPL;

/** One execution of a command; see call_stack.ts. */
export interface Call {
  client: Client;
  command: CompiledCommand;
  argv: Argv;
  /** Where in the client's output the reply of this call begins. */
  mark: number;
  /**
   * What is recorded instead of the command as it came: empty = nothing, several = one unit. Null
   * (the rule): the command itself, if it changed anything.
   */
  effects: Argv[] | null;
  /** If there are `effects`: the kinds of sinks (PROPAGATE_…) that hear of them. */
  effectTargets: number;
  /** The kinds (PROPAGATE_…) of those who record effects; if there are any, to name them pays. */
  wantedTargets: number;
  /** The call of the same client inside of which this one runs. */
  outer: Call | null;
}
