/**
 * A socket before an embedded server, for tests of programs that want to connect to something: no
 * process, and the test can look into the server. Output is written as soon as any connection has
 * sent something, so messages from one to another arrive, those that only time brings do not.
 */
import { EmbeddedClient, type EmbeddedServer } from "./embedded_server.ts";

interface Connection {
  readonly socket: Deno.TcpConn;
  readonly client: EmbeddedClient;
}

export class EmbeddedListener implements AsyncDisposable {
  readonly port: number;
  readonly #server: EmbeddedServer;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Connection>();
  readonly #accepting: Promise<void>;

  constructor(server: EmbeddedServer) {
    this.#server = server;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** Drops all connections without a word, as a crash does. */
  drop(): void {
    for (const connection of [...this.#connections]) this.#close(connection);
  }

  /** Sends what waits for the clients: replies, messages. */
  async flush(): Promise<void> {
    for (const connection of [...this.#connections]) {
      const bytes = connection.client.takeBytes();
      for (let at = 0; at < bytes.length;) at += await connection.socket.write(bytes.subarray(at));
      if (connection.client.isClosed) this.#close(connection);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.drop();
    await this.#accepting;
  }

  #close(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    connection.client.close();
    connection.socket.close();
  }

  async #accept(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const socket of this.#listener) {
      const connection = { socket, client: new EmbeddedClient(this.#server.server) };
      this.#connections.add(connection);
      serving.push(this.#serve(connection));
    }
    await Promise.all(serving);
  }

  async #serve(connection: Connection): Promise<void> {
    const bytes = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await connection.socket.read(bytes);
        if (count === null || connection.client.isClosed) break;
        connection.client.sendBytes(bytes.subarray(0, count));
        await this.flush();
      }
    } catch (error) {
      // Either side may close at any time: that is what some tests are about.
      const isEnd = error instanceof Deno.errors.Interrupted ||
        error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
      if (!isEnd) throw error;
    }
    this.#close(connection);
  }
}
