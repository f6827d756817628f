/** Arguments: conversions, and how wrong ones are named. */
import { assertEquals } from "@std/assert";
import { testShown } from "../support/lua_host.ts";
import { toInt32, truncate } from "../../src/scripting/lua_arguments.ts";

testShown("the name is the caller's", [
  [
    "local f=string.rep f()",
    "error: user_script:1: bad argument #1 to 'f' (string expected, got no value)",
  ],
  [
    "return ('x'):rep()",
    "error: user_script:1: bad argument #1 to 'rep' (number expected, got no value)",
  ],
  [
    "local t={rep=string.rep} t:rep(1)",
    "error: user_script:1: calling 'rep' on bad self (string expected, got table)",
  ],
  ["return pcall(string.rep)", "false bad argument #1 to '?' (string expected, got no value)"],
  [
    "return setmetatable({},{__index=string.rep}).x",
    "error: user_script:1: bad argument #1 to '?' (string expected, got table)",
  ],
  [
    "return (string.rep(string.rep('x',2),nil))",
    "error: user_script:1: bad argument #2 to 'rep' (number expected, got nil)",
  ],
]);

Deno.test("doubles become integers as on x86", () => {
  assertEquals([1.9, -1.9, 2 ** 63, NaN, -0.5].map(truncate), [1, -1, -(2 ** 63), -(2 ** 63), 0]);
  assertEquals([2 ** 31, 2 ** 32 + 5, -(2 ** 31), 1e300].map(toInt32), [
    -(2 ** 31),
    5,
    -(2 ** 31),
    0,
  ]);
});
