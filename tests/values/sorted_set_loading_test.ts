/**
 * Loading a large sorted set: whatever the order of its members, it is the set that adding them one
 * by one makes.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as scoreTree from "../../src/structures/score_tree.ts";
import * as large from "../../src/values/sorted_set_large.ts";
import { loadMembers } from "../../src/values/sorted_set_loading.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";

type Member = [score: number, name: string];

function load(arena: Arena, members: readonly Member[]): { root: Ref; isUnique: boolean } {
  const root = large.create(arena);
  let next = 0;
  const isUnique = loadMembers(arena, root, members.length, (loading) => {
    const [score, name] = members[next++];
    loading.add(latin1Bytes(name), 0, name.length, score);
  });
  return { root, isUnique };
}

function contents(arena: Arena, root: Ref): string[] {
  const texts: string[] = [];
  large.forEach(arena, root, ({ bytes, start, length }, score) => {
    texts.push(`${latin1Text(bytes, start, length)} ${score}`);
  });
  return texts;
}

function release(arena: Arena, root: Ref): void {
  while (!large.releaseStep(arena, root, 1000));
  assertEquals(arena.usedBytes, 0);
}

function sorted(members: readonly Member[]): Member[] {
  return members.toSorted(([a, nameA], [b, nameB]) => a - b || (nameA < nameB ? -1 : 1));
}

const ORDERS: Record<string, (members: readonly Member[], random: SeededRandom) => Member[]> = {
  upwards: (members) => sorted(members),
  downwards: (members) => sorted(members).reverse(),
  "at random": (members) => [...members],
  "downwards, with two halves exchanged": (members) => {
    const all = sorted(members).reverse();
    const half = all.length >>> 1;
    return [...all.slice(half), ...all.slice(0, half)];
  },
  "upwards, but for some": (members, random) => {
    const all = sorted(members);
    for (let index = 0; index + 1 < all.length; index++) {
      if (random.oneIn(40)) [all[index], all[index + 1]] = [all[index + 1], all[index]];
    }
    return all;
  },
};

for (const [name, order] of Object.entries(ORDERS)) {
  Deno.test(`members that come ${name} make the same set`, () => {
    const seed = freshSeed();
    const random = new SeededRandom(seed);
    for (const count of [0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 1000, 4100, 9001]) {
      const arena = new Arena({ debug: true });
      // Some scores are the scores of many.
      const members = Array.from(
        { length: count },
        (_, index): Member => [random.below(count), `m${index}`],
      );
      const { root, isUnique } = load(arena, order(members, random));
      assert(isUnique);
      const expected = sorted(members).map(([score, member]) => `${member} ${score}`);
      assertEquals(contents(arena, root), expected, `seed ${seed}, ${count} members`);
      for (const [score, member] of members.slice(0, 100)) {
        const entry = large.find(arena, root, latin1Bytes(member), 0, member.length);
        assertEquals(large.scoreOf(arena, entry), score);
      }
      // Ranks and neighbours are right, too: every second one goes by its rank.
      for (let rank = count - 1; rank >= 0; rank -= 2) large.removeRange(arena, root, rank, 1);
      assertEquals(contents(arena, root), expected.filter((_, index) => (count - index) % 2 === 0));
      release(arena, root);
    }
  });
}

Deno.test("members that come in order fill the leaves of the tree", () => {
  for (const order of [sorted, (members: Member[]) => sorted(members).reverse()]) {
    const arena = new Arena({ debug: true });
    const members = Array.from({ length: 20_000 }, (_, index): Member => [index, `m${index}`]);
    const { root } = load(arena, order(members));
    const perElement = scoreTree.memoryBytes(arena, large.treeOf(arena, root)) / members.length;
    assert(perElement < 13, `${perElement} bytes an element`);
    release(arena, root);
  }
});

Deno.test("a member that comes twice is found out, in one batch and in another", () => {
  for (const distance of [1, 5, 100]) {
    const arena = new Arena({ debug: true });
    const members = Array.from({ length: 200 }, (_, index): Member => [index, `m${index}`]);
    members[50 + distance] = [7.5, "m50"];
    const { root, isUnique } = load(arena, members);
    assertEquals([isUnique, large.count(arena, root)], [false, 199]);
    release(arena, root);
  }
});

Deno.test("what is thrown while members are read leaves a whole set", () => {
  const arena = new Arena({ debug: true });
  const root = large.create(arena);
  let added = 0;
  assertThrows(
    () =>
      loadMembers(arena, root, 1000, (loading) => {
        if (added === 500) throw new Error("the file ends");
        const name = `m${added}`;
        loading.add(latin1Bytes(name), 0, name.length, added++);
      }),
    Error,
    "the file ends",
  );
  assertEquals([large.count(arena, root), contents(arena, root).length], [500, 500]);
  release(arena, root);
});
