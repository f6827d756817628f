/** The connection to a master: bytes in when asked for, bytes out in order, silent once closed. */
import { assertEquals } from "@std/assert";
import { MasterSocket, type OutgoingSocket } from "../../src/replication/master_socket.ts";
import { fromLatin1, latin1, settle } from "../support/text.ts";

/** A connection of which the test decides when what happens. */
class FakeSocket implements OutgoingSocket {
  written = "";
  isClosed = false;
  /** Bytes that a write takes at once. */
  writeBytesMax = 3;
  #reader: { target: Uint8Array; settle: PromiseWithResolvers<number | null> } | null = null;

  read(target: Uint8Array): Promise<number | null> {
    this.#reader = { target, settle: Promise.withResolvers() };
    return this.#reader.settle.promise;
  }

  write(source: Uint8Array): Promise<number> {
    const taken = source.subarray(0, this.writeBytesMax);
    this.written += fromLatin1(taken);
    return Promise.resolve(taken.length);
  }

  close(): void {
    this.isClosed = true;
  }

  /** What the read under way brings. */
  async bring(text: string | null): Promise<void> {
    const { target, settle: { resolve } } = this.#reader!;
    this.#reader = null;
    if (text !== null) target.set(latin1(text));
    resolve(text === null ? null : text.length);
    await settle();
  }

  get isReading(): boolean {
    return this.#reader !== null;
  }
}

async function connected() {
  const events: string[] = [];
  const fake = new FakeSocket();
  const socket = new MasterSocket({
    onConnected: () => events.push("connected"),
    onBytes: (bytes, length) => events.push(fromLatin1(bytes.subarray(0, length))),
    onBroken: (reason) => events.push(`broken: ${reason}`),
  }, 16);
  socket.open(() => Promise.resolve(fake), "host", 1);
  await settle();
  return { socket, fake, events };
}

Deno.test("one read at a time, and only when asked for", async () => {
  const { socket, fake, events } = await connected();
  assertEquals([events, fake.isReading], [["connected"], false]);
  socket.read();
  socket.read();
  await fake.bring("abc");
  assertEquals([events, fake.isReading], [["connected", "abc"], false]);
  socket.read();
  await fake.bring(null);
  assertEquals(events.at(-1), "broken: it has closed the connection");
});

Deno.test("what is sent goes out whole and in order, however little a write takes", async () => {
  const { socket, fake } = await connected();
  socket.send(latin1("hello "));
  socket.send(latin1("world"));
  await settle();
  assertEquals(fake.written, "hello world");
});

Deno.test("a closed connection is silent", async () => {
  const { socket, fake, events } = await connected();
  socket.read();
  socket.close();
  await fake.bring("late");
  socket.send(latin1("later"));
  await settle();
  assertEquals([events, fake.written, fake.isClosed], [["connected"], "", true]);
});

Deno.test("a connection that comes when nobody wants it any more is closed", async () => {
  const fake = new FakeSocket();
  const events: string[] = [];
  const onBroken = (reason: string) => events.push(reason);
  const listener = { onConnected: () => events.push("connected"), onBytes() {}, onBroken };
  const late = Promise.withResolvers<OutgoingSocket>();
  const socket = new MasterSocket(listener, 16);
  socket.open(() => late.promise, "host", 1);
  socket.close();
  late.resolve(fake);
  await settle();
  assertEquals([events, fake.isClosed], [[], true]);
});

Deno.test("a connection that cannot be made says why, in the words of the system", async () => {
  const events: string[] = [];
  const onBroken = (reason: string) => events.push(reason);
  const socket = new MasterSocket({ onConnected() {}, onBytes() {}, onBroken }, 16);
  const error = new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
  socket.open(() => Promise.reject(error), "host", 1);
  await settle();
  assertEquals(events, ["Connection refused"]);
});
