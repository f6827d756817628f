/**
 * The score tree against a plain sorted array: random operations, order of equal scores, ranges,
 * memory given back, and a frozen image that stays as it was while the live tree goes on.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { type Memory, type Ref } from "../../src/memory/memory.ts";
import { FrozenMemory, SoftwareFork } from "../../src/memory/software_fork.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as scoreTree from "../../src/structures/score_tree.ts";
import { RECORDS_MIN } from "../../src/structures/score_tree_balance.ts";
import {
  childOf,
  elementsOf,
  LEAF_NEXT,
  LEAF_PREVIOUS,
  NODE_COUNT,
  RECORD_ELEMENTS,
  RECORD_ENTRY,
  recordAt,
  RECORDS_MAX,
  TREE_FIRST_LEAF,
  TREE_HEIGHT,
  TREE_LAST_LEAF,
  TREE_ROOT,
} from "../../src/structures/score_tree_nodes.ts";
import { segmentOf, wordOffsetOf } from "../../src/memory/memory.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

interface Element {
  score: number;
  member: string;
  entry: Ref;
}

/** An entry as a sorted set's dict has it: one owner word, then the member. */
function makeEntry(arena: Arena, member: string): Ref {
  const bytes = latin1Bytes(member);
  const entry = arena.allocate(8 + dictEntry.inlineBytes(bytes.length));
  arena.words[segmentOf(entry)][wordOffsetOf(entry)] = dictEntry.header(bytes.length, 2, 0);
  dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
  return entry;
}

function freeEntry(arena: Arena, entry: Ref): void {
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

const key = new Slice();

function memberOf(memory: Memory, entry: Ref): string {
  dictEntry.readKey(memory, entry, key);
  return latin1Text(key.bytes, key.start, key.length);
}

function compareElements(a: Element, b: Element): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return a.member < b.member ? -1 : a.member > b.member ? 1 : 0;
}

/** The sorted array beside the tree. */
class Model {
  readonly arena = new Arena({ debug: true });
  readonly usedBytesBefore = this.arena.usedBytes;
  readonly tree = scoreTree.create(this.arena);
  readonly elements: Element[] = [];

