/**
 * Packed nodes: what was packed comes back byte for byte, and is read as if it had not been; what
 * is not worth it stays as it is, and so does what a faulty memory would have lost.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../src/base/assert.ts";
import { latin1Text, Slice } from "../../src/base/bytes.ts";
import * as lzf from "../../src/base/lzf.ts";
import { Arena } from "../../src/memory/arena.ts";
import { byteOffsetOf, type Ref, SEGMENT_BYTES, segmentOf } from "../../src/memory/memory.ts";
import type { Id128 } from "../../src/structures/id128.ts";
import { idText } from "../../src/values/stream_id.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import * as packing from "../../src/values/stream_node_packing.ts";
import { InflatedNode } from "../../src/values/stream_node_packing.ts";
import { StreamNodeReader } from "../../src/values/stream_node_reader.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { idOf, sourceOf } from "./stream_model.ts";

const MASTER = idOf("7-1");

function rawOf(arena: Arena, node: number): Uint8Array {
  const raw = new Slice();
  streamNode.rawSlice(arena, node, raw);
  return raw.copy();
}

/** A node of some entries, whose values are drawn from so many letters. */
function makeNode(arena: Arena, random: SeededRandom, entries: number, letters: number): Ref {
  const text = () => {
    const bytes = random.bytes(random.below(random.oneIn(5) ? 200 : 20));
    return latin1Text(bytes.map((byte) => 97 + byte % letters), 0, bytes.length);
  };
  let node = streamNode.create(arena, sourceOf(["field", text(), "f", text()]), 0, 2);
  for (let seq = 2; seq <= entries; seq++) {
    const fields = [random.oneIn(4) ? "other" : "field", text(), "f", text()];
    const id: Id128 = idOf(`7-${seq}`);
    node = streamNode.append(arena, node, MASTER, id, sourceOf(fields), 0, 2);
    assert(node > 0);
  }
  return streamNode.shrink(arena, node);
}

/** All that a reader finds, forwards and backwards. */
function read(reader: StreamNodeReader, arena: Arena, node: number): string[] {
  const field = new Slice();
  const value = new Slice();
  const found: string[] = [];
  reader.open(arena, node, MASTER);
  found.push(`${reader.count} ${reader.deleted}`);
  while (reader.next()) {
    found.push(`${idText(reader.id)} ${reader.isDeleted} ${reader.flagsOffset}`);
    reader.beginPairs();
    for (let pair = 0; pair < reader.pairs; pair++) {
      reader.readPair(field, value);
      for (const { bytes, start, length } of [field, value]) {
        found.push(latin1Text(bytes, start, length));
      }
    }
  }
  reader.seekEnd();
  while (reader.previous()) found.push(idText(reader.id));
  return found;
}

Deno.test("random nodes are packed and come back as they were", () => {
  const random = new SeededRandom(testSeed());
  const arena = new Arena({ debug: true });
  const [before, after] = [new StreamNodeReader(), new StreamNodeReader()];
  let packedNodes = 0;
  for (let round = 0; round < 150; round++) {
    const node = makeNode(arena, random, random.between(1, 150), random.pick([1, 2, 10, 26]));
    const raw = rawOf(arena, node);
    const entries = read(before, arena, node);
    const blockBytes = arena.blockBytes(node);
    const packed = packing.pack(arena, node);
    if (packed === 0) {
      assertEquals(rawOf(arena, node), raw);
      assert(!streamNode.isPacked(arena, node));
      streamNode.free(arena, node);
      continue;
    }
    packedNodes++;
    assert(streamNode.isPacked(arena, packed) && !streamNode.isLarge(packed));
    assert(arena.blockBytes(packed) <= blockBytes * 7 / 8, `round ${round}`);
    assertEquals(streamNode.memoryBytes(arena, packed), arena.usedBytes);
    assertEquals(streamNode.byteLength(arena, packed), raw.length);
    assertEquals(`${packing.liveCount(arena, packed)} 0`, entries[0]);
    assertEquals(rawOf(arena, packed), raw, `round ${round}`);
    assertEquals(read(after, arena, packed), entries, `round ${round}`);
    const copy = streamNode.duplicate(arena, packed);
    // With what a reader has of it, or of another node.
    const lent = random.pick([null, after.inflated, before.inflated]);
    const unpacked = streamNode.unpack(arena, packed, lent);
    assertEquals(rawOf(arena, unpacked), raw);
    streamNode.free(arena, unpacked);
    assertEquals(rawOf(arena, copy), raw);
    streamNode.free(arena, copy);
    assertEquals(arena.usedBytes, 0);
  }
  assert(packedNodes > 50, `${packedNodes} were packed`);
});

Deno.test("the LZF in a packed node is that of a file", () => {
  const arena = new Arena({ debug: true });
  const node = makeNode(arena, new SeededRandom(testSeed()), 60, 3);
  const raw = rawOf(arena, node);
  const expected = new Uint8Array(lzf.targetBytes(raw.length));
  const count = lzf.compress(raw, 0, raw.length, expected, 0);
  const packed = packing.pack(arena, node);
  const found = new Slice();
  assert(packing.lzfSlice(arena, packed, found));
  assertEquals(found.copy(), expected.subarray(0, count));
});

