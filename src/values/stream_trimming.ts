/**
 * Trimming a stream: whole nodes go from its start, and then entries of the first one. Or entry by
 * entry, for those that groups still need may stay.
 */
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import * as streamNode from "./stream_node.ts";
import { liveCount } from "./stream_node_packing.ts";
import { StreamNodeReader } from "./stream_node_reader.ts";
import * as streamValue from "./stream_value.ts";

const nodes = scratch(new IdTreeCursor());
const reader = scratch(new StreamNodeReader());
const master = new Id128();

/** What a stream is cut down to. */
export interface StreamTrim {
  /** Entries that may stay; or -1 if the ids decide. */
  lengthMax: number;
  /** Entries below this id go, if `lengthMax` is -1. */
  minId: Id128;
  /** Only whole nodes go. */
  isApproximate: boolean;
  /** At most so many entries go; 0 = no limit. */
  limit: number;
  /**
   * A node of deleted entries only goes. Redis before 8.10 kept it, if a deleted entry had an id
   * that may stay; the newest refuse a file with such a node (redis/redis 15815).
   */
  dropsEmptied: boolean;
}

/** Removes entries from the start. Returns how many. Keeps the first id right. */
export function trim(arena: Arena, stream: Ref, how: StreamTrim): number {
  const index = streamValue.indexOf(arena, stream);
  const { lengthMax, minId, limit } = how;
  const byLength = lengthMax >= 0;
  let removed = 0;
  while (nodes.seekFirst(arena, index)) {
    const left = streamValue.length(arena, stream);
    if (byLength && left <= lengthMax) break;
    const node = nodes.payload(0);
    nodes.readId(master);
    const count = openFirst(arena, node, byLength);
    if (limit !== 0 && removed + count > limit) break;
    const isWhole = byLength ? left - count >= lengthMax : reader.isBelow(minId);
    if (isWhole) {
      streamValue.removeNode(arena, stream, master, node);
      streamValue.addLength(arena, stream, -count);
      removed += count;
      continue;
    }
    const listpack = unpackFirst(arena, stream, node);
    if (!how.isApproximate) {
      removed += trimNode(arena, stream, listpack, byLength ? left - lengthMax : -1, how);
    }
    break;
  }
  if (removed > 0) streamValue.refreshFirstId(arena, stream);
  return removed;
}

/**
 * Entries that live in the first node, which is opened; but if only their number decides, a packed
 * one is not inflated to be thrown away.
 */
function openFirst(arena: Arena, node: number, byLength: boolean): number {
  if (byLength && streamNode.isPacked(arena, node)) return liveCount(arena, node);
  reader.open(arena, node, master);
  return reader.count;
}

/**
 * Sees that the first node, of which a part stays, is open and, unless addresses are short, not
 * packed: who trims now will soon come for more of it, or ask again how much of it may go. Returns
 * its word.
 */
function unpackFirst(arena: Arena, stream: Ref, node: number): number {
  if (!streamNode.isPacked(arena, node)) return node;
  const first = arena.hasRoomFor(0) ? streamNode.unpack(arena, node, reader.inflated) : node;
  if (first !== node) {
    streamValue.setNode(arena, streamValue.indexOf(arena, stream), master, first);
  }
  reader.open(arena, first, master);
  return first;
}

/** Marks the first entries of the node in the reader: so many, or if -1, those below `minId`. */
function trimNode(
  arena: Arena,
  stream: Ref,
  node: number,
  excess: number,
  { minId, dropsEmptied }: StreamTrim,
): number {
  const { count } = reader;
  const flagOffsets: number[] = [];
  while (flagOffsets.length !== excess && reader.next()) {
    if (excess === -1 && reader.id.compare(minId) >= 0) break;
    if (!reader.isDeleted) flagOffsets.push(reader.flagsOffset);
  }
  streamValue.addLength(arena, stream, -flagOffsets.length);
  if (dropsEmptied && flagOffsets.length === count) {
    streamValue.removeNode(arena, stream, master, node);
  } else {
    const changed = streamNode.markDeleted(arena, node, flagOffsets, reader.inflated);
    const index = streamValue.indexOf(arena, stream);
    if (changed !== node) streamValue.setNode(arena, index, master, changed);
  }
  return flagOffsets.length;
}

/**
 * The ids of the entries that a trim removes, in their order, if those that `mayGo` refuses stay.
 * An approximate one looks at nodes only that would go as a whole, as Redis does since 8.4.1
 * (before, it removed nothing).
 */
export function idsToTrim(
  memory: Memory,
  stream: Ref,
  how: StreamTrim,
  mayGo: (id: Id128) => boolean,
): Id128[] {
  const { lengthMax, minId, limit, isApproximate } = how;
  const byLength = lengthMax >= 0;
  const ids: Id128[] = [];
  let left = streamValue.length(memory, stream);
  let hasNode = nodes.seekFirst(memory, streamValue.indexOf(memory, stream));
  for (; hasNode; hasNode = nodes.next()) {
    nodes.readId(master);
    reader.open(memory, nodes.payload(0), master);
    const { count } = reader;
    if (limit !== 0 && ids.length + count > limit) break;
    const isWhole = byLength ? left - count >= lengthMax : reader.isBelow(minId);
    if (isApproximate && !isWhole) break;
    while (reader.next()) {
      if (byLength ? left <= lengthMax : reader.id.compare(minId) >= 0) return ids;
      if (reader.isDeleted || !mayGo(reader.id)) continue;
      ids.push(reader.id.clone());
      left--;
    }
  }
  return ids;
}
