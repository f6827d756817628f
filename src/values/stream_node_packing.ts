/**
 * Stream node packing: nodes that will hardly be read or changed any more are kept compressed, for
 * they are most of a long stream, and their entries are alike.
 *
 *   word    of the block of a packed node
 *   0       bit 31 is set; bits 15…29: bytes of LZF; bits 0…14: bytes of the listpack
 *   1       entries that live; bit 31: the LZF came from a file
 *   2…      the listpack, compressed by LZF
 *
 * A listpack begins with the number of its bytes, and that of a node has no head room, so bit 31 of
 * the first word tells the two apart: the word of a node is its ref as ever, and is negative only
 * for a large one, which is never packed.
 *
 * The LZF is what an RDB file has for such a node, byte for byte, so that saving copies it. What
 * came from a file may be sound and yet not what `compress` makes of the same bytes; it is
 * compressed afresh to be saved, so that DUMP says the same whatever way the data have come.
 *
 * A packed node is never changed where it stands: `unpack` makes a listpack of it again. Before a
 * listpack goes, what was packed is inflated and compared with it, for there is no other copy.
 */
import { assert } from "../base/assert.ts";
import { copyBytes, equalBytes, readyForCopies, type Slice } from "../base/bytes.ts";
import * as lzf from "../base/lzf.ts";
import type { Forgetful } from "../base/scratch.ts";
import { Arena } from "../memory/arena.ts";
import { type Memory, OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as listpack from "../structures/listpack.ts";

const PACKED_BIT = -0x80000000;
const FROM_FILE_BIT = -0x80000000;
const LENGTH_BITS = 15;
/** No larger listpack is packed: inflating it for a single entry would take too long. */
const LISTPACK_BYTES_MAX = (1 << LENGTH_BITS) - 1;
/** A smaller one cannot save anything that matters. */
const LISTPACK_BYTES_MIN = 64;
const HEADER_BYTES = 8;
/** What a packed node may take of the block that it had. */
const SHARE_MAX = 7 / 8;

const NO_BYTES = new Uint8Array(0);
/** What is compressed to, and inflated from for comparison. */
const room = readyForCopies(new Uint8Array(lzf.targetBytes(LISTPACK_BYTES_MAX)));
/** Packed nodes that were ever put into a block; see `InflatedNode`. */
let placedCount = 0;

/** Whether a node, named by its word, is packed. */
export function isPacked(memory: Memory, node: number): boolean {
  return node > 0 && memory.words[node >>> SEGMENT_SHIFT][(node & OFFSET_MASK) << 1] < 0;
}

/** Bytes of the listpack of a packed node. */
export function listpackBytes(memory: Memory, node: Ref): number {
  return memory.word(node, 0) & LISTPACK_BYTES_MAX;
}

/** Entries that live in a packed node. */
export function liveCount(memory: Memory, node: Ref): number {
  return memory.word(node, 1) & ~FROM_FILE_BIT;
}

function lzfBytes(memory: Memory, node: Ref): number {
  return (memory.word(node, 0) >>> LENGTH_BITS) & LISTPACK_BYTES_MAX;
}

function lzfStart(node: Ref): number {
  return ((node & OFFSET_MASK) << 3) + HEADER_BYTES;
}

/**
 * Packs a node that is a listpack. Returns its new word; or 0, having done nothing, if that would
 * save too little. Takes 3 ns for each byte, 0.1 ms at most.
 */
export function pack(arena: Arena, node: Ref): Ref {
  const length = listpack.byteLength(arena, node);
  if (length < LISTPACK_BYTES_MIN || length > LISTPACK_BYTES_MAX) return 0;
  const bytes = arena.bytes[node >>> SEGMENT_SHIFT];
  const count = lzf.compress(bytes, (node & OFFSET_MASK) << 3, length, room, 0);
  if (count === 0 || Arena.bytesFor(HEADER_BYTES + count) > arena.blockBytes(node) * SHARE_MAX) {
    return 0;
  }
  const entries = listpack.readInteger(arena, node, listpack.FIRST);
  const packed = place(arena, room, 0, count, length, entries);
  if (!isSame(arena, packed, node)) {
    arena.free(packed);
    return 0;
  }
  arena.free(node);
  return packed;
}

/** Whether a packed node is that listpack. */
function isSame(memory: Memory, packed: Ref, node: Ref): boolean {
  const length = listpack.byteLength(memory, node);
  const bytes = memory.bytes[node >>> SEGMENT_SHIFT];
  return tryInflate(memory, packed, room, 0) &&
    equalBytes(bytes, (node & OFFSET_MASK) << 3, room, 0, length);
}

/**
 * A packed node from the LZF of a file, which has been found to be a sound listpack of `length`
 * bytes with so many entries that live; or 0, having done nothing, if it is not worth packing.
 */
export function fromLzf(
  arena: Arena,
  { bytes, start, length: count }: Slice,
  length: number,
  entries: number,
): Ref {
  if (length < LISTPACK_BYTES_MIN || length > LISTPACK_BYTES_MAX) return 0;
  const blockBytes = Arena.bytesFor(length);
  // What others have compressed may be longer than it was.
  if (count >= length || Arena.bytesFor(HEADER_BYTES + count) > blockBytes * SHARE_MAX) return 0;
  return place(arena, bytes, start, count, length, entries | FROM_FILE_BIT);
}

function place(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  count: number,
  length: number,
  entriesWord: number,
): Ref {
  const node = arena.allocate(HEADER_BYTES + count);
  const words = arena.words[node >>> SEGMENT_SHIFT];
  const at = (node & OFFSET_MASK) << 1;
  words[at] = PACKED_BIT | (count << LENGTH_BITS) | length;
  words[at + 1] = entriesWord;
  copyBytes(bytes, start, arena.bytes[node >>> SEGMENT_SHIFT], lzfStart(node), count);
  placedCount++;
  return node;
}

/**
 * Makes a listpack of a packed node, in a block of its size; returns the node's new word. Who has
 * read the node lends what it was inflated to, which is copied then: that takes a third of the
 * time.
 */
export function unpack(arena: Arena, packed: Ref, inflated: InflatedNode | null): Ref {
  const length = listpackBytes(arena, packed);
  const node = arena.allocate(length);
  const bytes = arena.bytes[node >>> SEGMENT_SHIFT];
  const start = (node & OFFSET_MASK) << 3;
  if (inflated === null) inflate(arena, packed, bytes, start);
  else copyBytes(inflated.read(arena, packed), 0, bytes, start, length);
  arena.free(packed);
  return node;
}

/** A copy of a packed node. */
export function duplicate(arena: Arena, node: Ref): Ref {
  const byteCount = HEADER_BYTES + lzfBytes(arena, node);
  const copy = arena.allocate(byteCount);
  arena.copyBlock(node, copy, byteCount);
  placedCount++;
  return copy;
}

/** Moves a packed node out of a slab that is to be emptied; returns its new word. */
export function relocate(arena: Arena, node: Ref): Ref {
  placedCount++;
  return arena.relocate(node);
}

/**
 * Points `out` at the LZF of a packed node if it is what `compress` makes of the listpack; returns
 * whether it is. Good until the next write.
 */
export function lzfSlice(memory: Memory, node: Ref, out: Slice): boolean {
  if ((memory.word(node, 1) & FROM_FILE_BIT) !== 0) return false;
  out.set(memory.bytes[node >>> SEGMENT_SHIFT], lzfStart(node), lzfBytes(memory, node));
  return true;
}

function inflate(memory: Memory, node: Ref, target: Uint8Array, targetStart: number): void {
  assert(tryInflate(memory, node, target, targetStart), "a packed node of a stream is damaged");
}

function tryInflate(
  memory: Memory,
  node: Ref,
  target: Uint8Array,
  targetStart: number,
): boolean {
  const bytes = memory.bytes[node >>> SEGMENT_SHIFT];
  const count = lzfBytes(memory, node);
  const length = listpackBytes(memory, node);
  return lzf.decompress(bytes, lzfStart(node), count, target, targetStart, length);
}

/**
 * The listpack of a packed node, outside of all memory. Made once and used again and again; each
 * who reads has its own.
 *
 * Readers often come back to the same node, so it is kept, and is the right one as long as it is
 * asked for by the same word of the same memory, and no packed node has been put into a block
 * since: a word names the block that the listpack was read from, or what came there later, and what
 * comes there is counted. (That the node is packed its own first word tells, before.)
 */
export class InflatedNode implements Forgetful {
  #bytes: Uint8Array = NO_BYTES;
  #memory: Memory | null = null;
  #node: Ref = 0;
  #placedCount = 0;

  /** The bytes of a packed node's listpack, at the start of an array; good until the next call. */
  read(memory: Memory, node: Ref): Uint8Array {
    if (this.#node === node && this.#memory === memory && this.#placedCount === placedCount) {
      return this.#bytes;
    }
    const length = listpackBytes(memory, node);
    // Nodes of a stream are alike: by and by this is large enough for all of them.
    if (this.#bytes.length < length) {
      this.#bytes = readyForCopies(new Uint8Array(length + (length >>> 2)));
    }
    // Should it fail, nothing is kept.
    this.#node = 0;
    inflate(memory, node, this.#bytes, 0);
    this.#memory = memory;
    this.#node = node;
    this.#placedCount = placedCount;
    return this.#bytes;
  }

  forget(): void {
    this.#bytes = NO_BYTES;
    this.#memory = null;
    this.#node = 0;
  }
}
