/**
 * Dict: byte string -> entry, a hash table that never stops to rehash.
 *
 * What a table looks like in memory is in dict_buckets.ts, how it grows in dict_growth.ts.
 *
 * SCAN. The cursor counts with its bits reversed (Redis, Pieter Noordhuis): see `scan`.
 *
 * A search leaves its place in module variables, so that the `…Found` functions that follow at once
 * need no second search. Knows nothing of Redis types; entries are made and freed by the caller.
 */
import { hashBytes } from "../base/hash.ts";
import { assert } from "../base/assert.ts";
import { Slice } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as dictEntry from "./dict_entry.ts";
import {
  BUCKET_BYTES,
  BUCKET_OVERFLOW,
  BUCKET_REFS,
  BUCKET_SLOTS,
  bucketAt,
  bucketCount,
  CHUNK_BUCKETS,
  CHUNK_SHIFT,
  clearBuckets,
  closeGap,
  count,
  freeOverflows,
  indexOf,
  place,
  ROOT_BUCKETS,
  ROOT_BYTES,
  ROOT_CAPACITY,
  ROOT_CHAIN_MAX,
  ROOT_COUNT,
  ROOT_OVERFLOWS,
  ROOT_TABLE,
  setRoot,
} from "./dict_buckets.ts";
import { addCapacity, giveBackCapacity, grow, LOAD_MAX, LOAD_MIN, shrink } from "./dict_growth.ts";

export { bucketCount, count } from "./dict_buckets.ts";

const RANDOM_TRIES_MAX = 128;

let foundHash = 0;
let foundIndex = 0;
let foundBucket: Ref = 0;
let foundSlot = 0;

const keyView = scratch(new Slice());

/** An empty dict. */
export function create(arena: Arena): Ref {
  const dict = arena.allocate(ROOT_BYTES);
  const chunk = arena.allocate(BUCKET_BYTES);
  clearBuckets(arena, chunk, 1);
  const words = arena.words[dict >>> SEGMENT_SHIFT];
  const at = (dict & OFFSET_MASK) << 1;
  words[at + ROOT_COUNT] = 0;
  words[at + ROOT_BUCKETS] = 1;
  words[at + ROOT_CAPACITY] = 1;
  words[at + ROOT_TABLE] = chunk;
  words[at + ROOT_CHAIN_MAX] = 1;
  words[at + ROOT_OVERFLOWS] = 0;
  return dict;
}

/** Bytes of the table itself: root, buckets, overflow buckets, directory; not the entries. */
export function tableBytes(memory: Memory, dict: Ref): number {
  const capacity = memory.word(dict, ROOT_CAPACITY);
  const directory = capacity > CHUNK_BUCKETS ? (capacity >>> CHUNK_SHIFT) * 4 : 0;
  const buckets = capacity + memory.word(dict, ROOT_OVERFLOWS);
  return ROOT_BYTES + buckets * BUCKET_BYTES + directory;
}

/** The entry with this key, or 0. The place is remembered for the `…Found` functions. */
export function find(
  memory: Memory,
  dict: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  return findHashed(memory, dict, hashBytes(bytes, start, length), bytes, start, length);
}

/** `find` for a caller that has the hash of the key. */
export function findHashed(
  memory: Memory,
  dict: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const index = indexOf(memory, dict, hash);
  foundHash = hash;
  foundIndex = index;
  const pattern = Math.imul(hash >>> 24, 0x01010101);
  let bucket = bucketAt(memory, dict, index);
  do {
    const words = memory.words[bucket >>> SEGMENT_SHIFT];
    const at = (bucket & OFFSET_MASK) << 1;
    for (let group = 0; group < 3; group++) {
      const difference = words[at + group] ^ pattern;
      let zeros = (difference - 0x01010101) & ~difference & 0x80808080;
      while (zeros !== 0) {
        const slot = (group << 2) + ((31 - Math.clz32(zeros & -zeros)) >>> 3);
        const entry = words[at + BUCKET_REFS + slot];
        if (entry !== 0 && dictEntry.hasKey(memory, entry, bytes, start, length)) {
          foundBucket = bucket;
          foundSlot = slot;
          return entry;
        }
        zeros &= zeros - 1;
      }
    }
    bucket = words[at + BUCKET_OVERFLOW];
  } while (bucket !== 0);
  return 0;
}

/** The hash of the key of the last `find`, found or not. */
export function lastHash(): number {
  return foundHash;
}

