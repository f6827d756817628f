/**
 * Output limits: clients whose output grows faster than they read it are closed
 * (`client-output-buffer-limit`): at once beyond the hard limit, and when they have been beyond the
 * soft limit for its number of seconds. Subscribers and replicas have limits by default, others
 * have none.
 *
 * Whoever has not authenticated gets one kilobyte, whatever the configuration says (Redis: since
 * 7.2.8, for CVE-2025-21605): errors that nobody reads must not fill the memory.
 *
 * As in Redis, the first 16 KiB do not count. What a command adds is looked at when the turn ends,
 * so a reply may be made beyond the limit; but it stops growing as soon as it is found out
 * (reply.ts).
 */
import * as clock from "../base/clock.ts";
import { OUTPUT_BYTES_MAX } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import {
  clientLine,
  clientType,
  heldOutputBytes,
  OUTPUT_FREE_BYTES,
} from "../session/client_listing.ts";
import type { OutputBufferLimit } from "../config/config_kinds.ts";
import type { Host } from "../session/host.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly outputLimits: OutputLimits;
  }
}

/** What it uses of the host. */
type OutputLimitsHost = Pick<Host, "clients" | "config" | "log" | "statistics">;

/**
 * So much output of a pipeline leaves before the pipeline is through: the room that it stands in is
 * used for what follows while it is still in the processor's caches (redis-benchmark -d 100000).
 */
const EARLY_BYTES = 64 * 1024;

/** Clients that have not authenticated are closed beyond one kilobyte. */
const UNAUTHENTICATED_LIMIT: OutputBufferLimit = {
  hardBytes: 1024 + 1,
  softBytes: 0,
  softSeconds: 0,
};

export class OutputLimits {
  readonly #host: OutputLimitsHost;

  constructor(host: OutputLimitsHost) {
    this.#host = host;
  }

  /** Closes a client whose output is beyond its limit; returns whether it did. */
  closeIfReached(client: Client): boolean {
    if (!client.reply.isOverflown && !this.#isReached(client)) return false;
    const { log, statistics } = this.#host;
    statistics.outputBufferLimitDisconnections++;
    log.warning(`Client ${clientLine(client)} closed for overcoming of output buffer limits.`);
    client.transport.close();
    return true;
  }

  /**
   * Keeps a client's output from growing far beyond its hard limit; after a change of its class.
   */
  apply(client: Client): void {
    const { hardBytes, softBytes } = this.#limitOf(client);
    const bytesMax = hardBytes === 0 ? OUTPUT_BYTES_MAX : hardBytes + OUTPUT_FREE_BYTES;
    client.reply.bytesMax = Math.min(bytesMax, OUTPUT_BYTES_MAX);
    // Redis: nothing of what a pipeline is answered leaves before its end, so all of it counts.
    const isLimited = hardBytes > 0 || softBytes > 0;
    client.reply.earlyBytes = isLimited ? Infinity : EARLY_BYTES;
  }

  /** `apply` for all clients, after a change of the limits. */
  applyToAll(): void {
    for (const client of this.#host.clients.values()) this.apply(client);
  }

  #isReached(client: Client): boolean {
    const { hardBytes, softBytes, softSeconds } = this.#limitOf(client);
    const heldBytes = heldOutputBytes(client);
    if (hardBytes > 0 && heldBytes >= hardBytes) return true;
    if (softBytes === 0 || heldBytes < softBytes) {
      client.softLimitSinceMs = 0;
      return false;
    }
    const nowMs = clock.nowMs();
    if (client.softLimitSinceMs === 0) {
      client.softLimitSinceMs = nowMs;
      return false;
    }
    return nowMs - client.softLimitSinceMs > softSeconds * 1000;
  }

  #limitOf(client: Client): OutputBufferLimit {
    if (!client.isAuthenticated) return UNAUTHENTICATED_LIMIT;
    const limits = this.#host.config.clientOutputBufferLimit;
    switch (clientType(client)) {
      case "pubsub":
        return limits.pubsub;
      case "replica":
        return this.#replicaLimit(limits.replica);
      default:
        return limits.normal;
    }
  }

  /** Redis: what the backlog keeps anyway is not held against a replica. */
  #replicaLimit(limit: OutputBufferLimit): OutputBufferLimit {
    const { replBacklogSize } = this.#host.config;
    if (limit.hardBytes === 0 || limit.hardBytes >= replBacklogSize) return limit;
    return { ...limit, hardBytes: replBacklogSize };
  }
}
