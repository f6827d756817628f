/** Segment pool: segments are used again before new ones are cut, and whole sources go back. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import {
  type PageReturn,
  SegmentPool,
  type SegmentStorage,
} from "../../src/memory/segment_pool.ts";

function take(pool: SegmentPool, count: number): SegmentStorage[] {
  return Array.from({ length: count }, () => pool.take());
}

Deno.test("segments do not overlap, and both views show the same bytes", () => {
  const pool = new SegmentPool();
  const segments = take(pool, 200);
  segments.forEach(({ bytes, words }, index) => {
    assertEquals([bytes.length, words.length * 4], [SEGMENT_BYTES, SEGMENT_BYTES]);
    words[0] = index;
    words[words.length - 1] = index;
  });
  segments.forEach(({ bytes, words }, index) => {
    assertEquals([words[0], words[words.length - 1], bytes[0]], [index, index, index]);
  });
  assertEquals(pool.reservedBytes, segments.length * SEGMENT_BYTES);
});

Deno.test("many segments need few buffers", () => {
  const segments = take(new SegmentPool(), 2000);
  assert(new Set(segments.map(({ source }) => source.buffer)).size <= 20);
});

Deno.test("a segment that was given back is handed out before a new one is cut", () => {
  const pool = new SegmentPool();
  const [first, second] = take(pool, 2);
  pool.give(first);
  assertEquals(pool.idleBytes, SEGMENT_BYTES);
  assert(pool.take() === first);
  assertEquals([pool.idleBytes, pool.reservedBytes], [0, 2 * SEGMENT_BYTES]);
  assert(pool.take() !== second);
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
  const segments = take(pool, 600);
  const kept = segments[550];
  for (const segment of segments) if (segment !== kept) pool.give(segment);
  const trimmed = pool.trim(200);
  assert(trimmed > 0);
  assertEquals(pool.reservedBytes, 600 * SEGMENT_BYTES - trimmed);
  assert(pool.idleBytes >= 200 * SEGMENT_BYTES);
  assertEquals(pool.trim(200), 0);
  const left = take(pool, pool.idleBytes / SEGMENT_BYTES);
  assert(!left.includes(kept) && new Set(left).size === left.length);
  assertEquals(pool.reservedBytes, (left.length + 1) * SEGMENT_BYTES);
});

Deno.test("trim drops nothing of a source of which one segment is in use", () => {
  const pool = new SegmentPool();
  const segments = take(pool, 300);
  const inUse = new Map(segments.map((segment) => [segment.source, segment]));
  const kept = new Set(inUse.values());
  for (const segment of segments) if (!kept.has(segment)) pool.give(segment);
  assertEquals(pool.trim(0), 0);
});

Deno.test("a source from which segments are still cut can be dropped as well", () => {
  const pool = new SegmentPool();
  for (const segment of take(pool, 20)) pool.give(segment);
  assertEquals(pool.trim(), 0);
  assertEquals(pool.trim(0), 20 * SEGMENT_BYTES);
  assertEquals([pool.reservedBytes, pool.idleBytes], [0, 0]);
  pool.give(pool.take());
  assertEquals(pool.reservedBytes, SEGMENT_BYTES);
});

Deno.test("segments of a retiring source are used again only when there are no others", () => {
  const pool = new SegmentPool();
  const segments = take(pool, 600);
  const sources = new Set(segments.map(({ source }) => source));
  const kept = segments.filter((segment, index) => {
    if (index % 3 !== 0) pool.give(segment);
    return index % 3 === 0;
  });
  const retiring = pool.retirable(sources, 32);
  assert(retiring.length > 0 && retiring.length < sources.size);
  pool.retire(retiring);
  const moving = kept.filter(({ source }) => source.isRetiring);
  for (const segment of moving) {
    assert(!pool.takeIdle()!.source.isRetiring);
    pool.give(segment);
  }
  while (pool.takeIdle() !== null);
  const { source } = pool.take();
  assert(source.isRetiring);
  // The one that was taken keeps its source; the others go.
  const expected = retiring.filter((one) => one !== source);
  const cutCount = expected.reduce((total, one) => total + one.cutCount, 0);
  assertEquals(pool.dropRetired(retiring), cutCount * SEGMENT_BYTES);
  assertEquals(pool.reservedBytes, (600 - cutCount) * SEGMENT_BYTES);
});

/**
 * Takes note of what is discarded and populated; buffers begin 16 bytes behind a page, as those of
 * C do.
 */
