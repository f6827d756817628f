/**
 * Stream group relocation: moves the blocks of groups and consumers out of slabs that are to be
 * emptied.
 *
 * Each pending entry of a group names its consumer by the ref of the consumer's entry. A consumer
 * may have a million of them, so that it is moved in steps between which commands run: `beginMove`
 * copies its entry and leaves the former one, `moveLeaf` leads some of its pending entries to the
 * new one, and when all have been led there, `endMove` frees the former. Meanwhile both entries are
 * good for what pending entries need of them: the name and the tree of the consumer's own ones. A
 * move that is not ended is taken up by the next walk.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import type { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import * as nameTree from "../structures/name_tree.ts";
import {
  CONSUMER_FORMER,
  CONSUMER_PENDING,
  consumersOf,
  GROUP_STATE,
  PENDING_CONSUMER,
  pendingOf,
  pendingOfConsumer,
  setWord,
  STATE_CONSUMERS,
  STATE_PENDING,
  stateOf,
} from "./stream_group.ts";

/** Moves a group's entry, state and the heads of its trees; returns the entry's ref. */
export function relocateGroup(arena: Arena, groups: Ref, group: Ref): Ref {
  dictEntry.relocateKey(arena, group);
  const moved = arena.relocate(group);
  if (moved !== group) nameTree.replace(arena, groups, group, moved);
  const state = arena.relocate(stateOf(arena, moved));
  setWord(arena, moved, GROUP_STATE, state);
  setWord(arena, state, STATE_PENDING, idTree.relocate(arena, pendingOf(arena, moved)));
  setWord(arena, state, STATE_CONSUMERS, arena.relocate(consumersOf(arena, moved)));
  return moved;
}

/** Moves the head of a consumer's tree, and begins to move its entry; returns the entry's ref. */
export function beginMove(arena: Arena, group: Ref, consumer: Ref): Ref {
  // Key and tree stay while two entries refer to them.
  if (arena.word(consumer, CONSUMER_FORMER) !== 0) return consumer;
  dictEntry.relocateKey(arena, consumer);
  const own = idTree.relocate(arena, pendingOfConsumer(arena, consumer));
  setWord(arena, consumer, CONSUMER_PENDING, own);
  const moved = arena.copyAway(consumer);
  if (moved === consumer) return consumer;
  nameTree.replace(arena, consumersOf(arena, group), consumer, moved);
  setWord(arena, moved, CONSUMER_FORMER, consumer);
  return moved;
}

/**
 * Leads the pending entries in a leaf of the consumer's tree, the one at the place of `id`, to the
 * consumer's entry, if that is being moved.
 */
export function moveLeaf(arena: Arena, group: Ref, consumer: Ref, id: Id128): void {
  if (arena.word(consumer, CONSUMER_FORMER) === 0) return;
  const pending = pendingOf(arena, group);
  idTree.forEachInLeaf(arena, pendingOfConsumer(arena, consumer), id, (present) => {
    if (idTree.find(arena, pending, present)) {
      idTree.setPayload(arena, PENDING_CONSUMER, consumer);
    }
  });
}

/** All pending entries of a consumer have been led to its entry since `beginMove`. */
export function endMove(arena: Arena, consumer: Ref): void {
  const former = arena.word(consumer, CONSUMER_FORMER);
  if (former === 0) return;
  setWord(arena, consumer, CONSUMER_FORMER, 0);
  arena.free(former);
}
