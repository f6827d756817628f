/**
 * Tracking: server-assisted client-side caching (CLIENT TRACKING). Clients that keep copies of
 * values are told when a key changes.
 *
 *   default     the table remembers which clients have read a key; the first change of it tells
 *               them all, and forgets them
 *   BCAST       nothing is remembered: all changes of keys with certain prefixes are announced,
 *               once per turn, in one message for each prefix
 *
 * Messages are RESP3 pushes ("invalidate" and an array of keys), or go to another connection
 * (REDIRECT), which with RESP2 must be subscribed to __redis__:invalidate. Keys of all databases
 * are one: the messages name no database. (Redis: tracking.c.)
 *
 * A client that is gone, or has switched tracking off, is found out when a message is due; its id
 * stays in the table until then.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import { Reply } from "../protocol/reply.ts";
import {
  type Client,
  REDIS_MULTI,
  REDIS_PUBSUB,
  REDIS_PUSHED_TO,
  REDIS_TRACKING,
  type TrackingOptions,
  type TrackingState,
} from "../session/client.ts";
import {
  COMMAND_KEEPS_CACHING,
  COMMAND_READONLY,
  COMMAND_RUNS_SCRIPT,
  type CompiledCommand,
} from "../session/command.ts";
import type { ConfigValues } from "../config/config_values.ts";
import { CommandError } from "../session/errors.ts";
import { hasKeys, keyPositions } from "../session/key_positions.ts";

const CHANNEL = "__redis__:invalidate";
/** V8's Map refuses more entries than this, whatever `tracking-table-max-keys` says. */
const TABLE_KEYS_MAX = 16_000_000;
/** A table that is far too large, for the limit was lowered, must not keep everybody waiting. */
const KEYS_DROPPED_AT_ONCE = 1000;

declare module "../session/host.ts" {
  interface Host {
    readonly tracking: Tracking;
  }
}

/** A prefix of a client, beside its name: a map, a set of one client. Roughly. */
const PREFIX_BYTES = 400;
/** A key in the table, beside its name: a string, a set of one client, two places. Roughly. */
const TABLE_KEY_BYTES = 300;

interface Prefix {
  clients: Set<Client>;
  /** Keys changed in this turn, and the NOLOOP client that did it last, if it was one. */
  changed: Map<string, Client | null>;
}

export class Tracking {
  readonly #config: ConfigValues;
  readonly #clients: ReadonlyMap<number, Client>;
  readonly #isInCall: () => boolean;
  /** Ids of the clients that have read a key, by key. */
  readonly #table = new Map<string, Set<number>>();
  /** Bytes of the names in the table. */
  #tableNameBytes = 0;
  readonly #prefixes = new Map<string, Prefix>();
  /** The tracking client whose command runs. */
  writer: Client | null = null;
  /** Clients with tracking on; 0 lets every change skip the look-up. */
  clientCount = 0;
  #hasBroadcasts = false;
  /** Clients have been told in this turn that all keys are gone, and no key was read since. */
  #isFlushTold = false;

  /** `isInCall` tells whether a procedure runs, not only what comes before: eviction. */
  constructor(
    config: ConfigValues,
    clients: ReadonlyMap<number, Client>,
    isInCall: () => boolean,
  ) {
    this.#config = config;
    this.#clients = clients;
    this.#isInCall = isInCall;
  }

  get keyCount(): number {
    return this.#table.size;
  }

  /** Memory that the table takes, roughly. */
  get tableBytes(): number {
    return this.#table.size * TABLE_KEY_BYTES + this.#tableNameBytes;
  }

