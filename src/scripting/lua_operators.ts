/**
 * The operators of Lua where emitted code does not know the types: coercions, metamethods, errors.
 *
 * `site` is the number of the place in the source (lua_sites), from which the error texts get line
 * and names. Operators on numbers are in the emitted code itself.
 */
import { callableOf, callMetamethod, failAt, failType } from "./lua_calls.ts";
import { join, meter, spendSteps } from "./lua_meter.ts";
import { LuaTable } from "./lua_table.ts";
import { type LuaFunction, toNumber, toText, typeName } from "./lua_value.ts";

/** Tables and handlers that an index may go through. */
const INDEX_STEPS_MAX = 100;

/** The metatable that all strings share; each engine sets its own while it runs. */
let stringMetatable: LuaTable | null = null;

/** Sets the metatable of strings; returns the one before. */
export function useStringMetatable(metatable: LuaTable | null): LuaTable | null {
  const before = stringMetatable;
  stringMetatable = metatable;
  return before;
}

export function metatableOf(value: unknown): LuaTable | null {
  if (value instanceof LuaTable) return value.metatable;
  return typeof value === "string" ? stringMetatable : null;
}

export function metamethodOf(value: unknown, event: string): unknown {
  const metatable = metatableOf(value);
  return metatable === null ? undefined : metatable.getString(event);
}

/** `object[key]`. */
export function index(object: unknown, key: unknown, site: number): unknown {
  if (object instanceof LuaTable) {
    const value = object.get(key);
    if (value !== undefined || object.metatable === null) return value;
  }
  return indexSlowly(object, key, site);
}

/** `object.key`, or `object["key"]`. */
export function indexString(object: unknown, key: string, site: number): unknown {
  if (object instanceof LuaTable) {
    const { hash } = object;
    const value = hash === null ? undefined : hash.get(key);
    if (value !== undefined || object.metatable === null) return value;
    // A class: "__index" is a table, most often with the key in it.
    const parent = object.metatable.getString("__index");
    if (parent instanceof LuaTable) {
      const inherited = parent.getString(key);
      if (inherited !== undefined || parent.metatable === null) return inherited;
    }
  } else if (typeof object === "string" && stringMetatable !== null) {
    const library = stringMetatable.getString("__index");
    if (library instanceof LuaTable) {
      const method = library.getString(key);
      if (method !== undefined) return method;
    }
  }
  return indexSlowly(object, key, site);
}

function indexSlowly(object: unknown, key: unknown, site: number): unknown {
  let holder = object;
  for (let step = 0; step < INDEX_STEPS_MAX; step++) {
    let handler: unknown;
    if (holder instanceof LuaTable) {
      const value = holder.get(key);
      if (value !== undefined || holder.metatable === null) return value;
      handler = holder.metatable.getString("__index");
      if (handler === undefined) return undefined;
    } else {
      handler = metamethodOf(holder, "__index");
      if (handler === undefined) {
        failType(site, "index", holder, step === 0 ? "first" : null);
      }
    }
    if (typeof handler === "function") return callMetamethod(site, handler, holder, key);
    holder = handler;
  }
  return failAt(site, "loop in gettable");
}

/**
 * The value of a string key that stands in `table` where `hints[at]` says, or undefined. Globals
 * and libraries keep their places, so that one comparison finds what hashing would find.
 */
function valueAtHint(table: LuaTable, key: string, hints: Int32Array, at: number): unknown {
  const { hash } = table;
  if (hash === null) return undefined;
  const place = hints[at]!;
  return hash.keys[place] === key ? hash.values[place] : undefined;
}

/** The next look-up by the same hint finds the key where it stands now. */
function takeHint(table: unknown, key: string, hints: Int32Array, at: number): void {
  const place = table instanceof LuaTable && table.hash !== null ? table.hash.find(key) : -1;
  if (place >= 0) hints[at] = place;
}

/** A global variable; `hints[at]` is where it stood the last time. */
export function globalValue(
  globals: LuaTable,
  name: string,
  hints: Int32Array,
  at: number,
  site: number,
): unknown {
  // Those of functions are empty, and stand for others (function_libraries).
  const holder = globals.hash === null && globals.metatable !== null
    ? globals.metatable.getString("__index")
    : globals;
  const value = holder instanceof LuaTable ? valueAtHint(holder, name, hints, at) : undefined;
  if (value !== undefined) return value;
  takeHint(holder, name, hints, at);
  return indexString(globals, name, site);
}

