/**
 * Cron: what happens by itself, ten times a second (`hz`), as a list (Redis: serverCron).
 *
 * What needs finer time has a timer of its own (base/timers.ts); here it is what goes on in slices:
 * values that were deleted are given back, so are idle segments, and an eviction that takes long.
 *
 * ALONE. A server that has had no clients for some seconds, no master and nothing that expires
 * ticks less often, until somebody comes: nobody can tell, and a tick whose code has left the
 * processor's caches takes 0.2 ms, which is most of what an idle server takes.
 */
import * as clock from "../base/clock.ts";
import type { Timer } from "../base/timers.ts";
import {
  REDIS_BLOCKED,
  REDIS_MASTER,
  REDIS_MONITOR,
  REDIS_PUBSUB,
  REDIS_REPLICA,
} from "../session/client.ts";
import type { Host } from "../session/host.ts";
import * as dict from "../structures/dict.ts";

/** Elements given back per slice, and the pause between slices: about a tenth of the time. */
const RECLAIM_COUNT = 4096;
const RECLAIM_PAUSE_MS = 1;
/** Slices of an eviction in a row, each of half a millisecond unless configured, and a pause. */
const EVICTION_SLICES = 3;
const EVICTION_PAUSE_MS = 1;
/** Pause between steps over expired fields, each of a millisecond: about half of the time. */
const FIELD_EXPIRY_PAUSE_MS = 1;
/** Clients looked after per tick, at least. */
const CLIENTS_PER_TICK_MIN = 50;
const CLIENT_ROUND_MS = 5000;
/** Clients that send nothing because they wait for something. */
const MAY_BE_SILENT = REDIS_BLOCKED | REDIS_PUBSUB | REDIS_MONITOR | REDIS_REPLICA | REDIS_MASTER;
/** How often memory is looked at. */
const MEMORY_PERIOD_MS = 1000;
/** Time without clients after which a server is alone: what they have begun is done. */
const ALONE_AFTER_MS = 5000;
/** Pause between ticks then. What is done once a second must not come late. */
const ALONE_PERIOD_MS = 500;

/** What it uses of the host. */
type CronHost = Pick<
  Host,
  | "activeDefrag"
  | "arena"
  | "blocking"
  | "clients"
  | "config"
  | "evictor"
  | "expireCycle"
  | "keyspace"
  | "latency"
  | "log"
  | "masterLink"
  | "memoryLimit"
  | "memoryReturn"
  | "migrationSockets"
  | "outputLimits"
  | "persistence"
  | "process"
  | "replication"
  | "statistics"
  | "streamPacker"
  | "timers"
  | "turn"
>;

export class Cron {
  readonly #host: CronHost;
  readonly #timer: Timer;
  readonly #reclaimTimer: Timer;
  readonly #evictionTimer: Timer;
  readonly #fieldExpiryTimer: Timer;
  /** When the next tick is due, in ms of `timers.nowMs`. */
  #nextTickMs = 0;
  /** When there was last a client, or something to do, in ms of `timers.nowMs`. */
  #neededMs = 0;
  #clientIds: Iterator<number> | null = null;
  #ticks = 0;
  #memoryMs = 0;

