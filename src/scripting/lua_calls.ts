/**
 * Calls: results, tail calls behind a deep stack, and calls from host functions into Lua.
 *
 * Who calls Lua from a host function goes through `callValue` and its kin: they count the depth as
 * Lua counts calls from C ("C stack overflow" at 200), and say that the caller has no position.
 */
import { LuaError, LuaSyntaxError, ScriptKill } from "./lua_error.ts";
import { HOST_CALLS_MAX, hostCallSites, meter, StackOverflow } from "./lua_meter.ts";
import { siteOfStack } from "./lua_levels.ts";
import { chunkOfSite, positionOf } from "./lua_sites.ts";
import { LuaTable } from "./lua_table.ts";
import { type LuaFunction, NO_VALUES, typeName } from "./lua_value.ts";

/** Marks an array as a tail call that is still to be made: mark, function, arguments, place. */
const TAIL_CALL = Symbol("tail call");

const isArray = Array.isArray;

export function isTailCall(result: unknown): boolean {
  return isArray(result) && result[0] === TAIL_CALL;
}

/** A function that, instead of being called, asks its caller's caller to do so. */
export function deferCall(fn: LuaFunction): LuaFunction {
  return (...args) => [TAIL_CALL, fn, args, meter.s];
}

/** `finishTailCalls` inside a coroutine: what is called may yield. */
export function* resumeTailCalls(result: unknown): Generator<unknown, unknown, unknown> {
  while (isArray(result) && result[0] === TAIL_CALL) {
    meter.s = result[3] as number;
    const fn = result[1] as LuaFunction;
    const args = result[2] as unknown[];
    result = fn.resumable === undefined ? fn(...args) : yield* fn.resumable(...args);
  }
  return result;
}

/** Makes tail calls until there is a result. */
export function finishTailCalls(result: unknown): unknown {
  while (isArray(result) && result[0] === TAIL_CALL) {
    meter.s = result[3] as number;
    result = (result[1] as LuaFunction)(...result[2] as unknown[]);
  }
  return result;
}

/** The first value of a result. */
export function firstOf(result: unknown): unknown {
  return isArray(result) ? firstOfMany(result) : result;
}

function firstOfMany(result: unknown[]): unknown {
  if (result[0] !== TAIL_CALL) return result[0];
  const finished = finishTailCalls(result);
  return isArray(finished) ? finished[0] : finished;
}

/** All values of a result; the array is not to be changed. */
export function resultsOf(result: unknown): readonly unknown[] {
  if (!isArray(result)) return [result];
  if (result[0] !== TAIL_CALL) return result;
  const finished = finishTailCalls(result);
  return isArray(finished) ? finished : [finished];
}

/** Nobody wants the result, but a tail call must be made. */
export function dropResult(result: unknown): void {
  if (isArray(result) && result[0] === TAIL_CALL) finishTailCalls(result);
}

/** A result made of values: one is returned as it is. */
export function resultFrom(values: readonly unknown[]): unknown {
  return values.length === 1 ? values[0] : values.length === 0 ? NO_VALUES : values;
}

/** Raises an error at a place: the text gets its position. */
export function failAt(site: number, message: string): never {
  throw new LuaError(positionOf(site) + message, Math.abs(site));
}

/** Raises an error of a library function whose text gets no position: C raises it. */
export function failPlainly(message: string): never {
  throw new LuaError(message, Math.abs(meter.s));
}

/** "attempt to index local 'x' (a nil value)": a value of the wrong type at a place. */
export function failType(
  site: number,
  action: string,
  value: unknown,
  operand: "first" | "second" | null = "first",
): never {
  const name = operand === null ? null : chunkOfSite(site)?.namesOf(Math.abs(site))[operand];
  const what = name ? `${name} (a ${typeName(value)} value)` : `a ${typeName(value)} value`;
  failAt(site, `attempt to ${action} ${what}`);
}

/**
 * What is called if something that is no function is called: "__call", or what raises the error.
 * A negative place is one without a name for it.
 */
