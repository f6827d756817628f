/**
 * Moving a stream out of slabs that are to be emptied: step by step, with changes in between,
 * nothing is lost, and the slabs become empty.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import { Id128 } from "../../src/structures/id128.ts";
import * as streamGroup from "../../src/values/stream_group.ts";
import { PendingEntry } from "../../src/values/stream_group.ts";
import { MIN_ID } from "../../src/values/stream_id.ts";
import * as streamLifetime from "../../src/values/stream_lifetime.ts";
import { StreamWalk } from "../../src/values/stream_relocation.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import * as streamValue from "../../src/values/stream_value.ts";
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
  const random = new SeededRandom(testSeed());
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
  const random = new SeededRandom(testSeed());
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

const NAME = latin1Bytes("consumer-with-a-name-of-its-own");
const PENDING_COUNT = 5000;

interface Busy {
  arena: Arena;
  stream: Ref;
  /** Bytes of blocks that are not the stream's. */
  keptBytes: number;
  consumer(): Ref;
  group(): Ref;
}

function idAt(number: number): Id128 {
  const id = new Id128();
  id.set(0, 1, 0, number);
  return id;
}

/** A consumer with thousands of pending entries, whose own entry stands in a slab to be emptied. */
function busyConsumer(): Busy {
  const arena = new Arena({ debug: true });
  const stream = streamValue.create(arena);
  const group = streamGroup.createGroup(arena, stream, NAME, 0, 3, MIN_ID, 0n);
  const probe = streamGroup.createConsumer(arena, group, NAME, 0, NAME.length, 1);
  const entryBytes = arena.blockBytes(probe);
  streamGroup.removeConsumer(arena, group, probe);
  // Half of a slab stays, and of another one only the entry.
  const filler = Array.from({ length: 12_000 }, () => arena.allocate(entryBytes));
  const consumer = streamGroup.createConsumer(arena, group, NAME, 0, NAME.length, 1);
  const kept = filler.filter((_, index) => index % 2 === 0 && index < 2000);
  for (const ref of filler) if (!kept.includes(ref)) arena.free(ref);
  const pending = new PendingEntry();
  pending.consumer = consumer;
  pending.count.set(0, 1);
  for (let number = 1; number <= PENDING_COUNT; number++) {
    streamGroup.setPending(arena, group, idAt(number), pending);
  }
  const groupNow = () => streamGroup.findGroup(arena, stream, NAME, 0, 3);
  return {
    arena,
    stream,
    keptBytes: kept.length * entryBytes,
    group: groupNow,
    consumer: () => streamGroup.findConsumer(arena, groupNow(), NAME, 0, NAME.length),
  };
}

Deno.test("a consumer is moved however many entries are pending for it", () => {
  const { arena, stream, keptBytes, group, consumer } = busyConsumer();
  const content = contentOf(arena, stream);
  const before = consumer();
  assert(arena.beginEvacuation() > 0);
  const walk = new StreamWalk();
  const moved = walk.begin(arena, stream);
  let steps = 1;
  for (; walk.step(arena, moved); steps++) {
    // Between the steps both entries stand for the consumer.
    if (steps % 50 === 0) assertEquals(contentOf(arena, moved), content);
  }
  assert(steps > PENDING_COUNT / 100, `in ${steps} steps`);
  assert(consumer() !== before);
  const pending = new PendingEntry();
  for (let number = 1; number <= PENDING_COUNT; number++) {
    assert(streamGroup.findPending(arena, group(), idAt(number), pending));
    assertEquals(pending.consumer, consumer());
  }
  assertEquals(arena.endEvacuation(), 0);
  while (!streamLifetime.releaseStep(arena, moved, 1000));
  assertEquals(arena.usedBytes, keptBytes);
});

/** What may happen to a stream of which a consumer is half moved. */
const MEANWHILE: Record<string, (busy: Busy & { walk: StreamWalk }) => void> = {
  "acknowledging": ({ arena, group }) => {
    for (let number = 1; number <= PENDING_COUNT; number += 3) {
      streamGroup.removePending(arena, group(), idAt(number));
    }
  },
  "claiming": ({ arena, group, consumer }) => {
    const other = streamGroup.createConsumer(arena, group(), NAME, 0, 5, 1);
    const pending = new PendingEntry();
    for (let number = 1; number <= PENDING_COUNT; number += 2) {
      assert(streamGroup.findPending(arena, group(), idAt(number), pending));
      pending.consumer = number % 4 === 1 ? other : consumer();
      streamGroup.setPending(arena, group(), idAt(number), pending);
    }
  },
  "the end of the consumer": ({ arena, group, consumer }) => {
    assertEquals(streamGroup.removeConsumer(arena, group(), consumer()), PENDING_COUNT);
  },
  "a consumer that comes and goes": ({ arena, stream, group, walk }) => {
    const content = contentOf(arena, stream);
    const first = streamGroup.createConsumer(arena, group(), NAME, 0, 1, 1);
    const pending = new PendingEntry();
    pending.consumer = first;
    // The walk goes on in the tree of this one, which has the place of the other now.
    for (let number = PENDING_COUNT + 1; number < PENDING_COUNT + 500; number++) {
      streamGroup.setPending(arena, group(), idAt(number), pending);
    }
    assert(walk.step(arena, stream));
    streamGroup.removeConsumer(arena, group(), first);
    while (walk.step(arena, stream));
    // A block that is gone is poisoned, and a name that is read there another one.
    assertEquals(contentOf(arena, stream), content);
  },
  "a copy": ({ arena, stream }) => {
    const copy = streamLifetime.duplicate(arena, stream);
    assertEquals(contentOf(arena, copy), contentOf(arena, stream));
    while (!streamLifetime.releaseStep(arena, copy, 1000));
  },
  "the end of the walk": () => {},
};

for (const [name, meanwhile] of Object.entries(MEANWHILE)) {
  Deno.test(`half a move survives ${name}, and the next walk ends it`, () => {
    const busy = busyConsumer();
    const { arena, keptBytes } = busy;
    const before = busy.consumer();
    arena.beginEvacuation();
    let walk = new StreamWalk();
    let stream = walk.begin(arena, busy.stream);
    while (busy.consumer() === before) assert(walk.step(arena, stream));
    for (let step = 0; step < 20; step++) assert(walk.step(arena, stream));
    meanwhile({ ...busy, stream, walk });
    const content = contentOf(arena, stream);
    walk = new StreamWalk();
    stream = walk.begin(arena, stream);
    while (walk.step(arena, stream));
    assertEquals(contentOf(arena, stream), content);
    assertEquals(arena.endEvacuation(), 0);
    while (!streamLifetime.releaseStep(arena, stream, 1000));
    assertEquals(arena.usedBytes, keptBytes);
  });
}
