/** Random samples: the right number of different elements, and no element preferred. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { random } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as dict from "../../src/structures/dict.ts";
import {
  estimateEntryBytes,
  sampleEntries,
  sampleIndexes,
} from "../../src/values/random_sample.ts";
import * as setValue from "../../src/values/set_value.ts";
import * as value from "../../src/values/value.ts";

const NO_LISTPACKS = { listpackEntriesMax: -1, listpackValueBytesMax: 0 };

const DRAWS = 4000;

function sampledIndexes(total: number, wanted: number): number[] {
  const indexes: number[] = [];
  sampleIndexes(total, wanted, (index) => indexes.push(index));
  return indexes;
}

/** The dict of a large set with members "0" to "total - 1". */
function createDict(arena: Arena, total: number): Ref {
  const entry = setValue.createDetached(arena);
  setValue.prepare(arena, entry, 1, { intsetEntriesMax: 0, ...NO_LISTPACKS });
  for (let index = 0; index < total; index++) {
    const bytes = latin1Bytes(String(index));
    setValue.add(arena, entry, bytes, 0, bytes.length, { intsetEntriesMax: 0, ...NO_LISTPACKS });
  }
  return value.valueRef(arena, entry);
}

/** Six standard deviations: a fair sampler fails once in 500 million runs. */
function assertFair(counts: Iterable<number>, share: number): void {
  const expected = DRAWS * share;
  const deviation = Math.sqrt(DRAWS * share * (1 - share));
  for (const count of counts) {
    assert(Math.abs(count - expected) < 6 * deviation, `${count} is far from ${expected}`);
  }
}

Deno.test("sampleIndexes visits as many different indexes as wanted, ascending, or all", () => {
  for (const [total, wanted] of [[10, 0], [10, 1], [10, 9], [10, 10], [10, 11], [0, 5]]) {
    const indexes = sampledIndexes(total, wanted);
    assertEquals(indexes.length, Math.min(total, wanted));
    assertEquals(indexes, [...new Set(indexes)].sort((a, b) => a - b));
    assert(indexes.every((index) => index >= 0 && index < total));
  }
});

Deno.test("sampleIndexes prefers no index", () => {
  random.seed(42);
  const counts = new Array<number>(8).fill(0);
  for (let draw = 0; draw < DRAWS; draw++) {
    for (const index of sampledIndexes(8, 3)) counts[index]++;
  }
  assertFair(counts, 3 / 8);
});

for (const [name, wanted] of [["few", 5], ["many", 30]] as const) {
  Deno.test(`sampleEntries prefers no entry when ${name} are wanted`, () => {
    random.seed(43);
    const arena = new Arena();
    const entries = createDict(arena, 40);
    const counts = new Map<Ref, number>();
    dict.forEach(arena, entries, (entry) => counts.set(entry, 0));
    for (let draw = 0; draw < DRAWS; draw++) {
      const sample = sampleEntries(arena, entries, wanted);
      assertEquals(new Set(sample).size, wanted);
      for (const entry of sample) counts.set(entry, counts.get(entry)! + 1);
    }
    assertEquals(counts.size, 40);
    assertFair(counts.values(), wanted / 40);
  });
}

Deno.test("sampleEntries gives all entries when more are wanted than there are", () => {
  const arena = new Arena();
  const entries = createDict(arena, 40);
  for (const wanted of [40, 41, 1e12]) {
    assertEquals(new Set(sampleEntries(arena, entries, wanted)).size, 40);
  }
  assertEquals(sampleEntries(arena, createDict(arena, 0), 3), []);
});

Deno.test("estimateEntryBytes is exact with all entries and near with some", () => {
  const arena = new Arena();
  const entries = createDict(arena, 3000);
  let seen = 0;
  const entryBytes = () => {
    seen++;
    return 10;
  };
  assertEquals(estimateEntryBytes(arena, entries, 0, entryBytes), 30000);
  assertEquals(seen, 3000);
  seen = 0;
  assertEquals(estimateEntryBytes(arena, entries, 5, entryBytes), 30000);
  assert(seen >= 5 && seen < 100, `${seen} entries were looked at`);
  assertEquals(estimateEntryBytes(arena, createDict(arena, 0), 5, entryBytes), 0);
});
