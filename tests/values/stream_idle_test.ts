/** Which pending entries have been idle the longest, beside a plain sort. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import * as streamGroup from "../../src/values/stream_group.ts";
import { PendingEntry } from "../../src/values/stream_group.ts";
import { idText, MIN_ID } from "../../src/values/stream_id.ts";
import { IdleEntries } from "../../src/values/stream_idle.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { idOf, sourceOf } from "./stream_model.ts";

const NOW_MS = 1_700_000_000_000;
const NAME = latin1Bytes("name");

interface Known {
  id: string;
  timeMs: number;
  isDeleted: boolean;
}

function randomGroup(random: SeededRandom, entries: number) {
  const arena = new Arena({ debug: true });
  const stream = streamValue.create(arena);
  const group = streamGroup.createGroup(arena, stream, NAME, 0, 1, MIN_ID, 0n);
  const consumer = streamGroup.createConsumer(arena, group, NAME, 0, 2, NOW_MS);
  const limits = { nodeBytesMax: 200, nodeEntriesMax: 0 };
  const pending = new PendingEntry();
  const known: Known[] = [];
  for (let number = 1; number <= entries; number++) {
    const id = `${number}-${random.below(3)}`;
    streamValue.append(arena, stream, idOf(id), sourceOf(["f", "v"]), 0, 1, limits);
    const one = { id, timeMs: NOW_MS - random.below(100), isDeleted: random.below(5) === 0 };
    if (random.below(10) > 0) known.push(one);
    else continue;
    pending.consumer = consumer;
    pending.timeMs = one.timeMs;
    streamGroup.setPending(arena, group, idOf(id), pending);
    if (one.isDeleted) streamValue.removeEntry(arena, stream, idOf(id));
  }
  return { arena, stream, group, consumer, known };
}

Deno.test("the longest idle entries come first, and no deleted ones", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const idle = new IdleEntries();
  for (let round = 0; round < 30; round++) {
    const { arena, stream, group, known } = randomGroup(random, 1 + random.below(300));
    const idleMs = random.below(110);
    for (const countMax of [0, 1, 2, 7, 1000]) {
      idle.find(arena, stream, group, idleMs, NOW_MS, countMax);
      const found = Array.from({ length: idle.count }, (_, index) => idText(idle.idAt(index)));
      // Array.sort leaves those of the same time in the order of their ids.
      const expected = known
        .filter(({ timeMs, isDeleted }) => !isDeleted && NOW_MS - timeMs >= idleMs)
        .sort((left, right) => left.timeMs - right.timeMs)
        .slice(0, countMax === 0 ? undefined : countMax)
        .map(({ id }) => id);
      assertEquals(found, expected, `seed ${seed}`);
      const later = known.map(({ timeMs }) => timeMs + idleMs).filter((ms) => ms > NOW_MS);
      assertEquals(idle.nextMs, Math.min(...later), `seed ${seed}`);
    }
  }
});

Deno.test("a group knows before which time nothing was delivered, whatever comes and goes", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const idle = new IdleEntries();
  const pending = new PendingEntry();
  let skipped = 0;
  for (let round = 0; round < 20; round++) {
    const { arena, stream, group, consumer, known } = randomGroup(random, 60);
    pending.consumer = consumer;
    for (let nowMs = NOW_MS; nowMs < NOW_MS + 60; nowMs++) {
      const index = random.below(known.length);
      if (random.oneIn(3)) {
        assert(streamGroup.removePending(arena, group, idOf(known[index].id)));
        known.splice(index, 1);
      } else {
        // Mostly delivered now; XCLAIM can also say that it was long ago.
        known[index].timeMs = pending.timeMs = random.oneIn(9) ? nowMs - random.below(200) : nowMs;
        streamGroup.setPending(arena, group, idOf(known[index].id), pending);
      }
      if (known.length === 0) break;
      const earliestMs = Math.min(...known.map(({ timeMs }) => timeMs));
      const idleMs = random.between(50, 150);
      const knownBefore = streamGroup.earliestMs(arena, group);
      assert(knownBefore <= earliestMs, `seed ${seed}`);
      idle.find(arena, stream, group, idleMs, nowMs, 0);
      const expected = known.filter(({ timeMs, isDeleted }) => {
        return !isDeleted && nowMs - timeMs >= idleMs;
      });
      assertEquals(idle.count, expected.length, `seed ${seed}`);
      if (nowMs - knownBefore < idleMs) skipped++;
      else assertEquals(streamGroup.earliestMs(arena, group), earliestMs, `seed ${seed}`);
      const later = known.map(({ timeMs }) => timeMs + idleMs).filter((ms) => ms > nowMs);
      assert(idle.nextMs > nowMs && idle.nextMs <= Math.min(...later), `seed ${seed}`);
    }
  }
  assert(skipped > 50, `seed ${seed}: ${skipped}`);
});

Deno.test("nothing is pending: nothing will be idle", () => {
  const { arena, stream, group } = randomGroup(new SeededRandom(1), 0);
  const idle = new IdleEntries();
  idle.find(arena, stream, group, 0, NOW_MS, 0);
  assertEquals([idle.count, idle.nextMs], [0, Infinity]);
});
