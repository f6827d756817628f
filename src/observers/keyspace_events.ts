/**
 * Keyspace events: messages about changes of keys, published to __keyspace@<db>__:<key> and
 * __keyevent@<db>__:<event> (`notify-keyspace-events`).
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import type { Config } from "../config/config.ts";
import type { PubSub } from "./pubsub.ts";

const EVENT_KEYSPACE = 1 << 0; // K
const EVENT_KEYEVENT = 1 << 1; // E

declare module "../session/host.ts" {
  interface Host {
    readonly events: KeyspaceEvents;
  }
}

export class KeyspaceEvents {
  readonly #config: Config;
  readonly #pubsub: PubSub;

  constructor(config: Config, pubsub: PubSub) {
    this.#config = config;
    this.#pubsub = pubsub;
  }

  /** Publishes an event if its class is switched on. */
  notify(
    db: Database,
    eventClass: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const classes = this.#config.notifyKeyspaceEvents;
    if ((classes & eventClass) === 0) return;
    const key = bytes.slice(start, start + length);
    if ((classes & EVENT_KEYSPACE) !== 0) {
      const channel = `__keyspace@${db.index}__:${latin1Text(key, 0, length)}`;
      this.#pubsub.publish(latin1Bytes(channel), latin1Bytes(event));
    }
    if ((classes & EVENT_KEYEVENT) !== 0) {
      this.#pubsub.publish(latin1Bytes(`__keyevent@${db.index}__:${event}`), key);
    }
  }
}
