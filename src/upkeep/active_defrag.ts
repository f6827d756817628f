/**
 * Active defragmentation: when to move scattered data together (keyspace/defragmentation.ts), and
 * how much time to spend on it.
 *
 * Fragmentation is what the arena has from the system beyond the blocks in use, in percent of
 * these; the arena knows it exactly, so nothing is estimated from the resident set size. Once a
 * second it is looked at, and a pass begins
 *
 *   by itself            from `active-defrag-threshold-auto` percent (30) on, even with
 *                        `activedefrag no`, if at least 8 MiB would come back. Redis leaves this to
 *                        the operator, for there moving data costs much and brings little; here a
 *                        pass over a million keys takes some tenths of a second. It gets
 *                        `active-defrag-cycle-max` percent of the time of an idle server and
 *                        `active-defrag-cycle-min` of a busy one's. 0 switches it off.
 *   `activedefrag yes`   also as in Redis: from `active-defrag-threshold-lower` percent and
 *                        `active-defrag-ignore-bytes` on, with a share of the time between
 *                        `active-defrag-cycle-min` and `-max`, the largest from
 *                        `active-defrag-threshold-upper` on.
 *
 * The share is kept by pauses: a slice of half a millisecond, and then as long a pause as the share
 * asks for. So no command waits for more than a slice, whatever the share.
 */
import * as clock from "../base/clock.ts";
import type { Timer } from "../base/timers.ts";
import { Defragmentation } from "../keyspace/defragmentation.ts";
import type { Host } from "../session/host.ts";

const MIB = 1024 * 1024;
/** What a pass must promise to give back if nobody asked for it. */
const AUTO_GAIN_BYTES_MIN = 8 * MIB;
/** What it must promise in any case. */
const GAIN_BYTES_MIN = MIB;
const SLICE_US = 500;
/** The pause while a child reads the memory, or data are loaded. */
const BLOCKED_PAUSE_MS = 50;
/** Commands per second up to which the server counts as idle. */
const IDLE_RATE = 1000;

declare module "../session/host.ts" {
  interface Host {
    readonly activeDefrag: ActiveDefrag;
  }
}

/** What it uses of the host. */
type DefragHost = Pick<
  Host,
  | "arena"
  | "config"
  | "keyspace"
  | "latency"
  | "log"
  | "memoryReturn"
  | "process"
  | "statistics"
  | "timers"
>;

export class ActiveDefrag {
  readonly defragmentation: Defragmentation;
  /** Time spent in slices, in µs. */
  usedUs = 0;
  /** The longest slice, in µs. */
  longestSliceUs = 0;

  readonly #host: DefragHost;
  readonly #timer: Timer;
  #percentOfTime = 0;
  /** The pass under way was asked for by MEMORY PURGE, whatever the configuration says. */
  #isPurging = false;
  #beganUs = 0;
  /** Time during which passes were under way, in µs, without the present one. */
  #finishedUs = 0;

  constructor(host: DefragHost) {
    this.#host = host;
    this.#timer = host.timers.create(() => this.#runSlice());
    this.defragmentation = new Defragmentation(host.keyspace);
  }

  /** The share of the time that the pass under way may take, in percent; 0 if there is none. */
  get runningPercent(): number {
    return this.defragmentation.isRunning ? this.#percentOfTime : 0;
  }

