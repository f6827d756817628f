/** The large form of a sorted set: dict and tree stay in step, and are freed in steps. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as dict from "../../src/structures/dict.ts";
import { DictTouch } from "../../src/structures/dict_touch.ts";
import * as scoreTree from "../../src/structures/score_tree.ts";
import * as large from "../../src/values/sorted_set_large.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

function add(arena: Arena, root: Ref, member: string, score: number): void {
  const bytes = latin1Bytes(member);
  assertEquals(large.find(arena, root, bytes, 0, bytes.length), 0);
  large.insertNotFound(arena, root, bytes, 0, bytes.length, score);
}

function found(memory: Memory, root: Ref, member: string): Ref {
  return large.find(memory, root, latin1Bytes(member), 0, member.length);
}

function order(memory: Memory, root: Ref): string[] {
  const members: string[] = [];
  large.forEach(memory, root, ({ bytes, start, length }) => {
    members.push(latin1Text(bytes, start, length));
  });
  return members;
}

Deno.test("dict and tree hold the same members through all changes", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = large.create(arena);
  for (let index = 0; index < 500; index++) add(arena, root, `m${index}`, index);
  large.removeRange(arena, root, 100, 300);
  large.removeFound(arena, root, found(arena, root, "m0"));
  large.move(arena, root, found(arena, root, "m1"), 1000);
  assertEquals(large.scoreOf(arena, found(arena, root, "m1")), 1000);
  assertEquals(dict.count(arena, large.dictOf(arena, root)), 199);
  assertEquals(scoreTree.count(arena, large.treeOf(arena, root)), 199);
  assertEquals(found(arena, root, "m250"), 0);
  assertEquals([order(arena, root)[0], order(arena, root).at(-1)], ["m2", "m1"]);
  while (!large.releaseStep(arena, root, 50));
  check.assertEmpty();
});

Deno.test("a release takes as many steps as its limit says, also while frozen", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = large.create(arena);
  for (let index = 0; index < 1000; index++) add(arena, root, `m${index}`, index % 7);
  const before = order(arena, root);
  check.freeze((memory) => assertEquals(order(memory, root), before));
  let steps = 1;
  while (!large.releaseStep(arena, root, 100)) steps++;
  assert(steps >= 10, `${steps} steps`);
  check.assertEmpty();
});

Deno.test("members are visited in both directions", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = large.create(arena);
  for (const [score, member] of ["b", "a", "c"].entries()) add(arena, root, member, score);
  const back: [string, number][] = [];
  large.forEachBackward(arena, root, ({ bytes, start, length }, score) => {
    back.push([latin1Text(bytes, start, length), score]);
  });
  assertEquals(back, [["c", 2], ["a", 1], ["b", 0]]);
  assertEquals(order(arena, root), ["b", "a", "c"]);
  while (!large.releaseStep(arena, root, 1));
  check.assertEmpty();
});

Deno.test("the memory counted is the memory freed", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = large.create(arena);
  for (let index = 0; index < 300; index++) add(arena, root, `member:${index}`, index);
  add(arena, root, "long".repeat(30000), 1);
  const counted = large.memoryBytes(arena, root, 0);
  // Tables and trees are counted by what they use of their blocks.
  assert(counted <= arena.usedBytes && counted > arena.usedBytes * 0.8);
  while (!large.releaseStep(arena, root, 1000));
  check.assertEmpty();
});

Deno.test("touching the first members of a large set finds them in its dict, and changes nothing", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = large.create(arena);
  const touch = new DictTouch();
  add(arena, root, "m0", 0);
  large.touchFirst(arena, root, 16, touch);
  assertEquals(touch.seen, 0, "a small set is in the cache");
  for (let index = 1; index < 40_000; index++) add(arena, root, `m${index}`, index);
  const before = order(arena, root);
  large.touchFirst(arena, root, 16, touch);
  assert(touch.seen !== 0);
  // Another entry of the same bucket may have the same tag.
  const right = before.slice(0, 16).filter((member, index) =>
    touch.entries[index] === found(arena, root, member)
  );
  assert(right.length >= 8, `${right.length} of 16`);
  assertEquals(order(arena, root), before);
  large.removeRange(arena, root, 3, before.length - 3);
  large.touchFirst(arena, root, 16, touch);
  while (!large.releaseStep(arena, root, 1000));
  check.assertEmpty();
});
