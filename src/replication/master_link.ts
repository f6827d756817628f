/**
 * Master link: how a replica gets to its master, gets all data from it, and stays with it.
 *
 *   none ── REPLICAOF ──▶ connect ──▶ connecting ──▶ handshake ──┬─ +CONTINUE ──────▶ connected
 *                            ▲                                   └─ +FULLRESYNC ─▶ sync ──▲
 *                            └───── whatever goes wrong; tried again each second ─────────┘
 *
 * THE HELD HISTORY is what this server can go on with: its data are those of `state.replicationId`
 * up to `state.offset`. A broken link leaves it as it is, so that PSYNC asks for the rest only; it
 * survives a restart in the RDB file; a server that was a master holds its own. It ends when other
 * data begin to take the place of the present ones, and that is not before an RDB has come whole
 * and its checksum was found right.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { hexId } from "../base/random.ts";
import type { MasterAddress } from "../config/config_kinds.ts";
import { errorText, isSystemError } from "../persistence/file_system.ts";
import type { RdbHistory } from "../persistence/rdb_writer.ts";
import { encodeRequests } from "../protocol/request_encoder.ts";
import { REDIS_CLOSE_AFTER_REPLY, REDIS_REPLICA } from "../session/client.ts";
import { discardTransaction } from "../execution/transaction.ts";
import { commandError } from "../session/errors.ts";
import { GATE_MASTER_DOWN, GATE_READ_ONLY } from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import { DataReplacement } from "./data_replacement.ts";
import { DataTransfer } from "./data_transfer.ts";
import { Divergence } from "./divergence.ts";
import { Handshake, type HandshakeOutcome, type HistoryPoint } from "./handshake.ts";
import { type Connect, MasterSocket, type MasterSocketListener } from "./master_socket.ts";
import { createMasterClient, FollowedStream, READ_BYTES } from "./followed_stream.ts";
import { ReceptionError } from "./rdb_reception.ts";
import type { ReceivedRdb } from "./received_rdb.ts";
import { REPLICATION_ID_LENGTH } from "./replication_state.ts";

/** The words of ROLE. */
export type LinkState = "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";

const UNBLOCKED = commandError(
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
);
const LINE_FEED = 10;
const RETURN = 13;
const LINE_BYTES_MAX = 1024;
/** Tells a master that waits for us that we are alive. */
const SIGN_OF_LIFE = latin1Bytes("\n");

declare module "../session/host.ts" {
  interface Host {
    readonly masterLink: MasterLink;
  }
}

/** What it uses of the host. */
type LinkHost = Pick<
  Host,
  | "arena"
  | "blocking"
  | "clientLife"
  | "clients"
  | "config"
  | "dispatcher"
  | "files"
  | "gates"
  | "keyspace"
  | "log"
  | "pause"
  | "persistence"
  | "replication"
  | "statistics"
  | "turn"
>;

export interface MasterLinkOptions {
  readonly host: LinkHost;
  readonly connect: Connect;
  /** TCP or TLS port under which this server can be reached. */
  listeningPort(): number;
  /** The data cannot be kept as the configuration demands; ends the process. */
  panic(reason: string): never;
}

export class MasterLink implements MasterSocketListener {
  #state: LinkState = "none";
  /** The master; null if there is none. */
  address: MasterAddress | null = null;
  /** Times of this side: the last byte from the master, the end of the last link; ms since 1970. */
  #lastIoMs = 0;
  #downSinceMs = 0;
  readonly #options: MasterLinkOptions;
  readonly #host: LinkHost;
  readonly #replacement: DataReplacement;
  readonly #divergence: Divergence;
  #socket: MasterSocket | null = null;
  #handshake: Handshake | null = null;
  #line = "";
  #transfer: DataTransfer | null = null;
  #isLoading = false;
  #stream: FollowedStream | null = null;
  #isOldMaster = false;
  /** The database that the held history has selected; null: there is no such history. */
  #heldDb: number | null = null;
  #isFailover = false;
  #transferCount = 0;
  /** The AOF was stopped for a transfer and could not be begun again. */
  #lacksRecord = false;

