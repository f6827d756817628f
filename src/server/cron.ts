/**
 * Cron: what happens by itself, ten times a second (`hz`), as a list (Redis: serverCron).
 *
 * Two things need finer time: clients that wait with a timeout have a timer of their own, and large
 * values that were deleted are given back in slices between turns.
 */
import * as clock from "../base/clock.ts";
import { REDIS_BLOCKED, REDIS_MONITOR, REDIS_PUBSUB } from "../session/client.ts";
import type { Host } from "../session/host.ts";

/** Elements given back per slice, and the pause between slices: about a tenth of the time. */
const RECLAIM_COUNT = 4096;
const RECLAIM_PAUSE_MS = 1;
/** Slices of an eviction in a row, each of half a millisecond unless configured, and a pause. */
const EVICTION_SLICES = 3;
const EVICTION_PAUSE_MS = 1;
/** Pause between steps over expired fields, each of a millisecond: about a third of the time. */
const FIELD_EXPIRY_PAUSE_MS = 2;
/** Clients looked after per tick, at least. */
const CLIENTS_PER_TICK_MIN = 50;
const CLIENT_ROUND_MS = 5000;
/** Clients that send nothing because they wait for something. */
const MAY_BE_SILENT = REDIS_BLOCKED | REDIS_PUBSUB | REDIS_MONITOR;
/** How often memory is looked at. */
const MEMORY_PERIOD_MS = 1000;
/** The largest timer that setTimeout can have. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What it uses of the host. */
type CronHost = Pick<
  Host,
  | "activeDefrag"
  | "blocking"
  | "clients"
  | "config"
  | "evictor"
  | "expireCycle"
  | "keyspace"
  | "latency"
  | "log"
  | "memoryLimit"
  | "memoryReturn"
  | "outputLimits"
  | "persistence"
  | "process"
  | "statistics"
  | "turn"
>;

export class Cron {
  readonly #host: CronHost;
  #timer: ReturnType<typeof setInterval> | undefined;
  #reclaimTimer: ReturnType<typeof setTimeout> | undefined;
  #evictionTimer: ReturnType<typeof setTimeout> | undefined;
  #fieldExpiryTimer: ReturnType<typeof setTimeout> | undefined;
  #blockTimer: ReturnType<typeof setTimeout> | undefined;
  #blockTimerDeadlineMs = 0;
  #clientIds: Iterator<number> | null = null;
  #ticks = 0;
  #memoryMs = 0;

  constructor(host: CronHost) {
    this.#host = host;
  }

  /** Number of ticks since the start. */
  get ticks(): number {
    return this.#ticks;
  }

  start(): void {
    const { hz } = this.#host.config;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.tick();
      // The next tick is the first at a pace that CONFIG SET has changed.
      if (this.#host.config.hz !== hz) this.start();
    }, 1000 / hz);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#reclaimTimer);
    clearTimeout(this.#evictionTimer);
    clearTimeout(this.#fieldExpiryTimer);
    clearTimeout(this.#blockTimer);
    this.#host.activeDefrag.stop();
  }

  tick(): void {
    const host = this.#host;
    const nowMs = clock.refresh();
    if (host.process.isCronPaused) return;
    this.#ticks++;
    this.#sample(nowMs);
    this.#expire();
    host.memoryLimit.watch();
    this.#continueEviction();
    this.#watchClients(nowMs);
    host.persistence.tick(nowMs);
    host.blocking.expireWaiting();
    host.turn.schedule();
    this.scheduleReclaim();
    if (nowMs - this.#memoryMs >= MEMORY_PERIOD_MS) {
      this.#memoryMs = nowMs;
      host.memoryReturn.tick(nowMs, host.statistics.commandRate.perSecond);
      host.activeDefrag.tick();
    }
  }

  /**
   * Makes sure that what was deleted, and what was freed while a child read, is given back soon: a
   * slice of each at a time.
   */
  scheduleReclaim(): void {
    const { keyspace, persistence } = this.#host;
    const isDone = keyspace.reclaimer.pendingCount === 0 && !persistence.child.hasDeferredBlocks;
    if (isDone || this.#reclaimTimer !== undefined) return;
    this.#reclaimTimer = setTimeout(() => {
      this.#reclaimTimer = undefined;
      const isMoreDeleted = keyspace.reclaimer.step(RECLAIM_COUNT);
      if (persistence.child.step() || isMoreDeleted) this.scheduleReclaim();
    }, RECLAIM_PAUSE_MS);
  }

  /** Makes sure that a client which waits with a timeout is answered in time. */
  scheduleDeadline(deadlineMs: number): void {
    if (deadlineMs === 0) return;
    if (this.#blockTimerDeadlineMs !== 0 && this.#blockTimerDeadlineMs <= deadlineMs) return;
    clearTimeout(this.#blockTimer);
    this.#blockTimerDeadlineMs = deadlineMs;
    const delayMs = Math.min(Math.max(0, deadlineMs - clock.systemMs()), TIMER_MS_MAX);
    this.#blockTimer = setTimeout(() => {
      this.#blockTimerDeadlineMs = 0;
      clock.refresh();
      this.#host.blocking.expireWaiting();
      this.scheduleDeadline(this.#host.blocking.nextDeadlineMs());
    }, delayMs);
  }

  /**
   * An eviction that ran out of time goes on although no command asks for memory: here, and then in
   * slices (Redis: evictionTimeProc). Not while clients are paused; the next tick will see.
   */
  #continueEviction(): void {
    const { evictor, keyspace, memoryLimit, turn } = this.#host;
    if (!evictor.isRunning || this.#evictionTimer !== undefined) return;
    let mayGoOn = !keyspace.isPaused;
    for (let slice = 0; slice < EVICTION_SLICES && mayGoOn; slice++) {
      mayGoOn = memoryLimit.freeMemoryIfNeeded() && evictor.isRunning;
    }
    turn.schedule();
    if (!mayGoOn) return;
    this.#evictionTimer = setTimeout(() => {
      this.#evictionTimer = undefined;
      this.#continueEviction();
    }, EVICTION_PAUSE_MS);
  }

