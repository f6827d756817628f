/**
 * Hash value: fields and their values, as a listpack (field, value, field, value …, in the order in
 * which they came) while it is small, then as a dict of field entries (field_entry.ts).
 *
 * The encoding is Redis's: "listpack" until there are more than `hash-max-listpack-entries` fields
 * or one field or value is longer than `hash-max-listpack-value`, then "hashtable", never back. A
 * hash of which a field expires has other forms of both: expiring_hash.ts.
 *
 * Functions that take an `entry` work on the key's entry, in a database or detached; those that
 * take `encoding, ref` know no key. Bytes to be stored are no part of the hash they are stored to.
 */
import { Slice } from "../base/bytes.ts";
import { random } from "../base/random.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as listpack from "../structures/listpack.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as dictAndTree from "./dict_and_tree.ts";
import * as expiringFields from "./expiring_fields.ts";
import * as expiringHash from "./expiring_hash.ts";
import * as fieldEntry from "./field_entry.ts";
import * as fieldListpack from "./field_listpack.ts";
import type { HashLimits } from "./expiring_hash.ts";
import { estimateEntryBytes, sampleEntries, sampleIndexes } from "./random_sample.ts";
import * as value from "./value.ts";

export type { HashLimits } from "./expiring_hash.ts";
export {
  haveAllExpired,
  loadFieldListpack,
  makeExpiring,
  NO_FIELD,
  removeExpired,
  setExpiry,
} from "./expiring_hash.ts";
export { isOrdered as isFieldListpack } from "./field_listpack.ts";

/**
 * Receives a field, its value, and its expiry (Unix time in ms, or NO_EXPIRY). The slices are good
 * until the next write or the next visit.
 */
export type FieldVisitor = (field: Slice, value: Slice, expiryMs: number) => void;

/** More than header and backward length of a listpack entry can take. */
const LISTPACK_ENTRY_OVERHEAD = 10;
/** Elements of a listpack per field of a plain hash. */
const PAIR_WIDTH = 2;

/** What is of interest only for its length. */
const valueView = scratch(new Slice());

/** An empty hash, encoded as listpack. */
export function create(arena: Arena): Ref {
  return listpack.create(arena);
}

/** Number of fields of the value of a key. */
export function countOfKey(memory: Memory, entry: Ref): number {
  return count(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry));
}

/** Number of fields. */
export function count(memory: Memory, encoding: number, ref: Ref): number {
  if (encoding === value.ENCODING_LISTPACK) return listpack.count(memory, ref) >>> 1;
  if (encoding === value.ENCODING_HASHTABLE) return dict.count(memory, ref);
  return expiringHash.count(memory, encoding, ref);
}

/** The dict of a large hash; 0 for one that is a listpack. */
export function tableOf(memory: Memory, encoding: number, ref: Ref): Ref {
  if (encoding === value.ENCODING_HASHTABLE) return ref;
  return encoding === value.ENCODING_HASHTABLE_EX ? dictAndTree.dictOf(memory, ref) : 0;
}

/** `tableOf` the value of a key. */
export function tableOfKey(memory: Memory, entry: Ref): Ref {
  return tableOf(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry));
}

/** Points `out` at the value of a field; false if there is no such field. */
export function get(
  memory: Memory,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
  out: Slice,
): boolean {
  const ref = value.valueRef(memory, entry);
  if (value.encodingOf(memory, entry) === value.ENCODING_LISTPACK) {
    const first = listpack.first(memory, ref);
    const position = listpack.find(memory, ref, field, start, length, first, 1);
    if (position === -1) return false;
    listpack.read(memory, ref, listpack.next(memory, ref, position), out);
    return true;
  }
  if (value.mayHaveExpiries(memory, entry)) {
    return expiringHash.get(memory, entry, field, start, length, out);
  }
  const found = dict.find(memory, ref, field, start, length);
  if (found === 0) return false;
  fieldEntry.read(memory, found, out);
  return true;
}

