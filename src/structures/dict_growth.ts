/**
 * Dict growth: how the table of a dict grows and shrinks, one bucket at a time.
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
 */
import { hashBytes } from "../base/hash.ts";
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as dictEntry from "./dict_entry.ts";
import {
  BUCKET_BYTES,
  BUCKET_OVERFLOW,
  BUCKET_REFS,
  BUCKET_SLOTS,
  BUCKET_UNITS,
  bucketAt,
  bucketCount,
  CHUNK_BUCKETS,
  CHUNK_SHIFT,
  clearBuckets,
  count,
  freeOverflows,
  indexOf,
  place,
  ROOT_BUCKETS,
  ROOT_CAPACITY,
  ROOT_CHAIN_MAX,
  ROOT_TABLE,
  setRoot,
} from "./dict_buckets.ts";

/** Entries per bucket beyond which a bucket is split; see scripts/bench/micro/dict_bench.ts. */
export const LOAD_MAX = 8;
/** Buckets split or merged at most by one insert or remove. */
const STEPS_PER_CHANGE = 3;
/** Entries per bucket below which a bucket is merged. */
export const LOAD_MIN = 4;

const keyView = scratch(new Slice());

/** Entries on their way from one chain to others, and their tags. */
const moving: Ref[] = [];
const movingTags: number[] = [];
/** What was touched held; kept so that the compiler takes the loads seriously. */
let touched = 0;

/** Splits buckets until the load is right again, a few at most. */
export function grow(arena: Arena, dict: Ref): void {
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
export function shrink(arena: Arena, dict: Ref): void {
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

/**
 * Places each where its hash says, after a split. The entries stand anywhere in memory and are
 * touched first, so that the waits for them overlap (insert of scripts/bench/micro/dict_bench.ts).
 */
function placeMoving(arena: Arena, dict: Ref): void {
  let seen = 0;
  for (let index = 0; index < moving.length; index++) {
    const entry = moving[index];
    seen ^= arena.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1];
  }
  touched ^= seen;
  for (let index = 0; index < moving.length; index++) {
    dictEntry.readKey(arena, moving[index], keyView);
    const hash = hashBytes(keyView.bytes, keyView.start, keyView.length);
    place(arena, dict, indexOf(arena, dict, hash), hash >>> 24, moving[index]);
  }
}

export function addCapacity(arena: Arena, dict: Ref): void {
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
export function giveBackCapacity(arena: Arena, dict: Ref): void {
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
