/**
 * Listeners: the sockets on which the server accepts clients, and who is turned away at the door.
 */
import * as clock from "../base/clock.ts";
import { latin1Bytes } from "../base/bytes.ts";
import { REDIS_UNIX_SOCKET } from "./client.ts";
import { Connection, type Socket } from "./connection.ts";
import type { Server } from "./server.ts";

/** Pause after a failed accept, mostly for lack of file descriptors. */
const ACCEPT_RETRY_MS = 100;

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

export class Listeners {
  readonly #server: Server;
  #open: AnyListener[] = [];
  /** The TCP port in use: the one the system chose if the configuration says 0 in a test. */
  port = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Opens all sockets that the configuration names; throws an Error that says which one failed. */
  open(): void {
    const { config } = this.#server;
    if (config.port !== 0) {
      for (const address of config.bind) this.#openTcp(address, config.port);
      if (this.#open.length === 0) throw new Error("Configured to not listen anywhere, exiting.");
    }
    if (config.unixsocket !== "") this.#openUnix(config.unixsocket, config.unixsocketperm);
  }

  /** Listens on a free port of the loopback interface, for tests and embedding. */
  openAnyPort(): void {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
    this.#open.push(listener as AnyListener);
  }

  /** Begins to accept on all open sockets. */
  accept(): void {
    for (const listener of this.#open) this.#acceptFrom(listener);
  }

  close(): void {
    for (const listener of this.#open) listener.close();
    this.#open = [];
  }

  #openTcp(address: string, port: number): void {
    const isOptional = address.startsWith("-");
    const named = isOptional ? address.slice(1) : address;
    const hostname = named === "*" ? "0.0.0.0" : named === "::*" ? "::" : named;
    try {
      const listener = Deno.listen({
        hostname,
        port,
        tcpBacklog: this.#server.config.tcpBacklog,
      });
      this.port = port;
      this.#open.push(listener as AnyListener);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // A dual-stack socket of "::" may find the port taken by our own "0.0.0.0": that is fine.
      if (isOptional) return;
      this.#server.log.warning(
        `Warning: Could not create server TCP listening socket ${named}:${port}: ${reason}`,
      );
      throw new Error(`Failed listening on port ${port} (TCP), aborting.`);
    }
  }

  #openUnix(path: string, mode: number): void {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const listener = Deno.listen({ transport: "unix", path });
    if (mode !== 0) Deno.chmodSync(path, mode);
    this.#open.push(listener as unknown as AnyListener);
  }

  async #acceptFrom(listener: AnyListener): Promise<void> {
    for (;;) {
      let socket: Deno.Conn;
      try {
        socket = await listener.accept();
      } catch (error) {
        if (!this.#open.includes(listener)) return;
        const reason = error instanceof Error ? error.message : String(error);
        this.#server.log.warning(`Error accepting a client connection: ${reason}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        continue;
      }
      this.#welcome(socket);
    }
  }

  #welcome(socket: Deno.Conn): void {
    const server = this.#server;
    const { config } = server;
    if (server.clients.size >= config.maxclients) {
      server.statistics.connectionsRejected++;
      return turnAway(socket, TOO_MANY_CLIENTS);
    }
    const isUnix = socket.remoteAddr.transport === "unix";
    const peer = isUnix ? `${config.unixsocket}:0` : addressText(socket.remoteAddr);
    if (
      config.protectedMode && server.acl.defaultUser.hasNoPassword && !isUnix && !isLoopback(peer)
    ) {
      server.statistics.connectionsRejected++;
      return turnAway(socket, PROTECTED_MODE);
    }
    if (!isUnix) {
      const tcp = socket as Deno.TcpConn;
      tcp.setNoDelay(true);
      if (config.tcpKeepalive > 0) tcp.setKeepAlive(true);
    }
    clock.refresh();
    const local = isUnix ? `${config.unixsocket}:0` : addressText(socket.localAddr);
    const connection = new Connection(server, socket as unknown as Socket, { peer, local });
    if (isUnix) connection.client.flags |= REDIS_UNIX_SOCKET;
    connection.start();
  }
}

/** Sends a last word and closes. */
function turnAway(socket: Deno.Conn, text: Uint8Array<ArrayBuffer>): void {
  const close = () => socket.close();
  socket.write(text).then(close, close);
}

function addressText(address: Deno.Addr): string {
  const { hostname, port } = address as Deno.NetAddr;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address.startsWith("[::1]") ||
    address.startsWith("[::ffff:127.");
}
