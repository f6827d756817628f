/**
 * Bitmap commands: strings as rows of bits. The bits themselves are in values/bitmap.ts, integers
 * made of them in bitfield_commands.ts.
 */
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/integers.ts";
import { scratch } from "../base/scratch.ts";
import { answersSince } from "../config/version.ts";
import { EVENT_GENERIC, EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as byteString from "../structures/byte_string.ts";
import * as bitmap from "../values/bitmap.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { NO_EXPIRY, TYPE_STRING } from "../values/value.ts";
import { integerArgument, isBackwardRange, typedForRead, typedForWrite } from "./arguments.ts";
import { createEmptyString } from "./string_commands.ts";

// deno-fmt-ignore
export const bitmapCommands: readonly RedisCommand[] = [
  { name: "setbit", arity: 4, flags: ["write", "denyoom"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@bitmap"], since: "2.2.0", group: "bitmap",
    complexity: "O(1)", proc: setbitCommand,
    summary: "Sets or clears one bit of a string, and returns what it was." },
  { name: "getbit", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@bitmap"], since: "2.2.0", group: "bitmap",
    complexity: "O(1)", proc: getbitCommand,
    summary: "Returns one bit of a string." },
  { name: "bitcount", arity: -2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@bitmap"], since: "2.6.0", group: "bitmap",
    complexity: "O(N)", proc: bitcountCommand,
    summary: "Counts the set bits of a string or of a part of it." },
  { name: "bitpos", arity: -3, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@bitmap"], since: "2.8.7", group: "bitmap",
    complexity: "O(N)", proc: bitposCommand,
    summary: "Finds the first set or clear bit of a string." },
  { name: "bitop", arity: -4, flags: ["write", "denyoom"], keys: [2, -1, 1],
    keySpecs: [rangeSpec("OW update", 2, 0), rangeSpec("RO access", 3, -1)],
    categories: ["@bitmap"], since: "2.6.0", group: "bitmap",
    complexity: "O(N)", proc: bitopCommand,
    summary: "Combines strings bit by bit and stores the outcome." },
];

const BIT_NOT_AN_INTEGER = commandError("ERR bit is not an integer or out of range");
const BIT_OFFSET_NOT_AN_INTEGER = commandError("ERR bit offset is not an integer or out of range");
const BIT_NEITHER_0_NOR_1 = commandError("ERR The bit argument must be 1 or 0.");
const NOT_OF_SEVERAL = commandError("ERR BITOP NOT must be called with a single source key.");

/** Only for `combineSource`: what was there, zeros, does not matter. */
const COPY = -1;
const NOT = 3;
/** Of Redis 8.2: in the first alone, in others but not the first, in the first and others. */
const DIFF = 4;
const DIFF1 = 5;
const ANDOR = 6;
/** Of Redis 8.2: in exactly one. */
const ONE = 7;

const HASH = 0x23;

const view = scratch(new Slice());
/** The piece of its outcome that BITOP makes. */
const outcome = scratch(new Slice());
/** Where an outcome that will be embedded is made: a new array would take longer than the rest. */
const shortOutcome = readyForCopies(new Uint8Array(value.EMBEDDED_ENTRY_BYTES_MAX));

/** The range that `parseRange` read last, in bits, both ends included; empty if from > to. */
const range = { from: 0, to: 0 };

/**
 * A bit offset argument. With `width` > 0 it may have the form "#3": three times the width (Redis:
 * BITFIELD). Offsets end where the longest string that is allowed does.
 */
export function bitOffsetArgument(client: Client, index: number, width: number): number {
  const { argv } = client;
  const isMultiple = width > 0 && argv.bytes[argv.starts[index]] === HASH &&
    argv.lengths[index] > 0;
  const skip = isMultiple ? 1 : 0;
  const number = parseSafeInteger(
    argv.bytes,
    argv.starts[index] + skip,
    argv.lengths[index] - skip,
  );
  const offset = isMultiple ? number * width : number;
  const limit = Math.min(client.host.config.protoMaxBulkLen, byteString.BYTES_MAX) * 8;
  if (!(offset >= 0 && offset < limit)) throw BIT_OFFSET_NOT_AN_INTEGER;
  return offset;
}

/**
 * The entry of argument 1's string, created or made longer so that bit `highest` exists. Redis: the
 * string is "raw" from now on, even if all its bits stay as they are.
 */
export function prepareBits(client: Client, entry: Ref, highest: number): Ref {
  const { db } = client;
  if (bitmap.hasBit(db.arena, entry, highest)) {
    value.setEncodingOnly(db.arena, entry, value.ENCODING_RAW);
    return entry;
  }
  const length = Math.floor(highest / 8) + 1;
  if (length > byteString.BYTES_MAX) throw BIT_OFFSET_NOT_AN_INTEGER;
  db.arena.requireRoom(length);
  const target = entry === 0 ? createEmptyString(client, 1) : entry;
  const moved = stringValue.resize(db.arena, target, length);
  db.replaceMoved(target, moved);
  return moved;
}

function setbitCommand(client: Client): void {
  const { db, argv, reply } = client;
  const position = bitOffsetArgument(client, 2, 0);
  const bit = integerArgument(argv, 3, BIT_NOT_AN_INTEGER);
  if (bit !== 0 && bit !== 1) throw BIT_NOT_AN_INTEGER;
  const found = typedForWrite(client, 1, TYPE_STRING);
  const isGrowing = !bitmap.hasBit(db.arena, found, position);
  const entry = prepareBits(client, found, position);
  const offset = Math.floor(position / 8);
  const mask = 0x80 >> (position % 8);
  const byte = stringValue.byteAt(db.arena, entry, offset);
  const old = (byte & mask) === 0 ? 0 : 1;
  if (old !== bit) stringValue.setByteAt(db.arena, entry, offset, byte ^ mask);
  if (isGrowing || old !== bit) db.changed(argv, 1, EVENT_STRING, "setbit");
  reply.integer(old);
}

function getbitCommand(client: Client): void {
  const position = bitOffsetArgument(client, 2, 0);
  const entry = typedForRead(client, 1, TYPE_STRING);
  client.reply.integer(entry === 0 ? 0 : bitmap.bitAt(client.db.arena, entry, position));
}

/** Reads "[start [end [BYTE | BIT]]]" from argument `index` on into `range`. */
function parseRange({ argv }: Client, index: number, length: number): void {
  let from = index < argv.count ? integerArgument(argv, index) : 0;
  const isBits = index + 2 < argv.count && argv.is(index + 2, "bit");
  if (index + 2 < argv.count && !isBits && !argv.is(index + 2, "byte")) throw SYNTAX_ERROR;
  const total = isBits ? length * 8 : length;
  let to = index + 1 < argv.count ? integerArgument(argv, index + 1) : total - 1;
  if (from < 0) from = Math.max(0, total + from);
  if (to < 0) to = Math.max(0, total + to);
  to = Math.min(to, total - 1);
  range.from = isBits ? from : from * 8;
  range.to = isBits ? to : to * 8 + 7;
}

/**
 * From 7.4 on a range that begins at argument `index` is looked at before the key. Its unit comes
 * before its end if the end may be missing, which it may not be for BITCOUNT.
 */
function checkRangeFirst({ argv, host }: Client, index: number, mayLackEnd: boolean): void {
  const { count } = argv;
  if (!answersSince(host.config, "7.4") || count <= index) return;
  if (count > index + 3 || (count === index + 1 && !mayLackEnd)) throw SYNTAX_ERROR;
  integerArgument(argv, index);
  if (count > index + 1 && !mayLackEnd) integerArgument(argv, index + 1);
  const unit = index + 2;
  if (unit < count && !argv.is(unit, "bit") && !argv.is(unit, "byte")) throw SYNTAX_ERROR;
  if (count > index + 1) integerArgument(argv, index + 1);
}

function bitcountCommand(client: Client): void {
  const { db, argv, reply } = client;
  checkRangeFirst(client, 2, false);
  // Redis: up to 7.2, for a missing key nothing but its type is checked.
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) {
    reply.integer(0);
    return;
  }
  if (argv.count === 3 || argv.count > 5) throw SYNTAX_ERROR;
  // Redis: whatever follows a range that is empty before it is counted from the end.
  if (argv.count > 3 && isBackwardRange(argv, 2)) {
    reply.integer(0);
    return;
  }
  parseRange(client, 2, stringValue.byteLength(db.arena, entry));
  reply.integer(bitmap.countBits(db.arena, entry, range.from, range.to));
}

function bitposCommand(client: Client): void {
  const { db, argv, reply } = client;
  const bit = integerArgument(argv, 2);
  if (bit !== 0 && bit !== 1) throw BIT_NEITHER_0_NOR_1;
  checkRangeFirst(client, 3, true);
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) {
    // Redis: a missing key is an endless row of zeros, whatever the range.
    reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  if (argv.count > 6) throw SYNTAX_ERROR;
  const length = stringValue.byteLength(db.arena, entry);
  parseRange(client, 3, length);
  let position = -1;
  if (range.from <= range.to) {
    position = bitmap.findBit(db.arena, entry, bit, range.from, range.to);
    // Redis: without an end, the string is followed by zeros.
    if (position === -1 && bit === 0 && argv.count < 5) position = length * 8;
  }
  reply.integer(position);
}

function bitopCommand(client: Client): void {
  const { db, argv, reply } = client;
  const operation = operationArgument(argv);
  if (operation === NOT && argv.count !== 4) throw NOT_OF_SEVERAL;
  if (operation >= DIFF && operation < ONE && argv.count < 5) {
    throw commandError(
      `ERR BITOP ${argv.text(1).toUpperCase()} must be called with at least two source keys.`,
    );
  }
  const sources: Ref[] = [];
  let length = 0;
  for (let index = 3; index < argv.count; index++) {
    const entry = typedForRead(client, index, TYPE_STRING);
    if (entry !== 0) length = Math.max(length, stringValue.byteLength(db.arena, entry));
    sources.push(entry);
  }
  if (length > 0) {
    storeCombined(client, sources, operation, length);
    db.changed(argv, 2, EVENT_STRING, "set");
    if (operation > NOT) propagateOutcome(client);
  } else if (db.lookupForWrite(argv, 2) !== 0) {
    db.remove(argv, 2);
    db.changed(argv, 2, EVENT_GENERIC, "del");
    if (operation > NOT && client.wantsEffects) client.propagateAs("DEL", argv.copy(2));
  }
  reply.integer(length);
}

/** Operations that 7.0 does not know are recorded as a SET of what they made. */
function propagateOutcome(client: Client): void {
  const { db, argv } = client;
  if (!client.wantsEffects) return;
  stringValue.read(db.arena, db.peek(argv, 2), view);
  client.propagateAs("SET", argv.copy(2), view.copy());
}

function operationArgument(argv: Argv): number {
  if (argv.is(1, "and")) return bitmap.AND;
  if (argv.is(1, "or")) return bitmap.OR;
  if (argv.is(1, "xor")) return bitmap.XOR;
  if (argv.is(1, "not")) return NOT;
  if (argv.is(1, "diff")) return DIFF;
  if (argv.is(1, "diff1")) return DIFF1;
  if (argv.is(1, "andor")) return ANDOR;
  if (argv.is(1, "one")) return ONE;
  throw SYNTAX_ERROR;
}

/** Stores the combination of the sources' bits under the key in argument 2. */
function storeCombined(
  { db, argv }: Client,
  sources: readonly Ref[],
  operation: number,
  length: number,
): void {
  const { arena } = db;
  if (value.fitsEmbedded(argv.lengths[2], length)) {
    outcome.set(shortOutcome, 0, length);
    combineInto(outcome, arena, sources, operation, 0);
    db.announceOverwrite(argv, 2, TYPE_STRING);
    db.setString(argv, 2, outcome.bytes, 0, length, NO_EXPIRY);
    const entry = db.findRaw(argv.bytes, argv.starts[2], argv.lengths[2]);
    value.setEncodingOnly(arena, entry, value.ENCODING_RAW);
    return;
  }
  arena.requireRoom(length);
  // The old value may be a source, so the new one is made beside it.
  const ref = byteString.allocate(arena, length);
  for (let at = 0; at < length; at += outcome.length) {
    byteString.writablePiece(arena, ref, at, outcome);
    combineInto(outcome, arena, sources, operation, at);
  }
  db.replace(argv, 2, TYPE_STRING, value.ENCODING_RAW, ref);
}

/** Fills `target` with the combination of the bytes from `offset` on; missing bytes are 0. */
function combineInto(
  target: Slice,
  arena: Arena,
  sources: readonly Ref[],
  operation: number,
  offset: number,
): void {
  if (operation === ONE) return keepSingleBits(target, arena, sources, offset);
  if (operation > NOT) return combineWithFirst(target, arena, sources, operation, offset);
  combineSource(target, arena, sources[0], offset, COPY);
  for (let index = 1; index < sources.length; index++) {
    combineSource(target, arena, sources[index], offset, operation);
  }
  if (operation === NOT) bitmap.invert(target.bytes, target.start, target.length);
}

/** Combines `target` with the bytes of one source from `offset` on; missing bytes are 0. */
function combineSource(
  target: Slice,
  arena: Arena,
  source: Ref,
  offset: number,
  operation: number,
): void {
  const { bytes, start, length } = target;
  let at = 0;
  while (source !== 0 && at < length) {
    stringValue.piece(arena, source, offset + at, view);
    const count = Math.min(view.length, length - at);
    if (count === 0) break;
    if (operation === COPY) copyBytes(view.bytes, view.start, bytes, start + at, count);
    else {
      const known = operation as bitmap.BitOperation;
      bitmap.combine(bytes, start + at, view.bytes, view.start, count, known);
    }
    at += count;
  }
  const leavesRest = operation !== COPY && operation !== bitmap.AND;
  if (!leavesRest && at < length) bytes.fill(0, start + at, start + length);
}

/** DIFF, DIFF1, ANDOR: the first source against all others together. */
function combineWithFirst(
  target: Slice,
  arena: Arena,
  [first, ...others]: readonly Ref[],
  operation: number,
  offset: number,
): void {
  for (let index = 0; index < others.length; index++) {
    combineSource(target, arena, others[index], offset, index === 0 ? COPY : bitmap.OR);
  }
  if (operation === DIFF1) {
    const common = copyOf(target);
    combineSource(common, arena, first, offset, bitmap.AND);
    combineEqual(target, common, bitmap.XOR);
    return;
  }
  if (operation === DIFF) bitmap.invert(target.bytes, target.start, target.length);
  combineSource(target, arena, first, offset, bitmap.AND);
}

/** ONE: the bits that exactly one source has. */
function keepSingleBits(
  target: Slice,
  arena: Arena,
  sources: readonly Ref[],
  offset: number,
): void {
  combineSource(target, arena, sources[0], offset, COPY);
  const several = new Slice();
  several.set(new Uint8Array(target.length), 0, target.length);
  for (let index = 1; index < sources.length; index++) {
    const again = copyOf(target);
    combineSource(again, arena, sources[index], offset, bitmap.AND);
    combineEqual(several, again, bitmap.OR);
    combineSource(target, arena, sources[index], offset, bitmap.OR);
  }
  combineEqual(target, several, bitmap.XOR);
}

/** `bitmap.combine` for two of the same length. */
function combineEqual(target: Slice, source: Slice, operation: bitmap.BitOperation): void {
  const { bytes, start, length } = target;
  bitmap.combine(bytes, start, source.bytes, source.start, length, operation);
}

function copyOf(slice: Slice): Slice {
  const copy = new Slice();
  copy.set(slice.copy(), 0, slice.length);
  return copy;
}
