/**
 * Legacy encodings: the structures that older servers kept in memory and wrote to their RDB files
 * as they stood: ziplist (up to Redis 6.2) and zipmap (up to Redis 2.4). They are only read.
 *
 *   ziplist   4 bytes   bytes in all                          (all numbers lowest byte first)
 *             4 bytes   offset of the last entry
 *             2 bytes   number of entries, or 65535 = "count them"
 *             entries   length of the previous entry: 1 byte, or 254 and 4 bytes; then
 *                       00llllll            string of l bytes
 *                       01llllll 1 byte     string of l bytes, highest byte of l first
 *                       10000000 4 bytes    the same
 *                       11000000 int16 | 11010000 int32 | 11100000 int64
 *                       11110000 int24 | 11111110 int8 | 1111nnnn integer n - 1, n from 1 to 13
 *             255       the end
 *
 *   zipmap    1 byte    number of pairs, or 254 = "count them"
 *             pairs     length, key, length, one byte that counts free bytes, value, free bytes;
 *                       a length is 1 byte, or 254 and 4 bytes
 *             255       the end
 *
 * Made for untrusted bytes: walks never leave the range, and end.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import { Int64, readText } from "../structures/int64_words.ts";

/** Receives an element; integers come as decimal text. The range is good during the call only. */
export type ElementVisitor = (bytes: Uint8Array, start: number, length: number) => void;

const ZIPLIST_HEADER_BYTES = 10;
const ZIPLIST_TAIL_OFFSET = 4;
const ZIPLIST_COUNT_OFFSET = 8;
const ZIPLIST_COUNT_UNKNOWN = 65535;
const END = 255;
const LONG_LENGTH = 254;

const STRING_14_BIT = 0x40;
const STRING_32_BIT = 0x80;
const INTEGER_16_BIT = 0xc0;
const INTEGER_32_BIT = 0xd0;
const INTEGER_64_BIT = 0xe0;
const INTEGER_24_BIT = 0xf0;
const INTEGER_8_BIT = 0xfe;
const INTEGER_4_BIT_MIN = 0xf1;
const INTEGER_4_BIT_MAX = 0xfd;

const integer = new Int64();
const integerText = scratch(new Slice());

function littleEndian(bytes: Uint8Array, at: number): number {
  const low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
  return (low | (bytes[at + 3] << 24)) >>> 0;
}

/** Where the payload of an entry lies. */
class Payload {
  start = 0;
  byteCount = 0;
  /** The entry holds an integer (ziplist). */
  isInteger = false;
  /** What the entry says of the length of the one before it (ziplist). */
  formerLength = 0;

  get end(): number {
    return this.start + this.byteCount;
  }

  /** Reads the head of the ziplist entry at `at`; false if it does not end before `end`. */
  readZiplistHead(bytes: Uint8Array, at: number, end: number): boolean {
    const head = at + (bytes[at] === LONG_LENGTH ? 5 : 1);
    if (head >= end || bytes[at] === END) return false;
    this.formerLength = bytes[at] === LONG_LENGTH ? littleEndian(bytes, at + 1) : bytes[at];
    const kind = bytes[head];
    this.isInteger = kind >= INTEGER_16_BIT;
    this.start = head + 1;
    if (this.isInteger) {
      this.byteCount = ziplistIntegerBytes(kind);
    } else if (kind < STRING_14_BIT) {
      this.byteCount = kind;
    } else if (kind < STRING_32_BIT) {
      if (head + 1 >= end) return false;
      this.byteCount = ((kind & 63) << 8) | bytes[head + 1];
      this.start = head + 2;
    } else {
      if (kind !== STRING_32_BIT || head + 5 > end) return false;
      const high = (bytes[head + 1] << 24) | (bytes[head + 2] << 16);
      this.byteCount = (high | (bytes[head + 3] << 8) | bytes[head + 4]) >>> 0;
      this.start = head + 5;
    }
    return this.byteCount >= 0 && this.end <= end;
  }

  /**
   * Reads the length at `at` of a zipmap and passes over `skip` bytes; false if the payload leaves
   * the range.
   */
  readZipmapLength(bytes: Uint8Array, at: number, end: number, skip: number): boolean {
    if (at >= end || bytes[at] === END) return false;
    const isLong = bytes[at] === LONG_LENGTH;
    if (isLong && at + 5 > end) return false;
    this.byteCount = isLong ? littleEndian(bytes, at + 1) : bytes[at];
    this.start = at + (isLong ? 5 : 1) + skip;
    return this.end <= end;
  }
}

