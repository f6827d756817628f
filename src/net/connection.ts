/**
 * Connection: carries a client's bytes over a socket.
 *
 *   read → query buffer → dispatch, until no complete request is left → read again
 *   end of the turn → one write with all output
 *
 * Reading goes on while a write is pending. What a turn is, and that nothing is written before the
 * AOF has what it needs, is the business of turn.ts.
 *
 * No async function here: each would add promises and microtasks to every request.
 */
import { quoteBytes } from "../base/quoting.ts";
import { recycle } from "../protocol/reply.ts";
import {
  type Client,
  type ClientTransport,
  type OutputSource,
  REDIS_BLOCKED,
  REDIS_CLOSE_AFTER_REPLY,
  REDIS_CLOSE_NOW,
} from "../session/client.ts";
import { clientLine, OUTPUT_FREE_BYTES } from "../session/client_listing.ts";
import type { Host } from "../session/host.ts";

/** Clients that have not authenticated may hold no more than this in their query buffer. */
const UNAUTHENTICATED_QUERY_BYTES_MAX = 1024 * 1024;
const SHOWN_QUERY_BYTES_MAX = 64;
/** A query buffer larger than this is given back as soon as it is empty. */
const QUERY_BUFFER_KEPT_MAX = 256 * 1024;

/** The part of Deno.Conn that is used: TCP, TLS and unix sockets have it. */
export interface Socket {
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  write(source: Uint8Array<ArrayBuffer>): Promise<number>;
  close(): void;
}

/** What it uses of the host. */
export type ConnectionHost = Pick<
  Host,
  | "clientLife"
  | "clientMemory"
  | "config"
  | "dispatcher"
  | "log"
  | "outputLimits"
  | "statistics"
  | "turn"
>;

export class Connection implements ClientTransport {
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly client: Client;
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  #isReading = false;
  #isFlushRequested = false;
  /** Output under way: its array, the bytes of it, how many are written; null if none. */
  #writing: Uint8Array<ArrayBuffer> | null = null;
  #writingBytes = 0;
  #writtenBytes = 0;
  /** Bytes that the read under way has room for. */
  #room = 0;
  #isClosed = false;

  constructor(
    host: ConnectionHost,
    socket: Socket,
    addresses: { peer: string; local: string },
  ) {
    this.#host = host;
    this.#socket = socket;
    this.peerAddress = addresses.peer;
    this.localAddress = addresses.local;
    this.client = host.clientLife.add(this);
  }

  /** Begins to serve. */
  start(): void {
    this.#read();
  }

