/**
 * Modes that ask a server for what its replicas get: `--rdb` and `--functions-rdb` put the snapshot
 * into a file, `--replica` lets it go and prints the commands that follow.
 *
 * What a server answers to SYNC is line ends while it makes the snapshot, then a line
 * `$<bytes>` with so many bytes behind it, or `$EOF:<mark>` with the snapshot between that line and
 * the mark of 40 bytes; commands follow.
 *
 * In two things this is better than redis-cli, and different from it: the mark does not get into
 * what is written to standard output, and nothing remains of an older, longer file.
 */
import { indexOfByte, indexOfBytes, latin1Text } from "../base/bytes.ts";
import { type CliConnection, ConnectionError } from "./cli_connection.ts";
import { CliExit } from "./cli_output.ts";
import type { CliSession } from "./cli_session.ts";
import { formatReply } from "./reply_format.ts";

const MARK_BYTES = 40;
const HEAD_BYTES_MAX = 4095;
/** A replica says once a second what it has got. */
const ACK_MS = 1000;
const LINE_FEED = 0x0a;
const NOTHING = new Uint8Array(0);
const STANDARD_OUTPUT = "-";

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}

/** Something went wrong that the user reads. */
function fail(session: CliSession, text: string): never {
  session.output.printError(`${text}\n`);
  throw new CliExit(1);
}

/** Tells the server about ourselves; false if it does not know of such things. */
async function configure(session: CliSession, option: string, value: string): Promise<boolean> {
  session.output.printError(`sending REPLCONF ${option} ${value}\n`);
  const reply = await session.connection!.call("REPLCONF", option, value);
  if (reply.kind !== "error") return true;
  const text = latin1Text(reply.bytes, 0, reply.bytes.length);
  session.output.printError(`REPLCONF ${option} error: ${text}\n`);
  return false;
}

/** The snapshot that a server sends. */
class Snapshot {
  readonly #connection: CliConnection;
  /** Its size in bytes; null if it ends with `#mark`. */
  readonly byteCount: number | null;
  readonly #mark: Uint8Array;
  /** Bytes that have come already. */
  #bytes: Uint8Array;

  private constructor(
    connection: CliConnection,
    byteCount: number | null,
    mark: Uint8Array,
    bytes: Uint8Array,
  ) {
    this.#connection = connection;
    this.byteCount = byteCount;
    this.#mark = mark;
    this.#bytes = bytes;
  }

  /** Asks for it, and waits until it begins. Throws CliExit. */
  static async request(session: CliSession): Promise<Snapshot> {
    const connection = session.connection!;
    await connection.write(new TextEncoder().encode("SYNC\r\n"));
    let bytes: Uint8Array = NOTHING;
    for (;;) {
      while (bytes[0] === LINE_FEED) bytes = bytes.subarray(1);
      const end = indexOfByte(bytes, 0, bytes.length, LINE_FEED);
      if (end >= 0) {
        const head = latin1Text(bytes, 0, end).replace(/\r$/, "");
        if (head.startsWith("-")) fail(session, `SYNC with master failed: ${head}`);
        const rest = bytes.subarray(end + 1);
        if (head.startsWith("$EOF:") && head.length >= 5 + MARK_BYTES) {
          return new Snapshot(connection, null, bytes.slice(5, 5 + MARK_BYTES), rest);
        }
        if (/^\$\d+$/.test(head)) return new Snapshot(connection, +head.slice(1), NOTHING, rest);
      }
      const more = end < 0 && bytes.length < HEAD_BYTES_MAX ? await receive(connection) : null;
      if (more === null) fail(session, "Error reading bulk length while SYNCing");
      bytes = concat(bytes, more);
    }
  }

  /**
   * Gives its bytes to `take`, piece by piece; what comes behind it waits in the connection.
   * Returns their number, or null if the connection ends before.
   */
  async read(take: (piece: Uint8Array) => void): Promise<number | null> {
    const count = this.byteCount === null
      ? await this.#readToMark(take)
      : await this.#readBytes(this.byteCount, take);
    if (count !== null) this.#connection.putBack(this.#bytes);
    return count;
  }

