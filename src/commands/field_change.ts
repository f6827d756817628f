/**
 * Field change: what a command changes of fields of a hash and of their expiry, one after the
 * other; it keeps the order of the database right, and tells at the end what happened, as events.
 *
 * A time that has passed removes the field instead; that is told as "hdel", and recorded as one
 * HDEL for each field. A field that had expired before the command came is removed as such, and
 * recorded before all that the command does.
 */
import * as clock from "../base/clock.ts";
import { expireFields, FIELD_LIVES, HASH_EXPIRED } from "../keyspace/field_expiry.ts";
import { EVENT_HASH } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import { expireArgument } from "./hash_access.ts";

export class FieldChange {
  /** The hash of argument 1; 0 if there is none, or no more. */
  entry: Ref;
  /** Fields that were given a value, an expiry, or lost theirs. */
  changedCount = 0;
  removedCount = 0;
  /** The fields counted above, copied where effects are recorded or announced. */
  readonly fields: Uint8Array[] = [];
  readonly #client: Client;

  constructor(client: Client, entry: Ref) {
    this.#client = client;
    this.entry = entry;
  }

  /** Whether the field that is argument `index` is there; one that has expired is removed first. */
  has(index: number): boolean {
    if (this.entry === 0) return false;
    const { argv, db } = this.#client;
    const state = expireArgument(this.#client, this.entry, index);
    if (state === HASH_EXPIRED) this.entry = 0;
    if (state !== FIELD_LIVES) return false;
    const start = argv.starts[index];
    return hashValue.has(db.arena, this.entry, argv.bytes, start, argv.lengths[index]);
  }

  /**
   * Removes those of the named fields (every `step`-th argument from `first` on) that have expired;
   * see `expireFields`.
   */
  expireNamed(first: number, step: number, stopsAtLiving: boolean): void {
    if (this.entry === 0) return;
    const { argv, db } = this.#client;
    if (expireFields(db, this.entry, argv, first, step, stopsAtLiving)) this.entry = 0;
  }

  /**
   * Whether the fields that are every `step`-th argument from `first` on are all there, or are all
   * missing. Looks no further than the first that is not as wanted.
   */
  areAll(first: number, step: number, wanted: boolean): boolean {
    if (!wanted) this.expireNamed(first, step, true);
    for (let index = first; index < this.#client.argv.count; index += step) {
      if (this.has(index) !== wanted) return false;
    }
    return true;
  }

  /**
   * Gives the field that is argument `index`, and exists, an expiry, or removes it if that has
   * passed. Returns whether the field is still there.
   */
  expire(index: number, expiryMs: number): boolean {
    if (this.isPast(expiryMs)) {
      this.remove(index);
      return false;
    }
    this.#setExpiry(index, expiryMs);
    return true;
  }

  /** Whether a field with this expiry goes at once; never while loading: the file will say so. */
  isPast(expiryMs: number): boolean {
    return expiryMs <= clock.nowMs() && this.#client.db.keyspace.expiryPolicy !== "show";
  }

  /** Lets the field that is argument `index`, and exists, stay for ever. */
  persist(index: number): void {
    this.#setExpiry(index, value.NO_EXPIRY);
  }

  /** Removes the field that is argument `index`, and exists. */
  remove(index: number): void {
    const { argv, db } = this.#client;
    const start = argv.starts[index];
    const beforeMs = this.#begin(index);
    this.removedCount++;
    hashValue.remove(db.arena, this.entry, argv.bytes, start, argv.lengths[index]);
    db.expiryOrder.changed(this.entry, beforeMs);
  }

  #setExpiry(index: number, expiryMs: number): void {
    const { argv, db } = this.#client;
    const start = argv.starts[index];
    const beforeMs = this.#begin(index);
    this.changedCount++;
    const length = argv.lengths[index];
    // 0 is set only while loading, and marks a field without an expiry.
    const storedMs = expiryMs === 0 ? 1 : expiryMs;
    hashValue.setExpiry(db.arena, this.entry, argv.bytes, start, length, storedMs);
    db.expiryOrder.changed(this.entry, beforeMs);
  }

  /** Notes that a field is changed; returns when the next one expires so far. */
  #begin(index: number): number {
    const { argv, db, wantsEffects } = this.#client;
    if (wantsEffects || db.keyspace.announcesFields) this.fields.push(argv.copy(index));
    return nextExpiryOfKey(db.arena, this.entry);
  }

  /** Announces what was changed; `changedEvent` is that of fields which are still there. */
  end(changedEvent: string): void {
    const { argv, db } = this.#client;
    if (this.changedCount > 0) {
      db.changed(argv, 1, EVENT_HASH, changedEvent);
      this.#announceFields(changedEvent);
      db.keyspace.dirty += this.changedCount - 1;
    }
    if (this.removedCount === 0) return;
    db.changed(argv, 1, EVENT_HASH, "hdel");
    this.#announceFields("hdel");
    db.keyspace.dirty += this.removedCount - 1;
    if (this.entry === 0 || hashValue.countOfKey(db.arena, this.entry) > 0) return;
    db.removeEmptied(argv, 1);
    this.entry = 0;
  }

  /** Of one command all fields are changed, or all are removed. */
  #announceFields(event: string): void {
    const { argv, db: { keyspace }, db } = this.#client;
    if (keyspace.announcesFields) {
      keyspace.listener.fieldsEvent(db, event, argv.copy(1), this.fields);
    }
  }

  /** Records one HDEL for each field that was removed. */
  propagateRemovals(): void {
    const key = this.#client.argv.copy(1);
    for (const field of this.fields) this.#client.propagateAs("HDEL", key, field);
  }
}
