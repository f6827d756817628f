/**
 * The id tree against a plain sorted array: random operations in the patterns of streams (append,
 * cut the front, holes in the middle), memory given back, nodes moved, and a frozen image that
 * stays as it was while the live tree goes on.
 */
import { assert, assertEquals } from "@std/assert";
import type { Arena } from "../../src/memory/arena.ts";
import { type Memory, type Ref, wordOffsetOf } from "../../src/memory/memory.ts";
import { Id128 } from "../../src/structures/id128.ts";
import * as idTree from "../../src/structures/id_tree.ts";
import { IdTreeCursor } from "../../src/structures/id_tree.ts";
import * as nodes from "../../src/structures/id_tree_nodes.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

type Row = readonly [id: bigint, ...payload: number[]];

function idOf(value: bigint): Id128 {
  const id = new Id128();
  const word = (index: bigint) => Number((value >> (index * 32n)) & 0xffffffffn);
  id.set(word(3n), word(2n), word(1n), word(0n));
  return id;
}

function valueOf(id: Id128): bigint {
  return [id.w0, id.w1, id.w2, id.w3].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
}

function walk(memory: Memory, tree: Ref, payloadWords: number, isBackward = false): Row[] {
  const cursor = new IdTreeCursor();
  const id = new Id128();
  const rows: Row[] = [];
  let found = isBackward ? cursor.seekLast(memory, tree) : cursor.seekFirst(memory, tree);
  while (found) {
    cursor.readId(id);
    const payload = Array.from({ length: payloadWords }, (_, index) => cursor.payload(index));
    rows.push([valueOf(id), ...payload]);
    found = isBackward ? cursor.previous() : cursor.next();
  }
  return rows;
}

/** Verifies bounds, block sizes, the chain of leaves and the sum of all blocks. */
function checkTree(arena: Arena, tree: Ref): void {
  let units = arena.blockBytes(tree) >>> 3;
  const leaves: Ref[] = [];
  const visit = (node: Ref, level: number, isRoot: boolean, low: bigint, end: bigint): void => {
    units += arena.blockBytes(node) >>> 3;
    const count = arena.word(node, nodes.NODE_COUNT);
    const width = nodes.widthOn(arena, tree, level);
    const isSmallRoot = isRoot && level === 0 && arena.blockBytes(node) <= 128;
    assert(count > 0 || isSmallRoot, "a node without records");
    assert(count <= nodes.recordsMax(width), `node of ${count} records`);
    assert(isRoot || arena.blockBytes(node) === nodes.NODE_BYTES, "an inner block is too small");
    const id = new Id128();
    const at = (slot: number) => {
      id.load(arena.words[node >>> 15], nodes.recordAt(node, width, slot));
      return valueOf(id);
    };
    if (level === 0) {
      leaves.push(node);
      for (let slot = 0; slot < count; slot++) {
        assert(at(slot) >= low && at(slot) < end, "an id is out of its bounds");
        assert(slot === 0 || at(slot) > at(slot - 1), "ids are out of order");
      }
      return;
    }
    for (let slot = 0; slot < count; slot++) {
      const childLow = slot === 0 ? low : at(slot);
      const childEnd = slot + 1 < count ? at(slot + 1) : end;
      assert(childLow < childEnd && childEnd <= end, "bounds are out of order");
      visit(nodes.childOf(arena, node, slot), level - 1, false, childLow, childEnd);
    }
  };
  const root = arena.word(tree, nodes.TREE_ROOT);
  if (root !== 0) visit(root, nodes.heightOf(arena, tree), true, 0n, 2n ** 128n);
  assertEquals(units * 8, idTree.memoryBytes(arena, tree));
  assertEquals(arena.word(tree, nodes.TREE_FIRST_LEAF), leaves[0] ?? 0);
  assertEquals(arena.word(tree, nodes.TREE_LAST_LEAF), leaves.at(-1) ?? 0);
  leaves.forEach((leaf, index) => {
    assertEquals(arena.word(leaf, nodes.LEAF_PREVIOUS), leaves[index - 1] ?? 0);
    assertEquals(arena.word(leaf, nodes.LEAF_NEXT), leaves[index + 1] ?? 0);
  });
}

/** The sorted array beside the tree. */
class Model {
  readonly freezes = new FreezeCheck();
  readonly arena = this.freezes.arena;
  readonly tree: Ref;
  readonly payloadWords: number;
  rows: Row[] = [];
  #last = 2n ** 90n;

  constructor(payloadWords: number) {
    this.payloadWords = payloadWords;
    this.tree = idTree.create(this.arena, payloadWords);
  }

