/** Scratch objects: all that were registered let go, and stay as good as new. */
import { assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { forgetScratch, scratch } from "../../src/base/scratch.ts";

Deno.test("scratch objects let go of what they were pointed at, and can be used again", () => {
  const one = scratch(new Slice());
  const two = scratch(new Slice());
  const bytes = new Uint8Array([1, 2, 3]);
  one.set(bytes, 0, 3);
  two.set(bytes, 1, 2);
  forgetScratch();
  assertEquals([one.bytes.length, one.length, two.bytes.length, two.length], [0, 0, 0, 0]);
  one.set(bytes, 1, 2);
  assertEquals(one.copy(), new Uint8Array([2, 3]));
});
