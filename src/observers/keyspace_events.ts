/**
 * Keyspace events: messages about changes of keys, published to __keyspace@<db>__:<key> and
 * __keyevent@<db>__:<event> (`notify-keyspace-events`); and of Redis 8.8, which fields of a hash
 * have changed, on up to four kinds of channels.
 */
import { copyBytes, latin1Bytes, latin1Text, readyForCopies, Slice } from "../base/bytes.ts";
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

/** Names of channels up to this size are put together in one array, used again and again. */
const NAME_SCRATCH_BYTES = 256;

declare module "../session/host.ts" {
  interface Host {
    readonly events: KeyspaceEvents;
  }
}

export class KeyspaceEvents {
  readonly #config: Config;
  readonly #pubsub: PubSub;
  readonly #channel = new Slice();
  readonly #event = new Slice();
  readonly #key = new Slice();
  readonly #nameBytes = readyForCopies(new Uint8Array(NAME_SCRATCH_BYTES));
  /** The names of events, which are few, as bytes. */
  readonly #eventBytes = new Map<string, Uint8Array>();
  /** What channels of a kind begin with, by the number of the database. */
  readonly #heads = new Map<string, Uint8Array[]>();

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
    if ((classes & eventClass) === 0 || !this.#pubsub.hasSubscribers) return;
    let eventBytes = this.#eventBytes.get(event);
    if (eventBytes === undefined) this.#eventBytes.set(event, eventBytes = latin1Bytes(event));
    this.#event.set(eventBytes, 0, event.length);
    this.#key.set(bytes, start, length);
    if ((classes & EVENT_KEYSPACE) !== 0) this.#publish("keyspace", db, this.#key, this.#event);
    if ((classes & EVENT_KEYEVENT) !== 0) this.#publish("keyevent", db, this.#event, this.#key);
    this.#key.forget();
  }

  /** To a channel that is named after its kind, the database, and the rest. */
  #publish(kind: string, db: Database, rest: Slice, message: Slice): void {
    const head = this.#headOf(kind, db.index);
    const length = head.length + rest.length;
    // Publishing copies the name; the rest never lies in this array.
    const name = length <= NAME_SCRATCH_BYTES ? this.#nameBytes : new Uint8Array(length);
    copyBytes(head, 0, name, 0, head.length);
    copyBytes(rest.bytes, rest.start, name, head.length, rest.length);
    this.#channel.set(name, 0, length);
    this.#pubsub.publish(this.#channel, message);
  }

  #headOf(kind: string, database: number): Uint8Array {
    let heads = this.#heads.get(kind);
    if (heads === undefined) this.#heads.set(kind, heads = []);
    return heads[database] ??= latin1Bytes(`__${kind}@${database}__:`);
  }

  /** Publishes which fields of a hash an event was about, if that is switched on. */
  notifyFields(db: Database, event: string, key: Uint8Array, fields: readonly Uint8Array[]): void {
    const classes = this.#config.notifyKeyspaceEvents;
    if ((classes & EVENT_HASH) === 0 || !this.#pubsub.hasSubscribers) return;
    const keyText = latin1Text(key, 0, key.length);
    const texts = fields.map((field) => latin1Text(field, 0, field.length));
    const list = texts.map(withLength).join(",");
    const publish = (kind: string, rest: string, message: string) => {
      this.#key.set(latin1Bytes(rest), 0, rest.length);
      this.#event.set(latin1Bytes(message), 0, message.length);
      this.#publish(kind, db, this.#key, this.#event);
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
