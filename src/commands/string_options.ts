/**
 * String options: what may stand behind the value of SET, and in GETEX, MSETEX and INCREX:
 * conditions, expiries, GET. They are read into bits, without an object; the few operands are found
 * again when they are wanted.
 */
import { equalBytes, latin1Text, Slice } from "../base/bytes.ts";
import { INT64_MAX } from "../base/integers.ts";
import { scratch } from "../base/scratch.ts";
import { xxh3Text } from "../base/xxh3.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as stringValue from "../values/string_value.ts";
import { expiryArgument } from "./arguments.ts";

/** Options, as bits. */
export const OPTION_NX = 1 << 0;
export const OPTION_XX = 1 << 1;
export const OPTION_GET = 1 << 2;
export const OPTION_KEEPTTL = 1 << 3;
export const OPTION_PERSIST = 1 << 4;
export const OPTION_EX = 1 << 5;
export const OPTION_PX = 1 << 6;
export const OPTION_EXAT = 1 << 7;
export const OPTION_PXAT = 1 << 8;
export const OPTION_IFEQ = 1 << 9;
export const OPTION_IFNE = 1 << 10;
export const OPTION_IFDEQ = 1 << 11;
export const OPTION_IFDNE = 1 << 12;
export const OPTION_ANY_TIME = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT;
export const OPTION_ANY_EXPIRY = OPTION_ANY_TIME | OPTION_KEEPTTL | OPTION_PERSIST;
/** Conditions that look at the value, each with an operand. */
export const OPTION_ANY_COMPARISON = OPTION_IFEQ | OPTION_IFNE | OPTION_IFDEQ | OPTION_IFDNE;
const OPTION_ANY_CONDITION = OPTION_NX | OPTION_XX | OPTION_ANY_COMPARISON;
const OPTION_WITH_OPERAND = OPTION_ANY_TIME | OPTION_ANY_COMPARISON;

const view = scratch(new Slice());

const DIGEST_LENGTH = 16;
const BAD_DIGEST = commandError(
  `ERR digest must be exactly ${DIGEST_LENGTH} hexadecimal characters`,
);

/** The options from argument `from` on, except those in `refused`. Throws SYNTAX_ERROR. */
export function parseOptions(argv: Argv, from: number, refused: number): number {
  let options = 0;
  for (let index = from; index < argv.count; index++) {
    const option = optionAt(argv, index);
    if (option === 0 || (option & refused) !== 0) throw SYNTAX_ERROR;
    if ((rivalsOf(option) & options) !== 0) throw SYNTAX_ERROR;
    if ((option & OPTION_WITH_OPERAND) !== 0) {
      if (++index === argv.count) throw SYNTAX_ERROR;
    }
    options |= option;
  }
  return options;
}

/** The option that an argument spells, in capitals or not; or 0. */
export function optionAt(argv: Argv, index: number): number {
  if (argv.is(index, "ex")) return OPTION_EX;
  if (argv.is(index, "px")) return OPTION_PX;
  if (argv.is(index, "nx")) return OPTION_NX;
  if (argv.is(index, "xx")) return OPTION_XX;
  if (argv.is(index, "get")) return OPTION_GET;
  if (argv.is(index, "keepttl")) return OPTION_KEEPTTL;
  if (argv.is(index, "exat")) return OPTION_EXAT;
  if (argv.is(index, "pxat")) return OPTION_PXAT;
  if (argv.is(index, "persist")) return OPTION_PERSIST;
  return comparisonAt(argv, index);
}

/** The condition on a value that an argument spells; or 0. */
export function comparisonAt(argv: Argv, index: number): number {
  if (argv.is(index, "ifeq")) return OPTION_IFEQ;
  if (argv.is(index, "ifne")) return OPTION_IFNE;
  if (argv.is(index, "ifdeq")) return OPTION_IFDEQ;
  return argv.is(index, "ifdne") ? OPTION_IFDNE : 0;
}

/** The options that an option cannot stand beside; those without an operand may be repeated. */
function rivalsOf(option: number): number {
  if ((option & OPTION_ANY_COMPARISON) !== 0) return OPTION_ANY_CONDITION;
  if ((option & OPTION_ANY_CONDITION) !== 0) return OPTION_ANY_CONDITION & ~option;
  return (option & OPTION_ANY_EXPIRY) !== 0 ? OPTION_ANY_EXPIRY & ~option : 0;
}

/** Where the operand of an option among `wanted` stands. Redis: the last one counts. */
export function operandIndex(argv: Argv, from: number, wanted: number): number {
  let found = 0;
  for (let index = from; index < argv.count; index++) {
    const option = optionAt(argv, index);
    if ((option & OPTION_WITH_OPERAND) === 0) continue;
    index++;
    if ((option & wanted) !== 0) found = index;
  }
  return found;
}

/** The time among such options, as Unix time in ms. Throws if it is none, or not positive. */
export function expiryOption(client: Client, options: number, from: number): number {
  return expiryOperand(client, options, operandIndex(client.argv, from, OPTION_ANY_TIME));
}

/** `expiryOption` where it is known which argument is the time. */
export function expiryOperand(client: Client, options: number, index: number): number {
  const unitMs = (options & (OPTION_EX | OPTION_EXAT)) !== 0 ? 1000 : 1;
  const isRelative = (options & (OPTION_EX | OPTION_PX)) !== 0;
  return expiryArgument(client, index, unitMs, isRelative, true);
}

/** An expiry as text; beyond 2^53 the nearest int64. */
export function expiryText(expiryMs: number): string {
  if (Number.isSafeInteger(expiryMs)) return String(expiryMs);
  const exact = BigInt(expiryMs);
  return String(exact > INT64_MAX ? INT64_MAX : exact);
}

/**
 * Whether a string, the value of `entry`, is such that IFEQ, IFNE, IFDEQ or IFDNE with an operand
 * lets the command go on. Throws if the operand cannot be a digest.
 */
export function meetsComparison(
  { db: { arena }, argv }: Client,
  entry: Ref,
  comparison: number,
  operand: number,
): boolean {
  if ((comparison & (OPTION_IFEQ | OPTION_IFNE)) !== 0) {
    return equalsArgument(arena, entry, argv, operand) === (comparison === OPTION_IFEQ);
  }
  if (argv.lengths[operand] !== DIGEST_LENGTH) throw BAD_DIGEST;
  const given = latin1Text(argv.bytes, argv.starts[operand], DIGEST_LENGTH).toLowerCase();
  return (given === digestOf(arena, entry)) === (comparison === OPTION_IFDEQ);
}

/** The digest of a string, as DIGEST replies it. */
export function digestOf(arena: Arena, entry: Ref): string {
  stringValue.read(arena, entry, view);
  return xxh3Text(view.bytes, view.start, view.length);
}

function equalsArgument(arena: Arena, entry: Ref, argv: Argv, index: number): boolean {
  const length = argv.lengths[index];
  if (stringValue.byteLength(arena, entry) !== length) return false;
  let at = argv.starts[index];
  let isEqual = true;
  stringValue.forEachChunk(arena, entry, 0, length, (bytes, start, count) => {
    isEqual &&= equalBytes(bytes, start, argv.bytes, at, count);
    at += count;
  });
  return isEqual;
}
