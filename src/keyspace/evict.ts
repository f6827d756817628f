/**
 * Eviction: makes room when the data has grown beyond `maxmemory`, by the policy the user chose.
 *
 *   allkeys-*    any key may go           -lru     the one not used for the longest time
 *   volatile-*   only keys that expire    -lfu     the one used least often
 *   noeviction   none                     -lrm     the one not written for the longest time
 *                                         -random  any
 *                                         -ttl     the one that expires first (volatile only)
 *
 * As in Redis, no order of all keys is kept. A few are drawn at random (`maxmemory-samples`), and
 * the best candidates of all draws so far wait in a pool of sixteen, from which the best one is
 * taken. The pool holds copies of keys, for entries move; a candidate that is gone by then is
 * passed over.
 *
 * Before a key has to go, the memory of values that were deleted already is given back
 * (reclaimer.ts). An evicted value may be large and is itself given back in steps, so this also
 * keeps eviction from taking more keys than needed. What was freed while a frozen image exists
 * counts as free, although the image still holds it: the caller's measure leaves it out.
 */
import * as clock from "../base/clock.ts";
import { random } from "../base/random.ts";
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { DictTouch } from "../structures/dict_touch.ts";
import * as value from "../values/value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

export type EvictionPolicy =
  | "volatile-lru"
  | "volatile-lfu"
  | "volatile-random"
  | "volatile-ttl"
  | "allkeys-lru"
  | "allkeys-lrm"
  | "volatile-lrm"
  | "allkeys-lfu"
  | "allkeys-random"
  | "noeviction";

const POOL_SIZE = 16;
/** Elements given back between two looks at the memory in use. */
const RECLAIM_COUNT = 1024;
/** The clock is read once per so many evictions (a power of two). */
const EVICTIONS_PER_CLOCK_READING = 16;
/** Up to here the time limit grows by 50 µs a step; beyond, by 15 % a step. */
const TENACITY_LINEAR_MAX = 10;
/** No time limit. */
const TENACITY_MAX = 100;
const LFU_COUNTER_MAX = 255;

/** Longer keys have room of their own, which is not kept. */
const KEPT_KEY_BYTES = 256;

/** A place of the pool; used again and again. */
class Candidate {
  db!: Database;
  /** The higher, the better it is to evict. */
  score = 0;
  key: Uint8Array = readyForCopies(new Uint8Array(KEPT_KEY_BYTES));
  keyLength = 0;

  hold(db: Database, { bytes, start, length }: Slice, score: number): void {
    this.db = db;
    this.score = score;
    const isKeptRoom = this.key.length === KEPT_KEY_BYTES;
    if (length > this.key.length || (!isKeptRoom && length <= KEPT_KEY_BYTES)) {
      this.key = readyForCopies(new Uint8Array(Math.max(length, KEPT_KEY_BYTES)));
    }
    copyBytes(bytes, start, this.key, 0, length);
    this.keyLength = length;
  }
}

export class Evictor {
  /** Config maxmemory-samples. */
  samples = 5;
  /** Config maxmemory-eviction-tenacity, 0 to 100. */
  tenacity = 10;
  /** The time limit ended the last call too early; the next should not wait for a command. */
  isRunning = false;

