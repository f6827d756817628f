/**
 * Sorted set arguments: what the families of sorted set commands share: ranges of ranks, scores and
 * members, the limits from the config, and the storing of a result under a destination key.
 */
import { parseAsStrtod } from "../base/doubles.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { EVENT_GENERIC, EVENT_SORTED_SET } from "../keyspace/keyspace_listener.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { KeyFinder } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import type { SortedSetBuilder } from "../values/sorted_set_builder.ts";
import type { SortedSetLimits } from "../values/sorted_set_value.ts";
import * as sortedSet from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import { TYPE_SORTED_SET } from "../values/value.ts";
import { integerArgument, keysByNumber } from "./arguments.ts";

const NOT_A_SCORE_RANGE = commandError("ERR min or max is not a float");
const NOT_A_MEMBER_RANGE = commandError("ERR min or max not valid string range item");

const OPENING = 0x28; // (
const BRACKET = 0x5b; // [
const PLUS = 0x2b;
const MINUS = 0x2d;

/** What the two ends of a range are. */
export type RangeKind = "rank" | "score" | "lex";

/** One end of a range; what it means depends on the kind. */
interface Bound {
  /** A rank (negative: from the end) or a score; ±Infinity is an end of the order of members. */
  number: number;
  /** The score or member itself does not belong to the range. */
  isExclusive: boolean;
  /** Argument of the member, whose first byte is the sign of the bound; 0 = none. */
  memberIndex: number;
}

const limits: SortedSetLimits = { listpackEntriesMax: 0, listpackValueBytesMax: 0 };

/** The sorted set's limits, from the config; filled anew by each call. */
export function limitsOf({ host }: Client): SortedSetLimits {
  limits.listpackEntriesMax = host.config.zsetMaxListpackEntries;
  limits.listpackValueBytesMax = host.config.zsetMaxListpackValue;
  return limits;
}

/**
 * A range between two arguments. First `parse`, which throws what is wrong with them; then
 * `locate`, which tells where the range lies in a sorted set, as ranks.
 */
export class MemberRange {
  /** Rank of the first member of the range. */
  first = 0;
  /** Number of its members. */
  count = 0;
  #kind: RangeKind = "rank";
  readonly #min: Bound = { number: 0, isExclusive: false, memberIndex: 0 };
  readonly #max: Bound = { number: 0, isExclusive: false, memberIndex: 0 };

  parse(argv: Argv, kind: RangeKind, minIndex: number, maxIndex: number): void {
    this.#kind = kind;
    const parseBound = kind === "rank" ? parseRank : kind === "score" ? parseScore : parseMember;
    parseBound(argv, minIndex, this.#min);
    parseBound(argv, maxIndex, this.#max);
  }

  /** Sets `first` and `count`. A range of ranks that `isReverse` counts from the highest member. */
  locate(memory: Memory, entry: Ref, argv: Argv, isReverse: boolean): void {
    const encoding = value.encodingOf(memory, entry);
    const ref = value.valueRef(memory, entry);
    const total = sortedSet.count(memory, encoding, ref);
    if (this.#kind === "rank") return this.#locateRanks(total, isReverse);
    const end = this.#rankOf(memory, encoding, ref, argv, total, this.#max, true);
    const first = this.#rankOf(memory, encoding, ref, argv, total, this.#min, false);
    this.first = first;
    this.count = Math.max(0, end - first);
  }

  #locateRanks(total: number, isReverse: boolean): void {
    const min = this.#min.number;
    const max = this.#max.number;
    const first = Math.max(0, min < 0 ? min + total : min);
    const last = Math.min(total - 1, max < 0 ? max + total : max);
    this.count = Math.max(0, last - first + 1);
    this.first = isReverse ? total - 1 - last : first;
  }

  /** Number of members before a bound; one that equals it counts if the range ends there. */
  #rankOf(
    memory: Memory,
    encoding: number,
    ref: Ref,
    argv: Argv,
    total: number,
    bound: Bound,
    isEnd: boolean,
  ): number {
    const isInclusive = isEnd !== bound.isExclusive;
    if (this.#kind === "score") {
      return sortedSet.countBelowScore(memory, encoding, ref, bound.number, isInclusive);
    }
    const index = bound.memberIndex;
    if (index === 0) return bound.number < 0 ? 0 : total;
    const start = argv.starts[index] + 1;
    const length = argv.lengths[index] - 1;
    const { bytes } = argv;
    return sortedSet.countBelowMember(memory, encoding, ref, bytes, start, length, isInclusive);
  }
}

function parseRank(argv: Argv, index: number, bound: Bound): void {
  bound.number = integerArgument(argv, index);
}

function parseScore(argv: Argv, index: number, bound: Bound): void {
  let start = argv.starts[index];
  let length = argv.lengths[index];
  bound.isExclusive = length > 0 && argv.bytes[start] === OPENING;
  if (bound.isExclusive) {
    start++;
    length--;
  }
  const number = parseAsStrtod(argv.bytes, start, length, true);
  if (Number.isNaN(number)) throw NOT_A_SCORE_RANGE;
  bound.number = number;
}

function parseMember(argv: Argv, index: number, bound: Bound): void {
  const length = argv.lengths[index];
  const initial = length === 0 ? 0 : argv.bytes[argv.starts[index]];
  bound.memberIndex = 0;
  bound.isExclusive = initial === OPENING;
  if (initial === OPENING || initial === BRACKET) bound.memberIndex = index;
  else if (length === 1 && initial === PLUS) bound.number = Infinity;
  else if (length === 1 && initial === MINUS) bound.number = -Infinity;
  else throw NOT_A_MEMBER_RANGE;
}

/** The score of the member that is argument `index`, or NaN if it is none. */
export function scoreOfArgument({ db, argv }: Client, entry: Ref, index: number): number {
  const { arena } = db;
  return sortedSet.score(
    arena,
    value.encodingOf(arena, entry),
    value.valueRef(arena, entry),
    argv.bytes,
    argv.starts[index],
    argv.lengths[index],
  );
}

/**
 * Puts a result under the key that is argument `index`, announces it as `event` and replies with
 * its number of members. An empty result removes the key.
 */
export function storeResult(
  client: Client,
  index: number,
  builder: SortedSetBuilder,
  event: string,
): void {
  const { db, argv, reply } = client;
  const total = builder.count;
  if (total === 0) {
    builder.abandon();
    removeDestination(client, index);
  } else {
    builder.finish(limitsOf(client));
    db.replace(argv, index, TYPE_SORTED_SET, builder.encoding, builder.ref);
    db.changed(argv, index, EVENT_SORTED_SET, event);
  }
  reply.integer(total);
}

/** Removes the key under which an empty result would have been stored. */
export function removeDestination({ db, argv }: Client, index: number): void {
  if (db.remove(argv, index)) db.changed(argv, index, EVENT_GENERIC, "del");
}

/** Finds keys whose number stands at an argument, and after them keys at fixed places before it. */
export function countedKeys(countIndex: number, ...fixed: number[]): KeyFinder {
  const findCounted = keysByNumber(countIndex);
  return (argv) => [...findCounted(argv), ...fixed];
}
