/**
 * `cjson.encode`: Lua values as JSON text, as lua-cjson 2.1 writes it.
 *
 * A table whose keys are all whole numbers from 1 is an array, gaps are null; an empty table is an
 * object. Strings pass byte by byte, UTF-8 or not. Numbers are printed by "%.14g".
 */
import { fail } from "./lua_arguments.ts";
import { settleString, spendSteps, spendString } from "./lua_meter.ts";
import { formatGeneral, formatNumber } from "./lua_number.ts";
import { LuaTable } from "./lua_table.ts";
import { LuaUserdata, typeName } from "./lua_value.ts";

/** Settings that scripts may change; each `cjson.new` has its own. */
export interface JsonSettings {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeDepthMax: number;
  decodeDepthMax: number;
  numberPrecision: number;
  keepBuffer: boolean;
  /** 0: an error, 1: written as they are, 2: null. */
  encodeInvalidNumbers: number;
  decodeInvalidNumbers: boolean;
}

/** The NULL of JSON: what `cjson.null` is. */
export const JSON_NULL = new LuaUserdata("(nil)");

/** Control characters, quotes and slashes. */
// deno-lint-ignore no-control-regex
const ESCAPED = /["\\/\x00-\x1f\x7f]/g;
const ESCAPED_PIECE = 65_536;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

function escape(char: string): string {
  return SHORT_ESCAPES[char] ?? "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0");
}

function quote(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // A quote, a slash, a backslash, or a control character.
    if (code < 32 || code === 34 || code === 47 || code === 92 || code === 127) {
      return `"${escapeAll(text)}"`;
    }
  }
  return `"${text}"`;
}

/** Escapes piece by piece: a long string may grow to six times its length. */
function escapeAll(text: string): string {
  if (text.length <= ESCAPED_PIECE) return text.replace(ESCAPED, escape);
  let escaped = "";
  for (let at = 0; at < text.length; at += ESCAPED_PIECE) {
    escaped += text.slice(at, at + ESCAPED_PIECE).replace(ESCAPED, escape);
    spendSteps(ESCAPED_PIECE >>> 4);
    spendString(escaped.length);
  }
  return escaped;
}

function failOn(value: unknown, reason: string): never {
  fail(`Cannot serialise ${typeName(value)}: ${reason}`);
}

export class JsonEncoder {
  readonly #settings: JsonSettings;

  constructor(settings: JsonSettings) {
    this.#settings = settings;
  }

  encode(value: unknown): string {
    const text = this.#textOf(value, 0);
    spendString(text.length);
    return settleString(text);
  }

  #textOf(value: unknown, depth: number): string {
    spendSteps(2);
    switch (typeof value) {
      case "string":
        spendSteps(value.length >>> 3);
        return quote(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return value ? "true" : "false";
      case "undefined":
        return "null";
    }
    if (value === JSON_NULL) return "null";
    if (value instanceof LuaTable) return this.#tableText(value, depth + 1);
    return failOn(value, "type not supported");
  }

  #number(value: number): string {
    if (!Number.isFinite(value)) {
      const mode = this.#settings.encodeInvalidNumbers;
      if (mode === 0) failOn(value, "must not be NaN or Inf");
      if (mode === 2) return "null";
      return value === value ? formatNumber(value) : "nan";
    }
    const { numberPrecision } = this.#settings;
    if (numberPrecision === 14) return formatNumber(value);
    return formatGeneral(value, numberPrecision, false);
  }

  #tableText(table: LuaTable, depth: number): string {
    if (depth > this.#settings.encodeDepthMax) {
      fail(`Cannot serialise, excessive nesting (${depth})`);
    }
    spendSteps(1);
    const length = this.#arrayLength(table);
    if (length <= 0) return this.#objectText(table, depth);
    let text = "[";
    for (let key = 1; key <= length; key++) {
      if (key > 1) text += ",";
      text += this.#textOf(table.getNumber(key), depth);
    }
    spendString(text.length);
    return text + "]";
  }

  #objectText(table: LuaTable, depth: number): string {
    let text = "";
    table.forEach((key, value) => {
      if (text !== "") text += ",";
      if (typeof key === "string") {
        spendSteps(key.length >>> 3);
        text += quote(key);
      } else if (typeof key === "number") text += `"${this.#number(key)}"`;
      else failOn(key, "table key must be a number or string");
      text += ":" + this.#textOf(value, depth);
    });
    spendString(text.length);
    return `{${text}}`;
  }

  /** The largest key if all keys are whole numbers from 1; -1 if not; 0 for an empty table. */
  #arrayLength(table: LuaTable): number {
    if (table.hash === null && table.list.length > 0) return this.#listLength(table.list);
    let max = 0;
    let count = 0;
    for (let place = table.nextPlace(undefined); place >= 0;) {
      const key = table.keyAt(place);
      if (typeof key !== "number" || key < 1 || Math.floor(key) !== key) return -1;
      if (key > max) max = key;
      count++;
      place = table.nextPlace(key);
    }
    return this.#isSparse(max, count) ? -1 : max;
  }

  /** As above, where all keys are in the list. */
  #listLength(list: readonly unknown[]): number {
    let max = 0;
    let count = 0;
    for (let i = 0; i < list.length; i++) {
      if (list[i] === undefined) continue;
      max = i + 1;
      count++;
    }
    return this.#isSparse(max, count) ? -1 : max;
  }

  #isSparse(max: number, count: number): boolean {
    const { sparseConvert, sparseRatio, sparseSafe } = this.#settings;
    if (sparseRatio === 0 || max <= count * sparseRatio || max <= sparseSafe) return false;
    if (!sparseConvert) fail("Cannot serialise table: excessively sparse array");
    return true;
  }
}
