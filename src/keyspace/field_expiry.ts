/**
 * Field expiry: fields of hashes whose time has passed: hidden from commands, and removed by those
 * that meet them, as the policy for keys says (`expiryPolicy`); the others are removed here, by and
 * by, in the order in which they expired.
 *
 * What is removed is told as its removal (`fieldVanishes`); watches of the key are void, and one
 * "hexpired" tells of all the fields that went at a time. A hash whose last field goes, goes too.
 *
 * A STEP of the removal takes about a millisecond, whatever there is to do, and never more than a
 * few hundred fields of one hash at a time; whoever calls it comes again soon while it is behind.
 */
import * as clock from "../base/clock.ts";
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { type Forgetful, scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";
import { EVENT_GENERIC, EVENT_HASH } from "./keyspace_listener.ts";

/** Fields of one hash that are removed before the clock is read again. */
const FIELDS_AT_ONCE = 256;
/** Fields that are removed between two readings of the clock, at least. */
const FIELDS_PER_CLOCK_READING = 64;

/** Hashes that are taken out of the order at once. */
const HASHES_AT_ONCE = 32;
const NO_FIELDS: readonly Uint8Array[] = [];
/** Longer keys are copied to an array of their own. */
const KEY_SCRATCH_BYTES = 256;

/** The key of the hash at hand, which listeners hear of when the entry is gone. */
class HashKey implements Forgetful {
  readonly #view = new Slice();
  readonly #room = readyForCopies(new Uint8Array(KEY_SCRATCH_BYTES));
  bytes = this.#room;
  length = 0;

  /** Copies the key of an entry. Good until that of another is copied. */
  read(arena: Arena, entry: Ref): this {
    dictEntry.readKey(arena, entry, this.#view);
    const { bytes, start, length } = this.#view;
    this.bytes = length <= KEY_SCRATCH_BYTES ? this.#room : new Uint8Array(length);
    copyBytes(bytes, start, this.bytes, 0, length);
    this.length = length;
    return this;
  }

  /** The bytes alone, good as long. */
  get whole(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  forget(): void {
    this.#view.forget();
    this.bytes = this.#room;
  }
}

const hashKey = scratch(new HashKey());

/** What has become of a field that a command asks for. */
export const FIELD_LIVES = 0;
/** To be treated as missing; the hash is still there. */
export const FIELD_EXPIRED = 1;
/** Missing, and it was the last one: the entry is gone. */
export const HASH_EXPIRED = 2;

/** Whether a hash has fields that commands must treat as missing. O(1). */
export function hasExpiredFields({ arena, keyspace }: Database, entry: Ref): boolean {
  if (!value.mayHaveExpiries(arena, entry)) return false;
  const nextMs = nextExpiryOfKey(arena, entry);
  return nextMs !== value.NO_EXPIRY && nextMs < clock.nowMs() && keyspace.expiryPolicy !== "show";
}

/** Whether a command must treat a field as missing because it has expired; changes nothing. */
export function isFieldExpired(
  db: Database,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (!hasExpiredFields(db, entry)) return false;
  const expiryMs = hashValue.expiryOf(db.arena, entry, field, start, length);
  return isExpiry(expiryMs) && expiryMs < clock.nowMs();
}

function isExpiry(expiryMs: number): boolean {
  return expiryMs !== value.NO_EXPIRY && expiryMs !== hashValue.NO_FIELD;
}

/** Removes a field that has expired, if the policy is that. Returns one of the words above. */
export function expireField(
  db: Database,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): number {
  if (!isFieldExpired(db, entry, field, start, length)) return FIELD_LIVES;
  if (db.keyspace.expiryPolicy !== "remove") return FIELD_EXPIRED;
  const { arena } = db;
  const key = hashKey.read(arena, entry);
  const beforeMs = nextExpiryOfKey(arena, entry);
  const gone: Uint8Array[] = [];
  tellOfField(db, key, field, start, length, gone);
  hashValue.remove(arena, entry, field, start, length);
  db.expiryOrder.changed(entry, beforeMs);
  const isEmpty = hashValue.countOfKey(arena, entry) === 0;
  return endRemoval(db, entry, key, isEmpty, gone) ? HASH_EXPIRED : FIELD_EXPIRED;
}

/**
 * `expireField` for every `step`-th argument from `first` on, told as one event; for commands that
 * ask for several. With `stopsAtLiving`, looks no further than the first field that is there.
 * Returns whether the hash is gone.
 */
export function expireFields(
  db: Database,
  entry: Ref,
  argv: Argv,
  first: number,
  step: number,
  stopsAtLiving: boolean,
): boolean {
  if (!hasExpiredFields(db, entry) || db.keyspace.expiryPolicy !== "remove") return false;
  const { arena } = db;
  const { bytes, starts, lengths } = argv;
  const key = hashKey.read(arena, entry);
  const beforeMs = nextExpiryOfKey(arena, entry);
  const gone: Uint8Array[] = [];
  let removed = 0;
  for (let index = first; index < argv.count; index += step) {
    const start = starts[index];
    const length = lengths[index];
    if (isFieldExpired(db, entry, bytes, start, length)) {
      tellOfField(db, key, bytes, start, length, gone);
      hashValue.remove(arena, entry, bytes, start, length);
      removed++;
    } else if (stopsAtLiving && hashValue.has(arena, entry, bytes, start, length)) {
      break;
    }
  }
  if (removed === 0) return false;
  db.expiryOrder.changed(entry, beforeMs);
  return endRemoval(db, entry, key, hashValue.countOfKey(arena, entry) === 0, gone);
}

/**
 * Removes all fields of a hash that have expired, up to `max`, whatever the policy. Returns whether
 * the hash is gone.
 */
export function removeExpiredFields(db: Database, entry: Ref, max: number): boolean {
  return removeExpired(db, entry, max, nextExpiryOfKey(db.arena, entry));
}

/** `removeExpiredFields`; `orderedMs` is what the order has of the hash, NO_EXPIRY if nothing. */
function removeExpired(db: Database, entry: Ref, max: number, orderedMs: number): boolean {
  const { arena, keyspace, expiryOrder } = db;
  const nowMs = clock.nowMs();
  const key = hashKey.read(arena, entry);
  if (!keyspace.announcesFields && !keyspace.listener.recordsFields) {
    if (hashValue.haveAllExpired(arena, entry, nowMs)) {
      // The value goes as it is, for nobody has to hear of its fields.
      keyspace.expiredFieldCount += hashValue.countOfKey(arena, entry);
      return endRemoval(db, entry, key, true, NO_FIELDS);
    }
    keyspace.expiredFieldCount += hashValue.removeExpired(arena, entry, nowMs, max, null);
    expiryOrder.changed(entry, orderedMs);
    return endRemoval(db, entry, key, false, NO_FIELDS);
  }
  const gone: Uint8Array[] = [];
  hashValue.removeExpired(arena, entry, nowMs, max, ({ bytes, start, length }) => {
    tellOfField(db, key, bytes, start, length, gone);
  });
  expiryOrder.changed(entry, orderedMs);
  return endRemoval(db, entry, key, hashValue.countOfKey(arena, entry) === 0, gone);
}

/** Tells that a field goes; it joins those `gone` with it if anybody may hear of them. */
function tellOfField(
  db: Database,
  key: HashKey,
  bytes: Uint8Array,
  start: number,
  length: number,
  gone: Uint8Array[],
): void {
  const { keyspace } = db;
  keyspace.expiredFieldCount++;
  if (keyspace.announcesFields) gone.push(bytes.slice(start, start + length));
  if (keyspace.listener.recordsFields) {
    keyspace.listener.fieldVanishes(db, key.whole, bytes, start, length);
  }
}

/** Tells that fields went; removes the hash if none is left, and returns whether that is so. */
function endRemoval(
  db: Database,
  entry: Ref,
  key: HashKey,
  isEmpty: boolean,
  gone: readonly Uint8Array[],
): boolean {
  const { listener } = db.keyspace;
  const { bytes, length } = key;
  listener.keyChanged(db, bytes, 0, length, false);
  listener.keyEvent(db, EVENT_HASH, "hexpired", bytes, 0, length);
  if (gone.length > 0) listener.fieldsEvent(db, "hexpired", key.whole, gone);
  if (!isEmpty) return false;
  db.removeEntry(entry);
  listener.keyEvent(db, EVENT_GENERIC, "del", bytes, 0, length);
  return true;
}

/** Removes what has expired and nobody asks for, one database after the other. */
export class FieldExpiryCycle {
  /** The last step ran out of time. */
  isBehind = false;
  readonly #keyspace: Keyspace;
  /** Hashes that were taken out of the order. */
  readonly #due = new Int32Array(HASHES_AT_ONCE);
  #nextDatabase = 0;
  /** What the touched memory held; kept so that the compiler takes the loads seriously. */
  seen = 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  /** Removes fields until none is due or `deadlineUs` (on the monotonic clock) has passed. */
  step(deadlineUs: number): void {
    const { databases } = this.#keyspace;
    this.isBehind = false;
    for (let visits = 0; visits < databases.length && !this.isBehind; visits++) {
      const db = databases[this.#nextDatabase];
      this.#nextDatabase = (this.#nextDatabase + 1) % databases.length;
      this.#expireDatabase(db, deadlineUs);
    }
  }

  #expireDatabase(db: Database, deadlineUs: number): void {
    const keyspace = this.#keyspace;
    const due = this.#due;
    let readAt = keyspace.expiredFieldCount + FIELDS_PER_CLOCK_READING;
    while (!this.isBehind) {
      const count = db.expiryOrder.takeDue(clock.nowMs(), due);
      if (count === 0) return;
      this.seen ^= this.#touch(db.arena, count);
      for (let index = 0; index < count; index++) {
        // What there is no time for goes back as it is.
        if (this.isBehind) db.expiryOrder.add(due[index]);
        else removeExpired(db, due[index], FIELDS_AT_ONCE, value.NO_EXPIRY);
        if (keyspace.expiredFieldCount < readAt) continue;
        readAt = keyspace.expiredFieldCount + FIELDS_PER_CLOCK_READING;
        this.isBehind = clock.monotonicUs() > deadlineUs;
      }
    }
  }
  /**
   * Brings entries and values of the first `count` due hashes into the processor's cache: they are
   * anywhere, and here the waits for all of them overlap. Changes nothing.
   */
  #touch(arena: Arena, count: number): number {
    const due = this.#due;
    let seen = 0;
    for (let index = 0; index < count; index++) seen ^= arena.word(due[index], 0);
    for (let index = 0; index < count; index++) {
      seen ^= arena.word(value.valueRef(arena, due[index]), 0);
    }
    return seen;
  }
}
