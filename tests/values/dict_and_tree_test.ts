/** The root of a large collection that has an order: its two halves, and how it is freed. */
import { assertEquals } from "@std/assert";
import * as dict from "../../src/structures/dict.ts";
import * as scoreTree from "../../src/structures/score_tree.ts";
import * as dictAndTree from "../../src/values/dict_and_tree.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

Deno.test("a root names the dict it was made for, and a tree that is empty and can be freed", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const members = dict.create(arena);
  const root = dictAndTree.create(arena, members);
  assertEquals(dictAndTree.dictOf(arena, root), members);
  assertEquals(scoreTree.count(arena, dictAndTree.treeOf(arena, root)), 0);
  check.freeze((memory) => assertEquals(dictAndTree.dictOf(memory, root), members));
  dictAndTree.freeTree(arena, root);
  assertEquals(dictAndTree.treeOf(arena, root), 0);
  dict.free(arena, members, () => {});
  arena.free(root);
  check.assertEmpty();
});
