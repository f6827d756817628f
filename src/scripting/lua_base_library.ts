/**
 * The base library as Redis leaves it: without print, dofile, loadfile, newproxy, getfenv, setfenv
 * and require, which a script has no business with.
 */
import {
  anyArgument,
  assertWritable,
  fail,
  failArgument,
  failExpected,
  intArgument,
  optionalInt,
  optionalText,
  tableArgument,
  textArgument,
} from "./lua_arguments.ts";
import {
  callValue,
  failPlainly,
  firstOf,
  luaErrorOf,
  restoreDepth,
  resultsOf,
  saveDepth,
} from "./lua_calls.ts";
import { LuaError } from "./lua_error.ts";
import { ipairsStep, next } from "./lua_iteration.ts";
import { positionOfLevel } from "./lua_levels.ts";
import { ENTRY_BYTES, meter, spend, spendSteps } from "./lua_meter.ts";
import { formatNumber, trimSpaces } from "./lua_number.ts";
import { isTrue, metamethodOf, metatableOf } from "./lua_operators.ts";
import { LuaTable } from "./lua_table.ts";
import {
  type LuaFunction,
  makeLibrary,
  NO_VALUES,
  rawToString,
  toNumber,
  toText,
  typeName,
} from "./lua_value.ts";

/** Values that fit on Lua's stack of a C function. */
export const STACK_VALUES_MAX = 8000;

/** What the base library needs of the engine. */
export interface ChunkLoader {
  /** Compiles a text in the environment of the library; throws a LuaSyntaxError. */
  load(source: string, chunkName: string): LuaFunction;
  /** Bytes that the heap takes. */
  memoryUsed(): number;
}

const assertFunction: LuaFunction = (...args) => {
  if (isTrue(anyArgument(args, 0))) return args.length === 1 ? args[0] : args;
  return fail(optionalText(args, 1, "assertion failed!"));
};

const errorFunction: LuaFunction = (...args) => {
  const level = optionalInt(args, 1, 1);
  const value = args[0];
  const text = level > 0 ? toText(value) : undefined;
  throw new LuaError(
    text === undefined ? value : positionOfLevel(level) + text,
    Math.abs(meter.s),
  );
};

const getmetatable: LuaFunction = (...args) => {
  const metatable = metatableOf(anyArgument(args, 0));
  if (metatable === null) return undefined;
  return metatable.getString("__metatable") ?? metatable;
};

const setmetatable: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const metatable = args[1];
  if (args.length < 2 || (metatable !== undefined && !(metatable instanceof LuaTable))) {
    failArgument(1, "nil or table expected");
  }
  if (table.metatable?.getString("__metatable") !== undefined) {
    fail("cannot change a protected metatable");
  }
  assertWritable(table);
  table.metatable = metatable ?? null;
  return table;
};

const ipairs: LuaFunction = (...args) => [ipairsStep, tableArgument(args, 0), 0];
const pairs: LuaFunction = (...args) => [next, tableArgument(args, 0), undefined];
const rawequal: LuaFunction = (...args) => anyArgument(args, 0) === anyArgument(args, 1);

const rawget: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  return table.get(anyArgument(args, 1));
};

const rawset: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const key = anyArgument(args, 1);
  const value = anyArgument(args, 2);
  assertWritable(table);
  if (key === undefined) failPlainly("table index is nil");
  if (key !== key) failPlainly("table index is NaN");
  table.set(key, value);
  return table;
};

const select: LuaFunction = (...args) => {
  const count = args.length - 1;
  const selector = args[0];
  if (typeof selector === "string" && selector.charCodeAt(0) === 35) return count;
  let from = intArgument(args, 0);
  if (from < 0) from = args.length + from;
  else if (from > args.length) from = args.length;
  if (from < 1) failArgument(0, "index out of range");
  return args.slice(from);
};

const unpack: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const from = optionalInt(args, 1, 1);
  const to = args[2] === undefined ? table.length() : intArgument(args, 2);
  if (from > to) return NO_VALUES;
  const count = to - from + 1;
  if (count + args.length > STACK_VALUES_MAX) fail("too many results to unpack");
  spendSteps(count >>> 2);
  if (from === 1 && count === table.list.length) return table.list.slice();
  const values: unknown[] = [];
  for (let key = from; key <= to; key++) values.push(table.getNumber(key));
  return values;
};

/** What a digit or small letter stands for; 36 if it is neither. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 122 ? code - 87 : 36;
}

/** C's strtoul: undefined if there are no digits or anything but spaces behind them. */
function parseUnsigned(text: string, base: number): number | undefined {
  let digits = trimSpaces(text).toLowerCase();
  const isNegative = digits.startsWith("-");
  if (isNegative || digits.startsWith("+")) digits = digits.slice(1);
  if (base === 16 && /^0x[0-9a-f]/.test(digits)) digits = digits.slice(2);
  if (digits === "") return undefined;
  let value = 0n;
  for (let at = 0; at < digits.length; at++) {
    const digit = digitOf(digits.charCodeAt(at));
    if (digit >= base) return undefined;
    // Beyond what fits the rest makes no difference, but for what is no digit.
    if (value < 2n ** 64n) value = value * BigInt(base) + BigInt(digit);
  }
  if (value >= 2n ** 64n) return Number(2n ** 64n - 1n);
  return Number(isNegative ? BigInt.asUintN(64, -value) : value);
}

