/**
 * Listpack ends: adding and removing at both ends of a listpack in constant time, for lists.
 *
 * Behind the entries of a listpack there is whatever its block has left. In front of them there may
 * be head room (listpack.ts), so that LPUSH and LPOP move nothing but two fields of the header.
 * When the room at an end is used up, the entries are moved once: in their block, if it has a
 * quarter of them to spare, else to a larger one. The end that asked gets what there is, the other
 * one keeps a little of what it had, so that neither of them moves the entries at each time when
 * both are used in turn. Measured by lpush and lpop of scripts/bench/micro/command_bench.ts.
 *
 * Functions that write return the ref of the listpack, which may be a new one; positions in it are
 * void. Elements to be stored may not lie in the very listpack.
 */
import { Arena } from "../memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as listpack from "./listpack.ts";
import * as encoding from "./listpack_encoding.ts";

/** Room for more than the entry at hand: this share of the bytes in use, as a shift, … */
const SPARE_SHIFT = 2;
/** … but no more bytes. */
const SPARE_BYTES_MAX = 1024;
/** What the other end keeps of its room: this share of the bytes in use, as a shift. */
const KEPT_SHIFT = 4;
/** A smaller block is taken when no more than this share of the present one is in use. */
const SHRINK_SHARE = 0.5;

/** Adds an element at the head; there must be room (`listpack.fits`). O(1) amortized. */
export function pushHead(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const size = encoding.encode(bytes, start, length);
  const added = size + encoding.backwardLengthBytes(size);
  if (added > listpack.HEAD_ROOM_MAX) {
    return listpack.insertBefore(arena, ref, listpack.begin(arena, ref), bytes, start, length);
  }
  const isRoom = listpack.headRoom(arena, ref) >= added;
  const target = isRoom ? arena.writable(ref) : makeRoom(arena, ref, true, added);
  listpack.changeHeader(arena, target, -added, added, 1);
  const at = startOf(target) + listpack.begin(arena, target);
  encoding.store(arena.bytes[target >>> SEGMENT_SHIFT], at, size, bytes, start, length);
  return target;
}

/** Adds an element at the tail; there must be room (`listpack.fits`). O(1) amortized. */
export function pushTail(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const size = encoding.encode(bytes, start, length);
  const added = size + encoding.backwardLengthBytes(size);
  const isRoom = tailRoom(arena, ref) >= added;
  const target = isRoom ? arena.writable(ref) : makeRoom(arena, ref, false, added);
  const entries = arena.bytes[target >>> SEGMENT_SHIFT];
  const at = startOf(target) + listpack.end(arena, target);
  entries[encoding.store(entries, at, size, bytes, start, length)] = encoding.END;
  listpack.changeHeader(arena, target, 0, added, 1);
  return target;
}

/** Removes the first `count` entries, behind which there must be others. O(count) amortized. */
export function removeHead(arena: Arena, ref: Ref, count: number): Ref {
  const bytes = arena.bytes[ref >>> SEGMENT_SHIFT];
  const from = startOf(ref) + listpack.begin(arena, ref);
  let at = from;
  for (let index = 0; index < count; index++) at += encoding.entryBytesAt(bytes, at);
  const removed = at - from;
  const target = arena.writable(ref);
  if (listpack.headRoom(arena, target) + removed > listpack.HEAD_ROOM_MAX) {
    if (removed > listpack.HEAD_ROOM_MAX) {
      return shrink(arena, listpack.remove(arena, target, from - startOf(ref), count));
    }
    listpack.copyWithRoom(arena, target, target, 0);
  }
  listpack.changeHeader(arena, target, removed, -removed, -count);
  return shrink(arena, target);
}

/** Removes the last entry; there must be others. O(1) amortized. */
export function removeTail(arena: Arena, ref: Ref): Ref {
  const target = arena.writable(ref);
  const bytes = arena.bytes[target >>> SEGMENT_SHIFT];
  const end = startOf(target) + listpack.end(arena, target);
  const removed = encoding.entryBytesBefore(bytes, end);
  bytes[end - removed] = encoding.END;
  listpack.changeHeader(arena, target, 0, -removed, -1);
  return shrink(arena, target);
}

/** Gives up head room that nobody will use, if a smaller block can be had. O(bytes). */
export function trim(arena: Arena, ref: Ref): Ref {
  return listpack.headRoom(arena, ref) === 0 ? ref : moveToSmaller(arena, ref);
}

function startOf(ref: Ref): number {
  return (ref & OFFSET_MASK) << 3;
}

/** Unused bytes of the block behind the end. */
function tailRoom(arena: Arena, ref: Ref): number {
  return arena.blockBytes(ref) - listpack.end(arena, ref) - 1;
}

/** Makes at least `added` bytes of room at one end. The block may be written afterwards. */
function makeRoom(arena: Arena, ref: Ref, atHead: boolean, added: number): Ref {
  const used = listpack.byteLength(arena, ref);
  const headRoom = listpack.headRoom(arena, ref);
  // What only grows at its tail takes no more than it needs.
  if (!atHead && headRoom === 0) return arena.resize(ref, used, used + added);
  const wanted = used + added + Math.min(used >>> SPARE_SHIFT, SPARE_BYTES_MAX);
  let target = ref;
  if (wanted > arena.blockBytes(ref) || arena.isShared(ref)) {
    target = arena.allocate(Math.min(wanted, listpack.LISTPACK_BYTES_MAX));
  }
  const idle = arena.blockBytes(target) - used;
  const otherRoom = atHead ? tailRoom(arena, ref) : headRoom;
  const kept = Math.min(otherRoom, used >>> KEPT_SHIFT, idle - added);
  const room = atHead ? Math.min(idle - kept, listpack.HEAD_ROOM_MAX) : kept;
  listpack.copyWithRoom(arena, ref, target, room);
  if (target !== ref) arena.free(ref);
  return target;
}

function shrink(arena: Arena, ref: Ref): Ref {
  const isHalfIdle = listpack.byteLength(arena, ref) <= arena.blockBytes(ref) * SHRINK_SHARE;
  return isHalfIdle ? moveToSmaller(arena, ref) : ref;
}

/** The listpack in the smallest block that holds it, without head room; where it is if it is. */
function moveToSmaller(arena: Arena, ref: Ref): Ref {
  const length = listpack.byteLength(arena, ref);
  if (Arena.bytesFor(length) === arena.blockBytes(ref)) return ref;
  const target = listpack.duplicate(arena, ref);
  arena.free(ref);
  return target;
}