  constructor(host: CronHost) {
    this.#host = host;
    const { timers } = host;
    this.#timer = timers.create(() => {
      this.tick();
      this.#startTimer();
    });
    this.#reclaimTimer = timers.create(() => this.#reclaim());
    this.#evictionTimer = timers.create(() => this.#continueEviction());
    this.#fieldExpiryTimer = timers.create(() => this.#stepFieldExpiry());
  }

  /** Number of ticks since the start. */
  get ticks(): number {
    return this.#ticks;
  }

  start(): void {
    this.#nextTickMs = this.#neededMs = this.#host.timers.nowMs;
    this.#startTimer();
  }

  /** Somebody has come: ticks are needed at the usual pace again. */
  wake(): void {
    const { config, timers: { nowMs } } = this.#host;
    this.#neededMs = nowMs;
    if (!this.#timer.isRunning || this.#nextTickMs - nowMs <= 1000 / config.hz) return;
    this.#nextTickMs = nowMs;
    this.#startTimer();
  }

  /** Keeps the pace, although a tick may be late; those that were missed are not made up for. */
  #startTimer(): void {
    const { config, timers: { nowMs } } = this.#host;
    if (this.#isNeeded()) this.#neededMs = nowMs;
    const isAlone = nowMs - this.#neededMs > ALONE_AFTER_MS;
    const periodMs = Math.max(1000 / config.hz, isAlone ? ALONE_PERIOD_MS : 0);
    this.#nextTickMs += periodMs;
    if (this.#nextTickMs < nowMs) this.#nextTickMs = nowMs + periodMs;
    this.#timer.start(this.#nextTickMs - nowMs);
  }

  /** Whether somebody could tell how often it ticks. */
  #isNeeded(): boolean {
    const { arena, clients, keyspace, masterLink } = this.#host;
    return clients.size > 0 || masterLink.address !== null ||
      keyspace.databases.some(({ expires, expiryOrder }) =>
        dict.count(arena, expires) > 0 || expiryOrder.count > 0
      );
  }

  stop(): void {
    this.#timer.stop();
    this.#reclaimTimer.stop();
    this.#evictionTimer.stop();
    this.#fieldExpiryTimer.stop();
    this.#host.activeDefrag.stop();
    this.#host.streamPacker.stop();
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
    host.replication.tick(nowMs);
    host.process.tick(nowMs);
    host.blocking.expireWaiting();
    host.blocking.wakeDue();
    host.turn.schedule();
    this.scheduleReclaim();
    host.streamPacker.tick();
    // A clock that was set back must not stop it.
    if (Math.abs(nowMs - this.#memoryMs) >= MEMORY_PERIOD_MS) {
      this.#memoryMs = nowMs;
      host.memoryReturn.tick(nowMs, host.statistics.commandRate.perSecond);
      host.activeDefrag.tick();
      host.masterLink.tick(nowMs);
      host.migrationSockets.closeIdle(nowMs);
    }
  }

  /**
   * Makes sure that what was deleted, what was freed while a child read, and segments that are not
   * needed any more are given back soon: a slice of each at a time.
   */
  scheduleReclaim(): void {
    const { keyspace, persistence, memoryReturn } = this.#host;
    const isDone = keyspace.reclaimer.pendingCount === 0 &&
      !persistence.child.hasDeferredBlocks && !memoryReturn.hasSurplus;
    if (!isDone && !this.#reclaimTimer.isRunning) this.#reclaimTimer.start(RECLAIM_PAUSE_MS);
  }

  #reclaim(): void {
    const { keyspace, persistence, memoryReturn } = this.#host;
    const isMoreDeleted = keyspace.reclaimer.step(RECLAIM_COUNT);
    const isMoreIdle = memoryReturn.step();
    if (persistence.child.step() || isMoreDeleted || isMoreIdle) this.scheduleReclaim();
  }

  /**
   * An eviction that ran out of time goes on although no command asks for memory: here, and then in
   * slices (Redis: evictionTimeProc). Not while clients are paused; the next tick will see.
   */
  #continueEviction(): void {
    const { evictor, keyspace, memoryLimit, turn } = this.#host;
    if (!evictor.isRunning || this.#evictionTimer.isRunning) return;
    let mayGoOn = !keyspace.isPaused;
    for (let slice = 0; slice < EVICTION_SLICES && mayGoOn; slice++) {
      mayGoOn = memoryLimit.freeMemoryIfNeeded() && evictor.isRunning;
    }
    turn.schedule();
    if (mayGoOn) this.#evictionTimer.start(EVICTION_PAUSE_MS);
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
    if (!this.#host.expireCycle.areFieldsBehind || this.#fieldExpiryTimer.isRunning) return;
    this.#fieldExpiryTimer.start(FIELD_EXPIRY_PAUSE_MS);
  }

  #stepFieldExpiry(): void {
    const { expireCycle, turn } = this.#host;
    clock.refresh();
    this.#observeExpiry(() => expireCycle.stepFields());
    turn.schedule();
    this.scheduleReclaim();
    this.#continueFieldExpiry();
  }

  #sample(nowMs: number): void {
    const { statistics, memoryLimit: { usedBytes } } = this.#host;
    statistics.commandRate.sample(statistics.commandsProcessed, nowMs);
    statistics.inputRate.sample(statistics.inputBytes + statistics.replicationInputBytes, nowMs);
    statistics.outputRate.sample(statistics.outputBytes + statistics.replicationOutputBytes, nowMs);
    statistics.turnRate.sample(statistics.turns, nowMs);
    statistics.turnTimeRate.sample(statistics.turnsUs, nowMs);
    statistics.replicationInputRate.sample(statistics.replicationInputBytes, nowMs);
    statistics.replicationOutputRate.sample(statistics.replicationOutputBytes, nowMs);
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
    const { clients, config, log, statistics } = host;
    const client = clients.get(id);
    if (client === undefined) return;
    statistics.inputBufferBytes.note(client.query.pendingBytes, nowMs);
    statistics.outputBufferBytes.note(client.reply.length + client.outputPendingBytes, nowMs);
    // A client above its soft limit may have no output of its own that would be looked at.
    const hasOutput = client.outputPendingBytes > 0 || client.outputSource !== null;
    if (hasOutput && host.outputLimits.closeIfReached(client)) return;
    const idleMs = nowMs - client.lastInteractionMs;
    const mayTimeOut = (client.flags & MAY_BE_SILENT) === 0;
    if (config.timeout > 0 && mayTimeOut && idleMs > config.timeout * 1000) {
      log.verbose("Closing idle client");
      client.transport.close();
    }
  }
}
