/** table.sort: order, stability as in C Lua, comparators. */
import { testShown } from "../support/lua_host.ts";

testShown("sorted", [
  ["local t={5,2,8,1,9,3} table.sort(t) return t", "{1,2,3,5,8,9}"],
  ["local t={'b','a','c'} table.sort(t,function(a,b) return a>b end) return t", "{c,b,a}"],
  [
    "local t={} for i=1,200 do t[i]=(i*37)%101 end table.sort(t) for i=2,200 do assert(t[i-1]<=t[i]) end return #t",
    "200",
  ],
]);

testShown("equal elements as C Lua leaves them", [
  [
    "local t={} for i=1,10 do t[i]={k=i%3,i=i} end table.sort(t,function(a,b) return a.k<b.k end) local r={} for i,v in ipairs(t) do r[i]=v.i end return table.concat(r,',')",
    "9,6,3,7,1,10,4,2,8,5",
  ],
]);

testShown("errors", [
  ["return pcall(table.sort,{3,1,'x'})", "false attempt to compare string with number"],
  [
    "return pcall(table.sort,{1,2,3,4,5,6,7,8,9,10},function() return true end)",
    "false invalid order function for sorting",
  ],
  [
    "return pcall(table.sort,{3,1},1)",
    "false bad argument #2 to '?' (function expected, got number)",
  ],
]);
