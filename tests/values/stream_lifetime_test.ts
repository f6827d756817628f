/**
 * The lifetime of streams: copies share nothing with the original, freeing takes small steps and
 * gives back everything, and the bytes that are told are the bytes that are taken.
 */
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import * as streamLifetime from "../../src/values/stream_lifetime.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { contentOf, StreamModel } from "./stream_model.ts";

const LIMITS = { nodeBytesMax: 4096, nodeEntriesMax: 20 };

function filled(random: SeededRandom, arena: Arena): StreamModel {
  const model = new StreamModel(arena, LIMITS);
  for (let i = 0; i < 3000; i++) model.step(random);
  return model;
}

Deno.test("a copy has the same content and goes its own way", () => {
  const random = new SeededRandom(testSeed());
  const arena = new Arena({ debug: true });
  const model = filled(random, arena);
  const content = contentOf(arena, model.stream);
  const copy = streamLifetime.duplicate(arena, model.stream);
  assertEquals(contentOf(arena, copy), content, `seed ${random.seed}`);
  for (let i = 0; i < 500; i++) model.step(random);
  assertEquals(contentOf(arena, copy), content, `seed ${random.seed}`);
  while (!streamLifetime.releaseStep(arena, copy, 10));
  model.check();
  while (!streamLifetime.releaseStep(arena, model.stream, 1000));
  assertEquals(arena.usedBytes, 0, `seed ${random.seed}`);
});

Deno.test("memory is told to the byte, and freeing does about as much as it is asked for", () => {
  const random = new SeededRandom(testSeed());
  const arena = new Arena({ debug: true });
  const model = filled(random, arena);
  const { stream } = model;
  assertEquals(streamLifetime.memoryBytes(arena, stream, 0), arena.usedBytes, `${random.seed}`);
  const blocks = streamLifetime.blockCount(arena, stream);
  assert(blocks > 20);
  let steps = 1;
  while (!streamLifetime.releaseStep(arena, stream, 5)) steps++;
  assert(steps > blocks / 60, `${steps} steps for ${blocks} blocks, seed ${random.seed}`);
});
