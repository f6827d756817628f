/**
 * Listeners: the sockets on which the server accepts clients, and who is turned away at the door.
 *
 * `open` (at the start) and `update` (after CONFIG SET) compare the sockets that the configuration
 * wants with those that are open: what is missing is opened first, and only if all of that goes
 * well what is not wanted any more is closed. A socket wanted before and after is not touched.
 *
 * One case cannot be done in that order: the port stays, but `bind` goes from one address to all of
 * them or back. The old socket holds the port until it is closed, and a while longer, so the new
 * one is opened as soon as the port is free, or the old ones are opened again.
 *
 * A client of the TLS port counts against `maxclients` from its first byte; it becomes a client of
 * the server when its handshake is done (tls.ts).
 */
import * as clock from "../base/clock.ts";
import { latin1Bytes, utf8AsLatin1 } from "../base/bytes.ts";
import { REDIS_UNIX_SOCKET } from "../session/client.ts";
import { systemErrorText } from "../config/config.ts";
import { Connection, type ConnectionHost, type Socket } from "./connection.ts";
import type { Host } from "../session/host.ts";
import { loadTlsSettings, namesOldProtocols, TlsConfigError, TlsLayer } from "./tls.ts";

/** Pause after an accept that failed for want of something that the next one needs, too. */
const ACCEPT_RETRY_MS = 100;
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
const OUT_OF_FILES = new Set(["EMFILE", "ENFILE"]);
/** The system needs a moment to give a port free whose listener has been closed. */
const REOPEN_ATTEMPTS_MAX = 50;
const REOPEN_RETRY_MS = 2;

const TOO_MANY_CLIENTS = latin1Bytes("-ERR max number of clients reached\r\n");
const PROTECTED_MODE = latin1Bytes(
  "-DENIED Redis is running in protected mode because protected mode is enabled and no password " +
    "is set for the default user. In this mode connections are only accepted from the loopback " +
    "interface. If you want to connect from external computers to Redis you may adopt one of the " +
    "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET " +
    "protected-mode no' from the loopback interface by connecting to Redis from the same host " +
    "the server is running, however MAKE SURE Redis is not publicly accessible from internet if " +
    "you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just " +
    "disable the protected mode by editing the Redis configuration file, and setting the " +
    "protected mode option to 'no', and then restarting the server. 3) If you started the server " +
    "manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an " +
    "authentication password for the default user. NOTE: You only need to do one of the above " +
    "things in order for the server to start accepting connections from the outside.\r\n",
);

type AnyListener = Deno.Listener<Deno.Conn, Deno.Addr>;
type Transport = "tcp" | "tls" | "unix";

interface Endpoint {
  readonly transport: Transport;
  /** An address, or the path of a unix socket. */
  readonly address: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** It may be an address that this machine does not have. */
  readonly isOptional: boolean;
}

interface OpenEndpoint {
  readonly endpoint: Endpoint;
  readonly listener: AnyListener;
}

declare module "../session/host.ts" {
  interface Host {
    readonly listeners: Listeners;
  }
}

/** What it uses of the host. */
type ListenersHost = ConnectionHost & Pick<Host, "acl" | "clients">;

export class Listeners {
  readonly #host: ListenersHost;
  #open: OpenEndpoint[] = [];
  /** Closed a moment ago: the system may still hold their ports. */
  #closing: Endpoint[] = [];
  /** Counts updates, so that a reopening that is under way knows when it is out of date. */
  #generation = 0;
  #isAccepting = false;
  /** The last accept failed, and not for a connection's sake. */
  #isFailing = false;
  #tls: TlsLayer | null = null;
  /** The TCP port in use: the one the system chose if the configuration says 0 in a test. */
  port = 0;

  constructor(host: ListenersHost) {
    this.#host = host;
  }

  /** What listens, for INFO: one text for each transport that is open. */
  descriptions(): string[] {
    return (["tcp", "unix", "tls"] as const).flatMap((transport) => {
      const open = this.#open.map(({ endpoint }) => endpoint)
        .filter((endpoint) => endpoint.transport === transport);
      if (open.length === 0) return [];
      const bind = open.map(({ address }) => `bind=${address}`).join(",");
      return [`name=${transport},${bind}${transport === "unix" ? "" : `,port=${open[0].port}`}`];
    });
  }

