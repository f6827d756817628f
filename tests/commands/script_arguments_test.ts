/** What EVAL and FCALL have in common. */
import { assertEquals } from "@std/assert";
import { isFlushMode, keyCountArgument } from "../../src/commands/script_arguments.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { CommandError, NOT_AN_INTEGER } from "../../src/session/errors.ts";

/** The number of keys that EVAL would find, or the error it would answer. */
function count(text: string): number | string {
  try {
    return keyCountArgument(Argv.of("EVAL", "return 1", text, "a", "b"), NOT_AN_INTEGER);
  } catch (thrown) {
    if (thrown instanceof CommandError) return thrown.text;
    throw thrown;
  }
}

Deno.test("there must be as many arguments as keys are announced", () => {
  assertEquals([count("0"), count("2")], [0, 2]);
  for (const text of ["3", "9223372036854775807"]) {
    assertEquals(count(text), "ERR Number of keys can't be greater than number of args");
  }
  for (const text of ["-1", "-9223372036854775808"]) {
    assertEquals(count(text), "ERR Number of keys can't be negative");
  }
  for (const text of ["", "x", "1.0", "01", "-0", "9223372036854775808"]) {
    assertEquals(count(text), NOT_AN_INTEGER.text);
  }
});

Deno.test("FLUSH takes one word at most", () => {
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH")), true);
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH", "Async")), true);
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH", "x")), false);
  assertEquals(isFlushMode(Argv.of("SCRIPT", "FLUSH", "SYNC", "x")), false);
});
