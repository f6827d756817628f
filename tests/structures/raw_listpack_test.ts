/** Raw listpacks: walked and counted, hostile ones refused. */
import { assert, assertEquals } from "@std/assert";
import { latin1Text, Slice } from "../../src/base/bytes.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import { FIRST } from "../../src/structures/listpack.ts";
import { END } from "../../src/structures/listpack_encoding.ts";
import { listpackOf } from "./listpack_bytes.ts";

Deno.test("forEach reads all elements, at whatever place", () => {
  const list = ["a", "-5000", "x".repeat(5000), "", "9223372036854775807"];
  const bytes = listpackOf(list);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const found: string[] = [];
  rawListpack.forEach(shifted, 3, (from, start, length) => {
    found.push(latin1Text(from, start, length));
  });
  assertEquals(found, list);
});

Deno.test("forEachPair shows two integers at once, also while another walk is under way", () => {
  const list = ["1", "200", "-70000", "x", "y", "9223372036854775807", "-1", "-2"];
  const shown = ({ bytes, start, length }: Slice) => latin1Text(bytes, start, length);
  for (const count of [8, 7, 1, 0]) {
    const bytes = listpackOf(list.slice(0, count));
    const found: string[] = [];
    const isPaired = rawListpack.forEachPair(bytes, 0, (first, second) => {
      rawListpack.forEachPair(bytes, 0, () => rawListpack.forEach(bytes, 0, () => {}));
      found.push(shown(first), shown(second));
    });
    assertEquals([isPaired, found], [count % 2 === 0, list.slice(0, count - count % 2)]);
  }
});

Deno.test("validate refuses every listpack with a changed size, count or end", () => {
  const bytes = listpackOf(["abc", "5", "x".repeat(200), "-77777"]);
  const length = bytes.length;
  assert(rawListpack.validate(bytes, 0, length, true));
  const broken = (index: number, value: number) => {
    const copy = bytes.slice();
    copy[index] = value;
    return rawListpack.validate(copy, 0, length, true);
  };
  assertEquals(broken(0, bytes[0] + 1), false, "size");
  assertEquals(broken(4, 5), false, "count");
  assertEquals(broken(length - 1, 0), false, "end");
  assertEquals(broken(6, 0xf5), false, "unknown encoding");
  assertEquals(broken(6, 0xff), false, "early end");
  assertEquals(broken(6, 0xf0), false, "string beyond the end");
  assertEquals(broken(10, 3), false, "backward length");
  assertEquals(rawListpack.validate(bytes, 0, length - 1, true), false);
  assertEquals(rawListpack.validate(bytes, 0, 6, false), false);
  const shifted = new Uint8Array(length + 9);
  shifted.set(bytes, 4);
  assert(rawListpack.validate(shifted, 4, length, true));
});

Deno.test("a string of up to 63 bytes is checked as all others are", () => {
  for (const length of [0, 1, 62, 63, 64]) {
    const bytes = listpackOf(["x".repeat(length), "y"]);
    const isSound = (change: (copy: Uint8Array) => void) => {
      const copy = bytes.slice();
      change(copy);
      return rawListpack.validate(copy, 0, copy.length, true);
    };
    assert(isSound(() => {}), `${length}`);
    // The backward length of the first element, and its own, which then reaches into the second.
    const header = length < 64 ? 1 : 2;
    assert(!isSound((copy) => copy[FIRST + header + length]!++), `${length}: backward length`);
    assert(!isSound((copy) => copy[FIRST + header - 1]!++), `${length}: length`);
    const cut = bytes.slice(0, FIRST + header + length + 1);
    cut[0] = cut.length;
    cut[cut.length - 1] = END;
    cut[4] = 1;
    assert(!rawListpack.validate(cut, 0, cut.length, true), `${length}: beyond the end`);
  }
});

Deno.test("elements are counted, also where the head does not tell how many there are", () => {
  for (const count of [0, 1, 65_534, 65_535, 65_536, 70_000]) {
    const bytes = listpackOf(Array.from({ length: count }, (_, index) => String(index % 100)));
    assertEquals(rawListpack.count(bytes, 0), count);
    let at = FIRST;
    const out = new Slice();
    for (let index = 0; index < count; index++) at = rawListpack.readEntry(bytes, at, out);
    assertEquals(at, bytes.length - 1);
  }
});
