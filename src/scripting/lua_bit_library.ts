/**
 * The library "bit" (Lua BitOp): operations on 32 bits, results signed. A number counts modulo 2^32;
 * shifts count modulo 32.
 */
import { failExpected, numberArgument } from "./lua_arguments.ts";
import type { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary } from "./lua_value.ts";

/** BitOp's trick: the low bits of the number plus 2^52 + 2^51, rounded to even. */
const ROUNDING = 2 ** 52 + 2 ** 51;
const words = new DataView(new ArrayBuffer(8));

/** The low 32 bits of a number, rounded to a whole one. */
function toBit(value: number): number {
  if ((value | 0) === value) return value | 0;
  words.setFloat64(0, value + ROUNDING);
  return words.getInt32(4);
}

function bitArgument(args: readonly unknown[], at: number): number {
  if (at >= args.length) failExpected(args, at, "number");
  return toBit(numberArgument(args, at));
}

function ofAll(combine: (a: number, b: number) => number): LuaFunction {
  return (...args) => {
    let value = bitArgument(args, 0);
    for (let i = args.length - 1; i > 0; i--) value = combine(value, bitArgument(args, i));
    return value;
  };
}

function shift(move: (value: number, count: number) => number): LuaFunction {
  return (...args) => {
    const value = bitArgument(args, 0);
    return move(value, bitArgument(args, 1) & 31) | 0;
  };
}

function swapBytes(value: number): number {
  return (value >>> 24) | ((value >>> 8) & 0xff00) | ((value << 8) & 0xff0000) | (value << 24);
}

/** Hexadecimal digits, eight unless told; a negative number of them asks for capitals. */
const tohex: LuaFunction = (...args) => {
  const value = bitArgument(args, 0);
  let count = args.length > 1 && args[1] !== undefined ? bitArgument(args, 1) : 8;
  const isUpper = count < 0;
  if (isUpper) count = -count;
  if (count > 8 || count < 0) count = 8;
  if (count === 0) return "";
  const digits = (value >>> 0).toString(16).padStart(8, "0").slice(-count);
  return isUpper ? digits.toUpperCase() : digits;
};

/** The library table "bit". */
export function makeBitLibrary(): LuaTable {
  return makeLibrary({
    arshift: shift((value, count) => value >> count),
    band: ofAll((a, b) => a & b),
    bnot: (...args) => ~bitArgument(args, 0),
    bor: ofAll((a, b) => a | b),
    bswap: (...args) => swapBytes(bitArgument(args, 0)),
    bxor: ofAll((a, b) => a ^ b),
    lshift: shift((value, count) => value << count),
    rol: shift((value, count) => (value << count) | (value >>> (32 - count & 31))),
    ror: shift((value, count) => (value >>> count) | (value << (32 - count & 31))),
    rshift: shift((value, count) => value >>> count),
    tobit: (...args) => bitArgument(args, 0),
    tohex,
  });
}
