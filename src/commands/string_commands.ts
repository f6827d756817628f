/**
 * String commands: values that are plain bytes.
 *
 * GET and SET are what most servers do most of the time. Without options they make no object: SET
 * hands its argument to the database, which writes it over the old value where there is room; GET
 * copies from the key's entry into the reply.
 *
 * Long values (from 16 KiB on) are lists of chunks; they are replied piece by piece, and APPEND and
 * SETRANGE touch only the chunks concerned. Numbers are in counter_commands.ts, bits in
 * bitmap_commands.ts, LCS in lcs_command.ts.
 */
import { readyForCopies, Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { INTEGER_TEXT_BYTES_MAX } from "../base/integers.ts";
import { scratch } from "../base/scratch.ts";
import { KEEP_EXPIRY } from "../keyspace/database.ts";
import { KeyBatch } from "../keyspace/key_batch.ts";
import { EVENT_GENERIC, EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import { commandError, STRING_TOO_LONG, WRONG_TYPE, wrongArity } from "../session/errors.ts";
import * as byteString from "../structures/byte_string.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { NO_EXPIRY, TYPE_STRING } from "../values/value.ts";
import {
  expiryArgument,
  integerArgument,
  isBackwardRange,
  typedForRead,
  typedForWrite,
} from "./arguments.ts";
import {
  expiryOption,
  expiryText,
  meetsComparison,
  operandIndex,
  OPTION_ANY_COMPARISON,
  OPTION_ANY_TIME,
  OPTION_EXAT,
  OPTION_GET,
  OPTION_IFDNE,
  OPTION_IFNE,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_PERSIST,
  OPTION_PXAT,
  OPTION_XX,
  optionAt,
  parseOptions,
} from "./string_options.ts";

const SET_NOTE = "`RW` `ACCESS`: with `GET`, or a condition on the value, it reads the old one";
const GETEX_NOTE = "`RW` `UPDATE`: an option sets the expiry";
const MGET_COMPLEXITY = "O(N), N: keys that are named.";
const MSET_COMPLEXITY = "O(N), N: keys that are given.";
const MSETNX_COMPLEXITY = "O(N), N: keys that are given.";
const APPEND_COMPLEXITY =
  "O(1) amortized: only the last block of a long string is touched, whatever its length.";
const GETRANGE_COMPLEXITY = "O(N), N: bytes returned; O(1) for a few of them, wherever they stand.";
const SETRANGE_COMPLEXITY =
  "O(1) for a short piece, O(M) for one of M bytes, whatever the length of the string.";

// deno-fmt-ignore
export const stringCommands: readonly RedisCommand[] = [
  { name: "get", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: getCommand,
    summary: "Returns the string at a key." },
  { name: "set", arity: -3, flags: ["write", "denyoom"], keys: [1, 1, 1],
    keySpecs: [rangeSpec("RW access update variable_flags", 1, 0, SET_NOTE)], findAccess: setAccess,
    categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", traits: ["cheap"],
    proc: setCommand,
    summary: "Stores a string at a key, whatever the key held before." },
  { name: "setex", arity: 4, flags: ["write", "denyoom"], keys: [1, 1, 1],
    access: "OW update", categories: ["@string"], since: "2.0.0", group: "string",
    complexity: "O(1)", traits: ["cheap"],
    proc: setexCommand,
    summary: "Stores a string that expires after some seconds." },
  { name: "psetex", arity: 4, flags: ["write", "denyoom"], keys: [1, 1, 1],
    access: "OW update", categories: ["@string"], since: "2.6.0", group: "string",
    complexity: "O(1)", traits: ["cheap"],
    proc: psetexCommand,
    summary: "Stores a string that expires after some milliseconds." },
  { name: "setnx", arity: 3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "OW insert", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: setnxCommand,
    summary: "Stores a string unless the key is there already." },
  { name: "getset", arity: 3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: getsetCommand,
    summary: "Stores a string and returns the one it replaces." },
  { name: "getdel", arity: 2, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW access delete", categories: ["@string"], since: "6.2.0", group: "string",
    complexity: "O(1)", proc: getdelCommand,
    summary: "Returns the string at a key and removes the key." },
  { name: "getex", arity: -2, flags: ["write", "fast"], keys: [1, 1, 1],
    keySpecs: [rangeSpec("RW access update", 1, 0, GETEX_NOTE)],
    categories: ["@string"], since: "6.2.0", group: "string",
    complexity: "O(1)", proc: getexCommand,
    summary: "Returns the string at a key and sets or drops its expiry." },
  { name: "mget", arity: -2, flags: ["readonly", "fast"], keys: [1, -1, 1],
    access: "RO access", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: MGET_COMPLEXITY, proc: mgetCommand, tips: ["request_policy:multi_shard"],
    summary: "Returns the strings at several keys, nil for those without." },
  { name: "mset", arity: -3, flags: ["write", "denyoom"], keys: [1, -1, 2],
    access: "OW update", categories: ["@string"], since: "1.0.1", group: "string",
    complexity: MSET_COMPLEXITY, proc: msetCommand,
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    summary: "Stores several strings at once." },
  { name: "msetnx", arity: -3, flags: ["write", "denyoom"], keys: [1, -1, 2],
    access: "OW insert", categories: ["@string"], since: "1.0.1", group: "string",
    complexity: MSETNX_COMPLEXITY, proc: msetnxCommand,
    tips: ["request_policy:multi_shard", "response_policy:agg_min"],
    changedIn: ["7.2", { tips: [] }],
    summary: "Stores several strings at once, unless any of the keys exists." },
  { name: "append", arity: 3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW insert", categories: ["@string"], since: "2.0.0", group: "string",
    complexity: APPEND_COMPLEXITY, proc: appendCommand,
    summary: "Adds bytes to the end of a string, which is created if missing." },
  { name: "strlen", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO", categories: ["@string"], since: "2.2.0", group: "string",
    complexity: "O(1)", proc: strlenCommand,
    summary: "Returns how many bytes a string has." },
  { name: "getrange", arity: 4, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@string"], since: "2.4.0", group: "string",
    complexity: GETRANGE_COMPLEXITY, traits: ["cheap"],
    proc: getrangeCommand,
    summary: "Returns a part of a string." },
  { name: "substr", arity: 4, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: GETRANGE_COMPLEXITY, proc: getrangeCommand,
    summary: "Returns a part of a string (the old name of GETRANGE)." },
  { name: "setrange", arity: 4, flags: ["write", "denyoom"], keys: [1, 1, 1],
    access: "RW update", categories: ["@string"], since: "2.2.0", group: "string",
    complexity: SETRANGE_COMPLEXITY, traits: ["cheap"],
    proc: setrangeCommand,
    summary: "Overwrites a part of a string, which grows as needed." },
];

const OFFSET_OUT_OF_RANGE = commandError("ERR offset is out of range");

/**
 * Shorter strings are gathered in the reply: a copy costs less than a call of the system.
 */
const THROUGH_BYTES_MIN = 16 * 1024;

const view = scratch(new Slice());
const batch = new KeyBatch();
const digits = readyForCopies(new Uint8Array(INTEGER_TEXT_BYTES_MAX));

/** Replies the string of an entry, or of a part of it: the bytes `from` to `to` (exclusive). */
export function replyString(client: Client, entry: Ref, from = 0, to = -1): void {
  const { reply } = client;
  const { arena } = client.db;
  if (value.isEmbedded(arena, entry)) {
    value.readEmbedded(arena, entry, view);
    const end = to < 0 ? view.length : to;
    reply.bulk(view.bytes, view.start + from, end - from);
    return;
  }
  const end = to < 0 ? stringValue.byteLength(arena, entry) : to;
  reply.bulkHeader(end - from);
  stringValue.forEachChunk(
    arena,
    entry,
    from,
    end,
    (bytes, start, length) => reply.raw(bytes, start, length),
  );
  reply.bulkEnd();
}

/**
 * As `replyString`, for a command that ends with it and has changed nothing: what the system takes
 * of a long string is not copied.
 */
function replyStringAtOnce(client: Client, entry: Ref, from = 0, to = -1): void {
  const { reply, transport } = client;
  const { arena } = client.db;
  if (value.isEmbedded(arena, entry)) return replyString(client, entry, from, to);
  const end = to < 0 ? stringValue.byteLength(arena, entry) : to;
  let restBytes = end - from;
  if (restBytes < THROUGH_BYTES_MIN) return replyString(client, entry, from, end);
  reply.bulkHeaderOnly(restBytes);
  let isThrough = true;
  stringValue.forEachChunk(arena, entry, from, end, (bytes, start, length) => {
    let taken = 0;
    if (isThrough) {
      taken = transport.writeThrough?.(bytes, start, length) ?? 0;
      restBytes -= taken;
      if (taken === length) return;
      isThrough = false;
      reply.reserve(restBytes);
    }
    reply.raw(bytes, start + taken, length - taken);
  });
  reply.bulkEnd();
}

/** Refuses to make a string longer than a client may send, or than a byte string can be. */
export function checkStringLength(client: Client, byteCount: number): void {
  const limit = Math.min(client.host.config.protoMaxBulkLen, byteString.BYTES_MAX);
  if (byteCount > limit) throw STRING_TOO_LONG;
  client.db.arena.requireRoom(byteCount);
}

function getCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) client.reply.nil();
  else replyStringAtOnce(client, entry);
}