const tonumber: LuaFunction = (...args) => {
  const base = optionalInt(args, 1, 10);
  if (base === 10) return toNumber(anyArgument(args, 0));
  const text = textArgument(args, 0);
  if (base < 2 || base > 36) failArgument(1, "base out of range");
  spendSteps(text.length);
  return parseUnsigned(text, base);
};

/** A value as text, by its "__tostring" if it has one: what that returns may be anything. */
export const tostring: LuaFunction = (...args) => {
  const value = anyArgument(args, 0);
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatNumber(value);
  const handler = metamethodOf(value, "__tostring");
  return handler === undefined ? rawToString(value) : firstOf(callValue(handler, [value]));
};

const type: LuaFunction = (...args) => typeName(anyArgument(args, 0));

const pcall: LuaFunction = (...args) => {
  const fn = anyArgument(args, 0);
  const { d, k, s } = meter;
  try {
    const result = callValue(fn, args.length === 1 ? NO_VALUES : args.slice(1));
    return Array.isArray(result) ? [true, ...result] : [true, result];
  } catch (thrown) {
    const { value } = thrown instanceof LuaError ? thrown : luaErrorOf(thrown);
    meter.d = d;
    meter.k = k;
    meter.s = s;
    return [false, value];
  }
};

const xpcall: LuaFunction = (...args) => {
  const handler = anyArgument(args, 1);
  const depth = saveDepth();
  try {
    return [true, ...resultsOf(callValue(args[0], NO_VALUES))];
  } catch (thrown) {
    const error = luaErrorOf(thrown);
    restoreDepth(depth);
    try {
      return [false, firstOf(callValue(handler, [error.value]))];
    } catch (second) {
      luaErrorOf(second);
      restoreDepth(depth);
      return [false, "error in error handling"];
    }
  }
};

/** Compiles; an error is returned, as `loadstring` and `load` do. */
function tryLoad(loader: ChunkLoader, source: string, chunkName: string): unknown {
  try {
    return loader.load(source, chunkName);
  } catch (thrown) {
    return [undefined, luaErrorOf(thrown).value];
  }
}

function makeLoad(loader: ChunkLoader): LuaFunction {
  return (...args) => {
    if (typeof args[0] !== "function") failExpected(args, 0, "function");
    const chunkName = optionalText(args, 1, "=(load)");
    const depth = saveDepth();
    let source = "";
    try {
      for (;;) {
        const piece = firstOf(callValue(args[0], NO_VALUES));
        const text = toText(piece);
        if (piece === undefined || text === "") break;
        if (text === undefined) failPlainly("reader function must return a string");
        spend(text.length + ENTRY_BYTES);
        source += text;
      }
    } catch (thrown) {
      const error = luaErrorOf(thrown);
      restoreDepth(depth);
      return [undefined, error.value];
    }
    return tryLoad(loader, source, chunkName);
  };
}

/** Memory in KiB and settings; there is nothing to be collected by hand. */
function makeCollectGarbage(loader: ChunkLoader): LuaFunction {
  const settings: Record<string, number> = { setpause: 200, setstepmul: 200 };
  return (...args) => {
    const option = optionalText(args, 0, "collect");
    const value = optionalInt(args, 1, 0);
    switch (option) {
      case "collect":
      case "stop":
      case "restart":
        return 0;
      case "count":
        return loader.memoryUsed() / 1024;
      case "step":
        return false;
      case "setpause":
      case "setstepmul": {
        const before = settings[option]!;
        settings[option] = value;
        return before;
      }
    }
    return failArgument(0, `invalid option '${option}'`);
  };
}

/** Adds the base library to a table of globals. */
export function addBaseLibrary(globals: LuaTable, loader: ChunkLoader): void {
  const library = makeLibrary({
    assert: assertFunction,
    collectgarbage: makeCollectGarbage(loader),
    error: errorFunction,
    gcinfo: () => Math.floor(loader.memoryUsed() / 1024),
    getmetatable,
    ipairs,
    load: makeLoad(loader),
    loadstring: (...args) => {
      const source = textArgument(args, 0);
      return tryLoad(loader, source, optionalText(args, 1, source));
    },
    next,
    pairs,
    pcall,
    rawequal,
    rawget,
    rawset,
    select,
    setmetatable,
    tonumber,
    tostring,
    type,
    unpack,
    xpcall,
  });
  library.forEach((name, value) => globals.set(name, value));
  globals.set("_G", globals);
  globals.set("_VERSION", "Lua 5.1");
}
