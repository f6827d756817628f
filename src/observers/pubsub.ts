/**
 * Pub/sub: who is subscribed to which channels and patterns, and the delivery of messages.
 *
 * Names are Latin-1 text, so that any bytes can be a channel. Shard channels (SSUBSCRIBE) are a
 * space of names of their own; without a cluster they behave like channels.
 *
 * A message is encoded once for all its receivers; only its first byte tells RESP3 from RESP2.
 */
import { answersSince } from "../config/version.ts";
import { latin1Bytes, latin1Text, type Slice } from "../base/bytes.ts";
import { matchGlob } from "../base/glob.ts";
import { recycle, Reply } from "../protocol/reply.ts";
import { type Client, REDIS_PUBSUB, REDIS_PUSHED_TO } from "../session/client.ts";

/** The kinds of subscription, by the word that introduces a message of each. */
export type SubscriptionKind = "message" | "pmessage" | "smessage";

const PUSH = 0x3e;

interface Pattern {
  bytes: Uint8Array;
  clients: Set<Client>;
}

declare module "../session/host.ts" {
  interface Host {
    readonly pubsub: PubSub;
  }
}

export class PubSub {
  readonly channels = new Map<string, Set<Client>>();
  readonly shardChannels = new Map<string, Set<Client>>();
  readonly patterns = new Map<string, Pattern>();
  /** Number of clients that are subscribed to anything. */
  clientCount = 0;
  readonly #onClassChange: (client: Client) => void;
  /** The message that is being delivered, as RESP2. */
  readonly #encoded = new Reply();

  /** `onClassChange` is told when a client becomes a subscriber or ceases to be one. */
  constructor(onClassChange: (client: Client) => void = () => {}) {
    this.#onClassChange = onClassChange;
  }

  /** Subscribes a client; false if it was subscribed already. */
  subscribe(client: Client, kind: SubscriptionKind, name: string): boolean {
    const own = ownSet(client, kind);
    const isNew = !own.has(name);
    if (isNew) {
      own.add(name);
      this.#add(client, kind, name);
    }
    if ((client.flags & REDIS_PUBSUB) === 0) {
      client.flags |= REDIS_PUBSUB | REDIS_PUSHED_TO;
      this.clientCount++;
      this.#onClassChange(client);
    }
    return isNew;
  }

  #add(client: Client, kind: SubscriptionKind, name: string): void {
    if (kind === "pmessage") {
      const pattern = this.patterns.get(name);
      if (pattern !== undefined) pattern.clients.add(client);
      else this.patterns.set(name, { bytes: latin1Bytes(name), clients: new Set([client]) });
    } else {
      const table = kind === "message" ? this.channels : this.shardChannels;
      const clients = table.get(name);
      if (clients !== undefined) clients.add(client);
      else table.set(name, new Set([client]));
    }
  }

  /** Ends a subscription; false if there was none. */
  unsubscribe(client: Client, kind: SubscriptionKind, name: string): boolean {
    if (!ownSet(client, kind).delete(name)) return false;
    if (kind === "pmessage") {
      const { clients } = this.patterns.get(name)!;
      clients.delete(client);
      if (clients.size === 0) this.patterns.delete(name);
    } else {
      const table = kind === "message" ? this.channels : this.shardChannels;
      const clients = table.get(name)!;
      clients.delete(client);
      if (clients.size === 0) table.delete(name);
    }
    if (subscriptionCount(client) + shardSubscriptionCount(client) === 0) {
      client.flags &= ~REDIS_PUBSUB;
      this.clientCount--;
      this.#onClassChange(client);
    }
    return true;
  }

  /** Ends all subscriptions of a client that goes away. */
  unsubscribeAll(client: Client): void {
    for (const name of client.channels ?? []) this.unsubscribe(client, "message", name);
    for (const name of client.patterns ?? []) this.unsubscribe(client, "pmessage", name);
    for (const name of client.shardChannels ?? []) this.unsubscribe(client, "smessage", name);
  }

  /** Whether anybody could get what `publish` delivers. */
  get hasSubscribers(): boolean {
    return this.channels.size > 0 || this.patterns.size > 0;
  }

  /** Delivers a message to channel and pattern subscribers; returns how many got it. */
  publish(channel: Slice, message: Slice): number {
    let receivers = 0;
    const { bytes: name, start, length } = channel;
    if (this.channels.size > 0) {
      const clients = this.channels.get(latin1Text(name, start, length));
      receivers += this.#deliver(clients, "message", null, channel, message);
    }
    for (const { bytes, clients } of this.patterns.values()) {
      if (!matchGlob(bytes, 0, bytes.length, name, start, length, false)) continue;
      receivers += this.#deliver(clients, "pmessage", bytes, channel, message);
    }
    return receivers;
  }

  /** Delivers a message to the subscribers of a shard channel. */
  publishShard(channel: Slice, message: Slice): number {
    if (this.shardChannels.size === 0) return 0;
    const { bytes, start, length } = channel;
    const clients = this.shardChannels.get(latin1Text(bytes, start, length));
    return this.#deliver(clients, "smessage", null, channel, message);
  }

  #deliver(
    clients: ReadonlySet<Client> | undefined,
    kind: SubscriptionKind,
    pattern: Uint8Array | null,
    channel: Slice,
    message: Slice,
  ): number {
    if (clients === undefined) return 0;
    const encoded = this.#encoded;
    encoded.array(pattern === null ? 3 : 4);
    encoded.bulkText(kind);
    if (pattern !== null) encoded.bulk(pattern, 0, pattern.length);
    encoded.bulk(channel.bytes, channel.start, channel.length);
    encoded.bulk(message.bytes, message.start, message.length);
    for (const client of clients) {
      // From 7.2 on the reply of a PUBLISH comes before the message to the same client.
      const reply = client.beginPush(answersSince(client.host.config, "7.2"));
      const start = reply.length;
      reply.raw(encoded.bytes, 0, encoded.length);
      if (reply.resp === 3 && !reply.isOverflown) reply.bytes[start] = PUSH;
      client.endPush(reply);
    }
    // A long message is not kept, a short one gives its array back for the next.
    recycle(encoded.detach());
    return clients.size;
  }
}

/** Channels and patterns a client is subscribed to, the number that SUBSCRIBE answers. */
export function subscriptionCount(client: Client): number {
  return (client.channels?.size ?? 0) + (client.patterns?.size ?? 0);
}

/** Shard channels a client is subscribed to, the number that SSUBSCRIBE answers. */
export function shardSubscriptionCount(client: Client): number {
  return client.shardChannels?.size ?? 0;
}

function ownSet(client: Client, kind: SubscriptionKind): Set<string> {
  if (kind === "message") return client.channels ??= new Set();
  if (kind === "pmessage") return client.patterns ??= new Set();
  return client.shardChannels ??= new Set();
}
