/**
 * Bitfield commands: integers of any width up to 64 bits at any bit of a string.
 *
 * All operations of a command are read before the first is carried out. Arithmetic is done with
 * bigints: it must be exact to 64 bits, and wrap around, saturate or fail at any width.
 */
import { INT64_MAX, parseSafeInteger } from "../base/integers.ts";
import { EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as bitmap from "../values/bitmap.ts";
import { TYPE_STRING } from "../values/value.ts";
import { bigIntegerArgument, typedForRead, typedForWrite } from "./arguments.ts";
import { bitOffsetArgument, prepareBits } from "./bitmap_commands.ts";

const BITFIELD_NOTE = "`GET` reads, `SET` and `INCRBY` write";

// deno-fmt-ignore
export const bitfieldCommands: readonly RedisCommand[] = [
  { name: "bitfield", arity: -2, flags: ["write", "denyoom"], keys: [1, 1, 1],
    keySpecs: [rangeSpec("RW access update variable_flags", 1, 0, BITFIELD_NOTE)],
    findAccess: bitfieldAccess,
    categories: ["@bitmap"], since: "3.2.0", group: "bitmap",
    complexity: "O(1) per operation.", proc: bitfieldCommand,
    summary: "Reads, writes and adds to integers of any width inside a string." },
  { name: "bitfield_ro", arity: -2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@bitmap"], since: "6.0.0", group: "bitmap",
    complexity: "O(1) per operation.", proc: bitfieldReadonlyCommand,
    summary: "Reads integers of any width inside a string." },
];

const INVALID_TYPE = commandError(
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but " +
    "i64 is.",
);
const INVALID_OVERFLOW = commandError("ERR Invalid OVERFLOW type specified");
const READ_ONLY = commandError("ERR BITFIELD_RO only supports the GET subcommand");

const LETTER_I = 0x69;
const LETTER_U = 0x75;
const WORD_BITS = 32;

type Overflow = "wrap" | "sat" | "fail";

interface Operation {
  kind: "get" | "set" | "incrby";
  isSigned: boolean;
  width: number;
  position: number;
  /** The value to store or to add; 0 for GET. */
  operand: bigint;
  overflow: Overflow;
}

/** What a BITFIELD does to its key: with nothing but GET it only reads. */
function bitfieldAccess(argv: Argv): string {
  for (let index = 2; index < argv.count;) {
    const rest = argv.count - index - 1;
    if (rest >= 2 && argv.is(index, "get")) index += 3;
    else if (rest >= 1 && argv.is(index, "overflow")) index += 2;
    else return "RW access update";
  }
  return "RO access";
}

function bitfieldCommand(client: Client): void {
  bitfield(client, false);
}

function bitfieldReadonlyCommand(client: Client): void {
  bitfield(client, true);
}

function bitfield(client: Client, isReadOnly: boolean): void {
  const { db, argv, reply } = client;
  const operations = parseOperations(client);
  let highest = -1;
  for (const { kind, position, width } of operations) {
    if (kind !== "get") highest = Math.max(highest, position + width - 1);
  }
  if (highest >= 0 && isReadOnly) throw READ_ONLY;
  let entry = highest < 0
    ? typedForRead(client, 1, TYPE_STRING)
    : typedForWrite(client, 1, TYPE_STRING);
  const isResized = highest >= 0 && !bitmap.hasBit(db.arena, entry, highest);
  if (highest >= 0) entry = prepareBits(client, entry, highest);
  let changes = 0;
  reply.array(operations.length);
  for (const operation of operations) {
    if (operation.kind === "get") reply.bigInteger(readField(db.arena, entry, operation));
    else if (changeField(db.arena, entry, operation, reply, isResized)) changes++;
  }
  if (changes > 0) {
    db.changed(argv, 1, EVENT_STRING, "setbit");
    db.keyspace.dirty += changes - 1;
  } else if (isResized) {
    // All have failed, but the string has grown. Redis announces and counts nothing then, and no
    // more is announced here; but replicas, the AOF and the save points must know.
    db.keyspace.dirty++;
  }
}

function parseOperations(client: Client): Operation[] {
  const { argv } = client;
  const operations: Operation[] = [];
  let overflow: Overflow = "wrap";
  for (let index = 2; index < argv.count;) {
    const left = argv.count - index - 1;
    if (argv.is(index, "overflow") && left >= 1) {
      overflow = overflowArgument(argv, index + 1);
      index += 2;
      continue;
    }
    const kind = kindAt(argv, index);
    const argumentCount = kind === "get" ? 2 : 3;
    if (kind === null || left < argumentCount) throw SYNTAX_ERROR;
    const isSigned = isSignedArgument(argv, index + 1);
    const width = widthArgument(argv, index + 1, isSigned);
    const position = bitOffsetArgument(client, index + 2, width);
    const operand = kind === "get" ? 0n : bigIntegerArgument(argv, index + 3);
    operations.push({ kind, isSigned, width, position, operand, overflow });
    index += 1 + argumentCount;
  }
  return operations;
}

function kindAt(argv: Argv, index: number): Operation["kind"] | null {
  if (argv.is(index, "get")) return "get";
  if (argv.is(index, "set")) return "set";
  return argv.is(index, "incrby") ? "incrby" : null;
}

function overflowArgument(argv: Argv, index: number): Overflow {
  if (argv.is(index, "wrap")) return "wrap";
  if (argv.is(index, "sat")) return "sat";
  if (argv.is(index, "fail")) return "fail";
  throw INVALID_OVERFLOW;
}

function isSignedArgument(argv: Argv, index: number): boolean {
  const letter = argv.lengths[index] === 0 ? 0 : argv.bytes[argv.starts[index]];
  if (letter !== LETTER_I && letter !== LETTER_U) throw INVALID_TYPE;
  return letter === LETTER_I;
}

function widthArgument(argv: Argv, index: number, isSigned: boolean): number {
  const width = parseSafeInteger(argv.bytes, argv.starts[index] + 1, argv.lengths[index] - 1);
  if (!(width >= 1 && width <= (isSigned ? 64 : 63))) throw INVALID_TYPE;
  return width;
}

/**
 * Carries out SET or INCRBY and replies; returns whether that counts as a change. Redis: every
 * operation does if the command made the string longer, but for those that failed.
 */
function changeField(
  arena: Arena,
  entry: Ref,
  operation: Operation,
  reply: Reply,
  isResized: boolean,
): boolean {
  const { kind, operand } = operation;
  const old = readField(arena, entry, operation);
  const wanted = kind === "incrby" ? old + operand : unsignedIfNeeded(operation);
  const stored = fit(wanted, operation);
  if (stored === null) {
    reply.nil();
    return false;
  }
  reply.bigInteger(kind === "incrby" ? stored : old);
  writeField(arena, entry, operation, stored);
  return isResized || stored !== old;
}

/** Redis: SET of a negative number to an unsigned field sees it as a very large one. */
function unsignedIfNeeded({ isSigned, operand }: Operation): bigint {
  return isSigned ? operand : BigInt.asUintN(64, operand);
}

/** The number, or what the field holds instead if it does not fit; null if that is nothing. */
function fit(wanted: bigint, operation: Operation): bigint | null {
  const { kind, isSigned, width, overflow } = operation;
  const max = isSigned ? (1n << BigInt(width - 1)) - 1n : (1n << BigInt(width)) - 1n;
  const min = isSigned ? -max - 1n : 0n;
  if (wanted >= min && wanted <= max) return wanted;
  if (overflow === "fail") return null;
  if (overflow === "sat") {
    // Redis: the room above is reckoned in int64, and that wraps for the lowest numbers of all.
    const wraps = kind === "set" && isSigned && width < 64 && max - wanted > INT64_MAX;
    return wanted > max || wraps ? max : min;
  }
  return isSigned ? BigInt.asIntN(width, wanted) : BigInt.asUintN(width, wanted);
}

function readField(memory: Memory, entry: Ref, operation: Operation): bigint {
  const { isSigned, width, position } = operation;
  let bits: bigint;
  if (width <= WORD_BITS) {
    bits = BigInt(bitmap.readBits(memory, entry, position, width));
  } else {
    const upperWidth = width - WORD_BITS;
    const upper = bitmap.readBits(memory, entry, position, upperWidth);
    const lower = bitmap.readBits(memory, entry, position + upperWidth, WORD_BITS);
    bits = (BigInt(upper) << 32n) | BigInt(lower);
  }
  return isSigned ? BigInt.asIntN(width, bits) : bits;
}

function writeField(arena: Arena, entry: Ref, operation: Operation, number: bigint): void {
  const { width, position } = operation;
  const bits = BigInt.asUintN(width, number);
  if (width <= WORD_BITS) {
    bitmap.writeBits(arena, entry, position, width, Number(bits));
    return;
  }
  const upperWidth = width - WORD_BITS;
  bitmap.writeBits(arena, entry, position, upperWidth, Number(bits >> 32n));
  const lower = Number(bits & 0xffffffffn);
  bitmap.writeBits(arena, entry, position + upperWidth, WORD_BITS, lower);
}
