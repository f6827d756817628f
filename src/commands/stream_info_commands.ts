/**
 * Stream info commands: XINFO: what is known of a stream, its groups and their consumers.
 */
import { scratch } from "../base/scratch.ts";
import * as clock from "../base/clock.ts";
import { Slice } from "../base/bytes.ts";
import { answersSince } from "../config/version.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { NO_SUCH_KEY } from "../session/errors.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import * as streamGroup from "../values/stream_group.ts";
import { PendingEntry, UNKNOWN_ENTRIES_READ } from "../values/stream_group.ts";
import { MAX_ID, MIN_ID } from "../values/stream_id.ts";
import { lagOf } from "../values/stream_progress.ts";
import * as streamValue from "../values/stream_value.ts";
import { StreamCursor } from "../values/stream_value.ts";
import * as value from "../values/value.ts";
import { TYPE_STREAM } from "../values/value.ts";
import { integerArgument, typedForRead } from "./arguments.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";
import {
  replyCount,
  replyEntry,
  replyId,
  replyMilliseconds,
  replyRange,
} from "./stream_arguments.ts";
import { groupArgument, noGroupOfKey } from "./stream_groups.ts";

// deno-fmt-ignore
export const streamInfoCommands: readonly RedisCommand[] = [
  { name: "xinfo", arity: -2, flags: [], keys: [0, 0, 0], proc: xinfoHelpCommand,
    categories: [], since: "5.0.0", group: "stream", complexity: "That of the subcommand.",
    summary: "Tells what is known of a stream.", subcommands: [
      { name: "xinfo|consumers", arity: 4, flags: ["readonly"], keys: [2, 2, 1],
        access: "RO access", categories: ["@stream"], since: "5.0.0", group: "stream",
        tips: ["nondeterministic_output"], proc: xinfoConsumersCommand, complexity: "O(1)",
        summary: "Tells about the consumers of a group." },
      { name: "xinfo|groups", arity: 3, flags: ["readonly"], keys: [2, 2, 1],
        access: "RO access", categories: ["@stream"], since: "5.0.0", group: "stream",
        proc: xinfoGroupsCommand, complexity: "O(1)",
        summary: "Tells about the groups of a stream." },
      { name: "xinfo|stream", arity: -3, flags: ["readonly"], keys: [2, 2, 1],
        access: "RO access", categories: ["@stream"], since: "5.0.0", group: "stream",
        proc: xinfoStreamCommand, complexity: "O(1)",
        summary: "Tells about a stream, and all that is in it if so wished." },
      { name: "xinfo|help", arity: 2, flags: ["loading", "stale"], keys: [0, 0, 0],
        categories: ["@stream"], since: "5.0.0", group: "stream", proc: xinfoHelpCommand,
        complexity: "O(1)", summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "CONSUMERS <key> <groupname>",
  "    The consumers of a group: what is pending, and for how long they are idle.",
  "GROUPS <key>",
  "    The groups of a stream, and how far each is.",
  "STREAM <key> [FULL [COUNT <count>]",
  "    Length, nodes, ids and edges; with FULL also groups and pending entries.",
];

const KEY = 2;
const FULL_COUNT_DEFAULT = 10;

const id = new Id128();
const name = scratch(new Slice());
const edge = scratch(new StreamCursor());
const pending = new PendingEntry();

function streamOf(client: Client): Ref {
  const entry = typedForRead(client, KEY, TYPE_STREAM);
  if (entry === 0) throw NO_SUCH_KEY;
  return value.valueRef(client.db.arena, entry);
}

function xinfoHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}

function xinfoConsumersCommand(client: Client): void {
  const { db, reply } = client;
  const { arena } = db;
  const group = groupArgument(client, streamOf(client), 3);
  if (group === 0) throw noGroupOfKey(client, KEY, 3);
  const consumers = streamGroup.consumersIn(arena, group);
  const nowMs = clock.nowMs();
  const tellsActivity = answersSince(client.host.config, "7.2");
  reply.array(consumers.length);
  for (const consumer of consumers) {
    reply.map(tellsActivity ? 4 : 3);
    replyName(client, consumer);
    reply.bulkText("pending");
    reply.integer(streamGroup.pendingCountOf(arena, consumer));
    reply.bulkText("idle");
    replyMilliseconds(reply, Math.max(0, nowMs - streamGroup.seenMs(arena, consumer)));
    if (!tellsActivity) continue;
    const activeMs = streamGroup.activeMs(arena, consumer);
    const isKnown = activeMs !== streamGroup.NEVER_ACTIVE;
    reply.bulkText("inactive");
    replyMilliseconds(reply, isKnown ? Math.max(0, nowMs - activeMs) : activeMs);
  }
}

function xinfoGroupsCommand(client: Client): void {
  const { db, reply } = client;
  const { arena } = db;
  const stream = streamOf(client);
  const groups = streamGroup.groupsIn(arena, stream);
  reply.array(groups.length);
  for (const group of groups) {
    reply.map(6);
    replyName(client, group);
    reply.bulkText("consumers");
    reply.integer(streamGroup.consumerCount(arena, group));
    reply.bulkText("pending");
    reply.integer(streamGroup.pendingCount(arena, group));
    replyProgress(client, stream, group);
  }
}

/** Replies the name of a group or consumer. */
function replyName({ db, reply }: Client, entry: Ref): void {
  dictEntry.readKey(db.arena, entry, name);
  reply.bulkText("name");
  reply.bulk(name.bytes, name.start, name.length);
}

/** Replies how far a group has come. */
function replyProgress({ db, host, reply }: Client, stream: Ref, group: Ref): void {
  const { arena } = db;
  streamGroup.readLastDelivered(arena, group, id);
  reply.bulkText("last-delivered-id");
  replyId(reply, id);
  const read = streamGroup.entriesRead(arena, group);
  reply.bulkText("entries-read");
  if (read === UNKNOWN_ENTRIES_READ) reply.nil();
  else reply.bigInteger(read);
  const lag = lagOf(arena, stream, group, !answersSince(host.config, "7.2"));
  reply.bulkText("lag");
  if (lag === null) reply.nil();
  else reply.bigInteger(lag);
}

function xinfoStreamCommand(client: Client): void {
  const { argv, reply } = client;
  const stream = streamOf(client);
  if (argv.count === 3) {
    reply.map(10);
    replyCounters(client, stream);
    return replySummary(client, stream);
  }
  const isFull = (argv.count === 4 || argv.count === 6) && argv.is(3, "full");
  if (!isFull || (argv.count === 6 && !argv.is(4, "count"))) {
    throw wrongSubcommandArity(argv);
  }
  let count = FULL_COUNT_DEFAULT;
  if (argv.count === 6) {
    const wanted = integerArgument(argv, 5);
    if (wanted >= 0) count = wanted;
  }
  reply.map(9);
  replyCounters(client, stream);
  replyContent(client, stream, count);
}

/** Replies seven fields that both forms have. */
function replyCounters({ db, reply }: Client, stream: Ref): void {
  const { arena } = db;
  reply.bulkText("length");
  reply.integer(streamValue.length(arena, stream));
  reply.bulkText("radix-tree-keys");
  reply.integer(streamValue.nodeCount(arena, stream));
  reply.bulkText("radix-tree-nodes");
  reply.integer(streamValue.radixNodeCount(arena, stream));
  streamValue.readLastId(arena, stream, id);
  reply.bulkText("last-generated-id");
  replyId(reply, id);
  streamValue.readMaxDeletedId(arena, stream, id);
  reply.bulkText("max-deleted-entry-id");
  replyId(reply, id);
  reply.bulkText("entries-added");
  // Redis: prints the unsigned number as a signed one.
  reply.bigInteger(BigInt.asIntN(64, streamValue.entriesAdded(arena, stream)));
  streamValue.readFirstId(arena, stream, id);
  reply.bulkText("recorded-first-entry-id");
  replyId(reply, id);
}

function replySummary(client: Client, stream: Ref): void {
  const { db, reply } = client;
  reply.bulkText("groups");
  reply.integer(streamGroup.groupCount(db.arena, stream));
  for (const isLast of [false, true]) {
    reply.bulkText(isLast ? "last-entry" : "first-entry");
    edge.seek(db.arena, stream, MIN_ID, MAX_ID, isLast);
    if (edge.next()) replyEntry(reply, edge);
    else reply.nil();
  }
}

/** Replies entries and groups, at most `count` of each list. */
function replyContent(client: Client, stream: Ref, count: number): void {
  const { db, reply } = client;
  const { arena } = db;
  reply.bulkText("entries");
  replyRange(reply, arena, stream, MIN_ID, MAX_ID, count, false);
  const groups = streamGroup.groupsIn(arena, stream);
  const tellsActivity = answersSince(client.host.config, "7.2");
  reply.bulkText("groups");
  reply.array(groups.length);
  for (const group of groups) {
    reply.map(7);
    replyName(client, group);
    replyProgress(client, stream, group);
    const tree = streamGroup.pendingOf(arena, group);
    replyPending(client, group, tree, count, true);
    const consumers = streamGroup.consumersIn(arena, group);
    reply.bulkText("consumers");
    reply.array(consumers.length);
    for (const consumer of consumers) {
      reply.map(tellsActivity ? 5 : 4);
      replyName(client, consumer);
      reply.bulkText("seen-time");
      replyMilliseconds(reply, streamGroup.seenMs(arena, consumer));
      if (tellsActivity) {
        reply.bulkText("active-time");
        replyMilliseconds(reply, streamGroup.activeMs(arena, consumer));
      }
      replyPending(client, group, streamGroup.pendingOfConsumer(arena, consumer), count, false);
    }
  }
}

/** Replies how many entries are pending, and some of them. */
function replyPending(
  { db, reply }: Client,
  group: Ref,
  tree: Ref,
  count: number,
  hasConsumer: boolean,
): void {
  const { arena } = db;
  const total = idTree.count(arena, tree);
  const shown = count === 0 ? total : Math.min(total, count);
  const cursor = new IdTreeCursor();
  reply.bulkText("pel-count");
  reply.integer(total);
  reply.bulkText("pending");
  reply.array(shown);
  let found = cursor.seekFirst(arena, tree);
  for (let left = shown; found && left > 0; left--, found = cursor.next()) {
    cursor.readId(id);
    streamGroup.findPending(arena, group, id, pending);
    reply.array(hasConsumer ? 4 : 3);
    replyId(reply, id);
    if (hasConsumer) {
      dictEntry.readKey(arena, pending.consumer, name);
      reply.bulk(name.bytes, name.start, name.length);
    }
    replyMilliseconds(reply, pending.timeMs);
    replyCount(reply, pending.count);
  }
}
