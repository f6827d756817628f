/** List value against an array, in a debug arena that is frozen and released as it goes. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as byteString from "../../src/structures/byte_string.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import * as listValue from "../../src/values/list_value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

/** Takes elements as a reply would. */
class Texts implements listValue.ElementSink {
  readonly texts: string[] = [];

  bulk(bytes: Uint8Array, start: number, length: number): void {
    this.texts.push(latin1Text(bytes, start, length));
  }
}

function elementsOf(memory: Memory, list: Ref): string[] {
  const sink = new Texts();
  listValue.emitAll(memory, list, sink);
  return sink.texts;
}

function randomElement(random: SeededRandom): string {
  const kind = random.below(20);
  if (kind < 8) return String(random.below(20) - 5);
  if (kind < 10) return random.pick(["9223372036854775807", "-70000", "123456789012", "4096"]);
  if (kind < 17) return random.word(random.below(4));
  if (kind < 19) return random.word(random.between(60, 130));
  return random.oneIn(8) ? "p".repeat(70000) : random.word(3000);
}

function release(check: FreezeCheck, list: Ref): void {
  while (!listValue.releaseStep(check.arena, list, 2));
  check.assertEmpty();
}

function insertBeside(
  check: FreezeCheck,
  list: Ref,
  model: string[],
  random: SeededRandom,
  text: string,
  fill: number,
): void {
  const { arena } = check;
  const bytes = latin1Bytes(text);
  const length = bytes.length;
  const pivotText = model.length > 0 ? random.pick(model) : "none";
  const pivot = new Slice();
  pivot.set(latin1Bytes(pivotText), 0, pivotText.length);
  const isBehind = random.oneIn(2);
  const at = model.indexOf(pivotText);
  const isInserted = listValue.insertBeside(arena, list, pivot, isBehind, bytes, 0, length, fill);
  assertEquals(isInserted, at >= 0);
  if (at >= 0) model.splice(isBehind ? at + 1 : at, 0, text);
}

function removeEqual(
  check: FreezeCheck,
  list: Ref,
  model: string[],
  random: SeededRandom,
  text: string,
): void {
  const bytes = latin1Bytes(text);
  const isBackward = random.oneIn(2);
  const limit = random.between(1, 3);
  let removed = 0;
  for (; removed < limit; removed++) {
    const at = isBackward ? model.lastIndexOf(text) : model.indexOf(text);
    if (at < 0) break;
    model.splice(at, 1);
  }
  const { arena } = check;
  const count = listValue.removeEqual(arena, list, bytes, 0, bytes.length, limit, isBackward);
  assertEquals(count, removed);
}

/** One random change of list and model. */
function change(
  check: FreezeCheck,
  list: Ref,
  model: string[],
  random: SeededRandom,
  fill: number,
) {
  const { arena } = check;
  const text = randomElement(random);
  const bytes = latin1Bytes(text);
  const out = new Slice();
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2: {
      const atHead = random.oneIn(2);
      listValue.push(arena, list, atHead, bytes, 0, bytes.length, fill);
      if (atHead) model.unshift(text);
      else model.push(text);
      break;
    }
    case 3: {
      if (model.length === 0) break;
      const atHead = random.oneIn(2);
      listValue.takeEnd(arena, list, atHead, out);
      const taken = latin1Text(out.bytes, out.start, out.length);
      assertEquals(taken, atHead ? model.shift() : model.pop());
      break;
    }
    case 4: {
      const index = random.between(-model.length - 1, model.length);
      const place = index < 0 ? index + model.length : index;
      const exists = place >= 0 && place < model.length;
      assertEquals(listValue.setAt(arena, list, index, bytes, 0, bytes.length), exists);
      if (exists) model[place] = text;
      break;
    }
    case 5:
      insertBeside(check, list, model, random, text, fill);
      break;
    case 6:
      removeEqual(check, list, model, random, text);
      break;
    case 7: {
      if (model.length < 60) break;
      const first = random.below(model.length);
      const count = random.between(0, model.length - first);
      listValue.removeRange(arena, list, first, count);
      model.splice(first, count);
      break;
    }
    case 8: {
      const copy = listValue.duplicate(arena, list);
      assertEquals(elementsOf(arena, copy), model);
      while (!listValue.releaseStep(arena, copy, 3));
    }
  }
}

for (const fill of [-2, -1, 1, 4]) {
  Deno.test(`a list with fill ${fill} does what an array does, also while frozen`, () => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    const check = new FreezeCheck();
    const list = listValue.create(check.arena);
    const model: string[] = [];
    try {
      for (let step = 0; step < 700; step++) {
        change(check, list, model, random, fill);
        assertEquals(listValue.length(check.arena, list), model.length);
        if (step % 10 === 0) assertEquals(elementsOf(check.arena, list), model);
        if (random.oneIn(40)) {
          if (check.isFrozen) {
            check.release();
          } else {
            const frozen = [...model];
            check.freeze((memory) => assertEquals(elementsOf(memory, list), frozen));
          }
        }
      }
      assertEquals(elementsOf(check.arena, list), model);
      release(check, list);
    } catch (error) {
      throw new Error(`failed with seed ${seed}`, { cause: error });
    }
  });
}

