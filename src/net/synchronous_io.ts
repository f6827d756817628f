/**
 * Synchronous I/O: sockets that the main thread waits for on the spot, for the one command that has
 * to (MIGRATE). The runtime has no such sockets; so a Worker does the work, and the main thread
 * sleeps on a word of shared memory until it is done. A round trip costs half a millisecond, the
 * first one twenty more for the start of the Worker.
 *
 * A Worker that is not heard of long after its own time limit is ended, and all sockets with it.
 */
import { latin1Text } from "../base/bytes.ts";
import type { Host } from "../session/host.ts";
import type { ConnectOutcome, Exchange, SynchronousIo } from "../replication/migration_sockets.ts";
import {
  JobRecord,
  OUTCOME_DONE,
  OUTCOME_READ_TIMEOUT,
  OUTCOME_REFUSED,
  OUTCOME_WRITE_FAILED,
  OUTCOME_WRITE_TIMEOUT,
  type SocketJob,
} from "./socket_work.ts";
import { loadPeerSettings, TlsConfigError } from "./tls.ts";

/** What it uses of the host. */
type WorkerIoHost = Pick<Host, "config" | "log">;

/** What a Worker may take beyond a time limit: it may be about to start on a busy machine. */
const GRACE_MS = 30_000;

export class WorkerIo implements SynchronousIo {
  readonly #host: WorkerIoHost;
  #worker: Worker | null = null;

  constructor(host: WorkerIoHost) {
    this.#host = host;
  }

  connect(id: number, host: string, port: number, timeoutMs: number): ConnectOutcome {
    const { config, log } = this.#host;
    const record = JobRecord.create(0);
    const { buffer } = record;
    try {
      const tls = config.tlsCluster ? loadPeerSettings(config) : null;
      this.#post({ kind: "connect", id, host, port, tls, timeoutMs, record: buffer }, []);
    } catch (error) {
      if (!(error instanceof TlsConfigError)) throw error;
      log.warning(error.message);
      return "failed";
    }
    const outcome = this.#wait(record, timeoutMs);
    if (outcome === OUTCOME_DONE) return "connected";
    return outcome === OUTCOME_REFUSED ? "refused" : "failed";
  }

  exchange(
    id: number,
    chunks: readonly Uint8Array<ArrayBuffer>[],
    replyCount: number,
    timeoutMs: number,
  ): Exchange {
    const record = JobRecord.create(replyCount);
    const buffers = chunks.map(({ buffer }) => buffer);
    this.#post({ kind: "exchange", id, chunks, timeoutMs, record: record.buffer }, buffers);
    const outcome = this.#wait(record, timeoutMs);
    const { firstError } = record;
    const isWriteFailure = outcome === OUTCOME_WRITE_FAILED || outcome === OUTCOME_WRITE_TIMEOUT;
    return {
      end: outcome === OUTCOME_DONE ? "done" : isWriteFailure ? "write failed" : "read failed",
      isTimeout: outcome === OUTCOME_WRITE_TIMEOUT || outcome === OUTCOME_READ_TIMEOUT,
      acknowledged: record.acknowledged,
      firstError: latin1Text(firstError, 0, firstError.length),
    };
  }

  close(id: number): void {
    this.#worker?.postMessage({ kind: "close", id } satisfies SocketJob);
  }

  stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #post(job: SocketJob, transfer: Transferable[]): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(job, transfer);
  }

  /** The outcome of a job; a Worker that does not come to one is given up. */
  #wait(record: JobRecord, timeoutMs: number): number {
    if (record.wait(timeoutMs + GRACE_MS)) return record.outcome;
    this.stop();
    return OUTCOME_READ_TIMEOUT;
  }

  #start(): Worker {
    const entry = import.meta.resolve("./socket_worker.ts");
    const worker = new Worker(entry, { type: "module" });
    worker.onerror = (event) => {
      // Otherwise the error would end the main thread too.
      event.preventDefault();
      if (worker === this.#worker) this.stop();
    };
    return worker;
  }
}
