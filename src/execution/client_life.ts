/** Client life: how clients come, start anew (RESET), and go. */
import * as clock from "../base/clock.ts";
import {
  Client,
  type ClientTransport,
  REDIS_NO_EVICT,
  REDIS_NO_TOUCH,
  REDIS_REPLICA,
  REDIS_REPLY_OFF,
  REDIS_REPLY_SKIP_NEXT,
} from "../session/client.ts";
import type { Host } from "../session/host.ts";
import { discardTransaction } from "./transaction.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly clientLife: ClientLife;
  }
}

export class ClientLife {
  readonly #host: Host;
  /** Hears of replicas that go. */
  onReplicaGone: (client: Client) => void = () => {};
  /** Hears when somebody comes to a server that has had no clients. */
  onFirst: () => void = () => {};

  constructor(host: Host) {
    this.#host = host;
  }

  /** A client of a connection that has just come. */
  add(transport: ClientTransport): Client {
    const { clients, outputLimits, clientMemory, statistics } = this.#host;
    const client = this.create(transport, clients.takeId());
    outputLimits.apply(client);
    clients.set(client.id, client);
    if (clients.size === 1) this.onFirst();
    clientMemory.update(client);
    statistics.connectionsReceived++;
    return client;
  }

  /** A client that is in no list; id 0 is for those that are no connection. */
  create(transport: ClientTransport, id: number): Client {
    const host = this.#host;
    const { acl } = host;
    return new Client({
      host,
      id,
      transport,
      nowMs: clock.nowMs(),
      user: acl.defaultUser,
      isAuthenticated: !acl.requiresPassword,
    });
  }

  /** Puts a client back into the state it began with (RESET). */
  reset(client: Client): void {
    const { watch, pubsub, monitors, tracking, keyspace, acl } = this.#host;
    discardTransaction(client);
    watch.unwatchAll(client);
    pubsub.unsubscribeAll(client);
    monitors.remove(client);
    tracking.disable(client);
    client.flags &= ~(REDIS_REPLY_OFF | REDIS_REPLY_SKIP_NEXT | REDIS_NO_EVICT | REDIS_NO_TOUCH);
    client.db = keyspace.databases[0];
    client.name = "";
    client.reply.resp = 2;
    acl.resetClient(client);
  }

  /** Forgets a client whose connection has ended. */
  remove(client: Client): void {
    const host = this.#host;
    host.calls.forget(client);
    host.dispatcher.parser.forgetBytes();
    host.watch.unwatchAll(client);
    host.blocking.unblock(client);
    host.pubsub.unsubscribeAll(client);
    host.monitors.remove(client);
    host.tracking.disable(client);
    host.pause.forget(client);
    if ((client.flags & REDIS_REPLICA) !== 0) this.onReplicaGone(client);
    host.clientMemory.forget(client);
    host.clients.delete(client.id);
  }
}
