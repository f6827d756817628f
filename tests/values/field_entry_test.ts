/** Field entries: layout, values of every length, and changes in and out of the block. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as fieldEntry from "../../src/values/field_entry.ts";
import * as value from "../../src/values/value.ts";

const out = new Slice();

function create(arena: Arena, field: string, text: string): Ref {
  const name = latin1Bytes(field);
  const bytes = latin1Bytes(text);
  return fieldEntry.create(arena, name, 0, name.length, bytes, 0, bytes.length);
}

function setValue(arena: Arena, entry: Ref, text: string): Ref {
  const bytes = latin1Bytes(text);
  return fieldEntry.setValue(arena, entry, bytes, 0, bytes.length);
}

function assertPair(arena: Arena, entry: Ref, field: string, text: string): void {
  dictEntry.readKey(arena, entry, out);
  assertEquals(latin1Text(out.bytes, out.start, out.length), field);
  fieldEntry.read(arena, entry, out);
  assertEquals(latin1Text(out.bytes, out.start, out.length), text);
  assertEquals(fieldEntry.valueBytes(arena, entry), text.length);
  assertEquals(fieldEntry.memoryBytes(arena, entry), arena.usedBytes);
}

Deno.test("a field of 8 bytes with a value of 4 takes one block of 16 bytes", () => {
  const arena = new Arena({ debug: true });
  const entry = create(arena, "field:01", "abcd");
  assertEquals(arena.usedBytes, 16);
  assert(value.isEmbedded(arena, entry));
  assertPair(arena, entry, "field:01", "abcd");
});

const LENGTHS = [0, 1, 8, 254, 255, 256, 5000, 16350, 16384, 40000];

Deno.test("any value can take the place of any other, under short and long fields", () => {
  const arena = new Arena({ debug: true });
  for (const fieldLength of [0, 5, 300, 16380, 32768, 32769]) {
    const field = "f".repeat(fieldLength);
    for (const from of LENGTHS) {
      for (const to of LENGTHS) {
        const before = create(arena, field, "a".repeat(from));
        const after = setValue(arena, before, "b".repeat(to));
        assertPair(arena, after, field, "b".repeat(to));
        fieldEntry.free(arena, after);
        assertEquals(arena.usedBytes, 0, `field ${fieldLength}, value ${from} to ${to}`);
      }
    }
  }
});

Deno.test("field and value may each be longer than a block", () => {
  const arena = new Arena({ debug: true });
  const field = "f".repeat(300000);
  const entry = setValue(arena, create(arena, field, "a".repeat(400000)), "b".repeat(600000));
  assertPair(arena, entry, field, "b".repeat(600000));
  fieldEntry.free(arena, entry);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("a value of about the same length stays in its block", () => {
  const arena = new Arena({ debug: true });
  const entry = create(arena, "counter", "1000000");
  assertEquals(setValue(arena, entry, "1000001"), entry);
  assertEquals(setValue(arena, entry, "9"), entry);
  assertPair(arena, entry, "counter", "9");
});

Deno.test("a value that shrinks much gives its block back", () => {
  const arena = new Arena({ debug: true });
  const entry = setValue(arena, create(arena, "f", "x".repeat(4000)), "x");
  assertEquals(arena.usedBytes, 8);
  assertPair(arena, entry, "f", "x");
});
