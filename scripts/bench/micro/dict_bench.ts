/**
 * Dict bench: nanoseconds per insert, find, touch and remove, and bytes of table per entry, at
 * growing sizes: the load limits in structures/dict_growth.ts come from it, and it shows that no
 * operation's cost grows with the table, but for cache misses. "frozen" is an insert while a child
 * reads, from an empty table on, with all clones of segments; "release" the first one after it.
 *
 *   deno run scripts/bench/micro/dict_bench.ts [sizes, default 1000 10000 100000 1000000]
 */
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { monotonicUs } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../../../src/memory/memory.ts";
import { SoftwareFork } from "../../../src/memory/software_fork.ts";
import * as dict from "../../../src/structures/dict.ts";
import * as dictEntry from "../../../src/structures/dict_entry.ts";
import { DictTouch, TOUCH_KEYS_MAX } from "../../../src/structures/dict_touch.ts";

const KEY_BYTES = 16;
const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : [1000, 10_000, 100_000, 1_000_000];

function keyOf(number: number): Uint8Array {
  return latin1Bytes(`key:${String(number).padStart(12, "0")}`);
}

function entryFor(arena: Arena, key: Uint8Array): Ref {
  const entry = arena.allocate(4 + KEY_BYTES);
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  words[(entry & OFFSET_MASK) << 1] = dictEntry.header(KEY_BYTES, 1, 0);
  dictEntry.storeKey(arena, entry, key, 0, KEY_BYTES);
  return entry;
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function time(name: string, count: number, work: () => void): void {
  const startUs = monotonicUs();
  work();
  printLine(`  ${name.padEnd(10)} ${(((monotonicUs() - startUs) * 1000) / count).toFixed(0)} ns`);
}

for (const count of sizes) {
  const arena = new Arena();
  const table = dict.create(arena);
  const keys = Array.from({ length: count }, (_, number) => keyOf(number));
  const entries = keys.map((key) => entryFor(arena, key));
  let found = 0;
  printLine(`${count} entries`);
  time("insert", count, () => {
    for (const entry of entries) dict.insert(arena, table, entry);
  });
  printLine(`  ${(dict.tableBytes(arena, table) / count).toFixed(1)} bytes of table an entry`);
  const random = new Random(count);
  const order = Int32Array.from({ length: count }, () => random.below(count));
  time("find", count, () => {
    for (const number of order) {
      if (dict.find(arena, table, keys[number], 0, KEY_BYTES) !== 0) found++;
    }
  });
  const touch = new DictTouch();
  touch.dicts.fill(table);
  const hashes = keys.map((key) => hashBytes(key, 0, KEY_BYTES));
  time("touch", count, () => {
    for (let at = 0; at + TOUCH_KEYS_MAX <= count; at += TOUCH_KEYS_MAX) {
      for (let index = 0; index < TOUCH_KEYS_MAX; index++) {
        touch.hashes[index] = hashes[order[at + index]];
      }
      touch.run(arena, TOUCH_KEYS_MAX);
    }
  });
  time("random", count, () => {
    for (let draw = 0; draw < count; draw++) found += dict.randomEntry(arena, table, random) & 1;
  });
  time("remove", count, () => {
    for (const key of keys) {
      const entry = dict.find(arena, table, key, 0, KEY_BYTES);
      if (entry !== 0) dict.removeFound(arena, table, entry);
    }
  });
  const fork = new SoftwareFork(arena);
  fork.freeze();
  const last = entries.pop()!;
  time("frozen", entries.length, () => {
    for (const entry of entries) dict.insert(arena, table, entry);
  });
  fork.release();
  time("release", 1, () => dict.insert(arena, table, last));
  printLine(`  hash ${found}, left ${dict.count(arena, table)}`);
}
