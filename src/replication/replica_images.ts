/**
 * Replica images: the data set as bytes for one replica each: read from a file, or in chunks that
 * come from the child and are shared by all replicas of a transfer.
 */
import { latin1Bytes } from "../base/bytes.ts";
import type { FileHandle } from "../persistence/file_system.ts";
import type { ReplicaImage } from "./replica.ts";

/** Bytes of a file that are read at once. */
const READ_BYTES = 128 * 1024;

/** Hears of a file that cannot be read, and of one that is of no use any more. */
export interface FileImageListener {
  onFailure(error: unknown): void;
  onRelease(): void;
}

/** A file, sent as "$<bytes>\r\n" and its bytes. */
export class FileImage implements ReplicaImage {
  readonly #file: FileHandle;
  readonly #listener: FileImageListener;
  #buffer: Uint8Array<ArrayBuffer>;
  #start = 0;
  #end = 0;
  #isAtEnd = false;

  /** `file` is at its start, and is closed when the image is released. */
  constructor(file: FileHandle, listener: FileImageListener) {
    this.#file = file;
    this.#listener = listener;
    this.#buffer = latin1Bytes(`$${file.size()}\r\n`);
    this.#end = this.#buffer.length;
  }

  next(): Uint8Array<ArrayBuffer> | null {
    if (this.#start === this.#end && !this.#isAtEnd) this.#read();
    return this.#start === this.#end ? null : this.#buffer.subarray(this.#start, this.#end);
  }

  #read(): void {
    if (this.#buffer.length !== READ_BYTES) this.#buffer = new Uint8Array(READ_BYTES);
    this.#start = this.#end = 0;
    try {
      this.#end = this.#file.read(this.#buffer, 0, READ_BYTES);
      this.#isAtEnd = this.#end === 0;
    } catch (error) {
      this.#listener.onFailure(error);
    }
  }

  advance(byteCount: number): void {
    this.#start += byteCount;
  }

  get isDone(): boolean {
    return this.#isAtEnd;
  }

  release(): void {
    this.#file.close();
    this.#listener.onRelease();
  }
}

/** The chunks of a transfer, each of which goes when all its readers have it. */
export class ChunkQueue {
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  readonly #readers = new Set<ChunkImage>();
  readonly #onTaken: (count: number) => void;
  /** Number of the first chunk that is kept. */
  #firstNumber = 0;
  /** No further chunk follows. */
  isEnded = false;

  /** `onTaken` hears how many chunks are of no use any more. */
  constructor(onTaken: (count: number) => void) {
    this.#onTaken = onTaken;
  }

  /** Number of the chunk behind the last one. */
  get endNumber(): number {
    return this.#firstNumber + this.#chunks.length;
  }

  add(bytes: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(bytes);
  }

  /** The chunk of a number that is kept. */
  chunk(number: number): Uint8Array<ArrayBuffer> {
    return this.#chunks[number - this.#firstNumber];
  }

  /** Another reader, from the first chunk on. */
  createReader(): ChunkImage {
    const reader = new ChunkImage(this);
    this.#readers.add(reader);
    return reader;
  }

  remove(reader: ChunkImage): void {
    this.#readers.delete(reader);
    this.letGo();
  }

  /** Lets go of the chunks that all readers have. */
  letGo(): void {
    let needed = this.endNumber;
    for (const reader of this.#readers) needed = Math.min(needed, reader.number);
    const count = needed - this.#firstNumber;
    if (count === 0) return;
    this.#chunks.splice(0, count);
    this.#firstNumber = needed;
    this.#onTaken(count);
  }
}

/** One reader of a queue. */
export class ChunkImage implements ReplicaImage {
  readonly #queue: ChunkQueue;
  /** Number of the chunk it reads, and its place in there. */
  number = 0;
  #position = 0;

  constructor(queue: ChunkQueue) {
    this.#queue = queue;
  }

  next(): Uint8Array<ArrayBuffer> | null {
    if (this.number === this.#queue.endNumber) return null;
    const chunk = this.#queue.chunk(this.number);
    return this.#position === 0 ? chunk : chunk.subarray(this.#position);
  }

  advance(byteCount: number): void {
    this.#position += byteCount;
    if (this.#position < this.#queue.chunk(this.number).length) return;
    this.number++;
    this.#position = 0;
    this.#queue.letGo();
  }

  get isDone(): boolean {
    return this.#queue.isEnded && this.number === this.#queue.endNumber;
  }

  release(): void {
    this.#queue.remove(this);
  }
}