/** When a field expires: Unix time in ms, NO_EXPIRY, or NO_FIELD if there is no such field. */
export function expiryOf(
  memory: Memory,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): number {
  if (value.mayHaveExpiries(memory, entry)) {
    return expiringHash.expiryOf(memory, entry, field, start, length);
  }
  return has(memory, entry, field, start, length) ? value.NO_EXPIRY : expiringHash.NO_FIELD;
}

/** How many fields have an expiry before `nowMs`; those that are hidden, if any are. */
export function countExpired(memory: Memory, entry: Ref, nowMs: number): number {
  return value.mayHaveExpiries(memory, entry) ? expiringHash.countExpired(memory, entry, nowMs) : 0;
}

/** Whether there is such a field. */
export function has(
  memory: Memory,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): boolean {
  return valueBytes(memory, entry, field, start, length) !== -1;
}

/** Length of a field's value in bytes, or -1 if there is no such field. Copies nothing. */
export function valueBytes(
  memory: Memory,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): number {
  const table = tableOfKey(memory, entry);
  if (table === 0) {
    return get(memory, entry, field, start, length, valueView) ? valueView.length : -1;
  }
  const found = dict.find(memory, table, field, start, length);
  return found === 0 ? -1 : fieldEntry.valueBytes(memory, found);
}

/**
 * Sets a field, converting the hash if limits are exceeded. Returns whether the field is new. The
 * expiry of one that was there goes.
 */
export function set(
  arena: Arena,
  entry: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: HashLimits,
): boolean {
  if (value.encodingOf(arena, entry) === value.ENCODING_LISTPACK) {
    const ref = value.valueRef(arena, entry);
    const valueBytesMax = limits.listpackValueBytesMax;
    const addedBytes = fieldLength + length + 2 * LISTPACK_ENTRY_OVERHEAD;
    if (
      fieldLength <= valueBytesMax && length <= valueBytesMax &&
      listpack.fits(arena, ref, addedBytes)
    ) {
      const first = listpack.first(arena, ref);
      const position = listpack.find(arena, ref, field, fieldStart, fieldLength, first, 1);
      if (position !== -1) {
        const at = listpack.next(arena, ref, position);
        const replaced = listpack.replace(arena, ref, at, bytes, start, length);
        value.setValueRef(arena, entry, replaced);
        // The limit may have been lowered since the hash was made.
        if (listpack.count(arena, replaced) >>> 1 > limits.listpackEntriesMax) {
          convert(arena, entry);
        }
        return false;
      }
      if (listpack.count(arena, ref) >>> 1 < limits.listpackEntriesMax) {
        const target = listpack.append(arena, ref, field, fieldStart, fieldLength);
        value.setValueRef(
          arena,
          entry,
          listpack.append(arena, target, bytes, start, length),
        );
        return true;
      }
    }
    convert(arena, entry);
  } else if (value.mayHaveExpiries(arena, entry)) {
    return expiringHash.set(
      arena,
      entry,
      field,
      fieldStart,
      fieldLength,
      bytes,
      start,
      length,
      limits,
      false,
    );
  }
  const ref = value.valueRef(arena, entry);
  return setInDict(arena, ref, field, fieldStart, fieldLength, bytes, start, length);
}

/** `set` that leaves the expiry of the field as it is. */
export function setKeepingExpiry(
  arena: Arena,
  entry: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: HashLimits,
): boolean {
  return value.mayHaveExpiries(arena, entry)
    ? expiringHash.set(
      arena,
      entry,
      field,
      fieldStart,
      fieldLength,
      bytes,
      start,
      length,
      limits,
      true,
    )
    : set(arena, entry, field, fieldStart, fieldLength, bytes, start, length, limits);
}

/**
 * Removes a field. Returns whether it was there. An empty hash is left for the caller to remove.
 */
