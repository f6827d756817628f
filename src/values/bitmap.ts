/**
 * Bitmap: the bits of a string value. Bit 0 is the highest bit of byte 0, as in Redis.
 *
 * Long strings are gone through chunk by chunk, and within a chunk 32 bits at a time. Bit positions
 * go up to 2^33, so they are kept as doubles and never pass through int32 operators.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as stringValue from "./string_value.ts";

/** Ranges below this are gone through byte by byte, or words put together of bytes. */
const WORD_LOOP_BYTES_MIN = 512;
/** From here on views of unaligned words pay for themselves. */
const VIEW_LOOP_BYTES_MIN = 128;

export const AND = 0;
export const OR = 1;
export const XOR = 2;
/** AND, OR or XOR. */
export type BitOperation = typeof AND | typeof OR | typeof XOR;

const view = scratch(new Slice());

/** Whether a string exists (`entry` is not 0) and is long enough to have this bit. */
export function hasBit(memory: Memory, entry: Ref, position: number): boolean {
  return entry !== 0 && position < stringValue.byteLength(memory, entry) * 8;
}

/** Whether (1) or not (0) a bit is set; bits beyond the end are 0. */
export function bitAt(memory: Memory, entry: Ref, position: number): number {
  const offset = Math.floor(position / 8);
  if (offset >= stringValue.byteLength(memory, entry)) return 0;
  return (stringValue.byteAt(memory, entry, offset) >> (7 - position % 8)) & 1;
}

/** Number of set bits from bit `from` to bit `to`, both included and inside the string. */
export function countBits(memory: Memory, entry: Ref, from: number, to: number): number {
  if (from > to) return 0;
  const first = Math.floor(from / 8);
  const last = Math.floor(to / 8);
  let count = 0;
  for (let at = first; at <= last;) {
    stringValue.piece(memory, entry, at, view);
    const length = Math.min(view.length, last - at + 1);
    count += countSetBits(view.bytes, view.start, length);
    at += length;
  }
  const before = stringValue.byteAt(memory, entry, first) & ~(0xff >> (from % 8));
  const behind = stringValue.byteAt(memory, entry, last) & (0x7f >> (to % 8));
  return count - countWord(before & 0xff) - countWord(behind);
}

/** Position of the first bit that is `bit`, from bit `from` to bit `to` (included), or -1. */
export function findBit(
  memory: Memory,
  entry: Ref,
  bit: number,
  from: number,
  to: number,
): number {
  const skipped = bit === 1 ? 0 : 0xff;
  const first = Math.floor(from / 8);
  const last = Math.floor(to / 8);
  for (let at = first; at <= last;) {
    stringValue.piece(memory, entry, at, view);
    const length = Math.min(view.length, last - at + 1);
    const found = findOtherByte(view.bytes, view.start, length, skipped);
    at += found;
    if (found === length) continue;
    let candidates = view.bytes[view.start + found] ^ skipped;
    if (at === first) candidates &= 0xff >> (from % 8);
    if (at === last) candidates &= 0xff << (7 - to % 8);
    if (candidates !== 0) return at * 8 + Math.clz32(candidates) - 24;
    at++;
  }
  return -1;
}

/** The unsigned integer of `bitCount` (1 to 32) bits at a position; bits beyond the end are 0. */
export function readBits(
  memory: Memory,
  entry: Ref,
  position: number,
  bitCount: number,
): number {
  const first = Math.floor(position / 8);
  const last = Math.floor((position + bitCount - 1) / 8);
  const length = entry === 0 ? 0 : stringValue.byteLength(memory, entry);
  let bits = 0;
  for (let at = first; at <= last; at++) {
    bits = bits * 256 + (at < length ? stringValue.byteAt(memory, entry, at) : 0);
  }
  const behind = (last + 1) * 8 - position - bitCount;
  return Math.floor(bits / 2 ** behind) % 2 ** bitCount;
}

