/** Dict touch: it finds what a search finds, in tables of every form, and changes nothing. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { Arena } from "../../src/memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../../src/memory/memory.ts";
import * as dict from "../../src/structures/dict.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import { DictTouch, TOUCH_KEYS_MAX } from "../../src/structures/dict_touch.ts";

function entryFor(arena: Arena, key: string): Ref {
  const bytes = latin1Bytes(key);
  const entry = arena.allocate(4 + bytes.length);
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  words[(entry & OFFSET_MASK) << 1] = dictEntry.header(bytes.length, 1, 0);
  dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
  return entry;
}

function tableOf(arena: Arena, prefix: string, count: number): Ref {
  const table = dict.create(arena);
  for (let index = 0; index < count; index++) {
    dict.insert(arena, table, entryFor(arena, `${prefix}${index}`));
  }
  return table;
}

/** Fills in key `index` of a table. */
function ask(touch: DictTouch, index: number, table: Ref, key: string): void {
  const bytes = latin1Bytes(key);
  touch.dicts[index] = table;
  touch.hashes[index] = hashBytes(bytes, 0, bytes.length);
}

function findKey(arena: Arena, table: Ref, key: string): Ref {
  const bytes = latin1Bytes(key);
  return dict.find(arena, table, bytes, 0, bytes.length);
}

Deno.test("touch finds the entries of keys in tables of every size, split where they may be", () => {
  const arena = new Arena({ debug: true });
  // One bucket; one chunk; just before, at and behind a power of two of buckets; a directory.
  for (const count of [0, 1, 100, 1023, 1024, 1025, 3000, 40_000]) {
    const table = tableOf(arena, "k", count);
    const touch = new DictTouch();
    let hits = 0;
    let right = 0;
    for (let first = 0; first < count; first += Math.max(1, count >> 6)) {
      const keys: string[] = [];
      for (let index = 0; index < TOUCH_KEYS_MAX; index++) {
        keys.push(`k${(first + index * 7) % count}`);
        ask(touch, index, table, keys[index]);
      }
      touch.run(arena, TOUCH_KEYS_MAX);
      keys.forEach((key, index) => {
        hits++;
        if (touch.entries[index] === findKey(arena, table, key)) right++;
      });
    }
    // An earlier slot of the bucket may have the same tag of eight bits.
    assert(right >= hits * 0.8, `${right} of ${hits} in a table of ${count}`);
    assertEquals(dict.count(arena, table), count);
  }
});

Deno.test("keys of different tables are touched together; what is missing is 0 or a neighbour", () => {
  const arena = new Arena({ debug: true });
  const tables = [tableOf(arena, "a", 50), tableOf(arena, "b", 40_000), tableOf(arena, "c", 5)];
  const touch = new DictTouch();
  const keys = ["a7", "b39999", "b7", "c4", "a8", "c0"];
  const owners = [0, 1, 1, 2, 0, 2];
  keys.forEach((key, index) => ask(touch, index, tables[owners[index]], key));
  touch.run(arena, keys.length);
  const found = keys.map((key, index) => findKey(arena, tables[owners[index]], key));
  const right = found.filter((entry, index) => touch.entries[index] === entry).length;
  assert(right >= keys.length - 2, `${right} found`);
  // Nothing is beyond the count, and the keys that are given are all that is looked at.
  assertEquals(touch.entries[keys.length], 0);

  const empty = dict.create(arena);
  ask(touch, 0, empty, "nothing");
  touch.run(arena, 1);
  assertEquals(touch.entries[0], 0);
});

Deno.test("blocks are read, but for those that are none", () => {
  const arena = new Arena({ debug: true });
  const block = arena.allocate(16);
  arena.words[block >>> SEGMENT_SHIFT][(block & OFFSET_MASK) << 1] = 0x1234;
  const touch = new DictTouch();
  touch.touchBlocks(arena, Int32Array.of(0, block, 0), 3);
  assertEquals(touch.seen, 0x1234);
});
