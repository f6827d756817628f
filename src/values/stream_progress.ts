/**
 * Stream progress: how far a group has come: how many entries it has read, and how many it has not,
 * as far as the counters of a stream allow to tell without counting entries.
 *
 * Entries that were deleted one by one make holes that the counters do not know of; only the
 * greatest deleted id is kept. Where there may be a hole, the answer is "not known".
 */
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import * as streamGroup from "./stream_group.ts";
import { UNKNOWN_ENTRIES_READ } from "./stream_group.ts";
import * as streamValue from "./stream_value.ts";

const firstId = new Id128();
const lastId = new Id128();
const deletedId = new Id128();
const delivered = new Id128();

/** Whether an entry from `start` on may have been deleted by itself. */
export function mayHaveHoles(memory: Memory, stream: Ref, start: Id128): boolean {
  if (streamValue.length(memory, stream) === 0) return false;
  streamValue.readMaxDeletedId(memory, stream, deletedId);
  if (deletedId.isZero() || start.compare(deletedId) > 0) return false;
  streamValue.readFirstId(memory, stream, firstId);
  return firstId.compare(deletedId) <= 0;
}

/** How many entries were ever added up to an id, or UNKNOWN_ENTRIES_READ. */
export function estimateEntriesRead(memory: Memory, stream: Ref, id: Id128): bigint {
  const added = BigInt.asIntN(64, streamValue.entriesAdded(memory, stream));
  if (added === 0n) return 0n;
  const entries = streamValue.length(memory, stream);
  streamValue.readLastId(memory, stream, lastId);
  const order = id.compare(lastId);
  if (entries === 0 && order < 1) return added;
  if (order === 0) return added;
  if (order > 0) return UNKNOWN_ENTRIES_READ;
  streamValue.readFirstId(memory, stream, firstId);
  streamValue.readMaxDeletedId(memory, stream, deletedId);
  if (!deletedId.isZero() && deletedId.compare(firstId) >= 0) return UNKNOWN_ENTRIES_READ;
  const behindFirst = id.compare(firstId);
  if (behindFirst < 0) return added - BigInt(entries);
  return behindFirst === 0 ? added - BigInt(entries) + 1n : UNKNOWN_ENTRIES_READ;
}

/**
 * How many entries a group has still to read; null if that is not known. Before 7.2.7 (`isOlder`)
 * Redis trusted the group's counter where entries behind its last id were deleted or trimmed.
 */
export function lagOf(memory: Memory, stream: Ref, group: Ref, isOlder: boolean): bigint | null {
  const added = streamValue.entriesAdded(memory, stream);
  if (added === 0n) return 0n;
  streamGroup.readLastDelivered(memory, group, delivered);
  if (!isOlder) {
    const entries = streamValue.length(memory, stream);
    if (entries === 0) return 0n;
    if (hasAllAhead(memory, stream, delivered)) return BigInt(entries);
  }
  let read = streamGroup.entriesRead(memory, group);
  if (read === UNKNOWN_ENTRIES_READ || mayHaveHoles(memory, stream, delivered)) {
    read = estimateEntriesRead(memory, stream, delivered);
  }
  return read === UNKNOWN_ENTRIES_READ ? null : BigInt.asIntN(64, added - read);
}

/** Whether an id, and all that was deleted by itself, is in front of the first entry. */
function hasAllAhead(memory: Memory, stream: Ref, id: Id128): boolean {
  streamValue.readFirstId(memory, stream, firstId);
  if (id.compare(firstId) >= 0) return false;
  streamValue.readMaxDeletedId(memory, stream, deletedId);
  return deletedId.compare(firstId) < 0;
}

/**
 * Notes that a group was given the entry of an id above its last one. `isOlder`: as before 7.2.7,
 * which counted on where entries in front of it may have been trimmed or deleted.
 */
export function advance(
  arena: Arena,
  stream: Ref,
  group: Ref,
  id: Id128,
  isOlder: boolean,
): void {
  if (!countsOn(arena, stream, group, id, isOlder) || !streamGroup.countEntryRead(arena, group)) {
    if (streamValue.entriesAdded(arena, stream) !== 0n) {
      streamGroup.setEntriesRead(arena, group, estimateEntriesRead(arena, stream, id));
    }
  }
  streamGroup.setLastDelivered(arena, group, id);
}

/** Whether the group's counter, one more, tells how many entries there were up to an id. */
function countsOn(memory: Memory, stream: Ref, group: Ref, id: Id128, isOlder: boolean): boolean {
  if (isOlder) return !mayHaveHoles(memory, stream, id);
  streamGroup.readLastDelivered(memory, group, delivered);
  streamValue.readFirstId(memory, stream, firstId);
  return delivered.compare(firstId) >= 0 && !mayHaveHoles(memory, stream, delivered);
}
