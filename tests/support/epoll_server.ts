/**
 * A server in this process that carries its clients by epoll, with one command more: `INSIDE` does
 * what the test gives it, so that the test can act from inside of a running command, with
 * NativeSockets. The test's own timers may be late by a second while the loop waits.
 */
import { commandRows } from "../../src/commands/table.ts";
import { EventLoop } from "../../src/net/event_loop.ts";
import type { Client } from "../../src/session/client.ts";
import type { Server } from "../../src/server/server.ts";
import { EmbeddedServer } from "./embedded_server.ts";
import { NativeSocket } from "./native_socket.ts";

export class EpollServer implements AsyncDisposable {
  readonly server: Server;
  /** What `INSIDE` does; it replies OK. */
  inside: (client: Client) => void = () => {};
  readonly #sockets: NativeSocket[] = [];

  private constructor(
    readonly eventLoop: EventLoop,
    directives: readonly (readonly [string, string])[],
  ) {
    const proc = (client: Client) => {
      this.inside(client);
      client.reply.ok();
    };
    const row = { ...commandRows.find(({ name }) => name === "debug")!, name: "inside", proc };
    const { subcommands: _, protectedBy: __, ...inside } = { ...row, arity: -1 };
    const rows = [...commandRows, inside];
    this.server = new EmbeddedServer(directives, { rows, eventLoop }).server;
  }

  static async start(
    directives: readonly (readonly [string, string])[] = [],
  ): Promise<EpollServer> {
    const started = new EpollServer((await EventLoop.open())!, directives);
    const { listeners } = started.server;
    listeners.openAnyPort();
    listeners.accept();
    return started;
  }

  get port(): number {
    return this.server.listeners.port;
  }

  /** A client that is served already. */
  async connect(): Promise<NativeSocket> {
    const socket = new NativeSocket(this.port);
    this.#sockets.push(socket);
    await this.exchange(socket, "PING\r\n");
    return socket;
  }

  /** Sends and returns what comes back, once there is something; null at the end. */
  async exchange(socket: NativeSocket, text: string): Promise<string | null> {
    socket.send(text);
    return await this.receive(socket);
  }

  /** What comes next; null at the end. */
  async receive(socket: NativeSocket): Promise<string | null> {
    for (;;) {
      const received = socket.receive();
      if (received !== "") return received;
      // The loop has its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket[Symbol.dispose]();
    await this.server.close();
  }
}
