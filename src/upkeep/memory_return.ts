/**
 * Memory return: sees to it that memory which is no longer used goes back to the system: segments
 * of deleted data, the buffers of clients that sent or received much, what the runtime took for a
 * time.
 *
 * SEGMENTS. Where their pages can be given back by themselves, those that have been idle for a
 * second go, a few at a time (`step`), but for a reserve. Where that is not possible they are
 * ArrayBuffers like the others:
 *
 * BUFFERS go when V8 collects its garbage, which it has no reason to do while its own heap is
 * small. So once a second the resident memory, without V8's heap and without the segments and
 * buffers in use, is compared with what it was after the last collection; if far more is resident
 * than can be accounted for, V8 is asked to collect. That is a pause of some tens of milliseconds,
 * hence it is done when the server has little to do; if it is busy, rarely and for a large gain
 * only.
 *
 * V8'S HEAP. How large it should be V8 knows best while there are clients: one that gets its first
 * lets it grow by 16 MB. But it keeps that when they have gone, and what the start of the program
 * took; a thorough collection gives it back when hardly anybody has asked for anything in some
 * seconds: a pause of 40 ms, longer on a busy machine.
 *
 * THE PROGRAM'S OWN PAGES go then as well, if there was something to do since the last time: those
 * that will be touched again come back by themselves.
 *
 * THE HEAPS OF THE C LIBRARY keep what V8's compiler took. They are trimmed, by another thread,
 * when the server is idle and more is unaccounted for than after the last time.
 *
 * MEMORY PURGE asks for all of it. The pause is all that a purge costs, so it comes with the next
 * tick, and only if there is something to bring back.
 */
import { collectGarbage } from "../base/garbage.ts";
import { spareRoomBytes, sweepRooms } from "../base/room_pool.ts";
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
/** Commands per second up to which hardly anybody is there, and ticks for which that must last. */
const QUIET_RATE = 10;
const QUIET_TICKS = 3;
/** What V8's heap must have grown by before a collection for its sake. */
const HEAP_GROWTH_BYTES = 4 * 1024 * 1024;
/** What must be unaccounted for before the heaps of the C library are trimmed. */
const TRIM_BYTES = 2 * 1024 * 1024;
/** Idle segments that may stay, as a share of those in use, and at most: 8 MiB. */
const RESERVE_SHARE = 1 / 16;
const RESERVE_SEGMENTS_MAX = 32;
/** Segments given back per step: some tens of microseconds each. */
const STEP_SEGMENTS = 4;

declare module "../session/host.ts" {
  interface Host {
    readonly memoryReturn: MemoryReturn;
  }
}

/** Bytes of the process that are resident, and what V8 has taken for its heap. */
export interface ProcessSizes {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** What a test may put in the place of the process. */
export interface ProcessMemory {
  /** Reads a file of the system's, and has V8 count its heap. */
  sizes(): ProcessSizes;
  /** What is resident alone, which is quicker. */
  residentBytes(): number;
  /** Collects all garbage; a pause. If `isThorough`, a longer one, but V8's heap shrinks. */
  collectGarbage(isThorough: boolean): void;
  /** Has the C library give back what its heaps keep; no pause. */
  trimHeaps(): void;
  /** Lets pages of the program go that may never be touched again: 2 ms. */
  dropProgram(): void;
}

/** What the C library can do for that. */
export interface SystemPart extends Pick<ProcessMemory, "trimHeaps" | "dropProgram"> {
  /** As that of the whole; null if it cannot be had. */
  residentBytes(): number | null;
}

/** This process; `system` is what the C library can do, if it can be reached. */
export function processMemory(system: SystemPart | null): ProcessMemory {
  return {
    sizes: () => {
      const { rss, heapTotal } = Deno.memoryUsage();
      return { residentBytes: rss, heapBytes: heapTotal };
    },
    residentBytes: () => system?.residentBytes() ?? Deno.memoryUsage().rss,
    collectGarbage: (isThorough) => {
      forgetScratch();
      collectGarbage(isThorough);
    },
    trimHeaps: () => system?.trimHeaps(),
    dropProgram: () => system?.dropProgram(),
  };
}

export class MemoryReturn {
  readonly #arena: Arena;
  readonly #buffers: BufferMeter;
  readonly #process: ProcessMemory;
  /** As they were when they were looked at last. */
  #sizes: ProcessSizes = { residentBytes: 0, heapBytes: 0 };
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
  /** What is unaccounted for after the heaps of the C library were trimmed; null: not known. */
  #trimmedBytes: number | null = null;
  /** V8's heap after the last collection; 0: the start has left something behind in any case. */
  #collectedHeapBytes = 0;
  /** Its pages came in since they were let go last: by the start, or by many commands. */
  #isProgramTouched = true;
  /** What the program's pages took that were let go, and may all be back. */
  #programBytes = 0;
  #quietTicks = 0;
  /** Idle segments that `step` leaves. */
  #keptSegments = Infinity;
  /** Resident bytes of the runtime itself, as they were before the first key; 0: not known. */
  runtimeBytes = 0;

  constructor(arena: Arena, buffers: BufferMeter, process: ProcessMemory = processMemory(null)) {
    this.#arena = arena;
    this.#buffers = buffers;
    this.#process = process;
  }

