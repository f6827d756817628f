/**
 * Expiring hash: what hash_value.ts asks of a hash in one of the two encodings that can have fields
 * which expire: "listpackex" (field_listpack.ts) while it is small, then a dict with an order
 * beside it (expiring_fields.ts), for which OBJECT ENCODING says "hashtable" as Redis does.
 *
 * A hash takes one of these forms when the first of its fields gets an expiry, and keeps it, though
 * none may be left: encodings never go back. Limits are those of plain hashes.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as listpack from "../structures/listpack.ts";
import { END } from "../structures/listpack_encoding.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as dictAndTree from "./dict_and_tree.ts";
import * as expiringFields from "./expiring_fields.ts";
import * as fieldEntry from "./field_entry.ts";
import * as fieldListpack from "./field_listpack.ts";
import * as value from "./value.ts";

/** Limits of hashes: beyond these one is no listpack any more, whether its fields expire or not. */
export interface HashLimits {
  /** Fields (config hash-max-listpack-entries). */
  listpackEntriesMax: number;
  /** Bytes of a field or a value (config hash-max-listpack-value). */
  listpackValueBytesMax: number;
}

/** What `expiryOf` tells of a field that is not there. */
export const NO_FIELD = -2;

const fieldView = scratch(new Slice());
const valueView = scratch(new Slice());
const expiryView = scratch(new Slice());

function isSmall(memory: Memory, entry: Ref): boolean {
  return value.encodingOf(memory, entry) === value.ENCODING_LISTPACK_EX;
}

/** Number of fields, those that have expired included. */
export function count(memory: Memory, encoding: number, ref: Ref): number {
  return encoding === value.ENCODING_LISTPACK_EX
    ? fieldListpack.count(memory, ref)
    : dict.count(memory, dictAndTree.dictOf(memory, ref));
}

/** How many fields have an expiry before `nowMs`. */
export function countExpired(memory: Memory, entry: Ref, nowMs: number): number {
  const ref = value.valueRef(memory, entry);
  return isSmall(memory, entry)
    ? fieldListpack.countExpired(memory, ref, nowMs)
    : expiringFields.countExpired(memory, ref, nowMs);
}

/** Whether all fields have an expiry before `nowMs`. O(1), or O(log n) for a large hash. */
export function haveAllExpired(memory: Memory, entry: Ref, nowMs: number): boolean {
  const ref = value.valueRef(memory, entry);
  return isSmall(memory, entry)
    ? fieldListpack.haveAllExpired(memory, ref, nowMs)
    : expiringFields.haveAllExpired(memory, ref, nowMs);
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
  if (isSmall(memory, entry)) {
    const position = fieldListpack.find(memory, ref, field, start, length);
    if (position === -1) return false;
    fieldListpack.readValue(memory, ref, position, out);
    return true;
  }
  const found = dict.find(memory, dictAndTree.dictOf(memory, ref), field, start, length);
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
  const ref = value.valueRef(memory, entry);
  if (isSmall(memory, entry)) {
    const position = fieldListpack.find(memory, ref, field, start, length);
    return position === -1 ? NO_FIELD : fieldListpack.expiryAt(memory, ref, position);
  }
  const found = dict.find(memory, dictAndTree.dictOf(memory, ref), field, start, length);
  return found === 0 ? NO_FIELD : fieldEntry.expiryOf(memory, found);
}

