/**
 * Room pool: large arrays that were given back, for whoever needs one next. A new large array costs
 * page faults, and its part of a garbage collection: more than what is done with it (SET and GET of
 * large values, redis-benchmark -d).
 *
 * It keeps what the last second has needed: `sweepRooms` gives back what has been spare all the
 * time since it was last called. The memory of an array goes at once, and not with the next
 * collection.
 */

export interface RoomPoolLimits {
  /** Smaller arrays are not kept. */
  bytesMin: number;
  /** Sizes of arrays that are kept are multiples of this. */
  stepBytes: number;
  /** Larger arrays are not kept. */
  bytesMax: number;
  /** All that are kept have no more bytes than this. */
  totalBytesMax: number;
}

/** An array may have so many times the bytes that are asked for. */
const EXCESS_MAX = 2;

const pools: RoomPool[] = [];

export class RoomPool {
  readonly #limits: RoomPoolLimits;
  /** The oldest first; the newest are the next to be used. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #spareBytes = 0;
  /** The least there was since the last sweep. */
  #leastBytes = 0;

  constructor(limits: RoomPoolLimits) {
    this.#limits = limits;
  }

  /** A pool that lives as long as the program, and that `sweepRooms` looks at. */
  static shared(limits: RoomPoolLimits): RoomPool {
    const pool = new RoomPool(limits);
    pools.push(pool);
    return pool;
  }

  /** Bytes of the arrays that nobody uses. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** An array of at least so many bytes that was given back, with any content; or null. */
  find(byteCount: number): Uint8Array<ArrayBuffer> | null {
    const spare = this.#spare;
    for (let index = spare.length - 1; index >= 0; index--) {
      const room = spare[index];
      if (room.length < byteCount || room.length > byteCount * EXCESS_MAX) continue;
      spare.splice(index, 1);
      this.#spareBytes -= room.length;
      if (this.#spareBytes < this.#leastBytes) this.#leastBytes = this.#spareBytes;
      return room;
    }
    return null;
  }

  /** How large an array should be made that has at least so many bytes and is given back later. */
  sizeFor(byteCount: number): number {
    const { bytesMin, stepBytes } = this.#limits;
    return byteCount < bytesMin ? byteCount : Math.ceil(byteCount / stepBytes) * stepBytes;
  }

  /**
   * Takes an array that nobody uses any more, nor any other view of its buffer. The oldest ones go
   * when there are too many.
   */
  give(room: Uint8Array<ArrayBuffer>): void {
    const { bytesMin, bytesMax, totalBytesMax } = this.#limits;
    if (room.length < bytesMin) return;
    if (room.length > bytesMax) return release(room);
    this.#spare.push(room);
    this.#spareBytes += room.length;
    this.#cutTo(totalBytesMax);
  }

  /** Gives back to the system what nobody has needed since the last call. */
  sweep(): void {
    this.#cutTo(this.#spareBytes - this.#leastBytes);
    this.#leastBytes = this.#spareBytes;
  }

  /** Lets go of the oldest arrays, until the others have no more bytes than these. */
  #cutTo(bytesMax: number): void {
    const spare = this.#spare;
    let count = 0;
    for (; this.#spareBytes > bytesMax; count++) {
      this.#spareBytes -= spare[count]!.length;
      release(spare[count]!);
    }
    if (count > 0) spare.splice(0, count);
  }
}

/** The memory goes now; what is left is an array of no bytes. */
function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.byteLength > 0) buffer.transfer(0);
}

/** Bytes of all shared pools. */
export function spareRoomBytes(): number {
  return pools.reduce((sum, pool) => sum + pool.spareBytes, 0);
}

/** Sweeps all shared pools: called once a second. */
export function sweepRooms(): void {
  for (const pool of pools) pool.sweep();
}
