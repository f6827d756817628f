/**
 * `cjson.encode`: Lua values as JSON text, as lua-cjson 2.1 writes it.
 *
 * A table whose keys are all whole numbers from 1 is an array, gaps are null; an empty table is an
 * object. Strings pass byte by byte, UTF-8 or not. Numbers are printed by "%.14g".
 */
import { fail } from "./lua_arguments.ts";
import { spendSteps, spendString } from "./lua_meter.ts";
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
const ESCAPED = new RegExp('["\\\\/\\x00-\\x1f\\x7f]', "g");
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
  return `"${text.replace(ESCAPED, escape)}"`;
}

function failOn(value: unknown, reason: string): never {
  fail(`Cannot serialise ${typeName(value)}: ${reason}`);
}

export class JsonEncoder {
  readonly #settings: JsonSettings;
  #text = "";

  constructor(settings: JsonSettings) {
    this.#settings = settings;
  }

  encode(value: unknown): string {
    this.#append(value, 0);
    return this.#text;
  }

  #add(text: string): void {
    spendString(text.length);
    this.#text += text;
  }

  #append(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        return this.#add(quote(value));
      case "number":
        return this.#add(this.#number(value));
      case "boolean":
        return this.#add(value ? "true" : "false");
      case "undefined":
        return this.#add("null");
    }
    if (value === JSON_NULL) this.#add("null");
    else if (value instanceof LuaTable) this.#appendTable(value, depth + 1);
    else failOn(value, "type not supported");
  }

  #number(value: number): string {
    if (!Number.isFinite(value)) {
      const mode = this.#settings.encodeInvalidNumbers;
      if (mode === 0) failOn(value, "must not be NaN or Inf");
      if (mode === 2) return "null";
      return value === value ? formatNumber(value) : "nan";
    }
    const { numberPrecision } = this.#settings;
    return numberPrecision === 14
      ? formatNumber(value)
      : formatGeneral(value, numberPrecision, false);
  }

  #appendTable(table: LuaTable, depth: number): void {
    if (depth > this.#settings.encodeDepthMax) {
      fail(`Cannot serialise, excessive nesting (${depth})`);
    }
    spendSteps(1);
    const length = this.#arrayLength(table);
    if (length <= 0) return this.#appendObject(table, depth);
    this.#add("[");
    for (let key = 1; key <= length; key++) {
      if (key > 1) this.#text += ",";
      this.#append(table.getNumber(key), depth);
    }
    this.#add("]");
  }

  #appendObject(table: LuaTable, depth: number): void {
    this.#add("{");
    let isFirst = true;
    table.forEach((key, value) => {
      let name: string;
      if (typeof key === "string") name = quote(key);
      else if (typeof key === "number") name = `"${this.#number(key)}"`;
      else return failOn(key, "table key must be a number or string");
      this.#add(isFirst ? name + ":" : `,${name}:`);
      isFirst = false;
      this.#append(value, depth);
    });
    this.#add("}");
  }

  /** The largest key if all keys are whole numbers from 1; -1 if not; 0 for an empty table. */
  #arrayLength(table: LuaTable): number {
    let max = 0;
    let count = 0;
    for (let place = table.nextPlace(undefined); place >= 0;) {
      const key = table.keyAt(place);
      if (typeof key !== "number" || key < 1 || Math.floor(key) !== key) return -1;
      if (key > max) max = key;
      count++;
      place = table.nextPlace(key);
    }
    const { sparseConvert, sparseRatio, sparseSafe } = this.#settings;
    if (sparseRatio > 0 && max > count * sparseRatio && max > sparseSafe) {
      if (!sparseConvert) failOn(table, "excessively sparse array");
      return -1;
    }
    return max;
  }
}