Deno.test("what came from a file as LZF is kept, and known as such", () => {
  const arena = new Arena({ debug: true });
  const node = makeNode(arena, new SeededRandom(testSeed()), 60, 3);
  const raw = rawOf(arena, node);
  const compressed = new Uint8Array(lzf.targetBytes(raw.length) + 5);
  const from = new Slice();
  from.set(compressed, 5, lzf.compress(raw, 0, raw.length, compressed, 5));
  const packed = packing.fromLzf(arena, from, raw.length, 60);
  assert(packed > 0);
  assertEquals(packing.liveCount(arena, packed), 60);
  assertEquals(rawOf(arena, packed), raw);
  assert(!packing.lzfSlice(arena, packed, new Slice()), "it may differ from what is made here");
  const copy = streamNode.duplicate(arena, packed);
  assert(!packing.lzfSlice(arena, copy, new Slice()), "and so may a copy");
  // Longer than what it stands for.
  from.set(new Uint8Array(raw.length + 10), 0, raw.length + 10);
  assertEquals(packing.fromLzf(arena, from, raw.length, 60), 0);
});

Deno.test("what saves nothing, is tiny or takes long to inflate is not packed", () => {
  const arena = new Arena({ debug: true });
  const random = new SeededRandom(testSeed());
  const bytes = random.bytes(3000);
  const noise = latin1Text(bytes, 0, bytes.length);
  for (const value of [noise, "v", "x".repeat(40_000)]) {
    const node = streamNode.create(arena, sourceOf(["f", value]), 0, 1);
    const used = arena.usedBytes;
    assertEquals(packing.pack(arena, node), 0);
    assertEquals(arena.usedBytes, used);
    assertEquals(streamNode.byteLength(arena, node) > value.length, true);
    streamNode.free(arena, node);
  }
  const large = streamNode.create(arena, sourceOf(["f", "x".repeat(30_000)]), 0, 1);
  assert(packing.pack(arena, large) > 0);
});

Deno.test("an entry of a packed node is marked as deleted in a listpack", () => {
  const arena = new Arena({ debug: true });
  const node = makeNode(arena, new SeededRandom(testSeed()), 60, 3);
  const twin = streamNode.duplicate(arena, node);
  const reader = new StreamNodeReader();
  const packed = packing.pack(arena, node);
  reader.open(arena, packed, MASTER);
  for (let entry = 0; entry < 20; entry++) reader.next();
  const flagsOffsets = [reader.flagsOffset];
  const marked = streamNode.markDeleted(arena, packed, flagsOffsets, reader.inflated);
  assert(!streamNode.isPacked(arena, marked));
  assertEquals(
    rawOf(arena, marked),
    rawOf(arena, streamNode.markDeleted(arena, twin, flagsOffsets, reader.inflated)),
  );
});

/** Bytes of a segment that do not keep whatever is stored to a block at `faultyAt`. */
class FaultyBytes extends Uint8Array<ArrayBufferLike> {
  faultyAt = 0;

  /** What the C library is given to write to. */
  override subarray(begin: number, end: number): Uint8Array<ArrayBufferLike> {
    const bytes = new Uint8Array(this.buffer, this.byteOffset + begin, end - begin);
    return begin === this.faultyAt ? bytes.slice() : bytes;
  }

  override set(source: ArrayLike<number>, at = 0): void {
    super.set(source, at);
    if (at === this.faultyAt) this[at + 20] ^= 1;
  }
}

Deno.test("a node stays as it is if what was stored of it does not come back", () => {
  const arena = new Arena({ debug: true });
  const random = new SeededRandom(testSeed());
  // Nodes alike, so that what the first one takes tells where the second one comes to stand.
  const node = makeNode(arena, random, 100, 2);
  const raw = rawOf(arena, node);
  const twin = streamNode.duplicate(arena, node);
  const place = packing.pack(arena, twin);
  assert(place > 0);
  const segment = segmentOf(place);
  const { buffer, byteOffset } = arena.bytes[segment];
  const faulty = new FaultyBytes(buffer as ArrayBuffer, byteOffset, SEGMENT_BYTES);
  faulty.faultyAt = byteOffsetOf(place) + 8;
  streamNode.free(arena, place);
  arena.bytes[segment] = faulty;
  const used = arena.usedBytes;
  assertEquals(packing.pack(arena, node), 0);
  assertEquals(arena.usedBytes, used);
  assertEquals(rawOf(arena, node), raw);
  faulty.faultyAt = -1;
  assert(packing.pack(arena, node) > 0);
});

