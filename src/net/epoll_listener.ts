/**
 * Epoll listener: opens a socket of our own to listen on, and accepts clients at it, to be carried
 * by epoll_carrier.ts.
 *
 * What each client's socket is to have (no delay, probes) is set at the socket that listens: on
 * Linux those that are accepted there inherit it.
 */
import type { Timer, Timers } from "../base/timers.ts";
import type { Door } from "./door.ts";
import { EpollCarrier } from "./epoll_carrier.ts";
import type { EventLoop, EventSource } from "./event_loop.ts";
import { EAGAIN, EINTR, EMFILE, ENFILE, type Libc, setNoDelay, systemError } from "./libc.ts";
import { EPOLLIN } from "./poller.ts";
import { ACCEPT_RETRY_MS, type ClientListener } from "./runtime_listener.ts";
import {
  ADDRESS_BYTES_MAX,
  AF_UNIX,
  familyOf,
  inetAddress,
  isLoopbackAddress,
  portOf,
  unixAddress,
} from "./socket_address.ts";

/** Clients accepted in a row; those that are connected are served in between. */
const ACCEPTS_MAX = 128;

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOCKET_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
/** Probes without an answer after which a peer is given up (Redis: 3). */
const PROBES = 3;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** ENOMEM, ENOBUFS: as with files, the next accept lacks it as well. */
const OUT_OF_MEMORY = [12, 105];

/**
 * Listens at an address of IPv4 or IPv6. Throws the system's error, as the runtime would; returns
 * null if `address` is no address but a name.
 */
export function listenInet(
  libc: Libc,
  { address, port, backlog }: { address: string; port: number; backlog: number },
): number | null {
  const bytes = inetAddress(address, port);
  return bytes === null ? null : listenAt(libc, bytes, backlog);
}

/** Listens at a path where there is nothing. Throws the system's error. */
export function listenUnixSocket(libc: Libc, path: string, backlog: number): number {
  const bytes = unixAddress(path);
  if (bytes === null) throw new TypeError("the path is too long for a socket");
  return listenAt(libc, bytes, backlog);
}

/** The port of a socket: the one that was asked for, or the one that the system chose. */
export function portOfSocket(libc: Libc, fd: number): number {
  const bytes = new Uint8Array(ADDRESS_BYTES_MAX);
  libc.getsockname(fd, bytes, new Uint32Array([bytes.length]));
  return portOf(bytes);
}

function listenAt(libc: Libc, address: Uint8Array<ArrayBuffer>, backlog: number): number {
  const fd = libc.socket(familyOf(address), SOCK_STREAM | SOCKET_FLAGS, 0);
  if (fd < 0) throw systemError(libc, libc.errno());
  if (familyOf(address) !== AF_UNIX) setOption(libc, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (libc.bind(fd, address, address.length) === 0 && libc.listen(fd, backlog) === 0) return fd;
  const errno = libc.errno();
  libc.close(fd);
  throw systemError(libc, errno);
}

function setOption(libc: Libc, fd: number, level: number, name: number, value: number): void {
  libc.setsockopt(fd, level, name, new Int32Array([value]), 4);
}

export interface EpollListenerOptions {
  readonly door: Door;
  readonly timers: Timers;
  /** Seconds between probes of silent connections; 0: none. */
  keepaliveSeconds(): number;
  /** How clients of a unix socket are shown; null if it is none. */
  readonly unixName: string | null;
}

export class EpollListener implements ClientListener, EventSource {
  readonly #loop: EventLoop;
  readonly #fd: number;
  readonly #options: EpollListenerOptions;
  readonly #peer = new Uint8Array(ADDRESS_BYTES_MAX);
  readonly #peerLength = new Uint32Array(1);
  readonly #retry: Timer;
  #isClosed = false;

  /** Accepts at the socket `fd`, which listens. */
  constructor(loop: EventLoop, fd: number, options: EpollListenerOptions) {
    this.#loop = loop;
    this.#fd = fd;
    this.#options = options;
    this.#retry = options.timers.create(() => loop.modify(fd, EPOLLIN));
  }

  accept(): void {
    this.tune();
    this.#loop.add(this.#fd, EPOLLIN, this);
  }

  tune(): void {
    if (this.#options.unixName !== null) return;
    const { libc } = this.#loop;
    const seconds = this.#options.keepaliveSeconds();
    const set = (level: number, name: number, value: number) =>
      setOption(libc, this.#fd, level, name, value);
    setNoDelay(libc, this.#fd, true);
    set(SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
    if (seconds <= 0) return;
    // Redis: silent for so long, then three probes in about the same time.
    set(IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set(IPPROTO_TCP, TCP_KEEPINTVL, Math.max(1, Math.floor(seconds / PROBES)));
    set(IPPROTO_TCP, TCP_KEEPCNT, PROBES);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#retry.stop();
    this.#loop.forget(this.#fd);
    this.#loop.libc.close(this.#fd);
  }

  onEvents(): void {
    const { libc } = this.#loop;
    for (let count = 0; count < ACCEPTS_MAX && !this.#isClosed; count++) {
      this.#peerLength[0] = this.#peer.length;
      const fd = libc.accept4(this.#fd, this.#peer, this.#peerLength, SOCKET_FLAGS);
      if (fd >= 0) this.#welcome(fd);
      else if (!this.#onFailure(libc.errno())) return;
    }
  }

  #welcome(fd: number): void {
    const { door, unixName } = this.#options;
    const isUnix = unixName !== null;
    const peer = isUnix ? unixName : this.#peer.slice(0, this.#peerLength[0]);
    const carrier = new EpollCarrier(this.#loop, fd, peer);
    door.welcome({
      carrier,
      addresses: carrier,
      isUnix,
      isLocal: typeof peer === "string" || isLoopbackAddress(peer),
      turnAway: (text) => {
        this.#loop.libc.send(fd, text, text.length, MSG_DONTWAIT | MSG_NOSIGNAL);
        carrier.close();
      },
    });
  }

  /** What accept(2) failed for; returns whether the next one may be tried at once. */
  #onFailure(errno: number): boolean {
    if (errno === EAGAIN) return false;
    if (errno === EINTR) return true;
    const { door } = this.#options;
    const reason = this.#loop.libc.errorText(errno);
    const isOutOfFiles = errno === EMFILE || errno === ENFILE;
    if (!isOutOfFiles && !OUT_OF_MEMORY.includes(errno)) {
      door.wasGone(reason);
      return true;
    }
    door.failed(reason, isOutOfFiles);
    // Else the loop would be told of the same client again and again.
    this.#loop.modify(this.#fd, 0);
    this.#retry.start(ACCEPT_RETRY_MS);
    return false;
  }
}
