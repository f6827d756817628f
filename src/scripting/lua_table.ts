/**
 * Tables of Lua: a list of values for the keys 1, 2, 3 … and a hash for all others.
 *
 * The hash keeps keys and values side by side in order of insertion, so that `next` finds its place
 * in one look; up to eight keys are compared one by one, beyond that a Map knows their index. A key
 * that was given nil keeps its place until a new key needs room: a table may be cleared while it is
 * traversed. The list may hold nil; `#` then finds some border as C Lua does, by halving.
 *
 * All methods here are raw: they know no metamethods. Readonly is Redis's: see `set`.
 */
import { ELEMENT_BYTES, ENTRY_BYTES, meter, spend, TABLE_BYTES } from "./lua_meter.ts";

/** Keys that are compared one by one. */
export const LINEAR_KEYS_MAX = 8;

/** The part of a table that is no list. */
export class LuaHash {
  readonly keys: unknown[];
  readonly values: unknown[];
  #index: Map<unknown, number> | null = null;

  /** Takes the lists as they are: a few keys that differ, and their values, which are not nil. */
  constructor(keys: unknown[] = [], values: unknown[] = []) {
    this.keys = keys;
    this.values = values;
  }

  /** Where a key is, or -1. */
  find(key: unknown): number {
    if (this.#index !== null) {
      const at = this.#index.get(key);
      return at === undefined ? -1 : at;
    }
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === key) return i;
    }
    return -1;
  }

  get(key: unknown): unknown {
    if (this.#index !== null) {
      const at = this.#index.get(key);
      return at === undefined ? undefined : this.values[at];
    }
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === key) return this.values[i];
    }
    return undefined;
  }

  /** Gives a key that has a value a new one; false if it has none. */
  replace(key: unknown, value: unknown): boolean {
    const at = this.find(key);
    if (at < 0 || this.values[at] === undefined) return false;
    this.values[at] = value;
    return true;
  }

  set(key: unknown, value: unknown): void {
    const at = this.find(key);
    if (at >= 0) this.values[at] = value;
    else if (value !== undefined) this.#insert(key, value);
  }

  #insert(key: unknown, value: unknown): void {
    if ((meter.m -= ENTRY_BYTES) < 0) meter.onMemory();
    const { keys } = this;
    // Room is looked for when the number of places is a power of two: at most every other time.
    if (keys.length >= LINEAR_KEYS_MAX && (keys.length & (keys.length - 1)) === 0) this.#compact();
    // -0 and 0 are one key; it shall read 0.
    keys.push(key === 0 ? 0 : key);
    this.values.push(value);
    if (this.#index !== null) this.#index.set(key, keys.length - 1);
    else if (keys.length > LINEAR_KEYS_MAX) this.#buildIndex();
  }

  #buildIndex(): void {
    const index = new Map<unknown, number>();
    for (let i = 0; i < this.keys.length; i++) index.set(this.keys[i], i);
    this.#index = index;
  }

  /** Drops keys without a value, if they are half of all. */
  #compact(): void {
    const { keys, values } = this;
    let live = 0;
    for (let i = 0; i < values.length; i++) if (values[i] !== undefined) live++;
    if (live > keys.length / 2) return;
    let to = 0;
    for (let i = 0; i < keys.length; i++) {
      if (values[i] === undefined) continue;
      keys[to] = keys[i];
      values[to++] = values[i];
    }
    keys.length = to;
    values.length = to;
    if (this.#index !== null) this.#buildIndex();
  }
}

export class LuaTable {
  /** Values of the keys 1 … length; nil may be among them. */
  list: unknown[];
  hash: LuaHash | null = null;
  metatable: LuaTable | null = null;
  /** Redis: its libraries and the globals cannot be changed by scripts. */
  isReadonly = false;

  /** Takes the list as it is. */
  constructor(list: unknown[] = []) {
    this.list = list;
  }

  get(key: unknown): unknown {
    if (typeof key === "number") return this.getNumber(key);
    return this.hash === null ? undefined : this.hash.get(key);
  }

  getNumber(key: number): unknown {
    const index = key - 1;
    const { list } = this;
    if (index >>> 0 === index && index < list.length) return list[index];
    return this.hash === null ? undefined : this.hash.get(key);
  }

  getString(key: string): unknown {
    return this.hash === null ? undefined : this.hash.get(key);
  }

  /** Stores without looking at `isReadonly`. The key must be neither nil nor NaN. */
  set(key: unknown, value: unknown): void {
    if (typeof key === "number") this.setNumber(key, value);
    else if (this.hash !== null) this.hash.set(key, value);
    else if (value !== undefined) this.#makeHash().set(key, value);
  }