  indexOf(id: bigint): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.rows[middle][0] < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  append(random: SeededRandom): void {
    this.#last += BigInt(1 + random.below(5)) << BigInt(random.pick([0, 0, 30, 64]));
    this.insert(this.#last, random);
  }

  insert(id: bigint, random: SeededRandom): void {
    const index = this.indexOf(id);
    const isNew = this.rows[index]?.[0] !== id;
    assertEquals(idTree.insert(this.arena, this.tree, idOf(id)), isNew);
    const payload = Array.from({ length: this.payloadWords }, () => random.next() | 0);
    payload.forEach((word, place) => idTree.setPayload(this.arena, place, word));
    this.rows.splice(index, isNew ? 0 : 1, [id, ...payload]);
  }

  remove(index: number): void {
    const [row] = this.rows.splice(index, 1);
    assert(idTree.find(this.arena, this.tree, idOf(row[0])));
    if (this.payloadWords > 0) assertEquals(idTree.payload(this.arena, 0), row[1]);
    idTree.removeFound(this.arena, this.tree);
    assert(!idTree.find(this.arena, this.tree, idOf(row[0])));
  }

  removeLast(limit: number): void {
    const words: number[] = [];
    const visit = this.payloadWords > 0 ? (word: number) => void words.push(word) : null;
    const removed = idTree.removeLast(this.arena, this.tree, limit, visit);
    assert(removed >= Math.min(limit, this.rows.length));
    const gone = this.rows.splice(this.rows.length - removed);
    if (visit !== null) assertEquals(words.toSorted(), gone.map((row) => row[1]).toSorted());
  }

  /** Both kinds of search for ids near one that is there. */
  search(random: SeededRandom): void {
    const near = this.rows.length === 0 ? 5n : random.pick(this.rows)[0];
    const wanted = near + BigInt(random.between(-1, 1));
    const cursor = new IdTreeCursor();
    const id = new Id128();
    const index = this.indexOf(wanted);
    const isThere = this.rows[index]?.[0] === wanted;
    const idFound = (found: boolean) => {
      if (found) cursor.readId(id);
      return found ? valueOf(id) : undefined;
    };
    const { arena, tree, rows } = this;
    assertEquals(idFound(cursor.seekNotBelow(arena, tree, idOf(wanted))), rows[index]?.[0]);
    const below = isThere ? index : index - 1;
    assertEquals(idFound(cursor.seekNotAbove(arena, tree, idOf(wanted))), rows[below]?.[0]);
  }

  freezeOrRelease(): void {
    if (this.freezes.isFrozen) return this.freezes.release();
    const rows = [...this.rows];
    this.freezes.freeze((memory) => {
      assertEquals(walk(memory, this.tree, this.payloadWords), rows);
    });
  }

  check(): void {
    checkTree(this.arena, this.tree);
    assertEquals(idTree.count(this.arena, this.tree), this.rows.length);
    assertEquals(walk(this.arena, this.tree, this.payloadWords), this.rows);
    assertEquals(walk(this.arena, this.tree, this.payloadWords, true), this.rows.toReversed());
  }

  close(): void {
    idTree.removeLast(this.arena, this.tree, Infinity, null);
    idTree.freeEmpty(this.arena, this.tree);
    this.freezes.assertEmpty();
  }
}

function step(model: Model, random: SeededRandom, grows: boolean): void {
  const { rows } = model;
  const choice = random.below(100);
  if (choice < (grows ? 60 : 25)) model.append(random);
  else if (choice < (grows ? 75 : 30)) model.insert(BigInt(random.next()) << 60n, random);
  else if (choice < 90 && rows.length > 0) model.remove(random.below(rows.length));
  else if (choice < 97 && rows.length > 0) model.remove(0);
  else model.search(random);
}

for (const payloadWords of [0, 1, 5]) {
  const random = new SeededRandom(testSeed());
  Deno.test(`random operations, ${payloadWords} words of payload, seed ${random.seed}`, () => {
    const model = new Model(payloadWords);
    for (let round = 0; round < 40; round++) {
      const grows = random.oneIn(2);
      for (let i = random.below(400); i > 0; i--) step(model, random, grows);
      if (random.oneIn(8)) model.removeLast(random.between(1, 500));
      model.check();
      model.freezeOrRelease();
    }
    model.freezes.release();
    model.close();
  });
}

Deno.test("appending leaves full leaves, and trimming the front gives them back", () => {
  const random = new SeededRandom(1);
  const model = new Model(1);
  for (let i = 0; i < 5000; i++) model.append(random);
  const leaves = Math.ceil(5000 / nodes.recordsMax(5));
  assert(idTree.memoryBytes(model.arena, model.tree) < (leaves + 5) * 1.05 * nodes.NODE_BYTES);
  while (model.rows.length > 3) model.remove(0);
  model.check();
  assert(idTree.memoryBytes(model.arena, model.tree) < 256);
  model.close();
});

Deno.test("a tree with holes everywhere is merged", () => {
  const random = new SeededRandom(2);
  const model = new Model(5);
  for (let i = 0; i < 6000; i++) model.append(random);
  const full = idTree.memoryBytes(model.arena, model.tree);
  for (let i = 5999; i >= 0; i--) if (i % 16 !== 0) model.remove(i);
  model.check();
  assert(idTree.memoryBytes(model.arena, model.tree) < full / 3);
  model.close();
});

Deno.test("what is left of a tree takes little more than twice the room of its records", () => {
  for (const payloadWords of [0, 5]) {
    for (const [kept, of] of [[1, 3], [2, 5], [1, 4], [1, 7]]) {
      const random = new SeededRandom(kept * of);
      const model = new Model(payloadWords);
      for (let i = 0; i < 6000; i++) model.append(random);
      const full = idTree.memoryBytes(model.arena, model.tree);
      // In no order, as workers acknowledge entries.
      const isLeft = model.rows.map((_, index) => index % of < kept);
      for (let left = isLeft.filter((is) => !is).length; left > 0; left--) {
        let index = random.below(model.rows.length);
        while (isLeft[index]) index = (index + 1) % model.rows.length;
        model.remove(index);
        isLeft.splice(index, 1);
      }
      model.check();
      const share = idTree.memoryBytes(model.arena, model.tree) / full;
      assert(share < kept / of / 0.42, `${kept} of ${of}: ${share}`);
      model.close();
    }
  }
});

Deno.test("a copy has the mapped payloads and shares nothing", () => {
  const random = new SeededRandom(3);
  const model = new Model(5);
  for (let i = 0; i < 700; i++) model.append(random);
  const copy = idTree.duplicate(
    model.arena,
    model.tree,
    (index, word) => index === 4 ? word ^ 1 : word,
  );
  const expected = model.rows.map((row) => [...row.slice(0, 5), Number(row[5]) ^ 1]);
  model.remove(3);
  checkTree(model.arena, copy);
  assertEquals(walk(model.arena, copy, 5), expected as unknown as Row[]);
  idTree.removeLast(model.arena, copy, Infinity, null);
  idTree.freeEmpty(model.arena, copy);
  model.close();
});

Deno.test("nodes move leaf by leaf, and payloads of a leaf are mapped", () => {
  const random = new SeededRandom(4);
  const model = new Model(1);
  const { arena, tree } = model;
  const fillers: Ref[] = [];
  for (let i = 0; i < 30000; i++) {
    model.append(random);
    if (i % 5 === 0) fillers.push(arena.allocate(nodes.NODE_BYTES));
  }
  fillers.forEach((ref) => arena.free(ref));
  assert(arena.beginEvacuation() > 0);
  const id = new Id128();
  let leaves = 1;
  while (idTree.relocateLeaf(arena, tree, id)) leaves++;
  arena.endEvacuation();
  assert(arena.relocatedCount > 0);
  assertEquals(leaves, Math.ceil(30000 / nodes.recordsMax(5)));
  model.check();
  idTree.mapLeaf(arena, tree, idOf(model.rows[60][0]), (word) => word ^ 5);
  const perLeaf = nodes.recordsMax(5);
  model.rows = model.rows.map((row, index) =>
    Math.floor(index / perLeaf) === Math.floor(60 / perLeaf) ? [row[0], row[1] ^ 5] : row
  );
  model.check();
  assertEquals(wordOffsetOf(idTree.relocate(arena, tree)), wordOffsetOf(tree));
  model.close();
});

Deno.test("a tree whose few records come and go keeps its leaf, and gives it back when freed", () => {
  const { arena } = new FreezeCheck();
  const tree = idTree.create(arena, 5);
  const cursor = new IdTreeCursor();
  idTree.insert(arena, tree, idOf(7n));
  const { usedBytes } = arena;
  for (const id of [7n, 9n, 2n]) {
    assert(idTree.insert(arena, tree, idOf(id)) || id === 7n);
    assert(idTree.find(arena, tree, idOf(id)));
    idTree.removeFound(arena, tree);
    assertEquals(arena.usedBytes, usedBytes);
    assertEquals(idTree.count(arena, tree), 0);
    assert(!idTree.find(arena, tree, idOf(id)));
    assert(!cursor.seekFirst(arena, tree) && !cursor.seekLast(arena, tree));
    assert(!cursor.seekNotBelow(arena, tree, idOf(0n)));
    assert(!cursor.seekNotAbove(arena, tree, idOf(99n)));
    assertEquals(idTree.removeLast(arena, tree, 10, null), 0);
    assert(!idTree.relocateLeaf(arena, tree, idOf(0n)));
    checkTree(arena, tree);
  }
  const copy = idTree.duplicate(arena, tree, (_index, word) => word);
  idTree.freeEmpty(arena, tree);
  idTree.freeEmpty(arena, copy);
  assertEquals(arena.usedBytes, 0);
});
