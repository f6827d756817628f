/**
 * Nodes put into an empty stream in order, out of order and twice.
 */
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import { idText } from "../../src/values/stream_id.ts";
import { StreamFiller } from "../../src/values/stream_filler.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import { EMPTY_RADIX_NODES, radixNodesOf } from "../../src/values/stream_radix.ts";
import * as idTree from "../../src/structures/id_tree.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { idOf, sourceOf } from "./stream_model.ts";

function fill(ids: readonly string[]): { ids: string[]; taken: boolean[] } {
  const arena = new Arena({ debug: true });
  const stream = streamValue.create(arena);
  const filler = new StreamFiller(arena, stream);
  const taken = ids.map((id) => {
    const node = streamNode.create(arena, sourceOf(["f", id]), 0, 1);
    const isTaken = filler.add(idOf(id), node);
    if (!isTaken) streamNode.free(arena, node);
    return isTaken;
  });
  const found: string[] = [];
  let nodes = EMPTY_RADIX_NODES;
  const index = idTree.create(arena, 0);
  streamValue.forEachNode(arena, stream, (id) => {
    found.push(idText(id));
    nodes += radixNodesOf(arena, index, id);
    idTree.insert(arena, index, id);
  });
  assertEquals(streamValue.radixNodeCount(arena, stream), nodes);
  return { ids: found, taken };
}

const inOrder = Array.from({ length: 700 }, (_, index) => `${index + 1}-${index % 3}`);

Deno.test("nodes in order, of which there are more than a leaf of the index holds", () => {
  const { ids, taken } = fill(inOrder);
  assertEquals(ids, inOrder);
  assert(taken.every((one) => one));
});

Deno.test("nodes out of order are sorted, and one that comes twice is refused", () => {
  const shuffled = inOrder.map((_, index) => inOrder[index * 199 % inOrder.length]);
  const { ids, taken } = fill([...shuffled, "5-1", "1000-0", "1000-0"]);
  assertEquals(ids, [...inOrder, "1000-0"]);
  assertEquals(taken.slice(-3), [false, true, false]);
});

Deno.test("the last node once more is refused", () => {
  assertEquals(fill(["1-1", "2-2", "2-2", "2-1"]), {
    ids: ["1-1", "2-1", "2-2"],
    taken: [true, true, false, true],
  });
});
