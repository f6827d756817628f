/** Memory return: idle segments go back when it is asked for, and what is in use stays. */
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { MemoryReturn } from "../../src/upkeep/memory_return.ts";

Deno.test("a tick gives back the segments of deleted data beyond a reserve", () => {
  const arena = new Arena();
  const memoryReturn = new MemoryReturn(arena, { totalBytes: 0 });
  const kept = arena.allocate(64);
  const refs = Array.from({ length: 500 }, () => arena.allocate(SEGMENT_BYTES));
  memoryReturn.tick(1000, 0);
  const full = arena.statistics().reservedBytes;
  assertEquals(full, 501 * SEGMENT_BYTES);
  for (const ref of refs) arena.free(ref);
  memoryReturn.tick(2000, 0);
  const { reservedBytes } = arena.statistics();
  assert(reservedBytes < full / 2, `${reservedBytes} of ${full} bytes are kept`);
  assertEquals(arena.blockBytes(kept), 64);
});
