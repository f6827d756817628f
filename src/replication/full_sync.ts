/**
 * Full synchronization: replicas that cannot go on with what they have get the whole data set, and
 * the stream from that moment on. One image serves all replicas that wait for it:
 *
 *   by disk      BGSAVE writes the RDB file; when it stands in its place, each replica is sent it.
 *                Who comes while it is written joins, since the stream is kept from its beginning.
 *   diskless     the child posts the RDB in chunks, which go to all replicas at once, as fast as
 *                the slowest takes them. Nobody can join; but the start waits a while for others
 *                (repl-diskless-sync-delay).
 *
 * Replicas that need something else than the others (another part of the data) get the next image.
 */
import { latin1Bytes } from "../base/bytes.ts";
import { hexId } from "../base/random.ts";
import { errorText, removeIfExists } from "../persistence/file_system.ts";
import { PROPAGATE_REPL } from "../session/command.ts";
import { REDIS_CLOSE_AFTER_REPLY, REDIS_CLOSE_NOW } from "../session/client.ts";
import type { Host } from "../session/host.ts";
import type { Backlog } from "./backlog.ts";
import { CAPABILITY_EOF, type Replica } from "./replica.ts";
import { ChunkQueue, FileImage } from "./replica_images.ts";
import { REPLICATION_ID_LENGTH, type ReplicationState } from "./replication_state.ts";

/** What it uses of the host. */
type FullSyncHost = Pick<
  Host,
  "config" | "files" | "keyspace" | "log" | "persistence" | "propagation"
>;

export interface FullSyncOptions {
  readonly host: FullSyncHost;
  readonly state: ReplicationState;
  /** All replicas, in the order of their arrival. */
  readonly replicas: ReadonlySet<Replica>;
  /** The backlog, which exists while there are replicas. */
  backlog(): Backlog;
  /** A replica has its image, and follows the stream. */
  putOnline(replica: Replica): void;
}

/** An image that is being made for replicas. */
interface Transfer {
  readonly isDiskless: boolean;
  /** What all its replicas are capable of, and what it leaves out. */
  readonly capabilities: number;
  readonly filter: number;
  readonly replicas: Set<Replica>;
  /** The chunks of a diskless one. */
  readonly queue: ChunkQueue | null;
}

export class FullSync {
  readonly #options: FullSyncOptions;
  #transfer: Transfer | null = null;
  /** The RDB file was made for replicas alone, and nobody else needs it: its path. */
  #disposable: string | null = null;
  /** Replicas that the file is being sent to. */
  #fileReaders = 0;

  constructor(options: FullSyncOptions) {
    this.#options = options;
  }

  /** A replica needs all data: it is among `replicas` and in phase "waitStart". */
  request(replica: Replica): void {
    const { log, persistence } = this.#options.host;
    const transfer = this.#transfer;
    if (transfer !== null && transfer.isDiskless) {
      log.notice(`Replica ${replica.name} waits for the transfer to others to end`);
    } else if (persistence.rdb.isSaving) {
      if (transfer !== null && this.#mayJoin(replica, transfer)) {
        log.notice(`Replica ${replica.name} joins those that wait for the running BGSAVE`);
        const [other] = transfer.replicas;
        this.#include(replica, transfer, other.initialOffset);
      } else {
        log.notice(`Replica ${replica.name} waits for the next BGSAVE, the running one is no use`);
      }
    } else if (this.#isDelayed(replica)) {
      log.notice(`The transfer to replica ${replica.name} waits for others to join`);
    } else if (!persistence.child.isRunning) {
      this.#startIfPossible(replica.options.capabilities, filterOf(replica));
    } else {
      log.notice(`Replica ${replica.name} waits until the background job is done`);
    }
  }