/**
 * Sets a field, converting the hash if limits are exceeded. Returns whether the field is new. The
 * expiry of one that was there stays or, unless `keepsExpiry`, goes.
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
  keepsExpiry: boolean,
): boolean {
  if (isSmall(arena, entry)) {
    const bytesMax = limits.listpackValueBytesMax;
    const addedBytes = fieldLength + length + fieldListpack.FIELD_OVERHEAD;
    const ref = value.valueRef(arena, entry);
    if (fieldLength <= bytesMax && length <= bytesMax && listpack.fits(arena, ref, addedBytes)) {
      const position = fieldListpack.find(arena, ref, field, fieldStart, fieldLength);
      if (position !== -1) {
        setAt(arena, entry, position, bytes, start, length, keepsExpiry);
        convertIfMany(arena, entry, limits.listpackEntriesMax);
        return false;
      }
      if (fieldListpack.count(arena, ref) < limits.listpackEntriesMax) {
        const { NO_EXPIRY } = value;
        const target = fieldListpack.add(
          arena,
          ref,
          field,
          fieldStart,
          fieldLength,
          bytes,
          start,
          length,
          NO_EXPIRY,
        );
        value.setValueRef(arena, entry, target);
        return true;
      }
    }
    convert(arena, entry);
  }
  const root = value.valueRef(arena, entry);
  const found = dict.find(
    arena,
    dictAndTree.dictOf(arena, root),
    field,
    fieldStart,
    fieldLength,
  );
  if (found !== 0) {
    expiringFields.setFound(arena, root, found, bytes, start, length, keepsExpiry);
    return false;
  }
  expiringFields.addNotFound(
    arena,
    root,
    field,
    fieldStart,
    fieldLength,
    bytes,
    start,
    length,
    value.NO_EXPIRY,
  );
  return true;
}

function setAt(
  arena: Arena,
  entry: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  keepsExpiry: boolean,
): void {
  let ref = value.valueRef(arena, entry);
  ref = fieldListpack.setValue(arena, ref, position, bytes, start, length);
  if (!keepsExpiry && fieldListpack.expiryAt(arena, ref, position) !== value.NO_EXPIRY) {
    ref = fieldListpack.setExpiry(arena, ref, position, value.NO_EXPIRY);
  }
  value.setValueRef(arena, entry, ref);
}

/** Removes a field. Returns whether it was there. */
export function remove(
  arena: Arena,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): boolean {
  const ref = value.valueRef(arena, entry);
  if (isSmall(arena, entry)) {
    const position = fieldListpack.find(arena, ref, field, start, length);
    if (position === -1) return false;
    value.setValueRef(arena, entry, fieldListpack.remove(arena, ref, position));
    return true;
  }
  const found = dict.find(arena, dictAndTree.dictOf(arena, ref), field, start, length);
  if (found === 0) return false;
  expiringFields.removeFound(arena, ref, found);
  return true;
}

/**
 * Gives a field that exists an expiry (Unix time in ms, not before 1), another one, or none
 * (NO_EXPIRY). A plain hash takes the form that can have one.
 */
export function setExpiry(
  arena: Arena,
  entry: Ref,
  field: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): void {
  if (expiryMs === value.NO_EXPIRY && !value.mayHaveExpiries(arena, entry)) return;
  makeExpiring(arena, entry);
  const ref = value.valueRef(arena, entry);
  if (isSmall(arena, entry)) {
    const position = fieldListpack.find(arena, ref, field, start, length);
    if (listpack.fits(arena, ref, fieldListpack.FIELD_OVERHEAD)) {
      value.setValueRef(arena, entry, fieldListpack.setExpiry(arena, ref, position, expiryMs));
      return;
    }
    convert(arena, entry);
  }
  const root = value.valueRef(arena, entry);
  const found = dict.find(arena, dictAndTree.dictOf(arena, root), field, start, length);
  expiringFields.setExpiryFound(arena, root, found, expiryMs);
}

/**
 * Removes up to `max` of the fields whose expiry is before `nowMs`, each after `visit` (null:
 * nobody wants to) has seen its name. Returns how many. `visit` may not touch any hash.
 */
export function removeExpired(
  arena: Arena,
  entry: Ref,
  nowMs: number,
  max: number,
  visit: ((field: Slice) => void) | null,
): number {
  const ref = value.valueRef(arena, entry);
  if (isSmall(arena, entry)) {
    const before = fieldListpack.count(arena, ref);
    const target = fieldListpack.removeExpired(arena, ref, nowMs, max, visit);
    value.setValueRef(arena, entry, target);
    return before - fieldListpack.count(arena, target);
  }
  const fields = Math.min(max, expiringFields.countExpired(arena, ref, nowMs));
  expiringFields.removeFirst(arena, ref, fields, visit);
  return fields;
}

