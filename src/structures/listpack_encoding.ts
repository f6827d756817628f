/**
 * Listpack encoding: one entry of a listpack, byte for byte as Redis writes it.
 *
 *   first byte   header bytes   payload
 *   0xxxxxxx     1              none: the integer 0 to 127 itself
 *   10llllll     1              string of l bytes
 *   110xxxxx     2              none: integer of 13 bits, its lower 8 in the second byte
 *   1110llll     2              string of l bytes, the lower 8 bits of l in the second byte
 *   11110000     5              string of l bytes, l in four bytes, lowest first
 *   11110001     1              integer of 16 bits, lowest byte first
 *   11110010     1              integer of 24 bits
 *   11110011     1              integer of 32 bits
 *   11110100     1              integer of 64 bits
 *   11111111     –              end of the listpack, not an entry
 *
 * Header and payload are followed by their joint length, for walking backwards: one to five bytes
 * of seven bits each, highest first; all but the *first* have bit 7 set, so that it is read from
 * its end.
 *
 * Everything here works on plain bytes: `at` is an index in the array. An entry to be written is
 * first prepared by `encode` or `encodeInteger`, which tell its size, then stored by `store`.
 */
import { assert } from "../base/assert.ts";
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { Int64, parse } from "./int64_words.ts";

export const END = 0xff;
const STRING_12_BIT = 0xe0;
const STRING_32_BIT = 0xf0;
const INTEGER_16_BIT = 0xf1;
const INTEGER_24_BIT = 0xf2;
const INTEGER_32_BIT = 0xf3;
const INTEGER_64_BIT = 0xf4;
const INTEGER_13_BIT = 0xc0;
const STRING_6_BIT = 0x80;

/** Kind of the prepared entry: the fixed bits of its first byte; 0 for an integer of 7 bits. */
let preparedKind = 0;
/** What preparing returned, until the entry is stored; 0 then. */
let preparedBytes = 0;
/** Value of the prepared entry if it is an integer. */
const prepared = new Int64();
const decoded = new Int64();

/**
 * Prepares an element, as an integer if it is one. Returns the bytes of its header and payload. One
 * element is prepared at a time: the next to be stored.
 */
export function encode(bytes: Uint8Array, start: number, length: number): number {
  return preparedBytes = prepareElement(bytes, start, length);
}

function prepareElement(bytes: Uint8Array, start: number, length: number): number {
  // Most strings are told from integers by their first byte.
  const initial = length > 0 ? bytes[start] : 0;
  if (initial <= 57 && initial >= 45 && parse(bytes, start, length, prepared)) {
    return prepareInteger();
  }
  if (length < 64) {
    preparedKind = STRING_6_BIT;
    return 1 + length;
  }
  if (length < 4096) {
    preparedKind = STRING_12_BIT;
    return 2 + length;
  }
  preparedKind = STRING_32_BIT;
  return 5 + length;
}

/** Prepares an integer given as two words. Returns the bytes of its header and payload. */
export function encodeInteger(high: number, low: number): number {
  prepared.set(high, low);
  return preparedBytes = prepareInteger();
}

function prepareInteger(): number {
  const low = prepared.low;
  if (prepared.high !== low >> 31) {
    preparedKind = INTEGER_64_BIT;
    return 9;
  }
  if (low >= 0 && low <= 127) {
    preparedKind = 0;
    return 1;
  }
  if (low >= -4096 && low <= 4095) {
    preparedKind = INTEGER_13_BIT;
    return 2;
  }
  if (low >= -0x8000 && low <= 0x7fff) {
    preparedKind = INTEGER_16_BIT;
    return 3;
  }
  if (low >= -0x800000 && low <= 0x7fffff) {
    preparedKind = INTEGER_24_BIT;
    return 4;
  }
  preparedKind = INTEGER_32_BIT;
  return 5;
}

