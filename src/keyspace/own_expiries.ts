/**
 * Own expiries: keys to which clients of a replica have given an expiry (`replica-read-only no`).
 * All others expire when the master says so, which knows nothing of these; so the replica removes
 * them itself.
 *
 * Only their names are kept. A name whose key is gone, or has no expiry any more, is forgotten when
 * its turn comes. They take turns: who was looked at goes to the end.
 */
import * as clock from "../base/clock.ts";
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import * as value from "../values/value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** Keys looked at before it is decided whether to go on. */
const KEYS_PER_LOOP = 20;
/** A step goes on while at least this share of the keys is of no use any more. */
const GONE_SHARE_MIN = 0.25;
const STEP_US_MAX = 1000;

export class OwnExpiries {
  readonly #keyspace: Keyspace;
  /** Names by number of database, one character per byte. */
  readonly #names: Set<string>[];

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.#names = keyspace.databases.map(() => new Set<string>());
  }

  /** A client of a replica has changed a key, which may have an expiry now. */
  note(db: Database, bytes: Uint8Array, start: number, length: number): void {
    const { arena } = this.#keyspace;
    const entry = db.findRaw(bytes, start, length);
    if (entry === 0 || value.expiryOf(arena, entry) === value.NO_EXPIRY) return;
    this.#names[db.index].add(latin1Text(bytes, start, length));
  }

  /** The keys of a database are gone, or all are another's now. */
  forget(db: Database): void {
    this.#names[db.index].clear();
  }

  forgetAll(): void {
    for (const names of this.#names) names.clear();
  }

  /** Removes keys whose time is over, for about a millisecond. */
  step(): void {
    const endUs = clock.monotonicUs() + STEP_US_MAX;
    for (const db of this.#keyspace.databases) {
      if (this.#names[db.index].size > 0) this.#stepDatabase(db, endUs);
    }
  }

  #stepDatabase(db: Database, endUs: number): void {
    const names = this.#names[db.index];
    for (;;) {
      const wanted = Math.min(KEYS_PER_LOOP, names.size);
      let gone = 0;
      for (let looked = 0; looked < wanted; looked++) {
        const [name] = names;
        names.delete(name);
        if (this.#isOver(db, name)) gone++;
        else names.add(name);
      }
      if (gone < wanted * GONE_SHARE_MIN || names.size === 0) return;
      if (clock.monotonicUs() > endUs) return;
    }
  }

  /** Whether a key need not be watched any longer; one whose time is over is removed. */
  #isOver(db: Database, name: string): boolean {
    const { arena } = this.#keyspace;
    const bytes = latin1Bytes(name);
    const entry = db.findRaw(bytes, 0, bytes.length);
    if (entry === 0) return true;
    const expiryMs = value.expiryOf(arena, entry);
    if (expiryMs === value.NO_EXPIRY) return true;
    if (expiryMs >= clock.nowMs()) return false;
    db.removeExpired(entry);
    return true;
  }
}
