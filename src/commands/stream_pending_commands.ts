/**
 * Stream pending commands: XACK, XPENDING, XCLAIM, XAUTOCLAIM: what becomes of entries that were
 * given to a consumer of a group.
 *
 * A claim is recorded as what it came to (stream_effects.ts), for whether an entry has been idle
 * long enough is known only now.
 */
import { scratch } from "../base/scratch.ts";
import * as clock from "../base/clock.ts";
import { INT64_MAX } from "../base/integers.ts";
import { answersSince } from "../config/version.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import { recycle, Reply } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { type CommandError, commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { Slice } from "../base/bytes.ts";
import * as streamGroup from "../values/stream_group.ts";
import { increment, PendingEntry } from "../values/stream_group.ts";
import { MIN_ID } from "../values/stream_id.ts";
import * as streamValue from "../values/stream_value.ts";
import * as value from "../values/value.ts";
import { TYPE_STREAM } from "../values/value.ts";
import {
  bigIntegerArgument,
  boundedIntegerArgument,
  integerArgument,
  typedForRead,
} from "./arguments.ts";
import {
  endArgument,
  idArgument,
  replyCount,
  replyEntryOf,
  replyId,
  replyMilliseconds,
  startArgument,
  tryIdArgument,
} from "./stream_arguments.ts";
import { groupEffects } from "./stream_effects.ts";
import { consumerArgument, groupArgument, noSuchGroup } from "./stream_groups.ts";

// deno-fmt-ignore
export const streamPendingCommands: readonly RedisCommand[] = [
  { name: "xack", arity: -4, flags: ["write", "fast"], keys: [1, 1, 1], access: "RW update",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xackCommand,
    complexity: "O(1) per id.",
    summary: "Takes entries off the pending ones of a group: they have been dealt with." },
  { name: "xpending", arity: -3, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xpendingCommand,
    tips: ["nondeterministic_output"],
    complexity: "O(N), N: entries returned, so O(1) for a few. With IDLE O(M), M: entries that are looked at. The summary costs O(1) and O(N) for its N consumers.",
    summary: "Tells which entries of a group are pending, and whose they are." },
  { name: "xclaim", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1], access: "RW update",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xclaimCommand,
    tips: ["nondeterministic_output"],
    complexity: "O(log N) per id, N: pending entries of the group.",
    summary: "Makes pending entries those of another consumer." },
  { name: "xautoclaim", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@stream"], since: "6.2.0", group: "stream", proc: xautoclaimCommand,
    tips: ["nondeterministic_output"], complexity: "O(1) for a small COUNT.",
    summary: "Makes entries that have been pending for long those of another consumer." },
];

const XCLAIM_BAD_IDLE_TIME = commandError("ERR Invalid min-idle-time argument for XCLAIM");
const BAD_IDLE = commandError("ERR Invalid IDLE option argument for XCLAIM");
const BAD_TIME = commandError("ERR Invalid TIME option argument for XCLAIM");
const BAD_RETRYCOUNT = commandError("ERR Invalid RETRYCOUNT option argument for XCLAIM");
const XAUTOCLAIM_BAD_IDLE_TIME = commandError(
  "ERR Invalid min-idle-time argument for XAUTOCLAIM",
);
const BAD_COUNT = commandError("ERR COUNT must be > 0");

const AUTOCLAIM_COUNT_DEFAULT = 100;
/** Redis: as many ids must fit the memory that a long can count. */
const AUTOCLAIM_COUNT_MAX = Number(INT64_MAX / 16n);
/** Entries that XAUTOCLAIM looks at, for each that it may claim. */
const ATTEMPTS_PER_CLAIM = 10;

const id = new Id128();
const bound = new Id128();
const lastId = new Id128();
const pending = new PendingEntry();
const name = scratch(new Slice());
const cursor = scratch(new IdTreeCursor());

function xackCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_STREAM);
  const stream = entry === 0 ? 0 : value.valueRef(db.arena, entry);
  const group = stream === 0 ? 0 : groupArgument(client, stream, 2);
  if (group === 0) return reply.integer(0);
  // All of them are checked before the first is acknowledged; the last stays read.
  for (let index = 3; index < argv.count; index++) idArgument(argv, index, id);
  let acknowledged = 0;
  for (let index = 3; index < argv.count; index++) {
    if (argv.count > 4) idArgument(argv, index, id);
    if (streamGroup.removePending(db.arena, group, id)) acknowledged++;
  }
  db.keyspace.dirty += acknowledged;
  reply.integer(acknowledged);
}