/** Bytes of the length that follows a header and payload of `size` bytes. */
export function backwardLengthBytes(size: number): number {
  if (size <= 127) return 1;
  // Redis: the bounds are 16383 and 2097151 exclusive, one less than would fit.
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/**
 * Stores the prepared entry at `at`; `size` is what preparing returned, and the range is that of
 * `encode` (of no matter for an integer). Returns the index behind the entry.
 */
export function store(
  target: Uint8Array,
  at: number,
  size: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  assert(size === preparedBytes, "the element was the last to be prepared");
  preparedBytes = 0;
  const kind = preparedKind;
  if (kind === STRING_6_BIT) {
    target[at] = STRING_6_BIT | length;
    copyBytes(bytes, start, target, at + 1, length);
  } else if (kind === STRING_12_BIT) {
    target[at] = STRING_12_BIT | (length >>> 8);
    target[at + 1] = length;
    copyBytes(bytes, start, target, at + 2, length);
  } else if (kind === STRING_32_BIT) {
    target[at] = STRING_32_BIT;
    storeWord(target, at + 1, length, 4);
    copyBytes(bytes, start, target, at + 5, length);
  } else {
    storeInteger(target, at, kind);
  }
  return storeBackwardLength(target, at + size, size);
}

function storeInteger(target: Uint8Array, at: number, kind: number): void {
  const low = prepared.low;
  if (kind === 0) {
    target[at] = low;
  } else if (kind === INTEGER_13_BIT) {
    target[at] = INTEGER_13_BIT | ((low >> 8) & 0x1f);
    target[at + 1] = low;
  } else {
    target[at] = kind;
    if (kind === INTEGER_64_BIT) {
      storeWord(target, at + 1, low, 4);
      storeWord(target, at + 5, prepared.high, 4);
    } else {
      storeWord(target, at + 1, low, kind - INTEGER_16_BIT + 2);
    }
  }
}

function storeWord(target: Uint8Array, at: number, word: number, byteCount: number): void {
  for (let index = 0; index < byteCount; index++) target[at + index] = word >>> (index * 8);
}

function storeBackwardLength(target: Uint8Array, at: number, size: number): number {
  if (size <= 127) {
    target[at] = size;
    return at + 1;
  }
  const count = backwardLengthBytes(size);
  target[at] = size >>> (7 * (count - 1));
  for (let index = 1; index < count; index++) {
    target[at + index] = 0x80 | ((size >>> (7 * (count - 1 - index))) & 0x7f);
  }
  return at + count;
}

/** Whether this first byte, all of the header, begins a string of up to 63 bytes. */
export function isShortString(head: number): boolean {
  return head >= STRING_6_BIT && head < INTEGER_13_BIT;
}

/** Bytes of the string that such a byte begins. One byte behind it is the backward length. */
export function shortLength(head: number): number {
  return head & 0x3f;
}

/** Bytes of the body (header and payload) of an entry, or 0 if its first byte begins no entry. */
export function bodyBytes(bytes: Uint8Array, at: number): number {
  const head = bytes[at];
  if (head < 0x80) return 1;
  if (head < 0xc0) return 1 + (head & 0x3f);
  if (head < 0xe0) return 2;
  if (head < 0xf0) return 2 + (((head & 0x0f) << 8) | bytes[at + 1]);
  if (head === STRING_32_BIT) return 5 + (loadWord(bytes, at + 1) >>> 0);
  if (head < INTEGER_64_BIT) return head - INTEGER_16_BIT + 3;
  return head === INTEGER_64_BIT ? 9 : 0;
}

/** Bytes of a whole entry: body and backward length. */
export function entryBytesAt(bytes: Uint8Array, at: number): number {
  const size = bodyBytes(bytes, at);
  return size <= 127 ? size + 1 : size + backwardLengthBytes(size);
}

/** Bytes of the whole entry that ends before `end`. */
export function entryBytesBefore(bytes: Uint8Array, end: number): number {
  const size = loadBackwardLength(bytes, end - 1);
  return size <= 127 ? size + 1 : size + backwardLengthBytes(size);
}

/** The length whose final byte is at `at`, or -1 if five bytes do not end it. */
function loadBackwardLength(bytes: Uint8Array, at: number): number {
  let size = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at - index];
    size += (byte & 0x7f) * (1 << (7 * index));
    if (byte < 0x80) return size;
  }
  return -1;
}

function loadWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Bytes of the header of a string entry, or 0 if the entry is an integer. */
export function stringHeaderBytes(bytes: Uint8Array, at: number): number {
  const head = bytes[at];
  if (head < 0x80) return 0;
  if (head < 0xc0) return 1;
  if (head < 0xe0) return 0;
  if (head < 0xf0) return 2;
  return head === STRING_32_BIT ? 5 : 0;
}

/** Reads the value of an integer entry. */
export function loadInteger(bytes: Uint8Array, at: number, out: Int64): void {
  const head = bytes[at];
  let low: number;
  if (head < 0x80) low = head;
  else if (head < STRING_12_BIT) low = ((((head & 0x1f) << 8) | bytes[at + 1]) << 19) >> 19;
  else if (head === INTEGER_16_BIT) low = ((bytes[at + 1] << 16) | (bytes[at + 2] << 24)) >> 16;
  else if (head === INTEGER_24_BIT) low = (loadWord(bytes, at) & 0xffffff00) >> 8;
  else low = loadWord(bytes, at + 1);
  out.low = low;
  out.high = head === INTEGER_64_BIT ? loadWord(bytes, at + 5) : low >> 31;
}

/** Parses an element that `matches` will look for: into `wanted`, false if it is no integer. */
export function parseWanted(
  bytes: Uint8Array,
  start: number,
  length: number,
  wanted: Int64,
): boolean {
  const initial = length > 0 ? bytes[start] : 0;
  return initial <= 57 && initial >= 45 && parse(bytes, start, length, wanted);
}

/**
 * Whether an entry is the element in the range. If the element is an integer, `wanted` is its
 * value; else null. The value counts, not its encoding.
 */
export function matches(
  entries: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  wanted: Int64 | null,
): boolean {
  const headerBytes = stringHeaderBytes(entries, at);
  if (headerBytes !== 0) {
    return bodyBytes(entries, at) - headerBytes === length &&
      equalBytes(entries, at + headerBytes, bytes, start, length);
  }
  if (wanted === null) return false;
  loadInteger(entries, at, decoded);
  return decoded.low === wanted.low && decoded.high === wanted.high;
}

/**
 * Checks the entry at `at` of untrusted bytes, of which those from `end` on do not belong to it.
 * Returns the index behind the entry, or -1 if it is not sound. Reads nothing from `end` on.
 */
export function checkEntry(bytes: Uint8Array, at: number, end: number): number {
  const head = bytes[at];
  if (isShortString(head)) {
    const last = at + 1 + shortLength(head);
    return last < end && bytes[last] === last - at ? last + 1 : -1;
  }
  const headerBytes = head < 0xc0 ? 1 : head < STRING_32_BIT ? 2 : head === STRING_32_BIT ? 5 : 1;
  if (at + headerBytes > end) return -1;
  const size = bodyBytes(bytes, at);
  if (size === 0) return -1;
  const next = at + size + backwardLengthBytes(size);
  if (next > end) return -1;
  return loadBackwardLength(bytes, next - 1) === size ? next : -1;
}
