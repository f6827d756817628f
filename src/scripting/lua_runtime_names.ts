/**
 * The names under which emitted code knows the runtime: the parameters of every emitted chunk.
 *
 * They are short because they stand in each line of emitted code, which V8 has to read. `G` (the
 * globals), `K` (the chunk's places) and `i` (their hints) are given per chunk.
 */
import {
  callableOf,
  deferCall,
  dropResult,
  firstOf,
  isTailCall,
  resultsOf,
  resumeTailCalls,
} from "./lua_calls.ts";
import { resumableFunction } from "./lua_coroutine.ts";
import { iterate } from "./lua_iteration.ts";
import { meter, onCount, onTurns } from "./lua_meter.ts";
import {
  add,
  concat,
  divide,
  equals,
  findGlobal,
  findGlobalField,
  forNumber,
  globalValue,
  index,
  indexString,
  length,
  lessOrEqual,
  lessThan,
  modulo,
  multiply,
  negate,
  power,
  raise,
  remainder,
  setIndex,
  subtract,
} from "./lua_operators.ts";
import { LuaTable } from "./lua_table.ts";
import { NO_VALUES } from "./lua_value.ts";

/** A table constructor with keys: the list, then key, value and place of each field. */
function makeTable(list: unknown[], fields: readonly unknown[]): LuaTable {
  const table = LuaTable.of(list);
  for (let i = 0; i < fields.length; i += 3) {
    const key = fields[i];
    if (typeof key === "string") table.set(key, fields[i + 1]);
    else if (typeof key === "number" && key >= 1 && key <= list.length) {
      // The list is stored last: it wins. The key is checked by what it is: a whole one is in it.
      if (!Number.isInteger(key)) table.set(key, fields[i + 1]);
    } else setIndex(table, key, fields[i + 1], fields[i + 2] as number);
  }
  return table;
}

/** A table constructor whose keys are a few different names: the list, the names, their values. */
function makeFields(list: unknown[], names: string[], values: unknown[]): LuaTable {
  const table = LuaTable.of(list);
  if (!values.includes(undefined)) table.takeFields(names, values);
  else for (let i = 0; i < names.length; i++) table.set(names[i], values[i]);
  return table;
}

/** Lua 5.1's variable "arg" of a vararg function. */
function argTable(values: readonly unknown[]): LuaTable {
  const table = LuaTable.of(values.slice());
  table.set("n", values.length);
  return table;
}

const RUNTIME: Readonly<Record<string, unknown>> = {
  M: meter,
  E: NO_VALUES,
  T: LuaTable,
  H: onCount,
  h: onTurns,
  F: firstOf,
  Y: resultsOf,
  D: dropResult,
  C: callableOf,
  g: findGlobal,
  gv: globalValue,
  gf: findGlobalField,
  U: deferCall,
  X: index,
  x: indexString,
  S: setIndex,
  A: add,
  B: subtract,
  P: multiply,
  Q: divide,
  R: remainder,
  W: raise,
  N: negate,
  J: concat,
  L: length,
  Z: lessThan,
  V: lessOrEqual,
  O: equals,
  I: forNumber,
  mo: modulo,
  pw: power,
  ct: makeTable,
  cf: makeFields,
  ar: argTable,
  it: iterate,
  rf: resumableFunction,
  tc: isTailCall,
  rt: resumeTailCalls,
};

export const RUNTIME_NAMES: readonly string[] = ["G", "K", "i", ...Object.keys(RUNTIME)];
/** The names as a list of parameters. */
export const RUNTIME_PARAMETERS = RUNTIME_NAMES.join();
export const RUNTIME_VALUES: readonly unknown[] = Object.values(RUNTIME);
