/** Hash values against a Map: both encodings, conversion, freezing, loading and release. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as listpack from "../../src/structures/listpack.ts";
import { listpackOf } from "../structures/listpack_bytes.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import * as hashValue from "../../src/values/hash_value.ts";
import * as value from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const DEFAULT_LIMITS = { listpackEntriesMax: 512, listpackValueBytesMax: 64 };
const NO_LISTPACK = { listpackEntriesMax: 0, listpackValueBytesMax: 64 };
const NO_LIMITS = { listpackEntriesMax: 2 ** 31, listpackValueBytesMax: 2 ** 31 };

const out = new Slice();

function createEntry(arena: Arena): Ref {
  const key = latin1Bytes("key");
  const ref = hashValue.create(arena);
  const encoding = value.ENCODING_LISTPACK;
  return value.createEntry(arena, key, 0, 3, value.TYPE_HASH, encoding, ref, value.NO_EXPIRY);
}

function freeEntry(arena: Arena, entry: Ref): void {
  const encoding = value.encodingOf(arena, entry);
  while (!hashValue.releaseStep(arena, encoding, value.valueRef(arena, entry), 10));
  arena.free(entry);
}

function set(
  arena: Arena,
  entry: Ref,
  field: string,
  text: string,
  limits: hashValue.HashLimits,
): boolean {
  const name = latin1Bytes(field);
  const bytes = latin1Bytes(text);
  return hashValue.set(arena, entry, name, 0, name.length, bytes, 0, bytes.length, limits);
}

function get(memory: Memory, entry: Ref, field: string): string | null {
  const name = latin1Bytes(field);
  if (!hashValue.get(memory, entry, name, 0, name.length, out)) return null;
  return latin1Text(out.bytes, out.start, out.length);
}

function valueBytes(memory: Memory, entry: Ref, field: string): number {
  const name = latin1Bytes(field);
  return hashValue.valueBytes(memory, entry, name, 0, name.length);
}

function remove(arena: Arena, entry: Ref, field: string): boolean {
  const name = latin1Bytes(field);
  return hashValue.remove(arena, entry, name, 0, name.length);
}

function encodingName(memory: Memory, entry: Ref): string {
  return value.ENCODING_NAMES[value.encodingOf(memory, entry)];
}

function contents(memory: Memory, encoding: number, ref: Ref): Map<string, string> {
  const fields = new Map<string, string>();
  hashValue.forEach(memory, encoding, ref, (field, bytes) => {
    const name = latin1Text(field.bytes, field.start, field.length);
    assert(!fields.has(name), `field ${name} was visited twice`);
    fields.set(name, latin1Text(bytes.bytes, bytes.start, bytes.length));
  });
  return fields;
}

function contentsOf(memory: Memory, entry: Ref): Map<string, string> {
  return contents(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry));
}

/** Lengths around every border: integers, embedded length byte, embedding, long keys, chunks. */
const LENGTHS = [0, 1, 3, 16, 64, 65, 250, 254, 255, 256, 300, 2000, 16360, 16384, 40000];

function randomText(random: SeededRandom): string {
  if (random.oneIn(3)) return String(random.between(-70000, 70000));
  const length = random.oneIn(8) ? random.pick(LENGTHS) : random.below(20);
  return random.word(1).repeat(length);
}

function randomField(random: SeededRandom): string {
  const number = random.below(60);
  if (number < 5) return "f".repeat(30000 + number * 2000);
  return number < 30 ? `field:${number}` : String(number * 1000);
}

for (
  const { name, limits } of [
    { name: "small limits", limits: { listpackEntriesMax: 8, listpackValueBytesMax: 64 } },
    { name: "no listpack", limits: NO_LISTPACK },
    { name: "no limits", limits: NO_LIMITS },
  ]
) {
  Deno.test(`random changes leave what a Map holds, frozen or not: ${name}`, () => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    const check = new FreezeCheck();
    const { arena } = check;
    for (let round = 0; round < 3; round++) {
      const entry = createEntry(arena);
      const model = new Map<string, string>();
      for (let step = 0; step < 250; step++) {
        const field = randomField(random);
        if (random.oneIn(3)) {
          assertEquals(remove(arena, entry, field), model.delete(field), `seed ${seed}`);
        } else {
          const text = randomText(random);
          const isNew = set(arena, entry, field, text, limits);
          assertEquals(isNew, !model.has(field), `seed ${seed}`);
          model.set(field, text);
        }
        assertEquals(hashValue.countOfKey(arena, entry), model.size, `seed ${seed}`);
        assertEquals(get(arena, entry, field), model.get(field) ?? null, `seed ${seed}`);
        assertEquals(valueBytes(arena, entry, field), model.get(field)?.length ?? -1);
        if (!random.oneIn(20)) continue;
        if (check.isFrozen) {
          check.release();
        } else {
          const then = new Map(model);
          check.freeze((memory) => assertEquals(contentsOf(memory, entry), then, `seed ${seed}`));
        }
      }
      assertEquals(contentsOf(arena, entry), model, `seed ${seed}`);
      check.release();
      freeEntry(arena, entry);
    }
    check.assertEmpty();
  });
}

