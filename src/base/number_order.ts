/**
 * Number order: sorts indexes by numbers.
 *
 * The engine's sort calls back for each comparison, which costs more than all the rest of it. Here
 * numbers are compared where they stand, and only equal ones ask the caller: a merge sort of runs
 * that are there already or were made by insertion (sort and zunionstore of
 * scripts/bench/micro/command_bench.ts).
 */

/** Says which of two indexes comes first if their numbers are equal: negative, 0, positive. */
export type CompareEqual = (index: number, other: number) => number;

/** Runs of so many are sorted by insertion. */
const RUN_LENGTH = 8;
/** So many are sorted in arrays that are kept: making new ones takes longer than sorting a few. */
const KEPT_LENGTH = 1024;

const keptOrder = new Uint32Array(KEPT_LENGTH);
const keptOrder2 = new Uint32Array(KEPT_LENGTH);
const keptKeys = new Float64Array(KEPT_LENGTH);
const keptKeys2 = new Float64Array(KEPT_LENGTH);

/**
 * The indexes of the first `count` numbers, none of which is NaN, in ascending order of the
 * numbers. Stable: indexes of equal numbers that `compareEqual` calls equal stay as they were. Good
 * until the next call. O(n log n); O(n) if the numbers ascend or descend already.
 */
export function ascendingOrder(
  numbers: Float64Array,
  count: number,
  compareEqual: CompareEqual,
): Uint32Array {
  const isShort = count <= KEPT_LENGTH;
  const order = isShort ? keptOrder.subarray(0, count) : new Uint32Array(count);
  if (descends(numbers, count)) {
    for (let index = 0; index < count; index++) order[index] = count - 1 - index;
    return order;
  }
  for (let index = 0; index < count; index++) order[index] = index;
  if (ascends(numbers, count, compareEqual)) return order;
  const keys = isShort ? keptKeys : new Float64Array(count);
  for (let index = 0; index < count; index++) keys[index] = numbers[index];
  return sorted(keys, order, compareEqual);
}

/** Whether each number is greater than the next. */
function descends(numbers: Float64Array, count: number): boolean {
  let index = 1;
  while (index < count && numbers[index - 1] > numbers[index]) index++;
  return index >= count;
}

function ascends(numbers: Float64Array, count: number, compareEqual: CompareEqual): boolean {
  for (let index = 1; index < count; index++) {
    const before = numbers[index - 1];
    const number = numbers[index];
    if (before > number || (before === number && compareEqual(index - 1, index) > 0)) return false;
  }
  return true;
}

/** Sorts both arrays by the numbers; returns the order, which may stand in another array. */
function sorted(keys: Float64Array, order: Uint32Array, compareEqual: CompareEqual): Uint32Array {
  const count = order.length;
  for (let start = 0; start < count; start += RUN_LENGTH) {
    insertionSort(keys, order, start, Math.min(start + RUN_LENGTH, count), compareEqual);
  }
  let from: Float64Array = keys;
  let fromOrder: Uint32Array = order;
  const isShort = count <= KEPT_LENGTH;
  let to: Float64Array = isShort ? keptKeys2 : new Float64Array(count);
  let toOrder: Uint32Array = isShort ? keptOrder2.subarray(0, count) : new Uint32Array(count);
  for (let width = RUN_LENGTH; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(start + width, count);
      const end = Math.min(start + 2 * width, count);
      merge(from, fromOrder, to, toOrder, start, middle, end, compareEqual);
    }
    [from, to] = [to, from];
    [fromOrder, toOrder] = [toOrder, fromOrder];
  }
  return fromOrder;
}

function insertionSort(
  keys: Float64Array,
  order: Uint32Array,
  start: number,
  end: number,
  compareEqual: CompareEqual,
): void {
  for (let next = start + 1; next < end; next++) {
    const key = keys[next];
    const index = order[next];
    let at = next;
    for (; at > start; at--) {
      const before = keys[at - 1];
      if (before < key || (before === key && compareEqual(order[at - 1], index) <= 0)) break;
      keys[at] = before;
      order[at] = order[at - 1];
    }
    keys[at] = key;
    order[at] = index;
  }
}

/** Merges two sorted runs, `start` to `middle` and `middle` to `end`. */
function merge(
  from: Float64Array,
  fromOrder: Uint32Array,
  to: Float64Array,
  toOrder: Uint32Array,
  start: number,
  middle: number,
  end: number,
  compareEqual: CompareEqual,
): void {
  let left = start;
  let right = middle;
  // Numbers often come in order, or in a few runs: what is in order already is only copied.
  if (middle === end || from[middle - 1] < from[middle]) {
    for (let at = start; at < end; at++) {
      to[at] = from[at];
      toOrder[at] = fromOrder[at];
    }
    return;
  }
  for (let at = start; at < end; at++) {
    let isLeft = left < middle;
    if (isLeft && right < end) {
      const key = from[left];
      const other = from[right];
      isLeft = key < other ||
        (key === other && compareEqual(fromOrder[left], fromOrder[right]) <= 0);
    }
    const source = isLeft ? left++ : right++;
    to[at] = from[source];
    toOrder[at] = fromOrder[source];
  }
}