  #expire(): void {
    const { expireCycle } = this.#host;
    this.#observeExpiry(() => expireCycle.run("slow"));
    this.#continueFieldExpiry();
  }

  #observeExpiry(expire: () => void): void {
    const { expireCycle, latency } = this.#host;
    const usedUs = expireCycle.usedUs;
    expire();
    latency.addIfNeeded("expire-cycle", expireCycle.usedUs - usedUs);
  }

  /** Fields that expire all at once are removed in steps, with room for others between them. */
  #continueFieldExpiry(): void {
    const { expireCycle, turn } = this.#host;
    if (!expireCycle.areFieldsBehind || this.#fieldExpiryTimer !== undefined) return;
    this.#fieldExpiryTimer = setTimeout(() => {
      this.#fieldExpiryTimer = undefined;
      clock.refresh();
      this.#observeExpiry(() => expireCycle.stepFields());
      turn.schedule();
      this.scheduleReclaim();
      this.#continueFieldExpiry();
    }, FIELD_EXPIRY_PAUSE_MS);
  }

  #sample(nowMs: number): void {
    const { statistics, memoryLimit: { usedBytes } } = this.#host;
    statistics.commandRate.sample(statistics.commandsProcessed, nowMs);
    statistics.inputRate.sample(statistics.inputBytes, nowMs);
    statistics.outputRate.sample(statistics.outputBytes, nowMs);
    if (usedBytes > statistics.memoryPeakBytes) statistics.memoryPeakBytes = usedBytes;
  }

  /** Looks after a share of the clients, all of them within five seconds. */
  #watchClients(nowMs: number): void {
    const { clients, config } = this.#host;
    const share = Math.ceil((clients.size * 1000) / config.hz / CLIENT_ROUND_MS);
    const count = Math.min(clients.size, Math.max(CLIENTS_PER_TICK_MIN, share));
    for (let watched = 0; watched < count; watched++) {
      this.#clientIds ??= clients.keys();
      const next = this.#clientIds.next();
      if (next.done === true) this.#clientIds = null;
      else this.#watchClient(next.value, nowMs);
    }
  }

  #watchClient(id: number, nowMs: number): void {
    const host = this.#host;
    const { clients, config, log } = host;
    const client = clients.get(id);
    if (client === undefined) return;
    // A client above its soft limit may have no output of its own that would be looked at.
    if (client.outputPendingBytes > 0 && host.outputLimits.closeIfReached(client)) return;
    const idleMs = nowMs - client.lastInteractionMs;
    const mayTimeOut = (client.flags & MAY_BE_SILENT) === 0;
    if (config.timeout > 0 && mayTimeOut && idleMs > config.timeout * 1000) {
      log.verbose("Closing idle client");
      client.transport.close();
    }
  }
}
