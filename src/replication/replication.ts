/**
 * Replication: the part of the server that knows its place in a chain: the history of its data
 * (replication_state.ts), the newest part of it (backlog.ts), and who is connected above and below.
 *
 * As a master it puts the effects of all commands into the stream. A replica passes on the stream
 * of its master byte by byte (`feed`), so that those below it are replicas of the same history.
 */
import { latin1Bytes } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { EffectSink } from "../persistence/effect_encoder.ts";
import type { RdbHistory } from "../persistence/rdb_writer.ts";
import { encodeRequests } from "../protocol/request_encoder.ts";
import { type Client, REDIS_REPLICA } from "../session/client.ts";
import { PROPAGATE_REPL } from "../session/command.ts";
import { GATE_NO_REPLICAS } from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import { Backlog } from "./backlog.ts";
import { Failover } from "./failover.ts";
import { FullSync } from "./full_sync.ts";
import {
  CAPABILITY_PSYNC2,
  Replica,
  type ReplicaListener,
  type ReplicaOptions,
  unknownReplica,
} from "./replica.ts";
import { ReplicaWaits } from "./replica_waits.ts";
import { ReplicationState } from "./replication_state.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly replication: Replication;
  }
}

/** What it uses of the host. */
type ReplicationHost = Pick<
  Host,
  | "blocking"
  | "config"
  | "dispatcher"
  | "files"
  | "gates"
  | "keyspace"
  | "log"
  | "masterLink"
  | "outputLimits"
  | "pause"
  | "persistence"
  | "propagation"
  | "statistics"
>;

/** The link to a master, as the rest of replication sees it; null while the server is a master. */
export interface MasterLinkView {
  /** Whether the stream is being received: others may be served from it. */
  readonly isConnected: boolean;
  /** The database that the stream has selected last; null if there is no stream to go on with. */
  readonly streamDb: number | null;
  /** The fields of INFO replication that stand behind `role`. */
  infoFields(): (readonly [name: string, value: string | number])[];
}

const SECOND_MS = 1000;
const PING = encodeRequests([[latin1Bytes("PING")]]);
const GET_ACK = encodeRequests([["REPLCONF", "GETACK", "*"].map((word) => latin1Bytes(word))]);
/** An empty line, which tells a replica that waits that its master is alive. */
const ALIVE = "\n";

export class Replication implements EffectSink, ReplicaListener {
  readonly state = new ReplicationState();
  /** The newest part of the stream; null until there is a replica, or this server is one. */
  backlog: Backlog | null = null;
  /** Set by the replica half. */
  masterLink: MasterLinkView | null = null;
  /** All replicas, in the order of their arrival. */
  readonly replicas = new Set<Replica>();
  readonly #host: ReplicationHost;
  readonly #byClient = new Map<Client, Replica>();
  /** What clients have said of themselves that are no replicas yet. */
  readonly #announced = new WeakMap<Client, ReplicaOptions>();
  readonly #fullSync: FullSync;
  /** Clients that wait until replicas have their writes. */
  readonly waits: ReplicaWaits;
  /** Since when there is no replica, in ms since 1970. */
  #lonelySinceMs = clock.nowMs();
  #secondMs = 0;
  #seconds = 0;
  #isAckAskedFor = false;
  /** A replica has said how far it has come; those who wait for that are to be looked at. */
  #hasNews = false;
  /** Replicas that follow and have answered within `min-replicas-max-lag`. */
  goodReplicaCount = 0;
  readonly failover: Failover;

