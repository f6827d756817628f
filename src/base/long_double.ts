/**
 * The x87's 80-bit floating point numbers, as far as INCRBYFLOAT and HINCRBYFLOAT need them: read,
 * add, print. Redis computes these commands in C's `long double`, and its 64-bit significand shows
 * in the result: 3.0e3 + 200.1 is 3200.1, and 100.1 + 0.2 may differ from any double in digit 17.
 * The results become values that clients compare and that replicas repeat, so they must be equal
 * to the last digit.
 *
 *   value = ±mantissa × 2^exponent;  0 <= mantissa < 2^64;  -16445 <= exponent <= 16320
 *
 * Mantissas are bigints, rounded to nearest with ties to even as the hardware does. Sums of safe
 * integers are left to doubles, where both are exact, and so are those of short_decimal.ts. Not a
 * general arithmetic.
 */
import { latin1Bytes } from "./bytes.ts";
import {
  bitLength,
  hexadecimalParts,
  type NumberText,
  scanNumber,
  shiftRightRounded,
  trimHuman,
} from "./doubles.ts";
import { parseSafeInteger } from "./integers.ts";
import { addShortDecimals, shortDecimals, shortUnits } from "./short_decimal.ts";

const MANTISSA_BITS = 64;
const EXPONENT_MIN = -16445;
const EXPONENT_MAX = 16320;

/** Decimal exponents beyond these are out of range whatever the digits. */
const DECIMAL_EXPONENT_MAX = 5000;
const DECIMAL_EXPONENT_MIN = -5100;

/** Redis reads at most so many bytes as a number. */
const TEXT_BYTES_MAX = 5 * 1024 - 1;

const DECIMALS = 17;

/** Immutable. `mantissa` carries the sign; an infinity has `isInfinite` and mantissa ±1. */
export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly isInfinite: boolean;
}

export const ZERO: LongDouble = { mantissa: 0n, exponent: 0, isInfinite: false };
/** The largest that is finite. */
export const LARGEST_LONG_DOUBLE: LongDouble = {
  mantissa: 2n ** BigInt(MANTISSA_BITS) - 1n,
  exponent: EXPONENT_MAX,
  isInfinite: false,
};

function infinity(isNegative: boolean): LongDouble {
  return { mantissa: isNegative ? -1n : 1n, exponent: 0, isInfinite: true };
}

const powersOfTen = Array.from({ length: 64 }, (_, power) => 10n ** BigInt(power));

