/** Garbage: whether a collection really happens. */
import { assertEquals } from "@std/assert";
import { collectGarbage } from "../../src/base/garbage.ts";

function makeGarbage(): WeakRef<object> {
  return new WeakRef({ bytes: new Uint8Array(1000) });
}

for (const isThorough of [false, true]) {
  Deno.test(`unreferenced things go with a collection (thorough: ${isThorough})`, async () => {
    const garbage = makeGarbage();
    const kept = { bytes: new Uint8Array(1000) };
    const keptRef = new WeakRef(kept);
    // A WeakRef keeps its target until the end of the job in which it was made.
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(collectGarbage(isThorough), true);
    assertEquals(garbage.deref(), undefined);
    assertEquals(keptRef.deref(), kept);
  });
}
