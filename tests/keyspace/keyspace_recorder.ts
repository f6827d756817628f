/** A keyspace by itself, in a debug arena, whose listener notes what it hears. */
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { Database } from "../../src/keyspace/database.ts";
import type { KeyspaceListener } from "../../src/keyspace/keyspace_listener.ts";
import { Arena } from "../../src/memory/arena.ts";
import { fromLatin1 } from "../support/text.ts";

export class KeyspaceRecorder {
  readonly arena: Arena;
  readonly keyspace: Keyspace;
  /** What was heard, as "changed 0 key", "event 0 key del", … */
  readonly heard: string[] = [];

  constructor(arena = new Arena({ debug: true })) {
    this.arena = arena;
    const note = (what: string, db: number, bytes: Uint8Array, start: number, length: number) => {
      this.heard.push(`${what} ${db} ${fromLatin1(bytes.subarray(start, start + length))}`);
    };
    const listener: KeyspaceListener<Database> = {
      keyChanged: (db, bytes, start, length) => note("changed", db.index, bytes, start, length),
      keyEvent: (db, _class, event, bytes, start, length) =>
        note(event, db.index, bytes, start, length),
      keyVanishes: (db, bytes, start, length) => note("vanishes", db.index, bytes, start, length),
      fieldsEvent: () => {},
      recordsFields: true,
      fieldVanishes: (db, key, field) =>
        this.heard.push(`field vanishes ${db.index} ${fromLatin1(key)} ${fromLatin1(field)}`),
      keyReady: (db, bytes, start, length) => note("ready", db.index, bytes, start, length),
      databaseFlushed: (db) => this.heard.push(`flushed ${db.index}`),
    };
    this.keyspace = new Keyspace(this.arena, 2, listener);
  }

  /** What was heard since the last call. */
  take(): string[] {
    return this.heard.splice(0);
  }
}
