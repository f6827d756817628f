/**
 * LZF: the compression of strings in RDB files (liblzf 3.6 by Marc Lehmann, as Redis builds it:
 * hash table of 2^16 slots, "very fast"). The compressed bytes equal those of Redis.
 *
 *   first byte   meaning
 *   000lllll     l + 1 literal bytes follow
 *   lllooooo     (l from 1 to 6) copy l + 2 bytes from o × 256 + next byte + 1 back
 *   111ooooo     copy next byte + 9 bytes from o × 256 + the byte after + 1 back
 *
 * `decompress` is made for untrusted bytes: it writes exactly the promised length or reports
 * failure.
 */

import { readyView } from "./bytes.ts";

const HASH_BITS = 16;
const HASH_MASK = (1 << HASH_BITS) - 1;
const LITERALS_MAX = 32;
const DISTANCE_MAX = 1 << 13;
const MATCH_MAX = (1 << 8) + (1 << 3);

/** Bytes that are copied at a time where there is a view. */
const WIDE_BYTES = 8;
/** From here on it pays to make a view. */
const WIDE_BYTES_MIN = 256;
const NO_VIEW = new DataView(new ArrayBuffer(0));

/** No text of n bytes unpacks to more than n × 88: three bytes say at most 264. */
const EXPANSION_MAX = 88;

/**
 * Where three bytes with this hash were last seen: position + epoch. Positions of earlier calls lie
 * below the epoch, so that the table need not be cleared.
 */
const seen = new Int32Array(1 << HASH_BITS);
let epoch = 1;
const EPOCH_MAX = 0x7fffffff;

/** Bytes that `compress` may touch from `targetStart` on. */
export function targetBytes(sourceBytes: number): number {
  return sourceBytes + 4;
}

/** Whether a length that a file promises for compressed bytes is possible at all. */
export function isPossibleLength(compressedBytes: number, byteCount: number): boolean {
  return byteCount <= compressedBytes * EXPANSION_MAX;
}

/**
 * Compresses a range to `target`, which has room for `targetBytes(length)`. Returns the number of
 * bytes, or 0 if the result would not be at least four bytes shorter.
 */
export function compress(
  source: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  targetStart: number,
): number {
  if (length <= 4) return 0;
  if (epoch > EPOCH_MAX - length) {
    seen.fill(0);
    epoch = 1;
  }
  // seen[hash] = epoch + offset in the source.
  const bias = epoch - start;
  epoch += length;
  const outEnd = targetStart + length - 4;
  const end = start + length;
  const scanEnd = end - 2;
  let at = start;
  let out = targetStart + 1;
  let literals = 0;
  let window = (source[at] << 8) | source[at + 1];
  while (at < scanEnd) {
    window = ((window << 8) | source[at + 2]) & 0xffffff;
    const slot = ((window >>> (24 - HASH_BITS)) - window * 5) & HASH_MASK;
    const former = seen[slot] - bias;
    seen[slot] = at + bias;
    const distance = at - former - 1;
    // Redis: the very first byte is never referred to.
    if (
      distance < DISTANCE_MAX && former > start && source[former] === source[at] &&
      source[former + 1] === source[at + 1] && source[former + 2] === source[at + 2]
    ) {
      if (out - (literals === 0 ? 1 : 0) + 4 >= outEnd) return 0;
      target[out - literals - 1] = literals - 1;
      if (literals === 0) out--;
      const matched = matchLength(source, former, at, end) - 2;
      if (matched < 7) {
        target[out++] = (distance >>> 8) + (matched << 5);
      } else {
        target[out++] = (distance >>> 8) + (7 << 5);
        target[out++] = matched - 7;
      }
      target[out++] = distance;
      literals = 0;
      out++;
      at += matched + 2;
      if (at >= scanEnd) break;
      // The last two positions of the match are noted too.
      at -= 2;
      window = (source[at] << 16) | (source[at + 1] << 8) | source[at + 2];
      seen[((window >>> (24 - HASH_BITS)) - window * 5) & HASH_MASK] = at + bias;
      at++;
      window = ((window << 8) | source[at + 2]) & 0xffffff;
      seen[((window >>> (24 - HASH_BITS)) - window * 5) & HASH_MASK] = at + bias;
      at++;
    } else {
      if (out >= outEnd) return 0;
      literals++;
      target[out++] = source[at++];
      if (literals === LITERALS_MAX) {
        target[out - literals - 1] = literals - 1;
        literals = 0;
        out++;
      }
    }
  }
  return finish(source, at, end, target, targetStart, out, literals, outEnd);
}