/**
 * Makes an empty dict as large as so many entries will need, so that it need not grow step by step:
 * that moves every entry once. A dict that has entries already is left alone.
 */
export function reserve(arena: Arena, dict: Ref, entries: number): void {
  if (count(arena, dict) !== 0) return;
  const buckets = Math.ceil(entries / LOAD_MAX);
  if (buckets <= bucketCount(arena, dict)) return;
  while (arena.word(dict, ROOT_CAPACITY) < buckets) addCapacity(arena, dict);
  setRoot(arena, dict, ROOT_BUCKETS, buckets);
}

/** Gives back what `reserve` has made too large. O(buckets) if that is much. */
export function trim(arena: Arena, dict: Ref): void {
  let buckets: number;
  do {
    buckets = bucketCount(arena, dict);
    shrink(arena, dict);
  } while (bucketCount(arena, dict) < buckets);
}

/** Adds an entry whose key is not in the dict. */
export function insert(arena: Arena, dict: Ref, entry: Ref): void {
  insertHashed(arena, dict, entry, hashOf(arena, entry));
}

/** The hash of an entry's key. */
export function hashOf(memory: Memory, entry: Ref): number {
  dictEntry.readKey(memory, entry, keyView);
  return hashBytes(keyView.bytes, keyView.start, keyView.length);
}

/** `insert` for a caller that has the hash of the key. */
export function insertHashed(arena: Arena, dict: Ref, entry: Ref, hash: number): void {
  if (arena.isDebug) assertHash(arena, entry, hash);
  place(arena, dict, indexOf(arena, dict, hash), hash >>> 24, entry);
  arena.willWrite(dict);
  const words = arena.words[dict >>> SEGMENT_SHIFT];
  const entries = ++words[((dict & OFFSET_MASK) << 1) + ROOT_COUNT];
  if (entries > words[((dict & OFFSET_MASK) << 1) + ROOT_BUCKETS] * LOAD_MAX) grow(arena, dict);
}

function assertHash(memory: Memory, entry: Ref, hash: number): void {
  assert(hashOf(memory, entry) === hash, "the hash of an entry is that of its key");
}

/** Puts `target`, which has the same key, in the place of the entry that `find` just found. */
export function replaceFound(arena: Arena, entry: Ref, target: Ref): void {
  assertFound(arena, entry);
  arena.willWrite(foundBucket);
  const words = arena.words[foundBucket >>> SEGMENT_SHIFT];
  words[((foundBucket & OFFSET_MASK) << 1) + BUCKET_REFS + foundSlot] = target;
}

/** Holds that nobody has searched, or moved entries, since `entry` was found. */
function assertFound(memory: Memory, entry: Ref): void {
  assert(memory.word(foundBucket, BUCKET_REFS + foundSlot) === entry, "the found entry is there");
}

/** Takes out (without freeing it) the entry that `find` just found. */
export function removeFound(arena: Arena, dict: Ref, entry: Ref): void {
  assertFound(arena, entry);
  closeGap(arena, dict, foundIndex, foundBucket, foundSlot);
  arena.willWrite(dict);
  const words = arena.words[dict >>> SEGMENT_SHIFT];
  const at = (dict & OFFSET_MASK) << 1;
  const entries = --words[at + ROOT_COUNT];
  if (entries < words[at + ROOT_BUCKETS] * LOAD_MIN && words[at + ROOT_BUCKETS] > 1) {
    shrink(arena, dict);
  }
}

/**
 * Puts `target` in the place of `source`, which had the same key and may be freed already. Finds
 * the place by the key of `target`, or by its hash if the caller has it.
 */
export function replaceRef(
  arena: Arena,
  dict: Ref,
  source: Ref,
  target: Ref,
  hash = hashOf(arena, target),
): void {
  locate(arena, dict, source, hash);
  replaceFound(arena, source, target);
}

/** Takes out (without freeing it) an entry that is in the dict; `hash` is that of its key. */
export function removeEntry(
  arena: Arena,
  dict: Ref,
  entry: Ref,
  hash = hashOf(arena, entry),
): void {
  locate(arena, dict, entry, hash);
  removeFound(arena, dict, entry);
}

/** Finds the place of the ref `entry`, whose key has this hash, without comparing keys. */
function locate(memory: Memory, dict: Ref, entry: Ref, hash: number): void {
  foundHash = hash;
  foundIndex = indexOf(memory, dict, foundHash);
  foundBucket = bucketAt(memory, dict, foundIndex);
  while (foundBucket !== 0) {
    for (foundSlot = 0; foundSlot < BUCKET_SLOTS; foundSlot++) {
      if (memory.word(foundBucket, BUCKET_REFS + foundSlot) === entry) return;
    }
    foundBucket = memory.word(foundBucket, BUCKET_OVERFLOW);
  }
  assert(false, "entry is not in its dict");
}

