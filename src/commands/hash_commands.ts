/**
 * Hash commands: H… (Redis: t_hash.c). How a hash is kept is hash_value.ts's business; here stand
 * arguments, replies, events and what goes to the AOF.
 */
import { readyForCopies, Slice } from "../base/bytes.ts";
import {
  INT64_MAX,
  INT64_MIN,
  INTEGER_TEXT_BYTES_MAX,
  parseInt64,
  parseSafeInteger,
  writeBigInteger,
  writeInteger,
} from "../base/integers.ts";
import { addFloatTexts, parseLongDouble } from "../base/long_double.ts";
import { random } from "../base/random.ts";
import { scratch } from "../base/scratch.ts";
import { shortUnits } from "../base/short_decimal.ts";
import type { Database } from "../keyspace/database.ts";
import {
  expireFields,
  FIELD_LIVES,
  hasExpiredFields,
  removeExpiredFields,
} from "../keyspace/field_expiry.ts";
import { EVENT_HASH } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import {
  commandError,
  INCREMENT_OVERFLOW,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  SYNTAX_ERROR,
  wrongArity,
} from "../session/errors.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import * as hashValue from "../values/hash_value.ts";
import { sampleIndexes } from "../values/random_sample.ts";
import * as value from "../values/value.ts";
import { TYPE_HASH } from "../values/value.ts";
import {
  bigIntegerArgument,
  checkPairCount,
  integerArgument,
  repeatedCount,
  signedCountArgument,
  typedForRead,
  typedForWrite,
} from "./arguments.ts";
import {
  announceFields,
  convertForMany,
  createHash,
  expireArgument,
  expiryOfArgument,
  forEachVisible,
  hashForWrite,
  hashLimits,
  hashWithField,
  visibleCount,
  visibleOnly,
} from "./hash_access.ts";
import {
  collectEntries,
  cursorArgument,
  passesMatch,
  replyCursor,
  replyEmptyScan,
  SCAN_COMPLEXITY,
  scanOptions,
} from "./scan_options.ts";
import { type MemberRemoval, removeMembers } from "./member_removal.ts";

const HSET_COMPLEXITY = "O(1) per field, O(N) for N of them.";

// deno-fmt-ignore
export const hashCommands: readonly RedisCommand[] = [
  { name: "hset", arity: -4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hsetCommand,
    complexity: HSET_COMPLEXITY,
    summary: "Sets fields of a hash, adding those that are missing." },
  { name: "hsetnx", arity: 4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW insert", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hsetnxCommand,
    complexity: "O(1)", summary: "Sets a field of a hash unless it exists." },
  { name: "hget", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hgetCommand,
    complexity: "O(1)", summary: "Returns the value of a field of a hash." },
  { name: "hmset", arity: -4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hmsetCommand,
    complexity: "O(N), N: fields that are given.",
    summary: "Sets fields of a hash; HSET with a plain OK." },
  { name: "hmget", arity: -3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hmgetCommand,
    complexity: "O(N), N: fields that are asked for.",
    summary: "Returns the values of several fields of a hash." },
  { name: "hdel", arity: -3, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW delete", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hdelCommand,
    complexity: "O(N), N: fields that are named.",
    summary: "Removes fields of a hash, and the hash with its last field." },
  { name: "hlen", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hlenCommand,
    complexity: "O(1)", summary: "Returns how many fields a hash has." },
  { name: "hstrlen", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO", categories: ["@hash"], since: "3.2.0", group: "hash", proc: hstrlenCommand,
    complexity: "O(1)", summary: "Tells how long the value in a field is, in bytes." },
  { name: "hincrby", arity: 4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@hash"], since: "2.0.0", group: "hash",
    proc: hincrbyCommand, complexity: "O(1)",
    summary: "Adds an integer to the integer in a field; a missing one counts as 0." },
  { name: "hincrbyfloat", arity: 4, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@hash"], since: "2.6.0", group: "hash",
    proc: hincrbyfloatCommand, complexity: "O(1)",
    summary: "Adds a number to the number in a field; a missing one counts as 0." },
  { name: "hkeys", arity: 2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hkeysCommand,
    tips: ["nondeterministic_output_order"],
    complexity: "O(N), N: fields of the hash.", summary: "Returns all fields of a hash." },
  { name: "hvals", arity: 2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hvalsCommand,
    tips: ["nondeterministic_output_order"],
    complexity: "O(N), N: fields of the hash.", summary: "Returns all values of a hash." },
  { name: "hgetall", arity: 2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hgetallCommand,
    tips: ["nondeterministic_output_order"],
    complexity: "O(N), N: fields of the hash.",
    summary: "Returns all fields of a hash with their values." },
  { name: "hexists", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO", categories: ["@hash"], since: "2.0.0", group: "hash", proc: hexistsCommand,
    complexity: "O(1)", summary: "Tells whether a hash has a field." },
  { name: "hrandfield", arity: -2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "6.2.0", group: "hash",
    proc: hrandfieldCommand, tips: ["nondeterministic_output"],
    complexity: "O(N), N: fields returned.",
    summary: "Returns fields of a hash chosen at random." },
  { name: "hscan", arity: -3, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "2.8.0", group: "hash", proc: hscanCommand,
    tips: ["nondeterministic_output"],
    complexity: SCAN_COMPLEXITY,
    summary: "Walks over the fields of a hash step by step." },
];

