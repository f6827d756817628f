/** Small values become blocks as they stand; what is wrong with them is told, nothing is left. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type EncodingLimits,
  isSmallType,
  RdbSmallReader,
} from "../../src/persistence/rdb_small_reader.ts";
import * as format from "../../src/persistence/rdb_format.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { latin1 } from "../support/text.ts";
import { listpackOf } from "../structures/listpack_bytes.ts";
import { contentsOf } from "./keyspace_contents.ts";

const { RDB_HASH_LISTPACK, RDB_SET_INTSET, RDB_SET_LISTPACK, RDB_ZSET_LISTPACK, RdbFormatError } =
  format;

/** A string of the file, of 32 bits of length. */
function stringOf(body: Uint8Array): Uint8Array {
  const n = body.length;
  return new Uint8Array([0x80, n >> 24, n >> 16, n >> 8, n, ...body]);
}

/** The same string as LZF, which copies its bytes 32 at a time. */
function packedOf(body: Uint8Array): Uint8Array {
  const packed: number[] = [];
  for (let at = 0; at < body.length; at += 32) {
    const literals = body.subarray(at, at + 32);
    packed.push(literals.length - 1, ...literals);
  }
  const lengths = [packed.length, body.length]
    .flatMap((n) => [0x80, n >> 24, n >> 16, n >> 8, n]);
  return new Uint8Array([0xc3, ...lengths, ...packed]);
}

/**
 * Reads a value; what the server then says of the key and of these requests, "empty", or what was
 * wrong.
 */
function read(
  type: number,
  bytes: Uint8Array,
  narrow: boolean,
  requests: readonly string[] = [],
  release = "7.4",
): string {
  using server = new EmbeddedServer([["redis-version", release]]);
  const { keyspace, config } = server.server;
  const before = keyspace.arena.usedBytes;
  const input = new RdbInput("test", new ArraySource(bytes, 0, bytes.length), bytes.length, false);
  const limits: EncodingLimits = encodingLimits(config);
  if (narrow) {
    limits.hash = { ...limits.hash, listpackEntriesMax: 1 };
    limits.sortedSet = { ...limits.sortedSet, listpackEntriesMax: 1 };
    const listpackEntriesMax = Math.min(limits.set.listpackEntriesMax, 1);
    limits.set = { ...limits.set, intsetEntriesMax: 1, listpackEntriesMax };
  }
  const reader = new RdbSmallReader(input, keyspace.arena, limits);
  const load = () => reader.read(type, latin1("k"), 0, 1, -1);
  try {
    const entry = load();
    if (entry === 0) return "empty";
    keyspace.databases[0].insertEntry(entry);
    const content = contentsOf(server).get("0 k")!;
    return [content, ...requests.map((line) => server.run(...line.split(" ")))].join(" ");
  } catch (error) {
    if (!(error instanceof RdbFormatError)) throw error;
    assertEquals(keyspace.arena.usedBytes, before, "nothing is left behind");
    return error.reason;
  }
}

const INTSET = latin1("\x02\0\0\0\x02\0\0\0\x01\0\x05\0");

Deno.test("values are kept as they stand, or converted where the limits ask for it", () => {
  const cases: [number, Uint8Array, string, string, string][] = [
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "g", "2"]), "hash", "listpack", '"f"="1","g"="2"'],
    [
      RDB_ZSET_LISTPACK,
      listpackOf(["a", "1", "b", "2.5"]),
      "zset",
      "listpack",
      '"a","1","b","2.5"',
    ],
    [RDB_SET_INTSET, INTSET, "set", "intset", '"1","5"'],
    [RDB_SET_LISTPACK, listpackOf(["b", "1"]), "set", "listpack", '"1","b"'],
    // Redis: what is a listpack is not made an intset again.
    [RDB_SET_LISTPACK, listpackOf(["1", "5"]), "set", "listpack", '"1","5"'],
  ];
  for (const [type, body, kind, encoding, content] of cases) {
    assertEquals(isSmallType(type), true);
    const large = kind === "zset" ? "skiplist" : "hashtable";
    for (const bytes of [stringOf(body), packedOf(body)]) {
      assertEquals(read(type, bytes, false), `${kind}|${encoding}|-1|${content}`);
      assertEquals(read(type, bytes, true), `${kind}|${large}|-1|${content}`);
    }
  }
  assertEquals(isSmallType(format.RDB_STRING), false);
});

/** 5 as text, and as an integer. */
const TEXT_AND_INTEGER = latin1("\x0c\0\0\0\x02\0\x815\x02\x05\x01\xff");
/** 5 as an integer of 16 bits, and as one of 7. */
const WIDE_AND_SMALL = latin1("\x0d\0\0\0\x02\0\xf1\x05\0\x03\x05\x01\xff");

Deno.test("lengths of a set's listpack that lie are refused", () => {
  const whole = listpackOf(["member", "x".repeat(70), "12345"]);
  // Of all, in bytes and in members; of each member, forwards and backwards; and the end.
  for (const at of [0, 1, 3, 4, 5, 6, 13, 14, 15, 86, 87, 90, 91]) {
    for (const change of [1, 2, 0x40, 0xff]) {
      const body = whole.slice();
      body[at] ^= change;
      for (const bytes of [stringOf(body), packedOf(body)]) {
        const found = read(RDB_SET_LISTPACK, bytes, false);
        assertEquals(found, "Listpack integrity check failed", `byte ${at} ^ ${change}`);
      }
    }
  }
});

