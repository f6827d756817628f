/**
 * Stream nodes byte for byte as redis-server 7.0.15 makes them, walked in both directions, changed
 * in a block and beyond one; and damaged ones, which must be refused or be sound.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Text, Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Id128 } from "../../src/structures/id128.ts";
import { idText, MIN_ID } from "../../src/values/stream_id.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import { NodeCheck } from "../../src/values/stream_node_check.ts";
import { StreamNodeReader } from "../../src/values/stream_node_reader.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { idOf, sourceOf } from "./stream_model.ts";

const field = new Slice();
const value = new Slice();

function rawOf(arena: Arena, node: number): Uint8Array {
  const raw = new Slice();
  streamNode.rawSlice(arena, node, raw);
  return raw.copy();
}

/** All entries, deleted ones with a mark; `isBackward` last first. */
function read(reader: StreamNodeReader, isBackward = false): string[] {
  const found: string[] = [];
  if (isBackward) reader.seekEnd();
  while (isBackward ? reader.previous() : reader.next()) {
    let text = `${reader.isDeleted ? "x " : ""}${idText(reader.id)}`;
    reader.beginPairs();
    for (let pair = 0; pair < reader.pairs; pair++) {
      reader.readPair(field, value);
      text += ` ${latin1Text(field.bytes, field.start, field.length)}=` +
        latin1Text(value.bytes, value.start, value.length);
    }
    found.push(text.length > 80 ? text.slice(0, 20) : text);
  }
  return found;
}

function makeNode(arena: Arena, master: Id128, entries: [id: string, ...fields: string[]][]) {
  const [[, ...first], ...rest] = entries;
  let node = streamNode.create(arena, sourceOf(first), 0, first.length / 2);
  for (const [id, ...fields] of rest) {
    node = streamNode.append(arena, node, master, idOf(id), sourceOf(fields), 0, fields.length / 2);
    assert(node !== 0);
  }
  return node;
}

Deno.test("a node is the listpack that Redis makes", () => {
  const arena = new Arena({ debug: true });
  const master = idOf("1-1");
  const node = makeNode(arena, master, [["1-1", "a", "1"], ["2-0", "a", "x"], ["2-5", "b", "2"]]);
  // XADD s 1-1 a 1; XADD s 2-0 a x; XADD s 2-5 b 2; DUMP s.
  const expected = "37000000160003010001010181610200010201000100010101040102010101dfff0281780204" +
    "01000101010401010181620202010601ff";
  assertEquals(rawOf(arena, node).toHex(), expected);
});

Deno.test("entries are read in both directions, be they deleted, and ids wrap around", () => {
  const arena = new Arena({ debug: true });
  const master = idOf("5-18446744073709551615");
  let node = makeNode(arena, master, [
    ["5-18446744073709551615", "a", "1", "b", "2"],
    ["6-0", "a", "3", "b", "4"],
    ["18446744073709551615-3", "c", "-12345678901"],
  ]);
  const all = ["5-18446744073709551615 a=1 b=2", "6-0 a=3 b=4"];
  const last = "18446744073709551615-3 c=-12345678901";
  const reader = new StreamNodeReader();
  reader.open(arena, node, master);
  assertEquals(read(reader), [...all, last]);
  assertEquals(read(reader, true), [last, all[1], all[0]]);
  reader.rewind();
  reader.next();
  reader.next();
  node = streamNode.markDeleted(arena, node, [reader.flagsOffset], reader.inflated);
  reader.open(arena, node, master);
  assertEquals([reader.count, reader.deleted], [2, 1]);
  assertEquals(read(reader), [all[0], `x ${all[1]}`, last]);
});

Deno.test("a node beyond a block is read, changed, copied and freed like any", () => {
  const arena = new Arena({ debug: true });
  const long = "y".repeat(400_000);
  const small = streamNode.create(arena, sourceOf(["f", long]), 0, 1);
  assert(streamNode.isLarge(small));
  assert(streamNode.byteLength(arena, small) > 400_000);
  assert(streamNode.memoryBytes(arena, small) > 400_000);
  // Appending goes on in a node of its own.
  assertEquals(streamNode.append(arena, small, MIN_ID, idOf("1-1"), sourceOf(["f", "1"]), 0, 1), 0);
  const copy = streamNode.duplicate(arena, small);
  const reader = new StreamNodeReader();
  reader.open(arena, copy, MIN_ID);
  reader.next();
  const changed = streamNode.markDeleted(arena, copy, [reader.flagsOffset], reader.inflated);
  reader.open(arena, changed, MIN_ID);
  assertEquals([reader.count, reader.deleted, read(reader)], [0, 1, [
    "x 0-0 f=yyyyyyyyyyyyyy".slice(0, 20),
  ]]);
  const check = new NodeCheck();
  const raw = rawOf(arena, changed);
  assert(check.check(raw, 0, raw.length, MIN_ID));
  streamNode.free(arena, changed);
  streamNode.free(arena, small);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("counters grow from one byte to more in place", () => {
  const arena = new Arena({ debug: true });
  const fields = sourceOf(["a", "b"]);
  let node = streamNode.create(arena, fields, 0, 1);
  for (let i = 1; i < 5000; i++) {
    node = streamNode.append(arena, node, MIN_ID, idOf(`0-${i}`), fields, 0, 1);
  }
  const reader = new StreamNodeReader();
  const offsets: number[] = [];
  reader.open(arena, node, MIN_ID);
  while (reader.next()) if (reader.id.w3 % 3 === 0) offsets.push(reader.flagsOffset);
  node = streamNode.markDeleted(arena, node, offsets, reader.inflated);
  reader.open(arena, node, MIN_ID);
  assertEquals([reader.count, reader.deleted], [5000 - offsets.length, offsets.length]);
  const raw = rawOf(arena, node);
  assert(new NodeCheck().check(raw, 0, raw.length, MIN_ID));
});

Deno.test("damaged nodes are refused, or can be walked in both directions", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const arena = new Arena({ debug: true });
  const node = makeNode(arena, MIN_ID, [
    ["0-0", "a", "1", "bb", "x".repeat(70)],
    ["0-7", "a", "2", "bb", "300"],
    ["9-1", "c", "-5"],
    ["9-2", "a", "", "bb", "70000"],
  ]);
  const sound = rawOf(arena, node);
  const check = new NodeCheck();
  const reader = new StreamNodeReader();
  assert(check.check(sound, 0, sound.length, MIN_ID) && check.isOrdered && check.count === 4);
  let accepted = 0;
  for (let round = 0; round < 4000; round++) {
    const damaged = sound.slice();
    for (let i = random.between(1, 3); i > 0; i--) {
      damaged[random.below(damaged.length)] = random.pick([
        0,
        1,
        2,
        127,
        128,
        255,
        random.below(256),
      ]);
    }
    const length = random.oneIn(10) ? random.below(damaged.length) : damaged.length;
    if (!check.check(damaged, 0, length, MIN_ID)) continue;
    accepted++;
    reader.openBytes(damaged, 0, MIN_ID);
    const forward = read(reader);
    assertEquals(read(reader, true).toReversed(), forward, `seed ${seed}`);
    assertEquals(forward.filter((text) => !text.startsWith("x ")).length, check.count);
  }
  assert(accepted > 100, `seed ${seed}`);
});