/** Replies the string that a key has had before a change. */
function replyOld(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) client.reply.nil();
  else replyString(client, entry);
}

/** What a SET does to its key: it reads it only for GET and for conditions on the value. */
function setAccess(argv: Argv): string {
  for (let index = 3; index < argv.count; index++) {
    const option = optionAt(argv, index);
    if ((option & (OPTION_GET | OPTION_ANY_COMPARISON)) !== 0) return "RW access update";
  }
  return "OW update";
}

function setCommand(client: Client): void {
  const { db, argv, reply } = client;
  if (argv.count === 3) {
    setArgument(client, 1, 2, NO_EXPIRY);
    db.changed(argv, 1, EVENT_STRING, "set");
    reply.ok();
    return;
  }
  setWithOptions(client);
}

/** Sets the key in one argument to the string in another; expiry as for `Database.setString`. */
export function setArgument(client: Client, key: number, text: number, expiryMs: number): void {
  const { db, argv } = client;
  if (db.keyspace.announcesOverwrites) db.announceOverwrite(argv, key, TYPE_STRING);
  db.setString(argv, key, argv.bytes, argv.starts[text], argv.lengths[text], expiryMs);
}

function setWithOptions(client: Client): void {
  const { db, argv, reply } = client;
  const options = parseOptions(argv, 3, OPTION_PERSIST);
  const hasTime = (options & OPTION_ANY_TIME) !== 0;
  let expiryMs = hasTime ? expiryOption(client, options, 3) : NO_EXPIRY;
  if ((options & OPTION_KEEPTTL) !== 0) expiryMs = KEEP_EXPIRY;
  const maySet = meetsConditions(client, options);
  const wantsOld = (options & OPTION_GET) !== 0;
  if (wantsOld) replyOld(client);
  if (!maySet) {
    if (!wantsOld) reply.nil();
    return;
  }
  setArgument(client, 1, 2, expiryMs);
  db.changed(argv, 1, EVENT_STRING, "set");
  if (hasTime) announceExpiringSet(client, 2, expiryMs);
  else if ((options & OPTION_ANY_COMPARISON) !== 0) propagateUnconditional(client, options);
  else if (wantsOld) propagateWithoutGet(client);
  if (!wantsOld) reply.ok();
}

