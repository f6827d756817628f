/** Listpacks: the byte format, walking, searching, changing, hostile bytes, and freezing. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import { Int64 } from "../../src/structures/int64_words.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { FreezeCheck } from "./freeze_check.ts";

/** Integers on both sides of every limit of an encoding. */
const INTEGERS = [0n, 127n, 128n, -1n, -4096n, -4097n, 4095n, 4096n].concat(
  [15n, 23n, 31n, 47n, 52n, 53n, 62n, 63n].flatMap((bits) => {
    const limit = 1n << bits;
    return [limit - 1n, -limit, limit, -limit - 1n].filter((value) =>
      value === BigInt.asIntN(64, value)
    );
  }),
  [10n ** 15n, 10n ** 16n - 1n, -(10n ** 18n), 1234567890123456789n],
);

/** Texts that look like integers and are none. */
const NO_INTEGERS = [
  "",
  "-",
  "-0",
  "00",
  "01",
  "+1",
  " 1",
  "1 ",
  "1.0",
  "0x1",
  "--1",
  "9223372036854775808",
  "-9223372036854775809",
  "10000000000000000000",
  "99999999999999999999",
  "12345678901234567a",
];

const STRING_LENGTHS = [0, 1, 62, 63, 64, 125, 126, 4095, 4096, 16376, 16378, 16379, 20000];

function text(memory: Memory, ref: Ref, position: number): string {
  const out = new Slice();
  listpack.read(memory, ref, position, out);
  return latin1Text(out.bytes, out.start, out.length);
}

/** All elements, walked forwards. */
function elements(memory: Memory, ref: Ref): string[] {
  const found: string[] = [];
  let position = listpack.first(memory, ref);
  while (position !== -1) {
    found.push(text(memory, ref, position));
    position = listpack.next(memory, ref, position);
  }
  return found;
}

/** All elements, walked backwards, in order of the listpack. */
function elementsFromTail(memory: Memory, ref: Ref): string[] {
  const found: string[] = [];
  let position = listpack.last(memory, ref);
  while (position !== -1) {
    found.push(text(memory, ref, position));
    position = listpack.previous(memory, ref, position);
  }
  return found.reverse();
}

function raw(memory: Memory, ref: Ref): Uint8Array {
  const out = new Slice();
  listpack.rawSlice(memory, ref, out);
  return out.copy();
}

function append(arena: Arena, ref: Ref, element: string): Ref {
  const bytes = latin1Bytes(`<${element}>`);
  return listpack.append(arena, ref, bytes, 1, element.length);
}

function build(arena: Arena, list: readonly string[]): Ref {
  return list.reduce((ref, element) => append(arena, ref, element), listpack.create(arena));
}

function assertSound(memory: Memory, ref: Ref, expected: readonly string[], note = ""): void {
  assertEquals(elements(memory, ref), expected, note);
  assertEquals(elementsFromTail(memory, ref), expected, note);
  assertEquals(listpack.count(memory, ref), expected.length, note);
  const bytes = raw(memory, ref);
  assert(rawListpack.validate(bytes, 0, bytes.length, true), `not valid ${note}`);
}

Deno.test("an empty listpack is the seven bytes of Redis", () => {
  const arena = new Arena({ debug: true });
  const ref = listpack.create(arena);
  assertEquals([...raw(arena, ref)], [7, 0, 0, 0, 0, 0, 255]);
  assertEquals(listpack.first(arena, ref), -1);
  assertEquals(listpack.last(arena, ref), -1);
  assertEquals(listpack.seek(arena, ref, 0), -1);
  assertEquals(listpack.find(arena, ref, latin1Bytes("a"), 0, 1, -1, 0), -1);
});

