/** Size classes: every size has the smallest class that holds it, and little is wasted. */
import { assert, assertEquals } from "@std/assert";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { CLASS_BYTES, CLASS_COUNT, classFor } from "../../src/memory/size_classes.ts";

Deno.test("classes rise, are whole units of 8 bytes and end with a segment", () => {
  assertEquals(CLASS_BYTES.length, CLASS_COUNT);
  assertEquals(CLASS_BYTES[0], 8);
  assertEquals(CLASS_BYTES[CLASS_COUNT - 1], SEGMENT_BYTES);
  for (let index = 0; index < CLASS_COUNT; index++) {
    assertEquals(CLASS_BYTES[index] % 8, 0);
    if (index > 0) assert(CLASS_BYTES[index] > CLASS_BYTES[index - 1], `class ${index}`);
  }
});

Deno.test("every size gets the smallest class that holds it", () => {
  let expected = 0;
  for (let bytes = 1; bytes <= SEGMENT_BYTES; bytes++) {
    if (bytes > CLASS_BYTES[expected]) expected++;
    if (classFor(bytes) !== expected) assertEquals(classFor(bytes), expected, `${bytes} bytes`);
  }
  assertEquals(expected, CLASS_COUNT - 1);
});

Deno.test("a block is at most 12.5 percent larger than asked for, beyond the steps of 8", () => {
  for (let bytes = 129; bytes <= 16 * 1024; bytes++) {
    const unused = CLASS_BYTES[classFor(bytes)] - bytes;
    assert(unused / bytes <= 0.125, `${bytes} bytes leave ${unused}`);
  }
  for (let bytes = 1; bytes <= 128; bytes++) assert(CLASS_BYTES[classFor(bytes)] - bytes < 8);
});

Deno.test("large classes leave almost nothing at the end of a segment", () => {
  for (const bytes of CLASS_BYTES) {
    if (bytes <= 16 * 1024) continue;
    const count = Math.floor(SEGMENT_BYTES / bytes);
    assert(SEGMENT_BYTES - count * bytes < count * 8, `class of ${bytes} bytes`);
  }
});
