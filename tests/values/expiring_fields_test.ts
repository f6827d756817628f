/** Large hashes whose fields expire: dict and order stay in step, and are freed in steps. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as dict from "../../src/structures/dict.ts";
import * as scoreTree from "../../src/structures/score_tree.ts";
import * as dictAndTree from "../../src/values/dict_and_tree.ts";
import * as fields from "../../src/values/expiring_fields.ts";
import { expiryScore } from "../../src/values/expiry_score.ts";
import * as fieldEntry from "../../src/values/field_entry.ts";
import { NO_EXPIRY } from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

function create(arena: Arena): Ref {
  return dictAndTree.create(arena, dict.create(arena));
}

function find(memory: Memory, root: Ref, field: string): Ref {
  const bytes = latin1Bytes(field);
  return dict.find(memory, dictAndTree.dictOf(memory, root), bytes, 0, bytes.length);
}

function add(arena: Arena, root: Ref, field: string, text: string, expiryMs: number): void {
  assertEquals(find(arena, root, field), 0);
  const name = latin1Bytes(field);
  const bytes = latin1Bytes(text);
  fields.addNotFound(arena, root, name, 0, name.length, bytes, 0, bytes.length, expiryMs);
}

function setExpiry(arena: Arena, root: Ref, field: string, expiryMs: number): void {
  fields.setExpiryFound(arena, root, find(arena, root, field), expiryMs);
}

/** Every entry with an expiry is in the tree, at its place, and no other. */
function assertInStep(memory: Memory, root: Ref): void {
  let expiring = 0;
  dict.forEach(memory, dictAndTree.dictOf(memory, root), (entry) => {
    if (fieldEntry.expiryOf(memory, entry) !== NO_EXPIRY) expiring++;
  });
  const tree = dictAndTree.treeOf(memory, root);
  assertEquals(scoreTree.count(memory, tree), expiring);
  scoreTree.forEach(memory, tree, (score, entry) => {
    const expiryMs = fieldEntry.expiryOf(memory, entry);
    assertEquals(expiryScore(expiryMs, dict.hashOf(memory, entry)), score);
  });
}

Deno.test("expiries are set, changed, dropped, and go with their fields", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = create(arena);
  for (let index = 0; index < 300; index++) {
    add(arena, root, `f${index}`, "v".repeat(index), index % 3 === 0 ? NO_EXPIRY : 1000 + index);
  }
  check.freeze((memory) => assertEquals(fields.nextExpiry(memory, root), 1001));
  assertInStep(arena, root);
  setExpiry(arena, root, "f1", NO_EXPIRY);
  setExpiry(arena, root, "f3", 5);
  setExpiry(arena, root, "f5", 3000);
  setExpiry(arena, root, "f6", NO_EXPIRY);
  assertInStep(arena, root);
  assertEquals(fields.nextExpiry(arena, root), 5);
  fields.removeFound(arena, root, find(arena, root, "f3"));
  assertEquals(fields.nextExpiry(arena, root), 1002);
  assertEquals(fields.countExpired(arena, root, 1002), 0);
  assertEquals(fields.countExpired(arena, root, 1003), 1);
  while (!fields.releaseStep(arena, root, 50));
  check.assertEmpty();
});

Deno.test("a new value keeps the expiry or drops it, whatever becomes of the entry", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = create(arena);
  const texts = ["", "short", "x".repeat(300), "y".repeat(40_000), "z"];
  for (const keepsExpiry of [true, false]) {
    for (const text of texts) {
      const field = `f${keepsExpiry}`;
      if (find(arena, root, field) === 0) add(arena, root, field, "first", 77);
      setExpiry(arena, root, field, 77);
      const found = find(arena, root, field);
      const bytes = latin1Bytes(text);
      fields.setFound(arena, root, found, bytes, 0, bytes.length, keepsExpiry);
      const entry = find(arena, root, field);
      assertEquals(fieldEntry.expiryOf(arena, entry), keepsExpiry ? 77 : NO_EXPIRY);
      assertEquals(fieldEntry.valueBytes(arena, entry), text.length);
      assertInStep(arena, root);
    }
  }
  while (!fields.releaseStep(arena, root, 50));
  check.assertEmpty();
});

Deno.test("those that expire first are removed first; a copy shares nothing", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const root = create(arena);
  for (let index = 0; index < 100; index++) add(arena, root, `f${index}`, "v", 1000 - index);
  const copy = fields.duplicate(arena, root);
  const removed: string[] = [];
  fields.removeFirst(arena, root, 3, ({ bytes, start, length }) => {
    removed.push(latin1Text(bytes, start, length));
  });
  assertEquals(removed, ["f99", "f98", "f97"]);
  assertEquals([fields.nextExpiry(arena, root), fields.nextExpiry(arena, copy)], [904, 901]);
  assertInStep(arena, copy);
  const counted = fields.memoryBytes(arena, copy, 0);
  const usedBytes = arena.usedBytes;
  let steps = 1;
  while (!fields.releaseStep(arena, copy, 10)) steps++;
  assert(steps >= 15, `${steps} steps`);
  assertEquals(usedBytes - arena.usedBytes, counted);
  while (!fields.releaseStep(arena, root, 1000));
  check.assertEmpty();
});
