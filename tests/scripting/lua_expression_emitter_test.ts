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
