/**
 * Stream lifetime: copying, freeing and measuring a whole stream, entries and groups together: what
 * value_kinds.ts asks of each type.
 */
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as streamGroup from "./stream_group.ts";
import * as streamValue from "./stream_value.ts";

/** A copy of a stream with all its groups. */
export function duplicate(arena: Arena, stream: Ref): Ref {
  const copy = streamValue.duplicateEntries(arena, stream);
  streamGroup.duplicateGroups(arena, stream, copy);
  return copy;
}

/** Roughly how many blocks it takes to free the stream. */
export function blockCount(memory: Memory, stream: Ref): number {
  return streamValue.nodeCount(memory, stream) + streamGroup.groupBlockCount(memory, stream);
}

/** Frees about `limit` blocks of a stream. Returns whether all are freed. */
export function releaseStep(arena: Arena, stream: Ref, limit: number): boolean {
  if (!streamGroup.releaseGroups(arena, stream, limit)) return false;
  if (!streamValue.releaseNodes(arena, stream, limit)) return false;
  streamValue.freeRoot(arena, stream);
  return true;
}

/** Bytes of memory, nodes estimated from `samples` of them; 0 looks at all (MEMORY USAGE). */
export function memoryBytes(arena: Arena, stream: Ref, samples: number): number {
  return streamValue.entriesMemoryBytes(arena, stream, samples) +
    streamGroup.groupsMemoryBytes(arena, stream);
}
