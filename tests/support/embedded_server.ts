/**
 * Embedded server: the whole server in this process, without sockets. A command goes through the
 * real parser, dispatcher and reply encoder, and its reply is parsed back: no ports, no waiting.
 *
 * After each command the query buffer is scribbled over, so that a view that outlives its command
 * is found out; and so is one of a text in a slice that was filled again (strict_slices.ts). The
 * arena runs in debug mode.
 */
import { latin1Text } from "../../src/base/bytes.ts";
import { Log } from "../../src/base/log.ts";
import { commandRows } from "../../src/commands/table.ts";
import { decodeReply, ReplyReader } from "../../src/protocol/reply_reader.ts";
import type { Client, ClientTransport } from "../../src/session/client.ts";
import { Config } from "../../src/config/config.ts";
import { Server, type ServerOptions } from "../../src/server/server.ts";
import { type Argument, encodeRequest } from "./resp_client.ts";
import { type Plain, toPlain } from "./resp_reply.ts";
import { testRelease } from "./test_release.ts";
import "./strict_slices.ts";

/** One connection to an embedded server. */
export class EmbeddedClient implements ClientTransport {
  readonly peerAddress = "127.0.0.1:50000";
  readonly localAddress = "127.0.0.1:6379";
  readonly client: Client;
  readonly #server: Server;
  isClosed = false;
  /** What was made of its socket; true as long as nobody has asked for anything else. */
  isNoDelay = true;

  constructor(server: Server) {
    this.#server = server;
    this.client = server.clientLife.add(this);
  }

  /** Sends one command and returns its reply; strings that are not UTF-8 come as bytes. */
  run(...args: Argument[]): Plain {
    this.send(...args);
    const replies = this.take();
    if (replies.length === 0) throw new Error(`no reply to ${args[0]}`);
    return replies.at(-1)!;
  }

  /** Sends one command and returns the bytes of all output, as Latin-1 text. */
  raw(...args: Argument[]): string {
    this.send(...args);
    return this.takeRaw();
  }

  /** Sends one command; the output stays for `take`. */
  send(...args: Argument[]): void {
    this.sendBytes(encodeRequest(args));
  }

  sendBytes(bytes: Uint8Array): void {
    const { query } = this.client;
    query.append(bytes);
    this.#server.dispatcher.processQuery(this.client);
    if (query.position === query.end && query.partial === null) query.bytes.fill(0xa5);
    this.#server.clientMemory.update(this.client);
  }

  /** Takes all replies (and pushes) that wait. */
  take(): Plain[] {
    const reader = new ReplyReader();
    reader.write(this.takeBytes());
    const replies: Plain[] = [];
    for (let bytes = reader.next(); bytes !== null; bytes = reader.next()) {
      replies.push(toPlain(decodeReply(bytes)));
    }
    if (reader.pendingBytes > 0) throw new Error("output ends in the middle of a reply");
    return replies;
  }

  takeRaw(): string {
    const bytes = this.takeBytes();
    return latin1Text(bytes, 0, bytes.length);
  }

  takeBytes(): Uint8Array {
    const { length } = this.client.reply;
    return this.client.reply.detach().slice(0, length);
  }

  requestFlush(): void {}

  flushEarly(): void {}

  setNoDelay(isOn: boolean): void {
    this.isNoDelay = isOn;
  }

  resume(): void {
    if (!this.isClosed && this.client.query.pendingBytes > 0) {
      this.#server.dispatcher.processQuery(this.client);
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#server.clientLife.remove(this.client);
  }
}

export class EmbeddedServer implements Disposable {
  readonly server: Server;
  /** The first connection; `run` and `raw` use it. */
  readonly client: EmbeddedClient;

  /**
   * `directives`: configuration as [name, value] pairs; `options` replace what stands here. Unless
   * a test chooses, the server answers as `testRelease` says.
   */
  constructor(
    directives: readonly (readonly [string, string])[] = [],
    options: Partial<ServerOptions> = {},
  ) {
    const release = ["redis-version", testRelease()] as const;
    const config = new Config();
    for (const [name, text] of [["save", ""], release, ...directives]) {
      const reason = config.setAtStart(name, text.split(" "));
      if (reason !== null) throw new Error(`${name} ${text}: ${reason}`);
    }
    const log = new Log();
    log.level = "warning";
    this.server = new Server({ config, rows: commandRows, log, debug: true, ...options });
    this.client = new EmbeddedClient(this.server);
  }

  run(...args: Argument[]): Plain {
    return this.client.run(...args);
  }

  raw(...args: Argument[]): string {
    return this.client.raw(...args);
  }

  /** A further connection. */
  connect(): EmbeddedClient {
    return new EmbeddedClient(this.server);
  }

  /** Gives back at once what was deleted, so that memory can be counted. */
  reclaim(): void {
    while (this.server.keyspace.reclaimer.step(1000));
  }

  [Symbol.dispose](): void {
    for (const client of [...this.server.clients.values()]) client.transport.close();
  }
}
