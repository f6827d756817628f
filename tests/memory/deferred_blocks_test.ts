/** Deferred blocks: what is pushed comes out once, and its memory goes back. */
import { assertEquals } from "@std/assert";
import { DeferredBlocks } from "../../src/memory/deferred_blocks.ts";
import { SEGMENT_BYTES, SEGMENT_WORDS } from "../../src/memory/memory.ts";
import { SegmentPool } from "../../src/memory/segment_pool.ts";

Deno.test("deferred blocks come out once each, across segments, and segments go back", () => {
  const pool = new SegmentPool();
  const blocks = new DeferredBlocks(pool);
  const total = SEGMENT_WORDS * 2 + 5;
  for (const rounds of [1, 2]) {
    for (let ref = 1; ref <= total; ref++) blocks.push(ref);
    assertEquals([blocks.count, pool.reservedBytes], [total, 3 * SEGMENT_BYTES], `${rounds}`);
    for (let ref = total; ref >= 1; ref--) assertEquals(blocks.pop(), ref);
    assertEquals([blocks.count, blocks.pop(), pool.idleBytes], [0, 0, 3 * SEGMENT_BYTES]);
  }
});

Deno.test("deferred blocks may be pushed while older ones wait", () => {
  const pool = new SegmentPool();
  const blocks = new DeferredBlocks(pool);
  for (let ref = 1; ref <= SEGMENT_WORDS; ref++) blocks.push(ref);
  assertEquals(blocks.pop(), SEGMENT_WORDS);
  for (const ref of [7001, 7002, 7003]) blocks.push(ref);
  assertEquals(blocks.count, SEGMENT_WORDS + 2);
  assertEquals([blocks.pop(), blocks.pop(), blocks.pop()], [7003, 7002, 7001]);
  assertEquals(blocks.pop(), SEGMENT_WORDS - 1);
  while (blocks.pop() !== 0);
  assertEquals([blocks.count, pool.idleBytes], [0, pool.reservedBytes]);
});
