/** Coroutines. */
import { testShown } from "../support/lua_host.ts";

testShown("values pass both ways", [
  [
    "local co=coroutine.create(function(a,b) local c=coroutine.yield(a+b) local d,e=coroutine.yield(c*2) return d+e end) local function r(...) return select(2,coroutine.resume(co,...)) end return r(1,2),r(10),r(3,4),coroutine.status(co),coroutine.resume(co)",
    "3 20 7 dead false cannot resume dead coroutine",
  ],
  [
    "local function gen(n) return coroutine.wrap(function() for i=1,n do coroutine.yield(i) end end) end local s=0 for i in gen(10) do s=s+i end return s",
    "55",
  ],
  [
    "local function rec(n) if n==0 then coroutine.yield('deep') return 0 end return 1+rec(n-1) end local co=coroutine.wrap(function() return rec(50) end) return co(),co()",
    "deep 50",
  ],
  [
    "local function rec(n) if n==0 then coroutine.yield('deep') return 'end' end return rec(n-1) end local co=coroutine.wrap(function() return rec(5000) end) return co(),co()",
    "deep end",
  ],
]);

testShown("errors and states", [
  [
    "return coroutine.resume(coroutine.create(function() error('x') end))",
    "false user_script:1: x",
  ],
  ["return pcall(coroutine.wrap(function() error('x') end))", "false user_script:1: x"],
  [
    "local co co=coroutine.create(function() return coroutine.resume(co) end) return coroutine.resume(co)",
    "true false cannot resume running coroutine",
  ],
  [
    "return pcall(coroutine.create,string.rep)",
    "false bad argument #1 to '?' (Lua function expected)",
  ],
  [
    "local a a=coroutine.create(function() local b=coroutine.create(function() return coroutine.status(a) end) return select(2,coroutine.resume(b)) end) return coroutine.resume(a)",
    "true normal",
  ],
]);

testShown("yields do not cross library functions", [
  ["return pcall(coroutine.yield,1)", "false attempt to yield across metamethod/C-call boundary"],
  ["coroutine.yield(1)", "error: attempt to yield across metamethod/C-call boundary"],
  [
    "return coroutine.resume(coroutine.create(function() return pcall(function() coroutine.yield(1) end) end))",
    "true false attempt to yield across metamethod/C-call boundary",
  ],
  [
    "return coroutine.resume(coroutine.create(function() table.sort({3,2,1},function() coroutine.yield() end) end))",
    "false attempt to yield across metamethod/C-call boundary",
  ],
]);
