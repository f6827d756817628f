/**
 * List commands: pushing, popping, reading and editing lists. Those that may wait for an element
 * stand in list_blocking_commands.ts and share what is exported here.
 *
 * A list that becomes empty is removed with its key before the command ends.
 */
import { Slice } from "../base/bytes.ts";
import { INT64_MIN } from "../base/integers.ts";
import { scratch } from "../base/scratch.ts";
import { answersSince } from "../config/version.ts";
import { EVENT_LIST } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import {
  commandError,
  INDEX_OUT_OF_RANGE,
  MUST_BE_POSITIVE,
  NO_SUCH_KEY,
  SYNTAX_ERROR,
  wrongArity,
} from "../session/errors.ts";
import * as listValue from "../values/list_value.ts";
import * as value from "../values/value.ts";
import {
  bigIntegerArgument,
  boundedIntegerArgument,
  integerArgument,
  keysByNumber,
  signedCountArgument,
  typedForRead,
  typedForWrite,
} from "./arguments.ts";

const PUSH_COST = "O(1) per element, O(N) for N of them.";
const INDEX_COST =
  "O(N), N: elements between the index and the nearer end; the first and the last cost O(1).";
const SET_COST =
  "O(N), N: elements between the index and the nearer end; the first and the last cost O(1).";
const INSERT_COST = "O(N), N: elements before the pivot; O(1) near the head, O(N) near the tail.";
const RANGE_COST =
  "O(S+N), S: elements between the first one and the nearer end, N: elements returned.";
const SEARCH_COST =
  "O(N), N: elements that are looked at; few if a match is near the end where the search begins, or MAXLEN is given.";
const MULTIPLE_POP_COST = "O(N+M), N: keys that are looked at, M: elements taken out.";

/** Key specs of the commands that move an element from one list to another. */
export const MOVE_KEY_SPECS = [
  {
    flags: ["RW", "access", "delete"],
    begin: { index: 1 },
    find: { lastKey: 0, step: 1, limit: 0 },
  },
  { flags: ["RW", "insert"], begin: { index: 2 }, find: { lastKey: 0, step: 1, limit: 0 } },
] as const;

