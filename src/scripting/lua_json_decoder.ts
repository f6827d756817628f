/**
 * `cjson.decode`: JSON text as Lua values, as lua-cjson 2.1 reads it: numbers by strtod (with "inf",
 * "nan" and hexadecimal ones unless told not to), strings byte by byte, null as `cjson.null`. The
 * text ends at its first zero.
 */
import { fail } from "./lua_arguments.ts";
import { JSON_NULL, type JsonSettings } from "./lua_json_encoder.ts";
import { spendSteps } from "./lua_meter.ts";
import { parseLuaNumber } from "./lua_number.ts";
import { LuaTable } from "./lua_table.ts";

/** The kind of token that a character is, by the name that cjson's messages show; "" if none. */
function symbolKind(code: number): string {
  switch (code) {
    case 0x2c:
      return "T_COMMA";
    case 0x3a:
      return "T_COLON";
    case 0x5b:
      return "T_ARR_BEGIN";
    case 0x5d:
      return "T_ARR_END";
    case 0x7b:
      return "T_OBJ_BEGIN";
    case 0x7d:
      return "T_OBJ_END";
  }
  return "";
}

/** Whether a number may end here: before a comma or a bracket, or at the end of the text. */
function endsNumber(code: number): boolean {
  return code === 0x2c || code === 0x5d || code === 0x7d || code !== code;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
};

/** The longest start that strtod takes: decimal, hexadecimal, infinite, or none. */
const NUMBER_START = new RegExp(
  "[-+]?(?:" + [
    "0x(?:[0-9a-f]+\\.?[0-9a-f]*|\\.[0-9a-f]+)(?:p[-+]?\\d+)?",
    "(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?",
    "inf(?:inity)?",
    "nan(?:\\([0-9a-z_]*\\))?",
  ].join("|") + ")",
  "iy",
);
/** What JSON does not know but strtod does. */
const INVALID_NUMBER = /\+|-?(?:0[x0-9]|inf|nan)/iy;
const WORD = /true|false|null/y;
const HEXADECIMAL = /[0-9a-fA-F]{4}/y;

function utf8(code: number): string {
  const chars = code < 0x80
    ? [code]
    : code < 0x800
    ? [0xc0 | code >> 6, 0x80 | code & 63]
    : code < 0x10000
    ? [0xe0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63]
    : [0xf0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63];
  return String.fromCharCode(...chars);
}

export class JsonDecoder {
  readonly #text: string;
  readonly #settings: JsonSettings;
  #at = 0;
  #depth = 0;
  /** The current token: its kind, its value, where it began. */
  #kind = "";
  #value: unknown = undefined;
  #start = 0;
  /** What is wrong with it if its kind is T_ERROR. */
  #fault = "";

  constructor(text: string, settings: JsonSettings) {
    this.#text = text;
    this.#settings = settings;
  }

  decode(): unknown {
    if (this.#text.length >= 2 && (this.#text[0] === "\0" || this.#text[1] === "\0")) {
      fail("JSON parser does not support UTF-16 or UTF-32");
    }
    this.#next();
    const value = this.#parseValue();
    this.#next();
    if (this.#kind !== "T_END") this.#failExpecting("the end");
    return value;
  }

  #failExpecting(what: string): never {
    const found = this.#kind === "T_ERROR" ? this.#fault : this.#kind;
    fail(`Expected ${what} but found ${found} at character ${this.#start + 1}`);
  }

