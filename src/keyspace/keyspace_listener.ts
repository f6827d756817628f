/**
 * Keyspace listener: how the keyspace tells those above it what happened to a key. WATCH, keyspace
 * events, client-side caching and blocked clients hear of changes this way; the AOF hears of keys
 * that went away without a command.
 */

/** Classes of keyspace events: the bits behind the letters of notify-keyspace-events. */
export const EVENT_GENERIC = 1 << 2; // g
export const EVENT_STRING = 1 << 3; // $
export const EVENT_LIST = 1 << 4; // l
export const EVENT_SET = 1 << 5; // s
export const EVENT_HASH = 1 << 6; // h
export const EVENT_SORTED_SET = 1 << 7; // z
export const EVENT_EXPIRED = 1 << 8; // x
export const EVENT_EVICTED = 1 << 9; // e
export const EVENT_STREAM = 1 << 10; // t
export const EVENT_KEY_MISS = 1 << 11; // m
export const EVENT_MODULE = 1 << 13; // d
export const EVENT_NEW = 1 << 14; // n
export const EVENT_OVERWRITTEN = 1 << 15; // o
export const EVENT_TYPE_CHANGED = 1 << 16; // c

/** Channels for events of fields of hashes (Redis 8.8). */
export const EVENT_SUBKEYSPACE = 1 << 17; // S
export const EVENT_SUBKEYEVENT = 1 << 18; // T
export const EVENT_SUBKEYSPACE_ITEM = 1 << 19; // I
export const EVENT_SUBKEYSPACE_EVENT = 1 << 20; // V
export const EVENT_ANY_SUBKEY = EVENT_SUBKEYSPACE | EVENT_SUBKEYEVENT | EVENT_SUBKEYSPACE_ITEM |
  EVENT_SUBKEYSPACE_EVENT;

/** `Database` is keyspace/database.ts's, which uses this. */
export interface KeyspaceListener<Database> {
  /**
   * A key was changed, created or removed: watches and caches of it are void. `isOwnDoing`: by a
   * command, as if nothing is said, not by expiry or eviction.
   */
  keyChanged(
    db: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    isOwnDoing?: boolean,
  ): void;
  /** Something that subscribers of keyspace events may hear of. */
  keyEvent(
    db: Database,
    eventClass: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void;
  /** The fields of a hash that its last event was about; told while `announcesFields` is on. */
  fieldsEvent(db: Database, event: string, key: Uint8Array, fields: readonly Uint8Array[]): void;
  /** A key is about to go because it expired, or was evicted; to be recorded as its deletion. */
  keyVanishes(
    db: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    isEvicted: boolean,
  ): void;
  /** Whether anything becomes of `fieldVanishes` now: hashes are not read for it if not. */
  readonly recordsFields: boolean;
  /** A field of a hash is about to go because it expired; to be recorded as its removal. */
  fieldVanishes(
    db: Database,
    key: Uint8Array,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void;
  /**
   * A key was created, or took another's place, with a type that blocked clients may wait for; or a
   * stream went away, which concerns those who read it as a group.
   */
  keyReady(db: Database, bytes: Uint8Array, start: number, length: number, type: number): void;
  /** All keys of a database are gone. (SWAPDB tells WATCH and those who wait by itself.) */
  databaseFlushed(db: Database): void;
}