export function remove(
  arena: Arena,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): boolean {
  const ref = value.valueRef(arena, entry);
  if (value.encodingOf(arena, entry) === value.ENCODING_LISTPACK) {
    const first = listpack.first(arena, ref);
    const position = listpack.find(arena, ref, field, start, length, first, 1);
    if (position === -1) return false;
    value.setValueRef(arena, entry, listpack.remove(arena, ref, position, 2));
    return true;
  }
  if (value.mayHaveExpiries(arena, entry)) {
    return expiringHash.remove(arena, entry, field, start, length);
  }
  const found = dict.find(arena, ref, field, start, length);
  if (found === 0) return false;
  dict.removeFound(arena, ref, found);
  fieldEntry.free(arena, found);
  return true;
}

/** Calls `visit` for every field, in no particular order. The hash must not change meanwhile. */
export function forEach(
  memory: Memory,
  encoding: number,
  ref: Ref,
  visit: FieldVisitor,
): void {
  const table = tableOf(memory, encoding, ref);
  const field = takeSlice();
  const bytes = takeSlice();
  if (table !== 0) {
    dict.forEach(memory, table, (found) => showEntry(memory, found, field, bytes, visit));
  } else {
    const isExpiring = encoding === value.ENCODING_LISTPACK_EX;
    let at = listpack.first(memory, ref);
    while (at !== -1) at = showPair(memory, ref, at, isExpiring, field, bytes, visit);
  }
  giveSlice(bytes);
  giveSlice(field);
}

/** `forEach` over the hash of a key. */
export function forEachField(memory: Memory, entry: Ref, visit: FieldVisitor): void {
  forEach(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry), visit);
}

/** Calls `visit` with one field of a hash that is not empty, each as likely. O(1) expected. */
export function visitRandom(memory: Memory, entry: Ref, visit: FieldVisitor): void {
  const table = tableOfKey(memory, entry);
  const field = takeSlice();
  const bytes = takeSlice();
  if (table !== 0) {
    showEntry(memory, dict.randomEntry(memory, table, random), field, bytes, visit);
  } else {
    const ref = value.valueRef(memory, entry);
    const isExpiring = value.mayHaveExpiries(memory, entry);
    const width = isExpiring ? fieldListpack.WIDTH : PAIR_WIDTH;
    const index = random.below(listpack.count(memory, ref) / width);
    const position = listpack.seek(memory, ref, index * width);
    showPair(memory, ref, position, isExpiring, field, bytes, visit);
  }
  giveSlice(bytes);
  giveSlice(field);
}

/**
 * Calls `visit` with `wanted` fields drawn independently, so that a field may come several times.
 * Stops early when `visit` returns false. O(wanted) expected, and O(fields) more for a listpack.
 */
export function visitRandomRepeatedly(
  memory: Memory,
  entry: Ref,
  wanted: number,
  visit: (field: Slice, value: Slice) => boolean,
): void {
  const table = tableOfKey(memory, entry);
  const field = takeSlice();
  const bytes = takeSlice();
  let goesOn = true;
  const visitOnce: FieldVisitor = (field, bytes) => {
    goesOn = visit(field, bytes);
  };
  if (table !== 0) {
    for (let drawn = 0; drawn < wanted && goesOn; drawn++) {
      showEntry(memory, dict.randomEntry(memory, table, random), field, bytes, visitOnce);
    }
  } else {
    const ref = value.valueRef(memory, entry);
    const isExpiring = value.mayHaveExpiries(memory, entry);
    const positions = fieldPositions(memory, ref, isExpiring);
    for (let drawn = 0; drawn < wanted && goesOn; drawn++) {
      const position = positions[random.below(positions.length)];
      showPair(memory, ref, position, isExpiring, field, bytes, visitOnce);
    }
  }
  giveSlice(bytes);
  giveSlice(field);
}

/** Calls `visit` with `wanted` different fields drawn at random, or with all if there are fewer. */
export function visitSample(
  memory: Memory,
  entry: Ref,
  wanted: number,
  visit: FieldVisitor,
): void {
  const table = tableOfKey(memory, entry);
  if (table !== 0) return visitEntries(memory, sampleEntries(memory, table, wanted), visit);
  const ref = value.valueRef(memory, entry);
  const isExpiring = value.mayHaveExpiries(memory, entry);
  const positions = fieldPositions(memory, ref, isExpiring);
  const field = takeSlice();
  const bytes = takeSlice();
  sampleIndexes(positions.length, wanted, (index) => {
    showPair(memory, ref, positions[index], isExpiring, field, bytes, visit);
  });
  giveSlice(bytes);
  giveSlice(field);
}

