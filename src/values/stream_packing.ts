/**
 * Stream packing: the walk that packs the nodes of a stream (stream_node_packing.ts) which are
 * closed, in small steps between which commands may run.
 *
 * It goes from the end to the start over the nodes that it has not seen yet; the stream keeps their
 * number. The last ones stay as they are, for these are read and written. What is not worth packing
 * is seen once and left alone ever after, and so is an old node that was unpacked for a change.
 *
 * The place in the walk is an id, for refs do not outlive a command. That nodes were seen is noted
 * when all of them were: a walk that is broken off is made again, and passes quickly over what it
 * has packed already.
 */
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { pack } from "./stream_node_packing.ts";
import * as streamNode from "./stream_node.ts";
import * as streamValue from "./stream_value.ts";

/** So many nodes at the end of a stream are not packed. */
export const KEPT_NODES = 2;
/** Nodes that a step passes over if there is nothing to do about them. */
const PASSED_NODES_MAX = 64;

/** Whether a stream has nodes that a walk should look at. */
export function isPackingDue(memory: Memory, stream: Ref): boolean {
  return streamValue.unseenNodes(memory, stream) > KEPT_NODES;
}

export class PackingWalk {
  readonly #nodes = new IdTreeCursor();
  readonly #present = new Id128();
  /** Where the next step begins. */
  readonly #next = new Id128();
  #stream: Ref = 0;
  /** Nodes that this walk will have seen, and those of them which are left. */
  #seen = 0;
  #left = 0;

  /** Has the next step begin a walk, over whatever stream it is given. */
  begin(): void {
    this.#stream = 0;
  }

  /**
   * Packs a node, or passes over some. Returns whether there are more. Call only while nothing is
   * frozen.
   */
  step(arena: Arena, stream: Ref): boolean {
    // If its root has been moved, or the stream is another one, the place means nothing.
    if (this.#stream !== stream) this.#enter(arena, stream);
    const nodes = this.#nodes;
    const index = streamValue.indexOf(arena, stream);
    let passed = 0;
    let found = this.#left > 0 && nodes.seekNotAbove(arena, index, this.#next);
    while (found && passed < PASSED_NODES_MAX) {
      const node = nodes.payload(0);
      nodes.readId(this.#present);
      this.#left--;
      found = this.#left > 0 && nodes.previous();
      if (found) nodes.readId(this.#next);
      if (mayBePacked(arena, node)) {
        this.#pack(arena, index, node);
        break;
      }
      passed++;
    }
    nodes.forget();
    if (found) return true;
    this.#finish(arena, stream);
    return false;
  }

  #enter(memory: Memory, stream: Ref): void {
    const nodes = this.#nodes;
    const unseen = streamValue.unseenNodes(memory, stream);
    this.#stream = stream;
    this.#seen = Math.max(0, unseen - KEPT_NODES);
    this.#left = Math.min(unseen, streamValue.nodeCount(memory, stream)) - KEPT_NODES;
    if (this.#left <= 0) return;
    nodes.seekLast(memory, streamValue.indexOf(memory, stream));
    for (let kept = 0; kept < KEPT_NODES; kept++) nodes.previous();
    nodes.readId(this.#next);
  }

  #pack(arena: Arena, index: Ref, node: Ref): void {
    const packed = pack(arena, node);
    if (packed !== 0) streamValue.setNode(arena, index, this.#present, packed);
  }

  /** Nodes that have come meanwhile were not seen. */
  #finish(arena: Arena, stream: Ref): void {
    this.#stream = 0;
    const unseen = streamValue.unseenNodes(arena, stream) - this.#seen;
    streamValue.setUnseenNodes(arena, stream, Math.max(0, unseen));
  }
}

function mayBePacked(memory: Memory, node: number): boolean {
  return !streamNode.isLarge(node) && !streamNode.isPacked(memory, node);
}
