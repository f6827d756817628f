/** Tests of src/base/random.ts. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../src/base/assert.ts";
import { hexId, Random, randomSeed } from "../../src/base/random.ts";

Deno.test("the same seed gives the same sequence, another seed another one", () => {
  const take = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => random.next32());
  };
  assertEquals(take(42), take(42));
  assertNotEquals(take(42), take(43));
  assertNotEquals(take(1), take(1 + 2 ** 32));
  assertNotEquals(take(0), [0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("next32 follows xoshiro128** as published", () => {
  // An independent transcription with bigints, started from the same seed's expanded state.
  const mask = 0xffffffffn;
  const rotate = (word: bigint, bits: bigint) => ((word << bits) | (word >> (32n - bits))) & mask;
  let mixed = 42n;
  const state = Array.from({ length: 4 }, () => {
    mixed = (mixed + 0x9e3779b9n) & mask;
    let word = mixed ^ (mixed >> 16n);
    word = (word * 0x21f0aaadn) & mask;
    word ^= word >> 15n;
    word = (word * 0x735a2d97n) & mask;
    return word ^ (word >> 15n);
  });
  const random = new Random(42);
  for (let i = 0; i < 1000; i++) {
    const expected = (rotate((state[1]! * 5n) & mask, 7n) * 9n) & mask;
    const shifted = (state[1]! << 9n) & mask;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = rotate(state[3]!, 11n);
    assertEquals(random.next32(), Number(expected));
  }
});

Deno.test("below reaches every value evenly and never its bound", () => {
  const random = new Random(3);
  const counts = new Array<number>(6).fill(0);
  for (let i = 0; i < 60_000; i++) counts[random.below(6)]! += 1;
  for (const count of counts) assert(Math.abs(count - 10_000) < 500, String(counts));
  assertEquals(random.below(1), 0);
  for (let i = 0; i < 1000; i++) {
    const large = random.below(2 ** 40);
    assert(Number.isSafeInteger(large) && large >= 0 && large < 2 ** 40);
  }
  assertThrows(() => random.below(0), AssertionFailure);
});

Deno.test("double lies in [0, 1) around its mean", () => {
  const random = new Random(9);
  let sum = 0;
  for (let i = 0; i < 20_000; i++) {
    const value = random.double();
    assert(value >= 0 && value < 1);
    sum += value;
  }
  assert(Math.abs(sum / 20_000 - 0.5) < 0.01);
});

Deno.test("shuffle keeps all items", () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const shuffled = items.slice();
  new Random(1).shuffle(shuffled);
  assertNotEquals(shuffled, items);
  assertEquals(shuffled.toSorted((a, b) => a - b), items);
});

Deno.test("hexId has the asked length and differs each time", () => {
  for (const length of [1, 39, 40]) assertMatch(hexId(length), new RegExp(`^[0-9a-f]{${length}}$`));
  assertNotEquals(hexId(40), hexId(40));
  assert(randomSeed() >= 0);
});
