/**
 * TLS streams: the two adapters between our connections and node:tls.
 *
 *   TCP connection (Deno) → rawStream → node:tls → TlsSocket → connection.ts
 *
 * Deno's own TLS listener would be quicker by a third, but it can neither ask clients for a
 * certificate nor switch off Nagle's algorithm, which holds back the second of two replies in a row
 * for 40 ms. Modules of node are fetched by `builtin` when the first TLS port is opened, since
 * loading them takes longer than the rest of the start.
 */
import process from "node:process";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

const RAW_READ_BYTES_MIN = 1024;
/** A TLS record, and what surrounds it. */
const RAW_READ_BYTES_MAX = 16 * 1024 + 512;
/** How long a peer may take to read our goodbye. */
const GOODBYE_MS_MAX = 1000;

/** A module of node, loaded when it is first asked for. */
export const builtin = process.getBuiltinModule;

/** A TCP connection as the stream that node:tls wants below itself; destroying it closes both. */
export function rawStream(connection: Deno.TcpConn): Duplex {
  const { Duplex } = builtin("node:stream");
  let target = new Uint8Array(RAW_READ_BYTES_MIN);
  return new Duplex({
    read() {
      connection.read(target).then((count) => {
        if (count === null) return this.push(null);
        const isFull = count === target.length;
        this.push(target.slice(0, count));
        if (isFull && count < RAW_READ_BYTES_MAX) {
          target = new Uint8Array(Math.min(2 * count, RAW_READ_BYTES_MAX));
        }
      }, (error) => this.destroy(error));
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(connection, chunk).then(() => done(), done);
    },
    final(done) {
      connection.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      try {
        connection.close();
      } catch {
        // The peer was faster.
      }
      done(error);
    },
  });
}

async function writeAll(connection: Deno.TcpConn, chunk: Uint8Array): Promise<void> {
  let written = await connection.write(chunk);
  while (written < chunk.length) written += await connection.write(chunk.subarray(written));
}

interface Reader {
  readonly target: Uint8Array;
  readonly resolve: (count: number | null) => void;
}

/** A TLS connection whose handshake is done, as connection.ts reads and writes it. */
export class TlsSocket {
  readonly #socket: TLSSocket;
  /** What has arrived and nobody has read; the stream is paused meanwhile. */
  #rest: Uint8Array | null = null;
  #reader: Reader | null = null;
  #writesPending = 0;
  #hasEnded = false;
  #isClosed = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
    // The end that follows is all that matters.
    socket.on("error", () => {});
  }

  /** Resolves with the number of bytes read, or null at the end of the stream. */
  read(target: Uint8Array): Promise<number | null> {
    if (this.#rest !== null) return Promise.resolve(this.#takeRest(target));
    if (this.#hasEnded) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#reader = { target, resolve };
    });
  }

  /** Resolves when all bytes are encrypted and handed to the system: they may be reused then. */
  write(source: Uint8Array): Promise<number> {
    this.#writesPending++;
    return new Promise((resolve, reject) => {
      this.#socket.write(source, (error) => {
        this.#writesPending--;
        if (error) reject(error);
        else resolve(source.length);
      });
    });
  }

  /** Says goodbye and closes; at once if there is a peer that does not read. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#writesPending > 0) {
      this.#socket.destroy();
      return;
    }
    this.#socket.setTimeout(GOODBYE_MS_MAX, () => this.#socket.destroy());
    this.#socket.destroySoon();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#isClosed) return;
    this.#rest = chunk;
    const reader = this.#reader;
    if (reader === null) {
      this.#socket.pause();
      return;
    }
    this.#reader = null;
    const count = this.#takeRest(reader.target);
    if (this.#rest !== null) this.#socket.pause();
    reader.resolve(count);
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    const reader = this.#reader;
    this.#reader = null;
    reader?.resolve(null);
  };

  #takeRest(target: Uint8Array): number {
    const rest = this.#rest!;
    const count = Math.min(rest.length, target.length);
    target.set(count < rest.length ? rest.subarray(0, count) : rest);
    this.#rest = count < rest.length ? rest.subarray(count) : null;
    if (this.#rest === null && this.#socket.isPaused()) this.#socket.resume();
    return count;
  }
}
