/**
 * Stream references: whether some group still needs an entry, and making all forget it.
 */
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import * as streamGroup from "./stream_group.ts";

const lastId = new Id128();

/** Whether a group has not got the entry of an id yet, or has not acknowledged it. O(groups). */
export function isReferenced(memory: Memory, stream: Ref, id: Id128): boolean {
  return streamGroup.groupsIn(memory, stream).some((group) => {
    streamGroup.readLastDelivered(memory, group, lastId);
    return lastId.compare(id) < 0 || idTree.find(memory, streamGroup.pendingOf(memory, group), id);
  });
}

/** Takes an entry off the pending ones of all groups; returns the groups that had it. */
export function removeReferences(arena: Arena, stream: Ref, id: Id128): Ref[] {
  return streamGroup.groupsIn(arena, stream)
    .filter((group) => streamGroup.removePending(arena, group, id));
}
