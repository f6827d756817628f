/** Calls: results, tail calls, callable tables, and the limits of depth. */
import { assertEquals } from "@std/assert";
import { testShown } from "../support/lua_host.ts";
import { firstOf, withHeadroom } from "../../src/scripting/lua_calls.ts";
import { LuaEngine } from "../../src/scripting/lua_engine.ts";

testShown("results: none, one, many", [
  ["local function f() end return f(), (f())", "nil nil"],
  ["local function f() end return select('#',f())", "0"],
  ["local function f() return 1,2 end local a,b,c=f() return a,b,c,(f())", "1 2 nil 1"],
]);

testShown("tail calls take no stack, wherever they begin", [
  ["local function f(n) if n==0 then return 'done' end return f(n-1) end return f(100000)", "done"],
  [
    "local function f(n) if n==0 then return 'done' end return f(n-1) end local function g(n) if n==0 then return f(100000) end local r=g(n-1) return r end return g(500)",
    "done",
  ],
  [
    "local t={} function t.a(n) if n<=0 then return 'end' end return t.b(n-1) end function t.b(n) return t:c(n) end function t:c(n) return self.a(n-1) end return t.a(30000)",
    "end",
  ],
]);

testShown("deep recursion is an error with a place", [
  ["local function f() return 1+f() end f()", "error: user_script:1: stack overflow"],
  [
    "local n=0 local function f() n=n+1 local ok,e=pcall(f) if not ok then error(e,0) end end local ok,e=pcall(f) return n,e",
    "198 C stack overflow",
  ],
]);

testShown("tables are called by __call, arguments first", [
  ["return setmetatable({},{__call=function(s,...) return select('#',...),... end})(1,2)", "2 1 2"],
  ["local x x(error('arg'))", "error: user_script:1: arg"],
]);

/** Takes some 50 KiB of stack. */
function descend(depth: number): number {
  return depth === 0 ? 0 : 1 + descend(depth - 1);
}

Deno.test("global Lua functions may make tail calls from deep inside", () => {
  const engine = new LuaEngine();
  const call = (source: string) => engine.call(engine.compile(source, "@s"), []);
  call("n=0 function h() n=n+1 end");
  call("function f() n=n+1 return g() end function g() n=n+1 return h() end");
  const deep =
    "local function deep(d) if d==0 then f() return n end local r=deep(d-1) return r end";
  assertEquals(call(deep + " return deep(300)"), [3]);
});

Deno.test("a host function with headroom is entered whole or not at all", () => {
  const engine = new LuaEngine();
  let entered = 0;
  let left = 0;
  engine.globals.set(
    "host",
    withHeadroom(() => {
      entered++;
      descend(300);
      left++;
      return undefined;
    }),
  );
  const script = engine.compile("local function f() host() return 1+f() end return pcall(f)", "@s");
  const [isOk, message] = engine.call(script, []);
  assertEquals([isOk, firstOf(message)], [false, "s:1: stack overflow"]);
  assertEquals(entered > 100, true);
  assertEquals(left, entered);
});
