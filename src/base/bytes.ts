/**
 * Ranges of bytes: compare, search, copy, and turn into text and back. A range is always the triple
 * (bytes, start, length), so that a command can name a piece of a receive buffer or of a memory
 * segment without making an object for it. The arrays may stand over a SharedArrayBuffer.
 *
 * The thresholds below are where V8's calls into native code begin to pay for themselves; see
 * scripts/bench/micro/bytes_bench.ts.
 */
import { Buffer } from "node:buffer";
import { type MoveBytes, openMoveBytes } from "./native.ts";

/** Up to this many bytes, text is made here; beyond, by Buffer's native decoder. */
const SHORT_TEXT_BYTES_MAX = 8;

/** Up to this many bytes, a loop copies faster than `set(subarray)`, which makes an object. */
const COPY_LOOP_BYTES_MAX = 48;

/** Where both arrays are ready for it, from and up to so many bytes are copied eight at a time. */
const BY_EIGHT_BYTES_MIN = 16;
const BY_EIGHT_BYTES_MAX = 640;

/** Up to this many bytes, a loop finds a byte faster than `subarray().indexOf`. */
const SEARCH_LOOP_BYTES_MAX = 64;

/**
 * From this many bytes on, the C library copies faster than V8 does, if it can be had: ranges that
 * are equally aligned to 8 bytes, and those that are not.
 */
const NATIVE_ALIGNED_BYTES_MIN = 2048;
const NATIVE_BYTES_MIN = 128;

/** From this many bytes on, unequally aligned ranges are copied by a detour; see `copyUnaided`. */
const DETOUR_BYTES_MIN = 128;
/** Bytes copied at a time then; a multiple of 8, so that the alignment stays. */
const DETOUR_BYTES_MAX = 64 * 1024;
const detour = new Uint8Array(DETOUR_BYTES_MAX + 8);

const GROWTH_STEP_BYTES = 1024 * 1024;
const GROWTH_BYTES_MAX = 512 * 1024 * 1024;

const EMPTY = readyForCopies(new Uint8Array(0));

/** Bytes of the room that a slice has of its own. */
export const SLICE_ROOM_BYTES = 20;

/**
 * A range as a mutable out-parameter: made once by the caller, filled by the callee.
 *
 * What stands nowhere as text, an integer, a slice shows in a little room of its own. Such a text
 * is good until this very slice is filled again, whatever else is read meanwhile. So who reads into
 * one slice again must have copied, not just noted as (bytes, start, length), what is to last.
 */
export class Slice {
  bytes: Uint8Array = EMPTY;
  start = 0;
  length = 0;
  /** Made when it is first wanted: most slices never show an integer. */
  #room: Uint8Array | null = null;

  set(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }

  /** Room of its own for text of up to SLICE_ROOM_BYTES; written to before `set` shows it. */
  room(): Uint8Array {
    return this.#room ??= readyForCopies(new Uint8Array(SLICE_ROOM_BYTES));
  }

  /** Whether it shows what is in its own room; else the bytes belong to memory or a request. */
  get isInRoom(): boolean {
    return this.bytes === this.#room;
  }

  /** Views nothing any more. */
  forget(): void {
    this.set(EMPTY, 0, 0);
  }

  /** The same bytes in an array of their own, which outlives the buffer that the slice views. */
  copy(): Uint8Array {
    return this.bytes.slice(this.start, this.start + this.length);
  }
}

/** The decoders that Buffer adds to Uint8Array; they work on any Uint8Array as `this`. */
interface NativeText {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

const native = Buffer.prototype as unknown as NativeText;

/** Whether two ranges of the same length hold the same bytes. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) {
    if (a[aStart + i] !== b[bStart + i]) return false;
  }
  return true;
}

/** Order of two ranges as unsigned bytes, a prefix before its extension: negative, 0, positive. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const common = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < common; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** Lower case of an ASCII letter; any other byte unchanged. */
export function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

/** Whether the range spells `lowerCaseText` (lower-case ASCII), letters of either case. */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  start: number,
  length: number,
  lowerCaseText: string,
): boolean {
  if (length !== lowerCaseText.length) return false;
  for (let i = 0; i < length; i++) {
    if (lowerCase(bytes[start + i]!) !== lowerCaseText.charCodeAt(i)) return false;
  }
  return true;
}

