/** Quicklists: ends, cursor, ranges, plain nodes, splitting and merging, and freezing. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as byteString from "../../src/structures/byte_string.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import * as quicklist from "../../src/structures/quicklist.ts";
import { QuicklistCursor } from "../../src/structures/quicklist.ts";
import * as nodes from "../../src/structures/quicklist_nodes.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

const FILLS = [-1, -2, -3, -4, -5, 0, 1, 3, 128, 20_000];
const LONG = nodes.PACKED_ELEMENT_BYTES_MAX;

const out = new Slice();

function current(memory: Memory, cursor: QuicklistCursor): string {
  cursor.read(memory, out);
  return latin1Text(out.bytes, out.start, out.length);
}

function elements(memory: Memory, list: Ref): string[] {
  const cursor = new QuicklistCursor();
  const found: string[] = [];
  for (let on = cursor.seek(memory, list, 0); on; on = cursor.next(memory)) {
    found.push(current(memory, cursor));
  }
  return found;
}

function elementsFromTail(memory: Memory, list: Ref): string[] {
  const cursor = new QuicklistCursor();
  const found: string[] = [];
  for (let on = cursor.seek(memory, list, -1); on; on = cursor.previous(memory)) {
    found.push(current(memory, cursor));
  }
  return found.reverse();
}

/** Asserts content in both directions, links, counts, and that every listpack is valid. */
function assertSound(memory: Memory, list: Ref, expected: readonly string[], note = ""): void {
  assertEquals(elements(memory, list), expected, note);
  assertEquals(elementsFromTail(memory, list), expected, note);
  assertEquals(quicklist.count(memory, list), expected.length, note);
  let previous = 0;
  let nodeCount = 0;
  quicklist.forEachNode(memory, list, (node) => {
    nodeCount++;
    assertEquals(nodes.previousNode(memory, node), previous, note);
    previous = node;
    if (nodes.isPlain(memory, node)) return;
    const ref = nodes.content(memory, node);
    assertEquals(listpack.count(memory, ref), nodes.entryCount(memory, node), note);
    listpack.rawSlice(memory, ref, out);
    assert(rawListpack.validate(out.bytes, out.start, out.length, true), note);
  });
  assertEquals(nodes.lastNode(memory, list), previous, note);
  assertEquals(quicklist.nodeCount(memory, list), nodeCount, note);
}

function pushTail(arena: Arena, list: Ref, element: string, fill: number): void {
  quicklist.pushTail(arena, list, latin1Bytes(element), 0, element.length, fill);
}

function build(arena: Arena, list: readonly string[], fill = -2): Ref {
  const ref = quicklist.create(arena);
  for (const element of list) pushTail(arena, ref, element, fill);
  return ref;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `element ${index}`);
}

/** Entries of each node; -1 for a plain one. */
function shape(memory: Memory, list: Ref): number[] {
  const found: number[] = [];
  quicklist.forEachNode(memory, list, (node) => {
    found.push(nodes.isPlain(memory, node) ? -1 : nodes.entryCount(memory, node));
  });
  return found;
}

