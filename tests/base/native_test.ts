/** Native: nothing is called without the permission, and nobody is asked for it. */
import { assertEquals } from "@std/assert";
import { lowerPriority, mayUseLibc, openMoveBytes } from "../../src/base/native.ts";
import { testWith } from "../support/tool_availability.ts";

Deno.test({
  name: "without the permission a thread keeps its priority",
  permissions: { ffi: false },
  fn: () => assertEquals([mayUseLibc(), lowerPriority(1)], [false, undefined]),
});

Deno.test({
  name: "without the permission there is no function that moves bytes",
  permissions: { ffi: false },
  fn: () => assertEquals(openMoveBytes(), null),
});

testWith(
  ["epoll"],
  "bytes move between private and shared memory, from where a view begins",
  () => {
    const moveBytes = openMoveBytes()!;
    const shared = new Uint8Array(new SharedArrayBuffer(100));
    moveBytes(shared.subarray(7), Uint8Array.of(1, 2, 3, 4).subarray(1), 3);
    assertEquals([...shared.subarray(6, 11)], [0, 2, 3, 4, 0]);
    moveBytes(shared.subarray(8), shared.subarray(7), 3);
    assertEquals([...shared.subarray(6, 12)], [0, 2, 2, 3, 4, 0]);
  },
);
