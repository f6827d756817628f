/**
 * The sorted set value against a plain sorted array, in both encodings: random changes, every way
 * of reading, a frozen image that stays as it was, memory given back; and the bytes of a listpack.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as sortedSet from "../../src/values/sorted_set_value.ts";
import { SortedSetBuilder } from "../../src/values/sorted_set_builder.ts";
import { SortedSetCursor } from "../../src/values/sorted_set_value.ts";
import * as value from "../../src/values/value.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST, TYPE_SORTED_SET } from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const REDIS_LIMITS = { listpackEntriesMax: 128, listpackValueBytesMax: 64 };
const LARGE_ONLY = { listpackEntriesMax: 0, listpackValueBytesMax: 0 };

type Pair = [member: string, score: number];

function compare(a: Pair, b: Pair): number {
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

/** A sorted set under a key, with a model beside it. */
class Tested {
  readonly check = new FreezeCheck();
  readonly arena = this.check.arena;
  readonly limits: sortedSet.SortedSetLimits;
  readonly model = new Map<string, number>();
  readonly entry: Ref;

  constructor(limits: sortedSet.SortedSetLimits) {
    this.limits = limits;
    const encoding = sortedSet.initialEncoding(limits, 1);
    const ref = sortedSet.create(this.arena, encoding);
    const key = latin1Bytes("key");
    const type = TYPE_SORTED_SET;
    this.entry = value.createEntry(this.arena, key, 0, 3, type, encoding, ref, value.NO_EXPIRY);
  }

  get encoding(): number {
    return value.encodingOf(this.arena, this.entry);
  }

  readonly added = { score: 0 };

  get ref(): Ref {
    return value.valueRef(this.arena, this.entry);
  }

  add(member: string, score: number, mode = 0): number {
    const bytes = latin1Bytes(member);
    return sortedSet.add(
      this.arena,
      this.entry,
      bytes,
      0,
      bytes.length,
      score,
      mode,
      this.limits,
      this.added,
    );
  }

  /** Adds to the set and the model. */
  put(member: string, score: number): void {
    this.add(member, score);
    this.model.set(member, score);
  }

  remove(member: string): boolean {
    const bytes = latin1Bytes(member);
    return sortedSet.remove(this.arena, this.entry, bytes, 0, bytes.length);
  }

  pairs(): Pair[] {
    return [...this.model].sort(compare);
  }

  /** Frees everything and asserts that nothing is left. */
  close(): void {
    this.check.release();
    while (!sortedSet.releaseStep(this.arena, this.encoding, this.ref, 10));
    this.arena.free(this.entry);
    this.check.assertEmpty();
  }
}

function readAll(memory: Memory, encoding: number, ref: Ref): Pair[] {
  const pairs: Pair[] = [];
  sortedSet.forEach(memory, encoding, ref, (member, score) => {
    pairs.push([latin1Text(member.bytes, member.start, member.length), score]);
  });
  return pairs;
}

function walk(memory: Memory, encoding: number, ref: Ref, rank: number, back: boolean): Pair[] {
  const pairs: Pair[] = [];
  const cursor = new SortedSetCursor();
  const member = new Slice();
  if (!cursor.seek(memory, encoding, ref, rank)) return pairs;
  do {
    cursor.readMember(member);
    pairs.push([latin1Text(member.bytes, member.start, member.length), cursor.score]);
  } while (cursor.advance(back));
  return pairs;
}

function checkAgainst(expected: Pair[], memory: Memory, encoding: number, ref: Ref): void {
  assertEquals(sortedSet.count(memory, encoding, ref), expected.length);
  assertEquals(readAll(memory, encoding, ref), expected);
  expected.forEach(([member, score], rank) => {
    const bytes = latin1Bytes(member);
    assertEquals(sortedSet.score(memory, encoding, ref, bytes, 0, bytes.length), score);
    assertEquals(sortedSet.rank(memory, encoding, ref, bytes, 0, bytes.length), rank);
    const below = expected.filter((pair) => pair[1] < score).length;
    assertEquals(sortedSet.countBelowScore(memory, encoding, ref, score, false), below);
    const upTo = expected.filter((pair) => pair[1] <= score).length;
    assertEquals(sortedSet.countBelowScore(memory, encoding, ref, score, true), upTo);
  });
}

