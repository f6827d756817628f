/**
 * Stream commands: adding, reading by range, deleting and trimming entries.
 *
 * Reading from a place on, and waiting: stream_read_commands.ts. Groups: stream_group_commands.ts,
 * stream_pending_commands.ts. What is known of a stream: stream_info_commands.ts.
 */
import { scratch } from "../base/scratch.ts";
import * as clock from "../base/clock.ts";
import { answersSince } from "../config/version.ts";
import { EVENT_STREAM } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import {
  type CommandError,
  commandError,
  NO_SUCH_KEY,
  SYNTAX_ERROR,
  wrongArity,
} from "../session/errors.ts";
import { BYTES_MAX } from "../structures/byte_string.ts";
import { Id128 } from "../structures/id128.ts";
import {
  hasSameTime,
  idText,
  isAtOrAfter,
  MAX_ID,
  MIN_ID,
  parseId,
  SEQUENCE_AUTOMATIC,
  setNumbers,
} from "../values/stream_id.ts";
import * as streamTrimming from "../values/stream_trimming.ts";
import type { StreamTrim } from "../values/stream_trimming.ts";
import * as streamValue from "../values/stream_value.ts";
import { StreamCursor } from "../values/stream_value.ts";
import * as value from "../values/value.ts";
import { ENCODING_STREAM, TYPE_STREAM } from "../values/value.ts";
import { bigIntegerArgument, integerArgument, typedForRead, typedForWrite } from "./arguments.ts";
import {
  type AddOrTrim,
  addOrTrimArguments,
  endArgument,
  idArgument,
  isChar,
  KEEP,
  replyId,
  replyRange,
  startArgument,
  streamLimits,
} from "./stream_arguments.ts";
import { Deletions } from "./stream_deletions.ts";
import { recordRewritten } from "./stream_effects.ts";

const RANGE_COST = "O(N), N: entries returned; for the first few, by COUNT, that is O(1).";
const REVERSE_RANGE_COST = "O(N), N: entries returned; for the last few, by COUNT, that is O(1).";
const TRIM_COST = "O(N), N: entries cut off, of which a whole node goes at once.";

// deno-fmt-ignore
export const streamCommands: readonly RedisCommand[] = [
  { name: "xadd", arity: -5, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    keySpecs: [rangeSpec("RW update", 1, 0,
      "UPDATE and not INSERT, for it may trim")],
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xaddCommand,
    tips: ["nondeterministic_output"],
    complexity: "O(1) for the entry, O(N) for N entries that are trimmed.",
    summary: "Appends an entry to a stream." },
  { name: "xlen", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1], access: "RO",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xlenCommand,
    complexity: "O(1)", summary: "Returns the number of entries." },
  { name: "xrange", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xrangeCommand,
    complexity: RANGE_COST, summary: "Returns the entries between two ids." },
  { name: "xrevrange", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xrevrangeCommand,
    complexity: REVERSE_RANGE_COST,
    summary: "Returns the entries between two ids, the last one first." },
  { name: "xdel", arity: -3, flags: ["write", "fast"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xdelCommand,
    complexity: "O(1) per entry, whatever the length of the stream.",
    summary: "Removes entries." },
  { name: "xtrim", arity: -4, flags: ["write"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@stream"], since: "5.0.0", group: "stream", proc: xtrimCommand,
    tips: ["nondeterministic_output"], complexity: TRIM_COST,
    summary: "Removes entries from the start of a stream." },
  { name: "xsetid", arity: -3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@stream"], since: "5.0.0", group: "stream",
    proc: xsetidCommand, complexity: "O(1)",
    summary: "Sets the last id of a stream; for servers that copy one." },
];

const ZERO_ID = commandError("ERR The ID specified in XADD must be greater than 0-0");
const ID_TOO_SMALL = commandError(
  "ERR The ID specified in XADD is equal or smaller than the target stream top item",
);
const EXHAUSTED = commandError(
  "ERR The stream has exhausted the last possible ID, unable to add more items",
);
const TOO_LARGE = commandError("ERR Elements are too large to be stored");
const NEGATIVE_ADDED = commandError("ERR entries_added must be positive");
const BELOW_GIVEN_DELETED = commandError(
  "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
);
const BELOW_DELETED = commandError(
  "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
);
const BELOW_TOP = commandError(
  "ERR The ID specified in XSETID is smaller than the target stream top item",
);
const ADDED_BELOW_LENGTH = commandError(
  "ERR The entries_added specified in XSETID is smaller than the target stream length",
);

const ASTERISK = 42;
/** What an entry takes in a node beside fields and values, generously. */
const ENTRY_HEAD_BYTES_MAX = 1024;

const id = new Id128();
const lastId = new Id128();
const bound = new Id128();
const cursor = scratch(new StreamCursor());

function xaddCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const parsed = addOrTrimArguments(client, true);
  const first = parsed.idIndex + 1;
  const elements = argv.count - first;
  if (elements < 2 || elements % 2 === 1) throw wrongArity("xadd");
  checkSize(client, first, elements);
  const isAutomatic = isChar(argv, parsed.idIndex, ASTERISK);
  const form = isAutomatic ? SEQUENCE_AUTOMATIC : readGivenId(client, parsed.idIndex);
  let entry = typedForWrite(client, 1, TYPE_STREAM);
  if (entry === 0 && !parsed.createsKey) return reply.nil();
  if (entry === 0) lastId.copyFrom(MIN_ID);
  else streamValue.readLastId(arena, value.valueRef(arena, entry), lastId);
  chooseId(isAutomatic, form);
  if (entry === 0) {
    entry = db.create(argv, 1, TYPE_STREAM, ENCODING_STREAM, streamValue.create(arena));
  }
  const stream = value.valueRef(arena, entry);
  if (streamValue.append(arena, stream, id, argv, first, elements / 2, streamLimits(client))) {
    db.keyspace.streams.note(db.index, stream, argv.bytes, argv.starts[1], argv.lengths[1]);
  }
  replyId(reply, id);
  db.changed(argv, 1, EVENT_STREAM, "xadd");
  finishAdd(client, stream, parsed, form === SEQUENCE_AUTOMATIC);
}

