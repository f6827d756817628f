/** Absent commands: described, named in rules, and refused with one clear error. */
import { assertEquals, assertThrows } from "@std/assert";
import { answersNotAvailable, notAvailable } from "../../src/commands/absent_commands.ts";

Deno.test("what is not there says so, with its verb", () => {
  const text = "ERR Streams are not available in this version of Redeno";
  assertEquals(notAvailable("Streams are").text, text);
  const thrown = assertThrows(() => answersNotAvailable("Streams are")());
  assertEquals(thrown, notAvailable("Streams are"));
});
