/**
 * Stream read commands: XREAD and XREADGROUP: the entries of several streams from an id on, at once
 * or as soon as there are any.
 *
 * A group is told by `>` to give entries that no consumer has got yet: they become pending for the
 * one who asks, which is recorded (stream_effects.ts). Any other id shows a consumer its own
 * pending entries again.
 */
import { scratch } from "../base/scratch.ts";
import * as clock from "../base/clock.ts";
import { latin1Text } from "../base/bytes.ts";
import { answersSince } from "../config/version.ts";
import { parseInt64 } from "../base/integers.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import { type Client, REDIS_DENY_BLOCKING, REDIS_SCRIPT } from "../session/client.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { INVALID_KEY_ARGUMENTS } from "../session/key_positions.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import * as streamGroup from "../values/stream_group.ts";
import { increment, PendingEntry } from "../values/stream_group.ts";
import { MAX_ID, MIN_ID } from "../values/stream_id.ts";
import { IdleEntries } from "../values/stream_idle.ts";
import { advance } from "../values/stream_progress.ts";
import * as streamValue from "../values/stream_value.ts";
import { StreamCursor } from "../values/stream_value.ts";
import * as value from "../values/value.ts";
import { TYPE_STREAM } from "../values/value.ts";
import { integerArgument, typedForRead } from "./arguments.ts";
import {
  ENTRY_ELEMENTS,
  idArgument,
  idleArgument,
  INVALID_ID,
  isChar,
  replyCount,
  replyEntry,
  replyEntryOf,
  replyId,
  replyMilliseconds,
  replyRange,
} from "./stream_arguments.ts";
import { groupEffects } from "./stream_effects.ts";
import { consumerArgument, groupArgument } from "./stream_groups.ts";

/** Keys are the first half of what follows STREAMS. */
function streamsSpec(from: number): KeySpec {
  return {
    flags: ["RO", "access"],
    begin: { keyword: "STREAMS", from },
    find: { lastKey: -1, step: 1, limit: 2 },
  };
}

// deno-fmt-ignore
export const streamReadCommands: readonly RedisCommand[] = [
  { name: "xread", arity: -4, flags: ["readonly", "blocking", "movablekeys"], keys: [0, 0, 0],
    keySpecs: [streamsSpec(1)], findKeys: streamKeys, categories: ["@stream"], since: "5.0.0",
    group: "stream", proc: xreadCommand,
    complexity: "O(N) per stream, N: entries returned, so O(1) with a COUNT. Whoever adds to a stream pays O(M) for the M clients that wait for it with BLOCK.",
    summary: "Returns the entries of streams behind given ids, or waits for some." },
  { name: "xreadgroup", arity: -7, flags: ["write", "blocking", "movablekeys"], keys: [0, 0, 0],
    keySpecs: [streamsSpec(4)], findKeys: streamKeys, categories: ["@stream"], since: "5.0.0",
    group: "stream", proc: xreadgroupCommand,
    complexity: "O(M) per stream, M: entries returned, so O(1) with a COUNT. Whoever adds to a stream pays O(N) for the N clients that wait for it with BLOCK.",
    summary: "Gives a consumer of a group new entries, or its pending ones again." },
];

