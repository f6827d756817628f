/**
 * Master socket: the connection of a replica to its master: bytes in, one read at a time and only
 * when asked for; bytes out, in order. It is closed once, and is silent after that.
 *
 * How a connection is made (TCP or TLS) is a matter of net/, which stands above this room.
 */
import { errorText } from "../persistence/file_system.ts";

/** The part of a connection that is used. */
export interface OutgoingSocket {
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  write(source: Uint8Array<ArrayBuffer>): Promise<number>;
  close(): void;
}

/** Connects to a server; rejects with the error of the system. */
export type Connect = (hostname: string, port: number) => Promise<OutgoingSocket>;

export interface MasterSocketListener {
  onConnected(): void;
  /** Bytes have come; they are good until the next read. */
  onBytes(bytes: Uint8Array, length: number): void;
  /** The connection is of no use any more. */
  onBroken(reason: string): void;
}

export class MasterSocket {
  readonly #listener: MasterSocketListener;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #socket: OutgoingSocket | null = null;
  #isReading = false;
  #isClosed = false;
  #outgoing: Uint8Array<ArrayBuffer>[] = [];
  #isWriting = false;

  constructor(listener: MasterSocketListener, bufferBytes: number) {
    this.#listener = listener;
    this.#buffer = new Uint8Array(bufferBytes);
  }

  /** Begins to connect. */
  open(connect: Connect, hostname: string, port: number): void {
    connect(hostname, port).then((socket) => {
      if (this.#isClosed) return socket.close();
      this.#socket = socket;
      this.#listener.onConnected();
    }, this.#onFailure);
  }

  /** Asks for the next bytes; `onBytes` brings them. */
  read(): void {
    if (this.#isClosed || this.#isReading) return;
    this.#isReading = true;
    this.#socket!.read(this.#buffer).then(this.#onRead, this.#onFailure);
  }

  /** Sends bytes, which must not change any more. */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed || this.#socket === null) return;
    this.#outgoing.push(bytes);
    if (!this.#isWriting) this.#write();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#socket?.close();
    } catch {
      // The master was faster.
    }
  }

  readonly #onRead = (count: number | null): void => {
    this.#isReading = false;
    if (this.#isClosed) return;
    if (count === null) this.#listener.onBroken("it has closed the connection");
    else this.#listener.onBytes(this.#buffer, count);
  };

  #write(): void {
    this.#isWriting = true;
    this.#socket!.write(this.#outgoing[0]).then(this.#onWritten, this.#onFailure);
  }

  readonly #onWritten = (count: number): void => {
    this.#isWriting = false;
    if (this.#isClosed) return;
    const first = this.#outgoing[0];
    if (count < first.length) this.#outgoing[0] = first.subarray(count);
    else this.#outgoing.shift();
    if (this.#outgoing.length > 0) this.#write();
  };

  readonly #onFailure = (error: unknown): void => {
    if (this.#isClosed) return;
    this.#listener.onBroken(errorText(error));
  };
}
