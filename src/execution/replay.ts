/** Replay: a client without a connection, which runs the commands of an AOF. */
import type { AofReplay, ReplayOutcome } from "../persistence/aof_loader.ts";
import type { Argv } from "../protocol/argv.ts";
import {
  type Client,
  type ClientTransport,
  REDIS_DENY_BLOCKING,
  REDIS_INTERNAL,
} from "../session/client.ts";
import type { Host } from "../session/host.ts";
import { discardTransaction } from "./transaction.ts";

export class Replay implements AofReplay, ClientTransport {
  readonly peerAddress = "";
  readonly localAddress = "";
  readonly #host: Pick<Host, "arena" | "clientLife" | "dispatcher">;
  #client: Client | null = null;

  constructor(host: Pick<Host, "arena" | "clientLife" | "dispatcher">) {
    this.#host = host;
  }

  execute(argv: Argv): ReplayOutcome {
    const client = this.#client ??= this.#createClient();
    client.argv = argv;
    // Without this a file could not be refused before its data are everywhere.
    this.#host.arena.requireRoom(0);
    const outcome = this.#host.dispatcher.replay(client);
    client.reply.rewind(0);
    return outcome;
  }

  discard(): void {
    if (this.#client === null) return;
    discardTransaction(this.#client);
    this.#host.clientLife.remove(this.#client);
    this.#client = null;
  }

  close(): void {}
  requestFlush(): void {}

  flushEarly(): void {}
  resume(): void {}

  setNoDelay(): void {}

  #createClient(): Client {
    const client = this.#host.clientLife.create(this, 0);
    client.flags |= REDIS_INTERNAL | REDIS_DENY_BLOCKING;
    client.isAuthenticated = true;
    return client;
  }
}