/** Writes the last bytes as literals. Returns the number of bytes in all, or 0. */
function finish(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  outStart: number,
  literalsBefore: number,
  outEnd: number,
): number {
  let out = outStart;
  let literals = literalsBefore;
  if (out + 3 > outEnd) return 0;
  for (let at = start; at < end; at++) {
    literals++;
    target[out++] = source[at];
    if (literals === LITERALS_MAX) {
      target[out - literals - 1] = literals - 1;
      literals = 0;
      out++;
    }
  }
  target[out - literals - 1] = literals - 1;
  if (literals === 0) out--;
  return out - targetStart;
}

/**
 * Bytes from `at` on that equal those from `former` on, of which three do. Redis: in the last 19
 * bytes of the source the search ends two bytes early; the loop unrolled there looks at 16 first.
 */
function matchLength(source: Uint8Array, former: number, at: number, end: number): number {
  const room = end - at - 2;
  const bound = room > MATCH_MAX ? MATCH_MAX : room;
  let length = 3;
  if (bound > 16) {
    while (length < 19 && source[former + length] === source[at + length]) length++;
    if (length < 19) return length;
  }
  while (length < bound && source[former + length] === source[at + length]) length++;
  return length;
}

/**
 * Decompresses a range to exactly `byteCount` bytes at `targetStart` of `target`, which has room.
 * Returns whether the bytes were sound and of that length; if not, the target's content is
 * undefined. Quicker where both arrays are ready for copies (bytes.ts).
 */
export function decompress(
  source: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  targetStart: number,
  byteCount: number,
): boolean {
  const from = wideView(source, byteCount);
  const to = wideView(target, byteCount);
  const end = start + length;
  const outEnd = targetStart + byteCount;
  // Up to where eight bytes can be read, and written, at a time.
  const wideEnd = from.byteLength - WIDE_BYTES;
  const wideOutEnd = to.byteLength === 0 ? -1 : outEnd - WIDE_BYTES;
  let at = start;
  let out = targetStart;
  while (at < end) {
    const control = source[at++];
    if (control < LITERALS_MAX) {
      const last = at + control + 1;
      const outLast = out + control + 1;
      if (last > end || outLast > outEnd) return false;
      // One literal between two repetitions is what there is most of.
      if (control !== 0) {
        for (; at < last && at <= wideEnd && out <= wideOutEnd; at += WIDE_BYTES) {
          to.setBigUint64(out, from.getBigUint64(at, true), true);
          out += WIDE_BYTES;
        }
      }
      while (at < last) target[out++] = source[at++];
      at = last;
      out = outLast;
      continue;
    }
    let count = (control >>> 5) + 2;
    if (count === 9) {
      if (at >= end) return false;
      count += source[at++];
    }
    if (at >= end) return false;
    const distance = ((control & 31) << 8) + source[at++] + 1;
    if (distance > out - targetStart || out + count > outEnd) return false;
    repeat(target, to, out, distance, count, wideOutEnd);
    out += count;
  }
  return out === outEnd;
}

/**
 * Copies `count` bytes forwards to `start`, from `distance` before it: where the ranges overlap,
 * what was just written comes again. Up to `wideOutEnd` eight bytes are written at a time, of which
 * what comes next overwrites those that are too many.
 */
function repeat(
  target: Uint8Array,
  view: DataView,
  start: number,
  distance: number,
  count: number,
  wideOutEnd: number,
): void {
  let out = start;
  const last = start + count;
  if (distance >= WIDE_BYTES) {
    if (out <= wideOutEnd) {
      view.setBigUint64(out, view.getBigUint64(out - distance, true), true);
      if (count <= WIDE_BYTES) return;
      out += WIDE_BYTES;
      for (; out < last && out <= wideOutEnd; out += WIDE_BYTES) {
        view.setBigUint64(out, view.getBigUint64(out - distance, true), true);
      }
    }
  } else if (distance >= 4) {
    for (; out < last && out <= wideOutEnd; out += 4) {
      view.setInt32(out, view.getInt32(out - distance, true), true);
    }
  }
  for (; out < last; out++) target[out] = target[out - distance];
}

/** A view of an array for copies of several bytes; of none if that does not pay. */
function wideView(bytes: Uint8Array, byteCount: number): DataView {
  const ready = readyView(bytes);
  if (ready !== undefined) return ready;
  if (byteCount < WIDE_BYTES_MIN) return NO_VIEW;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
