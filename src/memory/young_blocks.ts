/**
 * Young blocks: those that were handed out in segments of a frozen image after the freeze.
 *
 * A block that was free when its segment was frozen is no part of the image: nothing refers to it
 * there. It can be handed out, written and taken back where it is while the image is read, if it is
 * told from its neighbours; that is a bit for each block of the segment. Without it the first
 * allocation in a segment would have to clone it, and as blocks come back all over the data, soon
 * most segments would be cloned for nothing.
 */
import { SEGMENT_BYTES } from "./memory.ts";
import { CLASS_BYTES } from "./size_classes.ts";

/** Offsets are in units of 8 bytes. */
const UNIT_SHIFT = 3;

export class YoungBlocks {
  /** By segment: a bit for each block; segments without young blocks are not in here. */
  readonly #bits = new Map<number, Uint8Array>();

  /** Notes a block, given by its offset in units. */
  add(segment: number, sizeClass: number, units: number): void {
    let bits = this.#bits.get(segment);
    if (bits === undefined) {
      bits = new Uint8Array((blockOf(sizeClass, SEGMENT_BYTES >>> UNIT_SHIFT) >>> 3) + 1);
      this.#bits.set(segment, bits);
    }
    const block = blockOf(sizeClass, units);
    bits[block >>> 3] |= 1 << (block & 7);
  }

  /** Whether the block that the offset in units lies in is young. */
  has(segment: number, sizeClass: number, units: number): boolean {
    const bits = this.#bits.get(segment);
    if (bits === undefined) return false;
    const block = blockOf(sizeClass, units);
    return (bits[block >>> 3] & (1 << (block & 7))) !== 0;
  }

  /** The segment is no part of the image any more. */
  forget(segment: number): void {
    this.#bits.delete(segment);
  }

  /** There is no image any more. */
  clear(): void {
    this.#bits.clear();
  }
}

function blockOf(sizeClass: number, units: number): number {
  return Math.floor((units << UNIT_SHIFT) / CLASS_BYTES[sizeClass]);
}
