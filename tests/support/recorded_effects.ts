/**
 * Recorded effects: what a command did besides replying: events of keys, changes counted for the
 * save points, and what would go to the AOF. For tests of command families.
 */
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import * as value from "../../src/values/value.ts";
import type { EmbeddedServer } from "./embedded_server.ts";
import { commandsOf } from "./unit_reader.ts";

/** What stands around effects. */
const FRAMES = new Set(["MULTI", "EXEC", "SELECT"]);

export class RecordedEffects {
  readonly #server: EmbeddedServer;
  #events: string[] = [];
  #log: string[] = [];
  #dirty: number;

  /** Begins to record; there is one recorder per server. */
  constructor(server: EmbeddedServer) {
    this.#server = server;
    const { keyspace } = server.server;
    this.#dirty = keyspace.dirty;
    const listener = keyspace.listener;
    const { keyEvent } = listener;
    listener.keyEvent = (db, eventClass, event, bytes, start, length) => {
      this.#events.push(`${event} ${latin1Text(bytes, start, length)}`);
      keyEvent.call(listener, db, eventClass, event, bytes, start, length);
    };
    server.server.propagation.attach({
      takeUnit: (bytes, length) => {
        for (const words of commandsOf(bytes, length)) {
          if (!FRAMES.has(words[0]!)) this.#log.push(words.join(" "));
        }
      },
    });
  }

  /** Events since the last call, "new key" among them. */
  takeEvents(): string[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Commands for the AOF since the last call. */
  takeLog(): string[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  /** Changes counted since the last call. */
  takeDirty(): number {
    const { dirty } = this.#server.server.keyspace;
    const added = dirty - this.#dirty;
    this.#dirty = dirty;
    return added;
  }
}

/** What OBJECT ENCODING would say of a key in database 0; "none" if it is missing. */
export function encodingOf(server: EmbeddedServer, key: string): string {
  const db = server.server.keyspace.databases[0];
  const bytes = latin1Bytes(key);
  const entry = db.findRaw(bytes, 0, bytes.length);
  return entry === 0 ? "none" : value.ENCODING_NAMES[value.encodingOf(db.arena, entry)];
}