  constructor(host: ReplicationHost) {
    this.#host = host;
    const { state, replicas } = this;
    this.#fullSync = new FullSync({
      host,
      state,
      replicas,
      backlog: () => this.backlog!,
      putOnline: (replica) => this.#putOnline(replica),
    });
    this.waits = new ReplicaWaits(host);
    this.failover = new Failover({
      log: host.log,
      pause: host.pause,
      state,
      replicas,
      requestAcks: () => this.feedAckRequest(),
      follow: (target) => host.masterLink.follow(target, true),
      unfollow: () => host.masterLink.unfollow(),
    });
    const { config } = host;
    config.onChange("repl-backlog-size", () => {
      this.backlog?.resize(config.replBacklogSize);
      return null;
    });
    config.onChange(["min-replicas-to-write", "min-replicas-max-lag"], () => {
      this.#countGoodReplicas();
      return null;
    });
    this.#countGoodReplicas();
  }

  // ----------------------------------------------------------------------------------- the stream

  /**
   * The role has changed to that of a replica: local effects do not enter the stream any more, the
   * bytes of the master do (`feed`).
   */
  becomeReplica(): void {
    this.state.role = "replica";
    this.#chooseSource();
    this.#countGoodReplicas();
  }

  /** The role has changed to that of a master, whose effects are the stream. */
  becomeMaster(): void {
    this.state.role = "master";
    this.#lonelySinceMs = clock.nowMs();
    this.#chooseSource();
    this.#countGoodReplicas();
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

  /**
   * At the start of a master, before its RDB file is read: of keys in it that have expired, those
   * replicas must hear that go on from where the file ends. `beginHistory` follows.
   */
  expectHistory(): void {
    if (!this.state.isReplica) this.createBacklog();
  }

  /**
   * The data of a master have been loaded. `saved`: the place in a history that their file names,
   * or null. The history goes on there under another name, with what was recorded meanwhile.
   */
  beginHistory(saved: RdbHistory | null): void {
    const { state } = this;
    this.#lonelySinceMs = clock.nowMs();
    if (saved === null) {
      state.offset = 0;
      this.freeBacklog();
      return;
    }
    state.secondId = saved.replicationId;
    state.secondOffset = saved.offset + 1;
    state.offset += saved.offset;
    if (this.backlog !== null) this.backlog.shift(saved.offset);
    this.createBacklog();
  }

  /**
   * Memory of the stream in bytes: that of the backlog, and what it holds beyond its size because
   * replicas are slow. Without replicas all is the backlog's.
   */
  memory(): { backlogBytes: number; replicaBytes: number } {
    const heldBytes = this.backlog?.heldBytes ?? 0;
    const beyond = heldBytes - this.#host.config.replBacklogSize;
    const replicaBytes = this.replicas.size === 0 ? 0 : Math.max(0, beyond);
    return { backlogBytes: heldBytes - replicaBytes, replicaBytes };
  }

  /** Where the data stand in the history; null if there is none that anybody could go on with. */
  get history(): RdbHistory | null {
    const { replicationId, offset } = this.state;
    const streamDb = this.#streamDb();
    return streamDb === null ? null : { replicationId, offset, streamDb };
  }

  #streamDb(): number | null {
    if (this.state.isReplica) return this.masterLink?.streamDb ?? null;
    if (this.backlog === null) return null;
    // If none is selected, the next effect will name its own.
    return Math.max(0, this.#host.propagation.selectedDb(PROPAGATE_REPL));
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
    for (const replica of this.replicas) replica.wake();
  }

  /** Whether our own effects are wanted: not while they only repeat those of a master. */
  #chooseSource(): void {
    const { propagation } = this.#host;
    propagation.streamOffset = this.state.offset;
    const isSource = !this.state.isReplica && this.backlog !== null;
    if (isSource) propagation.attach(this, PROPAGATE_REPL);
    else propagation.detach(this);
  }

  // -------------------------------------------------------------------------------- coming, going

  /** What a client has said of itself as a replica. */
  optionsOf(client: Client): ReplicaOptions {
    let options = this.#byClient.get(client)?.options ?? this.#announced.get(client);
    if (options === undefined) this.#announced.set(client, options = unknownReplica());
    return options;
  }

  replicaOf(client: Client): Replica | null {
    return this.#byClient.get(client) ?? null;
  }

  /**
   * A client asks for the data: from `offset` of the history `id` on, if that can be had, else all.
   * Null: it used SYNC, and gets all.
   */
  attach(client: Client, from: { id: string; offset: number } | null): void {
    const { log, statistics } = this.#host;
    const replica = new Replica(client, this.optionsOf(client), this);
    log.notice(`Replica ${replica.name} asks for the data`);
    if (from !== null && this.#canContinue(replica, from.id, from.offset)) {
      statistics.partialSyncs++;
      this.#add(replica);
      replica.phase = "online";
      const isIdWanted = (replica.options.capabilities & CAPABILITY_PSYNC2) !== 0;
      replica.sendLine(isIdWanted ? `+CONTINUE ${this.state.replicationId}\r\n` : "+CONTINUE\r\n");
      replica.follow(this.backlog!.cursorAt(from.offset));
      log.notice(
        `Replica ${replica.name} goes on with what it has: it lacks ${replica.pendingBytes} bytes`,
      );
      this.#countGoodReplicas();
      return;
    }
    if (from !== null && !from.id.startsWith("?")) statistics.partialSyncFailures++;
    statistics.fullSyncs++;
    replica.isPrePsync = from === null;
    this.#add(replica);
    this.#beginHistoryIfNeeded();
    this.#fullSync.request(replica);
  }

  /** A client that is a replica is gone. */
  forget(client: Client): void {
    const replica = this.#byClient.get(client);
    if (replica === undefined) return;
    this.#byClient.delete(client);
    this.replicas.delete(replica);
    this.#fullSync.forget(replica);
    replica.release();
    client.outputSource = null;
    if (this.replicas.size === 0) this.#lonelySinceMs = clock.nowMs();
    this.#host.log.notice(`Replica ${replica.name} is gone`);
    this.#countGoodReplicas();
    this.#hasNews = true;
  }

  /** Ends the connections of all replicas: they must begin anew. */
  disconnectReplicas(): void {
    for (const { client } of [...this.replicas]) client.transport.close();
  }

  #add(replica: Replica): void {
    const { client } = replica;
    client.flags |= REDIS_REPLICA;
    client.outputSource = replica;
    this.replicas.add(replica);
    this.#byClient.set(client, replica);
    const { config, outputLimits } = this.#host;
    outputLimits.apply(client);
    // Redis: of those that get all data, and not of those that go on.
    if (config.replDisableTcpNodelay) client.transport.setNoDelay(false);
  }

  #canContinue({ name }: Replica, id: string, offset: number): boolean {
    const { state, backlog } = this;
    const { log } = this.#host;
    if (!state.sharesHistory(id, offset)) {
      if (!id.startsWith("?")) {
        log.notice(
          `Replica ${name} cannot go on: it has offset ${offset} of history ${id}, and ours are ` +
            `${state.replicationId} and ${state.secondId} up to ${state.secondOffset}`,
        );
      }
      return false;
    }
    if (backlog?.covers(offset) === true) return true;
    const kept = backlog === null
      ? "there is no backlog"
      : `the backlog has ${backlog.firstOffset} to ${backlog.endOffset}`;
    log.notice(`Replica ${name} cannot go on from offset ${offset}: ${kept}`);
    return false;
  }

  /** The first replica: what was before nobody knows, so the history begins here. */
  #beginHistoryIfNeeded(): void {
    if (this.backlog !== null) return;
    const { state } = this;
    state.changeId();
    state.clearSecondId();
    this.createBacklog();
    this.#host.log.notice(`The replication backlog begins, with ID ${state.replicationId}`);
  }

  #putOnline(replica: Replica): void {
    replica.phase = "online";
    replica.ackMs = clock.nowMs();
    this.#host.log.notice(`Replica ${replica.name} has all data, and follows`);
    this.#countGoodReplicas();
  }

  imageSent(replica: Replica): void {
    this.#fullSync.imageSent(replica);
  }

  bytesSent(byteCount: number): void {
    this.#host.statistics.replicationOutputBytes += byteCount;
  }

  // ------------------------------------------------------------------------------------ answering

  /** A replica says how much of the stream it has, and has on its disk (or null). */
  acknowledge(replica: Replica, offset: number, aofOffset: number | null): void {
    if (offset > replica.ackOffset) replica.ackOffset = offset;
    if (aofOffset !== null && aofOffset > replica.aofAckOffset) replica.aofAckOffset = aofOffset;
    replica.ackMs = clock.nowMs();
    if (replica.startsOnAck && replica.hasImage) {
      replica.startsOnAck = false;
      replica.wake();
    }
    this.#hasNews = true;
    if (this.#isMinimumSet) this.#countGoodReplicas();
  }

  /** Has all replicas say how far they have come; at the end of the turn. */
  requestAcks(): void {
    this.#isAckAskedFor = true;
  }

  /** Replicas that have the stream up to `offset`. */
  countAcknowledged(offset: number): number {
    let count = 0;
    for (const { phase, ackOffset } of this.replicas) {
      if (phase === "online" && ackOffset >= offset) count++;
    }
    return count;
  }

  /** Replicas that have it up to `offset` on their disks. */
  countSynced(offset: number): number {
    let count = 0;
    for (const { phase, aofAckOffset } of this.replicas) {
      if (phase === "online" && aofAckOffset >= offset) count++;
    }
    return count;
  }

  /** What is due at the end of a turn, before output is written. */
  endTurn(): void {
    if (this.#hasNews) {
      this.#hasNews = false;
      this.failover.check(clock.nowMs());
    }
    if (!this.#isAckAskedFor || this.#host.pause.isActive) return;
    this.#isAckAskedFor = false;
    this.feedAckRequest();
  }

  /** Asks all replicas, at once, how far they have come. */
  feedAckRequest(): void {
    if (!this.state.isReplica && this.replicas.size > 0) this.feed(GET_ACK, 0, GET_ACK.length);
  }

  /** Whether all replicas have all of the stream. */
  get isInSync(): boolean {
    for (const { ackOffset } of this.replicas) if (ackOffset !== this.state.offset) return false;
    return true;
  }

  get #isMinimumSet(): boolean {
    const { minReplicasToWrite, minReplicasMaxLag } = this.#host.config;
    return minReplicasToWrite > 0 && minReplicasMaxLag > 0;
  }

  /** Writers are refused if there are too few replicas that keep up (NOREPLICAS). */
  #countGoodReplicas(): void {
    const { config, gates } = this.#host;
    let count = 0;
    for (const { phase, ackMs } of this.replicas) {
      const lagSeconds = lagOf(ackMs);
      if (phase === "online" && lagSeconds <= config.minReplicasMaxLag) count++;
    }
    this.goodReplicaCount = count;
    const isRefused = this.#isMinimumSet && !this.state.isReplica &&
      count < config.minReplicasToWrite;
    gates.set(GATE_NO_REPLICAS, isRefused);
  }

  // ---------------------------------------------------------------------------------- housekeeping

  /** Housekeeping, called by cron. */
  tick(nowMs: number): void {
    this.failover.check(nowMs);
    // A clock that was set back must not stop it.
    if (Math.abs(nowMs - this.#secondMs) < SECOND_MS) return;
    this.#secondMs = nowMs;
    this.#endSilent(nowMs);
    this.#ping();
    this.#fullSync.tick(nowMs);
    this.#countGoodReplicas();
    this.#freeBacklogIfLonely(nowMs);
  }

  #ping(): void {
    const { config, pause } = this.#host;
    const isPingDue = this.#seconds++ % config.replPingReplicaPeriod === 0;
    // While a failover waits for the replicas to catch up, nothing is added.
    const isStill = this.failover.isUnderWay && pause.isActive;
    if (isPingDue && !this.state.isReplica && this.replicas.size > 0 && !isStill) {
      this.feed(PING, 0, PING.length);
    }
    for (const replica of this.replicas) {
      if (replica.isIdle) replica.sendLine(ALIVE);
    }
  }

  /** Ends replicas that have said nothing, or taken nothing, for too long. */
  #endSilent(nowMs: number): void {
    const { config, log } = this.#host;
    for (const replica of [...this.replicas]) {
      const sinceMs = replica.silentSince(nowMs);
      if (sinceMs === null || nowMs - sinceMs <= config.replTimeout * SECOND_MS) continue;
      log.warning(`Replica ${replica.name} is given up: nothing was heard of it for too long`);
      replica.client.transport.close();
    }
  }

  #freeBacklogIfLonely(nowMs: number): void {
    const { config, log } = this.#host;
    const { state, replicas, backlog } = this;
    const ttlMs = config.replBacklogTtl * SECOND_MS;
    if (backlog === null || state.isReplica || replicas.size > 0 || ttlMs === 0) return;
    if (nowMs - this.#lonelySinceMs <= ttlMs) return;
    state.changeId();
    state.clearSecondId();
    this.freeBacklog();
    log.notice(`No replica for ${config.replBacklogTtl} seconds: the replication backlog is freed`);
  }
}

/** Whole seconds since a moment in ms, as Redis counts them. */
export function lagOf(sinceMs: number): number {
  return Math.floor(clock.nowMs() / SECOND_MS) - Math.floor(sinceMs / SECOND_MS);
}