function randomScore(random: SeededRandom): number {
  switch (random.below(6)) {
    case 0:
      return random.between(-5, 5);
    case 1:
      return random.next() / 1000;
    case 2:
      return random.pick([Infinity, -Infinity, 0, 5e-324, -1.7976931348623157e308]);
    case 3:
      return random.next() * 2 ** 29;
    case 4:
      return -random.next() * 2 ** 35;
    default:
      return random.below(100000);
  }
}

function randomMember(random: SeededRandom): string {
  const number = random.below(300);
  return random.oneIn(3) ? String(number) : `member:${number}`;
}

function runModel(limits: sortedSet.SortedSetLimits, seed: number, steps: number): void {
  const random = new SeededRandom(seed);
  const tested = new Tested(limits);
  for (let step = 0; step < steps; step++) {
    const kind = random.below(10);
    if (kind < 6) tested.put(randomMember(random), randomScore(random));
    else if (kind < 8) {
      const member = randomMember(random);
      assertEquals(tested.remove(member), tested.model.delete(member), `seed ${seed}`);
    } else if (kind < 9 && tested.model.size > 0) {
      const first = random.below(tested.model.size);
      const count = Math.min(random.below(5), tested.model.size - first);
      for (const [member] of tested.pairs().slice(first, first + count)) {
        tested.model.delete(member);
      }
      sortedSet.removeRange(tested.arena, tested.entry, first, count);
    } else if (random.oneIn(5)) {
      if (tested.check.isFrozen) tested.check.release();
      const { encoding, ref } = tested;
      const frozen = tested.pairs();
      tested.check.freeze((memory) => assertEquals(readAll(memory, encoding, ref), frozen));
    }
    if (step % 50 === 0) {
      checkAgainst(tested.pairs(), tested.arena, tested.encoding, tested.ref);
    }
  }
  checkAgainst(tested.pairs(), tested.arena, tested.encoding, tested.ref);
  tested.close();
}

Deno.test("a sorted set does what a sorted array does, whatever its encoding", () => {
  const seed = testSeed();
  try {
    runModel(REDIS_LIMITS, seed, 1500);
    runModel(LARGE_ONLY, seed, 1500);
    runModel({ listpackEntriesMax: 1000, listpackValueBytesMax: 64 }, seed, 1500);
  } catch (failure) {
    throw new Error(`seed ${seed}`, { cause: failure });
  }
});

function forEachEncoding(name: string, run: (tested: Tested) => void): void {
  for (const limits of [REDIS_LIMITS, LARGE_ONLY]) {
    const encoding = limits === REDIS_LIMITS ? "listpack" : "skiplist";
    Deno.test(`${name} (${encoding})`, () => {
      const tested = new Tested(limits);
      run(tested);
      assertEquals(value.ENCODING_NAMES[tested.encoding], encoding);
      tested.close();
    });
  }
}

forEachEncoding("add reports what it did and keeps to its mode", (tested) => {
  assertEquals(tested.add("a", 5, sortedSet.ADD_XX), sortedSet.ADD_SKIPPED);
  assertEquals(tested.add("a", 5, sortedSet.ADD_NX), sortedSet.ADD_INSERTED);
  assertEquals(tested.add("a", 7, sortedSet.ADD_NX), sortedSet.ADD_SKIPPED);
  assertEquals(tested.add("a", 5), sortedSet.ADD_SAME);
  assertEquals(tested.add("a", 4, sortedSet.ADD_GT), sortedSet.ADD_SKIPPED);
  assertEquals(tested.add("a", 5, sortedSet.ADD_GT), sortedSet.ADD_SKIPPED);
  assertEquals(tested.add("a", 6, sortedSet.ADD_GT), sortedSet.ADD_UPDATED);
  assertEquals(tested.add("a", 7, sortedSet.ADD_LT), sortedSet.ADD_SKIPPED);
  assertEquals(tested.add("a", 3, sortedSet.ADD_LT), sortedSet.ADD_UPDATED);
  assertEquals(tested.add("a", 2.5, sortedSet.ADD_INCREMENT), sortedSet.ADD_UPDATED);
  assertEquals(tested.added.score, 5.5);
  assertEquals(tested.add("a", 0, sortedSet.ADD_INCREMENT), sortedSet.ADD_SAME);
  assertEquals(tested.added.score, 5.5);
  tested.add("a", Infinity);
  const outcome = tested.add("a", -Infinity, sortedSet.ADD_INCREMENT);
  assertEquals(outcome, sortedSet.ADD_NOT_A_NUMBER);
  assertEquals(readAll(tested.arena, tested.encoding, tested.ref), [["a", Infinity]]);
});

