/**
 * Set algebra: SINTER, SUNION, SDIFF and those which store or count the result (Redis: t_set.c).
 *
 * What is to be stored is gathered in a set of its own, which belongs to no key. What is to be
 * shown is replied as it is found, where no member can be found twice; unions of many sets are
 * gathered, and differences that are found by removing. A missing key counts as an empty set.
 */
import { hashBytes } from "../base/hash.ts";
import { EVENT_GENERIC, EVENT_SET } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { type KeySpec, rangeSpec, type RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as setValue from "../values/set_value.ts";
import { type HashedVisitor, isInAny, SetView, someInAll } from "../values/set_view.ts";
import * as value from "../values/value.ts";
import { TYPE_SET } from "../values/value.ts";
import { boundedIntegerArgument, keysByNumber, typedForRead } from "./arguments.ts";
import { replyMembers } from "./set_commands.ts";
import { SetOutcome } from "./set_outcome.ts";

const SINTER_COMPLEXITY = "O(N*M), N: members of the smallest set, M: number of sets.";
const SUNION_COMPLEXITY = "O(N), N: members of all sets together.";

const FROM_ALL = [rangeSpec("RO access", 1, -1)];
const INTO_UPDATED = [rangeSpec("RW update", 1, 0), rangeSpec("RO access", 2, -1)];
const INTO_OVERWRITTEN = [rangeSpec("OW update", 1, 0), rangeSpec("RO access", 2, -1)];

const FROM_COUNTED: readonly KeySpec[] = [{
  flags: ["RO", "access"],
  begin: { index: 1 },
  find: { keyNumberIndex: 0, firstKey: 1, step: 1 },
}];

// deno-fmt-ignore
export const setAlgebraCommands: readonly RedisCommand[] = [
  { name: "sinter", arity: -2, flags: ["readonly"], keys: [1, -1, 1], keySpecs: FROM_ALL,
    categories: ["@set"], since: "1.0.0", group: "set", proc: sinterCommand,
    tips: ["nondeterministic_output_order"], complexity: SINTER_COMPLEXITY,
    summary: "Returns the members that all sets have in common." },
  { name: "sintercard", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    keySpecs: FROM_COUNTED, findKeys: keysByNumber(1),
    categories: ["@set"], since: "7.0.0", group: "set", proc: sintercardCommand,
    complexity: SINTER_COMPLEXITY,
    summary: "Returns how many members all sets have in common, counting up to a limit." },
  { name: "sunioncard", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    keySpecs: FROM_COUNTED, findKeys: keysByNumber(1),
    categories: ["@set"], since: "8.10.0", group: "set", proc: sunioncardCommand,
    complexity: SUNION_COMPLEXITY,
    summary: "Returns how many members the sets have together, counting up to a limit." },
  { name: "sdiffcard", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    keySpecs: FROM_COUNTED, findKeys: keysByNumber(1),
    categories: ["@set"], since: "8.10.0", group: "set", proc: sdiffcardCommand,
    complexity: SINTER_COMPLEXITY,
    summary: "Returns how many members only the first set has, counting up to a limit." },
  { name: "sinterstore", arity: -3, flags: ["write", "denyoom"], keys: [1, -1, 1],
    keySpecs: INTO_UPDATED, changedIn: ["7.2", { keySpecs: INTO_OVERWRITTEN }],
    categories: ["@set"], since: "1.0.0", group: "set", proc: sinterstoreCommand,
    complexity: SINTER_COMPLEXITY, summary: "Stores the intersection of sets under a key." },
  { name: "sunion", arity: -2, flags: ["readonly"], keys: [1, -1, 1], keySpecs: FROM_ALL,
    categories: ["@set"], since: "1.0.0", group: "set", proc: sunionCommand,
    tips: ["nondeterministic_output_order"], complexity: SUNION_COMPLEXITY,
    summary: "Returns the members of any of the sets." },
  { name: "sunionstore", arity: -3, flags: ["write", "denyoom"], keys: [1, -1, 1],
    keySpecs: INTO_OVERWRITTEN,
    categories: ["@set"], since: "1.0.0", group: "set", proc: sunionstoreCommand,
    complexity: SUNION_COMPLEXITY, summary: "Stores the union of sets under a key." },
  { name: "sdiff", arity: -2, flags: ["readonly"], keys: [1, -1, 1], keySpecs: FROM_ALL,
    categories: ["@set"], since: "1.0.0", group: "set", proc: sdiffCommand,
    tips: ["nondeterministic_output_order"], complexity: SUNION_COMPLEXITY,
    summary: "Returns the members of the first set that no other set has." },
  { name: "sdiffstore", arity: -3, flags: ["write", "denyoom"], keys: [1, -1, 1],
    keySpecs: INTO_OVERWRITTEN,
    categories: ["@set"], since: "1.0.0", group: "set", proc: sdiffstoreCommand,
    complexity: SUNION_COMPLEXITY,
    summary: "Stores the difference of the first set and all others under a key." },
];

const NO_KEYS = commandError("ERR numkeys should be greater than 0");
const TOO_MANY_KEYS = commandError("ERR Number of keys can't be greater than number of args");
const NEGATIVE_LIMIT = commandError("ERR LIMIT can't be negative");

/** A `HashedVisitor` that wants all members. */
type EachVisitor = (...member: Parameters<HashedVisitor>) => void;

/** Up to so many sets a member is asked for in those before; more are gathered in one. */
const ASKED_SETS_MAX = 4;

function sinterCommand(client: Client): void {
  const { reply } = client;
  const sets = readSets(client, 1, client.argv.count);
  const mark = reply.deferArray();
  let shown = 0;
  someInEach(client, sets, false, (bytes, start, length) => {
    reply.bulk(bytes, start, length);
    shown++;
    return false;
  });
  reply.endDeferredSet(mark, shown);
}

function sintercardCommand(client: Client): void {
  const { keyCount, limit } = cardinalityArguments(client, false);
  let found = 0;
  someInEach(client, readSets(client, 2, 2 + keyCount), false, () => ++found === limit);
  client.reply.integer(found);
}

/**
 * The arguments of SINTERCARD and its kin: the number of keys, and the limit, 0 for none. APPROX,
 * which SUNIONCARD knows, allows an estimate; ours is exact.
 */
function cardinalityArguments(
  { argv }: Client,
  mayEstimate: boolean,
): { keyCount: number; limit: number } {
  const keyCount = boundedIntegerArgument(argv, 1, 1, Infinity, NO_KEYS);
  if (keyCount > argv.count - 2) throw TOO_MANY_KEYS;
  let limit = 0;
  for (let index = 2 + keyCount; index < argv.count; index++) {
    if (mayEstimate && argv.is(index, "approx")) continue;
    if (!argv.is(index, "limit") || index + 1 === argv.count) throw SYNTAX_ERROR;
    limit = boundedIntegerArgument(argv, ++index, 0, Infinity, NEGATIVE_LIMIT);
  }
  return { keyCount, limit };
}

function sunioncardCommand(client: Client): void {
  const { db: { arena, keyspace }, reply } = client;
  const { keyCount, limit } = cardinalityArguments(client, true);
  const sets = different(readSets(client, 2, 2 + keyCount));
  if (sets.length === 1) {
    const total = setValue.countOfKey(arena, sets[0]);
    return reply.integer(limit === 0 ? total : Math.min(total, limit));
  }
  const outcome = new SetOutcome(client, limit);
  for (const set of sets) {
    const isFull = setValue.someMember(arena, set, ({ bytes, start, length }) => {
      outcome.add(bytes, start, length);
      return outcome.count === limit;
    });
    if (isFull) break;
  }
  reply.integer(outcome.count);
  keyspace.reclaimer.freeEntry(outcome.finish());
}

function sdiffcardCommand(client: Client): void {
  const { db: { arena }, reply } = client;
  const { keyCount, limit } = cardinalityArguments(client, false);
  const [first, ...rest] = readSets(client, 2, 2 + keyCount);
  const others = different(rest);
  if (first === 0 || others.includes(first)) return reply.integer(0);
  const views = viewsOf(client, others);
  let found = 0;
  setValue.someMember(arena, first, ({ bytes, start, length }) => {
    const hash = hashBytes(bytes, start, length);
    const isElsewhere = isInAny(views, views.length, hash, bytes, start, length);
    return !isElsewhere && ++found === limit;
  });
  reply.integer(found);
}

function sinterstoreCommand(client: Client): void {
  const { arena } = client.db;
  const sets = readSets(client, 2, client.argv.count);
  const smallest = smallestOf(client, sets);
  const count = smallest === 0 ? 0 : setValue.countOfKey(arena, smallest);
  // Redis: what is left of no intset begins as a listpack.
  const keepsListpack = smallest !== 0 &&
    value.encodingOf(arena, smallest) !== value.ENCODING_INTSET;
  const outcome = new SetOutcome(client, count, keepsListpack);
  someInEach(client, sets, true, (bytes, start, length, hash, found) => {
    outcome.addNew(bytes, start, length, hash, found);
    return false;
  });
  storeResult(client, outcome.finish(), "sinterstore");
}

/** Replies members as they are found; but those of intsets, which are sorted, in their order. */
function sunionCommand(client: Client): void {
  const sets = readSets(client, 1, client.argv.count);
  const united = different(sets);
  const isGathered = united.length > ASKED_SETS_MAX || areIntsets(client, united);
  if (isGathered) return replyResult(client, unionOf(client, sets));
  replyVisited(client, (visit) => forEachOfUnion(client, united, visit));
}

function areIntsets({ db: { arena } }: Client, sets: readonly Ref[]): boolean {
  return sets.every((set) => value.encodingOf(arena, set) === value.ENCODING_INTSET);
}

/** Replies with the members that `forEach` gives its visitor. */
function replyVisited({ reply }: Client, forEach: (visit: EachVisitor) => void): void {
  const mark = reply.deferArray();
  let shown = 0;
  forEach((bytes, start, length) => {
    reply.bulk(bytes, start, length);
    shown++;
  });
  reply.endDeferredSet(mark, shown);
}

function sunionstoreCommand(client: Client): void {
  const result = unionOf(client, readSets(client, 2, client.argv.count));
  storeResult(client, result, "sunionstore");
}

function sdiffCommand(client: Client): void {
  const [first, ...rest] = readSets(client, 1, client.argv.count);
  const others = different(rest);
  const isGathered = first === 0 || others.includes(first) || !asksForEach(client, first, others);
  if (isGathered) return replyResult(client, differenceOf(client, first, others));
  replyVisited(client, (visit) => forEachOfDifference(client, first, others, visit));
}

function sdiffstoreCommand(client: Client): void {
  const [first, ...rest] = readSets(client, 2, client.argv.count);
  storeResult(client, differenceOf(client, first, different(rest)), "sdiffstore");
}

/**
 * The entries of the sets whose keys are the arguments `from` to `to` (exclusive); 0 if missing.
 */
function readSets(client: Client, from: number, to: number): Ref[] {
  const sets: Ref[] = [];
  for (let index = from; index < to; index++) {
    sets.push(typedForRead(client, index, TYPE_SET));
  }
  return sets;
}

/** The smallest set; 0 if one is missing. */
function smallestOf({ db: { arena } }: Client, sets: readonly Ref[]): Ref {
  let smallest = sets[0];
  let countMin = Infinity;
  for (const set of sets) {
    if (set === 0) return 0;
    const count = setValue.countOfKey(arena, set);
    if (count < countMin) {
      smallest = set;
      countMin = count;
    }
  }
  return smallest;
}

/**
 * Calls `visit` with the members that all sets have, until it returns true. Goes through the
 * smallest set and asks the others, small ones first.
 */
function someInEach(
  client: Client,
  sets: readonly Ref[],
  wantsHash: boolean,
  visit: HashedVisitor,
): void {
  const { arena } = client.db;
  if (sets.includes(0)) return;
  const ordered = sets.filter((set, index) => sets.indexOf(set) === index);
  ordered.sort((a, b) => setValue.countOfKey(arena, a) - setValue.countOfKey(arena, b));
  someInAll(arena, ordered[0], viewsOf(client, ordered.slice(1)), wantsHash, visit);
}

function viewsOf({ db }: Client, sets: readonly Ref[]): SetView[] {
  return sets.map((set) => new SetView(db.arena, set));
}

/** The sets that there are, each once. */
function different(sets: readonly Ref[]): Ref[] {
  return [...new Set(sets)].filter((set) => set !== 0);
}

/** A detached set with the members of all sets. */
function unionOf(client: Client, sets: readonly Ref[]): Ref {
  const { arena } = client.db;
  const counts = sets.map((set) => set === 0 ? 0 : setValue.countOfKey(arena, set));
  // All together, if they have little in common; but if they have much, not many times too much.
  const total = counts.reduce((sum, count) => sum + count, 0);
  const outcome = new SetOutcome(client, Math.min(total, 2 * Math.max(0, ...counts)));
  const united = different(sets);
  if (united.length <= ASKED_SETS_MAX) {
    forEachOfUnion(client, united, (bytes, start, length, hash, found) => {
      outcome.addNew(bytes, start, length, hash, found);
    });
    return outcome.finish();
  }
  for (const set of united) {
    setValue.forEachMember(arena, set, ({ bytes, start, length }) => {
      outcome.add(bytes, start, length);
    });
  }
  return outcome.finish();
}

/** Calls `visit` once with each member of a few sets, which are different. */
function forEachOfUnion(
  client: Client,
  sets: readonly Ref[],
  visit: EachVisitor,
): void {
  const views = viewsOf(client, sets);
  sets.forEach((set, before) => {
    setValue.forEachMember(client.db.arena, set, ({ bytes, start, length }, found) => {
      const hash = hashBytes(bytes, start, length);
      if (isInAny(views, before, hash, bytes, start, length)) return;
      visit(bytes, start, length, hash, found);
    });
  });
}

/**
 * A detached set with the members of `first` that none of the other sets has, which are different.
 * As in Redis there are two ways, and the one that probably takes fewer steps is taken: to ask for
 * each member of the first set whether another has it; or to copy the first set and remove the
 * members of all others.
 */
function differenceOf(client: Client, first: Ref, others: readonly Ref[]): Ref {
  const { arena } = client.db;
  if (first === 0 || others.includes(first)) return setValue.createDetached(arena);
  if (!asksForEach(client, first, others)) return differenceByRemoving(client, first, others);
  const outcome = new SetOutcome(client, setValue.countOfKey(arena, first));
  forEachOfDifference(client, first, others, (bytes, start, length, hash, found) => {
    outcome.addNew(bytes, start, length, hash, found);
  });
  return outcome.finish();
}

/** Whether asking for each member of the first set takes fewer steps than removing. */
function asksForEach({ db: { arena } }: Client, first: Ref, others: readonly Ref[]): boolean {
  const total = setValue.countOfKey(arena, first);
  let othersTotal = 0;
  for (const set of others) othersTotal += setValue.countOfKey(arena, set);
  return total * (others.length + 1) / 2 <= total + othersTotal;
}

function forEachOfDifference(
  client: Client,
  first: Ref,
  others: readonly Ref[],
  visit: EachVisitor,
): void {
  const { arena } = client.db;
  // The larger a set, the more likely it is to have a member.
  const ordered = others.toSorted((a, b) =>
    setValue.countOfKey(arena, b) - setValue.countOfKey(arena, a)
  );
  const views = viewsOf(client, ordered);
  setValue.forEachMember(arena, first, ({ bytes, start, length }, found) => {
    const hash = hashBytes(bytes, start, length);
    if (isInAny(views, views.length, hash, bytes, start, length)) return;
    visit(bytes, start, length, hash, found);
  });
}

function differenceByRemoving(client: Client, first: Ref, others: readonly Ref[]): Ref {
  const { arena } = client.db;
  const result = unionOf(client, [first]);
  for (const other of others) {
    setValue.someMember(arena, other, ({ bytes, start, length }) => {
      setValue.remove(arena, result, bytes, start, length);
      return setValue.countOfKey(arena, result) === 0;
    });
  }
  return result;
}

/** Replies with the members of a detached set and frees it. */
function replyResult(client: Client, result: Ref): void {
  replyMembers(client, result);
  client.db.keyspace.reclaimer.freeEntry(result);
}

/** Puts a detached set under the key that is argument 1; an empty one removes the key. */
function storeResult({ db, argv, reply }: Client, result: Ref, event: string): void {
  const { arena } = db;
  const total = setValue.countOfKey(arena, result);
  if (total === 0) {
    db.keyspace.reclaimer.freeEntry(result);
    if (db.remove(argv, 1)) db.changed(argv, 1, EVENT_GENERIC, "del");
  } else {
    setValue.trim(arena, result);
    const encoding = value.encodingOf(arena, result);
    const ref = value.valueRef(arena, result);
    arena.free(result);
    db.replace(argv, 1, TYPE_SET, encoding, ref);
    db.changed(argv, 1, EVENT_SET, event);
  }
  reply.integer(total);
}
