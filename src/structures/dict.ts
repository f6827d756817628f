/**
 * Dict: byte string -> entry, a hash table that never stops to rehash.
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
 * GROWING. Linear hashing (Litwin 1980): with 2^L <= bucketCount < 2^(L+1), an entry lives in
 * bucket `hash mod 2^(L+1)`, or, if that bucket does not exist yet, in `hash mod 2^L`. The table
 * grows by one bucket at a time: the new bucket number n takes from bucket n - 2^L what belongs to
 * it. So there is no second table, no pause, and the load stays the same at every size. It shrinks
 * the same way back.
 *
 * WHILE FROZEN the table grows and shrinks as ever. A table that did not would have chains without
 * end, and a debt that the first insert after the release pays. Nor would it save copies: buckets
 * are split and merged in their order, so 4,096 steps write to one segment of old buckets, while
 * entries that come and go write to buckets everywhere.
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

const ROOT_BYTES = 24;
const ROOT_COUNT = 0;
const ROOT_BUCKETS = 1;
const ROOT_CAPACITY = 2;
const ROOT_TABLE = 3;
const ROOT_CHAIN_MAX = 4;
const ROOT_OVERFLOWS = 5;

const BUCKET_BYTES = 64;
const BUCKET_UNITS = BUCKET_BYTES / 8;
const BUCKET_SLOTS = 12;
const BUCKET_OVERFLOW = 3;
const BUCKET_REFS = 4;

const CHUNK_BUCKETS = 4096;
const CHUNK_SHIFT = 12;
/** Entries per bucket beyond which a bucket is split; see scripts/bench/micro/dict_bench.ts. */
const LOAD_MAX = 8;
/** Entries per bucket below which a bucket is merged. */
const LOAD_MIN = 4;
/** Buckets split or merged at most by one insert or remove. */
const STEPS_PER_CHANGE = 3;
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

/** Number of entries. */
export function count(memory: Memory, dict: Ref): number {
  return memory.word(dict, ROOT_COUNT);
}

/** Number of buckets, without overflow buckets. */
export function bucketCount(memory: Memory, dict: Ref): number {
  return memory.word(dict, ROOT_BUCKETS);
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

/** Keys that one call of `touch` takes. */
export const TOUCH_KEYS_MAX = 16;
const touchedBuckets = new Int32Array(TOUCH_KEYS_MAX);

/**
 * Brings the places of up to TOUCH_KEYS_MAX keys, given by their hashes, into the processor's cache
 * before they are searched one by one. A search waits for memory twice, for its bucket and for its
 * entry; here the waits of all keys overlap, since no load depends on that of another key. Changes
 * nothing; the result says nothing, but has to be used, or the loads would be optimized away.
 */
export function touch(memory: Memory, dict: Ref, hashes: Int32Array, keyCount: number): number {
  let seen = 0;
  for (let index = 0; index < keyCount; index++) {
    const bucket = bucketAt(memory, dict, indexOf(memory, dict, hashes[index]));
    touchedBuckets[index] = bucket;
    seen ^= memory.words[bucket >>> SEGMENT_SHIFT][(bucket & OFFSET_MASK) << 1];
  }
  for (let index = 0; index < keyCount; index++) {
    const bucket = touchedBuckets[index];
    const words = memory.words[bucket >>> SEGMENT_SHIFT];
    const at = (bucket & OFFSET_MASK) << 1;
    const pattern = Math.imul(hashes[index] >>> 24, 0x01010101);
    for (let group = 0; group < 3; group++) {
      const difference = words[at + group] ^ pattern;
      const zeros = (difference - 0x01010101) & ~difference & 0x80808080;
      if (zeros === 0) continue;
      // The first slot whose tag fits is nearly always the right one.
      const slot = (group << 2) + ((31 - Math.clz32(zeros & -zeros)) >>> 3);
      const entry = words[at + BUCKET_REFS + slot];
      seen ^= memory.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1];
      break;
    }
  }
  return seen;
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
  dictEntry.readKey(arena, entry, keyView);
  insertHashed(arena, dict, entry, hashBytes(keyView.bytes, keyView.start, keyView.length));
}

/** `insert` for a caller that has the hash of the key. */
export function insertHashed(arena: Arena, dict: Ref, entry: Ref, hash: number): void {
  place(arena, dict, indexOf(arena, dict, hash), hash >>> 24, entry);
  arena.willWrite(dict);
  const words = arena.words[dict >>> SEGMENT_SHIFT];
  const entries = ++words[((dict & OFFSET_MASK) << 1) + ROOT_COUNT];
  if (entries > words[((dict & OFFSET_MASK) << 1) + ROOT_BUCKETS] * LOAD_MAX) grow(arena, dict);
}

