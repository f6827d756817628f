/** Set values against a Set: both encodings, conversion, freezing, loading and release. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { type Memory, type Ref, SEGMENT_BYTES } from "../../src/memory/memory.ts";
import * as setValue from "../../src/values/set_value.ts";
import * as value from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const NO_LISTPACKS = { listpackEntriesMax: -1, listpackValueBytesMax: 0 };
const DEFAULT_LIMITS = { intsetEntriesMax: 512, ...NO_LISTPACKS };
const NO_INTSET = { intsetEntriesMax: 0, ...NO_LISTPACKS };
const NO_LIMITS = { intsetEntriesMax: 2 ** 31, ...NO_LISTPACKS };

const out = new Slice();

function createEntry(arena: Arena): Ref {
  return setValue.createDetached(arena);
}

function freeEntry(arena: Arena, entry: Ref): void {
  const encoding = value.encodingOf(arena, entry);
  while (!setValue.releaseStep(arena, encoding, value.valueRef(arena, entry), 10));
  arena.free(entry);
}

function add(arena: Arena, entry: Ref, member: string, limits = DEFAULT_LIMITS): boolean {
  const bytes = latin1Bytes(member);
  return setValue.add(arena, entry, bytes, 0, bytes.length, limits);
}

function has(memory: Memory, entry: Ref, member: string): boolean {
  const bytes = latin1Bytes(member);
  return setValue.has(memory, entry, bytes, 0, bytes.length);
}

function remove(arena: Arena, entry: Ref, member: string): boolean {
  const bytes = latin1Bytes(member);
  return setValue.remove(arena, entry, bytes, 0, bytes.length);
}

function textOf(slice: Slice): string {
  return latin1Text(slice.bytes, slice.start, slice.length);
}

function membersOf(memory: Memory, entry: Ref): string[] {
  const members: string[] = [];
  setValue.forEachMember(memory, entry, (member) => members.push(textOf(member)));
  return members;
}

function encodingName(memory: Memory, entry: Ref): string {
  return value.ENCODING_NAMES[value.encodingOf(memory, entry)];
}

function assertMembers(memory: Memory, entry: Ref, expected: Iterable<string>, note = ""): void {
  assertEquals(membersOf(memory, entry).sort(), [...expected].sort(), note);
}

const INTEGERS = ["0", "-1", "32767", "32768", "-32769", "2147483648", "-2147483649"];
INTEGERS.push("9223372036854775807", "-9223372036854775808", "9007199254740993");
/** Not integers as Redis prints them: kept as text. */
const ALMOST_INTEGERS = ["", "01", "+1", "-0", "9223372036854775808", "1.0", " 1"];

for (
  const { name, limits, kind } of [
    { name: "integers alone", limits: NO_LIMITS, kind: "integers" },
    {
      name: "integers beyond the limit",
      limits: { intsetEntriesMax: 20, ...NO_LISTPACKS },
      kind: "integers",
    },
    { name: "all kinds", limits: { intsetEntriesMax: 20, ...NO_LISTPACKS }, kind: "all" },
  ]
) {
  Deno.test(`random changes leave what a Set holds, frozen or not: ${name}`, () => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    const check = new FreezeCheck();
    const { arena } = check;
    const randomMember = () => {
      if (random.oneIn(10)) return random.pick(INTEGERS);
      if (kind === "integers" || random.oneIn(2)) return String(random.between(-40, 40));
      if (random.oneIn(10)) return random.pick(ALMOST_INTEGERS);
      return random.oneIn(10) ? "m".repeat(32768 + random.below(4)) : random.word(2);
    };
    for (let round = 0; round < 3; round++) {
      const entry = createEntry(arena);
      const model = new Set<string>();
      for (let step = 0; step < 400; step++) {
        const member = randomMember();
        assertEquals(has(arena, entry, member), model.has(member), `seed ${seed}`);
        if (random.oneIn(3)) {
          assertEquals(remove(arena, entry, member), model.delete(member), `seed ${seed}`);
        } else {
          assertEquals(add(arena, entry, member, limits), !model.has(member), `seed ${seed}`);
          model.add(member);
        }
        assertEquals(setValue.countOfKey(arena, entry), model.size, `seed ${seed}`);
        if (!random.oneIn(25)) continue;
        if (check.isFrozen) {
          check.release();
        } else {
          const then = [...model];
          check.freeze((memory) => assertMembers(memory, entry, then, `seed ${seed}`));
        }
      }
      assertMembers(arena, entry, model, `seed ${seed}`);
      check.release();
      freeEntry(arena, entry);
    }
    check.assertEmpty();
  });
}

