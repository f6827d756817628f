/** Tests of src/base/short_decimal.ts: it shows what long_double.ts shows, or leaves it alone. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../../src/base/long_double.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { addShortDecimals, shortDecimals, shortUnits } from "../../src/base/short_decimal.ts";

function addShort(a: string, b: string): string | null {
  const sum = addShortDecimals(latin1Bytes(`1${a}2`), 1, a.length, latin1Bytes(b), 0, b.length);
  return sum === null ? null : latin1Text(sum, 0, sum.length);
}

function addLong(a: string, b: string): string {
  const first = parseLongDouble(latin1Bytes(a), 0, a.length);
  const second = parseLongDouble(latin1Bytes(b), 0, b.length);
  assert(first !== null && second !== null, `${a} and ${b} are numbers`);
  return formatLongDouble(addLongDoubles(first, second)!);
}

Deno.test("short decimals are added", () => {
  const cases: [string, string, string][] = [
    ["0", "0.1", "0.1"],
    ["0.1", "0.2", "0.3"],
    ["-0.1", "0.1", "0"],
    ["-0.5", "0.25", "-0.25"],
    ["+.5", "7.", "7.5"],
    ["007.50", "-8", "-0.5"],
    [".000000000000001", "0", "0.000000000000001"],
    ["9.99", "0.01", "10"],
    ["-0.00", "0", "0"],
    ["1200.75", "0.5", "1201.25"],
    ["22.9", "23.05", "45.95"],
  ];
  for (const [a, b, sum] of cases) {
    assertEquals(addShort(a, b), sum, `${a} + ${b}`);
    assertEquals(addLong(a, b), sum, `${a} + ${b}`);
  }
});

Deno.test("what the x87 might show with other digits is left alone", () => {
  for (const [a, b] of [["46.1", "0"], ["0.1", "-45.9"], ["1e1", "1"], ["100.1", "0.2"]]) {
    assertEquals(addShort(a, b), null, `${a} + ${b}`);
  }
});

Deno.test("texts that are no short decimals are left alone", () => {
  const texts = [
    "",
    "-",
    "+",
    ".",
    "-.",
    "1.2.3",
    "..1",
    "1-",
    "--1",
    " 1",
    "1 ",
    "1e1",
    "0x1",
    "inf",
  ];
  for (const text of [...texts, "nan", "1\0", "0.1234567890123456", "1234567890123456"]) {
    assertEquals(shortUnits(latin1Bytes(text), 0, text.length), NaN, text);
    assertEquals(addShort(text, "0.1"), null, text);
    assertEquals(addShort("0.1", text), null, text);
  }
});

Deno.test("a text is read as units of its last digit", () => {
  assertEquals(shortUnits(latin1Bytes("-12.50"), 0, 6), -1250);
  assertEquals(shortDecimals(), 2);
  assertEquals(shortUnits(latin1Bytes("123456789012345"), 0, 15), 123456789012345);
  assertEquals(shortDecimals(), 0);
});

function randomDecimal(random: Random): string {
  const sign = ["", "", "-", "+"][random.below(4)];
  const whole =
    ["", "0", random.below(10), random.below(47), random.below(100_000)][random.below(5)];
  let fraction = random.below(8) === 0 ? `${1 + random.below(9)}` : "";
  for (let n = random.below(14); n > 0; n--) fraction += [0, 5, random.below(10)][random.below(3)];
  if (random.below(4) === 0) fraction = ["25", "5", "75", "125", "0"][random.below(5)];
  return `${sign}${whole}.${fraction === "" ? "0" : fraction}`;
}

Deno.test("random short decimals give the sums of long doubles", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  let added = 0;
  for (let round = 0; round < 20_000; round++) {
    const a = randomDecimal(random);
    const b = randomDecimal(random);
    const sum = addShort(a, b);
    if (sum === null) continue;
    added++;
    assertEquals(sum, addLong(a, b), `${a} + ${b}, seed ${seed}`);
  }
  assert(added > 5_000, `only ${added} were short, seed ${seed}`);
});