  /** Pairs of key and client in the table (INFO tracking_total_items); counts them. */
  get itemCount(): number {
    let count = 0;
    for (const ids of this.#table.values()) count += ids.size;
    return count;
  }

  get prefixCount(): number {
    return this.#prefixes.size;
  }

  /** Switches tracking on, or changes its options; prefixes are added to those there are. */
  enable(client: Client, options: TrackingOptions, prefixes: readonly string[]): void {
    const old = client.tracking;
    if (old === null) this.clientCount++;
    client.flags |= REDIS_TRACKING | REDIS_PUSHED_TO;
    client.tracking = {
      ...options,
      prefixes: old?.prefixes ?? [],
      prefixBytes: old?.prefixBytes ?? 0,
      isCachingSet: false,
      isRedirectBroken: false,
    };
    const target = this.#clients.get(options.redirectId);
    if (target !== undefined) target.flags |= REDIS_PUSHED_TO;
    if (!options.isBroadcast) return;
    for (const prefix of prefixes.length === 0 ? [""] : prefixes) this.#join(client, prefix);
  }

  #join(client: Client, name: string): void {
    const tracking = client.tracking!;
    if (tracking.prefixes.includes(name)) return;
    tracking.prefixes.push(name);
    tracking.prefixBytes += PREFIX_BYTES + name.length;
    const prefix = this.#prefixes.get(name);
    if (prefix !== undefined) prefix.clients.add(client);
    else this.#prefixes.set(name, { clients: new Set([client]), changed: new Map() });
  }

  /** Switches tracking off; also for a client that goes away. */
  disable(client: Client): void {
    const { tracking } = client;
    if (tracking === null) return;
    for (const name of tracking.prefixes) {
      const { clients } = this.#prefixes.get(name)!;
      clients.delete(client);
      if (clients.size === 0) this.#prefixes.delete(name);
    }
    client.tracking = null;
    client.flags &= ~REDIS_TRACKING;
    this.clientCount--;
  }

  // ------------------------------------------------------------------------------- remembering

  /**
   * A tracking client has run a command, by itself or by a script: notes the keys it may have read.
   * Of a script, that is what its commands have read.
   */
  remember(client: Client, command: CompiledCommand, argv = client.argv): void {
    const { tracking } = client;
    if (tracking === null || tracking.isBroadcast) return;
    const { bits } = command;
    if ((bits & COMMAND_READONLY) === 0 || (bits & COMMAND_RUNS_SCRIPT) !== 0) return;
    if (!hasKeys(command)) return;
    if (tracking.isOptIn && !tracking.isCachingSet) return;
    if (tracking.isOptOut && tracking.isCachingSet) return;
    try {
      for (const { index } of keyPositions(command, argv)) {
        this.#rememberKey(client, argv.text(index));
      }
    } catch (error) {
      // The command has found out, too, that its arguments name no keys.
      if (!(error instanceof CommandError)) throw error;
    }
  }

