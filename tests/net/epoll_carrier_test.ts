/** Epoll carrier: bytes between a kernel that the test plays and a connection. */
import { assertEquals } from "@std/assert";
import { Connection } from "../../src/net/connection.ts";
import { EpollCarrier } from "../../src/net/epoll_carrier.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "../../src/net/poller.ts";
import { inetAddress } from "../../src/net/socket_address.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const FD = 9;

/** A kernel with one socket: what it has to read, how much it takes, what is watched for. */
class FakeKernel {
  /** The bytes of each read; "" is the end, null that there is nothing, or an error. */
  readonly incoming: (string | null)[] = [];
  /** How many bytes the next writes are taken of; all if there is no number. */
  readonly taking: number[] = [];
  readonly sent: string[] = [];
  /** With what flags. */
  readonly flags: number[] = [];
  /** Options that were set: socket, level, name, value, its length. */
  readonly options: number[][] = [];
  bits = -1;
  isClosed = false;
  canWatch = true;

  readonly libc = {
    recv: (_fd: number, target: Uint8Array) => {
      const text = this.incoming.shift() ?? null;
      if (text === null) return -1;
      target.set(latin1(text));
      return text.length;
    },
    send: (_fd: number, bytes: Uint8Array, length: number, flags: number) => {
      this.flags.push(flags);
      const taken = Math.min(this.taking.shift() ?? length, length);
      if (taken > 0) this.sent.push(fromLatin1(bytes.subarray(0, taken)));
      return taken;
    },
    getsockname: (_fd: number, target: Uint8Array) => {
      target.set(inetAddress("127.0.0.1", 6379)!);
      return 0;
    },
    setsockopt: (fd: number, level: number, name: number, value: Int32Array, length: number) => {
      this.options.push([fd, level, name, value[0], length]);
      return 0;
    },
    close: () => this.isClosed = true,
  };

  add(_fd: number, bits: number): boolean {
    this.bits = bits;
    return this.canWatch;
  }

  modify(_fd: number, bits: number): void {
    this.bits = bits;
  }

  forget(): void {
    this.bits = -1;
  }
}

interface Carried {
  readonly kernel: FakeKernel;
  readonly carrier: EpollCarrier;
  readonly connection: Connection;
  readonly isKnown: () => boolean;
  /** Tells of events, reads this if it is given, and ends the turn. */
  readonly tell: (bits: number, text?: string | null) => Promise<void>;
}

async function withCarrier(body: (carried: Carried) => Promise<void> | void): Promise<void> {
  using server = new EmbeddedServer();
  const kernel = new FakeKernel();
  const carrier = new EpollCarrier(kernel as never, FD, inetAddress("192.0.2.1", 5555)!);
  const connection = new Connection(server.server, carrier, carrier);
  connection.start();
  const tell = async (bits: number, text?: string | null) => {
    if (text !== undefined) kernel.incoming.push(text);
    carrier.onEvents(bits, false);
    await Promise.resolve();
  };
  const isKnown = () => server.server.clients.has(connection.client.id);
  await body({ kernel, carrier, connection, isKnown, tell });
}

Deno.test("what is read is answered in one write", () =>
  withCarrier(async ({ kernel, tell }) => {
    assertEquals(kernel.bits, EPOLLIN);
    await tell(EPOLLIN, "PING\r\nECHO a\r\n");
    assertEquals([kernel.sent, kernel.bits], [["+PONG\r\n$1\r\na\r\n"], EPOLLIN]);
  }));

Deno.test("what the kernel does not take waits until it has room, and reading goes on", () =>
  withCarrier(async ({ kernel, connection, tell }) => {
    kernel.taking.push(3, -1, 2);
    await tell(EPOLLIN, "ECHO abc\r\n");
    assertEquals([kernel.sent, kernel.bits], [["$3\r"], EPOLLIN | EPOLLOUT]);
    await tell(EPOLLIN, "PING\r\n");
    assertEquals([kernel.sent.length, connection.client.outputPendingBytes], [1, 6]);
    // Room for nothing, for two bytes, for all.
    await tell(EPOLLOUT);
    assertEquals([kernel.sent.length, kernel.bits], [1, EPOLLIN | EPOLLOUT]);
    await tell(EPOLLOUT);
    await tell(EPOLLOUT);
    assertEquals(kernel.sent, ["$3\r", "\na", "bc\r\n", "+PONG\r\n"]);
    assertEquals([kernel.bits, connection.client.outputPendingBytes], [EPOLLIN, 0]);
  }));