  indexOf(element: Element): number {
    let low = 0;
    let high = this.elements.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareElements(this.elements[middle], element) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insert(score: number, member: string): void {
    const element = { score, member, entry: makeEntry(this.arena, member) };
    this.elements.splice(this.indexOf(element), 0, element);
    scoreTree.insert(this.arena, this.tree, score, element.entry);
  }

  removeAt(index: number): void {
    const [element] = this.elements.splice(index, 1);
    assert(scoreTree.remove(this.arena, this.tree, element.score, element.entry));
    freeEntry(this.arena, element.entry);
  }

  moveAt(index: number, newScore: number): void {
    const [element] = this.elements.splice(index, 1);
    scoreTree.move(this.arena, this.tree, element.score, newScore, element.entry);
    element.score = newScore;
    this.elements.splice(this.indexOf(element), 0, element);
  }

  replaceAt(index: number): void {
    const element = this.elements[index];
    const oldEntry = element.entry;
    element.entry = makeEntry(this.arena, element.member);
    freeEntry(this.arena, oldEntry);
    scoreTree.replaceEntry(this.arena, this.tree, element.score, oldEntry, element.entry);
  }

  removeRange(first: number, count: number): void {
    const expected = this.elements.splice(first, count).map((element) => element.entry);
    const visited: Ref[] = [];
    scoreTree.removeRange(this.arena, this.tree, first, count, (entry) => {
      visited.push(entry);
      freeEntry(this.arena, entry);
    });
    assertEquals(visited, expected);
  }

  takeBelow(score: number, room: number): void {
    const out = new Int32Array(room);
    const taken = scoreTree.takeBelowScore(this.arena, this.tree, score, out);
    const below = this.elements.filter((element) => element.score < score).length;
    assert(taken <= Math.min(below, room) && (taken > 0 || below === 0), `${taken} of ${below}`);
    const expected = this.elements.splice(0, taken).map((element) => element.entry);
    assertEquals([...out.subarray(0, taken)], expected);
    for (const entry of expected) freeEntry(this.arena, entry);
  }

  check(): void {
    checkTree(this.arena, this.tree);
    assertEquals(scoreTree.count(this.arena, this.tree), this.elements.length);
    assertEquals(walk(this.arena, this.tree), this.elements.map(textOf));
  }

  /** Frees everything and expects every byte back. */
  close(): void {
    for (const { entry } of this.elements) freeEntry(this.arena, entry);
    scoreTree.free(this.arena, this.tree);
    assertEquals(this.arena.usedBytes, this.usedBytesBefore);
  }
}

function textOf({ score, member }: { score: number; member: string }): string {
  return `${Object.is(score, -0) ? "-0" : score} ${member}`;
}

function walk(memory: Memory, tree: Ref): string[] {
  const texts: string[] = [];
  scoreTree.forEach(memory, tree, (score, entry) => {
    texts.push(textOf({ score, member: memberOf(memory, entry) }));
  });
  return texts;
}

/** Verifies counts, exact separators, occupancy and the chain of leaves. */
function checkTree(memory: Memory, tree: Ref): void {
  const height = memory.word(tree, TREE_HEIGHT);
  const root = memory.word(tree, TREE_ROOT);
  const leaves: Ref[] = [];
  checkNode(memory, root, height, true, true, leaves);
  const rootCount = memory.word(root, NODE_COUNT);
  assert(height === 0 || rootCount > 1, "root with one child");
  assertEquals(scoreTree.count(memory, tree), elementsOf(memory, root, height, 0, rootCount));
  assertEquals(memory.word(tree, TREE_FIRST_LEAF), leaves[0]);
  assertEquals(memory.word(tree, TREE_LAST_LEAF), leaves[leaves.length - 1]);
  leaves.forEach((leaf, index) => {
    assertEquals(memory.word(leaf, LEAF_PREVIOUS), leaves[index - 1] ?? 0);
    assertEquals(memory.word(leaf, LEAF_NEXT), leaves[index + 1] ?? 0);
  });
}

function checkNode(
  memory: Memory,
  node: Ref,
  level: number,
  isFirst: boolean,
  isLast: boolean,
  leaves: Ref[],
): void {
  const count = memory.word(node, NODE_COUNT);
  assert(count <= RECORDS_MAX);
  assert(isFirst || isLast || count >= RECORDS_MIN, `node with ${count} records inside`);
  if (level === 0) {
    leaves.push(node);
    return;
  }
  for (let slot = 0; slot < count; slot++) {
    const child = childOf(memory, node, slot);
    const childCount = memory.word(child, NODE_COUNT);
    assert(childCount > 0, "empty child");
    const record = recordAt(node, level, slot) - wordOffsetOf(node);
    const first = recordAt(child, level - 1, 0) - wordOffsetOf(child);
    assertEquals(
      memory.word(node, record + RECORD_ELEMENTS),
      elementsOf(memory, child, level - 1, 0, childCount),
    );
    assertEquals(memory.word(node, record + RECORD_ENTRY), memory.word(child, first + 2));
    assert(Object.is(memory.double(node, record), memory.double(child, first)), "stale separator");
    checkNode(
      memory,
      child,
      level - 1,
      isFirst && slot === 0,
      isLast && slot === count - 1,
      leaves,
    );
  }
}

function bytesPerElement({ arena, tree, elements }: Model): number {
  return scoreTree.memoryBytes(arena, tree) / elements.length;
}

/** Fisher-Yates. */
function shuffle<T>(random: SeededRandom, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [items[i], items[other]] = [items[other], items[i]];
  }
  return items;
}

/** Runs a random test and names its seed if it fails. */
function withSeed(test: (random: SeededRandom) => void): void {
  const seed = testSeed();
  try {
    test(new SeededRandom(seed));
  } catch (error) {
    throw new Error(`failed with seed ${seed}`, { cause: error });
  }
}

const SPECIAL_SCORES = [0, -0, Infinity, -Infinity, 5e-324, -5e-324, 1e308, -1e308];

/** Scores that collide, differ in the low word only, differ in sign, or are special. */
function randomScore(random: SeededRandom): number {
  switch (random.below(6)) {
    case 0:
      return random.pick(SPECIAL_SCORES);
    case 1:
      return random.below(10) - 5;
    case 2:
      return 1_700_000_000_000 + random.below(100_000);
    case 3:
      return -1_700_000_000_000 - random.below(100_000);
    case 4:
      return (random.next() - 2_147_483_648) / 1024;
    default:
      return random.below(8) * 5e-324 - 4 * 5e-324;
  }
}