/** Whether NX, XX, IFEQ and so on let SET do its work. */
function meetsConditions(client: Client, options: number): boolean {
  const { db, argv } = client;
  const comparison = options & OPTION_ANY_COMPARISON;
  // A key that is set is touched by `setString`, once.
  if (comparison === 0) {
    const isNx = (options & OPTION_NX) !== 0;
    const exists = (isNx ? db.lookupForWrite(argv, 1) : db.peek(argv, 1)) !== 0;
    return exists ? !isNx : (options & OPTION_XX) === 0;
  }
  const entry = db.peek(argv, 1);
  if (entry === 0) return (comparison & (OPTION_IFNE | OPTION_IFDNE)) !== 0;
  if (value.typeOf(db.arena, entry) !== TYPE_STRING) throw WRONG_TYPE;
  return meetsComparison(client, entry, comparison, operandIndex(argv, 3, comparison));
}

/** A SET whose condition was met goes to the AOF without it, as older servers understand it. */
function propagateUnconditional(client: Client, options: number): void {
  const { argv } = client;
  if (!client.wantsEffects) return;
  const keepsExpiry = (options & OPTION_KEEPTTL) !== 0;
  client.propagateAs("SET", argv.copy(1), argv.copy(2), ...(keepsExpiry ? ["KEEPTTL"] : []));
}

