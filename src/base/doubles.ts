/**
 * Doubles as text, exactly as C's strtod reads and printf prints them, because Redis shows its
 * users what they do: `0.1` as a score comes back as 0.10000000000000001. (From 7.2 on it shows the
 * shortest digits that mean the same double: `formatDoubleShort`.)
 *
 * The digits come from JavaScript's own exact conversions; what is left to do here is C's grammar
 * (infinities, hexadecimal floats), C's layout of %g, and one difference in rounding: when a value
 * lies exactly between two decimals, JavaScript prints the larger one, C the even one.
 */
import { equalsIgnoreCase, latin1Text } from "./bytes.ts";
import { parseSafeInteger } from "./integers.ts";

/** Whole numbers up to this size are shown with all their digits by `formatDoubleShort`. */
const WHOLE_MAX = 2 ** 62;
/** A whole number beyond may end in so many zeros that are none of its significant digits. */
const ZEROS_MAX = 7;
/** Below, digits stand behind the point, zeros before them; but see `formatDoubleShort`. */
const DECIMALS_MAX = 7;

/** Significant digits of "%.17g". */
const PRECISION = 17;

/** Bits of a double's significand, and the exponent of its lowest bit in the smallest numbers. */
const DOUBLE_BITS = 53;
const DOUBLE_EXPONENT_MIN = -1074;
const DOUBLE_EXPONENT_MAX = 971;

/** The parts of a number's text, before rounding: ±digits × radix^scale. */
export interface NumberText {
  isNegative: boolean;
  isHexadecimal: boolean;
  isInfinite: boolean;
  /** The digits without the point. */
  digits: string;
  /** Decimal: power of ten behind the digits. Hexadecimal: power of two. */
  scale: number;
}

const DECIMAL = /^(\d*)(?:\.(\d*))?(?:e([-+]?\d+))?$/i;
const HEXADECIMAL = /^0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([-+]?\d+))?$/i;

/**
 * Takes the range apart as strtod and strtold would, or returns null if they would not use up all
 * of it, or if it begins with a space. NaN is refused, as Redis refuses it.
 */
export function scanNumber(bytes: Uint8Array, start: number, length: number): NumberText | null {
  let first = start;
  let isNegative = false;
  if (length > 0 && (bytes[start] === 0x2d || bytes[start] === 0x2b)) {
    isNegative = bytes[start] === 0x2d;
    first++;
  }
  const rest = start + length - first;
  if (
    equalsIgnoreCase(bytes, first, rest, "inf") || equalsIgnoreCase(bytes, first, rest, "infinity")
  ) {
    return { isNegative, isHexadecimal: false, isInfinite: true, digits: "", scale: 0 };
  }
  const text = latin1Text(bytes, first, rest);
  const hexadecimal = HEXADECIMAL.exec(text);
  const match = hexadecimal ?? DECIMAL.exec(text);
  if (match === null) return null;
  const fraction = match[2] ?? "";
  const digits = match[1]! + fraction;
  if (digits === "") return null;
  const isHexadecimal = hexadecimal !== null;
  const scale = Number(match[3] ?? "0") - fraction.length * (isHexadecimal ? 4 : 1);
  return { isNegative, isHexadecimal, isInfinite: false, digits, scale };
}

const doubleCell = new Float64Array(1);
const doubleWords = new Uint32Array(doubleCell.buffer);

/** Number of bits of a bigint that is not negative; 0 for 0. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  doubleCell[0] = Number(value);
  if (doubleCell[0] === Infinity) {
    const hexadecimal = value.toString(16);
    return hexadecimal.length * 4 - (Math.clz32(parseInt(hexadecimal.charAt(0), 16)) - 28);
  }
  const bits = (doubleWords[1] >>> 20) - 1022;
  // A power of two may have been made by rounding up, and has one bit more then.
  const isPower = doubleWords[0] === 0 && (doubleWords[1] & 0xfffff) === 0;
  return isPower && value >> BigInt(bits - 1) === 0n ? bits - 1 : bits;
}

/** value / 2^shift (shift from 0), rounded to nearest, ties to even. */
export function shiftRightRounded(value: bigint, shift: number): bigint {
  if (shift === 0) return value;
  const quotient = value >> BigInt(shift);
  const rest = value - (quotient << BigInt(shift));
  const half = 1n << BigInt(shift - 1);
  if (rest > half || (rest === half && (quotient & 1n) === 1n)) return quotient + 1n;
  return quotient;
}

