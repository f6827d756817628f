/** What EVAL and FCALL have in common. */
import { assertEquals, assertThrows } from "@std/assert";
import { checkedKeyCount, isFlushMode } from "../../src/commands/script_arguments.ts";
import { Argv } from "../../src/protocol/argv.ts";

Deno.test("there must be as many arguments as keys are announced", () => {
  const argv = Argv.of("EVAL", "return 1", "1", "a", "b");
  assertEquals(checkedKeyCount(argv, 0n), 0);
  assertEquals(checkedKeyCount(argv, 2n), 2);
  assertThrows(() => checkedKeyCount(argv, 3n));
  assertThrows(() => checkedKeyCount(argv, -1n));
  assertThrows(() => checkedKeyCount(argv, 2n ** 63n - 1n));
});

Deno.test("FLUSH takes one word at most", () => {
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH")), true);
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH", "Async")), true);
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH", "x")), false);
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH", "SYNC", "x")), false);
});