  /** Opens all sockets that the configuration names; throws an Error that says which one failed. */
  open(): void {
    const { config } = this.#host;
    if (config.tlsPort !== 0 && !this.configureTls()) {
      throw new Error("TLS cannot be served; the line above says why.");
    }
    const wanted = this.#wantedEndpoints();
    if (config.unixsocket !== "") wanted.push(unixEndpoint(config.resolvePath(config.unixsocket)));
    const failed = this.#openAll(wanted);
    if (failed !== null) throw new Error(startFailure(failed));
    if (this.#open.length === 0) {
      throw new Error("There is nothing to listen on: port, tls-port and unixsocket are all off.");
    }
    this.port = config.port;
  }

  /** Listens on a free port of the loopback interface, for tests and embedding. */
  openAnyPort(): void {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
    const endpoint = tcpEndpoint("tcp", "127.0.0.1", this.port);
    this.#open.push({ endpoint, listener: listener as AnyListener });
  }

  /** Begins to accept on all open sockets. */
  accept(): void {
    this.#isAccepting = true;
    for (const one of this.#open) this.#acceptFrom(one);
  }

  /**
   * Makes the TCP and TLS sockets those that the configuration wants now. False if that is
   * impossible: then nothing has changed, and the log says why.
   */
  update(): boolean {
    this.#generation++;
    const wanted = this.#wantedEndpoints();
    const isWanted = (one: OpenEndpoint) =>
      one.endpoint.transport === "unix" || wanted.some((other) => isSame(one.endpoint, other));
    const stale = this.#open.filter((one) => !isWanted(one));
    const missing = wanted.filter((one) => !this.#open.some((open) => isSame(open.endpoint, one)));
    const held = [...stale.map((one) => one.endpoint), ...this.#closing];
    const isHeld = (one: Endpoint) => held.some((other) => overlap(one, other));
    if (this.#openAll(missing.filter((one) => !isHeld(one))) !== null) return false;
    for (const one of stale) this.#close(one);
    this.port = this.#host.config.port;
    const later = missing.filter(isHeld);
    if (later.length > 0) this.#reopen(later, stale.map((one) => one.endpoint));
    return true;
  }

  /**
   * Reads certificate, key and so on anew, for all TLS connections to come. False if they are not
   * usable: then nothing has changed, and the log says why.
   */
  configureTls(): boolean {
    const { config, log } = this.#host;
    try {
      this.#tls = new TlsLayer(loadTlsSettings(config));
    } catch (error) {
      if (!(error instanceof TlsConfigError)) throw error;
      log.warning(error.message);
      return false;
    }
    // A listener of the runtime's own keeps the certificate that it was opened with.
    const keeping = this.#open.filter((one) => one.endpoint.transport === "tls");
    if (this.#tls.isByRuntime && keeping.length > 0) {
      for (const one of keeping) this.#close(one);
      this.update();
    }
    if (namesOldProtocols(config.tlsProtocols)) {
      log.warning("TLSv1 and TLSv1.1 of tls-protocols are not offered: the runtime has neither.");
    }
    return true;
  }

  get isTlsConfigured(): boolean {
    return this.#tls !== null;
  }

  /** Stops listening; the file of a unix socket goes, too. */
  close(): void {
    this.#generation++;
    for (const one of [...this.#open]) {
      this.#close(one);
      if (one.endpoint.transport !== "unix") continue;
      this.#host.log.notice("The file of the unix socket is removed.");
      removeSocketFile(one.endpoint.address);
    }
    this.#tls?.close();
  }

  #close(one: OpenEndpoint): void {
    this.#open = this.#open.filter((other) => other !== one);
    this.#closing.push(one.endpoint);
    one.listener.close();
  }

  /** The TCP and TLS sockets of the configuration, those of IPv6 first: see `#isServedByOther`. */
  #wantedEndpoints(): Endpoint[] {
    const { bind, port, tlsPort } = this.#host.config;
    const endpoints: Endpoint[] = [];
    for (const [transport, number] of [["tcp", port], ["tls", tlsPort]] as const) {
      if (number === 0) continue;
      for (const address of bind) endpoints.push(tcpEndpoint(transport, address, number));
    }
    const rank = ({ address }: Endpoint) => address.includes(":") ? 0 : 1;
    return endpoints.sort((one, other) => rank(one) - rank(other));
  }

  /** Opens all or none. Returns the one that could not be opened, or null. */
  #openAll(endpoints: readonly Endpoint[]): Endpoint | null {
    const before = this.#open;
    for (const endpoint of endpoints) {
      const outcome = this.#tryOpen(endpoint);
      if (outcome === "failed") {
        for (const one of this.#open) if (!before.includes(one)) one.listener.close();
        this.#open = before;
        return endpoint;
      }
      if (outcome !== "needless") this.#open = [...this.#open, { endpoint, listener: outcome }];
    }
    if (this.#isAccepting) {
      for (const one of this.#open) if (!before.includes(one)) this.#acceptFrom(one);
    }
    return null;
  }

  #tryOpen(endpoint: Endpoint): AnyListener | "failed" | "needless" {
    const { config, log } = this.#host;
    const { transport, address, port, isOptional } = endpoint;
    try {
      if (transport === "unix") return listenUnix(address, config.unixsocketperm);
      const options = { hostname: address, port, tcpBacklog: config.tcpBacklog };
      const isByRuntime = transport === "tls" && this.#tls!.isByRuntime;
      return (isByRuntime ? this.#tls!.listen(options) : Deno.listen(options)) as AnyListener;
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse && this.#isServedByOther(endpoint)) {
        return "needless";
      }
      const reason = systemErrorText(error);
      if (transport === "unix") {
        log.warning(`The unix socket cannot be opened: bind: ${reason}`);
        return "failed";
      }
      log.warning(
        "Warning: Could not create server TCP listening socket " +
          `${address}:${port}: bind: ${reason}`,
      );
      if (isOptional && error instanceof Deno.errors.AddrNotAvailable) return "needless";
      return isFamilyMissing(error) ? "needless" : "failed";
    }
  }

  /** An open socket of all IPv6 addresses takes the clients of all IPv4 addresses, too. */
  #isServedByOther({ address, port, transport }: Endpoint): boolean {
    if (address.includes(":")) return false;
    const probe = tcpEndpoint(transport, "::", port);
    return this.#open.some(({ endpoint }) => isSame(endpoint, probe));
  }

  /** Opens sockets whose port is being given free; if that fails, the ones that were there. */
  async #reopen(wanted: readonly Endpoint[], previous: readonly Endpoint[]): Promise<void> {
    const generation = this.#generation;
    const { log } = this.#host;
    for (const endpoints of [wanted, previous]) {
      for (let attempt = 1; attempt <= REOPEN_ATTEMPTS_MAX; attempt++) {
        await new Promise((resolve) => setTimeout(resolve, REOPEN_RETRY_MS));
        if (this.#generation !== generation) return;
        if (!endpoints.every(isFree) && attempt < REOPEN_ATTEMPTS_MAX) continue;
        this.#closing = [];
        if (this.#openAll(endpoints) === null) return;
        log.warning("Failed to bind; listening on the previous addresses again.");
        break;
      }
    }
    log.warning("Failed to bind to the previous addresses, too; CONFIG SET bind tries again.");
  }

  async #acceptFrom({ endpoint, listener }: OpenEndpoint): Promise<void> {
    for (;;) {
      let socket: Deno.Conn;
      try {
        socket = await listener.accept();
        this.#isFailing = false;
      } catch (error) {
        if (!this.#open.some((one) => one.listener === listener)) return;
        const code = errorCode(error);
        if (BROKEN_CONNECTION.has(code)) {
          this.#host.log.verbose(
            `A connection was gone before it was accepted: ${systemErrorText(error)}`,
          );
          continue;
        }
        this.#reportFailedAccept(error, OUT_OF_FILES.has(code));
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        continue;
      }
      if (endpoint.transport === "tls") this.#welcomeTls(socket as Deno.TcpConn | Deno.TlsConn);
      else this.#welcome(socket);
    }
  }

  /** Once for each time that files run out, not ten times a second. */
  #reportFailedAccept(error: unknown, isOutOfFiles: boolean): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const advice = isOutOfFiles ? ". Increase 'ulimit -n' or lower maxclients." : "";
    this.#host.log.warning(
      `Error accepting a client connection: ${systemErrorText(error)}${advice}`,
    );
  }

