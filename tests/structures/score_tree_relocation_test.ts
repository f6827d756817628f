/** Relocation of a score tree: every node moves, and order, ranks and both chains stay right. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { type Ref, SEGMENT_BYTES, segmentOf, wordOffsetOf } from "../../src/memory/memory.ts";
import { CLASS_BYTES } from "../../src/memory/size_classes.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as scoreTree from "../../src/structures/score_tree.ts";
import { RECORDS_MAX } from "../../src/structures/score_tree_nodes.ts";
import { relocateLeaf } from "../../src/structures/score_tree_relocation.ts";

/** Blocks of this size are the entries; no node has it. */
const ENTRY_BYTES = 56;

function makeEntry(arena: Arena, index: number): Ref {
  const bytes = latin1Bytes(`member:${String(index).padStart(6, "0")}`.padEnd(ENTRY_BYTES - 8));
  const entry = arena.allocate(8 + bytes.length);
  arena.words[segmentOf(entry)][wordOffsetOf(entry)] = dictEntry.header(bytes.length, 2, 0);
  dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
  return entry;
}

/** Makes the slabs in which nodes stand emptier than others, and marks them. */
function evacuateNodes(arena: Arena): void {
  for (const byteCount of CLASS_BYTES) {
    if (byteCount < 64 || byteCount > 1280) continue;
    const filling: Ref[] = [];
    const before = arena.segmentCount;
    while (arena.segmentCount < before + 2) filling.push(arena.allocate(byteCount));
    const last = segmentOf(filling.at(-1)!);
    for (const ref of filling) if (segmentOf(ref) !== last) arena.free(ref);
    const wanted = Math.floor(0.6 * SEGMENT_BYTES / byteCount);
    for (let count = 1; count < wanted; count++) arena.allocate(byteCount);
  }
  arena.beginEvacuation();
}

/** Walks over all leaves; returns how many there are. */
function relocateAll(arena: Arena, tree: Ref): number {
  let leaves = 0;
  for (let rank = 0; rank !== -1; leaves++) rank = relocateLeaf(arena, tree, rank);
  return leaves;
}

for (const count of [1, RECORDS_MAX, 1000, 8000]) {
  Deno.test(`all nodes of a tree of ${count} elements move, and nothing else changes`, () => {
    const arena = new Arena({ debug: true });
    const tree = scoreTree.create(arena);
    const entries = Array.from({ length: count }, (_, index) => makeEntry(arena, index));
    entries.forEach((entry, index) => scoreTree.insert(arena, tree, index, entry));
    const treeBytes = scoreTree.memoryBytes(arena, tree);
    evacuateNodes(arena);
    const leaves = relocateAll(arena, tree);
    assert(leaves >= count / RECORDS_MAX);
    assert(arena.relocatedCount >= leaves, `${arena.relocatedCount} of ${leaves} leaves moved`);
    const forward: Ref[] = [];
    const backward: Ref[] = [];
    scoreTree.forEach(arena, tree, (_, entry) => forward.push(entry));
    scoreTree.forEachBackward(arena, tree, (_, entry) => backward.push(entry));
    assertEquals(forward, entries);
    assertEquals(backward, entries.toReversed());
    entries.forEach((entry, index) => {
      if (index % 17 === 0) assertEquals(scoreTree.rank(arena, tree, index, entry), index);
    });
    assertEquals(scoreTree.memoryBytes(arena, tree), treeBytes);
    // The shape is sound: it can be taken apart from both ends.
    for (let low = 0, high = count - 1; low < high; low++, high--) {
      assert(scoreTree.remove(arena, tree, low, entries[low]));
      assert(scoreTree.remove(arena, tree, high, entries[high]));
    }
    assert(scoreTree.count(arena, tree) <= 1);
  });
}

Deno.test("a walk goes on at its rank although elements before it were removed", () => {
  const arena = new Arena({ debug: true });
  const tree = scoreTree.create(arena);
  const entries = Array.from({ length: 2000 }, (_, index) => makeEntry(arena, index));
  entries.forEach((entry, index) => scoreTree.insert(arena, tree, index, entry));
  const rank = relocateLeaf(arena, tree, 0);
  assert(rank > 0 && rank < 100);
  scoreTree.removeRange(arena, tree, 0, 1950, () => {});
  assertEquals(relocateLeaf(arena, tree, 1999), -1);
  assert(relocateLeaf(arena, tree, 40) === -1);
});
