/**
 * Keyspace state: what all databases share: the memory they stand in, the listener, the access
 * clock, the counters of hits, misses and changes.
 */
import * as clock from "../base/clock.ts";
import { random } from "../base/random.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as value from "../values/value.ts";
import type { KeyspaceListener } from "./keyspace_listener.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { StreamQueue } from "./stream_queue.ts";

/** Seconds per unit of the LRU clock, as in Redis. */
const LRU_RESOLUTION_MS = 1000;
const CLOCK_MASK = 0xffffff;
/** LFU counter of a new key, so that it is not the first to be evicted. */
const LFU_INITIAL = 5;

/**
 * What becomes of a key whose expiry has passed: it is removed by whoever meets it, and by the
 * expiry cycle; or it is left, and hidden from commands; or shown as if it had none.
 */
export type ExpiryPolicy = "remove" | "hide" | "show";

export class KeyspaceState<Database> {
  readonly arena: Arena;
  readonly reclaimer: Reclaimer;
  /** Streams that have got nodes which may be packed. */
  readonly streams: StreamQueue;
  listener: KeyspaceListener<Database>;
  /** Changes since the last successful save. */
  dirty = 0;
  hitCount = 0;
  missCount = 0;
  expiredCount = 0;
  /** Fields of hashes that were removed because they had expired. */
  expiredFieldCount = 0;
  evictedCount = 0;
  /** What becomes of keys whose expiry has passed; follows from the states below. */
  expiryPolicy: ExpiryPolicy = "remove";
  #isLoading = false;
  #isPaused = false;
  /** Clients may write although there is a master (replica-read-only no). */
  isWritableReplica = false;
  #isReplica = false;
  #isObeying = false;
  /** Accesses are not noted (CLIENT NO-TOUCH). */
  isTouchPaused = false;
  /** Somebody may want to hear that a value was replaced (notify-keyspace-events o, c). */
  announcesOverwrites = false;
  /** Somebody may hear which fields of a hash have changed. */
  announcesFields = false;
  /** Reading a key counts as using it; not with maxmemory-policy *-lrm. */
  notesReads = true;
  /** The access clock counts frequency instead of time (maxmemory-policy *-lfu). */
  usesLfu = false;
  lfuLogFactor = 10;
  /** Minutes until an LFU counter falls by one. */
  lfuDecayTime = 1;

  /** The LRU clock, and when (ms) it moves on. */
  #lruClock = 0;
  #lruNextMs = 0;

  constructor(arena: Arena, listener: KeyspaceListener<Database>, reclaimer: Reclaimer) {
    this.arena = arena;
    this.reclaimer = reclaimer;
    this.streams = new StreamQueue(arena);
    this.listener = listener;
  }

  /** The data set is being loaded: the loader meets expired keys before the expiry cycle does. */
  get isLoading(): boolean {
    return this.#isLoading;
  }

  set isLoading(isLoading: boolean) {
    this.#isLoading = isLoading;
    this.#decideExpiry();
  }

  /** The data set must stand still (CLIENT PAUSE): nothing expires or is evicted. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    this.#decideExpiry();
  }

  /** The data are those of a master, which says by itself what has expired. */
  get isReplica(): boolean {
    return this.#isReplica;
  }

  set isReplica(isReplica: boolean) {
    this.#isReplica = isReplica;
    this.#decideExpiry();
  }

  /**
   * A replica that clients may write to: what has expired is hidden from readers, and removed by
   * who would write to the key.
   */
  get removesToWrite(): boolean {
    return this.isWritableReplica && this.expiryPolicy === "hide";
  }

  /** A replica on which time does not stand still, and that is not being loaded. */
  get removesOwn(): boolean {
    return this.#isReplica && !this.#isPaused && this.expiryPolicy === "hide";
  }

  /** A client changes the data of a replica by itself. */
  get isOwnChange(): boolean {
    return this.isWritableReplica && !this.#isObeying;
  }

  /** The commands that run come from the master: to it a key is there until it says otherwise. */
  get isObeying(): boolean {
    return this.#isObeying;
  }

  set isObeying(isObeying: boolean) {
    this.#isObeying = isObeying;
    this.#decideExpiry();
  }

