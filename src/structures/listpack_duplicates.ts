/**
 * Listpack duplicates: whether the bytes of a listpack from outside hold an element twice. A hash
 * or sorted set with a field or member twice works for as long as it is small; when it grows into
 * a table, the table and what is saved of it are wrong. So it is found before it comes in.
 *
 * Hashes are compared first: elements are, only where two hashes are equal.
 */
import { latin1Text } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { forEachRaw } from "./listpack.ts";

const TABLE_SLOTS_MIN = 32;
/** A table up to this size is kept for the next call. */
const TABLE_SLOTS_KEPT = 64 * 1024;

let table = new Int32Array(TABLE_SLOTS_MIN);

/**
 * Whether an element comes twice among the first, and every `stride`-th one behind it, of the
 * listpack at `start`, which must have been validated. An integer equals its text. O(n).
 */
export function hasDuplicates(bytes: Uint8Array, start: number, stride: number): boolean {
  let count = 0;
  forEachRaw(bytes, start, () => count++);
  const wanted = Math.ceil(count / stride) * 2;
  let slots = TABLE_SLOTS_MIN;
  while (slots < wanted) slots *= 2;
  const seen = table.length >= slots ? table : new Int32Array(slots);
  if (slots <= TABLE_SLOTS_KEPT) table = seen;
  seen.fill(0, 0, slots);
  let index = 0;
  let mayHave = false;
  forEachRaw(bytes, start, (element, from, length) => {
    // 0 marks a free slot.
    if (index++ % stride === 0) {
      mayHave ||= !note(seen, slots, hashBytes(element, from, length) || 1);
    }
  });
  return mayHave && hasEqualTexts(bytes, start, stride);
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
  forEachRaw(bytes, start, (element, from, length) => {
    if (index++ % stride === 0) texts.add(latin1Text(element, from, length));
  });
  return texts.size !== Math.ceil(index / stride);
}
