/**
 * Paced client: sends requests on a schedule, whether or not earlier ones are answered, and
 * measures each from the moment that it was due. A client that waits for replies asks less while
 * the server stands still and so does not see most of the delay (coordinated omission); this one
 * does.
 *
 * One thread, many connections, epoll and sockets without promises: at tens of thousands of
 * requests per second a promise for each would be most of what is measured. Linux, with the
 * permission ffi.
 *
 * Its own delays are in every number; how late it sent says how much of them is its own.
 */

import { type Libc, openLibc, setNoDelay, systemError } from "../../src/net/libc.ts";
import { EPOLLIN, Poller, PollEvents } from "../../src/net/poller.ts";
import { inetAddress } from "../../src/net/socket_address.ts";

export interface PacedLoad {
  port: number;
  connections: number;
  /** Requests per second, over all connections. */
  rate: number;
  /** How many of them. */
  requests: number;
  request: Uint8Array<ArrayBuffer>;
  /** Bytes of each reply; replies are counted by their bytes. */
  replyBytes: number;
}

export interface PacedDelays {
  /** Milliseconds from when a request was due to its reply, one for each. */
  delaysMs: number[];
  /** Milliseconds from when a request was due to when it was sent: our own part. */
  lateMs: number[];
}

const AF_INET = 2;
const SOCK_STREAM = 1;
/** So many requests are sent before replies are looked for again. */
const BURST = 32;

/** One connection and when the requests that it has not answered were due. */
export class TimedConnection implements Disposable {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #dueMs: number[] = [];
  #answered = 0;
  #bytes = 0;

  constructor(libc: Libc, port: number) {
    this.#libc = libc;
    this.fd = libc.socket(AF_INET, SOCK_STREAM, 0);
    if (this.fd < 0) throw systemError(libc, libc.errno());
    const address = inetAddress("127.0.0.1", port)!;
    if (libc.connect(this.fd, address, address.length) !== 0) throw systemError(libc, libc.errno());
    setNoDelay(libc, this.fd, true);
  }

  send(request: Uint8Array<ArrayBuffer>, dueMs: number): void {
    const sent = this.#libc.send(this.fd, request, request.length, 0);
    if (sent !== request.length) throw new Error(`Cannot send a request: ${sent} bytes went`);
    this.#dueMs.push(dueMs);
  }

  /** Takes what has come; calls back with the due time of each request that is answered by it. */
  receive(
    room: Uint8Array<ArrayBuffer>,
    replyBytes: number,
    answered: (dueMs: number) => void,
  ): void {
    const count = this.#libc.recv(this.fd, room, room.length, 0);
    if (count <= 0) throw new Error("The server has closed the connection");
    this.#bytes += count;
    for (; this.#bytes >= replyBytes; this.#bytes -= replyBytes) {
      answered(this.#dueMs[this.#answered++]!);
    }
  }

  [Symbol.dispose](): void {
    this.#libc.close(this.fd);
  }
}

/** Runs a load to its end and returns the delays of all requests. Blocks the thread. */
export function runPaced(load: PacedLoad): PacedDelays {
  const libc = openLibc();
  if (libc === null) throw new Error("Cannot open the C library: a paced load needs Linux and ffi");
  using stack = new DisposableStack();
  const poller = new Poller(libc);
  stack.defer(() => poller.close());
  const connections = Array.from({ length: load.connections }, (_, index) => {
    const connection = stack.use(new TimedConnection(libc, load.port));
    poller.add(connection.fd, EPOLLIN, index);
    return connection;
  });
  return pace(load, connections, poller);
}

function pace(
  load: PacedLoad,
  connections: readonly TimedConnection[],
  poller: Poller,
): PacedDelays {
  const { requests, replyBytes } = load;
  const room = new Uint8Array(65_536);
  const events = new PollEvents(load.connections);
  const stepMs = 1000 / load.rate;
  const delaysMs: number[] = [];
  const lateMs: number[] = [];
  const beginMs = performance.now();
  for (let sent = 0; delaysMs.length < requests;) {
    for (let burst = 0; burst < BURST && sent < requests; burst++) {
      const dueMs = beginMs + sent * stepMs;
      const nowMs = performance.now();
      if (nowMs < dueMs) break;
      connections[sent++ % connections.length]!.send(load.request, dueMs);
      lateMs.push(nowMs - dueMs);
    }
    // No waiting while more is to be sent: the kernel would wake us too late for it.
    const count = poller.wait(events, sent < requests ? 0 : 1);
    const nowMs = performance.now();
    for (let index = 0; index < count; index++) {
      connections[events.stamp(index)]!.receive(room, replyBytes, (dueMs) => {
        delaysMs.push(nowMs - dueMs);
      });
    }
  }
  return { delaysMs, lateMs };
}
