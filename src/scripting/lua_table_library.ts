/** The table library of Lua 5.1, `foreach`, `getn` and their kin included. Raw: no metamethods. */
import {
  assertWritable,
  fail,
  failExpected,
  intArgument,
  optionalInt,
  optionalText,
  tableArgument,
} from "./lua_arguments.ts";
import { callValue, firstOf } from "./lua_calls.ts";
import { settleString, spendSteps, spendString } from "./lua_meter.ts";
import { formatNumber } from "./lua_number.ts";
import { sortValues } from "./lua_sort.ts";
import type { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary, NO_VALUES, typeName } from "./lua_value.ts";

function functionArgument(args: readonly unknown[], at: number): LuaFunction {
  if (typeof args[at] !== "function") failExpected(args, at, "function");
  return args[at] as LuaFunction;
}

const concat: LuaFunction = (...args) => {
  const separator = optionalText(args, 1, "");
  const table = tableArgument(args, 0);
  const from = optionalInt(args, 2, 1);
  const to = args[3] === undefined ? table.length() : intArgument(args, 3);
  if (to >= from) spendSteps((to - from) >>> 3);
  let text = "";
  for (let key = from; key <= to; key++) {
    const value = table.getNumber(key);
    const part = typeof value === "number" ? formatNumber(value) : value;
    if (typeof part !== "string") {
      fail(`invalid value (${typeName(value)}) at index ${key} in table for 'concat'`);
    }
    spendString(part.length + separator.length);
    text += part;
    if (key < to) text += separator;
  }
  spendString(text.length);
  return settleString(text);
};

/** Calls the function with each pair until it returns something. */
const foreach: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const visit = functionArgument(args, 1);
  for (let place = table.nextPlace(undefined); place >= 0;) {
    const key = table.keyAt(place);
    const result = firstOf(callValue(visit, [key, table.valueAt(place)]));
    if (result !== undefined) return result;
    place = table.nextPlace(key);
    if (place === -2) fail("invalid key to 'next'");
  }
  return NO_VALUES;
};

const foreachi: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const visit = functionArgument(args, 1);
  const count = table.length();
  for (let key = 1; key <= count; key++) {
    const result = firstOf(callValue(visit, [key, table.getNumber(key)]));
    if (result !== undefined) return result;
  }
  return NO_VALUES;
};

const getn: LuaFunction = (...args) => tableArgument(args, 0).length();

const setn: LuaFunction = (...args) => {
  tableArgument(args, 0);
  return fail("'setn' is obsolete");
};

const maxn: LuaFunction = (...args) => {
  let max = 0;
  tableArgument(args, 0).forEach((key) => {
    if (typeof key === "number" && key > max) max = key;
  });
  return max;
};

/** Does the list alone hold the elements 1 … count? */
function isList(table: LuaTable, count: number): boolean {
  return count === table.list.length;
}

const insert: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const end = table.length() + 1;
  if (args.length === 2) {
    assertWritable(table);
    table.setNumber(end, args[1]);
    return NO_VALUES;
  }
  if (args.length !== 3) fail("wrong number of arguments to 'insert'");
  const position = intArgument(args, 1);
  assertWritable(table);
  const value = args[2];
  if (isList(table, end - 1) && position >= 1 && position < end && value !== undefined) {
    spendSteps((end - position) >>> 4);
    const last = table.list[end - 2];
    table.list.copyWithin(position, position - 1, end - 2);
    table.list[position - 1] = value;
    table.setNumber(end, last);
    return NO_VALUES;
  }
  for (let key = Math.max(end, position); key > position; key--) {
    spendSteps(1);
    table.setNumber(key, table.getNumber(key - 1));
  }
  table.setNumber(position, value);
  return NO_VALUES;
};

const remove: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const end = table.length();
  const position = optionalInt(args, 1, end);
  if (position < 1 || position > end) return NO_VALUES;
  assertWritable(table);
  const value = table.getNumber(position);
  if (isList(table, end)) {
    spendSteps((end - position) >>> 4);
    table.list.copyWithin(position - 1, position, end);
  } else {
    for (let key = position; key < end; key++) {
      spendSteps(1);
      table.setNumber(key, table.getNumber(key + 1));
    }
  }
  table.setNumber(end, undefined);
  return value;
};

const sort: LuaFunction = (...args) => {
  const table = tableArgument(args, 0);
  const count = table.length();
  const compare = args[1] === undefined ? null : functionArgument(args, 1);
  if (count > 1) assertWritable(table);
  if (count <= table.list.length) {
    sortValues(table.list, count, compare);
    return NO_VALUES;
  }
  const values = Array.from({ length: count }, (_, i) => table.getNumber(i + 1));
  try {
    sortValues(values, count, compare);
  } finally {
    values.forEach((value, i) => table.setNumber(i + 1, value));
  }
  return NO_VALUES;
};

/** The library table "table". */
export function makeTableLibrary(): LuaTable {
  return makeLibrary({ concat, foreach, foreachi, getn, insert, maxn, remove, setn, sort });
}
