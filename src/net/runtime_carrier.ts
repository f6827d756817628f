/**
 * Runtime carrier: carries a connection's bytes over a socket of the runtime: TCP, TLS or unix, on
 * every system. A read is always under way, with a promise that tells its end; so is a write while
 * there is output.
 */
import type { Carrier, Connection } from "./connection.ts";
import { type Reader, ReadRounds } from "./read_rounds.ts";

/** The part of Deno.Conn that is used: TCP, TLS and unix sockets have it. */
export interface Socket {
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  write(source: Uint8Array<ArrayBuffer>): Promise<number>;
  close(): void;
  /** TCP only. */
  setNoDelay?(isOn: boolean): void;
}

export class RuntimeCarrier implements Carrier, Reader {
  readonly writesAtOnce = false;
  readonly #socket: Socket;
  readonly #rounds: ReadRounds;
  #connection!: Connection;
  #isReading = false;
  /** It will read when its turn comes. */
  #isWaiting = false;
  #isClosed = false;

  /** Carries over `socket`; `rounds` are those of all that read beside it. */
  constructor(socket: Socket, rounds = new ReadRounds()) {
    this.#socket = socket;
    this.#rounds = rounds;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  open(connection: Connection): void {
    this.#connection = connection;
    this.#rounds.openCount++;
  }

  read(): void {
    if (this.#isReading || this.#isWaiting || this.#isClosed) return;
    this.#isWaiting = true;
    this.#rounds.request(this);
  }

  beginRead(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#isReading = true;
    this.#socket.read(this.#connection.room).then(this.#onRead, this.#onFailure);
  }

  /** The next read is not begun; none is under way when this is asked for. */
  stopReading(): void {
    this.#isWaiting = false;
  }

  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    this.#socket.write(bytes.subarray(start, end)).then(this.#onWritten, this.#onFailure);
    return 0;
  }

  setNoDelay(isOn: boolean): void {
    try {
      this.#socket.setNoDelay?.(isOn);
    } catch {
      // Some systems refuse it for a connection that is broken; reading will tell.
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isWaiting = false;
    this.#rounds.openCount--;
    try {
      this.#socket.close();
    } catch {
      // The peer was faster.
    }
  }

  readonly #onRead = (count: number | null): void => {
    this.#isReading = false;
    this.#rounds.arrived();
    if (count === null) this.#connection.ended();
    else this.#connection.received(count);
  };

  readonly #onWritten = (count: number): void => {
    this.#connection.written(count);
  };

  readonly #onFailure = (): void => {
    this.#connection.failed();
  };
}
