/**
 * A socket that is used without promises: a test can send and receive from inside of a command,
 * when nothing of the runtime can run. Linux, with the permission ffi.
 */
import { type Libc, openLibc } from "../../src/net/libc.ts";
import { inetAddress } from "../../src/net/socket_address.ts";
import { fromLatin1, latin1 } from "./text.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_LINGER = 13;

export class NativeSocket implements Disposable {
  readonly fd: number;
  readonly #libc: Libc;
  #isClosed = false;

  /** Connects to a server on this machine. */
  constructor(port: number) {
    this.#libc = openLibc()!;
    this.fd = this.#libc.socket(AF_INET, SOCK_STREAM, 0);
    const address = inetAddress("127.0.0.1", port)!;
    if (this.#libc.connect(this.fd, address, address.length) !== 0) {
      throw new Error(this.#libc.errorText(this.#libc.errno()));
    }
  }

  send(text: string): void {
    this.#libc.send(this.fd, latin1(text), text.length, 0);
  }

  /** What has come; "" if nothing has, null at the end. */
  receive(): string | null {
    const bytes = new Uint8Array(64 * 1024);
    const count = this.#libc.recv(this.fd, bytes, bytes.length, MSG_DONTWAIT);
    if (count === 0) return null;
    return count < 0 ? "" : fromLatin1(bytes.subarray(0, count));
  }

  /** Closes it so that the peer sees a reset, not an end. */
  reset(): void {
    // SO_LINGER: on, for 0 seconds.
    this.#libc.setsockopt(this.fd, SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]), 8);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#libc.close(this.fd);
  }
}