/** Calls `visit` for every entry, or until it `isEnough`. The dict must not change meanwhile. */
export function forEach(
  memory: Memory,
  dict: Ref,
  visit: (entry: Ref) => void,
  isEnough: () => boolean = never,
): void {
  const buckets = bucketCount(memory, dict);
  for (let index = 0; index < buckets && !isEnough(); index++) {
    visitBucket(memory, dict, index, visit);
  }
}

function never(): boolean {
  return false;
}

/**
 * Visits some entries and returns the cursor to go on with; 0 means all were visited. An entry that
 * is in the dict throughout a whole scan is visited at least once, however the table changes.
 *
 * The cursor names a bucket of the table with 2^L buckets; its upper half, if split off already, is
 * visited with it. The cursor is incremented from its highest bit downwards, so that when the table
 * has doubled, all buckets which the visited ones were split into lie behind the cursor, and when
 * it has halved, the bucket into which visited and unvisited ones were merged still lies before it.
 */
export function scan(
  memory: Memory,
  dict: Ref,
  cursor: number,
  visit: (entry: Ref) => void,
): number {
  const buckets = bucketCount(memory, dict);
  const half = 1 << (31 - Math.clz32(buckets));
  const index = cursor & (half - 1);
  visitBucket(memory, dict, index, visit);
  if (index + half < buckets) visitBucket(memory, dict, index + half, visit);
  return nextCursor(cursor, half);
}

/**
 * An entry, each as likely as any other, or 0 if there is none. O(1) expected. The place is
 * remembered for the `…Found` functions.
 */
export function randomEntry(memory: Memory, dict: Ref, random: Random): Ref {
  if (count(memory, dict) === 0) return 0;
  const buckets = bucketCount(memory, dict);
  const slots = memory.word(dict, ROOT_CHAIN_MAX);
  for (let tries = 0;; tries++) {
    foundIndex = random.below(buckets);
    foundBucket = bucketAt(memory, dict, foundIndex);
    // After so many tries the first entry of any bucket will do.
    foundSlot = tries < RANDOM_TRIES_MAX ? random.below(slots) : 0;
    while (foundSlot >= BUCKET_SLOTS && foundBucket !== 0) {
      foundBucket = memory.word(foundBucket, BUCKET_OVERFLOW);
      foundSlot -= BUCKET_SLOTS;
    }
    if (foundBucket === 0) continue;
    const entry = memory.word(foundBucket, BUCKET_REFS + foundSlot);
    if (entry !== 0) return entry;
  }
}

/**
 * Entries that stand beside each other from a random place on, as many as `out` has room for, if
 * there are so many. Returns how many. Hashes have thrown them together, so they are as good a
 * sample as any, and had for one miss of the cache, not one each.
 */
export function sampleEntries(memory: Memory, dict: Ref, random: Random, out: Int32Array): number {
  const wanted = Math.min(out.length, count(memory, dict));
  const buckets = bucketCount(memory, dict);
  let index = random.below(buckets);
  let slot = random.below(BUCKET_SLOTS);
  let filled = 0;
  while (filled < wanted) {
    let bucket = bucketAt(memory, dict, index);
    while (bucket !== 0 && filled < wanted) {
      for (; slot < BUCKET_SLOTS && filled < wanted; slot++) {
        const entry = memory.word(bucket, BUCKET_REFS + slot);
        if (entry !== 0) out[filled++] = entry;
      }
      slot = 0;
      bucket = memory.word(bucket, BUCKET_OVERFLOW);
    }
    slot = 0;
    index = index + 1 === buckets ? 0 : index + 1;
  }
  return filled;
}

/**
 * Frees the dict in steps: takes out up to `limit` entries, handing each to `freeEntry`, and
 * returns whether all are gone and the dict itself is freed. The dict is of no other use once
 * begun.
 */
