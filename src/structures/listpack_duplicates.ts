/**
 * Listpack duplicates: whether the bytes of a listpack from outside hold an element twice. A hash
 * or sorted set with a field or member twice works for as long as it is small; when it grows into
 * a table, the table and what is saved of it are wrong. So it is found before it comes in.
 *
 * Hashes are compared first: elements are, only where two hashes are equal.
 */
import { latin1Text, Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { scratch } from "../base/scratch.ts";
import { FIRST } from "./listpack.ts";
import * as rawListpack from "./raw_listpack.ts";

const TABLE_SLOTS_MIN = 32;
/** A table up to this size is kept for the next call. */
const TABLE_SLOTS_KEPT = 64 * 1024;

let table = new Int32Array(TABLE_SLOTS_MIN);
const element = scratch(new Slice());

/**
 * Whether an element comes twice among the first, and every `stride`-th one behind it, of the
 * listpack at `start`, which must have been validated. An integer equals its text. O(n).
 *
 * Each small hash and sorted set of a file is looked at, so it is a loop without calls of visitors
 * (`save_and_load.ts`).
 */
export function hasDuplicates(bytes: Uint8Array, start: number, stride: number): boolean {
  const count = rawListpack.count(bytes, start);
  const wanted = Math.ceil(count / stride) * 2;
  let slots = TABLE_SLOTS_MIN;
  while (slots < wanted) slots *= 2;
  const seen = table.length >= slots ? table : new Int32Array(slots);
  if (slots <= TABLE_SLOTS_KEPT) table = seen;
  for (let slot = 0; slot < slots; slot++) seen[slot] = 0;
  let at = start + FIRST;
  for (let index = 0; index < count; index++) {
    at = rawListpack.readEntry(bytes, at, element);
    if (index % stride !== 0) continue;
    // 0 marks a free slot.
    const hash = hashBytes(element.bytes, element.start, element.length) || 1;
    if (!note(seen, slots, hash)) return hasEqualTexts(bytes, start, stride);
  }
  return false;
}

/** Puts a hash into the table; false if it was there. */
function note(seen: Int32Array, slots: number, hash: number): boolean {
  let slot = hash & (slots - 1);
  for (; seen[slot] !== 0; slot = (slot + 1) & (slots - 1)) if (seen[slot] === hash) return false;
  seen[slot] = hash;
  return true;
}

function hasEqualTexts(bytes: Uint8Array, start: number, stride: number): boolean {
  const texts = new Set<string>();
  let index = 0;
  rawListpack.forEach(bytes, start, (text, from, length) => {
    if (index++ % stride === 0) texts.add(latin1Text(text, from, length));
  });
  return texts.size !== Math.ceil(index / stride);
}
