/** Young blocks: each block of a segment is told from its neighbours, whatever its size. */
import { assertEquals } from "@std/assert";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { CLASS_BYTES, CLASS_COUNT } from "../../src/memory/size_classes.ts";
import { YoungBlocks } from "../../src/memory/young_blocks.ts";

Deno.test("a block is young from its first byte to its last, and its neighbours are not", () => {
  for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const units = CLASS_BYTES[sizeClass] / 8;
    const last = (Math.floor(SEGMENT_BYTES / CLASS_BYTES[sizeClass]) - 1) * units;
    for (const first of [0, units, last]) {
      const young = new YoungBlocks();
      young.add(7, sizeClass, first);
      assertEquals(young.has(7, sizeClass, first), true);
      assertEquals(young.has(7, sizeClass, first + units - 1), true);
      if (first > 0) assertEquals(young.has(7, sizeClass, first - 1), false);
      if (first < last) assertEquals(young.has(7, sizeClass, first + units), false);
      assertEquals(young.has(8, sizeClass, first), false);
    }
  }
});

Deno.test("no block is young in a segment that was forgotten, nor in any after clear", () => {
  const young = new YoungBlocks();
  for (const segment of [1, 2, 3]) young.add(segment, 0, 5);
  young.forget(2);
  assertEquals([1, 2, 3].map((segment) => young.has(segment, 0, 5)), [true, false, true]);
  young.clear();
  assertEquals(young.has(1, 0, 5), false);
});
