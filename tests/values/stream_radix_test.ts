/**
 * The number of radix tree nodes against a tree that is really built.
 */
import { assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import { Id128 } from "../../src/structures/id128.ts";
import * as idTree from "../../src/structures/id_tree.ts";
import { ID_RAW_BYTES, idText, storeRawId } from "../../src/values/stream_id.ts";
import { AscendingIds, EMPTY_RADIX_NODES, radixNodesOf } from "../../src/values/stream_radix.ts";
import * as streamTrimming from "../../src/values/stream_trimming.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { sourceOf } from "./stream_model.ts";

interface Trie {
  children: Map<number, Trie>;
}

function count(node: Trie, isRoot: boolean): number {
  const { size } = node.children;
  if (size === 0) return 1;
  if (size > 1) {
    return 1 + [...node.children.values()].reduce((sum, one) => sum + count(one, false), 0);
  }
  // A run of bytes without a branch, up to the next branch or the end of a key.
  let next = node;
  while (next.children.size === 1) next = [...next.children.values()][0];
  return 1 + count(next, isRoot && next === node);
}

function expected(ids: Id128[]): number {
  const root: Trie = { children: new Map() };
  const raw = new Uint8Array(ID_RAW_BYTES);
  for (const id of ids) {
    storeRawId(id, raw, 0);
    let node = root;
    for (const byte of raw) {
      if (!node.children.has(byte)) node.children.set(byte, { children: new Map() });
      node = node.children.get(byte)!;
    }
  }
  return count(root, true);
}

/** Ids of which many begin alike. */
function randomId(random: SeededRandom): Id128 {
  const word = () => random.pick([0, 0, 1, 255, 256, 65536, -1, random.below(9), random.next()]);
  const id = new Id128();
  id.set(random.oneIn(3) ? word() : 0, word(), random.oneIn(3) ? word() : 0, word());
  return id;
}

Deno.test("runs, branches and ends are counted as ids come and go in any order", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 100; round++) {
    const arena = new Arena({ debug: true });
    const index = idTree.create(arena, 0);
    const ids = new Map<string, Id128>();
    let nodes = EMPTY_RADIX_NODES;
    for (let i = random.below(random.pick([6, 60])); i > 0; i--) {
      if (ids.size > 0 && random.oneIn(3)) {
        const [key, id] = random.pick([...ids]);
        ids.delete(key);
        idTree.find(arena, index, id);
        idTree.removeFound(arena, index);
        nodes -= radixNodesOf(arena, index, id);
      } else {
        const id = randomId(random);
        if (ids.has(idText(id))) continue;
        ids.set(idText(id), id);
        nodes += radixNodesOf(arena, index, id);
        idTree.insert(arena, index, id);
      }
      assertEquals(nodes, expected([...ids.values()]), `seed ${seed}`);
    }
  }
});

Deno.test("ids that ascend are counted without a look at the index", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 200; round++) {
    const ascending = new AscendingIds();
    const ids: Id128[] = [];
    let nodes = EMPTY_RADIX_NODES;
    for (let i = random.below(random.pick([6, 60])); i > 0; i--) {
      const id = randomId(random);
      assertEquals(ascending.isAbove(id), ids.every((one) => one.compare(id) < 0), `seed ${seed}`);
      if (!ascending.isAbove(id)) {
        if (ids.length === 0 || random.oneIn(2)) continue;
        // Far above the last one, for most ids are below it by now.
        id.copyFrom(ids.at(-1)!);
        id.w3 += random.pick([1, 100, 256]);
        if (!ascending.isAbove(id)) continue;
      }
      nodes += ascending.add(id);
      ids.push(id);
      assertEquals(nodes, expected(ids), `seed ${seed}`);
    }
  }
});

function assertCounted(arena: Arena, stream: Ref, message: string): void {
  const ids: Id128[] = [];
  streamValue.forEachNode(arena, stream, (id) => void ids.push(id.clone()));
  assertEquals(streamValue.radixNodeCount(arena, stream), expected(ids), message);
}

Deno.test("a stream knows the number whatever becomes of its nodes", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const arena = new Arena({ debug: true });
  const limits = { nodeBytesMax: 0, nodeEntriesMax: 2 };
  const everything = {
    lengthMax: 0,
    minId: new Id128(),
    isApproximate: false,
    limit: 0,
    dropsEmptied: false,
  };
  let stream = streamValue.create(arena);
  let present: Id128[] = [];
  const last = new Id128();
  for (let step = 0; step < 600; step++) {
    const choice = random.below(10);
    if (choice < 6) {
      const id = randomId(random);
      // Mostly the next time, for ids must ascend.
      if (id.compare(last) <= 0) id.set(last.w0, last.w1 + random.pick([1, 255]), 0, id.w3);
      if (id.compare(last) <= 0 || id.w0 !== 0) continue;
      streamValue.append(arena, stream, id, sourceOf(["f", "v"]), 0, 1, limits);
      present.push(id);
      last.copyFrom(id);
    } else if (choice < 8 && present.length > 0) {
      const id = random.pick(present);
      streamValue.removeEntry(arena, stream, id);
      present = present.filter((one) => one !== id);
    } else if (choice === 8) {
      const lengthMax = Math.max(0, present.length - random.below(4));
      streamTrimming.trim(arena, stream, { ...everything, lengthMax });
      present = present.slice(present.length - lengthMax);
    } else {
      stream = streamValue.duplicateEntries(arena, stream);
    }
    assertCounted(arena, stream, `seed ${seed}`);
  }
  streamTrimming.trim(arena, stream, everything);
  assertEquals(streamValue.radixNodeCount(arena, stream), EMPTY_RADIX_NODES);
});
