/**
 * Client crowd: up to thousands of clients of which each asks one request at a time, and the next
 * one as soon as it has its reply. As redis-benchmark, which however needs eight seconds for the
 * connections of ten thousand (it sleeps after each 65); here they are made as fast as the server
 * takes them.
 *
 * One thread, epoll and sockets without promises, as paced_client.ts. Linux, with the permission
 * ffi.
 */

import { latin1Bytes } from "../../src/base/bytes.ts";
import { type Libc, openLibc } from "../../src/net/libc.ts";
import { EPOLLIN, Poller, PollEvents } from "../../src/net/poller.ts";
import { encodeRequests } from "../../tests/support/resp_client.ts";
import { TimedConnection } from "./paced_client.ts";

const PING = encodeRequests([["PING"]]);
const PONG_BYTES = latin1Bytes("+PONG\r\n").length;
/** So many connections, then a PING over the last: fewer than wait at a listener (511). */
const GREETED_EVERY = 200;
const EVENTS_MAX = 1000;
const SILENCE_MS_MAX = 60_000;

const SOL_SOCKET = 1;
const SO_LINGER = 13;
/** Closed at once: nothing of a connection stays, and its port can be had again. */
const NO_LINGERING = new Int32Array([1, 0]);

export interface CrowdLoad {
  request: Uint8Array<ArrayBuffer>;
  /** Bytes of each reply; replies are counted by their bytes. */
  replyBytes: number;
  /** How many, over all clients. */
  requests: number;
}

export interface CrowdSample {
  elapsedMs: number;
  /** Milliseconds from a request to its reply, one for each. */
  delaysMs: number[];
}

export class ClientCrowd implements Disposable {
  readonly #stack = new DisposableStack();
  readonly #connections: TimedConnection[] = [];
  readonly #poller: Poller;
  readonly #room = new Uint8Array(65_536);

  /** Connects; all are accepted when it returns. Blocks the thread. */
  constructor(port: number, clients: number) {
    const libc = openLibc();
    if (libc === null) throw new Error("Cannot open the C library: a crowd needs Linux and ffi");
    this.#poller = new Poller(libc);
    this.#stack.defer(() => this.#poller.close());
    try {
      for (let index = 0; index < clients; index++) this.#connect(libc, port, index, clients);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #connect(libc: Libc, port: number, index: number, clients: number): void {
    const connection = this.#stack.use(new TimedConnection(libc, port));
    libc.setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, NO_LINGERING, NO_LINGERING.byteLength);
    this.#connections.push(connection);
    // Whoever is answered has been accepted, and those before it, too.
    if (index % GREETED_EVERY === GREETED_EVERY - 1 || index === clients - 1) {
      let isAnswered = false;
      connection.send(PING, 0);
      while (!isAnswered) connection.receive(this.#room, PONG_BYTES, () => isAnswered = true);
    }
    this.#poller.add(connection.fd, EPOLLIN, index);
  }

  /** Asks until so many requests are answered. Blocks the thread. */
  run({ request, replyBytes, requests }: CrowdLoad): CrowdSample {
    const events = new PollEvents(EVENTS_MAX);
    const delaysMs: number[] = [];
    let sent = 0;
    const send = (connection: TimedConnection) => {
      if (sent++ < requests) connection.send(request, performance.now());
    };
    const beginMs = performance.now();
    for (const connection of this.#connections) send(connection);
    while (delaysMs.length < requests) {
      const count = this.#poller.wait(events, SILENCE_MS_MAX);
      if (count === 0) {
        throw new Error(`Cannot hear anything of the server: ${delaysMs.length} replies`);
      }
      for (let index = 0; index < count; index++) {
        const connection = this.#connections[events.stamp(index)]!;
        connection.receive(this.#room, replyBytes, (sentMs) => {
          delaysMs.push(performance.now() - sentMs);
          send(connection);
        });
      }
    }
    return { elapsedMs: performance.now() - beginMs, delaysMs };
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}
