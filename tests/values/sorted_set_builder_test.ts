/** Sorted set builder: what it collects, in what order and encoding, and that it frees the rest. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { AddressSpaceFull, Arena } from "../../src/memory/arena.ts";
import { SortedSetBuilder } from "../../src/values/sorted_set_builder.ts";
import * as sortedSet from "../../src/values/sorted_set_value.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "../../src/values/value.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const LIMITS = { listpackEntriesMax: 128, listpackValueBytesMax: 64 };

function add(builder: SortedSetBuilder, member: string, score: number): boolean {
  return builder.add(latin1(member), 0, member.length, score);
}

/** The members in their order, each with its score. */
function contents(arena: Arena, builder: SortedSetBuilder): [string, number][] {
  const found: [string, number][] = [];
  sortedSet.forEach(arena, builder.encoding, builder.ref, (member, score) => {
    found.push([fromLatin1(member.copy()), score]);
  });
  return found;
}

function inOrder(model: Map<string, number>): [string, number][] {
  return [...model].sort(([a, aScore], [b, bScore]) =>
    aScore === bScore ? (a < b ? -1 : 1) : aScore < bScore ? -1 : 1
  );
}

Deno.test("members added, changed and removed at random come out in order, and are freed", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const arena = new Arena({ debug: true });
  const empty = arena.usedBytes;
  for (let round = 0; round < 60; round++) {
    const note = `seed ${seed}, round ${round}`;
    const builder = new SortedSetBuilder(arena);
    const model = new Map<string, number>();
    const members = random.pick([1, 3, 100, 128, 129, 600]);
    const scores = random.pick([1, 3, 1000]);
    if (random.oneIn(3)) builder.reserve(members);
    for (let step = 0; step < members * 2; step++) {
      const member = `m${random.below(members)}`;
      const score = random.oneIn(20)
        ? random.pick([Infinity, -Infinity, 2 ** 53 + 2, -0])
        : random.below(scores) / 4;
      if (random.oneIn(8)) {
        builder.remove(latin1(member), 0, member.length);
        model.delete(member);
        continue;
      }
      assertEquals(add(builder, member, score), !model.has(member), note);
      model.set(member, score);
    }
    assertEquals(builder.count, model.size, note);
    if (random.oneIn(4)) {
      builder.abandon();
      assertEquals(arena.usedBytes, empty, note);
      continue;
    }
    builder.finish(LIMITS);
    const isSmall = model.size <= LIMITS.listpackEntriesMax;
    assertEquals(builder.encoding, isSmall ? ENCODING_LISTPACK : ENCODING_SKIPLIST, note);
    assertEquals(
      contents(arena, builder),
      inOrder(model).map(([member, score]) =>
        // A listpack keeps no sign of a zero.
        [member, isSmall && score === 0 ? 0 : score] as [string, number]
      ),
      note,
    );
    while (!sortedSet.releaseStep(arena, builder.encoding, builder.ref, 1000));
    assertEquals(arena.usedBytes, empty, note);
  }
});

Deno.test("a score can be changed where the member was found", () => {
  const arena = new Arena({ debug: true });
  const builder = new SortedSetBuilder(arena);
  for (let index = 0; index < 300; index++) add(builder, `m${index}`, index);
  const name = latin1("m7");
  const found = builder.find(hashBytes(name, 0, 2), name, 0, 2);
  assertEquals(builder.scoreOf(found), 7);
  builder.setScore(found, 1000);
  builder.complete();
  const all = contents(arena, builder);
  assertEquals(all.length, 300);
  assertEquals(all.at(-1), ["m7", 1000]);
  assertEquals(builder.find(hashBytes(name, 0, 1), name, 0, 1), 0);
  builder.abandon();
});

Deno.test("nothing is left of a set for which the address space had no room", () => {
  const arena = new Arena({ debug: true, segmentCountMax: 40 });
  const used = arena.usedBytes;
  const builder = new SortedSetBuilder(arena);
  const fill = () => {
    for (let index = 0;; index++) add(builder, `${index}:${"x".repeat(20_000)}`, index);
  };
  assertThrows(fill, AddressSpaceFull);
  assert(arena.usedBytes <= used);
});
