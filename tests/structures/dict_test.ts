/**
 * The dict against a plain Map: growing, shrinking, frozen walks, the guarantee of SCAN, and the
 * fairness of random entries.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../src/base/assert.ts";
import { latin1Bytes, Slice } from "../../src/base/bytes.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import { FrozenMemory, SoftwareFork } from "../../src/memory/software_fork.ts";
import * as dict from "../../src/structures/dict.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";

function entryFor(arena: Arena, key: string): Ref {
  const bytes = latin1Bytes(key);
  const entry = arena.allocate(4 + dictEntry.inlineBytes(bytes.length));
  arena.words[entry >>> 15][(entry & 0x7fff) << 1] = dictEntry.header(bytes.length, 1, 0);
  dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
  return entry;
}

function keyOf(memory: Memory, entry: Ref): string {
  const out = new Slice();
  dictEntry.readKey(memory, entry, out);
  return String.fromCharCode(...out.copy());
}

function findKey(memory: Memory, table: Ref, key: string): Ref {
  const bytes = latin1Bytes(key);
  return dict.find(memory, table, bytes, 0, bytes.length);
}

function removeKey(arena: Arena, table: Ref, key: string): void {
  const entry = findKey(arena, table, key);
  dict.removeFound(arena, table, entry);
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

function keysOf(memory: Memory, table: Ref): string[] {
  const keys: string[] = [];
  dict.forEach(memory, table, (entry) => keys.push(keyOf(memory, entry)));
  return keys.sort();
}

function freeAll(arena: Arena, table: Ref): void {
  dict.free(arena, table, (entry) => {
    dictEntry.freeKey(arena, entry);
    arena.free(entry);
  });
}

Deno.test("dict behaves as a Map while it grows, shrinks and is frozen", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const table = dict.create(arena);
  const model = new Map<string, Ref>();
  let frozen: { memory: FrozenMemory; keys: string[] } | null = null;
  for (let step = 0; step < 60000; step++) {
    const isGrowing = Math.floor(step / 10000) % 2 === 0;
    const key = `key:${random.below(8000)}`;
    const entry = findKey(arena, table, key);
    assertEquals(entry, model.get(key) ?? 0, `seed ${seed}, step ${step}`);
    if (entry === 0 && (isGrowing || random.below(4) === 0)) {
      const created = entryFor(arena, key);
      dict.insert(arena, table, created);
      model.set(key, created);
    } else if (entry !== 0 && (!isGrowing || random.below(4) === 0)) {
      removeKey(arena, table, key);
      model.delete(key);
    }
    if (random.below(3000) === 0 && frozen === null) {
      arena.freeDeferred(Infinity);
      fork.freeze();
      frozen = { memory: new FrozenMemory(fork.transferable()), keys: [...model.keys()].sort() };
    } else if (random.below(2000) === 0 && frozen !== null) {
      assertEquals(keysOf(frozen.memory, table), frozen.keys, `seed ${seed}`);
      fork.release();
      frozen = null;
    }
  }
  if (frozen !== null) fork.release();
  assertEquals(keysOf(arena, table), [...model.keys()].sort());
  assertEquals(dict.count(arena, table), model.size);
  freeAll(arena, table);
  arena.freeDeferred(Infinity);
  assertEquals(arena.usedBytes, 0, `seed ${seed}`);
});

Deno.test("dict uses a directory of chunks beyond 4,096 buckets, and gives them back", () => {
  const arena = new Arena({ debug: true });
  const table = dict.create(arena);
  const count = 150000;
  for (let index = 0; index < count; index++) {
    dict.insert(arena, table, entryFor(arena, `${index}`));
  }
  assert(dict.bucketCount(arena, table) > 4096 * 4);
  for (let index = 0; index < count; index += 997) {
    assert(findKey(arena, table, `${index}`) !== 0);
  }
  for (let index = 0; index < count - 10; index++) removeKey(arena, table, `${index}`);
  assertEquals(keysOf(arena, table).length, 10);
  assert(dict.bucketCount(arena, table) < 16);
  freeAll(arena, table);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("a reserved dict does not grow, holds all, and shrinks as ever", () => {
  const arena = new Arena({ debug: true });
  for (const count of [1, 9, 5000, 100_000]) {
    const table = dict.create(arena);
    dict.reserve(arena, table, count);
    const buckets = dict.bucketCount(arena, table);
    assertEquals(buckets, Math.ceil(count / 8));
    for (let index = 0; index < count; index++) {
      dict.insert(arena, table, entryFor(arena, `key:${index}`));
    }
    assertEquals(dict.bucketCount(arena, table), buckets);
    dict.reserve(arena, table, count * 10);
    assertEquals(dict.bucketCount(arena, table), buckets, "one with entries is left alone");
    for (let index = 0; index < count; index++) assert(findKey(arena, table, `key:${index}`) !== 0);
    for (let index = 1; index < count; index++) removeKey(arena, table, `key:${index}`);
    assertEquals(keysOf(arena, table), ["key:0"]);
    assertEquals(dict.bucketCount(arena, table) <= 4, true);
    freeAll(arena, table);
    const tooLarge = dict.create(arena);
    dict.reserve(arena, tooLarge, count);
    dict.insert(arena, tooLarge, entryFor(arena, "the only key"));
    dict.trim(arena, tooLarge);
    assertEquals(dict.bucketCount(arena, tooLarge) <= 1, true);
    assertEquals(keysOf(arena, tooLarge), ["the only key"]);
    freeAll(arena, tooLarge);
  }
  assertEquals(arena.usedBytes, new Arena().usedBytes);
});

Deno.test("dict: SCAN visits every key that is there throughout, however the table changes", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  for (let round = 0; round < 30; round++) {
    const arena = new Arena();
    const table = dict.create(arena);
    const permanent = Array.from({ length: 300 }, (_, index) => `stays:${index}`);
    for (const key of permanent) dict.insert(arena, table, entryFor(arena, key));
    const passing: string[] = [];
    const seen = new Set<string>();
    let cursor = 0;
    do {
      cursor = dict.scan(arena, table, cursor, (entry) => seen.add(keyOf(arena, entry)));
      const isGrowing = random.below(2) === 0;
      for (let change = random.below(400); change > 0; change--) {
        if (isGrowing) {
          const key = `passes:${passing.length}:${random.next32()}`;
          passing.push(key);
          dict.insert(arena, table, entryFor(arena, key));
        } else if (passing.length > 0) {
          removeKey(arena, table, passing.pop()!);
        }
      }
    } while (cursor !== 0);
    for (const key of permanent) assert(seen.has(key), `seed ${seed}: ${key} was not visited`);
  }
});

Deno.test("dict: each entry is as likely as any other to be drawn", () => {
  const arena = new Arena();
  const table = dict.create(arena);
  const count = 100;
  for (let index = 0; index < count; index++) {
    dict.insert(arena, table, entryFor(arena, `k${index}`));
  }
  const random = new Random(7);
  const draws = new Map<string, number>();
  for (let draw = 0; draw < count * 200; draw++) {
    const key = keyOf(arena, dict.randomEntry(arena, table, random));
    draws.set(key, (draws.get(key) ?? 0) + 1);
  }
  assertEquals(draws.size, count);
  for (const [key, times] of draws) assert(times > 120 && times < 300, `${key}: ${times}`);
});

Deno.test("neighbours are a sample without repetition, and each entry gets into some", () => {
  for (const count of [0, 1, 5, 300]) {
    const arena = new Arena({ debug: true });
    const table = dict.create(arena);
    for (let index = 0; index < count; index++) {
      dict.insert(arena, table, entryFor(arena, `key:${index}`));
    }
    const random = new Random(7);
    const sample = new Int32Array(8);
    const drawn = new Set<Ref>();
    for (let draw = 0; draw < count * 20 + 1; draw++) {
      const filled = dict.sampleEntries(arena, table, random, sample);
      assertEquals(filled, Math.min(count, sample.length));
      const entries = new Set(sample.subarray(0, filled));
      assertEquals(entries.size, filled);
      for (const entry of entries) drawn.add(entry);
    }
    assertEquals(drawn.size, count);
    assert([...drawn].every((entry) => keyOf(arena, entry).startsWith("key:")));
  }
});

Deno.test("dict holds keys longer than a block", () => {
  const arena = new Arena({ debug: true });
  const table = dict.create(arena);
  const key = "x".repeat(300000);
  dict.insert(arena, table, entryFor(arena, key));
  assert(findKey(arena, table, key) !== 0);
  assertEquals(findKey(arena, table, key.slice(1)), 0);
  freeAll(arena, table);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("dict: emptied while frozen, its last entries are still drawn quickly", () => {
  const arena = new Arena({ debug: true });
  const fork = new SoftwareFork(arena);
  const table = dict.create(arena);
  for (let index = 0; index < 20_000; index++) {
    dict.insert(arena, table, entryFor(arena, `${index}`));
  }
  fork.freeze();
  const frozen = new FrozenMemory(fork.transferable());
  for (let index = 3; index < 20_000; index++) removeKey(arena, table, `${index}`);
  assert(dict.bucketCount(arena, table) <= 6, `${dict.bucketCount(arena, table)} buckets`);
  const random = new CountingRandom(1);
  const drawn = new Set<Ref>();
  for (let draw = 0; draw < 100; draw++) drawn.add(dict.randomEntry(arena, table, random));
  assertEquals(drawn.size, 3);
  assert(random.draws < 100 * 500, `${random.draws} numbers for 100 entries`);
  assertEquals(keysOf(frozen, table).length, 20_000);
  fork.release();
  freeAll(arena, table);
  arena.freeDeferred(Infinity);
  assertEquals(arena.usedBytes, 0);
});

class CountingRandom extends Random {
  draws = 0;

  override below(limit: number): number {
    this.draws++;
    return super.below(limit);
  }
}

Deno.test("what another search has found since is not taken for one's own", () => {
  const arena = new Arena({ debug: true });
  const table = dict.create(arena);
  for (const key of ["a", "b"]) dict.insert(arena, table, entryFor(arena, key));
  const entry = findKey(arena, table, "a");
  findKey(arena, table, "b");
  assertThrows(() => dict.removeFound(arena, table, entry), AssertionFailure);
  assertThrows(() => dict.replaceFound(arena, entry, entry), AssertionFailure);
  const hash = dict.lastHash();
  const added = entryFor(arena, "c");
  assertThrows(() => dict.insertHashed(arena, table, added, hash), AssertionFailure);
});
