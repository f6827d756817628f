/**
 * Sorted set store commands: union, intersection and difference of sorted sets, shown or stored. A
 * set may stand for a sorted set whose scores are all 1.
 */
import { formatScore } from "../base/doubles.ts";
import type { Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR, WRONG_TYPE } from "../session/errors.ts";
import { isJoinable, someCommon } from "../structures/dict_join.ts";
import { ListpackIndex } from "../structures/listpack_index.ts";
import { dictOf } from "../values/dict_and_tree.ts";
import * as setValue from "../values/set_value.ts";
import * as sortedSet from "../values/sorted_set_value.ts";
import { SetView } from "../values/set_view.ts";
import { SortedSetBuilder } from "../values/sorted_set_builder.ts";
import { scoreOf as scoreInListpack } from "../values/sorted_set_listpack.ts";
import { SortedSetCursor } from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import { TYPE_SET, TYPE_SORTED_SET } from "../values/value.ts";
import { boundedIntegerArgument, doubleArgument, integerArgument } from "./arguments.ts";
import { countedKeys, storeResult } from "./sorted_set_arguments.ts";

const SOURCES: readonly KeySpec[] = [
  {
    flags: ["RO", "access"],
    begin: { index: 1 },
    find: { keyNumberIndex: 0, firstKey: 1, step: 1 },
  },
];
const DESTINATION_AND_SOURCES: readonly KeySpec[] = [
  { flags: ["OW", "update"], begin: { index: 1 }, find: { lastKey: 0, step: 1, limit: 0 } },
  {
    flags: ["RO", "access"],
    begin: { index: 2 },
    find: { keyNumberIndex: 0, firstKey: 1, step: 1 },
  },
];

// deno-fmt-ignore
export const sortedSetStoreCommands: readonly RedisCommand[] = [
  { name: "zunion", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    findKeys: countedKeys(1), keySpecs: SOURCES, categories: ["@sortedset"], since: "6.2.0",
    group: "sorted-set", proc: zunionCommand,
    complexity: "O(N)+O(M*log(M)), N: members of all sets together, M: members of the result.",
    summary: "Returns the members of any of several sorted sets." },
  { name: "zinter", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    findKeys: countedKeys(1), keySpecs: SOURCES, categories: ["@sortedset"], since: "6.2.0",
    group: "sorted-set", proc: zinterCommand,
    complexity: "O(N*K)+O(M*log(M)) at worst, N: members of the smallest set, K: number of sets, M: members of the result.",
    summary: "Returns the members of all of several sorted sets." },
  { name: "zdiff", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    findKeys: countedKeys(1), keySpecs: SOURCES, categories: ["@sortedset"], since: "6.2.0",
    group: "sorted-set", proc: zdiffCommand,
    complexity: "O(L + (N-K)log(N)) at worst, L: members of all sets together, N: of the first, K: of the result.",
    summary: "Returns the members of a sorted set that are in none of the others." },
  { name: "zunionstore", arity: -4, flags: ["write", "denyoom", "movablekeys"], keys: [1, 1, 1],
    findKeys: countedKeys(2, 1), keySpecs: DESTINATION_AND_SOURCES, categories: ["@sortedset"],
    since: "2.0.0", group: "sorted-set", proc: zunionstoreCommand,
    complexity: "O(N)+O(M log(M)), N: members of all sets together, M: members of the result.",
    summary: "Stores the union of several sorted sets under a key." },
  { name: "zinterstore", arity: -4, flags: ["write", "denyoom", "movablekeys"], keys: [1, 1, 1],
    findKeys: countedKeys(2, 1), keySpecs: DESTINATION_AND_SOURCES, categories: ["@sortedset"],
    since: "2.0.0", group: "sorted-set", proc: zinterstoreCommand,
    complexity: "O(N*K)+O(M*log(M)) at worst, N: members of the smallest set, K: number of sets, M: members of the result.",
    summary: "Stores the intersection of several sorted sets under a key." },
  { name: "zdiffstore", arity: -4, flags: ["write", "denyoom", "movablekeys"], keys: [1, 1, 1],
    findKeys: countedKeys(2, 1), keySpecs: DESTINATION_AND_SOURCES, categories: ["@sortedset"],
    since: "6.2.0", group: "sorted-set", proc: zdiffstoreCommand,
    complexity: "O(L + (N-K)log(N)) at worst, L: members of all sets together, N: of the first, K: of the result.",
    summary: "Stores the difference of several sorted sets under a key." },
  { name: "zintercard", arity: -3, flags: ["readonly", "movablekeys"], keys: [0, 0, 0],
    findKeys: countedKeys(1), keySpecs: SOURCES, categories: ["@sortedset"], since: "7.0.0",
    group: "sorted-set", proc: zintercardCommand,
    complexity: "O(N*K) at worst, N: members of the smallest set, K: number of sets.",
    summary: "Counts the members of all of several sorted sets." },
];

