/**
 * Runtime listener: accepts clients at a socket of the runtime, TLS ones included, and carries them
 * over the runtime's sockets.
 *
 * A client of the TLS port counts against `maxclients` from its first byte; it becomes a client of
 * the server when its handshake is done (tls.ts).
 */
import type { Log } from "../base/log.ts";
import { nextRound, type Timers } from "../base/timers.ts";
import { systemErrorText } from "../config/config.ts";
import type { Door, Visitor } from "./door.ts";
import type { ReadRounds } from "./read_rounds.ts";
import { RuntimeCarrier, type Socket } from "./runtime_carrier.ts";
import type { TlsLayer } from "./tls.ts";

/** Pause after an accept that failed for want of something that the next one needs, too. */
export const ACCEPT_RETRY_MS = 100;
/**
 * What accept(2) says of a connection that broke before it was taken: it is gone, and the next one
 * may be taken at once. (The runtime asks a new socket for its addresses: ENOTCONN, EINVAL.)
 */
const BROKEN_CONNECTION = new Set([
  "ECONNABORTED",
  "ECONNRESET",
  "ENOTCONN",
  "EINVAL",
  "EINTR",
  "EPROTO",
  "EPERM",
  "ETIMEDOUT",
  "ENETDOWN",
  "ENETUNREACH",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENONET",
  "ENOPROTOOPT",
  "EOPNOTSUPP",
]);
/** Clients that are let in before those who are there have their turn; many come at a time. */
const ACCEPTS_AT_ONCE_MAX = 32;
const OUT_OF_FILES = new Set(["EMFILE", "ENFILE"]);

/** A listener of the runtime, of whatever kind. */
export type AnyListener = Deno.Listener<Deno.Conn, Deno.Addr>;

/** A socket at which clients arrive, however they are carried. */
export interface ClientListener {
  /** Begins to accept. */
  accept(): void;
  /** Takes over settings for the clients to come. */
  tune(): void;
  close(): void;
}

export interface RuntimeListenerOptions {
  readonly door: Door;
  readonly log: Log;
  readonly timers: Timers;
  /** Those of all clients that the runtime's sockets carry. */
  readonly rounds: ReadRounds;
  /** Seconds between probes of silent connections; 0: none. */
  keepaliveSeconds(): number;
  /** How clients of a unix socket are shown; null if it is none. */
  readonly unixName: string | null;
  /** Carries out handshakes; null if there are none. */
  readonly tls: (() => TlsLayer) | null;
}

export class RuntimeListener implements ClientListener {
  readonly #listener: AnyListener;
  readonly #options: RuntimeListenerOptions;
  #isClosed = false;

  constructor(listener: AnyListener, options: RuntimeListenerOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  accept(): void {
    this.#acceptAll();
  }

  /** Each client gets its settings when it comes. */
  tune(): void {}

  close(): void {
    this.#isClosed = true;
    this.#listener.close();
  }

  async #acceptAll(): Promise<void> {
    const { door, timers } = this.#options;
    for (let count = 1;; count++) {
      let socket: Deno.Conn;
      // The next one is often there already: the promise would be kept without a round.
      if (count % ACCEPTS_AT_ONCE_MAX === 0) await nextRound();
      try {
        socket = await this.#listener.accept();
      } catch (error) {
        if (this.#isClosed) return;
        const code = errorCode(error);
        if (BROKEN_CONNECTION.has(code)) {
          door.wasGone(systemErrorText(error));
          continue;
        }
        door.failed(systemErrorText(error), OUT_OF_FILES.has(code));
        await timers.sleep(ACCEPT_RETRY_MS);
        continue;
      }
      if (this.#options.tls !== null) this.#welcomeTls(socket as Deno.TcpConn | Deno.TlsConn);
      else this.#welcome(socket);
    }
  }

  #welcome(socket: Deno.Conn): void {
    const { door, rounds, unixName } = this.#options;
    if (unixName === null) this.#tuneSocket(socket as Deno.TcpConn);
    const carrier = new RuntimeCarrier(socket as unknown as Socket, rounds);
    door.welcome(new RuntimeVisitor(socket, carrier, addressesOf(socket, unixName)));
  }

  /** Redis: whom there is no room for is not told so before the handshake. */
  #welcomeTls(connection: Deno.TcpConn | Deno.TlsConn): void {
    const { door, log, rounds, tls } = this.#options;
    if (door.refuses()) return connection.close();
    if ("setNoDelay" in connection) this.#tuneSocket(connection);
    const addresses = addressesOf(connection, null);
    const { peer } = addresses;
    tls!().handshake(connection).then(
      (socket) => {
        door.admit(new RuntimeVisitor(socket, new RuntimeCarrier(socket, rounds), addresses));
      },
      (error) => log.verbose(`Error accepting a client connection: ${error.message} (${peer})`),
    );
  }

  #tuneSocket(socket: Deno.TcpConn): void {
    try {
      socket.setNoDelay(true);
      // The runtime knows on and off only; the time between probes is the system's.
      if (this.#options.keepaliveSeconds() > 0) socket.setKeepAlive(true);
    } catch {
      // Some systems refuse it for a connection that is broken; reading will tell.
    }
  }
}

interface RuntimeAddresses {
  readonly peer: string;
  readonly local: string;
  readonly isUnix: boolean;
}

class RuntimeVisitor implements Visitor {
  readonly carrier: RuntimeCarrier;
  readonly addresses: RuntimeAddresses;
  readonly #socket: Pick<Socket, "write" | "close">;

  constructor(
    socket: Pick<Socket, "write" | "close">,
    carrier: RuntimeCarrier,
    addresses: RuntimeAddresses,
  ) {
    this.#socket = socket;
    this.carrier = carrier;
    this.addresses = addresses;
  }

  get isUnix(): boolean {
    return this.addresses.isUnix;
  }

  get isLocal(): boolean {
    const { peer, isUnix } = this.addresses;
    return isUnix || peer.startsWith("127.") || peer.startsWith("[::1]");
  }

  turnAway(text: Uint8Array<ArrayBuffer>): void {
    const close = () => this.#socket.close();
    this.#socket.write(text).then(close, close);
  }
}

function addressesOf(socket: Deno.Conn, unixName: string | null): RuntimeAddresses {
  if (unixName !== null) return { peer: unixName, local: unixName, isUnix: true };
  const { remoteAddr, localAddr } = socket;
  return { peer: addressText(remoteAddr), local: addressText(localAddr), isUnix: false };
}

/** "ECONNRESET" …; "" if it is no error of the system. */
function errorCode(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

/** `address:port`; a client of IPv4 on a socket of IPv6 is shown as what it is. */
function addressText(address: Deno.Addr): string {
  const { hostname, port } = address as Deno.NetAddr;
  const shown = hostname.startsWith("::ffff:") ? hostname.slice(7) : hostname;
  return shown.includes(":") ? `[${shown}]:${port}` : `${shown}:${port}`;
}