Deno.test("entries are the bytes that redis-server 7.0.15 puts into a DUMP", () => {
  const arena = new Arena({ debug: true });
  const golden: [string, number[]][] = [
    ["0", [0x00, 0x01]],
    ["127", [0x7f, 0x01]],
    ["128", [0xc0, 0x80, 0x02]],
    ["-1", [0xdf, 0xff, 0x02]],
    ["-4096", [0xd0, 0x00, 0x02]],
    ["4095", [0xcf, 0xff, 0x02]],
    ["4096", [0xf1, 0x00, 0x10, 0x03]],
    ["-32768", [0xf1, 0x00, 0x80, 0x03]],
    ["32768", [0xf2, 0x00, 0x80, 0x00, 0x04]],
    ["-8388608", [0xf2, 0x00, 0x00, 0x80, 0x04]],
    ["8388608", [0xf3, 0x00, 0x00, 0x80, 0x00, 0x05]],
    ["2147483648", [0xf4, 0, 0, 0, 0x80, 0, 0, 0, 0, 0x09]],
    ["-9223372036854775808", [0xf4, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x09]],
    ["hello", [0x85, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x06]],
    ["", [0x80, 0x01]],
  ];
  for (const [element, expected] of golden) {
    const bytes = raw(arena, build(arena, [element]));
    assertEquals([...bytes.subarray(6, -1)], expected, element);
    assertEquals(bytes[0], bytes.length);
  }
});

Deno.test("strings of every boundary length keep header, backward length and content", () => {
  const arena = new Arena({ debug: true });
  for (const length of STRING_LENGTHS) {
    const element = "x".repeat(length);
    const ref = build(arena, ["before", element, "after"]);
    assertSound(arena, ref, ["before", element, "after"], `length ${length}`);
    const body = length < 64 ? length + 1 : length < 4096 ? length + 2 : length + 5;
    const backward = body <= 127 ? 1 : body < 16383 ? 2 : 3;
    assertEquals(listpack.entryBytes(latin1Bytes(element), 0, length), body + backward);
    assertEquals(raw(arena, ref).length, 7 + 8 + 7 + body + backward);
  }
});

Deno.test("integers at each limit of 64 bits are stored as integers and read back", () => {
  const arena = new Arena({ debug: true });
  const out = new Int64();
  for (const value of INTEGERS) {
    const ref = build(arena, [String(value)]);
    assert(listpack.isInteger(arena, ref, 6), String(value));
    assertEquals(text(arena, ref, 6), String(value));
    assert(listpack.readInt64(arena, ref, 6, out));
    assertEquals(out.toBigInt(), value);
    const number = Number.isSafeInteger(Number(value)) ? Number(value) : NaN;
    assertEquals(listpack.readInteger(arena, ref, 6), number);
    if (number === number) {
      let direct = listpack.appendInteger(arena, listpack.create(arena), number);
      assertEquals(raw(arena, direct), raw(arena, ref));
      direct = listpack.replaceInteger(arena, direct, 6, 5);
      assertEquals(elements(arena, direct), ["5"]);
    }
  }
});

Deno.test("what is no canonical integer stays a string", () => {
  const arena = new Arena({ debug: true });
  for (const element of NO_INTEGERS) {
    const ref = build(arena, [element]);
    assertEquals(listpack.isInteger(arena, ref, 6), false, element);
    assertEquals(listpack.readInteger(arena, ref, 6), NaN);
    assertEquals(text(arena, ref, 6), element);
  }
});

Deno.test("texts of eight integers stay readable at the same time", () => {
  const arena = new Arena({ debug: true });
  const list = ["1", "-20", "300", "-4000", "50000", "600000", "-7000000", "80000000", "9"];
  const ref = build(arena, list);
  const slices = list.map((_, index) => {
    const out = new Slice();
    listpack.read(arena, ref, listpack.seek(arena, ref, index), out);
    return out;
  });
  assertEquals(slices.map((out) => latin1Text(out.bytes, out.start, out.length)), list);
});

