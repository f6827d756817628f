/**
 * `table.sort`: C Lua's quicksort step by step, because its order of equal elements, its calls of
 * the comparator and its complaints about a bad one can be seen.
 */
import { fail } from "./lua_arguments.ts";
import { enterHostCall, finishTailCalls, firstOf } from "./lua_calls.ts";
import { meter, spendSteps } from "./lua_meter.ts";
import { isTrue, lessThan } from "./lua_operators.ts";
import type { LuaFunction } from "./lua_value.ts";

/** Is the left value to stand before the right one? */
type Order = (left: unknown, right: unknown) => boolean;

function failOrder(): never {
  fail("invalid order function for sorting");
}

const defaultOrder: Order = (left, right) => lessThan(left, right, 0);

/** Sorts values from index 0 to `count` - 1 in place, by a Lua function or by "<". */
export function sortValues(values: unknown[], count: number, compare: LuaFunction | null): void {
  const site = meter.s;
  meter.s = 0;
  if (compare === null) {
    sortRange(values, 0, count - 1, defaultOrder, site);
  } else {
    enterHostCall(0);
    const order: Order = (left, right) => {
      meter.s = 0;
      const result = compare(left, right);
      return isTrue(Array.isArray(result) ? firstOf(finishTailCalls(result)) : result);
    };
    sortRange(values, 0, count - 1, order, site);
    meter.k--;
  }
  meter.s = site;
}

function swap(values: unknown[], i: number, j: number): void {
  const value = values[i];
  values[i] = values[j];
  values[j] = value;
}

function sortRange(
  values: unknown[],
  from: number,
  to: number,
  isBefore: Order,
  site: number,
): void {
  let low = from;
  let high = to;
  while (low < high) {
    spendSteps((high - low) >>> 1);
    if (isBefore(values[high], values[low])) swap(values, low, high);
    if (high - low === 1) return;
    const middle = (low + high + 2 >>> 1) - 1;
    if (isBefore(values[middle], values[low])) swap(values, middle, low);
    else if (isBefore(values[high], values[middle])) swap(values, middle, high);
    if (high - low === 2) return;
    const i = partition(values, low, high, middle, isBefore, site);
    // The smaller half first, the larger one in this loop.
    if (i - low < high - i) {
      sortRange(values, low, i - 1, isBefore, site);
      low = i + 1;
    } else {
      sortRange(values, i + 1, high, isBefore, site);
      high = i - 1;
    }
  }
}

/** Puts what is smaller than the middle value before it; returns where it stands then. */
function partition(
  values: unknown[],
  low: number,
  high: number,
  middle: number,
  isBefore: Order,
  site: number,
): number {
  const pivot = values[middle];
  swap(values, middle, high - 1);
  let i = low;
  let j = high - 1;
  for (;;) {
    while (isBefore(i + 1 < values.length ? values[++i] : (++i, undefined), pivot)) {
      if (i > high) meter.s = site, failOrder();
    }
    while (isBefore(pivot, j > 0 ? values[--j] : (--j, undefined))) {
      if (j < low) meter.s = site, failOrder();
    }
    if (j < i) break;
    swap(values, i, j);
  }
  swap(values, high - 1, i);
  return i;
}
