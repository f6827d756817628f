/** A clock and one timer, both moved by hand: what stands behind `Timers` in tests. */
import type { RuntimeTimer } from "../../src/base/timers.ts";

export class FakeTimer implements RuntimeTimer {
  /** The moment; whoever sets it has the clock jump. */
  timeMs = 1000;
  /** When the timer is due; null while it is not set. */
  dueMs: number | null = null;
  /** Delays that it was set to, in order. */
  readonly delaysMs: number[] = [];
  #run: () => void = () => {};

  nowMs(): number {
    return this.timeMs;
  }

  set(delayMs: number, run: () => void): void {
    this.delaysMs.push(delayMs);
    this.dueMs = this.timeMs + delayMs;
    this.#run = run;
  }

  clear(): void {
    this.dueMs = null;
  }

  /** Moves the clock on, stopping wherever the timer is due. */
  advance(durationMs: number): void {
    const endMs = this.timeMs + durationMs;
    while (this.dueMs !== null && this.dueMs <= endMs) {
      this.timeMs = Math.max(this.timeMs, this.dueMs);
      this.dueMs = null;
      this.#run();
    }
    this.timeMs = endMs;
  }
}