/**
 * Hexadecimal digits × 2^scale as an integer with the same rounding: digits beyond the precision of
 * any float are folded into one bit that says "there was more", so that long texts cost nothing.
 */
export function hexadecimalParts(text: NumberText): { mantissa: bigint; exponent: number } {
  const significant = text.digits.replace(/^0+/, "");
  const kept = significant.slice(0, 32);
  const dropped = significant.slice(32);
  let mantissa = kept === "" ? 0n : BigInt("0x" + kept);
  mantissa = (mantissa << 1n) | (/[^0]/.test(dropped) ? 1n : 0n);
  return { mantissa, exponent: text.scale + dropped.length * 4 - 1 };
}

/** mantissa × 2^exponent as the nearest double; Infinity when it is too large. */
function nearestDouble(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = bitLength(mantissa);
  if (bits + exponent > DOUBLE_EXPONENT_MAX + DOUBLE_BITS) return Infinity;
  const shift = Math.max(bits - DOUBLE_BITS, DOUBLE_EXPONENT_MIN - exponent);
  if (shift > bits + 1) return 0;
  const rounded = shift > 0 ? shiftRightRounded(mantissa, shift) : mantissa;
  const power = shift > 0 ? exponent + shift : exponent;
  // Two factors, because 2^1023 × 2^-1074 and the like do not fit into one.
  const half = Math.trunc(power / 2);
  return Number(rounded) * 2 ** half * 2 ** (power - half);
}

/**
 * The double that the range spells, or NaN if Redis would call it "not a valid float": NaN itself,
 * spaces, trailing junk, an empty text, and what is too large or too small for a double.
 */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
  const integer = parseSafeInteger(bytes, start, length);
  if (integer === integer) return integer;
  const text = scanNumber(bytes, start, length);
  if (text === null) return NaN;
  if (text.isInfinite) return text.isNegative ? -Infinity : Infinity;
  if (!/[^0]/.test(text.digits)) return text.isNegative ? -0 : 0;
  let value: number;
  if (text.isHexadecimal) {
    const { mantissa, exponent } = hexadecimalParts(text);
    value = nearestDouble(mantissa, exponent);
  } else value = Number(`${text.digits}e${text.scale}`);
  if (value === Infinity || value === 0) return NaN;
  return text.isNegative ? -value : value;
}

/**
 * The double that C's strtod alone makes of the range, where Redis asks nobody else: leading spaces
 * pass, a zero byte ends the text, and an empty text is 0. NaN if something is left over. What is
 * too large or too small becomes infinite or zero if it `saturates`, or else NaN.
 */
export function parseAsStrtod(
  bytes: Uint8Array,
  start: number,
  length: number,
  saturates: boolean,
): number {
  const integer = parseSafeInteger(bytes, start, length);
  if (integer === integer) return integer;
  const zero = bytes.subarray(start, start + length).indexOf(0);
  const end = start + (zero < 0 ? length : zero);
  if (end === start) return 0;
  let first = start;
  while (first < end && (bytes[first] === 0x20 || (bytes[first]! >= 9 && bytes[first]! <= 13))) {
    first++;
  }
  const number = parseDouble(bytes, first, end - first);
  if (number === number || !saturates) return number;
  const text = scanNumber(bytes, first, end - first);
  if (text === null) return NaN;
  // Beyond both ends it is enough to know on which side of 1 it lies.
  const digitCount = text.digits.replace(/^0+/, "").length * (text.isHexadecimal ? 4 : 1);
  const size = digitCount + text.scale > 0 ? Infinity : 0;
  return text.isNegative ? -size : size;
}

