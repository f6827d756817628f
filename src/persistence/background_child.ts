/**
 * Background child: the main thread's side of the Worker that writes RDB files and AOF bases, or
 * posts an RDB in chunks for replicas.
 *
 * `run` freezes memory, hands the image to the Worker and resolves when the file is written and
 * synced; renaming it is the caller's business. Memory is thawed before `run` resolves, whatever
 * became of the job. There is one Worker, started in advance, and one job at a time.
 *
 * A Worker that dies is reported as a failed job and replaced. One that makes no progress for
 * minutes, or does not obey an abort, is taken for hung and treated in the same way.
 *
 * When the caller has put the file in the place of another, it calls `releaseReplaced`: the child
 * holds the old one open, so that giving back its blocks is not the main thread's business.
 *
 * Blocks that were freed during a freeze wait for its end; `step` frees them in slices afterwards.
 * Those that still wait when the next job begins wait for its end too.
 */
import { assert } from "../base/assert.ts";
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Arena } from "../memory/arena.ts";
import type { SoftwareFork } from "../memory/software_fork.ts";
import {
  type ChildAnswer,
  type ChildJob,
  type ChildMessage,
  type CommandsJob,
  JobControl,
  type JobResult,
  type RdbJob,
  type StreamJob,
} from "./child_job.ts";
import { type FileSystem, removeIfExists } from "./file_system.ts";
import { ProgressLog } from "./progress_log.ts";

/** What a caller says of a job; the image and the shared words are added here. */
export type JobRequest = FileJobRequest | Omit<StreamJob, "table" | "control">;

/** A job that writes a file. */
export type FileJobRequest =
  | Omit<RdbJob, "table" | "control">
  | Omit<CommandsJob, "table" | "control">;

/**
 * Blocks freed per `step`, and how long one may take: the blocks stand all over the memory, and
 * freeing one takes from 50 ns to 1 µs.
 */
const STEP_BLOCKS = 4096;
const STEP_US = 300;
/** Blocks freed between two looks at the clock. */
const SLICE_BLOCKS = 128;
/** Steps before a job, so that jobs that follow each other without a pause leave time for some. */
const STEPS_BEFORE_JOB = 4;
/** A child without progress for so long is hung; a sync on a bad disk may take minutes. */
const HUNG_MS = 600_000;
/** How long an aborted child may take to notice. */
const ABORT_MS = 10_000;
/**
 * Between two looks at a child no more counts than this: a clock that jumps ahead, or a process
 * that was stopped for an hour, says nothing of the child.
 */
const LOOK_MS_MAX = 1_000;

interface RunningJob {
  kind: ChildJob["kind"];
  /** The file that is written; null if the bytes are posted. */
  path: string | null;
  /** Takes the bytes that are posted. */
  onChunk: (bytes: Uint8Array<ArrayBuffer>) => void;
  control: JobControl;
  startedMs: number;
  keyTotal: number;
  progressLog: ProgressLog;
  resolve: (result: JobResult) => void;
  /** When it was last looked at, and how long it had made no progress by then. */
  lookedMs: number;
  silentMs: number;
  /** The progress that was last seen. */
  movedBytes: number;
  movedKeys: number;
}

