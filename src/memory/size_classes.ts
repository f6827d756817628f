/**
 * Size classes: the block sizes the allocator knows.
 *
 *   up to 128 bytes       steps of 8
 *   up to 16 KiB          eight steps per doubling (at most 12 % unused, 6 % on average)
 *   beyond                a segment divided by 16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1
 *
 * The last rule keeps large classes from wasting the end of their segments.
 */
import { SEGMENT_BYTES } from "./memory.ts";

const SMALL_BYTES_MAX = 128;
const MEDIUM_BYTES_MAX = 16 * 1024;
/** Steps per doubling between the two. */
const STEPS = 8;
const LARGE_DIVISORS = [14, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1];
/** Sizes up to this are found by one table look-up. */
const LOOKUP_BYTES_MAX = 1024;

function buildClassBytes(): Int32Array {
  const sizes: number[] = [];
  for (let bytes = 8; bytes <= SMALL_BYTES_MAX; bytes += 8) sizes.push(bytes);
  for (let base = SMALL_BYTES_MAX; base < MEDIUM_BYTES_MAX; base *= 2) {
    for (let step = 1; step <= STEPS; step++) sizes.push(base + (base / STEPS) * step);
  }
  for (const divisor of LARGE_DIVISORS) {
    sizes.push(Math.floor(SEGMENT_BYTES / divisor / 8) * 8);
  }
  return Int32Array.from(sizes);
}

/** Bytes of a block, by class. */
export const CLASS_BYTES = buildClassBytes();
export const CLASS_COUNT = CLASS_BYTES.length;

const CLASS_LOOKUP = buildLookup();

function buildLookup(): Uint8Array {
  const lookup = new Uint8Array(LOOKUP_BYTES_MAX / 8 + 1);
  for (let units = 0, sizeClass = 0; units < lookup.length; units++) {
    if (units * 8 > CLASS_BYTES[sizeClass]) sizeClass++;
    lookup[units] = sizeClass;
  }
  return lookup;
}

/** The smallest class whose blocks hold `byteCount` bytes (1 to 256 KiB). */
export function classFor(byteCount: number): number {
  if (byteCount <= LOOKUP_BYTES_MAX) return CLASS_LOOKUP[(byteCount + 7) >>> 3];
  let low = CLASS_LOOKUP[LOOKUP_BYTES_MAX / 8];
  let high = CLASS_COUNT - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (CLASS_BYTES[middle] < byteCount) low = middle + 1;
    else high = middle;
  }
  return low;
}
