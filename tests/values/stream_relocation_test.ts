/**
 * Moving a stream out of slabs that are to be emptied: step by step, with changes in between,
 * nothing is lost, and the slabs become empty.
 */
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as streamLifetime from "../../src/values/stream_lifetime.ts";
import { StreamWalk } from "../../src/values/stream_relocation.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";
import { contentOf, StreamModel } from "./stream_model.ts";

const LIMITS = { nodeBytesMax: 4096, nodeEntriesMax: 5 };

/** Sizes of nodes, trees and entries. */
const GONE_BYTES = [24, 32, 72, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 1024, 1024, 1024];

/** A stream among blocks that are gone, so that it stands in a few places of many slabs. */
function scattered(random: SeededRandom, arena: Arena): StreamModel {
  const model = new StreamModel(arena, LIMITS);
  const gone: Ref[] = [];
  for (let i = 0; i < 6000; i++) {
    model.append(random);
    if (i % 10 === 0) model.step(random);
    for (const bytes of GONE_BYTES) gone.push(arena.allocate(bytes));
  }
  for (const ref of gone) arena.free(ref);
  return model;
}

Deno.test("a walk moves everything and keeps everything", () => {
  const random = new SeededRandom(freshSeed());
  const arena = new Arena({ debug: true });
  const model = scattered(random, arena);
  const content = contentOf(arena, model.stream);
  assert(arena.beginEvacuation() > 0);
  const walk = new StreamWalk();
  const stream: Ref = walk.begin(arena, model.stream);
  while (walk.step(arena, stream));
  assert(arena.relocatedCount > 5, `${arena.relocatedCount} moved, seed ${random.seed}`);
  assertEquals(arena.endEvacuation(), 0, `seed ${random.seed}`);
  assertEquals(contentOf(arena, stream), content, `seed ${random.seed}`);
  while (!streamLifetime.releaseStep(arena, stream, 1000));
  assertEquals(arena.usedBytes, 0);
});

Deno.test("changes between the steps do no harm", () => {
  const random = new SeededRandom(freshSeed());
  const arena = new Arena({ debug: true });
  const model = scattered(random, arena);
  arena.beginEvacuation();
  const walk = new StreamWalk();
  const moved = walk.begin(arena, model.stream);
  Object.assign(model, { stream: moved });
  while (walk.step(arena, moved)) model.step(random);
  arena.endEvacuation();
  model.check();
  assert(!walk.step(arena, moved), `seed ${random.seed}`);
});
