/**
 * Memory limit: what counts as used memory, and making room when `maxmemory` or the address space
 * asks for it.
 */
import type { Host } from "../session/host.ts";

/** Refuse to grow the data when this much of the 16 GiB of addresses is left. */
const ADDRESS_RESERVE_BYTES = 1.25 * 2 ** 30;
const ADDRESS_BYTES = 16 * 2 ** 30;

declare module "../session/host.ts" {
  interface Host {
    readonly memoryLimit: MemoryLimit;
  }
}

/** What it uses of the host. */
type MemoryHost = Pick<
  Host,
  "arena" | "clientMemory" | "config" | "evictor" | "keyspace" | "tracking"
>;

export class MemoryLimit {
  /** Bytes of the arena in use before the first key. */
  readonly startupBytes: number;
  /** Room is to be made at the end of the turn. */
  isEvictionDue = false;
  readonly #host: MemoryHost;
  readonly #aofBufferBytes: () => number;
  readonly #countBytes = () => this.countedBytes();

  /** `aofBufferBytes` tells what waits to be written to the AOF. */
  constructor(host: MemoryHost, aofBufferBytes: () => number) {
    this.#host = host;
    this.#aofBufferBytes = aofBufferBytes;
    this.startupBytes = host.arena.usedBytes;
  }

  /** Makes room if `maxmemory` asks for it. False if memory for more data cannot be had. */
  freeMemoryIfNeeded(): boolean {
    if (this.isAddressSpaceLow) return false;
    const { keyspace, config, evictor } = this.#host;
    // While clients are paused, the data set stands still.
    if (keyspace.isPaused) return true;
    const { maxmemory } = config;
    return maxmemory === 0 || evictor.freeMemoryIfNeeded(maxmemory, this.#countBytes);
  }

  /** Makes room that CONFIG SET maxmemory asked for, without waiting for a command. */
  evictIfDue(): void {
    if (!this.isEvictionDue) return;
    this.isEvictionDue = false;
    this.freeMemoryIfNeeded();
  }

  /** Whether so much of the 16 GiB that refs can address is used that no more data is taken. */
  get isAddressSpaceLow(): boolean {
    return this.#host.arena.usedBytes > ADDRESS_BYTES - ADDRESS_RESERVE_BYTES;
  }

  /** Bytes in use: the data, the buffers of the clients and of the AOF, the tracking table. */
  get usedBytes(): number {
    const { arena, clientMemory, tracking } = this.#host;
    return arena.usedBytes + clientMemory.totalBytes + tracking.tableBytes +
      this.#aofBufferBytes();
  }

  /**
   * Bytes that count against `maxmemory`: without the buffer of the AOF, which evictions fill, and
   * without what a frozen image or a stranger holds.
   */
  countedBytes(): number {
    const { arena, clientMemory, tracking } = this.#host;
    return arena.usedBytes - arena.deferredBytes + clientMemory.ownersBytes + tracking.tableBytes;
  }
}