const VALUE_NOT_AN_INTEGER = commandError("ERR hash value is not an integer");
const VALUE_NOT_A_FLOAT = commandError("ERR hash value is not a float");
const INFINITE_INCREMENT = commandError("ERR value is NaN or Infinity");

const ZERO_TEXT = Uint8Array.of(48);

const found = scratch(new Slice());
const sumText = readyForCopies(new Uint8Array(INTEGER_TEXT_BYTES_MAX));

function hsetCommand(client: Client): void {
  client.reply.integer(setFields(client));
}

function hmsetCommand(client: Client): void {
  setFields(client);
  client.reply.ok();
}

function hsetnxCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = hashForWrite(client);
  if (
    entry !== 0 &&
    hashValue.has(db.arena, entry, argv.bytes, argv.starts[2], argv.lengths[2])
  ) {
    reply.integer(0);
    return;
  }
  setField(client, entry !== 0 ? entry : createHash(client), 2);
  db.changed(argv, 1, EVENT_HASH, "hset");
  announceFields(client, "hset", 2, 1, 3);
  reply.integer(1);
}

function hgetCommand(client: Client): void {
  const entry = hashWithField(client);
  if (entry !== 0 && getField(client, entry, 2)) {
    client.reply.bulk(found.bytes, found.start, found.length);
  } else {
    client.reply.nil();
  }
}

function hmgetCommand(client: Client): void {
  const { argv, db, reply } = client;
  let entry = typedForRead(client, 1, TYPE_HASH);
  if (entry !== 0 && expireFields(db, entry, argv, 2, 1, false)) entry = 0;
  // Where those that have expired may not be removed, they are hidden.
  const hides = entry !== 0 && hasExpiredFields(db, entry);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    const isHidden = hides && expireArgument(client, entry, index) !== FIELD_LIVES;
    if (entry !== 0 && !isHidden && getField(client, entry, index)) {
      reply.bulk(found.bytes, found.start, found.length);
    } else {
      reply.nil();
    }
  }
}

const REMOVAL: MemberRemoval = {
  type: TYPE_HASH,
  eventClass: EVENT_HASH,
  event: "hdel",
  count: hashValue.countOfKey,
  remove: hashValue.remove,
  hasFields: true,
};

function hdelCommand(client: Client): void {
  removeMembers(client, REMOVAL);
}

function hlenCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_HASH);
  client.reply.integer(entry === 0 ? 0 : hashValue.countOfKey(client.db.arena, entry));
}

function hstrlenCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = hashWithField(client);
  if (entry === 0) {
    reply.integer(0);
    return;
  }
  const start = argv.starts[2];
  const length = hashValue.valueBytes(db.arena, entry, argv.bytes, start, argv.lengths[2]);
  reply.integer(length === -1 ? 0 : length);
}

function hexistsCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = hashWithField(client);
  const exists = entry !== 0 &&
    hashValue.has(db.arena, entry, argv.bytes, argv.starts[2], argv.lengths[2]);
  reply.integer(exists ? 1 : 0);
}

function hincrbyCommand(client: Client): void {
  const { db, argv, reply } = client;
  const increment = integerArgument(argv, 3);
  const entry = hashForWrite(client);
  const hasField = entry !== 0 && getField(client, entry, 2);
  const old = hasField ? parseSafeInteger(found.bytes, found.start, found.length) : 0;
  const sum = old + increment;
  let length: number;
  // Beyond 2^53 numbers are not exact, and NaN is what `old` is then, or if it is no integer.
  if (Number.isSafeInteger(increment) && Number.isSafeInteger(sum)) {
    length = writeInteger(sum, sumText, 0);
    reply.integer(sum);
  } else {
    const exact = exactSum(hasField, bigIntegerArgument(argv, 3));
    length = writeBigInteger(exact, sumText, 0);
    reply.bigInteger(exact);
  }
  storeResult(client, entry, sumText, length);
  db.changed(argv, 1, EVENT_HASH, "hincrby");
  announceFields(client, "hincrby", 2, 1, 3);
}

