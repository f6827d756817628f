/** What the first line of a script says, and what follows for its command. */
import { assertEquals } from "@std/assert";
import {
  commandBitsOf,
  parseScriptHead,
  parseShebang,
  SCRIPT_ALLOW_OOM,
  SCRIPT_ALLOW_STALE,
  SCRIPT_NO_WRITES,
  SCRIPT_UNDECLARED,
  scriptFlagOf,
} from "../../src/scripting/script_flags.ts";
import {
  COMMAND_DENYOOM,
  COMMAND_MAY_REPLICATE,
  COMMAND_STALE,
  COMMAND_WRITE,
} from "../../src/session/command.ts";

Deno.test("the body keeps its line numbers, and ends the first line", () => {
  assertEquals(parseShebang("#!lua name=a\nreturn 1"), {
    words: ["#!lua", "name=a"],
    body: "\nreturn 1",
  });
  assertEquals(parseShebang("#!lua 'a b'\n")!.words, ["#!lua", "a b"]);
  assertEquals(parseShebang("#!lua 'a b\n")!.words, null);
  assertEquals(parseShebang("#!lua"), null);
  assertEquals(parseShebang("#!lua\0\n"), null);
});

Deno.test("flags of EVAL scripts", () => {
  assertEquals(parseScriptHead("return 1"), { flags: SCRIPT_UNDECLARED, body: "return 1" });
  assertEquals(parseScriptHead("#!lua flags=no-writes,allow-oom\nx"), {
    flags: SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM,
    body: "\nx",
  });
  assertEquals(parseScriptHead("#!lua flags=\nx"), { flags: 0, body: "\nx" });
  assertEquals(parseScriptHead("#!lua flags=constructor\nx"), {
    error: "Unexpected flag in script shebang: constructor",
  });
  assertEquals(parseScriptHead("#!js\nx"), { error: "Unexpected engine in script shebang: #!js" });
});

Deno.test("no name of JavaScript is a flag", () => {
  for (const name of ["toString", "__proto__", "hasOwnProperty"]) {
    assertEquals(scriptFlagOf(name), undefined);
  }
});

Deno.test("a declared script has the flags of its command that it declares", () => {
  const bits = COMMAND_STALE | COMMAND_MAY_REPLICATE;
  assertEquals(commandBitsOf(bits, SCRIPT_UNDECLARED), bits);
  assertEquals(commandBitsOf(bits, 0), COMMAND_DENYOOM | COMMAND_WRITE);
  assertEquals(commandBitsOf(bits, SCRIPT_NO_WRITES), 0);
  assertEquals(
    commandBitsOf(bits, SCRIPT_ALLOW_OOM | SCRIPT_ALLOW_STALE),
    COMMAND_WRITE | COMMAND_STALE,
  );
});
