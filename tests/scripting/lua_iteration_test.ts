/** Generic loops: tables in their order, lists, functions, errors. */
import { testShown } from "../support/lua_host.ts";

testShown("pairs", [
  [
    "local r={} for k,v in pairs({10,20,x=1}) do r[#r+1]=tostring(k)..v end return r",
    "{110,220,x1}",
  ],
  [
    "local t={} for i=1,100 do t['k'..i]=i end local n=0 for k,v in pairs(t) do n=n+v t[k]=nil end return n,next(t)",
    "5050 nil",
  ],
  ["local t={1,2,3} for k in pairs(t) do t[k]=nil end return #t,next(t)", "0 nil"],
  ["local r={} for k in next,{a=1,b=2},'a' do r[#r+1]=k end return r", "{b}"],
]);

testShown("ipairs stops at nil and sees what is added", [
  ["local r={} for i,v in ipairs({1,2,nil,4}) do r[i]=v end return r", "{1,2}"],
  [
    "local t={1} local n=0 for i,v in ipairs(t) do n=n+1 if i<5 then t[i+1]=i end end return n",
    "5",
  ],
]);

testShown("functions, with more than two variables", [
  [
    "local n=0 local r={} for a,b,c in function(s,x) n=n+1 if n<3 then return n,s,x end end,'s','i' do r[#r+1]=a..b..c end return r",
    "{1si,2s1}",
  ],
  ["for i in setmetatable({},{__call=function() end}) do end return 'ok'", "ok"],
]);

testShown("errors", [
  ["for i in 5 do end", "error: user_script:1: attempt to call a number value"],
  [
    "for i in next,5 do end",
    "error: user_script:1: bad argument #1 to '(for generator)' (table expected, got number)",
  ],
  ["return pcall(next,{},'x')", "false invalid key to 'next'"],
]);
