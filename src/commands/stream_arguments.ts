/**
 * Stream arguments: what the commands of streams read from their arguments and write into their
 * replies in the same way: ids, intervals, trimming, entries.
 */
import { scratch } from "../base/scratch.ts";
import { Slice } from "../base/bytes.ts";
import { answersSince } from "../config/version.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import { type Client, REDIS_INTERNAL } from "../session/client.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { Id128 } from "../structures/id128.ts";
import type { Int64 } from "../structures/int64_words.ts";
import {
  formatId,
  idBytes,
  isRangeEnd,
  MAX_ID,
  MIN_ID,
  NO_ID,
  parseId,
  SEQUENCE_AUTOMATIC,
  SEQUENCE_MISSING,
  setGreatestSequence,
} from "../values/stream_id.ts";
import type { StreamTrim } from "../values/stream_trimming.ts";
import { StreamCursor, type StreamLimits } from "../values/stream_value.ts";
import { integerArgument } from "./arguments.ts";

export const INVALID_ID = commandError(
  "ERR Invalid stream ID specified as stream command argument",
);
const INVALID_START = commandError("ERR invalid start ID for the interval");
const INVALID_END = commandError("ERR invalid end ID for the interval");
const BOTH_STRATEGIES = commandError(
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
);
const NEGATIVE_MAXLEN = commandError("ERR The MAXLEN argument must be >= 0.");
const NEGATIVE_LIMIT = commandError("ERR The LIMIT argument must be >= 0.");
const LIMIT_WITHOUT_STRATEGY = commandError(
  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
);
const NO_STRATEGY = commandError(
  "ERR syntax error, XTRIM must be called with a trimming strategy",
);
const LIMIT_WITHOUT_TILDE = commandError(
  "ERR syntax error, LIMIT cannot be used without the special ~ option",
);

const IDLE_NOT_AN_INTEGER = commandError("ERR min-idle-time is not an integer");
const IDLE_NEGATIVE = commandError("ERR min-idle-time must be a positive integer");

const TILDE = 126;
const EQUALS = 61;
const ASTERISK = 42;
const PARENTHESIS = 40;
const TRIMMED_NODES_MAX = 100;
const TRIMMED_ENTRIES_DEFAULT = 10000;
const TRIMMED_ENTRIES_MAX = 1000000;

/** Elements of an entry in a reply: its id, and its fields and values. */
export const ENTRY_ELEMENTS = 2;

const limits: StreamLimits = { nodeBytesMax: 0, nodeEntriesMax: 0 };
const field = scratch(new Slice());
const content = scratch(new Slice());
const entryCursor = scratch(new StreamCursor());

/** The limits of nodes, as the configuration has them; good until the next call. */
export function streamLimits({ host: { config } }: Client): StreamLimits {
  limits.nodeBytesMax = config.streamNodeMaxBytes;
  limits.nodeEntriesMax = config.streamNodeMaxEntries;
  return limits;
}

/** An id argument; `-`, `+` and `ms-*` are refused. */
export function idArgument(argv: Argv, index: number, out: Id128): void {
  if (!tryIdArgument(argv, index, out)) throw INVALID_ID;
}

/** Reads an id argument like `idArgument`; false if it is none. */
export function tryIdArgument(argv: Argv, index: number, out: Id128): boolean {
  const form = parseId(argv.bytes, argv.starts[index], argv.lengths[index], out);
  return form !== NO_ID && form !== SEQUENCE_AUTOMATIC;
}

/** An id argument that may be `-` or `+`, the least and the greatest id. */
export function idOrEndArgument(argv: Argv, index: number, out: Id128): void {
  if (isRangeEnd(argv.bytes, argv.starts[index], argv.lengths[index])) {
    out.copyFrom(isChar(argv, index, 45) ? MIN_ID : MAX_ID);
  } else {
    idArgument(argv, index, out);
  }
}

/** Whether an argument is a single character. */
export function isChar(argv: Argv, index: number, character: number): boolean {
  return argv.lengths[index] === 1 && argv.bytes[argv.starts[index]] === character;
}

/** The start of an interval: an id, `-`, or one behind a `(`, which is excluded. */
export function startArgument(argv: Argv, index: number, out: Id128): void {
  if (boundArgument(argv, index, out, false) && !out.increment()) throw INVALID_START;
}

