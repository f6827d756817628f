/**
 * Active expiry: removes keys whose time has passed and that nobody asks for any more. (Those that
 * somebody asks for are removed when they are met; see database.ts.)
 *
 * The method is that of Redis 7.0. A cycle walks the dict of expiries of one database after the
 * other with a SCAN cursor, a few keys at a time, and goes on with a database as long as more than
 * a tenth of what it sampled had expired; so the share of dead keys stays below that, whatever
 * their number.
 *
 *   slow   from cron, `hz` times a second; may take a quarter of the time (by effort, up to 43 %)
 *   fast   between turns; up to a millisecond (3.25 ms), and only if the last cycle ran out of time
 *          or too many keys are stale
 *
 * Fields of hashes that have expired go before keys (field_expiry.ts). On a replica no key goes but
 * those of its own clients (own_expiries.ts).
 *
 * `active-expire-effort` (1 to 10) raises all these limits. Entries are collected during a step of
 * the scan and removed after it, for a dict must not change while it is visited.
 */
import * as clock from "../base/clock.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as value from "../values/value.ts";
import type { Database } from "./database.ts";
import { FieldExpiryCycle } from "./field_expiry.ts";
import type { Keyspace } from "./keyspace.ts";
import { OwnExpiries } from "./own_expiries.ts";

const KEYS_PER_LOOP = 20;
const FAST_DURATION_US = 1000;
const SLOW_TIME_PERCENT = 25;
const ACCEPTABLE_STALE_PERCENT = 10;
/** Databases visited by one cycle, unless the last one ran out of time. */
const DATABASES_PER_CALL = 16;
/** Buckets looked at per key wanted, lest an almost empty table takes for ever. */
const BUCKETS_PER_KEY = 20;
/** The clock is read once per so many loops (a power of two). */
const LOOPS_PER_CLOCK_READING = 16;
/** Weights of the newest sample in the two moving averages. */
const STALE_WEIGHT = 0.05;
const TTL_WEIGHT = 0.02;

export type ExpireCycleKind = "slow" | "fast";

export class ExpireCycle {
  /** Config active-expire-effort, 1 to 10. */
  effort = 1;
  /** Slow cycles per second, which share a second's budget. */
  hz = 10;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isEnabled = true;
  /** Estimated percentage of keys with an expiry that have expired (INFO expired_stale_perc). */
  stalePercentage = 0;
  /** Cycles that ran out of time (INFO expired_time_cap_reached_count). */
  timeCapReachedCount = 0;
  /** Time spent in cycles, in µs (INFO expire_cycle_cpu_milliseconds). */
  usedUs = 0;

  /** Keys to which clients of this replica have given an expiry. */
  readonly own: OwnExpiries;
  readonly #keyspace: Keyspace;
  readonly #fields: FieldExpiryCycle;
  readonly #cursors: Float64Array;
  readonly #averageTtlMs: Float64Array;
  #nextDatabase = 0;
  #ranOutOfTime = false;
  #lastFastUs = -Infinity;

