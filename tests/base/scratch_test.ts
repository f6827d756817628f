/** Scratch objects let go of all and stay as good as new; walks have slices of their own. */
import { assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { forgetScratch, giveSlice, scratch, takeSlice } from "../../src/base/scratch.ts";

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

Deno.test("a slice that was taken is nobody else's until it is given back, and views nothing", () => {
  const [first, second, third] = [takeSlice(), takeSlice(), takeSlice()];
  assertEquals(new Set([first, second, third]).size, 3);
  const bytes = new Uint8Array([1, 2, 3]);
  for (const slice of [first, second, third]) slice.set(bytes, 0, 3);
  giveSlice(third);
  assertEquals([third.bytes.length, third.length, first.length, second.length], [0, 0, 3, 3]);
  assertEquals(takeSlice() === third, true);
  assertEquals([first, second, third].includes(takeSlice()), false);
});

Deno.test("the slices of walks over pairs are the same ones again, also after one within them", () => {
  const outer = [takeSlice(), takeSlice()];
  const inner = [takeSlice(), takeSlice()];
  for (const slice of [...inner, ...outer]) giveSlice(slice);
  const again = [takeSlice(), takeSlice()];
  assertEquals(again.every((slice) => outer.includes(slice)), true);
  assertEquals(again[0] === again[1], false);
});