Deno.test("seek counts from both ends and refuses what is beyond", () => {
  const arena = new Arena({ debug: true });
  const list = Array.from({ length: 21 }, (_, index) => index % 3 === 0 ? `${index}` : `e${index}`);
  const ref = build(arena, list);
  for (let index = 0; index < 21; index++) {
    assertEquals(text(arena, ref, listpack.seek(arena, ref, index)), list[index]);
    assertEquals(text(arena, ref, listpack.seek(arena, ref, index - 21)), list[index]);
  }
  assertEquals(listpack.seek(arena, ref, 21), -1);
  assertEquals(listpack.seek(arena, ref, -22), -1);
});

Deno.test("find compares every entry, or every second one, by value", () => {
  const arena = new Arena({ debug: true });
  const list = ["field", "12", "12", "field", "300000", "x".repeat(100), "x".repeat(100), "1e3"];
  const ref = build(arena, list);
  const find = (element: string, from: number, skip: number) => {
    const position = listpack.find(
      arena,
      ref,
      latin1Bytes(element),
      0,
      element.length,
      from,
      skip,
    );
    if (position === -1) return -1;
    let index = 0;
    while (listpack.seek(arena, ref, index) !== position) index++;
    return index;
  };
  assertEquals(find("12", 6, 0), 1);
  assertEquals(find("12", 6, 1), 2);
  assertEquals(find("field", 6, 1), 0);
  assertEquals(find("field", listpack.seek(arena, ref, 1), 0), 3);
  assertEquals(find("300000", 6, 1), 4);
  assertEquals(find("x".repeat(100), 6, 0), 5);
  assertEquals(find("x".repeat(100), 6, 1), 6);
  assertEquals(find("1e3", 6, 0), 7);
  assertEquals(find("1e3", 6, 1), -1);
  assertEquals(find("absent", 6, 0), -1);
  assertEquals(find("12", 6, 5), -1);
  assert(listpack.equalsAt(arena, ref, 6, latin1Bytes("field"), 0, 5));
  assert(!listpack.equalsAt(arena, ref, 6, latin1Bytes("fiele"), 0, 5));
});

Deno.test("an integer is found by its value in a wider encoding than ours", () => {
  const arena = new Arena({ debug: true });
  const bytes = Uint8Array.from([12, 0, 0, 0, 1, 0, 0xf2, 7, 0, 0, 4, 255]);
  assert(rawListpack.validate(bytes, 0, 12, true));
  const ref = listpack.fromRaw(arena, bytes, 0, 12);
  assertEquals(listpack.find(arena, ref, latin1Bytes("7"), 0, 1, 6, 0), 6);
  assertEquals(text(arena, ref, 6), "7");
});

Deno.test("the count saturates at 65,535 and is counted from there on", () => {
  const arena = new Arena({ debug: true });
  let ref = listpack.create(arena);
  for (let index = 0; index < 65_540; index++) ref = listpack.appendInteger(arena, ref, index & 7);
  assertEquals(listpack.count(arena, ref), 65_540);
  assertEquals([...raw(arena, ref).subarray(4, 6)], [255, 255]);
  assertEquals(listpack.seek(arena, ref, 65_539), 6 + 2 * 65_539);
  ref = listpack.remove(arena, ref, 6, 10);
  assertEquals(listpack.count(arena, ref), 65_530);
  const bytes = raw(arena, ref);
  assert(rawListpack.validate(bytes, 0, bytes.length, true));
});