Deno.test("integers of a set that are stored otherwise than here are found and taken out", () => {
  // 12 as text, 5 as an integer of 16 bits, -1 as one of 64.
  const minusOne = `\xf4${"\xff".repeat(8)}\x09`;
  const body = latin1(`\x19\0\0\0\x03\0\x8212\x03\xf1\x05\0\x03${minusOne}\xff`);
  const requests = ["SMISMEMBER k 12 5 -1 6", "SADD k 12 5 -1", "SREM k 5 12", "SMEMBERS k"];
  const found = read(RDB_SET_LISTPACK, stringOf(body), false, requests);
  assertEquals(found, 'set|listpack|-1|"-1","12","5" 1,1,1,0 0 2 -1');
});

Deno.test("a release without listpacks of sets gets the encoding that it knows", () => {
  const load = (members: string[]) =>
    read(RDB_SET_LISTPACK, stringOf(listpackOf(members)), false, [], "7.0");
  assertEquals(load(["5", "1"]), 'set|intset|-1|"1","5"');
  assertEquals(load(["5", "a"]), 'set|hashtable|-1|"5","a"');
});

Deno.test("no elements, no key; and what is wrong is told", () => {
  const damaged = listpackOf(["f", "1"]);
  damaged[7] ^= 1;
  const cases: [number, Uint8Array, string][] = [
    [RDB_HASH_LISTPACK, listpackOf([]), "empty"],
    [RDB_ZSET_LISTPACK, listpackOf([]), "empty"],
    [RDB_HASH_LISTPACK, damaged.slice(0, -1), "Listpack integrity check failed"],
    [RDB_ZSET_LISTPACK, damaged.slice(0, -1), "Listpack integrity check failed"],
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "f", "2"]), "a hash holds a field twice"],
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "g"]), "Hash listpack integrity check failed"],
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "f"]), "a hash holds a field twice"],
    [RDB_ZSET_LISTPACK, listpackOf(["f", "1", "f", "2"]), "Zset listpack integrity check failed"],
    [RDB_ZSET_LISTPACK, listpackOf(["f", "2", "g", "1"]), "Zset listpack integrity check failed"],
    [RDB_ZSET_LISTPACK, listpackOf(["f", "x"]), "Zset listpack integrity check failed"],
    [RDB_SET_INTSET, latin1("\x02\0\0\0\x02\0\0\0\x01\0\x01\0"), "Intset integrity check failed"],
    [RDB_SET_LISTPACK, listpackOf([]), "empty"],
    [RDB_SET_LISTPACK, damaged.slice(0, -1), "Listpack integrity check failed"],
    [RDB_SET_LISTPACK, listpackOf(["f", "g", "f"]), "a set holds a member twice"],
    [RDB_SET_LISTPACK, listpackOf(["", "7", ""]), "a set holds a member twice"],
    [RDB_SET_LISTPACK, listpackOf(["-7", "8", "-7"]), "a set holds a member twice"],
    [RDB_SET_LISTPACK, TEXT_AND_INTEGER, "a set holds a member twice"],
    [RDB_SET_LISTPACK, WIDE_AND_SMALL, "a set holds a member twice"],
  ];
  for (const [type, body, expected] of cases) {
    for (const narrow of [false, true]) {
      assertEquals(read(type, stringOf(body), narrow), expected);
      assertEquals(read(type, packedOf(body), narrow), expected);
    }
  }
  const long = packedOf(listpackOf(["f", "1"]));
  long[9]++;
  assertEquals(read(RDB_HASH_LISTPACK, long, false), "damaged compressed string");
});

Deno.test("a hash that no block can hold becomes a table", () => {
  const fields = Array.from({ length: 6000 }, (_, index) => `field:${index}`.padEnd(30, "."));
  const elements = fields.flatMap((field) => [field, "v".repeat(20)]);
  const length = 7 + elements.reduce((sum, { length }) => sum + length + 2, 0);
  const head = [length, length >> 8, length >> 16, 0, elements.length, elements.length >> 8];
  const entries = elements.map((text) => {
    return String.fromCharCode(0x80 | text.length) + text + String.fromCharCode(text.length + 1);
  });
  const body = new Uint8Array([...head, ...latin1(entries.join("")), 0xff]);
  for (const bytes of [stringOf(body), packedOf(body)]) {
    const found = read(RDB_HASH_LISTPACK, bytes, false);
    assertEquals(found.slice(0, 18), "hash|hashtable|-1|");
    assertEquals(found.split(",").length, 6000);
  }
});

Deno.test("a value that the file does not hold as a whole is refused", () => {
  using server = new EmbeddedServer([]);
  const { keyspace, config } = server.server;
  const bytes = stringOf(listpackOf(["f", "1"])).slice(0, -1);
  const input = new RdbInput("test", new ArraySource(bytes, 0, bytes.length), bytes.length, false);
  const reader = new RdbSmallReader(input, keyspace.arena, encodingLimits(config));
  assertThrows(() => reader.read(RDB_HASH_LISTPACK, latin1("k"), 0, 1, -1), RdbFormatError);
});
