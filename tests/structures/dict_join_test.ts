/** What two dicts have in common is found, whatever their sizes, and each once. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../../src/memory/memory.ts";
import * as dict from "../../src/structures/dict.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import { isJoinable, someCommon } from "../../src/structures/dict_join.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const KEY_OFFSET = 1;

function put(arena: Arena, target: Ref, text: string): void {
  const bytes = latin1Bytes(text);
  const entry = arena.allocate(KEY_OFFSET * 4 + dictEntry.inlineBytes(bytes.length));
  const head = dictEntry.header(bytes.length, KEY_OFFSET, 0);
  arena.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1] = head;
  dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
  dict.insert(arena, target, entry);
}

Deno.test("the keys of random dicts of any sizes are joined as sets are", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 120; round++) {
    const arena = new Arena({ debug: true });
    const keys = [0, 1].map(() => {
      const count = random.pick([1, 9, 60, 300, random.between(1, 3000)]);
      const range = random.pick([count, count * 2, 4000]);
      return new Set(Array.from({ length: count }, () => `key ${random.below(range)}`));
    });
    if (random.oneIn(3)) keys.forEach((set) => set.add("long ".repeat(10_000)));
    const tables = keys.map((set) => {
      const table = dict.create(arena);
      if (random.oneIn(4)) dict.reserve(arena, table, random.below(6000));
      for (const key of set) put(arena, table, key);
      return table;
    });
    const [own, other] = tables;
    const found: string[] = [];
    const view = new Slice();
    someCommon(arena, own, other, (entry) => {
      dictEntry.readKey(arena, entry, view);
      found.push(latin1Text(view.bytes, view.start, view.length));
      return false;
    });
    const expected = [...keys[0].intersection(keys[1])].sort();
    assertEquals(found.sort(), expected, `seed ${seed}, round ${round}`);
    let visits = 0;
    someCommon(arena, own, other, () => ++visits === 2);
    assertEquals(visits, Math.min(2, expected.length));
  }
});

Deno.test("dicts are joinable unless the other is far larger", () => {
  const arena = new Arena({ debug: true });
  const [small, large] = [dict.create(arena), dict.create(arena)];
  assert(isJoinable(arena, small, large));
  dict.reserve(arena, large, 1000);
  assert(!isJoinable(arena, small, large));
  assert(isJoinable(arena, large, small));
});