/** Reads the id of XADD into `id`; returns its form. */
function readGivenId({ argv }: Client, index: number): number {
  const form = parseId(argv.bytes, argv.starts[index], argv.lengths[index], id);
  if (form !== SEQUENCE_AUTOMATIC && id.isZero()) throw ZERO_ID;
  return form;
}

function checkSize({ argv }: Client, first: number, elements: number): void {
  let bytes = ENTRY_HEAD_BYTES_MAX;
  for (let index = first; index < first + elements; index++) bytes += argv.lengths[index] + 16;
  if (bytes > BYTES_MAX) throw TOO_LARGE;
}

/** Completes `id`, which is to be above `lastId`. */
function chooseId(isAutomatic: boolean, form: number): void {
  if (lastId.compare(MAX_ID) === 0) throw EXHAUSTED;
  if (isAutomatic) {
    const nowMs = clock.nowMs();
    if (isAtOrAfter(lastId, nowMs)) {
      id.copyFrom(lastId);
      id.increment();
    } else {
      setNumbers(id, nowMs, 0);
    }
    return;
  }
  if (form === SEQUENCE_AUTOMATIC && hasSameTime(id, lastId)) {
    id.copyFrom(lastId);
    id.increment();
    if (!hasSameTime(id, lastId)) throw ID_TOO_SMALL;
  }
  if (id.compare(lastId) <= 0) throw ID_TOO_SMALL;
}

/** Trims, records the effect, and wakes those who wait for entries. */
function finishAdd(client: Client, stream: Ref, parsed: AddOrTrim, isIdChosen: boolean): void {
  const { db, argv } = client;
  const { trim } = parsed;
  const { listener } = db.keyspace;
  if (trim !== null && parsed.policy > KEEP) {
    finishAddWithGroups(client, stream, parsed, trim);
    return listener.keyReady(db, argv.bytes, argv.starts[1], argv.lengths[1], TYPE_STREAM);
  }
  if (trim !== null && streamTrimming.trim(db.arena, stream, trim) > 0) {
    db.alsoEvent(argv, 1, EVENT_STREAM, "xtrim");
  }
  recordRewritten(client, stream, isIdChosen ? parsed.idIndex : 0, id, trim, parsed.trimIndex);
  listener.keyReady(db, argv.bytes, argv.starts[1], argv.lengths[1], TYPE_STREAM);
}

function xlenCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_STREAM);
  const { arena } = client.db;
  client.reply.integer(entry === 0 ? 0 : streamValue.length(arena, value.valueRef(arena, entry)));
}

function xrangeCommand(client: Client): void {
  range(client, 2, 3, false);
}

function xrevrangeCommand(client: Client): void {
  range(client, 3, 2, true);
}

function range(client: Client, startIndex: number, endIndex: number, isBackward: boolean): void {
  const { argv, reply, db } = client;
  startArgument(argv, startIndex, id);
  endArgument(argv, endIndex, bound);
  let count = -1;
  for (let index = 4; index < argv.count; index += 2) {
    if (!argv.is(index, "count") || index + 1 === argv.count) throw SYNTAX_ERROR;
    count = Math.max(0, integerArgument(argv, index + 1));
  }
  const entry = typedForRead(client, 1, TYPE_STREAM);
  if (entry === 0) return reply.array(0);
  if (count === 0) return reply.nilArray();
  const stream = value.valueRef(db.arena, entry);
  replyRange(reply, db.arena, stream, id, bound, Math.max(0, count), isBackward);
}

function xdelCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  if (entry === 0) return reply.integer(0);
  for (let index = 2; index < argv.count; index++) idArgument(argv, index, id);
  const stream = value.valueRef(arena, entry);
  let deleted = 0;
  let isFirstGone = false;
  for (let index = 2; index < argv.count; index++) {
    idArgument(argv, index, id);
    if (!streamValue.removeEntry(arena, stream, id)) continue;
    deleted++;
    streamValue.readFirstId(arena, stream, bound);
    if (bound.compare(id) === 0) isFirstGone = true;
    streamValue.readMaxDeletedId(arena, stream, bound);
    if (bound.compare(id) < 0) streamValue.setMaxDeletedId(arena, stream, id);
  }
  if (deleted > 0) {
    const isEmpty = streamValue.length(arena, stream) === 0;
    if (isFirstGone || isEmpty) streamValue.refreshFirstId(arena, stream);
    db.changed(argv, 1, EVENT_STREAM, "xdel");
    db.keyspace.dirty += deleted - 1;
  }
  reply.integer(deleted);
}

function xtrimCommand(client: Client): void {
  const { db, argv, reply } = client;
  const parsed = addOrTrimArguments(client, false);
  const trim = parsed.trim!;
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  if (entry === 0) return reply.integer(0);
  const stream = value.valueRef(db.arena, entry);
  if (parsed.policy > KEEP) return trimWithGroups(client, stream, parsed, trim);
  const removed = streamTrimming.trim(db.arena, stream, trim);
  if (removed > 0) {
    db.changed(argv, 1, EVENT_STREAM, "xtrim");
    db.keyspace.dirty += removed - 1;
    recordRewritten(client, stream, 0, id, trim, parsed.trimIndex);
  }
  reply.integer(removed);
}

/** Trims with regard to groups; what went is recorded entry by entry. */
function trimWithGroups(client: Client, stream: Ref, parsed: AddOrTrim, trim: StreamTrim): void {
  const deletions = new Deletions(client, stream);
  const removed = deletions.trim(trim, parsed.policy);
  client.propagateNothing();
  deletions.finish("xtrim");
  client.reply.integer(removed);
}

/** Trims after XADD likewise; records the entry without the options for that. */
function finishAddWithGroups(
  client: Client,
  stream: Ref,
  parsed: AddOrTrim,
  trim: StreamTrim,
): void {
  const { argv } = client;
  const deletions = new Deletions(client, stream);
  deletions.trim(trim, parsed.policy);
  if (client.wantsEffects) {
    const parts: (string | Uint8Array)[] = ["XADD", argv.copy(1), idText(id)];
    for (let index = parsed.idIndex + 1; index < argv.count; index++) parts.push(argv.copy(index));
    client.propagateAs(...parts);
  }
  deletions.finish("xtrim");
}

function xsetidCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  idArgument(argv, 2, id);
  let added = -1n;
  const maxDeleted = new Id128();
  for (let index = 3; index < argv.count; index += 2) {
    const hasMore = index + 1 < argv.count;
    if (hasMore && argv.is(index, "entriesadded")) {
      added = bigIntegerArgument(argv, index + 1);
      if (added < 0n) throw NEGATIVE_ADDED;
    } else if (hasMore && argv.is(index, "maxdeletedid")) {
      idArgument(argv, index + 1, maxDeleted);
      if (id.compare(maxDeleted) < 0) throw BELOW_GIVEN_DELETED;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  if (entry === 0) throw NO_SUCH_KEY;
  const stream = value.valueRef(arena, entry);
  const refusal = refusalOfSetId(client, stream, added);
  if (refusal !== null) throw refusal;
  streamValue.setLastId(arena, stream, id);
  if (added >= 0n) streamValue.setEntriesAdded(arena, stream, added);
  if (!maxDeleted.isZero()) streamValue.setMaxDeletedId(arena, stream, maxDeleted);
  db.changed(argv, 1, EVENT_STREAM, "xsetid");
  reply.ok();
}

/** Why XSETID may not set `id` as the last one, or null. */
function refusalOfSetId({ db, host }: Client, stream: Ref, added: bigint): CommandError | null {
  const { arena } = db;
  // Or the lag of groups would be counted wrong from then on.
  streamValue.readMaxDeletedId(arena, stream, bound);
  if (answersSince(host.config, "7.2") && id.compare(bound) < 0) return BELOW_DELETED;
  const entries = streamValue.length(arena, stream);
  if (entries === 0) return null;
  cursor.seek(arena, stream, MIN_ID, MAX_ID, true);
  if (cursor.next() && id.compare(cursor.id) < 0) return BELOW_TOP;
  return added >= 0n && BigInt(entries) > added ? ADDED_BELOW_LENGTH : null;
}
