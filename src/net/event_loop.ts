/**
 * Event loop: waits for sockets and deadlines in epoll, serves them, and lets the runtime have its
 * turns. It lives within the runtime's loop:
 *
 *   tick = wait → handlers → (the turn ends, a microtask) → tick, a microtask
 *
 * so that under load nothing of the runtime runs between two rounds. It runs
 *
 *   - when one of its sources has something (runtime_wake.ts), and every 100 ms under load, each
 *     second without; behind the replies of the round, which go out first;
 *   - for one round (a "hop") before a long wait and every 20 ms: handlers may have begun something
 *     that the runtime does not know of before its next round.
 *
 * COALESCING. When many clients each wait for a reply before they send again, a server that is as
 * quick as they are is woken for each request. A sleep of 20 µs before a wait lets several come
 * together, as network cards do it. It is left out where it would only delay: for a client alone,
 * when few or most clients have come, after a round with many commands. "Most" is of those that
 * came within the last 20 to 40 ms: a pool of connections may have hundreds that wait for work.
 *
 * Deadlines are those of base/timers.ts; while the loop runs, the runtime's timer is not used.
 */
import * as clock from "../base/clock.ts";
import type { Host } from "../session/host.ts";
import { EINTR, type Libc, openLibc } from "./libc.ts";
import { EPOLLIN, Poller, PollEvents } from "./poller.ts";
import { RuntimeWake } from "./runtime_wake.ts";

const EVENTS_MAX = 512;
/** Within a command fewer are served at a time. */
const NESTED_EVENTS_MAX = 64;
/** Longest wait while the runtime may not know of all that has been begun. */
const UNCLEAN_WAIT_MS = 5;
/** Longest wait at all. */
const WAIT_MS_MAX = 1000;
const HOP_PERIOD_MS = 20;
const YIELD_PERIOD_MS = 100;
/** A yield wakes more than a hop; what nobody waits for (timers of node:tls) may be so late. */
const IDLE_YIELD_PERIOD_MS = 1000;
const COALESCING_US = 20;
/**
 * Less than a sixth of the clients in a round means that they come when they like, and not because
 * they were answered: they would wait for nothing. At a fixed rate of 50,000 requests a second over
 * fifty connections half of them took 0.12 ms instead of 0.03 (scripts/bench/latency_parts.ts).
 */
const SHARE_MIN = 6;
/** Who has come within such a time counts as somebody who takes part. */
const ACTIVE_PERIOD_MS = 20;
/** After a round with more commands than this there is enough to do. */
const COALESCED_COMMANDS_MAX = 128;

/** Numbers of periods come again after this; a power of two less one. */
const PERIOD_MAX = 0x3fffffff;

const PR_SET_TIMERSLACK = 29;

/** What is told of events. */
export interface EventSource {
  /** `bits` (EPOLL…) are the case. `isNested`: a command is running, and waits meanwhile. */
  onEvents(bits: number, isNested: boolean): void;
}

/** What it uses of the host, when there is one. */
type LoopHost = Pick<Host, "statistics" | "timers">;

export class EventLoop {
  readonly libc: Libc;
  readonly #poller: Poller;
  readonly #runtime: RuntimeWake;
  readonly #events = new PollEvents(EVENTS_MAX);
  readonly #nestedEvents = new PollEvents(NESTED_EVENTS_MAX);
  /** By descriptor: who is told, and the stamp it was added with. */
  readonly #sources: (EventSource | undefined)[] = [];
  readonly #stamps: number[] = [];
  #lastStamp = 0;
  #host!: LoopHost;
  #isRunning = false;
  #isNested = false;
  /** One of the runtime's sources has something. */
  #mustYield = false;
  /** Promises were settled: what follows from it comes before the next wait. */
  #mustSettle = false;
  /** The runtime has seen everything that was begun. */
  #isClean = false;
  #hopMs = 0;
  #yieldMs = 0;
  /** Nothing came in the round before. */
  #wasIdle = false;
  #lastCount = 0;
  /** By descriptor: the period in which it had events last. */
  readonly #periods: number[] = [];
  #period = 1;
  #periodMs = 0;
  /** Descriptors that had events in this period and in the one before. */
  #activeNow = 0;
  #activeBefore = 0;
  #lastCommands = 0;

