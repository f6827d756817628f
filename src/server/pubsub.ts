/**
 * Pub/sub: who is subscribed to which channels and patterns, and the delivery of messages.
 *
 * Names are Latin-1 text, so that any bytes can be a channel. Shard channels (SSUBSCRIBE) are a space
 * of names of their own; without a cluster they behave like channels.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import { matchGlob } from "../base/glob.ts";
import { type Client, REDIS_PUBSUB } from "./client.ts";

/** The kinds of subscription, by the word that introduces a message of each. */
export type SubscriptionKind = "message" | "pmessage" | "smessage";

interface Pattern {
  bytes: Uint8Array;
  clients: Set<Client>;
}

export class PubSub {
  readonly channels = new Map<string, Set<Client>>();
  readonly shardChannels = new Map<string, Set<Client>>();
  readonly patterns = new Map<string, Pattern>();

  /** Subscribes a client; false if it was subscribed already. */
  subscribe(client: Client, kind: SubscriptionKind, name: string): boolean {
    const own = ownSet(client, kind);
    if (own.has(name)) return false;
    own.add(name);
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
    client.flags |= REDIS_PUBSUB;
    return true;
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
    if (subscriptionCount(client) + (client.shardChannels?.size ?? 0) === 0) {
      client.flags &= ~REDIS_PUBSUB;
    }
    return true;
  }

  /** Ends all subscriptions of a client that goes away. */
  unsubscribeAll(client: Client): void {
    for (const name of client.channels ?? []) this.unsubscribe(client, "message", name);
    for (const name of client.patterns ?? []) this.unsubscribe(client, "pmessage", name);
    for (const name of client.shardChannels ?? []) this.unsubscribe(client, "smessage", name);
  }

  /** Delivers a message to channel and pattern subscribers; returns how many got it. */
  publish(channel: Uint8Array, message: Uint8Array): number {
    let receivers = 0;
    const name = latin1Text(channel, 0, channel.length);
    for (const client of this.channels.get(name) ?? []) {
      deliver(client, "message", null, channel, message);
      receivers++;
    }
    for (const { bytes, clients } of this.patterns.values()) {
      if (!matchGlob(bytes, 0, bytes.length, channel, 0, channel.length, false)) continue;
      for (const client of clients) {
        deliver(client, "pmessage", bytes, channel, message);
        receivers++;
      }
    }
    return receivers;
  }

  /** Delivers a message to the subscribers of a shard channel. */
  publishShard(channel: Uint8Array, message: Uint8Array): number {
    const clients = this.shardChannels.get(latin1Text(channel, 0, channel.length));
    for (const client of clients ?? []) deliver(client, "smessage", null, channel, message);
    return clients?.size ?? 0;
  }
}

/** Channels and patterns a client is subscribed to, the number that SUBSCRIBE answers. */
export function subscriptionCount(client: Client): number {
  return (client.channels?.size ?? 0) + (client.patterns?.size ?? 0);
}

function ownSet(client: Client, kind: SubscriptionKind): Set<string> {
  if (kind === "message") return client.channels ??= new Set();
  if (kind === "pmessage") return client.patterns ??= new Set();
  return client.shardChannels ??= new Set();
}

function deliver(
  client: Client,
  kind: SubscriptionKind,
  pattern: Uint8Array | null,
  channel: Uint8Array,
  message: Uint8Array,
): void {
  const { reply } = client;
  reply.push(pattern === null ? 3 : 4);
  reply.bulkText(kind);
  if (pattern !== null) reply.bulk(pattern, 0, pattern.length);
  reply.bulk(channel, 0, channel.length);
  reply.bulk(message, 0, message.length);
  client.transport.requestFlush();
}