forEachEncoding("members of one score are ordered by bytes and ranged by them", (tested) => {
  for (const member of ["b", "", "a", "10", "9", "\xff", "aa"]) tested.put(member, 0);
  const order = ["", "10", "9", "a", "aa", "b", "\xff"];
  const { arena, encoding, ref } = tested;
  assertEquals(readAll(arena, encoding, ref).map(([member]) => member), order);
  order.forEach((member, rank) => {
    const bytes = latin1Bytes(member);
    const below = sortedSet.countBelowMember(arena, encoding, ref, bytes, 0, bytes.length, false);
    const upTo = sortedSet.countBelowMember(arena, encoding, ref, bytes, 0, bytes.length, true);
    assertEquals([below, upTo], [rank, rank + 1]);
  });
});

forEachEncoding("a cursor walks from any rank in both directions", (tested) => {
  for (let index = 0; index < 100; index++) tested.put(`m${index}`, (index * 37) % 100 / 8);
  const pairs = tested.pairs();
  const { arena, encoding, ref } = tested;
  for (const rank of [0, 1, 50, 98, 99]) {
    assertEquals(walk(arena, encoding, ref, rank, false), pairs.slice(rank));
    assertEquals(walk(arena, encoding, ref, rank, true), pairs.slice(0, rank + 1).reverse());
  }
  assertEquals(walk(arena, encoding, ref, 100, false), []);
  assertEquals(walk(arena, encoding, ref, -1, false), []);
});

forEachEncoding("a sample has the wanted number of different members", (tested) => {
  for (let index = 0; index < 60; index++) tested.put(`m${index}`, index);
  for (const wanted of [1, 10, 40, 60, 100]) {
    const met = new Map<string, number>();
    sortedSet.visitSample(tested.arena, tested.encoding, tested.ref, wanted, (member, score) => {
      met.set(latin1Text(member.bytes, member.start, member.length), score);
    });
    assertEquals(met.size, Math.min(wanted, 60));
    for (const [member, score] of met) assertEquals(tested.model.get(member), score);
  }
});

forEachEncoding("a duplicate lives on by itself", (tested) => {
  for (let index = 0; index < 100; index++) tested.put(`m${index}`, index / 3);
  const { arena, encoding, ref } = tested;
  const copy = sortedSet.duplicate(arena, encoding, ref);
  for (let index = 0; index < 50; index++) tested.remove(`m${index}`);
  checkAgainst(tested.pairs(), arena, encoding, copy);
  while (!sortedSet.releaseStep(arena, encoding, copy, 7));
});

Deno.test("a set becomes large with its 129th member or one of 65 bytes", () => {
  const byCount = new Tested(REDIS_LIMITS);
  for (let index = 0; index < 128; index++) byCount.put(`m${index}`, index);
  assertEquals(byCount.encoding, ENCODING_LISTPACK);
  byCount.put("m127", 1000);
  assertEquals(byCount.encoding, ENCODING_LISTPACK);
  byCount.put("m128", 5);
  assertEquals(byCount.encoding, ENCODING_SKIPLIST);
  checkAgainst(byCount.pairs(), byCount.arena, byCount.encoding, byCount.ref);
  byCount.close();

  const byLength = new Tested(REDIS_LIMITS);
  byLength.put("m".repeat(64), 1);
  assertEquals(byLength.encoding, ENCODING_LISTPACK);
  byLength.put("m".repeat(65), 1);
  assertEquals(byLength.encoding, ENCODING_SKIPLIST);
  checkAgainst(byLength.pairs(), byLength.arena, byLength.encoding, byLength.ref);
  byLength.close();
});

Deno.test("a listpack that fills its block becomes large whatever the limits say", () => {
  const tested = new Tested({ listpackEntriesMax: 1e6, listpackValueBytesMax: 1e6 });
  for (let index = 0; index < 3; index++) tested.put(`${index}`.repeat(80000), index);
  assertEquals(tested.encoding, ENCODING_LISTPACK);
  tested.put("d".repeat(80000), 0.1);
  assertEquals(tested.encoding, ENCODING_SKIPLIST);
  checkAgainst(tested.pairs(), tested.arena, tested.encoding, tested.ref);
  for (const [member] of tested.pairs()) tested.remove(member);
  tested.close();
});

