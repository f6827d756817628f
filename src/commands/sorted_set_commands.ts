/**
 * Sorted set commands: adding, removing and looking up members.
 *
 * Ranges: sorted_set_range_commands.ts. Popping and blocking: sorted_set_pop_commands.ts. Union,
 * intersection and difference: sorted_set_store_commands.ts.
 */
import { Slice } from "../base/bytes.ts";
import { random } from "../base/random.ts";
import { scratch } from "../base/scratch.ts";
import { answersSince } from "../config/version.ts";
import { EVENT_SORTED_SET } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR, wrongArity } from "../session/errors.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as sortedSetLarge from "../values/sorted_set_large.ts";
import * as sortedSet from "../values/sorted_set_value.ts";
import { SortedSetCursor } from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST, TYPE_SORTED_SET } from "../values/value.ts";
import {
  checkPairCount,
  doubleArgument,
  repeatedCount,
  signedCountArgument,
  typedForRead,
  typedForWrite,
} from "./arguments.ts";
import {
  collectEntries,
  cursorArgument,
  passesMatch,
  replyCursor,
  replyEmptyScan,
  scanOptions,
} from "./scan_options.ts";
import { limitsOf, scoreOfArgument } from "./sorted_set_arguments.ts";
import { type MemberRemoval, removeMembers } from "./member_removal.ts";

