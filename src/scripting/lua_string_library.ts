/**
 * The string library, and the metatable by which strings have methods.
 *
 * Strings are Latin-1: a char is a byte. Patterns are in lua_pattern and lua_matcher, `format` in
 * lua_format.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import {
  fail,
  failArgument,
  failExpected,
  intArgument,
  integerArgument,
  optionalInt,
  optionalInteger,
  textArgument,
} from "./lua_arguments.ts";
import { STACK_VALUES_MAX } from "./lua_base_library.ts";
import { callValue, firstOf, resultFrom } from "./lua_calls.ts";
import { formatValues } from "./lua_format.ts";
import { LuaMatcher } from "./lua_matcher.ts";
import { meter, notEnoughMemory, settleString, spendSteps, spendString } from "./lua_meter.ts";
import { formatNumber } from "./lua_number.ts";
import { index } from "./lua_operators.ts";
import { readPattern } from "./lua_pattern.ts";
import { LuaTable } from "./lua_table.ts";
import { searchText } from "./lua_text_search.ts";
import { type LuaFunction, makeLibrary, NO_VALUES, typeName } from "./lua_value.ts";

/** Characters that make a pattern of a text. */
const SPECIAL = /[\^$*+?.([%-]/;

/** A position counted from the end if negative; 0 if it is before the start. */
function relative(position: number, length: number): number {
  const absolute = position < 0 ? position + length + 1 : position;
  return absolute >= 0 ? absolute : 0;
}

const byte: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  const given = optionalInteger(args, 1, 1);
  let from = relative(given, text.length);
  let to = relative(optionalInteger(args, 2, from), text.length);
  if (from <= 0) from = 1;
  if (to > text.length) to = text.length;
  if (from > to) return NO_VALUES;
  if (from === to) return text.charCodeAt(from - 1);
  const count = to - from + 1;
  if (count + args.length > STACK_VALUES_MAX) fail("stack overflow (string slice too long)");
  spendSteps(count >>> 2);
  const codes: number[] = [];
  for (let i = from; i <= to; i++) codes.push(text.charCodeAt(i - 1));
  return codes;
};

const char: LuaFunction = (...args) => {
  let text = "";
  for (let i = 0; i < args.length; i++) {
    const code = intArgument(args, i);
    if (code < 0 || code > 255) failArgument(i, "invalid value");
    text += String.fromCharCode(code);
  }
  return text;
};

const sub: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  let from = relative(integerArgument(args, 1), text.length);
  let to = relative(optionalInteger(args, 2, -1), text.length);
  if (from < 1) from = 1;
  if (to > text.length) to = text.length;
  return from > to ? "" : text.slice(from - 1, to);
};

const rep: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  const count = intArgument(args, 1);
  if (count <= 0 || text === "") return "";
  spendString(text.length * count);
  return settleString(text.repeat(count));
};

const reverse: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  spendString(text.length);
  const bytes = latin1Bytes(text).reverse();
  return latin1Text(bytes, 0, bytes.length);
};

const BEYOND_ASCII = /[\x80-\xff]/;
const UPPER_LETTERS = /[A-Z]+/g;
const LOWER_LETTERS = /[a-z]+/g;

const PIECE_CHARS = 16 * 1024;
/** Below this many chars a loop is quicker than an expression. */
const SHORT_CHARS_MAX = 48;

function isAscii(text: string): boolean {
  if (text.length > SHORT_CHARS_MAX) return !BEYOND_ASCII.test(text);
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** Piece by piece, since others may have to be served meanwhile. */
function replaceLetters(
  text: string,
  letters: RegExp,
  replacement: (letters: string) => string,
): string {
  let result = "";
  for (let at = 0; at < text.length; at += PIECE_CHARS) {
    const piece = text.slice(at, at + PIECE_CHARS);
    spendSteps(piece.length);
    result += piece.replace(letters, replacement);
  }
  return settleString(result);
}

/** Only ASCII letters have two cases: the C locale. */
const lower: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  spendString(text.length);
  if (isAscii(text)) return text.toLowerCase();
  return replaceLetters(text, UPPER_LETTERS, (letters) => letters.toLowerCase());
};

const upper: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  spendString(text.length);
  if (isAscii(text)) return text.toUpperCase();
  return replaceLetters(text, LOWER_LETTERS, (letters) => letters.toUpperCase());
};

/** Has the pattern no special characters? As in C, only up to its first zero. */
function isPlain(pattern: string): boolean {
  const zero = pattern.indexOf("\0");
  return !SPECIAL.test(zero < 0 ? pattern : pattern.slice(0, zero));
}

