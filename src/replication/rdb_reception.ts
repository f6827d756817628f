/**
 * RDB reception: finds the RDB in what a master sends after +FULLRESYNC.
 *
 *   $<bytes>\r\n<RDB>                        from a file of the master
 *   $EOF:<40 characters>\r\n<RDB><the same 40 characters>     from its memory, of unknown length
 *   \n                                       before either: it is still at work
 *
 * The closing mark may be cut anywhere, and the stream of commands may follow in the same read: so
 * up to 39 bytes that may begin the mark are held back until it is known that they do not.
 */
import { copyBytes, latin1Bytes, latin1Text } from "../base/bytes.ts";

const LINE_BYTES_MAX = 1024;
const MARK_BYTES = 40;
const LINE_FEED = 10;
const RETURN = 13;

/** Takes the bytes of the RDB, in order; they are good until the call returns. */
export interface RdbTarget {
  write(bytes: Uint8Array, start: number, length: number): void;
}

/** The master sends no RDB; the message says what it sends instead. */
export class ReceptionError extends Error {}

export class RdbReception {
  /** Bytes of the RDB, as announced; 0 while that is not known. */
  totalBytes = 0;
  /** Bytes of the RDB that have come. */
  receivedBytes = 0;
  /** Whether the head has come that says how long the RDB is, or what ends it. */
  hasBegun = false;
  /** Whether the RDB is complete. */
  isDone = false;
  readonly #target: RdbTarget;
  #line = "";
  #mark: Uint8Array | null = null;
  /** What may be the beginning of the mark. */
  readonly #held = new Uint8Array(2 * MARK_BYTES);
  #heldBytes = 0;

  constructor(target: RdbTarget) {
    this.#target = target;
  }

  /** Whether the end of the RDB is told by a mark. */
  get usesMark(): boolean {
    return this.#mark !== null;
  }

  /**
   * Takes bytes from the master. Returns how many of them belong to the head and the RDB; what is
   * behind is the stream of commands. Throws ReceptionError, or what the target throws.
   */
  take(bytes: Uint8Array, start: number, length: number): number {
    let at = start;
    const end = start + length;
    while (!this.hasBegun && at < end) at = this.#takeHead(bytes, at, end);
    if (this.hasBegun && !this.isDone) {
      at = this.#mark === null
        ? this.#takeCounted(bytes, at, end)
        : this.#takeMarked(bytes, at, end);
    }
    return at - start;
  }

  /** Reads on in a line of the head; returns where it goes on. */
  #takeHead(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at] !== LINE_FEED) at++;
    const isComplete = at < end;
    const isReturned = isComplete && at > start && bytes[at - 1] === RETURN;
    this.#line += latin1Text(bytes, start, at - start - (isReturned ? 1 : 0));
    if (this.#line.length > LINE_BYTES_MAX) {
      throw new ReceptionError(`it sends '${this.#line.slice(0, 32)}…' where an RDB should begin`);
    }
    if (!isComplete) return at;
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    if (line !== "") this.#begin(line);
    return at + 1;
  }

  #begin(line: string): void {
    if (line.startsWith("-")) {
      throw new ReceptionError(`it gives up sending its data: ${line.slice(1)}`);
    }
    const mark = /^\$EOF:(.{40})/s.exec(line);
    if (mark !== null) {
      this.#mark = latin1Bytes(mark[1]);
    } else {
      const bytes = /^\$\d{1,15}$/.test(line) ? Number(line.slice(1)) : 0;
      if (bytes === 0) {
        throw new ReceptionError(
          `it sends '${line.slice(0, 128)}' where an RDB should begin; are host and port right?`,
        );
      }
      this.totalBytes = bytes;
    }
    this.hasBegun = true;
  }

  #takeCounted(bytes: Uint8Array, start: number, end: number): number {
    const length = Math.min(end - start, this.totalBytes - this.receivedBytes);
    this.#pass(bytes, start, length);
    this.isDone = this.receivedBytes === this.totalBytes;
    return start + length;
  }

  #takeMarked(bytes: Uint8Array, start: number, end: number): number {
    const mark = this.#mark!;
    const held = this.#held;
    const heldBefore = this.#heldBytes;
    // The mark may begin in what is held back.
    const added = Math.min(MARK_BYTES, end - start);
    copyBytes(bytes, start, held, heldBefore, added);
    const inHeld = findMark(held, 0, heldBefore + added, mark);
    if (inHeld >= 0 && inHeld < heldBefore) {
      this.#pass(held, 0, inHeld);
      return this.#endAt(start + inHeld + MARK_BYTES - heldBefore);
    }
    const found = findMark(bytes, start, end, mark);
    if (found >= 0) {
      this.#pass(held, 0, heldBefore);
      this.#pass(bytes, start, found - start);
      return this.#endAt(found + MARK_BYTES);
    }
    this.#holdBack(bytes, start, end, heldBefore);
    return end;
  }

  /** Passes on all but the last 39 bytes of what is held back and what has come. */
  #holdBack(bytes: Uint8Array, start: number, end: number, heldBefore: number): void {
    const held = this.#held;
    const kept = Math.min(MARK_BYTES - 1, heldBefore + end - start);
    const fromNew = Math.min(kept, end - start);
    const fromHeld = kept - fromNew;
    this.#pass(held, 0, heldBefore - fromHeld);
    this.#pass(bytes, start, end - start - fromNew);
    held.copyWithin(0, heldBefore - fromHeld, heldBefore);
    copyBytes(bytes, end - fromNew, held, fromHeld, fromNew);
    this.#heldBytes = kept;
  }

  #endAt(end: number): number {
    this.#heldBytes = 0;
    this.isDone = true;
    this.totalBytes = this.receivedBytes;
    return end;
  }

  #pass(bytes: Uint8Array, start: number, length: number): void {
    if (length === 0) return;
    this.receivedBytes += length;
    this.#target.write(bytes, start, length);
  }
}

/** Where the mark stands in a range, or -1. */
function findMark(bytes: Uint8Array, start: number, end: number, mark: Uint8Array): number {
  for (let at = bytes.indexOf(mark[0], start); at >= 0 && at + MARK_BYTES <= end;) {
    let same = 1;
    while (same < MARK_BYTES && bytes[at + same] === mark[same]) same++;
    if (same === MARK_BYTES) return at;
    at = bytes.indexOf(mark[0], at + 1);
  }
  return -1;
}
