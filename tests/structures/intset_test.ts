/** Intsets: the byte format, searching, widening, hostile bytes, and freezing. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import { Int64, parse } from "../../src/structures/int64_words.ts";
import * as intset from "../../src/structures/intset.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

const LIMITS = [15n, 31n, 53n, 63n].flatMap((bits) => {
  const limit = 1n << bits;
  return [limit - 1n, -limit, limit, -limit - 1n].filter((value) =>
    value === BigInt.asIntN(64, value)
  );
});

function int64(value: bigint): Int64 {
  const out = new Int64();
  const bytes = latin1Bytes(String(value));
  assert(parse(bytes, 0, bytes.length, out));
  return out;
}

function build(arena: Arena, values: readonly bigint[]): Ref {
  return values.reduce(
    (ref, value) => intset.add(arena, ref, int64(value)),
    intset.create(arena),
  );
}

function values(memory: Memory, ref: Ref): bigint[] {
  const out = new Int64();
  return Array.from({ length: intset.count(memory, ref) }, (_, index) => {
    intset.at(memory, ref, index, out);
    return out.toBigInt();
  });
}

function raw(memory: Memory, ref: Ref): Uint8Array {
  const out = new Slice();
  intset.rawSlice(memory, ref, out);
  return out.copy();
}

function ascending(set: Iterable<bigint>): bigint[] {
  return [...set].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
}

Deno.test("sets have the bytes of Redis in each of the three widths", () => {
  const arena = new Arena({ debug: true });
  // deno-fmt-ignore
  assertEquals([...raw(arena, build(arena, [3n, -1n]))],
    [2, 0, 0, 0, 2, 0, 0, 0, 255, 255, 3, 0]);
  // deno-fmt-ignore
  assertEquals([...raw(arena, build(arena, [3n, 65536n]))],
    [4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 1, 0]);
  // deno-fmt-ignore
  assertEquals([...raw(arena, build(arena, [3n, -(2n ** 63n)]))],
    [8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 3, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("a limit of one width is found, absent neighbours are not", () => {
  const arena = new Arena({ debug: true });
  for (const value of LIMITS) {
    for (const others of [[], [1n, 2n, -3n], [70000n, -70000n], [2n ** 40n]]) {
      const ref = build(arena, [...others, value]);
      const sorted = ascending(new Set([...others, value]));
      assertEquals(values(arena, ref), sorted);
      assertEquals(intset.find(arena, ref, int64(value)), sorted.indexOf(value));
      for (const absent of [value - 1n, value + 1n]) {
        if (absent !== BigInt.asIntN(64, absent)) continue;
        assertEquals(intset.find(arena, ref, int64(absent)), -1, `${absent}`);
        assertEquals(intset.remove(arena, ref, int64(absent)), ref);
      }
    }
  }
});

Deno.test("widths grow with the values and never shrink", () => {
  const arena = new Arena({ debug: true });
  let ref = intset.create(arena);
  const widths: number[] = [];
  for (const value of [1n, 32767n, 32768n, 5n, -2147483649n]) {
    ref = intset.add(arena, ref, int64(value));
    widths.push(intset.width(arena, ref));
  }
  assertEquals(widths, [2, 2, 4, 4, 8]);
  ref = intset.remove(arena, ref, int64(-2147483649n));
  assertEquals(intset.width(arena, ref), 8);
});

Deno.test("read gives decimal text without loss, eight at a time", () => {
  const arena = new Arena({ debug: true });
  const list = ascending(LIMITS);
  const ref = build(arena, list);
  const slices = list.slice(0, 8).map((_, index) => {
    const out = new Slice();
    intset.read(arena, ref, index, out);
    return out;
  });
  const texts = slices.map((out) => latin1Text(out.bytes, out.start, out.length));
  assertEquals(texts, list.slice(0, 8).map(String));
});

Deno.test("fits counts the new width of all integers", () => {
  const arena = new Arena({ debug: true });
  let ref = intset.create(arena);
  const total = (intset.INTSET_BYTES_MAX - 8) / 4;
  const bytes = new Uint8Array(8 + (total - 1) * 4);
  const words = new Int32Array(bytes.buffer);
  words[0] = 4;
  words[1] = total - 1;
  for (let index = 0; index < total - 1; index++) words[2 + index] = index;
  assert(intset.validate(bytes, 0, bytes.length, true));
  ref = intset.fromRaw(arena, bytes, 0, bytes.length);
  assert(intset.fits(arena, ref, int64(-1n)));
  assert(!intset.fits(arena, ref, int64(2n ** 31n)));
  ref = intset.add(arena, ref, int64(-1n));
  assertEquals(intset.byteLength(arena, ref), intset.INTSET_BYTES_MAX);
  assert(!intset.fits(arena, ref, int64(-2n)));
  assertEquals(intset.find(arena, ref, int64(BigInt(total - 2))), total - 1);
});

Deno.test("randomIndex reaches every integer", () => {
  const arena = new Arena({ debug: true });
  const ref = build(arena, [1n, 2n, 3n]);
  const seen = new Set<number>();
  for (let round = 0; round < 1000; round++) seen.add(intset.randomIndex(arena, ref));
  assertEquals([...seen].sort(), [0, 1, 2]);
});

Deno.test("validate refuses wrong sizes, empty sets and integers out of order", () => {
  const good = [2, 0, 0, 0, 2, 0, 0, 0, 255, 255, 3, 0];
  const check = (bytes: number[], deep = true) =>
    intset.validate(Uint8Array.from(bytes), 0, bytes.length, deep);
  assert(check(good));
  assert(!check([3, ...good.slice(1)]), "width");
  assert(!check([4, ...good.slice(1)]), "width and size disagree");
  assert(!check([...good, 0]), "too long");
  assert(!check(good.slice(0, 7)), "too short");
  assert(!check([2, 0, 0, 0, 0, 0, 0, 0]), "empty");
  assert(!check([2, 0, 0, 0, 255, 255, 255, 255]), "count of four billion");
  const unordered = [2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 255, 255];
  assert(!check(unordered));
  assert(check(unordered, false));
  assert(!check([2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 3, 0]), "twice the same");
});

Deno.test("random changes match a plain set, before and after a freeze", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const note = `seed ${seed}`;
  const check = new FreezeCheck();
  const { arena } = check;
  for (const bits of [8, 15, 31, 63]) {
    let ref = intset.create(arena);
    const model = new Set<bigint>();
    for (let round = 0; round < 1500; round++) {
      if (random.oneIn(40)) {
        if (check.isFrozen) {
          check.release();
        } else {
          const [frozenModel, frozenRef] = [ascending(model), ref];
          check.freeze((memory) => assertEquals(values(memory, frozenRef), frozenModel, note));
        }
      }
      const wide = (BigInt(random.next()) << 32n) | BigInt(random.next());
      const value = BigInt.asIntN(random.oneIn(4) ? bits + 1 : 6, wide);
      if (random.oneIn(3) && model.size > 0) {
        const gone = random.oneIn(2) ? value : random.pick([...model]);
        ref = intset.remove(arena, ref, int64(gone));
        model.delete(gone);
      } else {
        ref = intset.add(arena, ref, int64(value));
        model.add(value);
      }
      assertEquals(intset.count(arena, ref), model.size, note);
      if (round % 25 === 0) assertEquals(values(arena, ref), ascending(model), note);
    }
    const bytes = raw(arena, ref);
    assert(intset.validate(bytes, 0, bytes.length, true), note);
    check.release();
    arena.free(ref);
  }
  check.assertEmpty();
});