/** Number of elements that a ziplist claims to have; a hint. */
export function ziplistCount(bytes: Uint8Array, start: number, length: number): number {
  if (length < ZIPLIST_HEADER_BYTES) return 0;
  return bytes[start + ZIPLIST_COUNT_OFFSET] | (bytes[start + ZIPLIST_COUNT_OFFSET + 1] << 8);
}

/**
 * Visits all elements of a ziplist. Returns false if the range is none; some elements may have been
 * visited by then.
 */
export function forEachInZiplist(
  bytes: Uint8Array,
  start: number,
  length: number,
  visit: ElementVisitor,
): boolean {
  if (length <= ZIPLIST_HEADER_BYTES || littleEndian(bytes, start) !== length) return false;
  const end = start + length - 1;
  if (bytes[end] !== END) return false;
  const claimed = ziplistCount(bytes, start, length);
  let found = 0;
  let at = start + ZIPLIST_HEADER_BYTES;
  let last = at;
  let formerBytes = 0;
  const payload = new Payload();
  for (; at < end; found++) {
    if (!payload.readZiplistHead(bytes, at, end)) return false;
    if (payload.formerLength !== formerBytes) return false;
    last = at;
    at = payload.end;
    formerBytes = at - last;
    if (payload.isInteger) {
      loadZiplistInteger(bytes, payload.start - 1);
      readText(integer, integerText);
      visit(integerText.bytes, integerText.start, integerText.length);
    } else {
      visit(bytes, payload.start, payload.byteCount);
    }
  }
  const hasRightTail = littleEndian(bytes, start + ZIPLIST_TAIL_OFFSET) === last - start;
  return at === end && hasRightTail && (claimed === ZIPLIST_COUNT_UNKNOWN || claimed === found);
}

/** Bytes behind the first byte of an integer entry, or -1 if there is no such kind. */
function ziplistIntegerBytes(kind: number): number {
  switch (kind) {
    case INTEGER_8_BIT:
      return 1;
    case INTEGER_16_BIT:
      return 2;
    case INTEGER_24_BIT:
      return 3;
    case INTEGER_32_BIT:
      return 4;
    case INTEGER_64_BIT:
      return 8;
  }
  return kind >= INTEGER_4_BIT_MIN && kind <= INTEGER_4_BIT_MAX ? 0 : -1;
}

/** Loads the integer whose first byte, the kind, stands at `at`. */
function loadZiplistInteger(bytes: Uint8Array, at: number): void {
  const kind = bytes[at];
  let low: number;
  switch (kind) {
    case INTEGER_8_BIT:
      low = (bytes[at + 1] << 24) >> 24;
      break;
    case INTEGER_16_BIT:
      low = ((bytes[at + 1] | (bytes[at + 2] << 8)) << 16) >> 16;
      break;
    case INTEGER_24_BIT:
      low = ((bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16)) << 8) >> 8;
      break;
    case INTEGER_32_BIT:
      low = littleEndian(bytes, at + 1) | 0;
      break;
    case INTEGER_64_BIT:
      integer.set(littleEndian(bytes, at + 5), littleEndian(bytes, at + 1));
      return;
    default:
      low = kind - INTEGER_4_BIT_MIN;
  }
  integer.set(low >> 31, low);
}

/** Visits keys and values of a zipmap in turn. Returns false if the range is none, as above. */
export function forEachInZipmap(
  bytes: Uint8Array,
  start: number,
  length: number,
  visit: ElementVisitor,
): boolean {
  if (length < 2) return false;
  const end = start + length - 1;
  if (bytes[end] !== END) return false;
  const claimed = bytes[start];
  let found = 0;
  let at = start + 1;
  const payload = new Payload();
  while (at < end) {
    if (!payload.readZipmapLength(bytes, at, end, 0)) return false;
    visit(bytes, payload.start, payload.byteCount);
    at = payload.end;
    if (!payload.readZipmapLength(bytes, at, end, 1)) return false;
    const freeBytes = bytes[payload.start - 1];
    visit(bytes, payload.start, payload.byteCount);
    at = payload.end + freeBytes;
    found++;
  }
  return at === end && (claimed === LONG_LENGTH || claimed === found);
}
