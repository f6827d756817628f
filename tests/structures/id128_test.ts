/**
 * 128-bit ids against BigInt: order, carry and borrow over all word boundaries.
 */
import { assertEquals } from "@std/assert";
import { Id128 } from "../../src/structures/id128.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const MAX = 2n ** 128n - 1n;
const EDGES = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n]
  .flatMap((edge) => [edge, edge * 2n ** 32n, MAX - edge]);

function idOf(value: bigint): Id128 {
  const id = new Id128();
  const word = (index: bigint) => Number((value >> (index * 32n)) & 0xffffffffn);
  id.set(word(3n), word(2n), word(1n), word(0n));
  return id;
}

function valueOf(id: Id128): bigint {
  return [id.w0, id.w1, id.w2, id.w3].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
}

function randomValue(random: SeededRandom): bigint {
  let value = 0n;
  for (let i = 0; i < 4; i++) value = (value << 32n) | BigInt(random.oneIn(2) ? random.next() : 0);
  return random.oneIn(2) ? random.pick(EDGES) : value;
}

Deno.test("ids compare as the numbers they are, stored or not", () => {
  const random = new SeededRandom(testSeed());
  const words = new Int32Array(8);
  for (let round = 0; round < 2000; round++) {
    const a = randomValue(random);
    const b = random.oneIn(4) ? a : randomValue(random);
    const expected = a < b ? -1 : a > b ? 1 : 0;
    assertEquals(idOf(a).compare(idOf(b)), expected, `seed ${random.seed}: ${a} and ${b}`);
    idOf(a).store(words, 3);
    assertEquals(idOf(b).compareStored(words, 3), expected, `seed ${random.seed}: ${a} and ${b}`);
    const loaded = new Id128();
    loaded.load(words, 3);
    assertEquals(valueOf(loaded), a);
  }
});

Deno.test("increment and decrement carry, and tell of the end", () => {
  for (const edge of EDGES) {
    const up = idOf(edge);
    assertEquals(up.increment(), edge !== MAX, String(edge));
    assertEquals(valueOf(up), (edge + 1n) & MAX);
    const down = idOf(edge);
    assertEquals(down.decrement(), edge !== 0n, String(edge));
    assertEquals(valueOf(down), (edge - 1n) & MAX);
  }
});

Deno.test("a clone is an id of its own, and zero is zero", () => {
  const id = idOf(7n);
  const copy = id.clone();
  copy.increment();
  assertEquals([valueOf(id), valueOf(copy)], [7n, 8n]);
  assertEquals([id.isZero(), idOf(0n).isZero(), idOf(2n ** 127n).isZero()], [false, true, false]);
});
