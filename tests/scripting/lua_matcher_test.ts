/** Matching: backtracking, captures, balances, limits. */
import { assertEquals } from "@std/assert";
import { LuaHost } from "../support/lua_host.ts";

Deno.test("repeats give back what the rest needs", () => {
  const host = new LuaHost();
  const cases: [string, string][] = [
    ["return ('aaa'):match('^(a*)(a)$')", "aa a"],
    [
      "return ('aaab'):match('a-b'),('aaa'):match('a-'),('aaa'):match('a?a?a?a?'),('abc'):match('b?c')",
      "aaab  aaa bc",
    ],
  ];
  for (const [script, shown] of cases) assertEquals(host.show(script), shown, script);
});

Deno.test("balance, frontier, back references", () => {
  const host = new LuaHost();
  const cases: [string, string][] = [
    [
      "return ('x(a(b)c)y'):match('%b()'),('THE (quick) fox'):gsub('%f[%a]%a+','W')",
      "(a(b)c) W (W) W 3",
    ],
    ["return ('abcabc'):match('(abc)%1'),('abcabd'):match('(abc)%1')", "abc nil"],
  ];
  for (const [script, shown] of cases) assertEquals(host.show(script), shown, script);
});

Deno.test("limits", () => {
  const host = new LuaHost();
  const cases: [string, string][] = [
    ["return pcall(string.find,'abc',('()'):rep(33))", "false too many captures"],
    ["return select('#',('abc'):find(('()'):rep(32)))", "34"],
    ["return pcall(string.find,('a'):rep(4e5),('a?'):rep(4e5)..'b')", "false pattern too complex"],
    ["return pcall(string.gsub,'abc','b','%2')", "false invalid capture index"],
  ];
  for (const [script, shown] of cases) assertEquals(host.show(script), shown, script);
});
