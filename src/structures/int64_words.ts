/**
 * 64-bit integers as two 32-bit words: what listpack and intset store, parsed from decimal text and
 * printed back without loss and without BigInt, which would put an object on the heap per element
 * (ids of 18 digits are what many sets are made of).
 *
 * What counts as an integer is decided by base/integers.ts: text that printing gives back
 * unchanged.
 */
import type { Slice } from "../base/bytes.ts";
import {
  INTEGER_TEXT_BYTES_MAX,
  isCanonicalInteger,
  parseSafeInteger,
  writeInteger,
} from "../base/integers.ts";

const WORD_COUNT = 4294967296;
const ZERO = 48;
const MINUS = 45;
const BILLION = 1000000000;
/** Text of fewer characters spells a safe integer or none. */
const UNSAFE_TEXT_BYTES_MIN = 16;

/** A signed 64-bit integer: `high` signed, `low` any 32 bits. A mutable out-parameter. */
export class Int64 {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  /** Takes a safe integer. */
  setNumber(value: number): void {
    this.high = Math.floor(value / WORD_COUNT) | 0;
    this.low = value | 0;
  }

  /** The integer as a number if it is a safe one, else NaN. */
  toNumber(): number {
    const value = this.high * WORD_COUNT + (this.low >>> 0);
    return Number.isSafeInteger(value) ? value : NaN;
  }

  /** The integer as a BigInt, whatever its size. */
  toBigInt(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }
}

/** Reads canonical decimal text into `out`; false, and `out` unchanged, if it is anything else. */
export function parse(bytes: Uint8Array, start: number, length: number, out: Int64): boolean {
  if (length > INTEGER_TEXT_BYTES_MAX) return false;
  const value = parseSafeInteger(bytes, start, length);
  if (value === value) {
    out.setNumber(value);
    return true;
  }
  if (length < UNSAFE_TEXT_BYTES_MIN || !isCanonicalInteger(bytes, start, length)) return false;
  parseUnsafe(bytes, start, length, out);
  return true;
}

/** The upper digits and the lowest nine are read apart and joined in pieces of 16 bits. */
function parseUnsafe(bytes: Uint8Array, start: number, length: number, out: Int64): void {
  const isNegative = bytes[start] === MINUS;
  const end = start + length;
  const boundary = end - 9;
  let upper = 0;
  let lower = 0;
  let at = isNegative ? start + 1 : start;
  for (; at < boundary; at++) upper = upper * 10 + bytes[at] - ZERO;
  for (; at < end; at++) lower = lower * 10 + bytes[at] - ZERO;
  const middle = Math.floor(upper / 65536) * BILLION;
  const bottom = (middle % 65536) * 65536 + (upper % 65536) * BILLION + lower;
  const low = (bottom % WORD_COUNT) | 0;
  const high = Math.floor(middle / 65536) + Math.floor(bottom / WORD_COUNT);
  if (isNegative) out.set(low === 0 ? -high : ~high, -low);
  else out.set(high, low);
}

/** Writes the integer as decimal text; there must be room for 20 bytes. Returns bytes written. */
export function format(high: number, low: number, target: Uint8Array, start: number): number {
  if (high === low >> 31) return writeInteger(low, target, start);
  let upper = high >>> 0;
  let lower = low >>> 0;
  let at = start;
  if (high < 0) {
    lower = -low >>> 0;
    upper = (low === 0 ? -high : ~high) >>> 0;
    target[at++] = MINUS;
  }
  // Long division by 10^9 in pieces of 16 bits, so that no intermediate result is inexact.
  let quotient = Math.floor(upper / BILLION);
  let rest = (upper % BILLION) * 65536 + (lower >>> 16);
  quotient = quotient * 65536 + Math.floor(rest / BILLION);
  rest = (rest % BILLION) * 65536 + (lower & 0xffff);
  quotient = quotient * 65536 + Math.floor(rest / BILLION);
  rest %= BILLION;
  at += writeInteger(quotient, target, at);
  for (let index = at + 8; index >= at; index--) {
    const tenth = (rest / 10) | 0;
    target[index] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + 9 - start;
}

/** Points `out` at the integer's decimal text in its own room: good until `out` is filled again. */
export function readText(integer: Int64, out: Slice): void {
  const room = out.room();
  out.set(room, 0, format(integer.high, integer.low, room, 0));
}

/** Order of two integers: negative, 0 or positive. */
export function compare(
  aHigh: number,
  aLow: number,
  bHigh: number,
  bLow: number,
): number {
  return aHigh !== bHigh ? aHigh - bHigh : (aLow >>> 0) - (bLow >>> 0);
}
