/**
 * One connection of the client to a server: over TCP, a unix socket or TLS. Requests go out,
 * replies come back in order, push messages in between are handed to whoever wants them.
 *
 * TLS goes through Node's interface, since Deno's own can neither name another host than the one
 * connected to while showing a certificate, nor leave the server's certificate unchecked
 * (`--sni`, `--insecure`). Does not reconnect, and knows nothing of what a reply means.
 */
import { decodeReply, isPushReply, type Reply, ReplyReader } from "../protocol/reply_reader.ts";
import { encodeRequests } from "../protocol/request_encoder.ts";
import type { CliOptions } from "./cli_options.ts";

/** A stream of bytes in both directions. */
interface Stream {
  /** Null at the end. */
  read(target: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** The server is not there (any longer), in the words in which the system puts it. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
}

const RAW_READ_BYTES = 64 * 1024;
const encoder = new TextEncoder();

/** What the system says, without the runtime's additions. */
function systemMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/ \(os error \d+\).*$/, "")
    .replace(/^failed to lookup address information: /, "");
}

async function openStream(options: CliOptions): Promise<Stream> {
  if (options.socket !== null) {
    return await Deno.connect({ transport: "unix", path: options.socket });
  }
  if (options.tls) return await openTls(options);
  const connection = await Deno.connect({ hostname: options.host, port: options.port });
  connection.setNoDelay(true);
  connection.setKeepAlive(true);
  return connection;
}

function readPem(path: string | null): string | undefined {
  if (path === null) return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new Error(`cannot read "${path}": ${systemMessage(error)}`);
  }
}

async function openTls(options: CliOptions): Promise<Stream> {
  const { connect } = await import("node:tls");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const isAddress = /^[\d.]+$|:/.test(options.host);
  const name = options.serverName ?? (isAddress ? undefined : options.host);
  const socket = connect({
    host: options.host,
    port: options.port,
    ...(name === undefined ? {} : { servername: name }),
    ca: readPem(options.caFile),
    cert: readPem(options.certificateFile),
    key: readPem(options.keyFile),
    rejectUnauthorized: !options.isInsecure,
  }, resolve);
  // Some versions of the runtime check the certificate only after they have called back.
  let failure: Error | null = null;
  socket.on("error", (error) => reject(failure = error));
  // When the server refuses the client's certificate, neither the handshake nor a write or read
  // under way hears of it.
  const waiting = new Set<(reason: Error) => void>([reject]);
  let isClosed = false;
  const reason = () => failure ?? new Error("Server closed the connection");
  socket.on("close", () => {
    isClosed = true;
    for (const fail of waiting) fail(reason());
  });
  const unlessClosed = async <T>(work: Promise<T>): Promise<T> => {
    const { promise, resolve, reject: fail } = Promise.withResolvers<T>();
    waiting.add(fail);
    work.then(resolve, fail);
    if (isClosed) fail(reason());
    return await promise.finally(() => waiting.delete(fail));
  };
  await promise;
  socket.setNoDelay(true);
  const chunks = socket[Symbol.asyncIterator]();
  // Always one ahead: the end of a stream that nobody reads is not noticed either.
  const fetch = () => {
    const fetched = chunks.next();
    fetched.catch(() => {});
    return fetched;
  };
  let next = fetch();
  let chunk = new Uint8Array(0);
  return {
    async read(target) {
      if (chunk.length === 0) {
        const { value, done } = await unlessClosed(next);
        if (done === true) return null;
        chunk = value;
        next = fetch();
      }
      const count = Math.min(chunk.length, target.length);
      target.set(chunk.subarray(0, count));
      chunk = chunk.subarray(count);
      return count;
    },
    write: (bytes) =>
      unlessClosed(
        new Promise((done, fail) => {
          socket.write(bytes, (error) => error ? fail(failure ?? error) : done(bytes.length));
        }),
      ),
    close: () => socket.destroy(),
  };
}

/** Words of a request may be given as text. */
export type Word = string | Uint8Array;

export class CliConnection {
  /** Takes push messages that arrive while a reply is awaited; null lets them fall. */
  onPush: ((push: Reply) => void) | null = null;
  readonly #stream: Stream;
  readonly #reader = new ReplyReader();

  private constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Throws ConnectionError. */
  static async open(options: CliOptions): Promise<CliConnection> {
    try {
      return new CliConnection(await openStream(options));
    } catch (error) {
      throw new ConnectionError(systemMessage(error));
    }
  }

  /** Sends requests without awaiting their replies. Throws ConnectionError. */
  async send(requests: readonly (readonly Word[])[]): Promise<void> {
    const asBytes = (word: Word) => typeof word === "string" ? encoder.encode(word) : word;
    await this.write(encodeRequests(requests.map((words) => words.map(asBytes))));
  }

  /** Writes bytes as they are. Throws ConnectionError. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let offset = 0; offset < bytes.length;) {
        offset += await this.#stream.write(bytes.subarray(offset));
      }
    } catch (error) {
      throw new ConnectionError(systemMessage(error));
    }
  }

  /** The bytes of the next reply or push, valid until the next call. Throws ConnectionError. */
  async receiveBytes(): Promise<Uint8Array> {
    for (;;) {
      const bytes = this.#reader.next();
      if (bytes !== null) return bytes;
      let count: number | null;
      try {
        count = await this.#stream.read(this.#reader.room());
      } catch (error) {
        throw new ConnectionError(systemMessage(error));
      }
      if (count === null) throw new ConnectionError("Server closed the connection");
      this.#reader.filled(count);
    }
  }

  /** The next bytes as they come, whatever they are. Throws ConnectionError. */
  async receiveRaw(): Promise<Uint8Array> {
    const rest = this.#reader.takeRest();
    if (rest.length > 0) return rest.slice();
    const bytes = new Uint8Array(RAW_READ_BYTES);
    let count: number | null;
    try {
      count = await this.#stream.read(bytes);
    } catch (error) {
      throw new ConnectionError(systemMessage(error));
    }
    if (count === null) throw new ConnectionError("Server closed the connection");
    return bytes.subarray(0, count);
  }

  /** Bytes that `receiveRaw` has given are replies after all. */
  putBack(bytes: Uint8Array): void {
    this.#reader.write(bytes);
  }

  /** The next message of whatever kind; its strings are valid until the next call. */
  async receiveAny(): Promise<Reply> {
    return decodeReply(await this.receiveBytes());
  }

  /** The next reply; pushes before it go to `onPush`. Throws ConnectionError. */
  async receive(): Promise<Reply> {
    for (;;) {
      const bytes = await this.receiveBytes();
      if (!isPushReply(bytes)) return decodeReply(bytes);
      this.onPush?.(decodeReply(bytes));
    }
  }

  /** Sends one request and returns its reply. Throws ConnectionError. */
  async call(...words: Word[]): Promise<Reply> {
    await this.send([words]);
    return await this.receive();
  }

  /**
   * Sends requests in one piece and gives each reply to `take`, in order: what `take` keeps of a
   * reply it must copy. Throws ConnectionError.
   */
  async callMany(
    requests: readonly (readonly Word[])[],
    take: (reply: Reply, index: number) => void,
  ): Promise<void> {
    await this.send(requests);
    for (let i = 0; i < requests.length; i++) take(await this.receive(), i);
  }

  close(): void {
    try {
      this.#stream.close();
    } catch (error) {
      // The runtime has closed it already, after a failed read.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