  readonly #keyspace: Keyspace;
  /** Candidates in ascending order of their scores. */
  readonly #pool: Candidate[] = [];
  /** Candidates that are in the pool no more. */
  readonly #spare: Candidate[] = [];
  #sample = new Int32Array(0);
  readonly #touch = new DictTouch();
  readonly #key = new Slice();
  #policy: EvictionPolicy = "noeviction";
  /** Not only from keys that expire. */
  #drawsFromAll = false;
  #drawsAtRandom = false;
  #order: "expiry" | "frequency" | "idle" = "idle";
  /** When the call that runs must end; NaN until it has lasted long enough to ask for the time. */
  #deadlineUs = NaN;
  /** Random policies take their keys from one database after the other. */
  #nextDatabase = 0;
  #victimDatabase: Database;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.#victimDatabase = keyspace.databases[0];
  }

  /** Config maxmemory-policy. */
  get policy(): EvictionPolicy {
    return this.#policy;
  }

  set policy(policy: EvictionPolicy) {
    if (policy === this.#policy) return;
    this.#policy = policy;
    this.#drawsFromAll = policy.startsWith("allkeys");
    this.#drawsAtRandom = policy.endsWith("random");
    this.#order = policy.endsWith("ttl") ? "expiry" : policy.endsWith("lfu") ? "frequency" : "idle";
    // Scores of different policies cannot be compared.
    this.#pool.length = 0;
  }

  /**
   * Brings the memory in use, as `usedBytes` tells it at each call, down to `maxBytes`. Returns
   * false if that is impossible: commands that need memory are to be refused. True also if the
   * time limit came first (`isRunning`): then the rest follows with the next calls.
   */
  freeMemoryIfNeeded(maxBytes: number, usedBytes: () => number): boolean {
    this.isRunning = false;
    if (usedBytes() <= maxBytes) return true;
    this.#deadlineUs = NaN;
    for (let evictions = 1;; evictions++) {
      if (this.#reclaim(maxBytes, usedBytes)) return true;
      const victim = this.#policy === "noeviction" ? 0 : this.#chooseVictim();
      if (victim === 0) return false;
      this.#victimDatabase.removeEvicted(victim);
      if (usedBytes() <= maxBytes) return true;
      if (evictions % EVICTIONS_PER_CLOCK_READING === 0 && this.#isTimeUp()) {
        this.isRunning = true;
        return true;
      }
    }
  }

  /** Gives back what was deleted already; returns whether that is enough or the time is up. */
  #reclaim(maxBytes: number, usedBytes: () => number): boolean {
    const { reclaimer } = this.#keyspace;
    while (reclaimer.pendingCount > 0) {
      reclaimer.step(RECLAIM_COUNT);
      if (usedBytes() <= maxBytes) return true;
      if (this.#isTimeUp()) {
        this.isRunning = true;
        return true;
      }
    }
    return false;
  }

  /**
   * Whether the time limit has come. The time runs from the first question: most calls are over
   * before it, and need no clock.
   */
  #isTimeUp(): boolean {
    const nowUs = clock.monotonicUs();
    if (Number.isNaN(this.#deadlineUs)) this.#deadlineUs = nowUs + this.#timeLimitUs();
    return nowUs >= this.#deadlineUs;
  }

  #timeLimitUs(): number {
    const { tenacity } = this;
    if (tenacity >= TENACITY_MAX) return Infinity;
    if (tenacity <= TENACITY_LINEAR_MAX) return 50 * tenacity;
    return 500 * 1.15 ** (tenacity - TENACITY_LINEAR_MAX);
  }

  /** The entry to evict next, or 0; its database is left in `#victimDatabase`. */
  #chooseVictim(): Ref {
    return this.#drawsAtRandom ? this.#chooseRandom() : this.#chooseBest();
  }

  #chooseRandom(): Ref {
    const { databases } = this.#keyspace;
    for (let tries = 0; tries < databases.length; tries++) {
      const db = databases[this.#nextDatabase];
      this.#nextDatabase = (this.#nextDatabase + 1) % databases.length;
      const entry = dict.randomEntry(db.arena, this.#source(db), random);
      if (entry === 0) continue;
      this.#victimDatabase = db;
      return entry;
    }
    return 0;
  }

  #chooseBest(): Ref {
    for (;;) {
      let isEmpty = true;
      for (const db of this.#keyspace.databases) {
        if (dict.count(db.arena, this.#source(db)) === 0) continue;
        isEmpty = false;
        this.#fillPool(db);
      }
      if (isEmpty) return 0;
      for (let best = this.#pool.pop(); best !== undefined; best = this.#pool.pop()) {
        this.#spare.push(best);
        const entry = best.db.findRaw(best.key, 0, best.keyLength);
        if (entry === 0 || !this.#isEligible(best.db, entry)) continue;
        this.#victimDatabase = best.db;
        return entry;
      }
    }
  }

  /** The dict from which the policy draws. */
  #source(db: Database): Ref {
    return this.#drawsFromAll ? db.keys : db.expires;
  }

  /** A candidate may have lost its expiry since it was put into the pool. */
  #isEligible(db: Database, entry: Ref): boolean {
    return this.#drawsFromAll || value.expiryOf(db.arena, entry) !== value.NO_EXPIRY;
  }

  #fillPool(db: Database): void {
    if (this.#sample.length !== this.samples) this.#sample = new Int32Array(this.samples);
    const count = dict.sampleEntries(db.arena, this.#source(db), random, this.#sample);
    // Entries lie anywhere in memory: one wait for all, not one for each (evict of
    // scripts/bench/micro/command_bench.ts).
    this.#touch.touchBlocks(db.arena, this.#sample, count);
    for (let index = 0; index < count; index++) {
      const entry = this.#sample[index]!;
      this.#offer(db, entry, this.#score(db, entry));
    }
  }

  #score(db: Database, entry: Ref): number {
    if (this.#order === "expiry") return -value.expiryOf(db.arena, entry);
    if (this.#order === "frequency") return LFU_COUNTER_MAX - this.#keyspace.lfuCounter(entry);
    return this.#keyspace.idleMs(entry);
  }

  /** Puts a candidate into its place in the pool, if it is good enough to have one. */
  #offer(db: Database, entry: Ref, score: number): void {
    const pool = this.#pool;
    const isFull = pool.length === POOL_SIZE;
    if (isFull && pool[0]!.score >= score) return;
    const candidate = (isFull ? pool.shift() : this.#spare.pop()) ?? new Candidate();
    dictEntry.readKey(db.arena, entry, this.#key);
    candidate.hold(db, this.#key, score);
    let index = pool.push(candidate) - 1;
    for (; index > 0 && pool[index - 1]!.score >= score; index--) pool[index] = pool[index - 1]!;
    pool[index] = candidate;
  }
}
