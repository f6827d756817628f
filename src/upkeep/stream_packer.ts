/**
 * Stream packer: when to pack nodes of long streams (keyspace/packing_rounds.ts), and how much time
 * to spend on it.
 *
 * Streams that have grown are looked after ten times a second. A busy server gives that a twentieth
 * of its time, an idle one more; the share is kept by pauses, as that of active defragmentation is:
 * a slice of some tenths of a millisecond, and then as long a pause as the share asks for. If a
 * stream grows faster than that, it is packed when the server has time.
 */
import * as clock from "../base/clock.ts";
import type { Timer } from "../base/timers.ts";
import { PackingRounds } from "../keyspace/packing_rounds.ts";
import type { Host } from "../session/host.ts";

/** A slice ends with the first node after so long: within 0.3 ms. */
const SLICE_US = 200;
/** The share of the time, in percent. */
const BUSY_PERCENT = 5;
const IDLE_PERCENT = 25;
/** Commands per second up to which the server counts as idle. */
const IDLE_RATE = 1000;

declare module "../session/host.ts" {
  interface Host {
    readonly streamPacker: StreamPacker;
  }
}

/** What it uses of the host. */
type PackerHost = Pick<Host, "keyspace" | "process" | "statistics" | "timers">;

export class StreamPacker {
  readonly packing: PackingRounds;
  readonly #host: PackerHost;
  readonly #timer: Timer;

  constructor(host: PackerHost) {
    this.#host = host;
    this.#timer = host.timers.create(() => this.#runSlice());
    this.packing = new PackingRounds(host.keyspace);
  }

  /** Called ten times a second: begins a round if streams wait for one. */
  tick(): void {
    const { packing } = this;
    if (this.#timer.isRunning || !packing.mayPack) return;
    if (packing.isRunning || this.#host.keyspace.streams.size > 0) this.#timer.start(0);
  }

  /** Stops where it is. */
  stop(): void {
    this.#timer.stop();
  }

  /** If nodes may not be packed now, the next tick sees when they may. */
  #runSlice(): void {
    const { packing } = this;
    if (this.#host.process.isCronPaused || !packing.mayPack) return;
    const startUs = clock.monotonicUs();
    if (!packing.step(startUs + SLICE_US)) return;
    const durationUs = clock.monotonicUs() - startUs;
    const isIdle = this.#host.statistics.commandRate.perSecond <= IDLE_RATE;
    const share = isIdle ? IDLE_PERCENT : BUSY_PERCENT;
    this.#timer.start(Math.max(1, (durationUs * (100 - share)) / share / 1000));
  }
}
