/**
 * Child job: what the background child is asked to do, and how it does it: write a frozen image to
 * a file, as an RDB or as commands, or post it as an RDB in chunks. Runs in the Worker
 * (child_worker.ts); tests run it in place.
 *
 * Main thread and child share a few words of memory beside the image:
 *
 *   offset  bytes  field
 *   0       4      1 = the job is to be given up; looked at every few keys and at every write
 *   4       4      keys written so far
 *   8       8      bytes written so far, a double
 *   16      4      chunks that the main thread is done with
 *   20      4      chunks posted so far
 *
 * so that progress costs no messages.
 *
 * CHUNKS are posted no faster than the main thread is done with them: the child sleeps while a few
 * are on their way. So an RDB that is sent to somebody slow takes no memory.
 *
 * THE FILE THAT A NEW ONE REPLACES is held open by the child until the main thread has renamed the
 * new one and says "release": then it is the child that waits for the file system to give back the
 * old one's blocks, which takes a quarter of a second per gigabyte.
 */
import { copyBytes } from "../base/bytes.ts";
import { FrozenMemory, type FrozenTable } from "../memory/software_fork.ts";
import { CommandWriter } from "./command_writer.ts";
import { errorText, type FileHandle, type FileSystem, removeIfExists } from "./file_system.ts";
import type { ByteSink } from "./rdb_output.ts";
import { type DatabaseRoots, type KeyProgress, type RdbOptions, RdbWriter } from "./rdb_writer.ts";

const CONTROL_BYTES = 24;
const ABORT_WORD = 0;
const KEYS_WORD = 1;
const BYTES_DOUBLE = 1;
const TAKEN_WORD = 4;
const POSTED_WORD = 5;

/** Bytes of a chunk, and chunks that may be on their way. */
const CHUNK_BYTES = 256 * 1024;
export const CHUNKS_MAX = 8;
/** How long a child that waits may take to see that its job is given up. */
const ABORT_WAIT_MS = 100;

/** Bytes between two syncs while a file is written, so that the last one has little to do. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** What is to be written; plain data, but for the shared memory in it. */
export type ChildJob = FileJob | StreamJob;

/** A file to be written. */
export type FileJob = RdbJob | CommandsJob;

interface JobCommon {
  table: FrozenTable;
  databases: DatabaseRoots[];
  control: SharedArrayBuffer;
}

interface FileJobCommon extends JobCommon {
  /** The file to be written; a temporary one, which the main thread renames. */
  path: string;
  /** Sync while writing (rdb-save-incremental-fsync, aof-rewrite-incremental-fsync). */
  syncsIncrementally: boolean;
}

/** An RDB that is posted in chunks. */
export interface StreamJob extends JobCommon {
  kind: "rdb-stream";
  options: RdbOptions;
}

export interface RdbJob extends FileJobCommon {
  kind: "rdb";
  options: RdbOptions;
  /** The file whose place the new one will take. */
  replaces?: string;
}

export interface CommandsJob extends FileJobCommon {
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

/** A piece of the RDB that a StreamJob makes. */
export interface ChunkMessage {
  outcome: "chunk";
  bytes: Uint8Array<ArrayBuffer>;
}

/** What the child says while it does a job and at its end. */
export type ChildAnswer = JobResult | ChunkMessage;

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
    Atomics.notify(this.#words, TAKEN_WORD);
  }

  /** The main thread is done with so many more chunks. */
  takeChunks(count: number): void {
    Atomics.add(this.#words, TAKEN_WORD, count);
    Atomics.notify(this.#words, TAKEN_WORD);
  }

  /** Whether as many chunks are on their way as may be. */
  get isFull(): boolean {
    return this.#words[POSTED_WORD] - Atomics.load(this.#words, TAKEN_WORD) >= CHUNKS_MAX;
  }

  /** In the child: waits until another chunk may be posted, or the job is to be given up. */
  waitForRoom(): void {
    while (this.isFull && !this.isAborted) {
      // The time limit is for an abort that comes between the two looks.
      Atomics.wait(this.#words, TAKEN_WORD, Atomics.load(this.#words, TAKEN_WORD), ABORT_WAIT_MS);
    }
    this.#words[POSTED_WORD]++;
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
  readonly #post: (chunk: ChunkMessage) => void;
  #held: FileHandle | null = null;

  /** `post` sends a chunk to the main thread. */
  constructor(files: FileSystem, post: (chunk: ChunkMessage) => void) {
    this.#files = files;
    this.#post = post;
  }

  /** Does a job and returns what became of it; null if the message is none. */
  handle(message: ChildMessage): JobResult | null {
    this.#held?.close();
    this.#held = null;
    if (message.kind === "release") return null;
    if (message.kind === "rdb-stream") return streamImage(message, this.#post);
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
export function runJob(job: FileJob, files: FileSystem): JobResult {
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

/** Posts the image as an RDB, in chunks. */
function streamImage(job: StreamJob, post: (chunk: ChunkMessage) => void): JobResult {
  const control = new JobControl(job.control);
  const sink = new ChunkSink(control, post);
  try {
    const memory = new FrozenMemory(job.table);
    const writer = new RdbWriter(memory, sink, job.options, progressOf(control));
    writer.writeFile(job.databases);
    sink.end();
    control.keyCount = writer.keyCount;
    return { outcome: "ok", byteCount: writer.byteCount, keyCount: writer.keyCount };
  } catch (error) {
    if (error instanceof JobAborted) return { outcome: "aborted" };
    throw error;
  }
}

/** Takes note of the keys that are written, and gives up when told to. */
function progressOf(control: JobControl): KeyProgress {
  return (keyCount) => {
    control.keyCount = keyCount;
    if (control.isAborted) throw new JobAborted();
  };
}

function writeImage(job: FileJob, file: FileHandle, control: JobControl): JobResult {
  const memory = new FrozenMemory(job.table);
  const sink = new WatchedSink(file, control, job.syncsIncrementally);
  const progress = progressOf(control);
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

/** Gathers writes into chunks, and posts them as there is room. */
class ChunkSink implements ByteSink {
  readonly #control: JobControl;
  readonly #post: (chunk: ChunkMessage) => void;
  #bytes = new Uint8Array(CHUNK_BYTES);
  #length = 0;

  constructor(control: JobControl, post: (chunk: ChunkMessage) => void) {
    this.#control = control;
    this.#post = post;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    if (this.#control.isAborted) throw new JobAborted();
    for (let done = 0; done < length;) {
      const count = Math.min(length - done, CHUNK_BYTES - this.#length);
      copyBytes(bytes, start + done, this.#bytes, this.#length, count);
      this.#length += count;
      done += count;
      if (this.#length === CHUNK_BYTES) this.end();
    }
  }

  /** Posts what there is. */
  end(): void {
    if (this.#length === 0) return;
    const control = this.#control;
    control.waitForRoom();
    if (control.isAborted) throw new JobAborted();
    control.byteCount += this.#length;
    const full = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(CHUNK_BYTES);
    this.#length = 0;
    this.#post({ outcome: "chunk", bytes: full });
  }
}
