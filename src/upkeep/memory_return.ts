/**
 * Memory return: sees to it that memory which is no longer used goes back to the system: segments
 * of deleted data, the buffers of clients that sent or received much.
 *
 * They are ArrayBuffers, so they go when V8 collects its garbage, which it has no reason to do
 * while its own heap is small. So once a second the resident memory, without V8's heap and without
 * the segments and buffers in use, is compared with what it was after the last collection; if far
 * more is resident than can be accounted for, V8 is asked to collect. That is a pause of some tens
 * of milliseconds, hence it is done when the server has little to do; if it is busy, rarely and for
 * a large gain only. (How large its heap should be V8 knows best: a server that gets its first
 * clients lets it grow by 16 MB.)
 *
 * MEMORY PURGE asks for it too. The pause, some tens of milliseconds on a slow machine, is all that
 * a purge costs, so it comes with the next tick, and only if there is something to bring back.
 */
import { collectGarbage } from "../base/garbage.ts";
import { forgetScratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";

/** Tells what the clients' buffers take. */
export interface BufferMeter {
  readonly totalBytes: number;
}

const EXCESS_BYTES = 16 * 1024 * 1024;
const BUSY_EXCESS_BYTES = 8 * EXCESS_BYTES;
/** Commands per second up to which the server counts as idle. */
const IDLE_RATE = 1000;
/** A busy server is made to collect at most this often. */
const BUSY_PAUSE_MS = 30_000;
/**
 * After a collection that brought nothing the next try waits; doubled each time up to the maximum.
 */
const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 120_000;

declare module "../session/host.ts" {
  interface Host {
    readonly memoryReturn: MemoryReturn;
  }
}

/** What a test may put in the place of the process. */
export interface ProcessMemory {
  /** Resident set size in bytes. */
  residentBytes(): number;
  /** What V8 has taken for its heap, in bytes. */
  heapBytes(): number;
  /** Collects all garbage; a pause. */
  collectGarbage(): void;
}

const THIS_PROCESS: ProcessMemory = {
  residentBytes: () => Deno.memoryUsage().rss,
  heapBytes: () => Deno.memoryUsage().heapTotal,
  collectGarbage: () => {
    forgetScratch();
    collectGarbage();
  },
};

export class MemoryReturn {
  readonly #arena: Arena;
  readonly #buffers: BufferMeter;
  readonly #process: ProcessMemory;
  /** False where the heap is not the server's alone: only MEMORY PURGE collects then. */
  collectsByItself = true;
  /** Resident bytes that are unaccounted for, after the last collection or at the start. */
  #floorBytes = Infinity;
  /** The same before the last collection. */
  #triedBytes = 0;
  #lastMs = 0;
  #retryMs = RETRY_MS_MIN;
  /** MEMORY PURGE has found something to bring back. */
  #isPurgeDue = false;
  /** `Arena.droppedBytes` at the last collection. */
  #collectedBytes = 0;
  /** Resident bytes of the runtime itself, as they were before the first key; 0: not known. */
  runtimeBytes = 0;

  constructor(arena: Arena, buffers: BufferMeter, process: ProcessMemory = THIS_PROCESS) {
    this.#arena = arena;
    this.#buffers = buffers;
    this.#process = process;
  }

  /** Notes what is resident before there are data: the runtime with its code and its heap. */
  measureRuntime(): void {
    this.runtimeBytes = Math.max(0, this.#unaccountedBytes() + this.#process.heapBytes());
  }

  /** Notes what is resident before there are clients. */
  begin(): void {
    this.#floorBytes = this.#unaccountedBytes();
  }

  /** Called about once a second, with the present rate of commands. */
  tick(nowMs: number, commandsPerSecond: number): void {
    this.#arena.trim();
    if (this.#isPurgeDue) return this.#collect(nowMs);
    if (!this.collectsByItself) return;
    const excess = this.#unaccountedBytes();
    // Freed memory goes back in the background, so the floor may be found after the collection.
    if (excess < this.#floorBytes) this.#floorBytes = excess;
    const isBusy = commandsPerSecond > IDLE_RATE;
    if (excess - this.#floorBytes < (isBusy ? BUSY_EXCESS_BYTES : EXCESS_BYTES)) return;
    if (excess - this.#triedBytes >= EXCESS_BYTES) this.#retryMs = RETRY_MS_MIN;
    const pauseMs = isBusy ? BUSY_PAUSE_MS : this.#retryMs;
    if (nowMs - this.#lastMs < pauseMs) return;
    this.#collect(nowMs);
    const freed = excess - this.#unaccountedBytes();
    this.#triedBytes = excess;
    this.#retryMs = freed > EXCESS_BYTES / 2
      ? RETRY_MS_MIN
      : Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** Has all given back that can be given back, at the next tick (MEMORY PURGE). */
  purge(): void {
    this.#arena.trim(0);
    const excess = this.#unaccountedBytes() - this.#floorBytes;
    this.#isPurgeDue ||= this.#arena.droppedBytes > this.#collectedBytes || excess >= EXCESS_BYTES;
  }

  #collect(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#isPurgeDue = false;
    this.#collectedBytes = this.#arena.droppedBytes;
    this.#process.collectGarbage();
    this.#floorBytes = this.#unaccountedBytes();
  }

  #unaccountedBytes(): number {
    const { reservedBytes } = this.#arena.statistics();
    const { totalBytes } = this.#buffers;
    return this.#process.residentBytes() - this.#process.heapBytes() - reservedBytes - totalBytes;
  }
}