/** The global function that is called at a place; notes the place. */
export function findGlobal(
  globals: LuaTable,
  name: string,
  hints: Int32Array,
  at: number,
  site: number,
): LuaFunction {
  // The place behind the call's is that of the global.
  const value = globalValue(globals, name, hints, at, site + 1);
  meter.s = site;
  return typeof value === "function" ? value as LuaFunction : callableOf(value, site);
}

/** The function in a field of a global that is called at a place; notes the place. */
export function findGlobalField(
  globals: LuaTable,
  name: string,
  field: string,
  hints: Int32Array,
  at: number,
  site: number,
): LuaFunction {
  const object = globalValue(globals, name, hints, at, site + 1);
  let value = object instanceof LuaTable ? valueAtHint(object, field, hints, at + 1) : undefined;
  if (value === undefined) {
    takeHint(object, field, hints, at + 1);
    value = indexString(object, field, site + 2);
  }
  meter.s = site;
  return typeof value === "function" ? value as LuaFunction : callableOf(value, site);
}

/** `object[key] = value`. */
export function setIndex(object: unknown, key: unknown, value: unknown, site: number): void {
  if (object instanceof LuaTable && object.metatable === null && !object.isReadonly) {
    if (typeof key === "number") {
      if (key === key) object.setNumber(key, value);
      else failAt(site, "table index is NaN");
    } else if (key !== undefined) object.set(key, value);
    else failAt(site, "table index is nil");
    return;
  }
  // A field that is there already: "__newindex" does not count.
  if (
    typeof key === "string" && object instanceof LuaTable && !object.isReadonly &&
    object.hash !== null && object.hash.replace(key, value)
  ) return;
  setSlowly(object, key, value, site);
}

function setSlowly(object: unknown, key: unknown, value: unknown, site: number): void {
  let holder = object;
  for (let step = 0; step < INDEX_STEPS_MAX; step++) {
    let handler: unknown;
    if (holder instanceof LuaTable) {
      if (holder.isReadonly) failAt(site, "Attempt to modify a readonly table");
      if (key === undefined) failAt(site, "table index is nil");
      if (key !== key) failAt(site, "table index is NaN");
      handler = holder.metatable === null || holder.get(key) !== undefined
        ? undefined
        : holder.metatable.getString("__newindex");
      if (handler === undefined) {
        holder.set(key, value);
        return;
      }
    } else {
      handler = metamethodOf(holder, "__newindex");
      if (handler === undefined) {
        failType(site, "index", holder, step === 0 ? "first" : null);
      }
    }
    if (typeof handler === "function") {
      callMetamethod(site, handler, holder, key, value);
      return;
    }
    holder = handler;
  }
  failAt(site, "loop in settable");
}

/** The metamethod of a binary operator: the left operand's, or else the right one's. */
function binaryHandler(left: unknown, right: unknown, event: string): unknown {
  return metamethodOf(left, event) ?? metamethodOf(right, event);
}

function failArithmetic(site: number, left: unknown, right: unknown): never {
  if (toNumber(left) === undefined) failType(site, "perform arithmetic on", left, "first");
  failType(site, "perform arithmetic on", right, "second");
}

function arithmetic(
  left: unknown,
  right: unknown,
  site: number,
  event: string,
  compute: (a: number, b: number) => number,
): unknown {
  const a = toNumber(left);
  const b = toNumber(right);
  if (a !== undefined && b !== undefined) return compute(a, b);
  const handler = binaryHandler(left, right, event);
  if (handler === undefined) failArithmetic(site, left, right);
  return callMetamethod(site, handler, left, right);
}

/** Lua's "%": the result has the sign of the right operand. */
export function modulo(a: number, b: number): number {
  return a - Math.floor(a / b) * b;
}

/** C's pow: 1 to any power and -1 to an infinite one are 1. */
export function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1;
  return a ** b;
}

const plus = (a: number, b: number) => a + b;
const minus = (a: number, b: number) => a - b;
const times = (a: number, b: number) => a * b;
const dividedBy = (a: number, b: number) => a / b;
const negated = (a: number) => -a;

export function add(left: unknown, right: unknown, site: number): unknown {
  return arithmetic(left, right, site, "__add", plus);
}

export function subtract(left: unknown, right: unknown, site: number): unknown {
  return arithmetic(left, right, site, "__sub", minus);
}

