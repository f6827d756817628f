/**
 * The walk that packs nodes: against a model, beside a stream that is never packed, and how many
 * nodes it looks at.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Text } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { type Memory, type Ref, SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { RdbOutput } from "../../src/persistence/rdb_output.ts";
import { RdbStreamWriter } from "../../src/persistence/rdb_stream_writer.ts";
import { Id128 } from "../../src/structures/id128.ts";
import { CollectingSink } from "../persistence/keyspace_contents.ts";
import { releaseStep } from "../../src/values/stream_lifetime.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import { isPackingDue, KEPT_NODES, PackingWalk } from "../../src/values/stream_packing.ts";
import { StreamWalk } from "../../src/values/stream_relocation.ts";
import * as streamTrimming from "../../src/values/stream_trimming.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { contentOf, entriesOf, idOf, sourceOf, StreamModel } from "./stream_model.ts";

const LIMITS = { nodeBytesMax: 4096, nodeEntriesMax: 10 };

/** For each node, in order: whether it is packed. */
function packedNodes(arena: Memory, stream: Ref): boolean[] {
  const found: boolean[] = [];
  streamValue.forEachNode(arena, stream, (_id, node) => {
    found.push(streamNode.isPacked(arena, node));
  });
  return found;
}

function packAll(arena: Arena, stream: Ref): number {
  const walk = new PackingWalk();
  let steps = 1;
  walk.begin();
  while (walk.step(arena, stream)) steps++;
  return steps;
}

/** The stream as an RDB file has it. */
function saved(memory: Memory, stream: Ref, compresses: boolean): string {
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, compresses, false);
  new RdbStreamWriter(memory, output, 11).write(stream);
  output.flush();
  const bytes = sink.bytes();
  return latin1Text(bytes, 0, bytes.length);
}

function fill(arena: Arena, stream: Ref, first: number, last: number, value = "value"): void {
  for (let seq = first; seq <= last; seq++) {
    const source = sourceOf(["field", `${value}:${seq}`]);
    streamValue.append(arena, stream, idOf(`1-${seq}`), source, 0, 1, LIMITS);
  }
}

for (const nodeEntriesMax of [3, 30, 0]) {
  const seed = testSeed();
  const name = `nodes of ${nodeEntriesMax} entries, seed ${seed}`;
  Deno.test(`a stream packed at random moments is like one that never is: ${name}`, () => {
    const freezes = new FreezeCheck();
    const { arena } = freezes;
    const plainArena = new Arena({ debug: true });
    const limits = { nodeBytesMax: 4096, nodeEntriesMax };
    const packed = new StreamModel(arena, limits);
    const plain = new StreamModel(plainArena, limits);
    // The same numbers for both.
    const [random, twinRandom] = [new SeededRandom(seed), new SeededRandom(seed)];
    const moments = new SeededRandom(seed + 1);
    const walk = new PackingWalk();
    const defrag = new StreamWalk();
    let mostPacked = 0;
    const act = () => {
      const isFrozen = freezes.isFrozen;
      switch (moments.below(9)) {
        case 0:
          if (isFrozen) return freezes.release();
          return freezes.freeze(frozenCheck(arena, packed.stream));
        case 1: {
          if (isFrozen) return;
          arena.beginEvacuation();
          const moved = defrag.begin(arena, packed.stream);
          Object.assign(packed, { stream: moved });
          while (defrag.step(arena, moved));
          arena.endEvacuation();
          return;
        }
        case 2: {
          const copy = streamValue.duplicateEntries(arena, packed.stream);
          assertEquals(entriesOf(arena, copy), entriesOf(plainArena, plain.stream));
          while (!releaseStep(arena, copy, 100));
          return;
        }
        case 3:
          walk.begin();
      }
      if (isFrozen) return;
      for (let steps = moments.below(200); steps > 0; steps--) {
        if (!walk.step(arena, packed.stream)) break;
      }
      mostPacked = Math.max(mostPacked, packedNodes(arena, packed.stream).filter(Boolean).length);
    };
    for (let step = 0; step < 3000; step++) {
      packed.step(random);
      plain.step(twinRandom);
      // More than is trimmed.
      for (let more = 2; more > 0; more--) {
        packed.append(random);
        plain.append(twinRandom);
      }
      if (moments.oneIn(30)) act();
      if (!moments.oneIn(150)) continue;
      assertEquals(contentOf(arena, packed.stream), contentOf(plainArena, plain.stream));
      for (const compresses of [true, false]) {
        const found = saved(arena, packed.stream, compresses);
        assert(found === saved(plainArena, plain.stream, compresses), `step ${step}`);
      }
    }
    packed.check();
    freezes.release();
    if (nodeEntriesMax !== 0) assert(mostPacked > 2, `${mostPacked} packed`);
    while (!releaseStep(arena, packed.stream, 7));
    freezes.assertEmpty();
  });
}