/**
 * Whether `value` lies exactly between two neighbours of `decimals` digits after the point (from
 * 0): then and only then it is an odd number of half units, and times 2^(decimals + 1) an odd
 * integer, because a double has no factor 1/5 in it.
 */
function isTie(value: number, decimals: number): boolean {
  const scaled = Math.abs(value) * 2 ** (decimals + 1);
  return Number.isInteger(scaled) && scaled % 2 === 1;
}

/** Undoes JavaScript's rounding of a tie to the larger decimal where the even one is smaller. */
function roundTieToEven(digits: string): string {
  const final = digits.charCodeAt(digits.length - 1) - 0x30;
  return final % 2 === 0 ? digits : digits.slice(0, -1) + (final - 1);
}

function formatSpecial(value: number): string {
  if (value === Infinity) return "inf";
  return value === -Infinity ? "-inf" : "nan";
}

/** C's "%.17g": up to 17 significant digits, no trailing zeros; "inf", "-inf", "nan". */
export function formatDouble17(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isFinite(value)) return formatSpecial(value);
  const text = Math.abs(value).toExponential(PRECISION - 1);
  const exponentAt = text.indexOf("e");
  const exponent = Number(text.slice(exponentAt + 1));
  const decimals = PRECISION - 1 - exponent;
  let digits = text.charAt(0) + text.slice(2, exponentAt);
  // Beyond 2^53 an exact tie would need an odd part of more bits than a double has.
  if (decimals >= 0 && isTie(value, decimals)) digits = roundTieToEven(digits);
  digits = digits.replace(/0+$/, "");
  const sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= PRECISION) {
    const fraction = digits.length > 1 ? "." + digits.slice(1) : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, "0");
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/**
 * A double as replies of Redis 7.2 and later show it: by the fewest digits that mean it, without an
 * exponent unless the number is very large or small; "inf", "-inf", "nan".
 */
export function formatDoubleShort(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  if (Object.is(value, -0)) return "-0";
  if (Number.isInteger(value) && Math.abs(value) <= WHOLE_MAX) return BigInt(value).toString();
  const sign = value < 0 ? "-" : "";
  const [mantissa, exponentText] = Math.abs(value).toExponential().split("e") as [string, string];
  const digits = mantissa.replace(".", "");
  const exponent = Number(exponentText);
  const size = Math.abs(exponent);
  /** Power of ten behind the digits. */
  const scale = exponent - digits.length + 1;
  if (scale >= 0 && size < digits.length + ZEROS_MAX) return sign + digits + "0".repeat(scale);
  if (scale < 0 && (scale > -DECIMALS_MAX || size < 4)) {
    if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
    return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  }
  return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
}

/**
 * A score as ZSCORE and all replies of doubles show it, in RESP2 and RESP3 alike: "%.17g", with
 * "inf" and "-inf". (Redis shows a score of -0 as "0" where a listpack made it the integer 0.)
 */
export function formatScore(value: number): string {
  return formatDouble17(value);
}

/** C's "%.<decimals>f", for 0 to 100 decimals (GEODIST: 4). */
export function formatFixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  const size = Math.abs(value);
  let text: string;
  if (size >= 1e21) {
    text = BigInt(size).toString() + (decimals > 0 ? "." + "0".repeat(decimals) : "");
  } else {
    text = size.toFixed(decimals);
    if (isTie(size, decimals)) text = roundTieToEven(text);
  }
  return value < 0 || Object.is(value, -0) ? "-" + text : text;
}

/** Text of "%.17f" without its trailing zeros, and "0" for "-0": what Redis calls human. */
export function trimHuman(text: string): string {
  let trimmed = text;
  if (text.includes(".")) {
    let end = text.length;
    while (text.charCodeAt(end - 1) === 0x30) end--;
    if (text.charCodeAt(end - 1) === 0x2e) end--;
    trimmed = text.slice(0, end);
  }
  return trimmed === "-0" ? "0" : trimmed;
}

/** A double as GEOPOS shows a coordinate: "%.17f", human. */
export function formatHuman(value: number): string {
  return trimHuman(formatFixed(value, 17));
}