  #rememberKey(client: Client, key: string): void {
    this.#isFlushTold = false;
    const ids = this.#table.get(key);
    if (ids !== undefined) {
      ids.add(client.id);
      return;
    }
    this.#table.set(key, new Set([client.id]));
    this.#tableNameBytes += key.length;
    this.#limitTable();
  }

  get #keysMax(): number {
    const { trackingTableMaxKeys } = this.#config;
    return trackingTableMaxKeys === 0
      ? TABLE_KEYS_MAX
      : Math.min(trackingTableMaxKeys, TABLE_KEYS_MAX);
  }

  /**
   * Forgets the oldest keys if there are too many, so many at a time; their readers are told as if
   * they changed.
   */
  #limitTable(): void {
    const keysMax = this.#keysMax;
    let dropped = 0;
    for (const key of this.#table.keys()) {
      if (this.#table.size <= keysMax || dropped++ === KEYS_DROPPED_AT_ONCE) return;
      this.#tellReaders(key, latin1Bytes(key), null);
    }
  }

  /** A command of a tracking client is over: CLIENT CACHING concerned only this one. */
  endCommand(client: Client): void {
    const isKept = (client.flags & REDIS_MULTI) !== 0 ||
      (client.command !== null && (client.command.bits & COMMAND_KEEPS_CACHING) !== 0);
    if (!isKept && client.tracking !== null) client.tracking.isCachingSet = false;
  }

  // ------------------------------------------------------------------------------- invalidating

  /** A key changed; `isOwnDoing`: by a command, not by expiry or eviction. */
  keyChanged(bytes: Uint8Array, start: number, length: number, isOwnDoing: boolean): void {
    if (this.clientCount === 0) return;
    const key = latin1Text(bytes, start, length);
    const writer = isOwnDoing ? this.writer : null;
    if (this.#prefixes.size > 0) this.#noteBroadcast(key, writer);
    if (this.#table.size > 0) this.#tellReaders(key, latin1Bytes(key), writer);
  }

  #noteBroadcast(key: string, writer: Client | null): void {
    const quiet = writer?.tracking?.isNoLoop === true ? writer : null;
    for (const [name, { changed }] of this.#prefixes) {
      if (!key.startsWith(name)) continue;
      // Who changed it last has the newest value; all before must hear of that.
      changed.set(key, quiet);
      this.#hasBroadcasts = true;
    }
  }

  #tellReaders(key: string, keyBytes: Uint8Array, writer: Client | null): void {
    const ids = this.#table.get(key);
    if (ids === undefined) return;
    this.#table.delete(key);
    this.#tableNameBytes -= key.length;
    for (const id of ids) {
      const client = this.#clients.get(id);
      const tracking = client?.tracking ?? null;
      if (tracking === null || tracking.isBroadcast) continue;
      if (tracking.isNoLoop && client === writer) continue;
      this.#send(client!, (reply) => {
        reply.array(1);
        reply.bulk(keyBytes, 0, keyBytes.length);
      });
    }
  }

  /** All keys of a database are gone: no copy is good any longer. FLUSHALL says it once for all. */
  databaseFlushed(): void {
    // Those who track no more may do so again; they have heard of nothing meanwhile.
    this.#table.clear();
    this.#tableNameBytes = 0;
    if (this.clientCount === 0 || this.#isFlushTold) return;
    this.#isFlushTold = true;
    for (const client of this.#clients.values()) {
      if (client.has(REDIS_TRACKING)) this.#send(client, (reply) => reply.nil());
    }
  }

  /**
   * End of a turn: announces what changed in it to those who asked for prefixes, and drops keys
   * that are too many since `tracking-table-max-keys` was lowered.
   */
  broadcast(): void {
    this.#isFlushTold = false;
    if (this.#table.size > this.#keysMax) this.#limitTable();
    if (!this.#hasBroadcasts) return;
    this.#hasBroadcasts = false;
    for (const { clients, changed } of this.#prefixes.values()) {
      if (changed.size === 0) continue;
      // Redis: in the order of their bytes.
      const keys = [...changed.keys()].sort();
      const encoded = encodeKeys(keys);
      for (const client of clients) {
        const own = client.tracking!.isNoLoop
          ? encodeKeys(keys.filter((key) => changed.get(key) !== client))
          : encoded;
        if (own !== null) this.#send(client, (reply) => reply.raw(own.bytes, 0, own.length));
      }
      changed.clear();
    }
  }

  /** Sends a message to a client, or where it redirects them; `write` adds the keys. */
  #send(client: Client, write: (reply: Reply) => void): void {
    const tracking = client.tracking!;
    let target = client;
    if (tracking.redirectId !== 0) {
      const other = this.#clients.get(tracking.redirectId);
      if (other === undefined) return this.#sendBroken(client, tracking);
      target = other;
    }
    const isMessage = target.reply.resp === 2;
    // With RESP2 only a subscriber can tell a message from a reply.
    if (isMessage && (target === client || !target.has(REDIS_PUBSUB))) return;
    // Redis: what is evicted before a command runs is announced before its reply.
    const reply = target.beginPush(this.#isInCall());
    reply.push(isMessage ? 3 : 2);
    if (isMessage) {
      reply.bulkText("message");
      reply.bulkText(CHANNEL);
    } else {
      reply.bulkText("invalidate");
    }
    write(reply);
    target.endPush(reply);
  }

  #sendBroken(client: Client, tracking: TrackingState): void {
    tracking.isRedirectBroken = true;
    if (client.reply.resp === 2) return;
    const reply = client.beginPush(this.#isInCall());
    reply.push(2);
    reply.bulkText("tracking-redir-broken");
    reply.integer(tracking.redirectId);
    client.endPush(reply);
  }
}

/** The array of keys as it is sent, or null if there are none. */
function encodeKeys(keys: readonly string[]): Reply | null {
  if (keys.length === 0) return null;
  const encoded = new Reply();
  encoded.array(keys.length);
  for (const key of keys) encoded.bulkText(key);
  return encoded;
}