/** Scores and members in one ZADD of the AOF at most. */
const PROPAGATED_WORDS_MAX = 1024;

const WEIGHT_NOT_A_FLOAT = commandError("ERR weight value is not a float");
const NEGATIVE_LIMIT = commandError("ERR LIMIT can't be negative");

type Operation = "union" | "inter" | "diff";
/** "count", of Redis 8.8: each source that has a member adds 1, or its weight. */
type Aggregate = "sum" | "min" | "max" | "count";

/** One of the inputs; `entry` 0: a missing key. Encoding and ref are those of its value. */
interface Source {
  entry: Ref;
  encoding: number;
  ref: Ref;
  /** Finds its members, if it is a sorted set that is a listpack; else null. */
  index: ListpackIndex | null;
  /** Finds its members, if it is a set; else null. */
  view: SetView | null;
  isSet: boolean;
  count: number;
  weight: number;
}

interface Combination {
  operation: Operation;
  /** In the order of the arguments. */
  sources: Source[];
  aggregate: Aggregate;
  withScores: boolean;
  /** ZINTERCARD: count no further than this; 0 = no limit. */
  limit: number;
}

/** Hears of a member of a source, its own score and its hash; returns whether the walk goes on. */
type SourceVisitor = (member: Slice, score: number, hash: number) => boolean;

/** Hears of a member of a source and its hash; returns whether the walk goes on. */
type MemberVisitor = (member: Slice, hash: number) => boolean;

const cursor = scratch(new SortedSetCursor());

function zunionCommand(client: Client): void {
  replyCombination(client, "union");
}

function zinterCommand(client: Client): void {
  replyCombination(client, "inter");
}

function zdiffCommand(client: Client): void {
  replyCombination(client, "diff");
}

function zunionstoreCommand(client: Client): void {
  storeCombination(client, "union", "zunionstore");
}

function zinterstoreCommand(client: Client): void {
  storeCombination(client, "inter", "zinterstore");
}

function storeCombination(client: Client, operation: Operation, event: string): void {
  const combination = parseCombination(client, 2, operation, "store");
  const { keyspace } = client.db;
  const before = keyspace.dirty;
  storeResult(client, 1, combine(client, combination), event);
  const isNewer = combination.aggregate === "count";
  if (isNewer && keyspace.dirty !== before && client.wantsEffects) propagateOutcome(client);
}

/** What 7.0 cannot reckon is recorded as its outcome. */
function propagateOutcome(client: Client): void {
  const { db: { arena }, db, argv } = client;
  const key = argv.copy(1);
  client.propagateAs("DEL", key);
  const entry = db.peek(argv, 1);
  if (entry === 0) return;
  let pairs: (string | Uint8Array)[] = [];
  const flush = () => {
    if (pairs.length > 0) client.propagateAs("ZADD", key, ...pairs);
    pairs = [];
  };
  const ref = value.valueRef(arena, entry);
  sortedSet.forEach(arena, value.encodingOf(arena, entry), ref, (member, score) => {
    pairs.push(formatScore(score), member.copy());
    if (pairs.length >= PROPAGATED_WORDS_MAX) flush();
  });
  flush();
}

