/** Operators where types differ: coercion, metamethods, errors with names. */
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
