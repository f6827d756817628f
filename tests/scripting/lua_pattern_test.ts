/** Patterns: classes, sets, repeats, and faults that show only when they are reached. */
import { testShown } from "../support/lua_host.ts";

testShown("classes and sets", [
  [
    "return ('aXb'):match('%u'),('a1'):match('%d'),('a.'):match('%p'),('aF'):match('%x+'),('x y'):match('%S+$'),#('\\1'):match('%c')",
    "X 1 . aF y 1",
  ],
  [
    "return ('[]'):find('[]]'),('a-'):find('[a-]',2),('^'):find('[%^]'),('b'):find('[^a]'),('m'):match('[k-n]')",
    "2 2 1 1 m",
  ],
  ["return ('a\\0b'):find('%z'),('\u00e4'):match('%a')", "2 nil"],
]);

testShown("faults are errors when matching gets there", [
  ["return ('x'):find('a(')", "nil"],
  ["return pcall(string.find,'a','a(')", "false unfinished capture"],
  ["return pcall(string.find,'a','[a')", "false malformed pattern (missing ']')"],
  ["return pcall(string.find,'a','a%')", "false malformed pattern (ends with '%')"],
  ["return pcall(string.find,'a','%f')", "false missing '[' after '%f' in pattern"],
  ["return pcall(string.find,'a','%b')", "false unbalanced pattern"],
  ["return pcall(string.match,'a','b)')", "true nil"],
  ["return pcall(string.match,'a','a)')", "false invalid pattern capture"],
]);
