/** The C library: had only where it is allowed, and its errors are those of the runtime. */
import { assert, assertEquals } from "@std/assert";
import { mayUseLibc, openLibc, systemError } from "../../src/net/libc.ts";
import { testWith } from "../support/tool_availability.ts";

Deno.test({
  name: "without the permission there is no C library, and nobody is asked",
  permissions: { ffi: false },
  fn: () => assertEquals([mayUseLibc(), openLibc()], [false, null]),
});

testWith(["epoll"], "a call that fails tells why, as the runtime would", () => {
  const libc = openLibc()!;
  assertEquals(libc.close(-1), -1);
  assertEquals([libc.errno(), libc.errorText(libc.errno())], [9, "Bad file descriptor"]);
  assert(systemError(libc, 98) instanceof Deno.errors.AddrInUse);
  assert(systemError(libc, 99) instanceof Deno.errors.AddrNotAvailable);
  assertEquals(systemError(libc, 98).message, "Address already in use (os error 98)");
});
