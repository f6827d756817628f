/** Matching: backtracking, captures, balances, limits. */
import { testShown } from "../support/lua_host.ts";

testShown("repeats give back what the rest needs", [
  ["return ('aaa'):match('^(a*)(a)$')", "aa a"],
  [
    "return ('aaab'):match('a-b'),('aaa'):match('a-'),('aaa'):match('a?a?a?a?'),('abc'):match('b?c')",
    "aaab  aaa bc",
  ],
]);

testShown("balance, frontier, back references", [
  [
    "return ('x(a(b)c)y'):match('%b()'),('THE (quick) fox'):gsub('%f[%a]%a+','W')",
    "(a(b)c) W (W) W 3",
  ],
  ["return ('abcabc'):match('(abc)%1'),('abcabd'):match('(abc)%1')", "abc nil"],
]);

testShown("limits", [
  ["return pcall(string.find,'abc',('()'):rep(33))", "false too many captures"],
  ["return select('#',('abc'):find(('()'):rep(32)))", "34"],
  ["return pcall(string.find,('a'):rep(4e5),('a?'):rep(4e5)..'b')", "false pattern too complex"],
  ["return pcall(string.gsub,'abc','b','%2')", "false invalid capture index"],
]);