/** Index in the array (not in the range) of the first `byte` in the range, or -1. */
export function indexOfByte(
  bytes: Uint8Array,
  start: number,
  length: number,
  byte: number,
): number {
  const end = start + length;
  if (length > SEARCH_LOOP_BYTES_MAX) {
    const index = bytes.subarray(start, end).indexOf(byte);
    return index === -1 ? -1 : start + index;
  }
  for (let i = start; i < end; i++) {
    if (bytes[i] === byte) return i;
  }
  return -1;
}

/** Index in the array of the first occurrence of the second range in the first, or -1. */
export function indexOfBytes(
  bytes: Uint8Array,
  start: number,
  length: number,
  wanted: Uint8Array,
  wantedStart: number,
  wantedLength: number,
): number {
  if (wantedLength === 0) return start;
  const final = start + length - wantedLength;
  const initial = wanted[wantedStart]!;
  for (let i = start; i <= final; i++) {
    if (bytes[i] === initial && equalBytes(bytes, i, wanted, wantedStart, wantedLength)) return i;
  }
  return -1;
}

/** The range as a string with one character (U+0000 to U+00FF) for each byte. */
export function latin1Text(bytes: Uint8Array, start: number, length: number): string {
  if (length > SHORT_TEXT_BYTES_MAX) return native.latin1Slice.call(bytes, start, start + length);
  return shortText(bytes, start, length);
}

const { fromCharCode } = String;

/**
 * Text of up to eight bytes. All in one call: joined one by one they would be a string each, and
 * take three times as long.
 */
// deno-fmt-ignore
function shortText(b: Uint8Array, at: number, length: number): string {
  switch (length) {
    case 0: return "";
    case 1: return fromCharCode(b[at]!);
    case 2: return fromCharCode(b[at]!, b[at + 1]!);
    case 3: return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!);
    case 4: return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    case 5: return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!);
    case 6:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!);
    case 7:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!,
        b[at + 6]!);
  }
  return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!,
    b[at + 6]!, b[at + 7]!);
}

/** The range read as UTF-8; what is not UTF-8 becomes U+FFFD. For people, not for keys. */
export function utf8Text(bytes: Uint8Array, start: number, length: number): string {
  return native.utf8Slice.call(bytes, start, start + length);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// deno-lint-ignore no-control-regex
const ASCII_ONLY = /^[\x00-\x7f]*$/;

/** An ordinary text as Latin-1 text: one character for each byte that it has in UTF-8. */
export function utf8AsLatin1(text: string): string {
  if (ASCII_ONLY.test(text)) return text;
  const bytes = encoder.encode(text);
  return latin1Text(bytes, 0, bytes.length);
}

/** The reverse of `utf8AsLatin1`; null if the bytes are not UTF-8. */
export function latin1AsUtf8(text: string): string | null {
  try {
    return decoder.decode(latin1Bytes(text));
  } catch {
    return null;
  }
}

/** Latin-1 text as people should see it: read as UTF-8, or as it is if it is none. */
export function readableText(text: string): string {
  return latin1AsUtf8(text) ?? text;
}

/** One byte for each character of a text of U+0000 to U+00FF; of others, the low byte. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  writeLatin1(text, bytes, 0);
  return bytes;
}

/** From so many characters on the encoder of UTF-8 is quicker than a loop: 0.13 us against 0.2. */
const ENCODED_LENGTH_MIN = 96;

/** Writes the text as `latin1Bytes` would make it; there must be room. Returns bytes written. */
export function writeLatin1(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  if (length >= ENCODED_LENGTH_MIN && writeAscii(text, target, offset)) return length;
  // Buffer.latin1Write takes about a microsecond for a short text and gains nothing on a long one.
  for (let i = 0; i < length; i++) target[offset + i] = text.charCodeAt(i);
  return length;
}

/**
 * Writes a text that is the same in UTF-8: 6,000 characters in 1.2 us, one by one in 18. False if
 * it is not; then some bytes may have been written where the text was to stand.
 */
function writeAscii(text: string, target: Uint8Array, offset: number): boolean {
  const place = target.subarray(offset, offset + text.length);
  return encoder.encodeInto(text, place).read === text.length;
}

/** An array from which and to which ranges of some hundred bytes are copied in eights. */
interface ReadyBytes extends Uint8Array {
  eights?: DataView;
}

/**
 * Makes an array ready for many short copies; returns it. A copy of 100 bytes from one such array
 * to another takes 33 ns instead of 89, whatever the alignment (V8 makes no objects of the eight
 * bytes that are on their way, and does not ask whether memory is shared). They must be the only
 * arrays over their bytes.
 */
export function readyForCopies<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  (bytes as ReadyBytes).eights = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes;
}

