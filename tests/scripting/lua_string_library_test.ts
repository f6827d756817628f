/** The string library. */
import { testShown } from "../support/lua_host.ts";

testShown("parts", [
  [
    "return ('hello'):sub(2),('hello'):sub(-3),('hello'):sub(2,-2),('hello'):sub(0),('hello'):sub(3,2),('hello'):sub(2,1e10)",
    "ello llo ell hello  ello",
  ],
  ["return ('abc'):byte(0,-1),('abc'):byte(-1),('abc'):byte(10)", "97 99"],
  [
    "return ('ab'):rep(3),('ab'):rep(-1),('abc'):reverse(),('AbC\u00c4'):lower(),('aBc\u00e4'):upper(),#'a\\0b',string.char(1,255)",
    "ababab  cba abc\u00c4 ABC\u00e4 3 \u0001\u00ff",
  ],
]);

testShown("find and match", [
  [
    "return ('hello world'):find('o',6),('hello'):find('l+'),('a.b'):find('.',1,true),('x'):find('',2),('x'):find('',3)",
    "8 3 2 2 2 1",
  ],
  [
    "return ('key=val'):match('(%w+)=(%w+)'),('abc'):match('()b()'),('  x '):match('^%s*(.-)%s*$')",
    "key 2 x",
  ],
  [
    "local r={} for k,v in ('a=1, b=2'):gmatch('(%w)=(%w)') do r[#r+1]=k..v end return r",
    "{a1,b2}",
  ],
]);

testShown("gsub", [
  ["return ('abc'):gsub('','-')", "-a-b-c- 4"],
  ["return ('abc'):gsub('%w','%0%0',2)", "aabbc 2"],
  ["return ('abc'):gsub('b',{b='X'})", "aXc 1"],
  ["return ('abc'):gsub('b',function() return false end)", "abc 1"],
  ["return ('abc'):gsub('b','x%')", "ax\u0000c 1"],
  ["return pcall(string.gsub,'abc','b',{b={}})", "false invalid replacement value (a table)"],
  [
    "return pcall(string.gsub,'abc','b')",
    "false bad argument #3 to '?' (string/function/table expected)",
  ],
  ["return ('hhh'):gsub('^h','H')", "Hhh 1"],
]);

testShown("errors", [
  [
    "return ('x'):rep({})",
    "error: user_script:1: bad argument #1 to 'rep' (number expected, got table)",
  ],
  [
    "return string.rep()",
    "error: user_script:1: bad argument #1 to 'rep' (string expected, got no value)",
  ],
  ["return pcall(string.char,256)", "false bad argument #1 to '?' (invalid value)"],
  [
    "return pcall(string.byte,('x'):rep(9000),1,-1)",
    "false stack overflow (string slice too long)",
  ],
  ["return pcall(string.dump,string.rep)", "false unable to dump given function"],
]);
