/**
 * Client memory: what the clients' buffers take, as one running total, and `maxmemory-clients`,
 * which closes the largest clients when the total passes the limit.
 *
 * A client's part is brought up to date when bytes have come from it or gone to it, so the total
 * costs a few additions per read and write. It counts what grows with what a client does:
 *
 *   query buffer, output (made or being written), queued commands,
 *   watched keys and subscriptions (by their number), prefixes of tracking
 *
 * The total is part of `used_memory` and counts against `maxmemory`, as in Redis: clients that do
 * not read must not push the machine beyond what the user allowed. Clients that have not
 * authenticated do not count there: what strangers hold is kept small by itself (output_limits.ts),
 * and must not drive out the owner's keys.
 */
import { type Client, REDIS_NO_EVICT } from "../session/client.ts";
import { clientLine } from "../session/client_listing.ts";
import type { Host } from "../session/host.ts";

/** In place of a client's bytes: it does not count any more. */
const GONE = -1;

declare module "../session/host.ts" {
  interface Host {
    readonly clientMemory: ClientMemory;
  }
}

/** What it uses of the host, and how it asks for the end of a turn. */
type ClientMemoryHost = Pick<Host, "clients" | "config" | "log" | "statistics">;

export class ClientMemory {
  /** Bytes of all clients. */
  totalBytes = 0;
  /** Bytes of the clients with CLIENT NO-EVICT ON. */
  #sparedBytes = 0;
  /** Bytes of the clients that must authenticate yet. */
  #strangerBytes = 0;
  readonly #host: ClientMemoryHost;
  readonly #scheduleTurn: () => void;
  /** `maxmemory-clients` in bytes; Infinity: no limit. */
  #limitBytes = Infinity;

  /** `scheduleTurn` sees to it that a turn ends, where clients can be closed. */
  constructor(host: ClientMemoryHost, scheduleTurn: () => void) {
    this.#host = host;
    this.#scheduleTurn = scheduleTurn;
  }

  /** Takes over `maxmemory-clients`; negative: percent of `maxmemory`. */
  applyConfig(): void {
    const { maxmemoryClients, maxmemory } = this.#host.config;
    const bytes = maxmemoryClients < 0
      ? Math.floor((maxmemory * -maxmemoryClients) / 100)
      : maxmemoryClients;
    this.#limitBytes = bytes === 0 ? Infinity : bytes;
    if (this.isOverLimit) this.#scheduleTurn();
  }

  /** Bytes that count against `maxmemory`. */
  get ownersBytes(): number {
    return this.totalBytes - this.#strangerBytes;
  }

  /** Whether the clients take more than they may; `evict` then has something to do. */
  get isOverLimit(): boolean {
    return this.totalBytes - this.#sparedBytes > this.#limitBytes;
  }

  /** Brings a client's part of the total up to date; nothing if it is gone. */
  update(client: Client): void {
    if (client.countedBytes < 0) return;
    this.#count(client, client.heldBytes());
    if (this.isOverLimit) this.#scheduleTurn();
  }

  /** The client is gone, and what it held with it. */
  forget(client: Client): void {
    if (client.countedBytes < 0) return;
    this.#count(client, 0);
    client.countedBytes = GONE;
  }

  #count(client: Client, bytes: number): void {
    const { countedBytes } = client;
    this.totalBytes += bytes - countedBytes;
    client.countedBytes = bytes;
    const isSpared = (client.flags & REDIS_NO_EVICT) !== 0;
    if (client.isCountedSpared) this.#sparedBytes -= countedBytes;
    if (isSpared) this.#sparedBytes += bytes;
    client.isCountedSpared = isSpared;
    const isStranger = !client.isAuthenticated;
    if (client.isCountedStranger) this.#strangerBytes -= countedBytes;
    if (isStranger) this.#strangerBytes += bytes;
    client.isCountedStranger = isStranger;
  }

  /**
   * Closes clients, the largest first, until the others keep to the limit: then `isOverLimit` is
   * false. Those with CLIENT NO-EVICT ON neither count nor are closed.
   */
  evict(): void {
    const candidates: Client[] = [];
    for (const client of this.#host.clients.values()) {
      this.#count(client, client.heldBytes());
      if (!client.isCountedSpared) candidates.push(client);
    }
    candidates.sort((a, b) => b.countedBytes - a.countedBytes);
    for (const client of candidates) {
      if (!this.isOverLimit) return;
      this.#host.log.notice(`Evicting client: ${clientLine(client)}`);
      this.#host.statistics.evictedClients++;
      client.transport.close();
    }
  }
}
