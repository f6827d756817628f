/**
 * The leaf chain: both ends and all neighbours stay right when leaves come, move and go.
 */
import { assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import { type Ref, segmentOf, wordOffsetOf } from "../../src/memory/memory.ts";
import * as chain from "../../src/structures/leaf_chain.ts";

function block(arena: Arena): Ref {
  const ref = arena.allocate(24);
  arena.words[segmentOf(ref)].fill(0, wordOffsetOf(ref), wordOffsetOf(ref) + 6);
  return ref;
}

function check(arena: Arena, tree: Ref, leaves: Ref[]): void {
  assertEquals(arena.word(tree, chain.TREE_FIRST_LEAF), leaves[0] ?? 0);
  assertEquals(arena.word(tree, chain.TREE_LAST_LEAF), leaves.at(-1) ?? 0);
  leaves.forEach((leaf, index) => {
    assertEquals(arena.word(leaf, chain.LEAF_PREVIOUS), leaves[index - 1] ?? 0);
    assertEquals(arena.word(leaf, chain.LEAF_NEXT), leaves[index + 1] ?? 0);
  });
}

Deno.test("leaves are linked behind others, moved and unlinked", () => {
  const arena = new Arena({ debug: true });
  const tree = block(arena);
  const [a, b, c, d] = [block(arena), block(arena), block(arena), block(arena)];
  chain.relinkLeaf(arena, tree, a);
  check(arena, tree, [a]);
  chain.linkLeaf(arena, tree, a, c);
  chain.linkLeaf(arena, tree, a, b);
  check(arena, tree, [a, b, c]);
  arena.copyBlock(b, d, 24);
  chain.relinkLeaf(arena, tree, d);
  check(arena, tree, [a, d, c]);
  for (const [gone, left] of [[a, [d, c]], [c, [d]], [d, []]] as [Ref, Ref[]][]) {
    chain.unlinkLeaf(arena, tree, gone);
    check(arena, tree, left);
  }
});
