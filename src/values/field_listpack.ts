/**
 * Field listpack: a small hash some of whose fields expire, as one listpack (Redis: "listpackex"):
 *
 *   field, value, expiry, field, value, expiry …
 *
 * An expiry is Unix time in ms, 0 for a field that has none. Fields stand in the order in which
 * they expire, those that do not at the end; of fields with one expiry, the one that got it last
 * stands first. So what has expired is the head of the listpack, and the whole is, byte for byte,
 * what RDB files and DUMP payloads hold.
 *
 * A position is that of a field. Functions that write return the ref, which may be a new one.
 */
import { copyBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/integers.ts";
import { giveSlice, scratch, takeSlice } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as listpack from "../structures/listpack.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import { NO_EXPIRY } from "./value.ts";

/** Elements of the listpack per field. */
export const WIDTH = 3;
/** What a field takes beside its bytes and those of its value: three entries, one an integer. */
export const FIELD_OVERHEAD = 40;
/** How a field that does not expire is marked. */
const NONE = 0;

const view = scratch(new Slice());
const valueView = scratch(new Slice());
/** A field and its value, while they change their place. */
const elementRoom = readyForCopies(new Uint8Array(1024));

/** Number of fields. */
export function count(memory: Memory, ref: Ref): number {
  return listpack.count(memory, ref) / WIDTH;
}

/** Position of a field, or -1. */
export function find(
  memory: Memory,
  ref: Ref,
  field: Uint8Array,
  start: number,
  length: number,
): number {
  return listpack.find(
    memory,
    ref,
    field,
    start,
    length,
    listpack.first(memory, ref),
    WIDTH - 1,
  );
}

/** Points `out` at the value of the field at `position`. */
export function readValue(memory: Memory, ref: Ref, position: number, out: Slice): void {
  listpack.read(memory, ref, listpack.next(memory, ref, position), out);
}

/** When the field at `position` expires: Unix time in ms, or NO_EXPIRY. */
export function expiryAt(memory: Memory, ref: Ref, position: number): number {
  const expiryMs = listpack.readInteger(memory, ref, expiryPosition(memory, ref, position));
  return expiryMs === NONE ? NO_EXPIRY : expiryMs;
}

/** The expiry that an element spells: Unix time in ms, or NO_EXPIRY. */
export function storedExpiry(bytes: Uint8Array, start: number, length: number): number {
  const expiryMs = parseSafeInteger(bytes, start, length);
  return expiryMs === NONE ? NO_EXPIRY : expiryMs;
}

function expiryPosition(memory: Memory, ref: Ref, position: number): number {
  return listpack.next(memory, ref, listpack.next(memory, ref, position));
}

/** The expiry of the field that expires first, or NO_EXPIRY. O(1). */
export function nextExpiry(memory: Memory, ref: Ref): number {
  const first = listpack.first(memory, ref);
  return first === -1 ? NO_EXPIRY : expiryAt(memory, ref, first);
}

/** Whether all fields, of which there is at least one, have an expiry before `nowMs`. O(1). */
export function haveAllExpired(memory: Memory, ref: Ref, nowMs: number): boolean {
  const lastMs = listpack.readInteger(memory, ref, listpack.last(memory, ref));
  return lastMs !== NONE && lastMs < nowMs;
}

/** Position of the field behind the one at `position`, or -1. */
export function next(memory: Memory, ref: Ref, position: number): number {
  return listpack.next(memory, ref, expiryPosition(memory, ref, position));
}

/** How many fields have an expiry before `nowMs`. */
export function countExpired(memory: Memory, ref: Ref, nowMs: number): number {
  let expired = 0;
  let position = listpack.first(memory, ref);
  for (; position !== -1; position = next(memory, ref, position), expired++) {
    const expiryMs = expiryAt(memory, ref, position);
    if (expiryMs === NO_EXPIRY || expiryMs >= nowMs) break;
  }
  return expired;
}

/** A listpack of the same fields, of which none expires; `pairs`, a plain hash, is freed. */
export function fromPairs(arena: Arena, pairs: Ref): Ref {
  let ref = listpack.create(arena);
  let isValue = false;
  for (let at = listpack.first(arena, pairs); at !== -1; at = listpack.next(arena, pairs, at)) {
    listpack.read(arena, pairs, at, view);
    ref = listpack.append(arena, ref, view.bytes, view.start, view.length);
    if (isValue) ref = listpack.appendInteger(arena, ref, NONE);
    isValue = !isValue;
  }
  arena.free(pairs);
  return ref;
}

/** Adds a field that is not there, in its place in the order. */
export function add(
  arena: Arena,
  ref: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  expiryMs: number,
): Ref {
  const position = placeFor(arena, ref, expiryMs);
  const stored = expiryMs === NO_EXPIRY ? NONE : expiryMs;
  let target = listpack.insertIntegerBefore(arena, ref, position, stored);
  target = listpack.insertBefore(arena, target, position, bytes, start, length);
  return listpack.insertBefore(arena, target, position, field, fieldStart, fieldLength);
}

/** Position of the first field that does not expire before `expiryMs`, or of the end. */
function placeFor(memory: Memory, ref: Ref, expiryMs: number): number {
  const end = listpack.byteLength(memory, ref) - 1;
  if (expiryMs === NO_EXPIRY) return end;
  let position = listpack.first(memory, ref);
  for (; position !== -1; position = next(memory, ref, position)) {
    const otherMs = expiryAt(memory, ref, position);
    if (otherMs === NO_EXPIRY || otherMs >= expiryMs) return position;
  }
  return end;
}

/** Gives the field at `position` another value; its expiry stays. */
export function setValue(
  arena: Arena,
  ref: Ref,
  position: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  return listpack.replace(arena, ref, listpack.next(arena, ref, position), bytes, start, length);
}

/** Gives the field at `position` an expiry (Unix time in ms) or none; it changes its place. */
export function setExpiry(arena: Arena, ref: Ref, position: number, expiryMs: number): Ref {
  // Elements may not lie in the listpack that they are stored to.
  listpack.read(arena, ref, position, view);
  readValue(arena, ref, position, valueView);
  const fieldLength = view.length;
  const { length } = valueView;
  const size = fieldLength + length;
  const room = size <= elementRoom.length ? elementRoom : new Uint8Array(size);
  copyBytes(view.bytes, view.start, room, 0, fieldLength);
  copyBytes(valueView.bytes, valueView.start, room, fieldLength, length);
  const rest = remove(arena, ref, position);
  return add(arena, rest, room, 0, fieldLength, room, fieldLength, length, expiryMs);
}

/** Removes the field at `position`. */
export function remove(arena: Arena, ref: Ref, position: number): Ref {
  return listpack.remove(arena, ref, position, WIDTH);
}

/**
 * Removes up to `max` of the fields that have an expiry before `nowMs`, each after `visit` (null:
 * nobody wants to) has seen its name.
 */
export function removeExpired(
  arena: Arena,
  ref: Ref,
  nowMs: number,
  max: number,
  visit: ((field: Slice) => void) | null,
): Ref {
  const first = listpack.first(arena, ref);
  const field = takeSlice();
  let fields = 0;
  for (let position = first; position !== -1 && fields < max; fields++) {
    const expiryPlace = expiryPosition(arena, ref, position);
    const expiryMs = listpack.readInteger(arena, ref, expiryPlace);
    if (expiryMs === NONE || expiryMs >= nowMs) break;
    if (visit !== null) {
      listpack.read(arena, ref, position, field);
      visit(field);
    }
    position = listpack.next(arena, ref, expiryPlace);
  }
  giveSlice(field);
  return fields === 0 ? ref : listpack.remove(arena, ref, first, fields * WIDTH);
}

/**
 * Whether the bytes of a sound listpack are such a hash: triples, whose expiries are 0 or up to
 * `expiryMaxMs` and ascend, with those that are 0 at the end.
 */
export function isOrdered(bytes: Uint8Array, start: number, expiryMaxMs: number): boolean {
  let index = 0;
  let former = 1;
  let isSound = true;
  rawListpack.forEach(bytes, start, (element, from, length) => {
    if (index++ % WIDTH !== WIDTH - 1) return;
    const expiryMs = parseSafeInteger(element, from, length);
    if (expiryMs === NONE) former = Infinity;
    else if (expiryMs >= former && expiryMs <= expiryMaxMs) former = expiryMs;
    else isSound = false;
  });
  return isSound && index % WIDTH === 0;
}
