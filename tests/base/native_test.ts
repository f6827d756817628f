/** Native: nothing is called without the permission, and nobody is asked for it. */
import { assertEquals } from "@std/assert";
import { lowerPriority, mayUseLibc } from "../../src/base/native.ts";

Deno.test({
  name: "without the permission a thread keeps its priority",
  permissions: { ffi: false },
  fn: () => assertEquals([mayUseLibc(), lowerPriority(1)], [false, undefined]),
});
