/**
 * Turn: one round of the event loop, seen as a unit of work.
 *
 * The runtime hands over all reads that are ready at once; their handlers run one after the other
 * as microtasks. The first client that has output schedules the end of the turn as a further
 * microtask, which runs behind the handlers of all others. There the AOF is written (and synced, if
 * `always`) once for all commands of the turn, and only then every client gets its replies in one
 * write: no reply leaves before its command is as safe as `appendfsync` promises. Where there is
 * nothing to be made safe, a long pipeline's replies may leave before (net/connection.ts).
 *
 * NO TURN FOLLOWS FROM A TURN. A microtask runs before the runtime looks at sockets, timers and
 * signals again, so an end of a turn that asked for another one as a microtask could go on for
 * ever, deaf to everything. Therefore what is asked for while a turn ends, and the tasks given to
 * `afterwards`, wait until the runtime has looked at its events. Nothing else in the server may
 * use microtasks of its own; `deno task tidy` sees to it.
 */

import * as clock from "../base/clock.ts";
import type { Timer, Timers } from "../base/timers.ts";
import type { Statistics } from "../statistics/statistics.ts";

/** So many turns in a row one client alone must have had output to count as the only one. */
const ALONE_TURNS_MIN = 8;

/** Where turns are counted. */
type TurnStatistics = Pick<Statistics, "turns" | "turnsUs">;

/** Something with output to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

declare module "../session/host.ts" {
  interface Host {
    readonly turn: Turn;
  }
}

export class Turn {
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  /** Tasks that wait for the events to be looked at. */
  #later: (() => void)[] = [];
  #isScheduled = false;
  /** `end` is running. */
  #isEnding = false;
  /** Who alone had output in the turns before, and in how many of them in a row. */
  #onlyOne: Flushable | null = null;
  #aloneTurns = 0;
  /** When the turn began, on the monotonic clock; 0 while none is under way. */
  #beganUs = 0;
  readonly #statistics: TurnStatistics;
  readonly #beforeFlush: () => boolean;
  /** Due when the events that have come meanwhile are served. */
  readonly #afterEvents: Timer;

  /**
   * `statistics` are told how many turns there were. `beforeFlush` makes the turn's commands
   * durable; false = not yet, it will call `end` itself.
   */
  constructor(statistics: TurnStatistics, timers: Timers, beforeFlush: () => boolean) {
    this.#statistics = statistics;
    this.#afterEvents = timers.create(() => this.#runLater());
    this.#beforeFlush = beforeFlush;
  }

  /** Whether one client has been alone with its requests for a while. */
  get servesOne(): boolean {
    return this.#aloneTurns >= ALONE_TURNS_MIN;
  }

  /** Lets `flushable` write at the end of this turn. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    this.schedule();
  }

  /** Begins a turn, if none is under way; returns the monotonic time in µs if it did, else 0. */
  open(): number {
    if (this.#isScheduled) return 0;
    this.schedule();
    this.#beganUs = clock.monotonicUs();
    return this.#beganUs;
  }

  /** Makes sure that the turn will be ended; while one ends, that another follows, after events. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#isEnding) this.afterwards(this.end);
    else queueMicrotask(this.end);
  }

  /** Runs `task` when the events that have come meanwhile are served, in the order of the calls. */
  afterwards(task: () => void): void {
    this.#later.push(task);
    if (this.#later.length === 1) this.#afterEvents.start(0);
  }

  #runLater(): void {
    const tasks = this.#later;
    this.#later = [];
    for (const task of tasks) task();
  }

  /** Ends the turn now. */
  readonly end = (): void => {
    // The runtime may run microtasks within a call to it, as when it loads a part of its own.
    if (this.#isEnding) return;
    this.#isScheduled = true;
    this.#isEnding = true;
    this.#noteCompany();
    // What comes before the replies belongs to this turn, whatever it asks for.
    const mayFlush = this.#beforeFlush();
    this.#isScheduled = false;
    if (mayFlush) this.#flush();
    this.#isEnding = false;
    if (this.#beganUs !== 0) this.#count();
  };

  #noteCompany(): void {
    const { length } = this.#waiting;
    if (length === 0) return;
    if (length === 1 && this.#waiting[0] === this.#onlyOne) {
      this.#aloneTurns++;
      return;
    }
    this.#onlyOne = length === 1 ? this.#waiting[0]! : null;
    this.#aloneTurns = 0;
  }

  /** Only turns with requests count: the others do what is due by itself. */
  #count(): void {
    const statistics = this.#statistics;
    statistics.turns++;
    statistics.turnsUs += clock.monotonicUs() - this.#beganUs;
    this.#beganUs = 0;
  }

  /**
   * From within a running command: lets those write who were served meanwhile, once `makeDurable`
   * has made the commands before this one as safe as they must be (false: it cannot now). Whose
   * command is running asks again, and writes at the end of the turn.
   */
  flushWithin(makeDurable: () => boolean): void {
    // A command that runs while a turn ends has nobody to wait for.
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (makeDurable()) this.#flush();
    this.#isEnding = false;
  }

  #flush(): void {
    const flushing = this.#waiting;
    this.#waiting = this.#spare;
    for (let index = 0; index < flushing.length; index++) flushing[index].flush();
    flushing.length = 0;
    this.#spare = flushing;
  }
}
