/**
 * A small RESP2/RESP3 client for tests: one TCP connection, requests out, replies in, in order.
 *
 * It hides nothing: errors come back as `RespError` values, pushes stand in a queue of their own,
 * and raw bytes can be written and read. It does not reconnect, pool or time out by itself
 * (except where a method takes a timeout).
 */

import {
  decodeReply,
  isPushReply,
  type Reply,
  ReplyReader,
} from "../../src/protocol/reply_reader.ts";
import { encodeRequests as encodeWords } from "../../src/protocol/request_encoder.ts";
import { type Plain, RespError, toPlain } from "./resp_reply.ts";
import { concatBytes, utf8 } from "./text.ts";

export type Argument = string | number | bigint | Uint8Array;

/** The multibulk form of one request. */
export function encodeRequest(args: readonly Argument[]): Uint8Array<ArrayBuffer> {
  return encodeRequests([args]);
}

/** The multibulk form of requests, one after the other. */
export function encodeRequests(
  requests: readonly (readonly Argument[])[],
): Uint8Array<ArrayBuffer> {
  return encodeWords(requests.map((args) => args.map(bytesOf)));
}

function bytesOf(arg: Argument): Uint8Array {
  return arg instanceof Uint8Array ? arg : utf8(String(arg));
}

/** The connection was closed by the server while a reply was awaited. */
export class ConnectionClosed extends Error {
  constructor() {
    super("Connection closed by the server");
  }
}

export class RespClient implements Disposable {
  /** RESP3 push messages in order of arrival. */
  readonly pushes: Plain[] = [];
  readonly connection: Deno.TcpConn | Deno.TlsConn;
  #isClosed = false;
  readonly #reader = new ReplyReader();

  private constructor(connection: Deno.TcpConn | Deno.TlsConn) {
    this.connection = connection;
  }

  /** Connects to a server on this machine. */
  static async connect(port: number, hostname = "127.0.0.1"): Promise<RespClient> {
    const connection = await Deno.connect({ hostname, port });
    connection.setNoDelay(true);
    return new RespClient(connection);
  }

  /** As `connect`, over TLS; the server's certificate is to be signed by this one (PEM). */
  static async connectTls(port: number, caCert: string): Promise<RespClient> {
    const connection = await Deno.connectTls({ hostname: "localhost", port, caCerts: [caCert] });
    await connection.handshake();
    return new RespClient(connection);
  }

  /** Sends one request and returns its reply as plain values. */
  async call(...args: Argument[]): Promise<Plain> {
    return toPlain(await this.exchange(...args));
  }

  /** As `call`, with bulk strings as bytes. */
  async callBytes(...args: Argument[]): Promise<Plain> {
    return toPlain(await this.exchange(...args), (bytes) => bytes.slice());
  }

  /** As `call`, but an error reply is thrown: for preparing a test, where no error is expected. */
  async expect(...args: Argument[]): Promise<Plain> {
    const reply = await this.call(...args);
    if (reply instanceof RespError) {
      throw new Error(`Cannot run ${String(args[0])}: ${reply.message}`);
    }
    return reply;
  }

  /** Sends one request and returns its reply with the wire's kinds kept. */
  async exchange(...args: Argument[]): Promise<Reply> {
    await this.send(...args);
    // A copy: the caller keeps the reply, the buffer is used again.
    return decodeReply((await this.receiveRaw()).slice());
  }

  /** Sends many requests in one piece, then reads all replies. */
  async callMany(requests: readonly (readonly Argument[])[]): Promise<Plain[]> {
    const replies = await this.exchangeBytes(encodeRequests(requests), requests.length);
    return replies.map((bytes) => toPlain(decodeReply(bytes)));
  }

  /** Writes bytes that hold `count` requests and returns the bytes of each reply. */
  async exchangeBytes(bytes: Uint8Array, count: number): Promise<Uint8Array[]> {
    const writing = this.writeBytes(bytes);
    const replies: Uint8Array[] = [];
    // Read while writing, or both sides could wait for the other's buffer to empty.
    for (let i = 0; i < count; i++) replies.push((await this.receiveRaw()).slice());
    await writing;
    return replies;
  }

  /** As `callMany` for requests whose replies need no look: throws on the first error reply. */
  async expectMany(requests: readonly (readonly Argument[])[]): Promise<void> {
    const replies = await this.callMany(requests);
    const failed = replies.findIndex((reply) => reply instanceof RespError);
    if (failed >= 0) throw new Error(`Cannot run ${requests[failed][0]}: ${replies[failed]}`);
  }

  async send(...args: Argument[]): Promise<void> {
    await this.writeBytes(encodeRequest(args));
  }

  /** Writes bytes as they are, all of them. */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      offset += await this.connection.write(bytes.subarray(offset));
    }
  }

  /** The next reply as plain values; pushes are put aside. */
  async receive(): Promise<Plain> {
    return toPlain(decodeReply(await this.receiveRaw()));
  }

  /** The bytes of the next reply, pushes put aside. Valid until the next read. */
  async receiveRaw(): Promise<Uint8Array> {
    while (true) {
      const message = await this.#nextMessage();
      if (!isPushReply(message)) return message;
      this.pushes.push(toPlain(decodeReply(message)));
    }
  }

  /** The next push message; waits if none is in the queue. Replies before it are dropped. */
  async nextPush(): Promise<Plain> {
    while (this.pushes.length === 0) {
      const message = await this.#nextMessage();
      if (isPushReply(message)) this.pushes.push(toPlain(decodeReply(message)));
    }
    return this.pushes.shift()!;
  }

  /** Some bytes as they arrive, at least one; null at the end of the stream. */
  async readBytes(): Promise<Uint8Array | null> {
    if (this.#reader.pendingBytes === 0 && !(await this.#fill())) return null;
    return this.#reader.takeRest();
  }

  /** Everything until the server closes. */
  async readToEnd(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let part = await this.readBytes(); part !== null; part = await this.readBytes()) {
      parts.push(part);
    }
    return concatBytes(parts);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #nextMessage(): Promise<Uint8Array> {
    while (true) {
      const message = this.#reader.next();
      if (message !== null) return message;
      if (!(await this.#fill())) throw new ConnectionClosed();
    }
  }

  async #fill(): Promise<boolean> {
    let count: number | null;
    try {
      count = await this.connection.read(this.#reader.room());
    } catch (error) {
      // A reset is how a server looks that closed with our bytes unread.
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
    if (count === null) return false;
    this.#reader.filled(count);
    return true;
  }
}
