/**
 * Loaded keys: entries that were read, on their way into the tables of the keyspace.
 *
 * Each key waits for memory when its place is looked for, and in a large table that was a third of
 * the time of loading small strings. So they are gathered, their places are touched together
 * (structures/dict_touch.ts), and then they are put in one by one: `save_and_load.ts`.
 */
import { latin1Text, Slice } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { DictTouch, TOUCH_BUCKETS_MIN, TOUCH_KEYS_MAX } from "../structures/dict_touch.ts";

/** What a file does not say of the last use of a key. */
export const NOT_SAVED = -1;

export class LoadedKeys {
  readonly #keyspace: Keyspace;
  readonly #touch = new DictTouch();
  readonly #key = new Slice();
  readonly #entries = new Int32Array(TOUCH_KEYS_MAX);
  readonly #idleSeconds = new Float64Array(TOUCH_KEYS_MAX);
  readonly #frequencies = new Int32Array(TOUCH_KEYS_MAX);
  #db: Database;
  #count = 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.#db = keyspace.databases[0];
  }

  /**
   * Takes an entry whose key has this hash. `idleSeconds`, `frequency`: how it was used, or
   * NOT_SAVED. `insert` must be called once `isFull`, and before keys of another database come.
   */
  add(db: Database, entry: Ref, hash: number, idleSeconds: number, frequency: number): void {
    const index = this.#count++;
    this.#db = db;
    this.#touch.dicts[index] = db.keys;
    this.#touch.hashes[index] = hash;
    this.#entries[index] = entry;
    this.#idleSeconds[index] = idleSeconds;
    this.#frequencies[index] = frequency;
  }

  get isFull(): boolean {
    return this.#count === TOUCH_KEYS_MAX;
  }

  /**
   * Puts all into their table. Returns null, or what is wrong if a key was there: then that key and
   * those behind it are left to `drop`.
   */
  insert(): string | null {
    const db = this.#db;
    const { arena, keys } = db;
    const count = this.#count;
    if (count > 1 && dict.bucketCount(arena, keys) >= TOUCH_BUCKETS_MIN) {
      this.#touch.run(arena, count);
    }
    for (let index = 0; index < count; index++) {
      const problem = this.#insertOne(db, index);
      if (problem === null) continue;
      this.#entries.copyWithin(0, index, count);
      this.#count = count - index;
      return problem;
    }
    this.#count = 0;
    return null;
  }

  #insertOne(db: Database, index: number): string | null {
    const { arena, keys } = db;
    const entry = this.#entries[index];
    const hash = this.#touch.hashes[index];
    const key = this.#key;
    dictEntry.readKey(arena, entry, key);
    if (dict.findHashed(arena, keys, hash, key.bytes, key.start, key.length) !== 0) {
      const text = latin1Text(key.bytes, key.start, key.length);
      return `key "${text}" comes twice in database ${db.index}`;
    }
    db.insertEntryHashed(entry, hash);
    this.#keyspace.streams.noteEntry(db.index, entry);
    const idleSeconds = this.#idleSeconds[index];
    const frequency = this.#frequencies[index];
    if (idleSeconds !== NOT_SAVED || frequency !== NOT_SAVED) {
      this.#keyspace.restoreAccess(entry, idleSeconds, frequency);
    }
    return null;
  }

  /** Frees those that are in no table. */
  drop(): void {
    const count = this.#count;
    this.#count = 0;
    for (let index = 0; index < count; index++) {
      this.#keyspace.reclaimer.freeEntry(this.#entries[index]);
    }
  }
}
