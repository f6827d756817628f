/**
 * Statistics: the counters behind INFO stats, and the instantaneous rates, sampled by cron.
 */
const SAMPLE_COUNT = 16;
/** A longer word at the head of an error is no code. */
const CODE_CHARS_MAX = 30;
/** Scripts may reply errors of any code: beyond so many, new ones are no more told apart. */
const CODES_MAX = 1000;

/** A counter's rate per second, averaged over the last 16 samples. */
export class Rate {
  readonly #samples = new Float64Array(SAMPLE_COUNT);
  #index = 0;
  #lastCount = 0;
  #lastMs = 0;

  /** Notes the counter's value at a time in ms. */
  sample(count: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (this.#lastMs !== 0 && elapsedMs > 0) {
      this.#samples[this.#index] = ((count - this.#lastCount) * 1000) / elapsedMs;
      this.#index = (this.#index + 1) % SAMPLE_COUNT;
    }
    this.#lastCount = count;
    this.#lastMs = nowMs;
  }

  /** Forgets all samples: the counter begins anew at 0. */
  reset(): void {
    this.#samples.fill(0);
    this.#index = 0;
    this.#lastCount = 0;
    this.#lastMs = 0;
  }

  get perSecond(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample;
    return sum / SAMPLE_COUNT;
  }
}

/** Seconds for which a recent maximum counts. */
const RECENT_SECONDS = 8;

/** The largest of what was noted in the last eight seconds. */
export class RecentMaximum {
  /** The largest of each second, and which second that was, by its number modulo eight. */
  readonly #maxima = new Float64Array(RECENT_SECONDS);
  readonly #seconds = new Float64Array(RECENT_SECONDS);

  /** Notes a value of 0 or more at a time in ms. */
  note(value: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const index = second % RECENT_SECONDS;
    if (this.#seconds[index] !== second) {
      this.#seconds[index] = second;
      this.#maxima[index] = value;
    } else if (value > this.#maxima[index]) this.#maxima[index] = value;
  }

  /** The largest, as seen at a time in ms; 0 if nothing was noted. */
  at(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    let largest = 0;
    for (let index = 0; index < RECENT_SECONDS; index++) {
      const isRecent = Math.abs(second - this.#seconds[index]) < RECENT_SECONDS;
      if (isRecent && this.#maxima[index] > largest) largest = this.#maxima[index];
    }
    return largest;
  }
}

export class Statistics {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  inputBytes = 0;
  outputBytes = 0;
  /** Of the stream and images, from a master and to replicas; not in the numbers above. */
  replicationInputBytes = 0;
  replicationOutputBytes = 0;
  /** Replicas that got all data, that could go on with theirs, and that could not. */
  fullSyncs = 0;
  partialSyncs = 0;
  partialSyncFailures = 0;
  /** Reads from and writes to sockets. */
  readsProcessed = 0;
  writesProcessed = 0;
  /** Turns that have ended, and how long they took in all, in µs (execution/turn.ts). */
  turns = 0;
  turnsUs = 0;
  /** Of that time, what commands took. */
  commandsUs = 0;
  errorReplies = 0;
  /** Errors that a replica answered its master with. */
  unexpectedErrorReplies = 0;
  /** Number of error replies by their code ("ERR", "WRONGTYPE"): INFO errorstats. */
  readonly errorsByCode = new Map<string, number>();
  /** What users were refused, by what they lacked; logins with a wrong password are "auth". */
  readonly accessDenied = { auth: 0, command: 0, key: 0, channel: 0 };
  evictedClients = 0;
  /** Scripts of EVAL that made room for others. */
  evictedScripts = 0;
  queryBufferLimitDisconnections = 0;
  outputBufferLimitDisconnections = 0;
  memoryPeakBytes = 0;
  /** The largest query buffer and output of a client, as cron saw them. */
  readonly inputBufferBytes = new RecentMaximum();
  readonly outputBufferBytes = new RecentMaximum();
  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();
  readonly replicationInputRate = new Rate();
  readonly replicationOutputRate = new Rate();
  readonly turnRate = new Rate();
  readonly turnTimeRate = new Rate();

  countError(text: string): void {
    this.errorReplies++;
    const end = text.indexOf(" ");
    // Redis: what has no code, or none of 30 letters, counts as one that has none of its own.
    const code = end < 0 || end > CODE_CHARS_MAX ? "ERR" : text.slice(0, end);
    const count = this.errorsByCode.get(code);
    if (count === undefined && this.errorsByCode.size >= CODES_MAX) return;
    this.errorsByCode.set(code, (count ?? 0) + 1);
  }

  /** CONFIG RESETSTAT. Redis: the peak of memory stays. */
  reset(): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.commandsProcessed = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.replicationInputBytes = 0;
    this.replicationOutputBytes = 0;
    this.fullSyncs = 0;
    this.partialSyncs = 0;
    this.partialSyncFailures = 0;
    this.readsProcessed = 0;
    this.writesProcessed = 0;
    this.turns = 0;
    this.turnsUs = 0;
    this.commandsUs = 0;
    this.errorReplies = 0;
    this.unexpectedErrorReplies = 0;
    this.errorsByCode.clear();
    Object.assign(this.accessDenied, { auth: 0, command: 0, key: 0, channel: 0 });
    this.evictedClients = 0;
    this.evictedScripts = 0;
    this.queryBufferLimitDisconnections = 0;
    this.outputBufferLimitDisconnections = 0;
    this.commandRate.reset();
    this.inputRate.reset();
    this.outputRate.reset();
    this.replicationInputRate.reset();
    this.replicationOutputRate.reset();
    this.turnRate.reset();
    this.turnTimeRate.reset();
  }
}
