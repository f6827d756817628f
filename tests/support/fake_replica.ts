/**
 * Fake replica: speaks to a master as a replica does, and keeps the very bytes that it is sent: the
 * line that answers PSYNC, the RDB, the stream. It acknowledges only when the test says so.
 */
import { fromLatin1, until } from "./text.ts";
import { encodeRequest } from "./resp_client.ts";
import { commandsOf } from "./unit_reader.ts";

export interface FakeReplicaOptions {
  /** What it says of itself first: ["capa", "eof"] and the like. */
  readonly announces?: readonly string[];
  /** Where it wants to go on; all data anew if not given. */
  readonly from?: { readonly id: string; readonly offset: number };
  /** SYNC instead of PSYNC. */
  readonly isOld?: boolean;
}

const MARK_BYTES = 40;

export class FakeReplica implements Disposable {
  /** The answer to PSYNC, without its line end. */
  answer = "";
  /** The RDB; empty if it goes on with what it has. */
  image: Uint8Array = new Uint8Array(0);
  isClosed = false;
  /** Offset of the stream behind all that was taken. */
  offset = 0;
  id = "";
  readonly #connection: Deno.TcpConn;
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;
  #isReading = true;
  #whenThere: () => void = () => {};

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects and asks; `receive` gets the answer. */
  static async connect(port: number, options: FakeReplicaOptions = {}): Promise<FakeReplica> {
    const replica = new FakeReplica(await Deno.connect({ hostname: "127.0.0.1", port }));
    replica.#read();
    const { announces = [], from, isOld = false } = options;
    if (announces.length > 0) {
      await replica.send("REPLCONF", ...announces);
      await replica.#takeLine();
    }
    if (isOld) await replica.send("SYNC");
    else await replica.send("PSYNC", from?.id ?? "?", String(from?.offset ?? -1));
    if (isOld) return replica;
    replica.answer = await replica.#takeLine();
    const [kind, id = "", offset = "0"] = replica.answer.split(" ");
    replica.id = id;
    replica.offset = kind === "+FULLRESYNC" ? Number(offset) : (from?.offset ?? 1) - 1;
    return replica;
  }

  /** Connects, asks for all data, and takes the RDB. */
  static async attach(port: number, options: FakeReplicaOptions = {}): Promise<FakeReplica> {
    const replica = await FakeReplica.connect(port, options);
    await replica.takeImage();
    return replica;
  }

  /** Takes the RDB, by its length or up to its mark. */
  async takeImage(): Promise<void> {
    const header = await this.#takeLine();
    if (header.startsWith("$EOF:")) {
      const mark = header.slice("$EOF:".length);
      await this.#untilThere(() => this.#text().includes(mark));
      this.image = this.#take(this.#text().indexOf(mark));
      this.#take(MARK_BYTES);
    } else {
      const length = Number(header.slice(1));
      if (!header.startsWith("$")) throw new Error(`no RDB: ${header}`);
      await this.#untilThere(() => this.#length >= length);
      this.image = this.#take(length);
    }
  }

  async send(...words: string[]): Promise<void> {
    let bytes = encodeRequest(words);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
  }

  /** Says that it has all that was taken, and has it on its disk. */
  async acknowledge(offset = this.offset): Promise<void> {
    await this.send("REPLCONF", "ACK", String(offset), "FACK", String(offset));
  }

  /** Takes the stream up to and with the command `last`; PINGs are left out. */
  async takeUntil(last: string): Promise<string[]> {
    const encoded = fromLatin1(encodeRequest(last.split(" ")));
    await this.#untilThere(() => this.#text().includes(encoded));
    const bytes = this.#take(this.#text().indexOf(encoded) + encoded.length);
    this.offset += bytes.length;
    const commands = commandsOf(bytes, bytes.length).map((words) => words.join(" "));
    return commands.filter((command) => command !== "PING");
  }

  /** Waits until so many bytes of the stream are there; they are not taken. */
  async untilBytes(count: number): Promise<void> {
    await this.#untilThere(() => this.#length >= count);
  }

  /** Takes all bytes that are there. */
  takeBytes(): Uint8Array {
    const bytes = this.#take(this.#length);
    this.offset += bytes.length;
    return bytes;
  }

  /** Reads no more; what the master sends stays in the pipe. */
  stopReading(): void {
    this.#isReading = false;
  }

  /** Waits until the master has closed the connection. */
  async untilClosed(): Promise<void> {
    await until("the master has closed the connection", () => Promise.resolve(this.isClosed));
  }

  close(): void {
    this.#isReading = false;
    try {
      this.#connection.close();
    } catch {
      // It is closed already.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #text(): string {
    return fromLatin1(this.#bytes.subarray(0, this.#length));
  }

  /** Takes a line; empty ones only say that the master is alive. */
  async #takeLine(): Promise<string> {
    while (true) {
      await this.#untilThere(() => this.#text().includes("\n"));
      const line = fromLatin1(this.#take(this.#text().indexOf("\n") + 1)).replace(/\r?\n$/, "");
      if (line !== "") return line;
    }
  }

  #take(count: number): Uint8Array {
    const taken = this.#bytes.slice(0, count);
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
    return taken;
  }

  async #untilThere(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.isClosed) throw new Error(`the master has closed: ${this.#text().slice(0, 200)}`);
      await new Promise<void>((resolve) => this.#whenThere = resolve);
    }
  }

  async #read(): Promise<void> {
    const piece = new Uint8Array(64 * 1024);
    while (this.#isReading) {
      let count: number | null;
      try {
        count = await this.#connection.read(piece);
      } catch {
        count = null;
      }
      if (count === null) break;
      this.#append(piece.subarray(0, count));
      this.#whenThere();
    }
    if (this.#isReading) this.isClosed = true;
    this.#whenThere();
  }

  #append(piece: Uint8Array): void {
    if (this.#length + piece.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + piece.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
  }
}