// deno-fmt-ignore
export const listCommands: readonly RedisCommand[] = [
  { name: "lpush",     arity: -3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    proc: lpushCommand, access: "RW insert", categories: ["@list"],
    since: "1.0.0", group: "list", complexity: PUSH_COST,
    summary: "Adds elements at the head of a list, which is made if it is missing." },
  { name: "rpush",     arity: -3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    proc: rpushCommand, access: "RW insert", categories: ["@list"],
    since: "1.0.0", group: "list", complexity: PUSH_COST,
    summary: "Adds elements at the tail of a list, which is made if it is missing." },
  { name: "lpushx",    arity: -3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    proc: lpushxCommand, access: "RW insert", categories: ["@list"],
    since: "2.2.0", group: "list", complexity: PUSH_COST,
    summary: "Adds elements at the head of a list that exists." },
  { name: "rpushx",    arity: -3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    proc: rpushxCommand, access: "RW insert", categories: ["@list"],
    since: "2.2.0", group: "list", complexity: PUSH_COST,
    summary: "Adds elements at the tail of a list that exists." },
  { name: "lpop",      arity: -2, flags: ["write", "fast"],            keys: [1, 1, 1],
    proc: lpopCommand, access: "RW access delete", categories: ["@list"],
    since: "1.0.0", group: "list",
    complexity: "O(N), N: elements returned.",
    summary: "Takes elements from the head of a list." },
  { name: "rpop",      arity: -2, flags: ["write", "fast"],            keys: [1, 1, 1],
    proc: rpopCommand, access: "RW access delete", categories: ["@list"],
    since: "1.0.0", group: "list",
    complexity: "O(N), N: elements returned.",
    summary: "Takes elements from the tail of a list." },
  { name: "llen",      arity:  2, flags: ["readonly", "fast"],         keys: [1, 1, 1],
    proc: llenCommand, access: "RO", categories: ["@list"],
    since: "1.0.0", group: "list", complexity: "O(1)",
    summary: "Returns the number of elements of a list." },
  { name: "lindex",    arity:  3, flags: ["readonly"],                 keys: [1, 1, 1],
    proc: lindexCommand, access: "RO access", categories: ["@list"],
    since: "1.0.0", group: "list", complexity: INDEX_COST,
    summary: "Returns the element with a given number." },
  { name: "lset",      arity:  4, flags: ["write", "denyoom"],         keys: [1, 1, 1],
    proc: lsetCommand, access: "RW update", categories: ["@list"],
    since: "1.0.0", group: "list", complexity: SET_COST,
    summary: "Replaces the element with a given number." },
  { name: "linsert",   arity:  5, flags: ["write", "denyoom"],         keys: [1, 1, 1],
    proc: linsertCommand, access: "RW insert", categories: ["@list"],
    since: "2.2.0", group: "list", complexity: INSERT_COST,
    summary: "Inserts an element before or behind another one." },
  { name: "lrange",    arity:  4, flags: ["readonly"],                 keys: [1, 1, 1],
    proc: lrangeCommand, access: "RO access", categories: ["@list"],
    since: "1.0.0", group: "list", complexity: RANGE_COST,
    summary: "Returns the elements between two numbers." },
  { name: "ltrim",     arity:  4, flags: ["write"],                    keys: [1, 1, 1],
    proc: ltrimCommand, access: "RW delete", categories: ["@list"],
    since: "1.0.0", group: "list",
    complexity: "O(N), N: elements cut off.",
    summary: "Removes all elements but those between two numbers." },
  { name: "lrem",      arity:  4, flags: ["write"],                    keys: [1, 1, 1],
    proc: lremCommand, access: "RW delete", categories: ["@list"],
    since: "1.0.0", group: "list",
    complexity: "O(N+M), N: elements of the list, M: elements removed.",
    summary: "Removes elements that equal a given one." },
  { name: "lpos",      arity: -3, flags: ["readonly"],                 keys: [1, 1, 1],
    proc: lposCommand, access: "RO access", categories: ["@list"],
    since: "6.0.6", group: "list", complexity: SEARCH_COST,
    summary: "Returns the numbers of elements that equal a given one." },
  { name: "lmove",     arity:  5, flags: ["write", "denyoom"],         keys: [1, 2, 1],
    proc: lmoveCommand, keySpecs: MOVE_KEY_SPECS, categories: ["@list"],
    since: "6.2.0", group: "list", complexity: "O(1)",
    summary: "Moves an element from an end of one list to an end of another." },
  { name: "rpoplpush", arity:  3, flags: ["write", "denyoom"],         keys: [1, 2, 1],
    proc: rpoplpushCommand, keySpecs: MOVE_KEY_SPECS, categories: ["@list"],
    since: "1.2.0", group: "list", complexity: "O(1)",
    summary: "Moves the last element of one list to the head of another." },
  { name: "lmpop",     arity: -4, flags: ["write", "movablekeys"],     keys: [0, 0, 0],
    proc: lmpopCommand,
    keySpecs: [{ flags: ["RW", "access", "delete"], begin: { index: 1 },
                 find: { keyNumberIndex: 0, firstKey: 1, step: 1 } }],
    findKeys: keysByNumber(1),
    categories: ["@list"], since: "7.0.0", group: "list", complexity: MULTIPLE_POP_COST,
    summary: "Takes elements from the first of several lists that has any." },
];

const RANK_ZERO = commandError(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use " +
    "negative to start from the end of the list",
);
const COUNT_NEGATIVE = commandError("ERR COUNT can't be negative");
const MAXLEN_NEGATIVE = commandError("ERR MAXLEN can't be negative");
const NO_KEYS = commandError("ERR numkeys should be greater than 0");
const NO_COUNT = commandError("ERR count should be greater than 0");

const element = scratch(new Slice());

function lpushCommand(client: Client): void {
  pushGeneric(client, true, true);
}