/** The stream of the key and the group of it, which must both exist. */
function streamAndGroup(client: Client): { stream: Ref; group: Ref } {
  const entry = typedForRead(client, 1, TYPE_STREAM);
  const stream = entry === 0 ? 0 : value.valueRef(client.db.arena, entry);
  const group = stream === 0 ? 0 : groupArgument(client, stream, 2);
  if (group === 0) throw noSuchGroup(client, 1, 2);
  return { stream, group };
}

// ---------------------------------------------------------------------------------------- XPENDING

function xpendingCommand(client: Client): void {
  const { argv } = client;
  if (argv.count === 3) return replySummary(client, streamAndGroup(client).group);
  if (argv.count < 6 || argv.count > 9) throw SYNTAX_ERROR;
  let idleMs = 0;
  let first = 3;
  if (argv.is(3, "idle")) {
    idleMs = integerArgument(argv, 4);
    if (argv.count < 8) throw SYNTAX_ERROR;
    first = 5;
  }
  const count = Math.max(0, integerArgument(argv, first + 2));
  startArgument(argv, first, id);
  endArgument(argv, first + 1, bound);
  const { group } = streamAndGroup(client);
  replyPending(client, group, first + 3, count, idleMs);
}

function replySummary({ db, reply }: Client, group: Ref): void {
  const { arena } = db;
  const tree = streamGroup.pendingOf(arena, group);
  reply.array(4);
  reply.integer(streamGroup.pendingCount(arena, group));
  if (!cursor.seekFirst(arena, tree)) {
    reply.nil();
    reply.nil();
    reply.nilArray();
    return;
  }
  cursor.readId(id);
  replyId(reply, id);
  cursor.seekLast(arena, tree);
  cursor.readId(id);
  replyId(reply, id);
  const busy = streamGroup.consumersIn(arena, group)
    .filter((consumer) => streamGroup.pendingCountOf(arena, consumer) > 0);
  reply.array(busy.length);
  for (const consumer of busy) {
    reply.array(2);
    dictEntry.readKey(arena, consumer, name);
    reply.bulk(name.bytes, name.start, name.length);
    reply.bulkText(String(streamGroup.pendingCountOf(arena, consumer)));
  }
}

/** Replies the pending entries from `id` to `bound`, perhaps those of a single consumer. */
function replyPending(
  client: Client,
  group: Ref,
  consumerIndex: number,
  count: number,
  idleMs: number,
): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  let tree = streamGroup.pendingOf(arena, group);
  const isOfOne = consumerIndex < argv.count;
  if (isOfOne) {
    const { bytes, starts, lengths } = argv;
    const start = starts[consumerIndex];
    const length = lengths[consumerIndex];
    const consumer = streamGroup.findConsumer(arena, group, bytes, start, length);
    if (consumer === 0) return reply.array(0);
    tree = streamGroup.pendingOfConsumer(arena, consumer);
  }
  const nowMs = clock.nowMs();
  const mark = reply.deferArray();
  let entries = 0;
  for (let found = cursor.seekNotBelow(arena, tree, id); found; found = cursor.next()) {
    if (entries === count) break;
    cursor.readId(id);
    if (id.compare(bound) > 0) break;
    if (isOfOne) streamGroup.findPending(arena, group, id, pending);
    else streamGroup.readPendingAt(cursor, pending);
    const elapsedMs = nowMs - pending.timeMs;
    if (idleMs !== 0 && elapsedMs < idleMs) continue;
    entries++;
    reply.array(4);
    replyId(reply, id);
    dictEntry.readKey(arena, pending.consumer, name);
    reply.bulk(name.bytes, name.start, name.length);
    replyMilliseconds(reply, Math.max(0, elapsedMs));
    replyCount(reply, pending.count);
  }
  reply.endDeferredArray(mark, entries);
}

// ---------------------------------------------------------------------------------------- claiming