  #isFull(): boolean {
    const { clients, config } = this.#host;
    return clients.size + (this.#tls?.pendingCount ?? 0) >= config.maxclients;
  }

  #welcome(socket: Deno.Conn): void {
    const { statistics, config } = this.#host;
    if (this.#isFull()) {
      statistics.connectionsRejected++;
      return turnAway(socket, TOO_MANY_CLIENTS);
    }
    if (socket.remoteAddr.transport === "unix") {
      // Replies name it, so it is Latin-1 text.
      const name = `${utf8AsLatin1(config.unixsocket)}:0`;
      return this.#admit(socket as unknown as Socket, name, name, true);
    }
    tuneSocket(socket as Deno.TcpConn, config.tcpKeepalive);
    const peer = addressText(socket.remoteAddr);
    this.#admit(socket as unknown as Socket, peer, addressText(socket.localAddr), false);
  }

  /** Redis: whom there is no room for is not told so before the handshake. */
  #welcomeTls(connection: Deno.TcpConn | Deno.TlsConn): void {
    const { statistics, config, log } = this.#host;
    if (this.#isFull()) {
      statistics.connectionsRejected++;
      return connection.close();
    }
    if ("setNoDelay" in connection) tuneSocket(connection, config.tcpKeepalive);
    const peer = addressText(connection.remoteAddr);
    const local = addressText(connection.localAddr);
    this.#tls!.handshake(connection).then(
      (socket) => this.#admit(socket, peer, local, false),
      (error) => log.verbose(`Error accepting a client connection: ${error.message} (${peer})`),
    );
  }

  /** Makes a connection a client, unless protected mode forbids it. */
  #admit(socket: Socket, peer: string, local: string, isUnix: boolean): void {
    const host = this.#host;
    const isOpenToAll = host.config.protectedMode && host.acl.defaultUser.hasNoPassword;
    if (isOpenToAll && !isUnix && !isLoopback(peer)) {
      host.statistics.connectionsRejected++;
      return turnAway(socket, PROTECTED_MODE);
    }
    clock.refresh();
    const connection = new Connection(host, socket, { peer, local });
    if (isUnix) connection.client.flags |= REDIS_UNIX_SOCKET;
    connection.start();
  }
}

