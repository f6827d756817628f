/**
 * Shutdown wait: the time between SHUTDOWN and the end of the process in which replicas get what
 * they lack (`shutdown-timeout`). Writers wait meanwhile, and get no answer if the end comes.
 *
 * With `shutdown-hands-over` a replica takes this server's place first, so that writers need not
 * wait for somebody to notice that it is gone.
 */
import * as clock from "../base/clock.ts";
import type { Host, ShutdownOptions } from "../session/host.ts";
import { HOLD_SHUTDOWN } from "../upkeep/client_pause.ts";

/** What it uses of the host. */
type WaitHost = Pick<Host, "config" | "log" | "pause" | "replication">;

export class ShutdownWait {
  readonly #host: WaitHost;
  #options: ShutdownOptions | null = null;
  #endMs = 0;
  #isHandingOver = false;
  /** Who wants to hear that the server goes on. */
  #onGivenUp: (() => void)[] = [];

  constructor(host: WaitHost) {
    this.#host = host;
  }

  get isUnderWay(): boolean {
    return this.#options !== null;
  }

  /** Milliseconds until it waits no longer; null if it does not wait. */
  leftMs(nowMs: number): number | null {
    return this.isUnderWay ? Math.max(0, this.#endMs - nowMs) : null;
  }

  /** Begins to wait, if there is a reason; returns whether it does. */
  begin(options: ShutdownOptions): boolean {
    const { config, log, pause, replication } = this.#host;
    const { failover, replicas, state } = replication;
    if (options.isNow || config.shutdownTimeout === 0 || replicas.size === 0) return false;
    const mayHandOver = config.shutdownHandsOver && !state.isReplica && !failover.isUnderWay;
    if (!mayHandOver && replication.isInSync) return false;
    this.#options = options;
    this.#endMs = clock.nowMs() + config.shutdownTimeout * 1000;
    this.#isHandingOver = mayHandOver;
    if (mayHandOver) {
      log.notice("Before the end, a replica is to take the place of this server");
      failover.start({ target: null, timeoutMs: config.shutdownTimeout * 1000, isForced: false });
      return true;
    }
    log.notice("The end waits until the replicas have all data");
    replication.feedAckRequest();
    pause.hold(HOLD_SHUTDOWN);
    return true;
  }

  /** The options of the shutdown if it need not, or cannot, wait any longer; else null. */
  due(nowMs: number): ShutdownOptions | null {
    if (this.#options === null) return null;
    const { failover, replicas, state } = this.#host.replication;
    const isDone = this.#isHandingOver ? !failover.isUnderWay : this.#host.replication.isInSync;
    if (!isDone && nowMs < this.#endMs) return null;
    for (const replica of replicas) {
      const missing = state.offset - replica.ackOffset;
      if (missing === 0) continue;
      this.#host.log.warning(`Replica ${replica.name} lacks ${missing} bytes of what was written`);
    }
    return this.#options;
  }

  /** Hears if the server goes on after all. */
  onGivenUp(task: () => void): void {
    this.#onGivenUp.push(task);
  }

  /** The server goes on. */
  giveUp(): void {
    this.#options = null;
    const { pause, replication } = this.#host;
    pause.release(HOLD_SHUTDOWN);
    if (this.#isHandingOver) replication.failover.abort("the shutdown is given up");
    this.#isHandingOver = false;
    const tasks = this.#onGivenUp;
    this.#onGivenUp = [];
    for (const task of tasks) task();
  }
}
