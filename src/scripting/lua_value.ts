/**
 * The values of Lua and what they are in JavaScript:
 *
 *   nil        undefined            number     number
 *   boolean    boolean              function   function (see LuaFunction)
 *   string     string, Latin-1: one char per byte
 *   table      LuaTable             thread     LuaCoroutine (lua_coroutine)
 *   userdata   LuaUserdata: only cjson.null
 *
 * A function takes its arguments one by one and returns one value as it is, none or several as an
 * array: no Lua value is an array. Such arrays must not be changed by whoever gets them. Behind a
 * deep stack a function may return a tail call, an array too, which `firstOf` and `resultsOf` carry
 * out (lua_calls).
 */
import { formatNumber, parseLuaNumber } from "./lua_number.ts";
import { LuaTable } from "./lua_table.ts";

/** A function of Lua, or one of the host's: the same thing. */
export interface LuaFunction {
  // deno-lint-ignore no-explicit-any
  (...args: any[]): unknown;
  /** In scripts that use coroutines: the body as a generator that yields arrays of values. */
  resumable?: (...args: unknown[]) => Generator<unknown, unknown, unknown>;
  /** A function of a library or of the host: what Lua calls a C function. */
  isNative?: boolean;
}

/** The result of a function that returns nothing. */
export const NO_VALUES: readonly unknown[] = Object.freeze([]);

/** Makes a library table of functions; they count as C functions. */
export function makeLibrary(functions: Readonly<Record<string, LuaFunction>>): LuaTable {
  const library = new LuaTable();
  for (const [name, fn] of Object.entries(functions)) {
    fn.isNative = true;
    library.set(name, fn);
  }
  return library;
}

/** A value that scripts can only hold, compare and pass on. */
export class LuaUserdata {
  /** What tostring prints behind "userdata: ". */
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }
}

/** Coroutines, as far as the rest must know them. */
export abstract class LuaThread {}

/** The name of a value's type, as `type` returns it. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nil";
    case "object":
      if (value instanceof LuaTable) return "table";
      return value instanceof LuaThread ? "thread" : "userdata";
    default:
      return typeof value;
  }
}

/** The number that a value is or spells, or undefined. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseLuaNumber(value) : undefined;
}

/** The string that a string or number is, or undefined for any other value. */
export function toText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? formatNumber(value) : undefined;
}

const addresses = new WeakMap<object, number>();
let nextAddress = 0x7f00_0000_0040;

/** What stands for the address of an object: the same for as long as it lives. */
export function addressOf(value: object): string {
  let address = addresses.get(value);
  if (address === undefined) {
    address = nextAddress;
    nextAddress += 0x20;
    addresses.set(value, address);
  }
  return "0x" + address.toString(16);
}

/** A value as `tostring` shows it, metamethods aside. */
export function rawToString(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return formatNumber(value);
    case "undefined":
      return "nil";
    case "boolean":
      return String(value);
  }
  if (value instanceof LuaUserdata) return "userdata: " + value.address;
  return `${typeName(value)}: ${addressOf(value as object)}`;
}
