/**
 * Fake master: a server that says to a replica what the test tells it to, one connection at a time.
 */
import { dirname } from "@std/path";
import { readWholeFile } from "../../src/persistence/file_system.ts";
import { EmbeddedServer } from "./embedded_server.ts";
import { type Argument, encodeRequest } from "./resp_client.ts";
import { SimulatedFiles } from "./simulated_files.ts";
import { concatBytes, fromLatin1, latin1 } from "./text.ts";

/** An id as masters have one, made of a single digit. */
export function replicationId(digit: string): string {
  return digit.repeat(40);
}

/** The RDB of a server on which these requests were run, separated by line ends. */
export function rdbOf(requests: string): Uint8Array {
  const files = new SimulatedFiles();
  using server = new EmbeddedServer([], { files });
  const { path } = server.server.persistence.rdb;
  files.makeDirectory(dirname(path));
  for (const line of requests.split("\n")) server.run(...line.trim().split(" "));
  server.run("SAVE");
  return readWholeFile(files, path);
}

/** An RDB as it stands on the wire, if its length is known before. */
export function framed(rdb: Uint8Array): Uint8Array {
  return concatBytes([latin1(`$${rdb.length}\r\n`), rdb]);
}

/** Commands of a stream, separated by line ends. */
export function stream(requests: string): Uint8Array {
  return concatBytes(requests.split("\n").map((line) => encodeRequest(line.trim().split(" "))));
}

/** One connection of a replica, seen from its master. */
export class Conversation implements Disposable {
  readonly #connection: Deno.TcpConn;
  #received = "";
  #isClosed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** The next request, as words; null when the replica is gone. Signs of life are passed over. */
  async request(): Promise<string[] | null> {
    for (;;) {
      this.#received = this.#received.replace(/^\n+/, "");
      const words = this.#takeRequest();
      if (words !== null) return words;
      if (!(await this.#fill())) return null;
    }
  }

  /** The next request whose first word is this one; others are passed over. */
  async requestOf(name: string): Promise<string[]> {
    for (;;) {
      const words = await this.request();
      if (words === null) throw new Error(`the replica is gone before ${name}`);
      if (words[0] === name) return words;
    }
  }

  /** Resolves when the replica has closed the connection. */
  async ended(): Promise<void> {
    while (await this.#fill());
  }

  async send(content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === "string" ? latin1(content) : content;
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Answers all that comes before PSYNC as a good master does; returns the words of PSYNC. */
  async greet(): Promise<string[]> {
    for (;;) {
      const words = await this.request();
      if (words === null) throw new Error("the replica is gone before PSYNC");
      if (words[0] === "PSYNC") return words;
      await this.send(words[0] === "PING" ? "+PONG\r\n" : "+OK\r\n");
    }
  }

  /** Answers PSYNC by all data, as those at this place of a history. */
  async sendAll(rdb: Uint8Array, id = replicationId("a"), offset = 0): Promise<void> {
    await this.send(`+FULLRESYNC ${id} ${offset}\r\n`);
    await this.send(framed(rdb));
  }

  async sendRequest(...words: Argument[]): Promise<void> {
    await this.send(encodeRequest(words));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #takeRequest(): string[] | null {
    const head = /^\*(\d+)\r\n/.exec(this.#received);
    if (head === null) return null;
    const words: string[] = [];
    let at = head[0].length;
    for (let left = Number(head[1]); left > 0; left--) {
      const size = /^\$(\d+)\r\n/.exec(this.#received.slice(at));
      if (size === null) return null;
      at += size[0].length;
      const length = Number(size[1]);
      if (this.#received.length < at + length + 2) return null;
      words.push(this.#received.slice(at, at + length));
      at += length + 2;
    }
    this.#received = this.#received.slice(at);
    return words;
  }

  async #fill(): Promise<boolean> {
    const buffer = new Uint8Array(4096);
    try {
      const count = await this.#connection.read(buffer);
      if (count === null) return false;
      this.#received += fromLatin1(buffer.subarray(0, count));
      return true;
    } catch {
      return false;
    }
  }
}

export class FakeMaster implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }) as Deno.TcpListener;
  readonly #conversations: Conversation[] = [];

  get port(): number {
    return this.#listener.addr.port;
  }

  get address(): { host: string; port: number } {
    return { host: "127.0.0.1", port: this.port };
  }

  /** The next connection. */
  async accept(): Promise<Conversation> {
    const conversation = new Conversation(await this.#listener.accept());
    this.#conversations.push(conversation);
    return conversation;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const conversation of this.#conversations) conversation.close();
  }
}
