/**
 * What a generic for runs over. `next` and the iterator of `ipairs` are recognised and take no call
 * per turn; everything else is called as Lua calls it, with state and control variable.
 */
import { intArgument, tableArgument } from "./lua_arguments.ts";
import { callableOf, enterHostCall, failPlainly, finishTailCalls, resultsOf } from "./lua_calls.ts";
import { meter } from "./lua_meter.ts";
import { LuaTable } from "./lua_table.ts";
import { type LuaFunction, NO_VALUES } from "./lua_value.ts";

/** One loop under way: after a `step` that returned true the values are those of this turn. */
export interface LoopIterator {
  first: unknown;
  second: unknown;
  /** The value of the variable number `index`, counted from 0. */
  more(index: number): unknown;
  step(): boolean;
}

/** `next(table, key)`: raw, in the order of the table. */
export const next: LuaFunction = (...args: unknown[]) => {
  const table = tableArgument(args, 0);
  const place = table.nextPlace(args[1]);
  if (place === -1) return undefined;
  // Without a position: C raises it.
  if (place === -2) failPlainly("invalid key to 'next'");
  return [table.keyAt(place), table.valueAt(place)];
};

/** What `ipairs` returns first. */
export const ipairsStep: LuaFunction = (...args: unknown[]) => {
  const table = tableArgument(args, 0);
  const key = intArgument(args, 1) + 1;
  const value = table.getNumber(key);
  return value === undefined ? NO_VALUES : [key, value];
};

class TableIterator implements LoopIterator {
  first: unknown = undefined;
  second: unknown = undefined;
  readonly #table: LuaTable;
  #place = -1;

  constructor(table: LuaTable, key: unknown) {
    this.#table = table;
    this.first = key;
    if (key !== undefined) this.#place = -2;
  }

  more(): unknown {
    return undefined;
  }

  step(): boolean {
    const table = this.#table;
    const { list } = table;
    let place = this.#place + 1;
    if (place > 0 ? !this.#isStill(place - 1) : place < 0) place = this.#find();
    for (; place < list.length; place++) {
      const value = list[place];
      if (value !== undefined) return this.#yield(place, place + 1, value);
    }
    const { hash } = table;
    if (hash === null) return false;
    const { keys, values } = hash;
    for (let at = place - list.length; at < values.length; at++) {
      const value = values[at];
      if (value !== undefined) return this.#yield(at + list.length, keys[at], value);
    }
    return false;
  }

  /** Is the key of the last turn where it was? */
  #isStill(place: number): boolean {
    const { list, hash } = this.#table;
    if (place < list.length) return place + 1 === this.first;
    return hash !== null && hash.keys[place - list.length] === this.first;
  }

  #find(): number {
    const place = this.#table.nextPlace(this.first);
    if (place === -2) failPlainly("invalid key to 'next'");
    return place === -1 ? Infinity : place;
  }

  #yield(place: number, key: unknown, value: unknown): boolean {
    this.#place = place;
    this.first = key;
    this.second = value;
    return true;
  }
}

class ListIterator implements LoopIterator {
  first = 0;
  second: unknown = undefined;
  readonly #table: LuaTable;

  constructor(table: LuaTable, start: number) {
    this.#table = table;
    this.first = start;
  }

  more(): unknown {
    return undefined;
  }

  step(): boolean {
    const key = ++this.first;
    return (this.second = this.#table.getNumber(key)) !== undefined;
  }
}

class FunctionIterator implements LoopIterator {
  first: unknown;
  second: unknown = undefined;
  readonly #function: unknown;
  readonly #state: unknown;
  readonly #site: number;
  #values: readonly unknown[] = NO_VALUES;
  /** Kept apart: the loop's variable may be assigned. */
  #control: unknown;

  constructor(fn: unknown, state: unknown, control: unknown, site: number) {
    this.#function = fn;
    this.#state = state;
    this.#control = control;
    this.#site = site;
  }

  more(index: number): unknown {
    return this.#values[index];
  }

  step(): boolean {
    const site = this.#site;
    const fn = this.#function;
    const callable = typeof fn === "function" ? fn as LuaFunction : callableOf(fn, -site);
    enterHostCall(site);
    meter.s = site;
    const result = finishTailCalls(callable(this.#state, this.#control));
    meter.k--;
    const values = resultsOf(result);
    this.#values = values;
    this.#control = this.first = values[0];
    this.second = values[1];
    return this.#control !== undefined;
  }
}

/** Begins a loop over the values behind "in": iterator, state, control. */
export function iterate(values: readonly unknown[], site: number): LoopIterator {
  const fn = values[0];
  const state = values[1];
  if (state instanceof LuaTable) {
    if (fn === next) return new TableIterator(state, values[2]);
    if (fn === ipairsStep && typeof values[2] === "number") {
      return new ListIterator(state, values[2]);
    }
  }
  return new FunctionIterator(fn, state, values[2], site);
}
