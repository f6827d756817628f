/**
 * Arguments of library functions: checks, conversions, and the texts of their errors.
 *
 * A library function takes its arguments as a rest array, so that a missing one can be told from
 * nil. `at` counts from 0; the messages count from 1. Errors name the function as its caller knows
 * it, which the place of the call tells: "bad argument #1 to 'insert' (table expected, got nil)".
 */
import { failAt, failPlainly } from "./lua_calls.ts";
import { meter } from "./lua_meter.ts";
import { chunkOfSite } from "./lua_sites.ts";
import { LuaTable } from "./lua_table.ts";
import { toNumber, toText, typeName } from "./lua_value.ts";

const INT64_LIMIT = 2 ** 63;
const INT32_LIMIT = 2 ** 31;

/** Raises an error of a library function; the position is that of the call. */
export function fail(message: string): never {
  failAt(meter.s, message);
}

/** "bad argument #n to 'name' (what)". */
export function failArgument(at: number, what: string): never {
  const names = meter.s > 0 ? chunkOfSite(meter.s)?.namesOf(meter.s) : undefined;
  const match = /^(\S+) '(.*)'$/s.exec(names?.first ?? "");
  const name = match?.[2] ?? "?";
  let number = at + 1;
  if (match?.[1] === "method") {
    if (--number === 0) fail(`calling '${name}' on bad self (${what})`);
  }
  fail(`bad argument #${number} to '${name}' (${what})`);
}

/** The name of an argument's type, or "no value". */
export function argumentType(args: readonly unknown[], at: number): string {
  return at < args.length ? typeName(args[at]) : "no value";
}

export function failExpected(args: readonly unknown[], at: number, expected: string): never {
  failArgument(at, `${expected} expected, got ${argumentType(args, at)}`);
}

/** Any value, but it must be there. */
export function anyArgument(args: readonly unknown[], at: number): unknown {
  if (at >= args.length) failArgument(at, "value expected");
  return args[at];
}

export function tableArgument(args: readonly unknown[], at: number): LuaTable {
  const value = args[at];
  if (!(value instanceof LuaTable)) failExpected(args, at, "table");
  return value;
}

/** A string; numbers become one. */
export function textArgument(args: readonly unknown[], at: number): string {
  const value = args[at];
  if (typeof value === "string") return value;
  const text = toText(value);
  if (text === undefined) failExpected(args, at, "string");
  return text;
}

export function optionalText(args: readonly unknown[], at: number, otherwise: string): string {
  return args[at] === undefined ? otherwise : textArgument(args, at);
}

/** A number; strings that spell one become it. */
export function numberArgument(args: readonly unknown[], at: number): number {
  const value = args[at];
  if (typeof value === "number") return value;
  const number = toNumber(value);
  if (number === undefined) failExpected(args, at, "number");
  return number;
}

export function optionalNumber(args: readonly unknown[], at: number, otherwise: number): number {
  return args[at] === undefined ? otherwise : numberArgument(args, at);
}

/**
 * What C's cast to a 64-bit integer makes of a double: cut towards zero; what does not fit, and
 * NaN, become the smallest integer.
 */
export function truncate(value: number): number {
  if (value >= INT64_LIMIT || value < -INT64_LIMIT || value !== value) return -INT64_LIMIT;
  return Math.trunc(value) + 0;
}

/** The low 32 bits of `truncate`, signed: C's int. */
export function toInt32(value: number): number {
  const integer = truncate(value);
  if (integer >= -INT32_LIMIT && integer < INT32_LIMIT) return integer;
  return Number(BigInt.asIntN(32, BigInt(integer)));
}

/** A whole number of 64 bits. */
export function integerArgument(args: readonly unknown[], at: number): number {
  return truncate(numberArgument(args, at));
}

/** A whole number of 32 bits, the higher ones cut off. */
export function intArgument(args: readonly unknown[], at: number): number {
  return toInt32(numberArgument(args, at));
}

export function optionalInteger(args: readonly unknown[], at: number, otherwise: number): number {
  return args[at] === undefined ? otherwise : integerArgument(args, at);
}

export function optionalInt(args: readonly unknown[], at: number, otherwise: number): number {
  return args[at] === undefined ? otherwise : intArgument(args, at);
}

/** Raises Redis's error if scripts may not change the table. Without a position: C raises it. */
export function assertWritable(table: LuaTable): void {
  if (table.isReadonly) failPlainly("Attempt to modify a readonly table");
}