function frozenCheck(arena: Arena, stream: Ref): (memory: Memory) => void {
  const content = contentOf(arena, stream);
  const bytes = saved(arena, stream, true);
  return (memory) => {
    assertEquals(contentOf(memory, stream), content);
    assert(saved(memory, stream, true) === bytes);
  };
}

Deno.test("all but the last nodes are packed, and take less", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  fill(arena, stream, 1, 1000);
  const before = arena.usedBytes;
  const entries = entriesOf(arena, stream);
  assert(isPackingDue(arena, stream));
  packAll(arena, stream);
  const packed = packedNodes(arena, stream);
  assertEquals(packed.lastIndexOf(true), packed.length - 1 - KEPT_NODES);
  assertEquals(packed.filter(Boolean).length, packed.length - KEPT_NODES);
  assert(arena.usedBytes < before * 0.7, `${arena.usedBytes} of ${before}`);
  const bytes = streamValue.entriesMemoryBytes(arena, stream, 0);
  assertEquals(bytes, arena.usedBytes);
  assertEquals(entriesOf(arena, stream), entries);
  assert(!isPackingDue(arena, stream));
});

Deno.test("only nodes that have come are looked at, also where none was worth packing", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  const random = new SeededRandom(testSeed());
  let last = 0;
  const add = (entries: number) => {
    for (let i = 0; i < entries; i++) {
      const bytes = random.bytes(200);
      const source = sourceOf(["f", latin1Text(bytes, 0, bytes.length)]);
      streamValue.append(arena, stream, idOf(`1-${++last}`), source, 0, 1, LIMITS);
    }
  };
  add(500);
  // Each takes a step.
  assertEquals(packAll(arena, stream), 50 - KEPT_NODES);
  assertEquals(packedNodes(arena, stream).includes(true), false);
  assertEquals(packAll(arena, stream), 1);
  add(30);
  assertEquals(packAll(arena, stream), 3);
  fill(arena, stream, last + 1, last + 30);
  assertEquals(packAll(arena, stream), 3);
  fill(arena, stream, last + 31, last + 60);
  packAll(arena, stream);
  assertEquals(packedNodes(arena, stream).filter(Boolean).length, 4);
});

Deno.test("what comes while a walk is under way is left to the next, and nothing is forgotten", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  fill(arena, stream, 1, 300);
  const walk = new PackingWalk();
  walk.begin();
  for (let step = 0; step < 5; step++) assert(walk.step(arena, stream));
  fill(arena, stream, 301, 500);
  // Those where the walk is are gone meanwhile.
  for (let seq = 200; seq <= 240; seq++) streamValue.removeEntry(arena, stream, idOf(`1-${seq}`));
  while (walk.step(arena, stream));
  assertEquals(packedNodes(arena, stream).slice(0, 15).includes(false), false);
  assertEquals(packedNodes(arena, stream).slice(-20).includes(true), false);
  packAll(arena, stream);
  assertEquals(packedNodes(arena, stream).slice(-20, -KEPT_NODES).includes(false), false);
  // A walk that is given up leaves what it has not seen to another.
  fill(arena, stream, 501, 700);
  walk.begin();
  for (let step = 0; step < 5; step++) walk.step(arena, stream);
  packAll(arena, stream);
  assertEquals(packedNodes(arena, stream).slice(-20, -KEPT_NODES).includes(false), false);
});

Deno.test("a walk begins anew where the stream is another one", () => {
  const { arena } = new FreezeCheck();
  const [one, two] = [streamValue.create(arena), streamValue.create(arena)];
  fill(arena, one, 1, 300);
  fill(arena, two, 1, 300);
  const walk = new PackingWalk();
  walk.begin();
  for (let step = 0; step < 5; step++) walk.step(arena, one);
  while (walk.step(arena, two));
  assertEquals(packedNodes(arena, two).filter(Boolean).length, 30 - KEPT_NODES);
});

Deno.test("short streams and empty ones are let alone", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  assertEquals(packAll(arena, stream), 1);
  fill(arena, stream, 1, KEPT_NODES * 10);
  assert(!isPackingDue(arena, stream));
  fill(arena, stream, KEPT_NODES * 10 + 1, 100);
  const minId = new Id128();
  const how = { minId, isApproximate: false, limit: 0, dropsEmptied: false };
  streamTrimming.trim(arena, stream, { ...how, lengthMax: 5 });
  assertEquals(packAll(arena, stream), 1);
  assertEquals(packedNodes(arena, stream), [false]);
  assert(!isPackingDue(arena, stream));
});