function powerOfTen(power: number): bigint {
  return powersOfTen[power] ?? 10n ** BigInt(power);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/**
 * mantissa × 2^exponent, rounded to 64 bits. `hasMore` says that the exact value is a little larger
 * in size than given; the mantissa must then have at least two bits more than will be kept.
 */
function round(mantissa: bigint, exponent: number, hasMore: boolean): LongDouble {
  const isNegative = mantissa < 0n;
  let size = absolute(mantissa);
  let power = exponent;
  if (hasMore) {
    size = (size << 1n) | 1n;
    power--;
  }
  if (size === 0n) return ZERO;
  const bits = bitLength(size);
  const shift = Math.max(bits - MANTISSA_BITS, EXPONENT_MIN - power);
  if (shift > 0) {
    size = shift > bits + 1 ? 0n : shiftRightRounded(size, shift);
    power += shift;
  }
  if (size === 0n) return ZERO;
  if (bitLength(size) + power > EXPONENT_MAX + MANTISSA_BITS) return infinity(isNegative);
  return { mantissa: isNegative ? -size : size, exponent: power, isInfinite: false };
}

/** digits × 10^scale as the nearest long double. */
function fromDecimal(digits: string, scale: number): LongDouble {
  let zeros = 0;
  while (digits.charCodeAt(zeros) === 0x30) zeros++;
  if (zeros === digits.length) return ZERO;
  const significant = digits.slice(zeros);
  const magnitude = significant.length + scale;
  if (magnitude > DECIMAL_EXPONENT_MAX) return infinity(false);
  if (magnitude < DECIMAL_EXPONENT_MIN) return ZERO;
  return fromScaled(BigInt(significant), scale);
}

/** integer × 10^scale, for an integer from 1. */
function fromScaled(integer: bigint, scale: number): LongDouble {
  if (scale >= 0) return round(integer * powerOfTen(scale), 0, false);
  const divisor = powerOfTen(-scale);
  // So many bits more that the quotient has all that are kept and some beyond.
  const shift = Math.max(0, bitLength(divisor) - bitLength(integer) + MANTISSA_BITS + 3);
  const dividend = integer << BigInt(shift);
  const quotient = dividend / divisor;
  return round(quotient, -shift, quotient * divisor !== dividend);
}

function fromText(text: NumberText): LongDouble {
  if (text.isInfinite) return infinity(false);
  if (!text.isHexadecimal) return fromDecimal(text.digits, text.scale);
  const { mantissa, exponent } = hexadecimalParts(text);
  if (mantissa === 0n) return ZERO;
  // Far out of range either way: no need to shift by billions of bits.
  if (exponent > 2 * EXPONENT_MAX) return infinity(false);
  if (exponent < 2 * EXPONENT_MIN) return ZERO;
  return round(mantissa, exponent, false);
}

/**
 * The long double that the range spells, infinities included, or null if Redis would call it "not a
 * valid float": NaN, spaces, junk, too long, and finite texts too large or too small.
 */
export function parseLongDouble(
  bytes: Uint8Array,
  start: number,
  length: number,
): LongDouble | null {
  if (length === 0 || length > TEXT_BYTES_MAX) return null;
  const units = shortUnits(bytes, start, length);
  if (units === 0) return ZERO;
  if (units === units) {
    const value = fromScaled(BigInt(Math.abs(units)), -shortDecimals());
    return units < 0 ? negated(value) : value;
  }
  const text = scanNumber(bytes, start, length);
  if (text === null) return null;
  const value = fromText(text);
  if (value.isInfinite && !text.isInfinite) return null;
  if (value.mantissa === 0n && /[^0]/.test(text.digits)) return null;
  return text.isNegative ? { ...value, mantissa: -value.mantissa } : value;
}

/** Every int64 is a long double. */
export function fromBigInteger(value: bigint): LongDouble {
  return round(value, 0, false);
}

/** The number with the other sign. */
export function negated(number: LongDouble): LongDouble {
  return { ...number, mantissa: -number.mantissa };
}

/** The sum, rounded once; null if it is not a number (opposite infinities). */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  if (a.isInfinite || b.isInfinite) {
    if (a.isInfinite && b.isInfinite && a.mantissa !== b.mantissa) return null;
    return a.isInfinite ? a : b;
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const first = a.mantissa << BigInt(a.exponent - exponent);
  const second = b.mantissa << BigInt(b.exponent - exponent);
  return round(first + second, exponent, false);
}

/** "%.17Lf" without trailing zeros and without "-0": what Redis stores and replies. */
export function formatLongDouble(value: LongDouble): string {
  if (value.isInfinite) return value.mantissa < 0n ? "-inf" : "inf";
  const scaled = absolute(value.mantissa) * powerOfTen(DECIMALS);
  const units = value.exponent >= 0
    ? scaled << BigInt(value.exponent)
    : shiftRightRounded(scaled, -value.exponent);
  const digits = units.toString().padStart(DECIMALS + 1, "0");
  const point = digits.length - DECIMALS;
  const sign = value.mantissa < 0n ? "-" : "";
  return trimHuman(`${sign}${digits.slice(0, point)}.${digits.slice(point)}`);
}

/**
 * What INCRBYFLOAT makes of two texts: the sum as text, or null if it is infinite or not a number,
 * or if `parseLongDouble` refuses one of the texts.
 */
export function addFloatTexts(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): Uint8Array | null {
  const sum = parseSafeInteger(a, aStart, aLength) + parseSafeInteger(b, bStart, bLength);
  // NaN, if one of them is no integer, is not safe either.
  if (Number.isSafeInteger(sum)) return latin1Bytes(String(sum));
  const shortSum = addShortDecimals(a, aStart, aLength, b, bStart, bLength);
  if (shortSum !== null) return shortSum;
  const first = parseLongDouble(a, aStart, aLength);
  const second = parseLongDouble(b, bStart, bLength);
  if (first === null || second === null) return null;
  const total = addLongDoubles(first, second);
  return total === null || total.isInfinite ? null : latin1Bytes(formatLongDouble(total));
}
