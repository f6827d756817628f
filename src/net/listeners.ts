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
 * Who arrives there is welcomed at the door (door.ts), and carried by epoll if there is an event
 * loop of our own, else, and with TLS in any case, by the runtime.
 */
import { utf8AsLatin1 } from "../base/bytes.ts";
import { systemErrorText } from "../config/config.ts";
import type { Host, SocketPolling } from "../session/host.ts";
import { Door, type DoorHost } from "./door.ts";
import { EpollListener, listenInet, listenUnixSocket, portOfSocket } from "./epoll_listener.ts";
import type { EventLoop } from "./event_loop.ts";
import { ReadRounds } from "./read_rounds.ts";
import { type AnyListener, type ClientListener, RuntimeListener } from "./runtime_listener.ts";
import { inetAddress } from "./socket_address.ts";
import { loadTlsSettings, namesOldProtocols, TlsConfigError, TlsLayer } from "./tls.ts";

/** The system needs a moment to give a port free whose listener has been closed. */
const REOPEN_ATTEMPTS_MAX = 50;
const REOPEN_RETRY_MS = 2;

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
  readonly listener: ClientListener;
}

declare module "../session/host.ts" {
  interface Host {
    readonly listeners: Listeners;
  }
}

/** What it uses of the host. */
type ListenersHost = DoorHost & Pick<Host, "dispatcher" | "persistence" | "timers" | "turn">;

export class Listeners implements SocketPolling {
  readonly #host: ListenersHost;
  readonly #loop: EventLoop | null;
  readonly #door: Door;
  readonly #rounds = new ReadRounds();
  #open: OpenEndpoint[] = [];
  /** Closed a moment ago: the system may still hold their ports. */
  #closing: Endpoint[] = [];
  /** Counts updates, so that a reopening that is under way knows when it is out of date. */
  #generation = 0;
  #isAccepting = false;
  #tls: TlsLayer | null = null;
  /** The TCP port in use: the one the system chose if the configuration says 0 in a test. */
  port = 0;

  /** `loop` carries what is not TLS; without one the runtime carries everything. */
  constructor(host: ListenersHost, loop: EventLoop | null) {
    this.#host = host;
    this.#loop = loop;
    this.#door = new Door(host, () => this.#tls?.pendingCount ?? 0);
  }

  /** Whether sockets are carried by epoll, and not by the runtime. */
  get usesEpoll(): boolean {
    return this.#loop !== null;
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
    const { listener, port } = this.#openInet("127.0.0.1", 0);
    this.port = port;
    this.#open.push({ endpoint: tcpEndpoint("tcp", "127.0.0.1", port), listener });
  }

  /** Begins to accept on all open sockets. */
  accept(): void {
    this.#isAccepting = true;
    for (const one of this.#open) one.listener.accept();
    this.#loop?.run(this.#host);
  }

  /** Clients that come from now on are probed as `tcp-keepalive` says. */
  applyKeepalive(): void {
    for (const one of this.#open) one.listener.tune();
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

  /**
   * The runtime's sockets cannot be read but between commands. If all are, as with TLS alone, there
   * is nobody who could be served.
   */
  pollOnce(): boolean {
    if (this.#loop === null || this.#open.every(isTls)) return false;
    const { dispatcher, persistence, turn } = this.#host;
    dispatcher.interleave(() => this.#loop!.pollOnce());
    turn.flushWithin(() => persistence.beforeReplies());
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

  /** Ends the event loop; nothing is carried any more. */
  stop(): void {
    this.#loop?.close();
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
      for (const one of this.#open) if (!before.includes(one)) one.listener.accept();
    }
    return null;
  }

  #tryOpen(endpoint: Endpoint): ClientListener | "failed" | "needless" {
    const { log } = this.#host;
    const { transport, address, port, isOptional } = endpoint;
    try {
      if (transport === "unix") return this.#openUnix(address);
      return transport === "tls"
        ? this.#openTls(address, port)
        : this.#openInet(address, port).listener;
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

  #openInet(address: string, port: number): { listener: ClientListener; port: number } {
    const { tcpBacklog } = this.#host.config;
    const loop = this.#loop;
    const options = { address: resolve(address), port, backlog: tcpBacklog };
    const fd = loop === null ? null : listenInet(loop.libc, options);
    if (loop !== null && fd !== null) {
      const listener = new EpollListener(loop, fd, this.#listenerOptions(null));
      return { listener, port: portOfSocket(loop.libc, fd) };
    }
    const listener = Deno.listen({ hostname: address, port, tcpBacklog });
    return { listener: this.#byRuntime(listener, null, null), port: listener.addr.port };
  }

  #openTls(address: string, port: number): ClientListener {
    const tls = this.#tls!;
    const options = { hostname: address, port, tcpBacklog: this.#host.config.tcpBacklog };
    const listener = tls.isByRuntime ? tls.listen(options) : Deno.listen(options);
    return this.#byRuntime(listener as AnyListener, null, () => this.#tls!);
  }

  #openUnix(path: string): ClientListener {
    const { unixsocket, unixsocketperm, tcpBacklog } = this.#host.config;
    // Replies name it, so it is Latin-1 text.
    const name = `${utf8AsLatin1(unixsocket)}:0`;
    const loop = this.#loop;
    if (loop === null) {
      const listen = () => Deno.listen({ transport: "unix", path });
      const listener = listenUnix(path, unixsocketperm, listen);
      return this.#byRuntime(listener as unknown as AnyListener, name, null);
    }
    const listen = () => listenUnixSocket(loop.libc, path, tcpBacklog);
    const fd = listenUnix(path, unixsocketperm, listen);
    return new EpollListener(loop, fd, this.#listenerOptions(name));
  }

  #byRuntime(
    listener: AnyListener,
    unixName: string | null,
    tls: (() => TlsLayer) | null,
  ): ClientListener {
    const { log } = this.#host;
    const options = { ...this.#listenerOptions(unixName), rounds: this.#rounds, log, tls };
    return new RuntimeListener(listener, options);
  }

  #listenerOptions(unixName: string | null) {
    const { config, timers } = this.#host;
    const keepaliveSeconds = () => config.tcpKeepalive;
    return { door: this.#door, timers, unixName, keepaliveSeconds };
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
        await this.#host.timers.sleep(REOPEN_RETRY_MS);
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
}

/** `address` as in `bind`: `*` and `::*` are all addresses, `-` marks one that may be missing. */
function isTls({ endpoint }: OpenEndpoint): boolean {
  return endpoint.transport === "tls";
}

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
function listenUnix<Socket>(path: string, mode: number, listen: () => Socket): Socket {
  removeSocketFile(path);
  if (mode === 0) return listen();
  // Nobody may slip in between the creation of the file and the change of its mode.
  const umask = Deno.umask(0o777);
  try {
    const socket = listen();
    Deno.chmodSync(path, mode);
    return socket;
  } finally {
    Deno.umask(umask);
  }
}

/** The address that a name such as "localhost" stands for; an address stands for itself. */
function resolve(name: string): string {
  if (inetAddress(name, 0) !== null) return name;
  using listener = Deno.listen({ hostname: name, port: 0 });
  return listener.addr.hostname;
}

function removeSocketFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is not there, or listening will tell what is wrong with the path.
  }
}