function rpushCommand(client: Client): void {
  pushGeneric(client, false, true);
}

function lpushxCommand(client: Client): void {
  pushGeneric(client, true, false);
}

function rpushxCommand(client: Client): void {
  pushGeneric(client, false, false);
}

function pushGeneric(client: Client, atHead: boolean, mayCreate: boolean): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const entry = typedForWrite(client, 1, value.TYPE_LIST);
  if (entry === 0 && !mayCreate) return reply.integer(0);
  const list = listOf(client, 1, entry);
  const fill = client.host.config.listMaxListpackSize;
  for (let index = 2; index < argv.count; index++) {
    listValue.push(
      arena,
      list,
      atHead,
      argv.bytes,
      argv.starts[index],
      argv.lengths[index],
      fill,
    );
  }
  db.changed(argv, 1, EVENT_LIST, atHead ? "lpush" : "rpush");
  db.keyspace.dirty += argv.count - 3;
  reply.integer(listValue.length(arena, list));
}

function lpopCommand(client: Client): void {
  popGeneric(client, true);
}

function rpopCommand(client: Client): void {
  popGeneric(client, false);
}

function popGeneric(client: Client, atHead: boolean): void {
  const { argv, reply } = client;
  if (argv.count > 3) throw wrongArity(client.commandName);
  const hasCount = argv.count === 3;
  const count = hasCount ? boundedIntegerArgument(argv, 2, 0, Infinity, MUST_BE_POSITIVE) : 1;
  const entry = typedForWrite(client, 1, value.TYPE_LIST);
  if (entry === 0) return hasCount ? reply.nilArray() : reply.nil();
  if (count === 0) return reply.array(0);
  if (hasCount) popRange(client, 1, entry, atHead, count);
  else popOne(client, 1, entry, atHead);
}

function llenCommand(client: Client): void {
  const entry = typedForRead(client, 1, value.TYPE_LIST);
  const { arena } = client.db;
  const length = entry === 0 ? 0 : listValue.length(arena, value.valueRef(arena, entry));
  client.reply.integer(length);
}

function lindexCommand(client: Client): void {
  const { arena } = client.db;
  const entry = typedForRead(client, 1, value.TYPE_LIST);
  // Redis: a missing key is answered before the index is looked at.
  if (entry === 0) return client.reply.nil();
  const index = integerArgument(client.argv, 2);
  if (!listValue.readAt(arena, value.valueRef(arena, entry), index, element)) {
    return client.reply.nil();
  }
  client.reply.bulk(element.bytes, element.start, element.length);
}

function lsetCommand(client: Client): void {
  const { db, argv } = client;
  const entry = typedForWrite(client, 1, value.TYPE_LIST);
  if (entry === 0) throw NO_SUCH_KEY;
  const index = integerArgument(argv, 2);
  const list = value.valueRef(db.arena, entry);
  const { bytes, starts, lengths } = argv;
  if (!listValue.setAt(db.arena, list, index, bytes, starts[3], lengths[3])) {
    throw INDEX_OUT_OF_RANGE;
  }
  db.changed(argv, 1, EVENT_LIST, "lset");
  client.reply.ok();
}

function linsertCommand(client: Client): void {
  const { db, argv, reply } = client;
  const isBehind = argv.is(2, "after");
  if (!isBehind && !argv.is(2, "before")) throw SYNTAX_ERROR;
  const entry = typedForWrite(client, 1, value.TYPE_LIST);
  if (entry === 0) return reply.integer(0);
  const list = value.valueRef(db.arena, entry);
  argv.slice(3, element);
  const isInserted = listValue.insertBeside(
    db.arena,
    list,
    element,
    isBehind,
    argv.bytes,
    argv.starts[4],
    argv.lengths[4],
    client.host.config.listMaxListpackSize,
  );
  if (!isInserted) return reply.integer(-1);
  db.changed(argv, 1, EVENT_LIST, "linsert");
  reply.integer(listValue.length(db.arena, list));
}

