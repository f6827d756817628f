/**
 * Stream filler: puts the nodes of a file into an empty stream. They mostly come in the order of
 * their ids, so that each goes behind the last one without a search.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import { AscendingIds, radixNodesOf } from "./stream_radix.ts";
import * as streamValue from "./stream_value.ts";

export class StreamFiller {
  readonly #arena: Arena;
  readonly #stream: Ref;
  readonly #ids = new AscendingIds();
  #isAscending = true;

  constructor(arena: Arena, stream: Ref) {
    this.#arena = arena;
    this.#stream = stream;
  }

  /** Puts a node under the id of its first entry; false if there is one already. */
  add(id: Id128, node: number): boolean {
    this.#isAscending &&= this.#ids.isAbove(id);
    const index = streamValue.indexOf(this.#arena, this.#stream);
    if (!this.#isAscending && idTree.find(this.#arena, index, id)) return false;
    const radixNodes = this.#isAscending ? this.#ids.add(id) : radixNodesOf(this.#arena, index, id);
    streamValue.insertNode(this.#arena, this.#stream, id, node, radixNodes);
    return true;
  }
}
