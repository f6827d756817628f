/**
 * `string.format`: C's printf as Lua 5.1 uses it. Integers are of 64 bits, and a double that does
 * not fit becomes what x86 makes of it; "%q" quotes a string so that Lua reads it again.
 */
import { fail, failArgument, numberArgument, textArgument, truncate } from "./lua_arguments.ts";
import { spendSteps, spendString } from "./lua_meter.ts";
import { formatExponential, formatFixedPoint, formatGeneral } from "./lua_number.ts";

interface FormatSpec {
  isLeft: boolean;
  hasPlus: boolean;
  hasSpace: boolean;
  isAlternative: boolean;
  hasZeros: boolean;
  width: number;
  /** -1 if none is given. */
  precision: number;
}

const INT32_LIMIT = 2 ** 31;

const FLAGS = "-+ #0";
/** Strings from this length are copied whole if no precision is given. */
const LONG_STRING = 100;

const SPEC = /([-+ #0]*)(\d{0,2})(?:(\.)(\d{0,2}))?/y;

/** One conversion of a format, and the text before it. */
interface FormatPiece {
  before: string;
  spec: FormatSpec;
  conversion: string;
  /** What is wrong with it, or null. */
  fault: string | null;
}

interface ParsedFormat {
  pieces: FormatPiece[];
  /** The text behind the last conversion. */
  rest: string;
}

/** Reads flags, width, precision and conversion behind a "%"; returns where they end. */
function readPiece(format: string, start: number, before: string, pieces: FormatPiece[]): number {
  SPEC.lastIndex = start;
  const match = SPEC.exec(format)!;
  const flags = match[1]!;
  const at = start + match[0].length;
  let fault: string | null = null;
  if (flags.length > FLAGS.length) fault = "invalid format (repeated flags)";
  else if (isDigit(format.charCodeAt(at))) fault = "invalid format (width or precision too long)";
  const spec = {
    isLeft: flags.includes("-"),
    hasPlus: flags.includes("+"),
    hasSpace: flags.includes(" "),
    isAlternative: flags.includes("#"),
    hasZeros: flags.includes("0"),
    width: Number(match[2]),
    precision: match[3] === undefined ? -1 : Number(match[4]),
  };
  pieces.push({ before, spec, conversion: format[at] ?? "", fault });
  return at + 1;
}

function parseFormat(format: string): ParsedFormat {
  const pieces: FormatPiece[] = [];
  let text = "";
  let from = 0;
  for (let at = format.indexOf("%"); at >= 0; at = format.indexOf("%", from)) {
    text += format.slice(from, at);
    if (format[at + 1] === "%") {
      text += "%";
      from = at + 2;
    } else {
      from = readPiece(format, at + 1, text, pieces);
      text = "";
    }
  }
  return { pieces, rest: text + format.slice(from) };
}

const FORMATS_KEPT = 128;
const FORMAT_CHARS_KEPT = 256;
const known = new Map<string, ParsedFormat>();

/** Formats used lately are kept. */
function parsedFormat(format: string): ParsedFormat {
  let parsed = known.get(format);
  if (parsed === undefined) {
    parsed = parseFormat(format);
    if (format.length <= FORMAT_CHARS_KEPT) {
      if (known.size >= FORMATS_KEPT) known.clear();
      known.set(format, parsed);
    }
  }
  return parsed;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Pads to the width: with spaces, or with zeros behind sign and prefix. */
function pad(spec: FormatSpec, prefix: string, digits: string, mayUseZeros: boolean): string {
  const missing = spec.width - prefix.length - digits.length;
  if (missing <= 0) return prefix + digits;
  if (spec.isLeft) return prefix + digits + " ".repeat(missing);
  if (mayUseZeros && spec.hasZeros) return prefix + "0".repeat(missing) + digits;
  return " ".repeat(missing) + prefix + digits;
}

function signOf(spec: FormatSpec, isNegative: boolean): string {
  return isNegative ? "-" : spec.hasPlus ? "+" : spec.hasSpace ? " " : "";
}

function withPrecision(digits: string, { precision }: FormatSpec): string {
  // C: the value 0 with precision 0 has no digits.
  if (precision === 0 && digits === "0") return "";
  return digits.padStart(precision, "0");
}

function formatSigned(spec: FormatSpec, value: number): string {
  if (spec.width === 0 && spec.precision < 0 && !spec.hasPlus && !spec.hasSpace) {
    if ((value | 0) === value) return String(value | 0);
  }
  const integer = truncate(value);
  const digits = integer >= -(2 ** 53) && integer <= 2 ** 53
    ? String(Math.abs(integer))
    : String(BigInt(integer)).replace("-", "");
  const text = withPrecision(digits, spec);
  return pad(spec, signOf(spec, integer < 0), text, spec.precision < 0);
}

/** What x86 makes of a double as an unsigned integer of 64 bits. */
export function toUnsigned(value: number): bigint {
  const limit = 2 ** 63;
  if (value !== value) return 1n << 63n;
  if (value < limit) return BigInt.asUintN(64, BigInt(truncate(value)));
  return BigInt.asUintN(64, BigInt(truncate(value - limit)) ^ (1n << 63n));
}

function formatUnsigned(spec: FormatSpec, value: number, conversion: string): string {
  const integer = toUnsigned(value);
  const base = conversion === "o" ? 8 : conversion === "u" ? 10 : 16;
  let digits = withPrecision(integer.toString(base), spec);
  let prefix = "";
  if (spec.isAlternative) {
    if (base === 8 && !digits.startsWith("0")) digits = "0" + digits;
    if (base === 16 && integer !== 0n) prefix = "0x";
  }
  const text = pad(spec, prefix, digits, spec.precision < 0);
  return conversion === "X" ? text.toUpperCase() : text;
}

function formatFloat(spec: FormatSpec, value: number, conversion: string): string {
  const precision = spec.precision < 0 ? 6 : spec.precision;
  const kind = conversion.toLowerCase();
  const make = kind === "e" ? formatExponential : kind === "f" ? formatFixedPoint : formatGeneral;
  const text = make(value, precision, spec.isAlternative);
  const isNegative = text.startsWith("-");
  const digits = isNegative ? text.slice(1) : text;
  const padded = pad(spec, signOf(spec, isNegative), digits, Number.isFinite(value));
  return conversion === kind ? padded : padded.toUpperCase();
}

/** `sprintf` of a C string: it ends at a zero. */
function formatText(spec: FormatSpec, value: string): string {
  if (spec.precision < 0 && value.length >= LONG_STRING) return value;
  const zero = value.indexOf("\0");
  let text = zero < 0 ? value : value.slice(0, zero);
  if (spec.precision >= 0) text = text.slice(0, spec.precision);
  return pad(spec, "", text, false);
}

/** A string in quotes, so that Lua reads it again. */
function quote(text: string): string {
  const escaped = text.replace(/["\\\n\r\0]/g, (char) => {
    if (char === "\r") return "\\r";
    return char === "\0" ? "\\000" : "\\" + char;
  });
  return `"${escaped}"`;
}

function formatChar(spec: FormatSpec, value: number): string {
  // x86: a double that is no 32-bit integer becomes the smallest one, whose low byte is 0.
  const code = value > -INT32_LIMIT - 1 && value < INT32_LIMIT ? Math.trunc(value) & 255 : 0;
  const text = pad(spec, "", String.fromCharCode(code), false);
  // C: the text ends at a zero.
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

function formatOne(
  spec: FormatSpec,
  conversion: string,
  args: readonly unknown[],
  at: number,
): string {
  switch (conversion) {
    case "c":
      return formatChar(spec, numberArgument(args, at));
    case "d":
    case "i":
      return formatSigned(spec, numberArgument(args, at));
    case "o":
    case "u":
    case "x":
    case "X":
      return formatUnsigned(spec, numberArgument(args, at), conversion);
    case "e":
    case "E":
    case "f":
    case "g":
    case "G":
      return formatFloat(spec, numberArgument(args, at), conversion);
    case "q":
      spendSteps(textArgument(args, at).length);
      return quote(textArgument(args, at));
    case "s":
      return formatText(spec, textArgument(args, at));
  }
  return fail(`invalid option '%${conversion}' to 'format'`);
}

/** `string.format(format, …)`. */
export function formatValues(args: readonly unknown[]): string {
  const { pieces, rest } = parsedFormat(textArgument(args, 0));
  let text = "";
  for (let i = 0; i < pieces.length; i++) {
    const { before, spec, conversion, fault } = pieces[i]!;
    if (i + 1 >= args.length) failArgument(i + 1, "no value");
    if (fault !== null) fail(fault);
    const part = formatOne(spec, conversion, args, i + 1);
    spendString(text.length + before.length + part.length);
    text += before + part;
  }
  return text + rest;
}