export function freeStep(
  arena: Arena,
  dict: Ref,
  limit: number,
  freeEntry: (entry: Ref) => void,
): boolean {
  for (let freed = 0; freed < limit;) {
    const buckets = bucketCount(arena, dict);
    const index = buckets - 1;
    const bucket = bucketAt(arena, dict, index);
    visitBucket(arena, dict, index, (entry) => {
      freed++;
      freeEntry(entry);
    });
    freeOverflows(arena, dict, bucket);
    if (buckets === 1) {
      arena.free(arena.word(dict, ROOT_TABLE));
      arena.free(dict);
      return true;
    }
    freed++;
    // The bucket is not cleared, for nobody will look into it any more; a frozen one is not copied.
    setRoot(arena, dict, ROOT_BUCKETS, index);
    giveBackCapacity(arena, dict);
  }
  return false;
}

/** Frees the dict at once; O(entries). */
export function free(arena: Arena, dict: Ref, freeEntry: (entry: Ref) => void): void {
  while (!freeStep(arena, dict, 1 << 30, freeEntry));
}

/**
 * Moves the root and the table out of slabs that are to be emptied (`Arena.relocate`); returns the
 * ref of the dict. Chunks below a directory are whole segments and never in such a slab; overflow
 * buckets are moved by `relocateBuckets`.
 */
export function relocateTable(arena: Arena, dict: Ref): Ref {
  const root = arena.relocate(dict);
  const table = arena.relocate(arena.word(root, ROOT_TABLE));
  setRoot(arena, root, ROOT_TABLE, table);
  return root;
}

/**
 * A step of `scan` that moves overflow buckets out of slabs that are to be emptied, and puts in the
 * place of each entry what `relocateEntry` returns for it: the same entry, or one with the same
 * key. No entry changes its bucket, so cursors of other scans stay good. `relocateEntry` may change
 * other dicts, but not this one.
 */
export function relocateBuckets(
  arena: Arena,
  dict: Ref,
  cursor: number,
  relocateEntry: (entry: Ref) => Ref,
): number {
  const buckets = bucketCount(arena, dict);
  const half = 1 << (31 - Math.clz32(buckets));
  const index = cursor & (half - 1);
  relocateChain(arena, bucketAt(arena, dict, index), relocateEntry);
  if (index + half < buckets) {
    relocateChain(arena, bucketAt(arena, dict, index + half), relocateEntry);
  }
  return nextCursor(cursor, half);
}

function relocateChain(arena: Arena, first: Ref, relocateEntry: (entry: Ref) => Ref): void {
  for (let bucket = first; bucket !== 0;) {
    const at = ((bucket & OFFSET_MASK) << 1) + BUCKET_REFS;
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const entry = arena.words[bucket >>> SEGMENT_SHIFT][at + slot];
      if (entry === 0) break;
      const moved = relocateEntry(entry);
      if (moved === entry) continue;
      arena.willWrite(bucket);
      arena.words[bucket >>> SEGMENT_SHIFT][at + slot] = moved;
    }
    const next = arena.word(bucket, BUCKET_OVERFLOW);
    if (next === 0) return;
    const movedNext = arena.relocate(next);
    if (movedNext !== next) {
      arena.willWrite(bucket);
      arena.words[bucket >>> SEGMENT_SHIFT][((bucket & OFFSET_MASK) << 1) + BUCKET_OVERFLOW] =
        movedNext;
    }
    bucket = movedNext;
  }
}

/** How many chains have how many buckets, for DEBUG HTSTATS. O(buckets). */
export function chainLengths(memory: Memory, dict: Ref): number[] {
  const lengths: number[] = [];
  for (let index = 0; index < bucketCount(memory, dict); index++) {
    let length = 0;
    for (let bucket = bucketAt(memory, dict, index); bucket !== 0; length++) {
      bucket = memory.word(bucket, BUCKET_OVERFLOW);
    }
    lengths[length] = (lengths[length] ?? 0) + 1;
  }
  return lengths;
}

function visitBucket(
  memory: Memory,
  dict: Ref,
  index: number,
  visit: (entry: Ref) => void,
): void {
  let bucket = bucketAt(memory, dict, index);
  while (bucket !== 0) {
    const words = memory.words[bucket >>> SEGMENT_SHIFT];
    const at = (bucket & OFFSET_MASK) << 1;
    const next = words[at + BUCKET_OVERFLOW];
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const entry = words[at + BUCKET_REFS + slot];
      if (entry === 0) break;
      visit(entry);
    }
    bucket = next;
  }
}

/** The cursor behind `cursor` in a table with `half` buckets, a power of two. */
function nextCursor(cursor: number, half: number): number {
  return reverseBits(reverseBits(cursor | ~(half - 1)) + 1) >>> 0;
}

function reverseBits(value: number): number {
  let v = value;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}
