/**
 * Connection: what becomes of a client's bytes, whatever carries them.
 *
 *   read → query buffer → dispatch, until no complete request is left → read again
 *   end of the turn → one write with all output; with `appendfsync always` of that which need not
 *                     wait for the disk (durability/reply_barrier.ts)
 *   64 KiB of replies → a write in the middle of a pipeline, if no promise forbids it: flushEarly
 *   a long string     → written from where it stands, under the same conditions: writeThrough
 *
 * Reading goes on while a write is pending. What a turn is, and that nothing is written before the
 * AOF has what it needs, is the business of turn.ts. How bytes come and go is that of a Carrier:
 * epoll_carrier.ts, runtime_carrier.ts.
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
  SPECIAL_REPLY,
} from "../session/client.ts";
import { clientLine, OUTPUT_FREE_BYTES } from "../session/client_listing.ts";
import type { Host } from "../session/host.ts";

/** Clients that have not authenticated may hold no more than this in their query buffer. */
const UNAUTHENTICATED_QUERY_BYTES_MAX = 1024 * 1024;
const SHOWN_QUERY_BYTES_MAX = 64;
/** A query buffer larger than this is given back as soon as it is empty. */
const QUERY_BUFFER_KEPT_MAX = 256 * 1024;

/** Whose replies are dropped, or have pushes between them, gets them when a command has ended. */
const WRITES_NOTHING_THROUGH = SPECIAL_REPLY | REDIS_CLOSE_NOW;

/** Pieces of output that are written in a row; others are served then. */
const PIECES_MAX = 16;

/** How bytes are carried between a connection and its peer. */
export interface Carrier {
  /** What has arrived, and what became of writes, is told to `connection` from now on. */
  open(connection: Connection): void;
  /** Lets bytes come, if it does not already: into `connection.room`, told by `received`. */
  read(): void;
  /** Nothing is read any more. */
  stopReading(): void;
  /** Whether bytes may come into `connection.room` at any moment, even after `close`. */
  readonly isReading: boolean;
  /** Whether `write` is through with the bytes when it returns, so that they may change then. */
  readonly writesAtOnce: boolean;
  /**
   * Writes bytes[start..end) as far as the system takes them at once, and returns how many it took.
   * If these are not all, `connection.written` will be called, with the number that has been taken
   * by then, which may be 0: then the rest is to be given again. `isMoreComing`: more is written
   * soon, and they may wait for it.
   */
  write(bytes: Uint8Array, start: number, end: number, isMoreComing: boolean): number;
  /** Whether small pieces go out at once (TCP_NODELAY); nothing where there is no such choice. */
  setNoDelay(isOn: boolean): void;
  /** Ends it; it tells nothing more. */
  close(): void;
}

/** Where the two ends of a connection are, as clients are shown. */
export interface Addresses {
  readonly peer: string;
  readonly local: string;
}

/** The first `byteCount` bytes of an array that was detached from the reply. */
interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly byteCount: number;
}

/** What it uses of the host. */
export type ConnectionHost = Pick<
  Host,
  | "barrier"
  | "calls"
  | "clientLife"
  | "clientMemory"
  | "config"
  | "dispatcher"
  | "log"
  | "outputLimits"
  | "persistence"
  | "statistics"
  | "turn"
>;

export class Connection implements ClientTransport {
  readonly client: Client;
  readonly #host: ConnectionHost;
  readonly #carrier: Carrier;
  readonly #addresses: Addresses;
  #isFlushRequested = false;
  /** It will be flushed when a round is safe. */
  #isHeld = false;
  /** So many of the first bytes of the reply may leave when that round is safe. */
  #earlierBytes = 0;
  #earlierRound = 0;
  /** Output under way: its array, the bytes of it, how many are written; null if none. */
  #writing: Uint8Array<ArrayBuffer> | null = null;
  #writingBytes = 0;
  #writtenBytes = 0;
  /** Pieces of the reply that may leave as soon as there is no write under way. */
  #queue: Piece[] = [];
  /** Whose bytes are under way if they are not of the reply. */
  #writingSource: OutputSource | null = null;
  /** Bytes that the read under way has room for. */
  #roomBytes = 0;
  #isClosed = false;

  constructor(host: ConnectionHost, carrier: Carrier, addresses: Addresses) {
    this.#host = host;
    this.#carrier = carrier;
    this.#addresses = addresses;
    this.client = host.clientLife.add(this);
  }

