/** Connection: bytes between a socket and a client, with a socket that the test plays. */
import { assert, assertEquals } from "@std/assert";
import { Connection } from "../../src/net/connection.ts";
import { RuntimeCarrier, type Socket } from "../../src/net/runtime_carrier.ts";
import type { OutputSource } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { delay, fromLatin1, latin1 } from "../support/text.ts";

/** The peer's side: it sends when the test says so, and takes as much as the test allows. */
class FakeSocket implements Socket {
  isClosed = false;
  readonly writes: string[] = [];
  #target: Uint8Array | null = null;
  #readDone: ((count: number | null) => void) | null = null;
  #readFailed: ((error: Error) => void) | null = null;
  #source: Uint8Array | null = null;
  #writeDone: ((count: number) => void) | null = null;

  get isRead(): boolean {
    return this.#target !== null;
  }

  get isWritten(): boolean {
    return this.#source !== null;
  }

  read(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    assert(this.#target === null, "two reads at once");
    this.#target = target;
    return new Promise((resolve, reject) => {
      this.#readDone = resolve;
      this.#readFailed = reject;
    });
  }

  write(source: Uint8Array<ArrayBuffer>): Promise<number> {
    assert(this.#source === null, "two writes at once");
    this.#source = source;
    this.writes.push(fromLatin1(source));
    return new Promise((resolve) => this.#writeDone = resolve);
  }

  close(): void {
    assert(!this.isClosed, "closed twice");
    this.isClosed = true;
  }

  /** The peer sends bytes, which fit into one read. */
  async send(text: string): Promise<void> {
    const target = this.#target!;
    assert(text.length <= target.length);
    target.set(latin1(text));
    this.#target = null;
    this.#readDone!(text.length);
    await settle();
  }

  async end(): Promise<void> {
    this.#target = null;
    this.#readDone!(null);
    await settle();
  }

  async fail(): Promise<void> {
    this.#target = null;
    this.#readFailed!(new Error("Connection reset by peer"));
    await settle();
  }

  /** The system takes so many bytes of the write under way; all if not said. */
  async accept(count = this.#source!.length): Promise<void> {
    this.#source = null;
    this.#writeDone!(count);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let index = 0; index < 8; index++) await Promise.resolve();
}

async function withConnection(
  body: (socket: FakeSocket, server: EmbeddedServer, connection: Connection) => Promise<void>,
): Promise<void> {
  using server = new EmbeddedServer();
  const socket = new FakeSocket();
  const addresses = { peer: "127.0.0.1:5555", local: "127.0.0.1:6379" };
  const connection = new Connection(server.server, new RuntimeCarrier(socket), addresses);
  connection.start();
  await body(socket, server, connection);
}

Deno.test("the replies to a pipeline leave in one write, in order", () =>
  withConnection(async (socket) => {
    await socket.send("SET a 1\r\nGET a\r\nPING\r\n");
    assertEquals(socket.writes, ["+OK\r\n$1\r\n1\r\n+PONG\r\n"]);
  }));

Deno.test("a request may come in pieces", () =>
  withConnection(async (socket) => {
    for (const byte of "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r") await socket.send(byte);
    assertEquals(socket.writes, []);
    await socket.send("\n");
    assertEquals(socket.writes, ["$5\r\nhello\r\n"]);
  }));

Deno.test("a write that was taken in part goes on where it stopped", () =>
  withConnection(async (socket) => {
    await socket.send("ECHO abcdef\r\n");
    await socket.accept(3);
    await socket.accept(4);
    assertEquals(socket.writes, ["$6\r\nabcdef\r\n", "\nabcdef\r\n", "def\r\n"]);
    await socket.accept();
    assertEquals(socket.isWritten, false);
  }));

Deno.test("reading goes on while a write is pending, and its replies follow in one write", () =>
  withConnection(async (socket) => {
    await socket.send("PING\r\n");
    await socket.send("ECHO a\r\n");
    await socket.send("ECHO b\r\n");
    assertEquals(socket.writes, ["+PONG\r\n"]);
    await socket.accept();
    assertEquals(socket.writes, ["+PONG\r\n", "$1\r\na\r\n$1\r\nb\r\n"]);
  }));

/** A source with the text that the test puts into it, given in pieces of four bytes. */
class FakeSource implements OutputSource {
  text = "";

  get pendingBytes(): number {
    return this.text.length;
  }

  next(): Uint8Array<ArrayBuffer> | null {
    return this.text === "" ? null : latin1(this.text.slice(0, 4));
  }

  written(byteCount: number): void {
    this.text = this.text.slice(byteCount);
  }
}

Deno.test("an output source is asked when the reply is written, until it has no more", () =>
  withConnection(async (socket, _server, connection) => {
    const source = new FakeSource();
    connection.client.outputSource = source;
    source.text = "stream";
    await socket.send("ECHO a\r\n");
    assertEquals(socket.writes, ["$1\r\na\r\n"]);
    await socket.accept();
    await socket.accept(3);
    assertEquals(socket.writes.slice(1), ["stre", "eam"]);
    await socket.accept();
    assertEquals(socket.isWritten, false);
    source.text = "more";
    connection.requestFlush();
    await settle();
    assertEquals(socket.writes.slice(3), ["more"]);
  }));

Deno.test("what waits in an output source counts for the output limits", () =>
  withConnection(async (socket, { server }, connection) => {
    server.config.setAtStart("client-output-buffer-limit", ["normal", "100", "0", "0"]);
    const source = new FakeSource();
    connection.client.outputSource = source;
    source.text = "x".repeat(99);
    connection.requestFlush();
    await settle();
    assertEquals(socket.isClosed, false);
    source.text += "x";
    connection.requestFlush();
    await settle();
    assertEquals([socket.isClosed, server.clients.has(connection.client.id)], [true, false]);
  }));

Deno.test("a peer that has nothing outstanding and ends is closed and forgotten", () =>
  withConnection(async (socket, server, { client }) => {
    assert(server.server.clients.has(client.id));
    await socket.end();
    assertEquals([socket.isClosed, server.server.clients.has(client.id)], [true, false]);
  }));

Deno.test("a peer that ends its side still gets what it is owed", () =>
  withConnection(async (socket) => {
    await socket.send("PING\r\n");
    await socket.send("ECHO a\r\n");
    await socket.end();
    assertEquals(socket.isClosed, false);
    await socket.accept();
    assertEquals(socket.writes, ["+PONG\r\n", "$1\r\na\r\n"]);
    await socket.accept();
    assertEquals(socket.isClosed, true);
  }));

Deno.test("a connection that breaks while output pends is closed once", () =>
  withConnection(async (socket, server, { client }) => {
    await socket.send("PING\r\n");
    await socket.fail();
    assertEquals([socket.isClosed, server.server.clients.has(client.id)], [true, false]);
    await socket.accept();
    assertEquals(socket.writes.length, 1);
  }));

Deno.test("QUIT answers, reads no more, and closes when the answer is written", () =>
  withConnection(async (socket) => {
    await socket.send("QUIT\r\nPING\r\n");
    assertEquals([socket.writes, socket.isRead, socket.isClosed], [["+OK\r\n"], false, false]);
    await socket.accept();
    assertEquals([socket.writes.length, socket.isClosed], [1, true]);
  }));

Deno.test("a protocol error is told before the close", () =>
  withConnection(async (socket) => {
    await socket.send("*1\r\n$x\r\n");
    assertEquals(socket.writes, ["-ERR Protocol error: invalid bulk length\r\n"]);
    await socket.accept();
    assertEquals(socket.isClosed, true);
  }));

Deno.test("POST and Host: end the connection without a word, and what follows is not carried out", async () => {
  for (const line of ["POST / HTTP/1.1", "Host: localhost"]) {
    await withConnection(async (socket, server) => {
      server.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
      await socket.send(`${line}\r\nSET a 1\r\n`);
      assertEquals([socket.isClosed, socket.writes], [true, []]);
      assertEquals(server.run("EXISTS", "a"), 0);
    });
  }
});

Deno.test("requests behind a blocking one wait for it", () =>
  withConnection(async (socket, server) => {
    await socket.send("BLPOP list 0\r\nPING\r\n");
    await socket.send("ECHO x\r\n");
    assertEquals(socket.writes, []);
    server.run("RPUSH", "list", "a");
    // What waited is carried out when the events have been looked at.
    await delay(0);
    await settle();
    await socket.accept();
    const all = socket.writes.join("");
    assertEquals(all, "*2\r\n$4\r\nlist\r\n$1\r\na\r\n+PONG\r\n$1\r\nx\r\n");
  }));

Deno.test("a client that sends more than it may is closed", () =>
  withConnection(async (socket, server) => {
    server.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
    server.server.config.clientQueryBufferLimit = 1500;
    await socket.send("MULTI\r\n");
    await socket.accept();
    await socket.send(`SET a ${"x".repeat(1000)}\r\n`);
    assertEquals(socket.isClosed, false);
    await socket.accept();
    await socket.send(`SET b ${"x".repeat(1000)}\r\n`);
    assertEquals(socket.isClosed, true);
    assertEquals(server.server.statistics.queryBufferLimitDisconnections, 1);
  }));

Deno.test("bytes in and out are counted", () =>
  withConnection(async (socket, { server: { statistics } }) => {
    await socket.send("PING\r\n");
    await socket.accept();
    assertEquals([statistics.inputBytes, statistics.outputBytes], [6, 7]);
    assertEquals([statistics.readsProcessed, statistics.writesProcessed], [1, 1]);
  }));

Deno.test("the runtime's sockets of TCP are told whether to send small pieces at once", () => {
  const told: boolean[] = [];
  const tcp = Object.assign(new FakeSocket(), {
    setNoDelay: (isOn: boolean) => void told.push(isOn),
  });
  new RuntimeCarrier(tcp).setNoDelay(false);
  assertEquals(told, [false]);
  const broken = Object.assign(new FakeSocket(), {
    setNoDelay() {
      throw new Deno.errors.BadResource("gone");
    },
  });
  // Neither a socket that knows nothing of it nor one that is broken is any trouble.
  for (const socket of [broken, new FakeSocket()]) new RuntimeCarrier(socket).setNoDelay(false);
});
