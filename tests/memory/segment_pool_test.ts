/** Segment pool: segments are used again before new ones are cut, and whole sources go back. */
import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { SegmentPool, type SegmentStorage } from "../../src/memory/segment_pool.ts";

const SEGMENTS_PER_SOURCE = 128;

function take(pool: SegmentPool, count: number): SegmentStorage[] {
  return Array.from({ length: count }, () => pool.take());
}

Deno.test("segments of one source do not overlap, and both views show the same bytes", () => {
  const pool = new SegmentPool();
  const segments = take(pool, SEGMENTS_PER_SOURCE + 1);
  segments.forEach(({ bytes, words }, index) => {
    assertEquals([bytes.length, words.length * 4], [SEGMENT_BYTES, SEGMENT_BYTES]);
    words[0] = index;
    words[words.length - 1] = index;
  });
  segments.forEach(({ bytes, words }, index) => {
    assertEquals([words[0], words[words.length - 1], bytes[0]], [index, index, index]);
  });
  assertEquals(new Set(segments.map(({ source }) => source.buffer)).size, 2);
  assertEquals(pool.reservedBytes, segments.length * SEGMENT_BYTES);
});

Deno.test("a segment that was given back is handed out before a new one is cut", () => {
  const pool = new SegmentPool();
  const [first, second] = take(pool, 2);
  pool.give(first);
  assertEquals(pool.idleBytes, SEGMENT_BYTES);
  assert(pool.take() === first);
  assertEquals([pool.idleBytes, pool.reservedBytes], [0, 2 * SEGMENT_BYTES]);
  assertNotStrictEquals(pool.take(), second);
  assertEquals(pool.reservedBytes, 3 * SEGMENT_BYTES);
});

Deno.test("a segment given back twice is a mistake", () => {
  const pool = new SegmentPool();
  const segment = pool.take();
  pool.give(segment);
  assertThrows(() => pool.give(segment), Error, "given back twice");
});

Deno.test("trim drops sources that are idle as a whole, and keeps the reserve", () => {
  const pool = new SegmentPool();
  const segments = take(pool, 3 * SEGMENTS_PER_SOURCE);
  const kept = segments[SEGMENTS_PER_SOURCE + 5];
  for (const segment of segments) if (segment !== kept) pool.give(segment);
  // The first source is idle, the second holds a segment in use, the third is the reserve.
  assertEquals(pool.trim(200), SEGMENTS_PER_SOURCE * SEGMENT_BYTES);
  assertEquals(pool.reservedBytes, 2 * SEGMENTS_PER_SOURCE * SEGMENT_BYTES);
  assertEquals(pool.trim(200), 0);
  const left = take(pool, 2 * SEGMENTS_PER_SOURCE - 1);
  assertEquals(pool.idleBytes, 0);
  assertEquals(new Set([...left, kept].map(({ source }) => source)).size, 2);
  assertEquals(pool.reservedBytes, 2 * SEGMENTS_PER_SOURCE * SEGMENT_BYTES);
});

Deno.test("a source from which segments are still cut can be dropped as well", () => {
  const pool = new SegmentPool();
  for (const segment of take(pool, 40)) pool.give(segment);
  assertEquals(pool.trim(), 0);
  assertEquals(pool.trim(0), 40 * SEGMENT_BYTES);
  assertEquals([pool.reservedBytes, pool.idleBytes], [0, 0]);
  pool.give(pool.take());
  assertEquals(pool.reservedBytes, SEGMENT_BYTES);
});
