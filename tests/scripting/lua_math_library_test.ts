/** The math library, and the generator of its random numbers. */
import { testShown } from "../support/lua_host.ts";

testShown("functions", [
  [
    "return math.floor(-1.5),math.ceil(-1.5),math.abs(-3),math.max(1,5,3),math.min(4,2),math.fmod(-5,3),math.modf(5.75)",
    "-2 -1 3 5 2 -2 5 0.75",
  ],
  [
    "return math.frexp(10),math.ldexp(0.5,10),math.ldexp(1,-1074),math.frexp(5e-324)",
    "0.625 512 4.9406564584125e-324 0.5 -1073",
  ],
  [
    "return math.pi,math.huge,math.sqrt(2),math.deg(math.pi),math.log10(1000)",
    "3.1415926535898 inf 1.4142135623731 180 3",
  ],
]);

testShown("random numbers are those of a fresh redis-server", [
  ["return math.random(1,100),math.random(1,100),math.random()", "40 85 0.35333609737146"],
]);

testShown("a seed gives POSIX's lrand48", [
  ["math.randomseed(0) return math.random(),math.random()", "0.17082803611217 0.74990198051087"],
  ["math.randomseed(-5) return math.random()", "0.8168164928522"],
]);

testShown("errors", [
  ["return pcall(math.floor,'x')", "false bad argument #1 to '?' (number expected, got string)"],
  ["return pcall(math.random,0)", "false bad argument #1 to '?' (interval is empty)"],
  ["return pcall(math.random,1,2,3)", "false wrong number of arguments"],
]);
