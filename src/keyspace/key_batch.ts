/**
 * Key batch: lets the memory accesses of a command with many keys overlap.
 *
 * A key that is looked up in a large keyspace costs two waits for memory, for its bucket and for
 * its entry (`dict.touch`). So the keys of MGET and MSET are hashed and touched in groups before
 * they are looked up one by one, with the hash that is known by then. Measured by mget and mset of
 * scripts/bench/micro/command_bench.ts.
 */
import { hashBytes } from "../base/hash.ts";
import type { Argv } from "../protocol/argv.ts";
import * as dict from "../structures/dict.ts";
import type { Database } from "./database.ts";

export class KeyBatch {
  readonly #hashes = new Int32Array(dict.TOUCH_KEYS_MAX);
  #step = 1;
  /** Keys of the group that have not been looked up yet, and how many the group has. */
  #left = 0;
  #count = 0;
  /** What the touched memory held; kept so that the compiler takes the loads seriously. */
  seen = 0;

  /** Begins with a command whose keys are every `step`th of its arguments. */
  begin(step: number): void {
    this.#step = step;
    this.#left = 0;
  }

  /** Argument `index`, the next key, is about to be looked up; all behind it is keys or values. */
  reach({ arena, keys }: Database, argv: Argv, index: number): void {
    if (this.#left === 0) {
      const count = Math.min(dict.TOUCH_KEYS_MAX, Math.ceil((argv.count - index) / this.#step));
      for (let key = 0, at = index; key < count; key++, at += this.#step) {
        this.#hashes[key] = hashBytes(argv.bytes, argv.starts[at], argv.lengths[at]);
      }
      if (dict.bucketCount(arena, keys) >= dict.TOUCH_BUCKETS_MIN) {
        this.seen ^= dict.touch(arena, keys, this.#hashes, count);
      }
      this.#left = count;
      this.#count = count;
    }
    argv.hash = this.#hashes[this.#count - this.#left--];
    argv.hashedIndex = index;
  }
}
