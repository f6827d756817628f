/** Positions of callers further out. */
import { testShown } from "../support/lua_host.ts";

testShown("operators are no level of their own, library functions are", [
  [
    "local t=setmetatable({},{__newindex=function() error('readonly',2) end})\nt.x=1",
    "error: user_script:2: readonly",
  ],
  ["local function it() error('x',2) end\nfor i in it do end", "error: user_script:2: x"],
  [
    "local function f() ('x'):gsub('x',function() error('g',3) end) end\nlocal ok,e=pcall(f) return e",
    "user_script:1: g",
  ],
  ["return select(2,pcall(table.sort,{3,2,1},function() error('c',2) end))", "c"],
  ["return select(2,coroutine.resume(coroutine.create(function() error('c',2) end)))", "c"],
]);

testShown("error with a level", [
  [
    "local function f() error('x',2) end\nlocal function g()\nf() end\ng()",
    "error: user_script:3: x",
  ],
  [
    "local function f() error('x',3) end local function g() f() end\ng()",
    "error: user_script:2: x",
  ],
  ["local function f() error('x',2) end return pcall(f)", "false x"],
  [
    "local function f() error('x',2) end local function g() return f() end return pcall(function() return g() end)",
    "false x",
  ],
  [
    "local t={f=function() error('x',2) end}\nlocal ok,e=pcall(function()\nt.f() end) return e",
    "user_script:3: x",
  ],
]);
