/**
 * Sorted set range commands: members between two ranks, scores or members: shown, counted, stored
 * or removed. Whatever the kind of range, it is first turned into ranks (sorted_set_arguments.ts).
 */
import { Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { scratch } from "../base/scratch.ts";
import { EVENT_SORTED_SET } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as sortedSet from "../values/sorted_set_value.ts";
import { SortedSetBuilder } from "../values/sorted_set_builder.ts";
import { SortedSetCursor } from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import { TYPE_SORTED_SET } from "../values/value.ts";
import { integerArgument, typedForRead, typedForWrite } from "./arguments.ts";
import { limitsOf, MemberRange, type RangeKind, storeResult } from "./sorted_set_arguments.ts";

const RANGE_SHOWN = "O(log(N)+M), N: members of the sorted set, M: members returned.";
const RANGE_LIMITED =
  "O(log(N)+M), N: members of the sorted set, M: members returned; for the first few, by LIMIT, that is O(log(N)).";
const RANGE_REMOVED = "O(log(N)+M), N: members of the sorted set, M: members removed.";

// deno-fmt-ignore
export const sortedSetRangeCommands: readonly RedisCommand[] = [
  { name: "zcount", arity: 4, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "2.0.0", group: "sorted-set", proc: zcountCommand,
    complexity: "O(log(N)), N: members of the sorted set.",
    summary: "Counts the members with scores in a range." },
  { name: "zlexcount", arity: 4, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "2.8.9", group: "sorted-set", proc: zlexcountCommand,
    complexity: "O(log(N)), N: members of the sorted set.",
    summary: "Counts the members that lie between two byte strings." },
  { name: "zrange", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "1.2.0", group: "sorted-set", proc: zrangeCommand,
    complexity: RANGE_SHOWN,
    summary: "Returns the members in a range of ranks, scores or byte strings." },
  { name: "zrangestore", arity: -5, flags: ["write", "denyoom"], keys: [1, 2, 1],
    categories: ["@sortedset"], since: "6.2.0", group: "sorted-set", proc: zrangestoreCommand,
    keySpecs: [
      { flags: ["OW", "update"], begin: { index: 1 }, find: { lastKey: 0, step: 1, limit: 0 } },
      { flags: ["RO", "access"], begin: { index: 2 }, find: { lastKey: 0, step: 1, limit: 0 } },
    ],
    complexity: "O(log(N)+M), N: members of the sorted set, M: members stored.",
    summary: "Stores the members in a range under another key." },
  { name: "zrevrange", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "1.2.0", group: "sorted-set", proc: zrevrangeCommand,
    complexity: RANGE_SHOWN,
    summary: "Returns the members in a range of ranks, highest score first." },
  { name: "zrangebyscore", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "1.0.5", group: "sorted-set", proc: zrangebyscoreCommand,
    complexity: RANGE_LIMITED, summary: "Returns the members with scores in a range." },
  { name: "zrevrangebyscore", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "2.2.0", group: "sorted-set", proc: zrevrangebyscoreCommand,
    complexity: RANGE_LIMITED,
    summary: "Returns the members with scores in a range, highest first." },
  { name: "zrangebylex", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "2.8.9", group: "sorted-set", proc: zrangebylexCommand,
    complexity: RANGE_LIMITED, summary: "Returns the members that lie between two byte strings." },
  { name: "zrevrangebylex", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "2.8.9", group: "sorted-set", proc: zrevrangebylexCommand,
    complexity: RANGE_LIMITED,
    summary: "Returns the members that lie between two byte strings, last first." },
  { name: "zremrangebyrank", arity: 4, flags: ["write"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@sortedset"], since: "2.0.0", group: "sorted-set", proc: zremrangebyrankCommand,
    complexity: RANGE_REMOVED, summary: "Removes the members in a range of ranks." },
  { name: "zremrangebyscore", arity: 4, flags: ["write"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@sortedset"], since: "1.2.0", group: "sorted-set", proc: zremrangebyscoreCommand,
    complexity: RANGE_REMOVED, summary: "Removes the members with scores in a range." },
  { name: "zremrangebylex", arity: 4, flags: ["write"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@sortedset"], since: "2.8.9", group: "sorted-set", proc: zremrangebylexCommand,
    complexity: RANGE_REMOVED, summary: "Removes the members that lie between two byte strings." },
];

const LIMIT_OF_RANKS = commandError(
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const SCORES_OF_LEX = commandError(
  "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
);

/** No limit was given: all members of the range. */
const NO_LIMIT = -1;

/** What the arguments of the ZRANGE family ask for. */
interface RangeQuery {
  /** Null until an option or the command says it. */
  kind: RangeKind | null;
  isReverse: boolean | null;
  withScores: boolean;
  offset: number;
  limit: number;
}

const query: RangeQuery = {
  kind: null,
  isReverse: null,
  withScores: false,
  offset: 0,
  limit: NO_LIMIT,
};
const range = new MemberRange();
const cursor = scratch(new SortedSetCursor());
const view = scratch(new Slice());

function zcountCommand(client: Client): void {
  replyCount(client, "score");
}

function zlexcountCommand(client: Client): void {
  replyCount(client, "lex");
}

function replyCount(client: Client, kind: RangeKind): void {
  const { db, argv, reply } = client;
  range.parse(argv, kind, 2, 3);
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (entry === 0) return reply.integer(0);
  range.locate(db.arena, entry, argv, false);
  reply.integer(range.count);
}

function zrangeCommand(client: Client): void {
  replyRange(client, null, null);
}

function zrevrangeCommand(client: Client): void {
  replyRange(client, "rank", true);
}

function zrangebyscoreCommand(client: Client): void {
  replyRange(client, "score", false);
}

function zrevrangebyscoreCommand(client: Client): void {
  replyRange(client, "score", true);
}

function zrangebylexCommand(client: Client): void {
  replyRange(client, "lex", false);
}

function zrevrangebylexCommand(client: Client): void {
  replyRange(client, "lex", true);
}

/** The ZRANGE family; kind and direction are null where options decide them. */
function replyRange(client: Client, kind: RangeKind | null, isReverse: boolean | null): void {
  const { argv, reply } = client;
  parseQuery(argv, 1, kind, isReverse, false);
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (entry === 0) return reply.array(0);
  locateQuery(client, entry);
  const { withScores } = query;
  const isNested = withScores && reply.resp === 3;
  reply.array(withScores && !isNested ? range.count * 2 : range.count);
  if (!seekRange(client, entry)) return;
  const back = query.isReverse === true;
  for (let left = range.count; left > 0; left--) {
    if (isNested) reply.array(2);
    cursor.readMember(view);
    reply.bulk(view.bytes, view.start, view.length);
    if (withScores) reply.double(cursor.score);
    if (left > 1) cursor.advance(back);
  }
}

function zrangestoreCommand(client: Client): void {
  const { db, argv } = client;
  parseQuery(argv, 2, null, null, true);
  const entry = typedForRead(client, 2, TYPE_SORTED_SET);
  const builder = new SortedSetBuilder(db.arena);
  if (entry !== 0) {
    const { listpackEntriesMax, listpackValueBytesMax } = limitsOf(client);
    locateQuery(client, entry);
    seekRange(client, entry);
    builder.reserve(range.count);
    let isSmall = query.kind !== "rank" || range.count <= listpackEntriesMax;
    for (let left = range.count; left > 0; left--) {
      cursor.readMember(view);
      if (builder.count >= listpackEntriesMax || view.length > listpackValueBytesMax) {
        isSmall = false;
      }
      // Redis: the members go to a listpack at first, and a listpack does not keep the sign of -0.
      const score = isSmall && cursor.score === 0 ? 0 : cursor.score;
      const { bytes, start, length } = view;
      builder.addNew(bytes, start, length, score, hashBytes(bytes, start, length));
      if (left > 1) cursor.advance(query.isReverse === true);
    }
  }
  storeResult(client, 1, builder, "zrangestore");
}

/**
 * Reads options and range of a command whose source key is argument `keyIndex`. Leaves the result
 * in `query` and `range`.
 */
function parseQuery(
  argv: Argv,
  keyIndex: number,
  kind: RangeKind | null,
  isReverse: boolean | null,
  isStore: boolean,
): void {
  query.kind = kind;
  query.isReverse = isReverse;
  query.withScores = false;
  query.offset = 0;
  query.limit = NO_LIMIT;
  for (let index = keyIndex + 3; index < argv.count;) {
    index += parseOption(argv, index, isStore);
  }
  const wanted = query.kind ?? "rank";
  query.kind = wanted;
  query.isReverse ??= false;
  if (query.limit !== NO_LIMIT && wanted === "rank") throw LIMIT_OF_RANKS;
  if (query.withScores && wanted === "lex") throw SCORES_OF_LEX;
  // A reverse range of scores or members is given as max, min.
  const swap = query.isReverse && wanted !== "rank" ? 1 : 0;
  range.parse(argv, wanted, keyIndex + 1 + swap, keyIndex + 2 - swap);
}

/** Reads one option into `query`; returns how many arguments it takes. */
function parseOption(argv: Argv, index: number, isStore: boolean): number {
  if (!isStore && argv.is(index, "withscores")) {
    query.withScores = true;
    return 1;
  }
  if (argv.is(index, "limit") && index + 2 < argv.count) {
    query.offset = integerArgument(argv, index + 1);
    query.limit = integerArgument(argv, index + 2);
    return 3;
  }
  if (query.isReverse === null && argv.is(index, "rev")) query.isReverse = true;
  else if (query.kind === null && argv.is(index, "bylex")) query.kind = "lex";
  else if (query.kind === null && argv.is(index, "byscore")) query.kind = "score";
  else throw SYNTAX_ERROR;
  return 1;
}

/** Sets `range` to the members that the query asks for, offset and limit applied. */
function locateQuery({ db, argv }: Client, entry: Ref): void {
  const isReverse = query.isReverse === true;
  range.locate(db.arena, entry, argv, isReverse);
  if (query.kind === "rank") return;
  const { offset, limit } = query;
  // Redis: with a negative offset nothing is returned; with a negative limit, all.
  const skipped = offset < 0 ? range.count : Math.min(offset, range.count);
  const shown = limit < 0 ? range.count - skipped : Math.min(limit, range.count - skipped);
  range.first += isReverse ? range.count - skipped - shown : skipped;
  range.count = shown;
}

/** Points the cursor at the member of the range to begin with; false if the range is empty. */
function seekRange({ db }: Client, entry: Ref): boolean {
  const { arena } = db;
  if (range.count === 0) return false;
  const rank = query.isReverse === true ? range.first + range.count - 1 : range.first;
  return cursor.seek(arena, value.encodingOf(arena, entry), value.valueRef(arena, entry), rank);
}

function zremrangebyrankCommand(client: Client): void {
  removeRange(client, "rank", "zremrangebyrank");
}

function zremrangebyscoreCommand(client: Client): void {
  removeRange(client, "score", "zremrangebyscore");
}

function zremrangebylexCommand(client: Client): void {
  removeRange(client, "lex", "zremrangebylex");
}

function removeRange(client: Client, kind: RangeKind, event: string): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  range.parse(argv, kind, 2, 3);
  const entry = typedForWrite(client, 1, TYPE_SORTED_SET);
  if (entry === 0) return reply.integer(0);
  range.locate(arena, entry, argv, false);
  const removed = range.count;
  if (removed > 0) {
    sortedSet.removeRange(arena, entry, range.first, removed);
    db.changed(argv, 1, EVENT_SORTED_SET, event);
    db.keyspace.dirty += removed - 1;
    const encoding = value.encodingOf(arena, entry);
    if (sortedSet.count(arena, encoding, value.valueRef(arena, entry)) === 0) {
      db.removeEmptied(argv, 1);
    }
  }
  reply.integer(removed);
}
