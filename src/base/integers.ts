/**
 * Integers as text, with the strictness of Redis: digits, at most one leading minus, no plus, no
 * leading zeros, no spaces, no "-0". What passes here is an integer wherever Redis says "integer":
 * INCR, the `int` encoding, entries of listpacks and intsets, option values.
 *
 * Two worlds: numbers for the range in which JavaScript is exact (every hot path), bigints for the
 * rest of int64. Nothing here throws; "not an integer" is NaN or null.
 */
import { assert } from "./assert.ts";
import { latin1Text } from "./bytes.ts";

const ZERO = 0x30;
const MINUS = 0x2d;

/** The most bytes that an int64 takes: "-9223372036854775808". */
export const INTEGER_TEXT_BYTES_MAX = 20;

/** Most digits of a number below 2^53; not every number of so many digits is. */
const SAFE_DIGITS_MAX = 16;
const INT64_DIGITS_MAX = 19;

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;
export const UINT64_MAX = 2n ** 64n - 1n;

const INT64_MAX_TEXT = "9223372036854775807";
const INT64_MIN_DIGITS = "9223372036854775808";

/** The integer that the range spells, or NaN if it is none or lies beyond ±(2^53 - 1). */
export function parseSafeInteger(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0) return NaN;
  const end = start + length;
  const isNegative = bytes[start] === MINUS;
  let i = isNegative ? start + 1 : start;
  const digitCount = end - i;
  if (digitCount === 0 || digitCount > SAFE_DIGITS_MAX) return NaN;
  let value = bytes[i]! - ZERO;
  if (value === 0) return length === 1 ? 0 : NaN;
  if (value < 0 || value > 9) return NaN;
  for (i++; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  // Sixteen digits may lie beyond 2^53, where the sum above is no longer exact but still larger.
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return isNegative ? -value : value;
}

/** Whether the range spells an integer of int64 as Redis itself would print it. */
export function isCanonicalInteger(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > INTEGER_TEXT_BYTES_MAX) return false;
  const end = start + length;
  const isNegative = bytes[start] === MINUS;
  const digitStart = isNegative ? start + 1 : start;
  const digitCount = end - digitStart;
  if (digitCount === 0 || digitCount > INT64_DIGITS_MAX) return false;
  if (bytes[digitStart] === ZERO) return length === 1;
  for (let i = digitStart; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return false;
  }
  if (digitCount < INT64_DIGITS_MAX) return true;
  const limit = isNegative ? INT64_MIN_DIGITS : INT64_MAX_TEXT;
  for (let i = 0; i < digitCount; i++) {
    const difference = bytes[digitStart + i]! - limit.charCodeAt(i);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

/** The int64 that the range spells, or null if it is none. */
export function parseInt64(bytes: Uint8Array, start: number, length: number): bigint | null {
  const value = parseSafeInteger(bytes, start, length);
  if (value === value) return BigInt(value);
  if (!isCanonicalInteger(bytes, start, length)) return null;
  return BigInt(latin1Text(bytes, start, length));
}

/**
 * The uint64 that the range spells, or null. Redis: where the strict reading fails, C's strtoull
 * decides, so that leading spaces, a plus, leading zeros and " -1" (as 2^64 - 1) pass, "-1" not.
 */
export function parseUint64(bytes: Uint8Array, start: number, length: number): bigint | null {
  const strict = parseInt64(bytes, start, length);
  if (strict !== null) return strict >= 0n ? strict : null;
  const match = /^[ \t-\r]*([-+]?)(\d+)$/.exec(latin1Text(bytes, start, length));
  if (match === null) return null;
  const value = BigInt(match[2]!);
  if (value > UINT64_MAX) return null;
  return match[1] === "-" ? BigInt.asUintN(64, -value) : value;
}

/** How many decimal digits a safe integer from 0 has; 1 for 0. */
export function decimalDigits(value: number): number {
  if (value < 1e8) {
    if (value < 1e4) return value < 100 ? (value < 10 ? 1 : 2) : (value < 1000 ? 3 : 4);
    return value < 1e6 ? (value < 1e5 ? 5 : 6) : (value < 1e7 ? 7 : 8);
  }
  let digits = 9;
  for (let limit = 1e9; value >= limit; limit *= 10) digits++;
  return digits;
}

/** Writes the lowest `digitCount` digits of `value` (below 2^31) so that they end before `end`. */
function writeDigits(value: number, digitCount: number, target: Uint8Array, end: number): void {
  let rest = value | 0;
  for (let i = end - 1; i >= end - digitCount; i--) {
    const quotient = (rest / 10) | 0;
    target[i] = ZERO + rest - quotient * 10;
    rest = quotient;
  }
}

/** Writes a safe integer as decimal text; there must be room. Returns the bytes written. */
export function writeInteger(value: number, target: Uint8Array, offset: number): number {
  assert(Number.isSafeInteger(value), "writeInteger: not a safe integer");
  let start = offset;
  let rest = value;
  if (rest < 0) {
    target[start++] = MINUS;
    rest = -rest;
  }
  const digitCount = decimalDigits(rest);
  const end = start + digitCount;
  let blockEnd = end;
  // Eight digits at a time, so that the divisions by ten are those of small integers.
  while (rest >= 1e8) {
    const upper = Math.floor(rest / 1e8);
    writeDigits(rest - upper * 1e8, 8, target, blockEnd);
    blockEnd -= 8;
    rest = upper;
  }
  writeDigits(rest, blockEnd - start, target, blockEnd);
  return end - offset;
}

/** Writes any bigint as decimal text; there must be room. Returns the bytes written. */
export function writeBigInteger(value: bigint, target: Uint8Array, offset: number): number {
  const text = value.toString();
  for (let i = 0; i < text.length; i++) target[offset + i] = text.charCodeAt(i);
  return text.length;
}
