/**
 * Failover: a master gives its place to one of its replicas, and follows it, without loss of data
 * (FAILOVER):
 *
 *   no-failover ─▶ waiting-for-sync ───▶ failover-in-progress ─▶ no-failover
 *                  writers wait, until   this server follows     its PSYNC was accepted
 *                  a replica has all     the target, as a
 *                  of the stream         replica
 *
 * What goes wrong, or takes too long, ends in this server being the master as before.
 */
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { MasterAddress } from "../config/config_kinds.ts";
import { type ClientPause, HOLD_FAILOVER } from "../upkeep/client_pause.ts";
import type { Replica } from "./replica.ts";
import type { ReplicationState } from "./replication_state.ts";

export type FailoverState = "no-failover" | "waiting-for-sync" | "failover-in-progress";

export interface FailoverRequest {
  /** Who is to take over; null: the first replica that has all of the stream. */
  readonly target: MasterAddress | null;
  /** How long to wait for that, in ms; 0: for ever. */
  readonly timeoutMs: number;
  /** The target takes over when the time is up, whatever it lacks. */
  readonly isForced: boolean;
}

export interface FailoverOptions {
  readonly log: Log;
  readonly pause: ClientPause;
  readonly state: ReplicationState;
  readonly replicas: ReadonlySet<Replica>;
  /** Has all replicas say how far they have come. */
  requestAcks(): void;
  /** Makes this server a replica of the target, which is to take over. */
  follow(target: MasterAddress): void;
  /** Makes this server a master again. */
  unfollow(): void;
}

export class Failover {
  /** In the words of INFO. */
  state: FailoverState = "no-failover";
  readonly #options: FailoverOptions;
  #request: FailoverRequest | null = null;
  #endMs = 0;

  constructor(options: FailoverOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.state !== "no-failover";
  }

  /** Begins; the caller has checked that there is a replica to take over. */
  start(request: FailoverRequest): void {
    const { log, pause, requestAcks } = this.#options;
    log.notice("A failover is asked for: writers wait until a replica has all data");
    this.#request = request;
    this.#endMs = request.timeoutMs === 0 ? 0 : clock.nowMs() + request.timeoutMs;
    this.state = "waiting-for-sync";
    requestAcks();
    pause.hold(HOLD_FAILOVER);
  }

  /** Goes on when a replica has come far enough, or the time is up; called now and then. */
  check(nowMs: number): void {
    if (this.state !== "waiting-for-sync") return;
    const { target, isForced } = this.#request!;
    if (this.#endMs !== 0 && nowMs >= this.#endMs) {
      if (!isForced || target === null) return this.abort("no replica had all data in time");
      this.#options.log.notice("The time for the failover is up, it is forced");
      return this.#handOver(target);
    }
    const replica = target === null ? this.#firstInSync() : this.find(target);
    if (replica === null || !this.#isInSync(replica)) return;
    this.#options.log.notice(`Replica ${replica.name} has all data and is to take over`);
    this.#handOver(target ?? { host: replica.host, port: replica.port });
  }

  /** The replica that can be reached at an address, or null. */
  find({ host, port }: MasterAddress): Replica | null {
    for (const replica of this.#options.replicas) {
      if (replica.port === port && replica.host.toLowerCase() === host.toLowerCase()) {
        return replica;
      }
    }
    return null;
  }

  #firstInSync(): Replica | null {
    for (const replica of this.#options.replicas) {
      if (this.#isInSync(replica) && replica.port !== 0) return replica;
    }
    return null;
  }

  #isInSync({ phase, ackOffset }: Replica): boolean {
    return phase === "online" && ackOffset === this.#options.state.offset;
  }

  #handOver(target: MasterAddress): void {
    this.state = "failover-in-progress";
    this.#options.follow(target);
  }

  /** The target has accepted: it is the master now. */
  succeeded(): void {
    if (this.state !== "failover-in-progress") return;
    this.#options.log.notice("The failover is done: this server is a replica now");
    this.#clear();
  }

  /** Ends a failover that cannot be done: this server is the master. */
  abort(reason: string): void {
    if (!this.isUnderWay) return;
    this.#options.log.warning(`The failover is given up: ${reason}`);
    const hasHandedOver = this.state === "failover-in-progress";
    this.#clear();
    if (hasHandedOver) this.#options.unfollow();
  }

  #clear(): void {
    this.state = "no-failover";
    this.#request = null;
    this.#options.pause.release(HOLD_FAILOVER);
  }
}
