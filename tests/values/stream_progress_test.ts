/**
 * How far groups have come: what the counters tell, and where they cannot know.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as streamGroup from "../../src/values/stream_group.ts";
import * as progress from "../../src/values/stream_progress.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { idOf, sourceOf } from "./stream_model.ts";

const LIMITS = { nodeBytesMax: 4096, nodeEntriesMax: 100 };
const NAME = latin1Bytes("g");

function streamOf(count: number): { arena: Arena; stream: Ref } {
  const arena = new Arena({ debug: true });
  const stream = streamValue.create(arena);
  for (let i = 1; i <= count; i++) {
    streamValue.append(arena, stream, idOf(`${i}-0`), sourceOf(["a", "b"]), 0, 1, LIMITS);
  }
  return { arena, stream };
}

function remove(arena: Arena, stream: Ref, id: string): void {
  streamValue.removeEntry(arena, stream, idOf(id));
  streamValue.setMaxDeletedId(arena, stream, idOf(id));
  streamValue.refreshFirstId(arena, stream);
}

Deno.test("entries read are known at both ends, and where nothing was deleted", () => {
  const { arena, stream } = streamOf(5);
  const read = (id: string) => progress.estimateEntriesRead(arena, stream, idOf(id));
  assertEquals([read("0-1"), read("1-0"), read("5-0")], [0n, 1n, 5n]);
  assertEquals([read("3-0"), read("6-0")], [-1n, -1n]);
  remove(arena, stream, "1-0");
  assertEquals([read("1-0"), read("2-0"), read("5-0")], [1n, 2n, 5n]);
  remove(arena, stream, "3-0");
  assertEquals([read("2-0"), read("5-0")], [-1n, 5n]);
  const empty = streamOf(0);
  assertEquals(progress.estimateEntriesRead(empty.arena, empty.stream, idOf("7-7")), 0n);
});

Deno.test("a hole makes the lag unknown until the group is past it", () => {
  const { arena, stream } = streamOf(5);
  const group = streamGroup.createGroup(arena, stream, NAME, 0, 1, idOf("0-0"), 0n);
  assertEquals(progress.lagOf(arena, stream, group, true), 5n);
  progress.advance(arena, stream, group, idOf("1-0"), true);
  assertEquals(progress.lagOf(arena, stream, group, true), 4n);
  remove(arena, stream, "3-0");
  assertEquals(progress.mayHaveHoles(arena, stream, idOf("2-0")), true);
  progress.advance(arena, stream, group, idOf("2-0"), true);
  assertEquals(progress.lagOf(arena, stream, group, true), null);
  progress.advance(arena, stream, group, idOf("4-0"), true);
  assertEquals(progress.lagOf(arena, stream, group, true), null);
  progress.advance(arena, stream, group, idOf("5-0"), true);
  assertEquals(progress.lagOf(arena, stream, group, true), 0n);
});

Deno.test("what was deleted before the first entry is no hole", () => {
  const { arena, stream } = streamOf(5);
  remove(arena, stream, "1-0");
  assertEquals(progress.mayHaveHoles(arena, stream, idOf("0-0")), false);
  assertEquals(progress.mayHaveHoles(streamOf(0).arena, streamOf(0).stream, idOf("0-0")), false);
});

Deno.test("what was trimmed before a group had read it is no more to read, from 7.2.7 on", () => {
  const { arena, stream } = streamOf(5);
  const group = streamGroup.createGroup(arena, stream, NAME, 0, 1, idOf("0-0"), 0n);
  remove(arena, stream, "3-0");
  for (const id of ["1-0", "2-0"]) streamValue.removeEntry(arena, stream, idOf(id));
  streamValue.refreshFirstId(arena, stream);
  const lags = () => [true, false].map((isOlder) => progress.lagOf(arena, stream, group, isOlder));
  assertEquals(lags(), [5n, 2n]);
  progress.advance(arena, stream, group, idOf("4-0"), false);
  assertEquals([streamGroup.entriesRead(arena, group), ...lags()], [4n, 1n, 1n]);
  for (const id of ["4-0", "5-0"]) streamValue.removeEntry(arena, stream, idOf(id));
  streamValue.refreshFirstId(arena, stream);
  assertEquals(lags(), [1n, 0n]);
});