/** The sum of the value in `found` and an increment; throws if it is no int64. */
function exactSum(hasField: boolean, increment: bigint): bigint {
  const old = hasField ? parseInt64(found.bytes, found.start, found.length) : 0n;
  if (old === null) throw VALUE_NOT_AN_INTEGER;
  const sum = old + increment;
  if (sum < INT64_MIN || sum > INT64_MAX) throw INCREMENT_OVERFLOW;
  return sum;
}

function hincrbyfloatCommand(client: Client): void {
  const { db, argv, reply } = client;
  const start = argv.starts[3];
  const length = argv.lengths[3];
  checkFloatIncrement(argv.bytes, start, length);
  const entry = hashForWrite(client);
  const expiryMs = entry === 0 ? hashValue.NO_FIELD : expiryOfArgument(client, entry, 2);
  if (entry === 0 || !getField(client, entry, 2)) found.set(ZERO_TEXT, 0, 1);
  const { bytes: old, start: oldStart, length: oldLength } = found;
  const sum = addFloatTexts(old, oldStart, oldLength, argv.bytes, start, length);
  if (sum === null) {
    throw parseLongDouble(old, oldStart, oldLength) === null ? VALUE_NOT_A_FLOAT : NAN_OR_INFINITY;
  }
  storeResult(client, entry, sum, sum.length);
  db.changed(argv, 1, EVENT_HASH, "hincrbyfloat");
  announceFields(client, "hincrbyfloat", 2, 1, 3);
  // The sum, not the increment: who replays it may compute floats in another way.
  if (client.wantsEffects) {
    const field = argv.copy(2);
    if (expiryMs < 0) client.propagateAs("HSET", argv.copy(1), field, sum);
    else client.propagateAs("HSETEX", argv.copy(1), "KEEPTTL", "FIELDS", "1", field, sum);
  }
  reply.bulk(sum, 0, sum.length);
}

/** Throws unless the range is a number and finite: Redis says so before it looks at the key. */
function checkFloatIncrement(bytes: Uint8Array, start: number, length: number): void {
  if (!Number.isNaN(shortUnits(bytes, start, length))) return;
  const increment = parseLongDouble(bytes, start, length);
  if (increment === null) throw NOT_A_FLOAT;
  if (increment.isInfinite) throw INFINITE_INCREMENT;
}

