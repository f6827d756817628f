/**
 * Numbers as text, both ways, as Lua 5.1 on C's strtod and printf: "0x10" and " 5e3 " are numbers,
 * 0.1 prints as 0.1 (fourteen digits). Where a value lies exactly between two decimals, JavaScript
 * prints the larger one, C the even one.
 *
 * A NaN prints as "-nan": what x86 makes of 0/0. JavaScript does not keep its sign.
 */
import { latin1Bytes } from "../base/bytes.ts";
import { formatFixed, parseAsStrtod } from "../base/doubles.ts";
import { spendSteps } from "./lua_meter.ts";

const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const NOT_A_NUMBER = /^[-+]?nan(?:\([0-9a-z_]*\))?$/i;

/** Digits beyond the precision by which an exact half is told from a near one. */
const TIE_DIGITS = 30;
const DIGITS_MAX = 100;

/** Significant digits of Lua's own number format, "%.14g". */
const PRECISION = 14;

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** The text without C's white space at both ends and without what follows a zero. */
export function trimSpaces(text: string): string {
  const zero = text.indexOf("\0");
  let end = zero < 0 ? text.length : zero;
  let start = 0;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The number that a text means to Lua, or undefined if it means none. */
export function parseLuaNumber(text: string): number | undefined {
  spendSteps(text.length >>> 2);
  const trimmed = trimSpaces(text);
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  if (NOT_A_NUMBER.test(trimmed)) return NaN;
  const bytes = latin1Bytes(trimmed);
  if (bytes.length === 0) return undefined;
  const value = parseAsStrtod(bytes, 0, bytes.length, true);
  return Number.isNaN(value) ? undefined : value;
}

/** A number as Lua prints it: C's "%.14g". */
export function formatNumber(value: number): string {
  if (value === Math.trunc(value) && value < 1e14 && value > -1e14) {
    return value === 0 && 1 / value < 0 ? "-0" : String(value);
  }
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e14) {
    const shortest = String(size);
    // Fourteen digits or fewer and the point: no rounding, and no exponent.
    if (shortest.length <= PRECISION + 1) return value < 0 ? "-" + shortest : shortest;
  }
  return formatGeneral(value, PRECISION, false);
}

/** "inf", "-inf" or "-nan"; null for a finite number. */
export function formatNonFinite(value: number): string | null {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Number.isNaN(value) ? "-nan" : null;
}

/** Is the text of digits, with one more than wanted, exactly half way between two shorter ones? */
function endsInHalf(withOneMore: string, withMany: string): boolean {
  if (!withOneMore.endsWith("5")) return false;
  return withMany.startsWith(withOneMore) && /^0*$/.test(withMany.slice(withOneMore.length));
}

/** Digits and exponent of a finite number not below 0, rounded to `count` digits as C does. */
export function significantDigits(
  value: number,
  count: number,
): { digits: string; exponent: number } {
  const split = (places: number) => value.toExponential(Math.min(places, DIGITS_MAX)).split("e");
  const plain = (mantissa: string) => mantissa.replace(".", "");
  const [mantissa, exponent] = split(count - 1);
  const digits = plain(mantissa!);
  if (count < DIGITS_MAX) {
    const longer = plain(split(count)[0]!);
    if (endsInHalf(longer, plain(split(count + TIE_DIGITS)[0]!))) {
      const cut = longer.slice(0, -1);
      if (Number(cut.at(-1)) % 2 === 0) return { digits: cut, exponent: Number(split(count)[1]) };
    }
  }
  return { digits, exponent: Number(exponent) };
}

function exponentText(exponent: number): string {
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return (exponent < 0 ? "e-" : "e+") + digits;
}

/** C's "%.<precision>e"; `keepsPoint` is the flag "#". */
export function formatExponential(value: number, precision: number, keepsPoint: boolean): string {
  const special = formatNonFinite(value);
  if (special !== null) return special;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const { digits, exponent } = significantDigits(Math.abs(value), precision + 1);
  const point = precision > 0 || keepsPoint ? "." : "";
  return sign + digits[0] + point + digits.slice(1) + exponentText(exponent);
}

/** C's "%.<precision>f"; exact at any size. */
export function formatFixedPoint(value: number, precision: number, keepsPoint: boolean): string {
  const special = formatNonFinite(value);
  if (special !== null) return special;
  return formatFixed(value, precision) + (precision === 0 && keepsPoint ? "." : "");
}

/** C's "%.<precision>g"; `keepsZeros` is the flag "#". */
export function formatGeneral(value: number, precision: number, keepsZeros: boolean): string {
  const special = formatNonFinite(value);
  if (special !== null) return special;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const count = precision === 0 ? 1 : precision;
  const { digits, exponent } = significantDigits(Math.abs(value), count);
  let whole: string;
  let fraction: string;
  const isExponential = exponent < -4 || exponent >= count;
  if (isExponential) {
    whole = digits[0]!;
    fraction = digits.slice(1);
  } else if (exponent < 0) {
    whole = "0";
    fraction = "0".repeat(-exponent - 1) + digits;
  } else {
    whole = digits.slice(0, exponent + 1);
    fraction = digits.slice(exponent + 1);
  }
  if (!keepsZeros) fraction = fraction.replace(/0+$/, "");
  const point = fraction !== "" || keepsZeros ? "." : "";
  return sign + whole + point + fraction + (isExponential ? exponentText(exponent) : "");
}