function findOrMatch(args: readonly unknown[], isFind: boolean): unknown {
  const text = textArgument(args, 0);
  const pattern = textArgument(args, 1);
  let start = relative(optionalInteger(args, 2, 1), text.length) - 1;
  if (start < 0) start = 0;
  else if (start > text.length) start = text.length;
  const isForced = args[3] !== undefined && args[3] !== false;
  if (isFind && (isForced || isPlain(pattern))) {
    const at = searchText(text, pattern, start);
    return at < 0 ? undefined : [at + 1, at + pattern.length];
  }
  const isAnchored = pattern.charCodeAt(0) === 94;
  const matcher = new LuaMatcher(text, readPattern(pattern, isAnchored ? 1 : 0));
  let at = start;
  let end: number;
  if (isAnchored) {
    end = matcher.matchAt(at);
    if (end < 0) return undefined;
  } else {
    at = matcher.find(start);
    if (at < 0) return undefined;
    end = matcher.end;
  }
  if (!isFind) return resultFrom(matcher.captures(at, end));
  return matcher.captureCount === 0 ? [at + 1, end] : [at + 1, end, ...matcher.captures(at, end)];
}

const gmatch: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  const matcher = new LuaMatcher(text, readPattern(textArgument(args, 1), 0));
  let from = 0;
  const step: LuaFunction = () => {
    const at = from <= text.length ? matcher.find(from) : -1;
    if (at < 0) {
      from = text.length + 1;
      return NO_VALUES;
    }
    const { end } = matcher;
    from = end === at ? end + 1 : end;
    return resultFrom(matcher.captures(at, end));
  };
  step.isNative = true;
  return step;
};

/** What one match is replaced by. */
type Replacement = (matcher: LuaMatcher, start: number, end: number) => unknown;

/** The text of `gsub` with "%1" and the like in it. */
function textReplacement(text: string): Replacement {
  if (!text.includes("%")) return () => text;
  return (matcher, start, end) => {
    let result = "";
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== "%") {
        result += text[i];
        continue;
      }
      // C: behind a "%" at the end there is a zero.
      const code = ++i < text.length ? text.charCodeAt(i) : 0;
      if (code === 48) result += matcher.subject.slice(start, end);
      else if (code > 48 && code <= 57) {
        const value = matcher.capture(code - 49, start, end);
        result += typeof value === "number" ? formatNumber(value) : value;
      } else result += String.fromCharCode(code);
    }
    return result;
  };
}

function replacementOf(args: readonly unknown[]): Replacement {
  const value = args[2];
  if (typeof value === "string") return textReplacement(value);
  if (typeof value === "number") return textReplacement(formatNumber(value));
  if (typeof value === "function") {
    return (matcher, start, end) => firstOf(callValue(value, matcher.captures(start, end)));
  }
  if (value instanceof LuaTable) {
    return (matcher, start, end) => index(value, matcher.capture(0, start, end), 0);
  }
  return failArgument(2, "string/function/table expected");
}

const gsub: LuaFunction = (...args) => {
  const text = textArgument(args, 0);
  const pattern = textArgument(args, 1);
  const countMax = optionalInt(args, 3, text.length + 1);
  const isAnchored = pattern.charCodeAt(0) === 94;
  const replace = replacementOf(args);
  const matcher = new LuaMatcher(text, readPattern(pattern, isAnchored ? 1 : 0));
  let result = "";
  let kept = 0;
  let at = 0;
  let count = 0;
  while (count < countMax) {
    let end: number;
    if (isAnchored) end = matcher.matchAt(at);
    else {
      const found = matcher.find(at);
      if (found < 0) break;
      at = found;
      end = matcher.end;
    }
    if (end >= 0) {
      count++;
      const value = replace(matcher, at, end);
      if (value !== undefined && value !== false) {
        const part = typeof value === "number" ? formatNumber(value) : value;
        if (typeof part !== "string") fail(`invalid replacement value (a ${typeName(value)})`);
        spendString(part.length + at - kept);
        result += text.slice(kept, at) + part;
        if (result.length > meter.stringMax) throw notEnoughMemory();
        kept = end;
      }
    }
    if (end > at) at = end;
    else if (at < text.length) at++;
    else break;
    if (isAnchored) break;
  }
  if (kept === 0 && result === "") return [text, count];
  spendString(result.length + text.length - kept);
  return [settleString(result + text.slice(kept)), count];
};

const dump: LuaFunction = (...args) => {
  if (typeof args[0] !== "function") failExpected(args, 0, "function");
  // Functions are JavaScript here: there is no Lua bytecode of them.
  return fail("unable to dump given function");
};

/** The library table "string". */
export function makeStringLibrary(): LuaTable {
  return makeLibrary({
    byte,
    char,
    dump,
    find: (...args) => findOrMatch(args, true),
    format: (...args) => formatValues(args),
    gfind: gmatch,
    gmatch,
    gsub,
    len: (...args) => textArgument(args, 0).length,
    lower,
    match: (...args) => findOrMatch(args, false),
    rep,
    reverse,
    sub,
    upper,
  });
}
