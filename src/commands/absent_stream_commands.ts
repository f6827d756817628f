/**
 * Streams, seen from a server that does not have them yet: rows and syntax of all commands, one
 * clear error when they are called. To be deleted when the family is there.
 */
import type { Argv } from "../protocol/argv.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { INVALID_KEY_ARGUMENTS } from "../session/key_positions.ts";
import { answersNotAvailable } from "./absent_commands.ts";
import { rangeSpec } from "../session/command.ts";

const NO_KEYS = [0, 0, 0] as const;
const ONE_KEY = [1, 1, 1] as const;
const SECOND_IS_KEY = [2, 2, 1] as const;
const CATEGORIES = ["@stream"] as const;
const VARYING = ["nondeterministic_output"] as const;
const WRITES = ["write"] as const;
const WRITES_FAST = ["write", "fast"] as const;
const GROWS = ["write", "denyoom"] as const;
const GROWS_FAST = ["write", "denyoom", "fast"] as const;
const READS = ["readonly"] as const;
const ALWAYS = ["loading", "stale"] as const;
const SHOWN_COST = "O(N), N: entries returned.";
const POSITION_COST = "O(M) per stream, M: entries returned; an XADD that " +
  "wakes N blocked clients takes O(N) more";
const XADD_NOTE = "`UPDATE`, not `INSERT`: `MAXLEN` and `MINID` remove entries";

/** The keys of XREAD and XREADGROUP: the first half of what follows the word STREAMS. */
function streamsSpec(from: number): readonly KeySpec[] {
  return [{
    flags: ["RO", "access"],
    begin: { keyword: "STREAMS", from },
    find: { lastKey: -1, step: 1, limit: 2 },
  }];
}

const proc = answersNotAvailable("Streams are");