Deno.test("what is appended behind packed nodes goes into the last of them, unpacked", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  const twin = streamValue.create(arena);
  for (const one of [stream, twin]) fill(arena, one, 1, 95);
  packAll(arena, stream);
  for (const one of [stream, twin]) {
    for (let seq = 75; seq <= 95; seq++) streamValue.removeEntry(arena, one, idOf(`1-${seq}`));
  }
  assertEquals(packedNodes(arena, stream), Array(8).fill(true).with(7, false));
  for (const one of [stream, twin]) {
    for (let seq = 71; seq <= 74; seq++) streamValue.removeEntry(arena, one, idOf(`1-${seq}`));
  }
  assertEquals(packedNodes(arena, stream), Array(7).fill(true));
  for (const one of [stream, twin]) fill(arena, one, 96, 130);
  assertEquals(packedNodes(arena, stream).slice(0, 6), Array(6).fill(true));
  assertEquals(packedNodes(arena, stream)[6], false);
  assertEquals(saved(arena, stream, true), saved(arena, twin, true));
});

Deno.test("trimming unpacks no node that goes as a whole, and only once the one that stays", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  fill(arena, stream, 1, 500);
  packAll(arena, stream);
  const minId = new Id128();
  const how = { minId, isApproximate: true, limit: 0, dropsEmptied: false };
  assertEquals(streamTrimming.trim(arena, stream, { ...how, lengthMax: 305 }), 190);
  assertEquals(packedNodes(arena, stream).slice(0, 2), [false, true]);
  assertEquals(entriesOf(arena, stream)[0].id, "1-191");
  assertEquals(
    streamTrimming.trim(arena, stream, { ...how, lengthMax: -1, minId: idOf("1-255") }),
    60,
  );
  assertEquals(packedNodes(arena, stream).slice(0, 2), [false, true]);
  const exact = { ...how, isApproximate: false };
  assertEquals(streamTrimming.trim(arena, stream, { ...exact, lengthMax: 233 }), 17);
  assertEquals(entriesOf(arena, stream).map(({ id }) => id)[0], "1-268");
  assertEquals(packedNodes(arena, stream).slice(0, 2), [false, true]);
  assertEquals(streamTrimming.trim(arena, stream, { ...exact, lengthMax: 0 }), 233);
  assertEquals(streamValue.nodeCount(arena, stream), 0);
});

Deno.test("where addresses are short, packed nodes stay packed whatever is deleted of them", () => {
  const arena = new Arena({ debug: true, segmentCountMax: 400 });
  const [stream, twin] = [streamValue.create(arena), streamValue.create(arena)];
  for (const one of [stream, twin]) fill(arena, one, 1, 500);
  packAll(arena, stream);
  while (arena.hasRoomFor(0)) arena.allocate(SEGMENT_BYTES);
  const minId = new Id128();
  const how = { minId, isApproximate: false, limit: 0, dropsEmptied: false };
  for (const one of [stream, twin]) {
    for (let seq = 101; seq < 480; seq += 4) streamValue.removeEntry(arena, one, idOf(`1-${seq}`));
    assertEquals(streamTrimming.trim(arena, one, { ...how, lengthMax: 300 }), 105);
    assertEquals(
      streamTrimming.trim(arena, one, { ...how, lengthMax: -1, minId: idOf("1-163") }),
      41,
    );
  }
  const packed = packedNodes(arena, stream);
  assertEquals(packed.slice(0, -KEPT_NODES).includes(false), false);
  assertEquals(saved(arena, stream, true), saved(arena, twin, true));
});

Deno.test("a frozen image keeps the packed nodes that go meanwhile", () => {
  const freezes = new FreezeCheck();
  const { arena } = freezes;
  const stream = streamValue.create(arena);
  fill(arena, stream, 1, 300);
  packAll(arena, stream);
  freezes.freeze(frozenCheck(arena, stream));
  for (let seq = 1; seq <= 300; seq += 7) streamValue.removeEntry(arena, stream, idOf(`1-${seq}`));
  const minId = idOf("1-150");
  const how = { lengthMax: -1, isApproximate: false, limit: 0, dropsEmptied: false };
  streamTrimming.trim(arena, stream, { ...how, minId });
  freezes.release();
  assertEquals(entriesOf(arena, stream).length, streamValue.length(arena, stream));
  while (!releaseStep(arena, stream, 7));
  freezes.assertEmpty();
});
