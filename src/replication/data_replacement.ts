/**
 * Data replacement: puts the data set of a master in the place of the present one.
 *
 *   in place   the present data go first; whoever asks meanwhile is told LOADING
 *   beside     the new data are loaded into databases of their own, and change places with the
 *              present ones when they are complete (`repl-diskless-load swapdb`); others are served
 *              from the present data meanwhile
 *
 * An RDB in a newer format than ours is always loaded beside, whatever the configuration says: it
 * may hold what cannot be read, and that shows only when it is met.
 */
import { streamDbOf } from "../durability/rdb_contents.ts";
import type { Database } from "../keyspace/database.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import type { KeyspaceListener } from "../keyspace/keyspace_listener.ts";
import { RDB_VERSION } from "../persistence/rdb_format.ts";
import { GATE_LOADING_BESIDE } from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import type { ReceivedRdb } from "./received_rdb.ts";

/** Databases that nobody sees have nobody to tell. */
const SILENT: KeyspaceListener<Database> = {
  keyChanged() {},
  keyEvent() {},
  keyVanishes() {},
  recordsFields: false,
  fieldVanishes() {},
  fieldsEvent() {},
  keyReady() {},
  databaseFlushed() {},
};

/** What it uses of the host. */
type ReplacementHost = Pick<Host, "arena" | "config" | "gates" | "keyspace" | "persistence">;

export class DataReplacement {
  readonly #host: ReplacementHost;

  constructor(host: ReplacementHost) {
    this.#host = host;
  }

  /**
   * Replaces the data by those of an RDB, and resolves with the database that the stream behind it
   * has selected. Rejects with the reason if that is impossible; then the
   * present data are still there, or there are none. `onBegin` is called before anything changes.
   */
  async replace(received: ReceivedRdb, onBegin: () => void): Promise<number> {
    const { config, keyspace, persistence } = this.#host;
    const isNewer = received.version > RDB_VERSION;
    if (isNewer || config.replDisklessLoad === "swapdb") return await this.#swap(received, onBegin);
    onBegin();
    this.#stopRecording();
    this.#clear();
    try {
      const loaded = await persistence.rdb.loadReceived(received, keyspace, true);
      loaded.takeLibraries();
      this.#announce();
      return streamDbOf(loaded.aux);
    } catch (error) {
      // A part of a data set is worse than none.
      this.#clear();
      throw error;
    }
  }

  /** Records again what changes, beginning with all data, if the AOF is on. False: not possible. */
  recordAgain(): boolean {
    const { config, persistence } = this.#host;
    return !config.appendonly || persistence.aof.setAppendOnly(true);
  }

  /** What is saved or recorded of the data that go away is of no use. */
  #stopRecording(): void {
    const { persistence } = this.#host;
    persistence.rdb.abort();
    persistence.backup.dataReplaced();
    persistence.aof.setAppendOnly(false);
  }

  #clear(): void {
    const { keyspace } = this.#host;
    this.#announce();
    for (const db of keyspace.databases) db.clear();
  }

  /** Watches are void of keys that are there, before they go, and when they have come. */
  #announce(): void {
    const { keyspace } = this.#host;
    for (const db of keyspace.databases) keyspace.listener.databaseFlushed(db);
  }

  /** Loads into other databases, which change places with the present ones in one moment. */
  async #swap(received: ReceivedRdb, onBegin: () => void): Promise<number> {
    const { arena, gates, keyspace, persistence } = this.#host;
    const { databases, reclaimer } = keyspace;
    const beside = new Keyspace(arena, databases.length, SILENT, reclaimer);
    beside.usesLfu = keyspace.usesLfu;
    gates.set(GATE_LOADING_BESIDE, true);
    try {
      const loaded = await persistence.rdb.loadReceived(received, beside, false);
      loaded.takeLibraries();
      onBegin();
      this.#stopRecording();
      this.#announce();
      databases.forEach((db, index) => db.swapContents(beside.databases[index]));
      this.#announce();
      return streamDbOf(loaded.aux);
    } finally {
      gates.set(GATE_LOADING_BESIDE, false);
      // What is there now is not wanted: the old data, or the beginning of the new ones.
      for (const { keys, expires, expiryOrder } of beside.databases) {
        expiryOrder.clear();
        reclaimer.freeDatabase(keys, expires);
      }
    }
  }
}