/** A string was set with an expiry: tells of it, and puts an absolute time into the AOF. */
function announceExpiringSet(client: Client, text: number, expiryMs: number): void {
  const { db, argv } = client;
  db.alsoEvent(argv, 1, EVENT_GENERIC, "expire");
  if (!client.wantsEffects) return;
  client.propagateAs("SET", argv.copy(1), argv.copy(text), "PXAT", expiryText(expiryMs));
}

/** Redis: SET … GET goes to the AOF without GET, which would only make a reply. */
function propagateWithoutGet(client: Client): void {
  const { argv } = client;
  if (!client.wantsEffects) return;
  const parts: Uint8Array[] = [];
  for (let index = 0; index < argv.count; index++) {
    if (index < 3 || !argv.is(index, "get")) parts.push(argv.copy(index));
  }
  client.propagateAs(...parts);
}

function setexCommand(client: Client): void {
  setExpiring(client, 1000);
}

function psetexCommand(client: Client): void {
  setExpiring(client, 1);
}

function setExpiring(client: Client, unitMs: number): void {
  const { db, argv, reply } = client;
  const expiryMs = expiryArgument(client, 2, unitMs, true, true);
  setArgument(client, 1, 3, expiryMs);
  db.changed(argv, 1, EVENT_STRING, "set");
  announceExpiringSet(client, 3, expiryMs);
  reply.ok();
}

function setnxCommand(client: Client): void {
  const { db, argv, reply } = client;
  if (db.lookupForWrite(argv, 1) !== 0) {
    reply.integer(0);
    return;
  }
  setArgument(client, 1, 2, NO_EXPIRY);
  db.changed(argv, 1, EVENT_STRING, "set");
  reply.integer(1);
}

function getsetCommand(client: Client): void {
  const { db, argv } = client;
  replyOld(client);
  setArgument(client, 1, 2, NO_EXPIRY);
  db.changed(argv, 1, EVENT_STRING, "set");
  if (!client.wantsEffects) return;
  client.propagateAs("SET", argv.copy(1), argv.copy(2));
}

function getdelCommand(client: Client): void {
  replyOld(client);
  removeKey(client);
}

function getexCommand(client: Client): void {
  const { argv, reply } = client;
  const refused = OPTION_NX | OPTION_XX | OPTION_ANY_COMPARISON | OPTION_GET | OPTION_KEEPTTL;
  const options = parseOptions(argv, 2, refused);
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) {
    reply.nil();
    return;
  }
  const hasTime = (options & OPTION_ANY_TIME) !== 0;
  const expiryMs = hasTime ? expiryOption(client, options, 2) : NO_EXPIRY;
  replyString(client, entry);
  if (hasTime) {
    // Redis: only an absolute time can lie in the past; one that is just now counts as past.
    const isAbsolute = (options & (OPTION_EXAT | OPTION_PXAT)) !== 0;
    if (isAbsolute && expiryMs <= clock.nowMs()) removeKey(client);
    else expireRead(client, entry, expiryMs);
  } else if ((options & OPTION_PERSIST) !== 0) {
    persistRead(client, entry);
  }
}

/** Removes the key of argument 1, if it is there, tells of it, and records it as a DEL. */
export function removeKey(client: Client): void {
  const { db, argv } = client;
  if (!db.remove(argv, 1)) return;
  db.changed(argv, 1, EVENT_GENERIC, "del");
  if (client.wantsEffects) client.propagateAs("DEL", argv.copy(1));
}

function expireRead(client: Client, entry: Ref, expiryMs: number): void {
  const { db, argv } = client;
  db.setExpiry(entry, expiryMs);
  db.changed(argv, 1, EVENT_GENERIC, "expire");
  if (!client.wantsEffects) return;
  client.propagateAs("PEXPIREAT", argv.copy(1), expiryText(expiryMs));
}

function persistRead(client: Client, entry: Ref): void {
  const { db, argv } = client;
  if (value.expiryOf(db.arena, entry) === NO_EXPIRY) return;
  db.setExpiry(entry, NO_EXPIRY);
  db.changed(argv, 1, EVENT_GENERIC, "persist");
  if (client.wantsEffects) client.propagateAs("PERSIST", argv.copy(1));
}

