/**
 * Memory limit: what counts as used memory, and making room when `maxmemory` asks for it.
 */
import { GATE_MEMORY } from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import { isShort, isWatched } from "./address_space.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly memoryLimit: MemoryLimit;
  }
}

/** What it uses of the host. */
type MemoryHost = Pick<
  Host,
  "arena" | "clientMemory" | "config" | "evictor" | "gates" | "keyspace" | "tracking"
>;

/** Tells the sizes of buffers that others keep, in bytes. */
export interface BufferSizes {
  /** What waits to be written to the AOF. */
  aof(): number;
  /** The replication backlog, with what replicas are still to be sent. */
  backlog(): number;
}

export class MemoryLimit {
  /** Bytes of the arena in use before the first key. */
  readonly startupBytes: number;
  /** Room is to be made at the end of the turn. */
  isEvictionDue = false;
  /** The last attempt to make room failed: what a script goes by that began then. */
  isOutOfMemory = false;
  readonly #host: MemoryHost;
  readonly #aofBufferBytes: () => number;
  readonly #backlogBytes: () => number;
  readonly #countBytes = () => this.countedBytes();

  constructor(host: MemoryHost, buffers: BufferSizes) {
    this.#host = host;
    this.#aofBufferBytes = buffers.aof;
    this.#backlogBytes = buffers.backlog;
    this.startupBytes = host.arena.usedBytes;
  }

  /** Makes room if `maxmemory` asks for it. False if memory for more data cannot be had. */
  freeMemoryIfNeeded(): boolean {
    const isFree = this.#freeMemoryIfNeeded();
    this.isOutOfMemory = !isFree;
    return isFree;
  }

  #freeMemoryIfNeeded(): boolean {
    if (isShort(this.#host.arena)) return false;
    const { keyspace, config, evictor } = this.#host;
    // While clients are paused, the data set stands still; a replica's is what its master makes it;
    // and what an AOF has yet to say of a key that is being loaded must find it.
    if (keyspace.isPaused || keyspace.isLoading) return true;
    if (keyspace.isReplica && config.replicaIgnoreMaxmemory) return true;
    const { maxmemory } = config;
    return maxmemory === 0 || evictor.freeMemoryIfNeeded(maxmemory, this.#countBytes);
  }

  /** Makes room that CONFIG SET maxmemory asked for, without waiting for a command. */
  evictIfDue(): void {
    if (!this.isEvictionDue) return;
    this.isEvictionDue = false;
    this.freeMemoryIfNeeded();
  }

  /** Has each command asked about memory if there is a limit or little room (GATE_MEMORY). */
  watch(): void {
    const { arena, config, gates } = this.#host;
    gates.set(GATE_MEMORY, config.maxmemory > 0 || isWatched(arena));
  }

  /** The arena has grown: `watch`, if that may change anything. */
  watchIfNeeded(): void {
    const { arena, gates } = this.#host;
    if ((gates.bits & GATE_MEMORY) === 0 && isWatched(arena)) this.watch();
  }

  /** Bytes in use: the data, the buffers of the clients and of the AOF, the tracking table. */
  get usedBytes(): number {
    const { arena, clientMemory, tracking } = this.#host;
    return arena.usedBytes + clientMemory.totalBytes + tracking.tableBytes +
      this.#aofBufferBytes() + this.#backlogBytes();
  }

  /**
   * Bytes that count against `maxmemory`: without the buffer of the AOF, and what replicas are
   * behind, which evictions fill, and without what a frozen image or a stranger holds.
   */
  countedBytes(): number {
    const { arena, clientMemory, config, tracking } = this.#host;
    const backlogBytes = Math.min(this.#backlogBytes(), config.replBacklogSize);
    return backlogBytes + arena.usedBytes - arena.deferredBytes + clientMemory.ownersBytes +
      tracking.tableBytes;
  }
}
