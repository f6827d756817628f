/** Whether groups need an entry, and making them forget it. */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import * as streamGroup from "../../src/values/stream_group.ts";
import { PendingEntry } from "../../src/values/stream_group.ts";
import { isReferenced, removeReferences } from "../../src/values/stream_references.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { idOf } from "./stream_model.ts";

Deno.test("an entry is needed until every group has got and acknowledged it", () => {
  const arena = new Arena({ debug: true });
  const stream = streamValue.create(arena);
  const id = idOf("5-5");
  assertEquals(isReferenced(arena, stream, id), false);
  const [a, b] = ["a", "b"].map((name) =>
    streamGroup.createGroup(arena, stream, latin1Bytes(name), 0, 1, idOf("5-4"), 0n)
  );
  assertEquals(isReferenced(arena, stream, id), true);
  for (const group of [a, b]) streamGroup.setLastDelivered(arena, group, id);
  assertEquals(isReferenced(arena, stream, id), false);
  const entry = new PendingEntry();
  entry.consumer = streamGroup.createConsumer(arena, b, latin1Bytes("c"), 0, 1, 0);
  streamGroup.setPending(arena, b, id, entry);
  assertEquals(isReferenced(arena, stream, id), true);
  assertEquals(removeReferences(arena, stream, id), [b]);
  assertEquals(isReferenced(arena, stream, id), false);
  assertEquals(removeReferences(arena, stream, id), []);
});
