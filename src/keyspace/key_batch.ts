/**
 * Key batch: lets the memory accesses of a command with many keys overlap.
 *
 * A key that is looked up in a large keyspace costs two waits for memory, for its bucket and for
 * its entry (structures/dict_touch.ts). So the keys of MGET, MSET, DEL and the like are hashed and
 * touched in groups before they are looked up one by one, with the hash that is known by then.
 * Measured by mget, mset, del and exists of scripts/bench/micro/command_bench.ts.
 */
import { hashBytes } from "../base/hash.ts";
import type { Argv } from "../protocol/argv.ts";
import * as dict from "../structures/dict.ts";
import { DictTouch, TOUCH_BUCKETS_MIN, TOUCH_KEYS_MAX } from "../structures/dict_touch.ts";
import type { Database } from "./database.ts";

export class KeyBatch {
  readonly #touch = new DictTouch();
  #step = 1;
  /** Keys of the group that have not been looked up yet, and how many the group has. */
  #left = 0;
  #count = 0;

  /** Begins with a command whose keys are every `step`th of its arguments. */
  begin(step: number): void {
    this.#step = step;
    this.#left = 0;
  }

  /** Argument `index`, the next key, is about to be looked up; all behind it is keys or values. */
  reach(db: Database, argv: Argv, index: number): void {
    if (this.#left === 0) this.#readGroup(db, argv, index);
    argv.hash = this.#touch.hashes[this.#count - this.#left--];
    argv.hashedIndex = index;
  }

  #readGroup({ arena, keys }: Database, argv: Argv, first: number): void {
    const { bytes, starts, lengths } = argv;
    const { dicts, hashes } = this.#touch;
    const step = this.#step;
    let count = 0;
    for (let at = first; at < argv.count && count < TOUCH_KEYS_MAX; at += step) {
      const isHashed = at === argv.hashedIndex;
      hashes[count] = isHashed ? argv.hash : hashBytes(bytes, starts[at], lengths[at]);
      dicts[count++] = keys;
    }
    // One key alone gains nothing.
    if (count > 1 && dict.bucketCount(arena, keys) >= TOUCH_BUCKETS_MIN) {
      this.#touch.run(arena, count);
    }
    this.#left = count;
    this.#count = count;
  }
}
