/**
 * Field entry: a field of a large hash with its value, in one block. It is a dict entry
 * (dict_entry.ts) whose owner flags are those of a key's entry (value.ts), so that
 * `value.readEmbedded` reads both:
 *
 *   word   field
 *   0      header of the dict entry; the owner's 10 flag bits are
 *            1     the value stands elsewhere, at the ref
 *            9..2  bytes of the embedded value, or 255 = "read the word behind the field"
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
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as value from "./value.ts";

/** Where the field begins, in words; the ref of a value stands in the word before. */
const KEY_OFFSET_EMBEDDED = 1;
const KEY_OFFSET_REF = 2;
const REF_WORD = KEY_OFFSET_REF - 1;

const view = scratch(new Slice());
const fieldView = scratch(new Slice());

/** A new entry, in no dict yet, for a field with its value. */
export function create(
  arena: Arena,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  if (!value.fitsEmbedded(fieldLength, length)) {
    const text = byteString.fromBytes(arena, bytes, start, length);
    return createWithRef(arena, field, fieldStart, fieldLength, text);
  }
  const isLong = length >= value.EMBEDDED_LONG;
  const bits = (isLong ? value.EMBEDDED_LONG : length) << value.EMBEDDED_SHIFT;
  const entry = arena.allocate(embeddedEntryBytes(fieldLength, length));
  storeHead(arena, entry, dictEntry.header(fieldLength, KEY_OFFSET_EMBEDDED, bits));
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
  const bytes = byteString.toBytes(memory, memory.word(entry, REF_WORD));
  out.set(bytes, 0, bytes.length);
}

/** Length of the value in bytes. */
export function valueBytes(memory: Memory, entry: Ref): number {
  if (!value.isEmbedded(memory, entry)) {
    return byteString.byteLength(memory, memory.word(entry, REF_WORD));
  }
  value.readEmbedded(memory, entry, view);
  return view.length;
}

/**
 * Changes the value. Returns the entry, which may be a new one in place of the old one, already
 * freed; the caller tells the dict. The bytes may not be those of the entry itself.
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
    const needed = embeddedEntryBytes(fieldLength, length);
    if (isRightBlock(arena.blockBytes(entry), needed)) {
      value.setEmbeddedLength(arena, entry, length);
      value.readEmbedded(arena, entry, view);
      copyBytes(bytes, start, view.bytes, view.start, length);
      return entry;
    }
  }
  dictEntry.readKey(arena, entry, fieldView);
  // Making the new entry may clone the field's segment, but the bytes under the view stay.
  const { bytes: field, start: fieldStart } = fieldView;
  const target = create(arena, field, fieldStart, fieldLength, bytes, start, length);
  free(arena, entry);
  return target;
}

/** Frees an entry that is in no dict any more, with its value. */
export function free(arena: Arena, entry: Ref): void {
  if (!value.isEmbedded(arena, entry)) byteString.free(arena, arena.word(entry, REF_WORD));
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

/** Moves the entry and its value out of slabs that are to be emptied; returns its ref. */
export function relocate(arena: Arena, entry: Ref): Ref {
  if (!value.isEmbedded(arena, entry)) {
    const text = byteString.relocate(arena, arena.word(entry, REF_WORD));
    arena.willWrite(entry);
    arena.words[entry >>> SEGMENT_SHIFT][((entry & OFFSET_MASK) << 1) + REF_WORD] = text;
  }
  dictEntry.relocateKey(arena, entry);
  return arena.relocate(entry);
}

/** Bytes of memory that the entry takes, with a value that stands elsewhere (MEMORY USAGE). */
export function memoryBytes(arena: Arena, entry: Ref): number {
  const own = arena.blockBytes(entry) + dictEntry.longKeyBytes(arena, entry);
  return value.isEmbedded(arena, entry)
    ? own
    : own + byteString.memoryBytes(arena, arena.word(entry, REF_WORD));
}

function createWithRef(
  arena: Arena,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  text: Ref,
): Ref {
  const entry = arena.allocate((KEY_OFFSET_REF << 2) + dictEntry.inlineBytes(fieldLength));
  storeHead(arena, entry, dictEntry.header(fieldLength, KEY_OFFSET_REF, value.FLAG_REF));
  arena.words[entry >>> SEGMENT_SHIFT][((entry & OFFSET_MASK) << 1) + REF_WORD] = text;
  dictEntry.storeKey(arena, entry, field, fieldStart, fieldLength);
  return entry;
}

function storeHead(arena: Arena, entry: Ref, head: number): void {
  arena.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1] = head;
}

function embeddedEntryBytes(fieldLength: number, length: number): number {
  const long = length >= value.EMBEDDED_LONG ? 4 : 0;
  return (KEY_OFFSET_EMBEDDED << 2) + fieldLength + long + length;
}

/** Whether a block holds `needed` bytes and would not stay much too large. */
function isRightBlock(blockBytes: number, needed: number): boolean {
  const spare = blockBytes - needed;
  return spare >= 0 && (spare < 32 || spare * 4 < needed);
}