/** Calls `visit` with the fields of a dict's entries, for scans that have collected them. */
export function visitEntries(
  memory: Memory,
  entries: readonly Ref[],
  visit: FieldVisitor,
): void {
  const field = takeSlice();
  const bytes = takeSlice();
  for (const found of entries) showEntry(memory, found, field, bytes, visit);
  giveSlice(bytes);
  giveSlice(field);
}

/** Calls `visit` with the field of a dict's entry. */
function showEntry(
  memory: Memory,
  found: Ref,
  field: Slice,
  bytes: Slice,
  visit: FieldVisitor,
): void {
  dictEntry.readKey(memory, found, field);
  fieldEntry.read(memory, found, bytes);
  visit(field, bytes, fieldEntry.expiryOf(memory, found));
}

/**
 * Makes an empty hash ready for so many fields, so that a large one is not converted on the way
 * (Redis does this when it loads one). Fields are then added by `set`.
 */
export function prepare(arena: Arena, entry: Ref, expected: number, limits: HashLimits): void {
  if (expected > limits.listpackEntriesMax) makeLarge(arena, entry, expected);
}

/** Makes a small hash a large one, for so many fields that are about to be set. */
export function makeLarge(arena: Arena, entry: Ref, expected: number): void {
  if (value.encodingOf(arena, entry) === value.ENCODING_LISTPACK) {
    convert(arena, entry);
    dict.reserve(arena, value.valueRef(arena, entry), expected);
  } else if (value.mayHaveExpiries(arena, entry)) expiringHash.convertIfMany(arena, entry, -1);
}

/**
 * Fills an empty hash from the bytes of a listpack, which must have been validated; it is converted
 * where it has too many fields or is too large for a block. Returns false, with the hash in a state
 * fit only to be freed, if the bytes are no hash: a field without a value or one that comes twice
 * (found only while converting).
 */
export function loadListpack(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: HashLimits,
): boolean {
  if (length > listpack.LISTPACK_BYTES_MAX) return loadLargeListpack(arena, entry, bytes, start);
  const ref = listpack.fromRaw(arena, bytes, start, length);
  arena.free(value.valueRef(arena, entry));
  value.setValueRef(arena, entry, ref);
  const elements = listpack.count(arena, ref);
  if ((elements & 1) !== 0) return false;
  return elements >>> 1 <= limits.listpackEntriesMax || convert(arena, entry);
}

/** A copy of the value that shares nothing with it. */
export function duplicate(arena: Arena, encoding: number, ref: Ref): Ref {
  if (encoding === value.ENCODING_HASHTABLE_EX) return expiringFields.duplicate(arena, ref);
  if (encoding !== value.ENCODING_HASHTABLE) return listpack.duplicate(arena, ref);
  const copy = dict.create(arena);
  dict.reserve(arena, copy, dict.count(arena, ref));
  forEach(arena, encoding, ref, (field, bytes) => {
    putIntoDict(arena, copy, field, bytes);
  });
  return copy;
}

/** How many blocks freeing takes, roughly. */
export function blockCount(memory: Memory, encoding: number, ref: Ref): number {
  const table = tableOf(memory, encoding, ref);
  return table === 0 ? 1 : dict.count(memory, table);
}

/** Frees about `limit` blocks. Returns whether all are freed. */
export function releaseStep(arena: Arena, encoding: number, ref: Ref, limit: number): boolean {
  if (encoding === value.ENCODING_HASHTABLE_EX) {
    return expiringFields.releaseStep(arena, ref, limit);
  }
  if (encoding === value.ENCODING_HASHTABLE) {
    return dict.freeStep(arena, ref, limit, (found) => fieldEntry.free(arena, found));
  }
  arena.free(ref);
  return true;
}