function zdiffstoreCommand(client: Client): void {
  const combination = parseCombination(client, 2, "diff", "store");
  storeResult(client, 1, combine(client, combination), "zdiffstore");
}

function zintercardCommand(client: Client): void {
  const { limit, sources } = parseCombination(client, 1, "inter", "count");
  const { arena } = client.db;
  const [smallest, ...larger] = bySize(sources);
  const others = larger.filter(({ entry }) => entry === 0 || entry !== smallest.entry);
  let total = 0;
  const tables = [smallest, ...others].map((source) => tableOf(arena, source));
  const [own, other] = tables;
  if (tables.length === 2 && own !== 0 && other !== 0 && isJoinable(arena, own, other)) {
    someCommon(arena, own, other, () => ++total === limit);
    return client.reply.integer(total);
  }
  walkMembers(arena, smallest, (member, hash) => {
    for (let index = 0; index < others.length; index++) {
      if (!isInSource(arena, others[index], member, hash)) return true;
    }
    return ++total !== limit;
  });
  client.reply.integer(total);
}

/** The dict of a sorted set that is large, or 0. */
function tableOf(arena: Arena, { encoding, ref, isSet }: Source): Ref {
  return !isSet && encoding === value.ENCODING_SKIPLIST ? dictOf(arena, ref) : 0;
}

function replyCombination(client: Client, operation: Operation): void {
  const { db, reply } = client;
  const combination = parseCombination(client, 1, operation, "show");
  const { withScores } = combination;
  const builder = combine(client, combination);
  builder.complete();
  const isNested = withScores && reply.resp === 3;
  reply.array(withScores && !isNested ? builder.count * 2 : builder.count);
  sortedSet.forEach(db.arena, builder.encoding, builder.ref, (member, score) => {
    if (isNested) reply.array(2);
    reply.bulk(member.bytes, member.start, member.length);
    if (withScores) reply.double(score);
  });
  builder.abandon();
}

