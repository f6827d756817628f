/**
 * The server's time. A command must see one moment from its first line to its last, and reading the
 * system's clock costs more than reading a variable; so `nowMs()` is a cached value which the event
 * loop moves on with `refresh()` once per turn or per command, and nothing else in the project
 * reads the system's clock.
 *
 * Tests stop the clock with `setTimeForTests` and move it with `advanceForTests`; while it stands,
 * `refresh()` changes nothing, and `systemMs()` and `monotonicUs()` follow the standing clock.
 */

let cachedMs = Date.now();

/** Null while the real clock is used; otherwise the moment at which a test has stopped it. */
let stoppedMs: number | null = null;

/** The wall clock in milliseconds since 1970, as of the last `refresh()`. */
export function nowMs(): number {
  return cachedMs;
}

/** Reads the system's clock into the cache and returns it: milliseconds since 1970. */
export function refresh(): number {
  cachedMs = stoppedMs ?? Date.now();
  return cachedMs;
}

/** Does something at the present moment; behind it the cached moment is the one before. */
export function meanwhile<Result>(work: () => Result): Result {
  const beforeMs = cachedMs;
  refresh();
  try {
    return work();
  } finally {
    cachedMs = beforeMs;
  }
}

/** The wall clock in milliseconds, read now; leaves the cache alone. */
export function systemMs(): number {
  return stoppedMs ?? Date.now();
}

/** The wall clock in microseconds, read now (TIME), as finely as the system gives it. */
export function systemUs(): number {
  if (stoppedMs !== null) return stoppedMs * 1000;
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

/** Microseconds since an arbitrary moment; never goes back: for durations, not for dates. */
export function monotonicUs(): number {
  return stoppedMs === null ? performance.now() * 1000 : stoppedMs * 1000;
}

/** Milliseconds since an arbitrary moment, also while a test has stopped the clock: for timers. */
export function runtimeMs(): number {
  return performance.now();
}

/** Stops the clock at `timeMs` (milliseconds since 1970). */
export function setTimeForTests(timeMs: number): void {
  stoppedMs = timeMs;
  cachedMs = timeMs;
}

/** Moves a stopped clock on by `durationMs`; stops it at the cached moment first if it runs. */
export function advanceForTests(durationMs: number): void {
  setTimeForTests((stoppedMs ?? cachedMs) + durationMs);
}

/** Lets the real clock run again. */
export function useRealTime(): void {
  stoppedMs = null;
  cachedMs = Date.now();
}