export function multiply(left: unknown, right: unknown, site: number): unknown {
  return arithmetic(left, right, site, "__mul", times);
}

export function divide(left: unknown, right: unknown, site: number): unknown {
  return arithmetic(left, right, site, "__div", dividedBy);
}

export function remainder(left: unknown, right: unknown, site: number): unknown {
  if (typeof left === "number" && typeof right === "number") return modulo(left, right);
  return arithmetic(left, right, site, "__mod", modulo);
}

export function raise(left: unknown, right: unknown, site: number): unknown {
  if (typeof left === "number" && typeof right === "number") return power(left, right);
  return arithmetic(left, right, site, "__pow", power);
}

export function negate(operand: unknown, site: number): unknown {
  if (typeof operand === "number") return -operand;
  return arithmetic(operand, operand, site, "__unm", negated);
}

/** `left .. right`. */
export function concat(left: unknown, right: unknown, site: number): unknown {
  const a = toText(left);
  const b = toText(right);
  if (a !== undefined && b !== undefined) return join(a, b);
  const handler = binaryHandler(left, right, "__concat");
  if (handler !== undefined) return callMetamethod(site, handler, left, right);
  if (a === undefined) failType(site, "concatenate", left, "first");
  return failType(site, "concatenate", right, "second");
}

/** `#operand`. Lua 5.1: tables have no "__len". */
export function length(operand: unknown, site: number): number {
  if (operand instanceof LuaTable) return operand.length();
  if (typeof operand === "string") return operand.length;
  return failType(site, "get length of", operand);
}

/** To compare strings of so many chars takes time that counts. */
const LONG_CHARS_MIN = 1024;

/** `left == right`. */
export function equals(left: unknown, right: unknown, site: number): boolean {
  if (typeof left === "string" && left.length > LONG_CHARS_MIN) spendSteps(left.length >>> 6);
  if (left === right) return true;
  if (!(left instanceof LuaTable) || !(right instanceof LuaTable)) return false;
  const handler = commonHandler(left, right, "__eq");
  if (handler === undefined) return false;
  return isTrue(callMetamethod(site, handler, left, right));
}

/** A metamethod that both operands have; for a comparison it must be the same. */
function commonHandler(left: unknown, right: unknown, event: string): unknown {
  const handler = metamethodOf(left, event);
  return handler !== undefined && handler === metamethodOf(right, event) ? handler : undefined;
}

export function isTrue(value: unknown): boolean {
  return value !== undefined && value !== false;
}

function failOrder(site: number, left: unknown, right: unknown): never {
  const a = typeName(left);
  const b = typeName(right);
  failAt(site, `attempt to compare ${a === b ? `two ${a} values` : `${a} with ${b}`}`);
}

/** `left < right`. */
export function lessThan(left: unknown, right: unknown, site: number): boolean {
  if (typeof left === "number" && typeof right === "number") return left < right;
  if (typeof left === "string" && typeof right === "string") {
    spendSteps(left.length >>> 6);
    return left < right;
  }
  if (typeName(left) !== typeName(right)) failOrder(site, left, right);
  const handler = commonHandler(left, right, "__lt");
  if (handler === undefined) failOrder(site, left, right);
  return isTrue(callMetamethod(site, handler, left, right));
}

/** `left <= right`; without "__le" it is `not (right < left)`. */
export function lessOrEqual(left: unknown, right: unknown, site: number): boolean {
  if (typeof left === "number" && typeof right === "number") return left <= right;
  if (typeof left === "string" && typeof right === "string") {
    spendSteps(left.length >>> 6);
    return left <= right;
  }
  if (typeName(left) !== typeName(right)) failOrder(site, left, right);
  const handler = commonHandler(left, right, "__le");
  if (handler !== undefined) return isTrue(callMetamethod(site, handler, left, right));
  const reversed = commonHandler(right, left, "__lt");
  if (reversed === undefined) failOrder(site, left, right);
  return !isTrue(callMetamethod(site, reversed, right, left));
}

const FOR_PARTS = ["initial value", "limit", "step"] as const;

/** The start, limit or step of a numeric for. */
export function forNumber(value: unknown, site: number, part: 0 | 1 | 2): number {
  if (typeof value === "number") return value;
  const number = toNumber(value);
  if (number === undefined) failAt(site, `'for' ${FOR_PARTS[part]} must be a number`);
  return number;
}