function checkQueries(model: Model, random: SeededRandom): void {
  const { arena, tree, elements } = model;
  for (let round = 0; round < 20; round++) {
    const score = randomScore(random);
    const below = elements.filter((element) => element.score < score).length;
    const atMost = elements.filter((element) => element.score <= score).length;
    assertEquals(scoreTree.countBelowScore(arena, tree, score, false), below);
    assertEquals(scoreTree.countBelowScore(arena, tree, score, true), atMost);
    if (elements.length === 0) continue;
    const index = random.below(elements.length);
    const { score: found, entry } = elements[index];
    assertEquals(scoreTree.rank(arena, tree, found, entry), index);
    assertEquals(scoreTree.rank(arena, tree, found === 3 ? 4 : 3.25, entry), -1);
  }
}

function randomStep(model: Model, random: SeededRandom, growth: number, serial: number): void {
  const size = model.elements.length;
  const choice = random.below(100);
  if (size === 0 || choice < growth) {
    model.insert(randomScore(random), `${random.word(random.below(4))}${serial}`);
  } else if (choice < 84) {
    model.removeAt(random.below(size));
  } else if (choice < 85) {
    model.takeBelow(randomScore(random), random.between(1, 40));
  } else if (choice < 92) {
    model.moveAt(random.below(size), randomScore(random));
  } else if (choice < 95) {
    const index = random.below(size);
    model.moveAt(index, model.elements[index].score + 1e-9);
  } else if (choice < 99) {
    model.replaceAt(random.below(size));
  } else {
    const first = random.below(size);
    model.removeRange(first, random.below(Math.min(150, size - first) + 1));
  }
}

Deno.test("score tree follows a sorted array through random operations", () => {
  withSeed((random) => {
    const model = new Model();
    for (let step = 0; step < 24_000; step++) {
      // Grows, then shrinks, twice over.
      randomStep(model, random, (step / 6000 | 0) % 2 === 0 ? 75 : 15, step);
      if (step % 500 === 0) {
        model.check();
        checkQueries(model, random);
      }
    }
    model.check();
    model.close();
  });
});

Deno.test("score tree orders equal scores by the bytes of their members", () => {
  withSeed((random) => {
    const model = new Model();
    const members = Array.from({ length: 3000 }, (_, i) => `${random.word(random.below(3))}:${i}`);
    members.push("", "\x00", "\x00\x00", "\xff", "\xff\xff", "é");
    for (const member of shuffle(random, members)) model.insert(7, member);
    model.check();
    assertEquals(memberOf(model.arena, model.elements[0].entry), "");
    for (const probe of ["", "a", "abc", "zz:", "\xff", "\xff\xff\xff", members[17], "m:100"]) {
      const bytes = latin1Bytes(`(${probe}`);
      for (const isInclusive of [false, true]) {
        const expected = members.filter((member) =>
          isInclusive ? member <= probe : member < probe
        ).length;
        assertEquals(
          scoreTree.countBelowMember(
            model.arena,
            model.tree,
            bytes,
            1,
            bytes.length - 1,
            isInclusive,
          ),
          expected,
          `members below ${JSON.stringify(probe)}, inclusive: ${isInclusive}`,
        );
      }
    }
    model.close();
  });
});

Deno.test("score tree compares members too long to stand in their entries", () => {
  const model = new Model();
  const long = "x".repeat(dictEntry.INLINE_KEY_BYTES_MAX + 10);
  for (const tail of ["b", "", "c", "a", "ab"]) model.insert(1, long + tail);
  model.insert(1, "x");
  model.check();
  model.removeAt(2);
  model.moveAt(1, 9);
  model.check();
  model.close();
});

Deno.test("score tree takes 0 and -0 as one score and gives back the one it was given", () => {
  const model = new Model();
  model.insert(-0, "b");
  model.insert(0, "a");
  model.insert(0, "c");
  model.insert(-5e-324, "z");
  assertEquals(walk(model.arena, model.tree), ["-5e-324 z", "0 a", "-0 b", "0 c"]);
  assertEquals(scoreTree.countBelowScore(model.arena, model.tree, -0, false), 1);
  assertEquals(scoreTree.countBelowScore(model.arena, model.tree, 0, true), 4);
  model.close();
});

