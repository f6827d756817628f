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
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
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

const keyView = scratch(new Slice());

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
  const key = keyOf(arena, entry);
  const beforeMs = nextExpiryOfKey(arena, entry);
  const gone: Uint8Array[] = [];
  tellOfField(db, key, field, start, length, gone);
  hashValue.remove(arena, entry, field, start, length);
  return endRemoval(db, entry, key, beforeMs, gone) ? HASH_EXPIRED : FIELD_EXPIRED;
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
  const key = keyOf(arena, entry);
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
  return removed > 0 && endRemoval(db, entry, key, beforeMs, gone);
}

/**
 * Removes all fields of a hash that have expired, up to `max`, whatever the policy. Returns whether
 * the hash is gone.
 */
export function removeExpiredFields(db: Database, entry: Ref, max: number): boolean {
  const { arena } = db;
  const key = keyOf(arena, entry);
  const beforeMs = nextExpiryOfKey(arena, entry);
  const gone: Uint8Array[] = [];
  hashValue.removeExpired(arena, entry, clock.nowMs(), max, ({ bytes, start, length }) => {
    tellOfField(db, key, bytes, start, length, gone);
  });
  return endRemoval(db, entry, key, beforeMs, gone);
}

/** The key's bytes: they may go with the entry, and listeners hear of them afterwards. */
function keyOf(arena: Arena, entry: Ref): Uint8Array {
  dictEntry.readKey(arena, entry, keyView);
  return keyView.copy();
}

/** Tells that a field goes; it joins those `gone` with it if anybody may hear of them. */
function tellOfField(
  db: Database,
  key: Uint8Array,
  bytes: Uint8Array,
  start: number,
  length: number,
  gone: Uint8Array[],
): void {
  db.keyspace.expiredFieldCount++;
  if (db.keyspace.announcesFields) gone.push(bytes.slice(start, start + length));
  db.keyspace.listener.fieldVanishes(db, key, bytes, start, length);
}

/** Tells that fields went; removes the hash if none is left, and returns whether that is so. */
function endRemoval(
  db: Database,
  entry: Ref,
  key: Uint8Array,
  beforeMs: number,
  gone: readonly Uint8Array[],
): boolean {
  const { listener } = db.keyspace;
  db.expiryOrder.changed(entry, beforeMs);
  const isEmpty = hashValue.countOfKey(db.arena, entry) === 0;
  listener.keyChanged(db, key, 0, key.length);
  listener.keyEvent(db, EVENT_HASH, "hexpired", key, 0, key.length);
  if (gone.length > 0) listener.fieldsEvent(db, "hexpired", key, gone);
  if (!isEmpty) return false;
  db.removeEntry(entry);
  listener.keyEvent(db, EVENT_GENERIC, "del", key, 0, key.length);
  return true;
}

/** Removes what has expired and nobody asks for, one database after the other. */
export class FieldExpiryCycle {
  /** The last step ran out of time. */
  isBehind = false;
  readonly #keyspace: Keyspace;
  #nextDatabase = 0;

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
    let readAt = keyspace.expiredFieldCount + FIELDS_PER_CLOCK_READING;
    while (db.expiryOrder.isDue(clock.nowMs())) {
      removeExpiredFields(db, db.expiryOrder.first, FIELDS_AT_ONCE);
      if (keyspace.expiredFieldCount < readAt) continue;
      readAt = keyspace.expiredFieldCount + FIELDS_PER_CLOCK_READING;
      if (clock.monotonicUs() <= deadlineUs) continue;
      this.isBehind = true;
      return;
    }
  }
}
