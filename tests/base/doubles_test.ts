/** Tests of src/base/doubles.ts; see also numbers_against_redis_test.ts. */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import {
  bitLength,
  formatDouble17,
  formatDoubleShort,
  formatFixed,
  formatHuman,
  formatScore,
  parseAsStrtod,
  parseDouble,
} from "../../src/base/doubles.ts";
import { Random } from "../../src/base/random.ts";

function parse(text: string): number {
  return parseDouble(latin1Bytes(`1${text}1`), 1, text.length);
}

Deno.test("parseDouble reads what strtod reads", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["-0", -0],
    ["+1", 1],
    ["1.", 1],
    [".5", 0.5],
    ["-1.5e3", -1500],
    ["1E+2", 100],
    ["00012", 12],
    ["0e99999999999999999999999", 0],
    ["inf", Infinity],
    ["+Inf", Infinity],
    ["-INFINITY", -Infinity],
    ["0x1p3", 8],
    ["0x.8", 0.5],
    ["-0X1.8", -1.5],
    ["0x1p-1074", 5e-324],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    ["1e-310", 1e-310],
    ["9007199254740993", 9007199254740992],
  ];
  for (const [text, value] of cases) assertEquals(parse(text), value, text);
});

Deno.test("parseAsStrtod takes what is out of range for infinite or zero, if it is to saturate", () => {
  const out = (text: string, saturates: boolean) =>
    parseAsStrtod(latin1Bytes(text), 0, text.length, saturates);
  const nines = "9".repeat(400);
  const zeros = "0".repeat(400);
  for (const huge of ["1e400", nines, `${nines}.5`, `${nines}e-50`, "0x1p2000"]) {
    assertEquals([out(huge, true), out(`-${huge}`, true)], [Infinity, -Infinity], huge);
    assertEquals(out(huge, false), NaN);
  }
  for (const tiny of ["1e-400", `0.${zeros}1`, `${zeros}1e-400`, "0x1p-2000"]) {
    assertEquals([out(tiny, true), out(`-${tiny}`, true)], [0, -0], tiny);
  }
});

Deno.test("parseDouble refuses what Redis calls not a valid float", () => {
  const invalid = ["", " 1", "1 ", "nan", "-nan", "nan(1)", ".", "-", "+", "1e", "1e+", "e1", "0x"];
  invalid.push("1e400", "-1e400", "1e-400", "0x1p1024", "0x1p-1080", "1,5", "1_0", "infi", "--1");
  invalid.push("1e99999999999999999999999", "1e-99999999999999999999999", "1\0");
  for (const text of invalid) assertEquals(parse(text), NaN, text);
});

Deno.test("parseDouble rounds hexadecimal floats to nearest, ties to even", () => {
  assertEquals(parse("0x1.00000000000008p0"), 1);
  assertEquals(parse("0x1.000000000000080000000000000000000000001p0"), 1 + 2 ** -52);
  assertEquals(parse("0x1.00000000000018p0"), 1 + 2 ** -51);
  assertEquals(parse("0x1.8p-1074"), 2 * 5e-324);
});

Deno.test("formatDouble17 lays numbers out as %.17g", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [3, "3"],
    [-3.5, "-3.5"],
    [0.1, "0.10000000000000001"],
    [1e16, "10000000000000000"],
    [1e17, "1e+17"],
    [123456789012345678, "1.2345678901234568e+17"],
    [1e21, "1e+21"],
    [1e100, "1e+100"],
    [1e-7, "9.9999999999999995e-08"],
    [0.0001, "0.0001"],
    [0.00001, "1.0000000000000001e-05"],
    [5e-324, "4.9406564584124654e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
  ];
  for (const [value, text] of cases) assertEquals(formatDouble17(value), text);
  assertEquals(formatScore(Infinity), "inf");
});

Deno.test("formatDouble17 rounds an exact tie to the even digit", () => {
  assertEquals(formatDouble17(12345.0001220703125), "12345.000122070312");
  assertEquals(formatDouble17(12345.0003662109375), "12345.000366210938");
  assertEquals(formatDouble17(-12345.0001220703125), "-12345.000122070312");
});

Deno.test("formatDouble17 and parseDouble are inverse", () => {
  const seed = 5;
  const random = new Random(seed);
  const words = new Uint32Array(2);
  const view = new Float64Array(words.buffer);
  for (let i = 0; i < 5000; i++) {
    words[0] = random.next32();
    words[1] = random.next32();
    const value = view[0]!;
    if (Number.isNaN(value)) continue;
    assertEquals(parse(formatDouble17(value)), value, `seed ${seed}, round ${i}`);
  }
});

Deno.test("formatFixed rounds as printf does", () => {
  assertEquals(formatFixed(0.03125, 4), "0.0312");
  assertEquals(formatFixed(0.09375, 4), "0.0938");
  assertEquals(formatFixed(166274.15156960033, 4), "166274.1516");
  assertEquals(formatFixed(-0, 2), "-0.00");
  assertEquals(formatFixed(2 ** 80, 2), "1208925819614629174706176.00");
});

Deno.test("formatHuman drops trailing zeros and the sign of zero", () => {
  assertEquals(formatHuman(13.361389338970184), "13.36138933897018433");
  assertEquals(formatHuman(100), "100");
  assertEquals(formatHuman(-0), "0");
  assertEquals(formatHuman(1e-30), "0");
  assertEquals(formatHuman(-1e-30), "0");
});

Deno.test("formatDoubleShort shows the fewest digits, with an exponent where Redis has one", () => {
  // Scores as redis-server 8.2.3 shows them.
  const cases: [number, string][] = [
    [0.1, "0.1"],
    [2.5 + 0.1, "2.6"],
    [-0, "-0"],
    [5e-324, "5e-324"],
    [1e-7, "1e-7"],
    [-1.5e-5, "-0.000015"],
    [0.00012, "0.00012"],
    [1.2345678e-10, "1.2345678e-10"],
    [100000, "100000"],
    [1e17, "100000000000000000"],
    [123456789012345678, "123456789012345680"],
    [12345678901234567890, "12345678901234567000"],
    [1e20, "1e+20"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
  ];
  for (const [value, text] of cases) assertEquals(formatDoubleShort(value), text);
});

Deno.test("bitLength counts the bits of numbers beside powers of two", () => {
  assertEquals(bitLength(0n), 0);
  for (let bits = 1; bits < 1100; bits++) {
    const power = 1n << BigInt(bits - 1);
    assertEquals(bitLength(power), bits);
    assertEquals(bitLength(2n * power - 1n), bits);
  }
});
