/** Garbage: whether a collection really happens. */
import { assertEquals } from "@std/assert";
import { collectGarbage } from "../../src/base/garbage.ts";

function makeGarbage(): WeakRef<object> {
  return new WeakRef({ bytes: new Uint8Array(1000) });
}

Deno.test("what nobody refers to any more is gone after a collection", async () => {
  const garbage = makeGarbage();
  const kept = { bytes: new Uint8Array(1000) };
  const keptRef = new WeakRef(kept);
  // A WeakRef keeps its target until the end of the job in which it was made.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(collectGarbage(), true);
  assertEquals(garbage.deref(), undefined);
  assertEquals(keptRef.deref(), kept);
});