class PretendedPages implements PageReturn {
  readonly discarded: Uint8Array[] = [];
  misalignment = (): number => 16;
  discard = (bytes: Uint8Array): void => void this.discarded.push(bytes);
  readonly populated: Uint8Array[] = [];
  populate = (bytes: Uint8Array): void => void this.populated.push(bytes);
}

Deno.test("where pages can go back, segments begin with one, and stay within their buffer", () => {
  const segments = take(new SegmentPool(new PretendedPages()), 300);
  for (const { bytes, words } of segments) {
    assertEquals((bytes.byteOffset + 16) % (64 * 1024), 0);
    assertEquals([words.byteOffset, words.byteLength], [bytes.byteOffset, bytes.byteLength]);
  }
});

Deno.test("from 16 MiB on, a segment without pages gets them at once, and only such a one", () => {
  const pages = new PretendedPages();
  const pool = new SegmentPool(pages);
  const small = take(pool, 64);
  assertEquals(pages.populated, []);
  const large = take(pool, 3).map(({ bytes }) => bytes);
  assertEquals(pages.populated, large);
  pool.give(small[0]);
  assertEquals(pool.take(), small[0]);
  assertEquals(pages.populated, large);
  pool.give(small[1]);
  pool.discardOne();
  assertEquals(pool.take(), small[1]);
  assertEquals(pages.populated, [...large, small[1].bytes]);
});

Deno.test("a discarded segment takes nothing, and is used when there is no other", () => {
  const pages = new PretendedPages();
  const pool = new SegmentPool(pages);
  const segments = take(pool, 10);
  for (const segment of segments.slice(0, 4)) pool.give(segment);
  pool.trim();
  pool.discardOne();
  pool.discardOne();
  assertEquals([pool.reservedBytes, pool.idleCount], [8 * SEGMENT_BYTES, 2]);
  pool.give(segments[9]);
  pool.trim();
  const again = take(pool, 3);
  assertEquals(again.filter(({ bytes }) => pages.discarded.includes(bytes)), []);
  assertEquals([pool.reservedBytes, pool.idleCount], [8 * SEGMENT_BYTES, 0]);
  assert(pages.discarded.includes(pool.take().bytes));
  assertEquals(pool.reservedBytes, 9 * SEGMENT_BYTES);
  assertEquals(pages.discarded.length, 2);
});

Deno.test("a source goes when all of its segments are discarded; none need be emptied", () => {
  const pool = new SegmentPool(new PretendedPages());
  const segments = take(pool, 200);
  const sources = new Set(segments.map(({ source }) => source));
  const [first] = sources;
  for (const segment of segments) {
    if (segment.source === first || segment === segments[199]) pool.give(segment);
  }
  assertEquals(pool.retirable(sources, 0), []);
  pool.trim(0);
  assertEquals(pool.reservedBytes, 200 * SEGMENT_BYTES);
  while (pool.idleCount > 0) pool.discardOne();
  assertEquals(pool.droppedBytes, 0);
  pool.trim(0);
  const again = take(pool, 2);
  assertEquals(again.map(({ source }) => source === first), [false, false]);
  assert(again.includes(segments[199]));
  assertEquals(pool.reservedBytes, (200 - first.cutCount + 1) * SEGMENT_BYTES);
});

Deno.test("what has been idle all the time is told from what was used in between", () => {
  const pool = new SegmentPool(new PretendedPages());
  for (const segment of take(pool, 10)) pool.give(segment);
  pool.takeLeastIdle();
  for (const segment of take(pool, 7)) pool.give(segment);
  assertEquals(pool.takeLeastIdle(), 3);
  assertEquals(pool.takeLeastIdle(), 10);
  for (let count = 0; count < 4; count++) pool.discardOne();
  assertEquals(pool.takeLeastIdle(), 6);
});