/**
 * Bytes of memory, estimated from about `samples` fields; 0 looks at all of them (MEMORY USAGE).
 */
export function memoryBytes(arena: Arena, encoding: number, ref: Ref, samples: number): number {
  if (encoding === value.ENCODING_HASHTABLE_EX) {
    return expiringFields.memoryBytes(arena, ref, samples);
  }
  if (encoding !== value.ENCODING_HASHTABLE) return arena.blockBytes(ref);
  const fieldBytes = (found: Ref) => fieldEntry.memoryBytes(arena, found);
  return dict.tableBytes(arena, ref) + estimateEntryBytes(arena, ref, samples, fieldBytes);
}

/** Sets a field in the dict of a large hash. Returns whether it is new. */
function setInDict(
  arena: Arena,
  ref: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const found = dict.find(arena, ref, field, fieldStart, fieldLength);
  if (found !== 0) {
    const target = fieldEntry.setValue(arena, found, bytes, start, length);
    if (target !== found) dict.replaceFound(arena, found, target);
    return false;
  }
  const hash = dict.lastHash();
  const entry = fieldEntry.create(arena, field, fieldStart, fieldLength, bytes, start, length);
  dict.insertHashed(arena, ref, entry, hash);
  return true;
}

/** `setInDict` by slices, which may be views of another value in the arena. */
function putIntoDict(arena: Arena, ref: Ref, field: Slice, bytes: Slice): boolean {
  return setInDict(
    arena,
    ref,
    field.bytes,
    field.start,
    field.length,
    bytes.bytes,
    bytes.start,
    bytes.length,
  );
}

/** Makes a listpack a dict. Returns false if a field came twice; only its last value is kept. */
function convert(arena: Arena, entry: Ref): boolean {
  const ref = value.valueRef(arena, entry);
  const target = dict.create(arena);
  let isSound = true;
  // Making entries may clone segments, but nobody changes the bytes of the listpack under the
  // views.
  forEach(arena, value.ENCODING_LISTPACK, ref, (field, bytes) => {
    if (!putIntoDict(arena, target, field, bytes)) isSound = false;
  });
  arena.free(ref);
  value.setEncoding(arena, entry, value.ENCODING_HASHTABLE, target);
  return isSound;
}

/** `loadListpack` for one that no block can hold. */
function loadLargeListpack(arena: Arena, entry: Ref, bytes: Uint8Array, start: number): boolean {
  convert(arena, entry);
  const ref = value.valueRef(arena, entry);
  let isSound = true;
  const isPaired = rawListpack.forEachPair(bytes, start, (field, own) => {
    if (!putIntoDict(arena, ref, field, own)) isSound = false;
  });
  return isSound && isPaired;
}

/** Calls `visit` with the field at `position`. Returns the position of the next one, or -1. */
function showPair(
  memory: Memory,
  ref: Ref,
  position: number,
  isExpiring: boolean,
  field: Slice,
  bytes: Slice,
  visit: FieldVisitor,
): number {
  listpack.read(memory, ref, position, field);
  const valuePosition = listpack.next(memory, ref, position);
  listpack.read(memory, ref, valuePosition, bytes);
  if (!isExpiring) {
    visit(field, bytes, value.NO_EXPIRY);
    return listpack.next(memory, ref, valuePosition);
  }
  visit(field, bytes, fieldListpack.expiryAt(memory, ref, position));
  return fieldListpack.next(memory, ref, position);
}

/** Positions of all fields of a listpack. (A typed array would take memory of the C library's.) */
function fieldPositions(memory: Memory, ref: Ref, isExpiring: boolean): number[] {
  const width = isExpiring ? fieldListpack.WIDTH : PAIR_WIDTH;
  const positions: number[] = [];
  const count = listpack.count(memory, ref) / width;
  let position = listpack.first(memory, ref);
  for (let index = 0; index < count; index++) {
    positions.push(position);
    position = isExpiring
      ? fieldListpack.next(memory, ref, position)
      : listpack.next(memory, ref, listpack.next(memory, ref, position));
  }
  return positions;
}
