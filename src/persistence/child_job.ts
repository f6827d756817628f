/**
 * Child job: what the background child is asked to do, and how it does it: write a frozen image to
 * a file, as an RDB or as commands. Runs in the Worker (child_worker.ts); tests run it in place.
 *
 * Main thread and child share a few words of memory beside the image:
 *
 *   offset  bytes  field
 *   0       4      1 = the job is to be given up; looked at every few keys and at every write
 *   4       4      keys written so far
 *   8       8      bytes written so far, a double
 *
 * so that progress costs no messages.
 *
 * THE FILE THAT A NEW ONE REPLACES is held open by the child until the main thread has renamed the
 * new one and says "release": then it is the child that waits for the file system to give back the
 * old one's blocks, which takes a quarter of a second per gigabyte.
 */
import { FrozenMemory, type FrozenTable } from "../memory/software_fork.ts";
import { CommandWriter } from "./command_writer.ts";
import { errorText, type FileHandle, type FileSystem, removeIfExists } from "./file_system.ts";
import type { ByteSink } from "./rdb_output.ts";
import { type DatabaseRoots, type RdbOptions, RdbWriter } from "./rdb_writer.ts";

const CONTROL_BYTES = 16;
const ABORT_WORD = 0;
const KEYS_WORD = 1;
const BYTES_DOUBLE = 1;

/** Bytes between two syncs while a file is written, so that the last one has little to do. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** A file to be written; plain data, but for the shared memory in it. */
export type ChildJob = RdbJob | CommandsJob;

interface JobCommon {
  table: FrozenTable;
  databases: DatabaseRoots[];
  /** The file to be written; a temporary one, which the main thread renames. */
  path: string;
  /** Sync while writing (rdb-save-incremental-fsync, aof-rewrite-incremental-fsync). */
  syncsIncrementally: boolean;
  control: SharedArrayBuffer;
}

export interface RdbJob extends JobCommon {
  kind: "rdb";
  options: RdbOptions;
  /** The file whose place the new one will take. */
  replaces?: string;
}

export interface CommandsJob extends JobCommon {
  kind: "aof-commands";
  /** Unix time for a leading timestamp annotation, or null for none (aof-timestamp-enabled). */
  timestampSeconds: number | null;
  /** Sources of the function libraries. */
  functionLibraries: Uint8Array[];
}

/** What is posted to the child: a job, or that a file has been replaced. */
export type ChildMessage = ChildJob | { kind: "release" };

/** What became of a job. If it is not "ok", there is no file. */
export type JobResult =
  | { outcome: "ok"; byteCount: number; keyCount: number }
  | { outcome: "aborted" }
  | { outcome: "failed"; error: string };

/** The shared words, from either side. */
export class JobControl {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(CONTROL_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  get isAborted(): boolean {
    return Atomics.load(this.#words, ABORT_WORD) !== 0;
  }

  abort(): void {
    Atomics.store(this.#words, ABORT_WORD, 1);
  }

  get keyCount(): number {
    return this.#words[KEYS_WORD];
  }

  set keyCount(count: number) {
    this.#words[KEYS_WORD] = count;
  }

  get byteCount(): number {
    return this.#doubles[BYTES_DOUBLE];
  }

  set byteCount(count: number) {
    this.#doubles[BYTES_DOUBLE] = count;
  }
}

/** What the child does with its messages, one after the other. */
export class ChildWork {
  readonly #files: FileSystem;
  #held: FileHandle | null = null;

  constructor(files: FileSystem) {
    this.#files = files;
  }

  /** Does a job and returns what became of it; null if the message is none. */
  handle(message: ChildMessage): JobResult | null {
    this.#held?.close();
    this.#held = null;
    if (message.kind === "release") return null;
    const result = runJob(message, this.#files);
    if (result.outcome === "ok" && message.kind === "rdb") this.#hold(message.replaces);
    return result;
  }

  #hold(path: string | undefined): void {
    // Windows may refuse to put another file in the place of one that is open.
    if (path === undefined || Deno.build.os === "windows") return;
    try {
      this.#held = this.#files.openForRead(path);
    } catch {
      // There is none yet, or it cannot be read: then nothing is saved by holding it.
    }
  }
}

/** Thrown inside a job to give it up. */
class JobAborted extends Error {}

/** Does a job to its end: the file stands there, synced, or it is removed. */
export function runJob(job: ChildJob, files: FileSystem): JobResult {
  const control = new JobControl(job.control);
  try {
    const file = files.openForWrite(job.path);
    try {
      const result = writeImage(job, file, control);
      if (control.isAborted) throw new JobAborted();
      file.sync();
      return result;
    } finally {
      file.close();
    }
  } catch (error) {
    removeIfExists(files, job.path);
    if (error instanceof JobAborted) return { outcome: "aborted" };
    return { outcome: "failed", error: errorText(error) };
  }
}

function writeImage(job: ChildJob, file: FileHandle, control: JobControl): JobResult {
  const memory = new FrozenMemory(job.table);
  const sink = new WatchedSink(file, control, job.syncsIncrementally);
  const progress = (keyCount: number) => {
    control.keyCount = keyCount;
    if (control.isAborted) throw new JobAborted();
  };
  let writer: RdbWriter | CommandWriter;
  if (job.kind === "rdb") {
    writer = new RdbWriter(memory, sink, job.options, progress);
    writer.writeFile(job.databases);
  } else {
    writer = new CommandWriter(memory, sink, progress);
    if (job.timestampSeconds !== null) writer.writeTimestamp(job.timestampSeconds);
    writer.writeLibraries(job.functionLibraries);
    writer.writeDatabases(job.databases);
  }
  control.keyCount = writer.keyCount;
  return { outcome: "ok", byteCount: writer.byteCount, keyCount: writer.keyCount };
}

/** Passes writes on to a file, counts them, syncs now and then, and gives up when told to. */
class WatchedSink implements ByteSink {
  readonly #file: FileHandle;
  readonly #control: JobControl;
  readonly #syncs: boolean;
  #unsyncedBytes = 0;

  constructor(file: FileHandle, control: JobControl, syncs: boolean) {
    this.#file = file;
    this.#control = control;
    this.#syncs = syncs;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    if (this.#control.isAborted) throw new JobAborted();
    this.#file.write(bytes, start, length);
    this.#control.byteCount += length;
    this.#unsyncedBytes += length;
    if (!this.#syncs || this.#unsyncedBytes < SYNC_BYTES) return;
    this.#file.sync();
    this.#unsyncedBytes = 0;
  }
}
