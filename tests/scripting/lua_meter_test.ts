/** What scripts use up: steps and memory, and what happens when it is too much. */
import { assertEquals } from "@std/assert";
import { ScriptKill } from "../../src/scripting/lua_error.ts";
import { LuaHost } from "../support/lua_host.ts";

const MEBIBYTE = 1024 * 1024;

/** Runs a script until its hook was called so many times. */
function killAfter(script: string, hooks: number): string {
  let count = 0;
  const host = new LuaHost({
    onSteps: () => {
      if (++count >= hooks) throw new ScriptKill("killed");
    },
  });
  try {
    return host.evaluate(script);
  } catch (thrown) {
    if (thrown instanceof ScriptKill) return thrown.message;
    throw thrown;
  }
}

Deno.test("whatever runs for ever can be killed, and no script can catch that", () => {
  const scripts = [
    "while true do end",
    "repeat until false",
    "for i=1,math.huge do end",
    "for k in function() return 1 end do end",
    "local function f() return f() end f()",
    "while true do pcall(function() while true do end end) end",
    "xpcall(function() while true do end end,function() while true do end end) while true do end",
    "return setmetatable({},{__index=function() while true do end end}).x",
    "table.sort({3,2,1},function() while true do end end)",
    "('abc'):gsub('.',function() while true do end end)",
    "coroutine.wrap(function() while true do end end)() while true do end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "('a'):rep(100000):find('(.-)(.-)(.-)b')",
    "('a'):rep(200):find(('a?'):rep(200)..('a'):rep(200)..'b')",
    "load(function() return ' ' end)",
    "while true do table.concat({}) end",
  ];
  for (const script of scripts) assertEquals(killAfter(script, 5), "killed", script);
});

Deno.test("a hook that returns lets the script go on", () => {
  assertEquals(killAfter("local n=0 for i=1,100000 do n=n+1 end return n", 1e9), ":100000\r\n");
});

Deno.test("memory is bounded: strings, tables, closures, results of libraries", () => {
  const scripts = [
    "return #string.rep('x',2^31-1)",
    "local s='x' while true do s=s..s end",
    "local t={} while true do t[#t+1]={} end",
    "local t={} local i=0 while true do i=i+1 t['k'..i]=i end",
    "local t={} while true do t[#t+1]=('x'):rep(100000)..#t end",
    "local t={} local b=('y'):rep(1e5) for i=1,1e9 do t[i]=b..i end",
    "local f for i=1,1e9 do local g=f f=function() return g end end",
    "return #('x'):rep(1e6):gsub('.',('y'):rep(100))",
    "return #cjson.encode({('\\1'):rep(1e7)})",
    "local t={} for i=1,100000 do t[i]=('x'):rep(1000) end return #table.concat(t)",
  ];
  for (const script of scripts) {
    const host = new LuaHost({ memoryMax: 32 * MEBIBYTE });
    assertEquals(host.evaluate(script), "-ERR not enough memory\r\n", script);
  }
});

Deno.test("memory that runs out is an error that a script can catch", () => {
  const host = new LuaHost({ memoryMax: 32 * MEBIBYTE });
  const script = "return (select(2,pcall(function() return ('x'):rep(1e9) end)))";
  assertEquals(host.show(script), "not enough memory");
});

Deno.test("garbage does not count", () => {
  const host = new LuaHost({ memoryMax: 64 * MEBIBYTE });
  assertEquals(
    host.show("local n=0 for i=1,3000 do n=n+#('x'):rep(100000) end return n"),
    "300000000",
  );
});

/** How often the hook is called, of which 100 steps lie between two, while a script runs. */
function hooksOf(script: string): number {
  let count = 0;
  new LuaHost({ stepsPerHook: 100, onSteps: () => void count++ }).evaluate(script);
  return count;
}

Deno.test("work on a long string or list counts, whatever library does it", () => {
  const text = "local s=('abcdefgh'):rep(16384) ";
  const list = "local t={} for i=1,7000 do t[i]=i end ";
  const works: [setUp: string, work: string][] = [
    ["", "local r=('abcdefgh'):rep(16384)"],
    [text, "local r=s:upper()"],
    [text, "local r=s:lower()"],
    ["local s=('abcdefg\\200'):rep(16384) ", "local r=s:upper()"],
    [text, "local r=s:reverse()"],
    [text, "local r=s:find('x',1,true)"],
    [text + "local p=s:sub(1,-5)..'x' ", "local r=s:find(p,1,true)"],
    [text, "local r=s:gsub('a','')"],
    [text, "local r=s:find('x')"],
    [text, "local r=s:gmatch('x')()"],
    [text, "local r=('%s'):format(s)"],
    [text, "local r=('%q'):format(s)"],
    [text, "local r=s<s..'x'"],
    [text + "local o=s..'x' local p=s..'x' ", "local r=(o==p)"],
    [text, "local r=s..'x'"],
    [text, "local r=tonumber(s)"],
    ["local s=('1'):rep(131072) ", "local r=tonumber(s,2)"],
    [text, "local r=pcall(function() return s+1 end)"],
    [text, "local r=cjson.encode(s)"],
    ["local s='\"'..('x'):rep(131072)..'\"' ", "local r=cjson.decode(s)"],
    ["local s='['..('1,'):rep(50000)..'1]' ", "local r=cjson.decode(s)"],
    [list, "local r=cjson.encode(t)"],
    [text, "local r=cmsgpack.pack(s)"],
    [text + "local p=cmsgpack.pack(s) ", "local r=cmsgpack.unpack(p)"],
    [list, "local r=cmsgpack.pack(t)"],
    [list + "local p=cmsgpack.pack(t) ", "local r=cmsgpack.unpack(p)"],
    [text, "local r=struct.pack('s',s)"],
    [list, "local r=select('#',unpack(t))"],
    [list, "local r=table.concat(t)"],
    ["local s=('x'):rep(7000) ", "local r=select('#',s:byte(1,-1))"],
    ["", "local r=loadstring('return 1')"],
  ];
  for (const [setUp, work] of works) {
    // Each time is worth at least one hook.
    const hooks = hooksOf(`${setUp}for i=1,5 do ${work} end`);
    assertEquals(hooks >= 5, true, `${setUp}${work}: ${hooks} hooks`);
  }
});