  /** Notes what is resident before there are data: the runtime with its code and its heap. */
  measureRuntime(): void {
    const unaccountedBytes = this.#unaccountedBytes();
    this.runtimeBytes = Math.max(0, unaccountedBytes + this.#sizes.heapBytes);
  }

  /** Bytes of the process that are resident now. */
  residentBytes(): number {
    return this.#process.residentBytes();
  }

  /** Notes what is resident before there are clients. */
  begin(): void {
    this.#floorBytes = this.#unaccountedBytes();
    this.#trimmedBytes = this.#floorBytes;
  }

  /** Called about once a second, with the present rate of commands. */
  tick(nowMs: number, commandsPerSecond: number): void {
    const isBusy = commandsPerSecond > IDLE_RATE;
    sweepRooms();
    this.#quietTicks = commandsPerSecond > QUIET_RATE ? 0 : this.#quietTicks + 1;
    this.#isProgramTouched ||= isBusy;
    this.#tickArena(isBusy);
    if (this.#isPurgeDue) return this.#collect(nowMs, true);
    if (!this.collectsByItself) return;
    const excess = this.#unaccountedBytes();
    // Freed memory goes back in the background, so the floor may be found after the collection.
    this.#floorBytes = Math.min(this.#floorBytes, excess + this.#programBytes);
    if (!isBusy) this.#trimHeaps(excess);
    if (this.#isHeapLarge()) return this.#collect(nowMs, true);
    if (this.#isProgramTouched && this.#quietTicks >= QUIET_TICKS) return this.#dropProgram();
    if (excess - this.#floorBytes < (isBusy ? BUSY_EXCESS_BYTES : EXCESS_BYTES)) return;
    if (excess - this.#triedBytes >= EXCESS_BYTES) this.#retryMs = RETRY_MS_MIN;
    const pauseMs = isBusy ? BUSY_PAUSE_MS : this.#retryMs;
    // A clock that was set back must not make the pause longer.
    if (Math.abs(nowMs - this.#lastMs) < pauseMs) return;
    this.#collect(nowMs, false);
    const freed = excess - this.#unaccountedBytes();
    this.#triedBytes = excess;
    this.#retryMs = freed > EXCESS_BYTES / 2
      ? RETRY_MS_MIN
      : Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** Has all given back that can be given back, at the next tick (MEMORY PURGE). */
  purge(): void {
    const arena = this.#arena;
    if (!arena.isFrozen) arena.closeEmptySlabs();
    arena.trim(0);
    this.#keptSegments = 0;
    this.#trimmedBytes = -Infinity;
    const excess = this.#unaccountedBytes() - this.#floorBytes;
    this.#isPurgeDue ||= arena.droppedBytes > this.#collectedBytes || excess >= EXCESS_BYTES;
  }

  /** Whether `step` has something to do. */
  get hasSurplus(): boolean {
    return this.#arena.hasIdle(this.#keptSegments);
  }

  /** Gives some segments back that are not needed any more. Returns whether there are more. */
  step(): boolean {
    return this.#arena.discardIdle(this.#keptSegments, STEP_SEGMENTS);
  }

  /** Finds segments that were not needed during the last second. */
  #tickArena(isBusy: boolean): void {
    const arena = this.#arena;
    if (!isBusy && !arena.isFrozen) arena.closeEmptySlabs();
    arena.trim();
    const unneeded = arena.takeLeastIdle();
    // A purge is under way.
    if (this.#keptSegments === 0 && this.hasSurplus) return;
    const reserve = Math.min(RESERVE_SEGMENTS_MAX, Math.ceil(arena.segmentCount * RESERVE_SHARE));
    this.#keptSegments = arena.idleSegmentCount - Math.max(0, unneeded - reserve);
  }

  #trimHeaps(excess: number): void {
    this.#trimmedBytes ??= excess;
    if (excess - this.#trimmedBytes < TRIM_BYTES) return;
    this.#process.trimHeaps();
    // What that has brought shows at the next tick.
    this.#trimmedBytes = null;
  }

  /** Whether V8 keeps a heap that it took for work which is done. */
  #isHeapLarge(): boolean {
    if (this.#quietTicks < QUIET_TICKS) return false;
    return this.#sizes.heapBytes - this.#collectedHeapBytes >= HEAP_GROWTH_BYTES;
  }

  #collect(nowMs: number, isThorough: boolean): void {
    this.#lastMs = nowMs;
    this.#isPurgeDue = false;
    this.#collectedBytes = this.#arena.droppedBytes;
    this.#process.collectGarbage(isThorough);
    this.#floorBytes = this.#unaccountedBytes() + this.#programBytes;
    this.#collectedHeapBytes = this.#sizes.heapBytes;
  }

  /** That the program's pages come back one by one must not look like a client's garbage. */
  #dropProgram(): void {
    this.#isProgramTouched = false;
    const before = this.#process.sizes();
    this.#process.dropProgram();
    const droppedBytes = before.residentBytes - this.#process.sizes().residentBytes;
    this.#programBytes = Math.max(this.#programBytes, droppedBytes);
    this.#trimmedBytes = null;
  }

  #unaccountedBytes(): number {
    const { reservedBytes } = this.#arena.statistics();
    const { totalBytes } = this.#buffers;
    const usedBytes = reservedBytes + totalBytes + spareRoomBytes();
    this.#sizes = this.#process.sizes();
    return this.#sizes.residentBytes - this.#sizes.heapBytes - usedBytes;
  }
}