function hkeysCommand(client: Client): void {
  const { db, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.array(visibleCount(db, entry));
  if (entry === 0) return;
  forEachVisible(db, entry, (field) => reply.bulk(field.bytes, field.start, field.length));
}

function hvalsCommand(client: Client): void {
  const { db, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.array(visibleCount(db, entry));
  if (entry === 0) return;
  forEachVisible(db, entry, (_, bytes) => reply.bulk(bytes.bytes, bytes.start, bytes.length));
}

function hgetallCommand(client: Client): void {
  const { db, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.map(visibleCount(db, entry));
  if (entry === 0) return;
  forEachVisible(db, entry, (field, bytes) => {
    reply.bulk(field.bytes, field.start, field.length);
    reply.bulk(bytes.bytes, bytes.start, bytes.length);
  });
}

function hrandfieldCommand(client: Client): void {
  const { db, argv, reply } = client;
  if (argv.count > 2) {
    hrandfieldWithCount(client);
    return;
  }
  const entry = drawnHash(client);
  if (entry === 0) {
    reply.nil();
    return;
  }
  const show = (field: Slice) => reply.bulk(field.bytes, field.start, field.length);
  if (!hasExpiredFields(db, entry)) hashValue.visitRandom(db.arena, entry, show);
  else if (drawVisible(db, entry, 1, show) === 0) reply.nil();
}

function hrandfieldWithCount(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const wanted = signedCountArgument(argv, 2);
  const hasValues = argv.count > 3;
  if (argv.count > 4 || (hasValues && !argv.is(3, "withvalues"))) throw SYNTAX_ERROR;
  if (hasValues) checkPairCount(argv, 2);
  const entry = drawnHash(client);
  const visible = visibleCount(db, entry);
  if (visible === 0 || wanted === 0) {
    reply.array(0);
    return;
  }
  const drawn = wanted < 0 ? repeatedCount(wanted) : Math.min(wanted, visible);
  const isNested = hasValues && reply.resp === 3;
  reply.array(hasValues && !isNested ? drawn * 2 : drawn);
  const show = (field: Slice, bytes: Slice) => {
    if (isNested) reply.array(2);
    reply.bulk(field.bytes, field.start, field.length);
    if (hasValues) reply.bulk(bytes.bytes, bytes.start, bytes.length);
    return !reply.isOverflown;
  };
  if (hasExpiredFields(db, entry)) drawVisible(db, entry, wanted, show);
  else if (wanted < 0) hashValue.visitRandomRepeatedly(arena, entry, drawn, show);
  else hashValue.visitSample(arena, entry, drawn, show);
}

/** The hash in argument 1, or 0, without the fields that have expired if these may be removed. */
function drawnHash(client: Client): Ref {
  const { db } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  if (entry === 0 || !hasExpiredFields(db, entry)) return entry;
  if (db.keyspace.expiryPolicy !== "remove") return entry;
  return removeExpiredFields(db, entry, Infinity) ? 0 : entry;
}

/**
 * Draws fields, as HRANDFIELD does, of a hash that holds hidden ones, which must stay: those that
 * are to be seen are collected first. Returns how many there are. O(fields).
 */
function drawVisible(
  db: Database,
  entry: Ref,
  wanted: number,
  visit: (field: Slice, bytes: Slice) => boolean | void,
): number {
  const pairs: [Slice, Slice][] = [];
  forEachVisible(db, entry, (field, bytes) => pairs.push([ownSlice(field), ownSlice(bytes)]));
  if (wanted > 0) {
    sampleIndexes(pairs.length, wanted, (index) => {
      visit(...pairs[index]);
    });
  } else if (pairs.length > 0) {
    for (let drawn = 0; drawn < -wanted; drawn++) {
      if (visit(...pairs[random.below(pairs.length)]) === false) break;
    }
  }
  return pairs.length;
}

/** A slice of a copy of the bytes. */
function ownSlice(slice: Slice): Slice {
  const own = new Slice();
  own.set(slice.copy(), 0, slice.length);
  return own;
}

function hscanCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const cursor = cursorArgument(argv, 2);
  const entry = typedForRead(client, 1, TYPE_HASH);
  if (entry === 0) {
    replyEmptyScan(reply);
    return;
  }
  const options = scanOptions(argv, 3, false, true);
  let shown = 0;
  const show = (field: Slice, bytes: Slice) => {
    if (!passesMatch(options, argv, field)) return;
    reply.bulk(field.bytes, field.start, field.length);
    shown++;
    if (options.hasNoValues) return;
    reply.bulk(bytes.bytes, bytes.start, bytes.length);
    shown++;
  };
  const entries: Ref[] = [];
  const table = hashValue.tableOfKey(arena, entry);
  const isSmall = table === 0;
  replyCursor(reply, isSmall ? 0 : collectEntries(arena, table, cursor, options.count, entries));
  const mark = reply.deferArray();
  const visit = visibleOnly(db, entry, show);
  if (isSmall) hashValue.forEachField(db.arena, entry, visit);
  else hashValue.visitEntries(arena, entries, visit);
  reply.endDeferredArray(mark, shown);
}

/** HSET and HMSET. Returns how many fields are new. */
function setFields(client: Client): number {
  const { db, argv } = client;
  if ((argv.count & 1) !== 0) throw wrongArity(client.commandName);
  let entry = typedForWrite(client, 1, TYPE_HASH);
  if (entry === 0) entry = createHash(client);
  convertForMany(client, entry, (argv.count >> 1) - 1);
  // What is set does not expire any more.
  const isExpiring = value.mayHaveExpiries(db.arena, entry);
  const beforeMs = isExpiring ? nextExpiryOfKey(db.arena, entry) : value.NO_EXPIRY;
  let added = 0;
  for (let index = 2; index < argv.count; index += 2) {
    if (setField(client, entry, index)) added++;
  }
  if (isExpiring) db.expiryOrder.changed(entry, beforeMs);
  db.changed(argv, 1, EVENT_HASH, "hset");
  announceFields(client, "hset", 2, 2, argv.count);
  db.keyspace.dirty += (argv.count >> 1) - 2;
  return added;
}

/** Sets the field that is argument `index` to the one behind it. Returns whether it is new. */
function setField(client: Client, entry: Ref, index: number): boolean {
  const { argv, db } = client;
  const { bytes, starts, lengths } = argv;
  return hashValue.set(
    db.arena,
    entry,
    bytes,
    starts[index],
    lengths[index],
    bytes,
    starts[index + 1],
    lengths[index + 1],
    hashLimits(client),
  );
}

/** Sets the field that is argument 2 of a hash that may be missing (0); its expiry stays. */
function storeResult(client: Client, entry: Ref, bytes: Uint8Array, length: number): void {
  const { argv, db } = client;
  const target = entry !== 0 ? entry : createHash(client);
  const start = argv.starts[2];
  const fieldLength = argv.lengths[2];
  const used = hashLimits(client);
  const { arena } = db;
  const { bytes: field } = argv;
  hashValue.setKeepingExpiry(arena, target, field, start, fieldLength, bytes, 0, length, used);
}

/** Points `found` at the value of the field that is argument `index`. */
function getField({ argv, db }: Client, entry: Ref, index: number): boolean {
  const start = argv.starts[index];
  return hashValue.get(db.arena, entry, argv.bytes, start, argv.lengths[index], found);
}
