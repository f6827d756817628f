/** Pauses: as long as asked for at least, or none. */
import { assert } from "@std/assert";
import { pause } from "../../src/base/pause.ts";

Deno.test("a pause takes as long as asked for", () => {
  const begin = performance.now();
  pause(3000);
  assert(performance.now() - begin >= 2.9);
});

Deno.test("a pause of nothing, or less, is over at once", () => {
  pause(0);
  pause(-1_000_000_000);
});
