/**
 * Memory return: sees to it that memory which is no longer used goes back to the system: segments
 * of deleted data, the buffers of clients that sent or received much.
 *
 * They are ArrayBuffers, so they go when V8 collects its garbage, which it has no reason to do
 * while its own heap is small. So once a second the resident memory is compared with what it was
 * after the last collection; if far more is resident than can be accounted for, V8 is asked to
 * collect. That costs some milliseconds, hence it is done when the server has little to do, and
 * rarely if it is busy.
 */
import { collectGarbage } from "../base/garbage.ts";
import * as clock from "../base/clock.ts";
import type { Arena } from "../memory/arena.ts";

const EXCESS_BYTES = 16 * 1024 * 1024;
/** Commands per second up to which the server counts as idle. */
const IDLE_RATE = 1000;
/** A busy server is made to collect at most this often. */
const BUSY_PAUSE_MS = 30_000;
/**
 * After a collection that brought nothing the next try waits; doubled each time up to the maximum.
 */
const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 120_000;

export class MemoryReturn {
  readonly #arena: Arena;
  /** Resident bytes beside the segments, after the last collection or at the start. */
  #floorBytes = Infinity;
  #lastMs = 0;
  #retryMs = RETRY_MS_MIN;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Notes what is resident before there are clients. */
  begin(): void {
    this.#floorBytes = this.#residentBeside();
  }

  /** Called about once a second, with the present rate of commands. */
  tick(nowMs: number, commandsPerSecond: number): void {
    this.#arena.trim();
    const excess = this.#residentBeside();
    if (excess < this.#floorBytes) this.#floorBytes = excess;
    if (excess - this.#floorBytes < EXCESS_BYTES) return;
    const pauseMs = commandsPerSecond <= IDLE_RATE ? this.#retryMs : BUSY_PAUSE_MS;
    if (nowMs - this.#lastMs < pauseMs) return;
    this.collect(nowMs);
    const freed = excess - this.#residentBeside();
    this.#retryMs = freed > EXCESS_BYTES / 2
      ? RETRY_MS_MIN
      : Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** Gives back all that can be given back, now (MEMORY PURGE). */
  collect(nowMs = clock.nowMs()): void {
    this.#lastMs = nowMs;
    collectGarbage();
    this.#floorBytes = this.#residentBeside();
  }

  #residentBeside(): number {
    return Deno.memoryUsage().rss - this.#arena.statistics().reservedBytes;
  }
}
