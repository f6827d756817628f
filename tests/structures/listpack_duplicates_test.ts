/** Elements that come twice are found at any distance and in any encoding, and only they. */
import { assert, assertEquals } from "@std/assert";
import {
  DAMAGED,
  DUPLICATE,
  examine,
  hasDuplicates,
} from "../../src/structures/listpack_duplicates.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { listpackOf } from "./listpack_bytes.ts";

Deno.test("elements that come twice are found, each or every second one being looked at", () => {
  const cases: [string[], each: boolean, second: boolean][] = [
    [[], false, false],
    [["a"], false, false],
    [["a", "a"], true, false],
    [["a", "1", "b", "1"], true, false],
    [["a", "1", "b", "1", "a", "2"], true, true],
    [["7", "x", "70", "x", "7", "x"], true, true],
    [["", "x", "", "y"], true, true],
    [["9223372036854775807", "1", "9223372036854775806", "2"], false, false],
  ];
  for (const [elements, each, second] of cases) {
    const bytes = listpackOf(elements);
    assertEquals(hasDuplicates(bytes, 0, 1), each, elements.join());
    assertEquals(hasDuplicates(bytes, 0, 2), second, elements.join());
  }
});

Deno.test("an integer that is written as text equals the integer", () => {
  assertEquals(hasDuplicates(latin1("\x0c\0\0\0\x02\0\x811\x02\x01\x01\xff"), 0, 1), true);
});

Deno.test("random listpacks have what a set says they have", () => {
  const random = new SeededRandom(4);
  for (let round = 0; round < 200; round++) {
    const elements = Array.from(
      { length: random.between(1, 400) },
      () => `${random.below(20_000)}`,
    );
    const isTwice = new Set(elements).size !== elements.length;
    assertEquals(hasDuplicates(listpackOf(elements), 0, 1), isTwice, `seed ${random.seed}`);
  }
});

/** What `examine` should say, by the two functions that do its work one after the other. */
function expected(bytes: Uint8Array, length: number, stride: number): number {
  if (!rawListpack.validate(bytes, 0, length, true)) return DAMAGED;
  return hasDuplicates(bytes, 0, stride) ? DUPLICATE : rawListpack.count(bytes, 0);
}

Deno.test("examine finds what validate and hasDuplicates find", () => {
  const random = new SeededRandom(9);
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 130, 5000];
  let twice = 0;
  for (let trial = 0; trial < 600; trial++) {
    const letters = random.between(1, 4);
    const elements = Array.from({ length: random.between(0, trial % 50 === 0 ? 700 : 24) }, () => {
      if (random.below(3) === 0) return `${random.below(200) - 100}`;
      const length = lengths[random.below(random.below(20) === 0 ? lengths.length : 10)];
      return fromLatin1(random.bytes(length).map((byte) => 97 + byte % letters));
    });
    const bytes = listpackOf(elements);
    for (const stride of [1, 2, 3]) {
      const wanted = expected(bytes, bytes.length, stride);
      if (wanted === DUPLICATE) twice++;
      assertEquals(examine(bytes, 0, bytes.length, stride), wanted, `trial ${trial}`);
    }
  }
  assert(twice > 200);
});

Deno.test("examine meets damage of any byte", () => {
  const whole = listpackOf(["field", "1", "", "-70000", "f".repeat(70), "b", "g", "12345678901"]);
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = whole.slice();
      bytes[at] ^= 1 << bit;
      const wanted = expected(bytes, bytes.length, 2);
      assertEquals(examine(bytes, 0, bytes.length, 2), wanted, `bit ${bit} of ${at}`);
    }
    assertEquals(examine(whole, 0, at, 2), DAMAGED);
  }
});

Deno.test("an integer in another encoding, or as text, is the same element to examine", () => {
  // 1 as text and as integer of 7 bits; 1 as integers of 16 and 7 bits.
  for (const entries of ["\x811\x02\x01\x01", "\xf1\x01\0\x03\x01\x01", "\xe0\x011\x03\x811\x02"]) {
    const bytes = latin1(`${String.fromCharCode(entries.length + 7)}\0\0\0\x02\0${entries}\xff`);
    assertEquals(examine(bytes, 0, bytes.length, 1), DUPLICATE);
    assertEquals(examine(bytes, 0, bytes.length, 2), 2);
  }
});

Deno.test("more elements than are marked are looked through all the same", () => {
  const elements = Array.from({ length: 2000 }, (_, index) => `element ${index}`);
  assertEquals(examine(listpackOf(elements), 0, listpackOf(elements).length, 1), 2000);
  elements[1999] = elements[3];
  assertEquals(examine(listpackOf(elements), 0, listpackOf(elements).length, 1), DUPLICATE);
});
