/**
 * Door: who of those that connect becomes a client, and what the others are told: more than
 * `maxclients` are too many, and protected mode keeps out whoever is not on this machine.
 */
import { latin1Bytes } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { REDIS_UNIX_SOCKET } from "../session/client.ts";
import type { Host } from "../session/host.ts";
import { type Addresses, type Carrier, Connection, type ConnectionHost } from "./connection.ts";

/** Shortages that begin again sooner are one: each file that is closed lets one client in. */
const SHORTAGE_PAUSE_US = 60_000_000;

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

/** A connection that has been accepted and is no client yet. */
export interface Visitor {
  readonly carrier: Carrier;
  readonly addresses: Addresses;
  /** It comes through a unix socket. */
  readonly isUnix: boolean;
  /** It comes from this machine. */
  readonly isLocal: boolean;
  /** Sends a last word and closes. */
  turnAway(text: Uint8Array<ArrayBuffer>): void;
}

/** What it uses of the host. */
export type DoorHost = ConnectionHost & Pick<Host, "acl" | "clients">;

export class Door {
  readonly #host: DoorHost;
  /** How many are on their way in, their TLS handshake being under way. */
  readonly #pendingCount: () => number;
  /** When accept failed last, and not for a connection's sake: monotonic microseconds. */
  #failedAtUs = -Infinity;

  constructor(host: DoorHost, pendingCount: () => number) {
    this.#host = host;
    this.#pendingCount = pendingCount;
  }

  /** Whether there are as many clients as there may be; if so, counts the one it is asked for. */
  refuses(): boolean {
    const { clients, config, statistics } = this.#host;
    if (clients.size + this.#pendingCount() < config.maxclients) return false;
    statistics.connectionsRejected++;
    return true;
  }

  /** Makes a connection a client, if there is room and protected mode does not forbid it. */
  welcome(visitor: Visitor): void {
    if (this.refuses()) visitor.turnAway(TOO_MANY_CLIENTS);
    else this.admit(visitor);
  }

  /** Makes a connection for which there is room a client, unless protected mode forbids it. */
  admit(visitor: Visitor): void {
    const host = this.#host;
    const isOpenToAll = host.config.protectedMode && host.acl.defaultUser.hasNoPassword;
    if (isOpenToAll && !visitor.isLocal) {
      host.statistics.connectionsRejected++;
      return visitor.turnAway(PROTECTED_MODE);
    }
    clock.refresh();
    const connection = new Connection(host, visitor.carrier, visitor.addresses);
    if (visitor.isUnix) connection.client.flags |= REDIS_UNIX_SOCKET;
    connection.start();
  }

  /** A connection broke before it was taken: that is nothing but its own business. */
  wasGone(reason: string): void {
    this.#host.log.verbose(`A connection was gone before it was accepted: ${reason}`);
  }

  /**
   * Accepting fails. Told once for each shortage, not at each of the ten attempts a second, and not
   * again for each client that comes in meanwhile.
   */
  failed(reason: string, isOutOfFiles: boolean): void {
    const nowUs = clock.monotonicUs();
    const isTold = nowUs - this.#failedAtUs < SHORTAGE_PAUSE_US;
    this.#failedAtUs = nowUs;
    if (isTold) return;
    const advice = isOutOfFiles ? ". Increase 'ulimit -n' or lower maxclients." : "";
    this.#host.log.warning(`Error accepting a client connection: ${reason}${advice}`);
  }
}
