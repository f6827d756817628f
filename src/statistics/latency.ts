/**
 * Latency monitor: events that held the server up for longer than `latency-monitor-threshold`, each
 * with its worst moment in every second, up to 160 of them. Off unless the threshold is set.
 *
 *   command, fast-command   a command took long
 *   expire-cycle            looking for expired keys took long
 *   eviction-cycle          so did making room for others
 *   active-defrag-cycle     so did moving data together
 *   fork                    freezing the data for a child
 *   aof-write, aof-fsync-always …  so did the disk
 */
import * as clock from "../base/clock.ts";

/** Moments kept per event. */
export const LATENCY_SAMPLES_MAX = 160;

export interface LatencySample {
  /** Unix time in seconds. */
  timeSeconds: number;
  /** The worst of that second, in ms. */
  latencyMs: number;
}

export interface LatencyEvent {
  name: string;
  /** In order of time. */
  samples: LatencySample[];
  /** The worst ever seen. */
  maxMs: number;
}

/** What the samples of an event say (LATENCY DOCTOR). */
export interface LatencySummary {
  allTimeHigh: number;
  average: number;
  /** Mean absolute deviation. */
  deviation: number;
  min: number;
  max: number;
  samples: number;
  /** Mean seconds from one sample to the next. */
  period: number;
}

/** The directive it follows; read anew every time. */
interface LatencyConfig {
  readonly latencyMonitorThreshold: number;
}

export class LatencyMonitor {
  readonly events = new Map<string, LatencyEvent>();
  readonly #config: LatencyConfig;

  constructor(config: LatencyConfig) {
    this.#config = config;
  }

  /** Notes an event if it took long enough, and if anybody wants to know. */
  addIfNeeded(name: string, durationUs: number): void {
    const { latencyMonitorThreshold } = this.#config;
    if (latencyMonitorThreshold > 0 && durationUs >= latencyMonitorThreshold * 1000) {
      this.add(name, durationUs / 1000);
    }
  }

  /** Notes that an event took `durationMs`. */
  add(name: string, durationMs: number): void {
    let event = this.events.get(name);
    if (event === undefined) this.events.set(name, event = { name, samples: [], maxMs: 0 });
    const latencyMs = Math.floor(durationMs);
    const timeSeconds = Math.floor(clock.nowMs() / 1000);
    event.maxMs = Math.max(event.maxMs, latencyMs);
    const last = event.samples.at(-1);
    if (last?.timeSeconds === timeSeconds) {
      last.latencyMs = Math.max(last.latencyMs, latencyMs);
      return;
    }
    event.samples.push({ timeSeconds, latencyMs });
    if (event.samples.length > LATENCY_SAMPLES_MAX) event.samples.shift();
  }

  /** Forgets one event, or all of them; returns how many. */
  reset(name?: string): number {
    if (name !== undefined) return this.events.delete(name) ? 1 : 0;
    const count = this.events.size;
    this.events.clear();
    return count;
  }

  /** Mean, spread and frequency of what an event has cost. */
  static summary({ samples, maxMs }: LatencyEvent): LatencySummary {
    const latencies = samples.map(({ latencyMs }) => latencyMs);
    const count = latencies.length;
    const sum = latencies.reduce((total, latency) => total + latency, 0);
    const average = Math.floor(sum / count);
    const deviations = latencies.map((latency) => Math.abs(latency - average));
    const elapsed = Math.floor(clock.nowMs() / 1000) - samples[0].timeSeconds;
    return {
      allTimeHigh: maxMs,
      average,
      deviation: Math.floor(deviations.reduce((total, one) => total + one, 0) / count),
      min: Math.min(...latencies),
      max: Math.max(...latencies),
      samples: count,
      period: elapsed / count,
    };
  }
}
