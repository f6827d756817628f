/** The small form of a sorted set: what stands in the listpack, and which bytes are refused. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as small from "../../src/values/sorted_set_listpack.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

/** The bytes of a listpack with these elements. */
function rawListpack(elements: string[]): Uint8Array {
  const { arena } = new FreezeCheck();
  let ref = listpack.create(arena);
  for (const element of elements) {
    ref = listpack.append(arena, ref, latin1Bytes(element), 0, element.length);
  }
  const raw = new Slice();
  listpack.rawSlice(arena, ref, raw);
  return raw.copy();
}

function insertAll(arena: Arena, pairs: [string, number][]): Ref {
  let ref = listpack.create(arena);
  for (const [member, score] of pairs) {
    ref = small.insert(arena, ref, latin1Bytes(member), 0, member.length, score);
  }
  return ref;
}

/** Elements in their order, integers in brackets. */
function stored(arena: Arena, ref: Ref): string[] {
  const elements: string[] = [];
  const element = new Slice();
  for (let at = listpack.first(arena, ref); at !== -1; at = listpack.next(arena, ref, at)) {
    listpack.read(arena, ref, at, element);
    const text = latin1Text(element.bytes, element.start, element.length);
    elements.push(listpack.isInteger(arena, ref, at) ? `(${text})` : text);
  }
  return elements;
}

Deno.test("scores are stored as Redis stores them: integers or 17 digits", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const pairs: [string, number][] = [
    ...[["e", Infinity], ["d", 1e300], ["c", 2 ** 61], ["b", 0.1]] as [string, number][],
    ...[["a", -0], ["7", -1], ["z", -Infinity]] as [string, number][],
  ];
  const ref = insertAll(arena, pairs);
  assertEquals(stored(arena, ref), [
    ...["z", "-inf", "(7)", "(-1)", "a", "(0)", "b", "0.10000000000000001"],
    ...["c", "(2305843009213693952)", "d", "1.0000000000000001e+300", "e", "inf"],
  ]);
  for (const [member, score] of pairs) {
    const position = small.find(arena, ref, latin1Bytes(member), 0, member.length);
    assertEquals(small.scoreOf(arena, ref, position), score + 0);
  }
  arena.free(ref);
  check.assertEmpty();
});

Deno.test("a member whose bytes are another one's score is not mistaken for it", () => {
  const { arena } = new FreezeCheck();
  const ref = insertAll(arena, [["1", 5], ["5", 7]]);
  assertEquals(small.scoreOf(arena, ref, small.find(arena, ref, latin1Bytes("5"), 0, 1)), 7);
  assertEquals(small.find(arena, ref, latin1Bytes("7"), 0, 1), -1);
});

/** Scores between which a double can and cannot tell the difference, and those of all widths. */
const BIG = ["a", "-4611686018427387904", "b", "-70000", "c", "4611686018427387904"];

Deno.test("sound bytes are told from others", () => {
  const sound = [[], ["a", "1"], ["a", "-inf", "b", "1.5", "c", "1.5"], ["1", "1", "2", "1"], BIG];
  const wrong = [
    ...[["a"], ["a", "1", "b"], ["a", "x"], ["a", "nan"], ["a", ""]],
    ...[["a", "2", "b", "1"], ["b", "1", "a", "1"], ["a", "1", "a", "1"]],
    ["b", "9007199254740992", "a", "9007199254740993"],
  ];
  for (const elements of [...sound, ...wrong]) {
    const raw = rawListpack(elements);
    const isSound = small.validate(raw, 0, raw.length);
    assertEquals(isSound, sound.includes(elements), elements.join(" "));
  }
  const cut = rawListpack(["a", "1"]).slice(0, -2);
  assertEquals(small.validate(cut, 0, cut.length), false);
});

Deno.test("members and scores are read from bytes in pairs, integers too", () => {
  const read = (elements: string[]) => {
    const pairs: [string, number][] = [];
    const isPaired = small.forEachRaw(rawListpack(elements), 0, (member, score) => {
      pairs.push([latin1Text(member.bytes, member.start, member.length), score]);
    });
    return [isPaired, pairs];
  };
  const pairs = [["1", -7], ["22", 333], ["x", 1.5], ["4444", 55555]];
  assertEquals(read(pairs.flat().map(String)), [true, pairs]);
  assertEquals(read(["1", "2", "3"]), [false, [["1", 2]]]);
});