/** What XCLAIM is told behind the ids. */
interface ClaimOptions {
  /** Entries that were delivered later than so many ms ago stay. */
  idleMs: number;
  /** Index behind the ids. */
  idsEnd: number;
  /** Time of the delivery in ms since 1970. */
  timeMs: number;
  /** -1n: one more than before. */
  retryCount: bigint;
  isForced: boolean;
  isJustId: boolean;
}

function xclaimCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const { stream, group } = streamAndGroup(client);
  const idleMs = Math.max(0, integerArgument(argv, 4, XCLAIM_BAD_IDLE_TIME));
  const options = claimOptions(argv, idleMs);
  streamGroup.readLastDelivered(arena, group, bound);
  let isMoved = bound.compare(lastId) < 0;
  if (isMoved) streamGroup.setLastDelivered(arena, group, lastId);
  const claims = new Claims(client, stream, group, options, reply);
  const mark = reply.deferArray();
  let claimed = 0;
  for (let index = 5; index < options.idsEnd; index++) {
    idArgument(argv, index, id);
    const outcome = claims.claim(index);
    if (outcome !== SKIPPED) isMoved = false;
    if (outcome === CLAIMED) claimed++;
  }
  if (isMoved) claims.moveGroup();
  reply.endDeferredArray(mark, claimed);
}

/** Reads what follows the ids, and leaves LASTID in `lastId`; whatever is no id ends them. */
function claimOptions(argv: Argv, idleMs: number): ClaimOptions {
  const nowMs = clock.nowMs();
  let index = 5;
  while (index < argv.count && tryIdArgument(argv, index, id)) index++;
  const options: ClaimOptions = {
    idleMs,
    idsEnd: index,
    timeMs: nowMs,
    retryCount: -1n,
    isForced: false,
    isJustId: false,
  };
  lastId.copyFrom(MIN_ID);
  for (; index < argv.count; index++) {
    const hasMore = index + 1 < argv.count;
    if (argv.is(index, "force")) options.isForced = true;
    else if (argv.is(index, "justid")) options.isJustId = true;
    else if (hasMore && argv.is(index, "idle")) {
      options.timeMs = nowMs - integerArgument(argv, ++index, BAD_IDLE);
    } else if (hasMore && argv.is(index, "time")) {
      options.timeMs = integerArgument(argv, ++index, BAD_TIME);
    } else if (hasMore && argv.is(index, "retrycount")) {
      options.retryCount = bigInteger(argv, ++index, BAD_RETRYCOUNT);
    } else if (hasMore && argv.is(index, "lastid")) {
      idArgument(argv, ++index, lastId);
    } else {
      throw commandError(`ERR Unrecognized XCLAIM option '${argv.quoted(index)}'`);
    }
  }
  // Redis: a time that cannot be is taken for a clock that goes wrong, and is now.
  if (options.timeMs < 0 || options.timeMs > nowMs) options.timeMs = nowMs;
  return options;
}

function bigInteger(argv: Argv, index: number, error: CommandError): bigint {
  integerArgument(argv, index, error);
  return bigIntegerArgument(argv, index);
}

const SKIPPED = 0;
const CLAIMED = 1;
/** The entry is no more in the stream, and so no more pending. */
const DROPPED = 2;

/**
 * The claims of one command; the first that succeeds looks for the consumer, or creates it; from
 * 7.2 on the consumer is there even if none does.
 */
class Claims {
  readonly #client: Client;
  readonly #stream: Ref;
  readonly #group: Ref;
  readonly #options: ClaimOptions;
  readonly #reply: Reply;
  #consumer: Ref = 0;

  /** Claimed entries are written to `reply`. */
  constructor(client: Client, stream: Ref, group: Ref, options: ClaimOptions, reply: Reply) {
    const { argv } = client;
    client.propagateNothing();
    this.#client = client;
    this.#stream = stream;
    this.#group = group;
    this.#options = options;
    this.#reply = reply;
    groupEffects.forget();
    groupEffects.begin(client, argv.bytes, argv.starts[1], argv.lengths[1], 2);
    if (answersSince(client.host.config, "7.2")) this.#consumer = this.#findConsumer();
  }

