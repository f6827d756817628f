/** Expressions: precedence, calls, constructors, and complaints. */
import { testShown } from "../support/lua_host.ts";

testShown("precedence and grouping", [
  ["return 2^3^2, -2^2, 1 ..2 ..3, 2*3+4, 2+3*4, 7-3-2, 8/4/2", "512 -4 123 10 14 2 1"],
  [
    "return not 1 == 2, not nil == true, 1 < 2 == true, - - 3, not not nil, #'abc'+1",
    "false true true 3 false 4",
  ],
  ["return 1 and 2 or 3, nil and 2 or 3, false == nil, nil or false", "2 3 false false"],
]);

testShown("constants are folded, divisions by zero are not", [
  ["return 2^53+1, 1/0, -1/0, 5%3, 0, -0", "9.007199254741e+15 inf -inf 2 0 0"],
  ["return -0, 0", "-0 -0"],
]);

testShown("calls and constructors", [
  [
    "local function f(...) return select('#',...) end return f(f(),f()), f((f(1,2))), f{1}, f'x'",
    "2 1 1 1",
  ],
  ["return {1,2;3,n=4,[5]=6,}", "{1,2,3,n=4,6}"],
  ["local function g() return 1,2 end return {g(),g()}, {(g())}", "{1,1,2} {1}"],
]);

testShown("complaints", [
  ["x=1+*2", "error: user_script:1: unexpected symbol near '*'"],
  ["x=...", "error: user_script:1: Attempt to modify a readonly table"],
  [
    "local function f() return ... end",
    "error: user_script:1: cannot use '...' outside a vararg function near '...'",
  ],
  ["f\n(1)", "error: user_script:2: ambiguous syntax (function call x new statement) near '('"],
  ["x:y", "error: user_script:1: function arguments expected near '<eof>'"],
  ["x={1 2}", "error: user_script:1: '}' expected near '2'"],
  ["x={\n1", "error: user_script:2: '}' expected (to close '{' at line 1) near '<eof>'"],
  ["function f(a,) end", "error: user_script:1: <name> or '...' expected near ')'"],
]);