/** Puts another entry with the same key in the place of the one that `find` just found. */
export function replaceFound(arena: Arena, entry: Ref): void {
  arena.willWrite(foundBucket);
  const words = arena.words[foundBucket >>> SEGMENT_SHIFT];
  words[((foundBucket & OFFSET_MASK) << 1) + BUCKET_REFS + foundSlot] = entry;
}

/** Takes out (without freeing it) the entry that `find` just found. */
export function removeFound(arena: Arena, dict: Ref): void {
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
 * the place by the key of `target`.
 */
export function replaceRef(arena: Arena, dict: Ref, source: Ref, target: Ref): void {
  locate(arena, dict, source, target);
  replaceFound(arena, target);
}

/** Takes out (without freeing it) an entry that is in the dict. */
export function removeEntry(arena: Arena, dict: Ref, entry: Ref): void {
  locate(arena, dict, entry, entry);
  removeFound(arena, dict);
}

/** Finds the place of the ref `entry`, whose key is that of `sameKey`, without comparing keys. */
function locate(memory: Memory, dict: Ref, entry: Ref, sameKey: Ref): void {
  dictEntry.readKey(memory, sameKey, keyView);
  foundHash = hashBytes(keyView.bytes, keyView.start, keyView.length);
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

function indexOf(memory: Memory, dict: Ref, hash: number): number {
  const buckets = memory.words[dict >>> SEGMENT_SHIFT][((dict & OFFSET_MASK) << 1) + ROOT_BUCKETS];
  const half = 1 << (31 - Math.clz32(buckets));
  const index = hash & (2 * half - 1);
  return index < buckets ? index : index & (half - 1);
}

function bucketAt(memory: Memory, dict: Ref, index: number): Ref {
  const words = memory.words[dict >>> SEGMENT_SHIFT];
  const at = (dict & OFFSET_MASK) << 1;
  const table = words[at + ROOT_TABLE];
  if (words[at + ROOT_CAPACITY] <= CHUNK_BUCKETS) return table + index * BUCKET_UNITS;
  const chunk = memory.words[table >>> SEGMENT_SHIFT][
    ((table & OFFSET_MASK) << 1) + (index >>> CHUNK_SHIFT)
  ];
  return chunk + (index & (CHUNK_BUCKETS - 1)) * BUCKET_UNITS;
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

/** Puts an entry into the first free slot of a chain, extending the chain if it is full. */
function place(arena: Arena, dict: Ref, index: number, tag: number, entry: Ref): void {
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

function addOverflow(arena: Arena, dict: Ref, bucket: Ref): Ref {
  const overflow = arena.allocate(BUCKET_BYTES);
  clearBuckets(arena, overflow, 1);
  arena.willWrite(bucket);
  arena.words[bucket >>> SEGMENT_SHIFT][((bucket & OFFSET_MASK) << 1) + BUCKET_OVERFLOW] = overflow;
  setRoot(arena, dict, ROOT_OVERFLOWS, arena.word(dict, ROOT_OVERFLOWS) + 1);
  return overflow;
}

/** Moves the last entry of a chain into the slot that became free. */
function closeGap(arena: Arena, dict: Ref, index: number, bucket: Ref, slot: number): void {
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

function setSlot(arena: Arena, bucket: Ref, slot: number, tag: number, entry: Ref): void {
  const segment = bucket >>> SEGMENT_SHIFT;
  arena.words[segment][((bucket & OFFSET_MASK) << 1) + BUCKET_REFS + slot] = entry;
  arena.bytes[segment][((bucket & OFFSET_MASK) << 3) + slot] = tag;
}

/** Entries on their way from one chain to others, and their tags. */
const moving: Ref[] = [];
const movingTags: number[] = [];

function collectChain(arena: Arena, dict: Ref, index: number): void {
  moving.length = 0;
  movingTags.length = 0;
  const first = bucketAt(arena, dict, index);
  for (let bucket = first; bucket !== 0; bucket = arena.word(bucket, BUCKET_OVERFLOW)) {
    const bytes = arena.bytes[bucket >>> SEGMENT_SHIFT];
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const entry = arena.word(bucket, BUCKET_REFS + slot);
      if (entry === 0) break;
      moving.push(entry);
      movingTags.push(bytes[((bucket & OFFSET_MASK) << 3) + slot]);
    }
  }
  freeOverflows(arena, dict, first);
  arena.willWrite(first);
  clearBuckets(arena, first, 1);
}

/** Places each where its hash says, after a split. */
function placeMoving(arena: Arena, dict: Ref): void {
  for (let index = 0; index < moving.length; index++) {
    dictEntry.readKey(arena, moving[index], keyView);
    const hash = hashBytes(keyView.bytes, keyView.start, keyView.length);
    place(arena, dict, indexOf(arena, dict, hash), hash >>> 24, moving[index]);
  }
}

/** Splits buckets until the load is right again, a few at most. */
function grow(arena: Arena, dict: Ref): void {
  for (let step = 0; step < STEPS_PER_CHANGE; step++) {
    const buckets = bucketCount(arena, dict);
    if (count(arena, dict) <= buckets * LOAD_MAX) return;
    if (buckets === arena.word(dict, ROOT_CAPACITY)) addCapacity(arena, dict);
    const half = 1 << (31 - Math.clz32(buckets));
    collectChain(arena, dict, buckets - half);
    setRoot(arena, dict, ROOT_BUCKETS, buckets + 1);
    placeMoving(arena, dict);
  }
}

/** Merges buckets until the load is right again, a few at most. */
function shrink(arena: Arena, dict: Ref): void {
  if (count(arena, dict) === 0) setRoot(arena, dict, ROOT_CHAIN_MAX, 1);
  for (let step = 0; step < STEPS_PER_CHANGE; step++) {
    const buckets = bucketCount(arena, dict);
    if (buckets === 1 || count(arena, dict) >= buckets * LOAD_MIN) return;
    collectChain(arena, dict, buckets - 1);
    setRoot(arena, dict, ROOT_BUCKETS, buckets - 1);
    // All of them go where they would be if the bucket had never been split off.
    const target = buckets - 1 - (1 << (31 - Math.clz32(buckets - 1)));
    for (let index = 0; index < moving.length; index++) {
      place(arena, dict, target, movingTags[index], moving[index]);
    }
    giveBackCapacity(arena, dict);
  }
}

function addCapacity(arena: Arena, dict: Ref): void {
  const capacity = arena.word(dict, ROOT_CAPACITY);
  const table = arena.word(dict, ROOT_TABLE);
  if (capacity < CHUNK_BUCKETS) {
    const chunk = arena.allocate(capacity * 2 * BUCKET_BYTES);
    arena.copyBlock(table, chunk, capacity * BUCKET_BYTES);
    clearBuckets(arena, chunk + capacity * BUCKET_UNITS, capacity);
    arena.free(table);
    setRoot(arena, dict, ROOT_TABLE, chunk);
    setRoot(arena, dict, ROOT_CAPACITY, capacity * 2);
    return;
  }
  const chunk = arena.allocate(CHUNK_BUCKETS * BUCKET_BYTES);
  clearBuckets(arena, chunk, CHUNK_BUCKETS);
  const chunks = capacity >>> CHUNK_SHIFT;
  let directory = table;
  if (chunks === 1) {
    directory = arena.allocate(8);
    arena.words[directory >>> SEGMENT_SHIFT][(directory & OFFSET_MASK) << 1] = table;
  } else {
    directory = arena.resize(table, chunks * 4, (chunks + 1) * 4);
  }
  arena.words[directory >>> SEGMENT_SHIFT][((directory & OFFSET_MASK) << 1) + chunks] = chunk;
  setRoot(arena, dict, ROOT_TABLE, directory);
  setRoot(arena, dict, ROOT_CAPACITY, capacity + CHUNK_BUCKETS);
}

/** Frees chunks that are no longer needed, keeping one in reserve. */
function giveBackCapacity(arena: Arena, dict: Ref): void {
  const capacity = arena.word(dict, ROOT_CAPACITY);
  const buckets = bucketCount(arena, dict);
  const table = arena.word(dict, ROOT_TABLE);
  if (capacity <= CHUNK_BUCKETS) {
    if (buckets * 4 > capacity) return;
    const chunk = arena.allocate((capacity / 2) * BUCKET_BYTES);
    arena.copyBlock(table, chunk, (capacity / 2) * BUCKET_BYTES);
    arena.free(table);
    setRoot(arena, dict, ROOT_TABLE, chunk);
    setRoot(arena, dict, ROOT_CAPACITY, capacity / 2);
    return;
  }
  if (buckets + CHUNK_BUCKETS + CHUNK_BUCKETS / 2 > capacity) return;
  const chunks = capacity >>> CHUNK_SHIFT;
  arena.free(arena.word(table, chunks - 1));
  if (chunks === 2) {
    setRoot(arena, dict, ROOT_TABLE, arena.word(table, 0));
    arena.free(table);
  } else {
    setRoot(arena, dict, ROOT_TABLE, arena.resize(table, (chunks - 1) * 4, (chunks - 1) * 4));
  }
  setRoot(arena, dict, ROOT_CAPACITY, capacity - CHUNK_BUCKETS);
}

function freeOverflows(arena: Arena, dict: Ref, bucket: Ref): void {
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

function clearBuckets(arena: Arena, first: Ref, buckets: number): void {
  const at = (first & OFFSET_MASK) << 1;
  arena.words[first >>> SEGMENT_SHIFT].fill(0, at, at + buckets * (BUCKET_BYTES / 4));
}

function setRoot(arena: Arena, dict: Ref, index: number, value: number): void {
  arena.willWrite(dict);
  arena.words[dict >>> SEGMENT_SHIFT][((dict & OFFSET_MASK) << 1) + index] = value;
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
