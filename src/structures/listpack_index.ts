/**
 * Listpack index: a hash table over the elements of a listpack, for as long as the listpack does
 * not change. A search of a listpack walks through it; where the elements of one listpack are
 * looked for in another, that is the product of both lengths, and a table made first pays for
 * itself after a few searches.
 *
 * It is made when a few searches have been walks, so that who asks once or twice does not pay for
 * it. Open addressing with linear probing; a slot holds hash and position.
 */
import { Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { scratch } from "../base/scratch.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as listpack from "./listpack.ts";

/** So many searches walk before the table is made. */
const SEARCHES_MIN = 4;
/** Shorter listpacks are always walked through. */
const ELEMENTS_MIN = 8;
/** At most half of the slots are taken. */
const SLOTS_PER_ELEMENT = 2;

const NO_SLOTS = new Int32Array(0);

const element = scratch(new Slice());

export class ListpackIndex {
  readonly #memory: Memory;
  readonly #ref: Ref;
  readonly #stride: number;
  #searches = 0;
  /** Pairs of hash and position; a position of 0 is a free slot. Empty until it is made. */
  #slots = NO_SLOTS;

  /** Over the first element of `ref` and each `stride`-th behind it. */
  constructor(memory: Memory, ref: Ref, stride: number) {
    this.#memory = memory;
    this.#ref = ref;
    this.#stride = stride;
  }

  /** Position of the element that is these bytes, whose hash (`hashBytes`) is given, or -1. */
  find(hash: number, bytes: Uint8Array, start: number, length: number): number {
    const memory = this.#memory;
    const ref = this.#ref;
    if (this.#slots === NO_SLOTS && !this.#isMade()) {
      const first = listpack.first(memory, ref);
      return listpack.find(memory, ref, bytes, start, length, first, this.#stride - 1);
    }
    const slots = this.#slots;
    const mask = slots.length - 2;
    for (let slot = (hash << 1) & mask;; slot = (slot + 2) & mask) {
      const position = slots[slot + 1];
      if (position === 0) return -1;
      if (slots[slot] !== hash) continue;
      if (listpack.equalsAt(memory, ref, position, bytes, start, length)) return position;
    }
  }

  /** Makes the table if it is worth while by now; returns whether there is one. */
  #isMade(): boolean {
    if (++this.#searches <= SEARCHES_MIN) return false;
    const memory = this.#memory;
    const ref = this.#ref;
    const stride = this.#stride;
    const elements = Math.ceil(listpack.count(memory, ref) / stride);
    if (elements < ELEMENTS_MIN) return false;
    // Two numbers per slot, and slots are a power of two.
    const slots = new Int32Array(2 ** (33 - Math.clz32(elements * SLOTS_PER_ELEMENT - 1)));
    let index = 0;
    for (let at = listpack.first(memory, ref); at !== -1; at = listpack.next(memory, ref, at)) {
      if (index++ % stride !== 0) continue;
      put(slots, hashAt(memory, ref, at), at);
    }
    this.#slots = slots;
    return true;
  }
}

function put(slots: Int32Array, hash: number, position: number): void {
  const mask = slots.length - 2;
  let slot = (hash << 1) & mask;
  while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
  slots[slot] = hash;
  slots[slot + 1] = position;
}

function hashAt(memory: Memory, ref: Ref, position: number): number {
  listpack.read(memory, ref, position, element);
  return hashBytes(element.bytes, element.start, element.length);
}
