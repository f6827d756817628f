/** Numbers as text: C's strtod and printf. */
import { assertEquals } from "@std/assert";
import {
  formatExponential,
  formatFixedPoint,
  formatGeneral,
  formatNumber,
  parseLuaNumber,
  significantDigits,
  trimSpaces,
} from "../../src/scripting/lua_number.ts";

Deno.test("what strtod takes is a number, anything else is not", () => {
  const cases: [string, number | undefined][] = [
    ["1", 1],
    [" 5e3 ", 5000],
    ["0x10", 16],
    ["-0x10", -16],
    ["0x1p4", 16],
    [".5", 0.5],
    ["5.", 5],
    ["1e", undefined],
    ["", undefined],
    ["  ", undefined],
    ["0x", undefined],
    ["1 a", undefined],
    ["inf", Infinity],
    ["-infinity", -Infinity],
    ["1e400", Infinity],
    ["1\0x", 1],
    ["\t1\n", 1],
    ["- 1", undefined],
    ["nan", NaN],
    ["1_0", undefined],
  ];
  for (const [text, value] of cases) assertEquals(parseLuaNumber(text), value, text);
});

Deno.test("numbers print with fourteen digits, halves to even", () => {
  const cases: [number, string][] = [
    [1, "1"],
    [-0, "-0"],
    [0.1, "0.1"],
    [1 / 3, "0.33333333333333"],
    [1e14, "1e+14"],
    [123456789012345, "1.2345678901234e+14"],
    [1e-5, "1e-05"],
    [2 ** 53, "9.007199254741e+15"],
    [12345678901234.5, "12345678901234"],
    [9999999999999.95, "9999999999999.9"],
    [5e-324, "4.9406564584125e-324"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "-nan"],
    [100, "100"],
    [0.0001, "0.0001"],
    [99999999999999.5, "1e+14"],
  ];
  for (const [value, text] of cases) assertEquals(formatNumber(value), text);
});

Deno.test("the three formats of printf", () => {
  assertEquals(formatExponential(12345.678, 6, false), "1.234568e+04");
  assertEquals(formatExponential(15, 0, false), "2e+01");
  assertEquals(formatExponential(25, 0, false), "2e+01");
  assertEquals(formatFixedPoint(0.5, 0, false), "0");
  assertEquals(formatFixedPoint(1.5, 0, true), "2.");
  assertEquals(formatFixedPoint(1e22, 1, false), "10000000000000000000000.0");
  assertEquals(formatGeneral(100000, 6, false), "100000");
  assertEquals(formatGeneral(1e6, 6, false), "1e+06");
  assertEquals(formatGeneral(1, 6, true), "1.00000");
  assertEquals(formatGeneral(0, 0, false), "0");
});

Deno.test("digits are those of the exact value", () => {
  assertEquals(significantDigits(0.1, 20), { digits: "10000000000000000555", exponent: -1 });
  assertEquals(trimSpaces(" \t a b\0c"), "a b");
});
