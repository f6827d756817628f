/** Statements as JavaScript: order, scopes, captured variables, hostile names. */
import { testShown } from "../support/lua_host.ts";

testShown("assignments happen in Lua's order", [
  ["local i=1 local t={} i,t[i]=i+1,20 return i,t[1]", "2 20"],
  ["local x,y=1,2 x,y=y,x return x,y", "2 1"],
  ["local t={1,2} t[1],t[2]=t[2],t[1] return t", "{2,1}"],
  ["local a=1 local function f() a=10 return 1 end return a+f()", "11"],
  ["local t,u={},{} local s=t local function f() t=u return 5 end t.x=f() return s.x,u.x", "nil 5"],
]);

testShown("each turn of a loop has its own variables", [
  [
    "local t={} for i=1,3 do t[i]=function() i=i+1 return i end end return t[1](),t[1](),t[2]()",
    "2 3 3",
  ],
  [
    "local t={} local i=1 while i<3 do local j=i t[i]=function() j=j+1 return j end i=i+1 end return t[1](),t[1](),t[2]()",
    "2 3 3",
  ],
]);

testShown("numeric loops round as Lua does", [
  [
    "local r={} for i=0.1,1,0.3 do r[#r+1]=string.format('%.17g',i) end return r",
    "{0.10000000000000001,0.40000000000000002,0.69999999999999996,1}",
  ],
  ["local n=0 for i=3,1 do n=n+1 end for i='1','3' do n=n+i end return n", "6"],
]);

testShown("varargs and arg", [
  ["local function f(...) return arg.n,arg[1] end return f(5,nil)", "2 5"],
  ["local function f(...) local x=... return arg end return f(1)", "nil"],
]);

testShown("names of JavaScript are plain names", [
  [
    "local this,arguments,eval,M,G,void,class,yield,await,let,k=1,2,3,4,5,6,7,8,9,10,11 return this+arguments+eval+M+G+void+class+yield+await+let+k",
    "66",
  ],
  [
    "local t={} t.__proto__=1 t.constructor=2 t.toString=3 t.hasOwnProperty=4 return t.__proto__,t.constructor,t.toString,t.valueOf",
    "1 2 3 nil",
  ],
  [
    "return ('*/ ${1} `x` \\\\u0041 \\\" \\' </script> \\226\\128\\168')",
    "*/ ${1} `x` \\u0041 \" ' </script> \u00e2\u0080\u00a8",
  ],
]);
