/**
 * Replica waits: clients that want to know on how many replicas, or disks, their writes are (WAIT,
 * WAITAOF). They are blocked clients without a key: a report of a replica, or a sync of the AOF,
 * lets them go on, or their time runs out.
 */
import type { Client } from "../session/client.ts";
import type { Host } from "../session/host.ts";

/** What it uses of the host. */
type WaitHost = Pick<Host, "blocking" | "dispatcher">;

/** What a client waits for. */
export interface ReplicaWait {
  /** Whether it has come true. */
  isFulfilled(): boolean;
  /** Says what is true now. */
  answer(client: Client): void;
}

export class ReplicaWaits {
  readonly #host: WaitHost;
  readonly #waiting = new Map<Client, ReplicaWait>();

  constructor(host: WaitHost) {
    this.#host = host;
  }

  /** Lets a client wait until it gets what it wants, at most so long; 0: for ever. */
  add(client: Client, wait: ReplicaWait, timeoutMs: number): void {
    const neverByKey = () => false;
    this.#host.blocking.block(client, [], 0, timeoutMs, neverByKey, (waiting) => {
      this.#waiting.delete(waiting);
      wait.answer(waiting);
    });
    this.#waiting.set(client, wait);
  }

  /** Answers those that have got what they want. */
  serve(): void {
    if (this.#waiting.size === 0) return;
    const { blocking, dispatcher } = this.#host;
    for (const [client, wait] of this.#waiting) {
      // It may have gone, or been let go otherwise (CLIENT UNBLOCK).
      if (client.blocked === null) {
        this.#waiting.delete(client);
        continue;
      }
      if (!wait.isFulfilled()) continue;
      this.#waiting.delete(client);
      dispatcher.callServed(client, () => {
        wait.answer(client);
        return true;
      });
      blocking.unblock(client);
    }
  }
}
