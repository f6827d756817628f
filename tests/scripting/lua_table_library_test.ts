/** The table library. */
import { testShown } from "../support/lua_host.ts";

testShown("insert and remove", [
  [
    "local t={1,2,3} table.insert(t,4) table.insert(t,1,0) table.insert(t,10,'x') return #t,unpack(t)",
    "5 0 1 2 3 4",
  ],
  [
    "local t={1,2,3} return table.remove(t),table.remove(t,1),#t,table.remove(t,5),#t",
    "3 1 1 nil 1",
  ],
  ["return pcall(table.insert,{},1,2,3)", "false wrong number of arguments to 'insert'"],
]);

testShown("concat", [
  [
    "return table.concat({1,2,3},','),table.concat({1,2,3},',',2),table.concat({},'x'),table.concat({'a',1.5})",
    "1,2,3 2,3  a1.5",
  ],
  [
    "return pcall(table.concat,{1,{},3})",
    "false invalid value (table) at index 2 in table for 'concat'",
  ],
]);

testShown("the old ones", [
  [
    "return table.getn({1,2}),table.maxn({1,[10]=3,[1.5]=1}),table.foreach({1,2},function(k,v) if v==2 then return k end end)",
    "2 10 2",
  ],
  ["return pcall(table.setn,{},1)", "false 'setn' is obsolete"],
  ["local s=0 table.foreachi({4,5},function(i,v) s=s+i*v end) return s", "14"],
]);

testShown("Redis's tables cannot be changed", [
  ["table.insert(redis,1)", "error: Attempt to modify a readonly table"],
  ["table.sort(redis)", ""],
]);
