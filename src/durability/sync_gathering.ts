/**
 * Sync gathering: whether the next sync of `appendfsync always` waits for more writers.
 *
 * Clients that are answered come back with their next writes. Would a sync begin with the first of
 * them, it were for a few only. So it may wait, for a little while, until most of those have come
 * who have written of late. Whether that pays depends on the disk, the clients, and how busy the machine is; so
 * both ways are tried, some rounds at a time, and that which has brought more writers to the disk
 * is kept, until the next trial.
 */
import * as clock from "../base/clock.ts";
import type { Timer, Timers } from "../base/timers.ts";

/** How long others are waited for: half the usual duration of a sync, between these; in µs. */
const WAIT_PART = 1 / 2;
const WAIT_US_MIN = 2000;
const WAIT_US_MAX = 5000;
/** Of those who may come so many are enough. */
const ENOUGH = 7 / 8;
/** Rounds of a trial; in one of so many trials it is the other way that is tried. */
const TRIAL_ROUNDS = 16;
const TRIALS_PER_CHANGE = 12;
/** To wait must be so much better. */
const GAIN_MIN = 1.1;
/** A pause that no wait explains, in µs: what was measured before is not comparable. */
const PAUSE_US_MIN = 20_000;
/** The weight of the last one in what is usual. */
const SYNC_WEIGHT = 1 / 8;
const TRIAL_WEIGHT = 1 / 2;

export class SyncGathering {
  /** Due if nobody comes any more. */
  readonly #timer: Timer;
  /** Who has written in this trial, and how many that were in the one before. */
  readonly #writers = new Set<number>();
  #usualCount = 0;
  /** Writers that have come since the last sync began, and those whom it was for. */
  #comeCount = 0;
  #syncedCount = 0;
  #usualUs = 0;
  #beganUs = 0;
  #endedUs = 0;
  /** So many writers are waited for, until then; 0: none. */
  #awaitedCount = 0;
  #awaitedUntilUs = 0;
  /** The trial under way: whether it waits, since when, rounds and writers so far. */
  #waits = false;
  #trialBeganUs = 0;
  #trialRounds = 0;
  #trialWriters = 0;
  #trials = 0;
  /** Writers per µs with and without waiting; 0: not known. */
  #waitingRate = 0;
  #plainRate = 0;

  /** `wake` is called when a wait is over because of the time. */
  constructor(timers: Timers, wake: () => void) {
    this.#timer = timers.create(() => {
      this.#awaitedUntilUs = 0;
      wake();
    });
  }

  /** A client has written that had not done so in this round; by its id. */
  wrote(clientId: number): void {
    this.#comeCount++;
    this.#writers.add(clientId);
  }

  /** Whether the next sync had better not begin yet. */
  isWaiting(): boolean {
    if (this.#comeCount >= this.#awaitedCount) return false;
    const leftUs = this.#awaitedUntilUs - clock.monotonicUs();
    if (leftUs <= 0) return false;
    if (!this.#timer.isRunning) this.#timer.start(Math.ceil(leftUs / 1000));
    return true;
  }

  /** A sync begins for all who have come. */
  began(): void {
    this.#awaitedCount = 0;
    if (this.#timer.isRunning) this.#timer.stop();
    this.#beganUs = clock.monotonicUs();
    this.#syncedCount += this.#comeCount;
    this.#comeCount = 0;
    if (this.#beganUs - this.#endedUs > PAUSE_US_MIN) this.#beginTrial(this.#beganUs);
  }

  /** It has ended; whom it was for are answered. */
  ended(): void {
    const nowUs = this.#endedUs = clock.monotonicUs();
    this.#usualUs += (nowUs - this.#beganUs - this.#usualUs) * SYNC_WEIGHT;
    this.#trialWriters += this.#syncedCount;
    if (++this.#trialRounds === TRIAL_ROUNDS) this.#endTrial(nowUs);
    if (this.#waits) {
      this.#awaitedCount = Math.floor(this.#usualCount * ENOUGH);
      const us = Math.min(Math.max(WAIT_US_MIN, this.#usualUs * WAIT_PART), WAIT_US_MAX);
      this.#awaitedUntilUs = nowUs + us;
    }
    this.#syncedCount = 0;
  }

  #beginTrial(nowUs: number): void {
    this.#trialBeganUs = nowUs;
    this.#trialRounds = this.#trialWriters = 0;
    this.#usualCount = this.#writers.size;
    this.#writers.clear();
  }

  #endTrial(nowUs: number): void {
    const rate = this.#trialWriters / Math.max(1, nowUs - this.#trialBeganUs);
    if (this.#waits) this.#waitingRate = newRate(this.#waitingRate, rate);
    else this.#plainRate = newRate(this.#plainRate, rate);
    const isBetter = this.#waitingRate > GAIN_MIN * this.#plainRate;
    const isOther = ++this.#trials % TRIALS_PER_CHANGE === 1;
    this.#waits = isOther ? !isBetter : isBetter;
    this.#beginTrial(nowUs);
  }
}

function newRate(before: number, rate: number): number {
  return before === 0 ? rate : before + (rate - before) * TRIAL_WEIGHT;
}