Deno.test("a packed node that is damaged is our failure, not the client's", () => {
  const arena = new Arena({ debug: true });
  const packed = packing.pack(arena, makeNode(arena, new SeededRandom(testSeed()), 60, 3));
  const bytes = arena.bytes[segmentOf(packed)];
  // A copy from before the start.
  bytes[byteOffsetOf(packed) + 8] = 0xe0;
  const reader = new StreamNodeReader();
  assertThrows(() => reader.open(arena, packed, MASTER), AssertionFailure);
  assertThrows(() => reader.open(arena, packed, MASTER), AssertionFailure);
});

Deno.test("a reader that comes back finds what is there now, whatever stood there", () => {
  const random = new SeededRandom(testSeed());
  const arenas = [new Arena({ debug: true }), new Arena({ debug: true })];
  const nodes: { arena: Arena; node: Ref; raw: Uint8Array }[] = [];
  const inflated = new InflatedNode();
  let reused = 0;
  const seen = new Set<string>();
  for (let step = 0; step < 3000; step++) {
    const arena = random.pick(arenas);
    const choice = random.below(10);
    if (choice === 0 || nodes.length < 3) {
      const node = makeNode(arena, random, 20, 2);
      const raw = rawOf(arena, node);
      const packed = packing.pack(arena, node);
      if (packed === 0) {
        streamNode.free(arena, node);
        continue;
      }
      const place = `${arenas.indexOf(arena)}:${packed}`;
      if (seen.has(place)) reused++;
      seen.add(place);
      nodes.push({ arena, node: packed, raw });
    } else if (choice === 1 && nodes.length > 6) {
      const [gone] = nodes.splice(random.below(nodes.length), 1);
      if (random.oneIn(2)) streamNode.free(gone.arena, gone.node);
      else streamNode.free(gone.arena, streamNode.unpack(gone.arena, gone.node, inflated));
    } else if (choice === 2) {
      const source = random.pick(nodes);
      nodes.push({ ...source, node: streamNode.duplicate(source.arena, source.node) });
    } else {
      const { arena: memory, node, raw } = random.pick(nodes);
      assertEquals(inflated.read(memory, node).subarray(0, raw.length), raw, `step ${step}`);
      if (random.oneIn(50)) inflated.forget();
    }
  }
  assert(reused > 10, `${reused} stood where another had been`);
});

/** A packed node of entries whose values are one letter again and again: all take the same. */
function packedOf(arena: Arena, letter: string): { node: Ref; raw: Uint8Array } {
  const source = sourceOf(["f", letter.repeat(500)]);
  const node = streamNode.create(arena, source, 0, 1);
  const raw = rawOf(arena, node);
  return { node: packing.pack(arena, node), raw };
}

for (const way of ["packed", "loaded", "copied", "moved"]) {
  Deno.test(`a reader is not deceived by a node that was ${way} to where another stood`, () => {
    const arena = new Arena({ debug: true });
    const one = packedOf(arena, "a");
    const two = packedOf(arena, "b");
    const blockBytes = arena.blockBytes(one.node);
    if (way === "moved") {
      // The second one shall be alone in a slab.
      const before = Math.floor(SEGMENT_BYTES / blockBytes) - 2;
      for (let block = 0; block < before; block++) arena.allocate(blockBytes);
      arena.free(two.node);
      const filler = arena.allocate(blockBytes);
      Object.assign(two, packedOf(arena, "b"));
      assert(segmentOf(filler) !== segmentOf(two.node));
    }
    const reader = new InflatedNode();
    const read = (node: Ref) => reader.read(arena, node).slice(0, one.raw.length);
    assertEquals(read(one.node), one.raw);
    streamNode.free(arena, one.node);
    let node = 0;
    if (way === "packed") {
      node = packedOf(arena, "b").node;
    } else if (way === "loaded") {
      const lzfOfTwo = new Slice();
      packing.lzfSlice(arena, two.node, lzfOfTwo);
      node = packing.fromLzf(arena, lzfOfTwo, two.raw.length, 1);
    } else if (way === "copied") {
      node = streamNode.duplicate(arena, two.node);
    } else {
      assert(arena.beginEvacuation() > 0);
      node = streamNode.relocate(arena, two.node);
    }
    assertEquals(node, one.node);
    assertEquals(read(node), two.raw);
  });
}

Deno.test("two readers do not share what they have inflated", () => {
  const arena = new Arena({ debug: true });
  const random = new SeededRandom(testSeed());
  const nodes = [60, 80].map((entries) => packing.pack(arena, makeNode(arena, random, entries, 2)));
  const [one, two, fresh] = [0, 1, 2].map(() => new StreamNodeReader());
  const expected = read(fresh, arena, nodes[0]);
  one.open(arena, nodes[0], MASTER);
  two.open(arena, nodes[1], MASTER);
  const found: string[] = [];
  while (one.next()) {
    two.next();
    found.push(idText(one.id));
  }
  one.seekEnd();
  while (one.previous()) found.push(idText(one.id));
  const isId = (text: string) => /^7-\d+$/.test(text.split(" ")[0]);
  assertEquals(found, expected.filter(isId).map((text) => text.split(" ")[0]));
});