Deno.test("an empty list has no head, no nodes, and gives its only block back", () => {
  const arena = new Arena({ debug: true });
  const list = quicklist.create(arena);
  assertSound(arena, list, []);
  assertEquals(new QuicklistCursor().seek(arena, list, 0), false);
  assertEquals(new QuicklistCursor().seek(arena, list, -1), false);
  assertEquals(quicklist.removeRange(arena, list, 0, 10), 0);
  quicklist.free(arena, list);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("both ends push, read and remove", () => {
  for (const fill of FILLS) {
    const arena = new Arena({ debug: true });
    const list = quicklist.create(arena);
    const model: string[] = [];
    for (let index = 0; index < 300; index++) {
      const element = index % 2 === 0 ? `${index}` : `value ${index}`;
      if (index % 3 === 0) {
        quicklist.pushHead(arena, list, latin1Bytes(element), 0, element.length, fill);
        model.unshift(element);
      } else {
        pushTail(arena, list, element, fill);
        model.push(element);
      }
    }
    assertSound(arena, list, model, `fill ${fill}`);
    while (model.length > 0) {
      quicklist.readHead(arena, list, out);
      assertEquals(latin1Text(out.bytes, out.start, out.length), model.shift());
      quicklist.removeHead(arena, list);
      if (model.length === 0) break;
      quicklist.readTail(arena, list, out);
      assertEquals(latin1Text(out.bytes, out.start, out.length), model.pop());
      quicklist.removeTail(arena, list);
    }
    assertSound(arena, list, [], `fill ${fill}`);
    quicklist.free(arena, list);
    assertEquals(arena.usedBytes, 0);
  }
});

Deno.test("a node takes what its fill factor allows", () => {
  const arena = new Arena({ debug: true });
  const element = "e".repeat(92);
  const list = Array.from({ length: 2000 }, () => element);
  // An entry takes 95 bytes; it is admitted if the node's bytes + 92 + 8 are within the limit.
  const expected: Record<string, number> = { "-1": 42, "-2": 86, "-3": 172, "-4": 344, "-5": 689 };
  for (const fill of [-1, -2, -3, -4, -5]) {
    const [entries] = shape(arena, build(arena, list, fill));
    assertEquals(entries, expected[fill], `fill ${fill}`);
  }
  assertEquals(shape(arena, build(arena, list, -9))[0], expected["-5"]);
  assertEquals(shape(arena, build(arena, list.slice(0, 5), 0)), [1, 1, 1, 1, 1]);
  assertEquals(shape(arena, build(arena, list.slice(0, 5), 2)), [2, 2, 1]);
  assertEquals(shape(arena, build(arena, list, 1000))[0], 86, "8 KiB at most");
});

Deno.test("seek reaches every element from both ends", () => {
  const arena = new Arena({ debug: true });
  const model = numbered(257);
  const list = build(arena, model, 7);
  const cursor = new QuicklistCursor();
  for (let index = 0; index < model.length; index++) {
    assert(cursor.seek(arena, list, index));
    assertEquals(current(arena, cursor), model[index]);
    assert(cursor.seek(arena, list, index - model.length));
    assertEquals(current(arena, cursor), model[index]);
    assert(cursor.equals(arena, latin1Bytes(model[index]), 0, model[index].length));
    assert(!cursor.equals(arena, latin1Bytes("element"), 0, 7));
  }
  assertEquals(cursor.seek(arena, list, 257), false);
  assertEquals(cursor.seek(arena, list, -258), false);
});

Deno.test("removeRange drops whole nodes, parts of nodes, and counts from the tail", () => {
  for (const [start, count] of [[0, 5], [3, 20], [0, 100], [-10, 4], [-3, 50], [95, 50], [7, 0]]) {
    const arena = new Arena({ debug: true });
    const model = numbered(100);
    const list = build(arena, model, 9);
    const removed = model.splice(start, count).length;
    assertEquals(quicklist.removeRange(arena, list, start, count), removed);
    assertSound(arena, list, model, `${start} ${count}`);
    quicklist.free(arena, list);
    assertEquals(arena.usedBytes, 0);
  }
});

Deno.test("inserting into a full node splits it, and small halves merge with neighbours", () => {
  const arena = new Arena({ debug: true });
  const cursor = new QuicklistCursor();
  const list = build(arena, numbered(12), 4);
  assertEquals(shape(arena, list), [4, 4, 4]);
  cursor.seek(arena, list, 5);
  cursor.insertAfter(arena, list, latin1Bytes("x"), 0, 1, 4);
  // Redis: 4 | 2 | x+2 | 4 and nothing merges, because every pair exceeds four entries.
  assertEquals(shape(arena, list), [4, 2, 3, 4]);
  cursor.seek(arena, list, 9);
  cursor.insertBefore(arena, list, latin1Bytes("y"), 0, 1, 4);
  const model = numbered(12);
  model.splice(6, 0, "x");
  model.splice(9, 0, "y");
  assertSound(arena, list, model);
  const large = build(arena, model, -2);
  assertEquals(shape(arena, large), [14]);
});

Deno.test("a long element stands in a plain node of its own", () => {
  const arena = new Arena({ debug: true });
  const cursor = new QuicklistCursor();
  const bytes = new Uint8Array(3_000_000).fill(7);
  bytes[2_999_999] = 8;
  const list = build(arena, ["a", "b", "c"]);
  cursor.seek(arena, list, 1);
  cursor.insertAfter(arena, list, bytes, 0, bytes.length, -2);
  assertEquals(shape(arena, list), [2, -1, 1]);
  cursor.seek(arena, list, 2);
  assert(cursor.isPlain(arena));
  assert(cursor.equals(arena, bytes, 0, bytes.length));
  assert(!cursor.equals(arena, bytes, 0, bytes.length - 1));
  assertEquals(byteString.byteLength(arena, cursor.plainRef(arena)), bytes.length);
  cursor.read(arena, out);
  assertEquals([out.length, out.bytes[out.start + out.length - 1]], [3_000_000, 8]);
  assertEquals(quicklist.memoryBytes(arena, list), arena.usedBytes);
  cursor.replace(arena, list, latin1Bytes("short"), 0, 5);
  assertSound(arena, list, ["a", "b", "short", "c"]);
  cursor.seek(arena, list, 0);
  cursor.replace(arena, list, bytes, 0, bytes.length);
  assertEquals(shape(arena, list), [-1, 1, 1, 1]);
  quicklist.free(arena, list);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("replacing within a node stops at the size of a block", () => {
  const arena = new Arena({ debug: true });
  const cursor = new QuicklistCursor();
  const model = numbered(20);
  const list = build(arena, model, -5);
  for (let index = 0; index < 20; index++) {
    const element = String.fromCharCode(97 + index).repeat(LONG - index);
    model[index] = element;
    cursor.seek(arena, list, index);
    cursor.replace(arena, list, latin1Bytes(element), 0, element.length);
  }
  assertSound(arena, list, model);
  assert(quicklist.nodeCount(arena, list) > 1);
  quicklist.free(arena, list);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("nodes appended by a loader and duplicated lists are whole lists", () => {
  const arena = new Arena({ debug: true });
  const list = quicklist.create(arena);
  const pack = listpack.append(arena, listpack.create(arena), latin1Bytes("a12"), 0, 1);
  quicklist.appendListpack(arena, list, listpack.append(arena, pack, latin1Bytes("a12"), 1, 2));
  quicklist.appendPlain(arena, list, byteString.fromBytes(arena, latin1Bytes("plain"), 0, 5));
  pushTail(arena, list, "z", -2);
  const copy = quicklist.duplicate(arena, list);
  for (const each of [list, copy]) {
    assertSound(arena, each, ["a", "12", "plain", "z"]);
    assertEquals(shape(arena, each), [2, -1, 1]);
  }
  quicklist.free(arena, list);
  assertSound(arena, copy, ["a", "12", "plain", "z"]);
  quicklist.free(arena, copy);
  assertEquals(arena.usedBytes, 0);
});

function randomElement(random: SeededRandom): string {
  if (random.oneIn(60)) return random.word(4).repeat(random.between(1, 20_000));
  if (random.oneIn(3)) return String(random.next() - 2 ** 31);
  return random.word(random.oneIn(10) ? random.below(3000) : random.below(20));
}

/** One change through the cursor, and the same to the model. */
function changeAtCursor(
  random: SeededRandom,
  arena: Arena,
  list: Ref,
  model: string[],
  fill: number,
): void {
  const cursor = new QuicklistCursor();
  const index = random.below(model.length);
  const element = randomElement(random);
  const bytes = latin1Bytes(element);
  cursor.seek(arena, list, random.oneIn(2) ? index : index - model.length);
  switch (random.below(5)) {
    case 0:
      cursor.insertBefore(arena, list, bytes, 0, bytes.length, fill);
      model.splice(index, 0, element);
      break;
    case 1:
      cursor.insertAfter(arena, list, bytes, 0, bytes.length, fill);
      model.splice(index + 1, 0, element);
      break;
    case 2:
      cursor.replace(arena, list, bytes, 0, bytes.length);
      model[index] = element;
      break;
    case 3: {
      const start = random.below(2 * model.length) - model.length;
      const count = random.below(random.oneIn(10) ? 100 : 8);
      assertEquals(
        quicklist.removeRange(arena, list, start, count),
        model.splice(start, count).length,
      );
      break;
    }
    default:
      removeSome(random, arena, list, model, cursor, index);
  }
}

/** Walks from the cursor in one direction and removes every second element, as LREM would. */
function removeSome(
  random: SeededRandom,
  arena: Arena,
  list: Ref,
  model: string[],
  cursor: QuicklistCursor,
  from: number,
): void {
  const isForward = random.oneIn(2);
  let index = from;
  for (let steps = random.below(6), on = true; steps > 0 && on; steps--) {
    assertEquals(current(arena, cursor), model[index]);
    model.splice(index, 1);
    on = cursor.remove(arena, list, isForward);
    if (!isForward) index--;
    assertEquals(on, index >= 0 && index < model.length);
    if (!on) return;
    assertEquals(current(arena, cursor), model[index]);
    on = isForward ? cursor.next(arena) : cursor.previous(arena);
    index += isForward ? 1 : -1;
  }
}

Deno.test("random changes match a plain array, before and after a freeze", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const check = new FreezeCheck();
  const { arena } = check;
  for (const fill of FILLS) {
    const note = `seed ${seed}, fill ${fill}`;
    const list = quicklist.create(arena);
    const model: string[] = [];
    for (let round = 0; round < 500; round++) {
      if (random.oneIn(50)) {
        if (check.isFrozen) {
          check.release();
        } else {
          const frozenModel = model.slice();
          check.freeze((memory) => assertSound(memory, list, frozenModel, note));
        }
      }
      const element = randomElement(random);
      const choice = model.length === 0 ? 0 : random.below(9);
      if (choice < 3) {
        pushTail(arena, list, element, fill);
        model.push(element);
      } else if (choice < 5) {
        quicklist.pushHead(arena, list, latin1Bytes(element), 0, element.length, fill);
        model.unshift(element);
      } else {
        changeAtCursor(random, arena, list, model, fill);
      }
      assertEquals(quicklist.count(arena, list), model.length, note);
      if (round % 25 === 0) assertSound(arena, list, model, note);
    }
    assertSound(arena, list, model, note);
    check.release();
    assertEquals(quicklist.memoryBytes(arena, list), arena.usedBytes, note);
    quicklist.free(arena, list);
    check.assertEmpty();
  }
});

Deno.test("taking from the head of full nodes, and adding there, keeps order, counts and nodes", () => {
  for (const fill of [-1, -2, -3, 128]) {
    const arena = new Arena({ debug: true });
    const list = quicklist.create(arena);
    const model = Array.from({ length: 3000 }, (_, index) => `element:${index}`);
    for (const element of model) pushTail(arena, list, element, fill);
    for (let round = 0; model.length > 0; round++) {
      quicklist.removeHead(arena, list);
      model.shift();
      if (round % 5 === 0) {
        quicklist.pushHead(
          arena,
          list,
          latin1Bytes(`new:${round}`),
          0,
          `new:${round}`.length,
          fill,
        );
        model.unshift(`new:${round}`);
      }
      if (round % 7 === 0 && model.length > 3) {
        quicklist.removeTail(arena, list);
        model.pop();
      }
      if (round % 199 === 0) assertSound(arena, list, model, `fill ${fill}, round ${round}`);
    }
    assertEquals(quicklist.nodeCount(arena, list), 0);
    assertEquals(quicklist.memoryBytes(arena, list), arena.usedBytes);
    quicklist.free(arena, list);
  }
});