  /** What a step of the scan has found; `#visit` fills it. */
  readonly #due: Ref[] = [];
  #sampledCount = 0;
  #ttlSumMs = 0;
  readonly #visit = (entry: Ref): void => {
    this.#sampledCount++;
    const ttlMs = value.expiryOf(this.#keyspace.arena, entry) - clock.nowMs();
    if (ttlMs < 0) this.#due.push(entry);
    else this.#ttlSumMs += ttlMs;
  };

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.own = new OwnExpiries(keyspace);
    this.#fields = new FieldExpiryCycle(keyspace);
    this.#cursors = new Float64Array(keyspace.databases.length);
    this.#averageTtlMs = new Float64Array(keyspace.databases.length);
  }

  /** Estimated mean time to live, in ms, of the keys of a database that expire (INFO keyspace). */
  averageTtlMs(databaseIndex: number): number {
    return Math.floor(this.#averageTtlMs[databaseIndex]);
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.stalePercentage = 0;
    this.timeCapReachedCount = 0;
    this.usedUs = 0;
  }

  /** Whether more fields had expired than the last step over them could remove. */
  get areFieldsBehind(): boolean {
    return this.#fields.isBehind;
  }

  /** Removes expired fields of hashes, for about a millisecond (3.25 ms, by effort). */
  stepFields(): void {
    if (!this.isEnabled || this.#keyspace.expiryPolicy !== "remove") return;
    const startUs = clock.monotonicUs();
    this.#fields.step(startUs + this.#budgetUs("fast"));
    this.usedUs += clock.monotonicUs() - startUs;
  }

  /** Runs one cycle; nothing if expired keys are not to be removed now. */
  run(kind: ExpireCycleKind): void {
    if (!this.isEnabled) return;
    if (this.#keyspace.expiryPolicy !== "remove") {
      if (kind === "slow" && this.#keyspace.removesOwn) this.own.step();
      return;
    }
    if (kind === "slow") {
      // They are like all others once the replica is a master.
      this.own.forgetAll();
      this.stepFields();
    }
    const startUs = clock.monotonicUs();
    if (kind === "fast" && !this.#mayRunFast(startUs)) return;
    const deadlineUs = startUs + this.#budgetUs(kind);
    const { databases } = this.#keyspace;
    const visits = this.#ranOutOfTime
      ? databases.length
      : Math.min(DATABASES_PER_CALL, databases.length);
    this.#ranOutOfTime = false;
    let sampled = 0;
    let expired = 0;
    for (let visit = 0; visit < visits && !this.#ranOutOfTime; visit++) {
      const db = databases[this.#nextDatabase];
      this.#nextDatabase = (this.#nextDatabase + 1) % databases.length;
      const expiredBefore = this.#keyspace.expiredCount;
      sampled += this.#expireDatabase(db, deadlineUs);
      expired += this.#keyspace.expiredCount - expiredBefore;
    }
    this.usedUs += clock.monotonicUs() - startUs;
    const stale = sampled === 0 ? 0 : (expired / sampled) * 100;
    this.stalePercentage += (stale - this.stalePercentage) * STALE_WEIGHT;
  }

  #acceptableStalePercentage(): number {
    return ACCEPTABLE_STALE_PERCENT - (this.effort - 1);
  }

  #budgetUs(kind: ExpireCycleKind): number {
    const extra = this.effort - 1;
    if (kind === "fast") return FAST_DURATION_US + (FAST_DURATION_US / 4) * extra;
    return Math.max(1, ((SLOW_TIME_PERCENT + 2 * extra) * 10_000) / this.hz);
  }

  /** Whether the last cycle left so much to do that a fast one is worth while. */
  get isBehind(): boolean {
    return this.#ranOutOfTime || this.stalePercentage >= this.#acceptableStalePercentage();
  }

  /** Whether a fast cycle is worth while, and the last one long enough ago. */
  #mayRunFast(nowUs: number): boolean {
    if (!this.isBehind) return false;
    if (nowUs < this.#lastFastUs + 2 * this.#budgetUs("fast")) return false;
    this.#lastFastUs = nowUs;
    return true;
  }

  /** Goes on with one database until few keys are stale or time is up; returns keys sampled. */
  #expireDatabase(db: Database, deadlineUs: number): number {
    const keysPerLoop = KEYS_PER_LOOP + (KEYS_PER_LOOP / 4) * (this.effort - 1);
    let total = 0;
    for (let loop = 1;; loop++) {
      const count = dict.count(db.arena, db.expires);
      if (count === 0) {
        this.#averageTtlMs[db.index] = 0;
        return total;
      }
      const expired = this.#sample(db, Math.min(count, keysPerLoop));
      total += this.#sampledCount;
      if (loop % LOOPS_PER_CLOCK_READING === 0 && clock.monotonicUs() > deadlineUs) {
        this.#ranOutOfTime = true;
        this.timeCapReachedCount++;
        return total;
      }
      const limit = this.#sampledCount * this.#acceptableStalePercentage();
      if (this.#sampledCount > 0 && expired * 100 <= limit) return total;
    }
  }

  /** Looks at about `wanted` keys from the cursor on; returns how many of them it removed. */
  #sample(db: Database, wanted: number): number {
    this.#sampledCount = 0;
    this.#ttlSumMs = 0;
    let expired = 0;
    for (let buckets = 0; this.#sampledCount < wanted && buckets < wanted * BUCKETS_PER_KEY;) {
      this.#cursors[db.index] = dict.scan(
        db.arena,
        db.expires,
        this.#cursors[db.index],
        this.#visit,
      );
      buckets++;
      expired += this.#due.length;
      for (let index = 0; index < this.#due.length; index++) db.removeExpired(this.#due[index]);
      this.#due.length = 0;
    }
    const living = this.#sampledCount - expired;
    if (living > 0) this.#noteTtl(db.index, this.#ttlSumMs / living);
    return expired;
  }

  #noteTtl(databaseIndex: number, ttlMs: number): void {
    const average = this.#averageTtlMs[databaseIndex];
    this.#averageTtlMs[databaseIndex] = average === 0
      ? ttlMs
      : average + (ttlMs - average) * TTL_WEIGHT;
  }
}
