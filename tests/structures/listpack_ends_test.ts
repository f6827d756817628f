/** Ends of listpacks: head room, both ends in any order, no moves of entries, and freezing. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import * as ends from "../../src/structures/listpack_ends.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

const out = new Slice();

function elements(memory: Memory, ref: Ref): string[] {
  const found: string[] = [];
  for (let at = listpack.first(memory, ref); at !== -1; at = listpack.next(memory, ref, at)) {
    listpack.read(memory, ref, at, out);
    found.push(latin1Text(out.bytes, out.start, out.length));
  }
  return found;
}

/** Asserts the content, walked and sought, and that what would be saved is a listpack of it. */
function assertSound(memory: Memory, ref: Ref, expected: readonly string[], note = ""): void {
  assertEquals(elements(memory, ref), expected, note);
  assertEquals(listpack.count(memory, ref), expected.length, note);
  let at = listpack.last(memory, ref);
  for (let index = expected.length - 1; index >= 0; index--) {
    assertEquals(at, listpack.seek(memory, ref, index), note);
    at = listpack.previous(memory, ref, at);
  }
  assertEquals(at, -1, note);
  listpack.rawSlice(memory, ref, out);
  const { bytes, start, length } = out;
  assertEquals(length, listpack.byteLength(memory, ref), note);
  assert(rawListpack.validate(bytes, start, length, true), note);
  const saved: string[] = [];
  rawListpack.forEach(bytes, start, (text, from, size) => saved.push(latin1Text(text, from, size)));
  assertEquals(saved, expected, note);
}

function pushHead(arena: Arena, ref: Ref, element: string): Ref {
  return ends.pushHead(arena, ref, latin1Bytes(`<${element}>`), 1, element.length);
}

function pushTail(arena: Arena, ref: Ref, element: string): Ref {
  return ends.pushTail(arena, ref, latin1Bytes(`<${element}>`), 1, element.length);
}

/** Where the last entry stands, in all of memory. */
function lastPlace(memory: Memory, ref: Ref): string {
  return `${ref} ${listpack.last(memory, ref)}`;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `element ${index}`);
}

function build(arena: Arena, list: readonly string[]): Ref {
  let ref = listpack.create(arena);
  for (const element of list) ref = pushTail(arena, ref, element);
  return ref;
}

Deno.test("adding at the head, or removing there, seldom moves the entries behind", () => {
  const arena = new Arena({ debug: true });
  const model = numbered(500);
  let ref = build(arena, model);
  let moves = 0;
  let place = lastPlace(arena, ref);
  const note = () => {
    const now = lastPlace(arena, ref);
    if (now !== place) moves++;
    place = now;
  };
  for (let round = 0; round < 1000; round++) {
    ref = pushHead(arena, ref, "x");
    note();
    ref = ends.removeHead(arena, ref, 1);
    note();
  }
  assertEquals(moves, 1, "only the first time, when there was no head room");
  assertSound(arena, ref, model);
  for (let round = 0; round < 400; round++) {
    ref = ends.removeHead(arena, ref, 1);
    note();
  }
  assert(moves < 8, `${moves} moves for 400 entries of which each was the first once`);
  assertSound(arena, ref, model.slice(400));
});

Deno.test("both ends in turn, and a queue, move the entries once for many changes", () => {
  for (const [pushesHead, removesHead] of [[true, false], [false, true]]) {
    const arena = new Arena({ debug: true });
    const model = numbered(300);
    let ref = build(arena, model);
    let moves = 0;
    for (let round = 0; round < 2000; round++) {
      const element = `element ${round % 100}`;
      const before = ref;
      const room = listpack.headRoom(arena, ref);
      ref = pushesHead ? pushHead(arena, ref, element) : pushTail(arena, ref, element);
      if (pushesHead) model.unshift(element);
      else model.push(element);
      ref = removesHead ? ends.removeHead(arena, ref, 1) : ends.removeTail(arena, ref);
      if (removesHead) model.shift();
      else model.pop();
      // Within its block the listpack was moved if its room became other than it must be.
      const isQuiet = pushesHead
        ? listpack.headRoom(arena, ref) <= room
        : listpack.headRoom(arena, ref) >= room;
      if (ref !== before || !isQuiet) moves++;
      if (round % 100 === 0) assertSound(arena, ref, model, `round ${round}`);
    }
    assert(moves < 100, `${moves} moves for 2,000 elements`);
    assertSound(arena, ref, model);
  }
  const arena = new Arena({ debug: true });
  let ref = build(arena, numbered(300));
  let moves = 0;
  for (let round = 0; round < 1000; round++) {
    const before = ref;
    ref = pushTail(arena, pushHead(arena, ref, "y"), "y");
    if (ref !== before) moves++;
  }
  assert(moves < 30, `${moves} new blocks for 2,000 elements at both ends`);
  assertEquals(listpack.count(arena, ref), 2300);
});

