/**
 * Hash commands: H… (Redis: t_hash.c). How a hash is kept is hash_value.ts's business; here stand
 * arguments, replies, events and what goes to the AOF.
 */
import { Slice } from "../base/bytes.ts";
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
import { scratch } from "../base/scratch.ts";
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
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import { ENCODING_LISTPACK, TYPE_HASH } from "../values/value.ts";
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

/** The hash's limits, filled from the config by each command that needs them. */
const limits: hashValue.HashLimits = { listpackEntriesMax: 0, listpackValueBytesMax: 0 };
const found = scratch(new Slice());
const sumText = new Uint8Array(INTEGER_TEXT_BYTES_MAX);

function hsetCommand(client: Client): void {
  client.reply.integer(setFields(client));
}

function hmsetCommand(client: Client): void {
  setFields(client);
  client.reply.ok();
}

function hsetnxCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = typedForWrite(client, 1, TYPE_HASH);
  if (
    entry !== 0 &&
    hashValue.has(db.arena, entry, argv.bytes, argv.starts[2], argv.lengths[2])
  ) {
    reply.integer(0);
    return;
  }
  setField(client, entry !== 0 ? entry : createHash(client), 2);
  db.changed(argv, 1, EVENT_HASH, "hset");
  reply.integer(1);
}

function hgetCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_HASH);
  if (entry !== 0 && getField(client, entry, 2)) {
    client.reply.bulk(found.bytes, found.start, found.length);
  } else {
    client.reply.nil();
  }
}

