/** The library bit. */
import { testShown } from "../support/lua_host.ts";

testShown("operations", [
  [
    "return bit.band(0xff,0x0f),bit.bor(1,2,4),bit.bxor(5,3),bit.bnot(0),bit.lshift(1,31),bit.rshift(-1,28),bit.arshift(-16,2),bit.rol(0x12345678,12),bit.ror(0x12345678,12),bit.bswap(0x12345678)",
    "15 7 6 -1 -2147483648 15 -4 1164411171 1736516421 2018915346",
  ],
  [
    "return bit.tobit(2^32+5),bit.tobit(1.5),bit.tobit(2.5),bit.lshift(1,33),bit.tobit(0*-1)",
    "5 2 2 2 0",
  ],
  ["return bit.tohex(255),bit.tohex(-1,4),bit.tohex(255,-4),bit.tohex(1,0)", "000000ff ffff 00FF "],
]);

testShown("errors", [
  ["return pcall(bit.band)", "false bad argument #1 to '?' (number expected, got no value)"],
]);