Deno.test("score tree fills its leaves when elements arrive in order", () => {
  for (const direction of [1, -1]) {
    const model = new Model();
    for (let i = 0; i < 20_000; i++) model.insert(i * direction, `member:${i}`);
    model.check();
    assert(bytesPerElement(model) < 12.8, `${bytesPerElement(model)} bytes an element`);
    model.close();
  }
});

Deno.test("score tree takes less than 17 bytes an element after random inserts", () => {
  withSeed((random) => {
    const model = new Model();
    for (let i = 0; i < 20_000; i++) model.insert(random.next(), `member:${i}`);
    model.check();
    assert(bytesPerElement(model) < 17, `${bytesPerElement(model)} bytes an element`);
    model.close();
  });
});

Deno.test("score tree gives memory back down to the size of an empty one", () => {
  withSeed((random) => {
    const model = new Model();
    const { arena, tree } = model;
    const emptyBytes = scoreTree.memoryBytes(arena, tree);
    assertEquals(arena.usedBytes, emptyBytes);
    for (let i = 0; i < 10_000; i++) model.insert(random.below(5000), `member:${i}`);
    while (model.elements.length > 100) model.removeAt(random.below(model.elements.length));
    model.check();
    assert(bytesPerElement(model) < 50, `${bytesPerElement(model)} bytes an element`);
    while (model.elements.length > 0) model.removeAt(random.below(model.elements.length));
    model.check();
    assertEquals(scoreTree.memoryBytes(arena, tree), emptyBytes);
    assertEquals(arena.usedBytes, emptyBytes);
    model.close();
  });
});

Deno.test("score tree serves as a queue at either end without growing", () => {
  for (const direction of [1, -1]) {
    const model = new Model();
    for (let i = 0; i < 5000; i++) {
      model.insert(i * direction, `member:${i}`);
      if (i >= 500) model.removeAt(direction === 1 ? 0 : model.elements.length - 1);
    }
    model.check();
    assert(bytesPerElement(model) < 20, `${bytesPerElement(model)} bytes an element`);
    model.close();
  }
});

Deno.test("removeRange takes out exactly the ranks asked for", () => {
  withSeed((random) => {
    for (let round = 0; round < 40; round++) {
      const model = new Model();
      const size = 1 + random.below(6000);
      for (let i = 0; i < size; i++) model.insert(random.below(1000), `member:${i}`);
      while (model.elements.length > 0 && !random.oneIn(6)) {
        const first = random.below(model.elements.length);
        model.removeRange(first, random.below(model.elements.length - first + 1));
        model.check();
      }
      if (random.oneIn(2)) model.removeRange(0, model.elements.length);
      model.check();
      model.close();
    }
  });
});

Deno.test("removeRange refuses a range that is not there", () => {
  const model = new Model();
  model.insert(1, "a");
  const remove = (first: number, count: number) => () =>
    scoreTree.removeRange(model.arena, model.tree, first, count, () => {});
  assertThrows(remove(0, 2));
  assertThrows(remove(-1, 1));
  model.close();
});

Deno.test("remove leaves the tree alone when score or entry is another", () => {
  const model = new Model();
  model.insert(1, "a");
  model.insert(2, "b");
  const [a, b] = model.elements;
  assertEquals(scoreTree.remove(model.arena, model.tree, 2, a.entry), false);
  const twin = makeEntry(model.arena, "b");
  assertEquals(scoreTree.remove(model.arena, model.tree, 2, twin), false);
  assertThrows(() => scoreTree.move(model.arena, model.tree, 3, 4, b.entry));
  model.check();
  freeEntry(model.arena, twin);
  model.close();
});