  constructor(options: MasterLinkOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#replacement = new DataReplacement(options.host);
    this.#divergence = new Divergence(options.host, (reason) => options.panic(reason));
    const names = ["replica-read-only", "replica-serve-stale-data"];
    this.#host.config.onChange(names, () => {
      this.#setGates();
      return null;
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  set state(state: LinkState) {
    this.#state = state;
    this.#setGates();
  }

  /** What clients are refused depends on role, link and configuration. */
  #setGates(): void {
    const { config, gates, keyspace } = this.#host;
    const isReplica = this.address !== null;
    keyspace.isWritableReplica = isReplica && !config.replicaReadOnly;
    const isStale = isReplica && !this.isConnected && !config.replicaServeStaleData;
    gates.set(GATE_READ_ONLY, isReplica && config.replicaReadOnly);
    gates.set(GATE_MASTER_DOWN, isStale);
  }

  get isConnected(): boolean {
    return this.state === "connected";
  }

  /** The database that the stream has selected last; null if there is no stream to go on with. */
  get streamDb(): number | null {
    return this.#stream === null ? this.#heldDb : this.#stream.client.db.index;
  }

  /** Bytes of the stream applied; -1 without a link (ROLE). */
  get appliedOffset(): number {
    return this.#stream?.appliedOffset ?? -1;
  }

  // ------------------------------------------------------------------------------ role and place

  /** From now on the data are those of a master; connects at once. */
  follow(address: MasterAddress, isFailover = false): void {
    const wasMaster = this.address === null;
    this.#disconnect();
    this.#endWaiting();
    this.address = address;
    this.#host.config.replicaof = address;
    this.#isFailover = isFailover;
    // What this server has may well be the beginning of what its new master has.
    if (wasMaster) this.#heldDb = 0;
    this.#beginAs("replica");
    this.state = "connect";
    this.#connect();
  }

  /** At the start: what is loaded will be a replica's. `begin` follows when it is loaded. */
  prepare(address: MasterAddress): void {
    this.address = address;
    this.#beginAs("replica");
    this.state = "connect";
  }

  /**
   * The data have been loaded; `saved` is the place in a history that the RDB file names: that of a
   * replica goes on there, and replicas of this server may know its history by that name.
   */
  begin(saved: RdbHistory | null): void {
    const { replication } = this.#host;
    const { state } = replication;
    if (this.address === null) {
      replication.beginHistory(saved);
    } else if (saved !== null) {
      state.replicationId = saved.replicationId;
      state.offset = saved.offset;
      this.#heldDb = Math.min(saved.streamDb, this.#host.keyspace.databases.length - 1);
      replication.createBacklog();
    }
    if (this.address !== null) this.#connect();
  }

  /** The data are this server's own from now on. Replicas of the former master can follow it. */
  unfollow(): void {
    if (this.address === null) return;
    this.#disconnect();
    this.address = null;
    this.#host.config.replicaof = null;
    this.#heldDb = null;
    this.#isFailover = false;
    this.#downSinceMs = 0;
    this.state = "none";
    this.#host.replication.state.shiftId();
    this.#beginAs("master");
    this.#disconnectReplicas();
    this.#recordIfNeeded();
  }

  #beginAs(role: "master" | "replica"): void {
    const { keyspace, log, replication } = this.#host;
    const isReplica = role === "replica";
    if (isReplica) replication.becomeReplica();
    else replication.becomeMaster();
    if (this.#heldDb !== null) replication.createBacklog();
    replication.masterLink = isReplica ? this : null;
    keyspace.isReplica = isReplica;
    this.#setGates();
    log.role = isReplica ? "S" : "M";
  }

  /** Those below must hear that the history has another name or end; they come again. */
  #disconnectReplicas(): void {
    for (const client of [...this.#host.clients.values()]) {
      if (client.has(REDIS_REPLICA)) client.transport.close();
    }
  }

