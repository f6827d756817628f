/**
 * Partial sort: puts the first elements of an array in order, and leaves the rest as it comes.
 *
 * A quicksort that splits in three (less, equal, greater) and forgets the parts in which no wanted
 * element can lie: Bentley and McIlroy, "Engineering a Sort Function", 1993. Elements that compare
 * as equal change places in the way of that algorithm, and which of them come first is seen by
 * users (GEOSEARCH with COUNT, places of equal distance). So the steps are those of Redis's
 * pqsort.c, comparison by comparison. Not stable; for that there is Array.sort.
 */

export type Comparator<T> = (left: T, right: T) => number;

/** Up to so many elements are sorted by insertion. */
const INSERTION_MAX = 6;
/** From so many on the middle is that of nine elements, not of three. */
const NINTHER_MIN = 41;

/** Sorts so that the elements number 0 to `count` - 1 are those of the sorted array. */
export function sortFirst<T>(items: T[], count: number, compare: Comparator<T>): void {
  if (count > 0) sortPart(items, 0, items.length, count, compare);
}

/** Sorts `size` elements from `start` on, as far as they lie before `end`. */
function sortPart<T>(
  items: T[],
  start: number,
  size: number,
  end: number,
  compare: Comparator<T>,
): void {
  if (size <= INSERTION_MAX) return sortByInsertion(items, start, size, compare);
  swap(items, start, middleOf(items, start, size, compare));
  const pivot = items[start];
  // Equal ones gather at both ends, before `less` and behind `greater`.
  let less = start + 1;
  let low = less;
  let high = start + size - 1;
  let greater = high;
  for (;; low++, high--) {
    for (let order = 0; low <= high && (order = compare(items[low], pivot)) <= 0; low++) {
      if (order === 0) swap(items, less++, low);
    }
    for (let order = 0; low <= high && (order = compare(items[high], pivot)) >= 0; high--) {
      if (order === 0) swap(items, high, greater--);
    }
    if (low > high) break;
    swap(items, low, high);
  }
  const lessCount = low - less;
  const greaterCount = greater - high;
  const behind = start + size;
  const moved = Math.min(less - start, lessCount);
  swapRuns(items, start, low - moved, moved);
  const movedBack = Math.min(greaterCount, behind - 1 - greater);
  swapRuns(items, low, behind - movedBack, movedBack);
  if (lessCount > 1) sortPart(items, start, lessCount, end, compare);
  const second = behind - greaterCount;
  if (greaterCount > 1 && second < end) sortPart(items, second, greaterCount, end, compare);
}

function sortByInsertion<T>(
  items: T[],
  start: number,
  size: number,
  compare: Comparator<T>,
): void {
  for (let index = start + 1; index < start + size; index++) {
    for (let at = index; at > start && compare(items[at - 1], items[at]) > 0; at--) {
      swap(items, at, at - 1);
    }
  }
}

/** Index of an element that probably lies near the middle of the order. */
function middleOf<T>(items: T[], start: number, size: number, compare: Comparator<T>): number {
  let middle = start + (size >> 1);
  if (size === INSERTION_MAX + 1) return middle;
  let low = start;
  let high = start + size - 1;
  if (size >= NINTHER_MIN) {
    const step = size >> 3;
    low = medianOf(items, low, low + step, low + 2 * step, compare);
    middle = medianOf(items, middle - step, middle, middle + step, compare);
    high = medianOf(items, high - 2 * step, high - step, high, compare);
  }
  return medianOf(items, low, middle, high, compare);
}

function medianOf<T>(
  items: T[],
  a: number,
  b: number,
  c: number,
  compare: Comparator<T>,
): number {
  if (compare(items[a], items[b]) < 0) {
    if (compare(items[b], items[c]) < 0) return b;
    return compare(items[a], items[c]) < 0 ? c : a;
  }
  if (compare(items[b], items[c]) > 0) return b;
  return compare(items[a], items[c]) < 0 ? a : c;
}

function swapRuns<T>(items: T[], left: number, right: number, count: number): void {
  for (let offset = 0; offset < count; offset++) swap(items, left + offset, right + offset);
}

function swap<T>(items: T[], left: number, right: number): void {
  const item = items[left];
  items[left] = items[right];
  items[right] = item;
}