/** Stores an unsigned integer of `bitCount` (1 to 32) bits; the string must be long enough. */
export function writeBits(
  arena: Arena,
  entry: Ref,
  position: number,
  bitCount: number,
  bits: number,
): void {
  let rest = bits;
  let left = bitCount;
  // From the last byte to the first, for the lowest bits stand last.
  for (let end = position + bitCount; left > 0;) {
    const offset = Math.floor((end - 1) / 8);
    const shift = (8 - end % 8) % 8;
    const count = Math.min(left, 8 - shift);
    const mask = ((1 << count) - 1) << shift;
    const old = stringValue.byteAt(arena, entry, offset);
    stringValue.setByteAt(arena, entry, offset, (old & ~mask) | ((rest << shift) & mask));
    rest = Math.floor(rest / 2 ** count);
    end -= count;
    left -= count;
  }
}

/** target = target AND, OR, XOR source, for `length` bytes. */
export function combine(
  target: Uint8Array,
  targetStart: number,
  source: Uint8Array,
  sourceStart: number,
  length: number,
  operation: BitOperation,
): void {
  let index = 0;
  const isAligned = ((source.byteOffset + sourceStart) & 3) === 0 &&
    ((target.byteOffset + targetStart) & 3) === 0;
  if (isAligned && length >= WORD_LOOP_BYTES_MIN) {
    const words = wordsOf(target, targetStart, length);
    index = 4 * combineWords(words, wordsOf(source, sourceStart, length), operation);
  } else if (length >= VIEW_LOOP_BYTES_MIN) {
    index = combineUnaligned(target, targetStart, source, sourceStart, length, operation);
  }
  for (; index < length; index++) {
    const byte = source[sourceStart + index];
    if (operation === AND) target[targetStart + index] &= byte;
    else if (operation === OR) target[targetStart + index] |= byte;
    else target[targetStart + index] ^= byte;
  }
}

/** `combine` for ranges that no arrays of words can stand over. Returns how many bytes it did. */
function combineUnaligned(
  target: Uint8Array,
  targetStart: number,
  source: Uint8Array,
  sourceStart: number,
  length: number,
  operation: BitOperation,
): number {
  const to = new DataView(target.buffer, target.byteOffset + targetStart, length);
  const from = new DataView(source.buffer, source.byteOffset + sourceStart, length);
  const end = length & ~3;
  for (let at = 0; at < end; at += 4) {
    const word = from.getInt32(at, true);
    const own = to.getInt32(at, true);
    const combined = operation === AND ? own & word : operation === OR ? own | word : own ^ word;
    to.setInt32(at, combined, true);
  }
  return end;
}

/** Four words in a turn: that takes two thirds of the time. Returns how many were combined. */
function combineWords(target: Int32Array, source: Int32Array, operation: BitOperation): number {
  const fours = target.length & ~3;
  let index = 0;
  if (operation === AND) {
    for (; index < fours; index += 4) {
      target[index] &= source[index];
      target[index + 1] &= source[index + 1];
      target[index + 2] &= source[index + 2];
      target[index + 3] &= source[index + 3];
    }
  } else if (operation === OR) {
    for (; index < fours; index += 4) {
      target[index] |= source[index];
      target[index + 1] |= source[index + 1];
      target[index + 2] |= source[index + 2];
      target[index + 3] |= source[index + 3];
    }
  } else {
    for (; index < fours; index += 4) {
      target[index] ^= source[index];
      target[index + 1] ^= source[index + 1];
      target[index + 2] ^= source[index + 2];
      target[index + 3] ^= source[index + 3];
    }
  }
  return fours;
}

/** Turns over all bits of a range. */
export function invert(bytes: Uint8Array, start: number, length: number): void {
  const end = start + length;
  let at = start;
  if (((bytes.byteOffset + start) & 3) === 0 && length >= WORD_LOOP_BYTES_MIN) {
    const words = wordsOf(bytes, start, length);
    invertWords(words);
    at += words.length * 4;
  }
  for (; at < end; at++) bytes[at] = ~bytes[at];
}

