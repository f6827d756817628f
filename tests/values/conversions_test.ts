/**
 * Conversions: an element that makes a value take another encoding may be the text of an integer
 * that a walk over another value of the same kind shows; converting is such a walk as well, over
 * all integers of the value, and must leave that text as it is.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, type Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as hashValue from "../../src/values/hash_value.ts";
import * as setValue from "../../src/values/set_value.ts";
import { SetView, someInAll } from "../../src/values/set_view.ts";
import * as sortedSet from "../../src/values/sorted_set_value.ts";
import * as value from "../../src/values/value.ts";
import "../support/strict_slices.ts";

const ENTRIES_MAX = 100;
const FIRST = 1_000_000;
const MEMBERS = Array.from({ length: ENTRIES_MAX + 1 }, (_, index) => FIRST + index);

const KEY = latin1Bytes("key");

function createEntry(arena: Arena, type: number, encoding: number, ref: Ref): Ref {
  const { NO_EXPIRY } = value;
  return value.createEntry(arena, KEY, 0, KEY.length, type, encoding, ref, NO_EXPIRY);
}

function shown({ bytes, start, length }: Slice): string {
  return latin1Text(bytes, start, length);
}

const UNLIMITED = { intsetEntriesMax: 1000, listpackEntriesMax: 1000, listpackValueBytesMax: 64 };

function newSet(arena: Arena, encoding: number): Ref {
  return createEntry(arena, value.TYPE_SET, encoding, setValue.create(arena, encoding));
}

function setOf(arena: Arena, members: readonly number[], encoding: number): Ref {
  const entry = newSet(arena, encoding);
  for (const member of members) {
    const text = latin1Bytes(String(member));
    setValue.add(arena, entry, text, 0, text.length, UNLIMITED);
  }
  assertEquals(value.encodingOf(arena, entry), encoding);
  return entry;
}

function membersOf(arena: Arena, set: Ref): string[] {
  const members: string[] = [];
  setValue.forEachMember(arena, set, (member) => members.push(shown(member)));
  return members;
}

const { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } = value;

for (const intsetEntriesMax of [ENTRIES_MAX, 0]) {
  for (const listpackEntriesMax of [ENTRIES_MAX, 0]) {
    const limits = { intsetEntriesMax, listpackEntriesMax, listpackValueBytesMax: 64 };
    const name = `intset of ${intsetEntriesMax}, listpack of ${listpackEntriesMax}`;
    const encoding = intsetEntriesMax > 0 ? ENCODING_INTSET : ENCODING_LISTPACK;
    Deno.test(`a set that outgrows its encoding keeps the integer: ${name}`, () => {
      const arena = new Arena({ debug: true });
      const source = setOf(arena, MEMBERS, encoding);
      const target = newSet(arena, encoding);
      setValue.forEachMember(arena, source, (member) => {
        const { bytes, start, length } = member;
        setValue.add(arena, target, bytes, start, length, limits);
        assertEquals(shown(member), latin1Text(bytes, start, length));
      });
      assertEquals(membersOf(arena, target).sort(), MEMBERS.map(String));
      assertEquals(value.encodingOf(arena, target), ENCODING_HASHTABLE);
    });
    Deno.test(`so does a set that gets what several sets have in common: ${name}`, () => {
      const arena = new Arena({ debug: true });
      const source = setOf(arena, MEMBERS, encoding);
      const target = newSet(arena, encoding);
      const others = [new SetView(arena, setOf(arena, MEMBERS, ENCODING_INTSET))];
      someInAll(arena, source, others, true, (bytes, start, length, hash) => {
        setValue.addNew(arena, target, hash, bytes, start, length, limits, 0);
        return false;
      });
      assertEquals(membersOf(arena, target).sort(), MEMBERS.map(String));
    });
  }
}

Deno.test("a sorted set that outgrows its listpack keeps the integer", () => {
  const limits = { listpackEntriesMax: ENTRIES_MAX, listpackValueBytesMax: 64 };
  const arena = new Arena({ debug: true });
  const out = { score: 0 };
  const newSortedSet = () => {
    const ref = sortedSet.create(arena, ENCODING_LISTPACK);
    return createEntry(arena, value.TYPE_SORTED_SET, ENCODING_LISTPACK, ref);
  };
  const source = newSortedSet();
  for (const member of MEMBERS) {
    const text = latin1Bytes(String(member));
    sortedSet.add(arena, source, text, 0, text.length, member, 0, UNLIMITED, out);
  }
  const target = newSortedSet();
  sortedSet.forEach(
    arena,
    ENCODING_LISTPACK,
    value.valueRef(arena, source),
    ({ bytes, start, length }, score) => {
      sortedSet.add(arena, target, bytes, start, length, -score, 0, limits, out);
    },
  );
  const members: string[] = [];
  sortedSet.forEach(
    arena,
    value.encodingOf(arena, target),
    value.valueRef(arena, target),
    (member) => members.push(shown(member)),
  );
  assertEquals(members.reverse(), MEMBERS.map(String));
  assertEquals(value.encodingOf(arena, target), value.ENCODING_SKIPLIST);
});

for (const isExpiring of [false, true]) {
  Deno.test(`a hash that outgrows its listpack keeps the integer, expiring ${isExpiring}`, () => {
    const limits = { listpackEntriesMax: ENTRIES_MAX, listpackValueBytesMax: 64 };
    const arena = new Arena({ debug: true });
    const newHash = () =>
      createEntry(arena, value.TYPE_HASH, ENCODING_LISTPACK, hashValue.create(arena));
    const setField = (entry: Ref, field: Uint8Array, text: Uint8Array, used: typeof limits) =>
      hashValue.set(arena, entry, field, 0, field.length, text, 0, text.length, used);
    const source = newHash();
    for (const member of MEMBERS) {
      const texts = [latin1Bytes(String(member)), latin1Bytes(String(member * 7))] as const;
      setField(source, ...texts, UNLIMITED);
    }
    const target = newHash();
    const first = latin1Bytes(String(FIRST));
    setField(target, first, first, limits);
    if (isExpiring) hashValue.setExpiry(arena, target, first, 0, first.length, 4_102_444_800_000);
    hashValue.forEachField(arena, source, (field, bytes) => {
      hashValue.set(
        arena,
        target,
        field.bytes,
        field.start,
        field.length,
        bytes.bytes,
        bytes.start,
        bytes.length,
        limits,
      );
    });
    const pairs: string[] = [];
    hashValue.forEachField(
      arena,
      target,
      (field, bytes) => pairs.push(`${shown(field)} ${shown(bytes)}`),
    );
    assertEquals(pairs.sort(), MEMBERS.map((member) => `${member} ${member * 7}`));
    const expected = isExpiring ? value.ENCODING_HASHTABLE_EX : ENCODING_HASHTABLE;
    assertEquals(value.encodingOf(arena, target), expected);
  });
}

Deno.test("canary: a text that was only noted is scribbled over when its slice is filled", () => {
  const arena = new Arena({ debug: true });
  const set = setOf(arena, [1, 22, 333], ENCODING_INTSET);
  const noted: [Uint8Array, number, number][] = [];
  const inTime: string[] = [];
  setValue.forEachMember(arena, set, (member) => {
    noted.push([member.bytes, member.start, member.length]);
    inTime.push(shown(member));
    assertEquals(member.isInRoom, true);
  });
  assertEquals(inTime, ["1", "22", "333"]);
  assertEquals(noted.map((range) => latin1Text(...range)), ["?", "??", "???"]);
});