Deno.test("a set stays an intset while all members are integers and few", () => {
  const arena = new Arena({ debug: true });
  const entry = createEntry(arena);
  const limits = { intsetEntriesMax: 3, ...NO_LISTPACKS };
  for (const member of ["3", "1", "2"]) add(arena, entry, member, limits);
  add(arena, entry, "3", limits);
  assertEquals(encodingName(arena, entry), "intset");
  assertEquals(membersOf(arena, entry), ["1", "2", "3"]);
  add(arena, entry, "4", limits);
  assertEquals(encodingName(arena, entry), "hashtable");
  assertMembers(arena, entry, ["1", "2", "3", "4"]);
});

Deno.test("a member that is no canonical int64 makes a set a hashtable", () => {
  for (const member of ALMOST_INTEGERS) {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    add(arena, entry, "1");
    assert(add(arena, entry, member));
    assertEquals(encodingName(arena, entry), "hashtable", member);
    assertMembers(arena, entry, ["1", member]);
    freeEntry(arena, entry);
    assertEquals(arena.usedBytes, 0);
  }
});

function encodingFor(member: string, limits = DEFAULT_LIMITS, expected = 1): number {
  return setValue.encodingFor(latin1Bytes(member), 0, member.length, expected, limits);
}

Deno.test("encodingFor chooses by the first member", () => {
  for (const member of INTEGERS) {
    assertEquals(encodingFor(member), value.ENCODING_INTSET, member);
    assertEquals(encodingFor(member, DEFAULT_LIMITS, 1000), value.ENCODING_INTSET, member);
  }
  for (const member of ALMOST_INTEGERS) {
    assertEquals(encodingFor(member), value.ENCODING_HASHTABLE, member);
  }
});

Deno.test("encodingFor chooses by the number of members, too, where there are listpacks", () => {
  const limits = { intsetEntriesMax: 4, listpackEntriesMax: 8, listpackValueBytesMax: 64 };
  const encodings = (member: string) =>
    [1, 4, 5, 8, 9].map((expected) => encodingFor(member, limits, expected));
  const { ENCODING_INTSET, ENCODING_LISTPACK, ENCODING_HASHTABLE } = value;
  const behind = [ENCODING_LISTPACK, ENCODING_LISTPACK, ENCODING_HASHTABLE];
  assertEquals(encodings("17"), [ENCODING_INTSET, ENCODING_INTSET, ...behind]);
  assertEquals(encodings("m"), [ENCODING_LISTPACK, ENCODING_LISTPACK, ...behind]);
});