  async #readBytes(byteCount: number, take: (piece: Uint8Array) => void): Promise<number | null> {
    for (let left = byteCount; left > 0;) {
      const more = this.#bytes.length > 0 ? this.#bytes : await receive(this.#connection);
      if (more === null) return null;
      const piece = more.subarray(0, left);
      take(piece);
      left -= piece.length;
      this.#bytes = more.subarray(piece.length);
    }
    return byteCount;
  }

  async #readToMark(take: (piece: Uint8Array) => void): Promise<number | null> {
    for (let taken = 0;;) {
      const bytes = this.#bytes;
      const end = indexOfBytes(bytes, 0, bytes.length, this.#mark, 0, MARK_BYTES);
      // The end of what has come may be the beginning of the mark.
      const piece = bytes.subarray(0, end >= 0 ? end : Math.max(0, bytes.length - MARK_BYTES + 1));
      take(piece);
      taken += piece.length;
      this.#bytes = bytes.subarray(end >= 0 ? end + MARK_BYTES : piece.length);
      if (end >= 0) return taken;
      const more = await receive(this.#connection);
      if (more === null) return null;
      this.#bytes = concat(this.#bytes, more);
    }
  }
}

/** The next bytes, or null if the connection has ended. */
async function receive(connection: CliConnection): Promise<Uint8Array | null> {
  try {
    return await connection.receiveRaw();
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    return null;
  }
}

/** The system's reason, without the runtime's additions. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.replace(/ \(os error \d+\).*$/, "");
}

/** The sink of a file; standard output is not closed. Throws CliExit. */
function openTarget(session: CliSession, path: string): Deno.FsFile | typeof Deno.stdout {
  if (path === STANDARD_OUTPUT) return Deno.stdout;
  try {
    return Deno.openSync(path, { create: true, write: true, truncate: true, mode: 0o644 });
  } catch (error) {
    fail(session, `Error opening '${path}': ${reasonOf(error)}`);
  }
}

/** `--rdb` and `--functions-rdb`. Throws CliExit. */
export async function transferSnapshot(session: CliSession): Promise<number> {
  const { options, output } = session;
  const path = options.rdbFile;
  await configure(session, "capa", "eof");
  await configure(session, "rdb-only", "1");
  if (
    options.mode === "functions-rdb" && !await configure(session, "rdb-filter-only", "functions")
  ) {
    fail(session, "Failed requesting functions only RDB from server, aborting");
  }
  const snapshot = await Snapshot.request(session);
  const { byteCount } = snapshot;
  const what = byteCount === null
    ? "bytes of bulk transfer until EOF marker"
    : `${byteCount} bytes`;
  output.printError(`SYNC sent to master, writing ${what} to '${path}'\n`);
  const file = openTarget(session, path);
  const count = await snapshot.read((piece) => {
    try {
      for (let at = 0; at < piece.length;) at += file.writeSync(piece.subarray(at));
    } catch (error) {
      fail(session, `Error writing data to file: ${reasonOf(error)}`);
    }
  });
  if (count === null) fail(session, "I/O Error reading RDB payload from socket");
  session.connection!.close();
  if (file instanceof Deno.FsFile) {
    try {
      file.syncDataSync();
    } catch (error) {
      fail(session, `Fail to fsync '${path}': ${reasonOf(error)}`);
    }
    file.close();
  }
  const after = byteCount === null ? ` after ${count} bytes` : ".";
  output.printError(`Transfer finished with success${after}\n`);
  return 0;
}

/** `--replica`: prints what the master tells its replicas, until the connection ends. */
export async function followMaster(session: CliSession): Promise<never> {
  const { options, output } = session;
  const connection = session.connection!;
  await configure(session, "capa", "eof");
  await configure(session, "rdb-filter-only", "");
  const snapshot = await Snapshot.request(session);
  const { byteCount } = snapshot;
  const what = byteCount === null
    ? "bytes of bulk transfer until EOF marker"
    : `${byteCount} bytes of bulk transfer`;
  output.printError(`SYNC with master, discarding ${what}...\n`);
  const count = await snapshot.read(() => {});
  if (count === null) fail(session, "Error reading RDB payload while SYNCing");
  const after = byteCount === null ? ` after ${count} bytes` : "";
  output.printError(`SYNC done${after}. Logging commands from master.\n`);
  const timer = byteCount === null ? acknowledge(session) : undefined;
  const delimiters = { element: options.elementDelimiter, reply: options.replyDelimiter };
  try {
    for (;;) {
      output.print(formatReply(await connection.receive(), "csv", delimiters));
      // It sends, so it has heard.
      clearInterval(timer);
    }
  } finally {
    clearInterval(timer);
  }
}

/**
 * A snapshot that ends with a mark is followed by commands when the replica says that it has it.
 * The server may not listen yet, so this is said once a second.
 */
function acknowledge({ connection, output }: CliSession): ReturnType<typeof setInterval> {
  let isTold = false;
  return setInterval(() => {
    if (!isTold) output.printError("sending REPLCONF ACK 0\n");
    isTold = true;
    // That the connection has ended is noticed by who reads.
    connection!.send([["REPLCONF", "ACK", "0"]]).catch(() => {});
  }, ACK_MS);
}