Deno.test("a hash stays a listpack up to the limits and becomes a hashtable beyond them", () => {
  const arena = new Arena({ debug: true });
  const limits = { listpackEntriesMax: 3, listpackValueBytesMax: 5 };
  const cases: [string, string, string][] = [["c", "12345", "listpack"]];
  cases.push(["a", "123456", "hashtable"], ["long..", "1", "hashtable"]);
  cases.push(["d", "1", "hashtable"]);
  for (const [field, text, expected] of cases) {
    const entry = createEntry(arena);
    for (const name of field === "d" ? ["a", "b", "c"] : ["a", "b"]) {
      set(arena, entry, name, "1", limits);
    }
    assertEquals(encodingName(arena, entry), "listpack");
    set(arena, entry, field, text, limits);
    assertEquals(encodingName(arena, entry), expected, `${field} ${text}`);
    assertEquals(get(arena, entry, field), text);
    assertEquals(get(arena, entry, "b"), "1");
    freeEntry(arena, entry);
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("a field of a full listpack can still be changed without converting it", () => {
  const arena = new Arena({ debug: true });
  const limits = { listpackEntriesMax: 2, listpackValueBytesMax: 64 };
  const entry = createEntry(arena);
  set(arena, entry, "a", "1", limits);
  set(arena, entry, "b", "2", limits);
  assert(!set(arena, entry, "a", "changed", limits));
  assertEquals(encodingName(arena, entry), "listpack");
  assertEquals([...contentsOf(arena, entry)], [["a", "changed"], ["b", "2"]]);
});

Deno.test("a listpack that would outgrow its block is converted whatever the limits say", () => {
  const arena = new Arena({ debug: true });
  const entry = createEntry(arena);
  const text = "x".repeat(1000);
  for (let index = 0; index < 300; index++) set(arena, entry, `f${index}`, text, NO_LIMITS);
  assertEquals(encodingName(arena, entry), "hashtable");
  assertEquals(hashValue.countOfKey(arena, entry), 300);
  for (let index = 0; index < 300; index++) assertEquals(get(arena, entry, `f${index}`), text);
  freeEntry(arena, entry);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("duplicate gives an equal hash that shares nothing", () => {
  const arena = new Arena({ debug: true });
  for (const limits of [DEFAULT_LIMITS, NO_LISTPACK]) {
    const entry = createEntry(arena);
    for (let index = 0; index < 40; index++) set(arena, entry, `f${index}`, `${index}`, limits);
    const expected = contentsOf(arena, entry);
    const encoding = value.encodingOf(arena, entry);
    const copy = hashValue.duplicate(arena, encoding, value.valueRef(arena, entry));
    set(arena, entry, "f0", "changed", limits);
    remove(arena, entry, "f1");
    freeEntry(arena, entry);
    assertEquals(contents(arena, encoding, copy), expected);
    assertEquals(hashValue.count(arena, encoding, copy), 40);
    while (!hashValue.releaseStep(arena, encoding, copy, 7));
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("releaseStep frees a large hash in steps of about the limit", () => {
  const arena = new Arena({ debug: true });
  const entry = createEntry(arena);
  for (let index = 0; index < 1000; index++) set(arena, entry, `f${index}`, "v", NO_LISTPACK);
  const ref = value.valueRef(arena, entry);
  assertEquals(hashValue.blockCount(arena, value.ENCODING_HASHTABLE, ref), 1000);
  let steps = 1;
  while (!hashValue.releaseStep(arena, value.ENCODING_HASHTABLE, ref, 50)) steps++;
  assert(steps >= 10, `${steps} steps`);
  arena.free(entry);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("memoryBytes is exact when it may look at all fields", () => {
  const arena = new Arena({ debug: true });
  for (const limits of [DEFAULT_LIMITS, NO_LISTPACK]) {
    const entry = createEntry(arena);
    for (let index = 0; index < 100; index++) set(arena, entry, `f${index}`, "v", limits);
    if (limits === NO_LISTPACK) {
      set(arena, entry, "k".repeat(40000), "v".repeat(300), limits);
      set(arena, entry, "long", "v".repeat(20000), limits);
    }
    const encoding = value.encodingOf(arena, entry);
    const ref = value.valueRef(arena, entry);
    const own = arena.usedBytes - arena.blockBytes(entry);
    assertEquals(hashValue.memoryBytes(arena, encoding, ref, 0), own);
    assert(hashValue.memoryBytes(arena, encoding, ref, 5) > 0);
    freeEntry(arena, entry);
  }
});

function load(arena: Arena, raw: Uint8Array, limits: hashValue.HashLimits): [Ref, boolean] {
  const entry = createEntry(arena);
  return [entry, hashValue.loadListpack(arena, entry, raw, 0, raw.length, limits)];
}

Deno.test("loadListpack takes the bytes over, or converts a hash with too many fields", () => {
  const arena = new Arena({ debug: true });
  const raw = listpackOf(["a", "1", "b", "two", "7", "7"]);
  const fields = [["a", "1"], ["b", "two"], ["7", "7"]];
  const limits = { listpackEntriesMax: 2, listpackValueBytesMax: 64 };
  for (const [used, name] of [[DEFAULT_LIMITS, "listpack"], [limits, "hashtable"]] as const) {
    const [entry, isSound] = load(arena, raw, used);
    assert(isSound);
    assertEquals(encodingName(arena, entry), name);
    assertEquals([...contentsOf(arena, entry)].sort(), [...fields].sort());
    freeEntry(arena, entry);
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("loadListpack refuses a field without a value and one that comes twice", () => {
  const arena = new Arena({ debug: true });
  for (const elements of [["a", "1", "b"], ["a", "1", "b", "2", "a", "3"]]) {
    const limits = { listpackEntriesMax: 1, listpackValueBytesMax: 64 };
    const [entry, isSound] = load(arena, listpackOf(elements), limits);
    assert(!isSound, elements.join(" "));
    freeEntry(arena, entry);
  }
  assertEquals(arena.usedBytes, 0);
});

/** A listpack of strings of 64 to 4,095 bytes, beyond the size that an arena can make. */
function rawLargeListpack(elements: string[]): Uint8Array {
  const bytes: number[] = [0, 0, 0, 0, elements.length & 255, elements.length >> 8];
  for (const element of elements) {
    const size = element.length + 2;
    bytes.push(0xe0 | (element.length >> 8), element.length & 255, ...latin1Bytes(element));
    bytes.push(...size < 128 ? [size] : [size >> 7, (size & 127) | 128]);
  }
  bytes.push(255);
  const raw = Uint8Array.from(bytes);
  new DataView(raw.buffer).setUint32(0, raw.length, true);
  return raw;
}

Deno.test("loadListpack converts what no block can hold", () => {
  const arena = new Arena({ debug: true });
  const fields = new Map<string, string>();
  for (let index = 0; index < 200; index++) {
    fields.set(`${index}`.padEnd(100, "f"), `${index}`.padEnd(2000, "v"));
  }
  const raw = rawLargeListpack([...fields].flat());
  assert(raw.length > listpack.LISTPACK_BYTES_MAX);
  assert(rawListpack.validate(raw, 0, raw.length, true));
  const [entry, isSound] = load(arena, raw, NO_LIMITS);
  assert(isSound);
  assertEquals(encodingName(arena, entry), "hashtable");
  assertEquals(contentsOf(arena, entry), fields);
  freeEntry(arena, entry);
  const [odd, isOddSound] = load(arena, rawLargeListpack([...fields].flat().slice(1)), NO_LIMITS);
  assert(!isOddSound);
  freeEntry(arena, odd);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("prepare converts an empty hash only if more fields than the limit will come", () => {
  const arena = new Arena({ debug: true });
  for (const [expected, name] of [[512, "listpack"], [513, "hashtable"]] as const) {
    const entry = createEntry(arena);
    hashValue.prepare(arena, entry, expected, DEFAULT_LIMITS);
    assertEquals(encodingName(arena, entry), name);
    freeEntry(arena, entry);
  }
});

for (const [name, limits] of [["listpack", DEFAULT_LIMITS], ["hashtable", NO_LISTPACK]] as const) {
  Deno.test(`random visits reach every field with its own value: ${name}`, () => {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    for (let index = 0; index < 20; index++) set(arena, entry, `f${index}`, `v${index}`, limits);
    const seen = new Set<string>();
    const visit = (field: Slice, bytes: Slice) => {
      const text = latin1Text(field.bytes, field.start, field.length);
      assertEquals(latin1Text(bytes.bytes, bytes.start, bytes.length), text.replace("f", "v"));
      seen.add(text);
      return true;
    };
    // The chance that one of 20 is missed by 1,000 draws is below 10^-20.
    for (let draw = 0; draw < 1000; draw++) hashValue.visitRandom(arena, entry, visit);
    assertEquals(seen.size, 20);
    seen.clear();
    hashValue.visitRandomRepeatedly(arena, entry, 1000, visit);
    assertEquals(seen.size, 20);
  });

  Deno.test(`a sample has as many different fields as wanted, or all: ${name}`, () => {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    for (let index = 0; index < 40; index++) set(arena, entry, `f${index}`, "v", limits);
    for (const wanted of [1, 5, 20, 39, 40, 100]) {
      const seen: string[] = [];
      hashValue.visitSample(arena, entry, wanted, (field) => {
        seen.push(latin1Text(field.bytes, field.start, field.length));
      });
      assertEquals(seen.length, Math.min(wanted, 40));
      assertEquals(new Set(seen).size, seen.length);
    }
  });

  Deno.test(`repeated draws stop when the visitor has enough: ${name}`, () => {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    set(arena, entry, "f", "v", limits);
    let visits = 0;
    hashValue.visitRandomRepeatedly(arena, entry, 1e15, () => ++visits < 7);
    assertEquals(visits, 7);
  });
}
