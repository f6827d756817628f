/**
 * Short decimals, such as 12.5 or -0.003, added as whole numbers of their last digit's unit.
 *
 * INCRBYFLOAT adds in the 64 bits of the x87 and prints 17 decimals (long_double.ts). Where that
 * cannot but show the decimal sum itself, the sum is taken here, in doubles that hold integers:
 *
 *   a and b are read, and their sum is made, with an error of at most half a unit in bit 64 each:
 *   together less than 2^-64 × 2 × (|a| + |b|) × (1 + 2^-63). The sum of decimals with up to 17
 *   digits behind the point is a multiple of 10^-17, and printing finds it again if the error is
 *   less than half of that: if |a| + |b| < 46.1. Or there is no error at all, because both are
 *   whole numbers of 2^-n: 1200.75 + 0.5.
 */
import { readyForCopies } from "./bytes.ts";
import { INTEGER_TEXT_BYTES_MAX, writeInteger } from "./integers.ts";

const ZERO = 0x30;
const POINT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;

/** So many digits are less than 2^53, whatever they are. */
const DIGITS_MAX = 15;
/** See above. */
const SIZE_MAX = 46;

const POWERS_OF_TEN = Array.from({ length: DIGITS_MAX + 1 }, (_, power) => 10 ** power);
const POWERS_OF_FIVE = Array.from({ length: DIGITS_MAX + 1 }, (_, power) => 5 ** power);

const text = readyForCopies(new Uint8Array(2 * INTEGER_TEXT_BYTES_MAX));
/** Digits behind the point of what `shortUnits` has read last. */
let decimals = 0;

/**
 * The sum of two texts as INCRBYFLOAT prints it, or null if one of them is no short decimal, or the
 * x87 might show another one.
 */
export function addShortDecimals(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): Uint8Array<ArrayBuffer> | null {
  let first = shortUnits(a, aStart, aLength);
  const firstDecimals = decimals;
  let second = shortUnits(b, bStart, bLength);
  const places = Math.max(firstDecimals, decimals);
  first *= POWERS_OF_TEN[places - firstDecimals];
  second *= POWERS_OF_TEN[places - decimals];
  const size = Math.abs(first) + Math.abs(second);
  // NaN, if one of them is no short decimal, is not in bounds either.
  if (!(size <= Number.MAX_SAFE_INTEGER)) return null;
  if (size >= SIZE_MAX * POWERS_OF_TEN[places]) {
    const unit = POWERS_OF_FIVE[places];
    if (first % unit !== 0 || second % unit !== 0) return null;
  }
  return textOf(first + second, places);
}

/**
 * The range as a number of units of its last digit, or NaN unless it is up to 15 digits, a point
 * somewhere, and a sign, or without those. `shortDecimals` tells what the unit is.
 */
export function shortUnits(bytes: Uint8Array, start: number, length: number): number {
  decimals = 0;
  if (length === 0) return NaN;
  const end = start + length;
  const isNegative = bytes[start] === MINUS;
  const first = isNegative || bytes[start] === PLUS ? start + 1 : start;
  let digitCount = end - first;
  let units = 0;
  for (let at = first; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      units = units * 10 + digit;
    } else if (bytes[at] === POINT && digitCount === end - first) {
      decimals = end - at - 1;
      digitCount--;
    } else return NaN;
  }
  if (digitCount === 0 || digitCount > DIGITS_MAX) return NaN;
  return isNegative ? -units : units;
}

/** How many digits behind the point the text had that `shortUnits` has just read. */
export function shortDecimals(): number {
  return decimals;
}

/** A number of units of `places` decimals (up to DIGITS_MAX), without zeros at its end. */
function textOf(units: number, places: number): Uint8Array<ArrayBuffer> {
  const size = Math.abs(units);
  const scale = POWERS_OF_TEN[places];
  let whole = Math.floor(size / scale);
  // The quotient may have been rounded up to a whole number.
  if (whole * scale > size) whole--;
  let end = 0;
  if (units < 0) text[end++] = MINUS;
  end += writeInteger(whole, text, end);
  const fraction = size - whole * scale;
  if (fraction === 0) return copyOf(end);
  // The digit 1 in front, whose place the point takes, keeps the zeros behind the point.
  const point = end;
  end += writeInteger(scale + fraction, text, point);
  text[point] = POINT;
  while (text[end - 1] === ZERO) end--;
  return copyOf(end);
}

/** `text.slice(0, length)`, which takes longer for so few bytes. */
function copyOf(length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  for (let index = 0; index < length; index++) copy[index] = text[index];
  return copy;
}
