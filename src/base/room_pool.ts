/**
 * Room pool: large arrays that were given back, for whoever needs one next. A new large array costs
 * page faults, and its part of a garbage collection: more than what is done with it (SET and GET of
 * large values, redis-benchmark -d).
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

export class RoomPool {
  readonly #limits: RoomPoolLimits;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #spareBytes = 0;

  constructor(limits: RoomPoolLimits) {
    this.#limits = limits;
  }

  /** An array of at least so many bytes that was given back, with any content; or null. */
  find(byteCount: number): Uint8Array<ArrayBuffer> | null {
    const spare = this.#spare;
    for (let index = spare.length - 1; index >= 0; index--) {
      const room = spare[index];
      if (room.length < byteCount || room.length > byteCount * EXCESS_MAX) continue;
      spare.splice(index, 1);
      this.#spareBytes -= room.length;
      return room;
    }
    return null;
  }

  /** How large an array should be made that has at least so many bytes and is given back later. */
  sizeFor(byteCount: number): number {
    const { bytesMin, stepBytes } = this.#limits;
    return byteCount < bytesMin ? byteCount : Math.ceil(byteCount / stepBytes) * stepBytes;
  }

  /** Takes an array that nobody uses any more. The oldest ones go when there are too many. */
  give(room: Uint8Array<ArrayBuffer>): void {
    const { bytesMin, bytesMax, totalBytesMax } = this.#limits;
    if (room.length < bytesMin || room.length > bytesMax) return;
    this.#spare.push(room);
    this.#spareBytes += room.length;
    while (this.#spareBytes > totalBytesMax) this.#spareBytes -= this.#spare.shift()!.length;
  }
}
