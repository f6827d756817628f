/**
 * Read rounds: who reads next when very many clients of the runtime's sockets want to.
 *
 * The runtime lets 128 reads and writes through in each of its rounds (tokio's budget of a task),
 * puts the rest off, and takes those up in the reverse order. With more clients than that
 * at work, the same ones are served again and again and others wait for seconds: of 5,000 that
 * never pause, one in twenty waited for more than three. So from some number of clients on, who has
 * been read waits until all others who had something to say were read, too: a round of ours.
 *
 * That nobody is left shows when nothing has come for a while, counted in rounds of the runtime,
 * which looks at its sockets only every 61st time while it has other work. If few wait, they had
 * their turn at once, and one round is enough.
 */

/** Clients from which on it is needed. */
export const CROWD = 250;
/** As many as have been read at once, and answered, may have used up the budget. */
const READ_AT_ONCE_MAX = 60;
/** More than the number of rounds in which the runtime looks at its sockets once. */
const QUIET_ROUNDS = 64;

/** Who wants to read. */
export interface Reader {
  /** Its turn has come. */
  beginRead(): void;
}

export class ReadRounds {
  /** Carriers that are open. */
  openCount = 0;
  #waiting: Reader[] = [];
  #isRunning = false;
  #arrivals = 0;
  #arrivalsSeen = 0;
  #quietRounds = 0;

  /** Something was read. */
  arrived(): void {
    this.#arrivals++;
  }

  /** Lets a reader begin: now, or when its turn has come. */
  request(reader: Reader): void {
    if (this.openCount < CROWD && !this.#isRunning) return reader.beginRead();
    this.#waiting.push(reader);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#arrivalsSeen = this.#arrivals;
    this.#quietRounds = 0;
    setImmediate(this.#onRound);
  }

  readonly #onRound = (): void => {
    if (this.#arrivals !== this.#arrivalsSeen) {
      this.#arrivalsSeen = this.#arrivals;
      this.#quietRounds = 0;
    } else {
      this.#quietRounds++;
      const isCrowd = this.#waiting.length >= READ_AT_ONCE_MAX;
      if (this.#quietRounds >= (isCrowd ? QUIET_ROUNDS : 1)) return this.#beginAll();
    }
    setImmediate(this.#onRound);
  };

  #beginAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isRunning = false;
    for (const reader of waiting) reader.beginRead();
  }
}
