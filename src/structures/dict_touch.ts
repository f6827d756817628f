/**
 * Dict touch: brings the places of several keys into the processor's cache before they are searched
 * one by one.
 *
 * A search in a large table waits for memory twice, for the bucket of the key and for its entry,
 * and the second place is known only when the first has come. Here the waits of all keys overlap.
 * A processor has a wait begin only for instructions that it looks ahead at, some hundreds, and a
 * branch that it guessed wrong makes it forget what lies behind. So the work is cut into three
 * short loops, of which those that wait have hardly any other instruction, and no branch depends on
 * what they have loaded: 100 to 170 ns a key, where one loop took 200 to 290, and a key alone takes
 * 460 (a million keys, 16 at once; touch of scripts/bench/micro/dict_bench.ts).
 *
 * Changes nothing, and may be wrong: the entry whose tag fits is nearly always the one of the key.
 */
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import {
  BUCKET_REFS,
  BUCKET_UNITS,
  CHUNK_BUCKETS,
  CHUNK_SHIFT,
  ROOT_BUCKETS,
  ROOT_CAPACITY,
  ROOT_TABLE,
} from "./dict_buckets.ts";

/** A table of fewer buckets stays in the cache anyway. */
export const TOUCH_BUCKETS_MIN = 4096;
/** Keys that are touched at once. */
export const TOUCH_KEYS_MAX = 16;

const CHUNK_MASK = CHUNK_BUCKETS - 1;

export class DictTouch {
  /** For each key the dict in which it will be searched; filled by the caller. */
  readonly dicts = new Int32Array(TOUCH_KEYS_MAX);
  /** The hashes of the keys; filled by the caller. */
  readonly hashes = new Int32Array(TOUCH_KEYS_MAX);
  /** What `run` has found: for each key the entry that is probably its own, or 0. */
  readonly entries = new Int32Array(TOUCH_KEYS_MAX);
  /** What the touched memory held; kept so that the compiler takes the loads seriously. */
  seen = 0;
  readonly #buckets = new Int32Array(TOUCH_KEYS_MAX);

  /** Touches bucket and entry of the first `count` keys. */
  run(memory: Memory, count: number): void {
    this.#touchBuckets(memory, count);
    this.#findEntries(memory, count);
    this.touchBlocks(memory, this.entries, count);
  }

  /** Touches the beginnings of blocks, which may be 0. */
  touchBlocks({ words }: Memory, blocks: Int32Array, count: number): void {
    let seen = 0;
    for (let index = 0; index < count; index++) {
      const block = blocks[index];
      if (block === 0) continue;
      seen ^= words[block >>> SEGMENT_SHIFT][(block & OFFSET_MASK) << 1];
    }
    this.seen ^= seen;
  }

  #touchBuckets({ words }: Memory, count: number): void {
    const { dicts, hashes } = this;
    const found = this.#buckets;
    let seen = 0;
    let dict: Ref = 0;
    let buckets = 0;
    let half = 0;
    let isChunked = false;
    let directory = words[0];
    let directoryAt = 0;
    let table: Ref = 0;
    for (let index = 0; index < count; index++) {
      if (dicts[index] !== dict) {
        dict = dicts[index];
        const root = words[dict >>> SEGMENT_SHIFT];
        const at = (dict & OFFSET_MASK) << 1;
        buckets = root[at + ROOT_BUCKETS];
        half = 1 << (31 - Math.clz32(buckets));
        table = root[at + ROOT_TABLE];
        isChunked = root[at + ROOT_CAPACITY] > CHUNK_BUCKETS;
        directory = words[table >>> SEGMENT_SHIFT];
        directoryAt = (table & OFFSET_MASK) << 1;
      }
      // As `indexOf`, without a branch: whether the upper half has that bucket is a coin toss.
      const wanted = hashes[index] & (2 * half - 1);
      const number = wanted & ~(((buckets - 1 - wanted) >> 31) & half);
      const chunk = isChunked ? directory[directoryAt + (number >>> CHUNK_SHIFT)] : table;
      const bucket = chunk + (number & CHUNK_MASK) * BUCKET_UNITS;
      found[index] = bucket;
      seen ^= words[bucket >>> SEGMENT_SHIFT][(bucket & OFFSET_MASK) << 1];
    }
    this.seen ^= seen;
  }

  /** As `findHashed` does, but takes the first slot whose tag fits. */
  #findEntries({ words }: Memory, count: number): void {
    const { entries, hashes } = this;
    const found = this.#buckets;
    for (let index = 0; index < count; index++) {
      const bucket = found[index];
      const bucketWords = words[bucket >>> SEGMENT_SHIFT];
      const at = (bucket & OFFSET_MASK) << 1;
      const pattern = Math.imul(hashes[index] >>> 24, 0x01010101);
      let entry = 0;
      for (let group = 0; group < 3; group++) {
        const difference = bucketWords[at + group] ^ pattern;
        const zeros = (difference - 0x01010101) & ~difference & 0x80808080;
        if (zeros === 0) continue;
        const slot = (group << 2) + ((31 - Math.clz32(zeros & -zeros)) >>> 3);
        entry = bucketWords[at + BUCKET_REFS + slot];
        break;
      }
      entries[index] = entry;
    }
  }
}