  get peerAddress(): string {
    return this.#addresses.peer;
  }

  get localAddress(): string {
    return this.#addresses.local;
  }

  /** Whether a command of the client is in progress: it must be left alone until that is over. */
  get isRunning(): boolean {
    return this.client.call !== null;
  }

  /** Begins to serve. */
  start(): void {
    this.#carrier.open(this);
    this.#carrier.read();
  }

  /** Goes on with requests that waited while the client was blocked. */
  resume(): void {
    if (this.#isClosed) return;
    if (this.client.query.pendingBytes > 0) this.#process();
    if ((this.client.flags & REDIS_CLOSE_AFTER_REPLY) === 0) this.#carrier.read();
  }

  setNoDelay(isOn: boolean): void {
    if (!this.#isClosed) this.#carrier.setNoDelay(isOn);
  }

  /** Called by others than the client's own commands: nobody knows what the output tells. */
  requestFlush(): void {
    const { barrier } = this.#host;
    if (barrier.isOpen) barrier.hold(this.client);
    this.#askForFlush();
  }

  #askForFlush(): void {
    if (this.#isFlushRequested) return;
    this.#isFlushRequested = true;
    this.#host.turn.add(this);
  }

  /** Called by the turn at its end: writes what there is, unless a write is under way. */
  flush(): void {
    this.#isFlushRequested = false;
    if (this.#isClosed) return;
    // Its reply is not complete: somebody else is served meanwhile (Turn.flushWithin).
    if (this.isRunning) return this.#askForFlush();
    const { client } = this;
    const mayExceed = this.#isSending || client.reply.length > OUTPUT_FREE_BYTES ||
      client.outputSource !== null;
    if (mayExceed || client.reply.isOverflown) {
      if (this.#host.outputLimits.closeIfReached(client)) return;
      this.#host.clientMemory.update(client);
    }
    if ((client.flags & REDIS_CLOSE_NOW) !== 0) return this.close();
    if (this.#writing === null) this.#writeQueue();
    if (client.heldRound > this.#host.barrier.safeRound) return this.#flushHeld();
    if (!this.#isSending) this.#writeOutput();
  }

  /**
   * Called by dispatch when much output has gathered in the middle of a pipeline. It need not wait
   * for the end of the turn if nothing that it may tell of is to be written before. What the system
   * does not take at once is put aside, so that the reply begins anew.
   */
  flushEarly(): void {
    const { client } = this;
    const { barrier, calls, clientMemory, persistence } = this.#host;
    if (this.#isClosed || (client.flags & REDIS_CLOSE_NOW) !== 0 || calls.depth > 0) return;
    if (client.heldRound > barrier.safeRound || !persistence.isWritten) return;
    const { reply } = client;
    const { length } = reply;
    const bytes = reply.detach();
    this.#earlierBytes = 0;
    this.#noteSending(length);
    if (this.#isSending) {
      this.#queue.push({ bytes, byteCount: length });
      return clientMemory.update(client);
    }
    this.#beginWrite(bytes, length);
    if (!this.#push()) return;
    this.#writing = null;
    reply.reuse(bytes);
  }

  /**
   * Within a command that can take nothing back: writes what there is, and behind it `byteCount`
   * bytes that stand elsewhere, without a copy of them, if nothing forbids it. Returns how many of
   * these the system has taken; the others are the caller's, who also adds what follows.
   */
  writeThrough(bytes: Uint8Array, start: number, byteCount: number): number {
    if (!this.#mayWriteThrough()) return 0;
    const { call, reply } = this.client;
    const { length } = reply;
    const before = reply.detach();
    this.#earlierBytes = 0;
    // The reply of the command is as long as before, and begins so much further in front.
    call!.mark -= length;
    this.#noteSending(length);
    this.#beginWrite(before, length);
    if (!this.#push(true)) return 0;
    this.#writing = null;
    reply.reuse(before);
    const taken = this.#carrier.write(bytes, start, start + byteCount, true);
    call!.mark -= taken;
    const { statistics } = this.#host;
    statistics.outputBytes += taken;
    if (taken > 0) statistics.writesProcessed++;
    return taken;
  }

  /**
   * As for `flushEarly`; and what the client sees must be the reply from its beginning to its end,
   * with nothing dropped or put in between, and nothing that may yet have to wait.
   */
  #mayWriteThrough(): boolean {
    const { client } = this;
    const { barrier, calls, persistence } = this.#host;
    if (!this.#carrier.writesAtOnce || this.#isClosed || this.#isSending) return false;
    if (calls.depth !== 1 || (client.flags & WRITES_NOTHING_THROUGH) !== 0) return false;
    const { isOverflown, earlyBytes } = client.reply;
    // With a limit all that a pipeline is answered counts.
    if (isOverflown || earlyBytes === Infinity || client.outputSource !== null) return false;
    // Promises of before may still be kept.
    if (barrier.isKept || client.heldRound > barrier.safeRound) return false;
    return persistence.isWritten;
  }

  /** Whether there is output of which the system has not taken all yet. */
  get #isSending(): boolean {
    return this.#writing !== null || this.#queue.length > 0;
  }

  /** Called by the barrier: more of what waits may leave. */
  roundSafe(): void {
    this.#isHeld = false;
    this.#askForFlush();
  }

  /** Writes what may leave already of output that waits for a round; it is flushed again then. */
  #flushHeld(): void {
    const { client } = this;
    const { barrier } = this.#host;
    const { heldRound, reply } = client;
    if (!this.#isHeld) barrier.await(this);
    this.#isHeld = true;
    if (this.#earlierBytes > 0 && this.#earlierRound <= barrier.safeRound) {
      if (this.#isSending) return;
      const bytes = Math.min(this.#earlierBytes, reply.length);
      this.#earlierBytes = 0;
      this.#writePart(bytes);
      if (this.#isClosed) return;
    }
    if (this.#earlierBytes === 0 && barrier.isClosed(heldRound)) this.roundBegan();
  }

  /** Called by the barrier: all that waits needs no later round than that of this sync. */
  roundBegan(): void {
    // What is written of the reply of a running command may tell of more than is known yet.
    if (this.isRunning) return;
    const { reply, heldRound } = this.client;
    this.#earlierBytes = reply.length;
    this.#earlierRound = heldRound;
  }

  close(): void {
    if (this.#isClosed) return;
    if (this.isRunning) {
      // The command still uses what would go; the end of the turn closes it.
      this.client.flags |= REDIS_CLOSE_NOW;
      return this.#askForFlush();
    }
    this.#isClosed = true;
    this.#host.clientLife.remove(this.client);
    // Whoever still knows the client must not keep its buffers alive. Those of a write that is
    // under way belong to the system until it fails.
    this.client.query.release(!this.#carrier.isReading);
    recycle(this.client.reply.detach());
    for (const { bytes } of this.#queue) recycle(bytes);
    this.#queue = [];
    this.#carrier.close();
  }

  // ------------------------------------------------------------------------- told by the carrier

  /** Where the next bytes are to be read to. */
  get room(): Uint8Array<ArrayBuffer> {
    const room = this.client.query.writable();
    this.#roomBytes = room.length;
    return room;
  }

  /** So many bytes have been read into the room. */
  received(count: number): void {
    if (this.#isClosed) return;
    const { client } = this;
    const { statistics } = this.#host;
    client.query.end += count;
    statistics.inputBytes += count;
    statistics.readsProcessed++;
    if ((client.flags & REDIS_BLOCKED) === 0) this.#process();
    if (this.#isClosed) return;
    if (client.query.bytes.length > QUERY_BUFFER_KEPT_MAX) client.query.shrink();
    else if (count === this.#roomBytes) client.query.growAfterFullRead();
    this.#host.clientMemory.update(client);
    if (this.#isQueryTooLong()) return this.#closeForQueryBuffer();
    if ((client.flags & REDIS_CLOSE_AFTER_REPLY) === 0) this.#carrier.read();
    else this.#carrier.stopReading();
  }

  /** The peer sends no more; what it is still owed is written. */
  ended(): void {
    if (this.#isClosed) return;
    const { client } = this;
    const isSent = !this.#isSending && client.reply.length === 0;
    // Redis: a replica that has closed its side is gone.
    if (isSent || client.outputSource !== null) return this.close();
    client.flags |= REDIS_CLOSE_AFTER_REPLY;
    this.#carrier.stopReading();
  }

  /** The connection is broken. */
  failed(): void {
    this.close();
  }

  /** Of the write under way the system has taken so many more bytes. */
  written(count: number): void {
    if (this.#writing === null) return;
    this.#countWritten(count);
    const isPart = this.#writtenBytes < this.#writingBytes;
    if (this.#isClosed) return isPart ? undefined : this.#endWrite();
    // A source is asked again for what it gave and the system did not take.
    if (isPart && this.#writingSource === null && !this.#push()) return;
    this.#endWrite();
    const { client } = this;
    const hasMore = client.reply.length > 0 || client.outputSource !== null;
    if (hasMore || this.#queue.length > 0) this.#askForFlush();
    else if ((client.flags & REDIS_CLOSE_AFTER_REPLY) !== 0) this.close();
  }

  // ------------------------------------------------------------------------------------- output

  /** Writes all there is, as far as the system takes it at once. */
  #writeOutput(): void {
    const { client } = this;
    for (let pieces = 0; this.#takeOutput(); pieces++) {
      if (!this.#push()) return;
      this.#endWrite();
      if (pieces === PIECES_MAX) return this.#askForFlush();
    }
    if ((client.flags & REDIS_CLOSE_AFTER_REPLY) !== 0) this.close();
  }

  /** Writes what was put aside, as far as the system takes it at once, and others need not wait. */
  #writeQueue(): void {
    const queue = this.#queue;
    for (let pieces = 0; queue.length > 0; pieces++) {
      if (pieces === PIECES_MAX) return this.#askForFlush();
      const { bytes, byteCount } = queue.shift()!;
      this.#beginWrite(bytes, byteCount);
      if (!this.#push()) return;
      this.#endWrite();
    }
  }

  /** Writes so many of the first bytes of the reply; the others stay. */
  #writePart(byteCount: number): void {
    const { reply } = this.client;
    const restBytes = reply.length - byteCount;
    const bytes = reply.detach();
    reply.raw(bytes, byteCount, restBytes);
    this.#noteSending(byteCount);
    this.#beginWrite(bytes, byteCount);
    if (this.#push()) this.#endWrite();
  }

  /** So many bytes of the reply are about to be written, or put aside. */
  #noteSending(byteCount: number): void {
    this.client.outputPendingBytes += byteCount;
    this.#host.statistics.outputBytes += byteCount;
  }

  #beginWrite(bytes: Uint8Array<ArrayBuffer>, byteCount: number): void {
    this.#writing = bytes;
    this.#writingBytes = byteCount;
    this.#writtenBytes = 0;
  }

  /** Finds what is to be written next: the reply, and then what a source has; false if nothing. */
  #takeOutput(): boolean {
    const { client } = this;
    const { length } = client.reply;
    if (length > 0) {
      this.#earlierBytes = 0;
      this.#noteSending(length);
      this.#beginWrite(client.reply.detach(), length);
    } else {
      const source = client.outputSource;
      const bytes = source === null ? null : source.next();
      if (bytes === null) return false;
      this.#writing = bytes;
      this.#writingBytes = bytes.length;
      this.#writingSource = source;
      this.#writtenBytes = 0;
    }
    return true;
  }

  /** Gives the carrier the rest of the output under way; returns whether it took all of it. */
  #push(isMoreComing = false): boolean {
    const taken = this.#carrier.write(
      this.#writing!,
      this.#writtenBytes,
      this.#writingBytes,
      isMoreComing,
    );
    if (taken > 0) this.#countWritten(taken);
    return this.#writtenBytes === this.#writingBytes;
  }

  #countWritten(count: number): void {
    if (count > 0) this.#host.statistics.writesProcessed++;
    this.#writtenBytes += count;
    const { client } = this;
    if (this.#writingSource === null) {
      client.outputPendingBytes -= count;
      this.#host.clientMemory.update(client);
    } else if (count > 0 && !this.#isClosed) {
      this.#writingSource.written(count);
    }
  }

  /** No write is under way any more. */
  #endWrite(): void {
    if (this.#writingSource === null) recycle(this.#writing!);
    this.#writingSource = null;
    this.#writing = null;
  }

  // -------------------------------------------------------------------------------------- input

  #process(): void {
    this.#host.dispatcher.processQuery(this.client);
    const { client } = this;
    if (client.reply.length > 0 || (client.flags & REDIS_CLOSE_NOW) !== 0) this.#askForFlush();
    else if ((client.flags & REDIS_CLOSE_AFTER_REPLY) !== 0) this.#askForFlush();
    // All of it has left early.
    else if (client.reply.bytes.length > 0) recycle(client.reply.detach());
  }

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