/** Gives a hash the form that can have fields which expire, if it has another. */
export function makeExpiring(arena: Arena, entry: Ref): void {
  if (value.mayHaveExpiries(arena, entry)) return;
  const ref = value.valueRef(arena, entry);
  if (value.encodingOf(arena, entry) === value.ENCODING_HASHTABLE) {
    const root = dictAndTree.create(arena, ref);
    value.setEncoding(arena, entry, value.ENCODING_HASHTABLE_EX, root);
    return;
  }
  // Two bytes more for each field.
  if (listpack.fits(arena, ref, listpack.count(arena, ref))) {
    const target = fieldListpack.fromPairs(arena, ref);
    value.setEncoding(arena, entry, value.ENCODING_LISTPACK_EX, target);
  } else {
    makeTable(arena, entry, false);
  }
}

/**
 * Fills an empty hash from the bytes of a listpack that is `isOrdered` (field_listpack.ts), and in
 * which no field comes twice; converts it where limits are exceeded.
 */
export function loadFieldListpack(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: HashLimits,
): void {
  if (length <= listpack.LISTPACK_BYTES_MAX) {
    const ref = listpack.fromRaw(arena, bytes, start, length);
    arena.free(value.valueRef(arena, entry));
    value.setEncoding(arena, entry, value.ENCODING_LISTPACK_EX, ref);
    convertIfMany(arena, entry, limits.listpackEntriesMax);
    return;
  }
  makeExpiring(arena, entry);
  convert(arena, entry);
  loadLarge(arena, value.valueRef(arena, entry), bytes, start);
}

/** Adds the fields of a listpack that no block can hold to an empty table. */
function loadLarge(arena: Arena, root: Ref, bytes: Uint8Array, start: number): void {
  const members = dictAndTree.dictOf(arena, root);
  for (let at = start + listpack.FIRST; bytes[at] !== END;) {
    at = rawListpack.readEntry(bytes, at, fieldView);
    at = rawListpack.readEntry(bytes, at, valueView);
    at = rawListpack.readEntry(bytes, at, expiryView);
    const expiryMs = fieldListpack.storedExpiry(
      expiryView.bytes,
      expiryView.start,
      expiryView.length,
    );
    dict.find(arena, members, fieldView.bytes, fieldView.start, fieldView.length);
    addViews(arena, root, expiryMs);
  }
}

/** Makes a small hash of too many fields a large one. */
export function convertIfMany(arena: Arena, entry: Ref, fieldsMax: number): void {
  if (
    isSmall(arena, entry) && fieldListpack.count(arena, value.valueRef(arena, entry)) > fieldsMax
  ) {
    convert(arena, entry);
  }
}

/** Makes a small hash a large one. */
function convert(arena: Arena, entry: Ref): void {
  makeTable(arena, entry, true);
}

/** Puts the fields of a listpack, with or without expiries, into a table. */
function makeTable(arena: Arena, entry: Ref, hasExpiries: boolean): void {
  const ref = value.valueRef(arena, entry);
  const members = dict.create(arena);
  const root = dictAndTree.create(arena, members);
  for (let at = listpack.first(arena, ref); at !== -1; at = listpack.next(arena, ref, at)) {
    listpack.read(arena, ref, at, fieldView);
    const { bytes, start, length } = fieldView;
    const expiryMs = hasExpiries ? fieldListpack.expiryAt(arena, ref, at) : value.NO_EXPIRY;
    at = listpack.next(arena, ref, at);
    listpack.read(arena, ref, at, valueView);
    if (hasExpiries) at = listpack.next(arena, ref, at);
    // Making entries may clone segments, but the bytes under the views stay.
    dict.find(arena, members, bytes, start, length);
    addViews(arena, root, expiryMs);
  }
  arena.free(ref);
  value.setEncoding(arena, entry, value.ENCODING_HASHTABLE_EX, root);
}

/** Adds the field and value that the views point to, which were just looked for in vain. */
function addViews(arena: Arena, root: Ref, expiryMs: number): void {
  const { bytes, start, length } = fieldView;
  expiringFields.addNotFound(
    arena,
    root,
    bytes,
    start,
    length,
    valueView.bytes,
    valueView.start,
    valueView.length,
    expiryMs,
  );
}