function hmgetCommand(client: Client): void {
  const { argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    if (entry !== 0 && getField(client, entry, index)) {
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
  const entry = typedForRead(client, 1, TYPE_HASH);
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
  const entry = typedForRead(client, 1, TYPE_HASH);
  const exists = entry !== 0 &&
    hashValue.has(db.arena, entry, argv.bytes, argv.starts[2], argv.lengths[2]);
  reply.integer(exists ? 1 : 0);
}

function hincrbyCommand(client: Client): void {
  const { db, argv, reply } = client;
  const increment = integerArgument(argv, 3);
  const entry = typedForWrite(client, 1, TYPE_HASH);
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
  const increment = parseLongDouble(argv.bytes, start, length);
  if (increment === null) throw NOT_A_FLOAT;
  if (increment.isInfinite) throw INFINITE_INCREMENT;
  const entry = typedForWrite(client, 1, TYPE_HASH);
  if (entry === 0 || !getField(client, entry, 2)) found.set(ZERO_TEXT, 0, 1);
  else if (parseLongDouble(found.bytes, found.start, found.length) === null) {
    throw VALUE_NOT_A_FLOAT;
  }
  const { bytes: old, start: oldStart, length: oldLength } = found;
  const sum = addFloatTexts(old, oldStart, oldLength, argv.bytes, start, length);
  if (sum === null) throw NAN_OR_INFINITY;
  storeResult(client, entry, sum, sum.length);
  db.changed(argv, 1, EVENT_HASH, "hincrbyfloat");
  // The sum, not the increment: who replays it may compute floats in another way.
  if (client.wantsEffects) {
    client.propagateAs("HSET", argv.copy(1), argv.copy(2), sum);
  }
  reply.bulk(sum, 0, sum.length);
}

function hkeysCommand(client: Client): void {
  const { db, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.array(entry === 0 ? 0 : hashValue.countOfKey(db.arena, entry));
  if (entry === 0) return;
  hashValue.forEachField(
    db.arena,
    entry,
    (field) => reply.bulk(field.bytes, field.start, field.length),
  );
}

function hvalsCommand(client: Client): void {
  const { db, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.array(entry === 0 ? 0 : hashValue.countOfKey(db.arena, entry));
  if (entry === 0) return;
  hashValue.forEachField(
    db.arena,
    entry,
    (_, bytes) => reply.bulk(bytes.bytes, bytes.start, bytes.length),
  );
}

function hgetallCommand(client: Client): void {
  const { db, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  reply.map(entry === 0 ? 0 : hashValue.countOfKey(db.arena, entry));
  if (entry === 0) return;
  hashValue.forEachField(db.arena, entry, (field, bytes) => {
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
  const entry = typedForRead(client, 1, TYPE_HASH);
  if (entry === 0) {
    reply.nil();
    return;
  }
  hashValue.visitRandom(db.arena, entry, (field) => {
    reply.bulk(field.bytes, field.start, field.length);
  });
}

function hrandfieldWithCount(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const wanted = signedCountArgument(argv, 2);
  const hasValues = argv.count > 3;
  if (argv.count > 4 || (hasValues && !argv.is(3, "withvalues"))) throw SYNTAX_ERROR;
  if (hasValues) checkPairCount(argv, 2);
  const entry = typedForRead(client, 1, TYPE_HASH);
  if (entry === 0 || wanted === 0) {
    reply.array(0);
    return;
  }
  const drawn = wanted < 0
    ? repeatedCount(wanted)
    : Math.min(wanted, hashValue.countOfKey(arena, entry));
  const isNested = hasValues && reply.resp === 3;
  reply.array(hasValues && !isNested ? drawn * 2 : drawn);
  const show = (field: Slice, bytes: Slice) => {
    if (isNested) reply.array(2);
    reply.bulk(field.bytes, field.start, field.length);
    if (hasValues) reply.bulk(bytes.bytes, bytes.start, bytes.length);
    return !reply.isOverflown;
  };
  if (wanted < 0) hashValue.visitRandomRepeatedly(arena, entry, drawn, show);
  else hashValue.visitSample(arena, entry, drawn, show);
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
  const options = scanOptions(argv, 3, false);
  let shown = 0;
  const show = (field: Slice, bytes: Slice) => {
    if (!passesMatch(options, argv, field)) return;
    reply.bulk(field.bytes, field.start, field.length);
    reply.bulk(bytes.bytes, bytes.start, bytes.length);
    shown += 2;
  };
  const entries: Ref[] = [];
  const isSmall = value.encodingOf(arena, entry) === ENCODING_LISTPACK;
  const ref = value.valueRef(arena, entry);
  replyCursor(reply, isSmall ? 0 : collectEntries(arena, ref, cursor, options.count, entries));
  const mark = reply.deferArray();
  if (isSmall) hashValue.forEachField(db.arena, entry, show);
  else for (const one of entries) hashValue.visitEntry(arena, one, show);
  reply.endDeferredArray(mark, shown);
}

/** HSET and HMSET. Returns how many fields are new. */
function setFields(client: Client): number {
  const { db, argv } = client;
  if ((argv.count & 1) !== 0) throw wrongArity(client.commandName);
  let entry = typedForWrite(client, 1, TYPE_HASH);
  if (entry === 0) entry = createHash(client);
  let added = 0;
  for (let index = 2; index < argv.count; index += 2) {
    if (setField(client, entry, index)) added++;
  }
  db.changed(argv, 1, EVENT_HASH, "hset");
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
    limitsOf(client),
  );
}

/** Sets the field that is argument 2 of a hash that may be missing (0). */
function storeResult(client: Client, entry: Ref, bytes: Uint8Array, length: number): void {
  const { argv, db } = client;
  const target = entry !== 0 ? entry : createHash(client);
  const start = argv.starts[2];
  const fieldLength = argv.lengths[2];
  const used = limitsOf(client);
  hashValue.set(db.arena, target, argv.bytes, start, fieldLength, bytes, 0, length, used);
}

/** Points `found` at the value of the field that is argument `index`. */
function getField({ argv, db }: Client, entry: Ref, index: number): boolean {
  const start = argv.starts[index];
  return hashValue.get(db.arena, entry, argv.bytes, start, argv.lengths[index], found);
}

function createHash({ argv, db }: Client): Ref {
  return db.create(argv, 1, TYPE_HASH, ENCODING_LISTPACK, hashValue.create(db.arena));
}

function limitsOf({ host }: Client): hashValue.HashLimits {
  limits.listpackEntriesMax = host.config.hashMaxListpackEntries;
  limits.listpackValueBytesMax = host.config.hashMaxListpackValue;
  return limits;
}
