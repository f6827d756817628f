/**
 * Dict buckets: what the table of a dict looks like in memory, and how entries stand in its chains.
 *
 * THE TABLE. Entries (dict_entry.ts) stand in buckets of one cache line:
 *
 *   word    field of a bucket (64 bytes)
 *   0..2    12 tags, one byte each: the upper 8 bits of the hash
 *   3       ref of an overflow bucket of the same form, or 0
 *   4..15   12 refs of entries; filled from the front, the first 0 ends the bucket
 *
 * A search compares four tags at a time and looks only into entries whose tag fits.
 *
 * MEMORY. Up to 4,096 buckets stand in one block, which doubles when it is full. Beyond that a
 * directory block holds refs of chunks, each of which is a whole segment of 4,096 buckets.
 *
 *   word    field of the root block
 *   0       entries
 *   1       buckets
 *   2       buckets for which there is memory
 *   3       ref of the only chunk (up to 4,096 buckets) or of the directory
 *   4       most entries that a chain has had since the table was last empty
 *   5       overflow buckets
 */
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";

export const ROOT_BYTES = 24;
export const ROOT_COUNT = 0;
export const ROOT_BUCKETS = 1;
export const ROOT_CAPACITY = 2;
export const ROOT_TABLE = 3;
export const ROOT_CHAIN_MAX = 4;
export const ROOT_OVERFLOWS = 5;

export const BUCKET_BYTES = 64;
export const BUCKET_UNITS = BUCKET_BYTES / 8;
export const BUCKET_SLOTS = 12;
export const BUCKET_OVERFLOW = 3;
export const BUCKET_REFS = 4;

export const CHUNK_BUCKETS = 4096;
export const CHUNK_SHIFT = 12;

/** Number of entries. */
export function count(memory: Memory, dict: Ref): number {
  return memory.word(dict, ROOT_COUNT);
}

/** Number of buckets, without overflow buckets. */
export function bucketCount(memory: Memory, dict: Ref): number {
  return memory.word(dict, ROOT_BUCKETS);
}

export function indexOf(memory: Memory, dict: Ref, hash: number): number {
  const buckets = memory.words[dict >>> SEGMENT_SHIFT][((dict & OFFSET_MASK) << 1) + ROOT_BUCKETS];
  const half = 1 << (31 - Math.clz32(buckets));
  const index = hash & (2 * half - 1);
  return index < buckets ? index : index & (half - 1);
}

export function bucketAt(memory: Memory, dict: Ref, index: number): Ref {
  const words = memory.words[dict >>> SEGMENT_SHIFT];
  const at = (dict & OFFSET_MASK) << 1;
  const table = words[at + ROOT_TABLE];
  if (words[at + ROOT_CAPACITY] <= CHUNK_BUCKETS) return table + index * BUCKET_UNITS;
  const chunk = memory.words[table >>> SEGMENT_SHIFT][
    ((table & OFFSET_MASK) << 1) + (index >>> CHUNK_SHIFT)
  ];
  return chunk + (index & (CHUNK_BUCKETS - 1)) * BUCKET_UNITS;
}

/** Puts an entry into the first free slot of a chain, extending the chain if it is full. */
export function place(arena: Arena, dict: Ref, index: number, tag: number, entry: Ref): void {
  let bucket = bucketAt(arena, dict, index);
  let before = 0;
  for (;;) {
    const words = arena.words[bucket >>> SEGMENT_SHIFT];
    const at = (bucket & OFFSET_MASK) << 1;
    if (words[at + BUCKET_REFS + BUCKET_SLOTS - 1] === 0) break;
    const next = words[at + BUCKET_OVERFLOW];
    before += BUCKET_SLOTS;
    bucket = next === 0 ? addOverflow(arena, dict, bucket) : next;
  }
  arena.willWrite(bucket);
  const segment = bucket >>> SEGMENT_SHIFT;
  const words = arena.words[segment];
  const at = ((bucket & OFFSET_MASK) << 1) + BUCKET_REFS;
  let slot = 0;
  while (words[at + slot] !== 0) slot++;
  words[at + slot] = entry;
  arena.bytes[segment][((bucket & OFFSET_MASK) << 3) + slot] = tag;
  const entries = before + slot + 1;
  if (entries > arena.word(dict, ROOT_CHAIN_MAX)) setRoot(arena, dict, ROOT_CHAIN_MAX, entries);
}

