/**
 * Replication: the part of the server that knows its place in a chain: the history of its data
 * (replication_state.ts), the newest part of it (backlog.ts), and who is connected above and below.
 *
 * As a master it puts the effects of all commands into the stream. A replica passes on the stream
 * of its master byte by byte (`feed`), so that those below it are replicas of the same history.
 */
import type { EffectSink } from "../persistence/effect_encoder.ts";
import { PROPAGATE_REPL } from "../session/command.ts";
import type { Host } from "../session/host.ts";
import { Backlog } from "./backlog.ts";
import { ReplicationState } from "./replication_state.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly replication: Replication;
  }
}

/** What it uses of the host. */
type ReplicationHost = Pick<Host, "config" | "log" | "propagation">;

/** The link to a master, as the rest of replication sees it; null while the server is a master. */
export interface MasterLinkView {
  /** Whether the stream is being received: others may be served from it. */
  readonly isConnected: boolean;
  /** The database that the stream has selected last; null if there is no stream to go on with. */
  readonly streamDb: number | null;
  /** The fields of INFO replication that stand behind `role`. */
  infoFields(): (readonly [name: string, value: string | number])[];
}

export class Replication implements EffectSink {
  readonly state = new ReplicationState();
  /** The newest part of the stream; null until there is a replica, or this server is one. */
  backlog: Backlog | null = null;
  /** Set by the replica half. */
  masterLink: MasterLinkView | null = null;
  readonly #host: ReplicationHost;

  constructor(host: ReplicationHost) {
    this.#host = host;
  }

  /**
   * The role has changed to that of a replica: local effects do not enter the stream any more, the
   * bytes of the master do (`feed`).
   */
  becomeReplica(): void {
    this.state.role = "replica";
    this.#chooseSource();
  }

  /** The role has changed to that of a master, whose effects are the stream. */
  becomeMaster(): void {
    this.state.role = "master";
    this.#chooseSource();
  }

  /** Sees to it that there is a backlog, which begins at the present offset. */
  createBacklog(): void {
    this.backlog ??= new Backlog(this.#host.config.replBacklogSize, this.state.offset);
    this.#chooseSource();
  }

  /** Lets the backlog go; nobody can go on with this server's history then. */
  freeBacklog(): void {
    this.backlog = null;
    this.#chooseSource();
  }

  /** A unit of effects of our own. */
  takeUnit(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.feed(bytes, 0, length);
  }

  /** Adds bytes to the stream, for the backlog and all replicas; they are copied. */
  feed(bytes: Uint8Array, start: number, length: number): void {
    this.state.offset += length;
    this.#host.propagation.streamOffset = this.state.offset;
    this.backlog?.feed(bytes, start, length);
  }

  /** Whether our own effects are wanted: not while they only repeat those of a master. */
  #chooseSource(): void {
    const { propagation } = this.#host;
    const isSource = !this.state.isReplica && this.backlog !== null;
    if (isSource) propagation.attach(this, PROPAGATE_REPL);
    else propagation.detach(this);
  }
}
