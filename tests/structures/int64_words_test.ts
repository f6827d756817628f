/** 64-bit integers in two words, against BigInt. */
import { assert, assertEquals } from "@std/assert";
import { Slice, SLICE_ROOM_BYTES } from "../../src/base/bytes.ts";
import { INTEGER_TEXT_BYTES_MAX } from "../../src/base/integers.ts";
import { compare, format, Int64, parse, readText } from "../../src/structures/int64_words.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** Where carries, signs and the ways of computing change. */
function edges(): bigint[] {
  const values = new Set<bigint>([0n, MIN, MAX]);
  for (let bit = 0n; bit < 63n; bit++) {
    for (const near of [-1n, 0n, 1n]) {
      values.add(2n ** bit + near);
      values.add(-(2n ** bit) + near);
    }
  }
  for (let digits = 0n; digits <= 18n; digits++) {
    for (const near of [-1n, 0n, 1n]) {
      values.add(10n ** digits + near);
      values.add(-(10n ** digits) + near);
    }
  }
  return [...values];
}

function randomValues(random: SeededRandom, count: number): bigint[] {
  return Array.from({ length: count }, () => {
    const bits = (BigInt(random.next()) << 32n) | BigInt(random.next());
    return BigInt.asIntN(64, bits) >> BigInt(random.below(64));
  });
}

function wordsOf(value: bigint): [high: number, low: number] {
  return [Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value))];
}

Deno.test("decimal text is parsed and printed without loss", () => {
  const seed = testSeed();
  const integer = new Int64();
  const target = new Uint8Array(24);
  for (const value of [...edges(), ...randomValues(new SeededRandom(seed), 2000)]) {
    const text = latin1(`..${value}..`);
    assert(parse(text, 2, text.length - 4, integer), `${value}, seed ${seed}`);
    assertEquals([integer.high, integer.low], wordsOf(value), `${value}, seed ${seed}`);
    assertEquals(integer.toBigInt(), value);
    const length = format(integer.high, integer.low, target, 1);
    assertEquals(fromLatin1(target.subarray(1, 1 + length)), String(value));
  }
});

Deno.test("text that printing would not give back is refused and changes nothing", () => {
  const integer = new Int64();
  integer.set(12, 34);
  const refused = [
    "",
    "-",
    "+1",
    "01",
    "-0",
    "-01",
    " 1",
    "1 ",
    "1.0",
    "0x10",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999",
    "12345678901234567x",
    "1234567890123456789012345",
  ];
  for (const text of refused) {
    assertEquals(parse(latin1(text), 0, text.length, integer), false, text);
    assertEquals([integer.high, integer.low], [12, 34], text);
  }
});

Deno.test("a number comes back as one while it is safe, else as NaN", () => {
  const integer = new Int64();
  for (const number of [0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53 - 1)]) {
    integer.setNumber(number);
    assertEquals(integer.toNumber(), number);
    assertEquals(integer.toBigInt(), BigInt(number));
  }
  integer.set(...wordsOf(2n ** 53n));
  assertEquals(integer.toNumber(), NaN);
  integer.set(...wordsOf(MIN));
  assertEquals(integer.toNumber(), NaN);
});

Deno.test("the order is that of the integers", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const values = [...edges(), ...randomValues(random, 100)];
  for (let round = 0; round < 5000; round++) {
    const [a, b] = [random.pick(values), random.pick(values)];
    const order = compare(...wordsOf(a), ...wordsOf(b));
    assertEquals(Math.sign(order), a < b ? -1 : a > b ? 1 : 0, `${a} ${b}, seed ${seed}`);
  }
});

Deno.test("a text stays readable until its own slice is filled again, whatever is read", () => {
  const integer = new Int64();
  const slices = Array.from({ length: 1000 }, () => new Slice());
  const numbers = slices.map((_, index) => -1_000_000_000_000 - index);
  slices.forEach((slice, index) => {
    integer.setNumber(numbers[index]);
    readText(integer, slice);
  });
  const shown = () => slices.map((slice) => fromLatin1(slice.copy()));
  assertEquals(shown(), numbers.map(String));
  const [first] = slices;
  const { bytes } = first;
  integer.setNumber(7);
  readText(integer, first);
  assertEquals(shown(), ["7", ...numbers.slice(1).map(String)]);
  assert(bytes === first.bytes, "it has one room");
});

Deno.test("the longest text has room in a slice", () => {
  const integer = new Int64();
  integer.set(...wordsOf(MIN));
  const slice = new Slice();
  readText(integer, slice);
  assertEquals([fromLatin1(slice.copy()), slice.isInRoom], [String(MIN), true]);
  assert(INTEGER_TEXT_BYTES_MAX <= SLICE_ROOM_BYTES);
});
