/**
 * Streams against a model: random changes of entries and groups with every form of nodes, frozen
 * images that stay as they were, ranges, trimming, and every byte given back at the end.
 */
import { assert, assertEquals } from "@std/assert";
import { Id128 } from "../../src/structures/id128.ts";
import { idText } from "../../src/values/stream_id.ts";
import { releaseStep } from "../../src/values/stream_lifetime.ts";
import * as streamTrimming from "../../src/values/stream_trimming.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { contentOf, entriesOf, idOf, sourceOf, StreamModel } from "./stream_model.ts";

const LIMITS = [
  { nodeBytesMax: 4096, nodeEntriesMax: 100 },
  { nodeBytesMax: 0, nodeEntriesMax: 0 },
  { nodeBytesMax: 100, nodeEntriesMax: 3 },
];

for (const limits of LIMITS) {
  const random = new SeededRandom(testSeed());
  const name = `nodes of ${limits.nodeEntriesMax} entries, seed ${random.seed}`;
  Deno.test(`random changes leave stream and model alike: ${name}`, () => {
    const freezes = new FreezeCheck();
    const model = new StreamModel(freezes.arena, limits);
    for (let round = 0; round < 30; round++) {
      for (let i = random.below(200); i > 0; i--) {
        model.step(random);
        if (!random.oneIn(60)) continue;
        if (freezes.isFrozen) {
          freezes.release();
          continue;
        }
        const content = contentOf(freezes.arena, model.stream);
        freezes.freeze((memory) => assertEquals(contentOf(memory, model.stream), content));
      }
      model.check();
    }
    freezes.release();
    while (!releaseStep(freezes.arena, model.stream, 7));
    freezes.assertEmpty();
  });
}

Deno.test("entries of one kind share their fields and fill nodes to the limit", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  const fields = sourceOf(["a-field-of-some-length", "v"]);
  const limits = { nodeBytesMax: 4096, nodeEntriesMax: 100 };
  for (let i = 1; i <= 1000; i++) {
    streamValue.append(arena, stream, idOf(`1-${i}`), fields, 0, 1, limits);
  }
  assertEquals(streamValue.nodeCount(arena, stream), 10);
  const bytes = streamValue.entriesMemoryBytes(arena, stream, 0);
  assert(bytes < 1000 * 20, `${bytes} bytes`);
  assertEquals(streamValue.entriesMemoryBytes(arena, stream, 3) > bytes / 2, true);
});

Deno.test("counters, ids and the edge of what is left", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  const limits = { nodeBytesMax: 4096, nodeEntriesMax: 2 };
  const id = new Id128();
  const edge = () => {
    streamValue.readEdgeId(arena, stream, id);
    return idText(id);
  };
  assertEquals(edge(), "18446744073709551615-18446744073709551615");
  streamValue.setEntriesAdded(arena, stream, 2n ** 32n - 1n);
  for (const text of ["1-1", "1-2", "2-1"]) {
    streamValue.append(arena, stream, idOf(text), sourceOf(["a", "b"]), 0, 1, limits);
  }
  assertEquals(streamValue.entriesAdded(arena, stream), 2n ** 32n + 2n);
  streamValue.setEntriesAdded(arena, stream, 2n ** 64n - 1n);
  assertEquals(streamValue.entriesAdded(arena, stream), 2n ** 64n - 1n);
  streamValue.removeEntry(arena, stream, idOf("1-1"));
  assertEquals(edge(), "1-1");
  streamValue.refreshFirstId(arena, stream);
  streamValue.readFirstId(arena, stream, id);
  assertEquals(idText(id), "1-2");
});

Deno.test("a limit stops trimming before a node that would exceed it", () => {
  const { arena } = new FreezeCheck();
  const stream = streamValue.create(arena);
  const limits = { nodeBytesMax: 4096, nodeEntriesMax: 10 };
  for (let i = 1; i <= 100; i++) {
    streamValue.append(arena, stream, idOf(`1-${i}`), sourceOf(["a", "b"]), 0, 1, limits);
  }
  const minId = new Id128();
  const trim = (lengthMax: number, limit: number) =>
    streamTrimming.trim(arena, stream, {
      lengthMax,
      minId,
      isApproximate: true,
      limit,
      dropsEmptied: false,
    });
  assertEquals(trim(0, 25), 20);
  assertEquals(trim(55, 0), 20);
  assertEquals(trim(59, 0), 0);
  assertEquals(entriesOf(arena, stream).length, 60);
});
