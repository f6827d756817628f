/**
 * Memory: segments of shared bytes, addressed by refs. All that reading code needs.
 *
 * Everything a client stored lives in segments of 256 KiB. A ref is a positive 31-bit integer:
 *
 *   bits    field
 *   30..15  segment index, 1 to 65535
 *   14..0   offset inside the segment, in units of 8 bytes
 *
 * so that one int32 reaches 16 GiB and 0 is free to mean "none". No block is larger than a segment.
 *
 * `Memory` can only read; `Arena` extends it with writing. Code that walks data takes a `Memory`,
 * so that the same walk runs over the live data on the main thread and over frozen data in the
 * child.
 *
 * A view taken from `bytes` or `words` is good until the next call that may write: a write into a
 * frozen segment replaces both views (see software_fork.ts).
 */
import { readyForCopies } from "../base/bytes.ts";

/** Address of a block; 0 is null. */
export type Ref = number;

export const SEGMENT_BYTES = 256 * 1024;
export const SEGMENT_WORDS = SEGMENT_BYTES / 4;
export const SEGMENT_COUNT_MAX = 65536;
export const SEGMENT_SHIFT = 15;
export const OFFSET_MASK = 0x7fff;

/** Segment index of a ref. */
export function segmentOf(ref: Ref): number {
  return ref >>> SEGMENT_SHIFT;
}

/** Byte offset of a ref inside its segment. */
export function byteOffsetOf(ref: Ref): number {
  return (ref & OFFSET_MASK) << 3;
}

/** Offset of a ref inside its segment, in 32-bit words. */
export function wordOffsetOf(ref: Ref): number {
  return (ref & OFFSET_MASK) << 1;
}

/** The ref of a byte offset (a multiple of 8) in a segment. */
export function refOf(segment: number, byteOffset: number): Ref {
  return (segment << SEGMENT_SHIFT) | (byteOffset >>> 3);
}

const doubleScratch = new Float64Array(1);
const wordScratch = new Int32Array(doubleScratch.buffer);

export class Memory {
  /** The bytes of each segment; index 0 is never used. */
  readonly bytes: Uint8Array[] = [readyForCopies(new Uint8Array(0))];
  /** The same memory as 32-bit words. */
  readonly words: Int32Array[] = [new Int32Array(0)];

  /** The 32-bit word number `index` of a block. */
  word(ref: Ref, index: number): number {
    return this.words[ref >>> SEGMENT_SHIFT][((ref & OFFSET_MASK) << 1) + index];
  }

  /** The double in words `index` and `index + 1` of a block; words need no 8-byte alignment. */
  double(ref: Ref, index: number): number {
    const words = this.words[ref >>> SEGMENT_SHIFT];
    const at = ((ref & OFFSET_MASK) << 1) + index;
    wordScratch[0] = words[at];
    wordScratch[1] = words[at + 1];
    return doubleScratch[0];
  }
}

/** Splits a double into the two words that `Memory.double` joins again. */
export function storeDouble(words: Int32Array, at: number, value: number): void {
  doubleScratch[0] = value;
  words[at] = wordScratch[0];
  words[at + 1] = wordScratch[1];
}

/** Joins two words of a segment to the double that `storeDouble` put there. */
export function loadDouble(words: Int32Array, at: number): number {
  wordScratch[0] = words[at];
  wordScratch[1] = words[at + 1];
  return doubleScratch[0];
}
