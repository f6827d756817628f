/** Positions of callers further out. */
import { testShown } from "../support/lua_host.ts";

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
