/**
 * Indexes of long lists: whatever happens to a list, its elements are found where they are; and
 * what leaves the nodes as they were leaves the index, too.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Memory, type Ref } from "../../src/memory/memory.ts";
import * as quicklist from "../../src/structures/quicklist.ts";
import { QuicklistCursor } from "../../src/structures/quicklist.ts";
import { INDEXED_NODES_MIN, INDEXES_MAX } from "../../src/structures/quicklist_index.ts";
import * as nodes from "../../src/structures/quicklist_nodes.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const FILL = 3;
const cursor = new QuicklistCursor();
const out = new Slice();

function pushTail(arena: Arena, list: Ref, element: string): void {
  quicklist.pushTail(arena, list, latin1Bytes(element), 0, element.length, FILL);
}

function longList(arena: Arena, count: number): Ref {
  const list = quicklist.create(arena);
  for (let index = 0; index < count; index++) pushTail(arena, list, `${index}`);
  return list;
}

function elementAt(memory: Memory, list: Ref, index: number): string {
  assert(cursor.seek(memory, list, index), `element ${index}`);
  cursor.read(memory, out);
  return latin1Text(out.bytes, out.start, out.length);
}

/** Places that the index of a list has now; -1 if there is none. */
function placeCount(arena: Arena, list: Ref): number {
  const index = arena.lists.indexes.get(list);
  return index === undefined ? -1 : index[nodes.INDEX_END] - index[nodes.INDEX_FIRST];
}

/** Searches in the middle until there is an index. */
function makeIndex(arena: Arena, list: Ref): void {
  const middle = quicklist.count(arena, list) >>> 1;
  for (let search = 0; search < 4 && placeCount(arena, list) < 1; search++) {
    cursor.seek(arena, list, middle);
  }
  assert(placeCount(arena, list) > 0);
}

/** Does the same to a list and to an array. */
class Twin {
  model: string[];
  #next: number;

  constructor(readonly arena: Arena, readonly list: Ref, readonly random: SeededRandom) {
    this.model = Array.from({ length: quicklist.count(arena, list) }, (_, index) => `${index}`);
    this.#next = this.model.length;
  }

  #fresh(): [string, Uint8Array] {
    const text = this.random.oneIn(30)
      ? `long ${"x".repeat(90)} ${this.#next++}`
      : `${this.#next++}`;
    return [text, latin1Bytes(text)];
  }

  push(atHead: boolean): void {
    const [text, bytes] = this.#fresh();
    const push = atHead ? quicklist.pushHead : quicklist.pushTail;
    push(this.arena, this.list, bytes, 0, bytes.length, FILL);
    if (atHead) this.model.unshift(text);
    else this.model.push(text);
  }

  pop(atHead: boolean): void {
    const remove = atHead ? quicklist.removeHead : quicklist.removeTail;
    remove(this.arena, this.list);
    if (atHead) this.model.shift();
    else this.model.pop();
  }

  popMany(atHead: boolean, count: number): void {
    quicklist.removeRange(this.arena, this.list, atHead ? 0 : -count, count);
    this.model.splice(atHead ? 0 : this.model.length - count, count);
  }

  changeWithin(): void {
    const { arena, list, model, random } = this;
    const index = random.below(model.length);
    const [text, bytes] = this.#fresh();
    cursor.seek(arena, list, index);
    switch (random.below(5)) {
      case 0:
        cursor.insertBefore(arena, list, bytes, 0, bytes.length, FILL);
        model.splice(index, 0, text);
        break;
      case 1:
        cursor.insertAfter(arena, list, bytes, 0, bytes.length, FILL);
        model.splice(index + 1, 0, text);
        break;
      case 2:
        cursor.remove(arena, list, true);
        model.splice(index, 1);
        break;
      case 3:
        cursor.replace(arena, list, bytes, 0, bytes.length);
        model[index] = text;
        break;
      default:
        model.splice(index, quicklist.removeRange(arena, list, index, 5));
    }
  }

  check(searches: number, note: string): void {
    const { arena, list, model, random } = this;
    for (let search = 0; search < searches; search++) {
      const index = random.below(model.length);
      assertEquals(elementAt(arena, list, index), model[index], note);
    }
    for (const index of [0, 1, model.length - 1]) {
      assertEquals(elementAt(arena, list, index), model[index], note);
    }
  }
}

