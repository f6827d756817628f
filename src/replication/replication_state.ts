/**
 * Replication state: who this server is in a chain of replication: its role, the id of the history
 * of its data, and how far that history goes.
 *
 * The history is a stream of bytes, the effects of all commands; `offset` is the number of bytes so
 * far. Who was promoted keeps the id of its former master as `secondId`: up to `secondOffset` both
 * ids mean the same bytes, so that other replicas of that master can go on with this server.
 */
import { hexId } from "../base/random.ts";

/** Digits of an id. */
export const REPLICATION_ID_LENGTH = 40;
const NO_ID = "0".repeat(REPLICATION_ID_LENGTH);

export type Role = "master" | "replica";

export class ReplicationState {
  #role: Role = "master";
  readonly #roleListeners: (() => void)[] = [];
  /** Identifies the history: 40 hexadecimal digits. */
  replicationId = hexId(REPLICATION_ID_LENGTH);
  /** The id of the history before; zeros if there is none. */
  secondId = NO_ID;
  /** The first offset that is not of `secondId`'s history any more; -1 if there is no second id. */
  secondOffset = -1;
  /** Bytes of history. */
  offset = 0;

  get role(): Role {
    return this.#role;
  }

  set role(role: Role) {
    if (role === this.#role) return;
    this.#role = role;
    for (const listener of this.#roleListeners) listener();
  }

  /** Has `listener` called behind each change of the role. */
  onRoleChange(listener: () => void): void {
    this.#roleListeners.push(listener);
  }

  get isReplica(): boolean {
    return this.role === "replica";
  }

  /** A new history begins: nobody who knows the old one can go on with it. */
  changeId(): void {
    this.replicationId = hexId(REPLICATION_ID_LENGTH);
  }

  /** A new history branches off the present one: its id becomes the second one. */
  shiftId(): void {
    this.secondId = this.replicationId;
    this.secondOffset = this.offset + 1;
    this.changeId();
  }

  clearSecondId(): void {
    this.secondId = NO_ID;
    this.secondOffset = -1;
  }

  /** Whether the history named `id` is ours up to the byte before `offset`, which is asked for. */
  sharesHistory(id: string, offset: number): boolean {
    const lower = id.toLowerCase();
    if (lower === this.replicationId) return true;
    return lower === this.secondId && offset <= this.secondOffset;
  }
}
