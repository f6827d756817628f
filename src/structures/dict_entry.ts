/**
 * Dict entry: one block that holds the key of a dict and whatever its owner keeps with it.
 *
 *   word         bits    field
 *   0            17..0   bytes of the key, if it stands inline
 *                18      the key is long: the word at `keyOffset` is the ref of a byte string
 *                21..19  keyOffset: where the key begins, in words (1 to 7)
 *                31..22  flags of the owner
 *   1            …       words of the owner, up to keyOffset
 *   keyOffset    …       the bytes of the key (or the ref); behind them bytes of the owner
 *
 * Keyspace entries, hash fields, set members and sorted set members are all of this form, so that
 * the dict finds, compares and rehashes them without knowing whose they are.
 */
import { compareBytes, copyBytes, equalBytes, type Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "./byte_string.ts";

export const KEY_BYTES_MASK = 0x3ffff;
export const LONG_KEY_FLAG = 1 << 18;
export const KEY_OFFSET_SHIFT = 19;
export const KEY_OFFSET_MASK = 7;
export const OWNER_SHIFT = 22;
/** Keys beyond this stand in a byte string of their own. */
export const INLINE_KEY_BYTES_MAX = 32 * 1024;

/** The first word of an entry; `owner` is the owner's flags (10 bits). */
export function header(keyBytes: number, keyOffset: number, owner: number): number {
  return keyBytes > INLINE_KEY_BYTES_MAX
    ? LONG_KEY_FLAG | (keyOffset << KEY_OFFSET_SHIFT) | (owner << OWNER_SHIFT)
    : keyBytes | (keyOffset << KEY_OFFSET_SHIFT) | (owner << OWNER_SHIFT);
}

/** Bytes which a key takes inside its entry: its length, or 4 for the ref of a long one. */
export function inlineBytes(keyBytes: number): number {
  return keyBytes > INLINE_KEY_BYTES_MAX ? 4 : keyBytes;
}

/** Writes the key into an entry whose first word has been stored. */
export function storeKey(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  const keyOffset = (arena.word(entry, 0) >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK;
  if (length > INLINE_KEY_BYTES_MAX) {
    const text = byteString.fromBytes(arena, bytes, start, length);
    arena.words[entry >>> SEGMENT_SHIFT][((entry & OFFSET_MASK) << 1) + keyOffset] = text;
    return;
  }
  const target = arena.bytes[entry >>> SEGMENT_SHIFT];
  const at = ((entry & OFFSET_MASK) << 3) + (keyOffset << 2);
  copyBytes(bytes, start, target, at, length);
}

/** Frees what the key owns beside the entry itself: the byte string of a long key. */
export function freeKey(arena: Arena, entry: Ref): void {
  const head = arena.word(entry, 0);
  if ((head & LONG_KEY_FLAG) === 0) return;
  byteString.free(arena, arena.word(entry, (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK));
}

/** Moves what the key owns beside the entry out of slabs that are to be emptied. */
export function relocateKey(arena: Arena, entry: Ref): void {
  const head = arena.word(entry, 0);
  if ((head & LONG_KEY_FLAG) === 0) return;
  const keyOffset = (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK;
  const text = byteString.relocate(arena, arena.word(entry, keyOffset));
  arena.willWrite(entry);
  arena.words[entry >>> SEGMENT_SHIFT][((entry & OFFSET_MASK) << 1) + keyOffset] = text;
}

/** Bytes of memory that the key takes beside the entry itself: the byte string of a long key. */
export function longKeyBytes(memory: Memory, entry: Ref): number {
  const head = memory.word(entry, 0);
  if ((head & LONG_KEY_FLAG) === 0) return 0;
  const keyOffset = (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK;
  return byteString.memoryBytes(memory, memory.word(entry, keyOffset));
}

/** Length of the key in bytes. */
export function keyBytes(memory: Memory, entry: Ref): number {
  const head = memory.word(entry, 0);
  if ((head & LONG_KEY_FLAG) === 0) return head & KEY_BYTES_MASK;
  const text = memory.word(entry, (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK);
  return byteString.byteLength(memory, text);
}

/** Points `out` at the key. Good until the next write; a long key is copied out first. */
export function readKey(memory: Memory, entry: Ref, out: Slice): void {
  const head = memory.word(entry, 0);
  const keyOffset = (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK;
  if ((head & LONG_KEY_FLAG) !== 0) {
    out.bytes = byteString.toBytes(memory, memory.word(entry, keyOffset));
    out.start = 0;
    out.length = out.bytes.length;
    return;
  }
  out.bytes = memory.bytes[entry >>> SEGMENT_SHIFT];
  out.start = ((entry & OFFSET_MASK) << 3) + (keyOffset << 2);
  out.length = head & KEY_BYTES_MASK;
}

/** Byte offset, from the start of the entry, of the first byte behind the key. */
export function endOfKey(memory: Memory, entry: Ref): number {
  const head = memory.word(entry, 0);
  const keyOffset = (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK;
  return (keyOffset << 2) + ((head & LONG_KEY_FLAG) !== 0 ? 4 : head & KEY_BYTES_MASK);
}

/** Whether the entry's key is these bytes. */
export function hasKey(
  memory: Memory,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const segment = entry >>> SEGMENT_SHIFT;
  const head = memory.words[segment][(entry & OFFSET_MASK) << 1];
  if ((head & LONG_KEY_FLAG) !== 0) return hasLongKey(memory, entry, bytes, start, length);
  if ((head & KEY_BYTES_MASK) !== length) return false;
  const at = ((entry & OFFSET_MASK) << 3) +
    (((head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK) << 2);
  return equalBytes(memory.bytes[segment], at, bytes, start, length);
}

function hasLongKey(
  memory: Memory,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (keyBytes(memory, entry) !== length) return false;
  const head = memory.word(entry, 0);
  const text = memory.word(entry, (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK);
  return byteString.compare(memory, text, bytes, start, length) === 0;
}

/** Order of an entry's key and these bytes, as memcmp: negative, 0 or positive. */
export function compareKey(
  memory: Memory,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  const segment = entry >>> SEGMENT_SHIFT;
  const head = memory.words[segment][(entry & OFFSET_MASK) << 1];
  const keyOffset = (head >>> KEY_OFFSET_SHIFT) & KEY_OFFSET_MASK;
  if ((head & LONG_KEY_FLAG) !== 0) {
    return byteString.compare(memory, memory.word(entry, keyOffset), bytes, start, length);
  }
  const at = ((entry & OFFSET_MASK) << 3) + (keyOffset << 2);
  return compareBytes(memory.bytes[segment], at, head & KEY_BYTES_MASK, bytes, start, length);
}