  /** Goes on with requests that waited while the client was blocked. */
  resume(): void {
    if (this.#isClosed) return;
    if (this.client.query.pendingBytes > 0) this.#process();
    if (!this.#isReading) this.#read();
  }

  requestFlush(): void {
    if (this.#isFlushRequested) return;
    this.#isFlushRequested = true;
    this.#host.turn.add(this);
  }

  /** Called by the turn at its end: writes what there is, unless a write is under way. */
  flush(): void {
    this.#isFlushRequested = false;
    if (this.#isClosed) return;
    const { client } = this;
    const mayExceed = this.#writing !== null || client.reply.length > OUTPUT_FREE_BYTES ||
      client.outputSource !== null;
    if (mayExceed || client.reply.isOverflown) {
      if (this.#host.outputLimits.closeIfReached(client)) return;
      this.#host.clientMemory.update(client);
    }
    if ((client.flags & REDIS_CLOSE_NOW) !== 0) return this.close();
    if (this.#writing !== null) return;
    const { length } = client.reply;
    if (length > 0) {
      this.#writing = client.reply.detach();
      this.#writingBytes = length;
      this.#writtenBytes = 0;
      client.outputPendingBytes = length;
      this.#host.statistics.outputBytes += length;
      this.#write();
    } else if (client.outputSource !== null && this.#writeSource(client.outputSource)) {
      return;
    } else if ((client.flags & REDIS_CLOSE_AFTER_REPLY) !== 0) {
      this.close();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.clientLife.remove(this.client);
    // Whoever still knows the client must not keep its buffers alive. Those of a write that is
    // under way belong to the system until it fails.
    this.client.query.release();
    recycle(this.client.reply.detach());
    try {
      this.#socket.close();
    } catch {
      // The peer was faster.
    }
  }

  #read(): void {
    if (this.#isClosed) return;
    const target = this.client.query.writable();
    this.#room = target.length;
    this.#isReading = true;
    this.#socket.read(target).then(this.#onRead, this.#onFailure);
  }

  readonly #onRead = (count: number | null): void => {
    this.#isReading = false;
    if (this.#isClosed) return;
    if (count === null) return this.#onEnd();
    const { client } = this;
    client.query.end += count;
    this.#host.statistics.inputBytes += count;
    this.#host.statistics.readsProcessed++;
    if ((client.flags & REDIS_BLOCKED) === 0) this.#process();
    if (client.query.bytes.length > QUERY_BUFFER_KEPT_MAX) client.query.shrink();
    else if (count === this.#room) client.query.growAfterFullRead();
    this.#host.clientMemory.update(client);
    if (this.#isQueryTooLong()) return this.#closeForQueryBuffer();
    if ((client.flags & REDIS_CLOSE_AFTER_REPLY) === 0) this.#read();
  };

  #process(): void {
    this.#host.dispatcher.processQuery(this.client);
    const { client } = this;
    if (client.reply.length > 0 || (client.flags & REDIS_CLOSE_NOW) !== 0) this.requestFlush();
    else if ((client.flags & REDIS_CLOSE_AFTER_REPLY) !== 0) this.requestFlush();
  }

  /** The peer sends no more; what it is still owed is written. */
  #onEnd(): void {
    const { client } = this;
    const isSent = this.#writing === null && client.reply.length === 0;
    // Redis: a replica that has closed its side is gone.
    if (isSent || client.outputSource !== null) return this.close();
    client.flags |= REDIS_CLOSE_AFTER_REPLY;
  }

  /** Writes the next piece of a source; returns whether there is one. */
  #writeSource(source: OutputSource): boolean {
    const bytes = source.next();
    if (bytes === null) return false;
    this.#writing = bytes;
    this.#socket.write(bytes).then(this.#onSourceWritten, this.#onFailure);
    return true;
  }

  readonly #onSourceWritten = (count: number): void => {
    this.#host.statistics.writesProcessed++;
    this.#writing = null;
    if (this.#isClosed) return;
    this.client.outputSource?.written(count);
    this.requestFlush();
  };

  #write(): void {
    const bytes = this.#writing!.subarray(this.#writtenBytes, this.#writingBytes);
    this.#socket.write(bytes).then(this.#onWritten, this.#onFailure);
  }

  readonly #onWritten = (count: number): void => {
    this.#host.statistics.writesProcessed++;
    this.#writtenBytes += count;
    const { client } = this;
    client.outputPendingBytes = this.#writingBytes - this.#writtenBytes;
    this.#host.clientMemory.update(client);
    if (client.outputPendingBytes > 0) {
      if (!this.#isClosed) this.#write();
      return;
    }
    recycle(this.#writing!);
    this.#writing = null;
    if (this.#isClosed) return;
    if (client.reply.length > 0 || client.outputSource !== null) this.requestFlush();
    else if ((client.flags & REDIS_CLOSE_AFTER_REPLY) !== 0) this.close();
  };

  readonly #onFailure = (): void => {
    this.close();
  };

  /** Whether the client has sent too much that is not carried out yet, queued commands included. */
  #isQueryTooLong(): boolean {
    const { query, mstate, isAuthenticated } = this.client;
    const bytes = query.heldBytes + mstate.argvBytes;
    if (bytes <= UNAUTHENTICATED_QUERY_BYTES_MAX) {
      return bytes > this.#host.config.clientQueryBufferLimit;
    }
    return !isAuthenticated || bytes > this.#host.config.clientQueryBufferLimit;
  }

  #closeForQueryBuffer(): void {
    const { query } = this.client;
    this.#host.statistics.queryBufferLimitDisconnections++;
    const shownBytes = Math.min(SHOWN_QUERY_BYTES_MAX, query.pendingBytes);
    this.#host.log.warning(
      `A request exceeds client-query-buffer-limit, its client is closed: ` +
        `${clientLine(this.client)} ` +
        `(it begins with ${quoteBytes(query.bytes, query.position, shownBytes)})`,
    );
    this.close();
  }
}
