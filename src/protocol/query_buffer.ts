/**
 * Query buffer: the bytes that a client has sent and that no command has consumed yet.
 *
 * It is also where the parser keeps what it knows of a request of which only a part has arrived, so
 * that no byte is looked at twice however the request is cut up on its way.
 *
 * A read goes to `writable()`; then `end` is moved on. Consumed bytes are overwritten only when
 * room is needed, and never while a request whose arguments point into them is incomplete: those
 * are moved to the front together with their bytes.
 */
import { grownCapacity, readyForCopies } from "../base/bytes.ts";
import { RoomPool } from "../base/room_pool.ts";
import { Argv } from "./argv.ts";

/** Room for reading, to begin with. Most requests and pipelines are smaller. */
const READ_BYTES_MIN = 2 * 1024;
/** Room for reading is doubled up to this whenever a read fills it. */
const READ_BYTES_MAX = 64 * 1024;

/**
 * Room that a client gets for an argument of which no more than a buffer's fill has come. Pages
 * that nothing was written to are not resident.
 */
const ANNOUNCED_BYTES_MAX = 1024 * 1024;

/** What may stand before the first argument of a request: two headers. */
const REQUEST_HEAD_BYTES = 48;

/** Arrays of clients that are gone, for those that come: at most so many. */
const POOLED_COUNT_MAX = 256;

const EMPTY: Uint8Array<ArrayBuffer> = readyForCopies(new Uint8Array(0));
const pool: Uint8Array<ArrayBuffer>[] = [];

/** Rooms of large arguments, for the next ones. */
const largeRooms = RoomPool.shared({
  bytesMin: 256 * 1024,
  stepBytes: 64 * 1024,
  bytesMax: 2 * 1024 * 1024,
  totalBytesMax: 4 * 1024 * 1024,
});

export class QueryBuffer {
  bytes: Uint8Array<ArrayBuffer> = pool.pop() ?? newRoom(READ_BYTES_MIN);
  /** First byte that was not consumed. */
  position = 0;
  /** One past the last byte received. */
  end = 0;
  /** Arguments that the request being received still lacks; -1 between requests. */
  argumentsMissing = -1;
  /** Announced bytes of the argument being received; -1 if its header has not come. */
  argumentBytes = -1;
  /** The arguments so far of a request that is not complete. */
  partial: Argv | null = null;

  /** Bytes received and not consumed. */
  get pendingBytes(): number {
    return this.end - this.position;
  }

  /** Bytes received of what is not complete or not consumed: pending ones and partial arguments. */
  get heldBytes(): number {
    return this.end - this.#firstNeeded();
  }

  /**
   * Where the next bytes may be read to; never empty. If the last read filled the room it had, the
   * room grows to what the argument under way needs: an announcement alone takes no memory.
   */
  writable(): Uint8Array<ArrayBuffer> {
    if (this.partial === null && this.position === this.end) {
      this.position = 0;
      this.end = 0;
      return this.bytes;
    }
    if (this.end === this.bytes.length) this.#makeRoom();
    return this.bytes.subarray(this.end);
  }

  /** Appends bytes from elsewhere (tests, embedded clients). */
  append(source: Uint8Array): void {
    for (let from = 0; from < source.length;) {
      const target = this.writable();
      const size = Math.min(target.length, source.length - from);
      target.set(source.subarray(from, from + size));
      from += size;
      this.end += size;
    }
  }

  /** Larger room for a client whose reads fill what it has. */
  growAfterFullRead(): void {
    if (this.position !== this.end || this.partial !== null) return;
    if (this.bytes.length >= READ_BYTES_MAX) return;
    this.bytes = newRoom(this.bytes.length * 2);
    this.position = 0;
    this.end = 0;
  }

  /** Gives back room that an idle client does not need. No read may be under way. */
  shrink(): void {
    if (this.position !== this.end || this.partial !== null) return;
    if (this.bytes.length > READ_BYTES_MIN) {
      largeRooms.give(this.bytes);
      this.bytes = newRoom(READ_BYTES_MIN);
    }
    this.position = 0;
    this.end = 0;
  }

  /**
   * Lets go of all bytes; the client is gone. `isUnused`: nobody will write to the room that
   * `writable` gave, which may be another client's from now on.
   */
  release(isUnused: boolean): void {
    if (isUnused) {
      if (this.bytes.length !== READ_BYTES_MIN) largeRooms.give(this.bytes);
      else if (pool.length < POOLED_COUNT_MAX) pool.push(this.bytes);
    }
    this.bytes = EMPTY;
    this.position = 0;
    this.end = 0;
    this.partial = null;
  }

  #makeRoom(): void {
    const first = this.#firstNeeded();
    const used = this.end - first;
    const source = this.bytes;
    // Moving to the front frees enough room if half of the buffer was consumed. Below the limit it
    // would leave a pipeline with room for a request or two, read by read.
    if (used * 2 > source.length || source.length < READ_BYTES_MAX) {
      const needed = this.#capacityFor(used);
      this.bytes = largeRooms.find(needed) ?? newRoom(largeRooms.sizeFor(needed));
      this.bytes.set(source.subarray(first, this.end));
    } else {
      source.copyWithin(0, first, this.end);
    }
    const { partial } = this;
    if (partial !== null) {
      for (let index = 0; index < partial.count; index++) partial.starts[index] -= first;
      partial.bytes = this.bytes;
    }
    this.position -= first;
    this.end = used;
  }

  #firstNeeded(): number {
    if (this.partial === null || this.partial.count === 0) return this.position;
    return this.partial.starts[0];
  }

  /**
   * For the argument under way all that it needs, so that it is read at once and not moved again;
   * but to begin with no more than ANNOUNCED_BYTES_MAX. Otherwise in proportion to what is there,
   * and up to READ_BYTES_MAX twice the room that a read has filled.
   */
  #capacityFor(used: number): number {
    const doubled = Math.min(this.bytes.length * 2, READ_BYTES_MAX);
    const grown = Math.max(grownCapacity(used, 0), doubled);
    if (this.argumentBytes < 0) return grown;
    const headBytes = this.position - this.#firstNeeded();
    // With what stood before the first argument the next request of this kind has room, too.
    const exact = headBytes + this.argumentBytes + 2 + REQUEST_HEAD_BYTES;
    if (exact <= used) return grown;
    if (used >= ANNOUNCED_BYTES_MAX) return exact;
    return Math.max(doubled, Math.min(exact, Math.max(grown, ANNOUNCED_BYTES_MAX)));
  }
}

function newRoom(byteCount: number): Uint8Array<ArrayBuffer> {
  return readyForCopies(new Uint8Array(byteCount));
}