function listOf(check: FreezeCheck, elements: string[], fill: number): Ref {
  const list = listValue.create(check.arena);
  for (const element of elements) {
    const bytes = latin1Bytes(element);
    listValue.push(check.arena, list, false, bytes, 0, bytes.length, fill);
  }
  return list;
}

Deno.test("emitRange hands on any range in both directions", () => {
  const check = new FreezeCheck();
  const elements = ["a", "12", "b".repeat(100), "-5", "c".repeat(70000), "", "130", "z"];
  const list = listOf(check, elements, 3);
  for (let first = 0; first < elements.length; first++) {
    for (let count = 0; first + count <= elements.length; count++) {
      const forward = new Texts();
      listValue.emitRange(check.arena, list, first, count, false, forward);
      assertEquals(forward.texts, elements.slice(first, first + count));
      const backward = new Texts();
      listValue.emitRange(check.arena, list, first + count - 1, count, true, backward);
      assertEquals(backward.texts, elements.slice(first, first + count).reverse());
    }
  }
  release(check, list);
});

Deno.test("forEachEqual finds strings, integers and long elements from either end", () => {
  const check = new FreezeCheck();
  const long = "q".repeat(70000);
  const list = listOf(check, ["7", "x", long, "7", "07", "x", long], 2);
  const find = (text: string, isBackward: boolean, compareMax: number) => {
    const bytes = latin1Bytes(text);
    const found: number[] = [];
    const visit = (index: number) => found.push(index) > 0;
    listValue.forEachEqual(
      check.arena,
      list,
      bytes,
      0,
      bytes.length,
      isBackward,
      compareMax,
      visit,
    );
    return found;
  };
  assertEquals(find("7", false, Infinity), [0, 3]);
  assertEquals(find("07", false, Infinity), [4]);
  assertEquals(find("x", true, Infinity), [5, 1]);
  assertEquals(find(long, false, Infinity), [2, 6]);
  assertEquals(find(long, true, 1), [6]);
  assertEquals(find("nothing", false, Infinity), []);
  release(check, list);
});

Deno.test("a list saved node by node and loaded again is the same", () => {
  const check = new FreezeCheck();
  const { arena } = check;
  const elements = ["1", "two", "3".repeat(70000), "four", "5", "6", "7"];
  const list = listOf(check, elements, 2);
  const copy = listValue.create(arena);
  const raw = new Slice();
  listValue.forEachNode(arena, list, (isPlain, content) => {
    if (isPlain) {
      const bytes = byteString.toBytes(arena, content);
      listValue.appendElement(arena, copy, bytes, 0, bytes.length, 2);
    } else {
      listpack.rawSlice(arena, content, raw);
      const bytes = raw.copy();
      listValue.appendRawListpack(arena, copy, bytes, 0, bytes.length, 2);
    }
  });
  assertEquals(elementsOf(arena, copy), elements);
  assertEquals(listValue.nodeCount(arena, copy), listValue.nodeCount(arena, list));
  assert(listValue.memoryBytes(arena, copy) > 70000);
  while (!listValue.releaseStep(arena, copy, 1));
  release(check, list);
});

Deno.test("a raw listpack larger than a block is taken apart", () => {
  const check = new FreezeCheck();
  const entry = 4000;
  const count = 100;
  // Entries of 4,000 bytes: header of 2 bytes, backward length of 2.
  const raw = new Uint8Array(7 + count * (entry + 4));
  const total = raw.length;
  raw.set([total & 255, (total >>> 8) & 255, (total >>> 16) & 255, total >>> 24, count, 0]);
  for (let index = 0, at = 6; index < count; index++, at += entry + 4) {
    const size = entry + 2;
    raw.set([0xe0 | (entry >>> 8), entry & 255], at);
    raw.fill(97 + index % 26, at + 2, at + 2 + entry);
    raw.set([size >>> 7, 0x80 | (size & 127)], at + 2 + entry);
  }
  raw[total - 1] = 255;
  assert(rawListpack.validate(raw, 0, total, true));
  const list = listValue.create(check.arena);
  listValue.appendRawListpack(check.arena, list, raw, 0, total, -2);
  assertEquals(listValue.length(check.arena, list), count);
  const out = new Slice();
  listValue.readAt(check.arena, list, 27, out);
  assertEquals(latin1Text(out.bytes, out.start, out.length), "b".repeat(entry));
  release(check, list);
});

Deno.test("an empty raw listpack adds no node", () => {
  const check = new FreezeCheck();
  const list = listValue.create(check.arena);
  listValue.appendRawListpack(check.arena, list, new Uint8Array([7, 0, 0, 0, 0, 0, 255]), 0, 7, -2);
  assertEquals(listValue.nodeCount(check.arena, list), 0);
  release(check, list);
});