Deno.test("score tree cursor walks both ways from any rank", () => {
  withSeed((random) => {
    const model = new Model();
    const { arena, tree, elements } = model;
    const cursor = new scoreTree.ScoreTreeCursor();
    assertEquals(cursor.next(), false);
    assertEquals(cursor.seek(arena, tree, 0), false);
    for (let i = 0; i < 1000; i++) model.insert(random.below(100), `member:${i}`);
    assertEquals(cursor.seek(arena, tree, -1), false);
    assertEquals(cursor.seek(arena, tree, 1000), false);
    for (let round = 0; round < 50; round++) {
      let rank = random.below(1000);
      assert(cursor.seek(arena, tree, rank));
      for (let step = 0; step < 200; step++) {
        assertEquals(cursor.entry, elements[rank].entry);
        assertEquals(cursor.score, elements[rank].score);
        const isUp = random.oneIn(3) !== (round % 2 === 0);
        rank += isUp ? 1 : -1;
        const hasMore = isUp ? cursor.next() : cursor.previous();
        assertEquals(hasMore, rank >= 0 && rank < 1000);
        if (!hasMore) break;
      }
    }
    cursor.seek(arena, tree, 999);
    assertEquals(cursor.next(), false);
    assertEquals(cursor.entry, 0);
    assertEquals(cursor.next(), false);
    assertEquals(cursor.previous(), false);
    model.close();
  });
});

Deno.test("forEachBackward is forEach in reverse", () => {
  const model = new Model();
  for (let i = 0; i < 500; i++) model.insert((i * 37) % 101, `member:${i}`);
  const texts: string[] = [];
  scoreTree.forEachBackward(model.arena, model.tree, (score, entry) => {
    texts.push(textOf({ score, member: memberOf(model.arena, entry) }));
  });
  assertEquals(texts.reverse(), walk(model.arena, model.tree));
  model.close();
});

Deno.test("a frozen score tree stays as it was while the live one changes", () => {
  withSeed((random) => {
    const model = new Model();
    const { arena, tree } = model;
    const fork = new SoftwareFork(arena);
    let serial = 0;
    for (let round = 0; round < 12; round++) {
      const growth = round % 4 === 3 ? 20 : 75;
      for (let step = random.below(1500); step > 0; step--) {
        randomStep(model, random, growth, serial++);
      }
      const expected = model.elements.map(textOf);
      fork.freeze();
      const frozen = new FrozenMemory(fork.transferable());
      for (let step = random.below(1500); step > 0; step--) {
        randomStep(model, random, growth, serial++);
      }
      checkTree(frozen, tree);
      assertEquals(walk(frozen, tree), expected);
      assertEquals(scoreTree.count(frozen, tree), expected.length);
      fork.release();
      arena.freeDeferred(Infinity);
      model.check();
    }
    model.close();
  });
});

Deno.test("the first change after a freeze, whatever it is, leaves the frozen tree alone", () => {
  withSeed((random) => {
    const model = new Model();
    const { arena, tree } = model;
    const fork = new SoftwareFork(arena);
    for (let i = 0; i < 2000; i++) model.insert(random.below(100_000), `member:${i}`);
    for (let round = 0; round < 200; round++) {
      const expected = round % 20 === 0 ? model.elements.map(textOf) : null;
      fork.freeze();
      // Most rounds insert or remove among few neighbours, which splits, fills and merges often.
      const place = 40 + random.below(50);
      if (round % 50 < 25) model.insert(model.elements[place].score, `later:${round}`);
      else if (round % 10 !== 9) model.removeAt(place);
      else model.removeRange(place, 40);
      if (expected !== null) {
        assertEquals(walk(new FrozenMemory(fork.transferable()), tree), expected);
      }
      // Verifies the checksums of all frozen segments.
      fork.release();
      arena.freeDeferred(Infinity);
    }
    model.check();
    model.close();
  });
});

Deno.test("the first elements are found in order, in as many leaves as it takes", () => {
  const arena = new Arena({ debug: true });
  const tree = scoreTree.create(arena);
  const out = new Int32Array(100);
  assertEquals(scoreTree.firstEntries(arena, tree, 16, out), 0);
  const entries = Array.from({ length: 500 }, (_, index) => makeEntry(arena, `m${index}`));
  entries.forEach((entry, index) => scoreTree.insert(arena, tree, index, entry));
  assertEquals(scoreTree.firstEntries(arena, tree, 3, out), 3);
  assertEquals([...out.subarray(0, 4)], [...entries.slice(0, 3), 0]);
  assertEquals(scoreTree.firstEntries(arena, tree, 100, out), 100);
  assertEquals([...out], entries.slice(0, 100));
  scoreTree.removeRange(arena, tree, 0, 495, () => {});
  assertEquals(scoreTree.firstEntries(arena, tree, 100, out), 5);
  assertEquals([...out.subarray(0, 5)], entries.slice(495));
});