Deno.test("members too long for an entry are kept whole", () => {
  const tested = new Tested(REDIS_LIMITS);
  tested.put("long".repeat(20000), 2);
  tested.put("long".repeat(100000), 1);
  tested.put("short", 3);
  checkAgainst(tested.pairs(), tested.arena, tested.encoding, tested.ref);
  tested.close();
});

Deno.test("a builder makes its result small where it may be", () => {
  const check = new FreezeCheck();
  for (const total of [1, 128, 129]) {
    const builder = new SortedSetBuilder(check.arena);
    const pairs: Pair[] = [];
    for (let index = total; index > 0; index--) {
      const member = latin1Bytes(`m${index}`);
      assert(builder.add(member, 0, member.length, index / 7));
      pairs.unshift([`m${index}`, index / 7]);
    }
    assertEquals(builder.count, total);
    builder.finish(REDIS_LIMITS);
    assertEquals(builder.encoding, total > 128 ? ENCODING_SKIPLIST : ENCODING_LISTPACK);
    checkAgainst(pairs, check.arena, builder.encoding, builder.ref);
    while (!sortedSet.releaseStep(check.arena, builder.encoding, builder.ref, 1000));
  }
  check.assertEmpty();
});

/** The bytes of a listpack with these elements. */
function rawListpack(elements: string[]): Uint8Array {
  const { arena } = new FreezeCheck();
  let ref = listpack.create(arena);
  for (const element of elements) {
    ref = listpack.append(arena, ref, latin1Bytes(element), 0, element.length);
  }
  const raw = new Slice();
  listpack.rawSlice(arena, ref, raw);
  return raw.copy();
}

Deno.test("the bytes of a listpack are loaded, as large set where limits demand it", () => {
  const elements = ["a", "-inf", "12", "1.5", "b", "1.5", "c", "2"];
  const raw = rawListpack(elements);
  for (const limits of [REDIS_LIMITS, { ...REDIS_LIMITS, listpackEntriesMax: 3 }]) {
    const tested = new Tested(limits);
    const { arena, entry } = tested;
    assert(sortedSet.loadListpack(arena, entry, raw, 0, raw.length, limits));
    assertEquals(
      tested.encoding,
      limits.listpackEntriesMax === 3 ? ENCODING_SKIPLIST : ENCODING_LISTPACK,
    );
    const pairs: Pair[] = [["a", -Infinity], ["12", 1.5], ["b", 1.5], ["c", 2]];
    checkAgainst(pairs, arena, tested.encoding, tested.ref);
    tested.close();
  }
});

Deno.test("a listpack larger than a block is loaded as a large set", () => {
  // Three pairs, each with a member of 100,000 bytes in the 32-bit form.
  const parts: number[] = [];
  for (let index = 0; index < 3; index++) {
    const length = 100000;
    parts.push(0xf0, length & 255, (length >> 8) & 255, length >> 16, 0);
    for (let at = 0; at < length; at++) parts.push(97 + index);
    const size = length + 5;
    parts.push(size >> 14, ((size >> 7) & 127) | 128, (size & 127) | 128);
    parts.push(index, 1);
  }
  const total = parts.length + 7;
  const raw = new Uint8Array([
    ...[total & 255, (total >> 8) & 255, (total >> 16) & 255, 0, 6, 0],
    ...parts,
    255,
  ]);
  const tested = new Tested(REDIS_LIMITS);
  assert(sortedSet.loadListpack(tested.arena, tested.entry, raw, 0, raw.length, REDIS_LIMITS));
  assertEquals(tested.encoding, ENCODING_SKIPLIST);
  const pairs = ["a", "b", "c"].map((letter, index): Pair => [letter.repeat(100000), index]);
  checkAgainst(pairs, tested.arena, tested.encoding, tested.ref);
  tested.close();
});

Deno.test("bytes that are no sorted set are refused, and the set stays empty", () => {
  const raw = rawListpack(["a", "2", "b", "1"]);
  const tested = new Tested(REDIS_LIMITS);
  const { arena, entry } = tested;
  assert(!sortedSet.loadListpack(arena, entry, raw, 0, raw.length, REDIS_LIMITS));
  assertEquals(sortedSet.count(arena, tested.encoding, tested.ref), 0);
  tested.close();
});
