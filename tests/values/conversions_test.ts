/**
 * Conversions: an element that makes a value take another encoding may be the text of an integer
 * that was read a moment ago, from another value or from a file of Redis 6; converting reads all
 * integers of the value, and must leave that text as it is.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import { Int64, readText } from "../../src/structures/int64_words.ts";
import * as hashValue from "../../src/values/hash_value.ts";
import * as setValue from "../../src/values/set_value.ts";
import * as sortedSet from "../../src/values/sorted_set_value.ts";
import * as value from "../../src/values/value.ts";

/** More than there are texts at once. */
const ENTRIES_MAX = 100;
const FIRST = 1_000_000;
const MEMBERS = Array.from({ length: ENTRIES_MAX + 1 }, (_, index) => FIRST + index);

const KEY = latin1Bytes("key");

function createEntry(arena: Arena, type: number, encoding: number, ref: Ref): Ref {
  const { NO_EXPIRY } = value;
  return value.createEntry(arena, KEY, 0, KEY.length, type, encoding, ref, NO_EXPIRY);
}

/** The text of an integer as structures give it. */
function textOf(number: number): Slice {
  const integer = new Int64();
  integer.setNumber(number);
  const text = new Slice();
  readText(integer, text);
  return text;
}

function shown({ bytes, start, length }: Slice): string {
  return latin1Text(bytes, start, length);
}

for (const intsetEntriesMax of [ENTRIES_MAX, 0]) {
  for (const listpackEntriesMax of [ENTRIES_MAX, 0]) {
    const limits = { intsetEntriesMax, listpackEntriesMax, listpackValueBytesMax: 64 };
    const name = `intset of ${intsetEntriesMax}, listpack of ${listpackEntriesMax}`;
    Deno.test(`a set that outgrows its encoding keeps the integer: ${name}`, () => {
      const arena = new Arena({ debug: true });
      const { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK, TYPE_SET } = value;
      const encoding = intsetEntriesMax > 0 ? ENCODING_INTSET : ENCODING_LISTPACK;
      const entry = createEntry(arena, TYPE_SET, encoding, setValue.create(arena, encoding));
      for (const member of MEMBERS) {
        const { bytes, start, length } = textOf(member);
        setValue.add(arena, entry, bytes, start, length, limits);
      }
      const members: string[] = [];
      setValue.forEachMember(arena, entry, (member) => members.push(shown(member)));
      assertEquals(members.sort(), MEMBERS.map(String));
      assertEquals(value.encodingOf(arena, entry), ENCODING_HASHTABLE);
    });
  }
}

Deno.test("a sorted set that outgrows its listpack keeps the integer", () => {
  const limits = { listpackEntriesMax: ENTRIES_MAX, listpackValueBytesMax: 64 };
  const arena = new Arena({ debug: true });
  const encoding = sortedSet.initialEncoding(limits, 1);
  const ref = sortedSet.create(arena, encoding);
  const entry = createEntry(arena, value.TYPE_SORTED_SET, encoding, ref);
  const out = { score: 0 };
  for (const member of MEMBERS) {
    const { bytes, start, length } = textOf(member);
    sortedSet.add(arena, entry, bytes, start, length, -member, 0, limits, out);
  }
  const members: string[] = [];
  sortedSet.forEach(
    arena,
    value.encodingOf(arena, entry),
    value.valueRef(arena, entry),
    (member) => members.push(shown(member)),
  );
  assertEquals(members.reverse(), MEMBERS.map(String));
  assertEquals(value.encodingOf(arena, entry), value.ENCODING_SKIPLIST);
});

for (const isExpiring of [false, true]) {
  Deno.test(`a hash that outgrows its listpack keeps the integer, expiring ${isExpiring}`, () => {
    const limits = { listpackEntriesMax: ENTRIES_MAX, listpackValueBytesMax: 64 };
    const arena = new Arena({ debug: true });
    const ref = hashValue.create(arena);
    const entry = createEntry(arena, value.TYPE_HASH, value.ENCODING_LISTPACK, ref);
    MEMBERS.forEach((member, index) => {
      const field = textOf(member);
      const { bytes, start, length } = textOf(member * 7);
      hashValue.set(
        arena,
        entry,
        field.bytes,
        field.start,
        field.length,
        bytes,
        start,
        length,
        limits,
      );
      // From here on it is a listpack of three for each field.
      if (index > 0 || !isExpiring) return;
      const text = latin1Bytes(String(FIRST));
      hashValue.setExpiry(arena, entry, text, 0, text.length, 4_102_444_800_000);
    });
    const pairs: string[] = [];
    hashValue.forEachField(
      arena,
      entry,
      (field, bytes) => pairs.push(`${shown(field)} ${shown(bytes)}`),
    );
    assertEquals(pairs.sort(), MEMBERS.map((member) => `${member} ${member * 7}`));
    const { ENCODING_HASHTABLE, ENCODING_HASHTABLE_EX } = value;
    const expected = isExpiring ? ENCODING_HASHTABLE_EX : ENCODING_HASHTABLE;
    assertEquals(value.encodingOf(arena, entry), expected);
  });
}