function invertWords(words: Int32Array): void {
  const fours = words.length & ~3;
  let index = 0;
  for (; index < fours; index += 4) {
    words[index] = ~words[index];
    words[index + 1] = ~words[index + 1];
    words[index + 2] = ~words[index + 2];
    words[index + 3] = ~words[index + 3];
  }
  for (; index < words.length; index++) words[index] = ~words[index];
}

/** Number of set bits in a range of bytes. */
export function countSetBits(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let at = start;
  let count = 0;
  if (length >= WORD_LOOP_BYTES_MIN) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at++) count += countWord(bytes[at]);
    const words = wordsOf(bytes, at, end - at);
    count += countBitsOfWords(words);
    at += words.length * 4;
  }
  for (; at + 4 <= end; at += 4) {
    count += countWord(
      bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24),
    );
  }
  for (; at < end; at++) count += countWord(bytes[at]);
  return count;
}

/**
 * Adds words up bit by bit, as 32 counters of 1, 2, 4 bits next to each other, so that only every
 * eighth word is counted (Harley and Seal: Warren, Hacker's Delight, 5-1).
 */
function countBitsOfWords(words: Int32Array): number {
  let ones = 0;
  let twos = 0;
  let fours = 0;
  let eights = 0;
  let at = 0;
  for (const end = words.length - 7; at < end; at += 8) {
    let first = words[at];
    let second = words[at + 1];
    let half = ones ^ first;
    const twosA = (ones & first) | (half & second);
    ones = half ^ second;
    first = words[at + 2];
    second = words[at + 3];
    half = ones ^ first;
    const twosB = (ones & first) | (half & second);
    ones = half ^ second;
    half = twos ^ twosA;
    const foursA = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    first = words[at + 4];
    second = words[at + 5];
    half = ones ^ first;
    const twosC = (ones & first) | (half & second);
    ones = half ^ second;
    first = words[at + 6];
    second = words[at + 7];
    half = ones ^ first;
    const twosD = (ones & first) | (half & second);
    ones = half ^ second;
    half = twos ^ twosC;
    const foursB = (twos & twosC) | (half & twosD);
    twos = half ^ twosD;
    half = fours ^ foursA;
    eights += countWord((fours & foursA) | (half & foursB));
    fours = half ^ foursB;
  }
  let count = 8 * eights + 4 * countWord(fours) + 2 * countWord(twos) + countWord(ones);
  for (; at < words.length; at++) count += countWord(words[at]);
  return count;
}

/** Offset in the range of the first byte that is not `byte` (0 or 255), or `length`. */
function findOtherByte(bytes: Uint8Array, start: number, length: number, byte: number): number {
  const end = start + length;
  let at = start;
  if (length >= WORD_LOOP_BYTES_MIN) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at++) {
      if (bytes[at] !== byte) return at - start;
    }
    const words = wordsOf(bytes, at, end - at);
    at += 4 * findOtherWord(words, byte === 0 ? 0 : -1);
  }
  while (at < end && bytes[at] === byte) at++;
  return at - start;
}

/** Index of the first word that is not `word`, or the number of words. Eight are seen in a turn. */
function findOtherWord(words: Int32Array, word: number): number {
  const eights = words.length & ~7;
  let index = 0;
  for (; index < eights; index += 8) {
    const differences = (words[index] ^ word) | (words[index + 1] ^ word) |
      (words[index + 2] ^ word) | (words[index + 3] ^ word) |
      (words[index + 4] ^ word) | (words[index + 5] ^ word) |
      (words[index + 6] ^ word) | (words[index + 7] ^ word);
    if (differences !== 0) break;
  }
  while (index < words.length && words[index] === word) index++;
  return index;
}

/** The whole words of a range that begins at a multiple of 4 in its buffer. */
function wordsOf(bytes: Uint8Array, start: number, length: number): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset + start, length >>> 2);
}

/** Set bits of a 32-bit word (Warren, Hacker's Delight, 5-1). */
function countWord(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  sum = (sum + (sum >>> 4)) & 0x0f0f0f0f;
  return Math.imul(sum, 0x01010101) >>> 24;
}
