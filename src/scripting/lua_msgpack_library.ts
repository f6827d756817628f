/**
 * The library "cmsgpack" (lua-cmsgpack 0.4): MessagePack.
 *
 * Whole numbers are packed as integers, others as float if that loses nothing; tables with the keys
 * 1 … n as arrays, others as maps; what is nested deeper than 16 tables, and functions, as nil.
 */
import { fail, failArgument, integerArgument, textArgument } from "./lua_arguments.ts";
import { failPlainly, resultFrom } from "./lua_calls.ts";
import { spendSteps, spendString } from "./lua_meter.ts";
import { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary } from "./lua_value.ts";

const NESTED_MAX = 16;
/** Arrays and maps inside each other when reading: Lua's stack holds no more. */
const DECODE_NESTED_MAX = 2600;

const chars = String.fromCharCode;
const view = new DataView(new ArrayBuffer(8));

function viewText(count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += chars(view.getUint8(i));
  return text;
}

/** An unsigned number of `count` bytes, the high one first. */
function bytesOf(value: number, count: number): string {
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value >>> 0);
  return viewText(8).slice(8 - count);
}

function packInteger(value: number): string {
  if (value >= 0) {
    if (value <= 127) return chars(value);
    if (value <= 0xff) return chars(0xcc, value);
    if (value <= 0xffff) return chars(0xcd) + bytesOf(value, 2);
    if (value <= 0xffffffff) return chars(0xce) + bytesOf(value, 4);
    return chars(0xcf) + bytesOf(value, 8);
  }
  if (value >= -32) return chars(value & 0xff);
  if (value >= -128) return chars(0xd0, value & 0xff);
  if (value >= -32768) return chars(0xd1) + bytesOf(value & 0xffff, 2);
  if (value >= -(2 ** 31)) return chars(0xd2) + bytesOf(value >>> 0, 4);
  view.setBigInt64(0, BigInt(value));
  return chars(0xd3) + viewText(8);
}

function packNumber(value: number): string {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) return packInteger(value);
  if (Math.fround(value) === value) {
    view.setFloat32(0, value);
    return chars(0xca) + viewText(4);
  }
  view.setFloat64(0, value);
  return chars(0xcb) + viewText(8);
}

function packText(text: string): string {
  const { length } = text;
  if (length < 32) return chars(0xa0 | length) + text;
  if (length <= 0xff) return chars(0xd9, length) + text;
  if (length <= 0xffff) return chars(0xda) + bytesOf(length, 2) + text;
  return chars(0xdb) + bytesOf(length, 4) + text;
}

/** The head of an array or map: `fixed` is the code for up to 15 elements. */
function packCount(count: number, fixed: number, code16: number): string {
  if (count <= 15) return chars(fixed | count);
  if (count <= 0xffff) return chars(code16) + bytesOf(count, 2);
  return chars(code16 + 1) + bytesOf(count, 4);
}

/** Has the table the keys 1 … n and no others? */
function isArray(table: LuaTable): boolean {
  let max = 0;
  let count = 0;
  for (let place = table.nextPlace(undefined); place >= 0;) {
    const key = table.keyAt(place);
    if (typeof key !== "number" || key <= 0 || (key | 0) !== key) return false;
    if (key > max) max = key;
    count++;
    place = table.nextPlace(key);
  }
  return max === count;
}

function packTable(table: LuaTable, level: number): string {
  spendSteps(1);
  let text: string;
  if (isArray(table)) {
    const length = table.length();
    text = packCount(length, 0x90, 0xdc);
    for (let key = 1; key <= length; key++) text += pack(table.getNumber(key), level + 1);
    return text;
  }
  let count = 0;
  text = "";
  table.forEach((key, value) => {
    count++;
    text += pack(key, level + 1) + pack(value, level + 1);
  });
  return packCount(count, 0x80, 0xde) + text;
}

function pack(value: unknown, level: number): string {
  spendSteps(4);
  let text = "\xc0";
  if (typeof value === "string") text = packText(value);
  else if (typeof value === "number") text = packNumber(value);
  else if (typeof value === "boolean") text = value ? "\xc3" : "\xc2";
  else if (value instanceof LuaTable && level < NESTED_MAX) text = packTable(value, level);
  spendString(text.length);
  return text;
}

class Unpacker {
  at: number;
  readonly #text: string;
  #depth = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  #take(count: number): string {
    if (this.#text.length - this.at < count) fail("Missing bytes in input.");
    spendSteps(count >>> 6);
    this.at += count;
    return this.#text.slice(this.at - count, this.at);
  }

