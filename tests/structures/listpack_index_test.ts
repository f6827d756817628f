/** An index of a listpack finds what a walk finds, before and after its table is made. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, Slice } from "../../src/base/bytes.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { Arena } from "../../src/memory/arena.ts";
import * as listpack from "../../src/structures/listpack.ts";
import { ListpackIndex } from "../../src/structures/listpack_index.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const ODD = ["", "-0", "01", "9223372036854775807", "-9223372036854775808", "x".repeat(5000)];

Deno.test("an index finds what a walk finds, in each stride, and nothing else", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 60; round++) {
    const arena = new Arena({ debug: true });
    const stride = random.between(1, 2);
    const wanted = new Set<string>(random.oneIn(3) ? ODD : []);
    for (let left = random.below(200); left > 0; left--) {
      wanted.add(random.oneIn(2) ? String(random.next() - 2 ** 31) : `m${random.below(300)}`);
    }
    let ref = listpack.create(arena);
    for (const text of wanted) {
      const bytes = latin1Bytes(text);
      ref = listpack.append(arena, ref, bytes, 0, bytes.length);
      // What stands between is not looked at, although it may be equal.
      if (stride === 2) ref = listpack.append(arena, ref, latin1Bytes("m1"), 0, 2);
    }
    const index = new ListpackIndex(arena, ref, stride);
    const asked = [...wanted, ...ODD, "m1", "m299", "none", "1"];
    for (const text of [...asked, ...asked]) {
      const bytes = latin1Bytes(text);
      const length = bytes.length;
      const first = listpack.first(arena, ref);
      const found = listpack.find(arena, ref, bytes, 0, length, first, stride - 1);
      const note = `seed ${seed}, round ${round}, ${text}`;
      assertEquals(index.find(hashBytes(bytes, 0, length), bytes, 0, length), found, note);
      assertEquals(found !== -1, wanted.has(text), note);
    }
  }
});

Deno.test("looking for an element that was read as text of an integer finds it", () => {
  const arena = new Arena({ debug: true });
  let source = listpack.create(arena);
  let target = listpack.create(arena);
  for (let number = 0; number < 100; number++) {
    source = listpack.appendInteger(arena, source, number);
    target = listpack.appendInteger(arena, target, 99 - number);
  }
  const index = new ListpackIndex(arena, target, 1);
  const found: number[] = [];
  const view = new Slice();
  for (let at = listpack.first(arena, source); at !== -1; at = listpack.next(arena, source, at)) {
    listpack.read(arena, source, at, view);
    const { bytes, start, length } = view;
    found.push(index.find(hashBytes(bytes, start, length), bytes, start, length));
  }
  assertEquals(found.length, 100);
  assertEquals(found.includes(-1), false);
});