Deno.test("an intset that would outgrow its block is converted whatever the limit says", () => {
  const arena = new Arena({ debug: true });
  const entry = createEntry(arena);
  const base = 2 ** 40;
  const total = SEGMENT_BYTES / 8 + 10;
  for (let index = 0; index < total; index++) {
    add(arena, entry, String(base + index), NO_LIMITS);
    if (index === total - 20) assertEquals(encodingName(arena, entry), "intset");
  }
  assertEquals(encodingName(arena, entry), "hashtable");
  assertEquals(setValue.countOfKey(arena, entry), total);
  freeEntry(arena, entry);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("members of one intset can be added to another that is converted by them", () => {
  const arena = new Arena({ debug: true });
  const source = createEntry(arena);
  const target = createEntry(arena);
  const expected: string[] = [];
  for (let index = 0; index < 100; index++) {
    add(arena, source, String(index), NO_LIMITS);
    expected.push(String(index));
  }
  setValue.forEachMember(arena, source, ({ bytes, start, length }) => {
    setValue.add(arena, target, bytes, start, length, { intsetEntriesMax: 40, ...NO_LISTPACKS });
  });
  assertEquals(encodingName(arena, target), "hashtable");
  assertMembers(arena, target, expected);
});

Deno.test("someMember stops at the first yes", () => {
  for (const limits of [DEFAULT_LIMITS, NO_INTSET]) {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    for (let index = 0; index < 100; index++) add(arena, entry, String(index), limits);
    let asked = 0;
    assert(setValue.someMember(arena, entry, () => ++asked === 3));
    assertEquals(asked, 3);
    assert(!setValue.someMember(arena, entry, () => false));
    assert(setValue.someMember(arena, entry, (member) => textOf(member) === "77"));
  }
});

Deno.test("duplicate gives an equal set that shares nothing", () => {
  const arena = new Arena({ debug: true });
  for (const limits of [DEFAULT_LIMITS, NO_INTSET]) {
    const entry = createEntry(arena);
    for (let index = 0; index < 40; index++) add(arena, entry, String(index), limits);
    const expected = membersOf(arena, entry).sort();
    const encoding = value.encodingOf(arena, entry);
    const copy = setValue.duplicate(arena, encoding, value.valueRef(arena, entry));
    remove(arena, entry, "1");
    freeEntry(arena, entry);
    const members: string[] = [];
    setValue.forEach(arena, encoding, copy, (member) => members.push(textOf(member)));
    assertEquals(members.sort(), expected);
    assertEquals(setValue.count(arena, encoding, copy), 40);
    while (!setValue.releaseStep(arena, encoding, copy, 7));
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("releaseStep frees a large set in steps of about the limit", () => {
  const arena = new Arena({ debug: true });
  const entry = createEntry(arena);
  for (let index = 0; index < 1000; index++) add(arena, entry, `m${index}`);
  const ref = value.valueRef(arena, entry);
  assertEquals(setValue.blockCount(arena, value.ENCODING_HASHTABLE, ref), 1000);
  let steps = 1;
  while (!setValue.releaseStep(arena, value.ENCODING_HASHTABLE, ref, 50)) steps++;
  assert(steps >= 10, `${steps} steps`);
  arena.free(entry);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("memoryBytes is exact when it may look at all members", () => {
  const arena = new Arena({ debug: true });
  for (const limits of [DEFAULT_LIMITS, NO_INTSET]) {
    const entry = createEntry(arena);
    for (let index = 0; index < 100; index++) add(arena, entry, String(index), limits);
    if (limits === NO_INTSET) add(arena, entry, "m".repeat(40000));
    const encoding = value.encodingOf(arena, entry);
    const ref = value.valueRef(arena, entry);
    const own = arena.usedBytes - arena.blockBytes(entry);
    assertEquals(setValue.memoryBytes(arena, encoding, ref, 0), own);
    assert(setValue.memoryBytes(arena, encoding, ref, 5) > 0);
    freeEntry(arena, entry);
  }
});

Deno.test("prepare converts an empty set only if more members than the limit will come", () => {
  const arena = new Arena({ debug: true });
  for (const [expected, name] of [[512, "intset"], [513, "hashtable"]] as const) {
    const entry = createEntry(arena);
    setValue.prepare(arena, entry, expected, DEFAULT_LIMITS);
    assertEquals(encodingName(arena, entry), name);
    freeEntry(arena, entry);
  }
});

for (const [name, limits] of [["intset", DEFAULT_LIMITS], ["hashtable", NO_INTSET]] as const) {
  Deno.test(`random reads reach every member: ${name}`, () => {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    for (let index = 0; index < 20; index++) add(arena, entry, String(index), limits);
    const seen = new Set<string>();
    // The chance that one of 20 is missed by 1,000 draws is below 10^-20.
    for (let draw = 0; draw < 1000; draw++) {
      setValue.readRandom(arena, entry, out);
      seen.add(textOf(out));
    }
    assertEquals([...seen].sort(), membersOf(arena, entry).sort());
  });

  Deno.test(`a sample has as many different members as wanted, or all: ${name}`, () => {
    const arena = new Arena({ debug: true });
    const entry = createEntry(arena);
    for (let index = 0; index < 40; index++) add(arena, entry, String(index), limits);
    for (const wanted of [1, 5, 20, 39, 40, 100]) {
      const seen: string[] = [];
      setValue.visitSample(arena, entry, wanted, (member) => seen.push(textOf(member)));
      assertEquals(seen.length, Math.min(wanted, 40));
      assertEquals(new Set(seen).size, seen.length);
    }
  });
}

Deno.test("only the member that was drawn last from this very set can be removed as drawn", () => {
  const arena = new Arena({ debug: true });
  const entries = [createEntry(arena), createEntry(arena)];
  for (const limits of [DEFAULT_LIMITS, NO_INTSET]) {
    for (const entry of entries) add(arena, entry, "1", limits);
    setValue.readRandom(arena, entries[0], out);
    setValue.readRandom(arena, entries[1], out);
    assertThrows(() => setValue.removeDrawn(arena, entries[0]));
    setValue.removeDrawn(arena, entries[1]);
    assertThrows(() => setValue.removeDrawn(arena, entries[1]));
    assert(has(arena, entries[0], "1") && !has(arena, entries[1], "1"));
  }
});
