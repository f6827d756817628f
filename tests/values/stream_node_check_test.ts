/**
 * The walk over untrusted nodes against one that is slow and plain: what is accepted, how many
 * entries live, and whether they ascend, for sound nodes and 6,000 damaged ones.
 */
import { assert, assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Int64 } from "../../src/structures/int64_words.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as rawListpack from "../../src/structures/raw_listpack.ts";
import * as encoding from "../../src/structures/listpack_encoding.ts";
import { idText } from "../../src/values/stream_id.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import { NodeCheck } from "../../src/values/stream_node_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { idOf, sourceOf } from "./stream_model.ts";

const MASTER = "5-18446744073709551615";

/** All elements of a listpack: integers, and null for strings. Null if it is not sound. */
function elementsOf(bytes: Uint8Array, length: number): (bigint | null)[] | null {
  if (!rawListpack.validate(bytes, 0, length, true)) return null;
  const elements: (bigint | null)[] = [];
  const integer = new Int64();
  for (let at = listpack.FIRST; at < length - 1; at += encoding.entryBytesAt(bytes, at)) {
    const isInteger = encoding.stringHeaderBytes(bytes, at) === 0;
    if (isInteger) encoding.loadInteger(bytes, at, integer);
    elements.push(isInteger ? integer.toBigInt() : null);
  }
  return elements;
}

/** Ids of the entries that live, as one number each; null if the bytes are no node. */
function idsOf(bytes: Uint8Array, length: number): bigint[] | null {
  const elements = elementsOf(bytes, length);
  if (elements === null || elements.length < 4) return null;
  const isCount = (value: bigint | null): value is bigint =>
    value !== null && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);
  const [count, deleted, fields] = elements;
  if (!isCount(count) || !isCount(deleted) || !isCount(fields)) return null;
  let at = 3 + Number(fields);
  if (elements[at++] !== 0n) return null;
  const [masterMs, masterSeq] = MASTER.split("-").map(BigInt);
  const ids: bigint[] = [];
  let entries = 0n;
  for (; at < elements.length; entries++) {
    const [flags, ms, seq] = elements.slice(at, at + 3);
    if (flags === null || flags === undefined || flags < 0n || flags > 3n) return null;
    if (typeof ms !== "bigint" || typeof seq !== "bigint") return null;
    const own = (flags & 2n) === 0n ? elements[at + 3] : 0n;
    if (own === undefined || !isCount(own)) return null;
    const size = 3 + ((flags & 2n) === 0n ? Number(own) * 2 + 1 : Number(fields));
    if (elements[at + size] !== BigInt(size)) return null;
    if ((flags & 1n) === 0n) {
      ids.push(
        (BigInt.asUintN(64, masterMs + ms) << 64n) | BigInt.asUintN(64, masterSeq + seq),
      );
    }
    at += size + 1;
  }
  return BigInt(ids.length) === count && entries === count + deleted ? ids : null;
}

function assertAgrees(check: NodeCheck, bytes: Uint8Array, length: number, message: string) {
  const ids = idsOf(bytes, length);
  assertEquals(check.check(bytes, 0, length, idOf(MASTER)), ids !== null, message);
  if (ids === null) return false;
  assertEquals(check.count, ids.length, message);
  assertEquals(check.isOrdered, ids.every((id, i) => i === 0 || id > ids[i - 1]), message);
  if (ids.length === 0) return true;
  const text = (id: bigint) => `${id >> 64n}-${BigInt.asUintN(64, id)}`;
  assertEquals(idText(check.firstId), text(ids[0]), message);
  assertEquals(idText(check.lastId), text(ids.at(-1)!), message);
  return true;
}

function nodeBytes(entries: [id: string, ...fields: string[]][]): Uint8Array {
  const arena = new Arena({ debug: true });
  const [[, ...first], ...rest] = entries;
  let node = streamNode.create(arena, sourceOf(first), 0, first.length / 2);
  for (const [id, ...fields] of rest) {
    const source = sourceOf(fields);
    node = streamNode.append(arena, node, idOf(MASTER), idOf(id), source, 0, fields.length / 2);
  }
  const raw = new Slice();
  streamNode.rawSlice(arena, node, raw);
  return raw.copy();
}

/** Elements of all sizes, the same fields and others, ids that wrap around. */
const NODES = [
  nodeBytes([[MASTER, "f", "v"]]),
  nodeBytes([[MASTER, "a", "1", "bb", "x".repeat(70)], ["6-0", "a", "", "bb", "300"]]),
  nodeBytes([
    [MASTER, "7", "1"],
    ["6-1", "c", "-5", "d", "9223372036854775807"],
    ["6-4000", "7", "y".repeat(5000)],
    ["70000-0", "7", "-70000"],
    ["18446744073709551615-3", "7", "12345678"],
  ]),
];

Deno.test("sound nodes are taken, and their ids read", () => {
  const check = new NodeCheck();
  for (const bytes of NODES) {
    assert(assertAgrees(check, bytes, bytes.length, bytes.toHex()) && check.isOrdered);
    assertEquals(idText(check.firstId), MASTER);
    // What is behind it does not count.
    const padded = new Uint8Array(bytes.length + 9).fill(1);
    padded.set(bytes, 0);
    assert(check.check(padded, 0, bytes.length, idOf(MASTER)));
  }
});

Deno.test("a node of which the end is missing is refused, whatever follows in the buffer", () => {
  const check = new NodeCheck();
  for (const bytes of NODES) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.slice();
      // The head says that it is whole.
      new DataView(cut.buffer).setUint32(0, length, true);
      if (length > 0) cut[length - 1] = 0xff;
      assertAgrees(check, cut, length, `${length} of ${bytes.toHex()}`);
    }
  }
});

Deno.test("damaged nodes are refused where a plain walk refuses them", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const check = new NodeCheck();
  let accepted = 0;
  for (let round = 0; round < 6000; round++) {
    const damaged = random.pick(NODES).slice();
    // Mostly in the numbers at its start.
    const reach = random.oneIn(2) ? Math.min(60, damaged.length) : damaged.length;
    for (let i = random.between(1, 3); i > 0; i--) {
      const value = random.pick([0, 1, 2, 3, 127, 128, 129, 192, 241, 255, random.below(256)]);
      damaged[random.below(reach)] = value;
    }
    const message = `seed ${seed}: ${damaged.toHex()}`;
    if (assertAgrees(check, damaged, damaged.length, message)) accepted++;
  }
  assert(accepted > 100 && accepted < 5900, `seed ${seed}: ${accepted}`);
});
