/**
 * Keyspace announcements: what happens to keys, told to all whom it concerns: WATCH, tracking,
 * keyspace events, blocked clients, propagation.
 */
import type { Database } from "../keyspace/database.ts";
import type { KeyspaceListener } from "../keyspace/keyspace_listener.ts";
import { Argv } from "../protocol/argv.ts";
import { COMMAND_MEETS_ANY_KEY } from "../session/command.ts";
import type { Host } from "../session/host.ts";

/** What it uses of the host. */
type AnnouncementHost = Pick<
  Host,
  | "barrier"
  | "blocking"
  | "calls"
  | "config"
  | "events"
  | "expireCycle"
  | "propagation"
  | "tracking"
  | "turn"
  | "watch"
>;

export class KeyspaceAnnouncements implements KeyspaceListener<Database> {
  readonly #host: AnnouncementHost;

  constructor(host: AnnouncementHost) {
    this.#host = host;
  }

  keyChanged(
    db: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    isOwnDoing = true,
  ): void {
    const { barrier, expireCycle, watch, tracking, blocking } = this.#host;
    if (barrier.isKept) barrier.noteKey(bytes, start, length);
    if (db.keyspace.isOwnChange) expireCycle.own.note(db, bytes, start, length);
    if (watch.watchCount !== 0) watch.touch(db, bytes, start, length);
    if (tracking.clientCount !== 0) tracking.keyChanged(bytes, start, length, isOwnDoing);
    if (blocking.changesWantedCount !== 0) blocking.keyReady(db, bytes, start, length);
  }

  keyEvent(
    db: Database,
    eventClass: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { config, events } = this.#host;
    if ((config.notifyKeyspaceEvents & eventClass) !== 0) {
      events.notify(db, eventClass, event, bytes, start, length);
    }
  }

  fieldsEvent(db: Database, event: string, key: Uint8Array, fields: readonly Uint8Array[]): void {
    this.#host.events.notifyFields(db, event, key, fields);
  }

  keyVanishes(
    db: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    isEvicted: boolean,
  ): void {
    const { barrier, config, propagation } = this.#host;
    if (barrier.isKept) barrier.noteKey(bytes, start, length);
    if (!propagation.isWanted) return;
    const isLazy = isEvicted ? config.lazyfreeLazyEviction : config.lazyfreeLazyExpire;
    const key = bytes.subarray(start, start + length);
    this.#record(db, Argv.of(isLazy ? "UNLINK" : "DEL", key));
  }

  get recordsFields(): boolean {
    return this.#host.propagation.isWanted;
  }

  fieldVanishes(
    db: Database,
    key: Uint8Array,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { barrier } = this.#host;
    if (barrier.isKept) barrier.noteKey(key, 0, key.length);
    this.#record(db, Argv.of("HDEL", key, bytes.subarray(start, start + length)));
  }

  /** Records what happened by itself: as part of the command that met it, or as a unit. */
  #record(db: Database, effect: Argv): void {
    const { propagation, calls, turn } = this.#host;
    propagation.append(db.index, effect);
    const { current } = calls;
    if (current === null) {
      propagation.endUnit();
      turn.schedule();
    } else if (calls.depth === 1 && (current.command.bits & COMMAND_MEETS_ANY_KEY) !== 0) {
      propagation.endUnit();
    }
  }

  keyReady(db: Database, bytes: Uint8Array, start: number, length: number): void {
    const { blocking } = this.#host;
    if (blocking.blockedCount !== 0) blocking.keyReady(db, bytes, start, length);
  }

  databaseFlushed(db: Database): void {
    const { barrier, expireCycle, watch, tracking, blocking } = this.#host;
    if (barrier.isKept) barrier.noteAll();
    expireCycle.own.forget(db);
    watch.touchDatabase(db, null);
    tracking.databaseFlushed();
    blocking.databaseReady(db);
  }
}
