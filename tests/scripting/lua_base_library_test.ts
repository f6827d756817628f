/** The base library. */
import { testShown } from "../support/lua_host.ts";

testShown("conversions", [
  [
    "return tonumber('ff',16),tonumber('zz',36),tonumber('8',8),tonumber('-ff',16)",
    "255 1295 nil 1.844674407371e+19",
  ],
  [
    "return tostring(nil),tostring(1.5),type(nil),type(print_x==nil)",
    "error: user_script:1: Script attempted to access nonexistent global variable 'print_x'",
  ],
  ["return select('#',nil,nil), select(-1,1,2), select(2,'a','b','c')", "2 2 b c"],
  ["return unpack({1,2,3},2)", "2 3"],
]);

testShown("errors", [
  ["return pcall(error,'x')", "false x"],
  ["error('x')", "error: user_script:1: x"],
  ["error('x',0)", "error: x"],
  ["local function f() error('x',2) end\nf()", "error: user_script:2: x"],
  ["assert(false)", "error: user_script:1: assertion failed!"],
  ["return pcall(assert,nil,'m')", "false m"],
  ["return pcall(assert)", "false bad argument #1 to '?' (value expected)"],
  ["return xpcall(error,function(e) return 'h'..tostring(e) end)", "false hnil"],
  ["return xpcall(error,error)", "false error in error handling"],
  ["return pcall(unpack,{},1,8000)", "false too many results to unpack"],
  ["return pcall(setmetatable,1,{})", "false bad argument #1 to '?' (table expected, got number)"],
]);

testShown("readonly tables and tables with a locked metatable", [
  ["rawset(_G,'x',1)", "error: Attempt to modify a readonly table"],
  ["setmetatable(_G,{})", "error: Attempt to modify a readonly table"],
  ["x=1", "error: user_script:1: Attempt to modify a readonly table"],
  ["return getmetatable(setmetatable({},{__metatable='no'}))", "no"],
  [
    "return pcall(setmetatable,setmetatable({},{__metatable=1}),{})",
    "false cannot change a protected metatable",
  ],
]);

testShown("chunks are loaded", [
  ["return loadstring('return 1+1')()", "2"],
  ["return loadstring('x=')", "nil [string \"x=\"]:1: unexpected symbol near '<eof>'"],
  ["local n=0 return load(function() n=n+1 return ({'return ','4'})[n] end)()", "4"],
  ["return pcall(load,5)", "false bad argument #1 to '?' (function expected, got number)"],
]);