  /** Milliseconds since the pass under way began; 0 if there is none. */
  get currentMs(): number {
    if (!this.defragmentation.isRunning) return 0;
    return Math.floor((clock.monotonicUs() - this.#beganUs) / 1000);
  }

  /** Milliseconds during which a pass was under way. */
  get totalMs(): number {
    return Math.floor(this.#finishedUs / 1000) + this.currentMs;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.defragmentation.resetStatistics();
    this.#finishedUs = 0;
    this.usedUs = 0;
    this.longestSliceUs = 0;
  }

  /** Called about once a second: begins a pass if there is reason to, or ends one not wanted. */
  tick(): void {
    const { defragmentation } = this;
    const percent = this.#wantedPercent();
    if (this.#isPurging) return;
    if (percent > 0) this.#percentOfTime = percent;
    if (defragmentation.isRunning) {
      if (!this.#isWanted()) this.stop();
      return;
    }
    if (percent === 0 || !defragmentation.mayMove) return;
    const gainBytesMin = this.#isAsked() ? GAIN_BYTES_MIN : AUTO_GAIN_BYTES_MIN;
    if (this.#gainBytes() < gainBytesMin) return;
    this.#beganUs = clock.monotonicUs();
    defragmentation.begin();
    this.#timer.start(0);
  }

  /** MEMORY PURGE: moves segments together, in slices, if that brings something back. */
  purge(): void {
    const { defragmentation } = this;
    if (!defragmentation.beginCompaction()) return;
    this.#isPurging = true;
    this.#percentOfTime = this.#host.config.activeDefragCycleMax;
    this.#beganUs = clock.monotonicUs();
    this.#timer.start(0);
  }

  /** Ends the pass under way; what has been moved stays where it is. */
  stop(): void {
    this.#timer.stop();
    this.#isPurging = false;
    if (!this.defragmentation.isRunning) return;
    this.defragmentation.stop();
    this.#finishedUs += clock.monotonicUs() - this.#beganUs;
  }

  #runSlice(): void {
    const { defragmentation } = this;
    if (this.#host.process.isCronPaused || !defragmentation.mayMove) {
      this.#timer.start(BLOCKED_PAUSE_MS);
      return;
    }
    const startUs = clock.monotonicUs();
    defragmentation.step(startUs + SLICE_US);
    const endUs = clock.monotonicUs();
    const durationUs = endUs - startUs;
    this.usedUs += durationUs;
    this.longestSliceUs = Math.max(this.longestSliceUs, durationUs);
    this.#host.latency.addIfNeeded("active-defrag-cycle", durationUs);
    if (defragmentation.isRunning) {
      const share = this.#percentOfTime;
      this.#timer.start(Math.max(1, (durationUs * (100 - share)) / share / 1000));
      return;
    }
    this.#finishedUs += endUs - this.#beganUs;
    this.#logEnd(endUs - this.#beganUs);
    if (this.#isPurging) this.#host.memoryReturn.purge();
    this.#isPurging = false;
  }

  #logEnd(durationUs: number): void {
    const { log, arena } = this.#host;
    const { usedBytes, reservedBytes } = arena.statistics();
    log.verbose(
      `Active defragmentation done in ${Math.round(durationUs / 1000)} ms: ` +
        `${reservedBytes} bytes reserved for ${usedBytes} in use, ` +
        `longest slice ${Math.round(this.longestSliceUs)} us`,
    );
  }

  /** Bytes that a pass would bring back, without those which the last one tried for in vain. */
  #gainBytes(): number {
    const { arena } = this.#host;
    const { defragmentation } = this;
    const recoverableBytes = arena.recoverableBytes();
    defragmentation.leftBytes = Math.min(defragmentation.leftBytes, recoverableBytes);
    return recoverableBytes - defragmentation.leftBytes + arena.compactableBytes();
  }

  #isWanted(): boolean {
    const { config } = this.#host;
    return config.activedefrag || config.activeDefragThresholdAuto > 0;
  }

  /** Whether the thresholds of `activedefrag yes` are passed. */
  #isAsked(): boolean {
    const { config } = this.#host;
    const { bytes, percent } = this.#fragmentation();
    return config.activedefrag && bytes >= config.activeDefragIgnoreBytes &&
      percent >= config.activeDefragThresholdLower;
  }

  /** The share of the time that a pass may take now, in percent; 0 if none is to begin. */
  #wantedPercent(): number {
    const { config, statistics } = this.#host;
    const { activeDefragCycleMin: cycleMin, activeDefragThresholdAuto: autoPercent } = config;
    const cycleMax = Math.max(cycleMin, config.activeDefragCycleMax);
    const { percent } = this.#fragmentation();
    if (this.#isAsked()) {
      const lower = config.activeDefragThresholdLower;
      const upper = Math.max(lower + 1, config.activeDefragThresholdUpper);
      const position = Math.min(1, (percent - lower) / (upper - lower));
      return Math.floor(cycleMin + position * (cycleMax - cycleMin));
    }
    if (autoPercent === 0 || percent < autoPercent) return 0;
    return statistics.commandRate.perSecond <= IDLE_RATE ? cycleMax : cycleMin;
  }

  /** Bytes got from the system beyond the blocks in use, and these in percent of the blocks. */
  #fragmentation(): { bytes: number; percent: number } {
    const { usedBytes, reservedBytes } = this.#host.arena.statistics();
    const bytes = reservedBytes - usedBytes;
    return { bytes, percent: (bytes * 100) / Math.max(1, usedBytes) };
  }
}
