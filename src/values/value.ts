/**
 * Value header: what stands in a key's entry beside the key: type, encoding, access clock, expiry,
 * and the value itself or the ref of it. The entry is a dict entry (dict_entry.ts) laid out so:
 *
 *   word   field
 *   0      header of the dict entry; the owner's 10 flag bits are
 *            0     the entry has an expiry
 *            1     the value stands elsewhere, at the ref
 *            9..2  bytes of the embedded string, or 255 = "read the word behind the key"
 *   1      bits 23..0 access clock (LRU or LFU), 27..24 type, 31..28 encoding
 *   2, 3   expiry as double, Unix time in ms; only if bit 0 is set
 *   next   ref of the value; only if bit 1 is set
 *   next   the key
 *   next   the embedded string, if bit 1 is not set (if of 255 bytes or more, behind its length
 *          as 4 bytes)
 *
 * So a key of 16 bytes with a value of 3 takes one block of 32 bytes. Strings are embedded as long
 * as the entry stays below EMBEDDED_ENTRY_BYTES_MAX; all other types stand at the ref.
 *
 * An entry moves (gets a new ref) when it gains or loses its expiry or its embedded string outgrows
 * the block; `keyspace/database.ts` is the only caller that may do this, for it must tell the
 * dicts.
 */
import { unreachable } from "../base/assert.ts";
import { copyBytes, Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import {
  loadDouble,
  type Memory,
  OFFSET_MASK,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
} from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dictEntry from "../structures/dict_entry.ts";

/** Types, numbered as in Redis. */
export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_SORTED_SET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 6;

export type ValueType =
  | typeof TYPE_STRING
  | typeof TYPE_LIST
  | typeof TYPE_SET
  | typeof TYPE_SORTED_SET
  | typeof TYPE_HASH
  | typeof TYPE_STREAM;

export const TYPE_NAMES = ["string", "list", "set", "zset", "hash", "module", "stream"] as const;

/** Encodings, numbered as in Redis. */
export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_HASHTABLE = 2;
export const ENCODING_INTSET = 6;
export const ENCODING_SKIPLIST = 7;
export const ENCODING_EMBSTR = 8;
export const ENCODING_QUICKLIST = 9;
export const ENCODING_STREAM = 10;
export const ENCODING_LISTPACK = 11;
/**
 * From here on: encodings of collections some of whose elements expire (or once did). The second is
 * Redis's "hashtable" too; here it has another form.
 */
export const ENCODING_LISTPACK_EX = 12;
export const ENCODING_HASHTABLE_EX = 13;

/** What OBJECT ENCODING prints. */
export const ENCODING_NAMES = [
  "raw",
  "int",
  "hashtable",
  "zipmap",
  "linkedlist",
  "ziplist",
  "intset",
  "skiplist",
  "embstr",
  "quicklist",
  "stream",
  "listpack",
  "listpackex",
  "hashtable",
] as const;

export const FLAG_EXPIRY = 1;
export const FLAG_REF = 2;
export const EMBEDDED_SHIFT = 2;
export const EMBEDDED_MASK = 0xff;
/** The embedded length stands behind the key. */
export const EMBEDDED_LONG = 255;

/** Entries with embedded strings are kept below this; longer strings become byte strings. */
export const EMBEDDED_ENTRY_BYTES_MAX = 16 * 1024;

const META = 1;
const CLOCK_MASK = 0xffffff;
const TYPE_SHIFT = 24;
const ENCODING_SHIFT = 28;
const FIXED_WORDS = 2;
const EXPIRY_WORDS = 2;

/** No expiry. */
export const NO_EXPIRY = -1;

/** Flags of the owner, from the first word of an entry. */
export function ownerFlags(memory: Memory, entry: Ref): number {
  return memory.word(entry, 0) >>> dictEntry.OWNER_SHIFT;
}

/** One of the TYPE_… numbers. */
export function typeOf(memory: Memory, entry: Ref): ValueType {
  return ((memory.word(entry, META) >>> TYPE_SHIFT) & 15) as ValueType;
}

/** For the end of a switch over all types: does not compile while one is forgotten. */
export function noSuchType(type: never): never {
  return unreachable(`value of type ${type}`);
}

/** One of the ENCODING_… numbers. */
export function encodingOf(memory: Memory, entry: Ref): number {
  return memory.word(entry, META) >>> ENCODING_SHIFT;
}

/** Whether the value is of a form that can have elements which expire. */
export function mayHaveExpiries(memory: Memory, entry: Ref): boolean {
  return memory.word(entry, META) >>> ENCODING_SHIFT >= ENCODING_LISTPACK_EX;
}

/** The access clock: 24 bits, whose meaning (LRU or LFU) is the keyspace's. */
export function accessClock(memory: Memory, entry: Ref): number {
  return memory.word(entry, META) & CLOCK_MASK;
}

export function setAccessClock(arena: Arena, entry: Ref, clock: number): void {
  setMeta(arena, entry, (arena.word(entry, META) & ~CLOCK_MASK) | (clock & CLOCK_MASK));
}

/** The ref of the value. The entry must have one: all types but short strings do. */
export function valueRef(memory: Memory, entry: Ref): Ref {
  const hasExpiry = (memory.word(entry, 0) >>> dictEntry.OWNER_SHIFT) & FLAG_EXPIRY;
  return memory.word(entry, FIXED_WORDS + (hasExpiry << 1));
}

/** Notes that the value has moved to another ref. */
export function setValueRef(arena: Arena, entry: Ref, ref: Ref): void {
  if (valueRef(arena, entry) === ref) return;
  arena.willWrite(entry);
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  const at = (entry & OFFSET_MASK) << 1;
  const hasExpiry = (words[at] >>> dictEntry.OWNER_SHIFT) & FLAG_EXPIRY;
  words[at + FIXED_WORDS + (hasExpiry << 1)] = ref;
}

/** Notes that the value has another encoding and stands at another ref. */
export function setEncoding(arena: Arena, entry: Ref, encoding: number, ref: Ref): void {
  setEncodingOnly(arena, entry, encoding);
  setValueRef(arena, entry, ref);
}

/** Notes that a string has another encoding; its bytes stay where they are. */
export function setEncodingOnly(arena: Arena, entry: Ref, encoding: number): void {
  const meta = arena.word(entry, META);
  if (meta >>> ENCODING_SHIFT === encoding) return;
  setMeta(arena, entry, (meta & ((1 << ENCODING_SHIFT) - 1)) | (encoding << ENCODING_SHIFT));
}

/** Unix time in ms at which the key expires, or NO_EXPIRY. */
export function expiryOf(memory: Memory, entry: Ref): number {
  const words = memory.words[entry >>> SEGMENT_SHIFT];
  const at = (entry & OFFSET_MASK) << 1;
  if (((words[at] >>> dictEntry.OWNER_SHIFT) & FLAG_EXPIRY) === 0) return NO_EXPIRY;
  return loadDouble(words, at + FIXED_WORDS);
}

/**
 * Whether the entry has an expiry that lies before `timeMs`. Asked at each access: unlike
 * `expiryOf`, whose result may become an object, it leaves no garbage (allocation_bench.ts).
 */
export function expiresBefore(memory: Memory, entry: Ref, timeMs: number): boolean {
  const words = memory.words[entry >>> SEGMENT_SHIFT];
  const at = (entry & OFFSET_MASK) << 1;
  return ((words[at] >>> dictEntry.OWNER_SHIFT) & FLAG_EXPIRY) !== 0 &&
    loadDouble(words, at + FIXED_WORDS) < timeMs;
}

/** Changes the expiry of an entry that has one. */
export function setExpiryInPlace(arena: Arena, entry: Ref, expiryMs: number): void {
  arena.willWrite(entry);
  const at = ((entry & OFFSET_MASK) << 1) + FIXED_WORDS;
  storeDouble(arena.words[entry >>> SEGMENT_SHIFT], at, expiryMs);
}

/** A new entry, in no dict yet, for a value that stands at `ref`. */
export function createEntry(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  type: number,
  encoding: number,
  ref: Ref,
  expiryMs: number,
): Ref {
  const keyOffset = keyOffsetFor(expiryMs, true);
  const entry = arena.allocate((keyOffset << 2) + dictEntry.inlineBytes(length));
  const flags = expiryMs === NO_EXPIRY ? FLAG_REF : FLAG_REF | FLAG_EXPIRY;
  storeHead(arena, entry, dictEntry.header(length, keyOffset, flags), type, encoding, expiryMs);
  arena.words[entry >>> SEGMENT_SHIFT][((entry & OFFSET_MASK) << 1) + keyOffset - 1] = ref;
  dictEntry.storeKey(arena, entry, bytes, start, length);
  return entry;
}

/**
 * A new entry, in no dict yet, with room for an embedded string of `valueBytes`, which the caller
 * writes at `embeddedStart`. Only if `fitsEmbedded`.
 */
export function createEmbeddedEntry(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  encoding: number,
  valueBytes: number,
  expiryMs: number,
): Ref {
  const keyOffset = keyOffsetFor(expiryMs, false);
  const isLong = valueBytes >= EMBEDDED_LONG;
  const entry = arena.allocate((keyOffset << 2) + length + (isLong ? 4 : 0) + valueBytes);
  const flags = (expiryMs === NO_EXPIRY ? 0 : FLAG_EXPIRY) |
    ((isLong ? EMBEDDED_LONG : valueBytes) << EMBEDDED_SHIFT);
  const head = dictEntry.header(length, keyOffset, flags);
  storeHead(arena, entry, head, TYPE_STRING, encoding, expiryMs);
  dictEntry.storeKey(arena, entry, bytes, start, length);
  if (isLong) storeEmbeddedLength(arena, entry, (keyOffset << 2) + length, valueBytes);
  return entry;
}

/** Bytes that an entry with an embedded string takes. */
export function embeddedEntryBytes(
  keyBytes: number,
  valueBytes: number,
  hasExpiry: boolean,
): number {
  return (hasExpiry ? 16 : 8) + keyBytes + (valueBytes >= EMBEDDED_LONG ? 4 : 0) + valueBytes;
}

/** Whether a string of `valueBytes` may be embedded beside a key of `keyBytes`. */
export function fitsEmbedded(keyBytes: number, valueBytes: number): boolean {
  return keyBytes + valueBytes + 20 <= EMBEDDED_ENTRY_BYTES_MAX;
}

/** Whether the entry holds its value itself. */
export function isEmbedded(memory: Memory, entry: Ref): boolean {
  return ((memory.word(entry, 0) >>> dictEntry.OWNER_SHIFT) & FLAG_REF) === 0;
}

/** Points `out` at the embedded string. */
export function readEmbedded(memory: Memory, entry: Ref, out: Slice): void {
  const segment = entry >>> SEGMENT_SHIFT;
  const bytes = memory.bytes[segment];
  const head = memory.words[segment][(entry & OFFSET_MASK) << 1];
  const keyOffset = (head >>> dictEntry.KEY_OFFSET_SHIFT) & dictEntry.KEY_OFFSET_MASK;
  let at = ((entry & OFFSET_MASK) << 3) + (keyOffset << 2) + (head & dictEntry.KEY_BYTES_MASK);
  let length = (head >>> (dictEntry.OWNER_SHIFT + EMBEDDED_SHIFT)) & EMBEDDED_MASK;
  if (length === EMBEDDED_LONG) {
    length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    at += 4;
  }
  out.bytes = bytes;
  out.start = at;
  out.length = length;
}

/**
 * Changes the length of the embedded string in place; the block must have room. The bytes of the
 * string move by 4 when the length passes 255: the caller writes the whole string afterwards.
 */
export function setEmbeddedLength(arena: Arena, entry: Ref, valueBytes: number): void {
  arena.willWrite(entry);
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  const at = (entry & OFFSET_MASK) << 1;
  const isLong = valueBytes >= EMBEDDED_LONG;
  const shift = dictEntry.OWNER_SHIFT + EMBEDDED_SHIFT;
  const bits = isLong ? EMBEDDED_LONG : valueBytes;
  words[at] = (words[at] & ~(EMBEDDED_MASK << shift)) | (bits << shift);
  if (isLong) storeEmbeddedLength(arena, entry, dictEntry.endOfKey(arena, entry), valueBytes);
}

/**
 * A copy of an entry under another key or with another expiry; the old one is freed, but not what
 * stands at its ref: the copy owns it now. The old entry must be out of every dict, or be replaced
 * there at once.
 */
export function remakeEntry(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): Ref {
  const meta = arena.word(entry, META);
  let target: Ref;
  if (!isEmbedded(arena, entry)) {
    const ref = valueRef(arena, entry);
    target = createEntry(arena, bytes, start, length, 0, 0, ref, expiryMs);
  } else {
    target = remakeEmbedded(arena, entry, bytes, start, length, expiryMs);
  }
  setMeta(arena, target, meta);
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
  return target;
}

function remakeEmbedded(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): Ref {
  readEmbedded(arena, entry, source);
  const valueBytes = source.length;
  if (!fitsEmbedded(length, valueBytes)) {
    // The new key is so long that the string must stand elsewhere.
    const copy = source.copy();
    const ref = byteString.fromBytes(arena, copy, 0, valueBytes);
    return createEntry(arena, bytes, start, length, TYPE_STRING, 0, ref, expiryMs);
  }
  const target = createEmbeddedEntry(arena, bytes, start, length, 0, valueBytes, expiryMs);
  // Allocating may have cloned the segment of `entry`; both views are taken anew.
  readEmbedded(arena, entry, source);
  readEmbedded(arena, target, sink);
  copyBytes(source.bytes, source.start, sink.bytes, sink.start, valueBytes);
  return target;
}

const source = scratch(new Slice());
const sink = scratch(new Slice());

function keyOffsetFor(expiryMs: number, hasRef: boolean): number {
  return FIXED_WORDS + (expiryMs === NO_EXPIRY ? 0 : EXPIRY_WORDS) + (hasRef ? 1 : 0);
}

function storeHead(
  arena: Arena,
  entry: Ref,
  head: number,
  type: number,
  encoding: number,
  expiryMs: number,
): void {
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  const at = (entry & OFFSET_MASK) << 1;
  words[at] = head;
  words[at + META] = (type << TYPE_SHIFT) | (encoding << ENCODING_SHIFT);
  if (expiryMs !== NO_EXPIRY) storeDouble(words, at + FIXED_WORDS, expiryMs);
}

function storeEmbeddedLength(arena: Arena, entry: Ref, offset: number, valueBytes: number): void {
  const bytes = arena.bytes[entry >>> SEGMENT_SHIFT];
  const at = ((entry & OFFSET_MASK) << 3) + offset;
  bytes[at] = valueBytes;
  bytes[at + 1] = valueBytes >>> 8;
  bytes[at + 2] = valueBytes >>> 16;
  bytes[at + 3] = valueBytes >>> 24;
}

function setMeta(arena: Arena, entry: Ref, meta: number): void {
  arena.willWrite(entry);
  arena.words[entry >>> SEGMENT_SHIFT][((entry & OFFSET_MASK) << 1) + META] = meta;
}
