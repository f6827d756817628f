/**
 * The math library. `random` is Redis's: the generator lrand48 of POSIX, one for the whole process
 * that starts unseeded, so that the numbers after a start are the same everywhere.
 */
import { fail, failArgument, intArgument, numberArgument } from "./lua_arguments.ts";
import { power } from "./lua_operators.ts";
import type { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary } from "./lua_value.ts";

/** The multiplier 0x5DEECE66D of lrand48 in halves of 24 bits, and what is added. */
const MULTIPLIER_HIGH = 0x5de;
const MULTIPLIER_LOW = 0xece66d;
const INCREMENT = 0xb;
/** The low 16 bits of the state after seeding. */
const SEED_LOW = 0x330e;
const HALF = 2 ** 24;

const RANDOM_MAX = 2 ** 31 - 1;

/** POSIX's lrand48: 48 bits of state, in halves; unseeded it is 0x1234abcd330e. */
export class ScriptRandom {
  #high = 0x1234ab;
  #low = 0xcd0000 | SEED_LOW;

  seed(value: number): void {
    this.#high = (value >>> 8) & 0xffffff;
    this.#low = ((value & 0xff) << 16) | SEED_LOW;
  }

  /** A whole number from 0 to 2^31 - 1. */
  next(): number {
    const low = this.#low * MULTIPLIER_LOW + INCREMENT;
    const carry = Math.floor(low / HALF);
    const high = this.#high * MULTIPLIER_LOW + this.#low * MULTIPLIER_HIGH + carry;
    this.#low = low % HALF;
    this.#high = high % HALF;
    return this.#high * 128 + (this.#low >>> 17);
  }
}

function makeRandom(random: ScriptRandom): LuaFunction {
  return (...args) => {
    const fraction = (random.next() % RANDOM_MAX) / RANDOM_MAX;
    if (args.length === 0) return fraction;
    const first = intArgument(args, 0);
    if (args.length === 1) {
      if (first < 1) failArgument(0, "interval is empty");
      return Math.floor(fraction * first) + 1;
    }
    if (args.length > 2) fail("wrong number of arguments");
    const last = intArgument(args, 1);
    if (first > last) failArgument(1, "interval is empty");
    // C: the length of the interval is an int, which may overflow.
    return Math.floor(fraction * (last - first + 1 | 0)) + first;
  };
}

function frexp(value: number): unknown[] {
  if (value === 0 || !Number.isFinite(value)) return [value, 0];
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(value))) + 1);
  let mantissa = value * 2 ** -exponent;
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2;
    exponent--;
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2;
    exponent++;
  }
  return [mantissa, exponent];
}

function ldexp(mantissa: number, exponent: number): number {
  // In steps, because 2^1074 is no double.
  const steps = Math.max(-2200, Math.min(2200, exponent));
  const part = Math.trunc(steps / 3);
  return mantissa * 2 ** part * 2 ** part * 2 ** (steps - 2 * part);
}

/** Whole part and fraction, both with the sign of the value. */
function modf(value: number): unknown[] {
  if (value !== value) return [value, value];
  const whole = Math.trunc(value);
  const fraction = Number.isFinite(value) ? value - whole : 0;
  const isNegative = value < 0 || Object.is(value, -0);
  return [whole, fraction === 0 && isNegative ? -0 : fraction];
}

/** The least or greatest of all arguments, the first to win. */
function choose(args: readonly unknown[], isBetter: (a: number, b: number) => boolean): number {
  let best = numberArgument(args, 0);
  for (let i = 1; i < args.length; i++) {
    const value = numberArgument(args, i);
    if (isBetter(value, best)) best = value;
  }
  return best;
}

function ofOne(compute: (value: number) => number): LuaFunction {
  return (...args) => compute(numberArgument(args, 0));
}

/** Redis: the compiler of C evaluates arguments from the right, so the second is checked first. */
function ofTwo(compute: (a: number, b: number) => number): LuaFunction {
  return (...args) => {
    const second = numberArgument(args, 1);
    return compute(numberArgument(args, 0), second);
  };
}

const fmod = ofTwo((a, b) => a % b);
const RADIANS_PER_DEGREE = Math.PI / 180;

/** The library table "math"; numbers are drawn from `random`. */
export function makeMathLibrary(random: ScriptRandom): LuaTable {
  const library = makeLibrary({
    abs: ofOne(Math.abs),
    acos: ofOne(Math.acos),
    asin: ofOne(Math.asin),
    atan: ofOne(Math.atan),
    atan2: ofTwo(Math.atan2),
    ceil: ofOne(Math.ceil),
    cos: ofOne(Math.cos),
    cosh: ofOne(Math.cosh),
    deg: ofOne((value) => value / RADIANS_PER_DEGREE),
    exp: ofOne(Math.exp),
    floor: ofOne(Math.floor),
    fmod,
    frexp: (...args) => frexp(numberArgument(args, 0)),
    ldexp: (...args) => {
      const exponent = intArgument(args, 1);
      return ldexp(numberArgument(args, 0), exponent);
    },
    log: ofOne(Math.log),
    log10: ofOne(Math.log10),
    max: (...args) => choose(args, (a, b) => a > b),
    min: (...args) => choose(args, (a, b) => a < b),
    mod: fmod,
    modf: (...args) => modf(numberArgument(args, 0)),
    pow: ofTwo(power),
    rad: ofOne((value) => value * RADIANS_PER_DEGREE),
    random: makeRandom(random),
    randomseed: (...args) => {
      random.seed(intArgument(args, 0));
      return [];
    },
    sin: ofOne(Math.sin),
    sinh: ofOne(Math.sinh),
    sqrt: ofOne(Math.sqrt),
    tan: ofOne(Math.tan),
    tanh: ofOne(Math.tanh),
  });
  library.set("huge", Infinity);
  library.set("pi", Math.PI);
  return library;
}