function lrangeCommand(client: Client): void {
  const { argv, reply } = client;
  const { arena } = client.db;
  let first = integerArgument(argv, 2);
  let last = integerArgument(argv, 3);
  const entry = typedForRead(client, 1, value.TYPE_LIST);
  if (entry === 0) return reply.array(0);
  const list = value.valueRef(arena, entry);
  const length = listValue.length(arena, list);
  if (first < 0) first = Math.max(first + length, 0);
  if (last < 0) last += length;
  const count = Math.min(last, length - 1) - first + 1;
  if (count <= 0) return reply.array(0);
  reply.array(count);
  listValue.emitRange(arena, list, first, count, false, reply);
}

function ltrimCommand(client: Client): void {
  const { db, argv, reply } = client;
  const first = integerArgument(argv, 2);
  const last = integerArgument(argv, 3);
  const entry = typedForWrite(client, 1, value.TYPE_LIST);
  if (entry === 0) return reply.ok();
  const { arena, keyspace } = db;
  const list = value.valueRef(arena, entry);
  const length = listValue.length(arena, list);
  const start = first < 0 ? Math.max(first + length, 0) : first;
  const end = Math.min(last < 0 ? last + length : last, length - 1);
  const kept = Math.max(end - start + 1, 0);
  const removed = length - kept;
  db.changed(argv, 1, EVENT_LIST, "ltrim");
  keyspace.dirty += removed - 1;
  if (kept === 0) {
    db.removeEmptied(argv, 1);
  } else {
    listValue.removeRange(arena, list, end + 1, length - 1 - end);
    listValue.removeRange(arena, list, 0, start);
  }
  reply.ok();
}

function lremCommand(client: Client): void {
  const { db, argv } = client;
  const count = integerArgument(argv, 2);
  const entry = typedForWrite(client, 1, value.TYPE_LIST);
  if (entry === 0) return client.reply.integer(0);
  const list = value.valueRef(db.arena, entry);
  const { bytes, starts, lengths } = argv;
  const limit = count === 0 ? Infinity : Math.abs(count);
  const removed = listValue.removeEqual(
    db.arena,
    list,
    bytes,
    starts[3],
    lengths[3],
    limit,
    count < 0,
  );
  if (removed > 0) {
    db.changed(argv, 1, EVENT_LIST, "lrem");
    db.keyspace.dirty += removed - 1;
    if (listValue.length(db.arena, list) === 0) db.removeEmptied(argv, 1);
  }
  client.reply.integer(removed);
}

interface PositionOptions {
  /** Which match to begin with, from 1; negative: from the tail. */
  rank: number;
  /** Matches to return, 0 = all; -1 = one, and not as an array. */
  count: number;
  /** Elements to compare. */
  compareMax: number;
}

