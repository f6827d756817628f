/**
 * Dict join: the keys that two dicts have in common, found without hashing one of them.
 *
 * The bucket in which a key stands tells the lower bits of its hash, and its tag the upper eight.
 * That names the few buckets of another dict of about the same size in which it can stand; among
 * their tags only its own and one in 256 others are like it. Hashing the key, which names one
 * bucket, takes longer than to look at some more.
 *
 * What a table looks like is in dict_buckets.ts, which bucket a hash belongs to in `indexOf` there.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import {
  BUCKET_OVERFLOW,
  BUCKET_REFS,
  BUCKET_SLOTS,
  bucketAt,
  bucketCount,
} from "./dict_buckets.ts";
import * as dictEntry from "./dict_entry.ts";

/** In so many buckets a key may have to be looked for. */
const CANDIDATES_MAX = 4;

const key = scratch(new Slice());

/** Whether two dicts are near enough in size. */
export function isJoinable(memory: Memory, dict: Ref, other: Ref): boolean {
  return bucketCount(memory, other) <= bucketCount(memory, dict) * (CANDIDATES_MAX / 2);
}

/**
 * Calls `visit` with the entries of `dict` whose keys `other` has, in the order in which `forEach`
 * visits them, until it returns true. No dict may change meanwhile. O(entries of `dict`), if they
 * are joinable.
 */
export function someCommon(
  memory: Memory,
  dict: Ref,
  other: Ref,
  visit: (entry: Ref) => boolean,
): void {
  const buckets = bucketCount(memory, dict);
  const otherBuckets = bucketCount(memory, other);
  for (let index = 0; index < buckets; index++) {
    const modulus = knownBits(buckets, index);
    for (let bucket = bucketAt(memory, dict, index); bucket !== 0;) {
      const words = memory.words[bucket >>> SEGMENT_SHIFT];
      const at = (bucket & OFFSET_MASK) << 1;
      const next = words[at + BUCKET_OVERFLOW];
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        const entry = words[at + BUCKET_REFS + slot];
        if (entry === 0) break;
        const tag = (words[at + (slot >>> 2)] >>> ((slot & 3) << 3)) & 255;
        if (has(memory, other, otherBuckets, modulus, index, tag, entry) && visit(entry)) return;
      }
      bucket = next;
    }
  }
}

/** The power of two below which the hashes of what stands in a bucket equal its index. */
function knownBits(buckets: number, index: number): number {
  const half = 1 << (31 - Math.clz32(buckets));
  // A bucket that is not split yet holds what will go to its upper half, too.
  return index < buckets - half || index >= half ? half * 2 : half;
}

/**
 * Whether a dict of so many buckets has the key of `entry`, an entry of another one, whose hash is
 * `rest` modulo `modulus` and begins with `tag`.
 */
function has(
  memory: Memory,
  dict: Ref,
  buckets: number,
  modulus: number,
  rest: number,
  tag: number,
  entry: Ref,
): boolean {
  const half = 1 << (31 - Math.clz32(buckets));
  if (modulus > half) {
    const index = rest & (2 * half - 1);
    const first = bucketAt(memory, dict, index < buckets ? index : index - half);
    return hasInChain(memory, first, tag, entry);
  }
  for (let index = rest; index < buckets; index += modulus) {
    if (hasInChain(memory, bucketAt(memory, dict, index), tag, entry)) return true;
  }
  return false;
}

/** `has` for a chain of buckets. The entry is looked at only where a tag is like its own. */
function hasInChain(memory: Memory, first: Ref, tag: number, entry: Ref): boolean {
  const pattern = Math.imul(tag, 0x01010101);
  for (let bucket = first; bucket !== 0;) {
    const words = memory.words[bucket >>> SEGMENT_SHIFT];
    const at = (bucket & OFFSET_MASK) << 1;
    for (let group = 0; group < 3; group++) {
      const difference = words[at + group] ^ pattern;
      let zeros = (difference - 0x01010101) & ~difference & 0x80808080;
      while (zeros !== 0) {
        const slot = (group << 2) + ((31 - Math.clz32(zeros & -zeros)) >>> 3);
        const candidate = words[at + BUCKET_REFS + slot];
        if (candidate !== 0 && haveEqualKeys(memory, candidate, entry)) return true;
        zeros &= zeros - 1;
      }
    }
    bucket = words[at + BUCKET_OVERFLOW];
  }
  return false;
}

function haveEqualKeys(memory: Memory, candidate: Ref, entry: Ref): boolean {
  dictEntry.readKey(memory, entry, key);
  return dictEntry.hasKey(memory, candidate, key.bytes, key.start, key.length);
}