  #load(count: number): DataView {
    const text = this.#take(count);
    for (let i = 0; i < count; i++) view.setUint8(i, text.charCodeAt(i));
    return view;
  }

  #length(count: number): number {
    const bytes = this.#load(count);
    return count === 1 ? bytes.getUint8(0) : count === 2 ? bytes.getUint16(0) : bytes.getUint32(0);
  }

  #array(count: number): LuaTable {
    this.#descend();
    const table = new LuaTable();
    for (let i = 1; i <= count; i++) table.setNumber(i, this.next());
    this.#depth--;
    return table;
  }

  #map(count: number): LuaTable {
    this.#descend();
    const table = new LuaTable();
    for (let i = 0; i < count; i++) {
      const key = this.next();
      const value = this.next();
      if (key === undefined) failPlainly("table index is nil");
      if (key !== key) failPlainly("table index is NaN");
      table.set(key, value);
    }
    this.#depth--;
    return table;
  }

  #descend(): void {
    spendSteps(1);
    if (++this.#depth > DECODE_NESTED_MAX) {
      fail("stack overflow (in function mp_decode_to_lua_type)");
    }
  }

  /** Reads one value. */
  next(): unknown {
    spendSteps(4);
    const code = this.#take(1).charCodeAt(0);
    if (code < 0x80) return code;
    if (code < 0x90) return this.#map(code & 15);
    if (code < 0xa0) return this.#array(code & 15);
    if (code < 0xc0) return this.#take(code & 31);
    if (code >= 0xe0) return code - 256;
    return this.#nextLong(code);
  }

  #nextLong(code: number): unknown {
    switch (code) {
      case 0xc0:
        return undefined;
      case 0xc2:
      case 0xc3:
        return code === 0xc3;
      case 0xca:
        return this.#load(4).getFloat32(0);
      case 0xcb:
        return this.#load(8).getFloat64(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#length(1 << (code - 0xcc));
      case 0xcf:
        return Number(this.#load(8).getBigUint64(0));
      case 0xd0:
        return this.#load(1).getInt8(0);
      case 0xd1:
        return this.#load(2).getInt16(0);
      case 0xd2:
        return this.#load(4).getInt32(0);
      case 0xd3:
        return Number(this.#load(8).getBigInt64(0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#take(this.#length(1 << (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#length(code === 0xdc ? 2 : 4));
      case 0xde:
      case 0xdf:
        return this.#map(this.#length(code === 0xde ? 2 : 4));
    }
    return fail("Bad data format in input.");
  }
}

/** Reads up to `limit` values from an offset; puts the next offset first unless all are wanted. */
function unpack(args: readonly unknown[], limit: number, offset: number): unknown {
  const text = textArgument(args, 0);
  if (offset < 0 || limit < 0) {
    fail(`Invalid request to unpack with offset of ${offset} and limit of ${text.length}.`);
  }
  if (offset > text.length) {
    fail(`Start offset ${offset} greater than input length ${text.length}.`);
  }
  const wantsAll = limit === 0 && offset === 0;
  const unpacker = new Unpacker(text, offset);
  const values: unknown[] = [];
  while (unpacker.at < text.length && (wantsAll || values.length < limit)) {
    values.push(unpacker.next());
  }
  if (!wantsAll) values.unshift(unpacker.at === text.length ? -1 : unpacker.at);
  return resultFrom(values);
}

function optionalOffset(args: readonly unknown[], at: number): number {
  return args[at] === undefined ? 0 : integerArgument(args, at);
}

const packFunction: LuaFunction = (...args) => {
  if (args.length === 0) failArgument(-1, "MessagePack pack needs input.");
  return args.map((value) => pack(value, 0)).join("");
};

/** The library table "cmsgpack". */
export function makeMsgpackLibrary(): LuaTable {
  const library = makeLibrary({
    pack: packFunction,
    unpack: (...args) => unpack(args, 0, 0),
    unpack_limit: (...args) => unpack(args, integerArgument(args, 1), optionalOffset(args, 2)),
    unpack_one: (...args) => unpack(args, 1, optionalOffset(args, 1)),
  });
  library.set("_NAME", "cmsgpack");
  library.set("_VERSION", "lua-cmsgpack 0.4.0");
  library.set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo");
  library.set("_DESCRIPTION", "MessagePack C implementation for Lua");
  return library;
}
