/**
 * From replies to Lua values, as redis.call returns them. Redis's table of conversions:
 *
 *   +text      {ok = text}              _         nil            ,n        {double = n}
 *   -text      {err = text}             $-1 *-1   false          (n        {big_number = text}
 *   :n         number                   #t #f     boolean        =fmt:text {verbatim_string = …}
 *   $ bytes    string                   *         table          % ~       {map = …} {set = …}
 */
import { latin1Text } from "../base/bytes.ts";
import { errorTable } from "./script_errors.ts";
import { LuaTable } from "./lua_table.ts";
import { spendString } from "./lua_meter.ts";

const CR = 13;
const FORMAT_CHARS = 3;

/** Reads replies that lie in memory whole; used again for each. */
export class ReplyToLua {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** The value of the reply that begins at `start`. */
  read(bytes: Uint8Array, start: number): unknown {
    this.#bytes = bytes;
    this.#at = start;
    return this.#value();
  }

  #value(): unknown {
    const type = this.#bytes[this.#at++]!;
    switch (type) {
      case 0x24: // $
        return this.#bulk();
      case 0x3a: // :
        return this.#integer();
      case 0x2b: // +
        return LuaTable.withField("ok", this.#status());
      case 0x2d: // -
        return errorTable(`-${this.#line()}`, true);
      case 0x2a: // *
        return this.#array();
      case 0x25: // %
        return this.#map();
      case 0x7e: // ~
        return this.#set();
      case 0x5f: // _
        this.#line();
        return undefined;
      case 0x23: // #
        return this.#line() === "t";
      case 0x2c: // ,
        return LuaTable.withField("double", doubleOf(this.#line()));
      case 0x28: // (
        return LuaTable.withField("big_number", this.#line());
      case 0x3d: // =
        return this.#verbatim();
      case 0x7c: // |
        return this.#behindAttribute();
    }
    return undefined;
  }

  #bulk(): unknown {
    const length = this.#integer();
    if (length < 0) return false;
    return this.#text(length);
  }

  #text(length: number): string {
    spendString(length);
    const text = latin1Text(this.#bytes, this.#at, length);
    this.#at += length + 2;
    return text;
  }

  /** A number and its line end. Beyond 2^53 it becomes the nearest double, as in C. */
  #integer(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let value = 0;
    const isNegative = bytes[at] === 0x2d;
    if (isNegative) at++;
    const digitsAt = at;
    for (; bytes[at] !== CR; at++) value = value * 10 + bytes[at]! - 48;
    this.#at = at + 2;
    if (at - digitsAt > 15) return Number(latin1Text(bytes, start, at - start));
    return isNegative ? -value : value;
  }

  #status(): string {
    const bytes = this.#bytes;
    const at = this.#at;
    // Most of them are this one.
    if (bytes[at] === 0x4f && bytes[at + 1] === 0x4b && bytes[at + 2] === CR) {
      this.#at = at + 4;
      return "OK";
    }
    return this.#line();
  }

  #line(): string {
    const start = this.#at;
    const end = this.#bytes.indexOf(CR, start);
    this.#at = end + 2;
    return latin1Text(this.#bytes, start, end - start);
  }

  #array(): unknown {
    const count = this.#integer();
    if (count < 0) return false;
    const list: unknown[] = [];
    for (let i = 0; i < count; i++) list.push(this.#value());
    return LuaTable.of(list);
  }

  #map(): LuaTable {
    const map = new LuaTable();
    for (let left = this.#integer(); left > 0; left--) {
      const key = this.#value();
      const value = this.#value();
      if (key !== undefined) map.set(key, value);
    }
    return LuaTable.withField("map", map);
  }

  #set(): LuaTable {
    const set = new LuaTable();
    for (let left = this.#integer(); left > 0; left--) {
      const key = this.#value();
      if (key !== undefined) set.set(key, true);
    }
    return LuaTable.withField("set", set);
  }

  #verbatim(): LuaTable {
    const text = this.#text(this.#integer());
    const table = new LuaTable();
    table.set("string", text.slice(FORMAT_CHARS + 1));
    table.set("format", text.slice(0, FORMAT_CHARS));
    return LuaTable.withField("verbatim_string", table);
  }

  /** Attributes are passed over; the reply follows them. */
  #behindAttribute(): unknown {
    for (let left = this.#integer(); left > 0; left--) {
      this.#value();
      this.#value();
    }
    return this.#value();
  }
}

function doubleOf(text: string): number {
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : Number(text);
}
