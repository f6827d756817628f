/**
 * Groups and consumers by themselves; random changes are in stream_value_test.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Id128 } from "../../src/structures/id128.ts";
import { Int64 } from "../../src/structures/int64_words.ts";
import * as streamGroup from "../../src/values/stream_group.ts";
import { PendingEntry } from "../../src/values/stream_group.ts";
import { idText } from "../../src/values/stream_id.ts";
import { releaseStep } from "../../src/values/stream_lifetime.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { idOf } from "./stream_model.ts";

const NAME = latin1Bytes("name");

function withGroup() {
  const arena = new Arena({ debug: true });
  const stream = streamValue.create(arena);
  const group = streamGroup.createGroup(arena, stream, NAME, 0, 4, idOf("5-5"), 3n);
  return { arena, stream, group };
}

Deno.test("a name is taken once, by groups and by consumers", () => {
  const { arena, stream, group } = withGroup();
  assertEquals(streamGroup.createGroup(arena, stream, NAME, 0, 4, idOf("1-1"), 0n), 0);
  assertEquals(streamGroup.findGroup(arena, stream, NAME, 0, 4), group);
  assertEquals(streamGroup.findGroup(arena, stream, NAME, 0, 3), 0);
  const consumer = streamGroup.createConsumer(arena, group, NAME, 0, 2, 77);
  assertEquals(streamGroup.createConsumer(arena, group, NAME, 0, 2, 78), 0);
  assertEquals(streamGroup.seenMs(arena, consumer), 77);
  assertEquals(streamGroup.activeMs(arena, consumer), streamGroup.NEVER_ACTIVE);
  assertEquals(streamGroup.consumerCount(arena, group), 1);
});

Deno.test("counters hold all of 64 bits", () => {
  const { arena, group } = withGroup();
  for (const read of [2n ** 63n - 2n, 2n ** 32n - 1n, 0n]) {
    streamGroup.setEntriesRead(arena, group, read);
    assert(streamGroup.countEntryRead(arena, group));
    assertEquals(streamGroup.entriesRead(arena, group), read + 1n);
  }
  streamGroup.setEntriesRead(arena, group, streamGroup.UNKNOWN_ENTRIES_READ);
  assert(!streamGroup.countEntryRead(arena, group));
  assertEquals(streamGroup.entriesRead(arena, group), streamGroup.UNKNOWN_ENTRIES_READ);
  const count = new Int64();
  count.set(0, -1);
  streamGroup.increment(count);
  assertEquals(count.toBigInt(), 2n ** 32n);
});

Deno.test("a pending entry goes from one consumer to another, or nowhere", () => {
  const { arena, group } = withGroup();
  const first = streamGroup.createConsumer(arena, group, NAME, 0, 1, 1);
  const second = streamGroup.createConsumer(arena, group, NAME, 0, 2, 1);
  const entry = new PendingEntry();
  entry.timeMs = 1526919030474;
  for (const consumer of [first, second, first]) {
    entry.consumer = consumer;
    streamGroup.setPending(arena, group, idOf("1-1"), entry);
    const counts = [first, second].map((one) => streamGroup.pendingCountOf(arena, one));
    assertEquals(counts, consumer === first ? [1, 0] : [0, 1]);
  }
  const found = new PendingEntry();
  assert(streamGroup.findPending(arena, group, idOf("1-1"), found));
  assertEquals([found.consumer, found.timeMs], [first, 1526919030474]);
  assert(!streamGroup.findPending(arena, group, idOf("1-2"), found));
  assert(streamGroup.removePending(arena, group, idOf("1-1")));
  assertEquals(streamGroup.pendingCountOf(arena, first), 0);
});

Deno.test("a detached group is given back like a stream", () => {
  const { arena, stream, group } = withGroup();
  const id = new Id128();
  streamGroup.readLastDelivered(arena, group, id);
  assertEquals(idText(id), "5-5");
  const consumer = streamGroup.createConsumer(arena, group, NAME, 0, 1, 1);
  const entry = new PendingEntry();
  entry.consumer = consumer;
  for (let i = 0; i < 1000; i++) streamGroup.setPending(arena, group, idOf(`1-${i}`), entry);
  const shell = streamGroup.detachGroup(arena, stream, group);
  assertEquals([streamGroup.groupCount(arena, stream), streamValue.groupsOf(arena, stream)], [
    0,
    0,
  ]);
  assert(streamGroup.groupBlockCount(arena, shell) > 100);
  while (!releaseStep(arena, shell, 20));
  while (!releaseStep(arena, stream, 20));
  assertEquals(arena.usedBytes, 0);
});