Deno.test("head room is bounded, is not saved, is not copied, and is given up", () => {
  const arena = new Arena({ debug: true });
  const model = numbered(4000);
  let ref = build(arena, model);
  let moves = 0;
  for (let removed = 0; removed < 3000; removed += 10) {
    const place = lastPlace(arena, ref);
    ref = ends.removeHead(arena, ref, 10);
    assert(listpack.headRoom(arena, ref) <= listpack.HEAD_ROOM_MAX);
    if (lastPlace(arena, ref) !== place) moves++;
  }
  assert(moves < 20, `${moves} moves in 300 removals`);
  assertSound(arena, ref, model.slice(3000));
  ref = pushHead(arena, ref, "first");
  assert(listpack.headRoom(arena, ref) > 0);
  const expected = ["first", ...model.slice(3000)];
  const copy = listpack.duplicate(arena, ref);
  assertEquals(listpack.headRoom(arena, copy), 0);
  assertSound(arena, copy, expected);
  const both = listpack.appendAll(arena, pushHead(arena, copy, "zero"), ref);
  assertSound(arena, both, ["zero", ...expected, ...expected]);
  const trimmed = ends.trim(arena, ref);
  assertSound(arena, trimmed, expected);
  assertEquals(
    arena.blockBytes(trimmed),
    Arena.bytesFor(listpack.byteLength(arena, trimmed)),
  );
  arena.free(trimmed);
  arena.free(both);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("entries too large for head room, and listpacks as large as a block", () => {
  const arena = new Arena({ debug: true });
  const large = "l".repeat(listpack.HEAD_ROOM_MAX - 3);
  const huge = "h".repeat(60_000);
  let ref = listpack.create(arena);
  const model: string[] = [];
  const add = (element: string) => {
    ref = pushHead(arena, ref, element);
    model.unshift(element);
  };
  for (const element of ["a", large, "b", huge, "c", huge, large, "d"]) add(element);
  assertSound(arena, ref, model);
  while (listpack.fits(arena, ref, 1100)) add("e".repeat(1000));
  assertSound(arena, ref, model);
  assertEquals(arena.blockBytes(ref), listpack.LISTPACK_BYTES_MAX);
  while (model.length > 1) {
    const count = Math.min(7, model.length - 1);
    ref = ends.removeHead(arena, ref, count);
    model.splice(0, count);
    assertSound(arena, ref, model);
  }
  assert(arena.usedBytes <= 32, "one small element is left");
});

Deno.test("random changes at both ends and within match a plain array, also while frozen", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let game = 0; game < 12; game++) {
    const check = new FreezeCheck();
    const { arena } = check;
    let ref = listpack.create(arena);
    const model: string[] = [];
    for (let round = 0; round < 600; round++) {
      const note = `seed ${seed}, game ${game}, round ${round}`;
      if (random.oneIn(40)) {
        if (check.isFrozen) {
          check.release();
        } else {
          const frozen = ref;
          const expected = model.slice();
          check.freeze((memory) => assertSound(memory, frozen, expected, note));
        }
      }
      ref = changeOnce(random, arena, ref, model, game);
      if (round % 10 === 0) assertSound(arena, ref, model, note);
    }
    assertSound(arena, ref, model, `seed ${seed}`);
    check.release();
    assertEquals(arena.usedBytes, arena.blockBytes(ref), `seed ${seed}`);
    arena.free(ref);
    check.assertEmpty();
  }
});

/** One change; even games prefer the ends. */
function changeOnce(
  random: SeededRandom,
  arena: Arena,
  ref: Ref,
  model: string[],
  game: number,
): Ref {
  const element = random.oneIn(3)
    ? String(random.next() - 2 ** 31)
    : random.word(random.oneIn(20) ? random.below(2000) : random.below(12));
  const isFull = model.length > 200;
  const choice = game % 2 === 0 ? random.below(6) : random.below(9);
  if (model.length < 2 || (choice < 3 && !isFull)) {
    if (random.oneIn(2)) {
      model.unshift(element);
      return pushHead(arena, ref, element);
    }
    model.push(element);
    return pushTail(arena, ref, element);
  }
  if (choice < 5) {
    const count = random.oneIn(5) ? random.between(1, model.length - 1) : 1;
    model.splice(0, count);
    return ends.removeHead(arena, ref, count);
  }
  if (choice === 5) {
    model.pop();
    return ends.removeTail(arena, ref);
  }
  const index = random.below(model.length);
  const position = listpack.seek(arena, ref, index);
  const bytes = latin1Bytes(element);
  if (choice === 6) {
    model.splice(index, 1);
    return listpack.remove(arena, ref, position, 1);
  }
  if (choice === 7) {
    model[index] = element;
    return listpack.replace(arena, ref, position, bytes, 0, bytes.length);
  }
  model.splice(index, 0, element);
  return listpack.insertBefore(arena, ref, position, bytes, 0, bytes.length);
}
