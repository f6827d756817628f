/**
 * Turn: one round of the event loop, seen as a unit of work.
 *
 * The runtime hands over all reads that are ready at once; their handlers run one after the other
 * as microtasks. The first client that has output schedules the end of the turn as a further
 * microtask, which runs behind the handlers of all others. There the AOF is written (and synced, if
 * `always`) once for all commands of the turn, and only then every client gets its replies in one
 * write: no reply leaves before its command is as safe as `appendfsync` promises.
 */

/** Something with output to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

export class Turn {
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  #isScheduled = false;
  readonly #beforeFlush: () => boolean;

  /**
   * `beforeFlush` makes the turn's commands durable; false = not yet, it will call `end` itself.
   */
  constructor(beforeFlush: () => boolean) {
    this.#beforeFlush = beforeFlush;
  }

  /** Lets `flushable` write at the end of this turn. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    this.schedule();
  }

  /** Begins a turn, if none is under way; returns whether it did. */
  open(): boolean {
    if (this.#isScheduled) return false;
    this.#isScheduled = true;
    queueMicrotask(this.end);
    return true;
  }

  /** Makes sure that the turn will be ended. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.end);
  }

  /** Ends the turn now. */
  readonly end = (): void => {
    this.#isScheduled = false;
    if (!this.#beforeFlush()) return;
    const flushing = this.#waiting;
    this.#waiting = this.#spare;
    for (let index = 0; index < flushing.length; index++) flushing[index].flush();
    flushing.length = 0;
    this.#spare = flushing;
  };
}