  /** Who waits for a key would wait for ever, for only the master changes keys now. */
  #endWaiting(): void {
    const { blocking, clients, dispatcher } = this.#host;
    for (const client of clients.values()) {
      if (client.blocked === null) continue;
      dispatcher.endBlocked(client, 0);
      dispatcher.replyError(client, UNBLOCKED);
      client.flags |= REDIS_CLOSE_AFTER_REPLY;
      blocking.unblock(client);
      client.transport.requestFlush();
    }
  }

  /** Ends all that is under way, for the end of the server. */
  close(): void {
    this.#disconnect();
    this.state = "none";
    this.address = null;
  }

  // ----------------------------------------------------------------------------- once per second

  /** Called each second: connects, gives up what takes long, tells the master how far we are. */
  tick(nowMs: number): void {
    if (this.#lacksRecord) this.#recordIfNeeded();
    if (this.address === null) return;
    const limitMs = this.#host.config.replTimeout * 1000;
    // After the clock was set back, a silence must not seem to begin in the future.
    this.#lastIoMs = Math.min(this.#lastIoMs, nowMs);
    const isSilent = nowMs - this.#lastIoMs > limitMs && !this.#isLoading;
    if (this.#isLoading) this.#socket?.send(SIGN_OF_LIFE);
    else if (this.state === "connect") this.#connect();
    else if (isSilent) this.#fail(`nothing was heard of it for ${limitMs / 1000} s (repl-timeout)`);
    else if (this.state === "connected") this.sendAck();
  }

  /** Tells the master how far its stream has been applied. */
  sendAck(): void {
    if (this.#stream === null || this.#isOldMaster) return;
    const words = ["REPLCONF", "ACK", String(this.#stream.appliedOffset)];
    this.#socket?.send(encodeRequests([words.map(latin1Bytes)]));
  }

  // ---------------------------------------------------------------------- connecting, handshake

  #connect(): void {
    const { host, port } = this.address!;
    this.#host.log.notice(`Connecting to the master ${host}:${port}`);
    this.state = "connecting";
    this.#lastIoMs = clock.refresh();
    this.#socket = new MasterSocket(this, READ_BYTES);
    this.#socket.open(this.#options.connect, host, port);
  }

  onConnected(): void {
    const { config, log, replication } = this.#host;
    log.notice("The master is there, the handshake begins");
    this.state = "handshake";
    this.#lastIoMs = clock.refresh();
    const { replicationId, offset } = replication.state;
    const history = this.#heldDb === null ? null : { replicationId, offset };
    this.#handshake = new Handshake({
      user: config.masteruser,
      password: config.masterauth,
      listeningPort: config.replicaAnnouncePort || this.#options.listeningPort(),
      announcedAddress: config.replicaAnnounceIp,
      history,
      isFailover: this.#isFailover,
    });
    this.#line = "";
    this.#socket!.send(this.#handshake.begin());
    this.#socket!.read();
  }

  onBytes(bytes: Uint8Array, length: number): void {
    this.#lastIoMs = clock.refresh();
    this.#host.statistics.replicationInputBytes += length;
    let at = 0;
    while (this.#handshake !== null && at < length) at = this.#takeLine(bytes, at, length);
    if (this.#handshake !== null) this.#socket!.read();
    else if (this.#transfer !== null) this.#takeData(bytes, at, length);
    else this.#stream?.take(bytes, at, length - at);
  }

  onBroken(reason: string): void {
    this.#fail(reason);
  }

  /** Reads on in a line of the handshake; returns where it goes on. */
  #takeLine(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at] !== LINE_FEED) at++;
    this.#line += latin1Text(bytes, start, at - start);
    if (this.#line.length > LINE_BYTES_MAX) {
      this.#fail(`its answer is too long: '${this.#line.slice(0, 32)}…'`);
      return end;
    }
    if (at === end) return at;
    const isReturned = this.#line.charCodeAt(this.#line.length - 1) === RETURN;
    const line = isReturned ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    const { send, remark, outcome } = this.#handshake!.take(line);
    if (remark !== undefined) this.#host.log.notice(remark);
    if (send !== undefined) this.#socket!.send(send);
    if (outcome !== undefined) this.#endHandshake(outcome);
    return at + 1;
  }

  #endHandshake(outcome: HandshakeOutcome): void {
    this.#handshake = null;
    if (this.#isFailover && !this.#endFailover(outcome)) return;
    switch (outcome.kind) {
      case "refused":
        return this.#fail(outcome.reason);
      case "continue":
        return this.#goOn(outcome.replicationId);
      case "full":
        return this.#beginTransfer(outcome.start, false);
      case "old":
        return this.#beginTransfer(
          { replicationId: hexId(REPLICATION_ID_LENGTH), offset: 0 },
          true,
        );
    }
  }

  /** The target of a failover has answered; false: it does not take over. */
  #endFailover(outcome: HandshakeOutcome): boolean {
    this.#isFailover = false;
    const { failover } = this.#host.replication;
    if (outcome.kind === "refused") failover.abort(`its target refused: ${outcome.reason}`);
    else failover.succeeded();
    return outcome.kind !== "refused";
  }

  /** The stream goes on where it was left. */
  #goOn(newId: string | null): void {
    const { log, replication } = this.#host;
    const { state } = replication;
    if (this.#heldDb === null) return this.#fail("it goes on with a history that we do not have");
    log.notice(`Partial resynchronization from offset ${state.offset + 1}`);
    if (newId !== null && newId !== state.replicationId) {
      log.notice(`The master has the new replication id ${newId}`);
      state.secondId = state.replicationId;
      state.secondOffset = state.offset + 1;
      state.replicationId = newId;
      this.#disconnectReplicas();
    }
    replication.createBacklog();
    this.#beConnected(this.#heldDb);
  }

  // ------------------------------------------------------------------------------- all data anew

  #beginTransfer(start: HistoryPoint, isOld: boolean): void {
    this.#host.log.notice(`Full resynchronization from ${start.replicationId}:${start.offset}`);
    this.state = "sync";
    const number = ++this.#transferCount;
    this.#orFail("its data cannot be kept", () => {
      this.#transfer = new DataTransfer({ host: this.#host, start, isOld, number });
    });
  }

  #takeData(bytes: Uint8Array, start: number, end: number): void {
    const transfer = this.#transfer!;
    this.#orFail("its data cannot be kept", () => {
      if (!transfer.take(bytes, start, end)) return this.#socket!.read();
      transfer.received.finish().then(
        () => this.#transfer === transfer && this.#load(transfer),
        (error) => this.#transfer === transfer && this.#fail(`its data: ${errorText(error)}`),
      );
    });
  }

  /** What the master or the disk does wrong ends the connection. */
  #orFail(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ReceptionError) return this.#fail(error.message);
      if (!isSystemError(error)) throw error;
      this.#fail(`${what}: ${errorText(error)}`);
    }
  }

  #load(transfer: DataTransfer): void {
    const { log } = this.#host;
    const fault = transfer.received.findFault();
    if (fault !== null) return this.#fail(`${fault}; the present data stay`);
    log.notice("All data of the master have come and are complete; they are loaded now");
    this.#isLoading = true;
    this.#replacement.replace(transfer.received, () => this.#leaveHistory()).then(
      (streamDb) => this.#loaded(transfer, streamDb),
      (error) => {
        this.#isLoading = false;
        this.#recordIfNeeded();
        const rest = this.#heldDb === null ? "there are no data now" : "the present data stay";
        this.#fail(`its data cannot be loaded: ${errorText(error)}; ${rest}`);
      },
    );
  }

  /** Other data take the place of ours: nobody can go on with our history. */
  #leaveHistory(): void {
    const { replication } = this.#host;
    this.#heldDb = null;
    this.#disconnectReplicas();
    replication.freeBacklog();
    replication.state.changeId();
    replication.state.clearSecondId();
  }

  #loaded(transfer: DataTransfer, streamDb: number): void {
    const { keyspace, log, persistence, replication } = this.#host;
    const { start, received, rest, isOld } = transfer;
    this.#isLoading = false;
    this.#transfer = null;
    this.#keepFile(received);
    const { state } = replication;
    state.replicationId = start.replicationId;
    state.offset = start.offset;
    state.clearSecondId();
    replication.createBacklog();
    keyspace.dirty = 0;
    persistence.rdb.lastSaveMs = clock.refresh();
    this.#isOldMaster = isOld;
    this.#recordIfNeeded();
    if (this.#socket === null) return;
    log.notice("The data of the master are loaded; its stream of changes follows");
    this.#beConnected(Math.min(streamDb, keyspace.databases.length - 1));
    // A master that sent its data without a file waits for this before it goes on.
    if (transfer.usesMark) this.sendAck();
    this.#stream!.take(rest, 0, rest.length);
  }

  /** The file of the master becomes the RDB file, unless nobody wants one. */
  #keepFile(received: ReceivedRdb): void {
    const { config, log, persistence } = this.#host;
    const isUnwanted = config.rdbDelSyncFiles && config.savePoints.length === 0 &&
      !config.appendonly;
    if (isUnwanted) return received.discard();
    try {
      received.install(persistence.rdb.path);
    } catch (error) {
      log.warning(
        `The data of the master cannot become ${persistence.rdb.path}: ` + errorText(error),
      );
      received.discard();
    }
  }

  /** Records what changes again after a transfer, or tries it each second. */
  #recordIfNeeded(): void {
    const wasLacking = this.#lacksRecord;
    this.#lacksRecord = !this.#replacement.recordAgain();
    if (this.#lacksRecord && !wasLacking) {
      this.#host.log.warning("The AOF cannot be begun again; it is tried each second.");
    }
  }

  // ------------------------------------------------------------------------------------ the stream

  #beConnected(dbIndex: number): void {
    const { keyspace, replication } = this.#host;
    this.state = "connected";
    this.#downSinceMs = 0;
    this.#isFailover = false;
    const client = createMasterClient(this.#host, this.address!, () => {
      this.#fail("its client was closed here");
    });
    client.db = keyspace.databases[dbIndex];
    const socket = this.#socket!;
    this.#stream = new FollowedStream({
      host: this.#host,
      client,
      offset: replication.state.offset,
      applied: replication,
      onIdle: () => socket.read(),
      onBroken: (reason) => this.#fail(`its stream is damaged: ${reason}`),
      onRefused: (error, command) => this.#divergence.noteRefusal(error, command),
      onUnsafe: () => this.#divergence.noteUnsafe(),
    });
  }

  // -------------------------------------------------------------------------------------- the end

  /** What goes wrong with the master ends here: the log says why, and another try follows. */
  #fail(reason: string): void {
    if (this.address === null || this.state === "connect" || this.#isLoading) return;
    const { log } = this.#host;
    const wasConnected = this.state === "connected";
    const { host, port } = this.address;
    const what = wasConnected ? "Lost" : "Cannot synchronize with";
    log.warning(`${what} the master ${host}:${port}: ${reason}`);
    this.#disconnect();
    this.state = "connect";
    // While nobody else writes, its backlog may still have what we need: no second is lost.
    if (wasConnected) this.#host.turn.afterwards(() => this.#connectIfNeeded());
  }

  #connectIfNeeded(): void {
    if (this.state === "connect" && this.address !== null) this.#connect();
  }

  /** Ends the connection, whatever it was busy with; what was applied is held. */
  #disconnect(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#handshake = null;
    const { clientLife } = this.#host;
    const stream = this.#stream;
    if (stream !== null) {
      stream.end();
      this.#stream = null;
      this.#heldDb = this.#isOldMaster ? null : stream.client.db.index;
      this.#downSinceMs = clock.refresh();
      discardTransaction(stream.client);
      clientLife.remove(stream.client);
    }
    if (this.#transfer !== null && !this.#isLoading) {
      this.#transfer.received.discard();
      this.#transfer = null;
    }
  }

  // ----------------------------------------------------------------------------------------- INFO

  /** The fields of INFO replication that stand behind `role`, in Redis's order. */
  infoFields(): (readonly [name: string, value: string | number])[] {
    const { config, replication } = this.#host;
    const nowMs = clock.nowMs();
    const stream = this.#stream;
    const held = this.#heldDb === null ? 1 : replication.state.offset;
    const agoSeconds = (thenMs: number) => Math.floor((nowMs - thenMs) / 1000);
    return [
      ["master_host", this.address?.host ?? ""],
      ["master_port", this.address?.port ?? 0],
      ["master_link_status", this.isConnected ? "up" : "down"],
      ["master_last_io_seconds_ago", stream === null ? -1 : agoSeconds(this.#lastIoMs)],
      ["master_sync_in_progress", this.state === "sync" ? 1 : 0],
      ["slave_read_repl_offset", stream?.receivedOffset ?? held],
      ["slave_repl_offset", stream?.appliedOffset ?? held],
      ...(this.#transfer?.infoFields(agoSeconds(this.#lastIoMs)) ?? []),
      ...(this.isConnected ? [] : [
        [
          "master_link_down_since_seconds",
          this.#downSinceMs === 0 ? -1 : agoSeconds(this.#downSinceMs),
        ] as const,
      ]),
      ["slave_priority", config.replicaPriority],
      ["slave_read_only", config.replicaReadOnly ? 1 : 0],
      ["replica_announced", config.replicaAnnounced ? 1 : 0],
    ];
  }
}
