/** Tests of src/base/long_double.ts; see also numbers_against_redis_test.ts. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import {
  addFloatTexts,
  addLongDoubles,
  formatLongDouble,
  fromBigInteger,
  parseLongDouble,
} from "../../src/base/long_double.ts";

function parse(text: string) {
  return parseLongDouble(latin1Bytes(`9${text}9`), 1, text.length);
}

function add(a: string, b: string): string | null {
  const sum = addFloatTexts(latin1Bytes(a), 0, a.length, latin1Bytes(b), 0, b.length);
  return sum === null ? null : latin1Text(sum, 0, sum.length);
}

Deno.test("a decimal is read to 64 bits and printed to 17 decimals", () => {
  const cases: [string, string][] = [
    ["0.1", "0.1"],
    ["3.0", "3"],
    ["-0", "0"],
    ["5.0e3", "5000"],
    ["0x1.8p1", "3"],
    ["123456.123456789012345678", "123456.12345678901234436"],
    ["1e-4940", "0"],
    ["1e30", "1000000000000000000024696061952"],
    ["inf", "inf"],
    ["-inf", "-inf"],
  ];
  for (const [text, printed] of cases) {
    const value = parse(text);
    assertEquals(value === null ? null : formatLongDouble(value), printed, text);
  }
});

Deno.test("texts that Redis does not take for a float are refused", () => {
  const invalid = ["", " 1", "1 ", "nan", "abc", "1e5000", "1e-5000", "0x1p16384", "0x1p-99999"];
  for (const text of invalid) assertEquals(parse(text), null, text);
  assertEquals(parse("1" + "0".repeat(5 * 1024)), null);
});

Deno.test("sums of integers are exact beyond the range of doubles", () => {
  assertEquals(add("3", "4"), "7");
  assertEquals(add("5", "-5"), "0");
  assertEquals(add("9223372036854775807", "9223372036854775807"), "18446744073709551614");
  assertEquals(formatLongDouble(fromBigInteger(-9223372036854775807n)), "-9223372036854775807");
});

Deno.test("sums that are not finite give null", () => {
  assertEquals(add("inf", "1"), null);
  assertEquals(add("inf", "-inf"), null);
  assertEquals(add("1.1e4932", "1.1e4932"), null);
  const infinity = parse("inf")!;
  assertEquals(addLongDoubles(infinity, parse("-inf")!), null);
  assertEquals(addLongDoubles(infinity, parse("1")!), infinity);
});

Deno.test("the well-known sums of INCRBYFLOAT come out as documented", () => {
  assertEquals(add("10.50", "0.1"), "10.6");
  assertEquals(add("10.6", "-5"), "5.6");
  assertEquals(add("5.0e3", "2.0e2"), "5200");
});
