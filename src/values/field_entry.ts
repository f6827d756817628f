/**
 * Field entry: a field of a large hash with its value, in one block. It is a dict entry
 * (dict_entry.ts) whose owner flags are those of a key's entry (value.ts), so that
 * `value.readEmbedded` reads both:
 *
 *   word   field
 *   0      header of the dict entry; the owner's 10 flag bits are
 *            0     the field has an expiry
 *            1     the value stands elsewhere, at the ref
 *            9..2  bytes of the embedded value, or 255 = "read the word behind the field"
 *   1, 2   expiry as double, Unix time in ms; only if bit 0 is set
 *   next   ref of the value, a byte string; only if bit 1 is set
 *   next   the field
 *   next   the embedded value, if bit 1 is not set (in front of it its length as 4 bytes if >= 255)
 *
 * So a field of 8 bytes with a value of 4 takes one block of 16 bytes. Values are embedded as long
 * as the entry stays below EMBEDDED_ENTRY_BYTES_MAX.
 *
 * Knows nothing of the hash it is in: who changes a value puts the entry it gets back into the
 * dict.
 */
import { copyBytes, Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
} from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as value from "./value.ts";

const EXPIRY_WORD = 1;
const EXPIRY_WORDS = 2;

const view = scratch(new Slice());
const fieldView = scratch(new Slice());
const valueView = scratch(new Slice());

/** A new entry, in no dict yet, for a field with its value and expiry (ms or NO_EXPIRY). */
export function create(
  arena: Arena,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs = value.NO_EXPIRY,
): Ref {
  if (!value.fitsEmbedded(fieldLength, length)) {
    const text = byteString.fromBytes(arena, bytes, start, length);
    return createWithRef(arena, field, fieldStart, fieldLength, text, expiryMs);
  }
  const isLong = length >= value.EMBEDDED_LONG;
  const bits = (isLong ? value.EMBEDDED_LONG : length) << value.EMBEDDED_SHIFT;
  const expires = expiryMs !== value.NO_EXPIRY;
  const keyOffset = expires ? 1 + EXPIRY_WORDS : 1;
  const flags = expires ? bits | value.FLAG_EXPIRY : bits;
  const entry = arena.allocate(embeddedEntryBytes(keyOffset, fieldLength, length));
  storeHead(arena, entry, dictEntry.header(fieldLength, keyOffset, flags));
  if (expires) storeExpiry(arena, entry, expiryMs);
  dictEntry.storeKey(arena, entry, field, fieldStart, fieldLength);
  if (isLong) value.setEmbeddedLength(arena, entry, length);
  value.readEmbedded(arena, entry, view);
  copyBytes(bytes, start, view.bytes, view.start, length);
  return entry;
}

/** Points `out` at the value; a byte string is copied into one array first. */
export function read(memory: Memory, entry: Ref, out: Slice): void {
  if (value.isEmbedded(memory, entry)) {
    value.readEmbedded(memory, entry, out);
    return;
  }
  const bytes = byteString.toBytes(memory, textOf(memory, entry));
  out.set(bytes, 0, bytes.length);
}

/** Unix time in ms at which the field expires, or NO_EXPIRY. */
export function expiryOf(memory: Memory, entry: Ref): number {
  const flags = memory.word(entry, 0) >>> dictEntry.OWNER_SHIFT;
  return (flags & value.FLAG_EXPIRY) === 0 ? value.NO_EXPIRY : memory.double(entry, EXPIRY_WORD);
}

/** Length of the value in bytes. */
export function valueBytes(memory: Memory, entry: Ref): number {
  if (!value.isEmbedded(memory, entry)) {
    return byteString.byteLength(memory, textOf(memory, entry));
  }
  value.readEmbedded(memory, entry, view);
  return view.length;
}

/**
 * Changes the value; the expiry stays. Returns the entry, which may be a new one in place of the
 * old one, already freed; the caller tells the dict. The bytes may not be those of the entry.
 */
export function setValue(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const fieldLength = dictEntry.keyBytes(arena, entry);
  if (value.isEmbedded(arena, entry) && value.fitsEmbedded(fieldLength, length)) {
    // Of an entry with an embedded value this is the one for its expiry.
    const needed = embeddedEntryBytes(keyOffsetOf(arena, entry), fieldLength, length);
    // In a frozen image it is not overwritten where it is.
    if (!arena.shouldMove(entry) && isRightBlock(arena.blockBytes(entry), needed)) {
      value.setEmbeddedLength(arena, entry, length);
      value.readEmbedded(arena, entry, view);
      copyBytes(bytes, start, view.bytes, view.start, length);
      return entry;
    }
  }
  dictEntry.readKey(arena, entry, fieldView);
  // Making the new entry may clone the field's segment, but the bytes under the view stay.
  const { bytes: field, start: fieldStart } = fieldView;
  const expiryMs = expiryOf(arena, entry);
  const target = create(arena, field, fieldStart, fieldLength, bytes, start, length, expiryMs);
  free(arena, entry);
  return target;
}

