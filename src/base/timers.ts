/**
 * Timers: all moments at which the server does something by itself, in one place.
 *
 * Whoever has such a task makes a Timer of it once and starts it as often as it likes. Of all that
 * run, one timer of the runtime is set, for the earliest. An event loop of our own needs not even
 * that: it asks `waitMs` how long it may wait, calls `runDue` when it has waited, and switches the
 * runtime's timer off by `isDriven`.
 *
 * Deadlines go by the runtime's clock, which never jumps; who goes by the date (BLPOP's timeout)
 * looks at it again when its timer is due. A Timer is never early; how late it is depends on how
 * long commands take, and on the runtime, which counts in whole milliseconds.
 *
 * A task that is started while others run waits for the next round, even with no delay: what is
 * ready at the sockets comes between.
 */
import * as clock from "./clock.ts";
import { type Deadlined, DeadlineHeap } from "./deadline_heap.ts";

/** The largest delay that the runtime's timers can have. */
const RUNTIME_MS_MAX = 2 ** 31 - 1;

/** The clock that deadlines go by, and one timer. */
export interface RuntimeTimer {
  nowMs(): number;
  /** Calls `run` once, after so many ms; takes the place of an earlier call. */
  set(delayMs: number, run: () => void): void;
  clear(): void;
}

class DenoTimer implements RuntimeTimer {
  #id: ReturnType<typeof setTimeout> | undefined;

  nowMs(): number {
    return clock.runtimeMs();
  }

  set(delayMs: number, run: () => void): void {
    clearTimeout(this.#id);
    this.#id = setTimeout(run, delayMs);
  }

  clear(): void {
    clearTimeout(this.#id);
  }
}

/** Resolves in the next round of the runtime, behind what is ready at its sockets. */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A task that runs at a moment; made by `Timers.create`. */
export interface Timer {
  /** Runs the task once, `delayMs` from now (at once if that is past), and not when it was to. */
  start(delayMs: number): void;
  /** The task will not run. */
  stop(): void;
  /** It is going to run. */
  readonly isRunning: boolean;
}

export class Timers {
  readonly #runtime: RuntimeTimer;
  readonly #running = new DeadlineHeap<ScheduledTask>();
  /** When the runtime's timer is due; Infinity while none is set. */
  #runtimeDeadlineMs = Infinity;
  #isDriven = false;
  #startCount = 0;

  constructor(runtime: RuntimeTimer = new DenoTimer()) {
    this.#runtime = runtime;
  }

  /** A timer for a task, not started. */
  create(run: () => void): Timer {
    return new ScheduledTask(this, run);
  }

  /** Resolves after so many ms, for what waits in an async function; 0: after the next events. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.create(resolve).start(delayMs));
  }

  /** The moment, in ms of `clock.runtimeMs`. */
  get nowMs(): number {
    return this.#runtime.nowMs();
  }

  /** When the next task is due, in ms of `clock.runtimeMs`; Infinity if none is. */
  get nextDeadlineMs(): number {
    return this.#running.first?.deadlineMs ?? Infinity;
  }

  /** How long nothing is due, in whole ms, rounded up; 0: something is; Infinity: for ever. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(this.nextDeadlineMs - this.nowMs));
  }

  /**
   * Runs the tasks whose deadline is not after `nowMs` (in ms of `clock.runtimeMs`), the earliest
   * first; not those which are started meanwhile.
   */
  runDue(nowMs: number): void {
    const lastOrder = this.#startCount;
    try {
      for (;;) {
        const { first } = this.#running;
        if (first === undefined || first.deadlineMs > nowMs || first.order > lastOrder) break;
        this.#running.remove(first);
        first.run();
      }
    } finally {
      this.#setRuntime();
    }
  }

  /** Whether a loop of our own calls `runDue` in time: the runtime's timer is not needed then. */
  set isDriven(isDriven: boolean) {
    this.#isDriven = isDriven;
    this.#setRuntime();
  }

  /** For a Timer: puts it among those that run. */
  add(task: ScheduledTask, delayMs: number): void {
    this.#running.remove(task);
    task.deadlineMs = this.nowMs + Math.max(0, delayMs);
    task.order = ++this.#startCount;
    this.#running.add(task);
    if (task.heapIndex === 0) this.#setRuntime();
  }

  /** For a Timer: takes it out. */
  remove(task: ScheduledTask): void {
    this.#running.remove(task);
    if (this.#running.size === 0) this.#setRuntime();
  }

  /**
   * Sees that the runtime's timer is due when the first task is, at the latest: one that is early,
   * because a task was stopped, does no harm.
   */
  #setRuntime(): void {
    const { nextDeadlineMs } = this;
    if (this.#isDriven || nextDeadlineMs === Infinity) {
      if (this.#runtimeDeadlineMs !== Infinity) this.#runtime.clear();
      this.#runtimeDeadlineMs = Infinity;
    } else if (nextDeadlineMs < this.#runtimeDeadlineMs) {
      this.#runtimeDeadlineMs = nextDeadlineMs;
      this.#runtime.set(Math.min(this.waitMs, RUNTIME_MS_MAX), this.#onRuntime);
    }
  }

  readonly #onRuntime = (): void => {
    this.#runtimeDeadlineMs = Infinity;
    this.runDue(this.nowMs);
  };
}

class ScheduledTask implements Timer, Deadlined {
  deadlineMs = 0;
  order = 0;
  heapIndex = -1;
  readonly run: () => void;
  readonly #timers: Timers;

  constructor(timers: Timers, run: () => void) {
    this.#timers = timers;
    this.run = run;
  }

  get isRunning(): boolean {
    return this.heapIndex >= 0;
  }

  start(delayMs: number): void {
    this.#timers.add(this, delayMs);
  }

  stop(): void {
    if (this.isRunning) this.#timers.remove(this);
  }
}
