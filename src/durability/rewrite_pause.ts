/**
 * Rewrite pause: rewrites that fail again and again are not begun ten times a second, but after one
 * minute, two, four, up to an hour (Redis: aofRewriteLimited).
 */
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** From this many failures in a row on, automatic rewrites pause. */
const FAILURES_BEFORE_PAUSE = 3;
const PAUSE_MINUTES_MAX = 60;
/** While writers are refused because only a rewrite can help, nobody should wait for an hour. */
const URGENT_PAUSE_MINUTES_MAX = 1;

export class RewritePause {
  /** Rewrites that have failed since the last that succeeded, or was asked for by hand. */
  failuresInRow = 0;
  /** Rewrites that have begun since the statistics were reset. */
  rewriteCount = 0;
  #minutes = 0;
  #untilMs = 0;
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** CONFIG RESETSTAT. Redis: failures are forgotten, too, so the next rewrite need not wait. */
  resetStatistics(): void {
    this.failuresInRow = 0;
    this.rewriteCount = 0;
  }

  /** Whether the next rewrite must wait; each pause begins when this is asked. */
  isPaused(isUrgent: boolean): boolean {
    if (this.failuresInRow < FAILURES_BEFORE_PAUSE) {
      this.#minutes = 0;
      this.#untilMs = 0;
      return false;
    }
    const nowMs = clock.nowMs();
    if (this.#untilMs !== 0) {
      if (nowMs < this.#untilMs) return true;
      this.#untilMs = 0;
      return false;
    }
    const minutesMax = isUrgent ? URGENT_PAUSE_MINUTES_MAX : PAUSE_MINUTES_MAX;
    this.#minutes = Math.min(Math.max(1, this.#minutes * 2), minutesMax);
    this.#untilMs = nowMs + this.#minutes * 60_000;
    this.#log.warning(
      `The last rewrites of the AOF all failed; the next is tried in ${this.#minutes} minutes`,
    );
    return true;
  }
}
