/**
 * Runtime wake: how a loop that waits in epoll and the runtime's own loop take turns.
 *
 * TO US: the runtime waits in an epoll of its own. It can be waited for like a socket: its
 * descriptor is readable when one of the runtime's sources has something: TLS clients, a Worker's
 * message, a sync that has ended, a signal. `descriptor` is that epoll.
 *
 * TO THE RUNTIME: it looks at its sources only when it has nothing else to do. Handing it over by
 * setImmediate keeps it from them for many rounds; so `yield` sends a byte over a connection of our
 * own, the other end of which the runtime reads, and goes on when the byte has arrived there. Two
 * more rounds of the runtime let it begin to wait for what the handlers have begun; one only would
 * leave a Worker's message lying for 100 ms.
 */
import { nextRound } from "../base/timers.ts";
import { inetAddress } from "./socket_address.ts";
import { type Libc, setNoDelay } from "./libc.ts";
import { EPOLLIN, isEpoll, Poller, PollEvents } from "./poller.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

const LOOPBACK = "127.0.0.1";
/** The runtime's epoll is among its first files. */
const DESCRIPTOR_MAX = 1024;
/** How long a byte may take to the other end, in the same machine's memory. */
const ARRIVAL_MS_MAX = 1000;

export class RuntimeWake {
  /** The runtime's epoll. */
  readonly descriptor: number;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #connection: Deno.TcpConn;
  readonly #byte = new Uint8Array(1);
  readonly #target = new Uint8Array(16);
  #done: () => void = () => {};
  #isClosed = false;

  private constructor(libc: Libc, fd: number, connection: Deno.TcpConn, descriptor: number) {
    this.#libc = libc;
    this.#fd = fd;
    this.#connection = connection;
    this.descriptor = descriptor;
  }

  /** Rejects with an Error that says what does not work here. */
  static async open(libc: Libc): Promise<RuntimeWake> {
    // The runtime would ask whoever sits at the terminal.
    const { state } = Deno.permissions.querySync({ name: "net", host: LOOPBACK });
    if (state !== "granted") throw new Error(`the runtime may not connect to ${LOOPBACK}`);
    const { fd, connection } = await connectToRuntime(libc);
    try {
      const target = new Uint8Array(1);
      const arrived = connection.read(target);
      // The read must be under way before the byte comes.
      await nextRound();
      await nextRound();
      sendByte(libc, fd, target);
      const descriptor = findRuntimeEpoll(libc);
      await arrived;
      const wake = new RuntimeWake(libc, fd, connection, descriptor);
      wake.#read();
      await nextRound();
      return wake;
    } catch (error) {
      libc.close(fd);
      connection.close();
      throw error;
    }
  }

  /** Lets the runtime look at its sources and serve what is ready there, then calls `done`. */
  yield(done: () => void): void {
    this.#done = done;
    sendByte(this.#libc, this.#fd, this.#byte);
  }

  close(): void {
    this.#isClosed = true;
    this.#libc.close(this.#fd);
    this.#connection.close();
  }

  #read(): void {
    this.#connection.read(this.#target).then(this.#onByte, this.#onFailure);
  }

  readonly #onByte = (count: number | null): void => {
    if (count === null) return this.#onFailure(new Error("ended"));
    this.#read();
    setImmediate(this.#onRound);
  };

  readonly #onRound = (): void => {
    setImmediate(this.#done);
  };

  /** Nobody but us has the two ends. */
  readonly #onFailure = (error: Error): void => {
    if (!this.#isClosed) throw new Error(`The connection to the runtime is broken: ${error}`);
  };
}

function sendByte(libc: Libc, fd: number, byte: Uint8Array<ArrayBuffer>): void {
  libc.send(fd, byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

interface Ends {
  readonly fd: number;
  readonly connection: Deno.TcpConn;
}

/** Connects a socket of ours with one of the runtime's. */
async function connectToRuntime(libc: Libc): Promise<Ends> {
  using listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const address = inetAddress(LOOPBACK, listener.addr.port)!;
  if (fd < 0 || libc.connect(fd, address, address.length) < 0) {
    const reason = libc.errorText(libc.errno());
    if (fd >= 0) libc.close(fd);
    throw new Error(`no connection to the runtime: ${reason}`);
  }
  setNoDelay(libc, fd, true);
  const connection = await listener.accept();
  const own = new Uint8Array(address.length);
  libc.getsockname(fd, own, new Uint32Array([own.length]));
  // Somebody else may have been quicker.
  if ((own[2]! << 8 | own[3]!) === connection.remoteAddr.port) return { fd, connection };
  libc.close(fd);
  connection.close();
  throw new Error("another program has connected in our place");
}

/** The epoll that has something for the runtime, now that a byte is on its way to it. */
function findRuntimeEpoll(libc: Libc): number {
  const stranger = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const poller = new Poller(libc);
  try {
    let count = 0;
    for (let fd = 3; fd < DESCRIPTOR_MAX; fd++) {
      if (isEpoll(libc, fd, stranger) && poller.add(fd, EPOLLIN, 0)) count++;
    }
    const events = new PollEvents(Math.max(1, count));
    if (poller.wait(events, ARRIVAL_MS_MAX) <= 0) {
      throw new Error("the runtime waits in another way than expected");
    }
    return events.descriptor(0);
  } finally {
    poller.close();
    libc.close(stranger);
  }
}