// deno-fmt-ignore
export const absentStreamCommands: readonly RedisCommand[] = [
  { name: "xack", arity: -4, flags: WRITES_FAST, keys: ONE_KEY, access: "RW update", proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream",
    complexity: "O(1) for each ID", summary: "Acknowledges entries: they are pending no longer." },
  { name: "xadd", arity: -5, flags: GROWS_FAST, keys: ONE_KEY, proc,
    keySpecs: [rangeSpec("RW update", 1, 0, XADD_NOTE)],
    categories: CATEGORIES, tips: VARYING, since: "5.0.0", group: "stream",
    complexity: "O(1), and O(N) to trim, N: entries that go.",
    summary: "Appends an entry to a stream." },
  { name: "xautoclaim", arity: -6, flags: WRITES_FAST, keys: ONE_KEY, access: "RW delete", proc,
    categories: CATEGORIES, tips: VARYING, since: "6.2.0", group: "stream",
    complexity: "O(1) with a small COUNT",
    summary: "Gives a consumer the entries that have been pending for long." },
  { name: "xclaim", arity: -6, flags: WRITES_FAST, keys: ONE_KEY, access: "RW update", proc,
    categories: CATEGORIES, tips: VARYING, since: "5.0.0", group: "stream",
    complexity: "O(log N), N: pending entries of the group.",
    summary: "Gives a consumer pending entries of others." },
  { name: "xdel", arity: -3, flags: WRITES_FAST, keys: ONE_KEY, access: "RW delete", proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream",
    complexity: "O(1) for each entry", summary: "Removes entries from a stream." },
  { name: "xgroup", arity: -2, flags: [], keys: NO_KEYS, proc, categories: [], since: "5.0.0",
    group: "stream", complexity: "That of the subcommand.", summary: "Manages consumer groups.",
    subcommands: [
      { name: "xgroup|create", arity: -5, flags: GROWS, keys: SECOND_IS_KEY, access: "RW insert",
        proc, categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: "O(1)",
        summary: "Makes a consumer group." },
      { name: "xgroup|createconsumer", arity: 5, flags: GROWS, keys: SECOND_IS_KEY,
        access: "RW insert", proc, categories: CATEGORIES, since: "6.2.0", group: "stream",
        complexity: "O(1)", summary: "Makes a consumer in a group." },
      { name: "xgroup|delconsumer", arity: 5, flags: WRITES, keys: SECOND_IS_KEY,
        access: "RW delete", proc, categories: CATEGORIES, since: "5.0.0", group: "stream",
        complexity: "O(1)", summary: "Removes a consumer from its group." },
      { name: "xgroup|destroy", arity: 4, flags: WRITES, keys: SECOND_IS_KEY, access: "RW delete",
        proc, categories: CATEGORIES, since: "5.0.0", group: "stream",
        complexity: "O(N), N: pending entries of the group.",
        summary: "Removes a consumer group." },
      { name: "xgroup|setid", arity: -5, flags: WRITES, keys: SECOND_IS_KEY, access: "RW update",
        proc, categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: "O(1)",
        summary: "Sets the ID up to which a group has been served." },
      { name: "xgroup|help", arity: 2, flags: ALWAYS, keys: NO_KEYS, proc, categories: CATEGORIES,
        since: "5.0.0", group: "stream", complexity: "O(1)", summary: "Lists the subcommands." },
    ] },
  { name: "xinfo", arity: -2, flags: [], keys: NO_KEYS, proc, categories: [], since: "5.0.0",
    group: "stream", complexity: "That of the subcommand.",
    summary: "Tells about streams, groups and consumers.", subcommands: [
      { name: "xinfo|consumers", arity: 4, flags: READS, keys: SECOND_IS_KEY, access: "RO access",
        proc, categories: CATEGORIES, tips: VARYING, since: "5.0.0", group: "stream",
        complexity: "O(1)", summary: "Lists the consumers of a group." },
      { name: "xinfo|groups", arity: 3, flags: READS, keys: SECOND_IS_KEY, access: "RO access",
        proc, categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: "O(1)",
        summary: "Lists the groups that read a stream." },
      { name: "xinfo|stream", arity: -3, flags: READS, keys: SECOND_IS_KEY, access: "RO access",
        proc, categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: "O(1)",
        summary: "Describes a stream." },
      { name: "xinfo|help", arity: 2, flags: ALWAYS, keys: NO_KEYS, proc, categories: CATEGORIES,
        since: "5.0.0", group: "stream", complexity: "O(1)", summary: "Lists the subcommands." },
    ] },
  { name: "xlen", arity: 2, flags: ["readonly", "fast"], keys: ONE_KEY, access: "RO", proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: "O(1)",
    summary: "Counts the entries of a stream." },
  { name: "xpending", arity: -3, flags: READS, keys: ONE_KEY, access: "RO access", proc,
    categories: CATEGORIES, tips: VARYING, since: "5.0.0", group: "stream",
    complexity: "O(N), N: entries returned, or with IDLE looked at; the " +
      "overview is O(N) where N is the number of consumers",
    summary: "Tells which entries of a group have been delivered and not acknowledged." },
  { name: "xrange", arity: -4, flags: READS, keys: ONE_KEY, access: "RO access", proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: SHOWN_COST,
    summary: "Returns the entries between two IDs." },
  { name: "xread", arity: -4, flags: ["readonly", "blocking", "movablekeys"], keys: NO_KEYS,
    keySpecs: streamsSpec(1), findKeys: findStreamKeys, proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: POSITION_COST,
    summary: "Returns the entries behind given IDs of one or more streams, or waits for some." },
  { name: "xreadgroup", arity: -7, flags: ["write", "blocking", "movablekeys"], keys: NO_KEYS,
    keySpecs: streamsSpec(4), findKeys: findStreamKeys, proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: POSITION_COST,
    summary: "Returns entries to a consumer of a group, new or pending ones, or waits for some." },
  { name: "xrevrange", arity: -4, flags: READS, keys: ONE_KEY, access: "RO access", proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: SHOWN_COST,
    summary: "Returns the entries between two IDs, the last first." },
  { name: "xsetid", arity: -3, flags: GROWS_FAST, keys: ONE_KEY, access: "RW update", proc,
    categories: CATEGORIES, since: "5.0.0", group: "stream", complexity: "O(1)",
    summary: "Sets the last ID of a stream; for replication." },
  { name: "xtrim", arity: -4, flags: WRITES, keys: ONE_KEY, access: "RW delete", proc,
    categories: CATEGORIES, tips: VARYING, since: "5.0.0", group: "stream",
    complexity: "O(N), N: entries that go.",
    summary: "Removes the oldest entries of a stream." },
];

