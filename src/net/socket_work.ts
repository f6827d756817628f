/**
 * Socket work: what the Worker does for a main thread that waits (synchronous_io.ts): it connects,
 * writes requests, and reads a line per request.
 *
 * A job comes as a message; its outcome goes into shared memory, since a thread that waits hears no
 * messages:
 *
 *   OFFSET  SIZE  DESCRIPTION
 *   0       4     state: 0 under way, else an outcome below
 *   4       4     progress: grows with each chunk written and each line read
 *   8       4     number of lines read
 *   12      4     bytes of the first error
 *   16      1024  the first error, without its "-"
 *   1040    n     per line: 1 for "+OK", 0 for an error
 *
 * Any other line is no reply to what was sent: nothing may be taken for an acknowledgement that is
 * none, so it counts as a failure to read.
 */
import { Timers } from "../base/timers.ts";
import type { TlsClientSettings } from "./tls_client.ts";

export const OUTCOME_DONE = 1;
export const OUTCOME_WRITE_FAILED = 2;
export const OUTCOME_WRITE_TIMEOUT = 3;
export const OUTCOME_READ_FAILED = 4;
export const OUTCOME_READ_TIMEOUT = 5;
/** Nobody listens there; said of connections without TLS. */
export const OUTCOME_REFUSED = 6;

const STATE = 0;
const PROGRESS = 1;
const LINE_COUNT = 2;
const ERROR_BYTES = 3;
const HEADER_BYTES = 16;
const ERROR_BYTES_MAX = 1024;
/** No reply to AUTH, SELECT or RESTORE is nearly as long. */
const LINE_BYTES_MAX = 64 * 1024;
const READ_BYTES = 4096;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MINUS = 0x2d;

export type SocketJob =
  | {
    kind: "connect";
    id: number;
    host: string;
    port: number;
    /** What TLS needs; null: plain TCP. */
    tls: TlsClientSettings | null;
    timeoutMs: number;
    record: SharedArrayBuffer;
  }
  | {
    kind: "exchange";
    id: number;
    chunks: readonly Uint8Array<ArrayBuffer>[];
    timeoutMs: number;
    record: SharedArrayBuffer;
  }
  | { kind: "close"; id: number };