  /** Once a second: begins what has waited for its time, or for another job to end. */
  tick(nowMs: number): void {
    const { config, keyspace } = this.#options.host;
    // Of data that are being loaded there is only a part (DEBUG LOADAOF).
    if (keyspace.isLoading) return;
    const waiting = [...this.#options.replicas].filter(({ phase }) => phase === "waitStart");
    if (waiting.length === 0) return;
    const filter = filterOf(waiting[0]);
    const equals = waiting.filter((replica) => filterOf(replica) === filter);
    const idleMs = Math.max(...equals.map(({ client }) => nowMs - client.lastInteractionMs));
    const { replDisklessSync, replDisklessSyncDelay, replDisklessSyncMaxReplicas } = config;
    const isFull = replDisklessSyncMaxReplicas > 0 && equals.length >= replDisklessSyncMaxReplicas;
    const isDue = !replDisklessSync || isFull || idleMs >= replDisklessSyncDelay * 1000;
    if (!isDue) return;
    const common = equals.reduce((all, { options }) => all & options.capabilities, ~0);
    this.#startIfPossible(common, filter);
  }

  /** A replica is gone. */
  forget(replica: Replica): void {
    const transfer = this.#transfer;
    if (transfer === null || !transfer.replicas.delete(replica)) return;
    if (!transfer.isDiskless || transfer.replicas.size > 0) return;
    this.#options.host.log.notice("No replica is left that the transfer is for: it is given up");
    this.#options.host.persistence.child.abort();
  }

  /** All of its image has been sent to a replica. */
  imageSent(replica: Replica): void {
    if (replica.options.isRdbOnly) {
      const { log } = this.#options.host;
      log.notice(`${replica.name} has got the data and wanted nothing else: it is let go`);
      replica.client.flags |= REDIS_CLOSE_AFTER_REPLY;
      return;
    }
    this.#options.putOnline(replica);
  }

  #isDelayed({ options }: Replica): boolean {
    const { replDisklessSync, replDisklessSyncDelay } = this.#options.host.config;
    const isDiskless = replDisklessSync && (options.capabilities & CAPABILITY_EOF) !== 0;
    return isDiskless && replDisklessSyncDelay > 0;
  }