/** How many arguments the options have that may stand before the word STREAMS. */
const OPTION_ARGUMENTS = [["block", 1], ["count", 1], ["group", 2], ["noack", 0]] as const;

/** The keys where the spec cannot find them. */
function findStreamKeys(argv: Argv): number[] {
  let index = 1;
  while (index < argv.count && !argv.is(index, "streams")) {
    const option = OPTION_ARGUMENTS.find(([name]) => argv.is(index, name));
    if (option === undefined) throw INVALID_KEY_ARGUMENTS;
    index += 1 + option[1];
  }
  const count = argv.count - index - 1;
  if (count < 2 || count % 2 !== 0) throw INVALID_KEY_ARGUMENTS;
  return Array.from({ length: count / 2 }, (_, place) => index + 1 + place);
}

/** In the notation of command_syntax.ts. */
export const ABSENT_STREAM_SYNTAX = `
XACK key group id...
XADD key [NOMKSTREAM^6.2.0] [trim(strategy(MAXLEN | MINID^6.2.0)
    [operator(equal="=" | approximately="~")] threshold [LIMIT count:int^6.2.0])]
    id_or_auto(auto_id="*" | id) (field value)...
  6.2.0: 'NOMKSTREAM', 'MINID' and 'LIMIT' are new.
  7.0.0: An ID of the form '<ms>-*'.
XAUTOCLAIM key group consumer min-idle-time start [COUNT count:int] [JUSTID]
  7.0.0: The reply names the deleted entries that are pending no longer.
XCLAIM key group consumer min-idle-time id... [IDLE ms:int] [TIME unix-time-milliseconds:time]
    [RETRYCOUNT count:int] [FORCE] [JUSTID] [LASTID id]
XDEL key id...
XGROUP CREATE key groupname id(id | new_id="$") [MKSTREAM] [ENTRIESREAD entries_read:int]
  7.0.0: 'ENTRIESREAD' is new.
XGROUP CREATECONSUMER key groupname consumername
XGROUP DELCONSUMER key groupname consumername
XGROUP DESTROY key groupname
XGROUP SETID key groupname id(id | new_id="$") [ENTRIESREAD entries_read:int]
  7.0.0: 'ENTRIESREAD' is new.
XINFO CONSUMERS key groupname
XINFO GROUPS key
  7.0.0: Fields 'entries-read' and 'lag'.
XINFO STREAM key [FULL full([COUNT count:int])]
  6.0.0: 'FULL' is new.
  7.0.0: Fields 'max-deleted-entry-id', 'entries-added', 'recorded-first-entry-id',
    'entries-read' and 'lag'.
XLEN key
XPENDING key group [filters([IDLE min-idle-time:int^6.2.0] start end count:int [consumer])]
  6.2.0: 'IDLE', and bounds that are not part of the range.
XRANGE key start end [COUNT count:int]
  6.2.0: Bounds that are not part of the range.
XREAD [COUNT count:int] [BLOCK milliseconds:int] STREAMS streams(key... id...)
XREADGROUP GROUP (group consumer) [COUNT count:int] [BLOCK milliseconds:int] [NOACK]
    STREAMS streams(key... id...)
XREVRANGE key end start [COUNT count:int]
  6.2.0: Bounds that are not part of the range.
XSETID key last-id [ENTRIESADDED entries_added:int^7.0.0]
    [MAXDELETEDID max_deleted_entry_id^7.0.0]
  7.0.0: 'ENTRIESADDED' and 'MAXDELETEDID' are new.
XTRIM key trim(strategy(MAXLEN | MINID^6.2.0) [operator(equal="=" | approximately="~")] threshold
    [LIMIT count:int^6.2.0])
  6.2.0: 'MINID' and 'LIMIT' are new.
`;
