/**
 * Stream queue: the streams that have got nodes which may be packed (stream_packing.ts), by name,
 * for refs do not outlive a command. One that is renamed or deleted meanwhile is not found; what
 * was renamed is noted again when it gets its next node.
 */
import { latin1Text, Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { isPackingDue } from "../values/stream_packing.ts";
import * as value from "../values/value.ts";

/** No more wait at a time; the others are noted with their next node. */
const WAITING_MAX = 10_000;

/** A key, and the number of its database. */
export interface QueuedStream {
  database: number;
  key: Uint8Array;
}

export class StreamQueue {
  readonly #arena: Arena;
  readonly #waiting = new Map<string, QueuedStream>();
  readonly #key = new Slice();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Notes a stream, which the range names, if it has nodes that should be looked at. */
  note(database: number, stream: Ref, bytes: Uint8Array, start: number, length: number): void {
    if (!isPackingDue(this.#arena, stream) || this.#waiting.size >= WAITING_MAX) return;
    const name = `${database}:${latin1Text(bytes, start, length)}`;
    if (this.#waiting.has(name)) return;
    this.#waiting.set(name, { database, key: bytes.slice(start, start + length) });
  }

  /** Notes the stream of an entry that has come as a whole; other types are passed over. */
  noteEntry(database: number, entry: Ref): void {
    const arena = this.#arena;
    if (value.typeOf(arena, entry) !== value.TYPE_STREAM) return;
    dictEntry.readKey(arena, entry, this.#key);
    const { bytes, start, length } = this.#key;
    this.note(database, value.valueRef(arena, entry), bytes, start, length);
    this.#key.forget();
  }

  /** Takes out the stream that has waited longest. */
  take(): QueuedStream | null {
    for (const [name, stream] of this.#waiting) {
      this.#waiting.delete(name);
      return stream;
    }
    return null;
  }
}