  /**
   * Makes the entry of `id`, which is argument `idIndex` or (0) none, that of the consumer, if it
   * may be, and replies it.
   */
  claim(idIndex = 0): number {
    const { db } = this.#client;
    const { arena, keyspace } = db;
    const options = this.#options;
    const group = this.#group;
    const nowMs = clock.nowMs();
    const isPending = streamGroup.findPending(arena, group, id, pending);
    if (!streamValue.hasEntry(arena, this.#stream, id)) {
      if (!isPending) return SKIPPED;
      groupEffects.claim(arena, group, id, pending, idIndex);
      streamGroup.removePending(arena, group, id);
      keyspace.dirty++;
      return DROPPED;
    }
    if (!isPending) {
      if (!options.isForced) return SKIPPED;
      pending.count.set(0, 1);
    } else if (options.idleMs > 0 && nowMs - pending.timeMs < options.idleMs) {
      return SKIPPED;
    }
    if (this.#consumer === 0) this.#consumer = this.#findConsumer();
    pending.consumer = this.#consumer;
    pending.timeMs = options.timeMs;
    if (options.retryCount >= 0n) setCount(options.retryCount);
    else if (!options.isJustId) increment(pending.count);
    streamGroup.setPending(arena, group, id, pending);
    streamGroup.setActiveMs(arena, this.#consumer, nowMs);
    if (options.isJustId) replyId(this.#reply, id);
    else replyEntryOf(this.#reply, arena, this.#stream, id);
    groupEffects.claim(arena, group, id, pending, idIndex);
    keyspace.dirty++;
    return CLAIMED;
  }

  /** Records that the group was moved, where no claim tells it. */
  moveGroup(): void {
    const { arena, keyspace } = this.#client.db;
    groupEffects.moveGroup(arena, this.#group);
    keyspace.dirty++;
  }

  #findConsumer(): Ref {
    const { argv } = this.#client;
    return consumerArgument(
      this.#client,
      argv.bytes,
      argv.starts[1],
      argv.lengths[1],
      this.#group,
      3,
    );
  }
}

function setCount(count: bigint): void {
  pending.count.set(Number(BigInt.asIntN(32, count >> 32n)), Number(BigInt.asIntN(32, count)));
}

function xautoclaimCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const idleMs = Math.max(0, integerArgument(argv, 4, XAUTOCLAIM_BAD_IDLE_TIME));
  startArgument(argv, 5, bound);
  let count = AUTOCLAIM_COUNT_DEFAULT;
  let isJustId = false;
  for (let index = 6; index < argv.count; index++) {
    if (argv.is(index, "count") && index + 1 < argv.count) {
      count = boundedIntegerArgument(argv, ++index, 1, AUTOCLAIM_COUNT_MAX, BAD_COUNT);
    } else if (argv.is(index, "justid")) {
      isJustId = true;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  const { stream, group } = streamAndGroup(client);
  const nowMs = clock.nowMs();
  const options = {
    idleMs,
    idsEnd: 0,
    timeMs: nowMs,
    retryCount: -1n,
    isForced: false,
    isJustId,
  };
  const output = new Reply();
  output.resp = reply.resp;
  const claims = new Claims(client, stream, group, options, output);
  const dropped: Id128[] = [];
  const tree = streamGroup.pendingOf(arena, group);
  const walk = new IdTreeCursor();
  let claimed = 0;
  let hasNext = walk.seekNotBelow(arena, tree, bound);
  for (let attempts = count * ATTEMPTS_PER_CLAIM; attempts > 0 && hasNext; attempts--) {
    if (claimed + dropped.length === count) break;
    walk.readId(id);
    const outcome = claims.claim();
    if (outcome === CLAIMED) claimed++;
    if (outcome === DROPPED) {
      dropped.push(id.clone());
      hasNext = walk.seekNotBelow(arena, tree, id);
    } else {
      hasNext = walk.next();
    }
  }
  id.copyFrom(MIN_ID);
  if (hasNext) walk.readId(id);
  reply.array(3);
  replyId(reply, id);
  reply.array(claimed);
  reply.raw(output.bytes, 0, output.length);
  recycle(output.detach());
  reply.array(dropped.length);
  for (const gone of dropped) replyId(reply, gone);
}