Deno.test("fits says no one byte before the block is full", () => {
  const arena = new Arena({ debug: true });
  const length = listpack.LISTPACK_BYTES_MAX - listpack.EMPTY_BYTES - 5 - 3;
  const element = "y".repeat(length);
  const ref = listpack.create(arena);
  const bytes = listpack.entryBytes(latin1Bytes(element), 0, length);
  assert(listpack.fits(arena, ref, bytes));
  assert(!listpack.fits(arena, ref, bytes + 1));
  const full = append(arena, ref, element);
  assertEquals(listpack.byteLength(arena, full), listpack.LISTPACK_BYTES_MAX);
  assertSound(arena, full, [element]);
  arena.free(full);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("appendAll and duplicate copy all entries", () => {
  const arena = new Arena({ debug: true });
  const source = build(arena, ["a", "1", "b"]);
  const target = listpack.appendAll(arena, build(arena, ["z", "70000"]), source);
  assertSound(arena, target, ["z", "70000", "a", "1", "b"]);
  assertSound(arena, source, ["a", "1", "b"]);
  assertSound(arena, listpack.duplicate(arena, target), ["z", "70000", "a", "1", "b"]);
});

Deno.test("a listpack that passes validate can be walked both ways, whatever bytes it has", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const arena = new Arena({ debug: true });
  const original = raw(arena, build(arena, ["ab", "5", "x".repeat(70), "-77777", "q", "4000"]));
  let passed = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = original.slice();
    for (let changes = random.between(1, 3); changes > 0; changes--) {
      bytes[random.between(4, bytes.length - 2)] = random.next() & 255;
    }
    if (!rawListpack.validate(bytes, 0, bytes.length, true)) continue;
    passed++;
    const ref = listpack.fromRaw(arena, bytes, 0, bytes.length);
    const list = elements(arena, ref);
    assertEquals(elementsFromTail(arena, ref), list, `seed ${seed}`);
    arena.free(ref);
  }
  assert(passed > 0, `nothing passed, seed ${seed}`);
});

/** One random change of a listpack and of the array beside it. */
function change(random: SeededRandom, arena: Arena, ref: Ref, model: string[]): Ref {
  const element = random.oneIn(3)
    ? String(random.pick(INTEGERS))
    : random.word(random.oneIn(20) ? random.pick(STRING_LENGTHS) : random.below(12));
  const bytes = latin1Bytes(element);
  const length = bytes.length;
  if (!listpack.fits(arena, ref, listpack.entryBytes(bytes, 0, length))) {
    const half = model.length >> 1;
    model.splice(0, half);
    return listpack.remove(arena, ref, 6, half);
  }
  const index = random.below(model.length + 1);
  const position = index === model.length
    ? listpack.byteLength(arena, ref) - 1
    : listpack.seek(arena, ref, index);
  switch (random.below(index === model.length ? 3 : 7)) {
    case 0:
      model.push(element);
      return listpack.append(arena, ref, bytes, 0, length);
    case 1:
      model.unshift(element);
      return listpack.insertBefore(arena, ref, listpack.FIRST, bytes, 0, length);
    case 2:
      model.splice(index, 0, element);
      return listpack.insertBefore(arena, ref, position, bytes, 0, length);
    case 3:
      model.splice(index + 1, 0, element);
      return listpack.insertAfter(arena, ref, position, bytes, 0, length);
    case 4:
      model[index] = element;
      return listpack.replace(arena, ref, position, bytes, 0, length);
    default: {
      const count = random.below(random.oneIn(10) ? 50 : 4);
      model.splice(index, count);
      const after = listpack.remove(arena, ref, position, count);
      assertEquals(listpack.exists(arena, after, position), index < model.length);
      return after;
    }
  }
}

Deno.test("random changes match a plain array, before and after a freeze", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const note = `seed ${seed}`;
  const check = new FreezeCheck();
  const { arena } = check;
  let ref = listpack.create(arena);
  const model: string[] = [];
  for (let round = 0; round < 4000; round++) {
    if (random.oneIn(40)) {
      if (check.isFrozen) {
        check.release();
      } else {
        const frozenModel = model.slice();
        const frozenRef = ref;
        check.freeze((memory) => assertSound(memory, frozenRef, frozenModel, note));
      }
    }
    ref = change(random, arena, ref, model);
    if (round % 20 === 0) assertSound(arena, ref, model, note);
  }
  assertSound(arena, ref, model, note);
  ref = listpack.remove(arena, ref, 6, model.length);
  assertSound(arena, ref, [], note);
  assertEquals(arena.blockBytes(ref), 8);
  arena.free(ref);
  check.assertEmpty();
});
