/** Statements: what is accepted, and the text of every complaint. */
import { testShown } from "../support/lua_host.ts";

testShown("every statement", [
  ["local a,b=1 return a,b", "1 nil"],
  ["do local a=1 end local a=2 return a", "2"],
  ["local x=1 if x==2 then x=5 elseif x==1 then x=6 else x=7 end return x", "6"],
  ["local n=0 while n<5 do n=n+1 if n==3 then break end end return n", "3"],
  ["local n=0 repeat local m=n n=n+1 until m>=2 return n", "3"],
  ["local s=0 for i=10,1,-3 do s=s+i end return s", "22"],
  [
    "local t={} function t.a.b() end",
    "error: user_script:1: attempt to index field 'a' (a nil value)",
  ],
  ["local t={} function t:m(x) return self==t and x end return t:m(4)", "4"],
  ["return", ""],
  ["return;", ""],
]);

testShown("complaints", [
  ["if", "error: user_script:1: unexpected symbol near '<eof>'"],
  ["if x then", "error: user_script:1: 'end' expected near '<eof>'"],
  ["if x then\n", "error: user_script:2: 'end' expected (to close 'if' at line 1) near '<eof>'"],
  ["for", "error: user_script:1: '<name>' expected near '<eof>'"],
  ["for x", "error: user_script:1: '=' or 'in' expected near '<eof>'"],
  ["for x=1 do end", "error: user_script:1: ',' expected near 'do'"],
  ["break", "error: user_script:1: no loop to break near '<eof>'"],
  ["while true do break x() end", "error: user_script:1: 'end' expected near 'x'"],
  ["return 1 2", "error: user_script:1: '<eof>' expected near '2'"],
  ["(x)=1", "error: user_script:1: syntax error near '='"],
  ["(f())", "error: user_script:1: syntax error near '<eof>'"],
  ["f()=1", "error: user_script:1: unexpected symbol near '='"],
  ["x", "error: user_script:1: '=' expected near '<eof>'"],
  ["end", "error: user_script:1: '<eof>' expected near 'end'"],
  ["goto x", "error: user_script:1: '=' expected near 'x'"],
]);

testShown("limits: locals, upvalues, levels", [
  [
    "return loadstring('local a'..(',a'):rep(200))",
    'nil [string "local a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a..."]:1: main function has more than 200 local variables',
  ],
  ["return loadstring(('('):rep(300), '=x')", "nil x:1: chunk has too many syntax levels"],
  [
    "local s='' for i=1,61 do s=s..'local a'..i..' ' end s=s..'return function() return a1' for i=2,61 do s=s..'+a'..i end return loadstring(s..' end','=x')",
    "nil x:1: function at line 1 has more than 60 upvalues",
  ],
]);
