/**
 * Cron: what happens by itself, ten times a second (`hz`), as a list (Redis: serverCron).
 *
 * Two things need finer time: clients that wait with a timeout have a timer of their own, and large
 * values that were deleted are given back in slices between turns.
 */
import * as clock from "../base/clock.ts";
import { REDIS_BLOCKED, REDIS_MONITOR, REDIS_PUBSUB } from "../session/client.ts";
import type { Server } from "./server.ts";

/** Elements given back per slice, and the pause between slices: about a tenth of the time. */
const RECLAIM_COUNT = 4096;
const RECLAIM_PAUSE_MS = 1;
/** Clients looked after per tick, at least. */
const CLIENTS_PER_TICK_MIN = 50;
const CLIENT_ROUND_MS = 5000;
/** Clients that send nothing because they wait for something. */
const MAY_BE_SILENT = REDIS_BLOCKED | REDIS_PUBSUB | REDIS_MONITOR;
/** How often memory is looked at. */
const MEMORY_PERIOD_MS = 1000;
/** The largest timer that setTimeout can have. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Cron {
  readonly #server: Server;
  #timer: ReturnType<typeof setInterval> | undefined;
  #reclaimTimer: ReturnType<typeof setTimeout> | undefined;
  #blockTimer: ReturnType<typeof setTimeout> | undefined;
  #blockTimerDeadlineMs = 0;
  #clientIds: Iterator<number> | null = null;
  #ticks = 0;
  #memoryMs = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Number of ticks since the start. */
  get ticks(): number {
    return this.#ticks;
  }

  start(): void {
    const { hz } = this.#server.config;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.tick();
      // The next tick is the first at a pace that CONFIG SET has changed.
      if (this.#server.config.hz !== hz) this.start();
    }, 1000 / hz);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#reclaimTimer);
    clearTimeout(this.#blockTimer);
    this.#server.activeDefrag.stop();
  }

  tick(): void {
    const server = this.#server;
    const nowMs = clock.refresh();
    if (server.isCronPaused) return;
    this.#ticks++;
    this.#sample(nowMs);
    this.#expire();
    server.watchMemory();
    // An eviction that ran out of time goes on although no command asks for memory.
    if (server.evictor.isRunning) server.freeMemoryIfNeeded();
    this.#watchClients(nowMs);
    server.persistence.tick(nowMs);
    server.blocking.expireWaiting();
    server.turn.schedule();
    this.scheduleReclaim();
    if (nowMs - this.#memoryMs >= MEMORY_PERIOD_MS) {
      this.#memoryMs = nowMs;
      server.memoryReturn.tick(nowMs, server.statistics.commandRate.perSecond);
      server.activeDefrag.tick();
    }
  }

  /** Makes sure that what was deleted is given back soon. */
  scheduleReclaim(): void {
    const { keyspace } = this.#server;
    if (keyspace.reclaimer.pendingCount === 0 || this.#reclaimTimer !== undefined) return;
    this.#reclaimTimer = setTimeout(() => {
      this.#reclaimTimer = undefined;
      if (keyspace.reclaimer.step(RECLAIM_COUNT)) this.scheduleReclaim();
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
      this.#server.blocking.expireWaiting();
      this.scheduleDeadline(this.#server.blocking.nextDeadlineMs());
    }, delayMs);
  }

  #expire(): void {
    const { expireCycle, latency } = this.#server;
    const usedUs = expireCycle.usedUs;
    expireCycle.run("slow");
    latency.addIfNeeded("expire-cycle", expireCycle.usedUs - usedUs);
  }

  #sample(nowMs: number): void {
    const { statistics, usedBytes } = this.#server;
    statistics.commandRate.sample(statistics.commandsProcessed, nowMs);
    statistics.inputRate.sample(statistics.inputBytes, nowMs);
    statistics.outputRate.sample(statistics.outputBytes, nowMs);
    if (usedBytes > statistics.memoryPeakBytes) statistics.memoryPeakBytes = usedBytes;
  }

  /** Looks after a share of the clients, all of them within five seconds. */
  #watchClients(nowMs: number): void {
    const { clients, config } = this.#server;
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
    const server = this.#server;
    const { clients, config, log } = server;
    const client = clients.get(id);
    if (client === undefined) return;
    // A client above its soft limit may have no output of its own that would be looked at.
    if (client.outputPendingBytes > 0 && server.outputLimits.closeIfReached(client)) return;
    const idleMs = nowMs - client.lastInteractionMs;
    const mayTimeOut = (client.flags & MAY_BE_SILENT) === 0;
    if (config.timeout > 0 && mayTimeOut && idleMs > config.timeout * 1000) {
      log.verbose("Closing idle client");
      client.transport.close();
    }
  }
}