  /** Redis: it must be able to do all that those can do whom the image is made for. */
  #mayJoin(replica: Replica, { replicas, capabilities, filter }: Transfer): boolean {
    const { options } = replica;
    const isCapable = (options.capabilities & capabilities) === capabilities;
    if (!isCapable || filterOf(replica) !== filter) return false;
    // Somebody must have kept the stream since the beginning.
    return [...replicas].some((other) => !other.options.isRdbOnly || options.isRdbOnly);
  }

  #startIfPossible(capabilities: number, filter: number): void {
    const { config, persistence } = this.#options.host;
    if (persistence.child.isRunning || persistence.rdb.isSaving || this.#transfer !== null) return;
    const isDiskless = (config.replDisklessSync || filter !== 0) &&
      (capabilities & CAPABILITY_EOF) !== 0;
    if (isDiskless) this.#startStream(capabilities, filter);
    else this.#startSave(capabilities, filter);
  }

  #startSave(capabilities: number, filter: number): void {
    const { host, replicas } = this.#options;
    const transfer: Transfer = {
      isDiskless: false,
      capabilities,
      filter,
      replicas: new Set(),
      queue: null,
    };
    host.log.notice("A BGSAVE begins for replicas, by disk");
    const failure = host.persistence.rdb.startBackgroundSave((path) => {
      this.#saveEnded(transfer, path);
    });
    if (failure !== null) return this.#refuseWaiting();
    this.#transfer = transfer;
    for (const replica of replicas) {
      if (replica.phase !== "waitStart" || filterOf(replica) !== filter) continue;
      this.#include(replica, transfer, this.#options.state.offset);
    }
  }

  #startStream(capabilities: number, filter: number): void {
    const { host, replicas } = this.#options;
    const { log, persistence } = host;
    const mark = hexId(REPLICATION_ID_LENGTH);
    const queue = new ChunkQueue((count) => persistence.child.takeChunks(count));
    const transfer: Transfer = {
      isDiskless: true,
      capabilities,
      filter,
      replicas: new Set(),
      queue,
    };
    log.notice("A transfer of the data begins for replicas, without the disk");
    const running = persistence.rdb.runStream({
      hasData: (filter & FILTER_DATA) === 0,
      hasLibraries: (filter & FILTER_LIBRARIES) === 0,
      onChunk: (bytes) => this.#pass(transfer, bytes),
    });
    this.#transfer = transfer;
    for (const replica of replicas) {
      const isWaiting = replica.phase === "waitStart" && filterOf(replica) === filter;
      if (!isWaiting || (replica.options.capabilities & CAPABILITY_EOF) === 0) continue;
      this.#include(replica, transfer, this.#options.state.offset);
      replica.sendLine(`$EOF:${mark}\r\n`);
      replica.sendImage(queue.createReader());
    }
    running.then(({ outcome }) => this.#streamEnded(transfer, outcome === "ok" ? mark : null));
  }

  /** A replica gets this image, and the stream from `offset` on. */
  #include(replica: Replica, transfer: Transfer, offset: number): void {
    const { host, state } = this.#options;
    transfer.replicas.add(replica);
    replica.initialOffset = offset;
    replica.phase = "waitEnd";
    replica.startsOnAck = transfer.isDiskless;
    // It knows of no database that the stream has selected.
    host.propagation.selectAgain(PROPAGATE_REPL);
    if (!replica.options.isRdbOnly) replica.follow(this.#options.backlog().cursorAt(offset + 1));
    if (!replica.isPrePsync) replica.sendLine(`+FULLRESYNC ${state.replicationId} ${offset}\r\n`);
  }

  #pass({ queue, replicas }: Transfer, bytes: Uint8Array<ArrayBuffer>): void {
    queue!.add(bytes);
    // Replicas may all be gone.
    queue!.letGo();
    for (const replica of replicas) replica.wake();
  }

  #streamEnded(transfer: Transfer, mark: string | null): void {
    this.#transfer = null;
    const { log } = this.#options.host;
    const queue = transfer.queue!;
    if (mark === null) {
      if (transfer.replicas.size > 0) log.warning("The transfer to replicas has failed");
      for (const { client } of [...transfer.replicas]) client.transport.close();
      return;
    }
    log.notice("The data are on their way to the replicas");
    queue.add(latin1Bytes(mark));
    queue.isEnded = true;
    queue.letGo();
    for (const replica of transfer.replicas) replica.wake();
  }

  #saveEnded(transfer: Transfer, path: string | null): void {
    this.#transfer = null;
    const { files, log } = this.#options.host;
    for (const replica of [...transfer.replicas]) {
      if (path === null) {
        log.warning(`Replica ${replica.name} cannot be served: the BGSAVE has failed`);
        replica.client.transport.close();
        continue;
      }
      try {
        const image = new FileImage(files.openForRead(path), {
          onFailure: (error) => {
            log.warning(`Replica ${replica.name} cannot be sent ${path}: ${errorText(error)}`);
            replica.client.flags |= REDIS_CLOSE_NOW;
            replica.wake();
          },
          onRelease: () => this.#fileReleased(),
        });
        this.#fileReaders++;
        replica.phase = "sendBulk";
        replica.sendImage(image);
      } catch (error) {
        log.warning(`Replica ${replica.name} cannot be served: ${path}: ${errorText(error)}`);
        replica.client.transport.close();
      }
    }
    if (path !== null && this.#options.host.config.rdbDelSyncFiles) this.#disposable = path;
  }

  /** Redis: a file that only replicas needed does not stay (rdb-del-sync-files). */
  #fileReleased(): void {
    this.#fileReaders--;
    const { config, files, log } = this.#options.host;
    const path = this.#disposable;
    if (path === null || this.#fileReaders > 0) return;
    this.#disposable = null;
    if (config.appendonly || config.savePoints.length > 0) return;
    log.notice(`The file ${path} was needed for replicas only, and is removed`);
    removeIfExists(files, path);
  }

  /** No image can be made: those that wait for one are told, and end. */
  #refuseWaiting(): void {
    const { host: { log }, replicas } = this.#options;
    log.warning("A BGSAVE for replicas cannot begin");
    for (const replica of replicas) {
      if (replica.phase !== "waitStart") continue;
      replica.sendLine("-ERR BGSAVE failed, replication can't continue\r\n");
      replica.client.flags |= REDIS_CLOSE_AFTER_REPLY;
    }
  }
}

const FILTER_DATA = 1 << 0;
const FILTER_LIBRARIES = 1 << 1;

/** What a replica wants to be left out of its image. */
function filterOf({ options }: Replica): number {
  return (options.excludesData ? FILTER_DATA : 0) |
    (options.excludesLibraries ? FILTER_LIBRARIES : 0);
}