  private constructor(libc: Libc, poller: Poller, runtime: RuntimeWake) {
    this.libc = libc;
    this.#poller = poller;
    this.#runtime = runtime;
    this.add(runtime.descriptor, EPOLLIN, { onEvents: () => this.#mustYield = true });
  }

  /**
   * Makes a loop, having tried that it works. Resolves with null if the permission is not granted
   * or the system is another; rejects with an Error if it should work here, and does not.
   */
  static async open(): Promise<EventLoop | null> {
    const libc = openLibc();
    if (libc === null) return null;
    const runtime = await RuntimeWake.open(libc);
    // Else the kernel makes of 20 µs some 70.
    libc.prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n);
    return new EventLoop(libc, new Poller(libc), runtime);
  }

  /** Watches a descriptor for events; false if the kernel cannot. */
  add(fd: number, bits: number, source: EventSource): boolean {
    const stamp = this.#lastStamp = (this.#lastStamp + 1) | 0;
    if (!this.#poller.add(fd, bits, stamp)) return false;
    this.#sources[fd] = source;
    this.#stamps[fd] = stamp;
    this.#periods[fd] = 0;
    return true;
  }

  /** Watches a descriptor for other events than before. */
  modify(fd: number, bits: number): void {
    this.#poller.modify(fd, bits, this.#stamps[fd]!);
  }

  /** The descriptor is about to be closed. */
  forget(fd: number): void {
    this.#sources[fd] = undefined;
  }

  /** A source has settled a promise: what waits for that runs before the loop waits again. */
  settle(): void {
    this.#mustSettle = true;
  }

  /** Begins to serve; the deadlines of the host's timers are kept from now on. */
  run(host: LoopHost): void {
    this.#host = host;
    this.#isRunning = true;
    host.timers.isDriven = true;
    this.#tick();
  }

  close(): void {
    if (this.#isRunning) this.#host.timers.isDriven = false;
    this.#isRunning = false;
    this.#poller.close();
    this.#runtime.close();
  }

  /** Serves what is ready now, from inside of a running command. */
  pollOnce(): void {
    if (this.#isNested) return;
    this.#isNested = true;
    try {
      const count = this.#poller.wait(this.#nestedEvents, 0);
      this.#serve(this.#nestedEvents, count, true);
    } finally {
      this.#isNested = false;
    }
  }

  readonly #tick = (): void => {
    if (!this.#isRunning) return;
    const { timers } = this.#host;
    const longestMs = this.#isClean ? WAIT_MS_MAX : UNCLEAN_WAIT_MS;
    const waitMs = Math.min(timers.waitMs, longestMs);
    if (waitMs > 0 && this.#mayCoalesce()) this.libc.usleep(COALESCING_US);
    const count = this.#poller.wait(this.#events, waitMs);
    if (count < 0) this.#onFailedWait();
    this.#lastCount = count;
    if (count > 0) {
      this.#isClean = false;
      this.#serve(this.#events, count, false);
    }
    const nowMs = clock.runtimeMs();
    if (nowMs - this.#periodMs >= ACTIVE_PERIOD_MS) this.#beginPeriod(nowMs);
    if (timers.nextDeadlineMs <= nowMs) {
      this.#isClean = false;
      timers.runDue(nowMs);
    }
    this.#goOn(nowMs, count <= 0);
  };

  /** The next tick: after a round of the runtime, if that is due. */
  #goOn(nowMs: number, isIdle: boolean): void {
    // The first request after a pause is no load.
    const yieldPeriodMs = isIdle || this.#wasIdle ? IDLE_YIELD_PERIOD_MS : YIELD_PERIOD_MS;
    this.#wasIdle = isIdle;
    if (this.#mustYield || nowMs - this.#yieldMs > yieldPeriodMs) {
      this.#mustYield = false;
      queueMicrotask(this.#yield);
    } else if (
      this.#mustSettle || (isIdle ? !this.#isClean : nowMs - this.#hopMs > HOP_PERIOD_MS)
    ) {
      this.#mustSettle = false;
      setImmediate(this.#afterHop);
    } else {
      queueMicrotask(this.#tick);
    }
  }

  readonly #yield = (): void => {
    if (this.#isRunning) this.#runtime.yield(this.#afterYield);
  };

  /** What came for the runtime at the end of the yield is seen by it after one round more. */
  readonly #afterYield = (): void => {
    this.#yieldMs = this.#hopMs = clock.runtimeMs();
    this.#isClean = false;
    this.#tick();
  };

  readonly #afterHop = (): void => {
    this.#isClean = true;
    this.#hopMs = clock.runtimeMs();
    this.#tick();
  };

  #serve(events: PollEvents, count: number, isNested: boolean): void {
    for (let index = 0; index < count; index++) {
      const fd = events.descriptor(index);
      // What was closed a moment ago, its number being another's now, is meant no more.
      if (this.#stamps[fd] !== events.stamp(index)) continue;
      if (this.#periods[fd] !== this.#period) {
        this.#periods[fd] = this.#period;
        this.#activeNow++;
      }
      this.#sources[fd]?.onEvents(events.bits(index), isNested);
    }
  }

  #beginPeriod(nowMs: number): void {
    const isNext = nowMs - this.#periodMs < 2 * ACTIVE_PERIOD_MS;
    this.#periodMs = nowMs;
    this.#period = (this.#period + 1) & PERIOD_MAX;
    this.#activeBefore = isNext ? this.#activeNow : 0;
    this.#activeNow = 0;
  }

  /** Whether many clients take part, some have come, and there is time for more. */
  #mayCoalesce(): boolean {
    const { statistics: { commandsProcessed } } = this.#host;
    const active = Math.max(this.#activeBefore, this.#activeNow);
    const commands = commandsProcessed - this.#lastCommands;
    this.#lastCommands = commandsProcessed;
    const count = this.#lastCount;
    return count > 1 && count * SHARE_MIN >= active && count < active >> 1 &&
      commands < COALESCED_COMMANDS_MAX;
  }

  /** A signal came first: the runtime knows of it, and its handler must run. */
  #onFailedWait(): void {
    const errno = this.libc.errno();
    if (errno !== EINTR) throw new Error(`epoll_wait: ${this.libc.errorText(errno)}`);
    this.#mustYield = true;
  }
}