// deno-fmt-ignore
export const sortedSetCommands: readonly RedisCommand[] = [
  { name: "zadd", arity: -4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@sortedset"], since: "1.2.0", group: "sorted-set",
    proc: zaddCommand,
    complexity: "O(log(N)) per member, N: members of the sorted set.",
    summary: "Adds members with their scores, or changes the scores of members." },
  { name: "zincrby", arity: 4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@sortedset"], since: "1.2.0", group: "sorted-set",
    proc: zincrbyCommand,
    complexity: "O(log(N)), N: members of the sorted set.",
    summary: "Adds a number to the score of a member." },
  { name: "zrem", arity: -3, flags: ["write", "fast"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@sortedset"], since: "1.2.0", group: "sorted-set", proc: zremCommand,
    complexity: "O(M*log(N)), N: members of the sorted set, M: members that are named.",
    summary: "Removes members." },
  { name: "zcard", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO",
    categories: ["@sortedset"], since: "1.2.0", group: "sorted-set", proc: zcardCommand,
    complexity: "O(1)", summary: "Returns the number of members." },
  { name: "zscore", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "1.2.0", group: "sorted-set", proc: zscoreCommand,
    complexity: "O(1)", summary: "Returns the score of a member." },
  { name: "zmscore", arity: -3, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "6.2.0", group: "sorted-set", proc: zmscoreCommand,
    complexity: "O(N), N: members that are asked for.",
    summary: "Returns the scores of several members." },
  { name: "zrank", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO access",
    changedIn: ["7.2", { arity: -3 }],
    categories: ["@sortedset"], since: "2.0.0", group: "sorted-set", proc: zrankCommand,
    complexity: "O(log(N))", summary: "Returns how many members come before one." },
  { name: "zrevrank", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO access",
    changedIn: ["7.2", { arity: -3 }],
    categories: ["@sortedset"], since: "2.0.0", group: "sorted-set", proc: zrevrankCommand,
    complexity: "O(log(N))", summary: "Returns how many members come after one." },
  { name: "zrandmember", arity: -2, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "6.2.0", group: "sorted-set", proc: zrandmemberCommand,
    tips: ["nondeterministic_output"],
    complexity: "O(N), N: elements returned.",
    summary: "Returns members chosen at random." },
  { name: "zscan", arity: -3, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@sortedset"], since: "2.8.0", group: "sorted-set", proc: zscanCommand,
    tips: ["nondeterministic_output"],
    complexity: "O(1) per call. A whole iteration, from cursor 0 to cursor 0, takes O(N), N: elements of the collection.",
    summary: "Walks over the members of a sorted set step by step." },
];

const NOT_A_NUMBER = commandError("ERR resulting score is not a number (NaN)");
const NX_WITH_XX = commandError("ERR XX and NX options at the same time are not compatible");
const GT_LT_NX = commandError(
  "ERR GT, LT, and/or NX options at the same time are not compatible",
);
const INCR_OF_MANY = commandError("ERR INCR option supports a single increment-element pair");

/** ZADD CH: counts changed members beside added ones. A bit beyond those of `sortedSet.add`. */
const REPORT_CHANGES = 1 << 8;

/** Scores of the current ZADD, all read before the first one is stored. */
const scores: number[] = [];
const view = scratch(new Slice());
const cursor = scratch(new SortedSetCursor());

/** What became of the members of a ZADD, and the score of the last. */
const tally = { added: 0, updated: 0, skipped: 0, score: 0 };

function zaddCommand(client: Client): void {
  const { argv, reply } = client;
  let first = 2;
  let mode = 0;
  for (let bit = addOption(argv, first); bit !== 0; bit = addOption(argv, ++first)) mode |= bit;
  const pairCount = (argv.count - first) / 2;
  if (pairCount === 0 || !Number.isInteger(pairCount)) throw SYNTAX_ERROR;
  checkMode(mode, pairCount);
  for (let pair = 0; pair < pairCount; pair++) {
    scores[pair] = doubleArgument(argv, first + pair * 2);
  }
  const entry = typedForWrite(client, 1, TYPE_SORTED_SET);
  const isIncrement = (mode & sortedSet.ADD_INCREMENT) !== 0;
  addAll(client, entry, first + 1, 2, pairCount, mode, isIncrement ? "zincr" : "zadd");
  if (!isIncrement) {
    reply.integer((mode & REPORT_CHANGES) !== 0 ? tally.added + tally.updated : tally.added);
  } else if (tally.skipped > 0) reply.nil();
  else reply.double(tally.score);
}

/** The mode bit of an option of ZADD; 0 if the argument is none. */
function addOption(argv: Argv, index: number): number {
  if (index === argv.count) return 0;
  const length = argv.lengths[index];
  if (length === 2) {
    if (argv.is(index, "nx")) return sortedSet.ADD_NX;
    if (argv.is(index, "xx")) return sortedSet.ADD_XX;
    if (argv.is(index, "gt")) return sortedSet.ADD_GT;
    if (argv.is(index, "lt")) return sortedSet.ADD_LT;
    return argv.is(index, "ch") ? REPORT_CHANGES : 0;
  }
  return length === 4 && argv.is(index, "incr") ? sortedSet.ADD_INCREMENT : 0;
}

function checkMode(mode: number, pairCount: number): void {
  const isNx = (mode & sortedSet.ADD_NX) !== 0;
  const isGt = (mode & sortedSet.ADD_GT) !== 0;
  const isLt = (mode & sortedSet.ADD_LT) !== 0;
  if (isNx && (mode & sortedSet.ADD_XX) !== 0) throw NX_WITH_XX;
  if ((isGt && isNx) || (isLt && isNx) || (isGt && isLt)) throw GT_LT_NX;
  if ((mode & sortedSet.ADD_INCREMENT) !== 0 && pairCount > 1) throw INCR_OF_MANY;
}

/**
 * Adds `scores` to members, of which the first is argument `first` and each further one `step`
 * behind; `entry` is the key's, or 0. Fills `tally` and announces the change.
 */
function addAll(
  client: Client,
  entry: Ref,
  first: number,
  step: number,
  pairCount: number,
  mode: number,
  event: string,
): void {
  const { db, argv } = client;
  tally.added = tally.updated = tally.skipped = 0;
  if (entry === 0 && (mode & sortedSet.ADD_XX) !== 0) {
    tally.skipped = pairCount;
    return;
  }
  const limits = limitsOf(client);
  // Redis: from 7.2 on many pairs at once make a set large, however many of them are alike.
  const isLarge = pairCount > limits.listpackEntriesMax && answersSince(client.host.config, "7.2");
  const target = entry !== 0 ? entry : createSortedSet(client, argv.lengths[first], isLarge);
  if (isLarge) sortedSet.makeLarge(db.arena, target);
  for (let pair = 0; pair < pairCount; pair++) {
    const index = first + pair * step;
    const start = argv.starts[index];
    const length = argv.lengths[index];
    const { bytes } = argv;
    const score = scores[pair];
    const outcome = sortedSet.add(
      db.arena,
      target,
      bytes,
      start,
      length,
      score,
      mode,
      limits,
      tally,
    );
    // Only the single pair of an increment can come to this, so nothing has changed yet.
    if (outcome === sortedSet.ADD_NOT_A_NUMBER) throw NOT_A_NUMBER;
    if (outcome === sortedSet.ADD_INSERTED) tally.added++;
    else if (outcome === sortedSet.ADD_UPDATED) tally.updated++;
    else if (outcome === sortedSet.ADD_SKIPPED) tally.skipped++;
  }
  const changes = tally.added + tally.updated;
  if (changes === 0) return;
  db.changed(argv, 1, EVENT_SORTED_SET, event);
  db.keyspace.dirty += changes - 1;
}

function createSortedSet(client: Client, memberBytes: number, isLarge: boolean): Ref {
  const { db, argv } = client;
  const encoding = isLarge
    ? ENCODING_SKIPLIST
    : sortedSet.initialEncoding(limitsOf(client), memberBytes);
  const ref = sortedSet.create(db.arena, encoding);
  return db.create(argv, 1, TYPE_SORTED_SET, encoding, ref);
}

/**
 * GEOADD: as ZADD with these scores and the options NX, XX and CH. The first member is argument
 * `first`, each further one stands `step` behind.
 */
export function addPlaces(
  client: Client,
  memberScores: readonly number[],
  first: number,
  step: number,
  options: { isNx: boolean; isXx: boolean; reportsChanges: boolean },
): void {
  for (let pair = 0; pair < memberScores.length; pair++) scores[pair] = memberScores[pair];
  const entry = typedForWrite(client, 1, TYPE_SORTED_SET);
  const mode = (options.isNx ? sortedSet.ADD_NX : 0) | (options.isXx ? sortedSet.ADD_XX : 0);
  addAll(client, entry, first, step, memberScores.length, mode, "zadd");
  client.reply.integer(options.reportsChanges ? tally.added + tally.updated : tally.added);
}

function zincrbyCommand(client: Client): void {
  scores[0] = doubleArgument(client.argv, 2);
  const entry = typedForWrite(client, 1, TYPE_SORTED_SET);
  addAll(client, entry, 3, 1, 1, sortedSet.ADD_INCREMENT, "zincr");
  client.reply.double(tally.score);
}

const REMOVAL: MemberRemoval = {
  type: TYPE_SORTED_SET,
  eventClass: EVENT_SORTED_SET,
  event: "zrem",
  count: (arena, entry) =>
    sortedSet.count(arena, value.encodingOf(arena, entry), value.valueRef(arena, entry)),
  remove: sortedSet.remove,
};

function zremCommand(client: Client): void {
  removeMembers(client, REMOVAL);
}

function zcardCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  client.reply.integer(entry === 0 ? 0 : countOf(client, entry));
}

function zscoreCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  replyScore(client, entry, 2);
}

function zmscoreCommand(client: Client): void {
  const { argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) replyScore(client, entry, index);
}

function replyScore(client: Client, entry: Ref, index: number): void {
  const score = entry === 0 ? NaN : scoreOfArgument(client, entry, index);
  if (Number.isNaN(score)) client.reply.nil();
  else client.reply.double(score);
}

function zrankCommand(client: Client): void {
  replyRank(client, false);
}

function zrevrankCommand(client: Client): void {
  replyRank(client, true);
}

function replyRank(client: Client, isReverse: boolean): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  if (argv.count > 4) throw wrongArity(client.commandName);
  const withScore = argv.count === 4;
  if (withScore && !argv.is(3, "withscore")) throw SYNTAX_ERROR;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (entry === 0) return withScore ? reply.nilArray() : reply.nil();
  const rank = sortedSet.rank(
    arena,
    value.encodingOf(arena, entry),
    value.valueRef(arena, entry),
    argv.bytes,
    argv.starts[2],
    argv.lengths[2],
  );
  if (rank === -1) return withScore ? reply.nilArray() : reply.nil();
  if (withScore) reply.array(2);
  reply.integer(isReverse ? countOf(client, entry) - 1 - rank : rank);
  if (withScore) reply.double(scoreOfArgument(client, entry, 2));
}

