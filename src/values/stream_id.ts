/**
 * Stream ids: `ms-seq`, two unsigned 64-bit numbers, kept as the upper and the lower half of an
 * Id128, so that ids are ordered as the entries of a stream are.
 */
import { latin1Text, readyForCopies } from "../base/bytes.ts";
import { parseUint64, UINT64_MAX, writeInteger } from "../base/integers.ts";
import { Id128 } from "../structures/id128.ts";
import { format as formatInt64 } from "../structures/int64_words.ts";

const WORD_COUNT = 4294967296;
const DASH = 45;
const MINUS = 45;
const PLUS = 43;
const ZERO = 48;
/** Digits that a number is read from exactly without a BigInt. */
const SAFE_DIGITS_MAX = 15;
/** Redis: a longer text is no id, whatever it says. */
const ID_TEXT_BYTES_MAX = 127;
/** The longest id as text: two numbers of 20 digits. */
export const ID_BYTES_MAX = 41;

/** Upper word of the greatest number that a double holds exactly. */
const SAFE_HIGH_MAX = 0x1fffff;

/** 0-0, below every entry. Not to be changed. */
export const MIN_ID = new Id128();
/** The greatest id. Not to be changed. */
export const MAX_ID = new Id128();
MAX_ID.set(-1, -1, -1, -1);

/** Sets an id to a time in ms and a sequence number, both safe integers from 0. */
export function setNumbers(id: Id128, ms: number, seq: number): void {
  id.set(Math.floor(ms / WORD_COUNT), ms | 0, Math.floor(seq / WORD_COUNT), seq | 0);
}

/** Whether the time of an id is `ms` or later; a safe integer. */
export function isAtOrAfter(id: Id128, ms: number): boolean {
  return half(id.w0, id.w1) >= ms;
}

/** Whether two ids have the same time. */
export function hasSameTime(a: Id128, b: Id128): boolean {
  return a.w0 === b.w0 && a.w1 === b.w1;
}

/**
 * Where an id is about to be found between two others, 0 to 1, if ids come in a steady flow: by
 * their times, or within one time by their sequence numbers.
 */
export function placeBetween(id: Id128, low: Id128, high: Id128): number {
  const span = half(high.w0, high.w1) - half(low.w0, low.w1);
  if (span > 0) return (half(id.w0, id.w1) - half(low.w0, low.w1)) / span;
  const sequenceSpan = half(high.w2, high.w3) - half(low.w2, low.w3);
  return sequenceSpan > 0 ? (half(id.w2, id.w3) - half(low.w2, low.w3)) / sequenceSpan : 0;
}

/** The time or sequence number of an id, rounded if it is no safe integer. */
function half(high: number, low: number): number {
  return (high >>> 0) * WORD_COUNT + (low >>> 0);
}

/** Makes the sequence number the greatest, for the end of a range that names a time only. */
export function setGreatestSequence(id: Id128): void {
  id.w2 = -1;
  id.w3 = -1;
}

/** Where the sequence number stands in text that has the form of an id, or what it is instead. */
export const SEQUENCE_GIVEN = 0;
export const SEQUENCE_MISSING = 1;
/** `ms-*` */
export const SEQUENCE_AUTOMATIC = 2;
export const NO_ID = -1;

/**
 * Reads an id in one of the forms `ms-seq`, `ms` and `ms-*`; where no sequence number is given, it
 * is 0. `-` and `+` are no ids here. Returns SEQUENCE_GIVEN and so on; NO_ID, with `out`
 * unspecified, if the text is no id.
 */
export function parseId(bytes: Uint8Array, start: number, length: number, out: Id128): number {
  if (length > ID_TEXT_BYTES_MAX) return NO_ID;
  if (parsePlainId(bytes, start, start + length, out)) return SEQUENCE_GIVEN;
  let end = start;
  // Redis: a zero byte ends the text.
  while (end < start + length && bytes[end] !== 0) end++;
  let dash = start;
  while (dash < end && bytes[dash] !== DASH) dash++;
  out.set(0, 0, 0, 0);
  if (!parseHalf(bytes, start, dash - start, out, true)) return NO_ID;
  if (dash === end) return SEQUENCE_MISSING;
  if (dash + 2 === end && bytes[dash + 1] === 42) return SEQUENCE_AUTOMATIC;
  return parseHalf(bytes, dash + 1, end - dash - 1, out, false) ? SEQUENCE_GIVEN : NO_ID;
}

/**
 * Reads an id of two numbers of few digits, as nearly all are, in one go. Returns false, with `out`
 * unspecified, for all other text.
 */