/** `address` as in `bind`: `*` and `::*` are all addresses, `-` marks one that may be missing. */
function tcpEndpoint(transport: Transport, address: string, port: number): Endpoint {
  const isOptional = address.startsWith("-");
  const named = isOptional ? address.slice(1) : address;
  const hostname = named === "*" ? "0.0.0.0" : named === "::*" ? "::" : named;
  return { transport, address: hostname, port, isOptional };
}

function unixEndpoint(path: string): Endpoint {
  return { transport: "unix", address: path, port: 0, isOptional: false };
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.transport === other.transport && one.address === other.address &&
    one.port === other.port;
}

/** Whether two sockets cannot be open at the same time. */
function overlap(one: Endpoint, other: Endpoint): boolean {
  if (one.port !== other.port) return false;
  const isWildcard = ({ address }: Endpoint) => address === "0.0.0.0" || address === "::";
  return one.address === other.address || isWildcard(one) || isWildcard(other);
}

/** Whether the port can be had at this moment, or is refused for a reason that will not pass. */
function isFree({ address, port }: Endpoint): boolean {
  try {
    Deno.listen({ hostname: address, port }).close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.AddrInUse);
  }
}

/** Redis' words for a socket without which it does not start. */
function startFailure({ transport, port }: Endpoint): string {
  if (transport === "unix") return "The unix socket cannot be served.";
  return `Failed listening on port ${port} (${transport.toUpperCase()}), aborting.`;
}

/** EAFNOSUPPORT and its like: the machine has no IPv6, or no IPv4. */
function isFamilyMissing(error: unknown): boolean {
  return error instanceof Error &&
    /family not supported|protocol not supported/i.test(error.message);
}

/** Listens on a path, in place of whatever file is there, as Redis does. */
function listenUnix(path: string, mode: number): AnyListener {
  removeSocketFile(path);
  if (mode === 0) return Deno.listen({ transport: "unix", path }) as unknown as AnyListener;
  // Nobody may slip in between the creation of the file and the change of its mode.
  const umask = Deno.umask(0o777);
  try {
    const listener = Deno.listen({ transport: "unix", path });
    Deno.chmodSync(path, mode);
    return listener as unknown as AnyListener;
  } finally {
    Deno.umask(umask);
  }
}

function removeSocketFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is not there, or listening will tell what is wrong with the path.
  }
}

function tuneSocket(socket: Deno.TcpConn, keepaliveSeconds: number): void {
  try {
    socket.setNoDelay(true);
    // The runtime knows on and off only; the time between probes is the system's.
    if (keepaliveSeconds > 0) socket.setKeepAlive(true);
  } catch {
    // Some systems refuse it for a connection that is broken; reading will tell.
  }
}

/** "ECONNRESET" …; "" if it is no error of the system. */
function errorCode(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

/** Sends a last word and closes. */
function turnAway(socket: Pick<Socket, "write" | "close">, text: Uint8Array<ArrayBuffer>): void {
  const close = () => socket.close();
  socket.write(text).then(close, close);
}

/** `address:port`; a client of IPv4 on a socket of IPv6 is shown as what it is. */
function addressText(address: Deno.Addr): string {
  const { hostname, port } = address as Deno.NetAddr;
  const shown = hostname.startsWith("::ffff:") ? hostname.slice(7) : hostname;
  return shown.includes(":") ? `[${shown}]:${port}` : `${shown}:${port}`;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address.startsWith("[::1]");
}
