/**
 * The name tree against a Map: names come and go, are found, and stand in order of their bytes.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import { type Memory, type Ref, segmentOf, wordOffsetOf } from "../../src/memory/memory.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as nameTree from "../../src/structures/name_tree.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

const key = new Slice();

function nameOf(memory: Memory, entry: Ref): string {
  dictEntry.readKey(memory, entry, key);
  return latin1Text(key.bytes, key.start, key.length);
}

function makeEntry(arena: Arena, name: string): Ref {
  const bytes = latin1Bytes(name);
  const entry = arena.allocate(8 + dictEntry.inlineBytes(bytes.length));
  arena.words[segmentOf(entry)][wordOffsetOf(entry)] = dictEntry.header(bytes.length, 2, 0);
  dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
  return entry;
}

function names(memory: Memory, tree: Ref): string[] {
  return nameTree.entries(memory, tree).map((entry) => nameOf(memory, entry));
}

Deno.test("names are found, replaced and removed, and stand in order", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const freezes = new FreezeCheck();
  const { arena } = freezes;
  const tree = nameTree.create(arena);
  const model = new Map<string, Ref>();
  const sorted = () => [...model.keys()].sort();
  const find = (name: string) => {
    const bytes = latin1Bytes(name);
    return nameTree.find(arena, tree, bytes, 0, bytes.length);
  };
  for (let step = 0; step < 2000; step++) {
    const name = random.oneIn(50)
      ? "x".repeat(40_000 + random.below(3))
      : random.word(random.below(3));
    assertEquals(find(name), model.get(name) ?? 0, `seed ${seed}`);
    const entry = model.get(name) ?? makeEntry(arena, name);
    if (!model.has(name)) {
      nameTree.insert(arena, tree, entry);
      model.set(name, entry);
    } else if (random.oneIn(2)) {
      const fresh = makeEntry(arena, name);
      nameTree.replace(arena, tree, entry, fresh);
      model.set(name, fresh);
      dictEntry.freeKey(arena, entry);
      arena.free(entry);
    } else {
      nameTree.remove(arena, tree, entry);
      model.delete(name);
      dictEntry.freeKey(arena, entry);
      arena.free(entry);
    }
    if (step % 100 !== 0) continue;
    assertEquals(names(arena, tree), sorted(), `seed ${seed}`);
    assertEquals(nameTree.count(arena, tree), model.size);
    const rank = random.below(model.size + 1);
    const expected = model.get(sorted()[rank]) ?? 0;
    assertEquals(nameTree.entryAt(arena, tree, rank), expected, `seed ${seed}`);
    if (freezes.isFrozen) freezes.release();
    else {
      const frozen = sorted();
      freezes.freeze((memory) => assertEquals(names(memory, tree), frozen, `seed ${seed}`));
    }
  }
  freezes.release();
  for (const entry of model.values()) {
    dictEntry.freeKey(arena, entry);
    arena.free(entry);
  }
  nameTree.free(arena, tree);
  freezes.assertEmpty();
});