/** The view through which an array that is ready for short copies is copied, else undefined. */
export function readyView(bytes: Uint8Array): DataView | undefined {
  return (bytes as ReadyBytes).eights;
}

/**
 * Copies a range; within one array the ranges may overlap. (Asking whether two arrays share a
 * buffer costs more than a short copy, so the direction is chosen by the offsets alone.)
 */
export function copyBytes(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  if (length >= BY_EIGHT_BYTES_MIN && length <= BY_EIGHT_BYTES_MAX && source !== target) {
    const from = (source as ReadyBytes).eights;
    const to = (target as ReadyBytes).eights;
    if (from !== undefined && to !== undefined) {
      copyByEight(from, sourceStart, to, targetStart, length);
      return;
    }
  }
  if (length > COPY_LOOP_BYTES_MAX) {
    copyLong(source, sourceStart, target, targetStart, length);
  } else if (targetStart <= sourceStart) {
    for (let i = 0; i < length; i++) target[targetStart + i] = source[sourceStart + i]!;
  } else {
    for (let i = length - 1; i >= 0; i--) target[targetStart + i] = source[sourceStart + i]!;
  }
}

/** The last eight bytes overlap those before. */
function copyByEight(
  source: DataView,
  sourceStart: number,
  target: DataView,
  targetStart: number,
  length: number,
): void {
  const last = length - 8;
  for (let at = 0; at < last; at += 8) {
    target.setBigUint64(targetStart + at, source.getBigUint64(sourceStart + at, true), true);
  }
  target.setBigUint64(targetStart + last, source.getBigUint64(sourceStart + last, true), true);
}

/** What `copyLong` uses; undefined until it is first wanted. */
let moveBytes: MoveBytes | null | undefined;

function copyLong(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  const isAligned = ((sourceStart ^ targetStart) & 7) === 0;
  if (length < (isAligned ? NATIVE_ALIGNED_BYTES_MIN : NATIVE_BYTES_MIN)) {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart);
    return;
  }
  if (moveBytes === undefined) moveBytes = openMoveBytes();
  if (moveBytes === null) return copyUnaided(source, sourceStart, target, targetStart, length);
  const from = source.subarray(sourceStart, sourceStart + length);
  const to = target.subarray(targetStart, targetStart + length);
  // The C library does not look where arrays end.
  if (from.length !== length || to.length !== length) throw new RangeError("a copy out of bounds");
  moveBytes(to, from, length);
}

/**
 * V8 copies to, from and within shared memory byte by byte unless source and target are equally
 * aligned to 8 bytes, and else word by word. So a long range that is not takes a detour through
 * private memory, where it is shifted: three quick copies instead of a slow one. For copies of more
 * than COPY_LOOP_BYTES_MAX bytes where the C library cannot be had.
 */
export function copyUnaided(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  const isAligned = ((sourceStart ^ targetStart) & 7) === 0;
  if (isAligned || length < DETOUR_BYTES_MIN) {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart);
    return;
  }
  const isForward = targetStart <= sourceStart;
  for (let done = 0; done < length; done += DETOUR_BYTES_MAX) {
    const size = Math.min(DETOUR_BYTES_MAX, length - done);
    const from = isForward ? done : length - done - size;
    const start = sourceStart + from;
    const sourceOffset = start & 7;
    const targetOffset = (targetStart + from) & 7;
    detour.set(source.subarray(start, start + size), sourceOffset);
    detour.copyWithin(targetOffset, sourceOffset, sourceOffset + size);
    target.set(detour.subarray(targetOffset, targetOffset + size), targetStart + from);
  }
}

/**
 * Capacity for a buffer that holds `used` bytes and must grow to at least `needed`: twice as much,
 * and from 1 MiB on eight times as much, though never more than 512 MiB beyond. Large buffers are
 * not resident where they were never touched, and few sizes on the way up mean few holes in the
 * heap of the C library, which keeps freed blocks of up to 32 MiB.
 */
export function grownCapacity(used: number, needed: number): number {
  const grown = used < GROWTH_STEP_BYTES ? used * 2 : Math.min(used * 8, used + GROWTH_BYTES_MAX);
  return Math.max(grown, needed);
}