  setNumber(key: number, value: unknown): void {
    const index = key - 1;
    const { list } = this;
    if (index >>> 0 === index && index <= list.length) {
      if (index < list.length) {
        list[index] = value;
        return;
      }
      // Behind a nil it would change what "#" finds: C Lua's list would not have grown.
      if (value !== undefined && (index === 0 || list[index - 1] !== undefined)) {
        this.#append(value);
        return;
      }
    }
    if (this.hash !== null) this.hash.set(key, value);
    else if (value !== undefined) this.#makeHash().set(key, value);
  }

  #makeHash(): LuaHash {
    if ((meter.m -= ENTRY_BYTES * 3) < 0) meter.onMemory();
    return this.hash = new LuaHash();
  }

  /** A value for the key behind the list; keys that follow it move over from the hash. */
  #append(value: unknown): void {
    if ((meter.m -= ELEMENT_BYTES) < 0) meter.onMemory();
    const { list, hash } = this;
    list.push(value);
    if (hash === null || hash.keys.length === 0) return;
    // The key itself may be in the hash, without a value.
    for (let key = list.length;; key++) {
      const at = hash.find(key);
      const found = at < 0 ? undefined : hash.values[at];
      if (at >= 0) hash.values[at] = undefined;
      if (key === list.length) continue;
      if (found === undefined) return;
      list.push(found);
    }
  }

  /** Lua's "#": a border, the last key of the list if there is no nil in it. */
  length(): number {
    const { list } = this;
    const length = list.length;
    if (length > 0 && list[length - 1] === undefined) return this.#borderBelow(length);
    if (this.hash === null) return length;
    return this.#borderFrom(length);
  }

  /** A border of a list that ends in nil, found by halving as C Lua does. */
  #borderBelow(length: number): number {
    const { list } = this;
    let low = 0;
    let high = length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (list[middle - 1] === undefined) high = middle;
      else low = middle;
    }
    return low;
  }

  /** A border at or above `from` in the hash. */
  #borderFrom(from: number): number {
    const hash = this.hash!;
    let low = from;
    let high = from + 1;
    while (hash.get(high) !== undefined) {
      low = high;
      high *= 2;
      if (high > 2147483645) {
        let i = 1;
        while (this.getNumber(i) !== undefined) i++;
        return i - 1;
      }
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (hash.get(middle) === undefined) high = middle;
      else low = middle;
    }
    return low;
  }

  /**
   * The place after the one of `key` (nil: the first) that holds a value: below the list's length
   * an index of the list, from there on one of the hash; -1 at the end, -2 if there is no such key.
   */
  nextPlace(key: unknown): number {
    const { list, hash } = this;
    let place = 0;
    if (key !== undefined) {
      place = this.#placeOf(key);
      if (place < 0) return -2;
      place++;
    }
    for (; place < list.length; place++) if (list[place] !== undefined) return place;
    if (hash === null) return -1;
    const { values } = hash;
    for (let at = place - list.length; at < values.length; at++) {
      if (values[at] !== undefined) return at + list.length;
    }
    return -1;
  }

  #placeOf(key: unknown): number {
    const { list, hash } = this;
    if (typeof key === "number") {
      const index = key - 1;
      if (index >>> 0 === index && index < list.length) return index;
    }
    const at = hash === null ? -1 : hash.find(key);
    return at < 0 ? -1 : at + list.length;
  }

  /** The key at a place of `nextPlace`. */
  keyAt(place: number): unknown {
    return place < this.list.length ? place + 1 : this.hash!.keys[place - this.list.length];
  }

  valueAt(place: number): unknown {
    const { list } = this;
    return place < list.length ? list[place] : this.hash!.values[place - list.length];
  }

  /** Calls the visitor with each key and value; the table must not get new keys meanwhile. */
  forEach(visit: (key: unknown, value: unknown) => void): void {
    const { list, hash } = this;
    for (let i = 0; i < list.length; i++) {
      if (list[i] !== undefined) visit(i + 1, list[i]);
    }
    if (hash === null) return;
    const { keys, values } = hash;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== undefined) visit(keys[i], values[i]);
    }
  }

  /** A table with one field. */
  static withField(name: string, value: unknown): LuaTable {
    const table = new LuaTable();
    // Lists of their own size: those that grow have room for seventeen at once.
    table.takeFields([name], [value]);
    return table;
  }

  /** A new table gets its fields, as `LuaHash` takes them. */
  takeFields(names: string[], values: unknown[]): void {
    spend(ENTRY_BYTES * (3 + names.length));
    this.hash = new LuaHash(names, values);
  }

  /** Counts the memory of a list that was taken over. */
  static of(list: unknown[]): LuaTable {
    spend(TABLE_BYTES + list.length * ELEMENT_BYTES);
    return new LuaTable(list);
  }
}
