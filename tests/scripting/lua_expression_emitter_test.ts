/** Expressions as JavaScript: evaluation once, in order, short circuits. */
import { assertEquals } from "@std/assert";
import { testShown } from "../support/lua_host.ts";
import { numberLiteral, stringLiteral } from "../../src/scripting/lua_expression_emitter.ts";

testShown("operands are evaluated once and in order", [
  [
    "local r={} local function f(x) r[#r+1]=x return x end local v=f(1)+f(2)*f(3)..f(4) return v,r",
    "74 {1,2,3,4}",
  ],
  ["local n=0 local function f() n=n+1 return nil end local x=f() or f() or 5 return n,x", "2 5"],
  ["local function f() error('no') end return nil and f(), 1 or f()", "nil 1"],
  [
    "local t={} local function k(x) t[#t+1]=x return x end local u={[k('a')]=k(1),k(2),[k('b')]=k(3)} return table.concat(t),u.a,u[1],u.b",
    "a12b3 1 2 3",
  ],
]);

testShown("a list wins over a field of the same key", [
  ["return {[1]='a','b'}", "{b}"],
  ["return {'b',[1]='a',[2]='c'}", "{b,c}"],
  ["return #{n=1,1,2,nil}", "2"],
]);

testShown("comparisons with constants and without", [
  ["local a,n=1 return a==1,a~=1,n==nil,a==n,not (a<2),a>=1", "true false true false false true"],
]);

Deno.test("literals cannot be left", () => {
  const hostile = "\"'`\\\n\r\u0000${x}*/</script>\u0085\u00ff";
  assertEquals(new Function(`return ${stringLiteral(hostile)}`)(), hostile);
  for (const value of [0, -0, 1.5, -3, 1e300, Infinity, -Infinity, NaN]) {
    assertEquals(new Function(`return 1-${numberLiteral(value)}`)(), 1 - value);
    assertEquals(new Function(`return ${numberLiteral(value)}`)(), value);
  }
});

testShown("constructors with names make a new table each time", [
  [
    "local function f(v) return {a=v,b=2,5} end local x,y=f(1),f(3) x.a,x.c=9,8 return x.a,x.b,x.c,x[1],y.a,y.b,y.c,y[1]",
    "9 2 8 5 3 2 nil 5",
  ],
  [
    "local n=0 for k in pairs{a=1,b=nil,c=3} do n=n+1 end local t={a=nil,b=2} return n,t.a,t.b,next(t)",
    "2 nil 2 b 2",
  ],
  ["local t={a=1,a=2,b=3} return t.a,t.b", "2 3"],
  ["local t={a=1,['b c']=2,[3]=4,d=5} return t.a,t['b c'],t[3],t.d", "1 2 4 5"],
  [
    "local t={a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8} t.i=9 t.a=0 local s=0 for _,v in pairs(t) do s=s+v end return s,t.a,t.h,t.i",
    "44 0 8 9",
  ],
  [
    "local t={a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9} local s=0 for _,v in pairs(t) do s=s+v end return s,t.i",
    "45 9",
  ],
  [
    "local s='' local function f(x) s=s..x return x end local t={f(1),a=f(2),f(3),b=f(4)} return s,t.a,t[2]",
    "1234 2 3",
  ],
  ["local function f() return 1,2,3 end local t={x=f(),f()} return t.x,#t", "1 3"],
]);