const TIMEOUT_NOT_AN_INTEGER = commandError("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE = commandError("ERR timeout is negative");
const GROUP_IN_XREAD = commandError(
  "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
);
const NOACK_IN_XREAD = commandError(
  "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
);
const CLAIM_IN_XREAD = commandError(
  "ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.",
);
// Redis: says XREAD and $ for XREADGROUP, too.
const UNBALANCED = commandError(
  "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
);
const MISSING_GROUP = commandError("ERR Missing GROUP option for XREADGROUP");
const [LAST_ID_OF_GROUP, TOP_ID_OF_GROUP] = ["$", "+"].map((sign) =>
  commandError(
    `ERR The ${sign} ID is meaningless in the context of XREADGROUP: you want to read the ` +
      "history of this consumer by specifying a proper ID, or use the > ID to get new messages. " +
      `The ${sign} ID would just return an empty result set.`,
  )
);
const NEW_WITHOUT_GROUP = commandError(
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> " +
    "<consumer> option.",
);
const GROUP_GONE = commandError(
  "NOGROUP the consumer group this client was blocked on no longer exists",
);
const STREAM_GONE = commandError("UNBLOCKED the stream key no longer exists");

const DOLLAR = 36;
const GREATER = 62;
const PLUS = 43;
/** Redis: who waited gets at most so many entries if no COUNT was given. */
const WAITING_COUNT_DEFAULT = 1000;
const NO_TIMEOUT = -1;
const NO_CLAIM = -1;
/** Elements of an entry where claimed ones are among them: also idle time and deliveries. */
const CLAIM_ENTRY_ELEMENTS = 4;

/** How a group is read. */
interface GroupRead {
  /** Argument that is the group's name, followed by the consumer's; 0 = no group. */
  groupIndex: number;
  /** 0 = all. */
  count: number;
  isNoAck: boolean;
  /** Of Redis 8.4: entries that have been pending for so many ms are wanted, too; NO_CLAIM: not. */
  claimMs: number;
  /** Who waits: when to look for such entries of a key again, in ms since 1970. */
  nextIdleMs: Map<string, number>;
}

/** What a command asks for. */
interface StreamRead extends GroupRead {
  /** How long to wait in ms, 0 = for ever, NO_TIMEOUT = not at all. */
  timeoutMs: number;
  firstKey: number;
  keyCount: number;
  /** Of each of `keyCount` keys, of more perhaps: the id behind which entries are wanted. */
  ids: Id128[];
  /** Likewise: whether the consumer's own pending entries are, the stream and the group or 0. */
  isHistory: boolean[];
  streams: Ref[];
  groups: Ref[];
}

/** What the command that runs asks for: used again for the next one, so that none makes objects. */
const wanted: StreamRead = {
  timeoutMs: NO_TIMEOUT,
  count: 0,
  firstKey: 0,
  keyCount: 0,
  groupIndex: 0,
  isNoAck: false,
  claimMs: NO_CLAIM,
  nextIdleMs: new Map(),
  ids: [],
  isHistory: [],
  streams: [],
  groups: [],
};
/** Ids beyond so many are not kept for the next command. */
const KEPT_IDS_MAX = 64;
const start = new Id128();
const lastId = new Id128();
const delivered = new Id128();
const topCursor = scratch(new StreamCursor());
const cursor = scratch(new StreamCursor());
const pending = new PendingEntry();
const idle = scratch(new IdleEntries());

function xreadCommand(client: Client): void {
  read(client, false);
}

function xreadgroupCommand(client: Client): void {
  read(client, true);
}

/** The keys of both commands, as COMMAND GETKEYS and ACL need them. */
function streamKeys(argv: Argv): number[] {
  let index = 1;
  while (index < argv.count && !argv.is(index, "streams")) {
    index += optionWidth(argv, index);
  }
  const rest = argv.count - index - 1;
  if (rest <= 0 || rest % 2 === 1) throw INVALID_KEY_ARGUMENTS;
  return Array.from({ length: rest / 2 }, (_, offset) => index + 1 + offset);
}

/** How many arguments an option takes, its name included. */
function optionWidth(argv: Argv, index: number): number {
  if (argv.is(index, "block") || argv.is(index, "count") || argv.is(index, "claim")) return 2;
  return argv.is(index, "group") ? 3 : 1;
}

function read(client: Client, isGroup: boolean): void {
  const { reply } = client;
  parseRead(client, isGroup);
  resolveIds(client);
  if (isGroup) {
    client.propagateNothing();
    groupEffects.forget();
  }
  const mark = reply.deferArray();
  let served = 0;
  for (let key = 0; key < wanted.keyCount; key++) {
    if (serveKey(client, key, served === 0 && wanted.keyCount === 1)) served++;
  }
  if (served > 0) {
    if (wanted.keyCount === 1) return;
    if (reply.resp === 2) reply.endDeferredArray(mark, served);
    else reply.endDeferredMap(mark, served);
  } else if (wanted.timeoutMs === NO_TIMEOUT || client.has(REDIS_DENY_BLOCKING)) {
    reply.nilArray();
  } else {
    wait(client);
  }
}

/** Reads the arguments into `wanted`, but for the ids. */
function parseRead(client: Client, isGroup: boolean): void {
  const { argv } = client;
  wanted.timeoutMs = NO_TIMEOUT;
  wanted.count = wanted.firstKey = wanted.groupIndex = 0;
  wanted.isNoAck = false;
  wanted.claimMs = NO_CLAIM;
  for (let index = 1; index < argv.count && wanted.firstKey === 0; index++) {
    const more = argv.count - index - 1;
    if (argv.is(index, "group") && more > 1) {
      if (!isGroup) throw GROUP_IN_XREAD;
      wanted.groupIndex = index + 1;
      index += 2;
    } else if (argv.is(index, "block") && more > 0) {
      checkWaitInScript(client);
      wanted.timeoutMs = waitArgument(argv, ++index);
    } else if (argv.is(index, "count") && more > 0) {
      wanted.count = Math.max(0, integerArgument(argv, ++index));
    } else if (argv.is(index, "streams") && more > 0) {
      if (more % 2 === 1) throw UNBALANCED;
      wanted.firstKey = index + 1;
      wanted.keyCount = more / 2;
    } else if (argv.is(index, "claim") && more > 0) {
      if (!isGroup) throw CLAIM_IN_XREAD;
      wanted.claimMs = idleArgument(argv, ++index);
    } else if (argv.is(index, "noack")) {
      if (!isGroup) throw NOACK_IN_XREAD;
      wanted.isNoAck = true;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  if (wanted.firstKey === 0) throw SYNTAX_ERROR;
  if (isGroup && wanted.groupIndex === 0) throw MISSING_GROUP;
}

/** Redis 7.0: in a script BLOCK is refused; in a transaction it just does not wait. */
function checkWaitInScript(client: Client): void {
  if (!client.has(REDIS_SCRIPT) || answersSince(client.host.config, "7.2")) return;
  const name = client.argv.quoted(0);
  throw commandError(`ERR ${name} command is not allowed with BLOCK option from scripts`);
}

/** BLOCK: an integer of ms. */
function waitArgument(argv: Argv, index: number): number {
  const timeout = parseInt64(argv.bytes, argv.starts[index], argv.lengths[index]);
  if (timeout === null) throw TIMEOUT_NOT_AN_INTEGER;
  if (timeout < 0n) throw TIMEOUT_NEGATIVE;
  return Number(timeout);
}

/** Checks all keys and groups, and reads the ids, before anything is done. */
function resolveIds(client: Client): void {
  const { argv, db } = client;
  const isGroup = wanted.groupIndex !== 0;
  if (wanted.ids.length > KEPT_IDS_MAX) wanted.ids.length = KEPT_IDS_MAX;
  while (wanted.ids.length < wanted.keyCount) wanted.ids.push(new Id128());
  for (let key = 0; key < wanted.keyCount; key++) {
    const keyIndex = wanted.firstKey + key;
    const idIndex = keyIndex + wanted.keyCount;
    const entry = typedForRead(client, keyIndex, TYPE_STREAM);
    const stream = entry === 0 ? 0 : value.valueRef(db.arena, entry);
    const group = isGroup && stream !== 0 ? groupArgument(client, stream, wanted.groupIndex) : 0;
    wanted.streams[key] = stream;
    wanted.groups[key] = group;
    if (isGroup && group === 0) {
      const name = argv.quoted(wanted.groupIndex);
      throw commandError(
        `NOGROUP No such key '${argv.quoted(keyIndex)}' or consumer group '${name}' in ` +
          "XREADGROUP with GROUP option",
      );
    }
    const id = wanted.ids[key];
    id.copyFrom(MIN_ID);
    let isHistory = isGroup;
    if (isChar(argv, idIndex, DOLLAR)) {
      if (isGroup) throw LAST_ID_OF_GROUP;
      const startId = client.blocked?.startIds?.get(argv.text(keyIndex));
      if (startId !== undefined) id.copyFrom(startId);
      else if (stream !== 0) streamValue.readLastId(db.arena, stream, id);
    } else if (isChar(argv, idIndex, PLUS)) {
      if (isGroup) throw answersSince(client.host.config, "7.4") ? TOP_ID_OF_GROUP : INVALID_ID;
      if (stream !== 0) readBeforeTop(client, stream, id);
    } else if (isChar(argv, idIndex, GREATER)) {
      if (!isGroup) throw NEW_WITHOUT_GROUP;
      isHistory = false;
    } else {
      idArgument(argv, idIndex, id);
      // Redis: the greatest id is its sign for `>`.
      if (isGroup && id.compare(MAX_ID) === 0) isHistory = false;
    }
    wanted.isHistory[key] = isHistory;
  }
}

/** Of Redis 7.4: `+` asks for the last entry there is; without one it is as `0`. */
function readBeforeTop({ db }: Client, stream: Ref, id: Id128): void {
  if (!topCursor.seek(db.arena, stream, MIN_ID, MAX_ID, true) || !topCursor.next()) return;
  id.copyFrom(topCursor.id);
  id.decrement();
}

/**
 * Replies what a key has for the client; returns whether it has anything. `isAlone`: the head of
 * the whole reply is due, too.
 */
function serveKey(client: Client, key: number, isAlone: boolean): boolean {
  const { db, argv } = client;
  const keyIndex = wanted.firstKey + key;
  const stream = wanted.streams[key];
  // Redis looks twice for each key and counts both.
  if (stream === 0) return typedForRead(client, keyIndex, TYPE_STREAM) !== 0;
  db.keyspace.hitCount++;
  const keyStart = argv.starts[keyIndex];
  const keyBytes = argv.lengths[keyIndex];
  if (wanted.groupIndex === 0) return replyBehind(client, stream, key, isAlone);
  const group = wanted.groups[key];
  const isHistory = wanted.isHistory[key];
  const hasNew = !isHistory && seekNew(client, stream, group);
  const hasAny = isHistory || findIdle(client, stream, group, wanted) > 0 || hasNew;
  // From 7.2 on a consumer is one as soon as it asks.
  if (!hasAny && !answersSince(client.host.config, "7.2")) return false;
  groupEffects.begin(client, argv.bytes, keyStart, keyBytes, wanted.groupIndex);
  const consumerIndex = wanted.groupIndex + 1;
  const consumer = consumerArgument(client, argv.bytes, keyStart, keyBytes, group, consumerIndex);
  if (!hasAny) return false;
  replyHead(client, argv.bytes, keyStart, keyBytes, isAlone);
  db.keyspace.dirty++;
  if (isHistory) replyHistory(client, stream, group, consumer, wanted.ids[key], wanted.count);
  else deliver(client, stream, group, consumer, hasNew, wanted);
  return true;
}

/** Replies what is behind an id; returns whether anything is. */
function replyBehind(client: Client, stream: Ref, key: number, isAlone: boolean): boolean {
  const { argv, reply } = client;
  if (!mayHaveBehind(client, stream, wanted.ids[key])) return false;
  const keyIndex = wanted.firstKey + key;
  const mark = reply.length;
  replyHead(client, argv.bytes, argv.starts[keyIndex], argv.lengths[keyIndex], isAlone);
  if (replyEntriesBehind(client, stream, wanted.ids[key], wanted.count) > 0) return true;
  reply.rewind(mark);
  return false;
}

/** Whether an id was given out behind this one, and the stream has entries. */
function mayHaveBehind({ db }: Client, stream: Ref, id: Id128): boolean {
  streamValue.readLastId(db.arena, stream, lastId);
  return lastId.compare(id) > 0 && streamValue.length(db.arena, stream) > 0;
}

/** Makes the first entry that a group has not got the cursor's; returns whether there is one. */
function seekNew(client: Client, stream: Ref, group: Ref): boolean {
  const { arena } = client.db;
  streamGroup.readLastDelivered(arena, group, start);
  if (!mayHaveBehind(client, stream, start)) return false;
  start.increment();
  return cursor.seek(arena, stream, start, MAX_ID, false) && cursor.next();
}

/** Replies the key before its entries; if it is alone, also what is around. */
function replyHead(
  { reply }: Client,
  key: Uint8Array,
  keyStart: number,
  keyBytes: number,
  isAlone: boolean,
): void {
  if (isAlone && reply.resp === 2) reply.array(1);
  else if (isAlone) reply.map(1);
  if (reply.resp === 2) reply.array(2);
  reply.bulk(key, keyStart, keyBytes);
}

function replyEntriesBehind(
  { db, reply }: Client,
  stream: Ref,
  id: Id128,
  count: number,
): number {
  start.copyFrom(id);
  start.increment();
  return replyRange(reply, db.arena, stream, start, MAX_ID, count, false);
}

/** Finds the pending entries of a group that CLAIM asks for; returns how many there are. */
function findIdle({ db }: Client, stream: Ref, group: Ref, read: GroupRead): number {
  if (read.claimMs === NO_CLAIM) return 0;
  idle.find(db.arena, stream, group, read.claimMs, clock.nowMs(), read.count);
  return idle.count;
}

/** Gives a consumer what `findIdle` and `seekNew` found, if they did, and what follows. */
function deliver(
  client: Client,
  stream: Ref,
  group: Ref,
  consumer: Ref,
  hasNew: boolean,
  { count, isNoAck, claimMs }: GroupRead,
): void {
  const { db: { arena }, host, reply } = client;
  const nowMs = clock.nowMs();
  const isOlder = !answersSince(host.config, "7.2");
  const mark = reply.deferArray();
  const isClaim = claimMs !== NO_CLAIM;
  let entries = isClaim ? claimIdle(client, stream, group, consumer, nowMs) : 0;
  const claimed = entries;
  const isFull = count !== 0 && entries === count;
  for (let hasEntry = hasNew && !isFull; hasEntry; hasEntry = cursor.next()) {
    const { id } = cursor;
    replyEntry(reply, cursor, isClaim ? CLAIM_ENTRY_ELEMENTS : ENTRY_ELEMENTS);
    if (isClaim) {
      reply.integer(0);
      reply.integer(0);
    }
    advance(arena, stream, group, id, isOlder);
    if (!isNoAck) {
      pending.count.set(0, 1);
      makePending(arena, group, consumer, id, nowMs);
    }
    if (++entries === count) break;
  }
  if (entries > 0) streamGroup.setActiveMs(arena, consumer, nowMs);
  // Beside the claims, so that the number of entries read is known after a load.
  if (entries > claimed) groupEffects.moveGroup(arena, group);
  reply.endDeferredArray(mark, entries);
}

/** Makes idle entries those of the consumer, and replies them; returns how many. */
function claimIdle(
  { db: { arena }, reply }: Client,
  stream: Ref,
  group: Ref,
  consumer: Ref,
  nowMs: number,
): number {
  for (let index = 0; index < idle.count; index++) {
    const id = idle.idAt(index);
    streamGroup.findPending(arena, group, id, pending);
    replyEntryOf(reply, arena, stream, id, CLAIM_ENTRY_ELEMENTS);
    replyMilliseconds(reply, Math.max(0, nowMs - pending.timeMs));
    replyCount(reply, pending.count);
    increment(pending.count);
    makePending(arena, group, consumer, id, nowMs);
  }
  return idle.count;
}

/** Makes an entry pending for a consumer, with the count of deliveries in `pending`. */
function makePending(arena: Arena, group: Ref, consumer: Ref, id: Id128, nowMs: number): void {
  pending.consumer = consumer;
  pending.timeMs = nowMs;
  streamGroup.setPending(arena, group, id, pending);
  groupEffects.claim(arena, group, id, pending);
}

/** Shows a consumer its pending entries behind an id again. */
function replyHistory(
  { db, reply }: Client,
  stream: Ref,
  group: Ref,
  consumer: Ref,
  id: Id128,
  count: number,
): void {
  const { arena } = db;
  const own = new IdTreeCursor();
  const present = new Id128();
  const nowMs = clock.nowMs();
  const mark = reply.deferArray();
  let entries = 0;
  start.copyFrom(id);
  start.increment();
  const tree = streamGroup.pendingOfConsumer(arena, consumer);
  for (let found = own.seekNotBelow(arena, tree, start); found; found = own.next()) {
    own.readId(present);
    if (replyEntryOf(reply, arena, stream, present)) {
      streamGroup.findPending(arena, group, present, pending);
      pending.timeMs = nowMs;
      increment(pending.count);
      streamGroup.setPending(arena, group, present, pending);
    } else {
      reply.array(2);
      replyId(reply, present);
      reply.nilArray();
    }
    if (++entries === count) break;
  }
  reply.endDeferredArray(mark, entries);
}

/** Lets the client wait for entries of any of the keys. */
function wait(client: Client): void {
  const { argv, host } = client;
  const count = wanted.count === 0 ? WAITING_COUNT_DEFAULT : wanted.count;
  const { groupIndex, isNoAck, claimMs } = wanted;
  const groupRead: GroupRead = { groupIndex, count, isNoAck, claimMs, nextIdleMs: new Map() };
  const keyIndexes: number[] = [];
  const ids = new Map<string, Id128>();
  for (let key = 0; key < wanted.keyCount; key++) {
    keyIndexes.push(wanted.firstKey + key);
    const text = argv.text(wanted.firstKey + key);
    if (!ids.has(text)) ids.set(text, wanted.ids[key].clone());
    if (claimMs === NO_CLAIM) continue;
    const entry = typedForRead(client, wanted.firstKey + key, TYPE_STREAM);
    const stream = value.valueRef(client.db.arena, entry);
    findIdleLater(client, stream, wanted.groups[key], text, groupRead);
  }
  const isGroup = groupIndex !== 0;
  host.blocking.block(
    client,
    keyIndexes,
    1 << TYPE_STREAM,
    wanted.timeoutMs,
    (waiting, key, entry) => {
      const stream = value.valueRef(waiting.db.arena, entry);
      if (isGroup) return serveWaitingGroup(waiting, key, stream, groupRead);
      const id = ids.get(latin1Text(key, 0, key.length))!;
      streamValue.readLastId(waiting.db.arena, stream, lastId);
      if (lastId.compare(id) <= 0) return false;
      replyHead(waiting, key, 0, key.length, true);
      replyEntriesBehind(waiting, stream, id, count);
      return true;
    },
    (waiting) => waiting.reply.nilArray(),
    { whenGone: isGroup ? STREAM_GONE : null, startIds: ids },
  );
}

/** Serves a client that waited for entries as a consumer; false if there are none for it. */
function serveWaitingGroup(
  client: Client,
  key: Uint8Array,
  stream: Ref,
  read: GroupRead,
): boolean {
  const { db } = client;
  const { groupIndex } = read;
  const group = groupArgument(client, stream, groupIndex);
  if (group === 0) throw GROUP_GONE;
  streamGroup.readLastDelivered(db.arena, group, delivered);
  streamValue.readLastId(db.arena, stream, lastId);
  const idleCount = read.claimMs === NO_CLAIM
    ? 0
    : findIdleLater(client, stream, group, latin1Text(key, 0, key.length), read);
  if (idleCount === 0 && lastId.compare(delivered) <= 0) return false;
  const hasNew = seekNew(client, stream, group);
  client.propagateNothing();
  groupEffects.forget();
  groupEffects.begin(client, key, 0, key.length, groupIndex);
  const consumer = consumerArgument(client, key, 0, key.length, group, groupIndex + 1);
  replyHead(client, key, 0, key.length, true);
  db.keyspace.dirty++;
  deliver(client, stream, group, consumer, hasNew, read);
  return true;
}

/**
 * `findIdle` for a client that waits: looks only when it may pay, for what becomes pending after a
 * look is not idle before `claimMs` have passed. If there is none, has the client tried again.
 */
function findIdleLater(
  client: Client,
  stream: Ref,
  group: Ref,
  key: string,
  read: GroupRead,
): number {
  const { db, host } = client;
  const nowMs = clock.nowMs();
  let nextMs = read.nextIdleMs.get(key) ?? 0;
  if (nowMs < nextMs) {
    idle.forget();
  } else {
    findIdle(client, stream, group, read);
    nextMs = Math.min(idle.nextMs, nowMs + read.claimMs);
    read.nextIdleMs.set(key, nextMs);
  }
  if (idle.count === 0) host.blocking.wakeAt(db, key, nextMs);
  return idle.count;
}
