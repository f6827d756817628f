/**
 * Packing rounds: of the streams that are queued for it closed nodes are packed, while commands
 * run; upkeep/stream_packer.ts decides when, and how much of the time that may take.
 *
 * A ROUND sees to the streams that wait when it begins, one after the other, each from its end to
 * its start (values/stream_packing.ts). Those that get nodes meanwhile wait for the next round, so
 * that of a stream which is always cut short again only those nodes are packed that last.
 *
 * Nothing is packed while there is a frozen image, for the blocks that go would stay as long as it
 * does and those that come would be added; nor while data are loaded.
 */
import * as clock from "../base/clock.ts";
import * as value from "../values/value.ts";
import { PackingWalk } from "../values/stream_packing.ts";
import type { Keyspace } from "./keyspace.ts";
import type { QueuedStream } from "./stream_queue.ts";

export class PackingRounds {
  readonly #keyspace: Keyspace;
  readonly #walk = new PackingWalk();
  /** The stream that is walked over, and how many come after it in this round. */
  #present: QueuedStream | null = null;
  #left = 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  /** Whether nodes may be packed now. */
  get mayPack(): boolean {
    return !this.#keyspace.arena.isFrozen && !this.#keyspace.isLoading;
  }

  /** A round is under way. */
  get isRunning(): boolean {
    return this.#present !== null || this.#left > 0;
  }

  /**
   * Goes on with the round, or begins one, until `deadlineUs` (on the monotonic clock) has passed;
   * does at least one small piece. Returns whether there is more of it. Does nothing while nodes
   * may not be packed.
   */
  step(deadlineUs: number): boolean {
    if (!this.mayPack) return this.isRunning;
    if (!this.isRunning) this.#left = this.#keyspace.streams.size;
    while (this.isRunning) {
      if (this.#present === null) this.#takeNext();
      else this.#stepPresent(this.#present);
      if (clock.monotonicUs() >= deadlineUs) break;
    }
    return this.isRunning;
  }

  #takeNext(): void {
    this.#left--;
    this.#present = this.#keyspace.streams.take();
    this.#walk.begin();
  }

  #stepPresent({ database, key }: QueuedStream): void {
    const { arena, databases, streams } = this.#keyspace;
    const entry = databases[database].findRaw(key, 0, key.length);
    if (entry !== 0 && value.typeOf(arena, entry) === value.TYPE_STREAM) {
      if (this.#walk.step(arena, value.valueRef(arena, entry))) return;
      // It may have grown meanwhile.
      streams.noteEntry(database, entry);
    }
    this.#present = null;
  }
}