function positionOptions({ argv, host }: Client): PositionOptions {
  const options: PositionOptions = { rank: 1, count: -1, compareMax: Infinity };
  for (let index = 3; index < argv.count; index += 2) {
    const hasValue = index + 1 < argv.count;
    if (hasValue && argv.is(index, "rank")) {
      options.rank = rankArgument(argv, index + 1, answersSince(host.config, "7.2"));
    } else if (hasValue && argv.is(index, "count")) {
      options.count = boundedIntegerArgument(argv, index + 1, 0, Infinity, COUNT_NEGATIVE);
    } else if (hasValue && argv.is(index, "maxlen")) {
      const max = boundedIntegerArgument(argv, index + 1, 0, Infinity, MAXLEN_NEGATIVE);
      options.compareMax = max === 0 ? Infinity : max;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return options;
}

function rankArgument(argv: Argv, index: number, hasNegative: boolean): number {
  const rank = hasNegative ? signedCountArgument(argv, index) : integerArgument(argv, index);
  if (rank === 0) throw RANK_ZERO;
  // Redis 7.0: the lowest int64 has no negative, and then the first match from the tail will do.
  if (rank === Number(INT64_MIN) && bigIntegerArgument(argv, index) === INT64_MIN) return -1;
  return rank;
}

function lposCommand(client: Client): void {
  const { argv, reply } = client;
  const { arena } = client.db;
  const { rank, count, compareMax } = positionOptions(client);
  const isArray = count !== -1;
  const entry = typedForRead(client, 1, value.TYPE_LIST);
  if (entry === 0) return isArray ? reply.array(0) : reply.nil();
  const list = value.valueRef(arena, entry);
  const { bytes, starts, lengths } = argv;
  const wanted = count === 0 ? Infinity : Math.abs(count);
  const mark = reply.deferArray();
  let toSkip = Math.abs(rank) - 1;
  let found = 0;
  const visit = (index: number): boolean => {
    if (toSkip-- > 0) return true;
    reply.integer(index);
    return ++found < wanted;
  };
  listValue.forEachEqual(
    arena,
    list,
    bytes,
    starts[2],
    lengths[2],
    rank < 0,
    compareMax,
    visit,
  );
  if (isArray) reply.endDeferredArray(mark, found);
  else if (found === 0) reply.nil();
}

function lmoveCommand(client: Client): void {
  const { argv } = client;
  moveGeneric(client, isLeft(argv, 3), isLeft(argv, 4));
}

function rpoplpushCommand(client: Client): void {
  moveGeneric(client, false, true);
}

function lmpopCommand(client: Client): void {
  const { keyCount, atHead, count } = multiplePopArguments(client.argv, 1);
  if (!popFirstOf(client, 2, keyCount, atHead, count)) client.reply.nilArray();
}

/** Whether an argument says LEFT; it must say that or RIGHT. */
export function isLeft(argv: Argv, index: number): boolean {
  if (argv.is(index, "left")) return true;
  if (!argv.is(index, "right")) throw SYNTAX_ERROR;
  return false;
}

export interface MultiplePopArguments {
  keyCount: number;
  atHead: boolean;
  count: number;
}

/** Reads `numkeys key … LEFT|RIGHT [COUNT count]`; the number of keys stands at `countIndex`. */
export function multiplePopArguments(argv: Argv, countIndex: number): MultiplePopArguments {
  const keyCount = boundedIntegerArgument(argv, countIndex, 1, Infinity, NO_KEYS);
  const whereIndex = countIndex + keyCount + 1;
  if (whereIndex >= argv.count) throw SYNTAX_ERROR;
  const atHead = isLeft(argv, whereIndex);
  const rest = argv.count - whereIndex - 1;
  if (rest === 0) return { keyCount, atHead, count: 1 };
  if (rest === 1 || !argv.is(whereIndex + 1, "count")) throw SYNTAX_ERROR;
  const count = boundedIntegerArgument(argv, whereIndex + 2, 1, Infinity, NO_COUNT);
  if (rest > 2) throw SYNTAX_ERROR;
  return { keyCount, atHead, count };
}

/**
 * Takes up to `count` elements from the first of `keyCount` keys that is a list, and replies with
 * the key and them; false if none exists. To the AOF it is an LPOP or RPOP.
 */
export function popFirstOf(
  client: Client,
  firstIndex: number,
  keyCount: number,
  atHead: boolean,
  count: number,
): boolean {
  for (let index = firstIndex; index < firstIndex + keyCount; index++) {
    const entry = typedForWrite(client, index, value.TYPE_LIST);
    if (entry === 0) continue;
    popRangeWithKey(client, index, entry, atHead, count);
    return true;
  }
  return false;
}

/** Takes up to `count` elements of a list and replies with its key and them. */
export function popRangeWithKey(
  client: Client,
  keyIndex: number,
  entry: Ref,
  atHead: boolean,
  count: number,
): void {
  const { argv, reply } = client;
  reply.array(2);
  reply.bulk(argv.bytes, argv.starts[keyIndex], argv.lengths[keyIndex]);
  const taken = popRange(client, keyIndex, entry, atHead, count);
  if (!client.wantsEffects) return;
  client.propagateAs(atHead ? "LPOP" : "RPOP", argv.copy(keyIndex), String(taken));
}

/** Takes one element of a list and replies with it. */
export function popOne(client: Client, keyIndex: number, entry: Ref, atHead: boolean): void {
  const { arena } = client.db;
  const list = value.valueRef(arena, entry);
  listValue.readEnd(arena, list, atHead, element);
  client.reply.bulk(element.bytes, element.start, element.length);
  listValue.removeEnd(arena, list, atHead);
  announceRemoved(client, keyIndex, list, atHead, 1);
}

/** Takes up to `count` elements of a list, replies with an array of them and returns how many. */
function popRange(
  client: Client,
  keyIndex: number,
  entry: Ref,
  atHead: boolean,
  count: number,
): number {
  const { arena } = client.db;
  const list = value.valueRef(arena, entry);
  const length = listValue.length(arena, list);
  const taken = Math.min(count, length);
  client.reply.array(taken);
  if (taken === 1) {
    popOne(client, keyIndex, entry, atHead);
    return 1;
  }
  const first = atHead ? 0 : length - 1;
  listValue.emitRange(arena, list, first, taken, !atHead, client.reply);
  // A list that is taken as a whole goes with its key; that frees large ones in steps.
  if (taken < length) {
    listValue.removeRange(arena, list, atHead ? 0 : length - taken, taken);
    announceRemoved(client, keyIndex, list, atHead, taken);
  } else {
    announceEmptied(client, keyIndex, atHead, taken);
  }
  return taken;
}

/** LMOVE and its kin, of a list that may be missing. */
export function moveGeneric(client: Client, fromHead: boolean, toHead: boolean): void {
  const source = typedForWrite(client, 1, value.TYPE_LIST);
  if (source === 0) return client.reply.nil();
  const target = typedForWrite(client, 2, value.TYPE_LIST);
  moveElement(client, source, target, fromHead, toHead);
}

/**
 * Moves an element of the list of argument 1 to the list of argument 2, whose entry may be 0, and
 * replies with it. Both may be the same list.
 */
export function moveElement(
  client: Client,
  sourceEntry: Ref,
  targetEntry: Ref,
  fromHead: boolean,
  toHead: boolean,
): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const source = value.valueRef(arena, sourceEntry);
  const target = listOf(client, 2, targetEntry);
  listValue.takeEnd(arena, source, fromHead, element);
  const fill = client.host.config.listMaxListpackSize;
  const { bytes, start, length } = element;
  listValue.push(arena, target, toHead, bytes, start, length, fill);
  reply.bulk(bytes, start, length);
  db.changed(argv, 2, EVENT_LIST, toHead ? "lpush" : "rpush");
  // Redis counts the move as one change.
  db.keyspace.dirty--;
  announceRemoved(client, 1, source, fromHead, 1);
}

/** The list of an entry, or a new one under the key of an argument if the entry is 0. */
export function listOf({ db, argv }: Client, keyIndex: number, entry: Ref): Ref {
  const { arena } = db;
  if (entry !== 0) return value.valueRef(arena, entry);
  const list = listValue.create(arena);
  db.create(argv, keyIndex, value.TYPE_LIST, value.ENCODING_QUICKLIST, list);
  return list;
}

/** Announces that `count` elements were taken, and removes the key if none is left. */
export function announceRemoved(
  client: Client,
  keyIndex: number,
  list: Ref,
  atHead: boolean,
  count: number,
): void {
  const { db, argv } = client;
  if (listValue.length(db.arena, list) === 0) {
    return announceEmptied(client, keyIndex, atHead, count);
  }
  db.changed(argv, keyIndex, EVENT_LIST, atHead ? "lpop" : "rpop");
  db.keyspace.dirty += count - 1;
}

/** Announces that the last `count` elements were taken, and removes the key. */
function announceEmptied(
  { db, argv }: Client,
  keyIndex: number,
  atHead: boolean,
  count: number,
): void {
  db.changed(argv, keyIndex, EVENT_LIST, atHead ? "lpop" : "rpop");
  db.keyspace.dirty += count - 1;
  db.removeEmptied(argv, keyIndex);
}
