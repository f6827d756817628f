/** Loading small sets: as they stand, or converted, as the limits want it. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as intset from "../../src/structures/intset.ts";
import * as listpack from "../../src/structures/listpack.ts";
import { loadIntset, loadListpack } from "../../src/values/set_loading.ts";
import * as setValue from "../../src/values/set_value.ts";
import * as value from "../../src/values/value.ts";

const NO_LISTPACKS = { listpackEntriesMax: -1, listpackValueBytesMax: 0 };
const NO_LIMITS = { intsetEntriesMax: 2 ** 31, ...NO_LISTPACKS };

function createEntry(arena: Arena): Ref {
  return setValue.createDetached(arena);
}

function freeEntry(arena: Arena, entry: Ref): void {
  const encoding = value.encodingOf(arena, entry);
  while (!setValue.releaseStep(arena, encoding, value.valueRef(arena, entry), 10));
  arena.free(entry);
}

function encodingName(memory: Memory, entry: Ref): string {
  return value.ENCODING_NAMES[value.encodingOf(memory, entry)];
}

function assertMembers(memory: Memory, entry: Ref, expected: readonly string[]): void {
  const members: string[] = [];
  setValue.forEachMember(memory, entry, ({ bytes, start, length }) => {
    members.push(latin1Text(bytes, start, length));
  });
  assertEquals(members.sort(), expected.toSorted());
}

/** The bytes of an intset of int64, in this order. */
function rawIntset(integers: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 + 8 * integers.length));
  view.setUint32(0, 8, true);
  view.setUint32(4, integers.length, true);
  integers.forEach((integer, index) => view.setBigInt64(8 + 8 * index, BigInt(integer), true));
  return new Uint8Array(view.buffer);
}

Deno.test("loadIntset takes the bytes over, or converts a set with too many members", () => {
  const arena = new Arena({ debug: true });
  const raw = rawIntset([-5, 7, 2 ** 40]);
  const expected = ["-5", "7", String(2 ** 40)];
  for (const [max, name] of [[3, "intset"], [2, "hashtable"]] as const) {
    const entry = createEntry(arena);
    const limits = { intsetEntriesMax: max, ...NO_LISTPACKS };
    assert(loadIntset(arena, entry, raw, 0, raw.length, limits));
    assertEquals(encodingName(arena, entry), name);
    assertMembers(arena, entry, expected);
    freeEntry(arena, entry);
  }
  assertEquals(arena.usedBytes, 0);
});

Deno.test("loadIntset converts what no block can hold, and refuses a member that comes twice", () => {
  const arena = new Arena({ debug: true });
  const integers = Array.from({ length: 40000 }, (_, index) => index * 3);
  for (const isSound of [true, false]) {
    if (!isSound) integers[1] = integers[0];
    const raw = rawIntset(integers);
    assert(raw.length > intset.INTSET_BYTES_MAX);
    const entry = createEntry(arena);
    assertEquals(loadIntset(arena, entry, raw, 0, raw.length, NO_LIMITS), isSound);
    assertEquals(encodingName(arena, entry), "hashtable");
    if (isSound) assertEquals(setValue.countOfKey(arena, entry), 40000);
    freeEntry(arena, entry);
  }
  assertEquals(arena.usedBytes, 0);
});

/** The bytes of a listpack with these elements. */
function rawListpack(arena: Arena, elements: readonly string[]): Uint8Array {
  let ref = listpack.create(arena);
  for (const element of elements) {
    ref = listpack.append(arena, ref, latin1Bytes(element), 0, element.length);
  }
  const raw = new Slice();
  listpack.rawSlice(arena, ref, raw);
  const bytes = raw.copy();
  arena.free(ref);
  return bytes;
}

Deno.test("loadListpack makes a table, or what the members are worth where there are no listpacks", () => {
  const arena = new Arena({ debug: true });
  const limits = { intsetEntriesMax: 512, listpackEntriesMax: 2, listpackValueBytesMax: 64 };
  const old = { intsetEntriesMax: 512, ...NO_LISTPACKS };
  const cases = [
    [["1", "2", "3"], limits, "hashtable", true],
    [["1", "2", "3"], old, "intset", true],
    [["1", "x", "3"], old, "hashtable", true],
    [["x", "y", "x"], limits, "hashtable", false],
    [["7", "8", "7"], old, "intset", false],
  ] as const;
  for (const [members, given, encoding, isSound] of cases) {
    const raw = rawListpack(arena, members);
    const entry = createEntry(arena);
    assertEquals(loadListpack(arena, entry, raw, 0, given), isSound, `${members}`);
    assertEquals(encodingName(arena, entry), encoding, `${members}`);
    assertMembers(arena, entry, [...new Set<string>(members)]);
    freeEntry(arena, entry);
  }
  assertEquals(arena.usedBytes, 0);
});
