/**
 * Database: the only door to the data. It finds, creates, replaces and removes keys, lets expired
 * ones vanish when they are met, and announces every change.
 *
 * A key is an entry (values/value.ts) in the dict `keys`; one with an expiry is in the dict
 * `expires` too, so that the expiry cycle can draw from those alone; one that holds elements which
 * expire is in `expiryOrder`. All hold the same entry, and one that moves is replaced in each.
 *
 * A key is named by an argument (`argv, index`); one that stands in no request by an Argv that was
 * pointed at it. Only `findRaw`, which changes nothing, takes bytes.
 */
import { assert } from "../base/assert.ts";
import * as clock from "../base/clock.ts";
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { Argv } from "../protocol/argv.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { ExpiryOrder } from "./expiry_order.ts";
import type { KeyspaceState } from "./keyspace_state.ts";
import {
  EVENT_EVICTED,
  EVENT_EXPIRED,
  EVENT_GENERIC,
  EVENT_KEY_MISS,
  EVENT_NEW,
  EVENT_OVERWRITTEN,
  EVENT_TYPE_CHANGED,
} from "./keyspace_listener.ts";

/** Keys up to this size are copied out into one array that is used again and again. */
const KEY_SCRATCH_BYTES = 256;

export class Database {
  readonly keyspace: KeyspaceState<Database>;
  readonly arena: Arena;
  /** Number by which SELECT knows the database; SWAPDB swaps contents, not numbers. */
  readonly index: number;
  /** Dict of all entries. */
  keys: Ref;
  /** Dict of the entries that have an expiry. */
  expires: Ref;
  /** The keys that hold elements which expire, by the next of them. */
  readonly expiryOrder: ExpiryOrder;
  readonly #key = new Slice();
  readonly #keyBytes = readyForCopies(new Uint8Array(KEY_SCRATCH_BYTES));
  readonly #keyArgv = new Argv();

  constructor(keyspace: KeyspaceState<Database>, index: number) {
    this.keyspace = keyspace;
    this.arena = keyspace.arena;
    this.index = index;
    this.keys = dict.create(this.arena);
    this.expires = dict.create(this.arena);
    this.expiryOrder = new ExpiryOrder(this.arena);
  }

  /** Number of keys, expired ones that nobody has met yet included (DBSIZE). */
  get size(): number {
    return dict.count(this.arena, this.keys);
  }

  /** The entry of a key for a command that only reads it, or 0. Counts a hit or a miss. */
  lookupForRead(argv: Argv, index: number): Ref {
    return this.#lookupCounted(argv, index, this.keyspace.notesReads);
  }

  /** `lookupForRead` that does not count as an access of the key (EXISTS, TYPE, TTL). */
  lookupUntouched(argv: Argv, index: number): Ref {
    return this.#lookupCounted(argv, index, false);
  }

  /**
   * The entry of a key for a command that may change it, or 0. It stands in no frozen image: if it
   * did, it has moved.
   */
  lookupForWrite(argv: Argv, index: number): Ref {
    const entry = this.#lookup(argv, index, true);
    if (entry !== 0 && this.arena.isFrozen) return this.#moveOutOfImage(entry);
    // What is hidden would be in the way of what the command is about to create.
    if (entry === 0 && this.keyspace.removesToWrite) this.#removeHidden(argv, index);
    return entry;
  }

