/**
 * Duration histograms: how often a command took how long, with an error below one percent, in the
 * buckets of HdrHistogram with two significant digits, as Redis uses it, so that INFO latencystats
 * and LATENCY HISTOGRAM show the same steps.
 *
 * Durations are whole nanoseconds up to a second. Below 256 ns every value has a bucket of its own;
 * above, each power of two has 128 buckets. A command gets its histogram when it is first called.
 */
const DURATION_NS_MAX = 1_000_000_000;
const BUCKETS_PER_OCTAVE = 128;
const OCTAVE_SHIFT = 7;
const BUCKET_COUNT = indexOf(DURATION_NS_MAX) + 1;
/** Where LATENCY HISTOGRAM takes its first step; each further one is twice as far. */
const FIRST_STEP_NS = 1024;

/** The bucket of a duration: the position of its highest bit, and the seven bits below. */
function indexOf(ns: number): number {
  const shift = Math.max(0, 31 - Math.clz32(ns) - OCTAVE_SHIFT);
  return shift * BUCKETS_PER_OCTAVE + (ns >>> shift);
}

/** The longest duration that falls into a bucket. */
function upperEnd(index: number): number {
  const shift = Math.max(0, (index >>> OCTAVE_SHIFT) - 1);
  const lowest = (index - shift * BUCKETS_PER_OCTAVE) << shift;
  return lowest + (1 << shift) - 1;
}

export class DurationHistogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  total = 0;

  /** Counts `count` durations of `us` microseconds each. */
  record(us: number, count: number): void {
    const ns = us >= DURATION_NS_MAX / 1000 ? DURATION_NS_MAX : (us * 1000) | 0;
    this.#counts[indexOf(ns)] += count;
    this.total += count;
  }

  /** The duration in ns which `percentile` percent of all did not exceed. */
  valueAt(percentile: number): number {
    const wanted = Math.max(1, Math.floor((percentile / 100) * this.total + 0.5));
    let sum = 0;
    for (let index = 0; index < BUCKET_COUNT; index++) {
      sum += this.#counts[index];
      if (sum >= wanted) return upperEnd(index);
    }
    return 0;
  }

  /**
   * The number of durations up to 1 µs, 2 µs, 4 µs …, as pairs of a limit in whole µs and a number,
   * where the number grows.
   */
  steps(): [us: number, count: number][] {
    const steps: [number, number][] = [];
    let sum = 0;
    let index = 0;
    for (let ns = FIRST_STEP_NS; sum < this.total; ns *= 2) {
      const before = sum;
      const last = Math.min(BUCKET_COUNT - 1, indexOf(Math.min(ns, DURATION_NS_MAX)));
      for (; index <= last; index++) sum += this.#counts[index];
      if (sum > before) steps.push([Math.floor(upperEnd(last) / 1000), sum]);
    }
    return steps;
  }
}

/** What a histogram is found by: a command of the table, whose id is its place in lists. */
interface Identified {
  readonly id: number;
}

/** The histograms of all commands (latency-tracking). */
export class CommandDurations {
  readonly #byId: (DurationHistogram | undefined)[] = [];

  /** Counts `calls` calls of a command that took `us` microseconds together. */
  record(command: Identified, us: number, calls: number): void {
    let histogram = this.#byId[command.id];
    if (histogram === undefined) histogram = this.#byId[command.id] = new DurationHistogram();
    histogram.record(us / calls, calls);
  }

  /** The histogram of a command, or null if it has not been called. */
  of(command: Identified): DurationHistogram | null {
    return this.#byId[command.id] ?? null;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    this.#byId.length = 0;
  }
}