function countOf({ db }: Client, entry: Ref): number {
  const { arena } = db;
  return sortedSet.count(arena, value.encodingOf(arena, entry), value.valueRef(arena, entry));
}

function zrandmemberCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  if (argv.count > 2) return replySample(client);
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (entry === 0) return reply.nil();
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  cursor.seek(arena, encoding, ref, random.below(sortedSet.count(arena, encoding, ref)));
  cursor.readMember(view);
  reply.bulk(view.bytes, view.start, view.length);
}

function replySample(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const wanted = signedCountArgument(argv, 2);
  if (argv.count > 4 || (argv.count === 4 && !argv.is(3, "withscores"))) throw SYNTAX_ERROR;
  const withScores = argv.count === 4;
  if (withScores) checkPairCount(argv, 2);
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (entry === 0 || wanted === 0) return reply.array(0);
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  const total = sortedSet.count(arena, encoding, ref);
  const shown = wanted < 0 ? repeatedCount(wanted) : Math.min(wanted, total);
  reply.array(withScores && reply.resp === 2 ? shown * 2 : shown);
  const show = (member: Slice, score: number) => {
    if (withScores && reply.resp === 3) reply.array(2);
    reply.bulk(member.bytes, member.start, member.length);
    if (withScores) reply.double(score);
  };
  if (wanted > 0 && wanted < total) {
    return sortedSet.visitSample(arena, encoding, ref, shown, show);
  }
  if (wanted > 0) {
    // Redis: all members come, and then in this order.
    cursor.seek(arena, encoding, ref, total - 1);
    do {
      cursor.readMember(view);
      show(view, cursor.score);
    } while (cursor.advance(true));
    return;
  }
  for (let index = 0; index < shown && !reply.isOverflown; index++) {
    cursor.seek(arena, encoding, ref, random.below(total));
    cursor.readMember(view);
    show(view, cursor.score);
  }
}

function zscanCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const from = cursorArgument(argv, 2);
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (entry === 0) return replyEmptyScan(reply);
  const options = scanOptions(argv, 3, false);
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  let shown = 0;
  const show = (member: Slice, score: number) => {
    if (!passesMatch(options, argv, member)) return;
    reply.bulk(member.bytes, member.start, member.length);
    // Redis: no double in RESP3 either.
    reply.bulkDouble(score);
    shown += 2;
  };
  if (encoding === ENCODING_LISTPACK) {
    replyCursor(reply, 0);
    const mark = reply.deferArray();
    sortedSet.forEach(arena, encoding, ref, show);
    reply.endDeferredArray(mark, shown);
    return;
  }
  const members: Ref[] = [];
  const dict = sortedSetLarge.dictOf(arena, ref);
  replyCursor(reply, collectEntries(arena, dict, from, options.count, members));
  const mark = reply.deferArray();
  for (const member of members) {
    dictEntry.readKey(arena, member, view);
    show(view, sortedSetLarge.scoreOf(arena, member));
  }
  reply.endDeferredArray(mark, shown);
}