Deno.test("what more follows on may wait for it, and only that", () =>
  withCarrier(({ kernel, carrier }) => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    shared.set(latin1("-abcdef-"));
    assertEquals(carrier.writesAtOnce, true);
    assertEquals(carrier.write(shared, 1, 4, true), 3);
    kernel.taking.push(2);
    assertEquals(carrier.write(shared, 4, 7, false), 2);
    assertEquals([kernel.sent, kernel.bits], [["abc", "de"], EPOLLIN | EPOLLOUT]);
    const [MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE] = [0x40, 0x4000, 0x8000];
    const usual = MSG_DONTWAIT | MSG_NOSIGNAL;
    assertEquals(kernel.flags, [usual | MSG_MORE, usual]);
  }));

Deno.test("a read that finds nothing is no end; one that failed is, if the kernel says so", () =>
  withCarrier(async ({ kernel, isKnown, tell }) => {
    await tell(EPOLLIN, null);
    assertEquals([kernel.isClosed, isKnown()], [false, true]);
    await tell(EPOLLIN | EPOLLERR, null);
    assertEquals([kernel.isClosed, isKnown(), kernel.bits], [true, false, -1]);
  }));

Deno.test("what came before the end of a broken connection is carried out", () =>
  withCarrier(async ({ kernel, isKnown, tell }) => {
    await tell(EPOLLIN | EPOLLHUP, "SET a 1\r\n");
    assertEquals([kernel.sent, isKnown()], [["+OK\r\n"], true]);
    await tell(EPOLLIN | EPOLLHUP, "");
    assertEquals([kernel.isClosed, isKnown()], [true, false]);
  }));

Deno.test("who has closed its side is not read any more, and closed when it has all", () =>
  withCarrier(async ({ kernel, isKnown, tell }) => {
    kernel.taking.push(0);
    await tell(EPOLLIN, "PING\r\n");
    await tell(EPOLLIN, "");
    assertEquals([kernel.bits, kernel.isClosed], [EPOLLOUT, false]);
    await tell(EPOLLOUT);
    assertEquals([kernel.sent, kernel.isClosed, isKnown()], [["+PONG\r\n"], true, false]);
  }));

Deno.test("who has closed its side and breaks then is closed at once", () =>
  withCarrier(async ({ kernel, isKnown, tell }) => {
    kernel.taking.push(0, 0);
    await tell(EPOLLIN, "PING\r\n");
    await tell(EPOLLIN, "");
    await tell(EPOLLHUP);
    assertEquals([kernel.isClosed, isKnown()], [true, false]);
  }));

Deno.test("QUIT is answered, and nothing behind it is read", () =>
  withCarrier(async ({ kernel, isKnown, tell }) => {
    await tell(EPOLLIN, "QUIT\r\nPING\r\n");
    assertEquals([kernel.sent, kernel.isClosed, isKnown()], [["+OK\r\n"], true, false]);
  }));

Deno.test("a socket that cannot be watched is closed", async () => {
  using server = new EmbeddedServer();
  const kernel = new FakeKernel();
  kernel.canWatch = false;
  const carrier = new EpollCarrier(kernel as never, FD, "/path:0");
  const connection = new Connection(server.server, carrier, carrier);
  connection.start();
  await Promise.resolve();
  assertEquals([kernel.isClosed, server.server.clients.has(connection.client.id)], [true, false]);
});

Deno.test("addresses are those of the socket, and of nobody's when it is closed", () =>
  withCarrier(({ carrier, connection }) => {
    assertEquals(carrier.peer, "192.0.2.1:5555");
    const local = connection.localAddress;
    connection.close();
    assertEquals([local, connection.localAddress], ["127.0.0.1:6379", "127.0.0.1:6379"]);
    const unix = new EpollCarrier(new FakeKernel() as never, FD, "/path:0");
    assertEquals([unix.peer, unix.local], ["/path:0", "/path:0"]);
  }));

Deno.test("whether it sends small pieces at once is set at its socket, as long as there is one", () =>
  withCarrier(({ kernel, carrier, connection }) => {
    connection.setNoDelay(false);
    connection.setNoDelay(true);
    // TCP_NODELAY of TCP.
    assertEquals(kernel.options, [[FD, 6, 1, 0, 4], [FD, 6, 1, 1, 4]]);
    connection.close();
    connection.setNoDelay(false);
    carrier.setNoDelay(false);
    assertEquals(kernel.options.length, 2);
  }));