/** The end of an interval, likewise; without a sequence number the last id of that time. */
export function endArgument(argv: Argv, index: number, out: Id128): void {
  if (boundArgument(argv, index, out, true) && !out.decrement()) throw INVALID_END;
}

/** Reads a bound; returns whether it is excluded. */
function boundArgument(argv: Argv, index: number, out: Id128, isEnd: boolean): boolean {
  let start = argv.starts[index];
  let length = argv.lengths[index];
  const isExcluded = length > 1 && argv.bytes[start] === PARENTHESIS;
  if (isExcluded) {
    start++;
    length--;
  }
  if (isRangeEnd(argv.bytes, start, length)) {
    if (isExcluded) throw INVALID_ID;
    out.copyFrom(argv.bytes[start] === 45 ? MIN_ID : MAX_ID);
    return false;
  }
  const form = parseId(argv.bytes, start, length, out);
  if (form === NO_ID || form === SEQUENCE_AUTOMATIC) throw INVALID_ID;
  if (form === SEQUENCE_MISSING && isEnd) setGreatestSequence(out);
  return isExcluded;
}

/** What becomes of what groups know of a deleted entry; see stream_deletions.ts. */
export const KEEP = 0;
export const FORGET = 1;
export const ACKNOWLEDGED = 2;

/** The policy that an argument names; -1 if it is none. */
export function policyArgument(argv: Argv, index: number): number {
  if (argv.is(index, "keepref")) return KEEP;
  if (argv.is(index, "delref")) return FORGET;
  return argv.is(index, "acked") ? ACKNOWLEDGED : -1;
}

/** What XADD and XTRIM are told beside the key and the fields. */
export interface AddOrTrim {
  /** Null if nothing is to be trimmed. */
  trim: StreamTrim | null;
  /** Argument that says how far to trim. */
  trimIndex: number;
  /** NOMKSTREAM */
  createsKey: boolean;
  /** KEEP, FORGET or ACKNOWLEDGED; -1 if the client did not say. */
  policy: number;
  /** XADD: the argument that is the id or `*`. */
  idIndex: number;
}

const parsed: AddOrTrim = { trim: null, trimIndex: 0, createsKey: true, policy: -1, idIndex: 0 };
const trimming: StreamTrim = {
  lengthMax: -1,
  minId: new Id128(),
  isApproximate: false,
  limit: 0,
  dropsEmptied: false,
};

/**
 * Reads the options of XADD up to the id, or all of those of XTRIM. The same object each time, good
 * until the next call.
 */