/** The outcome of a job as both threads see it. */
export class JobRecord {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #error: Uint8Array;
  readonly #lines: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#error = new Uint8Array(buffer, HEADER_BYTES, ERROR_BYTES_MAX);
    this.#lines = new Uint8Array(buffer, HEADER_BYTES + ERROR_BYTES_MAX);
  }

  /** A record with room for so many lines. */
  static create(lineCount: number): JobRecord {
    return new JobRecord(new SharedArrayBuffer(HEADER_BYTES + ERROR_BYTES_MAX + lineCount));
  }

  /** An OUTCOME_…, or 0 while the job is under way. */
  get outcome(): number {
    return Atomics.load(this.#words, STATE);
  }

  get lineCountMax(): number {
    return this.#lines.length;
  }

  /** One byte per line that was read: 1 for "+OK". */
  get acknowledged(): Uint8Array {
    return this.#lines.slice(0, Atomics.load(this.#words, LINE_COUNT));
  }

  get firstError(): Uint8Array {
    return this.#error.slice(0, Atomics.load(this.#words, ERROR_BYTES));
  }

  /**
   * Waits until the job is over, which may take as long as it likes while something moves. False if
   * nothing does for `patienceMs`: whoever was to do it is not there any more.
   */
  wait(patienceMs: number): boolean {
    for (;;) {
      const progress = Atomics.load(this.#words, PROGRESS);
      Atomics.wait(this.#words, STATE, 0, patienceMs);
      if (this.outcome !== 0) return true;
      if (Atomics.load(this.#words, PROGRESS) === progress) return false;
    }
  }

  noteProgress(): void {
    Atomics.add(this.#words, PROGRESS, 1);
  }

  addLine(isAcknowledged: boolean): void {
    this.#lines[this.#words[LINE_COUNT]] = isAcknowledged ? 1 : 0;
    Atomics.add(this.#words, LINE_COUNT, 1);
    this.noteProgress();
  }

  /** Keeps the text of an error, if it is the first. */
  addError(text: Uint8Array): void {
    if (this.#words[ERROR_BYTES] > 0) return;
    const length = Math.min(text.length, ERROR_BYTES_MAX);
    this.#error.set(text.subarray(0, length));
    Atomics.store(this.#words, ERROR_BYTES, length);
  }

  finish(outcome: number): void {
    Atomics.store(this.#words, STATE, outcome);
    Atomics.notify(this.#words, STATE);
  }
}

/** The part of a connection that is used. */
export interface WorkSocket {
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  write(source: Uint8Array<ArrayBuffer>): Promise<number>;
  close(): void;
}

export type ConnectSocket = (
  host: string,
  port: number,
  tls: TlsClientSettings | null,
) => Promise<WorkSocket>;

/** Time has run out. */
class Timeout extends Error {}

/** What arrives is no reply. */
class NoReply extends Error {}

export class SocketWork {
  readonly #connect: ConnectSocket;
  readonly #timers = new Timers();
  readonly #sockets = new Map<number, WorkSocket>();

  constructor(connect: ConnectSocket) {
    this.#connect = connect;
  }

  /** Does a job. Never rejects. */
  async handle(job: SocketJob): Promise<void> {
    if (job.kind === "close") return this.#close(job.id);
    const record = new JobRecord(job.record);
    if (job.kind === "connect") {
      record.finish(await this.#open(job.id, job.timeoutMs, job));
      return;
    }
    const outcome = await this.#exchange(job.id, job.chunks, record, job.timeoutMs);
    if (outcome !== OUTCOME_DONE) this.#close(job.id);
    record.finish(outcome);
  }

  async #open(
    id: number,
    timeoutMs: number,
    { host, port, tls }: { host: string; port: number; tls: TlsClientSettings | null },
  ): Promise<number> {
    const connecting = this.#connect(host, port, tls);
    try {
      this.#sockets.set(id, await this.#within(connecting, timeoutMs));
      return OUTCOME_DONE;
    } catch (error) {
      // One that comes too late is not wanted any more.
      connecting.then((socket) => socket.close(), () => {});
      if (tls === null && error instanceof Deno.errors.ConnectionRefused) return OUTCOME_REFUSED;
      return error instanceof Timeout ? OUTCOME_READ_TIMEOUT : OUTCOME_READ_FAILED;
    }
  }

  async #exchange(
    id: number,
    chunks: readonly Uint8Array<ArrayBuffer>[],
    record: JobRecord,
    timeoutMs: number,
  ): Promise<number> {
    const socket = this.#sockets.get(id);
    // The thread that had it is gone.
    if (socket === undefined) return OUTCOME_WRITE_FAILED;
    try {
      for (const chunk of chunks) {
        for (let written = 0; written < chunk.length;) {
          written += await this.#within(socket.write(chunk.subarray(written)), timeoutMs);
        }
        record.noteProgress();
      }
    } catch (error) {
      return error instanceof Timeout ? OUTCOME_WRITE_TIMEOUT : OUTCOME_WRITE_FAILED;
    }
    try {
      await readLines((target) => this.#within(socket.read(target), timeoutMs), record);
      return OUTCOME_DONE;
    } catch (error) {
      return error instanceof Timeout ? OUTCOME_READ_TIMEOUT : OUTCOME_READ_FAILED;
    }
  }

  /** The outcome of `work`, or a Timeout. What comes later is heard by nobody. */
  #within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = this.#timers.create(() => reject(new Timeout()));
    timer.start(timeoutMs);
    work.then(resolve, reject);
    return promise.finally(() => timer.stop());
  }

  #close(id: number): void {
    const socket = this.#sockets.get(id);
    this.#sockets.delete(id);
    try {
      socket?.close();
    } catch {
      // The other side was faster.
    }
  }
}

/** Reads as many lines as the record has room for. Throws Timeout, NoReply, the system's error. */
async function readLines(read: WorkSocket["read"], record: JobRecord): Promise<void> {
  let buffer = new Uint8Array(READ_BYTES);
  let filled = 0;
  for (let linesLeft = record.lineCountMax; linesLeft > 0;) {
    if (filled === buffer.length) {
      if (filled >= LINE_BYTES_MAX) throw new NoReply();
      const larger = new Uint8Array(2 * filled);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await read(buffer.subarray(filled));
    if (count === null) throw new NoReply();
    filled += count;
    let start = 0;
    for (; linesLeft > 0; linesLeft--) {
      const end = buffer.subarray(0, filled).indexOf(LINE_FEED, start);
      if (end < 0) break;
      takeLine(buffer.subarray(start, end), record);
      start = end + 1;
    }
    // Who says more than was asked is not answering us.
    if (linesLeft === 0 && start < filled) throw new NoReply();
    buffer.copyWithin(0, start, filled);
    filled -= start;
  }
}

function takeLine(line: Uint8Array, record: JobRecord): void {
  const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  const isError = text[0] === MINUS;
  const isOk = text.length === 3 && text[0] === 0x2b && text[1] === 0x4f && text[2] === 0x4b;
  if (!isError && !isOk) throw new NoReply();
  if (isError) record.addError(text.subarray(1));
  record.addLine(isOk);
}
