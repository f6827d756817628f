/** Tests of src/base/integers.ts. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import {
  decimalDigits,
  INT64_MAX,
  INT64_MIN,
  isCanonicalInteger,
  parseInt64,
  parseSafeInteger,
  parseUint64,
  writeBigInteger,
  writeInteger,
} from "../../src/base/integers.ts";
import { Random } from "../../src/base/random.ts";

const VALID = ["0", "1", "-1", "10", "99", "-99", "123456789", "9007199254740991"];
const INVALID = [
  "",
  "-",
  "+1",
  "01",
  "-0",
  "-01",
  "00",
  " 1",
  "1 ",
  "1.0",
  "1e3",
  "0x1",
  "--1",
  "a",
];
const LIMITS = ["9007199254740992", "-9007199254740993", String(INT64_MAX), String(INT64_MIN)];
const BEYOND = [
  "9223372036854775808",
  "-9223372036854775809",
  "10000000000000000000",
  "9".repeat(40),
];

function apply<T>(parse: (b: Uint8Array, s: number, n: number) => T, text: string): T {
  return parse(latin1Bytes(`7${text}7`), 1, text.length);
}

Deno.test("parseSafeInteger takes what Redis takes, within 2^53", () => {
  for (const text of VALID) assertEquals(apply(parseSafeInteger, text), Number(text));
  for (const text of [...INVALID, ...LIMITS, ...BEYOND]) {
    assertEquals(apply(parseSafeInteger, text), NaN, text);
  }
  assertEquals(apply(parseSafeInteger, "-9007199254740991"), -Number.MAX_SAFE_INTEGER);
});

Deno.test("parseInt64 takes the whole of int64 and nothing beyond", () => {
  for (const text of [...VALID, ...LIMITS]) assertEquals(apply(parseInt64, text), BigInt(text));
  for (const text of [...INVALID, ...BEYOND]) assertEquals(apply(parseInt64, text), null, text);
});

Deno.test("isCanonicalInteger agrees with parseInt64", () => {
  for (const text of [...VALID, ...LIMITS, ...INVALID, ...BEYOND]) {
    assertEquals(apply(isCanonicalInteger, text), apply(parseInt64, text) !== null, text);
  }
});

Deno.test("parseUint64 is as lenient as strtoull where Redis falls back to it", () => {
  const cases: [string, bigint | null][] = [
    ["18446744073709551615", 18446744073709551615n],
    ["18446744073709551616", null],
    ["0001", 1n],
    ["+1", 1n],
    [" 2", 2n],
    ["-1", null],
    [" -1", 18446744073709551615n],
    ["2 ", null],
    ["", null],
    ["x", null],
  ];
  for (const [text, value] of cases) assertEquals(apply(parseUint64, text), value, text);
});

Deno.test("writeInteger writes what String writes, and reports its length", () => {
  const random = new Random(11);
  const values = [0, -1, 9, 10, 99999999, 100000000, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 1 - 2 ** 53];
  for (let digits = 1; digits <= 15; digits++) values.push(10 ** digits, 10 ** digits - 1);
  for (let i = 0; i < 2000; i++) {
    const size = random.below(2 ** random.below(53) + 1);
    values.push(random.below(2) === 0 ? size : -size);
  }
  const target = new Uint8Array(32);
  for (const value of values) {
    const text = String(value + 0);
    assertEquals(latin1Text(target, 3, writeInteger(value, target, 3)), text);
    assertEquals(parseSafeInteger(target, 3, text.length), value + 0);
    assertEquals(decimalDigits(Math.abs(value)), String(Math.abs(value)).length);
  }
});

Deno.test("writeBigInteger writes the limits of int64", () => {
  const target = new Uint8Array(32);
  for (const value of [0n, INT64_MIN, INT64_MAX]) {
    assertEquals(latin1Text(target, 1, writeBigInteger(value, target, 1)), String(value));
  }
});