  #setFault(fault: string): void {
    this.#kind = "T_ERROR";
    this.#fault = fault;
    this.#start = this.#at;
  }

  #matchHere(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    return expression.exec(this.#text)?.[0];
  }

  /** Reads the next token; returns its kind. */
  #next(): string {
    this.#readToken();
    return this.#kind;
  }

  #readToken(): void {
    const text = this.#text;
    let at = this.#at;
    let code = text.charCodeAt(at);
    while (code === 32 || code === 9 || code === 10 || code === 13) code = text.charCodeAt(++at);
    this.#at = this.#start = at;
    if (code === 34) this.#readString();
    else if (code >= 48 && code <= 57) this.#readDigits(code);
    else if (code === 45) this.#readNumber(true);
    else if (!(code > 0)) this.#kind = "T_END";
    else {
      const symbol = symbolKind(code);
      if (symbol !== "") {
        this.#kind = symbol;
        this.#at++;
      } else this.#readWord(text[at]!);
    }
  }

  #readWord(char: string): void {
    const word = this.#matchHere(WORD);
    if (word !== undefined) {
      this.#at += word.length;
      this.#kind = word === "null" ? "T_NULL" : "T_BOOLEAN";
      this.#value = word === "null" ? JSON_NULL : word === "true";
    } else if ("+iInN".includes(char)) this.#readNumber(false);
    else this.#setFault("invalid token");
  }

  /** Whole numbers of few digits and plain fractions are read at once, all others by strtod. */
  #readDigits(first: number): void {
    const text = this.#text;
    let value = first - 48;
    let at = this.#at + 1;
    let code = text.charCodeAt(at);
    while (code >= 48 && code <= 57) {
      value = value * 10 + code - 48;
      code = text.charCodeAt(++at);
    }
    // Of zeros in front only the one of a fraction is JSON's.
    const isPlain = first !== 48 || at === this.#at + 1;
    if (code === 46) {
      do code = text.charCodeAt(++at); while (code >= 48 && code <= 57);
      if (!isPlain || !endsNumber(code)) return this.#readNumber(true);
      value = Number(text.slice(this.#at, at));
    } else if (!isPlain || !endsNumber(code) || at - this.#at > 15) return this.#readNumber(true);
    this.#kind = "T_NUMBER";
    this.#value = value;
    this.#at = at;
  }

  /** A number; one that JSON does not know only if that is allowed. */
  #readNumber(isOrdinary: boolean): void {
    const isInvalid = this.#matchHere(INVALID_NUMBER) !== undefined;
    const isAllowed = this.#settings.decodeInvalidNumbers;
    if (isOrdinary && isInvalid && !isAllowed) return this.#setFault("invalid number");
    if (!isOrdinary && (!isInvalid || !isAllowed)) return this.#setFault("invalid token");
    const text = this.#matchHere(NUMBER_START);
    const value = text === undefined ? undefined : parseLuaNumber(text);
    if (value === undefined) return this.#setFault("invalid number");
    this.#kind = "T_NUMBER";
    this.#value = value;
    this.#at += text!.length;
  }

  #readString(): void {
    const source = this.#text;
    let text = "";
    let at = ++this.#at;
    for (;; at = this.#at) {
      let code = source.charCodeAt(at);
      // Behind the end it is NaN, which is not greater either.
      while (code > 0 && code !== 34 && code !== 92) code = source.charCodeAt(++at);
      text += source.slice(this.#at, at);
      this.#at = at;
      if (code === 34) break;
      if (code !== 92) return this.#setFault("unexpected end of string");
      const escape = this.#text[this.#at + 1] ?? "";
      if (escape === "u") {
        const part = this.#readUnicode();
        if (part === null) return this.#setFault("invalid unicode escape code");
        text += part;
      } else {
        const part = Object.hasOwn(ESCAPES, escape) ? ESCAPES[escape] : undefined;
        if (part === undefined) return this.#setFault("invalid escape code");
        text += part;
        this.#at += 2;
      }
    }
    spendSteps((this.#at - this.#start) >>> 3);
    this.#at++;
    this.#kind = "T_STRING";
    this.#value = text;
  }

  #hexadecimalAt(at: number): number {
    HEXADECIMAL.lastIndex = at;
    const digits = HEXADECIMAL.exec(this.#text)?.[0];
    return digits === undefined ? -1 : parseInt(digits, 16);
  }

  /** "\uXXXX", or a pair of them, as UTF-8; null if there is something wrong. */
  #readUnicode(): string | null {
    let code = this.#hexadecimalAt(this.#at + 2);
    if (code < 0) return null;
    let length = 6;
    if ((code & 0xf800) === 0xd800) {
      if ((code & 0x400) !== 0 || !this.#text.startsWith("\\u", this.#at + 6)) return null;
      const low = this.#hexadecimalAt(this.#at + 8);
      if (low < 0 || (low & 0xfc00) !== 0xdc00) return null;
      code = ((code & 0x3ff) << 10 | low & 0x3ff) + 0x10000;
      length = 12;
    }
    this.#at += length;
    return utf8(code);
  }

  #descend(): void {
    spendSteps(1);
    if (++this.#depth > this.#settings.decodeDepthMax) {
      fail(`Found too many nested data structures (${this.#depth}) at character ${this.#at}`);
    }
  }

  #parseValue(): unknown {
    spendSteps(4);
    switch (this.#kind) {
      case "T_STRING":
      case "T_NUMBER":
      case "T_BOOLEAN":
      case "T_NULL":
        return this.#value;
      case "T_OBJ_BEGIN":
        return this.#parseObject();
      case "T_ARR_BEGIN":
        return this.#parseArray();
    }
    return this.#failExpecting("value");
  }

  #parseObject(): LuaTable {
    this.#descend();
    const table = new LuaTable();
    let kind = this.#next();
    for (let end = kind; end !== "T_OBJ_END"; kind = this.#next()) {
      if (kind !== "T_STRING") this.#failExpecting("object key string");
      const key = this.#value as string;
      if (this.#next() !== "T_COLON") this.#failExpecting("colon");
      this.#next();
      table.set(key, this.#parseValue());
      end = this.#next();
      if (end === "T_OBJ_END") break;
      if (end !== "T_COMMA") this.#failExpecting("comma or object end");
    }
    this.#depth--;
    return table;
  }

  #parseArray(): LuaTable {
    this.#descend();
    const list: unknown[] = [];
    for (let end = this.#next(); end !== "T_ARR_END"; this.#next()) {
      list.push(this.#parseValue());
      end = this.#next();
      if (end === "T_ARR_END") break;
      if (end !== "T_COMMA") this.#failExpecting("comma or array end");
    }
    this.#depth--;
    return LuaTable.of(list);
  }
}
