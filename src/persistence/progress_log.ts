/**
 * Progress log: a line every few seconds about a job that takes long: how far it has come, and how
 * fast. Jobs that are done sooner say nothing.
 */
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";

const INTERVAL_MS = 5000;
const MIB = 1024 * 1024;

export class ProgressLog {
  readonly #log: Log;
  readonly #what: string;
  readonly #beginMs: number;
  #nextMs: number;

  /** `what` is done, as the lines are to begin: "Loading /data/dump.rdb". It begins now. */
  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
    this.#beginMs = clock.refresh();
    this.#nextMs = this.#beginMs + INTERVAL_MS;
  }

  /** Says, if it is time for it, that `done` of `total` is done, which made `byteCount` bytes. */
  update(nowMs: number, done: number, total: number, byteCount: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + INTERVAL_MS;
    const percent = total === 0 ? 100 : Math.floor((done * 100) / total);
    const rate = byteCount / MIB / ((nowMs - this.#beginMs) / 1000);
    this.#log.notice(`${this.#what}: ${percent} %, ${rate.toFixed(1)} MB/s`);
  }
}