Deno.test("after any changes elements are found where they are", () => {
  const random = new SeededRandom(testSeed());
  let indexed = 0;
  for (let round = 0; round < 8; round++) {
    const arena = new Arena({ debug: true });
    // Long elements stand in nodes of their own.
    if (round % 2 === 1) nodes.setPackedLimit(arena, 50);
    const twin = new Twin(arena, longList(arena, 1500), random);
    for (let step = 0; step < 120; step++) {
      const note = `seed ${random.seed}, round ${round}, step ${step}`;
      const atHead = random.oneIn(2);
      const room = twin.model.length - INDEXED_NODES_MIN * FILL;
      const count = random.between(1, random.oneIn(4) ? 300 : 12);
      const kind = random.below(8);
      if (kind < 3 || count > room) { for (let n = 0; n < count; n++) twin.push(atHead); }
      else if (kind < 5) { for (let n = 0; n < count; n++) twin.pop(atHead); }
      else if (kind === 5) twin.popMany(atHead, count);
      else twin.changeWithin();
      if (placeCount(arena, twin.list) > 0) indexed++;
      twin.check(random.below(12), note);
    }
    quicklist.free(arena, twin.list);
    assertEquals([arena.usedBytes, arena.lists.indexes.size], [0, 0]);
  }
  assert(indexed > 100, `${indexed} changes while there was an index`);
});

Deno.test("pushes and pops leave an index, but for the nodes that go", () => {
  const arena = new Arena({ debug: true });
  const twin = new Twin(arena, longList(arena, 3000), new SeededRandom(testSeed()));
  const { list } = twin;
  makeIndex(arena, list);
  const places = placeCount(arena, list);
  for (let n = 0; n < 100; n++) twin.push(n % 2 === 0);
  assertEquals(placeCount(arena, list), places);
  twin.check(100, "after pushes");
  twin.popMany(true, 500);
  twin.popMany(false, 500);
  const left = placeCount(arena, list);
  assert(left > places / 2 && left < places - 5, `${left} of ${places} places`);
  twin.check(100, "after pops");
  assertEquals(placeCount(arena, list), left);
});

Deno.test("a replacement leaves the index; what changes nodes in the middle drops it", () => {
  const arena = new Arena({ debug: true });
  const list = longList(arena, 1500);
  const bytes = latin1Bytes("another");
  const changes: [boolean, () => void][] = [
    [true, () => cursor.replace(arena, list, bytes, 0, 7)],
    [false, () => cursor.insertBefore(arena, list, bytes, 0, 7, FILL)],
    [false, () => cursor.remove(arena, list, true)],
    [false, () => quicklist.removeRange(arena, list, 700, 1)],
    [false, () => quicklist.removeRange(arena, list, 700, 30)],
  ];
  for (const [isLeft, change] of changes) {
    makeIndex(arena, list);
    cursor.seek(arena, list, 700);
    change();
    assertEquals(placeCount(arena, list) > 0, isLeft, `${change}`);
  }
});

Deno.test("a list in the place of another has no index of it", () => {
  const arena = new Arena({ debug: true });
  const list = longList(arena, 1500);
  makeIndex(arena, list);
  quicklist.free(arena, list);
  const next = quicklist.create(arena);
  assertEquals([next, placeCount(arena, next)], [list, -1]);
});

Deno.test("short lists, searches near the ends, and who only reads make no index", () => {
  const arena = new Arena({ debug: true });
  const short = longList(arena, (INDEXED_NODES_MIN - 1) * FILL);
  const long = longList(arena, 1500);
  for (let search = 0; search < 1000; search++) {
    assertEquals(elementAt(arena, short, 150), "150");
    assertEquals(elementAt(arena, long, 50), "50");
    assertEquals(elementAt(arena, long, -50), "1450");
  }
  assertEquals(arena.lists.indexes.size, 0);
  const image = new Memory();
  image.bytes.push(...arena.bytes.slice(1));
  image.words.push(...arena.words.slice(1));
  for (let search = 0; search < 10; search++) assertEquals(elementAt(image, long, 700), "700");
});

Deno.test("of many lists the latest have an index", () => {
  const arena = new Arena({ debug: true });
  const lists = Array.from({ length: INDEXES_MAX + 3 }, () => longList(arena, 600));
  for (const list of lists) makeIndex(arena, list);
  assertEquals(lists.map((list) => placeCount(arena, list) > 0), lists.map((_, at) => at >= 3));
});
