/**
 * The number of radix tree nodes against a tree that is really built.
 */
import { assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import { Id128 } from "../../src/structures/id128.ts";
import { ID_RAW_BYTES, storeRawId } from "../../src/values/stream_id.ts";
import { radixNodeCount } from "../../src/values/stream_radix.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";

interface Trie {
  children: Map<number, Trie>;
}

function count(node: Trie, isRoot: boolean): number {
  const { size } = node.children;
  if (size === 0) return 1;
  if (size > 1) {
    return 1 + [...node.children.values()].reduce((sum, one) => sum + count(one, false), 0);
  }
  // A run of bytes without a branch, up to the next branch or the end of a key.
  let next = node;
  while (next.children.size === 1) next = [...next.children.values()][0];
  return 1 + count(next, isRoot && next === node);
}

function expected(ids: Id128[]): number {
  const root: Trie = { children: new Map() };
  const raw = new Uint8Array(ID_RAW_BYTES);
  for (const id of ids) {
    storeRawId(id, raw, 0);
    let node = root;
    for (const byte of raw) {
      if (!node.children.has(byte)) node.children.set(byte, { children: new Map() });
      node = node.children.get(byte)!;
    }
  }
  return count(root, true);
}

Deno.test("runs, branches and ends are counted for any ids", () => {
  const seed = freshSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 300; round++) {
    const arena = new Arena({ debug: true });
    const stream = streamValue.create(arena);
    const ids = new Map<string, Id128>();
    const word = () => random.pick([0, 0, 1, 255, 256, 65536, -1, random.below(9), random.next()]);
    for (let i = random.below(random.pick([3, 30])); i > 0; i--) {
      const id = new Id128();
      id.set(random.oneIn(3) ? word() : 0, word(), random.oneIn(3) ? word() : 0, word());
      ids.set([id.w0, id.w1, id.w2, id.w3].join(), id);
    }
    for (const id of ids.values()) streamValue.addNode(arena, stream, id, 8);
    assertEquals(radixNodeCount(arena, stream), expected([...ids.values()]), `seed ${seed}`);
  }
});
