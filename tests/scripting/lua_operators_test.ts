/** Operators where types differ: coercion, metamethods, errors with names. */
import { assertEquals } from "@std/assert";
import { globalValue } from "../../src/scripting/lua_operators.ts";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import { testShown } from "../support/lua_host.ts";

testShown("coercion", [
  ["return '10'+5, '3'*'4', 10 ..20, '0x10'+0, -'2'", "15 12 1020 16 -2"],
  ["return 5%3,-5%3,5%-3,5.5%2", "2 1 -1 1.5"],
  ["return 1==1.0,'1'==1,0==-0,'a'<'b','Z'<'a'", "true false true true true"],
]);

testShown("metamethods", [
  [
    "local m={} for _,n in ipairs{'add','sub','mul','div','mod','pow','concat'} do m['__'..n]=function() return n end end m.__unm=function() return 'unm' end local a=setmetatable({},m) return a+1,1-a,a*a,a/2,a%2,a^2,a..'x',1 ..a,-a",
    "add sub mul div mod pow concat concat unm",
  ],
  [
    "local m={__eq=function() return true end} local a,b=setmetatable({},m),setmetatable({},m) return a==b,a~=b,a==1",
    "true false false",
  ],
  [
    "local m={__lt=function(a,b) return a.v<b.v end} local a,b=setmetatable({v=1},m),setmetatable({v=2},m) return a<b,a>b,a<=b,a>=b",
    "true false true false",
  ],
  ["local t=setmetatable({},{__index=function(t,k) return k..'!' end}) return t.a,t[1]", "a! 1!"],
  ["local p={} local t=setmetatable({},{__newindex=p}) t.x=1 return rawget(t,'x'),p.x", "nil 1"],
  [
    "local t=setmetatable({},{}) getmetatable(t).__index=t return pcall(function() return t.x end)",
    "false user_script:1: loop in gettable",
  ],
]);

testShown("errors say which value it was", [
  ["local a return a.b", "error: user_script:1: attempt to index local 'a' (a nil value)"],
  ["local t={} t.x.y=1", "error: user_script:1: attempt to index field 'x' (a nil value)"],
  ["local t={} return t[1].x", "error: user_script:1: attempt to index field '?' (a nil value)"],
  [
    "local u return (function() return u.x end)()",
    "error: user_script:1: attempt to index upvalue 'u' (a nil value)",
  ],
  ["local t={} t:foo()", "error: user_script:1: attempt to call method 'foo' (a nil value)"],
  ["local a a()", "error: user_script:1: attempt to call local 'a' (a nil value)"],
  ["return 1+{}", "error: user_script:1: attempt to perform arithmetic on a table value"],
  [
    "local x return 1+x",
    "error: user_script:1: attempt to perform arithmetic on local 'x' (a nil value)",
  ],
  [
    "local x={} return 'a'..x.y",
    "error: user_script:1: attempt to concatenate field 'y' (a nil value)",
  ],
  ["return #nil", "error: user_script:1: attempt to get length of a nil value"],
  ["return {}<{}", "error: user_script:1: attempt to compare two table values"],
  ["return 1>nil", "error: user_script:1: attempt to compare nil with number"],
  ["for i='a',2 do end", "error: user_script:1: 'for' initial value must be a number"],
  ["local t={} t[nil]=1", "error: user_script:1: table index is nil"],
  ["local t={} t[0/0]=1", "error: user_script:1: table index is NaN"],
]);

testShown("a global is what it is now, wherever it stood before", [
  [
    "local r={} for i=1,3 do r[i]=type(print or tostring) end return r",
    "error: user_script:1: Script attempted to access nonexistent global variable 'print'",
  ],
  ["local r={} for i=1,3 do r[i]=tostring(math.max(i,2)) end return r", "{2,2,3}"],
  [
    "local r={} for i=1,2 do r[i]=pcall(function() return math.nosuch(1) end) end return r",
    "{false,false}",
  ],
  ["return math.nosuch(1)", "error: user_script:1: attempt to call field 'nosuch' (a nil value)"],
  [
    "return nosuch(1)",
    "error: user_script:1: Script attempted to access nonexistent global variable 'nosuch'",
  ],
]);

Deno.test("hints of places are checked: a table may have been changed meanwhile", () => {
  const globals = new LuaTable();
  const hints = new Int32Array(1);
  const look = (name: string) => globalValue(globals, name, hints, 0, 0);
  assertEquals(look("a"), undefined);
  for (const name of ["x", "y", "a", "b"]) globals.set(name, name.toUpperCase());
  assertEquals([look("a"), hints[0], look("a")], ["A", 2, "A"]);
  assertEquals([look("b"), look("x"), look("a")], ["B", "X", "A"]);
  globals.set("a", undefined);
  assertEquals(look("a"), undefined);
  // Room is made: what is left moves.
  globals.set("x", undefined);
  globals.set("y", undefined);
  for (let i = 0; i < 40; i++) globals.set(`k${i}`, i);
  globals.set("a", "again");
  assertEquals([look("a"), look("b"), look("k39")], ["again", "B", 39]);
  // Empty globals stand for those of "__index".
  const outer = new LuaTable();
  outer.metatable = new LuaTable();
  outer.metatable.set("__index", globals);
  assertEquals(globalValue(outer, "a", hints, 0, 0), "again");
  assertEquals(globalValue(outer, "nosuch", hints, 0, 0), undefined);
  outer.metatable.set("__index", new LuaTable());
  assertEquals(globalValue(outer, "a", hints, 0, 0), undefined);
});
