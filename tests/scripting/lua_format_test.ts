/** string.format. */
import { testShown } from "../support/lua_host.ts";

testShown("integers", [
  [
    "return string.format('%d %5d|%-5d|%05d|%+d|% d|%.3d',1,2,3,4,5,6,7)",
    "1     2|3    |00004|+5| 6|007",
  ],
  [
    "return string.format('%d %d %d %d',2^31,2^53,2^63,0/0)",
    "2147483648 9007199254740992 -9223372036854775808 -9223372036854775808",
  ],
  [
    "return string.format('%x %X %#x %o %u %x',255,255,255,8,-1,2^63)",
    "ff FF 0xff 10 18446744073709551615 8000000000000000",
  ],
]);

testShown("floats", [
  [
    "return string.format('%.2f %10.2f|%e %g %g %G %.14g',1/3,2.5,12345.678,1e20,0.0001,1e-20,0.1)",
    "0.33       2.50|1.234568e+04 1e+20 0.0001 1E-20 0.1",
  ],
  ["return string.format('%5.1f|%010f|%.0f %.0f',1/0,-1/0,0.5,1.5)", "  inf|      -inf|0 2"],
]);

testShown("text", [
  [
    "return string.format('%5s|%-5s|%.2s|%q|%c%%','a','b','cde','x\\n\"\\0',65)",
    '    a|b    |cd|"x\\\n\\"\\000"|A%',
  ],
  ["return #string.format('%s',('a\\0b'):rep(50)),#string.format('%s','a\\0b')", "150 1"],
]);

testShown("errors", [
  ["return pcall(string.format,'%d')", "false bad argument #2 to '?' (no value)"],
  ["return pcall(string.format,'%y',1)", "false invalid option '%y' to 'format'"],
  ["return pcall(string.format,'%123d',1)", "false invalid format (width or precision too long)"],
  ["return pcall(string.format,'%--------d',1)", "false invalid format (repeated flags)"],
]);
