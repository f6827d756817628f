/** Small hashes whose fields expire: the order of their fields, in one listpack. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as fields from "../../src/values/field_listpack.ts";
import { NO_EXPIRY } from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

function add(arena: Arena, ref: Ref, field: string, text: string, expiryMs: number): Ref {
  const name = latin1Bytes(field);
  const bytes = latin1Bytes(text);
  return fields.add(arena, ref, name, 0, name.length, bytes, 0, bytes.length, expiryMs);
}

function at(memory: Memory, ref: Ref, field: string): number {
  return fields.find(memory, ref, latin1Bytes(field), 0, field.length);
}

/** All fields in order, as "field=value@expiry". */
function contents(memory: Memory, ref: Ref): string {
  const parts: string[] = [];
  const view = new Slice();
  const text = () => latin1Text(view.bytes, view.start, view.length);
  let position = listpack.first(memory, ref);
  for (; position !== -1; position = fields.next(memory, ref, position)) {
    listpack.read(memory, ref, position, view);
    const name = text();
    fields.readValue(memory, ref, position, view);
    parts.push(`${name}=${text()}@${fields.expiryAt(memory, ref, position)}`);
  }
  return parts.join(" ");
}

Deno.test("fields stand in the order in which they expire, the latest set first among equals", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  let ref = listpack.create(arena);
  assertEquals(fields.nextExpiry(arena, ref), NO_EXPIRY);
  for (const [field, ms] of [["a", -1], ["b", 50], ["c", 20], ["d", 50], ["e", -1]] as const) {
    ref = add(arena, ref, field, "7", ms);
  }
  assertEquals(contents(arena, ref), "c=7@20 d=7@50 b=7@50 a=7@-1 e=7@-1");
  assertEquals([fields.count(arena, ref), fields.nextExpiry(arena, ref)], [5, 20]);
  const frozen = ref;
  check.freeze((memory) => assertEquals(fields.nextExpiry(memory, frozen), 20));
  ref = fields.setExpiry(arena, ref, at(arena, ref, "a"), 20);
  ref = fields.setExpiry(arena, ref, at(arena, ref, "d"), NO_EXPIRY);
  ref = fields.setValue(arena, ref, at(arena, ref, "b"), latin1Bytes("text"), 0, 4);
  assertEquals(contents(arena, ref), "a=7@20 c=7@20 b=text@50 e=7@-1 d=7@-1");
  ref = fields.remove(arena, ref, at(arena, ref, "e"));
  assertEquals(at(arena, ref, "e"), -1);
  arena.free(ref);
  check.assertEmpty();
});

Deno.test("a value that looks like a field is not found, nor is an expiry", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const ref = add(arena, listpack.create(arena), "name", "value", 12345);
  assertEquals([at(arena, ref, "value"), at(arena, ref, "12345")], [-1, -1]);
  arena.free(ref);
  check.assertEmpty();
});

Deno.test("what has expired is the head, and is removed with one change", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  let ref = listpack.create(arena);
  for (let index = 0; index < 6; index++) ref = add(arena, ref, `f${index}`, "v", index * 10 + 1);
  ref = add(arena, ref, "stays", "v", NO_EXPIRY);
  assertEquals(fields.countExpired(arena, ref, 21), 2);
  assertEquals(fields.countExpired(arena, ref, 22), 3);
  assertEquals(fields.countExpired(arena, ref, 1e15), 6);
  const removed: string[] = [];
  const visit = ({ bytes, start, length }: Slice) => {
    removed.push(latin1Text(bytes, start, length));
  };
  ref = fields.removeExpired(arena, ref, 32, 2, visit);
  assertEquals([removed, fields.count(arena, ref)], [["f0", "f1"], 5]);
  assertEquals(fields.removeExpired(arena, ref, 21, 9, visit), ref);
  assertEquals(fields.removeExpired(arena, ref, 31, 0, visit), ref);
  ref = fields.removeExpired(arena, ref, 32, 9, visit);
  assertEquals([removed.splice(2), fields.count(arena, ref)], [["f2", "f3"], 3]);
  ref = fields.removeExpired(arena, ref, 1e15, 9, null);
  assertEquals([fields.count(arena, ref), at(arena, ref, "stays")], [1, 6]);
  assertEquals(fields.haveAllExpired(arena, ref, 1e15), false);
  arena.free(ref);
  check.assertEmpty();
});

Deno.test("pairs become triples of the same fields, of which none expires", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  let pairs = listpack.create(arena);
  for (const element of ["a", "1", "b", "two"]) {
    pairs = listpack.append(arena, pairs, latin1Bytes(element), 0, element.length);
  }
  const ref = fields.fromPairs(arena, pairs);
  assertEquals(contents(arena, ref), "a=1@-1 b=two@-1");
  arena.free(ref);
  check.assertEmpty();
});

Deno.test("only triples in order, with possible expiries, are such a hash", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const raw = new Slice();
  const isOrdered = (...elements: string[]) => {
    let ref = listpack.create(arena);
    for (const element of elements) {
      ref = listpack.append(arena, ref, latin1Bytes(element), 0, element.length);
    }
    listpack.rawSlice(arena, ref, raw);
    const outcome = fields.isOrdered(raw.bytes, raw.start, 1000);
    arena.free(ref);
    return outcome;
  };
  assertEquals(isOrdered("a", "v", "5", "b", "v", "5", "c", "v", "1000", "d", "v", "0"), true);
  assertEquals(isOrdered(), true);
  assertEquals(isOrdered("a", "v", "5", "b", "v", "4"), false);
  assertEquals(isOrdered("a", "v", "0", "b", "v", "4"), false);
  assertEquals(isOrdered("a", "v", "1001"), false);
  assertEquals(isOrdered("a", "v", "-1"), false);
  assertEquals(isOrdered("a", "v", "text"), false);
  assertEquals(isOrdered("a", "v", "5", "b"), false);
  check.assertEmpty();
});