export function addOrTrimArguments(client: Client, isAdd: boolean): AddOrTrim {
  const { argv } = client;
  parsed.trim = null;
  parsed.trimIndex = 0;
  parsed.createsKey = true;
  parsed.policy = -1;
  let limit = -1;
  let index = 2;
  for (; index < argv.count; index++) {
    const hasMore = index + 1 < argv.count;
    if (isAdd && isChar(argv, index, ASTERISK)) break;
    if (hasMore && (argv.is(index, "maxlen") || argv.is(index, "minid"))) {
      if (parsed.trim !== null) throw BOTH_STRATEGIES;
      index = readStrategy(argv, index);
    } else if (hasMore && argv.is(index, "limit")) {
      limit = integerArgument(argv, ++index);
      if (limit < 0) throw NEGATIVE_LIMIT;
    } else if (isAdd && argv.is(index, "nomkstream")) {
      parsed.createsKey = false;
    } else if (parsed.policy < 0 && policyArgument(argv, index) >= 0) {
      parsed.policy = policyArgument(argv, index);
    } else if (isAdd) {
      break;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  parsed.idIndex = index;
  if (isAdd && index < argv.count && !isChar(argv, index, ASTERISK)) {
    const start = argv.starts[index];
    if (parseId(argv.bytes, start, argv.lengths[index], scratchId) === NO_ID) throw INVALID_ID;
  }
  if (limit > 0 && parsed.trim === null) throw LIMIT_WITHOUT_STRATEGY;
  if (!isAdd && parsed.trim === null) throw NO_STRATEGY;
  if (parsed.trim !== null) setLimit(client, parsed.trim, limit);
  else if (limit === 0) checkLimitAlone(client);
  return parsed;
}

const scratchId = new Id128();

/** Reads a strategy, its operator and its threshold; returns the index of the threshold. */
function readStrategy(argv: Argv, strategyIndex: number): number {
  let index = strategyIndex + 1;
  let isApproximate = false;
  if (index + 1 < argv.count && (isChar(argv, index, TILDE) || isChar(argv, index, EQUALS))) {
    isApproximate = isChar(argv, index, TILDE);
    index++;
  }
  trimming.lengthMax = -1;
  trimming.isApproximate = isApproximate;
  trimming.limit = 0;
  if (argv.is(strategyIndex, "maxlen")) {
    trimming.lengthMax = integerArgument(argv, index);
    if (trimming.lengthMax < 0) throw NEGATIVE_MAXLEN;
  } else {
    idArgument(argv, index, trimming.minId);
  }
  parsed.trim = trimming;
  parsed.trimIndex = index;
  return index;
}

/** How many entries may go at once, and whole nodes; `limit` is -1 if the client did not say. */
function setLimit(client: Client, trim: StreamTrim, limit: number): void {
  trim.dropsEmptied = answersSince(client.host.config, "7.2");
  // What was recorded has been made exact, whatever limit stands there.
  if (client.has(REDIS_INTERNAL)) return;
  if (limit >= 0) {
    if (!trim.isApproximate) throw LIMIT_WITHOUT_TILDE;
    trim.limit = limit;
  } else if (trim.isApproximate) {
    const entries = TRIMMED_NODES_MAX * client.host.config.streamNodeMaxEntries;
    trim.limit = entries <= 0 ? TRIMMED_ENTRIES_DEFAULT : Math.min(entries, TRIMMED_ENTRIES_MAX);
  }
}

/** Redis: LIMIT 0 without a strategy is refused for want of the tilde. */
function checkLimitAlone(client: Client): void {
  if (!client.has(REDIS_INTERNAL)) throw LIMIT_WITHOUT_TILDE;
}

/** Replies an id. */
export function replyId(reply: Reply, id: Id128): void {
  reply.bulk(idBytes, 0, formatId(id));
}

/** Replies a time in ms, which in a stream from a damaged file may be any 64 bits. */
export function replyMilliseconds(reply: Reply, timeMs: number): void {
  if (Number.isSafeInteger(timeMs)) reply.integer(timeMs);
  else reply.bigInteger(BigInt.asIntN(64, BigInt(timeMs)));
}

/** Replies how often an entry was delivered. */
export function replyCount(reply: Reply, count: Int64): void {
  if (count.high === 0) reply.integer(count.low >>> 0);
  else reply.bigInteger(count.toBigInt());
}

/**
 * Replies the present entry of a cursor: its id, and an array of fields and values; of `elements`
 * elements, the caller adds those beyond.
 */
export function replyEntry(
  reply: Reply,
  cursor: StreamCursor,
  elements = ENTRY_ELEMENTS,
): void {
  reply.array(elements);
  replyId(reply, cursor.id);
  reply.array(cursor.pairs * 2);
  cursor.beginPairs();
  for (let pairs = cursor.pairs; pairs > 0; pairs--) {
    cursor.readPair(field, content);
    reply.bulk(field.bytes, field.start, field.length);
    reply.bulk(content.bytes, content.start, content.length);
  }
}

/** Replies the entry of an id, if there is one; returns whether there is. */
export function replyEntryOf(
  reply: Reply,
  memory: Memory,
  stream: Ref,
  id: Id128,
  elements = ENTRY_ELEMENTS,
): boolean {
  if (!entryCursor.seek(memory, stream, id, id, false) || !entryCursor.next()) return false;
  replyEntry(reply, entryCursor, elements);
  return true;
}

/** Replies an array of at most `count` entries of a range, 0 = all; returns how many there are. */
export function replyRange(
  reply: Reply,
  memory: Memory,
  stream: Ref,
  start: Id128,
  end: Id128,
  count: number,
  isBackward: boolean,
): number {
  const mark = reply.deferArray();
  let entries = 0;
  if (entryCursor.seek(memory, stream, start, end, isBackward)) {
    while (entryCursor.next()) {
      replyEntry(reply, entryCursor);
      if (++entries === count) break;
    }
  }
  reply.endDeferredArray(mark, entries);
  return entries;
}

/** CLAIM: how long an entry has been pending at least, an integer of ms. */
export function idleArgument(argv: Argv, index: number): number {
  const idleMs = integerArgument(argv, index, IDLE_NOT_AN_INTEGER);
  if (idleMs < 0) throw IDLE_NEGATIVE;
  return idleMs;
}