/** Reads the arguments from the number of keys on; `purpose` decides about the options. */
function parseCombination(
  client: Client,
  keyCountIndex: number,
  operation: Operation,
  purpose: "show" | "store" | "count",
): Combination {
  const { argv } = client;
  const keyCount = integerArgument(argv, keyCountIndex);
  if (keyCount < 1) {
    const name = client.commandName;
    throw commandError(`ERR at least 1 input key is needed for '${name}' command`);
  }
  const first = keyCountIndex + 1;
  if (keyCount > argv.count - first) throw SYNTAX_ERROR;
  const sources: Source[] = [];
  for (let index = first; index < first + keyCount; index++) {
    sources.push(lookUpSource(client, index));
  }
  const combination: Combination = {
    operation,
    sources,
    aggregate: "sum",
    withScores: false,
    limit: 0,
  };
  const hasScores = purpose !== "count" && operation !== "diff";
  for (let index = first + keyCount; index < argv.count;) {
    const left = argv.count - index;
    if (hasScores && left > keyCount && argv.is(index, "weights")) {
      for (const source of sources) {
        source.weight = doubleArgument(argv, ++index, WEIGHT_NOT_A_FLOAT);
      }
      index++;
    } else if (hasScores && left >= 2 && argv.is(index, "aggregate")) {
      combination.aggregate = aggregateArgument(argv, index + 1);
      index += 2;
    } else if (purpose === "show" && argv.is(index, "withscores")) {
      combination.withScores = true;
      index++;
    } else if (purpose === "count" && left >= 2 && argv.is(index, "limit")) {
      const max = 2 ** 63;
      combination.limit = boundedIntegerArgument(argv, index + 1, 0, max, NEGATIVE_LIMIT);
      index += 2;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return combination;
}

function aggregateArgument(argv: Argv, index: number): Aggregate {
  if (argv.is(index, "sum")) return "sum";
  if (argv.is(index, "min")) return "min";
  if (argv.is(index, "max")) return "max";
  if (argv.is(index, "count")) return "count";
  throw SYNTAX_ERROR;
}

function lookUpSource({ db, argv }: Client, keyIndex: number): Source {
  const { arena } = db;
  const entry = db.lookupForRead(argv, keyIndex);
  if (entry === 0) {
    const nothing = { encoding: 0, ref: 0, index: null, view: null, isSet: false };
    return { entry, ...nothing, count: 0, weight: 1 };
  }
  const type = value.typeOf(arena, entry);
  if (type !== TYPE_SORTED_SET && type !== TYPE_SET) throw WRONG_TYPE;
  const isSet = type === TYPE_SET;
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  const count = isSet
    ? setValue.count(arena, encoding, ref)
    : sortedSet.count(arena, encoding, ref);
  const isListpack = !isSet && encoding === value.ENCODING_LISTPACK;
  const index = isListpack ? new ListpackIndex(arena, ref, 2) : null;
  const view = isSet ? new SetView(arena, entry) : null;
  return { entry, encoding, ref, index, view, isSet, count, weight: 1 };
}

/** The result of a combination, not finished. */
function combine({ db }: Client, combination: Combination): SortedSetBuilder {
  const { arena } = db;
  const { operation, sources, aggregate } = combination;
  const builder = new SortedSetBuilder(arena);
  if (operation === "inter") {
    const ordered = bySize(sources);
    builder.reserve(ordered[0].count);
    forEachCommon(arena, ordered, aggregate, ({ bytes, start, length }, score, hash) => {
      builder.addNew(bytes, start, length, score, hash);
      return true;
    });
  } else if (operation === "union") {
    const ordered = bySize(sources);
    builder.reserve(ordered.at(-1)!.count);
    for (const source of ordered) addSource(arena, builder, source, aggregate);
  } else {
    subtract(arena, builder, sources);
  }
  return builder;
}

/** From the smallest to the largest: the order in which Redis adds up scores. */
function bySize(sources: readonly Source[]): Source[] {
  return sources.toSorted((a, b) => a.count - b.count);
}

/** Visits the members that all sources have; the first source should be the smallest. */
function forEachCommon(
  arena: Arena,
  sources: readonly Source[],
  aggregate: Aggregate,
  visit: SourceVisitor,
): void {
  const [smallest, ...others] = sources;
  if (smallest.count === 0) return;
  walkSource(arena, smallest, (member, ownScore, hash) => {
    let score = numberOrZero(counted(ownScore, aggregate) * smallest.weight);
    for (const source of others) {
      const found = source.entry === smallest.entry
        ? ownScore
        : scoreInSource(arena, source, member, hash);
      if (Number.isNaN(found)) return true;
      score = aggregated(score, counted(found, aggregate) * source.weight, aggregate);
    }
    return visit(member, score, hash);
  });
}

function addSource(
  arena: Arena,
  builder: SortedSetBuilder,
  source: Source,
  aggregate: Aggregate,
): void {
  // What the first source has, nobody has had before.
  const isFirst = builder.count === 0;
  walkSource(arena, source, ({ bytes, start, length }, ownScore, hash) => {
    const score = numberOrZero(counted(ownScore, aggregate) * source.weight);
    const found = isFirst ? 0 : builder.find(hash, bytes, start, length);
    if (found === 0) builder.addNew(bytes, start, length, score, hash);
    else builder.setScore(found, aggregated(builder.scoreOf(found), score, aggregate));
    return true;
  });
}

/**
 * Adds the members of the first source that no other one has. Either each of them is looked up in
 * all others, or all of them are added and then those of the others removed: whichever looks at
 * fewer members.
 */
function subtract(arena: Arena, builder: SortedSetBuilder, sources: readonly Source[]): void {
  const [first, ...others] = sources;
  if (first.count === 0 || others.some((source) => source.entry === first.entry)) return;
  const otherCount = others.reduce((sum, source) => sum + source.count, 0);
  builder.reserve(first.count);
  const looksUp = first.count * others.length <= first.count + otherCount;
  walkSource(arena, first, (member, score, hash) => {
    const isExcluded = looksUp &&
      others.some((source) => isInSource(arena, source, member, hash));
    if (!isExcluded) builder.addNew(member.bytes, member.start, member.length, score, hash);
    return true;
  });
  if (looksUp) return;
  for (const source of others) {
    walkMembers(arena, source, (member) => {
      builder.remove(member.bytes, member.start, member.length);
      return builder.count > 0;
    });
  }
}

/** Visits the members of a source until the visitor has enough. */
function walkSource(arena: Arena, source: Source, visit: SourceVisitor): void {
  const { entry, encoding, ref } = source;
  if (source.count === 0) return;
  if (source.isSet) {
    setValue.someMember(arena, entry, (member) => {
      return !visit(member, 1, hashBytes(member.bytes, member.start, member.length));
    });
    return;
  }
  const member = takeSlice();
  cursor.seek(arena, encoding, ref, 0);
  do {
    const { score } = cursor;
    cursor.readMember(member);
    if (!visit(member, score, hashBytes(member.bytes, member.start, member.length))) break;
  } while (cursor.advance(false));
  giveSlice(member);
}

/** `walkSource` for who needs no scores, which take longer to read than all the rest. */
function walkMembers(arena: Arena, source: Source, visit: MemberVisitor): void {
  const { encoding, ref } = source;
  if (source.count === 0) return;
  if (source.isSet) return walkSource(arena, source, (member, _score, hash) => visit(member, hash));
  const member = takeSlice();
  cursor.seek(arena, encoding, ref, 0);
  do {
    cursor.readMember(member);
    if (!visit(member, hashBytes(member.bytes, member.start, member.length))) break;
  } while (cursor.advance(false));
  giveSlice(member);
}

/** Whether a source has a member. */
function isInSource(arena: Arena, source: Source, member: Slice, hash: number): boolean {
  const { encoding, ref, index, view } = source;
  const { bytes, start, length } = member;
  if (ref === 0) return false;
  if (view !== null) return view.has(hash, bytes, start, length);
  if (index !== null) return index.find(hash, bytes, start, length) !== -1;
  return sortedSet.hasHashed(arena, encoding, ref, hash, bytes, start, length);
}

/** The score of a member in a source, or NaN if it is not there. */
function scoreInSource(arena: Arena, source: Source, member: Slice, hash: number): number {
  const { encoding, ref, index, view } = source;
  const { bytes, start, length } = member;
  if (ref === 0) return NaN;
  if (view !== null) return view.has(hash, bytes, start, length) ? 1 : NaN;
  if (index !== null) {
    const position = index.find(hash, bytes, start, length);
    return position === -1 ? NaN : scoreInListpack(arena, ref, position);
  }
  return sortedSet.scoreHashed(arena, encoding, ref, hash, bytes, start, length);
}

/** Redis: infinity × 0, and the sum of opposite infinities, are 0. */
function numberOrZero(number: number): number {
  return Number.isNaN(number) ? 0 : number;
}

/** What a source contributes for a member that it has with this score, before its weight. */
function counted(score: number, aggregate: Aggregate): number {
  return aggregate === "count" ? 1 : score;
}

function aggregated(score: number, other: number, aggregate: Aggregate): number {
  if (aggregate === "sum" || aggregate === "count") return numberOrZero(score + other);
  // Not Math.min: where `other` is not a number, the score stays.
  if (aggregate === "min") return other < score ? other : score;
  return other > score ? other : score;
}
