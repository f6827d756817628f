/**
 * Counter commands: strings that are numbers. INCR parses and writes digits where they stand;
 * numbers that a double cannot hold take the way of bigints.
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
import { scratch } from "../base/scratch.ts";
import { KEEP_EXPIRY } from "../keyspace/database.ts";
import { EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import {
  commandError,
  INCREMENT_OVERFLOW,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  WRONG_TYPE,
} from "../session/errors.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { TYPE_STRING } from "../values/value.ts";
import { bigIntegerArgument, typedForWrite } from "./arguments.ts";

// deno-fmt-ignore
export const counterCommands: readonly RedisCommand[] = [
  { name: "incr", arity: 2, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: incrCommand,
    summary: "Adds one to the integer at a key." },
  { name: "decr", arity: 2, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: decrCommand,
    summary: "Subtracts one from the integer at a key." },
  { name: "incrby", arity: 3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: incrbyCommand,
    summary: "Adds to the integer at a key." },
  { name: "decrby", arity: 3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", proc: decrbyCommand,
    summary: "Subtracts from the integer at a key." },
  { name: "incrbyfloat", arity: 3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "2.6.0", group: "string",
    complexity: "O(1)", proc: incrbyfloatCommand,
    summary: "Adds to the number at a key, which may have a fraction." },
];

const DECREMENT_OVERFLOW = commandError("ERR decrement would overflow");

const view = scratch(new Slice());
const digits = readyForCopies(new Uint8Array(INTEGER_TEXT_BYTES_MAX));

function incrCommand(client: Client): void {
  incrementBy(client, 1);
}

function decrCommand(client: Client): void {
  incrementBy(client, -1);
}

function incrbyCommand(client: Client): void {
  const { argv } = client;
  const amount = parseSafeInteger(argv.bytes, argv.starts[2], argv.lengths[2]);
  if (amount === amount) incrementBy(client, amount);
  else incrementByLarge(client, bigIntegerArgument(argv, 2));
}

function decrbyCommand(client: Client): void {
  const { argv } = client;
  const amount = parseSafeInteger(argv.bytes, argv.starts[2], argv.lengths[2]);
  if (amount === amount) {
    incrementBy(client, -amount);
    return;
  }
  const large = bigIntegerArgument(argv, 2);
  if (large === INT64_MIN) throw DECREMENT_OVERFLOW;
  incrementByLarge(client, -large);
}

/** Adds a safe integer; falls back on bigints when a number involved is not safe. */
function incrementBy(client: Client, amount: number): void {
  const { db, argv, reply } = client;
  const entry = typedForWrite(client, 1, TYPE_STRING);
  let sum = amount;
  if (entry !== 0) {
    readNumber(db.arena, entry);
    sum += parseSafeInteger(view.bytes, view.start, view.length);
    if (!Number.isSafeInteger(sum)) {
      incrementEntryByLarge(client, entry, BigInt(amount));
      return;
    }
  }
  if (entry === 0 || !stringValue.overwriteInteger(db.arena, entry, sum)) {
    db.setString(argv, 1, digits, 0, writeInteger(sum, digits, 0), KEEP_EXPIRY);
  }
  db.changed(argv, 1, EVENT_STRING, "incrby");
  reply.integer(sum);
}

function incrementByLarge(client: Client, amount: bigint): void {
  incrementEntryByLarge(client, typedForWrite(client, 1, TYPE_STRING), amount);
}

/** `entry` is that of the key, or 0. */
function incrementEntryByLarge(client: Client, entry: Ref, amount: bigint): void {
  const { db, argv, reply } = client;
  let old: bigint | null = 0n;
  if (entry !== 0) {
    readNumber(db.arena, entry);
    old = parseInt64(view.bytes, view.start, view.length);
    if (old === null) throw NOT_AN_INTEGER;
  }
  const sum = old + amount;
  if (sum < INT64_MIN || sum > INT64_MAX) throw INCREMENT_OVERFLOW;
  db.setString(argv, 1, digits, 0, writeBigInteger(sum, digits, 0), KEEP_EXPIRY);
  db.changed(argv, 1, EVENT_STRING, "incrby");
  reply.bigInteger(sum);
}

/** Points `view` at a string that may be an integer; longer ones are refused before a look. */
function readNumber(arena: Arena, entry: Ref): void {
  if (stringValue.byteLength(arena, entry) > INTEGER_TEXT_BYTES_MAX) throw NOT_AN_INTEGER;
  stringValue.read(arena, entry, view);
}

function incrbyfloatCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  // Touched by `setString`.
  const entry = db.peek(argv, 1);
  if (entry !== 0 && value.typeOf(arena, entry) !== TYPE_STRING) throw WRONG_TYPE;
  if (entry === 0) view.set(ZERO, 0, ZERO.length);
  else stringValue.read(arena, entry, view);
  const start = argv.starts[2];
  const length = argv.lengths[2];
  const sum = addFloatTexts(view.bytes, view.start, view.length, argv.bytes, start, length);
  if (sum === null) {
    if (parseLongDouble(view.bytes, view.start, view.length) === null) throw NOT_A_FLOAT;
    throw parseLongDouble(argv.bytes, start, length) === null ? NOT_A_FLOAT : NAN_OR_INFINITY;
  }
  setFloat(client, sum, KEEP_EXPIRY);
  db.changed(argv, 1, EVENT_STRING, "incrbyfloat");
  if (client.wantsEffects) client.propagateAs("SET", argv.copy(1), sum, "KEEPTTL");
  reply.bulk(sum, 0, sum.length);
}

/** Sets the key of argument 1 to a number that was reckoned as a float. */
export function setFloat({ db, argv }: Client, text: Uint8Array, expiryMs: number): void {
  const { arena } = db;
  db.setString(argv, 1, text, 0, text.length, expiryMs);
  // Redis: the outcome is never encoded "int", though it may be one.
  if (stringValue.encodingFor(text, 0, text.length) !== value.ENCODING_INT) return;
  const stored = db.findRaw(argv.bytes, argv.starts[1], argv.lengths[1]);
  value.setEncodingOnly(arena, stored, value.ENCODING_EMBSTR);
}

const ZERO = readyForCopies(new Uint8Array([0x30]));
