/**
 * Epoll carrier: carries a connection's bytes over a socket that is ours: read when the kernel says
 * that there is something, written at once, and again when the kernel has room.
 *
 * Why a read or a write failed is not asked (libc.ts): if the connection is broken, the next event
 * says so.
 */
import type { Addresses, Carrier, Connection } from "./connection.ts";
import type { EventLoop, EventSource } from "./event_loop.ts";
import { setNoDelay } from "./libc.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "./poller.ts";
import { ADDRESS_BYTES_MAX, addressText } from "./socket_address.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** What does not fill a packet waits for what comes next. */
const MSG_MORE = 0x8000;
const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const BROKEN = EPOLLERR | EPOLLHUP;

/** What the kernel says of a socket's address, for as long as it takes to make text of it. */
const address = new Uint8Array(ADDRESS_BYTES_MAX);
const addressLength = new Uint32Array(1);

export class EpollCarrier implements Carrier, Addresses, EventSource {
  /** What is read is read at once. */
  readonly isReading = false;
  readonly writesAtOnce = true;
  readonly #loop: EventLoop;
  /** -1 when it is closed. */
  #fd: number;
  /** Whose socket it is, as the kernel has it; null of a unix socket. */
  readonly #peerBytes: Uint8Array | null;
  /** As it is shown; "" before anybody has asked. */
  #peer: string;
  #local = "";
  #connection!: Connection;
  /** The events that are watched for; none before the first. */
  #bits = 0;
  #isWatched = false;

  /** Carries over the socket `fd`; `peer` is as accept(2) gave it, or a unix socket's name. */
  constructor(loop: EventLoop, fd: number, peer: Uint8Array | string) {
    this.#loop = loop;
    this.#fd = fd;
    const isText = typeof peer === "string";
    this.#peerBytes = isText ? null : peer;
    this.#peer = isText ? peer : "";
  }

  get peer(): string {
    if (this.#peerBytes !== null && this.#peer === "") this.#peer = addressText(this.#peerBytes);
    return this.#peer;
  }

  /** The kernel is asked when somebody wants to know. */
  get local(): string {
    if (this.#peerBytes === null) return this.#peer;
    if (this.#local !== "" || this.#fd < 0) return this.#local;
    addressLength[0] = ADDRESS_BYTES_MAX;
    if (this.#loop.libc.getsockname(this.#fd, address, addressLength) < 0) return "";
    this.#local = addressText(address);
    return this.#local;
  }

  open(connection: Connection): void {
    this.#connection = connection;
  }

  read(): void {
    this.#watch(this.#bits | EPOLLIN);
  }

  stopReading(): void {
    this.#watch(this.#bits & ~EPOLLIN);
  }

  write(bytes: Uint8Array, start: number, end: number, isMoreComing: boolean): number {
    const length = end - start;
    const rest = start === 0 ? bytes : bytes.subarray(start);
    const flags = isMoreComing ? SEND_FLAGS | MSG_MORE : SEND_FLAGS;
    const taken = this.#loop.libc.send(this.#fd, rest, length, flags);
    if (taken === length) return taken;
    this.#watch(this.#bits | EPOLLOUT);
    return Math.max(0, taken);
  }

  setNoDelay(isOn: boolean): void {
    if (this.#fd >= 0) setNoDelay(this.#loop.libc, this.#fd, isOn);
  }

  close(): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    this.#loop.forget(fd);
    this.#loop.libc.close(fd);
  }

  onEvents(bits: number, isNested: boolean): void {
    const connection = this.#connection;
    if (isNested && connection.isRunning) return;
    if ((bits & EPOLLOUT) !== 0) {
      this.#watch(this.#bits & ~EPOLLOUT);
      connection.written(0);
    }
    if (this.#fd < 0 || (bits & ~EPOLLOUT) === 0) return;
    if ((this.#bits & EPOLLIN) !== 0) this.#receive(bits);
    else if ((bits & BROKEN) !== 0) connection.failed();
  }

  #receive(bits: number): void {
    const connection = this.#connection;
    const { room } = connection;
    const count = this.#loop.libc.recv(this.#fd, room, room.length, MSG_DONTWAIT);
    if (count > 0) connection.received(count);
    else if (count === 0) connection.ended();
    else if ((bits & BROKEN) !== 0) connection.failed();
  }

  #watch(bits: number): void {
    if (bits === this.#bits || this.#fd < 0) return;
    this.#bits = bits;
    if (this.#isWatched) return this.#loop.modify(this.#fd, bits);
    this.#isWatched = this.#loop.add(this.#fd, bits, this);
    // Out of memory or of watches (max_user_watches): nothing will ever be heard of it.
    if (!this.#isWatched) this.#connection.failed();
  }
}
