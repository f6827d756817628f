/**
 * Deadline heap: things that are due at a moment, the earliest first (a binary heap). Each knows
 * its place, so that any of them can be taken out again: adding and taking out cost the logarithm
 * of their number, looking at the earliest costs nothing.
 */

/** Something with a deadline; it may be in one heap at a time. */
export interface Deadlined {
  /** The moment, in ms of whatever clock all in the heap go by. Not to be changed while in it. */
  deadlineMs: number;
  /** Among equal deadlines the smaller order comes first. */
  order: number;
  /** Its place; kept by the heap, -1 while it is in none. */
  heapIndex: number;
}

export class DeadlineHeap<Item extends Deadlined> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The one that is due first; undefined if there is none. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes an item out; does nothing if it is not in. */
  remove(item: Item): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop()!;
    if (last === item) return;
    if (index > 0 && isBefore(last, this.#items[(index - 1) >> 1]!)) this.#rise(last, index);
    else this.#sink(last, index);
  }

  /** Moves an item for which there is a gap at `index` towards the first. */
  #rise(item: Item, index: number): void {
    const items = this.#items;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(item, items[above]!)) break;
      this.#put(items[above]!, index);
      index = above;
    }
    this.#put(item, index);
  }

  #sink(item: Item, index: number): void {
    const items = this.#items;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && isBefore(items[below + 1]!, items[below]!)) below++;
      if (!isBefore(items[below]!, item)) break;
      this.#put(items[below]!, index);
      index = below;
    }
    this.#put(item, index);
  }

  #put(item: Item, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}

function isBefore(one: Deadlined, other: Deadlined): boolean {
  return one.deadlineMs === other.deadlineMs
    ? one.order < other.order
    : one.deadlineMs < other.deadlineMs;
}
