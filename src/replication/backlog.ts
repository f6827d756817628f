/**
 * Backlog: the newest part of the stream of effects, kept once for all: for replicas that come back
 * after a broken link, and for those that are connected, each of which has a cursor in it.
 *
 *   first                                                     last
 *   [ chunk | chunk | chunk | chunk | chunk ]  ← bytes are added here
 *       ↑ cursor of a slow replica      ↑ cursor of one that keeps up
 *
 * Chunks go when the others hold `repl-backlog-size` bytes, and no cursor stands in them or before
 * them. So a slow replica keeps memory, once for all of them; how much, output limits decide.
 *
 * An offset counts the bytes of the stream's whole history; the first byte has offset 1.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";

const CHUNK_BYTES_MIN = 16 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
/** Chunks that a backlog is made of, if its size allows. */
const CHUNK_COUNT = 16;

/** A piece of the stream. */
interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Offset of its first byte. */
  offset: number;
  /** Bytes that are filled. */
  length: number;
  next: Chunk | null;
  /** Cursors that stand in it. */
  cursorCount: number;
}

export class Backlog {
  #sizeBytes: number;
  #first: Chunk;
  #last: Chunk;
  /** Bytes of all chunks, filled or not. */
  #chunkBytes = 0;

  /** An empty backlog of `sizeBytes`, for a stream that has `offset` bytes so far. */
  constructor(sizeBytes: number, offset: number) {
    this.#sizeBytes = sizeBytes;
    this.#first = this.#last = this.#newChunk(offset + 1);
  }

  /** Offset of the oldest byte that is kept. */
  get firstOffset(): number {
    return this.#first.offset;
  }

  /** Offset of the newest byte: the number of bytes that the stream has had. */
  get endOffset(): number {
    return this.#last.offset + this.#last.length - 1;
  }

  /** Bytes that are kept. */
  get historyBytes(): number {
    return this.endOffset - this.firstOffset + 1;
  }

  /** Memory that it takes. */
  get heldBytes(): number {
    return this.#chunkBytes;
  }

  /** Another `repl-backlog-size`. */
  resize(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.trim();
  }

  /** Adds bytes to the stream; they are copied. */
  feed(bytes: Uint8Array, start: number, length: number): void {
    let at = start;
    let left = length;
    while (left > 0) {
      let chunk = this.#last;
      let room = chunk.bytes.length - chunk.length;
      if (room === 0) {
        chunk = this.#append();
        room = chunk.bytes.length;
      }
      const count = Math.min(room, left);
      copyBytes(bytes, at, chunk.bytes, chunk.length, count);
      chunk.length += count;
      at += count;
      left -= count;
    }
  }

  /** The stream turns out to have had `byteCount` bytes before its first one that is known. */
  shift(byteCount: number): void {
    for (let chunk: Chunk | null = this.#first; chunk !== null; chunk = chunk.next) {
      chunk.offset += byteCount;
    }
  }

  /** Whether the stream can be continued from `offset` on, which is one byte behind the end too. */
  covers(offset: number): boolean {
    return offset >= this.firstOffset && offset <= this.endOffset + 1;
  }

  /** A cursor whose next byte is that of `offset`, which the backlog covers. */
  cursorAt(offset: number): BacklogCursor {
    assert(this.covers(offset), "a cursor outside of the backlog");
    let chunk = this.#first;
    while (chunk.next !== null && offset >= chunk.next.offset) chunk = chunk.next;
    return new BacklogCursor(this, chunk, offset - chunk.offset);
  }

  /** Lets go of chunks that are not needed any more. */
  trim(): void {
    let chunk = this.#first;
    while (chunk !== this.#last && chunk.cursorCount === 0) {
      if (this.historyBytes - chunk.length < this.#sizeBytes) break;
      this.#chunkBytes -= chunk.bytes.length;
      chunk = this.#first = chunk.next!;
    }
  }

  #append(): Chunk {
    const chunk = this.#newChunk(this.endOffset + 1);
    this.#last.next = chunk;
    this.#last = chunk;
    this.trim();
    return chunk;
  }

  #newChunk(offset: number): Chunk {
    const wanted = Math.floor(this.#sizeBytes / CHUNK_COUNT);
    const size = Math.min(Math.max(wanted, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
    this.#chunkBytes += size;
    return { bytes: new Uint8Array(size), offset, length: 0, next: null, cursorCount: 0 };
  }
}

/** A place in a backlog, which keeps all behind it from being let go. */
export class BacklogCursor {
  readonly #backlog: Backlog;
  #chunk: Chunk;
  #position: number;

  /** For `Backlog` alone, which knows its chunks. */
  constructor(backlog: Backlog, chunk: Chunk, position: number) {
    this.#backlog = backlog;
    this.#chunk = chunk;
    this.#position = position;
    chunk.cursorCount++;
  }

  /** Bytes from here to the end of the stream. */
  get pendingBytes(): number {
    return this.#backlog.endOffset - (this.#chunk.offset + this.#position) + 1;
  }

  /** Memory from the chunk in which it stands to the end. */
  get heldBytes(): number {
    return this.#backlog.endOffset - this.#chunk.offset + 1;
  }

  /** The bytes that follow, as far as they stand in one piece; null at the end of the stream. */
  next(): Uint8Array<ArrayBuffer> | null {
    let chunk = this.#chunk;
    if (this.#position === chunk.length && chunk.next !== null) {
      chunk.cursorCount--;
      chunk = this.#chunk = chunk.next;
      chunk.cursorCount++;
      this.#position = 0;
      this.#backlog.trim();
    }
    return this.#position === chunk.length
      ? null
      : chunk.bytes.subarray(this.#position, chunk.length);
  }

  /** Goes forward by as many bytes, of those that `next` gave. */
  advance(byteCount: number): void {
    this.#position += byteCount;
  }

  /** Gives up the place. */
  release(): void {
    this.#chunk.cursorCount--;
    this.#backlog.trim();
  }
}
