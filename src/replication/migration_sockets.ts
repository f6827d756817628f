/**
 * Migration sockets: connections to the servers that keys are moved to (MIGRATE). One that is used
 * again within ten seconds need not be made anew; INFO shows how many there are.
 *
 * MIGRATE holds up the whole server until its target has answered, as in Redis. What follows from
 * that is the point: nobody can change, see or expire a key while it is on its way, it is here or
 * there at any moment, and MIGRATE is an ordinary command in transactions and scripts. How a
 * procedure, which is synchronous, can wait for a socket is the business of who implements
 * `SynchronousIo` (net/synchronous_io.ts).
 */

declare module "../session/host.ts" {
  interface Host {
    readonly migrationSockets: MigrationSockets;
  }
}

/** What became of requests that were sent. */
export interface Exchange {
  /** "done": all was written and answered in order, by "+OK" or by an error each time. */
  end: "done" | "write failed" | "read failed";
  /** The failure is one of time. */
  isTimeout: boolean;
  /** Per reply that came: 1 for "+OK", 0 for an error. */
  acknowledged: Uint8Array;
  /** The first error that came, without its "-", a character per byte; "" if none did. */
  firstError: string;
}

/** What became of a connection: "refused" is one of bare TCP to a port where nobody listens. */
export type ConnectOutcome = "connected" | "refused" | "failed";

/** Sockets that are waited for on the spot. Nothing of it throws. */
export interface SynchronousIo {
  /** Connects socket `id`, a new one, which may take `timeoutMs`. */
  connect(id: number, host: string, port: number, timeoutMs: number): ConnectOutcome;
  /**
   * Writes `chunks`, whose memory it keeps, and reads `replyCount` lines. Each chunk and each line
   * may take `timeoutMs`. A socket that fails is closed.
   */
  exchange(
    id: number,
    chunks: readonly Uint8Array<ArrayBuffer>[],
    replyCount: number,
    timeoutMs: number,
  ): Exchange;
  close(id: number): void;
  /** Closes all, and gives back what it takes to have sockets. */
  stop(): void;
}

/** How long a socket is kept that nobody uses. */
const IDLE_MS_MAX = 10_000;
const SOCKET_COUNT_MAX = 64;

export interface MigrationSocket {
  readonly id: number;
  /** The database that the other side has selected; -1: not known. */
  database: number;
  usedMs: number;
}

export class MigrationSockets {
  readonly #io: SynchronousIo;
  /** By host and port; those used last stand at the end. */
  readonly #sockets = new Map<string, MigrationSocket>();
  #lastId = 0;

  constructor(io: SynchronousIo) {
    this.#io = io;
  }

  /** Number of connections that are kept (INFO migrate_cached_sockets). */
  get count(): number {
    return this.#sockets.size;
  }

  /** The connection to a server, an old or a new one, or why it cannot be had. */
  open(
    host: string,
    port: number,
    timeoutMs: number,
    nowMs: number,
  ): MigrationSocket | "refused" | "failed" {
    const name = `${host}:${port}`;
    let socket = this.#sockets.get(name);
    if (socket !== undefined) {
      this.#sockets.delete(name);
    } else {
      if (this.#sockets.size === SOCKET_COUNT_MAX) this.#closeFirst();
      const id = ++this.#lastId;
      const outcome = this.#io.connect(id, host, port, timeoutMs);
      if (outcome !== "connected") return outcome;
      socket = { id, database: -1, usedMs: 0 };
    }
    socket.usedMs = nowMs;
    this.#sockets.set(name, socket);
    return socket;
  }

  /** Sends requests and waits for their replies; one that fails is no socket any more. */
  exchange(
    socket: MigrationSocket,
    chunks: readonly Uint8Array<ArrayBuffer>[],
    replyCount: number,
    timeoutMs: number,
  ): Exchange {
    const exchange = this.#io.exchange(socket.id, chunks, replyCount, timeoutMs);
    if (exchange.end !== "done") this.#forget(socket);
    return exchange;
  }

  /** Closes those that were not used for a while; called once a second. */
  closeIdle(nowMs: number): void {
    if (this.#sockets.size === 0) return;
    for (const socket of this.#sockets.values()) {
      if (nowMs - socket.usedMs <= IDLE_MS_MAX) continue;
      this.#io.close(socket.id);
      this.#forget(socket);
    }
    if (this.#sockets.size === 0) this.#io.stop();
  }

  close(): void {
    this.#sockets.clear();
    this.#io.stop();
  }

  #closeFirst(): void {
    for (const socket of this.#sockets.values()) {
      this.#io.close(socket.id);
      return this.#forget(socket);
    }
  }

  #forget(socket: MigrationSocket): void {
    for (const [name, each] of this.#sockets) {
      if (each === socket) this.#sockets.delete(name);
    }
  }
}
