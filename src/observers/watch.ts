/**
 * Watch: which clients watch which keys (WATCH), so that a change of a key marks their transactions
 * void. (Redis: multi.c, watchForKey and touchWatchedKey.)
 *
 * A key that had already expired when it was watched does not void the transaction by vanishing.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { Database } from "../keyspace/database.ts";
import type { Argv } from "../protocol/argv.ts";
import * as value from "../values/value.ts";
import { type Client, REDIS_DIRTY_CAS, type WatchedKey } from "../session/client.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly watch: WatchTable;
  }
}

export class WatchTable {
  /** Watching clients by key, one map per database. */
  readonly #watchers: Map<string, Set<Client>>[] = [];
  /** Number of (client, key) pairs; 0 lets every write skip the look-up. */
  watchCount = 0;
  /** Number of clients that watch something. */
  clientCount = 0;

  /** Number of keys that anybody watches (INFO total_watched_keys). */
  get keyCount(): number {
    return this.#watchers.reduce((sum, keys) => sum + keys.size, 0);
  }

  watch(client: Client, argv: Argv, index: number): void {
    const { db } = client;
    const key = argv.text(index);
    if (client.watchedKeys.some((watched) => watched.db === db && watched.key === key)) return;
    const watchers = this.#watchers[db.index] ??= new Map();
    let clients = watchers.get(key);
    if (clients === undefined) watchers.set(key, clients = new Set());
    clients.add(client);
    this.watchCount++;
    const start = argv.starts[index];
    const wasExpired = isExpired(db, argv.bytes, start, argv.lengths[index]);
    if (client.watchedKeys.push({ db, key, wasExpired }) === 1) this.clientCount++;
  }

  /** Forgets all keys that a client watches. */
  unwatchAll(client: Client): void {
    if (client.watchedKeys.length > 0) this.clientCount--;
    for (const { db, key } of client.watchedKeys) {
      const watchers = this.#watchers[db.index];
      const clients = watchers.get(key)!;
      clients.delete(client);
      if (clients.size === 0) watchers.delete(key);
      this.watchCount--;
    }
    client.watchedKeys.length = 0;
  }

  /**
   * A key changed: voids the transactions of all who watch it; but if it had expired when it was
   * watched and has just vanished for that reason, only notes that.
   */
  touch(db: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.watchCount === 0) return;
    const key = latin1Text(bytes, start, length);
    const clients = this.#watchers[db.index]?.get(key);
    if (clients === undefined) return;
    const isGone = db.findRaw(bytes, start, length) === 0;
    for (const client of clients) {
      const watched = watchedKeyOf(client, db, key);
      if (watched.wasExpired && isGone) watched.wasExpired = false;
      else client.flags |= REDIS_DIRTY_CAS;
    }
  }

  /**
   * All keys of a database are gone, or (SWAPDB) changed places with those of `other`: voids the
   * transactions of those who watch a key that exists in either. Called before it happens.
   */
  touchDatabase(db: Database, other: Database | null): void {
    const watchers = this.#watchers[db.index];
    if (this.watchCount === 0 || watchers === undefined) return;
    for (const [key, clients] of watchers) {
      const bytes = latin1Bytes(key);
      const existed = db.findRaw(bytes, 0, bytes.length) !== 0;
      const replacement = other === null ? 0 : other.findRaw(bytes, 0, bytes.length);
      if (!existed && replacement === 0) continue;
      const isReplacedByExpired = replacement !== 0 && isExpired(other!, bytes, 0, bytes.length);
      for (const client of clients) {
        const watched = watchedKeyOf(client, db, key);
        // An expired key is as good as none: from one to the other nothing changes for the client.
        if (watched.wasExpired && replacement === 0) watched.wasExpired = false;
        else if (isReplacedByExpired && (watched.wasExpired || !existed)) watched.wasExpired = true;
        else client.flags |= REDIS_DIRTY_CAS;
      }
    }
  }

  /** Whether a watched key has expired since it was watched, which voids the transaction too. */
  hasExpiredKey(client: Client): boolean {
    for (const { db, key, wasExpired } of client.watchedKeys) {
      if (wasExpired) continue;
      const bytes = latin1Bytes(key);
      if (isExpired(db, bytes, 0, bytes.length)) return true;
    }
    return false;
  }
}

function watchedKeyOf(client: Client, db: Database, key: string): WatchedKey {
  return client.watchedKeys.find((watched) => watched.db === db && watched.key === key)!;
}

function isExpired(db: Database, bytes: Uint8Array, start: number, length: number): boolean {
  const entry = db.findRaw(bytes, start, length);
  if (entry === 0) return false;
  const expiryMs = value.expiryOf(db.arena, entry);
  return expiryMs !== value.NO_EXPIRY && expiryMs < clock.nowMs();
}
