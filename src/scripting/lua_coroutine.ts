/**
 * Coroutines, and the library of that name.
 *
 * A chunk that mentions coroutines is compiled so that each of its functions is a generator, which
 * a plain call runs to its end. Inside a coroutine Lua functions call each other by `yield*`, and
 * `coroutine.yield` is the one generator that really yields. Whatever is called from a library
 * function or as a metamethod or iterator cannot yield, as in Lua 5.1: "attempt to yield across
 * metamethod/C-call boundary".
 */
import { fail, failArgument } from "./lua_arguments.ts";
import {
  finishTailCalls,
  luaErrorOf,
  restoreDepth,
  resultFrom,
  resultsOf,
  resumeTailCalls,
  saveDepth,
} from "./lua_calls.ts";
import { LuaError } from "./lua_error.ts";
import { meter, spend } from "./lua_meter.ts";
import { positionOf } from "./lua_sites.ts";
import type { LuaTable } from "./lua_table.ts";
import { type LuaFunction, LuaThread, makeLibrary } from "./lua_value.ts";

const YIELD_ACROSS = "attempt to yield across metamethod/C-call boundary";
const THREAD_BYTES = 1024;

/** Coroutines inside each other that resume one another; Lua's limit of C calls. */
const NESTED_MAX = 190;

type Body = Generator<unknown, unknown, unknown>;

/** Makes a Lua function of a generator: called as a function it cannot yield. */
export function resumableFunction(generator: (...args: unknown[]) => Body): LuaFunction {
  const fn: LuaFunction = (...args) => {
    const body = generator(...args);
    let step = body.next();
    // The error arises where the yield stands, so that a pcall there sees it.
    while (!step.done) step = body.throw(new LuaError(YIELD_ACROSS, Math.abs(meter.s)));
    return step.value;
  };
  fn.resumable = generator;
  return fn;
}

type Status = "suspended" | "running" | "normal" | "dead";

export class LuaCoroutine extends LuaThread {
  status: Status = "suspended";
  /** Depth of Lua calls inside, while it is suspended. */
  depth = 0;
  body: Body | null = null;
  readonly function: LuaFunction;

  constructor(fn: LuaFunction) {
    super();
    this.function = fn;
  }
}

let running: LuaCoroutine | null = null;
let nestedCount = 0;

/** Forgets which coroutine runs: at the start of each call from the host. */
export function resetCoroutines(): void {
  running = null;
  nestedCount = 0;
}

function* bodyOf(fn: LuaFunction, args: readonly unknown[]): Body {
  const result = fn.resumable === undefined ? fn(...args) : yield* fn.resumable(...args);
  return finishTailCalls(yield* resumeTailCalls(result));
}

/** Runs a coroutine to its next yield or its end; throws what it throws. */
function resume(coroutine: LuaCoroutine, args: readonly unknown[]): readonly unknown[] {
  const depth = saveDepth();
  const outer = running;
  if (outer !== null) outer.status = "normal";
  coroutine.status = "running";
  running = coroutine;
  nestedCount++;
  let isOver = true;
  try {
    meter.d += coroutine.depth;
    // A yield inside counts from here: host calls outside are none of its own.
    meter.s = 0;
    coroutine.body ??= bodyOf(coroutine.function, args);
    const step = coroutine.body.next(args);
    isOver = step.done === true;
    coroutine.depth = meter.d - depth.calls;
    return isOver ? resultsOf(step.value) : step.value as readonly unknown[];
  } finally {
    nestedCount--;
    restoreDepth(depth);
    coroutine.status = isOver ? "dead" : "suspended";
    running = outer;
    if (outer !== null) outer.status = "running";
  }
}

/** Why a coroutine cannot be resumed, or null. */
function obstacle(coroutine: LuaCoroutine): string | null {
  if (coroutine.status !== "suspended") return `cannot resume ${coroutine.status} coroutine`;
  return nestedCount >= NESTED_MAX ? "C stack overflow" : null;
}

function threadArgument(args: readonly unknown[]): LuaCoroutine {
  const thread = args[0];
  if (!(thread instanceof LuaCoroutine)) failArgument(0, "coroutine expected");
  return thread;
}

const create: LuaFunction = (...args) => {
  const fn = args[0];
  if (typeof fn !== "function" || (fn as LuaFunction).isNative === true) {
    failArgument(0, "Lua function expected");
  }
  spend(THREAD_BYTES);
  return new LuaCoroutine(fn as LuaFunction);
};

const resumeFunction: LuaFunction = (...args) => {
  const coroutine = threadArgument(args);
  const reason = obstacle(coroutine);
  if (reason !== null) return [false, reason];
  try {
    return [true, ...resume(coroutine, args.slice(1))];
  } catch (thrown) {
    return [false, luaErrorOf(thrown).value];
  }
};

const wrap: LuaFunction = (...args) => {
  const coroutine = create(...args) as LuaCoroutine;
  const resumed: LuaFunction = (...values) => {
    const site = meter.s;
    const reason = obstacle(coroutine);
    if (reason !== null) fail(reason);
    try {
      return resultFrom(resume(coroutine, values));
    } catch (thrown) {
      const error = luaErrorOf(thrown);
      if (typeof error.value !== "string") throw error;
      // Lua puts the position of the caller before an error text that comes from inside.
      throw new LuaError(positionOf(site) + error.value, Math.abs(site));
    }
  };
  resumed.isNative = true;
  return resumed;
};

const yieldFunction: LuaFunction = () => {
  throw new LuaError(YIELD_ACROSS, Math.abs(meter.s));
};

yieldFunction.resumable = function* (...args) {
  return resultFrom((yield args) as readonly unknown[]);
};

const status: LuaFunction = (...args) => threadArgument(args).status;
const runningFunction: LuaFunction = () => running ?? undefined;

/** The library table "coroutine". */
export function makeCoroutineLibrary(): LuaTable {
  return makeLibrary({
    create,
    resume: resumeFunction,
    running: runningFunction,
    status,
    wrap,
    yield: yieldFunction,
  });
}