  #decideExpiry(): void {
    const isShown = this.#isLoading || this.#isObeying;
    const isKept = this.#isPaused || this.#isReplica;
    this.expiryPolicy = isShown ? "show" : isKept ? "hide" : "remove";
  }

  /**
   * Notes an access to a key. While frozen it is not noted: it would clone segments for nothing.
   */
  touch(entry: Ref): void {
    if (this.arena.isFrozen || this.isTouchPaused) return;
    const old = value.accessClock(this.arena, entry);
    const now = this.usesLfu ? this.#lfuAfterAccess(old) : this.lruClock();
    if (now !== old) value.setAccessClock(this.arena, entry, now);
  }

  /** Gives a new entry its first access clock. */
  initializeClock(entry: Ref): void {
    const now = this.usesLfu ? (this.#lfuMinutes() << 8) | LFU_INITIAL : this.lruClock();
    value.setAccessClock(this.arena, entry, now);
  }

  /**
   * Gives the access clock to an entry that takes the place of another with the same key. What is
   * overwritten was used: the frequency goes on, as in Redis, or a key that is often written would
   * look as if it were new.
   */
  inheritClock(old: Ref, entry: Ref): void {
    if (!this.usesLfu) return this.initializeClock(entry);
    value.setAccessClock(this.arena, entry, value.accessClock(this.arena, old));
    this.touch(entry);
  }

  /**
   * Gives an entry what was saved of its access clock: seconds since the last access, or an LFU
   * counter; -1 if it is not known. What does not fit the present policy is passed over. More
   * seconds than the clock has are counted round by round.
   */
  restoreAccess(entry: Ref, idleSeconds: number, frequency: number): void {
    if (this.usesLfu) {
      if (frequency < 0) return;
      value.setAccessClock(this.arena, entry, (this.#lfuMinutes() << 8) | frequency);
    } else if (idleSeconds !== -1) {
      const then = this.lruClock() - idleSeconds;
      // Redis: a clock that would be negative is put forward by a round less one second.
      const shifted = then < 0 ? then + CLOCK_MASK : then;
      const round = CLOCK_MASK + 1;
      value.setAccessClock(this.arena, entry, ((shifted % round) + round) % round);
    }
  }

  /** The LRU clock: seconds, modulo 2^24. */
  lruClock(): number {
    const nowMs = clock.nowMs();
    if (nowMs >= this.#lruNextMs || nowMs < this.#lruNextMs - LRU_RESOLUTION_MS) {
      const seconds = Math.floor(nowMs / LRU_RESOLUTION_MS);
      this.#lruClock = seconds & CLOCK_MASK;
      this.#lruNextMs = (seconds + 1) * LRU_RESOLUTION_MS;
    }
    return this.#lruClock;
  }

  /** Milliseconds since the last access of an entry, by the LRU clock (OBJECT IDLETIME). */
  idleMs(entry: Ref): number {
    const now = this.lruClock();
    const then = value.accessClock(this.arena, entry);
    return (now >= then ? now - then : now + (CLOCK_MASK - then)) * LRU_RESOLUTION_MS;
  }

  /** The LFU counter of an entry after the decay that is due (OBJECT FREQ). */
  lfuCounter(entry: Ref): number {
    return this.#decayed(value.accessClock(this.arena, entry));
  }

  #lfuMinutes(): number {
    return Math.floor(clock.nowMs() / 60000) & 0xffff;
  }

  #decayed(lfu: number): number {
    const then = lfu >>> 8;
    const now = this.#lfuMinutes();
    const elapsed = now >= then ? now - then : 65535 - then + now;
    const periods = this.lfuDecayTime > 0 ? Math.floor(elapsed / this.lfuDecayTime) : 0;
    return Math.max(0, (lfu & 255) - periods);
  }

  /** Logarithmic counter (Redis, LFULogIncr): the higher it is, the rarer it rises. */
  #lfuAfterAccess(lfu: number): number {
    let counter = this.#decayed(lfu);
    if (counter < 255) {
      const base = Math.max(0, counter - LFU_INITIAL);
      if (random.double() < 1 / (base * this.lfuLogFactor + 1)) counter++;
    }
    return (this.#lfuMinutes() << 8) | counter;
  }
}
