/**
 * Entry batch: a walk over all keys that does not wait for memory key by key.
 *
 * The entries of a dict lie all over the memory, and so do their values. Whoever saves them waits
 * for each twice. Here the entries of a batch are touched together, then their values, before the
 * first is visited: the waits overlap, as in structures/dict_touch.ts. SAVE of 5,000,000 small
 * strings and of 1,000,000 small hashes: save_and_load.ts.
 */
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { FLAG_REF, valueRef } from "./value.ts";

const BATCH_ENTRIES = 64;

export class EntryBatch {
  readonly #memory: Memory;
  readonly #visit: (entry: Ref) => void;
  readonly #entries = new Int32Array(BATCH_ENTRIES);
  readonly #heads = new Int32Array(BATCH_ENTRIES);
  #count = 0;
  /** What the touched memory held; kept so that the compiler takes the loads seriously. */
  #seen = 0;

  constructor(memory: Memory, visit: (entry: Ref) => void) {
    this.#memory = memory;
    this.#visit = visit;
  }

  /** Visits the entries of a dict of keys in its order. The dict must not change meanwhile. */
  forEach(keys: Ref): void {
    dict.forEach(this.#memory, keys, this.#add);
    this.#visitAll();
  }

  readonly #add = (entry: Ref): void => {
    if (this.#count === BATCH_ENTRIES) this.#visitAll();
    this.#entries[this.#count++] = entry;
  };

  #visitAll(): void {
    this.#touch();
    const count = this.#count;
    for (let index = 0; index < count; index++) this.#visit(this.#entries[index]);
    this.#count = 0;
  }

  #touch(): void {
    const { words } = this.#memory;
    const entries = this.#entries;
    const heads = this.#heads;
    const count = this.#count;
    for (let index = 0; index < count; index++) {
      const entry = entries[index];
      heads[index] = words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1];
    }
    let seen = 0;
    for (let index = 0; index < count; index++) {
      if (((heads[index] >>> dictEntry.OWNER_SHIFT) & FLAG_REF) === 0) continue;
      const ref = valueRef(this.#memory, entries[index]);
      seen ^= words[ref >>> SEGMENT_SHIFT][(ref & OFFSET_MASK) << 1];
    }
    this.#seen ^= seen;
  }
}
