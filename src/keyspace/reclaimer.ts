/**
 * Reclaimer: gives back the memory of large values in small steps, so that deleting a set of five
 * million members takes the command no longer than deleting a counter.
 *
 * A value that is out of the keyspace is unreachable; when its blocks are freed concerns nobody but
 * INFO memory. Small values are freed at once; of larger ones the ref is queued, and the server
 * calls `step` between its turns. (Redis has a thread for this, and UNLINK to ask for it; here DEL,
 * SET over a value, expiry and FLUSHALL all are as quick as UNLINK.)
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as value from "../values/value.ts";
import { valueKinds } from "../values/value_kinds.ts";

/** Elements freed at once instead of being queued. */
const AT_ONCE_MAX = 64;

interface QueuedValue {
  type: value.ValueType;
  encoding: number;
  ref: Ref;
}

export class Reclaimer {
  readonly #arena: Arena;
  readonly #values: QueuedValue[] = [];
  readonly #tables: Ref[] = [];
  readonly #entryTables: Ref[] = [];
  /** Objects freed in steps since the statistics were reset (INFO lazyfreed_objects). */
  freedCount = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Values and tables that wait to be freed. */
  get pendingCount(): number {
    return this.#values.length + this.#tables.length + this.#entryTables.length;
  }

  /** Frees an entry that is in no dict any more, with its value: at once or in steps. */
  freeEntry(entry: Ref): void {
    const arena = this.#arena;
    if (!value.isEmbedded(arena, entry)) {
      const type = value.typeOf(arena, entry);
      const encoding = value.encodingOf(arena, entry);
      this.freeValue(type, encoding, value.valueRef(arena, entry));
    }
    dictEntry.freeKey(arena, entry);
    arena.free(entry);
  }

  /** Frees a value that no entry refers to any more: at once or in steps. */
  freeValue(type: value.ValueType, encoding: number, ref: Ref): void {
    if (valueKinds[type].blockCount(this.#arena, encoding, ref) > AT_ONCE_MAX) {
      this.#values.push({ type, encoding, ref });
    } else {
      while (!valueKinds[type].releaseStep(this.#arena, encoding, ref, AT_ONCE_MAX));
    }
  }

  /** Frees a whole database: its dict of keys with all entries, and its dict of expiries. */
  freeDatabase(keys: Ref, expires: Ref): void {
    this.#entryTables.push(keys);
    this.#tables.push(expires);
  }

  /** Frees about `count` elements of what waits. Returns whether more is left. */
  step(count: number): boolean {
    const arena = this.#arena;
    if (this.#values.length > 0) {
      const { type, encoding, ref } = this.#values[this.#values.length - 1];
      if (valueKinds[type].releaseStep(arena, encoding, ref, count)) {
        this.#values.pop();
        this.freedCount++;
      }
    } else if (this.#tables.length > 0) {
      // The entries in a dict of expiries belong to the dict of keys.
      if (dict.freeStep(arena, this.#tables[0], count, () => {})) this.#tables.shift();
    } else if (this.#entryTables.length > 0) {
      const isDone = dict.freeStep(arena, this.#entryTables[0], count, (entry) => {
        this.freedCount++;
        this.freeEntry(entry);
      });
      if (isDone) this.#entryTables.shift();
    }
    return this.pendingCount > 0;
  }
}
