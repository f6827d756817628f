/** Tokens: names, numbers, strings with their escapes, long brackets, comments, and faults. */
import { assertEquals } from "@std/assert";
import { testShown } from "../support/lua_host.ts";
import { chunkIdOf } from "../../src/scripting/lua_lexer.ts";

testShown("strings: escapes, long brackets and line ends", [
  ["return '\\65\\066\\7x\\z', #'a\\0b'", "AB\u0007xz 3"],
  ["return [[a]]..[==[b]]]==]", "ab]]"],
  ["return [[\nx]]", "x"],
  ["return #[[\r\na\n\rb\r]]", "4"],
  ["return 'a\\\nb'", "a\nb"],
]);

testShown("numbers: decimal, hexadecimal, exponents", [
  ["return 0x10, 0XfF, 1e2, .5, 5., 3e-2", "16 255 100 0.5 5 0.03"],
]);

testShown("comments: short and long", [
  ["return 1 --x\n+ --[[ y ]] 2", "3"],
  ["return 1 --[==[ ]] ]==] + 1", "2"],
]);

testShown("faults name the token as Lua does", [
  ["x=1x", "error: user_script:1: malformed number near '1x'"],
  ["x=1..2", "error: user_script:1: malformed number near '1..2'"],
  ["x='abc", "error: user_script:1: unfinished string near '<eof>'"],
  ["x='abc\n'", "error: user_script:1: unfinished string near ''abc'"],
  ["x='\\300'", "error: user_script:1: escape sequence too large near '''"],
  ["x=[[a", "error: user_script:1: unfinished long string near '<eof>'"],
  ["--[[a", "error: user_script:1: unfinished long comment near '<eof>'"],
  ["x=[=a", "error: user_script:1: invalid long string delimiter near '[='"],
  ["x=@", "error: user_script:1: unexpected symbol near '@'"],
  ["x=\u0001", "error: user_script:1: unexpected symbol near 'char(1)'"],
  ["\n\nx=$", "error: user_script:3: unexpected symbol near '$'"],
]);

Deno.test("chunk names lose their sign and are cut as Lua cuts them", () => {
  assertEquals(chunkIdOf("@user_script"), "user_script");
  assertEquals(chunkIdOf("=stdin"), "stdin");
  assertEquals(chunkIdOf("@" + "x".repeat(60)), "..." + "x".repeat(52));
  assertEquals(chunkIdOf("return 1"), '[string "return 1"]');
  assertEquals(chunkIdOf("a\nb"), '[string "a..."]');
  assertEquals(chunkIdOf("y".repeat(50)), `[string "${"y".repeat(43)}..."]`);
});