/**
 * Gives the field an expiry (Unix time in ms), another one, or none (NO_EXPIRY). Returns the entry,
 * which is a new one in place of the old one, already freed, if it had none or has none now.
 */
export function setExpiry(arena: Arena, entry: Ref, expiryMs: number): Ref {
  const presentMs = expiryOf(arena, entry);
  if (presentMs === expiryMs) return entry;
  if (presentMs !== value.NO_EXPIRY && expiryMs !== value.NO_EXPIRY) {
    arena.willWrite(entry);
    storeExpiry(arena, entry, expiryMs);
    return entry;
  }
  // Making the new entry may clone segments, but the bytes under the views stay.
  dictEntry.readKey(arena, entry, fieldView);
  const { bytes: field, start, length } = fieldView;
  if (!value.isEmbedded(arena, entry)) {
    const target = createWithRef(arena, field, start, length, textOf(arena, entry), expiryMs);
    dictEntry.freeKey(arena, entry);
    arena.free(entry);
    return target;
  }
  value.readEmbedded(arena, entry, valueView);
  const { bytes, start: valueStart, length: valueLength } = valueView;
  const target = create(arena, field, start, length, bytes, valueStart, valueLength, expiryMs);
  free(arena, entry);
  return target;
}

/** Frees an entry that is in no dict any more, with its value. */
export function free(arena: Arena, entry: Ref): void {
  if (!value.isEmbedded(arena, entry)) byteString.free(arena, textOf(arena, entry));
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

/** Moves the entry and its value out of slabs that are to be emptied; returns its ref. */
export function relocate(arena: Arena, entry: Ref): Ref {
  if (!value.isEmbedded(arena, entry)) {
    const text = byteString.relocate(arena, textOf(arena, entry));
    arena.willWrite(entry);
    storeText(arena, entry, text);
  }
  dictEntry.relocateKey(arena, entry);
  return arena.relocate(entry);
}

/** Bytes of memory that the entry takes, with a value that stands elsewhere (MEMORY USAGE). */
export function memoryBytes(arena: Arena, entry: Ref): number {
  const own = arena.blockBytes(entry) + dictEntry.longKeyBytes(arena, entry);
  return value.isEmbedded(arena, entry)
    ? own
    : own + byteString.memoryBytes(arena, textOf(arena, entry));
}

function createWithRef(
  arena: Arena,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  text: Ref,
  expiryMs: number,
): Ref {
  const expires = expiryMs !== value.NO_EXPIRY;
  const keyOffset = expires ? 2 + EXPIRY_WORDS : 2;
  const flags = expires ? value.FLAG_REF | value.FLAG_EXPIRY : value.FLAG_REF;
  const entry = arena.allocate((keyOffset << 2) + dictEntry.inlineBytes(fieldLength));
  storeHead(arena, entry, dictEntry.header(fieldLength, keyOffset, flags));
  if (expires) storeExpiry(arena, entry, expiryMs);
  storeText(arena, entry, text);
  dictEntry.storeKey(arena, entry, field, fieldStart, fieldLength);
  return entry;
}

/** Where the field begins, in words. */
function keyOffsetOf(memory: Memory, entry: Ref): number {
  return (memory.word(entry, 0) >>> dictEntry.KEY_OFFSET_SHIFT) & dictEntry.KEY_OFFSET_MASK;
}

/** The byte string of a value that stands elsewhere: its ref is the word before the field. */
function textOf(memory: Memory, entry: Ref): Ref {
  return memory.word(entry, keyOffsetOf(memory, entry) - 1);
}

function storeText(arena: Arena, entry: Ref, text: Ref): void {
  const at = ((entry & OFFSET_MASK) << 1) + keyOffsetOf(arena, entry) - 1;
  arena.words[entry >>> SEGMENT_SHIFT][at] = text;
}

function storeHead(arena: Arena, entry: Ref, head: number): void {
  arena.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1] = head;
}

function storeExpiry(arena: Arena, entry: Ref, expiryMs: number): void {
  const at = ((entry & OFFSET_MASK) << 1) + EXPIRY_WORD;
  storeDouble(arena.words[entry >>> SEGMENT_SHIFT], at, expiryMs);
}

function embeddedEntryBytes(keyOffset: number, fieldLength: number, length: number): number {
  const long = length >= value.EMBEDDED_LONG ? 4 : 0;
  return (keyOffset << 2) + fieldLength + long + length;
}

/** Whether a block holds `needed` bytes and would not stay much too large. */
function isRightBlock(blockBytes: number, needed: number): boolean {
  const spare = blockBytes - needed;
  return spare >= 0 && (spare < 32 || spare * 4 < needed);
}
