/**
 * Stream relocation: moves the blocks of a stream out of slabs that are to be emptied, in small
 * steps between which commands may run: a leaf of a tree with the nodes it names, a group, a
 * consumer (stream_group_relocation.ts). The place in the walk is an id and two ranks, for refs do
 * not outlive a command; if entries or groups come or go meanwhile, some blocks are met twice or
 * missed, which does no harm.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import * as nameTree from "../structures/name_tree.ts";
import { relocateLeaf as relocateNames } from "../structures/score_tree_relocation.ts";
import * as streamGroup from "./stream_group.ts";
import { beginMove, endMove, moveLeaf, relocateGroup } from "./stream_group_relocation.ts";
import { MIN_ID } from "./stream_id.ts";
import * as streamNode from "./stream_node.ts";
import * as streamValue from "./stream_value.ts";

const IN_NODES = 0;
const IN_GROUPS = 1;
const IN_PENDING = 2;
const IN_CONSUMERS = 3;
const IN_CONSUMER_PENDING = 4;
const IN_CONSUMER_NAMES = 5;
const IN_GROUP_NAMES = 6;
const DONE = 7;

export class StreamWalk {
  #phase = DONE;
  readonly #id = new Id128();
  #group = 0;
  #consumer = 0;
  /** The entry of the consumer at whose first pending entry the walk over them began. */
  #moving: Ref = 0;
  #namesRank = 0;

  /** Begins the walk over whatever stream the next step is given; moves its root. */
  begin(arena: Arena, stream: Ref): Ref {
    this.#phase = IN_NODES;
    this.#id.copyFrom(MIN_ID);
    this.#group = 0;
    const moved = arena.relocate(stream);
    streamValue.setIndex(arena, moved, idTree.relocate(arena, streamValue.indexOf(arena, moved)));
    const groups = streamValue.groupsOf(arena, moved);
    if (groups !== 0) streamValue.setGroups(arena, moved, arena.relocate(groups));
    return moved;
  }

  /** Does a piece of the walk; returns whether there is more. */
  step(arena: Arena, stream: Ref): boolean {
    if (this.#phase === IN_NODES) {
      const index = streamValue.indexOf(arena, stream);
      idTree.mapLeaf(arena, index, this.#id, (node) => streamNode.relocate(arena, node));
      if (!this.#walkTree(arena, index)) this.#phase = IN_GROUPS;
      return true;
    }
    const groups = streamValue.groupsOf(arena, stream);
    if (groups === 0 || this.#phase === DONE) {
      this.#phase = DONE;
    } else if (this.#phase === IN_GROUP_NAMES) {
      if (!this.#walkNames(arena, groups)) this.#phase = DONE;
    } else {
      this.#stepGroup(arena, groups);
    }
    return this.#phase !== DONE;
  }

  #stepGroup(arena: Arena, groups: Ref): void {
    let group = nameTree.entryAt(arena, groups, this.#group);
    if (group === 0) return this.#enterNames(IN_GROUP_NAMES);
    switch (this.#phase) {
      case IN_GROUPS:
        group = relocateGroup(arena, groups, group);
        this.#enterTree(IN_PENDING);
        return;
      case IN_PENDING:
        if (this.#walkTree(arena, streamGroup.pendingOf(arena, group))) return;
        this.#consumer = 0;
        this.#phase = IN_CONSUMERS;
        return;
      case IN_CONSUMER_NAMES:
        if (this.#walkNames(arena, streamGroup.consumersOf(arena, group))) return;
        this.#group++;
        this.#phase = IN_GROUPS;
        return;
    }
    this.#stepConsumer(arena, group);
  }

  #stepConsumer(arena: Arena, group: Ref): void {
    const consumers = streamGroup.consumersOf(arena, group);
    const consumer = nameTree.entryAt(arena, consumers, this.#consumer);
    if (consumer === 0) return this.#enterNames(IN_CONSUMER_NAMES);
    if (this.#phase === IN_CONSUMERS) {
      this.#moving = beginMove(arena, group, consumer);
      this.#enterTree(IN_CONSUMER_PENDING);
      return;
    }
    // If consumers came or went meanwhile, this may be another one, and what is behind the place of
    // the walk has not been seen: its move is ended by the next walk.
    if (consumer !== this.#moving) this.#moving = 0;
    moveLeaf(arena, group, consumer, this.#id);
    if (this.#walkTree(arena, streamGroup.pendingOfConsumer(arena, consumer))) return;
    if (consumer === this.#moving) endMove(arena, consumer);
    this.#consumer++;
    this.#phase = IN_CONSUMERS;
  }

  #enterTree(phase: number): void {
    this.#phase = phase;
    this.#id.copyFrom(MIN_ID);
  }

  /** Moves a leaf of an id tree; returns whether there are more. */
  #walkTree(arena: Arena, tree: Ref): boolean {
    return idTree.relocateLeaf(arena, tree, this.#id);
  }

  #enterNames(phase: number): void {
    this.#phase = phase;
    this.#namesRank = 0;
  }

  /** Moves a leaf of a name tree; returns whether there are more. */
  #walkNames(arena: Arena, names: Ref): boolean {
    this.#namesRank = relocateNames(arena, names, this.#namesRank);
    return this.#namesRank !== -1;
  }
}