function mgetCommand(client: Client): void {
  const { db, argv, reply } = client;
  reply.array(argv.count - 1);
  batch.begin(1);
  for (let index = 1; index < argv.count; index++) {
    batch.reach(db, argv, index);
    const entry = db.lookupForRead(argv, index);
    if (entry === 0 || value.typeOf(db.arena, entry) !== TYPE_STRING) reply.nil();
    else replyString(client, entry);
  }
}

function msetCommand(client: Client): void {
  if (client.argv.count % 2 === 0) throw wrongArity("mset");
  setAll(client);
  client.reply.ok();
}

function msetnxCommand(client: Client): void {
  const { db, argv, reply } = client;
  if (argv.count % 2 === 0) throw wrongArity("msetnx");
  for (let index = 1; index < argv.count; index += 2) {
    if (db.lookupForWrite(argv, index) === 0) continue;
    reply.integer(0);
    return;
  }
  setAll(client);
  reply.integer(1);
}

function setAll(client: Client): void {
  const { db, argv } = client;
  batch.begin(2);
  for (let index = 1; index < argv.count; index += 2) {
    batch.reach(db, argv, index);
    setArgument(client, index, index + 1, NO_EXPIRY);
    db.changed(argv, index, EVENT_STRING, "set");
  }
}

function appendCommand(client: Client): void {
  const { db, argv, reply } = client;
  const added = argv.lengths[2];
  const entry = typedForWrite(client, 1, TYPE_STRING);
  let length = added;
  if (entry === 0) {
    setArgument(client, 1, 2, NO_EXPIRY);
  } else {
    const oldLength = stringValue.byteLength(db.arena, entry);
    length += oldLength;
    checkStringLength(client, length);
    writeRange(client, entry, oldLength, 2);
  }
  db.changed(argv, 1, EVENT_STRING, "append");
  reply.integer(length);
}

/** Writes an argument over the string of an entry, which is made longer if need be. */
function writeRange({ db, argv }: Client, entry: Ref, offset: number, text: number): void {
  const { arena } = db;
  const end = offset + argv.lengths[text];
  let target = entry;
  if (end > stringValue.byteLength(arena, entry)) {
    target = stringValue.resize(arena, entry, end);
    db.replaceMoved(entry, target);
  }
  stringValue.write(arena, target, offset, argv.bytes, argv.starts[text], argv.lengths[text]);
}

function strlenCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_STRING);
  client.reply.integer(entry === 0 ? 0 : stringValue.byteLength(client.db.arena, entry));
}

function getrangeCommand(client: Client): void {
  const { argv, db, reply } = client;
  let start = integerArgument(argv, 2);
  let end = integerArgument(argv, 3);
  const entry = typedForRead(client, 1, TYPE_STRING);
  const length = entry === 0 ? 0 : stringValue.byteLength(db.arena, entry);
  const isEmpty = isBackwardRange(argv, 2);
  if (start < 0) start = Math.max(0, length + start);
  if (end < 0) end = Math.max(0, length + end);
  end = Math.min(end, length - 1);
  if (isEmpty || start > end) reply.bulk(digits, 0, 0);
  else replyStringAtOnce(client, entry, start, end + 1);
}

function setrangeCommand(client: Client): void {
  const { argv, db, reply } = client;
  const offset = integerArgument(argv, 2);
  if (offset < 0) throw OFFSET_OUT_OF_RANGE;
  const added = argv.lengths[3];
  const entry = typedForWrite(client, 1, TYPE_STRING);
  const oldLength = entry === 0 ? 0 : stringValue.byteLength(db.arena, entry);
  if (added === 0) {
    reply.integer(oldLength);
    return;
  }
  checkStringLength(client, offset + added);
  writeRange(client, entry !== 0 ? entry : createEmptyString(client, 1), offset, 3);
  db.changed(argv, 1, EVENT_STRING, "setrange");
  reply.integer(Math.max(oldLength, offset + added));
}

/** Creates a key with an empty string, to be resized and written to; returns its entry. */
export function createEmptyString({ db, argv }: Client, index: number): Ref {
  db.setString(argv, index, argv.bytes, 0, 0, NO_EXPIRY);
  return db.findRaw(argv.bytes, argv.starts[index], argv.lengths[index]);
}