  /** Moves the entry that was just found, if it is part of a frozen image; returns where it is. */
  #moveOutOfImage(entry: Ref): Ref {
    const { arena } = this;
    const hash = dict.lastHash();
    const moved = arena.writable(entry);
    if (moved === entry) return entry;
    dict.replaceFound(arena, entry, moved);
    if ((value.ownerFlags(arena, moved) & value.FLAG_EXPIRY) !== 0) {
      dict.replaceRef(arena, this.expires, entry, moved, hash);
    }
    this.expiryOrder.moved(entry, moved);
    return moved;
  }

  #removeHidden({ bytes, starts, lengths }: Argv, index: number): void {
    const entry = dict.find(this.arena, this.keys, bytes, starts[index], lengths[index]);
    if (entry !== 0) this.removeExpired(entry);
  }

  /**
   * The entry of a key, or 0, without touching its access clock or the statistics (OBJECT, TTL).
   */
  peek(argv: Argv, index: number): Ref {
    return this.#lookup(argv, index, false);
  }

  /** The entry as it is: expired or not, without any side effect; or 0. */
  findRaw(bytes: Uint8Array, start: number, length: number): Ref {
    return dict.find(this.arena, this.keys, bytes, start, length);
  }

  #lookupCounted(argv: Argv, index: number, touch: boolean): Ref {
    const entry = this.#lookup(argv, index, touch);
    if (entry === 0) {
      this.keyspace.missCount++;
      this.#announce(EVENT_KEY_MISS, "keymiss", argv, index);
    } else {
      this.keyspace.hitCount++;
    }
    return entry;
  }

  /**
   * The entry of a key as it is, or 0. The hash of the key is left in `argv`, so that a command
   * that finds, creates and removes computes it once, or not at all if it was read ahead.
   */
  #find(argv: Argv, index: number): Ref {
    const { arena, keys } = this;
    const { bytes } = argv;
    const start = argv.starts[index];
    const length = argv.lengths[index];
    if (argv.hashedIndex !== index) {
      argv.hash = hashBytes(bytes, start, length);
      argv.hashedIndex = index;
    } else if (arena.isDebug) {
      assert(argv.hash === hashBytes(bytes, start, length), "the hash in argv is that of the key");
    }
    return dict.findHashed(arena, keys, argv.hash, bytes, start, length);
  }

  #lookup(argv: Argv, index: number, touch: boolean): Ref {
    const { arena } = this;
    const entry = this.#find(argv, index);
    if (entry === 0) return 0;
    if (value.expiresBefore(arena, entry, clock.nowMs()) && this.expireIfNeeded(entry)) return 0;
    if (touch) this.keyspace.touch(entry);
    return entry;
  }

  /**
   * Removes an entry whose expiry has passed, if the policy is that. Returns whether a command must
   * treat the key as missing.
   */
  expireIfNeeded(entry: Ref): boolean {
    if (!value.expiresBefore(this.arena, entry, clock.nowMs())) return false;
    const { expiryPolicy } = this.keyspace;
    if (expiryPolicy === "remove") this.removeExpired(entry);
    return expiryPolicy !== "show";
  }

  /** Whether a command must treat the key as missing; unlike `expireIfNeeded` changes nothing. */
  isExpired(entry: Ref): boolean {
    return value.expiresBefore(this.arena, entry, clock.nowMs()) &&
      this.keyspace.expiryPolicy !== "show";
  }

  /** Removes an expired entry and tells everybody. */
  removeExpired(entry: Ref): void {
    this.keyspace.expiredCount++;
    this.#removeVanishing(entry, EVENT_EXPIRED, "expired");
  }

  /** Removes an entry to make room for others, and tells everybody. */
  removeEvicted(entry: Ref): void {
    this.keyspace.evictedCount++;
    this.#removeVanishing(entry, EVENT_EVICTED, "evicted");
  }

  #removeVanishing(entry: Ref, eventClass: number, event: string): void {
    // The key's bytes go with the entry; listeners get a copy, which none of them keeps.
    const { bytes: key, length } = this.#copyKey(entry);
    const { listener } = this.keyspace;
    listener.keyVanishes(this, key, 0, length, eventClass === EVENT_EVICTED);
    this.remove(this.#keyArgv.point(key, 0, length), 0);
    listener.keyChanged(this, key, 0, length, false);
    listener.keyEvent(this, eventClass, event, key, 0, length);
  }

  /**
   * Creates a key that does not exist, with a value that stands at `ref` and an expiry (Unix time
   * in ms or NO_EXPIRY). Returns its entry. The command announces the change by `changed` when it
   * is done.
   */
  create(
    argv: Argv,
    index: number,
    type: number,
    encoding: number,
    ref: Ref,
    expiryMs = value.NO_EXPIRY,
  ): Ref {
    const { arena } = this;
    const { bytes } = argv;
    const start = argv.starts[index];
    const length = argv.lengths[index];
    const entry = value.createEntry(
      arena,
      bytes,
      start,
      length,
      type,
      encoding,
      ref,
      expiryMs,
    );
    if (argv.hashedIndex === index) this.insertEntryHashed(entry, argv.hash);
    else this.insertEntry(entry);
    this.#announceNew(bytes, start, length, type);
    return entry;
  }

  /** Inserts an entry made elsewhere (the RDB reader), whose key must be missing. */
  insertEntry(entry: Ref): void {
    this.insertEntryHashed(entry, dict.hashOf(this.arena, entry));
  }

  /** `insertEntry` for a caller that has looked for the key in vain and knows its hash. */
  insertEntryHashed(entry: Ref, hash: number): void {
    const { arena } = this;
    this.keyspace.initializeClock(entry);
    dict.insertHashed(arena, this.keys, entry, hash);
    if (value.expiryOf(arena, entry) !== value.NO_EXPIRY) {
      dict.insertHashed(arena, this.expires, entry, hash);
    }
    this.expiryOrder.add(entry);
  }

  /**
   * Sets a key to a string, whatever it was before. `expiryMs`: Unix time in ms, NO_EXPIRY to drop
   * an expiry, or KEEP_EXPIRY. An existing entry is overwritten in place where its block has room.
   * Counts as a use of the key.
   */
  setString(
    argv: Argv,
    index: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    expiryMs: number,
  ): void {
    const { arena } = this;
    const key = argv.bytes;
    const keyStart = argv.starts[index];
    const keyBytes = argv.lengths[index];
    const old = this.#find(argv, index);
    const { hash } = argv;
    if (old === 0) {
      const newExpiryMs = expiryMs === KEEP_EXPIRY ? value.NO_EXPIRY : expiryMs;
      const entry = stringValue.createEntry(
        arena,
        key,
        keyStart,
        keyBytes,
        bytes,
        start,
        length,
        newExpiryMs,
      );
      this.keyspace.initializeClock(entry);
      dict.insertHashed(arena, this.keys, entry, hash);
      if (newExpiryMs !== value.NO_EXPIRY) dict.insertHashed(arena, this.expires, entry, hash);
      this.#announceNew(key, keyStart, keyBytes, value.TYPE_STRING);
      return;
    }
    const oldExpiryMs = value.expiryOf(arena, old);
    if (oldExpiryMs !== value.NO_EXPIRY && this.#removeIfExpired(old)) {
      this.setString(argv, index, bytes, start, length, expiryMs);
      return;
    }
    const newExpiryMs = expiryMs === KEEP_EXPIRY ? oldExpiryMs : expiryMs;
    if (
      (oldExpiryMs === value.NO_EXPIRY) === (newExpiryMs === value.NO_EXPIRY) &&
      // In a frozen image it is not overwritten where it is.
      !arena.shouldMove(old) &&
      stringValue.overwriteEmbedded(arena, old, bytes, start, length)
    ) {
      if (newExpiryMs !== oldExpiryMs) value.setExpiryInPlace(arena, old, newExpiryMs);
      this.keyspace.touch(old);
      return;
    }
    const entry = stringValue.createEntry(
      arena,
      key,
      keyStart,
      keyBytes,
      bytes,
      start,
      length,
      newExpiryMs,
    );
    this.keyspace.inheritClock(old, entry);
    this.#announceIfStream(old, key, keyStart, keyBytes);
    dict.replaceFound(arena, old, entry);
    this.expiryOrder.remove(old);
    this.#replaceExpiry(old, entry, hash, oldExpiryMs, newExpiryMs);
    this.keyspace.reclaimer.freeEntry(old);
  }

  /**
   * Sets a key to a value that stands at `ref`, whatever it was before, and drops its expiry; for
   * commands that store their outcome under a key. As in Redis, "new" is announced only if the key
   * was missing. Returns the entry.
   */
  replace(argv: Argv, index: number, type: number, encoding: number, ref: Ref): Ref {
    const { arena } = this;
    const start = argv.starts[index];
    const length = argv.lengths[index];
    let old = this.#find(argv, index);
    const { hash } = argv;
    if (old !== 0 && this.#removeIfExpired(old)) old = 0;
    if (old === 0) return this.create(argv, index, type, encoding, ref);
    const oldType = value.typeOf(arena, old);
    if (this.keyspace.announcesOverwrites) this.announceReplaced(argv, index, oldType, type);
    const oldExpiryMs = value.expiryOf(arena, old);
    const entry = value.createEntry(
      arena,
      argv.bytes,
      start,
      length,
      type,
      encoding,
      ref,
      value.NO_EXPIRY,
    );
    this.keyspace.inheritClock(old, entry);
    dict.replaceRef(arena, this.keys, old, entry, hash);
    this.#replaceExpiry(old, entry, hash, oldExpiryMs, value.NO_EXPIRY);
    this.expiryOrder.remove(old);
    this.expiryOrder.add(entry);
    this.keyspace.reclaimer.freeEntry(old);
    const { listener } = this.keyspace;
    if (type !== value.TYPE_STRING || oldType === value.TYPE_STREAM) {
      listener.keyReady(this, argv.bytes, start, length, type);
    }
    return entry;
  }

  /** Whether an entry has expired and is removed for that. */
  #removeIfExpired(entry: Ref): boolean {
    const { expiryPolicy, removesToWrite } = this.keyspace;
    if (expiryPolicy === "remove") return this.expireIfNeeded(entry);
    if (!removesToWrite || !this.isExpired(entry)) return false;
    this.removeExpired(entry);
    return true;
  }

  /**
   * Puts `entry` in the place of `old`, which has the same key and the same expiry; `old` may be
   * freed already. For values that move with their entry (string_value.ts).
   */
  replaceMoved(old: Ref, entry: Ref): void {
    if (old === entry) return;
    const hash = dict.hashOf(this.arena, entry);
    dict.replaceRef(this.arena, this.keys, old, entry, hash);
    if ((value.ownerFlags(this.arena, entry) & value.FLAG_EXPIRY) === 0) return;
    dict.replaceRef(this.arena, this.expires, old, entry, hash);
  }

  /** Removes a key with its value. Returns whether it existed. Does not announce. */
  remove(argv: Argv, index: number): boolean {
    const entry = this.detach(argv, index);
    if (entry === 0) return false;
    this.keyspace.reclaimer.freeEntry(entry);
    return true;
  }

  /** `remove` for a command to which a key that has expired is missing (DEL). */
  removeUnexpired(argv: Argv, index: number): boolean {
    const entry = this.#find(argv, index);
    if (entry === 0 || this.expireIfNeeded(entry)) return false;
    this.#unlinkFound(entry, argv.bytes, argv.starts[index], argv.lengths[index]);
    this.keyspace.reclaimer.freeEntry(entry);
    return true;
  }

  /** Removes an entry with its value. Does not announce. */
  removeEntry(entry: Ref): void {
    const { bytes, length } = this.#copyKey(entry);
    this.remove(this.#keyArgv.point(bytes, 0, length), 0);
  }

  /**
   * Takes an entry out of the database without freeing it; RENAME and the like put its value under
   * another key with `adopt`.
   */
  detach(argv: Argv, index: number): Ref {
    const start = argv.starts[index];
    const length = argv.lengths[index];
    const entry = this.#find(argv, index);
    if (entry !== 0) this.#unlinkFound(entry, argv.bytes, start, length);
    return entry;
  }

  /** A copy of the key of an entry that moves or goes, at the start of room soon used again. */
  #copyKey(entry: Ref): Slice {
    const key = this.#key;
    dictEntry.readKey(this.arena, entry, key);
    const room = key.length <= KEY_SCRATCH_BYTES ? this.#keyBytes : new Uint8Array(key.length);
    copyBytes(key.bytes, key.start, room, 0, key.length);
    key.set(room, 0, key.length);
    return key;
  }

  /** Puts the value of a detached entry under a key that must be missing, with this expiry. */
  adopt(entry: Ref, argv: Argv, index: number, expiryMs: number): Ref {
    const { arena } = this;
    const clockValue = value.accessClock(arena, entry);
    const start = argv.starts[index];
    const length = argv.lengths[index];
    const type = value.typeOf(arena, entry);
    const target = value.remakeEntry(arena, entry, argv.bytes, start, length, expiryMs);
    value.setAccessClock(arena, target, clockValue);
    this.#insert(target, expiryMs);
    this.#announceNew(argv.bytes, start, length, type);
    return target;
  }

  /** Sets or drops (NO_EXPIRY) the expiry of an entry. Returns the entry, which may have moved. */
  setExpiry(entry: Ref, expiryMs: number): Ref {
    const { arena } = this;
    const oldExpiryMs = value.expiryOf(arena, entry);
    if (oldExpiryMs === expiryMs) return entry;
    if (oldExpiryMs !== value.NO_EXPIRY && expiryMs !== value.NO_EXPIRY) {
      value.setExpiryInPlace(arena, entry, expiryMs);
      return entry;
    }
    const hash = dict.hashOf(arena, entry);
    if (oldExpiryMs !== value.NO_EXPIRY) dict.removeEntry(arena, this.expires, entry, hash);
    const { bytes: key, length } = this.#copyKey(entry);
    const target = value.remakeEntry(arena, entry, key, 0, length, expiryMs);
    dict.replaceRef(arena, this.keys, entry, target, hash);
    if (expiryMs !== value.NO_EXPIRY) dict.insertHashed(arena, this.expires, target, hash);
    this.expiryOrder.moved(entry, target);
    return target;
  }

  /**
   * Announces that the command changed a key: watches of it are void, and subscribers hear of the
   * event. Counts one change for the save points; commands that change more say so by `dirty`.
   */
  changed(argv: Argv, index: number, eventClass: number, event: string): void {
    const { keyspace } = this;
    const { bytes } = argv;
    const start = argv.starts[index];
    const length = argv.lengths[index];
    keyspace.dirty++;
    keyspace.listener.keyChanged(this, bytes, start, length);
    keyspace.listener.keyEvent(this, eventClass, event, bytes, start, length);
  }

  /** Announces that a command is about to put a value of `type` in the place of another, if so. */
  announceOverwrite(argv: Argv, index: number, type: number): void {
    if (!this.keyspace.announcesOverwrites) return;
    const old = this.peek(argv, index);
    if (old !== 0) this.announceReplaced(argv, index, value.typeOf(this.arena, old), type);
  }

  /** Announces that a value of one type takes the place of one of another, or the same. */
  announceReplaced(argv: Argv, index: number, oldType: number, type: number): void {
    this.#announce(EVENT_OVERWRITTEN, "overwritten", argv, index);
    if (oldType !== type) this.#announce(EVENT_TYPE_CHANGED, "type_changed", argv, index);
  }

  /** Announces a change that has no event (PFCOUNT, which stores what it has counted). */
  changedSilently(argv: Argv, index: number): void {
    const { keyspace } = this;
    keyspace.dirty++;
    keyspace.listener.keyChanged(this, argv.bytes, argv.starts[index], argv.lengths[index]);
  }

  /** Announces a further event of a key whose change is announced already ("del" after "lpop"). */
  alsoEvent(argv: Argv, index: number, eventClass: number, event: string): void {
    this.#announce(eventClass, event, argv, index);
  }

  /** Removes a key whose collection became empty, and announces its "del". */
  removeEmptied(argv: Argv, index: number): void {
    this.remove(argv, index);
    this.#announce(EVENT_GENERIC, "del", argv, index);
  }

  /** Removes all keys; the memory comes back in steps. Returns how many there were. */
  clear(): number {
    const count = this.size;
    if (count === 0) return 0;
    this.keyspace.reclaimer.freeDatabase(this.keys, this.expires);
    this.keys = dict.create(this.arena);
    this.expires = dict.create(this.arena);
    this.expiryOrder.clear();
    return count;
  }

  /** Prepares the tables of a database without keys for so many, and so many with an expiry. */
  reserve(keys: number, expiring: number): void {
    dict.reserve(this.arena, this.keys, keys);
    dict.reserve(this.arena, this.expires, expiring);
  }

  /** Gives back what `reserve` has made for keys that did not come. */
  trim(): void {
    this.keys = this.#trimmed(this.keys);
    this.expires = this.#trimmed(this.expires);
  }

  #trimmed(table: Ref): Ref {
    if (dict.count(this.arena, table) > 0) {
      dict.trim(this.arena, table);
      return table;
    }
    dict.free(this.arena, table, () => {});
    return dict.create(this.arena);
  }

  /** Changes places with all keys of another database (SWAPDB). Does not announce. */
  swapContents(other: Database): void {
    const { keys, expires } = this;
    this.keys = other.keys;
    this.expires = other.expires;
    other.keys = keys;
    other.expires = expires;
    this.expiryOrder.swap(other.expiryOrder);
  }

  #announce(eventClass: number, event: string, argv: Argv, index: number): void {
    const start = argv.starts[index];
    const length = argv.lengths[index];
    this.keyspace.listener.keyEvent(this, eventClass, event, argv.bytes, start, length);
  }

  #announceNew(bytes: Uint8Array, start: number, length: number, type: number): void {
    const { listener } = this.keyspace;
    listener.keyEvent(this, EVENT_NEW, "new", bytes, start, length);
    if (type !== value.TYPE_STRING) listener.keyReady(this, bytes, start, length, type);
  }

  #insert(entry: Ref, expiryMs: number): void {
    const hash = dict.hashOf(this.arena, entry);
    dict.insertHashed(this.arena, this.keys, entry, hash);
    if (expiryMs !== value.NO_EXPIRY) dict.insertHashed(this.arena, this.expires, entry, hash);
    this.expiryOrder.add(entry);
  }

  /**
   * `entry` has taken the place of `old`, which has the same key with this hash, in the dict of
   * keys.
   */
  #replaceExpiry(
    old: Ref,
    entry: Ref,
    hash: number,
    oldExpiryMs: number,
    newExpiryMs: number,
  ): void {
    const { arena } = this;
    if (oldExpiryMs === value.NO_EXPIRY) {
      if (newExpiryMs !== value.NO_EXPIRY) dict.insertHashed(arena, this.expires, entry, hash);
    } else if (newExpiryMs === value.NO_EXPIRY) {
      dict.removeEntry(arena, this.expires, old, hash);
    } else {
      dict.replaceRef(arena, this.expires, old, entry, hash);
    }
  }

  /** Tells those who read a stream as a group that it goes away. */
  #announceIfStream(entry: Ref, bytes: Uint8Array, start: number, length: number): void {
    if (value.typeOf(this.arena, entry) !== value.TYPE_STREAM) return;
    this.keyspace.listener.keyReady(this, bytes, start, length, value.TYPE_STREAM);
  }

  /** Takes the entry that was just found out of both dicts. */
  #unlinkFound(entry: Ref, bytes: Uint8Array, start: number, length: number): void {
    const hash = dict.lastHash();
    dict.removeFound(this.arena, this.keys, entry);
    this.expiryOrder.remove(entry);
    this.#announceIfStream(entry, bytes, start, length);
    if ((value.ownerFlags(this.arena, entry) & value.FLAG_EXPIRY) === 0) return;
    dict.removeEntry(this.arena, this.expires, entry, hash);
  }
}

/** For `setString`: leave the expiry as it is (SET KEEPTTL, INCR). */
export const KEEP_EXPIRY = -2;