/** The child as the main thread sees it: a Worker, or in tests something that works in place. */
export interface ChildPort {
  onmessage: ((event: MessageEvent<ChildAnswer>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  postMessage(message: ChildMessage): void;
  terminate(): void;
}

export interface BackgroundChildOptions {
  arena: Arena;
  fork: SoftwareFork;
  log: Log;
  files: FileSystem;
  /** Makes the child; a Worker if not given. */
  createChild?: (() => ChildPort) | undefined;
  /** Hears how long something has held everybody up: "fork". */
  onLatency?(event: string, durationUs: number): void;
}

export class BackgroundChild {
  readonly #arena: Arena;
  readonly #fork: SoftwareFork;
  readonly #log: Log;
  readonly #files: FileSystem;
  readonly #createChild: () => ChildPort;
  readonly #onLatency: (event: string, durationUs: number) => void;
  #worker: ChildPort | null = null;
  #job: RunningJob | null = null;
  /** How long the last freeze took, in microseconds (INFO latest_fork_usec). */
  lastFreezeUs = 0;
  /** Freezes since the start (INFO total_forks). */
  freezeCount = 0;
  /** Bytes cloned during the last job (INFO rdb_last_cow_size). */
  lastClonedBytes = 0;

  constructor(options: BackgroundChildOptions) {
    const { arena, fork, log, files, createChild = createWorker } = options;
    this.#createChild = createChild;
    this.#onLatency = (event, durationUs) => options.onLatency?.(event, durationUs);
    this.#arena = arena;
    this.#fork = fork;
    this.#log = log;
    this.#files = files;
  }

  /** Whether there is a Worker. */
  get isStarted(): boolean {
    return this.#worker !== null;
  }

  /** Starts the Worker in advance, so that the first job need not wait for it. */
  start(): void {
    this.#worker ??= this.#startChild();
  }

  get isRunning(): boolean {
    return this.#job !== null;
  }

  /** What kind of job is running. */
  get jobKind(): ChildJob["kind"] | null {
    return this.#job?.kind ?? null;
  }

  /** When the running job began, Unix time in ms; 0 if none is running. */
  get jobStartedMs(): number {
    return this.#job?.startedMs ?? 0;
  }

  /** Keys and bytes the running job has written, and the keys it is to write. */
  get progress(): { keyCount: number; keyTotal: number; byteCount: number } {
    const job = this.#job;
    if (job === null) return { keyCount: 0, keyTotal: 0, byteCount: 0 };
    const { keyTotal, control: { keyCount, byteCount } } = job;
    return { keyCount, keyTotal, byteCount };
  }

  /** Bytes cloned so far by the running job. */
  get clonedBytes(): number {
    return this.#job === null ? 0 : this.#fork.clonedBytes;
  }

  /**
   * Freezes the data and has it written; nothing may be running. `keyTotal` is for the progress.
   * Resolves when the file is complete and synced, or there is none; never rejects. `onChunk` gets
   * the bytes of a job that posts them; call `takeChunks` when they are of no use any more.
   */
  run(
    request: JobRequest,
    keyTotal: number,
    onChunk: (bytes: Uint8Array<ArrayBuffer>) => void = () => {},
  ): Promise<JobResult> {
    assert(this.#job === null, "two background jobs at once");
    for (let step = 0; step < STEPS_BEFORE_JOB && this.step(); step++);
    const control = new JobControl();
    this.start();
    const beginUs = clock.monotonicUs();
    this.#fork.freeze();
    const table = this.#fork.transferable();
    this.#worker!.postMessage({ ...request, table, control: control.buffer });
    this.lastFreezeUs = Math.round(clock.monotonicUs() - beginUs);
    this.freezeCount++;
    this.#onLatency("fork", this.lastFreezeUs);
    const startedMs = clock.nowMs();
    const progressLog = new ProgressLog(this.#log, describe(request));
    return new Promise((resolve) => {
      this.#job = {
        kind: request.kind,
        path: request.kind === "rdb-stream" ? null : request.path,
        onChunk,
        control,
        startedMs,
        keyTotal,
        progressLog,
        resolve,
        lookedMs: startedMs,
        silentMs: 0,
        movedBytes: 0,
        movedKeys: 0,
      };
    });
  }

  /** The file of the last job stands in its place now, or never will. */
  releaseReplaced(): void {
    this.#worker?.postMessage({ kind: "release" });
  }

  /** So many more chunks have been used, so that the child may post others. */
  takeChunks(count: number): void {
    this.#job?.control.takeChunks(count);
  }

  /** Tells the running job to give up; its `run` resolves as "aborted" soon. */
  abort(): void {
    const job = this.#job;
    if (job === null || job.control.isAborted) return;
    job.control.abort();
    job.silentMs = 0;
  }

  /** Whether `step` has something to do. */
  get hasDeferredBlocks(): boolean {
    return !this.#fork.isSettled && !this.#arena.isFrozen;
  }

  /** Frees some blocks that waited for the end of a freeze. Returns whether more are waiting. */
  step(): boolean {
    if (!this.hasDeferredBlocks) return false;
    const endUs = clock.monotonicUs() + STEP_US;
    for (let freed = 0; freed < STEP_BLOCKS; freed += SLICE_BLOCKS) {
      if (!this.#arena.freeDeferred(SLICE_BLOCKS)) return false;
      if (clock.monotonicUs() >= endUs) break;
    }
    return true;
  }

  /** Logs progress, and notices a child that hangs; called now and then with the present time. */
  tick(nowMs: number): void {
    const job = this.#job;
    if (job === null) return;
    const { byteCount, keyCount, isAborted, isFull } = job.control;
    job.silentMs += Math.min(Math.max(0, nowMs - job.lookedMs), LOOK_MS_MAX);
    job.lookedMs = nowMs;
    // A child that waits for us does not hang.
    if (isFull && !isAborted) job.silentMs = 0;
    if (byteCount !== job.movedBytes || keyCount !== job.movedKeys) {
      job.movedBytes = byteCount;
      job.movedKeys = keyCount;
      if (!isAborted) job.silentMs = 0;
    }
    if (!isAborted) job.progressLog.update(nowMs, keyCount, job.keyTotal, byteCount);
    const patienceMs = isAborted ? ABORT_MS : HUNG_MS;
    if (job.silentMs < patienceMs) return;
    this.#replaceWorker(`no progress for ${Math.round(patienceMs / 1000)} seconds`);
  }

  /** Ends the Worker, and with it a running job. */
  close(): void {
    this.#job?.control.abort();
    this.#worker?.terminate();
    this.#worker = null;
    if (this.#job === null) return;
    this.#removeFile(this.#job);
    this.#finish({ outcome: "aborted" });
  }

  #startChild(): ChildPort {
    const worker = this.#createChild();
    worker.onmessage = ({ data }: MessageEvent<ChildAnswer>) => {
      if (worker !== this.#worker) return;
      if (data.outcome === "chunk") this.#job?.onChunk(data.bytes);
      else this.#finish(data);
    };
    worker.onerror = (event) => {
      // Otherwise the error would end the main thread too.
      event.preventDefault();
      if (worker === this.#worker) this.#replaceWorker(event.message);
    };
    worker.onmessageerror = () => {
      if (worker === this.#worker) this.#replaceWorker("its answer could not be read");
    };
    return worker;
  }

  /** Gives up a Worker that is of no use any more. */
  #replaceWorker(reason: string): void {
    this.#log.warning(`Background child failed: ${reason}`);
    this.#worker?.terminate();
    this.#worker = null;
    const job = this.#job;
    if (job === null) return;
    this.#removeFile(job);
    this.#finish({ outcome: "failed", error: `the background child failed: ${reason}` });
    // One that waits for its chunks wakes up. Not before: an aborted job has not failed.
    job.control.abort();
  }

  #finish(result: JobResult): void {
    const job = this.#job;
    if (job === null) return;
    this.lastClonedBytes = this.#fork.clonedBytes;
    this.#job = null;
    this.#fork.release();
    let outcome = result;
    if (job.control.isAborted) {
      // It may have been done before it noticed; nobody wants the file any more.
      this.#removeFile(job);
      outcome = { outcome: "aborted" };
    }
    job.resolve(outcome);
  }

  #removeFile({ path }: RunningJob): void {
    if (path !== null) removeIfExists(this.#files, path);
  }
}

function describe(request: JobRequest): string {
  if (request.kind === "rdb-stream") return "Transfer to replicas";
  const isSave = request.kind === "rdb" && !request.options.isAofBase;
  return isSave ? "Background saving" : "Background AOF rewrite";
}

function createWorker(): ChildPort {
  return new Worker(import.meta.resolve("./child_worker.ts"), { type: "module" });
}
