/**
 * Keyspace events: messages about changes of keys, published to __keyspace@<db>__:<key> and
 * __keyevent@<db>__:<event> (`notify-keyspace-events`); and of Redis 8.8, which fields of a hash
 * have changed, on up to four kinds of channels.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import type { Config } from "../config/config.ts";
import {
  EVENT_HASH,
  EVENT_SUBKEYEVENT,
  EVENT_SUBKEYSPACE,
  EVENT_SUBKEYSPACE_EVENT,
  EVENT_SUBKEYSPACE_ITEM,
} from "../keyspace/keyspace_listener.ts";
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

  /** Publishes which fields of a hash an event was about, if that is switched on. */
  notifyFields(db: Database, event: string, key: Uint8Array, fields: readonly Uint8Array[]): void {
    const classes = this.#config.notifyKeyspaceEvents;
    if ((classes & EVENT_HASH) === 0) return;
    const keyText = latin1Text(key, 0, key.length);
    const texts = fields.map((field) => latin1Text(field, 0, field.length));
    const list = texts.map(withLength).join(",");
    const publish = (kind: string, rest: string, message: string) => {
      const channel = latin1Bytes(`__${kind}@${db.index}__:${rest}`);
      this.#pubsub.publish(channel, latin1Bytes(message));
    };
    if ((classes & EVENT_SUBKEYSPACE) !== 0) publish("subkeyspace", keyText, `${event}|${list}`);
    if ((classes & EVENT_SUBKEYEVENT) !== 0) {
      publish("subkeyevent", event, `${withLength(keyText)}|${list}`);
    }
    if ((classes & EVENT_SUBKEYSPACE_ITEM) !== 0) {
      for (const text of texts) publish("subkeyspaceitem", `${keyText}\n${text}`, event);
    }
    if ((classes & EVENT_SUBKEYSPACE_EVENT) !== 0) {
      publish("subkeyspaceevent", `${event}|${keyText}`, list);
    }
  }
}

/** A name as it stands among others: with its length in bytes. */
function withLength(text: string): string {
  return `${text.length}:${text}`;
}