export function callableOf(value: unknown, site: number): LuaFunction {
  if (typeof value === "function") return value as LuaFunction;
  const handler = value instanceof LuaTable && value.metatable !== null
    ? value.metatable.getString("__call")
    : undefined;
  // Arguments are evaluated before the error is raised.
  if (typeof handler !== "function") {
    return () => failType(site, "call", value, site < 0 ? null : "first");
  }
  const fn = handler as LuaFunction;
  const bound: LuaFunction = (...args) => fn(value, ...args);
  const { resumable } = fn;
  if (resumable !== undefined) bound.resumable = (...args) => resumable(value, ...args);
  return bound;
}

/** Counts a call from a host function; `site` is the place of the operator that makes it, or 0. */
export function enterHostCall(site: number): void {
  hostCallSites[++meter.k] = site;
  if (meter.k < HOST_CALLS_MAX) return;
  meter.k--;
  if (site === 0) failPlainly("C stack overflow");
  failAt(site, "C stack overflow");
}

/** Calls any value from a host function; the result as the function gave it, tail calls made. */
export function callValue(fn: unknown, args: readonly unknown[]): unknown {
  const site = meter.s;
  enterHostCall(0);
  if (--meter.c < 0) meter.onSteps();
  const callable = typeof fn === "function" ? fn as LuaFunction : callableOf(fn, 0);
  meter.s = 0;
  const result = finishTailCalls(callable(...args));
  meter.k--;
  meter.s = site;
  return result;
}

/** Calls a metamethod that an operation at a place needs; its first result. */
export function callMetamethod(site: number, fn: unknown, ...args: unknown[]): unknown {
  const saved = meter.s;
  enterHostCall(site);
  // Negative: the place is no call, so the function has no name there.
  meter.s = -site;
  const callable = typeof fn === "function" ? fn as LuaFunction : callableOf(fn, site);
  const result = firstOf(callable(...args));
  meter.k--;
  meter.s = saved;
  return result;
}

/** Depth from which a host function first makes sure of its room on the stack. */
const SHALLOW_CALLS = 60;
/** Passed as arguments they take 64 KiB of stack. */
const HEADROOM: readonly undefined[] = new Array(8_192).fill(undefined);

function takeRoom(..._values: readonly undefined[]): void {}

/**
 * Makes a host function safe to be called from deep inside a script: it is only entered if there is
 * stack enough for it, so that it cannot be torn by a "stack overflow" half way.
 */
export function withHeadroom(fn: LuaFunction): LuaFunction {
  const guarded: LuaFunction = (...args) => {
    requireHeadroom();
    return fn(...args);
  };
  guarded.isNative = true;
  return guarded;
}

/** Throws what becomes "stack overflow" unless there is stack enough for a host function. */
export function requireHeadroom(): void {
  if (meter.d + meter.k > SHALLOW_CALLS) takeRoom(...HEADROOM);
}

/** Where calls stood, to go on there after an error was caught. */
export interface CallDepth {
  calls: number;
  hostCalls: number;
  site: number;
}

export function saveDepth(): CallDepth {
  return { calls: meter.d, hostCalls: meter.k, site: meter.s };
}

export function restoreDepth(depth: CallDepth): void {
  meter.d = depth.calls;
  meter.k = depth.hostCalls;
  meter.s = depth.site;
}

/**
 * The Lua error that something thrown means. Exhausted stack and impossible strings are errors of
 * the script; a kill and our own faults are thrown on.
 */
export function luaErrorOf(thrown: unknown): LuaError {
  if (thrown instanceof LuaError) return thrown;
  if (thrown instanceof ScriptKill) throw thrown;
  if (thrown instanceof LuaSyntaxError) return new LuaError(thrown.message, 0);
  if (
    thrown instanceof StackOverflow ||
    (thrown instanceof RangeError && thrown.message.includes("call stack"))
  ) {
    const site = siteOfStack(thrown.stack);
    return new LuaError(positionOf(site) + "stack overflow", site);
  }
  // "Invalid string length", "Invalid array length" and the like: V8's own limits.
  if (thrown instanceof RangeError) return new LuaError("not enough memory", 0);
  throw thrown;
}