export function addOverflow(arena: Arena, dict: Ref, bucket: Ref): Ref {
  const overflow = arena.allocate(BUCKET_BYTES);
  clearBuckets(arena, overflow, 1);
  arena.willWrite(bucket);
  arena.words[bucket >>> SEGMENT_SHIFT][((bucket & OFFSET_MASK) << 1) + BUCKET_OVERFLOW] = overflow;
  setRoot(arena, dict, ROOT_OVERFLOWS, arena.word(dict, ROOT_OVERFLOWS) + 1);
  return overflow;
}

/** Moves the last entry of a chain into the slot that became free. */
export function closeGap(arena: Arena, dict: Ref, index: number, bucket: Ref, slot: number): void {
  let previous: Ref = 0;
  let last = bucketAt(arena, dict, index);
  for (let next = last; next !== 0; next = arena.word(next, BUCKET_OVERFLOW)) {
    if (next !== last) previous = last;
    last = next;
  }
  let lastSlot = BUCKET_SLOTS - 1;
  while (arena.word(last, BUCKET_REFS + lastSlot) === 0) lastSlot--;
  arena.willWrite(bucket);
  arena.willWrite(last);
  const entry = arena.word(last, BUCKET_REFS + lastSlot);
  const tag = arena.bytes[last >>> SEGMENT_SHIFT][((last & OFFSET_MASK) << 3) + lastSlot];
  setSlot(arena, bucket, slot, tag, entry);
  setSlot(arena, last, lastSlot, 0, 0);
  if (lastSlot === 0 && previous !== 0) {
    arena.willWrite(previous);
    arena.words[previous >>> SEGMENT_SHIFT][
      ((previous & OFFSET_MASK) << 1) + BUCKET_OVERFLOW
    ] = 0;
    arena.free(last);
    setRoot(arena, dict, ROOT_OVERFLOWS, arena.word(dict, ROOT_OVERFLOWS) - 1);
  }
}

export function setSlot(arena: Arena, bucket: Ref, slot: number, tag: number, entry: Ref): void {
  const segment = bucket >>> SEGMENT_SHIFT;
  arena.words[segment][((bucket & OFFSET_MASK) << 1) + BUCKET_REFS + slot] = entry;
  arena.bytes[segment][((bucket & OFFSET_MASK) << 3) + slot] = tag;
}

export function freeOverflows(arena: Arena, dict: Ref, bucket: Ref): void {
  let overflow = arena.word(bucket, BUCKET_OVERFLOW);
  let freed = 0;
  while (overflow !== 0) {
    const next = arena.word(overflow, BUCKET_OVERFLOW);
    arena.free(overflow);
    overflow = next;
    freed++;
  }
  if (freed === 0) return;
  setRoot(arena, dict, ROOT_OVERFLOWS, arena.word(dict, ROOT_OVERFLOWS) - freed);
}

export function clearBuckets(arena: Arena, first: Ref, buckets: number): void {
  const at = (first & OFFSET_MASK) << 1;
  arena.words[first >>> SEGMENT_SHIFT].fill(0, at, at + buckets * (BUCKET_BYTES / 4));
}

export function setRoot(arena: Arena, dict: Ref, index: number, value: number): void {
  arena.willWrite(dict);
  arena.words[dict >>> SEGMENT_SHIFT][((dict & OFFSET_MASK) << 1) + index] = value;
}