function parsePlainId(bytes: Uint8Array, start: number, end: number, out: Id128): boolean {
  let at = start;
  let time = 0;
  for (let digit = bytes[at] - ZERO; at < end && digit >= 0 && digit <= 9;) {
    time = time * 10 + digit;
    digit = bytes[++at] - ZERO;
  }
  if (at === start || at - start > SAFE_DIGITS_MAX || at >= end || bytes[at] !== DASH) return false;
  const dash = at++;
  let sequence = 0;
  for (let digit = bytes[at] - ZERO; at < end && digit >= 0 && digit <= 9;) {
    sequence = sequence * 10 + digit;
    digit = bytes[++at] - ZERO;
  }
  if (at !== end || at === dash + 1 || at - dash - 1 > SAFE_DIGITS_MAX) return false;
  out.w0 = Math.floor(time / WORD_COUNT);
  out.w1 = time | 0;
  out.w2 = Math.floor(sequence / WORD_COUNT);
  out.w3 = sequence | 0;
  return true;
}

/** Whether the range is the single character `-`, the least id, or `+`, the greatest. */
export function isRangeEnd(bytes: Uint8Array, start: number, length: number): boolean {
  return length === 1 && (bytes[start] === MINUS || bytes[start] === PLUS);
}

function parseHalf(
  bytes: Uint8Array,
  start: number,
  length: number,
  out: Id128,
  isUpper: boolean,
): boolean {
  let value = 0;
  let index = 0;
  if (length > 0 && length <= SAFE_DIGITS_MAX) {
    for (; index < length; index++) {
      const digit = bytes[start + index] - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
  }
  let high = Math.floor(value / WORD_COUNT);
  let low = value | 0;
  if (index === 0 || index < length) {
    // Redis: what C's strtoull accepts beyond plain digits is a number here, too.
    const number = parseUint64(bytes, start, length);
    if (number === null || number > UINT64_MAX) return false;
    high = Number(number >> 32n);
    low = Number(number & 0xffffffffn);
  }
  if (isUpper) {
    out.w0 = high | 0;
    out.w1 = low | 0;
  } else {
    out.w2 = high | 0;
    out.w3 = low | 0;
  }
  return true;
}

/** Where `formatId` leaves an id as text. Not to be changed. */
export const idBytes = readyForCopies(new Uint8Array(ID_BYTES_MAX));
/** Time of the id that was formatted last, and where its text ends: neighbours often share it. */
let timeEnd = 0;
let timeHigh = 0;
let timeLow = 0;

/** Writes an id as text to `idBytes`, good until the next call. Returns bytes written. */
export function formatId({ w0, w1, w2, w3 }: Id128): number {
  if (w0 !== timeHigh || w1 !== timeLow || timeEnd === 0) {
    timeHigh = w0;
    timeLow = w1;
    timeEnd = formatUint64(w0, w1, idBytes, 0) + 1;
    idBytes[timeEnd - 1] = DASH;
  }
  return timeEnd + formatUint64(w2, w3, idBytes, timeEnd);
}

/** An id as text, for replies and effects that are rare. */
export function idText(id: Id128): string {
  return latin1Text(idBytes, 0, formatId(id));
}

function formatUint64(high: number, low: number, target: Uint8Array, start: number): number {
  if (high === 0 && low >= 0 && low < 10) {
    target[start] = ZERO + low;
    return 1;
  }
  // Times are of this kind, and nearly all sequence numbers.
  if (high >>> 0 <= SAFE_HIGH_MAX) {
    return writeInteger(high * WORD_COUNT + (low >>> 0), target, start);
  }
  if (high > 0) return formatInt64(high, low, target, start);
  const value = ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
  for (let index = 0; index < value.length; index++) {
    target[start + index] = value.charCodeAt(index);
  }
  return value.length;
}

/** Sixteen bytes, highest first, as files hold an id. */
export const ID_RAW_BYTES = 16;

/** Stores an id as files hold it. */
export function storeRawId(id: Id128, target: Uint8Array, at: number): void {
  storeWord(id.w0, target, at);
  storeWord(id.w1, target, at + 4);
  storeWord(id.w2, target, at + 8);
  storeWord(id.w3, target, at + 12);
}

/** Reads an id as files hold it. */
export function loadRawId(bytes: Uint8Array, at: number, out: Id128): void {
  out.set(
    loadWord(bytes, at),
    loadWord(bytes, at + 4),
    loadWord(bytes, at + 8),
    loadWord(bytes, at + 12),
  );
}

function storeWord(word: number, target: Uint8Array, at: number): void {
  target[at] = word >>> 24;
  target[at + 1] = word >>> 16;
  target[at + 2] = word >>> 8;
  target[at + 3] = word;
}

function loadWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
